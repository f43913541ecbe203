"""The graph on which liveness is decided, as arrays: millions of states, eight bytes a step and some more while it is searched."""

from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

Ints = NDArray[np.int32]
Flags = NDArray[np.bool_]

OUTSIDE = -1
"""The target of a step that leaves the graph: the property is satisfied there, or the bounds cut the step."""

UNFAIR = -1
"""The condition of a step of an action that is not fair."""


@frozen(eq=False)
class OwingGraph:
    """The states 0 .. n-1 in which a property is owed, and the m steps out of them that change the state, or that matter for fairness.

    `offsets` (n + 1): the steps out of state s are numbers offsets[s] .. offsets[s + 1] - 1. `targets` (m): the state that a step leads
    to, or OUTSIDE. `conditions` (m): the fairness condition that the step belongs to, or UNFAIR. `strong` (k): per condition whether it
    is strong (else weak). `roots`: the states in which the property begins to be owed.
    """

    offsets: NDArray[np.int64]
    targets: Ints
    conditions: Ints
    strong: Flags
    roots: Ints
    sources: Ints = field(init=False)

    @sources.default
    def _sources(self) -> Ints:
        return np.repeat(np.arange(self.states, dtype=np.int32), np.diff(self.offsets))

    @property
    def states(self) -> int:
        """How many states."""
        return len(self.offsets) - 1

    def steps_from(self, state: int) -> range:
        """The numbers of the steps out of a state."""
        return range(int(self.offsets[state]), int(self.offsets[state + 1]))

    def enabled(self, state: int) -> set[int]:
        """The fairness conditions enabled in a state."""
        return {int(c) for c in self.conditions[self.offsets[state] : self.offsets[state + 1]] if c != UNFAIR}

    def out_of(self, states: NDArray[Any]) -> NDArray[np.int64]:
        """The numbers of all steps out of these states, in order."""
        first, count = self.offsets[states], self.offsets[states + 1] - self.offsets[states]
        before = np.cumsum(count) - count
        return np.repeat(first - before, count) + np.arange(int(count.sum()), dtype=np.int64)


def components(graph: OwingGraph, among: Flags) -> tuple[int, Ints]:
    """The strongly connected components of the part of the graph with these states: how many, and each state's (others: one of its own)."""
    number, labels = connected_components(_matrix(graph, among), directed=True, connection="strong")
    return int(number), labels


def ways_home(graph: OwingGraph, among: Flags, home: int) -> Ints:
    """Per state of the part of the graph with these states the next one on a shortest way to `home`; below 0 where there is none."""
    matrix = _matrix(graph, among).T.tocsr()
    _, following = breadth_first_order(matrix, home, directed=True, return_predecessors=True)
    return np.asarray(following, dtype=np.int32)


def _matrix(graph: OwingGraph, among: Flags) -> Any:
    """Which of these states lead to which, as a sparse matrix."""
    inside = graph.targets != OUTSIDE
    inside &= among[graph.sources]
    inside[inside] = among[graph.targets[inside]]
    ends = (graph.sources[inside], graph.targets[inside])
    return csr_array((np.ones(len(ends[0]), dtype=np.bool_), ends), shape=(graph.states, graph.states))


@frozen(eq=False)
class Ways:
    """Shortest ways to the states of a graph: `levels`, how many steps from the initial state (UNREACHED: none), and `by`, the last of them
    (FIRST: the state is a root, and the way to it is not part of the graph).
    """

    levels: Ints
    by: NDArray[np.int64]

    @property
    def reached(self) -> Flags:
        """The states in which the property is owed."""
        return self.levels != UNREACHED


UNREACHED = -1
FIRST = -1


def shortest_ways(graph: OwingGraph, depths: Ints) -> Ways:
    """Breadth-first search from the roots, of which `depths` says how far each is from the initial state."""
    levels = np.full(graph.states, UNREACHED, dtype=np.int32)
    by = np.full(graph.states, FIRST, dtype=np.int64)
    level, last = 0, int(depths.max(initial=-1))
    frontier = graph.roots[:0]
    while len(frontier) or level <= last:
        steps = graph.out_of(frontier)
        steps = steps[graph.targets[steps] != OUTSIDE]
        steps = steps[levels[graph.targets[steps]] == UNREACHED]
        reached, first = np.unique(graph.targets[steps], return_index=True)
        by[reached] = steps[first]
        levels[reached] = level
        roots = graph.roots[depths == level]
        roots = roots[levels[roots] == UNREACHED]
        levels[roots] = level
        frontier = np.concatenate((reached, roots))
        level += 1
    return Ways(levels, by)
