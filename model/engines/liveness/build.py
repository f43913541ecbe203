"""The search that makes the graphs of the states in which properties are owed, from any source of states and steps."""

from array import array
from collections.abc import Iterator
from typing import Any

import numpy as np

from model.engines.liveness.conditions import Conditions
from model.engines.liveness.graph import OUTSIDE, UNFAIR, UNREACHED, Flags, OwingGraph, Ways, shortest_ways
from model.engines.source import Budget, Clock, Disagreement, Progress, Report, Source, State
from model.engines.verdict import TraceStep
from model.language import Property
from model.language.plain import Stepper

_REPORT_EVERY = 512

_AUDIT_EVERY = 256
"""Of a source that is derived from the graph, every so many-th state is looked at in the plain reading as well."""


class Unfinished(Exception):
    """The search ends before it has seen everything; the message says why."""


class Search:
    """One breadth-first search for some `eventually` properties. States are numbered in order of discovery.

    Without a trigger a property is owed from the initial state on, and needs no step out of a state that satisfies it. With one,
    every state within bounds is visited, and it is owed from the states that trigger it. `depths` is how far a state is from the
    initial one; `unsatisfied[p][s]` whether property p is false in state s; `cuts` has per place of an action the states in which the
    bounds cut a step of it.
    """

    def __init__(
        self, source: Source, properties: tuple[Property, ...], budget: Budget, clock: Clock, report: Report | None
    ) -> None:
        self.source, self.properties, self.budget, self.clock, self.report = source, properties, budget, clock, report
        self.conditions = Conditions(source.spec)
        self.plain = Stepper(source.spec, source.bounds, coverage=False)
        self.states: list[State] = []
        self.depths = array("i")
        self.unsatisfied = [array("b") for _ in properties]
        self.triggers = [array("i") for _ in properties]
        self.cuts: dict[int, array[int]] = {}
        self._index: dict[State, int] = {}
        self._parents = array("i")
        self._offsets = array("q", [0])
        self._targets = array("i")
        self._conditions = array("i")
        self._beyond: list[tuple[int, tuple[Any, ...]]] = []
        self._generated = 0
        self._audited = not isinstance(source, Stepper)
        self._all = any(p.after is not None for p in properties)
        self._started = clock()

    # ---- the search
    def run(self) -> None:
        """Visit what has to be visited; Unfinished if the budget or the user ends it before."""
        cut = list(self.source.cut)
        self.source.beyond = self._beyond
        try:
            initial = self.source.initial()
            self._add(initial, -1, self.source.view(initial))
            at = 0
            while at < len(self.states):
                if at % _REPORT_EVERY == 0:
                    self._pause(at)
                if self._all or any(unsatisfied[at] for unsatisfied in self.unsatisfied):
                    self._expand(at)
                self._offsets.append(len(self._targets))
                at += 1
        except KeyboardInterrupt:
            raise Unfinished("interrupted") from None
        finally:
            self.source.beyond = None
            self.source.cut[:] = cut  # what is counted there belongs to the search before this one

    def _add(self, state: State, parent: int, view: Any) -> int:
        number = self._index[state] = len(self.states)
        self.states.append(state)
        self._parents.append(parent)
        self.depths.append(self.depths[parent] + 1 if parent >= 0 else 0)
        for prop, unsatisfied, triggers in zip(self.properties, self.unsatisfied, self.triggers, strict=True):
            unsatisfied.append(not self.source.holds_in(prop, view))
            if number == 0 if prop.after is None else self.source.holds_in(prop.after, view):
                triggers.append(number)
        return number

    def _expand(self, number: int) -> None:
        source, state = self.source, self.states[number]
        if self._audited and number % _AUDIT_EVERY == 0:
            self._audit(number)
        self._beyond.clear()
        for place, args, new, view in source.steps(state):
            self._generated += 1
            target = self._index.get(new)
            if target is None:
                target = self._add(new, number, view)
            if target != number:
                self._targets.append(target)
                self._conditions.append(self.conditions.number(place, args))
        for place, args in self._beyond:
            # The bounds cut a step here: a run may leave them, and for fairness the action is enabled.
            there = self.cuts.setdefault(place, array("i"))
            if not there or there[-1] != number:
                there.append(number)
            self._targets.append(OUTSIDE)
            self._conditions.append(self.conditions.number(place, args))

    def _pause(self, at: int) -> None:
        seconds = self.clock() - self._started
        if self.report is not None:
            queue = len(self.states) - at
            self.report(Progress(len(self.states), self._generated, self.depths[at] + 1, queue, seconds))
        if self.budget.seconds is not None and seconds > self.budget.seconds:
            raise Unfinished(f"budget of {self.budget.seconds:g} s used up at depth {self.depths[at]}")
        if self.budget.states is not None and len(self.states) > self.budget.states:
            raise Unfinished(f"budget of {self.budget.states:,} states used up at depth {self.depths[at]}")

    def _audit(self, number: int) -> None:
        """The steps out of a state, and what is satisfied there, must be the same in the plain reading."""
        source, state = self.source, self.states[number]
        frozen = source.plain(state)
        self._beyond.clear()
        found = [(place, args, source.plain(new)) for place, args, new, _ in source.steps(state)]
        beyond, self.plain.beyond = list(self._beyond), []
        same = found == list(self.plain.successors(frozen)) and beyond == self.plain.beyond
        for prop, unsatisfied in zip(self.properties, self.unsatisfied, strict=True):
            same &= self.plain.holds(prop, frozen) is not bool(unsatisfied[number])
        if not same:
            raise Disagreement(f"{source.spec.name}: other steps, or a property judged otherwise, in {frozen!r}")

    # ---- what it has found
    def graph(self, place: int) -> OwingGraph:
        """The graph of the property at this place: only states that do not satisfy it have steps or are led to."""
        unsatisfied: Flags = np.array(self.unsatisfied[place], dtype=np.bool_)
        targets, conditions = np.array(self._targets, dtype=np.int32), np.array(self._conditions, dtype=np.int32)
        inside = targets != OUTSIDE
        targets[inside] = np.where(unsatisfied[targets[inside]], targets[inside], OUTSIDE)
        sources = np.repeat(np.arange(len(self.states)), np.diff(self._offsets))
        kept = unsatisfied[sources] & ((targets != OUTSIDE) | (conditions != UNFAIR))
        offsets = np.zeros(len(self.states) + 1, dtype=np.int64)
        np.cumsum(np.bincount(sources[kept], minlength=len(self.states)), out=offsets[1:])
        roots = np.array(self.triggers[place], dtype=np.int32)
        return OwingGraph(
            offsets=offsets,
            targets=targets[kept],
            conditions=conditions[kept],
            strong=np.array(self.conditions.strong, dtype=np.bool_),
            roots=roots[unsatisfied[roots]],
        )

    def ways(self, graph: OwingGraph) -> Ways:
        """The shortest ways to the states in which the property is owed."""
        return shortest_ways(graph, np.array(self.depths, dtype=np.int32)[graph.roots])

    def escapes(self, ways: Ways) -> tuple[int, dict[int, tuple[int, int]]]:
        """From how many states a run can leave the bounds while the property is owed.

        And per place of an action: from how many by a step of it, and after how many steps the first time.
        """
        everywhere = np.zeros(len(self.states), dtype=np.bool_)
        found = {}
        for place, states in sorted(self.cuts.items()):
            there = np.array(states, dtype=np.int32)
            there = there[ways.levels[there] != UNREACHED]
            everywhere[there] = True
            if len(there):
                found[place] = (len(there), int(ways.levels[there].min()))
        return int(everywhere.sum()), found

    def way_to(self, number: int) -> Iterator[tuple[int, int]]:
        """The shortest way from the initial state to a state, as pairs of states, last first."""
        while (parent := self._parents[number]) >= 0:
            yield parent, number
            number = parent

    def step_between(self, number: int, target: int, condition: int | None = None) -> TraceStep:
        """The first step from one state to another; one that belongs to a condition, if one is given."""
        for place, args, new, _ in self.source.steps(self.states[number]):
            if new == self.states[target] and condition in (None, self.conditions.number(place, args)):
                return TraceStep(self.source.spec.actions[place].name, args)
        raise AssertionError("a step that was there when the graph was made is gone")
