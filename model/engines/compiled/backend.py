"""What a search needs of a back end, and what both back ends share."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
from attrs import frozen

from model.engines.compiled.components import Partition
from model.engines.compiled.evaluate import Evaluator
from model.engines.compiled.misses_code import MissesCode
from model.engines.source import Stop

EXPLORE, FIND, CHECK, EDGES, LEADS = 0, 1, 2, 3, 4
"""What a round is for: take all steps; find the predecessors of a target; look at properties of single states only; note all steps;
find which actions lead to some targets."""

DEGREES = 64
"""Out-degrees are counted one by one below DEGREES - 1; what is higher is counted together."""

NOWHERE = 0xFFFF_FFFF
"""The target of a step that the bounds cut."""

Key = tuple[int, ...]
"""A combination: the group, then per view of the group the number of the projected value."""

Numbers = npt.NDArray[np.uint32]

NumberEvent = Callable[[tuple[str, ...], int], int]
"""The number of an event: names of properties that are decided, by a step of the action at this place of the spec (-1: by a state)."""

Alive = Callable[[int, int, list[int]], int]
"""(component, projection, projected row) -> bit per group: whether it can do anything when it sees this row.

It is called once for each value of a projection, in the order of their numbers."""


class NoMemory(Stop):
    """The tables cannot grow: by the system's limit, or because component numbers do not fit into a state."""


@frozen
class Found:
    """The least state for which an event happened: packed, with the memo's key and the number of the move among its group's."""

    state: tuple[int, ...]
    key: Key
    move: int


@frozen
class Stats:
    """What was done so far. `tables` are the bytes beside states and visited set."""

    distinct: int
    deadlocks: int
    steps: int
    bytes: int
    tables: int
    words: int
    entries: int
    patches: int
    made: int
    generated: tuple[int, ...]
    cut: tuple[int, ...]
    values: tuple[int, ...]


class Entry(NamedTuple):
    """A memo entry as numbers: per move (action, cut, event, patches); and the event of the properties that are decided, or 0."""

    moves: Sequence[tuple[int, bool, int, Sequence[int]]]
    event: int = 0


class Moves(NamedTuple):
    """What numbers of moves stand for: per move (its number, the place of its key in `keys`, its number among the moves of that
    combination that are not cut; or -1 - action: the cut steps of an action)."""

    keys: list[Key]
    moves: npt.NDArray[np.int32]


class Reduction(Protocol):
    """Permutations of the nodes, the identity first: per permutation which component each becomes, and what each of its values becomes."""

    becomes: list[list[int]]
    tables: list[list[Numbers]]

    def close(self, backend: "Backend") -> bool:
        """Number the images of all values that have none yet; whether there were any."""


class Backend(Protocol):
    """Interned components, the memo, the visited set and the levels. Numbers never depend on threads.

    `pays` says after how many evaluations in Python compiling the rest pays; None if it cannot be done.
    """

    threads: int
    fingerprints: bool
    """Whether the visited set compares 64 bits of a hash instead of states."""
    pays: int | None

    def intern(self, component: int, row: Sequence[int]) -> int:
        """The number of a component's value."""

    def row(self, component: int, value: int) -> list[int]:
        """A component's value."""

    def seen(self, component: int, projection: int, value: int) -> list[int]:
        """What a projection shows of a component, by number."""

    def settle(self, alive: Alive) -> None:
        """Project the new values of components, and widen the packed states if numbers need more bits."""

    def reduce(self, by: Reduction) -> None:
        """From now on keep only the least of a state's images (before any state is inserted)."""

    def orbits(self) -> int | None:
        """How many states the images of those that were found are, if there is a reduction; None if that is not known: they are on disk."""

    def add(self, numbers: Sequence[int]) -> None:
        """Insert a state."""

    def compile(self, code: MissesCode, evaluator: Evaluator) -> None:
        """Evaluate misses by compiled code from now on, where this is possible."""

    def fill(self, evaluate: Callable[[Key], Entry], event: NumberEvent) -> None:
        """Fill in the missing combinations in sorted order. `evaluate` does it in Python."""

    def patch(self, component: int, pairs: Sequence[tuple[int, int]]) -> int:
        """The number of a patch of a component: (place in the component, value) pairs."""

    def advance(self) -> int:
        """What was found since the last level is the next level; its number of states."""

    def level(self, depth: int, mode: int, groups: int, target: tuple[int, ...] = ()) -> None:
        """Begin a round over the states of a level (the first is 0), with the groups of this bit mask."""

    def run(self, most: int) -> bool:
        """Work on the round, at most so many states per thread; whether it is done."""

    def again(self, alive: Alive) -> bool:
        """After the misses were filled in: make what patches are missing and begin a round over the postponed states, if any."""

    def index(self) -> Numbers:
        """Number the states for rounds that note steps; the numbers in the order in which `dump` gives the states. NoMemory if there is
        no room, or if states are on disk."""

    def edges(self) -> Numbers:
        """The steps noted since the last call: rows of (state, next state or NOWHERE, move)."""

    def moves(self) -> Moves:
        """What the numbers of moves stand for."""

    def fatal(self, events: Sequence[int]) -> None:
        """From now on the search does not go on from states for which one of these events happens, nor by such steps."""

    def collect(self, *, on: bool) -> None:
        """Whether rounds that only look at properties keep every state for which an event happens; what was kept is forgotten."""

    def collected(self) -> list[tuple[tuple[int, ...], int]]:
        """What was kept: packed states with their events' numbers, in no particular order."""

    def targets(self, states: Sequence[tuple[tuple[int, ...], int]], numbers: int) -> None:
        """Packed states, each with a number below `numbers`. A step of action a to one with number k is event k * actions + a in LEADS."""

    def event(self, number: int) -> Found | None:
        """The least state for which an event happened since the level began."""

    def numbers(self, state: tuple[int, ...]) -> list[int]:
        """The component numbers of a packed state."""

    def dump(self, depth: int) -> Iterator[Numbers]:
        """The states of a level in pieces, one row of component numbers each."""

    def load(self, states: Numbers) -> None:
        """Insert states."""

    def manifest(self) -> dict[str, Any] | None:
        """What a checkpoint says of levels that are on disk, which are there for good then; None if they are in memory."""

    def saved(self) -> None:
        """A checkpoint with the manifest was written."""

    def adopt(self, manifest: dict[str, Any]) -> None:
        """Take over the levels of a manifest; ValueError or OSError if that cannot be."""

    def stats(self) -> Stats:
        """What was done so far."""

    def degrees(self) -> list[int]:
        """Per number of steps (see DEGREES) how many states that were expanded have so many."""

    def restore(
        self, deadlocks: int, steps: int, generated: Sequence[int], cut: Sequence[int], degrees: Sequence[int]
    ) -> None:
        """Count on from what a checkpoint says."""

    def close(self) -> None:
        """Give the memory back."""


def configuration(partition: Partition) -> list[list[int]]:
    """Components as [width, projections as (width, places)...] and groups as view pairs, flat, for the back ends."""
    components = []
    for component in partition.components:
        row = [len(component.places), len(component.projections)]
        for projection in component.projections:
            row += [len(projection), *projection]
        components.append(row)
    groups = []
    for group in partition.groups:
        row = [len(group.views)]
        for view in group.views:
            row += [view.component, view.projection]
        groups.append(row)
    return [*components, *groups]
