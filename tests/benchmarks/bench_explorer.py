"""How fast the compiled explorer is: states per CPU second of the search only, of whole processes, and of the first one ever.

    python -m tests.benchmarks.bench_explorer [threads] [bounds such as epochs=3,elections=3]

Each scope is run in three processes of its own: `cold` with an empty cache of compiled code, so that what is compiled counts (the
compiler's CPU seconds included), `cached` with what that left behind, once more so that the figures can be compared; `search` is
the part of the cached run inside the runtime in C. All start with memory pages that the system has yet to give. The back end
without a compiler (numpy) is measured at the default bounds, once. Where LOCKSTEP_TLC names TLC's jar, TLC checks the same spec (one
worker) at the default bounds.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from model.engines.compiled.backend import Backend, Stats
from model.engines.compiled.components import Partition
from model.engines.compiled.explore import explore_compiled, native_or_portable
from model.engines.compiled.fallback import Portable
from model.engines.compiled.levels import Room
from model.engines.export.tla import export_tla
from model.engines.source import Budget
from model.language.ground_spec import ground
from model.language.trace import trace
from properties.registry import SPECS
from tests.engines.tlc import JAR, run_tlc

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


def measure(bounds: dict[str, int], threads: int, states: int | None = None) -> dict[str, Any]:
    """One run of `kraft` in this process; `states` is where to stop."""
    kept: list[Watched] = []

    def make(partition: Partition, wanted: int) -> Backend:
        kept.append(Watched(partition, wanted))
        return kept[-1]

    verdict = explore_compiled(
        SPECS["kraft"], bounds, clock=time.process_time, threads=threads, budget=Budget(states=states), backend=make
    )
    stats = kept[-1].last
    return {
        "verdict": verdict.verdict,
        "distinct": verdict.distinct,
        "generated": verdict.generated,
        "levels": len(verdict.levels),
        "search": kept[-1].seconds,
        "bytes": (stats.bytes + stats.tables) / verdict.distinct,
        "evaluations": stats.entries,
        "words": stats.words,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def process(scope: str, threads: int, cache: Path, states: int | None = None) -> dict[str, Any]:
    """The same in a process of its own with its own cache of compiled code; `cpu` and `wall` are of all of it."""
    command = [sys.executable, "-m", "tests.benchmarks.bench_explorer", "one", str(threads), scope, str(states or "")]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {**json.loads(done.stdout), "cpu": cpu, "wall": wall}


def compare(scope: str, threads: int) -> None:
    """One scope, as a line per column."""
    with tempfile.TemporaryDirectory() as cache:
        runs = [(name, process(scope, threads, Path(cache))) for name in ("cold", "cached", "cached")]
    last = runs[-1][1]
    print(
        f"{scope or 'defaults'}, {threads} thread(s): {last['verdict']}, {last['distinct']:,} distinct, "
        f"{last['generated']:,} generated, {last['levels']} levels, {last['evaluations']:,} evaluations, "
        f"{last['words']} word(s), {last['bytes']:.1f} bytes/state"
    )
    for name, run in runs:
        print(
            f"  {name:8} {run['cpu']:7.2f} CPU-s {run['wall']:7.2f} s {run['distinct'] / run['cpu'] / 1e6:6.2f} M/CPU-s"
        )
    print(f"  {'search':8} {last['search']:7.2f} CPU-s {'':9} {last['distinct'] / last['search'] / 1e6:6.2f} M/CPU-s")


def portable() -> None:
    """The back end without a compiler, in this process: the search with its evaluations, without tracing and expansion of the spec."""
    spec = SPECS["kraft"]
    expanded = ground(trace(spec), spec.complete_bounds({}))
    started = time.process_time()
    verdict = explore_compiled(
        spec, expanded.bounds, clock=time.process_time, backend=lambda p, _: Portable(p), expanded=expanded
    )
    cpu = time.process_time() - started
    print(
        f"no compiler, defaults: {verdict.distinct:,} distinct, {cpu:.2f} CPU-s, {verdict.distinct / cpu / 1e6:.3f} M/CPU-s"
    )


def tlc() -> None:
    """TLC on the export of `kraft` at its default bounds."""
    spec = SPECS["kraft"]
    module = export_tla(spec, spec.complete_bounds({}))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch, f"{module.name}.tla").write_text(module.text, encoding="utf-8")
        Path(scratch, f"{module.name}.cfg").write_text(module.cfg, encoding="utf-8")
        run = run_tlc(Path(scratch), module.name)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"TLC, defaults: {run.distinct:,} distinct, {cpu:.2f} CPU-s, {run.distinct / cpu / 1e6:.3f} M/CPU-s")


def parse(text: str) -> dict[str, int]:
    """Bounds as on the command line."""
    return {name: int(value) for name, value in (pair.split("=") for pair in text.split(",") if pair)}


def main() -> None:
    """All scopes, or the given ones; `one` is what the processes are started with."""
    if sys.argv[1:2] == ["one"]:
        threads, scope, states = sys.argv[2:5]
        print(json.dumps(measure(parse(scope), int(threads), int(states) if states else None)))
        return
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    for scope in sys.argv[2:] or SCOPES:
        compare(scope, count)
    portable()
    if JAR is not None:
        tlc()


if __name__ == "__main__":
    main()
