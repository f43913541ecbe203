"""Breadth-first search over every state within bounds: level by level, so counterexamples are shortest.

States are compared in full. The order is fixed by the spec (actions in their order, arguments in domain order), so counts, levels
and traces are the same on every machine. On the plain reading this is the reference that faster explorers are checked against; on a source
derived from the graph, a sample of the states is expanded in the plain reading as well, and must agree.
"""

from typing import Any

from model.engines.source import (
    Budget,
    Clock,
    Disagreement,
    Progress,
    Record,
    Report,
    Source,
    State,
    blocked_most,
    guards_of,
    replayed,
)
from model.engines.verdict import PropertyVerdict, SpecTrace, TraceStep, Verdict, overall
from model.language import Property
from model.language.plain import Stepper

_REPORT_EVERY = 512

_AUDIT_EVERY = 256
"""Of a source that is derived from the graph, the steps of every so many-th state are compared with the plain reading's."""


class _Stop(Exception):
    """The search ends before the frontier is empty; the message says why."""


class _Search:
    """One breadth-first search. States are numbered in order of discovery; `parents` and `taken` lead back to the start."""

    def __init__(
        self, source: Source, properties: tuple[Property, ...], budget: Budget, clock: Clock, report: Report | None
    ):
        self.source, self.budget, self.clock, self.report = source, budget, clock, report
        self.record = Record(source, properties)
        self.index: dict[State, int] = {}
        self.states: list[State] = []
        self.parents: list[int] = []
        self.taken: list[tuple[int, tuple[Any, ...]] | None] = []
        self.levels: list[int] = []
        self.generated = 0
        self.deadlocks = 0
        self.degrees: dict[int, int] = {}
        self.started = clock()
        self.audit = None if isinstance(source, Stepper) else Stepper(source.spec, source.bounds)

    def trace_to(self, number: int, last: tuple[int, tuple[Any, ...]] | None = None) -> SpecTrace:
        """The path to a state (and one step further), replayed in the plain reading."""
        steps = [last] if last is not None else []
        while (step := self.taken[number]) is not None:
            steps.append(step)
            number = self.parents[number]
        actions = self.source.spec.actions
        path = tuple(TraceStep(actions[place].name, args) for place, args in reversed(steps))
        return replayed(self.source.spec, self.source.bounds, path)

    def add(self, state: State, parent: int, step: tuple[int, tuple[Any, ...]] | None, view: Any) -> None:
        """Number a new state and check the properties of single states on it."""
        number = self.index[state] = len(self.states)
        self.states.append(state)
        self.parents.append(parent)
        self.taken.append(step)
        for prop in self.record.always:
            if not self.source.holds_in(prop, view):
                self.record.violated(prop, self.trace_to(number))
                raise _Stop(f"stopped at the violation of {prop.name}")
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
                    raise _Stop(f"stopped at the violation of {prop.name}")
            for prop in tuple(self.record.wanted):
                if prop.states == 2 and self.source.holds_across(prop, before, view):
                    self.record.reached(prop, self.trace_to(number, (place, args)))
            if new not in self.index:
                self.add(new, number, (place, args), view)
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

    def pause(self, queue: int) -> None:
        """Between two states: report, and look at the budget."""
        seconds = self.clock() - self.started
        if self.report is not None:
            self.report(Progress(len(self.states), self.generated, len(self.levels), queue, seconds))
        if self.budget.seconds is not None and seconds > self.budget.seconds:
            raise _Stop(f"budget of {self.budget.seconds:g} s used up with {queue:,} states in the queue")

    def run(self) -> None:
        """Explore to the end of the frontier, or raise _Stop."""
        initial = self.source.initial()
        self.generated += 1
        self.add(initial, -1, None, self.source.view(initial))
        first, last = 0, 1
        while first < last:
            self.levels.append(last - first)
            for number in range(first, last):
                if number % _REPORT_EVERY == 0:
                    self.pause(len(self.states) - number)
                if self.budget.states is not None and len(self.states) > self.budget.states:
                    raise _Stop(f"budget of {self.budget.states:,} states used up at depth {len(self.levels)}")
                self.expand(number)
            first, last = last, len(self.states)


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
    complete, why = True, ""
    try:
        search.run()
    except _Stop as stop:
        complete, why = False, str(stop)
    except KeyboardInterrupt:
        complete, why = False, f"interrupted at depth {len(search.levels)}"
    verdicts: tuple[PropertyVerdict, ...] = search.record.finish(complete=complete, why=why)
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
