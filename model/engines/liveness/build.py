"""The search for liveness on any source of states and steps, state by state: the reference that `compiled.py` is checked against."""

from array import array
from typing import Any

import numpy as np

from model.engines.liveness.explored import Explored, Label
from model.engines.liveness.graph import OUTSIDE
from model.engines.source import Budget, Clock, Disagreement, Progress, Report, Source, State
from model.language import Property
from model.language.plain import Stepper

_REPORT_EVERY = 512

_AUDIT_EVERY = 256
"""Of a source that is derived from the graph, every so many-th state is looked at in the plain reading as well."""


class Unfinished(Exception):
    """The search ends before it has seen everything; the message says why."""


class Search:
    """One breadth-first search for some `eventually` properties, see `explored.Explored`."""

    def __init__(
        self, source: Source, properties: tuple[Property, ...], budget: Budget, clock: Clock, report: Report | None
    ) -> None:
        self.source, self.properties, self.budget, self.clock, self.report = source, properties, budget, clock, report
        self.plain = Stepper(source.spec, source.bounds, coverage=False)
        self.states: list[State] = []
        self.depths = array("i")
        self.unsatisfied = [array("b") for _ in properties]
        self.triggers = [array("i") for _ in properties]
        self._index: dict[State, int] = {}
        self._offsets = array("q", [0])
        self._targets = array("i")
        self._labels = array("i")
        self._names: dict[Label, int] = {}
        self._beyond: list[tuple[int, tuple[Any, ...]]] = []
        self._generated = 0
        self._audited = not isinstance(source, Stepper)
        self._all = any(p.after is not None for p in properties)
        self._started = clock()

    # ---- the search
    def run(self) -> Explored:
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
        return Explored(
            spec=self.source.spec,
            bounds=self.source.bounds,
            properties=self.properties,
            offsets=np.array(self._offsets, dtype=np.int64),
            targets=np.array(self._targets, dtype=np.int32),
            labels=np.array(self._labels, dtype=np.int32),
            names=tuple(self._names),
            depths=np.array(self.depths, dtype=np.int32),
            unsatisfied=tuple(np.array(u, dtype=np.bool_) for u in self.unsatisfied),
            triggers=tuple(np.array(t, dtype=np.int32) for t in self.triggers),
        )

    def _add(self, state: State, parent: int, view: Any) -> int:
        number = self._index[state] = len(self.states)
        self.states.append(state)
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
                self._note(target, place, args)
        for place, args in self._beyond:
            # The bounds cut a step here: a run may leave them, and for fairness the action is enabled.
            self._note(OUTSIDE, place, args)

    def _note(self, target: int, place: int, args: tuple[Any, ...]) -> None:
        self._targets.append(target)
        self._labels.append(self._names.setdefault((place, args), len(self._names)))

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
