"""Checkpoints: a search between two levels, in one file, so that it goes on after the process was killed.

A file holds arrays only (numpy's .npz, no pickle); a header in JSON says what it is a checkpoint of. It is written beside its
place and moved there, so a file is whole or absent. The memo is not kept: it fills again as it is needed. Levels that are on disk
(`disk.py`) stay where they are, in a directory beside the file.
"""

import json
import os
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from model.engines.compiled.search import Search
from model.engines.compiled.several import difference
from model.engines.source import replayed
from model.engines.verdict import VIOLATED, TraceStep

VERSION = 3


class CheckpointError(Exception):
    """A file is not a checkpoint of this search: what is different."""


def identity(search: Search) -> dict[str, Any]:
    """What a checkpoint must agree on with the search that goes on from it."""
    spec = search.ground.spec
    return {
        "version": VERSION,
        "spec": spec.name,
        "digest": spec.digest(),
        "bug": spec.bug,
        "bounds": dict(search.ground.bounds),
        "properties": [p.name for p in search.partition.properties],
        "exact": search.partition.exact,
        "symmetry": search.symmetry is not None,
        "fingerprints": search.backend.fingerprints,
        "violations": [search.several.most, search.several.by, *search.several.view],
    }


def save(search: Search, path: Path) -> None:
    """Write the search as it is between two levels."""
    backend, stats = search.backend, search.backend.stats()
    manifest = backend.manifest()
    header = {
        **identity(search),
        "levels": search.levels,
        "deadlocks": stats.deadlocks,
        "steps": stats.steps,
        "generated": stats.generated,
        "cut": stats.cut,
        "degrees": backend.degrees(),
        "contents": search.evaluator.contents,
        "queue": search.queue,
        "orbits": search.orbits,
        "disk": manifest,
        "shown": [
            (p.name, p.verdict == VIOLATED, _steps(search, p.trace.steps))
            for p in (*search.record.found.values(), *search.record.more)
            if p.trace
        ],
    }
    arrays: dict[str, Any] = {"header": np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)}
    for number, component in enumerate(search.partition.components):
        rows = [backend.row(number, value) for value in range(stats.values[number])]
        arrays[f"component_{number}"] = np.array(rows, dtype=np.int32).reshape(len(rows), len(component.places))
    if manifest is None:
        none = np.empty((0, len(search.partition.components)), dtype=np.uint32)
        for depth in range(len(search.levels) + 1):
            arrays[f"level_{depth}"] = np.concatenate([none, *backend.dump(depth)])
    beside = path.with_name(path.name + ".part")
    with beside.open("wb") as file:
        np.savez(file, **arrays)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)
    backend.saved()


def resume(search: Search, path: Path) -> None:
    """Bring a new search to where a checkpoint was made; CheckpointError if it is one of another search."""
    try:
        with np.load(path, allow_pickle=False) as file:
            header = json.loads(file["header"].tobytes())
            _check(identity(search), header, path)
            _restore(search, header, {name: file[name] for name in file.files})
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise CheckpointError(f"{path} is not a checkpoint: {error}; remove it to start again") from None


def _check(expected: dict[str, Any], found: dict[str, Any], path: Path) -> None:
    for name, value in expected.items():
        if found.get(name) != value:
            raise CheckpointError(
                f"{path} is a checkpoint with {name} {found.get(name)!r}, but this search has {value!r}; "
                "give another file or remove this one"
            )


def _restore(search: Search, header: dict[str, Any], arrays: dict[str, Any]) -> None:
    backend = search.backend
    for content in header["contents"]:
        search.evaluator.encode(tuple(tuple(message) for message in content))
    for number in range(len(search.partition.components)):
        for row in arrays[f"component_{number}"].tolist():
            backend.intern(number, row)
    backend.settle(search.alive)
    if header["disk"] is not None:
        backend.adopt(header["disk"])
    else:
        for depth in range(len(header["levels"]) + 1):
            backend.load(arrays[f"level_{depth}"])
            backend.advance()
    search.queue = header["queue"]
    search.levels = header["levels"]
    search.orbits = header["orbits"]
    backend.restore(header["deadlocks"], header["steps"], header["generated"], header["cut"], header["degrees"])
    by_name = {p.name: p for p in search.partition.properties}
    for name, violated, steps in header["shown"]:
        trace = replayed(search.ground.spec, search.ground.bounds, tuple(_step(search, *s) for s in steps))
        if violated:
            search.record.another(by_name[name], trace)
            search.told.add((name, difference(search, trace)))
        else:
            search.record.reached(by_name[name], trace)


def _steps(search: Search, steps: tuple[TraceStep, ...]) -> list[Any]:
    """Steps with their arguments as integers."""
    codec = search.partition.layout.codec
    actions = {a.name: a for a in search.ground.spec.actions}
    return [
        (s.action, [codec.flat(v, p.sort) for v, p in zip(s.args, actions[s.action].parameters, strict=True)])
        for s in steps
    ]


def _step(search: Search, name: str, args: list[list[int]]) -> TraceStep:
    codec = search.partition.layout.codec
    action = next(a for a in search.ground.spec.actions if a.name == name)
    values = (codec.whole(tuple(v), p.sort) for v, p in zip(args, action.parameters, strict=True))
    return TraceStep(name, tuple(values))
