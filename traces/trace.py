"""What a trace is, in memory: a path of a spec with the actors, clocks and digests of its steps, and why it is kept."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import field, frozen

from model.engines.verdict import SpecTrace
from model.language import Spec
from model.language.plain import Frozen
from traces.causality import actor_of, clocks
from traces.codec import Codec, Json, codec_of

SPEC_KINDS = ("always", "step", "sometimes", "eventually")
"""Kinds of properties that the spec names and judges."""

OTHER_KINDS = ("conformance", "incident", "history", "refinement")
"""Kinds that are not about the spec alone: a step of the implementation that is none of the spec, a node that died, a client history; a
step of the spec that is none of the core which it refines."""


@frozen
class TraceState:
    """One state of a trace and the step that led to it.

    `action` is None for the initial state and for a step in which nothing of the spec happened; `args` are plain values in the order of
    the action's parameters; `actor` the node that acts (`n1`); `vclock` its vector clock after the step; `digest` SHA-256 of the
    state; `choices` the world's choices that realise the step, or None. Read tolerantly, `state` is None where the file's does
    not fit the spec of today, and `problem` says why the action is not one of it.
    """

    action: str | None
    args: tuple[Any, ...]
    actor: str | None
    vclock: Mapping[str, int]
    digest: str
    state: Frozen | None = field(repr=False)
    choices: tuple[Mapping[str, Json], ...] | None = field(default=None, repr=False)
    problem: str = ""


@frozen
class Trace:
    """A path of a spec and why it is kept.

    `spec` is the spec of today with the trace's bug planted, `spec_hash` that of the spec when the trace was made; `property` is
    what the last step violates (`sometimes`: reaches), of one of SPEC_KINDS or OTHER_KINDS; both None for a path without one.
    `loop` is the place of the first state of a lasso. `warnings` is what tolerant reading let pass.
    """

    spec: Spec = field(repr=False)
    spec_hash: str
    bounds: Mapping[str, int]
    property: str | None
    kind: str | None
    engine: str
    seed: int | None
    states: tuple[TraceState, ...] = field(repr=False)
    loop: int | None = None
    description: str = ""
    warnings: tuple[str, ...] = ()


def from_spec_trace(
    spec: Spec,
    bounds: Mapping[str, int],
    spec_trace: SpecTrace,
    *,
    property: str | None,  # noqa: A002 - the word of the format
    kind: str | None,
    engine: str,
    seed: int | None = None,
    loop: int | None = None,
    choices: Sequence[Sequence[Mapping[str, Json]]] | None = None,
) -> Trace:
    """The trace of an engine's path: `spec` with the bug that was planted, the bounds of the run, and what the path shows.

    `choices`, if given, has the world's choices for each step.
    """
    codec = codec_of(spec, bounds)
    actions = {action.name: action for action in spec.actions}
    known = clocks(spec, spec_trace)
    states = [TraceState(None, (), None, {}, digest(codec, spec_trace.states[0]), spec_trace.states[0])]
    for place, step in enumerate(spec_trace.steps, start=1):
        after = spec_trace.states[place]
        states.append(
            TraceState(
                action=step.action,
                args=step.args,
                actor=actor_of(spec.name, actions[step.action], step.args),
                vclock=known[place],
                digest=digest(codec, after),
                state=after,
                choices=None if choices is None else tuple(choices[place - 1]),
            )
        )
    return Trace(
        spec=spec,
        spec_hash=spec.digest(),
        bounds=dict(bounds),
        property=property,
        kind=kind,
        engine=engine,
        seed=seed,
        states=tuple(states),
        loop=loop,
        description=describe_origin(spec, property, engine),
    )


def describe_origin(spec: Spec, name: str | None, engine: str) -> str:
    """The sentence about a trace that ITF readers show."""
    bug = f" with bug {spec.bug}" if spec.bug else ""
    return f"Lockstep: {spec.name}{bug}, {name or 'a path'}, found by {engine}"


def digest(codec: Codec, state: Frozen) -> str:
    """SHA-256 (hex) of a state's variables as canonical JSON."""
    return hashlib.sha256(canonical(codec.encode_state(state)).encode()).hexdigest()


def canonical(value: Json) -> str:
    """The one text of a JSON value: keys sorted, no spaces, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
