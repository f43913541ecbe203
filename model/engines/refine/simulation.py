"""One step of the concrete spec as steps of the abstract one, looked at through the parts of the nodes that it involves."""

import linecache
from pathlib import Path
from typing import Any

from attrs import frozen

from model.engines.refine.refinement import Call, Refinement, check_abstract, is_compared
from model.engines.refine.windows import UNSEEN, Part, Parts, Window
from model.language import Disabled, SpecError, unknown
from model.language.declare import FnDecl
from model.language.ground_spec import GroundSpec
from model.language.plain import PlainReading, Stepper, format_value
from model.language.plain_state import CutStep, roll_back
from model.language.reading import reading
from model.language.sorts import is_record
from model.language.spec import Action
from model.language.trace import trace

_ROOT = Path(__file__).resolve().parents[3]

Stands = tuple[str, ...]
"""The abstract actions that a step stands for; empty for a stutter."""


@frozen
class Mismatch:
    """Why a step is not the abstract steps that it should stand for: what was tried, and what is wrong, in domain words."""

    tried: tuple[str, ...]
    wrong: str

    def __str__(self) -> str:
        return f"{', '.join(self.tried) or 'a stutter'}: {self.wrong}"


def format_call(action: Action, args: tuple[Any, ...]) -> str:
    """A step in domain words."""
    inner = ", ".join(f"{p.name}={format_value(v, p.sort)}" for p, v in zip(action.parameters, args, strict=True))
    return f"{action.name}({inner})"


class Simulation:
    """Maps the parts of states, and checks steps. `images` are kept per part: a part is mapped once."""

    def __init__(self, refinement: Refinement, source: GroundSpec, parts: Parts) -> None:
        check_abstract(trace(refinement.abstract), shared=refinement.shared is not None)
        self.refinement, self.abstract = refinement, refinement.abstract
        self.concrete, self.parts = source.spec, parts
        for action in source.spec.actions:
            if action.name not in refinement.steps:
                raise SpecError(
                    f"nothing is said of what {action.name} of {source.spec.name} stands for", "see `steps`"
                )
        bounds = refinement.bounds(source.bounds)
        self._actions = {a.name: a for a in self.abstract.actions}
        self._concrete_reading = PlainReading(source.bounds, source.spec.overrides)
        self._abstract_reading = PlainReading(bounds, self.abstract.overrides)
        self._before = Window(source.spec, source.bounds, refinement.reads)
        self._after = Window(source.spec, source.bounds, refinement.reads)
        variables = self.abstract.state.variables
        compared = [name for name in variables if is_compared(name)]
        self._work = Window(self.abstract, bounds, compared, frozenset(n for n in variables if n not in compared))
        self._sorts = variables
        self._images: list[dict[int, Part]] = [{} for _ in parts.nodes]
        self._initial = Stepper(self.abstract, bounds, coverage=False)

    # ---- states
    def image(self, node: int, number: int) -> Part:
        """The abstract part that a node's part stands for, and the messages that it calls for."""
        found = self._images[node].get(number)
        if found is None:
            found = self._images[node][number] = self._mapped(node, self.parts.contents[node][number])
        return found

    def _mapped(self, node: int, part: Part) -> Part:
        self._before.show((part,))
        work = self._work
        work.show(())
        with reading(self._concrete_reading):
            if node in self.parts.shared:
                assert self.refinement.shared is not None
                self.refinement.shared(self._before.state, work.state)
            else:
                self.refinement.state(self._before.state, work.state, node)
        written = {(store.name, key) for store, key, _ in work.state.__dict__["_undo"] if key is not None}
        for name, owner in sorted({(name, work.owner(name, key)) for name, key in written}):
            if owner != node:
                raise SpecError(
                    f"the part of {self._whose(node)} writes {name} of {self._whose(owner)}", "map part by part"
                )
        taken = work.taken(node)
        for name, _, value in taken.cells:
            if value is UNSEEN:
                raise SpecError(f"the mapping to {self.abstract.name} says nothing of {name}", "write it")
        roll_back(work.state.__dict__["_undo"])
        return taken

    def start(self, numbers: tuple[int, ...]) -> Mismatch | None:
        """Whether the initial state stands for the abstract one, in which nothing has been sent."""
        images = [self.image(n, numbers[n]) for n in self.parts.nodes]
        for image in images:
            if image.messages:
                return Mismatch((), self._unsent(*image.messages[0]))
        start = self._initial.thaw(self._initial.initial()).__dict__["_stores"]
        stores = {store.name: store for store in start}
        for image in images:
            for name, key, value in image.cells:
                if (found := dict.get(stores[name], key)) != value:
                    return Mismatch((), self._differs(name, key, found, value))
        return None

    def _whose(self, node: int) -> str:
        return "nobody" if node in self.parts.shared else f"n{node + 1}"

    # ---- steps
    def step(
        self, place: int, args: tuple[Any, ...], nodes: tuple[int, ...], before: tuple[int, ...], after: tuple[int, ...]
    ) -> Stands | Mismatch:
        """What a step stands for, seen through these nodes' parts (their numbers before and after); Unseen if that is not enough."""
        contents, work = self.parts.contents, self._work
        self._before.show(tuple(contents[n][i] for n, i in zip(nodes, before, strict=True)))
        self._after.show(tuple(contents[n][i] for n, i in zip(nodes, after, strict=True)))
        action = self.concrete.actions[place]
        with reading(self._concrete_reading):
            calls = list(self.refinement.steps[action.name](self._before.state, self._after.state, *args))
        images = tuple([self.image(n, i) for n, i in zip(nodes, before, strict=True)])
        targets = [self.image(n, i) for n, i in zip(nodes, after, strict=True)]
        work.show(images)
        try:
            return self._run(calls, targets)
        finally:
            roll_back(work.state.__dict__["_undo"])

    def _run(self, calls: list[Call], targets: list[Part]) -> Stands | Mismatch:
        for number, (name, *args) in enumerate(calls, 1):
            if wrong := self._take(self._action(name), tuple(args)):
                return Mismatch(self._tried(calls[:number]), wrong)
        stores = self._work.stores
        for target in targets:
            for variable, key, value in target.cells:
                found = dict.get(stores[variable], key)
                if found != value:
                    return Mismatch(self._tried(calls), self._differs(variable, key, found, value))
            for name, messages in target.messages:
                sent = stores[name].items
                if missing := tuple(m for m in messages if m not in sent):
                    return Mismatch(self._tried(calls), self._unsent(name, missing))
        return tuple([call[0] for call in calls])

    def _tried(self, calls: list[Call]) -> tuple[str, ...]:
        return tuple(format_call(self._action(name), tuple(args)) for name, *args in calls)

    def _action(self, name: str) -> Action:
        if name not in self._actions:
            raise SpecError(unknown("action", name, self._actions, f"of {self.abstract.name}"), "see `steps`")
        return self._actions[name]

    def _take(self, action: Action, args: tuple[Any, ...]) -> str:
        """Take one abstract step; what is wrong, if it cannot be taken."""
        for parameter, value in zip(action.parameters, args, strict=True):
            if parameter.network is not None and value not in self._work.stores[parameter.network].items:
                return f"{format_value(value, parameter.sort)} has not been sent"
        try:
            with reading(self._abstract_reading):
                action.function(self._work.state, *args)
        except Disabled as stop:
            return f"{action.name} of {self.abstract.name} is not enabled: {_guard(stop)}"
        except CutStep:
            return f"{action.name} of {self.abstract.name} leaves the bounds"
        return ""

    def _unsent(self, network: str, messages: tuple[Any, ...]) -> str:
        return f"{format_value(messages[0], type(messages[0]))} of {network} has not been sent"

    def _differs(self, variable: str, key: Any, found: Any, wanted: Any) -> str:
        declaration = self._sorts[variable]
        assert isinstance(declaration, FnDecl)
        keys = key if isinstance(key, tuple) else (key,)
        index = ", ".join(format_value(k, sort) for k, sort in zip(keys, declaration.args, strict=True))
        values = (format_value(v, declaration.result) for v in (found, wanted))
        text = "{} of {} is then {}, where the state of {} stands for {}"
        return text.format(
            f"{variable}[{index}]" if index else variable,
            self.abstract.name,
            next(values),
            self.concrete.name,
            next(values),
        )


def _guard(stop: Disabled) -> str:
    """The guard that is false: `file:line: source`."""
    if stop.code is None:
        return "no guard of its own"
    path = Path(stop.code.co_filename)
    place = path.relative_to(_ROOT) if path.is_relative_to(_ROOT) else path
    return f"{place}:{stop.line}: {linecache.getline(stop.code.co_filename, stop.line).strip()}"


def involved(args: tuple[Any, ...], sorts: tuple[Any, ...], of: Any) -> tuple[int, ...]:
    """The nodes that a step's arguments name, themselves or in a message."""
    found: list[int] = []
    for value, sort in zip(args, sorts, strict=True):
        if is_record(sort):
            found += involved(tuple(value), tuple(sort.fields.values()), of)
        elif value is not None and (sort is of or getattr(sort, "sort", None) is of):
            found.append(value)
    return tuple(sorted(set(found)))
