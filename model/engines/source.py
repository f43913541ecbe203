"""The small interface behind which engines see a spec, and what they share: budgets, progress, coverage, traces."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from attrs import define, field, frozen

from model.engines.verdict import (
    EVERY_ACTION_FIRES,
    HOLDS,
    UNKNOWN,
    VIOLATED,
    PropertyVerdict,
    SpecTrace,
    TraceStep,
)
from model.language import Disabled, Property, Spec
from model.language.plain import CutStep, Stepper

State = Any


class Source(Protocol):
    """A spec under bounds: `model.language.plain.Stepper` and everything that is derived from the graph offer this."""

    spec: Spec
    cut: list[int]
    beyond: list[tuple[int, tuple[Any, ...]]] | None
    blocked: list[dict[tuple[str, int], int]]

    @property
    def bounds(self) -> Mapping[str, int]: ...
    def initial(self) -> State: ...
    def steps(self, state: State) -> Iterator[tuple[int, tuple[Any, ...], State, Any]]: ...
    def view(self, state: State) -> Any: ...
    def holds_in(self, prop: Property, view: Any) -> bool: ...
    def holds_across(self, prop: Property, before: Any, after: Any) -> bool: ...
    def plain(self, state: State) -> tuple[Any, ...]: ...


class Stop(Exception):
    """A run ends before it has done all it set out to do; the message says why."""


@frozen
class Budget:
    """When to stop: seconds of `clock` (None: no limit), distinct states (None: no limit)."""

    seconds: float | None = None
    states: int | None = None

    def check(self, seconds: float, states: int, depth: int) -> None:
        """Raise Stop if so many seconds or states are more than there are."""
        if self.seconds is not None and seconds > self.seconds:
            raise Stop(f"budget of {self.seconds:g} s used up at depth {depth}")
        if self.states is not None and states > self.states:
            raise Stop(f"budget of {self.states:,} states used up at depth {depth}")


@frozen
class Progress:
    """What a run can tell while it is under way. `bytes`: of states and tables in memory, 0 if nobody counts them;
    `levels`: distinct states per depth, the last one still being expanded; `note`: what an engine says that does not count states.
    """

    distinct: int
    generated: int
    depth: int
    queue: int
    seconds: float
    bytes: int = 0
    levels: tuple[int, ...] = ()
    note: str = ""


Report = Callable[[Progress], None]
Clock = Callable[[], float]


class Disagreement(Exception):
    """What an engine found and the plain reading does not confirm: a defect of the engine or of a reading, not of the spec."""


@define
class Record:
    """Verdicts on properties as a run gathers them. A trace is taken only if the plain reading says the same of its end."""

    source: Source
    properties: tuple[Property, ...]
    found: dict[str, PropertyVerdict] = field(factory=dict)
    more: list[PropertyVerdict] = field(factory=list)
    spec: Spec = field(init=False)
    fired: list[int] = field(init=False)
    always: tuple[Property, ...] = field(init=False)
    steps: tuple[Property, ...] = field(init=False)
    wanted: list[Property] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.spec = self.source.spec
        self.fired = [0] * len(self.spec.actions)
        self.always = tuple(p for p in self.properties if p.kind == "always")
        self.steps = tuple(p for p in self.properties if p.kind == "step")
        self.wanted = [p for p in self.properties if p.kind == "sometimes"]

    def violated(self, prop: Property, trace: SpecTrace) -> None:
        """Note a counterexample."""
        self._confirm(prop, trace, expected=False)
        self.found[prop.name] = PropertyVerdict(prop.name, prop.kind, VIOLATED, "", trace)

    def another(self, prop: Property, trace: SpecTrace) -> None:
        """Note one of several counterexamples; those after the first of a property are in `more`."""
        if prop.name not in self.found:
            self.violated(prop, trace)
            return
        self._confirm(prop, trace, expected=False)
        self.more.append(PropertyVerdict(prop.name, prop.kind, VIOLATED, "", trace))

    def reached(self, prop: Property, trace: SpecTrace) -> None:
        """Note that a `sometimes` was reached."""
        self._confirm(prop, trace, expected=True)
        self.found[prop.name] = PropertyVerdict(prop.name, prop.kind, HOLDS, "", trace)
        self.wanted.remove(prop)

    def _confirm(self, prop: Property, trace: SpecTrace, *, expected: bool) -> None:
        stepper = Stepper(self.spec, self.source.bounds, coverage=False)
        if stepper.holds(prop, *trace.states[-prop.states :]) is not expected:
            raise Disagreement(
                f"{prop.name} of {self.spec.name} is {str(not expected).lower()} in the plain reading after "
                f"{len(trace.steps)} steps, but {str(expected).lower()} for the engine: report this as a defect of Lockstep"
            )

    def finish(self, *, complete: bool, why: str, exhaustive: bool = True) -> tuple[PropertyVerdict, ...]:
        """The verdict per property, in the order of the spec.

        `complete`: the run did all it set out to do; `exhaustive`: that was every state, so what was not reached cannot be. `why` is the
        reason of an `unknown`.
        """
        verdicts = [self._settle(prop, complete, exhaustive, why) for prop in self.properties]
        idle = [a.name for a, n in zip(self.spec.actions, self.fired, strict=True) if n == 0]
        never = f"never enabled within bounds: {', '.join(idle)}"
        verdicts.append(_reached(EVERY_ACTION_FIRES, not idle, complete and exhaustive, never, why))
        return tuple(verdicts)

    def _settle(self, prop: Property, complete: bool, exhaustive: bool, why: str) -> PropertyVerdict:
        if prop.name in self.found:
            return self.found[prop.name]
        if prop.kind == "eventually":
            return PropertyVerdict(prop.name, prop.kind, UNKNOWN, "this engine does not check liveness")
        if prop.kind == "sometimes":
            return _reached(prop.name, False, complete and exhaustive, "no state within bounds reaches it", why)
        return PropertyVerdict(prop.name, prop.kind, HOLDS if complete else UNKNOWN, "" if complete else why)

    def coverage(self) -> dict[str, int]:
        """Steps per action."""
        return {a.name: n for a, n in zip(self.spec.actions, self.fired, strict=True)}


def _reached(name: str, reached: bool, settled: bool, never: str, why: str) -> PropertyVerdict:
    """The verdict on something that must be reachable: if everything was seen, not reaching it is a violation."""
    if reached:
        return PropertyVerdict(name, "sometimes", HOLDS)
    return (
        PropertyVerdict(name, "sometimes", VIOLATED, never)
        if settled
        else PropertyVerdict(name, "sometimes", UNKNOWN, why)
    )


def blocked_most(source: Source) -> dict[str, tuple[str, int]]:
    """Per action the guard that disabled it most often (file:line), and how often."""
    found = {}
    for action, guards in zip(source.spec.actions, source.blocked, strict=True):
        if guards:
            (filename, line), times = max(guards.items(), key=lambda item: (item[1], item[0]))
            found[action.name] = (f"{filename}:{line}", times)
    return found


def guards_of(source: Source) -> tuple[tuple[str, str, int], ...]:
    """Per action and guard (file:line) that disabled it: how often; in the order of the spec and of the lines."""
    found = []
    for action, guards in zip(source.spec.actions, source.blocked, strict=True):
        for (filename, line), times in sorted(guards.items()):
            found.append((action.name, f"{filename}:{line}", times))
    return tuple(found)


def replayed(spec: Spec, bounds: Mapping[str, int], steps: tuple[TraceStep, ...]) -> SpecTrace:
    """The path of these steps in the plain reading: no engine reports a counterexample that the oracle does not confirm."""
    stepper = Stepper(spec, bounds, coverage=False)
    states = [stepper.initial()]
    for number, taken in enumerate(steps, 1):
        try:
            states.append(stepper.apply(states[-1], taken.action, taken.args))
        except (Disabled, CutStep):
            raise Disagreement(
                f"step {number} of {len(steps)}, {taken.action} of {spec.name}, is not enabled in the plain reading, "
                "but for the engine: report this as a defect of Lockstep"
            ) from None
    return SpecTrace(steps, tuple(states))
