"""Seeded random walks: cheap evidence at bounds that no search completes.

Each step picks an action uniformly among those that are enabled, then one of its enabled instances uniformly, so that actions with
many instances (a message may reach anybody) do not drown the others. One seed gives one sequence of walks on every machine.
"""

from random import Random
from typing import Any

from model.engines.source import Budget, Clock, Progress, Record, Report, Source, State, blocked_most, replayed
from model.engines.verdict import SpecTrace, TraceStep, Verdict, overall
from model.language import Property


def pick(random: Random, size: int) -> int:
    """A uniform number below `size`, from getrandbits only: the same on every Python version."""
    bits = size.bit_length()
    while (number := random.getrandbits(bits)) >= size:
        pass
    return number


class _Violated(Exception):
    """A walk has met a violation and ends."""


class _Walks:
    """The walks of one run; states are remembered only to count distinct ones."""

    def __init__(self, source: Source, properties: tuple[Property, ...], seed: int) -> None:
        self.source = source
        self.random = Random(seed)
        self.record = Record(source, properties)
        self.seen: set[State] = set()
        self.path: list[tuple[int, tuple[Any, ...]]] = []
        self.generated = 0
        self.longest = 0
        self.deadlocks = 0

    def trace(self) -> SpecTrace:
        """The walk so far, replayed in the plain reading."""
        actions = self.source.spec.actions
        steps = tuple(TraceStep(actions[place].name, args) for place, args in self.path)
        return replayed(self.source.spec, self.source.bounds, steps)

    def visit(self, state: State) -> None:
        """Check the properties of single states on a state met for the first time."""
        if state in self.seen:
            return
        self.seen.add(state)
        view = self.source.view(state)
        for prop in self.record.always:
            if not self.source.holds_in(prop, view):
                self.record.violated(prop, self.trace())
                raise _Violated(prop.name)
        for prop in tuple(self.record.wanted):
            if prop.states == 1 and self.source.holds_in(prop, view):
                self.record.reached(prop, self.trace())

    def choose(self, state: State) -> tuple[int, tuple[Any, ...], State] | None:
        """One enabled step out of a state; None if there is none. Every enabled step is checked, not only the chosen one."""
        before = self.source.view(state)
        by_action: dict[int, list[tuple[tuple[Any, ...], State]]] = {}
        for place, args, new, view in self.source.steps(state):
            by_action.setdefault(place, []).append((args, new))
            self.path.append((place, args))
            for prop in self.record.steps:
                if not self.source.holds_across(prop, before, view):
                    self.record.violated(prop, self.trace())
                    raise _Violated(prop.name)
            for prop in tuple(self.record.wanted):
                if prop.states == 2 and self.source.holds_across(prop, before, view):
                    self.record.reached(prop, self.trace())
            self.path.pop()
        if not by_action:
            return None
        place = sorted(by_action)[pick(self.random, len(by_action))]
        args, new = by_action[place][pick(self.random, len(by_action[place]))]
        return place, args, new

    def one(self, steps: int) -> None:
        """One walk of at most `steps` steps from the initial state."""
        self.path = []
        state = self.source.initial()
        self.visit(state)
        for _ in range(steps):
            chosen = self.choose(state)
            if chosen is None:
                self.deadlocks += 1
                return
            place, args, state = chosen
            self.path.append((place, args))
            self.generated += 1
            self.record.fired[place] += 1
            self.longest = max(self.longest, len(self.path) + 1)
            self.visit(state)


def walk(
    source: Source,
    properties: tuple[Property, ...],
    *,
    seed: int,
    runs: int,
    steps: int,
    clock: Clock,
    budget: Budget | None = None,
    report: Report | None = None,
) -> Verdict:
    """Take `runs` random walks of at most `steps` steps and check the properties on every state and step met.

    The verdict `holds` means tested, not proved: the rung says so. A used-up budget or an interrupt gives `unknown`, and a `sometimes`
    that no walk reached stays unknown, because walks are not exhaustive.
    """
    limits = budget if budget is not None else Budget()
    walks = _Walks(source, properties, seed)
    started = clock()
    done, why = 0, ""
    try:
        for done in range(runs):
            seconds = clock() - started
            if report is not None:
                report(Progress(len(walks.seen), walks.generated, walks.longest, runs - done, seconds))
            if limits.seconds is not None and seconds > limits.seconds:
                why = f"budget of {limits.seconds:g} s used up after {done} of {runs} walks"
                break
            walks.one(steps)
        else:
            done = runs
    except _Violated as stop:
        why = f"stopped at the violation of {stop}"
    except KeyboardInterrupt:
        why = f"interrupted after {done} of {runs} walks"
    verdicts = walks.record.finish(
        complete=not why, exhaustive=False, why=why or f"not reached in {runs} walks of {steps} steps"
    )
    spec = source.spec
    return Verdict(
        spec=spec.name,
        engine="walk",
        bounds=dict(source.bounds),
        verdict=overall(verdicts),
        reason=why,
        rung="tested",
        properties=verdicts,
        distinct=len(walks.seen),
        generated=walks.generated,
        depth=walks.longest,
        seconds=clock() - started,
        coverage=walks.record.coverage(),
        spec_hash=spec.digest(),
        bug=spec.bug,
        seed=seed,
        deadlocks=walks.deadlocks,
        blocked=blocked_most(source),
        cut={a.name: n for a, n in zip(spec.actions, source.cut, strict=True)},
    )
