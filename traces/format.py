"""The trace file, `.itf.json`: ITF (Apalache ADR-015), so that its viewers and readers work, with our metadata in `#meta`.

    {"#meta": {"format": "ITF", ..., "lockstep": {"version": 1, "spec": "kraft", "spec_hash": "...", "bug": "M2", "bounds": {...},
               "property": "...", "kind": "always", "engine": "explore", "seed": null}},
     "params": [], "vars": ["epoch", ..., "mbt::actionTaken", "mbt::nondetPicks"],
     "states": [{"#meta": {"index": 1, "action": "start_election", "args": {"n": "n1"}, "actor": "n1", "vclock": {"n1": 1},
                           "digest": "..."}, "epoch": {"#map": [...]}, ...}, ...]}

The action of a state is the one that led to it: none in the initial state, and null elsewhere where nothing of the spec happened. `mbt::`
variables repeat action and arguments where Quint's test drivers look for them. The digest is the SHA-256 of the state's variables as
canonical JSON. `choices` (optional) are the choices of the simulated world that realise the step; their meaning is the
implementation's. A file is bytes that depend on the trace alone, with one line per state. Files are untrusted: see `traces.files`.
"""

import json
from collections.abc import Callable
from pathlib import Path

from model.language import Spec
from properties.registry import find_spec
from traces.codec import Codec, Json, codec_of
from traces.errors import TraceError
from traces.files import read_bytes, write_atomically
from traces.reader import VERSION, read_trace
from traces.trace import OTHER_KINDS, SPEC_KINDS, Trace, TraceState, canonical, digest, from_spec_trace

ACTION_TAKEN, NONDET_PICKS = "mbt::actionTaken", "mbt::nondetPicks"

_DESCRIPTION = "https://apalache-mc.org/docs/adr/015adr-trace.html"


def to_bytes(trace: Trace) -> bytes:
    """The file of a trace: the same bytes for the same trace, everywhere. TraceError for a state that today's spec cannot hold."""
    codec = codec_of(trace.spec, trace.bounds)
    rows = ",\n".join(canonical(_state(trace, codec, index)) for index in range(len(trace.states)))
    head: dict[str, Json] = {
        "#meta": {
            "format": "ITF",
            "format-description": _DESCRIPTION,
            "description": trace.description,
            "lockstep": {
                "version": VERSION,
                "spec": trace.spec.name,
                "spec_hash": trace.spec_hash,
                "bug": trace.spec.bug,
                "bounds": dict(trace.bounds),
                "property": trace.property,
                "kind": trace.kind,
                "engine": trace.engine,
                "seed": trace.seed,
            },
        },
        "params": [],
        "vars": [*trace.spec.state.variables, ACTION_TAKEN, NONDET_PICKS],
    }
    if trace.loop is not None:
        head["loop"] = trace.loop
    lines = [f"{json.dumps(key)}:{canonical(head[key])}" for key in sorted(head)]
    return ("{\n" + ",\n".join([*lines, f'"states":[\n{rows}\n]']) + "\n}\n").encode()


def dump(trace: Trace, path: Path | str) -> None:
    """Write a trace's file, whole or not at all; TraceError (full disk, no such directory, ...) leaves what was there."""
    write_atomically(Path(path), to_bytes(trace))


def load(path: Path | str, *, strict: bool = True, find: Callable[[str], Spec] = find_spec) -> Trace:
    """Read a trace's file; one TraceError, with file and place, for whatever is wrong with it.

    Strict: every action, argument, state and digest must be one of today's spec. Tolerant (the code has changed since): states
    and actions that no longer fit are kept as such (`TraceState.state`, `problem`) and noted in `warnings`; the file itself must be
    whole all the same. `find` turns the name of a spec into the spec.
    """
    try:
        return from_bytes(read_bytes(Path(path)), strict=strict, find=find)
    except TraceError as error:
        raise error.in_file(str(path)) from None


def from_bytes(data: bytes, *, strict: bool = True, find: Callable[[str], Spec] = find_spec) -> Trace:
    """Like `load`, from the bytes of a file."""
    return read_trace(data, strict=strict, find=find)


def _state(trace: Trace, codec: Codec, index: int) -> dict[str, Json]:
    given = trace.states[index]
    if given.state is None or given.problem:
        cause = given.problem or "the state does not fit the spec"
        raise TraceError(f"states[{index}]", cause, "replay the trace and write the replayed one")
    args: dict[str, Json] = {}
    if given.action is not None:
        action = next(a for a in trace.spec.actions if a.name == given.action)
        args = codec.encode_args(action, given.args)
    meta: dict[str, Json] = {
        "index": index,
        "action": given.action,
        "args": args,
        "actor": given.actor,
        "vclock": dict(given.vclock),
        "digest": given.digest,
    }
    if given.choices is not None:
        meta["choices"] = [dict(choice) for choice in given.choices]
    # Quint: a record with the picks of all actions, so that its type is the same in every state.
    picks = sorted({p.name for a in trace.spec.actions for p in a.parameters})
    taken = given.action if given.action is not None else "stutter" if index else "init"
    return {
        "#meta": meta,
        **codec.encode_state(given.state),
        ACTION_TAKEN: taken,
        NONDET_PICKS: {
            name: {"tag": "Some", "value": args[name]} if name in args else {"tag": "None", "value": {"#tup": []}}
            for name in picks
        },
    }


__all__ = [
    "OTHER_KINDS",
    "SPEC_KINDS",
    "Trace",
    "TraceError",
    "TraceState",
    "canonical",
    "digest",
    "dump",
    "from_bytes",
    "from_spec_trace",
    "load",
    "to_bytes",
]
