"""How fast the compiled explorer is: states per CPU second with everything counted, bytes per state, and start-up.

    python -m tests.benchmarks.bench_explorer [threads] [bounds such as epochs=3,elections=3]

Each line is a whole run, from the spec's functions to the verdict, in this process: tracing, expansion, code generation,
evaluation of misses, search. The first run has cold memory pages; `search` is the part inside the runtime in C.
"""

import resource
import sys
import time
from typing import Any

from model.engines.compiled.backend import Backend, Stats
from model.engines.compiled.components import Partition
from model.engines.compiled.explore import explore_compiled, native_or_portable
from model.engines.compiled.levels import Room
from model.engines.source import Budget
from properties.registry import SPECS

SCOPES = ("", "epochs=3,elections=3", "epochs=3,elections=3,values=2")


class Watched:
    """A back end with a clock on its rounds, and its last figures."""

    def __init__(self, partition: Partition, threads: int) -> None:
        self.inner = native_or_portable(partition, threads, Room())
        self.seconds = 0.0
        self.last: Stats = self.inner.stats()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def run(self, most: int) -> bool:
        """One piece of a round, timed."""
        started = time.process_time()
        done = self.inner.run(most)
        self.seconds += time.process_time() - started
        return done

    def close(self) -> None:
        """Keep the figures."""
        self.last = self.inner.stats()
        self.inner.close()


def measure(bounds: dict[str, int], threads: int, states: int | None = None) -> None:
    """One run of `kraft`, as a line."""
    kept: list[Watched] = []

    def make(partition: Partition, wanted: int) -> Backend:
        kept.append(Watched(partition, wanted))
        return kept[-1]

    wall, started = time.perf_counter(), time.process_time()
    verdict = explore_compiled(
        SPECS["kraft"], bounds, clock=time.process_time, threads=threads, budget=Budget(states=states), backend=make
    )
    cpu, wall, stats = time.process_time() - started, time.perf_counter() - wall, kept[-1].last
    size = (stats.bytes + stats.tables) / verdict.distinct
    print(
        f"{','.join(f'{k}={v}' for k, v in bounds.items()) or 'defaults':36} {threads} thread(s) {verdict.verdict:8} "
        f"{verdict.distinct:>12,} distinct {verdict.generated:>13,} generated {len(verdict.levels):>3} levels "
        f"{cpu:7.2f} CPU-s {wall:7.2f} s  {verdict.distinct / cpu / 1e6:5.2f} M/CPU-s all, "
        f"{verdict.distinct / kept[-1].seconds / 1e6:5.2f} M/CPU-s search, {size:5.1f} bytes/state, "
        f"{stats.entries:,} evaluations, {stats.words} words"
    )


def parse(text: str) -> dict[str, int]:
    """Bounds as on the command line."""
    return {name: int(value) for name, value in (pair.split("=") for pair in text.split(",") if pair)}


def main() -> None:
    """All scopes, or the given one twice."""
    threads = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    for scope in (sys.argv[2:] * 2) or SCOPES:
        measure(parse(scope), threads)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB")


if __name__ == "__main__":
    main()
