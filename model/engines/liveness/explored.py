"""What a search for liveness has found, as arrays: the same from whichever engine it comes."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from model.engines.liveness.conditions import Conditions
from model.engines.liveness.graph import OUTSIDE, UNFAIR, Flags, Ints, OwingGraph, Ways, shortest_ways
from model.engines.verdict import TraceStep
from model.language import Property, Spec
from model.language.sorts import Bounds

Label = tuple[int, tuple[Any, ...]]
"""A step without its states: the place of its action in the spec, and its plain arguments."""


@frozen(eq=False)
class Explored:
    """States 0 .. n-1 in the order of a breadth-first search from state 0 that takes steps in the order of the spec, and m steps.

    Without a trigger a property is owed from the initial state on, and needs no step out of a state that satisfies it: if no property
    has one, such states are there without their steps. With a trigger, it is owed from the states that trigger it.

    `offsets` (n + 1): the steps out of state s are numbers offsets[s] .. offsets[s + 1] - 1, those that the bounds cut last; steps that
    change nothing are left out. `targets` (m): where they lead to (OUTSIDE: beyond the bounds); `labels` (m): which they are, places in
    `names`. `depths` (n): how far a state is from the initial one. Per property `unsatisfied` (n) and `triggers`, the states that do.
    """

    spec: Spec
    bounds: Bounds
    properties: tuple[Property, ...]
    offsets: NDArray[np.int64]
    targets: Ints
    labels: Ints
    names: tuple[Label, ...]
    depths: Ints
    unsatisfied: tuple[Flags, ...]
    triggers: tuple[Ints, ...]
    conditions: Conditions = field(init=False)
    _condition_of: Ints = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Number the fairness conditions in the order in which the search meets them."""
        conditions = Conditions(self.spec)
        first = np.full(len(self.names), len(self.labels), dtype=np.int64)
        first[self.labels[::-1]] = np.arange(len(self.labels) - 1, -1, -1)
        condition_of = np.full(len(self.names), UNFAIR, dtype=np.int32)
        for label in np.argsort(first, kind="stable").tolist():
            if first[label] < len(self.labels):
                condition_of[label] = conditions.number(*self.names[label])
        object.__setattr__(self, "conditions", conditions)
        object.__setattr__(self, "_condition_of", condition_of)

    @property
    def states(self) -> int:
        """How many states."""
        return len(self.depths)

    def sources(self) -> Ints:
        """Per step the state that it leads out of."""
        return np.repeat(np.arange(self.states, dtype=np.int32), np.diff(self.offsets))

    def graph(self, place: int) -> OwingGraph:
        """The graph of the property at this place: only states that do not satisfy it have steps or are led to."""
        unsatisfied = self.unsatisfied[place]
        targets, conditions, sources = self.targets.copy(), self._condition_of[self.labels], self.sources()
        inside = targets != OUTSIDE
        targets[inside] = np.where(unsatisfied[targets[inside]], targets[inside], OUTSIDE)
        kept = unsatisfied[sources] & ((targets != OUTSIDE) | (conditions != UNFAIR))
        offsets = np.zeros(self.states + 1, dtype=np.int64)
        np.cumsum(np.bincount(sources[kept], minlength=self.states), out=offsets[1:])
        roots = self.triggers[place]
        return OwingGraph(
            offsets=offsets,
            targets=targets[kept],
            conditions=conditions[kept],
            strong=np.array(self.conditions.strong, dtype=np.bool_),
            roots=roots[unsatisfied[roots]],
        )

    def ways(self, graph: OwingGraph) -> Ways:
        """The shortest ways to the states in which the property is owed."""
        return shortest_ways(graph, self.depths[graph.roots])

    def escapes(self, ways: Ways) -> tuple[int, dict[int, tuple[int, int]]]:
        """From how many states a run can leave the bounds while the property is owed.

        And per place of an action: from how many by a step of it, and after how many steps the first time.
        """
        cut = np.flatnonzero(self.targets == OUTSIDE)
        states = np.searchsorted(self.offsets, cut, side="right") - 1
        cut, states = cut[ways.reached[states]], states[ways.reached[states]]
        place_of = np.array([place for place, _ in self.names], dtype=np.int32)
        places = place_of[self.labels[cut]] if len(cut) else np.zeros(0, dtype=np.int32)
        found = {}
        for place in np.unique(places).tolist():
            there = np.unique(states[places == place])
            found[place] = (len(there), int(ways.levels[there].min()))
        return len(np.unique(states)), found

    def way_to(self, number: int) -> Iterator[TraceStep]:
        """The shortest way from the initial state to a state, as steps, last first."""
        by = np.full(self.states, -1, dtype=np.int64)
        inside = np.flatnonzero(self.targets != OUTSIDE)[::-1]
        by[self.targets[inside]] = inside  # of several the last assignment stays: the first step that leads there
        while number:
            step = int(by[number])
            yield self._step(step)
            number = int(np.searchsorted(self.offsets, step, side="right")) - 1

    def step_between(self, number: int, target: int, condition: int) -> TraceStep:
        """The first step from one state to another that belongs to a condition (UNFAIR: to none)."""
        for step in range(int(self.offsets[number]), int(self.offsets[number + 1])):
            if self.targets[step] == target and self._condition_of[self.labels[step]] == condition:
                return self._step(step)
        raise AssertionError("a step of the graph is one of the search")

    def _step(self, number: int) -> TraceStep:
        place, args = self.names[self.labels[number]]
        return TraceStep(self.spec.actions[place].name, args)
