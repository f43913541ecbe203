"""Networks cut into slots, and actions specialised to the slots that their messages come from.

A ground spec keeps every network in one place of the flat state. Here a message set is cut by those of its messages' `Node`
fields that say whose messages they are (the fields of `newest`, else the first one): one *slot* per choice of nodes. A message
parameter becomes one instance per slot, and per value of the remaining `Node` fields, so that the nodes an instance touches are
constants and its footprint is small. Where a slot holds at most one message, a send overwrites it without reading it.
"""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from attrs import evolve, frozen

from model.language.declare import MessagesDecl
from model.language.graph import MESSAGE_BINDERS, Term, bound_of, children, postorder
from model.language.ground import Choice, GroundAction, GroundBlock, Instance, Write
from model.language.ground_spec import GroundSpec
from model.language.layout import UNSET, Layout, Region
from model.language.primitives import Function, Network, key_places
from model.language.sorts import Bool, Node, default
from model.language.transition import Effect, Forget, Send

EMPTY: tuple[Any, ...] = ()


@frozen
class Slot:
    """The messages of one network whose fields at `fields` have these `values`.

    `exact`: it holds at most one message, and every message of these values replaces it.
    """

    name: str
    network: str
    place: int
    fields: tuple[int, ...]
    values: tuple[int, ...]
    exact: bool


@frozen(eq=False)
class SlotMessage:
    """A message parameter taken from a slot, restricted to messages with the given values at the given places."""

    parameter: int
    slot: Slot
    where: tuple[tuple[int, int], ...]

    def among(self, messages: tuple[Any, ...]) -> tuple[Any, ...]:
        """The messages of a slot's content that this instance takes, each once."""
        found = [m for m in messages if all(m[place] == value for place, value in self.where)]
        return tuple(dict.fromkeys(found))


@frozen(eq=False)
class Special:
    """One specialised instance: the action's place in the spec, the instance of the ground form with a tree over slots."""

    place: int
    action: GroundAction
    instance: Instance
    messages: tuple[SlotMessage, ...]


class SlotLayout(Layout):
    """The layout of the ground form with one place per slot after the other places; networks are named by slot."""

    def __init__(self, ground: GroundSpec) -> None:
        base, traced = ground.layout, ground.traced
        self.codec, self.base = base.codec, base
        self.regions = dict(base.regions)
        self.networks = {}
        self.width = base.width
        self.slots: dict[str, tuple[Slot, ...]] = {}
        networks = {}
        self.free_fields = {name: self._free_fields(ground, name) for name in traced.networks}
        for name, network in traced.networks.items():
            self.slots[name] = tuple(self._cut(network, key_places(network, ground.bounds)))
            for slot in self.slots[name]:
                self.networks[slot.name] = slot.place
                self.regions[slot.name] = Region(Function(slot.name, (), Bool, slot.name), slot.place, ())
                networks[slot.name] = network
        self.traced = evolve(traced, networks=networks)

    def _cut(self, network: Network, key: tuple[int, ...]) -> Iterator[Slot]:
        nodes = node_fields(network)
        fields: tuple[int, ...] = ()
        if isinstance(network.declaration, MessagesDecl):
            newest = network.declaration.newest
            fields = tuple(i for i in nodes if network.fields[i][0] in newest) if newest else nodes[:1]
        exact = bool(key) and set(key) == set(fields)
        for values in product(*(self.field_values(network.name, i) for i in fields)):
            name = f"{network.name}@{'.'.join(map(str, values))}"
            yield Slot(name, network.name, self.width, fields, values, exact)
            self.width += 1

    def field_values(self, network: str, place: int) -> tuple[int, ...]:
        """The values that a `Node` field of a message can have; "unset" only where some send might put it there."""
        values = tuple(range(len(self.codec.domain(Node))))
        return (*values, UNSET) if place in self.free_fields[network] else values

    @staticmethod
    def _free_fields(ground: GroundSpec, network: str) -> frozenset[int]:
        """The fields that some send fills with a value read from the state or from another message's optional field."""
        free: set[int] = set()
        nodes = node_fields(ground.traced.networks[network])
        for action in ground.actions:
            params = {
                fields[i].id for _, name, fields in action.messages for i in node_fields(ground.traced.networks[name])
            }
            for instance in action.instances:
                for effect in _effects(instance.tree):
                    if isinstance(effect, Send) and effect.network == network:
                        terms = [(i, effect.fields[i]) for i in nodes]
                        free.update(i for i, t in terms if t.op != "const" and t.id not in params)
        return frozenset(free)

    def split(self, state: tuple[Any, ...]) -> list[Any]:
        """A flat state of the ground form with its messages in their slots."""
        flat = [*state, *(EMPTY for _ in range(self.width - len(state)))]
        for network, slots in self.slots.items():
            for slot in slots:
                flat[slot.place] = tuple(m for m in state[self.base.networks[network]] if belongs(m, slot))
        return flat

    def join(self, flat: list[Any]) -> tuple[Any, ...]:
        """The inverse of `split`: networks keep their messages in order."""
        state = flat[: self.base.width]
        for network, slots in self.slots.items():
            state[self.base.networks[network]] = tuple(sorted(m for slot in slots for m in flat[slot.place]))
        return tuple(state)


def belongs(message: tuple[int, ...], slot: Slot) -> bool:
    """Whether a message is one of a slot's."""
    return all(message[place] == value for place, value in zip(slot.fields, slot.values, strict=True))


def node_fields(network: Network) -> tuple[int, ...]:
    """The places of a message's fields of sort Node that are not optional."""
    optional = {name.removesuffix(".some") for name, _ in network.fields if name.endswith(".some")}
    return tuple(
        i
        for i, (name, sort) in enumerate(network.fields)
        if sort is Node and name.removesuffix(".value") not in optional
    )


def _effects(block: GroundBlock | None) -> Iterator[Effect]:
    if block is not None:
        yield from block.effects
        yield from _effects(block.then)
        yield from _effects(block.otherwise)


class Slotter:
    """Rewrites ground terms and instances so that they speak of slots."""

    def __init__(self, ground: GroundSpec) -> None:
        self.ground, self.graph = ground, ground.graph
        self.layout = SlotLayout(ground)
        self._memo: dict[int, Term] = {}

    # ---- terms
    def term(self, term: Term, by: Mapping[int, Term]) -> Term:
        """A term with variables replaced, over slots."""
        return self._rewrite(self.graph.substitute(term, by))

    def _rewrite(self, term: Term) -> Term:
        memo = self._memo
        for t in postorder(term, lambda t: t.id not in memo, binders=False):
            if t.id not in memo:
                memo[t.id] = self._node(t)
        return memo[term.id]

    def _node(self, t: Term) -> Term:
        if t.op in MESSAGE_BINDERS:
            return self._over_slots(t)
        if not any(isinstance(a, Term) for a in t.args):
            return t
        args = tuple(self._memo[a.id] if isinstance(a, Term) else a for a in t.args)
        if t.op == "contains":
            return self._contains(args)
        if t.op == "select":
            return self._select(t, args)
        return self.graph.make(t.op, args, t.sort)

    def node(self, value: int) -> Term:
        """A node, or "unset", as a term."""
        return self.graph.const(value, Node)

    def negation(self, term: Term) -> Term:
        """Not this term."""
        return self.graph.make("not", (term,), Bool)

    def _slots(self, name: str) -> Iterator[tuple[Slot, str]]:
        prime = "'" if name.endswith("'") else ""
        for slot in self.layout.slots[name.removesuffix("'")]:
            yield slot, slot.name + prime

    def _over_slots(self, t: Term) -> Term:
        parts = []
        variables = bound_of(t)
        for slot, name in self._slots(t.args[0]):
            by = {variables[i].id: self.node(v) for i, v in zip(slot.fields, slot.values, strict=True)}
            body = self.term(t.args[-1], by)
            parts.append(self.graph.make(t.op, (name, variables, body), Bool))
        return self.graph.make("and" if t.op == "forall_in" else "or", tuple(parts), Bool)

    def _contains(self, args: tuple[Any, ...]) -> Term:
        make, parts = self.graph.make, []
        for slot, name in self._slots(args[0]):
            here = [
                make("eq", (args[1 + i], self.node(v)), Bool) for i, v in zip(slot.fields, slot.values, strict=True)
            ]
            if all(h.op != "const" or h.args[0] for h in here):
                parts.append(make("and", (*here, make("contains", (name, *args[1:]), Bool)), Bool))
        return make("or", tuple(parts), Bool)

    def _select(self, t: Term, args: tuple[Any, ...]) -> Term:
        """A read whose index has become constant is a leaf, or the default outside of the domain."""
        name, index = args[0], args[1:]
        region = self.layout.regions[name.removesuffix("'")]
        ranges = zip(index, region.firsts, region.sizes, strict=True)
        if any(a.op == "const" and not first <= a.args[0] < first + size for a, first, size in ranges):
            return self.graph.const(self.layout.codec.encode(default(t.sort), t.sort), t.sort)
        if all(a.op == "const" for a in index):
            return self.graph.make("leaf", (region.place(tuple(a.args[0] for a in index)), name.endswith("'")), t.sort)
        return self.graph.make("select", args, t.sort)

    # ---- instances
    def instances(self) -> Iterator[Special]:
        """Every specialised instance that can be enabled, in the order of the spec."""
        for place, action in enumerate(self.ground.actions):
            for instance in action.instances:
                for messages in product(*(self._sources(*m) for m in action.messages)):
                    by = {}
                    for (_, _, fields), message in zip(action.messages, messages, strict=True):
                        by.update({fields[i].id: self.node(v) for i, v in message.where})
                    tree = self._block(instance.tree, by, {})
                    if _can_be_enabled(tree):
                        yield Special(place, action, Instance(instance.args, tree), messages)

    def _sources(self, parameter: int, network: str, _: tuple[Term, ...]) -> list[SlotMessage]:
        found = []
        rest = node_fields(self.ground.traced.networks[network])
        for slot in self.layout.slots[network]:
            own = tuple(zip(slot.fields, slot.values, strict=True))
            other = [i for i in rest if i not in slot.fields]
            if self.ground.traced.networks[network].is_bag:
                other = []
            for values in product(*(self.layout.field_values(network, i) for i in other)):
                found.append(SlotMessage(parameter, slot, (*own, *zip(other, values, strict=True))))
        return found

    def _block(self, block: GroundBlock, by: Mapping[int, Term], known: Mapping[int, int]) -> GroundBlock:
        conditions: list[Term | Choice] = []
        for condition in block.conditions:
            if isinstance(condition, Choice):
                options = tuple(self.term(o, by) for o in condition.options)
                conditions.append(Choice(condition.var, condition.kind, options, condition.where))
                continue
            term = self.term(condition, by)
            if term.op != "const":
                conditions.append(term)
            elif not term.args[0]:
                return GroundBlock(tuple(conditions), enabled=False)
        if block.fork is not None and block.then is not None and block.otherwise is not None:
            return self._fork(conditions, self.term(block.fork, by), block.then, block.otherwise, by, known)
        if not block.enabled:
            return GroundBlock(tuple(conditions), enabled=False)
        return self._outcome(conditions, block, by, known)

    def _fork(
        self,
        conditions: list[Term | Choice],
        fork: Term,
        then: GroundBlock,
        otherwise: GroundBlock,
        by: Mapping[int, Term],
        known: Mapping[int, int],
    ) -> GroundBlock:
        if fork.op == "const":
            rest = self._block(then if fork.args[0] else otherwise, by, known)
            return evolve(rest, conditions=(*conditions, *rest.conditions))
        return GroundBlock(tuple(conditions), fork, self._block(then, by, known), self._block(otherwise, by, known))

    def _outcome(
        self, conditions: list[Term | Choice], block: GroundBlock, by: Mapping[int, Term], known: Mapping[int, int]
    ) -> GroundBlock:
        """The end of a path. A send to a slot that the state determines becomes a fork over the slots."""
        for effect in block.effects:
            if isinstance(effect, Send):
                for place in self.layout.slots[effect.network][0].fields:
                    to = self.term(effect.fields[place], by)
                    if to.op != "const" and to.id not in known:
                        return self._by_slot(conditions, block, by, known, to)
        writes = tuple(
            Write(w.function, tuple(self.term(i, by) for i in w.index), self.term(w.value, by), w.where)
            for w in block.writes
        )
        cleared, effects = self._slot_effects(block.effects, by, known)
        return GroundBlock(tuple(conditions), writes=(*self._last(writes), *cleared), effects=tuple(effects))

    def _by_slot(
        self,
        conditions: list[Term | Choice],
        block: GroundBlock,
        by: Mapping[int, Term],
        known: Mapping[int, int],
        to: Term,
    ) -> GroundBlock:
        ending = evolve(block, conditions=())
        *nodes, last = range(UNSET, len(self.layout.codec.domain(Node)))
        rest = self._block(ending, by, {**known, to.id: last})
        for node in reversed(nodes):
            here = self.graph.make("eq", (to, self.node(node)), Bool)
            rest = GroundBlock((), here, self._block(ending, by, {**known, to.id: node}), rest)
        return evolve(rest, conditions=(*conditions, *rest.conditions))

    def _last(self, writes: tuple[Write, ...]) -> tuple[Write, ...]:
        """Writes without those that are overwritten or write what is there, if all indices are constant."""
        if any(i.op != "const" for w in writes for i in w.index):
            return writes
        last = {(w.function, tuple(i.args[0] for i in w.index)): w for w in writes}
        kept = []
        for (function, index), write in last.items():
            place = self.layout.regions[function].place(index)
            if not (write.value.op == "leaf" and write.value.args == (place, False)):
                kept.append(write)
        return tuple(kept)

    def _slot_effects(
        self, effects: tuple[Effect, ...], by: Mapping[int, Term], known: Mapping[int, int]
    ) -> tuple[list[Write], list[Effect]]:
        """Effects per slot. A slot that is emptied before anything else happens to it is written, not read."""
        cleared: dict[str, Write] = {}
        done: list[Effect] = []
        touched: set[str] = set()
        empty = self.graph.const(EMPTY, Bool)
        for effect in effects:
            slots = self.layout.slots[effect.network]
            if isinstance(effect, Forget):
                for slot in slots:
                    values = zip(slot.fields, slot.values, strict=True)
                    body = self.term(effect.body, {**by, **{effect.bound[i].id: self.node(v) for i, v in values}})
                    total = body.op == "const" and body.args[0]
                    if body.op == "const" and not body.args[0]:
                        continue
                    if total and slot.name not in touched:
                        cleared[slot.name] = Write(slot.name, (), empty, effect.where)
                    elif slot.name in touched or slot.name not in cleared:
                        touched.add(slot.name)
                        done.append(Forget(slot.name, effect.bound, body, effect.where))
                continue
            fields = [self.term(f, by) for f in effect.fields]
            for place in slots[0].fields:
                if fields[place].op != "const":
                    fields[place] = self.node(known[fields[place].id])
            message = tuple(f.args[0] if f.op == "const" else None for f in fields)
            slot = next(s for s in slots if belongs(message, s))  # type: ignore[arg-type]
            if slot.exact and slot.name not in touched:
                cleared[slot.name] = Write(slot.name, (), empty, effect.where)
            touched.add(slot.name)
            done.append(type(effect)(slot.name, tuple(fields), effect.where))
        return list(cleared.values()), done

    # ---- step properties
    def across(self, term: Term, written: frozenset[int]) -> Term:
        """A property of two states for a step that writes only the given places: the rest of the second state is the first."""
        memo: dict[int, Term] = {}
        for t in postorder(term):
            memo[t.id] = self._unprimed(t, written, memo)
        return memo[term.id]

    def _unprimed(self, t: Term, written: frozenset[int], memo: dict[int, Term]) -> Term:
        if t.op == "leaf":
            place, primed = t.args
            return self.graph.make("leaf", (place, False), t.sort) if primed and place not in written else t
        if t.op in MESSAGE_BINDERS:
            return self.graph.make(t.op, (self._name(t.args[0], written), t.args[1], memo[t.args[2].id]), t.sort)
        args: list[Any] = [memo[a.id] if isinstance(a, Term) else a for a in t.args]
        if t.op == "contains":
            args[0] = self._name(args[0], written)
        elif t.op == "select" and args[0].endswith("'"):
            name = args[0].removesuffix("'")
            if written.isdisjoint(places(self.layout.regions[name], tuple(args[1:]))):
                args[0] = name
        return self.graph.make(t.op, tuple(args), t.sort) if children(t) else t

    def _name(self, name: str, written: frozenset[int]) -> str:
        plain = name.removesuffix("'")
        return name if self.layout.networks[plain] in written else plain


def places(region: Region, index: tuple[Term, ...]) -> Iterator[int]:
    """The leaves that an index may mean: constants are themselves, anything else any value."""
    domains = [
        [i.args[0]] if i.op == "const" else range(first, first + size)
        for i, first, size in zip(index, region.firsts, region.sizes, strict=True)
    ]
    for values in product(*domains):
        place = region.place(values)
        if place is not None:
            yield place


def _can_be_enabled(block: GroundBlock | None) -> bool:
    if block is None:
        return False
    if block.fork is None:
        return block.enabled
    return _can_be_enabled(block.then) or _can_be_enabled(block.otherwise)
