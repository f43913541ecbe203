"""Bounded model checking: CPU seconds to the shortest violations of the museum, and for all runs of so many steps.

    python -m tests.benchmarks.bench_bmc

Each row is one run in a process that has traced nothing before but the rows above it; there is no warm-up.
"""

import time

from model.engines.bmc.bmc import check_bounded
from model.language import Property, Spec
from properties.registry import choose_properties, find_spec

BUGS = (("M5", 4), ("M2", 5), ("KAFKA-10533", 8), ("M3", 11))
"""Bugs, each with the number of steps of its shortest violation."""

DEPTHS = (6, 7, 8)


def measured(what: str, spec: Spec, bounds: dict[str, int], properties: tuple[Property, ...], depth: int) -> None:
    """One row."""
    verdict = check_bounded(spec, bounds, properties, depth=depth, clock=time.process_time)
    broken = verdict.violation
    said = (
        f"{broken.name} in {len(broken.trace.steps)} steps"
        if broken and broken.trace
        else f"none in {verdict.depth} steps"
    )
    print(f"{what:40} {said:62} {verdict.seconds:7.1f} s", flush=True)


def main() -> None:
    """All rows."""
    kraft = find_spec("kraft")
    for bug, steps in BUGS:
        chosen = choose_properties(kraft, (kraft.bugs[bug].breaks,))
        bounds = kraft.complete_bounds(kraft.bugs[bug].bounds)
        measured(bug, kraft.with_bug(bug), bounds, chosen, steps)
    for depth in DEPTHS:
        safety = tuple(p for p in kraft.properties if p.kind in ("always", "step"))
        measured(f"kraft, default bounds, {len(safety)} properties", kraft, kraft.complete_bounds({}), safety, depth)


if __name__ == "__main__":
    main()
