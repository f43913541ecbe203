"""Does it happen again? A trace replayed on the spec, strictly or after the code has changed, and the verdict on its property.

Strict: every action must be enabled with its arguments and lead to the state that the trace has; the first difference ends the
replay as `diverged`. Tolerant: an action that is not enabled is skipped with a warning and states may differ; what is left of the
trace decides about the property as it is today.

The other side, the implementation, plugs in as a Replayer.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from attrs import define, field, frozen

from model.engines.liveness import unfairly_treated
from model.engines.refine.again import first_mismatch
from model.engines.refine.refinement import REFINEMENT, Refinement
from model.engines.verdict import HOLDS, VIOLATED, TraceStep
from model.language import Disabled, Property, SpecError, unknown
from model.language.plain import CutStep, Frozen, Stepper, format_value
from properties.registry import REFINEMENTS, choose_properties
from traces.describe import changes, describe, format_step
from traces.errors import TraceError
from traces.guards import placed_guard
from traces.trace import SPEC_KINDS, Trace, TraceState

DIVERGED = "diverged"
"""The verdict on a trace that is not a behaviour (any more), or does not show what it was kept for."""


@frozen
class Divergence:
    """Where a replay first leaves the trace, in domain words.

    At `step`, `reason` is a sentence. If a state differs: `variable` and `argument` (`[n1]`) of the first difference, with what
    the trace has (`expected`) and what the replay has (`found`). If the action is not enabled: `guard`, the false guard as
    `file:line: source`.
    """

    step: int
    reason: str
    variable: str = ""
    argument: str = ""
    expected: str = ""
    found: str = ""
    guard: str = ""

    def __str__(self) -> str:
        return f"step {self.step}: {self.reason}"


@frozen
class Replay:
    """The outcome of a replay on one side ("spec" or "impl").

    `steps` is how many were taken; `verdict` holds, violated or diverged, with the `reason`; `at` is the step that violates the
    property (`sometimes`: reaches it), 0 being the initial state. Tolerant replays may have a `divergence` and a verdict besides.
    """

    side: str
    steps: int
    verdict: str
    property: str | None
    at: int | None
    reason: str
    divergence: Divergence | None = None
    warnings: tuple[str, ...] = ()


class Replayer(Protocol):
    """One side on which traces are replayed."""

    def __call__(self, trace: Trace, *, strict: bool) -> Replay:
        """Replay the trace; TraceError if the trace has not what this side needs."""


def replay(
    trace: Trace, on: Sequence[str] = ("spec",), *, strict: bool = True, replayers: Mapping[str, Replayer] | None = None
) -> tuple[Replay, ...]:
    """Replay on each side named in `on`. `replayers` adds sides to "spec"; LookupError for a side that is not there."""
    sides: dict[str, Replayer] = {"spec": replay_on_spec, **(replayers or {})}
    for side in on:
        if side not in sides:
            raise LookupError(unknown("side", side, sides, "to replay on"))
    return tuple(sides[side](trace, strict=strict) for side in on)


def replay_on_spec(trace: Trace, *, strict: bool = True) -> Replay:
    """Replay on `trace.spec` in the plain reading. To replay without the bug, give the trace another spec (`evolve`)."""
    return _OnSpec(trace, strict).run()


@define
class _OnSpec:
    """One replay. `path` has the state of the replay for each state of the trace."""

    trace: Trace
    strict: bool
    stepper: Stepper = field(init=False)
    prop: Property | None = field(init=False)
    path: list[Frozen] = field(factory=list)
    warnings: list[str] = field(factory=list)
    first: Divergence | None = None
    steps: int = 0

    def __attrs_post_init__(self) -> None:
        trace = self.trace
        self.stepper = Stepper(trace.spec, trace.bounds, coverage=False)
        self.prop = None
        if trace.property is not None and trace.kind in SPEC_KINDS:
            try:
                (self.prop,) = choose_properties(trace.spec, (trace.property,))
            except LookupError as error:
                raise TraceError("#meta.lockstep.property", str(error.args[0]), "name a property of the spec") from None
        self.warnings.extend(trace.warnings)
        today = trace.spec.digest()
        if today != trace.spec_hash:
            self.warnings.append(f"the spec is not the one that made the trace (hash {trace.spec_hash}, here {today})")

    def run(self) -> Replay:
        """Take the steps until the property is decided, the replay has diverged, or the trace ends."""
        for index, row in enumerate(self.trace.states):
            taken = self.stepper.initial() if index == 0 else self.take(index, row)
            if isinstance(taken, Divergence):
                if self.strict:
                    return self.diverged(taken)
                self.note(taken)
                self.path.append(self.path[-1])
                continue
            self.path.append(taken)
            self.steps += index > 0
            difference = self.compare(index, row, taken)
            if difference is not None:
                if self.strict:
                    return self.diverged(difference)
                self.first = self.first or difference
            if self.decided(index):
                return self.at(index)
        return self.ended()

    # ---- steps
    def take(self, index: int, row: TraceState) -> Frozen | Divergence:
        """The state after a step, or why it cannot be taken."""
        before = self.path[-1]
        if row.problem:
            return Divergence(index, row.problem)
        if row.action is None:
            return before
        step = format_step(self.trace.spec, row)
        missing = self.not_in_flight(row)
        if missing:
            return Divergence(index, f"{step} is not enabled: {missing}")
        try:
            return self.stepper.apply(before, row.action, row.args)
        except Disabled as stop:
            guard = placed_guard(stop)
            return Divergence(index, f"{step} is not enabled: the guard is false, {guard}", guard=guard)
        except CutStep:
            return Divergence(index, f"{step} leaves the bounds of the trace")
        except SpecError as error:
            return Divergence(index, f"{step} has no meaning in this state: {error.cause}")

    def not_in_flight(self, row: TraceState) -> str:
        """Which message parameter names a message that its network does not have; empty if none."""
        action = next(a for a in self.trace.spec.actions if a.name == row.action)
        places = list(self.trace.spec.state.variables)
        for parameter, value in zip(action.parameters, row.args, strict=True):
            if parameter.network is not None and value not in self.path[-1][places.index(parameter.network)]:
                return f"{format_value(value, parameter.sort)} is not in {parameter.network}"
        return ""

    def compare(self, index: int, row: TraceState, taken: Frozen) -> Divergence | None:
        """The first difference between the trace's state and the replay's."""
        if row.state is None or row.state == taken:
            return None
        differing = changes(self.trace.spec, self.trace.bounds, row.state, taken)
        if not differing:  # the same messages in another order
            return None
        change = differing[0]
        place = f"{change.variable}{change.argument}"
        if index == 0:
            where = "in the initial state"
        else:
            where = (
                f"after {format_step(self.trace.spec, row)}"
                if row.action
                else "in a step without an action of the spec"
            )
        if not change.before or not change.after:
            has, lacks = ("the trace", "the replay") if change.before else ("the replay", "the trace")
            reason = f"{where}, {has} has {change.before or change.after} in {place} and {lacks} has not"
        else:
            reason = f"{where}, {place} is {change.after}, and {change.before} in the trace"
        return Divergence(index, reason, change.variable, change.argument, change.before, change.after)

    def note(self, divergence: Divergence) -> None:
        """Tolerant: a step is skipped."""
        self.first = self.first or divergence
        self.warnings.append(f"step {divergence.step} skipped: {divergence.reason}")

    # ---- the property
    def decided(self, index: int) -> bool:
        """Whether the state (or the step into it) violates the property or, for `sometimes`, reaches it."""
        prop = self.prop
        if prop is None or prop.kind == "eventually":
            return False
        if prop.states == 1:
            true = self.stepper.holds(prop, self.path[index])
        elif index == 0:
            return False
        else:
            true = self.stepper.holds(prop, self.path[index - 1], self.path[index])
        return true == (prop.kind == "sometimes")

    def at(self, index: int) -> Replay:
        """The verdict at the step that decides."""
        last = len(self.trace.states) - 1
        reached = self.trace.kind == "sometimes"
        if index < last:
            self.warnings.append(f"decided at step {index} already; the trace goes on to step {last}")
        reason = f"{self.trace.property} is {'reached' if reached else 'violated'} at step {index}"
        return self.outcome(HOLDS if reached else VIOLATED, reason, at=index)

    def ended(self) -> Replay:
        """The verdict at the end of a trace in which no step has decided."""
        name, last = self.trace.property, len(self.trace.states) - 1
        whole = "every step is one of the spec" if self.strict else f"{self.steps} of {last} steps were taken"
        if self.prop is None:
            if self.trace.kind == REFINEMENT and self.trace.spec.name in REFINEMENTS and self.strict:
                return self.refined(REFINEMENTS[self.trace.spec.name], whole)
            judge = "a strict replay" if self.trace.kind == REFINEMENT else "the implementation"
            judged = f"; {name} ({self.trace.kind}) is for {judge} to show" if name else ""
            return self.outcome(HOLDS, f"{whole}{judged}")
        if self.prop.kind == "eventually":
            return self.lasso(self.prop)
        if self.prop.kind == "sometimes":
            return self.diverged(self.first or Divergence(last, f"{whole}, and none reaches {name}"))
        because = f"; first difference at {self.first}" if self.first else ""
        return self.outcome(HOLDS, f"{whole}, and {name} holds throughout{because}")

    def refined(self, refinement: Refinement, whole: str) -> Replay:
        """Every step must be a stutter or the steps of the refined spec that it stands for."""
        taken = tuple(TraceStep(row.action, row.args) for row in self.trace.states if row.action is not None)
        found = first_mismatch(refinement, self.trace.spec, self.trace.bounds, taken)
        if found is None:
            return self.outcome(HOLDS, f"{whole}, and refines {refinement.abstract.name}")
        return self.outcome(VIOLATED, found[1], at=found[0])

    def lasso(self, prop: Property) -> Replay:
        """A liveness property: the trace must come back to its loop, fairly, and owe the property from some state on."""
        last, loop = len(self.path) - 1, self.trace.loop
        if loop is None:
            return self.diverged(Divergence(last, f"only a loop can violate {prop.name}, and the trace has none"))
        target = self.path[loop]
        spec, steps = self.trace.spec, self.stepper.successors(self.path[last])
        closing: list[TraceStep | None] = [
            TraceStep(spec.actions[i].name, args) for i, args, new in steps if new == target
        ]
        closing += [None] if loop == last else []
        if not closing:
            return self.diverged(
                Divergence(last, f"no step leads from here back to state {loop}, where the loop begins")
            )
        satisfied = [index for index, state in enumerate(self.path) if self.stepper.holds(prop, state)]
        if prop.after is None and satisfied:
            return self.outcome(HOLDS, f"{prop.name} is reached at step {satisfied[0]}", at=satisfied[0])
        since = satisfied[-1] + 1 if satisfied else 0
        if prop.after is not None:
            owed = any(self.stepper.holds(prop.after, state) for state in self.path[since:])
            if since > loop or not owed:
                return self.outcome(HOLDS, f"{prop.name} is reached whenever it is triggered")
        taken = [
            None if row.action is None else TraceStep(row.action, row.args) for row in self.trace.states[loop + 1 :]
        ]
        unfair = [unfairly_treated(spec, self.trace.bounds, self.path[loop:], (*taken, step)) for step in closing]
        if all(unfair):
            never = f"{unfair[0][0].action} ({spec.fairness[unfair[0][0].action]} fair) is enabled and never taken"
            return self.diverged(Divergence(last, f"the loop from state {loop} is not a fair run: {never}"))
        return self.outcome(
            VIOLATED, f"{prop.name} is never reached, and the run goes on from state {loop} for ever", at=last
        )

    def diverged(self, divergence: Divergence) -> Replay:
        """The verdict on a trace that did not happen again."""
        self.first = self.first or divergence
        return self.outcome(DIVERGED, str(divergence))

    def outcome(self, verdict: str, reason: str, at: int | None = None) -> Replay:
        """Put the outcome together."""
        return Replay("spec", self.steps, verdict, self.trace.property, at, reason, self.first, tuple(self.warnings))


__all__ = ["DIVERGED", "Divergence", "Replay", "Replayer", "describe", "replay", "replay_on_spec"]
