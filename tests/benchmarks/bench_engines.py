"""How fast the engines are, in CPU seconds: searching, simulating, driving, finding bugs. Run by hand:

python -m tests.benchmarks.bench_engines [ROUNDS]

Each line is the median of ROUNDS rounds (default 3) after one round that warms up and does not count; tracing and expanding a spec
are measured once, on their own lines. Ratios compare lines of one run only: the machine's speed is in both.
"""

import statistics
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from impl.world.simulator import SimulationConfig, Simulator
from model.engines.explore import explore
from model.engines.source import Source
from model.engines.verdict import Verdict
from model.language import Spec
from model.language.ground_spec import GroundSpec, ground
from model.language.plain import Stepper
from model.language.trace import trace
from properties.registry import SPECS
from traces.conformance import Conformance
from traces.cover import SCOPE, drive_cover
from traces.monitor import PropertyMonitor
from traces.watch import Watch

KRAFT, TWO_PHASE = SPECS["kraft"], SPECS["two-phase"]
SIMULATED_STEPS = 1_000

SEARCHES: tuple[tuple[Spec, Mapping[str, int]], ...] = (
    (TWO_PHASE, {"nodes": 5}),
    (KRAFT, {"nodes": 3, "epochs": 1, "elections": 1, "log": 1, "values": 0, "restarts": 0}),
    (KRAFT, {"nodes": 2, "epochs": 2, "elections": 2, "log": 2, "values": 1, "restarts": 1}),
)
"""Spec and scope, small enough for the plain reading."""


def measured(run: Callable[[], int], rounds: int) -> tuple[int, float]:
    """What a run counts (the same in every round), and the median of its CPU seconds."""
    counted = run()
    seconds = []
    for _ in range(rounds):
        started = time.process_time()
        again = run()
        seconds.append(time.process_time() - started)
        if again != counted:
            raise RuntimeError(f"two rounds counted {counted} and {again}: a benchmark must repeat exactly")
    return counted, statistics.median(seconds)


def line(name: str, counted: int, unit: str, seconds: float, base: float | None = None) -> float:
    """Print one line; `base` is the rate it is compared with. The rate, per CPU second."""
    rate = counted / max(seconds, 1e-9)
    ratio = f"{rate / base:8.2f}x" if base else ""
    print(f"{name:<84} {counted:>9,} {unit:<12} {seconds:>8.3f} {rate:>12,.0f} {ratio}")
    return rate


def prepared(spec: Spec, bounds: Mapping[str, int]) -> GroundSpec:
    """The ground form of a spec; how long it took is printed."""
    started = time.process_time()
    traced = trace(spec)
    between = time.process_time()
    source = ground(traced, bounds)
    print(f"{spec.name}: traced in {between - started:.2f} s, expanded in {time.process_time() - between:.2f} s")
    return source


def searched(source: Source, spec: Spec) -> Verdict:
    """A breadth-first search with the safety properties of a spec."""
    safety = tuple(p for p in spec.properties if p.kind in ("always", "step"))
    return explore(source, safety, clock=time.process_time)


def searching(rounds: int) -> None:
    """States per CPU second of the explorer, on plain values and on the ground form."""
    for spec, bounds in SEARCHES:
        complete = spec.complete_bounds(bounds)
        scope = " ".join(f"{k}={v}" for k, v in sorted(bounds.items()))
        derived, plain = prepared(spec, complete), Stepper(spec, complete)
        base = line(f"explore {spec.name} {scope}: plain", *of_states(plain, spec, rounds))
        line(f"explore {spec.name} {scope}: ground", *of_states(derived, spec, rounds), base)


def of_states(source: Source, spec: Spec, rounds: int) -> tuple[int, str, float]:
    """Distinct states and the seconds of the search."""
    counted, seconds = measured(lambda: searched(source, spec).distinct, rounds)
    return counted, "states", seconds


def simulating(rounds: int) -> None:
    """Steps of the simulated world per CPU second, watched by nobody, by one observer, by all."""
    nodes = SimulationConfig().world.nodes

    def run(*observers: Any) -> int:
        simulator = Simulator(0, SimulationConfig(steps=SIMULATED_STEPS), observers=observers)
        simulator.run()
        for observer in observers:
            found = getattr(observer, "diverged", None) or getattr(observer, "broken", None)
            if found or getattr(observer, "finding", None):
                raise RuntimeError(f"an observer rests after a finding, so it cannot be measured: {found}")
        return simulator.world.steps

    watched: tuple[tuple[str, Callable[[], int]], ...] = (
        ("nobody", run),
        ("conformance", lambda: run(Conformance(KRAFT, nodes))),
        ("properties", lambda: run(PropertyMonitor(KRAFT, nodes, KRAFT.properties))),
        ("conformance, properties, recorder", lambda: run(Watch(KRAFT, nodes))),
    )
    base = None
    for name, of in watched:
        counted, seconds = measured(of, rounds)
        rate = line(f"simulate seed=0: watched by {name}", counted, "steps", seconds, base)
        base = base or rate


def driving(rounds: int) -> None:
    """Steps of the spec that are driven through the implementation, per CPU second."""
    source = ground(trace(KRAFT), SCOPE)

    def run() -> int:
        cover = drive_cover(source)
        if cover.mismatch is not None:
            raise RuntimeError(f"the implementation does not follow the spec: {cover.mismatch}")
        return cover.steps

    line("drive covering paths through the implementation", *_with_unit("steps", measured(run, rounds)))


def _with_unit(unit: str, found: tuple[int, float]) -> tuple[int, str, float]:
    return found[0], unit, found[1]


def finding() -> None:
    """States, length and CPU seconds (once, with tracing and expansion) until the explorer meets each bug."""
    for bug, planted in KRAFT.bugs.items():
        spec = KRAFT.with_bug(bug)
        started = time.process_time()
        verdict = searched(ground(trace(spec), spec.complete_bounds(planted.bounds)), spec)
        seconds = time.process_time() - started
        violation = verdict.violation
        if violation is None or violation.trace is None:
            raise RuntimeError(f"{bug} is not found within its bounds")
        steps = len(violation.trace.steps)
        line(f"find {bug} in {steps} steps: {violation.name}", verdict.distinct, "states", seconds)


def main() -> None:
    """Print one table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    print(f"median of {rounds} rounds after one warm-up round; bugs: one round, tracing and expansion included")
    print(f"{'what':<84} {'count':>9} {'of':<12} {'CPU s':>8} {'per CPU s':>12} {'to first':>9}")
    searching(rounds)
    simulating(rounds)
    driving(rounds)
    finding()


if __name__ == "__main__":
    main()
