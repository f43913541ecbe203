"""Which places of the flat state a specialised instance or a term of a property reads and writes."""

from collections.abc import Iterable, Iterator

from attrs import frozen

from model.engines.compiled.slots import EMPTY, SlotLayout, Special, places
from model.language.graph import MESSAGE_BINDERS, Term, postorder
from model.language.ground import Choice, GroundBlock
from model.language.transition import Forget


class FootprintError(Exception):
    """Generated code uses a place that the footprint of its group does not contain: a defect of the engine."""


@frozen
class Footprint:
    """Sorted places. A place that is written without being read keeps nothing of its old value."""

    reads: tuple[int, ...]
    writes: tuple[int, ...]


def reads_of(terms: Iterable[Term], layout: SlotLayout) -> frozenset[int]:
    """The places that some terms read, of whichever state."""
    found: set[int] = set()
    for root in terms:
        for t in postorder(root):
            if t.op == "leaf":
                found.add(t.args[0])
            elif t.op == "select":
                found.update(places(layout.regions[t.args[0].removesuffix("'")], t.args[1:]))
            elif t.op == "contains" or t.op in MESSAGE_BINDERS:
                found.add(layout.networks[t.args[0].removesuffix("'")])
    return frozenset(found)


def blocks(block: GroundBlock | None) -> Iterator[GroundBlock]:
    """A tree's nodes."""
    if block is not None:
        yield block
        yield from blocks(block.then)
        yield from blocks(block.otherwise)


def _terms(block: GroundBlock) -> Iterator[Term]:
    for condition in block.conditions:
        yield from condition.options if isinstance(condition, Choice) else (condition,)
    if block.fork is not None:
        yield block.fork
    for write in block.writes:
        yield write.value
        yield from write.index
    for effect in block.effects:
        yield from (effect.body,) if isinstance(effect, Forget) else effect.fields


def footprint(special: Special, layout: SlotLayout) -> Footprint:
    """What an instance reads and writes over all its paths."""
    reads: set[int] = {m.slot.place for m in special.messages}
    writes: set[int] = set()
    for block in blocks(special.instance.tree):
        reads |= reads_of(_terms(block), layout)
        fresh: set[int] = set()
        for write in block.writes:
            into = tuple(places(layout.regions[write.function], write.index))
            writes.update(into)
            if write.value.op == "const" and write.value.args[0] == EMPTY:
                fresh.update(into)
        for effect in block.effects:
            place = layout.networks[effect.network]
            writes.add(place)
            if place not in fresh:
                reads.add(place)
    return Footprint(tuple(sorted(reads)), tuple(sorted(writes)))


def within(term: Term, here: frozenset[int], layout: SlotLayout, bound: frozenset[int] = frozenset()) -> bool:
    """Whether a term depends on nothing but the given places and variables."""
    return term.free <= bound and reads_of((term,), layout) <= here
