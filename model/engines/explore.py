"""Breadth-first search over every state within bounds: level by level, so counterexamples are shortest.

States are compared in full. The order is fixed by the spec (actions in their order, arguments in domain order), so counts, levels
and traces are the same on every machine. On the plain reading this is the reference that faster explorers are checked against; on a source
derived from the graph, a sample of the states is expanded in the plain reading as well, and must agree.
"""

from typing import Any

from model.engines.breadth_first import BreadthFirst, Taken
from model.engines.source import (
    Budget,
    Clock,
    Disagreement,
    Record,
    Report,
    Source,
    State,
    Stop,
    blocked_most,
    guards_of,
    replayed,
)
from model.engines.verdict import SpecTrace, Verdict, overall
from model.language import Property
from model.language.plain import Stepper

_AUDIT_EVERY = 256
"""Of a source that is derived from the graph, the steps of every so many-th state are compared with the plain reading's."""


class _Search(BreadthFirst):
    """One search, with the verdicts on properties."""

    def __init__(
        self, source: Source, properties: tuple[Property, ...], budget: Budget, clock: Clock, report: Report | None
    ):
        super().__init__(source.spec, budget, clock, report)
        self.source = source
        self.record = Record(source, properties)
        self.deadlocks = 0
        self.degrees: dict[int, int] = {}
        self.audit = None if isinstance(source, Stepper) else Stepper(source.spec, source.bounds)

    def trace_to(self, number: int, last: Taken | None = None) -> SpecTrace:
        """The path to a state (and one step further), replayed in the plain reading."""
        return replayed(self.source.spec, self.source.bounds, self.way_to(number, last))

    def begin(self) -> None:
        """Check the initial state."""
        initial = self.source.initial()
        self.check(self.discover(initial), self.source.view(initial))

    def check(self, number: int, view: Any) -> None:
        """Check the properties of single states on a new one."""
        for prop in self.record.always:
            if not self.source.holds_in(prop, view):
                self.record.violated(prop, self.trace_to(number))
                raise Stop(f"stopped at the violation of {prop.name}")
        for prop in tuple(self.record.wanted):
            if prop.states == 1 and self.source.holds_in(prop, view):
                self.record.reached(prop, self.trace_to(number))

    def expand(self, number: int) -> None:
        """Take every step out of a state and check the properties of steps on each."""
        state = self.states[number]
        before = self.source.view(state)
        degree = 0
        for place, args, new, view in self.source.steps(state):
            degree += 1
            self.generated += 1
            self.record.fired[place] += 1
            for prop in self.record.steps:
                if not self.source.holds_across(prop, before, view):
                    self.record.violated(prop, self.trace_to(number, (place, args)))
                    raise Stop(f"stopped at the violation of {prop.name}")
            for prop in tuple(self.record.wanted):
                if prop.states == 2 and self.source.holds_across(prop, before, view):
                    self.record.reached(prop, self.trace_to(number, (place, args)))
            if new not in self.index:
                self.check(self.discover(new, number, (place, args)), view)
        self.deadlocks += not degree
        self.degrees[degree] = self.degrees.get(degree, 0) + 1
        if self.audit is not None and number % _AUDIT_EVERY == 0:
            self.compare(self.audit, state)

    def compare(self, audit: Stepper, state: State) -> None:
        """The steps out of a state must be those of the plain reading, in the same order; guards are counted on the way."""
        source, plain = self.source, self.source.plain(state)
        expected = list(audit.successors(plain))
        cut = list(source.cut)
        found = [(place, args, source.plain(new)) for place, args, new, _ in source.steps(state)]
        source.cut[:] = cut  # these steps have been counted
        if found != expected:
            raise Disagreement(
                f"{source.spec.name}: {len(found)} steps instead of {len(expected)}, or other ones, out of {plain!r}"
            )


def explore(
    source: Source,
    properties: tuple[Property, ...],
    *,
    clock: Clock,
    budget: Budget | None = None,
    report: Report | None = None,
    engine: str = "explore",
) -> Verdict:
    """Search every state of a spec within bounds and give the verdict on each property.

    `clock` counts CPU seconds. The search stops at the first violation. An interrupt (Ctrl-C) or a used-up budget gives
    `unknown` for what is not settled, with what was covered.
    """
    search = _Search(source, properties, budget if budget is not None else Budget(), clock, report)
    complete, why = search.search()
    verdicts = search.record.finish(complete=complete, why=why)
    spec = source.spec
    return Verdict(
        spec=spec.name,
        engine=engine,
        bounds=dict(source.bounds),
        verdict=overall(verdicts),
        reason=why,
        rung="explored" if complete else "tested",
        properties=verdicts,
        distinct=len(search.states),
        generated=search.generated,
        depth=len(search.levels),
        seconds=clock() - search.started,
        coverage=search.record.coverage(),
        spec_hash=spec.digest(),
        bug=spec.bug,
        levels=tuple(search.levels),
        deadlocks=search.deadlocks,
        out_degrees=dict(sorted(search.degrees.items())),
        guards=guards_of(search.audit if search.audit is not None else source),
        blocked=blocked_most(search.audit if search.audit is not None else source),
        cut={a.name: n for a, n in zip(spec.actions, source.cut, strict=True)},
    )
