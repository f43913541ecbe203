"""The search for liveness on any source of states and steps, state by state: the reference that `compiled.py` is checked against."""

from array import array
from typing import Any

import numpy as np

from model.engines.breadth_first import BreadthFirst
from model.engines.liveness.explored import Explored, Label
from model.engines.liveness.graph import OUTSIDE
from model.engines.source import Budget, Clock, Disagreement, Report, Source, Stop
from model.language import Property
from model.language.plain import Stepper

_AUDIT_EVERY = 256
"""Of a source that is derived from the graph, every so many-th state is looked at in the plain reading as well."""


class Search(BreadthFirst):
    """One search for some `eventually` properties, see `explored.Explored`."""

    def __init__(
        self, source: Source, properties: tuple[Property, ...], budget: Budget, clock: Clock, report: Report | None
    ) -> None:
        super().__init__(source.spec, budget, clock, report)
        self.source, self.properties = source, properties
        self.plain = Stepper(source.spec, source.bounds, coverage=False)
        self.unsatisfied = [array("b") for _ in properties]
        self.triggers = [array("i") for _ in properties]
        self._offsets = array("q", [0])
        self._targets = array("i")
        self._labels = array("i")
        self._names: dict[Label, int] = {}
        self._beyond: list[tuple[int, tuple[Any, ...]]] = []
        self._audited = not isinstance(source, Stepper)
        self._all = any(p.after is not None for p in properties)

    # ---- the search
    def run(self) -> Explored:
        """Visit what has to be visited; Stop if the budget or the user ends it before."""
        cut = list(self.source.cut)
        self.source.beyond = self._beyond
        try:
            complete, why = self.search()
        finally:
            self.source.beyond = None
            self.source.cut[:] = cut  # what is counted there belongs to the search before this one
        if not complete:
            raise Stop(why)
        return Explored(
            spec=self.source.spec,
            bounds=self.source.bounds,
            properties=self.properties,
            offsets=np.array(self._offsets, dtype=np.int64),
            targets=np.array(self._targets, dtype=np.int32),
            labels=np.array(self._labels, dtype=np.int32),
            names=tuple(self._names),
            depths=np.repeat(np.arange(len(self.levels), dtype=np.int32), self.levels),
            unsatisfied=tuple(np.array(u, dtype=np.bool_) for u in self.unsatisfied),
            triggers=tuple(np.array(t, dtype=np.int32) for t in self.triggers),
        )

    def begin(self) -> None:
        """Judge the initial state."""
        initial = self.source.initial()
        self._judge(self.discover(initial), self.source.view(initial))

    def _judge(self, number: int, view: Any) -> None:
        for prop, unsatisfied, triggers in zip(self.properties, self.unsatisfied, self.triggers, strict=True):
            unsatisfied.append(not self.source.holds_in(prop, view))
            if number == 0 if prop.after is None else self.source.holds_in(prop.after, view):
                triggers.append(number)

    def expand(self, number: int) -> None:
        """Note every step out of a state, if any property needs them."""
        if self._all or any(unsatisfied[number] for unsatisfied in self.unsatisfied):
            self._take(number)
        self._offsets.append(len(self._targets))

    def _take(self, number: int) -> None:
        source, state = self.source, self.states[number]
        if self._audited and number % _AUDIT_EVERY == 0:
            self._audit(number)
        self._beyond.clear()
        for place, args, new, view in source.steps(state):
            self.generated += 1
            target = self.index.get(new)
            if target is None:
                target = self.discover(new, number, (place, args))
                self._judge(target, view)
            if target != number:
                self._note(target, place, args)
        for place, args in self._beyond:
            # The bounds cut a step here: a run may leave them, and for fairness the action is enabled.
            self._note(OUTSIDE, place, args)

    def _note(self, target: int, place: int, args: tuple[Any, ...]) -> None:
        self._targets.append(target)
        self._labels.append(self._names.setdefault((place, args), len(self._names)))

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
