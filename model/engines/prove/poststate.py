"""The state after a step, by substitution: a claim about it becomes a claim about the state before it.

A read `f(x)` after the updates `f[a] := v` is `ite(x == a, v, f(x))`; no axiom says what a step leaves alone.
"""

from collections.abc import Mapping

from model.language.graph import BINDERS, Graph, Term, bound_of, children, postorder
from model.language.sorts import Bool, default
from model.language.transition import Effect, Send, TracedSpec, Transition, Update


class PostState:
    """Rewrites terms about the state after some updates and sends into terms about the state before.

    `initial`: there is no state before, only defaults and empty networks.
    """

    def __init__(
        self,
        traced: TracedSpec,
        updates: Mapping[str, tuple[Update, ...]],
        effects: tuple[Effect, ...],
        *,
        initial: bool = False,
    ) -> None:
        self._traced, self._graph = traced, traced.graph
        self._updates, self._initial = updates, initial
        self._sends: dict[str, list[Send]] = {}
        for effect in effects:
            if isinstance(effect, Send):
                self._sends.setdefault(effect.network, []).append(effect)
        self._done: dict[int, Term] = {}

    @classmethod
    def after(cls, traced: TracedSpec, transition: Transition) -> "PostState":
        """The state after one path of an action."""
        return cls(traced, transition.updates, transition.effects)

    @classmethod
    def at_start(cls, traced: TracedSpec) -> "PostState":
        """The initial state."""
        return cls(traced, traced.initial, traced.initial_effects, initial=True)

    @property
    def writes(self) -> frozenset[str]:
        """Names of the functions and networks that differ from the state before."""
        return frozenset((*self._updates, *self._sends))

    def claim(self, term: Term) -> Term:
        """The claim `term`, made about the state after, as one about the state before."""
        done = self._done
        for t in postorder(term, lambda t: t.id not in done):
            if t.id not in done:
                done[t.id] = self._rewrite(t)
        return done[term.id]

    def _rewrite(self, t: Term) -> Term:
        graph = self._graph
        if t.op in ("var", "const"):
            return t
        if t.op in BINDERS:
            body = self._done[t.args[-1].id]
            if t.op != "forall_in":
                return graph.make(t.op, (bound_of(t), body), t.sort, t.where)
            return self._over_messages(t, body)
        args = tuple(self._done[a.id] for a in children(t))
        if t.op == "app":
            return self._read(t.args[0], args)
        if t.op == "contains":
            return self._contains(t.args[0], args)
        return graph.make(t.op, args, t.sort, t.where)

    def _read(self, name: str, args: tuple[Term, ...]) -> Term:
        graph, function = self._graph, self._traced.functions[name]
        if self._initial:
            value = graph.const(default(function.result), function.result)
        else:
            value = graph.make("app", (name, *args), function.result)
        for update in self._updates.get(name, ()):
            wild = {v.id for v in update.bound}
            by = {i.id: a for i, a in zip(update.index, args, strict=True) if i.id in wild}
            pairs = [(a, i) for i, a in zip(update.index, args, strict=True) if i.id not in wild]
            hit = conjunction(graph, tuple(graph.make("eq", pair, Bool) for pair in pairs))
            value = graph.make("ite", (hit, graph.substitute(update.value, by), value), function.result)
        return value

    def _contains(self, network: str, fields: tuple[Term, ...]) -> Term:
        graph = self._graph
        found = graph.false() if self._initial else graph.make("contains", (network, *fields), Bool)
        for send in self._sends.get(network, ()):
            pairs = zip(fields, send.fields, strict=True)
            equal = conjunction(graph, tuple(graph.make("eq", pair, Bool) for pair in pairs))
            found = graph.make("or", (found, equal), Bool)
        return found

    def _over_messages(self, t: Term, body: Term) -> Term:
        """What was there before, and one claim per message sent."""
        graph, (network, variables) = self._graph, t.args[:2]
        old = graph.true() if self._initial else graph.make("forall_in", (network, variables, body), Bool, t.where)
        sent = (
            graph.substitute(body, {v.id: f for v, f in zip(variables, send.fields, strict=True)})
            for send in self._sends.get(network, ())
        )
        return conjunction(graph, (old, *sent))


def conjunction(graph: Graph, terms: tuple[Term, ...]) -> Term:
    """The conjunction of any number of terms."""
    return graph.make("and", terms, Bool) if terms else graph.true()
