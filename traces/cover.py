"""Conformance the other way: paths that take every transition of a small state graph of the spec, driven through the implementation."""

from collections.abc import Callable, Mapping

from attrs import frozen

from model.engines.graph import covering_paths, state_graph
from model.engines.source import Source
from traces.abstraction import PLACES
from traces.drive import Driver, drive
from traces.driving import Mismatch

SCOPE: Mapping[str, int] = {"nodes": 3, "epochs": 1, "elections": 1, "log": 1, "values": 0, "restarts": 0, "stale": 0}
"""A scope that is driven in full within seconds."""


@frozen
class Cover:
    """What was driven: states and transitions of the graph, paths and steps; the first mismatch and the path it is on, if any."""

    states: int
    transitions: int
    paths: int
    steps: int
    mismatch: Mismatch | None
    path: tuple[str, ...] = ()


def drive_cover(
    source: Source, *, bug: str | None = None, limit: int = 20_000, report: Callable[[int, int], None] | None = None
) -> Cover:
    """Drive a covering set of paths of a spec through worlds of the implementation (with a bug, if named), until the first mismatch."""
    graph = state_graph(source, limit)
    interrupted = PLACES["interrupted"]
    paths = steps = 0
    for path in covering_paths(graph, lambda state: not any(state[interrupted])):
        paths += 1
        steps += len(path.steps)
        if report is not None:
            report(paths, steps)
        taken = [(step.action, step.args) for step in path.steps]
        mismatch = drive(Driver(source.bounds["nodes"], bug), taken, path.states)
        if mismatch is not None:
            shown = tuple(f"{name}{args}" for name, args in taken[: mismatch.step])
            return Cover(len(graph), graph.number_of_edges(), paths, steps, mismatch, shown)
    return Cover(len(graph), graph.number_of_edges(), paths, steps, None)
