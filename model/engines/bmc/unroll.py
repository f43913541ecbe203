"""Runs as formulas: the state of a spec at every moment, and one move from each moment to the next, which the solver chooses.

A run of so many steps is exactly a model of these formulas: no message is lost, no step left out but those beyond the bounds.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import z3
from attrs import define, field, frozen

from model.engines.bmc.moves import Move, Moves, widest
from model.engines.bmc.slots import Contents, Mailbox, mailboxes
from model.engines.bmc.symmetry import InOrder
from model.engines.formulas import Formulas, Slot, Vectors, cells, equals, value_in
from model.engines.verdict import TraceStep
from model.language.graph import Term
from model.language.ground import Expander
from model.language.ground_terms import values_of
from model.language.layout import UNSET
from model.language.sorts import Bool
from model.language.transition import TracedSpec


@frozen(eq=False)
class Moment:
    """The state at a moment, and the terms about it as formulas."""

    number: int
    leaves: dict[int, Any]
    slots: dict[str, list[Slot]]
    formulas: Formulas


@define(eq=False)
class Unrolling:
    """The runs of a traced spec within bounds from a flat state. `moments` and `steps` grow as `extend` is called."""

    traced: TracedSpec
    expander: Expander
    moves: tuple[Move, ...]
    claims: dict[str, Term]
    vectors: Vectors
    order: InOrder | None = None
    moments: list[Moment] = field(factory=list)
    _boxes: dict[str, Mailbox] = field(init=False)

    @classmethod
    def of(
        cls, traced: TracedSpec, expander: Expander, start: tuple[Any, ...], *, symmetric: bool = False
    ) -> "Unrolling":
        """The runs from this state; the first moment stands. `symmetric`: all nodes are alike in it, so that only runs that use
        them in their order are wanted.
        """
        moves = Moves(expander).all()
        claims = {p.property.name: expander.expand(p.term, {}) for p in traced.properties}
        vectors = Vectors(expander.codec, widest(expander), z3.Context())
        nodes = expander.bounds.get("nodes", 0)
        made = cls(traced, expander, moves, claims, vectors, InOrder(vectors, nodes) if symmetric and nodes else None)
        made.moments.append(made._first(start))
        return made

    def __attrs_post_init__(self) -> None:
        self._boxes = mailboxes(self.expander, self.vectors, [m.effects for m in self.moves])

    # ---- moments
    def _first(self, start: tuple[Any, ...]) -> Moment:
        layout = self.expander.layout
        leaves = {
            place: self.vectors.value(start[place], region.function.result)
            for region in layout.regions.values()
            for _, place in cells(region)
        }
        slots = {name: box.first(start[layout.networks[name]]) for name, box in self._boxes.items()}
        return self._moment(0, leaves, slots)

    def _moment(self, number: int, leaves: dict[int, Any], slots: dict[str, list[Slot]]) -> Moment:
        formulas = Formulas(self.expander.graph, self.expander.layout, self.vectors, leaves, slots, moment=f"@{number}")
        return Moment(number, leaves, slots, formulas)

    def extend(self) -> list[Any]:
        """Add a moment; what has to hold so that one move leads to it from the last one."""
        before = self.moments[-1]
        regions = self.expander.layout.regions.values()
        leaves = {
            place: self.vectors.variable(f"leaf{place}@{before.number + 1}", region.function.result)
            for region in regions
            for _, place in cells(region)
        }
        slots = {name: box.next(before.slots[name], before.number + 1) for name, box in self._boxes.items()}
        after = self._moment(before.number + 1, leaves, slots)
        found = list(self._step(before, after))
        self.moments.append(after)
        return found

    def flag(self, move: Move, number: int) -> Any:
        """That a move is taken from this moment to the next."""
        return self.vectors.variable(f"{move.place}@{number}", Bool)

    def claim(self, name: str, states: int, *, expected: bool) -> Any:
        """That a property is true (or false) of the last moment; of the last two for `states` 2."""
        term = self.claims[name] if expected else self.expander.graph.negation(self.claims[name])
        if states == 1:
            return self.moments[-1].formulas.formula(term)
        before, after = self.moments[-2:]
        pair = Formulas(
            self.expander.graph, self.expander.layout, self.vectors, before.leaves, before.slots, later=after.formulas
        )
        return pair.formula(term)

    # ---- steps
    def _step(self, before: Moment, after: Moment) -> Iterator[Any]:
        flags = [self.flag(m, before.number) for m in self.moves]
        yield z3.Or(*flags)
        yield z3.AtMost(*flags, 1)
        written: dict[int, list[tuple[Any, Any]]] = {}
        posted: dict[str, list[tuple[Any, Contents]]] = {}
        for move, flag in zip(self.moves, flags, strict=True):
            needed = [*before.formulas.all(move.conditions), *self._opened(move, before)]
            for place, value in self._writes(move, before).items():
                written.setdefault(place, []).append((flag, value))
            for name, box in self._boxes.items():
                own = [e for e in move.effects if e.network == name]
                if own:
                    contents = box.contents(before.slots[name], before.formulas)
                    result, room = box.after(contents, own, before.formulas)
                    needed += room
                    posted.setdefault(name, []).append((flag, result))
            yield z3.Implies(flag, z3.And(self.vectors.truth(True), *needed))
        if self.order is not None:
            yield from self.order.step(self.moves, flags, before.formulas, after.number)
        yield from self._leaves(before, after, written)
        for name in self._boxes:
            yield from self._slots(before, after, name, posted.get(name, []))

    def _opened(self, move: Move, at: Moment) -> Iterator[Any]:
        """That open elements are of their sorts."""
        for element in move.opened:
            value = at.formulas.formula(element)
            inside = self.vectors.within(value, element.sort)
            if element.id in move.optional and element.sort is not Bool:
                inside = z3.Or(inside, value == self.vectors.constant(UNSET))
            yield inside

    def _writes(self, move: Move, at: Moment) -> dict[int, Any]:
        """The leaves that a move writes, with what they are after it."""
        found: dict[int, Any] = {}
        for write in move.writes:
            value = at.formulas.formula(write.value)
            for index, place in cells(self.expander.layout.regions[write.function]):
                pairs = list(zip(write.index, index, strict=True))
                if any(t.op == "const" and t.args[0] != i for t, i in pairs):
                    continue
                here = [equals(at.formulas.formula(t), i) for t, i in pairs if t.op != "const"]
                old = found.get(place, at.leaves[place])
                found[place] = z3.If(z3.And(*here), value, old) if here else value
        return found

    def _leaves(self, before: Moment, after: Moment, written: dict[int, list[tuple[Any, Any]]]) -> Iterator[Any]:
        for region in self.expander.layout.regions.values():
            sort = region.function.result
            for _, place in cells(region):
                value = before.leaves[place]
                for flag, new in written.get(place, []):
                    value = z3.If(flag, new, value)
                yield after.leaves[place] == value
                if place in written and sort is not Bool:
                    least, greatest = values_of(sort, self.expander.layout)
                    yield after.leaves[place] >= self.vectors.constant(least)
                    yield after.leaves[place] <= self.vectors.constant(greatest)

    def _slots(self, before: Moment, after: Moment, name: str, posted: Sequence[tuple[Any, Contents]]) -> Iterator[Any]:
        """What is in the slots of a network after the step: what the move taken says, else what was there."""
        box, old = self._boxes[name], before.slots[name]
        for k, slot in enumerate(after.slots[name]):
            there: Any = old[k].there if k < len(old) else self.vectors.truth(False)
            fresh = not box.grows or k >= len(old)
            fields = after.formulas.all(slot.fields) if fresh else []
            values = before.formulas.all(old[k].fields) if fresh and k < len(old) else [None for _ in fields]
            for flag, contents in posted:
                if k < len(contents):
                    there = z3.If(flag, contents[k][0], there)
                    pairs = zip(contents[k][1], values, strict=True) if fresh else ()
                    values = [new if value is None else z3.If(flag, new, value) for new, value in pairs]
            yield slot.there == there
            for variable, value in zip(fields, values, strict=True):
                if value is not None and not (z3.is_bv_value(variable) or variable.eq(value)):
                    yield variable == value

    # ---- runs
    def read(self, model: Any, number: int) -> TraceStep:
        """The move that a model takes at a moment, with plain arguments."""
        (move,) = (m for m in self.moves if z3.is_true(model.eval(self.flag(m, number))))
        formulas = self.moments[number].formulas
        args = []
        for parameter, owned in zip(move.action.action.parameters, move.parameters, strict=True):
            values = tuple(value_in(model, formulas.formula(t)) for t in owned)
            args.append(self.expander.codec.whole(values, parameter.sort))
        return TraceStep(move.action.name, tuple(args))


__all__ = ["Moment", "Unrolling"]
