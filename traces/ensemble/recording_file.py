"""The file of a recording, `.itf.json`: ITF, so that its viewers show the servers step by step; the choices in `#meta` replay it.

    {"#meta": {"format": "ITF", ..., "lockstep": {"version": 1, "run": "zookeeper", "nodes": 3, "clients": 2, "bug": null,
               "settings": {"tick": 200000, ...}, "property": "...", "kind": "history", "because": "...", "engine": "simulate",
               "seed": 3}},
     "vars": ["did", "servers", "told"],
     "states": [{"#meta": {"index": 1, "choice": {"kind": "deliver", ...}}, "did": "...", "servers": {"#map": [[1, "..."]]}, ...}]}

The same bytes for the same recording, one line per step. Files are untrusted: see `traces.files`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import evolve, fields_dict

from impl.world.choices import ChoiceError, choice_from_json, choice_to_json
from impl.world.config import WorldConfig
from impl.zookeeper.bugs import BUGS
from impl.zookeeper.service import Service
from impl.zookeeper.state import Settings
from traces.codec import Json
from traces.ensemble.recording import Recording, Row
from traces.errors import TraceError, expected, shown
from traces.files import parse_json, read_bytes, write_atomically
from traces.reader import MAX_STATES, VERSION
from traces.trace import OTHER_KINDS, SPEC_KINDS, canonical
from traces.zookeeper.journal import Journal

MODE = "zookeeper"
VARIABLES = ("did", "servers", "told")

SETTINGS = tuple(name for name in fields_dict(Settings) if name != "machine")
"""What of an ensemble's settings a file keeps: numbers and switches. The state machine is always the journal."""

_META = "#meta.lockstep"
_REMEDY = "record the run again, or take an undamaged copy"
_HEAD = 16_384
_MOST = {"nodes": 100, "clients": 1000}


def is_recording_file(data: bytes) -> bool:
    """Whether bytes are the file of a recording, and not that of a spec's trace: told by the head, before anything is parsed."""
    head = data[:_HEAD]
    return b'"run":' in head and b'"spec":' not in head


def recording_to_bytes(recording: Recording) -> bytes:
    """The file of a recording."""
    config = recording.config
    about: dict[str, Json] = {
        "version": VERSION,
        "run": MODE,
        "nodes": config.nodes,
        "clients": config.clients,
        "bug": config.bug,
        "settings": {name: getattr(config.ensemble, name) for name in SETTINGS},
        "property": recording.property,
        "kind": recording.kind,
        "because": recording.because,
        "engine": recording.engine,
        "seed": recording.seed,
    }
    bug = f" with bug {config.bug}" if config.bug else ""
    meta: dict[str, Json] = {
        "format": "ITF",
        "format-description": "https://apalache-mc.org/docs/adr/015adr-trace.html",
        "description": f"Lockstep: a run of {MODE}{bug}, {recording.property}, found by {recording.engine}",
        "lockstep": about,
    }
    rows = ",\n".join(
        canonical(
            {
                "#meta": {"index": index, "choice": choice_to_json(choice)},
                "did": row.did,
                "told": row.told,
                "servers": {"#map": [[node, text] for node, text in enumerate(row.servers, 1)]},
            }
        )
        for index, (choice, row) in enumerate(zip(recording.choices, recording.rows, strict=True), 1)
    )
    head = f'"#meta":{canonical(meta)},\n"params":[],\n"vars":{canonical(list(VARIABLES))}'
    return f'{{\n{head},\n"states":[\n{rows}\n]\n}}\n'.encode()


def dump_recording(recording: Recording, path: Path) -> None:
    """Write the file, whole or not at all. Raises TraceError."""
    write_atomically(path, recording_to_bytes(recording))


def load_recording(path: Path) -> Recording:
    """Read a recording's file; one TraceError, with file and place, for whatever is wrong with it."""
    try:
        return recording_from(parse_json(read_bytes(path)))
    except TraceError as error:
        raise error.in_file(str(path)) from None


def recording_from(document: object) -> Recording:
    """The recording in a JSON document. Raises TraceError with the place of what is wrong."""
    meta = document.get("#meta") if isinstance(document, dict) else None
    about = meta.get("lockstep") if isinstance(meta, dict) else None
    if not isinstance(document, dict) or not isinstance(about, dict) or "run" not in about:
        raise TraceError(_META, "no recording of a run", _REMEDY)
    if about.get("version") != VERSION:
        cause = f"version {shown(str(about.get('version')))} of the format, and this Lockstep reads version {VERSION}"
        raise TraceError(f"{_META}.version", cause, "read the run with the Lockstep that wrote it")
    if about["run"] != MODE:
        raise TraceError(
            f"{_META}.run", f"runs of {shown(str(about['run']))} cannot be replayed", f"runs of {MODE} can"
        )
    kind = _text(about, "kind", _META)
    if kind not in (*SPEC_KINDS, *OTHER_KINDS):
        raise expected(f"one of {', '.join((*SPEC_KINDS, *OTHER_KINDS))}", kind, _REMEDY).under(f"{_META}.kind")
    config = _config(about)
    states = document.get("states")
    if not isinstance(states, list) or not 1 <= len(states) <= MAX_STATES:
        raise TraceError("states", f"expected a list of 1 to {MAX_STATES:,} steps", _REMEDY)
    seed = about.get("seed")
    steps = [_step(state, config, f"states[{place}]") for place, state in enumerate(states)]
    return Recording(
        config=config,
        property=_text(about, "property", _META),
        kind=kind,
        because=_text(about, "because", _META),
        engine=_text(about, "engine", _META),
        seed=None if seed is None else _number(about, "seed", _META),
        choices=tuple(choice for choice, _ in steps),
        rows=tuple(row for _, row in steps),
    )


def _config(about: Mapping[str, Any]) -> WorldConfig:
    bug = about.get("bug")
    if bug is not None and bug not in BUGS:
        raise TraceError(
            f"{_META}.bug", f"the implementation has no bug {shown(str(bug))}", f"it has {', '.join(BUGS)}"
        )
    sizes = {name: _number(about, name, _META) for name in _MOST}
    for name, most in _MOST.items():
        if not (name == "clients" or sizes[name]) or sizes[name] > most:
            raise TraceError(f"{_META}.{name}", f"{sizes[name]} {name}", f"there are at most {most}")
    given = about.get("settings")
    if not isinstance(given, dict) or set(given) != set(SETTINGS):
        raise TraceError(f"{_META}.settings", f"expected an object with {', '.join(SETTINGS)}", _REMEDY)
    values: dict[str, Any] = {}
    for name in SETTINGS:
        default = getattr(Settings(), name)
        if type(given[name]) is not type(default) or given[name] < 0:
            raise expected(type(default).__name__, given[name], _REMEDY).under(f"{_META}.settings.{name}")
        values[name] = given[name]
    ensemble = evolve(Settings(machine=Journal(Service())), **values)
    return WorldConfig(nodes=sizes["nodes"], clients=sizes["clients"], bug=bug, mode=MODE, ensemble=ensemble)


def _step(state: object, config: WorldConfig, where: str) -> tuple[Any, Row]:
    if not isinstance(state, dict) or not isinstance(state.get("#meta"), dict):
        raise TraceError(where, "expected an object with #meta", _REMEDY)
    try:
        choice = choice_from_json(state["#meta"].get("choice"), f"{where}.#meta.choice")
    except ChoiceError as error:
        raise TraceError("", str(error), _REMEDY) from None
    servers = state.get("servers")
    pairs = servers.get("#map") if isinstance(servers, dict) else None
    if not isinstance(pairs, list) or [pair[:1] for pair in pairs if isinstance(pair, list)] != [
        [node] for node in config.voters
    ]:
        raise TraceError(f"{where}.servers", f"expected a map of the servers 1 to {config.nodes}", _REMEDY)
    return choice, Row(_text(state, "did", where), _text(state, "told", where), tuple(str(pair[-1]) for pair in pairs))


def _text(record: Mapping[str, Any], name: str, where: str) -> str:
    value = record.get(name)
    if not isinstance(value, str):
        raise expected("a string", value, _REMEDY).under(f"{where}.{name}")
    return value


def _number(record: Mapping[str, Any], name: str, where: str) -> int:
    value = record.get(name)
    if type(value) is not int or value < 0:
        raise expected("a whole number from 0 on", value, _REMEDY).under(f"{where}.{name}")
    return value
