"""Symmetry over nodes: states that are the same but for the names of the nodes are one.

Sound where nothing tells nodes apart but what they do: no constant of sort Node or Quorum in the spec or in a property, no order on them
(read from the graph), and an initial state that is the same under every permutation. Everything else of the language means the same
whatever the nodes are called: `forall`, `exists`, `count`, quorums, `the` (which must be unique). Then a permutation maps runs to
runs and verdicts to verdicts, as in Ip and Dill, Better Verification Through Symmetry (1996).

A permutation maps the component of a node to that of another one, and the values of the one to values of the other. What it maps them
to is computed once per value for the exchanges of neighbours, and composed for all others; then permuting a state is a look-up per
component. Values get numbers for all their images at once, so that none is missing in a round.
"""

from collections.abc import Iterable, Iterator
from itertools import permutations
from typing import Any

import numpy as np
import numpy.typing as npt
from attrs import frozen

from model.engines.compiled.backend import Backend
from model.engines.compiled.components import Partition
from model.engines.compiled.evaluate import Evaluator
from model.engines.compiled.slots import Slot
from model.language import Property
from model.language.graph import Term, children
from model.language.ground_spec import GroundSpec
from model.language.layout import UNSET
from model.language.primitives import components
from model.language.sorts import Node, Quorum
from model.language.transition import Block, Forget, Witness

MOST_NODES = 5
"""Every state is compared with its images under all permutations: 120 of five nodes."""

BLIND = frozenset(
    ("app", "contains", "count", "eq", "exists", "exists_in", "forall", "forall_in", "is_quorum", "ite", "member")
)
"""The operations that take nodes or quorums and mean the same whatever these are called. Any other one is refused."""

Permutation = tuple[int, ...]
"""What each node is called instead."""

Images = npt.NDArray[np.uint32]


class NotSymmetric(Exception):
    """The names of nodes matter: where, and what to do."""


# ---- whether it is sound


def check_symmetric(ground: GroundSpec, properties: Iterable[Property]) -> None:
    """Raise NotSymmetric if a spec or one of the properties tells nodes apart."""
    traced, spec = ground.traced, ground.spec
    if "nodes" not in ground.bounds:
        raise NotSymmetric(f"{spec.name} has no nodes that could be permuted")
    if ground.bounds["nodes"] > MOST_NODES:
        raise NotSymmetric(f"{ground.bounds['nodes']} nodes have too many permutations; at most {MOST_NODES}")
    for prop in properties:
        if prop.kind == "eventually":
            raise NotSymmetric(
                f"{prop.name} is about fairness, which is per node: liveness is checked without symmetry; choose others with -p"
            )
    names = {p.name for p in properties}
    subjects = [(f"action {a.action.name}", term) for a in traced.actions for term in _terms(a.tree)]
    subjects += [(f"property {p.property.name}", p.term) for p in traced.properties if p.property.name in names]
    for subject, root in subjects:
        found = _tells_apart(root)
        if found is not None:
            where, what = found
            raise NotSymmetric(f"{subject} {what}{f' at {where}' if where else ''}, so the names of nodes matter")
    mover = Renaming(ground)
    for permutation in mover.exchanges:
        if mover.flat(ground.initial(), permutation) != ground.initial():
            raise NotSymmetric(f"the initial state of {spec.name} tells nodes apart")


def _tells_apart(root: Term) -> tuple[str, str] | None:
    """Where a term compares nodes otherwise than for equality, or names one, and how."""
    seen: set[int] = set()
    todo = [root]
    while todo:
        term = todo.pop()
        if term.id in seen:
            continue
        seen.add(term.id)
        if term.op == "const" and term.sort in (Node, Quorum) and term.args[0] is not None:
            return term.where, f"names one {term.sort!r}"
        if term.op not in BLIND and any(a.sort in (Node, Quorum) for a in children(term)):
            return term.where, "puts nodes in order or takes them for numbers"
        todo.extend(children(term))
    return None


def _terms(block: Block | None) -> Iterator[Term]:
    """All terms of an action's decision tree."""
    if block is None:
        return
    for condition in block.conditions:
        yield condition.body if isinstance(condition, Witness) else condition.term
    if block.fork is not None:
        yield block.fork.term
    yield from _terms(block.then)
    yield from _terms(block.otherwise)
    if block.transition is not None:
        for updates in block.transition.updates.values():
            for update in updates:
                yield from (*update.index, update.value)
        for effect in block.transition.effects:
            yield from (effect.body,) if isinstance(effect, Forget) else effect.fields


# ---- what a permutation does


class Renaming:
    """Permutes the nodes in flat states of the ground form, messages and arguments."""

    def __init__(self, ground: GroundSpec) -> None:
        self.ground, self.layout, self.codec = ground, ground.layout, ground.layout.codec
        nodes = ground.bounds["nodes"]
        self.permutations: tuple[Permutation, ...] = tuple(permutations(range(nodes)))
        self.exchanges: tuple[Permutation, ...] = tuple(
            (*range(i), i + 1, i, *range(i + 2, nodes)) for i in range(nodes - 1)
        )

    def value(self, value: int, sort: Any, by: Permutation) -> int:
        """A ground value."""
        if value == UNSET:
            return value
        if sort is Node:
            return by[value]
        if sort is Quorum:
            members = self.codec.quorums[value]
            return self.codec.quorums.index(type(members)(sorted(by[node] for node in sorted(members))))
        return value

    def parts(self, parts: tuple[int, ...], type_: Any, by: Permutation) -> tuple[int, ...]:
        """The ground components of a plain value, or a message."""
        return tuple(self.value(v, sort, by) for v, (_, sort) in zip(parts, components(type_), strict=True))

    def plain(self, value: Any, type_: Any, by: Permutation) -> Any:
        """A plain value, such as an argument of an action."""
        return self.codec.whole(self.parts(self.codec.flat(value, type_), type_, by), type_)

    def messages(self, network: str, messages: tuple[Any, ...], by: Permutation) -> tuple[Any, ...]:
        """The content of a network, or of a slot of it."""
        record = self.ground.traced.networks[network].record
        return tuple(sorted(self.parts(message, record, by) for message in messages))

    def places(self, by: Permutation) -> dict[int, tuple[int, Any]]:
        """Per place of a function in the flat state where its value goes, and its sort."""
        found = {}
        for region in self.layout.regions.values():
            function = region.function
            for offset in range(region.width):
                index = [
                    first + offset // stride % size
                    for first, stride, size in zip(region.firsts, region.strides, region.sizes, strict=True)
                ]
                to = region.place(tuple(self.value(i, s, by) for i, s in zip(index, function.args, strict=True)))
                assert to is not None
                found[region.base + offset] = to, function.result
        return found

    def flat(self, state: tuple[Any, ...], by: Permutation) -> tuple[Any, ...]:
        """A flat state of the ground form."""
        new: list[Any] = list(state)
        for place, (to, sort) in self.places(by).items():
            new[to] = self.value(int(state[place]), sort, by)
        for network, place in self.layout.networks.items():
            new[place] = self.messages(network, state[place], by)
        return tuple(new)


@frozen(eq=False)
class _Exchange:
    """What an exchange of two nodes does to components: which each becomes, and per place of it the place there and how."""

    by: Permutation
    becomes: tuple[int, ...]
    moves: tuple[tuple[tuple[int, Any, Slot | None], ...], ...]


class Symmetry:
    """The images of component values under all permutations, for a back end."""

    def __init__(self, partition: Partition, evaluator: Evaluator) -> None:
        self._partition, self._evaluator = partition, evaluator
        self.renaming = Renaming(partition.ground)
        self._exchanges = [self._exchange(by) for by in self.renaming.exchanges]
        self._images: list[list[list[int]]] = [[[] for _ in partition.components] for _ in self._exchanges]
        self.permutations, self._words = self._composed()
        self.becomes = [self._becomes(number) for number in range(len(self.permutations))]
        self.tables: list[list[Images]] = []

    def _exchange(self, by: Permutation) -> _Exchange:
        partition, layout = self._partition, self._partition.layout
        places: dict[int, tuple[int, Any, Slot | None]] = {
            place: (to, sort, None) for place, (to, sort) in self.renaming.places(by).items()
        }
        for network, slots in layout.slots.items():
            at = {slot.values: slot.place for slot in slots}
            for slot in slots:
                to = at[tuple(self.renaming.value(v, Node, by) for v in slot.values)]
                places[slot.place] = to, network, slot
        becomes, moves = [], []
        for component in partition.components:
            target, *others = (partition.component_of[places[place][0]] for place in component.places)
            assert all(other == target for other in others), "a component is permuted as a whole"
            position = {place: i for i, place in enumerate(partition.components[target].places)}
            becomes.append(target)
            moves.append(tuple((position[places[p][0]], *places[p][1:]) for p in component.places))
        return _Exchange(by, tuple(becomes), tuple(moves))

    def _composed(self) -> tuple[tuple[Permutation, ...], tuple[tuple[int, int], ...]]:
        """All permutations, the identity first, and each as an exchange after an earlier one: (exchange, place of the earlier one)."""
        identity = tuple(range(len(self.renaming.permutations[0])))
        found, words = [identity], [(-1, -1)]
        known = {identity}
        for place, earlier in enumerate(found):
            for number, exchange in enumerate(self.renaming.exchanges):
                new = tuple(exchange[node] for node in earlier)
                if new not in known:
                    known.add(new)
                    found.append(new)
                    words.append((number, place))
        return tuple(found), tuple(words)

    def _becomes(self, number: int) -> list[int]:
        exchange, earlier = self._words[number]
        if earlier < 0:
            return list(range(len(self._partition.components)))
        return [self._exchanges[exchange].becomes[c] for c in self._becomes(earlier)]

    def close(self, backend: Backend) -> bool:
        """Number the images of all values that have none yet; whether there were any."""
        counts = backend.stats().values
        if all(len(images[c]) == n for images in self._images for c, n in enumerate(counts)):
            return False
        while True:
            counts = backend.stats().values
            behind = [
                (place, c)
                for place, images in enumerate(self._images)
                for c, n in enumerate(counts)
                if len(images[c]) < n
            ]
            if not behind:
                break
            for place, c in behind:
                images = self._images[place][c]
                for value in range(len(images), counts[c]):
                    images.append(self._image(backend, self._exchanges[place], c, value))
        self._compose()
        return True

    def _image(self, backend: Backend, exchange: _Exchange, component: int, value: int) -> int:
        row = backend.row(component, value)
        new = [0] * len(row)
        for here, (to, sort, slot) in zip(row, exchange.moves[component], strict=True):
            if slot is None:
                new[to] = self.renaming.value(here, sort, exchange.by)
            else:
                content = self.renaming.messages(slot.network, self._evaluator.contents[here], exchange.by)
                new[to] = self._evaluator.encode(content)
        return backend.intern(exchange.becomes[component], new)

    def _compose(self) -> None:
        single = [[np.array(values, dtype=np.uint32) for values in images] for images in self._images]
        width = range(len(self._partition.components))
        self.tables = []
        for exchange, earlier in self._words:
            if earlier < 0:
                self.tables.append([np.arange(len(self._images[0][c]), dtype=np.uint32) for c in width])
            else:
                before, becomes = self.tables[earlier], self.becomes[earlier]
                self.tables.append([single[exchange][becomes[c]][before[c]] for c in width])

    def image(self, number: int, state: list[int]) -> list[int]:
        """A state, as component numbers, under the permutation of this number."""
        new = [0] * len(state)
        for component, value in enumerate(state):
            new[self.becomes[number][component]] = int(self.tables[number][component][value])
        return new

    def arguments(self, action: int, args: tuple[Any, ...], number: int) -> tuple[Any, ...]:
        """Arguments of an action under the permutation of this number."""
        parameters = self._partition.ground.spec.actions[action].parameters
        by = self.permutations[number]
        return tuple(self.renaming.plain(value, p.sort, by) for value, p in zip(args, parameters, strict=True))
