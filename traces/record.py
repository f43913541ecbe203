"""From a run of the implementation to a trace: what the world did, step by step, in the words of the spec.

A step of the world is a path of the spec's steps (`conformance.py`): usually one, sometimes several, often none. So a trace has for each
step of the world

* one state per step of the path; the world's choice stands at the first of them, and the others have none: the states before the last
  are the spec's alone;
* or one state without an action, equal to the one before it, if nothing of the spec happened.

A trace replays on the spec by its actions and on the implementation by its choices (`choices_of`, `config_of`).
"""

from collections.abc import Iterable, Sequence

from attrs import frozen

from impl.world.choices import Choice, ChoiceError, ClientOp, Fire, choice_from_json, choice_to_json
from impl.world.clients import FIRST_CLIENT
from impl.world.config import WorldConfig
from impl.world.record import StepRecord
from impl.world.world import World
from model.engines.verdict import SpecTrace, TraceStep
from model.language import Spec
from model.language.plain import Frozen, Stepper
from traces.causality import Clock, actor_of, clocks
from traces.codec import codec_of
from traces.conformance import Conformance
from traces.errors import TraceError
from traces.pairings import lockstep_of
from traces.steps import Step
from traces.trace import Trace, TraceState, describe_origin, digest


@frozen
class _Row:
    """One state of the trace to be: the spec's step into it (None: no step), the state, and who can carry it over to other bounds."""

    step: Step | None
    choice: Choice | None
    state: Frozen
    stepper: Stepper


class Recorder:
    """An observer of the world, to be called after the Conformance that it belongs to; it remembers every step until that diverges.

    The step that diverges is the last one recorded; of it the world's choice is known, and no action. `choices` are those made.
    """

    def __init__(self, conformance: Conformance) -> None:
        self.conformance = conformance
        self.choices: list[Choice] = []
        shadow = conformance.shadow
        self._rows = [_Row(step, None, state, shadow.stepper) for step, state in shadow.beginning]
        self._over = False

    def __call__(self, world: World, record: StepRecord) -> None:
        """Remember one step of the world."""
        if self._over:
            return
        followed, shadow = self.conformance, self.conformance.shadow
        self.choices.append(record.choice)
        self._over = followed.diverged is not None
        for place, (step, state) in enumerate(zip(followed.path, followed.states, strict=True)):
            self._rows.append(_Row(step, None if place else record.choice, state, shadow.stepper))
        if not followed.path:
            self._rows.append(_Row(None, record.choice, shadow.state, shadow.stepper))

    def trace(
        self,
        *,
        property: str | None,  # noqa: A002 - the word of the format
        kind: str | None,
        engine: str,
        seed: int | None = None,
    ) -> Trace:
        """The run so far as a trace, under the least bounds that hold it. `property` and `kind` say what its last step shows."""
        spec = self.conformance.shadow.spec
        pairing, first = self.conformance.pairing, self._rows[0].stepper.bounds
        used = pairing.used([row.state for row in self._rows])
        least = {name: max(used.get(name, first[name]), bound) for name, bound in spec.least.items()}
        stepper = Stepper(spec, spec.complete_bounds(least))
        states = [stepper.resized(row.state, row.stepper) for row in self._rows]
        return Trace(
            spec=spec,
            spec_hash=spec.digest(),
            bounds=stepper.bounds,
            property=property,
            kind=kind,
            engine=engine,
            seed=seed,
            states=tuple(self._trace_states(stepper, states)),
            description=describe_origin(spec, property, engine),
        )

    def _trace_states(self, stepper: Stepper, states: Sequence[Frozen]) -> Iterable[TraceState]:
        spec, codec = stepper.spec, codec_of(stepper.spec, stepper.bounds)
        actions = {action.name: action for action in spec.actions}
        known = _clocks(spec, [row.step for row in self._rows], states)
        for place, (row, state) in enumerate(zip(self._rows, states, strict=True)):
            yield TraceState(
                action=None if row.step is None else row.step[0],
                args=() if row.step is None else row.step[1],
                actor=None if row.step is None else actor_of(spec.name, actions[row.step[0]], row.step[1]),
                vclock=known[place],
                digest=digest(codec, state),
                state=state,
                choices=None if place == 0 else () if row.choice is None else (choice_to_json(row.choice),),
            )


def _clocks(spec: Spec, steps: Sequence[Step | None], states: Sequence[Frozen]) -> list[Clock]:
    """The vector clocks after each step, where a step that is None changes nothing."""
    path = [TraceStep(*step) for step in steps if step is not None]
    around = [states[0], *(state for step, state in zip(steps, states, strict=True) if step is not None)]
    known = clocks(spec, SpecTrace(tuple(path), tuple(around)))
    found, taken = [], 0
    for step in steps:
        taken += step is not None
        found.append(known[taken])
    return found


def choices_of(trace: Trace) -> tuple[Choice, ...]:
    """The world's choices in a trace, in order; TraceError, with the place, if it has none or one is malformed."""
    if len(trace.states) > 1 and all(state.choices is None for state in trace.states):
        raise TraceError("states[1].#meta.choices", "missing", "record the trace on the implementation")
    found = []
    for index, state in enumerate(trace.states):
        for place, choice in enumerate(state.choices or ()):
            try:
                found.append(choice_from_json(choice))
            except ChoiceError as error:
                where = f"states[{index}].#meta.choices[{place}]"
                raise TraceError(where, str(error), "record the trace again") from None
    return tuple(found)


def config_of(trace: Trace) -> WorldConfig:
    """The world in which the choices of a trace can happen: its nodes, its bug, and as many clients as the choices name."""
    highest = FIRST_CLIENT - 1
    for choice in choices_of(trace):
        inner = getattr(choice, "choice", choice)
        if isinstance(inner, ClientOp):
            highest = max(highest, inner.client)
        elif isinstance(inner, Fire):
            highest = max(highest, inner.node)
    return lockstep_of(trace.spec).world(trace.bounds["nodes"], highest - FIRST_CLIENT + 1, trace.spec.bug)
