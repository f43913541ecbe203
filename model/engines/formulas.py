"""Ground terms as formulas over bit vectors: what the engines share that ask Z3 about a spec within bounds.

A state is one expression per leaf of the flat state (`model.language.layout`) and, per network, *slots* for messages. Numbers are signed
bit vectors, wide enough for every sum in the spec.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import z3
from attrs import frozen

from model.language.graph import MESSAGE_BINDERS, Graph, Term, bound_of, children, postorder
from model.language.layout import UNSET, Codec, Layout, Region
from model.language.sorts import Bool, default


@frozen(eq=False)
class Slot:
    """A place for one message: whether there is one (a formula), and its fields (ground terms: variables, or constants)."""

    there: Any
    fields: tuple[Term, ...]


@frozen(eq=False)
class Vectors:
    """Numbers as bit vectors of one width, in one context of Z3."""

    codec: Codec
    width: int
    context: Any

    def constant(self, value: int) -> Any:
        """A number."""
        return z3.BitVecVal(value, self.width, self.context)

    def truth(self, value: bool) -> Any:
        """A truth value."""
        return z3.BoolVal(value, self.context)

    def value(self, value: Any, sort: Any) -> Any:
        """A ground value of a sort."""
        return self.truth(bool(value)) if sort is Bool else self.constant(int(value))

    def variable(self, name: str, sort: Any) -> Any:
        """A variable for a value of a sort."""
        return z3.Bool(name, self.context) if sort is Bool else z3.BitVec(name, self.width, self.context)

    def within(self, value: Any, sort: Any) -> Any:
        """That a value is an element of its sort within the bounds."""
        if sort is Bool:
            return self.truth(True)
        return z3.And(value >= self.constant(0), value <= self.constant(len(self.codec.domain(sort)) - 1))


class Formulas:
    """The formulas of ground terms about one state, or with `later` about a state and the next one.

    `leaves` has an expression for every leaf. Variables that are no fields of slots are open elements of a step; `moment` tells
    those of one step from those of another. Every term is translated once.
    """

    def __init__(
        self,
        graph: Graph,
        layout: Layout,
        vectors: Vectors,
        leaves: Mapping[int, Any],
        slots: Mapping[str, Sequence[Slot]],
        *,
        moment: str = "",
        later: "Formulas | None" = None,
    ) -> None:
        self.graph, self.layout, self.vectors = graph, layout, vectors
        self.leaves, self.slots, self.moment, self.later = leaves, slots, moment, later
        self._done: dict[int, Any] = {}

    def formula(self, term: Term) -> Any:
        """The formula of a ground term."""
        done = self._done
        for t in postorder(term, lambda t: t.id not in done, binders=False):
            if t.id not in done:
                done[t.id] = self._translate(t)
        return done[term.id]

    def all(self, terms: Sequence[Term]) -> list[Any]:
        """The formulas of several terms."""
        return [self.formula(t) for t in terms]

    def _translate(self, t: Term) -> Any:
        if t.op == "var":
            name, kind, serial = t.args
            moment = "" if kind == SLOT else self.moment
            return self.vectors.variable(f"{name}!{kind}{serial}{moment}", t.sort)
        if t.op == "const":
            return self.vectors.value(t.args[0], t.sort)
        if t.op == "leaf":
            place, primed = t.args
            return self._state(primed).leaves[place]
        if t.op in MESSAGE_BINDERS:
            return self._over_slots(t)
        args = [self._done[a.id] for a in children(t)]
        if t.op == "select":
            return self._select(t.args[0], args)
        if t.op == "contains":
            found = (self._is_in(slot, args) for slot in self._slots(t.args[0]))
            return z3.Or(self.vectors.truth(False), *found)
        if t.op == "member":
            return self._member(*args)
        if t.op == "sum":
            zero, one = self.vectors.constant(0), self.vectors.constant(1)
            return sum((z3.If(a, one, zero) for a in args[1:]), z3.If(args[0], one, zero))
        return OPERATIONS[t.op](*args)

    def _state(self, primed: bool) -> "Formulas":
        """This state, or the next one."""
        assert not primed or self.later is not None, "a claim about one state speaks of the next one"
        return self.later if primed and self.later is not None else self

    def _slots(self, network: str) -> Sequence[Slot]:
        return self._state(network.endswith("'")).slots[network.removesuffix("'")]

    def _select(self, name: str, args: list[Any]) -> Any:
        """A leaf at a computed index; the default outside of the domain."""
        leaves = self._state(name.endswith("'")).leaves
        region = self.layout.regions[name.removesuffix("'")]
        result = region.function.result
        outside = self.vectors.value(self.layout.codec.encode(default(result), result), result)
        level: dict[tuple[int, ...], Any] = {index: leaves[place] for index, place in cells(region)}
        for argument in reversed(args):
            shorter: dict[tuple[int, ...], Any] = {}
            for index, value in level.items():
                known = ground_value(argument)
                if known is not None and known != index[-1]:
                    shorter.setdefault(index[:-1], outside)
                    continue
                below = shorter.get(index[:-1], outside)
                shorter[index[:-1]] = value if known is not None else z3.If(equals(argument, index[-1]), value, below)
            level = shorter
        return level[()]

    def _member(self, node: Any, quorum: Any) -> Any:
        pairs = ((n, q) for q, members in enumerate(self.layout.codec.quorums) for n in members)
        return z3.Or(*(z3.And(node == n, quorum == q) for n, q in pairs))

    def _is_in(self, slot: Slot, args: list[Any]) -> Any:
        return z3.And(slot.there, *(f == a for f, a in zip(self.all(slot.fields), args, strict=True)))

    def _over_slots(self, t: Term) -> Any:
        found = []
        for slot in self._slots(t.args[0]):
            here = {v.id: f for v, f in zip(bound_of(t), slot.fields, strict=True)}
            claim = self.formula(self.graph.substitute(t.args[-1], here))
            found.append(z3.Implies(slot.there, claim) if t.op == "forall_in" else z3.And(slot.there, claim))
        if t.op == "forall_in":
            return z3.And(self.vectors.truth(True), *found)
        return z3.Or(self.vectors.truth(False), *found)


SLOT = "slot"
"""The kind of the variables that are fields of slots."""

OPERATIONS: Mapping[str, Any] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "eq": lambda a, b: a == b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "not": z3.Not,
    "and": z3.And,
    "or": z3.Or,
    "implies": z3.Implies,
    "ite": z3.If,
}
"""Operations whose formula is that of their arguments."""


def cells(region: Region) -> Iterator[tuple[tuple[int, ...], int]]:
    """Every index of a region, with the leaf that it names."""
    for index in product(*(range(f, f + n) for f, n in zip(region.firsts, region.sizes, strict=True))):
        place = region.place(index)
        assert place is not None
        yield index, place


def ground_value(expression: Any) -> int | None:
    """The value of an expression that is a constant; None for others."""
    if z3.is_bv_value(expression):
        return int(expression.as_signed_long())
    return bool(z3.is_true(expression)) if z3.is_true(expression) or z3.is_false(expression) else None


def equals(expression: Any, value: int) -> Any:
    """That an expression has this ground value."""
    if z3.is_bool(expression):
        return expression if value else z3.Not(expression)
    return expression == value


def value_in(model: Any, expression: Any) -> int:
    """The ground value of an expression in a model."""
    found = model.eval(expression, model_completion=True)
    return bool(z3.is_true(found)) if z3.is_bool(found) else int(found.as_signed_long())


__all__ = ["OPERATIONS", "SLOT", "UNSET", "Formulas", "Slot", "Vectors", "cells", "equals", "ground_value", "value_in"]
