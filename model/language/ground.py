"""The ground form: a traced spec expanded over given bounds.

Quantifiers over sorts become conjunctions, disjunctions and sums over their elements, action parameters of basic sorts
become constants (one *instance* of an action per choice), primitive functions become the leaves of a flat state. What
depends on a message stays symbolic, since messages have too many values: a message parameter is a loop over the network's
messages, `forall_in` and `exists_in` stay binders.

Ground graphs know these operations besides those of `graph.py`:

| op     | args                  | meaning                                                                    |
|--------|-----------------------|----------------------------------------------------------------------------|
| leaf   | place, primed         | one value of the flat state (`primed`: of the second state)                |
| select | function, index terms | the leaf at a computed index; the default of the sort outside of the domain |
| sum    | terms                 | how many of the truth values are true                                      |

Values are small integers: see `layout.py`.
"""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from attrs import evolve, frozen

from model.language.errors import BoundsError, SpecError
from model.language.graph import BINDERS, Graph, Number, Term, bound_of, children, postorder
from model.language.layout import UNSET, Codec, Layout
from model.language.primitives import key_places, sent
from model.language.sorts import Bool, Bounds, Node, OptionOf, default
from model.language.transition import Block, Effect, Forget, Send, TracedAction, TracedSpec, Update, Witness


@frozen(eq=False)
class Choice:
    """A witness, ground: `options[i]` says whether element i satisfies the condition (kind `the`) or belongs to it (`quorum`)."""

    var: Term
    kind: str
    options: tuple[Term, ...]
    where: str


@frozen(eq=False)
class Write:
    """`function[index] := value` on the flat state; a later one wins."""

    function: str
    index: tuple[Term, ...]
    value: Term
    where: str


@frozen(eq=False)
class GroundBlock:
    """A node of an instance's decision tree: like `transition.Block`, expanded. `enabled` is False on dead ends."""

    conditions: tuple[Term | Choice, ...]
    fork: Term | None = None
    then: "GroundBlock | None" = None
    otherwise: "GroundBlock | None" = None
    enabled: bool = True
    writes: tuple[Write, ...] = ()
    effects: tuple[Effect, ...] = ()


@frozen(eq=False)
class Instance:
    """An action with its parameters of basic sorts fixed (plain values; None for a message parameter)."""

    args: tuple[Any, ...]
    tree: GroundBlock


@frozen(eq=False)
class GroundAction:
    """An action's instances in domain order. `messages` are the places of its message parameters and their variables."""

    action: TracedAction
    instances: tuple[Instance, ...]
    messages: tuple[tuple[int, str, tuple[Term, ...]], ...]


class Expander:
    """Expands terms of a traced spec over bounds into a graph of its own."""

    def __init__(self, traced: TracedSpec, bounds: Bounds) -> None:
        self.traced, self.bounds = traced, bounds
        self.codec = Codec(bounds)
        self.layout = Layout(traced, self.codec)
        self.graph = Graph(locate=lambda: "")
        self._memo: dict[tuple[int, ...], Term] = {}
        self._free: dict[int, tuple[int, ...]] = {}

    def constant(self, value: int, sort: Any) -> Term:
        """A ground value as a term."""
        return self.graph.const(value, sort)

    def _same(self, variable: Term) -> Term:
        """The variable of this graph that stands for one of the traced graph."""
        name, kind, serial = variable.args
        return self.graph.var(name, kind, serial, variable.sort)

    def _key(self, term: Term, env: Mapping[int, Term]) -> tuple[int, ...]:
        free = self._free.get(term.id)
        if free is None:
            free = self._free[term.id] = tuple(sorted(term.free))
        return (term.id, *(env[v].id for v in free))

    def expand(self, term: Term, env: Mapping[int, Term]) -> Term:
        """The ground form of a term, its free variables given by `env`."""
        memo = self._memo
        wanted = self._key(term, env)
        if wanted not in memo:
            for t in postorder(term, lambda t: self._key(t, env) not in memo, binders=False):
                key = self._key(t, env)
                if key not in memo:
                    memo[key] = self._node(t, env)
        return memo[wanted]

    def _node(self, t: Term, env: Mapping[int, Term]) -> Term:
        if t.op == "var":
            return env[t.id]
        if t.op == "const":
            value = t.args[0] if t.sort is Number else self.codec.encode(t.args[0], t.sort)
            return self.graph.const(value, t.sort)
        if t.op in BINDERS:
            return self._binder(t, env)
        args = tuple(self._memo[self._key(c, env)] for c in children(t))
        if t.op == "app":
            return self._apply(t.args[0], args)
        if t.op == "contains":
            return self.graph.make("contains", (t.args[0], *args), Bool)
        if t.op == "member" and all(a.op == "const" for a in args):
            node, quorum = args[0].args[0], args[1].args[0]
            return self.graph.const(quorum != UNSET and node in self.codec.quorums[quorum], Bool)
        return self.graph.make(t.op, args, t.sort, t.where)

    def _apply(self, name: str, args: tuple[Term, ...]) -> Term:
        primed = name.endswith("'")
        region = self.layout.regions[name.removesuffix("'")]
        result = region.function.result
        outside = any(
            a.op == "const" and not first <= a.args[0] < first + size
            for a, first, size in zip(args, region.firsts, region.sizes, strict=True)
        )
        if outside or 0 in region.sizes:
            return self.constant(self.codec.encode(default(result), result), result)
        if all(a.op == "const" for a in args):
            return self.graph.make("leaf", (region.place(tuple(a.args[0] for a in args)), primed), result)
        return self.graph.make("select", (name, *args), result)

    def choices(self, variables: tuple[Term, ...]) -> Iterator[dict[int, Term]]:
        """All values of some variables, in domain order."""
        domains = [[self.constant(i, v.sort) for i in range(len(self.codec.domain(v.sort)))] for v in variables]
        for values in product(*domains):
            yield {v.id: value for v, value in zip(variables, values, strict=True)}

    def _binder(self, t: Term, env: Mapping[int, Term]) -> Term:
        variables, body = bound_of(t), t.args[-1]
        if t.op in ("forall_in", "exists_in"):
            here = {v.id: self._same(v) for v in variables}
            inner = self.expand(body, {**env, **here})
            return self.graph.make(t.op, (t.args[0], tuple(here.values()), inner), Bool)
        decisive = {"forall": False, "exists": True}.get(t.op)
        parts: list[Term] = []
        for values in self.choices(variables):
            part = self.expand(body, {**env, **values})
            if decisive is not None and part.op == "const" and part.args[0] is decisive:
                return part
            parts.append(part)
        if decisive is not None:
            return self.graph.make("and" if t.op == "forall" else "or", tuple(parts), Bool)
        total = self._sum(parts)
        if t.op == "count":
            return total
        return self.graph.make("lt", (self.constant(len(self.codec.domain(Node)) // 2, Number), total), Bool)

    def _sum(self, parts: list[Term]) -> Term:
        sure = sum(1 for p in parts if p.op == "const" and p.args[0])
        open_ = tuple(p for p in parts if p.op != "const")
        known = self.constant(sure, Number)
        return self.graph.make("add", (self.graph.make("sum", open_, Number), known), Number) if open_ else known

    # ---- actions
    def action(self, traced: TracedAction) -> GroundAction:
        """All instances of an action that can be enabled at all."""
        domains: list[list[tuple[Any, dict[int, Term]]]] = []
        messages = []
        for place, p in enumerate(traced.parameters):
            if p.parameter.network is not None:
                here = {v.id: self._same(v) for v in p.variables}
                domains.append([(None, here)])
                messages.append((place, p.parameter.network, tuple(here.values())))
            else:
                domains.append(
                    [
                        (value, self._values(p.variables, value, p.parameter.sort))
                        for value in self.plain_values(p.parameter.sort)
                    ]
                )
        instances = []
        for combination in product(*domains):
            env = {v: term for _, values in combination for v, term in values.items()}
            tree = self._block(traced.tree, env)
            if _can_be_enabled(tree):
                instances.append(Instance(tuple(value for value, _ in combination), tree))
        return GroundAction(traced, tuple(instances), tuple(messages))

    def plain_values(self, sort: Any) -> tuple[Any, ...]:
        """The plain values of a parameter of this sort, in domain order."""
        return (None, *self.codec.domain(sort.sort)) if isinstance(sort, OptionOf) else self.codec.domain(sort)

    def _values(self, variables: tuple[Term, ...], value: Any, sort: Any) -> dict[int, Term]:
        parts = zip(variables, self.codec.flat(value, sort), strict=True)
        return {v.id: self.constant(part, v.sort) for v, part in parts}

    def _block(self, block: Block, env: dict[int, Term]) -> GroundBlock:
        conditions: list[Term | Choice] = []
        env = dict(env)
        for condition in block.conditions:
            if isinstance(condition, Witness):
                choice = self._choice(condition, env)
                env[condition.var.id] = choice.var
                conditions.append(choice)
                continue
            term = self.expand(condition.term, env)
            if term.op != "const":
                conditions.append(term)
            elif not term.args[0]:
                return GroundBlock(tuple(conditions), enabled=False)
        if block.fork is not None:
            assert block.then is not None
            assert block.otherwise is not None
            fork = self.expand(block.fork.term, env)
            if fork.op == "const":
                rest = self._block(block.then if fork.args[0] else block.otherwise, env)
                return evolve(rest, conditions=(*conditions, *rest.conditions))
            return GroundBlock(tuple(conditions), fork, self._block(block.then, env), self._block(block.otherwise, env))
        if block.transition is None:
            return GroundBlock(tuple(conditions), enabled=False)
        writes = tuple(w for updates in block.transition.updates.values() for w in self.writes(updates, env))
        effects = tuple(self.effect(e, env) for e in block.transition.effects)
        return GroundBlock(tuple(conditions), writes=writes, effects=effects)

    def _choice(self, witness: Witness, env: dict[int, Term]) -> Choice:
        subject = witness.var if witness.kind == "the" else witness.bound
        options = tuple(self.expand(witness.body, {**env, **values}) for values in self.choices((subject,)))
        return Choice(self._same(witness.var), witness.kind, options, witness.where)

    def writes(self, updates: tuple[Update, ...], env: dict[int, Term]) -> Iterator[Write]:
        """The updates of one function, wildcards expanded; those that are overwritten or write what is there are left out."""
        all_: list[Write] = []
        for update in updates:
            for values in self.choices(update.bound):
                here = {**env, **values}
                index = tuple(self.expand(i, here) for i in update.index)
                all_.append(Write(update.function, index, self.expand(update.value, here), update.where))
        region = self.layout.regions[updates[0].function]
        if any(i.op != "const" for w in all_ for i in w.index):
            yield from all_
            return
        last: dict[tuple[int, ...], Write] = {tuple(i.args[0] for i in w.index): w for w in all_}
        for cell, write in last.items():
            place = region.place(cell)
            beyond = place is None and region.function.is_cell  # no such position: the length is cut instead
            unchanged = write.value.op == "leaf" and write.value.args[0] == place
            if not beyond and not unchanged:
                yield write

    def effect(self, effect: Effect, env: dict[int, Term]) -> Effect:
        """An effect on a network with ground terms."""
        if isinstance(effect, Forget):
            here = {v.id: self._same(v) for v in effect.bound}
            return Forget(effect.network, tuple(here.values()), self.expand(effect.body, {**env, **here}), effect.where)
        return type(effect)(effect.network, tuple(self.expand(f, env) for f in effect.fields), effect.where)

    def initial(self) -> tuple[Any, ...]:
        """The initial flat state."""
        state = self.layout.default()
        for updates in self.traced.initial.values():
            for write in self.writes(updates, {}):
                if write.value.op != "const":
                    raise SpecError(
                        f"the initial {write.function} is not constant", "init assigns constants", write.where
                    )
                region, value = self.layout.regions[write.function], write.value.args[0]
                place = region.place(tuple(i.args[0] for i in write.index))
                if place is None or value >= len(self.codec.domain(region.function.result)):
                    raise BoundsError(f"the initial {write.function} of {self.traced.spec.name} is beyond the bounds")
                state[place] = value
        for effect in self.traced.initial_effects:
            ground = self.effect(effect, {})
            if not isinstance(ground, Send) or any(f.op != "const" for f in ground.fields):
                raise SpecError(
                    "init changes a network otherwise than by sending constants", "send constants", effect.where
                )
            network, place = self.traced.networks[effect.network], self.layout.networks[effect.network]
            message = tuple(f.args[0] for f in ground.fields)
            if network.is_bag:
                state[place] = tuple(sorted((*state[place], message)))
            else:
                state[place] = sent(state[place], message, key_places(network, self.bounds))
        return tuple(state)


def _can_be_enabled(block: GroundBlock) -> bool:
    if block.fork is None:
        return block.enabled
    assert block.then is not None
    assert block.otherwise is not None
    return _can_be_enabled(block.then) or _can_be_enabled(block.otherwise)
