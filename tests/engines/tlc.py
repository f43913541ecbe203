"""Running TLC, for those who have it: the environment variable LOCKSTEP_TLC names the jar (tla2tools.jar)."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

JAR = os.environ.get("LOCKSTEP_TLC")
"""The jar, or None where there is no TLC: then tests of TLC itself are not collected."""

_SECONDS = 600


@frozen
class TlcRun:
    """What TLC said. `violated` is the first invariant or property; `states` the length of its trace; `dump` the trace as JSON."""

    distinct: int
    generated: int
    depth: int
    actions: Mapping[str, int]
    violated: str | None
    states: int
    dump: str | None
    output: str


def run_tlc(directory: Path, module: str, *, config: str | None = None, dump: bool = False) -> TlcRun:
    """Check a module in a directory that has its configuration, with one worker: its order is breadth-first only then."""
    trace = directory / "trace.json"
    trace.unlink(missing_ok=True)
    options = ["-config", config] if config is not None else []
    options += ["-dumpTrace", "json", trace.name] if dump else []
    output = tlc_output(directory, module, *options)
    return _read(output, trace.read_text(encoding="utf-8") if trace.exists() else None)


def tlc_output(directory: Path, module: str, *more: str) -> str:
    """What TLC prints about a module in a directory."""
    java = shutil.which("java")
    assert java is not None, "LOCKSTEP_TLC is set, but there is no java"
    assert JAR is not None
    options = ["-noTE", "-coverage", "1", "-workers", "1", "-metadir", str(directory / "states"), *more]
    command = [java, "-Xmx2g", "-XX:+UseParallelGC", "-XX:ParallelGCThreads=1", "-cp", JAR, "tlc2.TLC", *options]
    done = subprocess.run(
        [*command, f"{module}.tla"], cwd=directory, capture_output=True, text=True, check=False, timeout=_SECONDS
    )
    return done.stdout


def _read(output: str, dump: str | None) -> TlcRun:
    totals = re.search(r"(\d+) states generated, (\d+) distinct states found, 0 states left", output)
    totals = totals or re.search(r"(\d+) states generated, (\d+) distinct states found", output)
    depth = re.search(r"The depth of the complete state graph search is (\d+)", output)
    assert totals is not None, output[-3000:]
    violated = re.search(r"^Error: (?:Invariant|Action property) (\w+) is violated", output, re.MULTILINE)
    complete = "Model checking completed. No error has been found." in output
    assert complete or violated is not None, output[-3000:]
    actions: dict[str, int] = {}
    coverage = output[output.rindex("The coverage statistics") :] if "The coverage statistics" in output else ""
    for name, _, generated in re.findall(r"^<(\w+) line [^>]*>: (\d+):(\d+)$", coverage, re.MULTILINE):
        actions[name] = actions.get(name, 0) + int(generated)
    return TlcRun(
        distinct=int(totals[2]),
        generated=int(totals[1]),
        depth=int(depth[1]) if depth is not None else 0,
        actions=actions,
        violated=violated[1] if violated is not None else None,
        states=len(re.findall(r"^State \d+:", output, re.MULTILINE)),
        dump=dump,
        output=output,
    )
