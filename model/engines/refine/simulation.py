"""One step of the concrete spec as steps of the abstract one, looked at through the parts of the nodes that it involves."""

import linecache
from typing import Any

from attrs import field, frozen

from model.engines.refine.refinement import Call, Refinement, check_abstract, is_compared
from model.engines.refine.windows import UNSEEN, Part, Parts, Unseen, Window, owner_of
from model.language import Action, Disabled, Spec, SpecError, unknown
from model.language.ground_spec import GroundSpec
from model.language.plain import PlainReading, Stepper, format_value
from model.language.plain_state import CutStep, MessageSet, roll_back
from model.language.reading import reading
from model.language.sorts import is_record
from model.language.trace import trace

Path = tuple[str, ...]
"""The abstract actions that a step stands for; empty for a stutter."""


@frozen
class Mismatch:
    """Why a step is not the abstract steps that it should stand for: what was tried, and what is wrong, in domain words."""

    tried: tuple[str, ...]
    wrong: str

    def __str__(self) -> str:
        return f"{', '.join(self.tried) or 'a stutter'}: {self.wrong}"


@frozen(eq=False)
class _Image:
    """A node's part of the abstract state, and the messages that it calls for."""

    part: Part
    needed: tuple[tuple[str, frozenset[Any]], ...] = field(repr=False)


def format_call(action: Action, args: tuple[Any, ...]) -> str:
    """A step in domain words."""
    inner = ", ".join(f"{p.name}={format_value(v, p.sort)}" for p, v in zip(action.parameters, args, strict=True))
    return f"{action.name}({inner})"


class Simulation:
    """Maps the parts of states, and checks steps. `images` are kept per part: a part is mapped once."""

    def __init__(self, refinement: Refinement, source: GroundSpec, parts: Parts) -> None:
        check_abstract(trace(refinement.abstract))
        self.refinement, self.abstract = refinement, refinement.abstract
        self.concrete, self.parts = source.spec, parts
        for action in source.spec.actions:
            if action.name not in refinement.steps:
                raise SpecError(f"nothing is said of what {action.name} of {source.spec.name} stands for", "see `steps`")
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
        self._images: list[dict[int, _Image]] = [{} for _ in parts.nodes]
        self._initial = Stepper(self.abstract, bounds, coverage=False)

    # ---- states
    def image(self, node: int, number: int) -> _Image:
        """The abstract part for a node's part."""
        found = self._images[node].get(number)
        if found is None:
            found = self._images[node][number] = self._mapped(node, self.parts.contents[node][number])
        return found

    def _mapped(self, node: int, part: Part) -> _Image:
        self._before.show((part,))
        work = self._work
        work.show(())
        with reading(self._concrete_reading):
            self.refinement.state(self._before.state, work.state, node)
        written = {(store.name, owner_of(key)) for store, key, _ in work.state.__dict__["_undo"] if key is not None}
        for name, owner in sorted(written):
            if owner != node:
                raise SpecError(f"the part of n{node + 1} writes {name} of n{owner + 1}", "map node by node")
        taken = work.taken(node)
        for name, cells in taken.cells:
            if any(value is UNSEEN for _, value in cells):
                raise SpecError(f"the mapping to {self.abstract.name} says nothing of {name}", "write it")
        roll_back(work.state.__dict__["_undo"])
        return _Image(Part(taken.cells, ()), tuple((name, frozenset(ms)) for name, ms in taken.messages))

    def start(self, numbers: tuple[int, ...]) -> Mismatch | None:
        """Whether the initial state stands for the abstract one, in which nothing has been sent."""
        self._work.show(tuple(self.image(n, numbers[n]).part for n in self.parts.nodes))
        stores = self._initial.thaw(self._initial.initial()).__dict__["_stores"]
        for store in stores:
            if is_compared(store.name) and not isinstance(store, MessageSet):
                for key in store:
                    found, wanted = dict.get(self._work.stores[store.name], key), dict.get(store, key)
                    if found != wanted:
                        return Mismatch((), self._differs(store.name, key, wanted, found))
        return self._unsent(numbers, tuple(self.parts.nodes), {})

    # ---- steps
    def step(
        self, place: int, args: tuple[Any, ...], nodes: tuple[int, ...], before: tuple[int, ...], after: tuple[int, ...]
    ) -> Path | Mismatch:
        """What a step stands for, seen through these nodes' parts (their numbers before and after); Unseen if that is not enough."""
        contents, work = self.parts.contents, self._work
        self._before.show(tuple(contents[n][i] for n, i in zip(nodes, before, strict=True)))
        self._after.show(tuple(contents[n][i] for n, i in zip(nodes, after, strict=True)))
        action = self.concrete.actions[place]
        with reading(self._concrete_reading):
            calls = list(self.refinement.steps[action.name](self._before.state, self._after.state, *args))
        images = [self.image(n, i) for n, i in zip(nodes, before, strict=True)]
        targets = [self.image(n, i) for n, i in zip(nodes, after, strict=True)]
        work.show(tuple(i.part for i in images))
        for image in images:
            for name, messages in image.needed:
                work.stores[name].items = tuple(dict.fromkeys((*work.stores[name].items, *messages)))
        try:
            return self._run(calls, targets)
        finally:
            roll_back(work.state.__dict__["_undo"])

    def _run(self, calls: list[Call], targets: list[_Image]) -> Path | Mismatch:
        tried: list[str] = []
        for name, *args in calls:
            action = self._action(name)
            tried.append(format_call(action, tuple(args)))
            wrong = self._take(action, tuple(args))
            if wrong:
                return Mismatch(tuple(tried), wrong)
        stores = self._work.stores
        for target in targets:
            for variable, cells in target.part.cells:
                for key, value in cells:
                    found = dict.get(stores[variable], key)
                    if found != value:
                        return Mismatch(tuple(tried), self._differs(variable, key, found, value))
        unsent = self._missing(targets)
        return Mismatch(tuple(tried), unsent) if unsent else tuple(name for name, *_ in calls)

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

    def _missing(self, targets: list[_Image]) -> str:
        for target in targets:
            for name, messages in target.needed:
                sent = self._work.stores[name].items
                for message in sorted(messages, key=str):
                    if message not in sent:
                        return f"{format_value(message, self._sorts[name].record)} has not been sent"
        return ""

    def _unsent(self, numbers: tuple[int, ...], nodes: tuple[int, ...], _: dict[str, Any]) -> Mismatch | None:
        self._work.show(())
        wrong = self._missing([self.image(n, numbers[n]) for n in nodes])
        return Mismatch((), wrong) if wrong else None

    def _differs(self, variable: str, key: Any, found: Any, wanted: Any) -> str:
        declaration = self._sorts[variable]
        keys = key if isinstance(key, tuple) else (key,)
        index = ", ".join(format_value(k, sort) for k, sort in zip(keys, declaration.args, strict=True))
        values = (format_value(v, declaration.result) for v in (found, wanted))
        text = "{} of {} is then {}, where the state of {} stands for {}"
        return text.format(f"{variable}[{index}]", self.abstract.name, next(values), self.concrete.name, next(values))


def _guard(stop: Disabled) -> str:
    """The guard that is false: `file:line: source`."""
    if stop.code is None:
        return "no guard of its own"
    return f"{stop.code.co_filename}:{stop.line}: {linecache.getline(stop.code.co_filename, stop.line).strip()}"


def involved(args: tuple[Any, ...], sorts: tuple[Any, ...], of: Any) -> tuple[int, ...]:
    """The nodes that a step's arguments name, themselves or in a message."""
    found: list[int] = []
    for value, sort in zip(args, sorts, strict=True):
        if is_record(sort):
            found += involved(tuple(value), tuple(sort.fields.values()), of)
        elif value is not None and (sort is of or getattr(sort, "sort", None) is of):
            found.append(value)
    return tuple(sorted(set(found)))


