"""How fast liveness is decided: CPU seconds on graphs of millions of states, and of the KRaft spec with the search. Run by hand:

python -m tests.benchmarks.bench_liveness [STATES]

The graphs are made up in the shape that specs have: conversations (loops of a few states that repeat the same messages), each leading to
later ones. In "layers" no conversation is fair; in "nested" every round of strong fairness breaks one block out of one big component;
in "one" the whole graph is a fair component, and a loop is looked for that meets every condition. Of KRaft it is the whole check, search
for safety included, tracing and expanding the spec not: by the reference, by the compiled explorer and by the one without a compiler;
the last column says how many times the reference each is. Compiled code is in the cache.
"""

import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from model.engines.compiled.backend import Backend
from model.engines.compiled.components import Partition
from model.engines.compiled.explore import explore_compiled, native_or_portable
from model.engines.compiled.fallback import Portable
from model.engines.compiled.levels import Room
from model.engines.compiled.search import Search
from model.engines.explore import explore
from model.engines.liveness import with_compiled_liveness, with_liveness
from model.engines.liveness.fair import NO_COMPONENT, fair_components
from model.engines.liveness.graph import OwingGraph, shortest_ways
from model.engines.liveness.lasso import fair_loop
from model.engines.source import Budget
from model.engines.verdict import Verdict
from model.language.ground_spec import GroundSpec, ground
from model.language.trace import trace
from properties.registry import find_spec

LOOP, FORWARD, CONDITIONS, BLOCKS = 8, 4, 64, 6
"""States per conversation, steps from each state to later ones, fairness conditions, and blocks of the nested graph."""

SCOPES = (
    {"epochs": 2, "elections": 2, "log": 3, "restarts": 0},
    {"epochs": 2, "elections": 2, "log": 3, "restarts": 1},
)
"""Bounds of `kraft-live`: three and a hundred and fifty thousand states."""

Row = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
"""Steps: from, to (-1: out of the graph), condition (-1: not fair)."""


def _graph(states: int, rows: Sequence[Row], *, strong: bool) -> OwingGraph:
    source, target, condition = (np.concatenate(column).astype(np.int32) for column in zip(*rows, strict=True))
    order = np.argsort(source, kind="stable")
    order = order[source[order] != target[order]]
    offsets = np.concatenate(([0], np.cumsum(np.bincount(source[order], minlength=states))))
    return OwingGraph(
        offsets=offsets.astype(np.int64),
        targets=target[order],
        conditions=condition[order],
        strong=np.full(CONDITIONS, strong, dtype=np.bool_),
        roots=np.zeros(1, dtype=np.int32),
    )


def layers(states: int) -> OwingGraph:
    """Conversations of LOOP states, and from each state FORWARD steps to later conversations, of a condition that stays enabled."""
    random = np.random.default_rng(1)
    at = np.arange(states)
    around = np.where((at % LOOP == LOOP - 1) | (at == states - 1), at - at % LOOP, at + 1)
    rows = [(at, around, at % (CONDITIONS - 1))]
    for _ in range(FORWARD):
        later = (at // LOOP + 1) * LOOP + random.integers(0, 20 * LOOP, states)
        rows.append((at, np.where(later < states, later, -1), np.full(states, CONDITIONS - 1)))
    return _graph(states, rows, strong=False)


def nested(states: int) -> OwingGraph:
    """Blocks in one component: a block owes what only a step to the block before meets, and the first one has none before it."""
    random = np.random.default_rng(2)
    size = states // BLOCKS
    at = np.arange(size * BLOCKS)
    block = at // size
    rows = [(at, block * size + random.integers(0, size, len(at)), np.full(len(at), -1)) for _ in range(FORWARD)]
    rows.append((at, (at + size) % len(at), np.full(len(at), -1)))
    rows.append((at, np.where(block == 0, -1, at - size), block))
    return _graph(len(at), rows, strong=True)


def one(states: int) -> OwingGraph:
    """One component, in which every condition is taken somewhere."""
    random = np.random.default_rng(3)
    at = np.arange(states)
    rows = [(at, (at + 1) % states, np.full(states, -1))]
    rows += [(at, random.integers(0, states, states), random.integers(0, CONDITIONS, states)) for _ in range(FORWARD)]
    return _graph(states, rows, strong=True)


GRAPHS: Mapping[str, Callable[[int], OwingGraph]] = {"layers": layers, "nested": nested, "one": one}


def _line(name: str, states: int, steps: int, seconds: float, found: str) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{name:>10} {states:>10,} {steps:>12,} {seconds:>7.2f} {states / seconds:>12,.0f} {peak:>14,}  {found}")


def _reference(source: GroundSpec, budget: Budget) -> Verdict:
    found = explore(source, source.spec.properties, clock=time.process_time, budget=budget)
    return with_liveness(found, source, source.spec.properties, clock=time.process_time, budget=budget)


def _compiled(source: GroundSpec, budget: Budget, backend: Callable[[Partition, int], Backend]) -> Verdict:
    def finish(search: Search, verdict: Verdict) -> Verdict:
        return with_compiled_liveness(search, verdict, source.spec.properties, budget=budget)

    return explore_compiled(
        source.spec, source.bounds, clock=time.process_time, expanded=source, backend=backend, finish=finish
    )


def _kraft(bounds: Mapping[str, int]) -> None:
    """One line per engine: the whole check of `kraft-live` within bounds."""
    spec, budget = find_spec("kraft-live"), Budget()
    source = ground(trace(spec), spec.complete_bounds(bounds))
    ways: dict[str, Callable[[], Verdict]] = {
        "reference": lambda: _reference(source, budget),
        "compiled": lambda: _compiled(source, budget, lambda p, n: native_or_portable(p, n, Room())),
        "numpy": lambda: _compiled(source, budget, lambda p, _: Portable(p)),
    }
    _compiled(source, budget, lambda p, n: native_or_portable(p, n, Room()))  # what it compiles is in the cache
    first = 0.0
    for name, run in ways.items():
        started = time.process_time()
        verdict = run()
        seconds = time.process_time() - started
        first = first or seconds
        said = ", ".join(p.verdict for p in verdict.properties if p.kind == "eventually")
        _line(name, verdict.distinct, verdict.generated, seconds, f"{first / seconds:.1f} times the reference: {said}")


def main() -> None:
    """Print one line per graph: CPU seconds for ways, components and loop, states per second, peak memory, and what was found."""
    states = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000_000
    print("     graph     states        steps   CPU s     states/s peak MB so far  found")
    for name, make in GRAPHS.items():
        graph = make(states)
        started = time.process_time()
        ways = shortest_ways(graph, np.zeros(1, dtype=np.int32))
        component = fair_components(graph, ways.reached)
        fair = np.flatnonzero(component != NO_COMPONENT)
        found = "no fair component"
        if len(fair):
            found = f"{len(fair):,} states in fair components, loop of {len(fair_loop(graph, component, int(fair[0])))} steps"
        _line(name, graph.states, len(graph.targets), time.process_time() - started, found)
    for bounds in SCOPES:
        _kraft(bounds)


if __name__ == "__main__":
    main()
