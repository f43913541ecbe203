"""A bounded instance as formulas over bit vectors: the state before a step, claims about it, parameters left open.

The flat state of `model.language.layout` is one variable per leaf; each network has `SLOTS` places for messages, which may be empty. Two
are enough for any counterexample: a step receives at most one message of a network and a lemma speaks of one message at a time, so
from a state with more of them all others can be taken away without making a lemma false or the step impossible.
"""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import z3

from model.language.graph import MESSAGE_BINDERS, Term, bound_of, children, postorder
from model.language.ground import Expander
from model.language.layout import UNSET, Region
from model.language.primitives import Function
from model.language.sorts import Bool, Bounds, Ordinal, Quorum, default
from model.language.transition import Send, TracedSpec, Transition

SLOTS = 2


class Instance:
    """The formulas of one traced spec within bounds. Values are signed bit vectors wide enough for every sum in the spec."""

    def __init__(self, traced: TracedSpec, bounds: Bounds) -> None:
        self.traced, self.bounds = traced, bounds
        self.expander = Expander(traced, bounds)
        self.layout, self.codec = self.expander.layout, self.expander.codec
        self.context = z3.Context()
        largest = max(len(self.codec.domain(s)) for s in self._sorts())
        self._width = (2 * largest + 2).bit_length() + 1
        self._opened: dict[int, Term] = {}
        self._done: dict[int, Any] = {}
        self.leaves: dict[int, Any] = {
            region.base + i: self._variable(f"{name}#{i}", region.function.result)
            for name, region in self.layout.regions.items()
            for i in range(region.width)
        }
        self.slots: dict[str, list[tuple[Any, tuple[Term, ...]]]] = {
            name: [(self._variable(f"{name}#{k}", Bool), self._slot_fields(name, k)) for k in range(SLOTS)]
            for name in traced.networks
        }

    def _sorts(self) -> list[Any]:
        functions = self.traced.functions.values()
        sorts = [s for f in functions for s in (*f.args, f.result)]
        sorts += [s for n in self.traced.networks.values() for _, s in n.fields]
        return [*sorts, Quorum]

    def _variable(self, name: str, sort: Any) -> Any:
        return z3.Bool(name, self.context) if sort is Bool else z3.BitVec(name, self._width, self.context)

    def _slot_fields(self, name: str, k: int) -> tuple[Term, ...]:
        fields = self.traced.networks[name].fields
        return tuple(self.expander.graph.var(f"{name}.{field}", "slot", k, sort) for field, sort in fields)

    # ---- what is a state
    def states(self) -> Iterator[Any]:
        """That the variables are a state: values within their sorts, empty Options and cells beyond a sequence's end at their default."""
        for name, region in self.layout.regions.items():
            function = region.function
            for index in product(*(range(f, f + n) for f, n in zip(region.firsts, region.sizes, strict=True))):
                place = region.place(index)
                assert place is not None
                yield from self._legal(name, function, index, self.leaves[place])
        for slots in self.slots.values():
            for _, fields in slots:
                yield from (self.within(self.formula(f), f.sort) for f in fields)

    def _legal(self, name: str, function: Function, index: tuple[int, ...], value: Any) -> Iterator[Any]:
        flag = self.layout.regions.get(name.removesuffix("value") + "some") if name.endswith(".value") else None
        if flag is not None:
            some = self.leaves[_place(flag, index)]
            yield z3.If(some, self.within(value, function.result), value == self.constant(UNSET))
            return
        yield self.within(value, function.result)
        if function.is_cell:
            length = self.leaves[_place(self.layout.regions[f"{function.variable}.length"], index[:-1])]
            low = self.codec.encode(default(function.result), function.result)
            beyond = length < self.constant(index[-1])
            yield z3.Implies(beyond, value == (z3.BoolVal(bool(low), self.context) if function.result is Bool else low))

    def within(self, value: Any, sort: Any) -> Any:
        """That a value is an element of its sort within the bounds."""
        if sort is Bool:
            return z3.BoolVal(True, self.context)
        return z3.And(value >= self.constant(0), value <= self.constant(len(self.codec.domain(sort)) - 1))

    def constant(self, value: int) -> Any:
        """A number."""
        return z3.BitVecVal(value, self._width, self.context)

    # ---- terms
    def open(self, variable: Term) -> Any:
        """A parameter, witness or arbitrary element, left open within its sort: the formula for it."""
        return self.formula(self._own(variable))

    def _own(self, variable: Term) -> Term:
        found = self._opened.get(variable.id)
        if found is None:
            name, kind, serial = variable.args
            found = self._opened[variable.id] = self.expander.graph.var(name, kind, serial, variable.sort)
        return found

    def claim(self, term: Term) -> Any:
        """The formula of a term of the traced graph; its free variables are left open."""
        env = {v: self._own(self.traced.graph.terms[v]) for v in sorted(term.free)}
        return self.formula(self.expander.expand(term, env))

    def within_bounds(self, transition: Transition) -> Iterator[Any]:
        """That a step stays within the bounds: what it writes and sends, and where. Other steps are cut, as by every engine."""
        for updates in transition.updates.values():
            for update in updates:
                function = self.traced.functions[update.function]
                for values in self.expander.choices(update.bound):
                    yield from self._fits(update.value, function.result, values)
                    places = zip(update.index, function.args, strict=True)
                    for index, sort in list(places)[: -1 if function.is_cell else None]:
                        yield from self._fits(index, sort, values)
        for effect in transition.effects:
            if isinstance(effect, Send):
                for field in effect.fields:
                    yield from self._fits(field, field.sort, {})

    def _fits(self, term: Term, sort: Any, values: Mapping[int, Term]) -> Iterator[Any]:
        if issubclass(sort, Ordinal) and term.op not in ("var", "const", "app"):
            env = {v: self._own(self.traced.graph.terms[v]) for v in sorted(term.free) if v not in values}
            yield self.within(self.formula(self.expander.expand(term, {**env, **values})), sort)

    def formula(self, term: Term) -> Any:
        """The formula of a ground term."""
        done = self._done
        for t in postorder(term, lambda t: t.id not in done, binders=False):
            if t.id not in done:
                done[t.id] = self._translate(t)
        return done[term.id]

    def _translate(self, t: Term) -> Any:
        if t.op == "var":
            return self._variable(f"{t.args[0]}!{t.args[1]}{t.args[2]}", t.sort)
        if t.op == "const":
            return z3.BoolVal(bool(t.args[0]), self.context) if t.sort is Bool else self.constant(t.args[0])
        if t.op == "leaf":
            return self.leaves[t.args[0]]
        if t.op in MESSAGE_BINDERS:
            return self._over_slots(t)
        args = [self._done[a.id] for a in children(t)]
        if t.op == "select":
            return self._select(self.layout.regions[t.args[0]], args)
        if t.op == "contains":
            return z3.Or(*(self._is_in(slot, args) for slot in self.slots[t.args[0]]))
        if t.op == "member":
            return self._member(*args)
        if t.op == "sum":
            zero, one = self.constant(0), self.constant(1)
            return sum((z3.If(a, one, zero) for a in args[1:]), z3.If(args[0], one, zero))
        return _OPERATIONS[t.op](*args)

    def _select(self, region: Region, args: list[Any]) -> Any:
        """A leaf at a computed index; the default outside of the domain."""
        result = region.function.result
        low = self.codec.encode(default(result), result)
        level: dict[tuple[int, ...], Any] = {
            index: self.leaves[_place(region, index)]
            for index in product(*(range(f, f + n) for f, n in zip(region.firsts, region.sizes, strict=True)))
        }
        outside = z3.BoolVal(bool(low), self.context) if result is Bool else self.constant(low)
        for argument in reversed(args):
            shorter: dict[tuple[int, ...], Any] = {}
            for index, value in level.items():
                known = z3.is_bv_value(argument)
                if known and argument.as_signed_long() != index[-1]:
                    shorter.setdefault(index[:-1], outside)
                    continue
                below = shorter.get(index[:-1], outside)
                shorter[index[:-1]] = value if known else z3.If(argument == index[-1], value, below)
            level = shorter
        return level[()]

    def _member(self, node: Any, quorum: Any) -> Any:
        pairs = ((n, q) for q, members in enumerate(self.codec.quorums) for n in members)
        return z3.Or(*(z3.And(node == n, quorum == q) for n, q in pairs))

    def _is_in(self, slot: tuple[Any, tuple[Term, ...]], args: list[Any]) -> Any:
        there, fields = slot
        return z3.And(there, *(self.formula(f) == a for f, a in zip(fields, args, strict=True)))

    def _over_slots(self, t: Term) -> Any:
        network, body = t.args[0], t.args[-1]
        found = []
        for there, fields in self.slots[network]:
            here = {v.id: f for v, f in zip(bound_of(t), fields, strict=True)}
            claim = self.formula(self.expander.graph.substitute(body, here))
            found.append(z3.Implies(there, claim) if t.op == "forall_in" else z3.And(there, claim))
        return z3.And(*found) if t.op == "forall_in" else z3.Or(*found)


def _place(region: Region, index: tuple[int, ...]) -> int:
    place = region.place(index)
    assert place is not None
    return place


_OPERATIONS: dict[str, Any] = {
    "add": lambda a, b: a + b,
    "eq": lambda a, b: a == b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "not": z3.Not,
    "and": z3.And,
    "or": z3.Or,
    "implies": z3.Implies,
    "ite": z3.If,
}

__all__ = ["SLOTS", "Instance"]
