"""Misses: what a group does for one combination of projected values, by Python code generated from the ground form.

The generated functions run on a flat state of which only the group's places have values. Everything else is UNREAD, which
refuses every use: a footprint that is too small is an error here, never a wrong result.
"""

from collections.abc import Iterator
from itertools import product
from typing import Any, NoReturn

from attrs import frozen

from model.engines.compiled.components import SOMETIMES, Group, Part, Partition
from model.engines.compiled.footprint import FootprintError, within
from model.engines.compiled.slots import EMPTY, SlotMessage, Special
from model.language.graph import Term
from model.language.ground import GroundBlock, Instance
from model.language.ground_code import CUT, Writer, compiled
from model.language.sorts import Bool


class Unread:
    """The value of a place that is not in a group's footprint."""

    def _refuse(self, *_: object) -> NoReturn:
        raise FootprintError("a place outside of the footprint was read; please report this")

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = __hash__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __index__ = __iter__ = __len__ = __contains__ = __getitem__ = _refuse


UNREAD = Unread()
Values = list[list[Any]]
"""What a group sees: the values of the places of each of its views."""

Patch = tuple[tuple[int, int], ...]
"""Places of the flat state and their new values, numbers of contents for slots."""


Move = tuple[int, bool, tuple[str, ...], tuple[tuple[int, Patch], ...]]
"""One step out of the states that a combination stands for: the action's place in the spec, whether the step is cut because it
would leave the bounds, the names of the properties of two states that it violates or reaches, and patches by component."""


@frozen(eq=False)
class _Runnable:
    """A group's functions by name; per member what evaluating it needs; per part its event, its check, and which answer decides."""

    functions: dict[str, Any]
    runs: list[tuple[Special, Any, tuple[Any, ...], list[Any], tuple[SlotMessage, ...]]]
    verdicts: list[tuple[str, Any, bool]]


class Evaluator:
    """Evaluates groups. Contents of slots are numbered in the order in which they are met; 0 is the empty slot."""

    def __init__(self, partition: Partition) -> None:
        self.partition, self.groups = partition, partition.groups
        self.contents: list[tuple[Any, ...]] = [EMPTY]
        self.numbers: dict[tuple[Any, ...], int] = {EMPTY: 0}
        self.evaluated = 0
        layout = partition.layout
        self._first_slot = layout.base.width
        self._blank: list[Any] = [UNREAD] * layout.width
        self._ready: dict[int, _Runnable] = {}

    # ---- code
    def _runnable(self, group: Group) -> "_Runnable":
        """A group's functions, generated when they are first needed."""
        found = self._ready.get(group.number)
        if found is None:
            functions = self._functions(group)
            runs = [self._prepare(functions, group, j) for j in range(len(group.members))]
            verdicts = [
                (p.event, functions[f"p{group.number}_{k}"], p.kind == SOMETIMES) for k, p in enumerate(group.parts)
            ]
            found = self._ready[group.number] = _Runnable(functions, runs, verdicts)
        return found

    def _functions(self, group: Group) -> dict[str, Any]:
        writer, make = Writer(self.partition.layout, self.partition.ground.bounds), self.partition.ground.graph.make
        for j, member in enumerate(group.members):
            writer.instance(f"m{group.number}_{j}", member.special.action, member.special.instance)
            for k, across in enumerate(member.across):
                op = "or" if across.prop.kind == SOMETIMES else "and"
                writer.predicate(f"x{group.number}_{j}_{k}", make(op, across.terms, Bool))
        for k, part in enumerate(group.parts):
            op = "or" if part.kind == SOMETIMES else "and"
            writer.predicate(f"p{group.number}_{k}", make(op, part.terms, Bool))
        for v, view in enumerate(group.views):
            here = frozenset(view.places)
            for j, member in enumerate(group.members):
                guards = guards_within(self.partition, member.special, here)
                instance = Instance(member.special.instance.args, GroundBlock(guards))
                writer.instance(f"d{group.number}_{v}_{j}", member.special.action, instance)
            for k, part in enumerate(group.parts):
                writer.predicate(f"u{group.number}_{v}_{k}", undecided(self.partition, part, here))
        return compiled(writer.lines, self.partition.layout)

    def _prepare(
        self, functions: dict[str, Any], group: Group, j: int
    ) -> tuple[Special, Any, tuple[Any, ...], list[Any], tuple[SlotMessage, ...]]:
        """What evaluating a member needs: its function, its writes by component, the checks of properties, its messages."""
        member = group.members[j]
        writes: dict[int, list[int]] = {}
        for place in member.footprint.writes:
            writes.setdefault(self.partition.component_of[place], []).append(place)
        by_component = tuple((component, tuple(places)) for component, places in sorted(writes.items()))
        run, special = functions[f"m{group.number}_{j}"], member.special
        checks = [
            (a.prop.name, functions[f"x{group.number}_{j}_{k}"], a.prop.kind == SOMETIMES)
            for k, a in enumerate(member.across)
        ]
        return special, run, by_component, checks, special.messages

    # ---- states
    def encode(self, value: Any) -> int:
        """The value of a place as a number."""
        if type(value) is not tuple:
            return int(value)
        number = self.numbers.get(value)
        if number is None:
            number = self.numbers[value] = len(self.contents)
            self.contents.append(value)
        return number

    def decode(self, place: int, value: int) -> Any:
        """The value of a place in a flat state."""
        return self.contents[value] if place >= self._first_slot else value

    def decoded(self, group: Group, view: int, row: list[int]) -> list[Any]:
        """What a group sees of one component, as values."""
        return [self.decode(place, value) for place, value in zip(group.views[view].places, row, strict=True)]

    def _state(self, group: Group, values: Values) -> list[Any]:
        state = self._blank[:]
        for view, row in zip(group.views, values, strict=True):
            for place, value in zip(view.places, row, strict=True):
                state[place] = value
        return state

    # ---- evaluation
    def evaluate(self, group: Group, values: Values) -> tuple[tuple[str, ...], list[Move]]:
        """The events of the properties of single states that are decided, and the steps, in the order of the spec."""
        self.evaluated += 1
        code = self._runnable(group)
        state = self._state(group, values)
        decided = tuple([event for event, check, decisive in code.verdicts if bool(check(state)) is decisive])
        found: list[Move] = []
        for special, run, writes, checks, sources in code.runs:
            if not sources:
                new = run(state)
                if new is not None:
                    found.append(self._move(special.place, state, new, writes, checks))
                continue
            for messages in product(*[m.among(state[m.slot.place]) for m in sources]):
                new = run(state, *messages)
                if new is not None:
                    found.append(self._move(special.place, state, new, writes, checks))
        return decided, found

    def _move(self, place: int, state: list[Any], new: Any, writes: tuple[Any, ...], checks: list[Any]) -> Move:
        if new is CUT:
            return place, True, (), ()
        decided = (
            tuple([name for name, check, decisive in checks if bool(check(state, new)) is decisive]) if checks else ()
        )
        if new is state:
            return place, False, decided, ()
        patches = []
        for component, at in writes:
            patch = []
            for p in at:
                before, after = state[p], new[p]
                if after is not before and (before is UNREAD or after != before):
                    patch.append((p, self.encode(after)))
            if patch:
                patches.append((component, tuple(patch)))
        return place, False, decided, tuple(patches)

    def moves(self, group: Group, values: Values) -> Iterator[tuple[Special, tuple[Any, ...], bool]]:
        """The moves of a group, in order: the instance, the messages it takes, and whether the bounds cut the step."""
        state = self._state(group, values)
        for special, run, _, _, sources in self._runnable(group).runs:
            for messages in product(*[m.among(state[m.slot.place]) for m in sources]):
                new = run(state, *messages)
                if new is not None:
                    yield special, messages, new is CUT

    def arguments(self, group: Group, values: Values, number: int) -> tuple[int, tuple[Any, ...]]:
        """The action's place and the plain arguments of the move of this number among a group's moves that are not cut."""
        for special, messages, cut in self.moves(group, values):
            if not cut:
                if number == 0:
                    return special.place, self.plain(special, messages)
                number -= 1
        raise FootprintError("a move that was taken is not found again; please report this")

    def plain(self, special: Special, messages: tuple[Any, ...]) -> tuple[Any, ...]:
        """The plain arguments of an instance that takes these messages."""
        args = list(special.instance.args)
        for (parameter, network, _), message in zip(special.action.messages, messages, strict=True):
            record = self.partition.ground.traced.networks[network].record
            args[parameter] = self.partition.layout.codec.whole(message, record)
        return tuple(args)

    def alive(self, group: Group, view: int, row: list[Any]) -> bool:
        """Whether the group can do anything when it sees this of one component, whatever the others are."""
        state = self._blank[:]
        here = group.views[view].places
        for place, value in zip(here, row, strict=True):
            state[place] = value
        functions = self._runnable(group).functions
        if any(functions[f"u{group.number}_{view}_{k}"](state) for k in range(len(group.parts))):
            return True
        for j, member in enumerate(group.members):
            guard = functions[f"d{group.number}_{view}_{j}"]
            sources = [
                m.among(state[m.slot.place]) if m.slot.place in here else (UNREAD,) for m in member.special.messages
            ]
            if any(guard(state, *messages) is not None for messages in product(*sources)):
                return True
        return False


def guards_within(partition: Partition, special: Special, here: frozenset[int]) -> tuple[Term, ...]:
    """The guards of an instance, before its first fork or witness, that depend on one component (and messages in it)."""
    bound: set[int] = set()
    for message, (_, _, fields) in zip(special.messages, special.action.messages, strict=True):
        if message.slot.place in here:
            bound.update(f.id for f in fields)
    found = []
    for condition in special.instance.tree.conditions:
        if not isinstance(condition, Term):
            break
        for part in condition.args if condition.op == "and" else (condition,):
            if within(part, here, partition.layout, frozenset(bound)):
                found.append(part)
    return tuple(found)


def undecided(partition: Partition, part: Part, here: frozenset[int]) -> Term:
    """Whether one component leaves open what a part says: it may already make every conjunct true, or every disjunct false."""
    make = partition.ground.graph.make
    reachable = part.kind == SOMETIMES
    open_ = []
    for term in part.terms:
        pieces = [t for t in _pieces(term, reachable, make) if within(t, here, partition.layout)]
        open_.append(make("and" if reachable else "or", tuple(pieces), Bool))
    if reachable:
        return make("or", tuple(open_), Bool)
    return make("not", (make("and", tuple(open_), Bool),), Bool)


def _pieces(term: Term, conjuncts: bool, make: Any) -> tuple[Term, ...]:
    """A term as a conjunction (or else a disjunction) of pieces, as far as its outer operations show them."""
    op, other = ("and", "or") if conjuncts else ("or", "and")
    if term.op == op:
        return tuple(p for a in term.args for p in _pieces(a, conjuncts, make))
    if term.op == "implies" and not conjuncts:
        a, b = term.args
        return (*_pieces(make("not", (a,), Bool), False, make), *_pieces(b, False, make))
    if term.op == "not":
        inner = term.args[0]
        if inner.op == other:
            return tuple(p for a in inner.args for p in _pieces(make("not", (a,), Bool), conjuncts, make))
        if inner.op == "implies" and conjuncts:
            a, b = inner.args
            return (*_pieces(a, True, make), *_pieces(make("not", (b,), Bool), True, make))
    return (term,)
