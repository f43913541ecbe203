"""How a state is cut into components, and which evaluations depend on which parts of which components.

The state of one node (every function cell whose first argument of an abstract sort is that node, and the slots of its messages)
is one component; everything else is one more. In a long search a component takes few different values, so a state is a
short tuple of their numbers.

What is evaluated is cut into *groups* with a small footprint each: the instances of actions that read the same components and
take their message from the same slot; the conjuncts of one invariant that read the same components; and whatever can be
evaluated along with them at little cost. A group sees a component
through a *projection* to the places that the group reads, which takes fewer values still. A group is evaluated once per
combination of projected values. What an instance writes is a *patch* of a component: places and their new values, whatever
the other places of the component are.

A property of two states is decided with the instance that takes the step. Where it is about places that the instance does not
write, it is a condition on the state alone. Such conditions (`stutter`) are watched apart, so that they do not widen footprints;
if one is ever decisive, the search starts again with an `exact` partition, in which every instance decides them for itself.
"""

from collections.abc import Iterable
from typing import Any

from attrs import define, field, frozen

from model.engines.compiled.footprint import Footprint, footprint, reads_of
from model.engines.compiled.slots import Slotter, Special
from model.language.declare import FnDecl
from model.language.graph import Term
from model.language.ground_spec import GroundSpec
from model.language.sorts import Abstract
from model.language.words import Property

ALWAYS, SOMETIMES, STUTTER = "always", "sometimes", "stutter"


@frozen(eq=False)
class Across:
    """The parts of a property of two states that concern one instance: a step property's conjuncts, a `sometimes`' disjuncts."""

    prop: Property
    terms: tuple[Term, ...]


@frozen(eq=False)
class Member:
    """One instance of a group, with its footprint and the properties of two states that its step may decide."""

    special: Special
    footprint: Footprint
    across: tuple[Across, ...]


@frozen(eq=False)
class View:
    """A component as a group sees it: the component, the number of the projection among the component's, its places."""

    component: int
    projection: int
    places: tuple[int, ...]


@frozen(eq=False)
class Part:
    """Parts of one property of single states that read the same components.

    Kind `always`: conjuncts; `sometimes`: disjuncts; `stutter`: conditions that should hold of the state a step starts from.
    """

    kind: str
    prop: Property
    terms: tuple[Term, ...]

    @property
    def event(self) -> str:
        """What it means for this part to be decisive: a conjunct is false, or a disjunct true."""
        return f"stutter {self.prop.name}" if self.kind == STUTTER else self.prop.name


@frozen(eq=False)
class Group:
    """What is evaluated together: instances of actions, and parts of properties."""

    number: int
    views: tuple[View, ...]
    members: tuple[Member, ...]
    parts: tuple[Part, ...]


@define(eq=False)
class _Draft:
    """A group in the making. `reads`: places by component."""

    reads: dict[int, set[int]]
    members: list[Member] = field(factory=list)
    parts: list[Part] = field(factory=list)

    @property
    def weight(self) -> int:
        """How many places it reads."""
        return sum(len(places) for places in self.reads.values())

    def takes(self, other: "_Draft") -> bool:
        """Whether evaluating the other along costs few more combinations than it saves look-ups.

        It costs none if the other reads nothing else. One more place per component is worth it for invariants over many nodes,
        which are about the same places of each, and for messages of the same nodes.
        """
        if any(p.kind == SOMETIMES for p in (*self.parts, *other.parts)):
            return False  # these groups are dropped once they are reached
        more = max((len(places - self.reads.get(c, set())) for c, places in other.reads.items()), default=0)
        if not self.members and not other.members and len(self.reads) >= 3:
            return more <= 1 and other.reads.keys() <= self.reads.keys()
        if other.reads.keys() != self.reads.keys():
            return False
        mine, others = self.takes_messages, other.takes_messages
        return mine == others and more <= int(mine)

    @property
    def takes_messages(self) -> bool:
        """Whether it does nothing unless some message is there."""
        return bool(self.members) and all(m.special.messages for m in self.members)

    def absorb(self, other: "_Draft") -> None:
        """Evaluate the other along."""
        for component, places in other.reads.items():
            self.reads[component] |= places
        self.members += other.members
        self.parts += other.parts


@define(eq=False)
class Component:
    """The places that are interned together, and the projections in use (indices into `places`)."""

    name: str
    places: tuple[int, ...]
    projections: list[tuple[int, ...]] = field(factory=list)

    def projection(self, places: tuple[int, ...]) -> int:
        """The number of the projection to these places of the state."""
        at = {place: i for i, place in enumerate(self.places)}
        wanted = tuple(at[p] for p in places)
        if wanted not in self.projections:
            self.projections.append(wanted)
        return self.projections.index(wanted)


class Partition:
    """Components and groups of a ground spec with the properties to check."""

    def __init__(self, ground: GroundSpec, properties: tuple[Property, ...], *, exact: bool = False) -> None:
        self.ground, self.properties, self.exact = ground, properties, exact
        self.slotter = Slotter(ground)
        self.layout = self.slotter.layout
        self.components = self._components()
        self.component_of = {p: i for i, c in enumerate(self.components) for p in c.places}
        terms = {p.property.name: t for p, t in zip(ground.traced.properties, ground.properties, strict=True)}
        self._terms = {p.name: self.slotter.term(terms[p.name], {}) for p in properties if p.kind != "eventually"}
        self._stutter: dict[int, tuple[Property, Term]] = {}
        drafts = self._step_drafts()
        for prop in properties:
            if prop.states == 1 and prop.kind in (ALWAYS, SOMETIMES):
                drafts += self._property_drafts(prop, prop.kind, _parts(self._terms[prop.name], prop.kind))
            conditions = [t for p, t in self._stutter.values() if p is prop]
            drafts += self._property_drafts(prop, STUTTER, tuple(conditions))
        self.groups = tuple(self._group(number, draft) for number, draft in enumerate(_merged(drafts)))

    # ---- components
    def _components(self) -> tuple[Component, ...]:
        owned: dict[tuple[str, int], list[int]] = {}
        common: list[int] = []
        for name, declaration in self.ground.spec.state.variables.items():
            if not isinstance(declaration, FnDecl):
                for slot in self.layout.slots[name]:
                    mine = slot.values and slot.values[0] >= 0
                    (owned.setdefault(("Node", slot.values[0]), []) if mine else common).append(slot.place)
                continue
            for function in self.ground.traced.functions.values():
                if function.variable == name:
                    region = self.layout.regions[function.name]
                    at = next((i for i, s in enumerate(function.args) if issubclass(s, Abstract)), None)
                    for offset in range(region.width):
                        place = region.base + offset
                        if at is None:
                            common.append(place)
                            continue
                        value = offset // region.strides[at] % region.sizes[at]
                        owned.setdefault((repr(function.args[at]), value), []).append(place)
        found = [Component(f"{sort} {value}", tuple(sorted(p))) for (sort, value), p in sorted(owned.items())]
        return (*found, Component("common", tuple(sorted(common)))) if common else tuple(found)

    # ---- groups
    def _reads(self, places: Iterable[int]) -> dict[int, set[int]]:
        by: dict[int, set[int]] = {}
        for place in places:
            by.setdefault(self.component_of[place], set()).add(place)
        return by

    def _group(self, number: int, draft: _Draft) -> Group:
        views = []
        for component, read in sorted(draft.reads.items()):
            places = tuple(sorted(read))
            views.append(View(component, self.components[component].projection(places), places))
        members = sorted(draft.members, key=lambda m: m.special.place)
        return Group(number, tuple(views), tuple(members), tuple(draft.parts))

    def _step_drafts(self) -> list[_Draft]:
        grouped: dict[Any, _Draft] = {}
        for special in self.slotter.instances():
            member = self._member(special)
            reads = self._reads(member.footprint.reads)
            sources = tuple((m.slot.name, m.where) for m in special.messages)
            draft = grouped.setdefault((tuple(sorted(reads)), sources), _Draft({c: set() for c in reads}))
            draft.absorb(_Draft(reads, [member]))
        return list(grouped.values())

    def _member(self, special: Special) -> Member:
        bare = footprint(special, self.layout)
        written, reads, across = frozenset(bare.writes), set(bare.reads), []
        for prop in self.properties:
            if prop.states != 2 or prop.name not in self._terms:
                continue
            mine = []
            for part in _parts(self.slotter.across(self._terms[prop.name], written), prop.kind):
                read = reads_of((part,), self.layout)
                if self.exact or not read.isdisjoint(written):
                    reads |= read
                    mine.append(part)
                else:
                    holds = self.slotter.negation(part) if prop.kind == SOMETIMES else part
                    self._stutter.setdefault(holds.id, (prop, holds))
            if mine:
                across.append(Across(prop, tuple(mine)))
        return Member(special, Footprint(tuple(sorted(reads)), bare.writes), tuple(across))

    def _property_drafts(self, prop: Property, kind: str, terms: tuple[Term, ...]) -> list[_Draft]:
        grouped: dict[tuple[int, ...], list[Term]] = {}
        for term in terms:
            read = reads_of((term,), self.layout)
            grouped.setdefault(tuple(sorted({self.component_of[p] for p in read})), []).append(term)
        return [
            _Draft(self._reads(reads_of(together, self.layout)), parts=[Part(kind, prop, tuple(together))])
            for together in grouped.values()
        ]


def _merged(drafts: list[_Draft]) -> list[_Draft]:
    """Few groups: each draft joins the first that takes it, the widest ones first."""
    kept: list[_Draft] = []
    for draft in sorted(drafts, key=lambda d: -d.weight):
        host = next((k for k in kept if k.takes(draft)), None)
        if host is None:
            kept.append(draft)
        else:
            host.absorb(draft)
    return kept


def _parts(term: Term, kind: str) -> tuple[Term, ...]:
    """A `sometimes` as disjuncts, any other property as conjuncts, without those that decide nothing."""
    op, neutral = ("or", False) if kind == SOMETIMES else ("and", True)
    parts = term.args if term.op == op else (term,)
    return tuple(p for p in parts if not (p.op == "const" and p.args[0] is neutral))
