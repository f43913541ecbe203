"""The moves of a spec within bounds: every path of every action as ground terms, with its parameters left open.

What a move needs besides its conditions so that it stays within the bounds is in `inside`; that every number after it is one of its
sort is for whoever builds the next state to say. A step beyond the bounds is cut, as by every engine.
"""

from collections.abc import Iterator, Mapping

from attrs import frozen

from model.language.graph import Term
from model.language.ground import Expander, Write
from model.language.ground_terms import span
from model.language.layout import UNSET
from model.language.sorts import Abstract, Bool, OptionOf, Ordinal, Quorum
from model.language.transition import Effect, Guard, Send, TracedAction, Transition, Witness


@frozen(eq=False)
class Move:
    """A path of an action. `parameters` has the open elements of each parameter, `conditions` all that must be true of the state.

    `opened` are all elements left open, with those that the state determines; an element of `optional` may be unset.
    """

    action: TracedAction
    path: int
    parameters: tuple[tuple[Term, ...], ...]
    opened: tuple[Term, ...]
    optional: frozenset[int]
    conditions: tuple[Term, ...]
    writes: tuple[Write, ...]
    effects: tuple[Effect, ...]

    @property
    def place(self) -> str:
        """The name of the path in tables."""
        return f"{self.action.name}/{self.path}"


class Moves:
    """Makes the moves of one traced spec. `expander` owns the graph of their terms."""

    def __init__(self, expander: Expander) -> None:
        self.expander, self.graph = expander, expander.graph

    def all(self) -> tuple[Move, ...]:
        """Every move that some state may enable, in the order of the spec."""
        moves = (self.move(a, t) for a in self.expander.traced.actions for t in a.transitions)
        return tuple(m for m in moves if all(c.op != "const" for c in m.conditions))

    def move(self, action: TracedAction, transition: Transition) -> Move:
        """One path of an action."""
        parameters = tuple(tuple(self._own(v) for v in p.variables) for p in action.parameters)
        env = {
            v.id: own
            for p, owned in zip(action.parameters, parameters, strict=True)
            for v, own in zip(p.variables, owned, strict=True)
        }
        conditions: list[Term] = []
        optional: list[int] = []
        for p, owned in zip(action.parameters, parameters, strict=True):
            if p.parameter.network is not None:
                conditions.append(self.graph.make("contains", (p.parameter.network, *owned), Bool))
                optional += [t.id for t in owned]
            elif isinstance(p.parameter.sort, OptionOf):
                optional.append(owned[1].id)
                conditions.append(self._unset_if_none(*owned))
        opened = [t for owned in parameters for t in owned]
        for condition in transition.conditions:
            if isinstance(condition, Guard):
                conditions.append(self.expander.expand(condition.term, env))
            else:
                own = env[condition.var.id] = self._own(condition.var)
                opened.append(own)
                conditions += self._witnessed(condition, own, env)
        writes = tuple(w for updates in transition.updates.values() for w in self.expander.writes(updates, env))
        effects = tuple(self.expander.effect(e, env) for e in transition.effects)
        conditions += self._inside(writes, effects)
        return Move(
            action,
            transition.path,
            parameters,
            tuple(opened),
            frozenset(optional),
            tuple(c for c in conditions if c.op != "const" or not c.args[0]),
            tuple(w for w in writes if self._is_somewhere(w)),
            effects,
        )

    def _own(self, variable: Term) -> Term:
        name, kind, serial = variable.args
        return self.graph.var(name, kind, serial, variable.sort)

    def _unset_if_none(self, some: Term, value: Term) -> Term:
        """An empty Option has the default element of its sort, "unset" if there is none; that is then no element of another."""
        has_unset = issubclass(value.sort, Abstract | Quorum)
        low = self.graph.const(UNSET if has_unset else 0, value.sort)
        empty = self.graph.make("eq", (value, low), Bool)
        if has_unset:
            return self.graph.make("eq", (some, self.graph.negation(empty)), Bool)
        return self.graph.make("or", (some, empty), Bool)

    def _witnessed(self, witness: Witness, own: Term, env: Mapping[int, Term]) -> Iterator[Term]:
        """What the element that a witness names satisfies: it is the one, or the set of exactly those nodes."""
        if witness.kind == "the":
            yield self.expander.expand(witness.body, env)
            return
        for values in self.expander.choices((witness.bound,)):
            (node,) = values.values()
            inside = self.graph.make("member", (node, own), Bool)
            yield self.graph.make("eq", (inside, self.expander.expand(witness.body, {**env, **values})), Bool)

    # ---- bounds
    def _inside(self, writes: tuple[Write, ...], effects: tuple[Effect, ...]) -> Iterator[Term]:
        """That a step writes and sends within the bounds. A cell beyond the longest sequence is not written: its length is cut."""
        for write in writes:
            region = self.expander.layout.regions[write.function]
            rows = zip(write.index, region.firsts, region.sizes, strict=True)
            if region.function.is_cell:
                continue
            for index, first, size in rows:
                yield from self._between(index, first, first + size - 1)
        for effect in effects:
            if isinstance(effect, Send):
                fields = self.expander.traced.networks[effect.network].fields
                for term, (_, sort) in zip(effect.fields, fields, strict=True):
                    if issubclass(sort, Ordinal):
                        yield from self._between(term, 0, len(self.expander.codec.domain(sort)) - 1)

    def _between(self, term: Term, least: int, greatest: int) -> Iterator[Term]:
        low, high = span(term, self.expander.layout)
        if low < least:
            yield self.graph.make("le", (self.graph.const(least, term.sort), term), Bool)
        if high > greatest:
            yield self.graph.make("le", (term, self.graph.const(greatest, term.sort)), Bool)

    def _is_somewhere(self, write: Write) -> bool:
        region = self.expander.layout.regions[write.function]
        rows = zip(write.index, region.firsts, region.sizes, strict=True)
        return all(i.op != "const" or first <= i.args[0] < first + size for i, first, size in rows)


def widest(expander: Expander) -> int:
    """The number of bits of a signed vector that holds every number in the terms made so far."""
    spans: dict[int, tuple[int, int]] = {}
    for t in expander.graph.terms:  # what a term is made of comes before it
        if t.sort is Bool:
            continue
        if t.op in ("add", "sub"):
            (a, b), (c, d) = (spans[arg.id] for arg in t.args)
            spans[t.id] = (a + c, b + d) if t.op == "add" else (a - d, b - c)
        elif t.op == "ite":
            (a, b), (c, d) = (spans[arg.id] for arg in t.args[1:])
            spans[t.id] = min(a, c), max(b, d)
        else:
            spans[t.id] = span(t, expander.layout)
    sizes = [max(region.sizes, default=1) for region in expander.layout.regions.values()]
    reach = [abs(end) for pair in spans.values() for end in pair]
    return max([1, *sizes, *reach]).bit_length() + 1


__all__ = ["Move", "Moves", "widest"]
