"""The plain reading: a spec's functions run directly on Python values.

Slow and obvious on purpose. It is the oracle for everything that is derived from the symbolic graph, and what every
counterexample is replayed on before it is reported. It shares no code with the tracer.

A state has two forms. *Frozen*: a tuple over the variables in the order of their declaration; a function is the tuple of
its values over the product of its argument sorts, a sequence a tuple of records, a message set a tuple of records sorted by
`message_key`, a bag the same with repeats. *Thawed* (`plain_state.py`): an object on which a spec's functions read and write.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any

from model.language.declare import Declaration, FnDecl
from model.language.errors import BoundsError, SpecError
from model.language.plain_state import CutStep, MessageSet, PlainState, Undo, message_key, roll_back, state_class
from model.language.reading import reading, stack
from model.language.sorts import Bounds, Enum, Node, OptionOf, Ordinal, Quorum, SeqOf, elements, is_record
from model.language.spec import Action, Spec
from model.language.words import Disabled, Property

__all__ = ["CutStep", "Frozen", "PlainReading", "PlainState", "Stepper", "format_value", "message_key"]

Frozen = tuple[Any, ...]


class PlainReading:
    """The words on plain values, within bounds."""

    def __init__(self, bounds: Bounds, rules: Mapping[str, Callable[..., Any]]) -> None:
        self.bounds, self.rules = bounds, rules
        self._domains: dict[Any, tuple[Any, ...]] = {}

    def domain(self, sort: Any) -> tuple[Any, ...]:
        """The elements of a sort, remembered."""
        found = self._domains.get(sort)
        if found is None:
            found = self._domains[sort] = elements(sort, self.bounds)
        return found

    def forall(self, sorts: tuple[Any, ...], body: Callable[..., Any]) -> bool:
        if len(sorts) == 1:
            return all(body(x) for x in self.domain(sorts[0]))
        return all(body(*xs) for xs in product(*(self.domain(s) for s in sorts)))

    def exists(self, sorts: tuple[Any, ...], body: Callable[..., Any]) -> bool:
        return any(body(*xs) for xs in product(*(self.domain(s) for s in sorts)))

    def count(self, sort: Any, body: Callable[..., Any]) -> int:
        return sum(1 for x in self.domain(sort) if body(x))

    def the(self, sort: Any, body: Callable[..., Any]) -> Any:
        found = [x for x in self.domain(sort) if body(x)]
        if len(found) > 1:
            raise SpecError(f"the({sort!r}, ...) has {len(found)} candidates: {found}", "make the condition unique")
        if not found:
            raise Disabled(body.__code__, body.__code__.co_firstlineno)
        return found[0]

    def quorum(self, body: Callable[..., Any]) -> tuple[Any, ...]:
        members = tuple(n for n in self.domain(Node) if body(n))
        if 2 * len(members) <= len(self.domain(Node)):
            raise Disabled(body.__code__, body.__code__.co_firstlineno)
        return members

    def is_quorum(self, body: Callable[..., Any]) -> bool:
        nodes = self.domain(Node)
        return 2 * sum(1 for n in nodes if body(n)) > len(nodes)

    def member(self, node: Any, quorum: Any) -> bool:
        return quorum is not None and node in quorum

    def sequence(self, length: int, element: Callable[[Any], Any]) -> tuple[Any, ...]:
        if length < 0:
            raise SpecError(f"sequence({length}, ...)", "a length is 0 or more")
        return tuple(element(i) for i in range(1, length + 1))

    def call(self, rule: Any, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        return function(*args)

    def require(self, condition: Any) -> None:
        raise SpecError(f"require({condition!r})", "a guard is a truth value: compare, do not pass a value")


Check = Callable[[Any], bool]
_SOME_ACTION = "<action>:0"
"""Stands for the line of the action in force, which a check of a value does not know."""


def _in_bounds(result: Any, bounds: Bounds) -> Check | None:
    """What has to be checked of a new value of this type, or None if every value is within bounds."""
    if isinstance(result, OptionOf):
        inner = _in_bounds(result.sort, bounds)
        return None if inner is None else lambda v: v is None or inner(v)
    if isinstance(result, SeqOf):
        longest, cell = bounds[result.index.bound], _in_bounds(result.record, bounds)
        return lambda v: len(v) <= longest and (cell is None or all(cell(x) for x in v))
    if is_record(result):
        parts = [(i, c) for i, s in enumerate(result.fields.values()) if (c := _in_bounds(s, bounds)) is not None]
        return (lambda v: all(check(v[i]) for i, check in parts)) if parts else None
    if issubclass(result, Ordinal):
        highest = bounds[result.bound]

        def check(value: int) -> bool:
            if value < 0:
                raise SpecError(f"a step makes a value of {result!r} {value}", "guard the subtraction", _SOME_ACTION)
            return value <= highest

        return check
    return None


class Stepper:
    """A spec under given bounds, on plain values: initial states, successors, properties. The small interface of engines.

    `blocked[action][file, line]` counts which guard disabled an action, `cut[action]` the steps that would leave the
    bounds, when `coverage` is on. Whoever wants to know those steps sets `beyond` to a list: each one's place and arguments are added.
    """

    def __init__(self, spec: Spec, bounds: Bounds, *, coverage: bool = True) -> None:
        self.spec, self.bounds, self.coverage = spec, bounds, coverage
        self.variables = spec.state.variables
        self.reading = PlainReading(bounds, spec.overrides)
        self.blocked: list[dict[tuple[str, int], int]] = [{} for _ in spec.actions]
        self.cut = [0 for _ in spec.actions]
        self.beyond: list[tuple[int, tuple[Any, ...]]] | None = None
        kind = state_class(self.variables)
        self._work, self._before = kind(self.variables, bounds), kind(self.variables, bounds)
        self._base: Frozen | None = None  # the state whose steps `_work` is being used for
        self._names = list(self.variables)
        self._place = {name: i for i, name in enumerate(self._names)}
        self._checks = [
            _in_bounds(d.result if isinstance(d, FnDecl) else d.record, bounds) for d in self.variables.values()
        ]

    # ---- states
    def _freeze(self, store: Any) -> Any:
        if isinstance(store, MessageSet):
            return store.items
        return tuple(store.values()) if store.domains else store.get(())

    def _load(self, state: Any, frozen: Frozen) -> None:
        for store, value in zip(state.__dict__["_stores"], frozen, strict=True):
            if isinstance(store, MessageSet):
                store.items = value
            elif store.domains:
                store.update(zip(store.keys_in_order(), value, strict=True))
            else:
                dict.__setitem__(store, (), value)
        state.__dict__["_undo"].clear()

    def thaw(self, frozen: Frozen) -> Any:
        """A fresh thawed state for reading (and for running actions by hand)."""
        state = state_class(self.variables)(self.variables, self.bounds)
        self._load(state, frozen)
        return state

    def freeze(self, state: Any) -> Frozen:
        """The frozen form of a thawed state."""
        return tuple(self._freeze(store) for store in state.__dict__["_stores"])

    def initial(self) -> Frozen:
        """The initial state; BoundsError if the bounds are too small for it."""
        state = state_class(self.variables)(self.variables, self.bounds)
        name = "state"
        try:
            with reading(self.reading):
                self.spec.init(state)
            frozen = self.freeze(state)
            for name, value, check in zip(self._names, frozen, self._checks, strict=True):
                self._check_value(self.variables[name], value, check)
        except CutStep:
            raise BoundsError(f"the initial {name} of {self.spec.name} is beyond the bounds") from None
        return frozen

    def _dirty(self, base: Frozen, undo: Undo, action: Action) -> Frozen:
        """The state after an action: what was written, frozen anew and checked against the bounds."""
        try:
            return self._frozen_anew(base, undo)
        except SpecError as error:
            code = action.function.__code__
            where = f"{code.co_filename}:{code.co_firstlineno}" if error.where == _SOME_ACTION else error.where
            raise SpecError(error.cause, error.remedy, where) from None

    def _frozen_anew(self, base: Frozen, undo: Undo) -> Frozen:
        new = list(base)
        for store in {id(entry[0]): entry[0] for entry in undo}.values():
            place = self._place[store.name]
            value = new[place] = self._freeze(store)
            self._check_value(self.variables[store.name], value, self._checks[place])
        return tuple(new)

    @staticmethod
    def _check_value(declaration: Declaration, value: Any, check: Check | None) -> None:
        """CutStep if a variable's frozen value is beyond the bounds."""
        if check is not None:
            single = isinstance(declaration, FnDecl) and not declaration.args
            if not all(check(v) for v in ((value,) if single else value)):
                raise CutStep

    def resized(self, frozen: Frozen, old: "Stepper") -> Frozen:
        """A state of the same spec under other bounds, carried over to these; what is new has default values."""
        source, target = old.thaw(frozen), self.thaw(self.initial())
        for before, after in zip(source.__dict__["_stores"], target.__dict__["_stores"], strict=True):
            if isinstance(after, MessageSet):
                after.items = before.items
            else:
                for key in after:
                    if key in before:
                        dict.__setitem__(after, key, dict.__getitem__(before, key))
        return self.freeze(target)

    # ---- actions
    def arguments(self, action: Action, frozen: Frozen) -> Iterator[tuple[Any, ...]]:
        """The candidates for an action's parameters in a state: elements of sorts, messages in flight."""
        domains = []
        for p in action.parameters:
            if p.network is None:
                domains.append(self.reading.domain(p.sort))
            else:
                domains.append(tuple(dict.fromkeys(frozen[self._place[p.network]])))
        return product(*domains)

    def successors(self, frozen: Frozen) -> Iterator[tuple[int, tuple[Any, ...], Frozen]]:
        """Every enabled step: (place of the action in the spec, arguments, next state). Stutter steps count."""
        for place, args, new, _ in self.steps(frozen):
            yield place, args, new

    def steps(self, frozen: Frozen) -> Iterator[tuple[int, tuple[Any, ...], Frozen, Any]]:
        """Like `successors`, with the thawed next state (valid until the iteration goes on) for evaluating properties."""
        work = self._work
        self._load(work, frozen)
        self._base = frozen
        undo: Undo = work.__dict__["_undo"]
        in_force = stack()
        for place, action in enumerate(self.spec.actions):
            function = action.function
            for args in self.arguments(action, frozen):
                in_force.append(self.reading)  # `with reading(...)`, without its cost: this is the innermost loop
                try:
                    function(work, *args)
                    new = self._dirty(frozen, undo, action)
                except Disabled as stop:
                    self._note_blocked(place, stop)
                    roll_back(undo)
                    continue
                except CutStep:
                    self.cut[place] += 1
                    if self.beyond is not None:
                        self.beyond.append((place, args))
                    roll_back(undo)
                    continue
                finally:
                    in_force.pop()
                yield place, args, new, work
                if self._base is frozen:
                    roll_back(undo)
                else:  # the caller has meanwhile taken steps from another state
                    self._load(work, frozen)
                    self._base = frozen

    def _note_blocked(self, place: int, stop: Disabled) -> None:
        if self.coverage and stop.code is not None:
            key = (stop.code.co_filename, stop.line)
            blocked = self.blocked[place]
            blocked[key] = blocked.get(key, 0) + 1

    def apply(self, frozen: Frozen, action: str, args: tuple[Any, ...]) -> Frozen:
        """Take one step by name.

        Raises Disabled (with the guard that is false) if the action is not enabled, CutStep if it would leave the bounds,
        LookupError for an unknown action. A message among the arguments must be in its network.
        """
        for candidate in self.spec.actions:
            if candidate.name == action:
                break
        else:
            raise LookupError(f"spec {self.spec.name} has no action {action!r}")
        for p, value in zip(candidate.parameters, args, strict=True):
            if p.network is not None and value not in frozen[self._place[p.network]]:
                raise Disabled(None, 0)
        self._load(self._work, frozen)
        self._base = None
        undo: Undo = self._work.__dict__["_undo"]
        try:
            with reading(self.reading):
                candidate.function(self._work, *args)
            return self._dirty(frozen, undo, candidate)
        finally:
            roll_back(undo)

    # ---- properties
    def view(self, frozen: Frozen) -> Any:
        """A thawed copy of a state for evaluating properties, valid until the next call."""
        self._load(self._before, frozen)
        return self._before

    def holds_in(self, prop: Property, view: Any) -> bool:
        """Whether a property of one state (always, sometimes) is true of a thawed state."""
        undo: Undo = view.__dict__["_undo"]
        written = len(undo)  # a view may be a state that an action has just made
        with reading(self.reading):
            found = bool(prop.predicate(view))
        if len(undo) != written:
            raise _writes(prop)
        return found

    def holds_across(self, prop: Property, before: Any, after: Any) -> bool:
        """Whether a property of two states (step, or sometimes with two parameters) is true of two thawed states."""
        undos: tuple[Undo, Undo] = (before.__dict__["_undo"], after.__dict__["_undo"])
        written = len(undos[0]), len(undos[1])
        with reading(self.reading):
            found = bool(prop.predicate(before, after))
        if (len(undos[0]), len(undos[1])) != written:
            raise _writes(prop)
        return found

    def holds(self, prop: Property, frozen: Frozen, after: Frozen | None = None) -> bool:
        """Whether a property's predicate is true of a state, or of a state and the next one."""
        if after is None:
            return self.holds_in(prop, self.view(frozen))
        return self.holds_across(prop, self.thaw(frozen), self.thaw(after))

    def plain(self, frozen: Frozen) -> Frozen:
        """The plain frozen form of a state: itself, in this reading."""
        return frozen


def _writes(prop: Property) -> SpecError:
    """A predicate that changes what it is asked about would change the verdict on every property after it."""
    code = prop.predicate.__code__
    where = f"{code.co_filename}:{code.co_firstlineno}"
    return SpecError(f"property {prop.name} writes to the state", "a property only reads", where)


def format_value(value: Any, sort: Any) -> str:
    """A plain value in domain words: nodes are n1, n2, ..., NONE is `-`."""
    if value is None:
        return "-"
    if isinstance(sort, OptionOf):
        return format_value(value, sort.sort)
    if isinstance(sort, SeqOf):
        return "[" + " ".join(format_value(v, sort.record) for v in value) + "]"
    if is_record(sort):
        inner = " ".join(f"{f}={format_value(v, s)}" for (f, s), v in zip(sort.fields.items(), value, strict=True))
        return f"{sort!r}({inner})"
    if sort is Node:
        return f"n{value + 1}"
    if sort is Quorum:
        return "{" + ",".join(format_value(n, Node) for n in value) + "}"
    if issubclass(sort, Enum):
        return str(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
