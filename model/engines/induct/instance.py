"""A bounded instance as formulas over bit vectors: the state before a step, claims about it, parameters left open.

The flat state of `model.language.layout` is one variable per leaf; each network has `SLOTS` places for messages, which may be empty. Two
are enough for any counterexample: a step receives at most one message of a network and a lemma speaks of one message at a time, so
from a state with more of them all others can be taken away without making a lemma false or the step impossible.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import z3

from model.engines.formulas import SLOT, UNSET, Formulas, Slot, Vectors, cells
from model.language.graph import Term
from model.language.ground import Expander
from model.language.layout import Region
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
        self._vectors = Vectors(self.codec, (2 * largest + 2).bit_length() + 1, self.context)
        self._opened: dict[int, Term] = {}
        self.leaves: dict[int, Any] = {
            place: self._vectors.variable(f"{name}#{place - region.base}", region.function.result)
            for name, region in self.layout.regions.items()
            for _, place in cells(region)
        }
        self.slots: dict[str, list[Slot]] = {
            name: [Slot(self._vectors.variable(f"{name}#{k}", Bool), self._slot_fields(name, k)) for k in range(SLOTS)]
            for name in traced.networks
        }
        self._formulas = Formulas(self.expander.graph, self.layout, self._vectors, self.leaves, self.slots)

    def _sorts(self) -> list[Any]:
        functions = self.traced.functions.values()
        sorts = [s for f in functions for s in (*f.args, f.result)]
        sorts += [s for n in self.traced.networks.values() for _, s in n.fields]
        return [*sorts, Quorum]

    def _slot_fields(self, name: str, k: int) -> tuple[Term, ...]:
        fields = self.traced.networks[name].fields
        return tuple(self.expander.graph.var(f"{name}.{field}", SLOT, k, sort) for field, sort in fields)

    # ---- what is a state
    def states(self) -> Iterator[Any]:
        """That the variables are a state: values within their sorts, empty Options and cells beyond a sequence's end at their default."""
        for name, region in self.layout.regions.items():
            for index, place in cells(region):
                yield from self._legal(name, region.function, index, self.leaves[place])
        for slots in self.slots.values():
            for slot in slots:
                yield from (self.within(self.formula(f), f.sort) for f in slot.fields)

    def _legal(self, name: str, function: Function, index: tuple[int, ...], value: Any) -> Iterator[Any]:
        flag = self.layout.regions.get(name.removesuffix("value") + "some") if name.endswith(".value") else None
        if flag is not None:
            some = self.leaves[_place(flag, index)]
            yield z3.If(some, self.within(value, function.result), value == self._vectors.constant(UNSET))
            return
        yield self.within(value, function.result)
        if function.is_cell:
            length = self.leaves[_place(self.layout.regions[f"{function.variable}.length"], index[:-1])]
            low = self.codec.encode(default(function.result), function.result)
            beyond = length < self._vectors.constant(index[-1])
            yield z3.Implies(beyond, value == self._vectors.value(low, function.result))

    def within(self, value: Any, sort: Any) -> Any:
        """That a value is an element of its sort within the bounds."""
        return self._vectors.within(value, sort)

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
        return self._formulas.formula(term)


def _place(region: Region, index: tuple[int, ...]) -> int:
    place = region.place(index)
    assert place is not None
    return place


__all__ = ["SLOTS", "Instance"]
