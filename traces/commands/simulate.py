"""`lockstep simulate`: seeded runs of the implementation, each watched for properties, conformance, incidents and linearizability."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import evolve, frozen
from rich.console import Console
from rich.text import Text

from model.engines.verdict import HOLDS, UNKNOWN, VIOLATED
from model.language import unknown
from traces.commands.out import DEFAULT_OUT, check_writable, file_name
from traces.commands.report import EXIT_CODES, CommandError
from traces.commands.simulate_runs import MODES, RunResult, Tell, checked_twice
from traces.ensemble.recording import Recording
from traces.ensemble.recording_file import MODE, recording_to_bytes
from traces.errors import TraceError
from traces.files import write_atomically
from traces.format import to_bytes
from traces.render import count_of, facts, status, styled, table
from traces.trace import Trace

RUNS, STEPS, NODES = 5, 400, 3
"""Defaults: runs, steps per run before its quiet period, and servers."""

_FAULTS: Mapping[str, tuple[str, ...]] = {
    "crash": ("crash",),
    "pause": ("pause",),
    "cut": ("symmetric", "asymmetric", "flapping"),
    "lost": ("loss", "duplication", "reordering", "reset"),
}
"""Faults as the table adds them up: crashes, pauses, partitions, and messages lost, duplicated or delayed past others,
connections reset."""


@frozen
class SimulateReport:
    """The runs of one simulation. `path` is the trace of the first one that found something."""

    mode: str
    bug: str | None
    faults: str
    steps: int
    results: tuple[RunResult, ...]
    path: Path | None
    watched: str
    interrupted: str = ""

    @property
    def verdict(self) -> str:
        """violated if a run is, else unknown if one is or runs are missing, else holds."""
        verdicts = [result.verdict for result in self.results]
        return VIOLATED if VIOLATED in verdicts else UNKNOWN if UNKNOWN in verdicts or self.interrupted else HOLDS

    @property
    def exit_code(self) -> int:
        """As the verdict says."""
        return EXIT_CODES[self.verdict]

    def to_json(self) -> dict[str, Any]:
        """The same bytes for the same options, whatever the process."""
        first = next((r for r in self.results if r.finding is not None), None)
        return {
            "mode": self.mode,
            "bug": self.bug,
            "engine": "simulate",
            "faults": self.faults,
            "steps": self.steps,
            "verdict": self.verdict,
            "rung": "tested",
            "reason": self.interrupted or next((r.reason for r in self.results if r.reason), ""),
            "property": first.finding.name if first is not None and first.finding is not None else None,
            "seed": first.run.seed if first is not None else None,
            "trace": str(self.path) if self.path is not None else None,
            "runs": [result.to_json() for result in self.results],
        }

    def show(self, console: Console) -> None:
        """A row per run, what was found, and the totals."""
        head: list[tuple[str, str | Text]] = [
            ("mode", self.mode + (f" with bug {self.bug}" if self.bug else "")),
            ("faults", self.faults),
        ]
        console.print(facts(head))
        console.print()
        numbers = ("seed", "steps", "commits", "elections", "ops", *_FAULTS)
        result = table(*numbers, "verdict", numbers=numbers)
        for item in self.results:
            run = item.run
            faults = (sum(run.faults.get(name, 0) for name in names) for names in _FAULTS.values())
            cells = (run.seed, run.steps, run.committed, run.elections, item.operations, *faults)
            result.add_row(*(f"{cell:,}" for cell in cells), styled(item.verdict))
        console.print(result)
        console.print()
        for item in self.results:
            if item.reason:
                console.print(Text.assemble((f"seed {item.run.seed}: ", "bold"), item.reason))
            for note in item.notes:
                console.print(Text(f"seed {item.run.seed}: {note}", style="dim"))
        if self.path is not None:
            rows: list[tuple[str, str | Text]] = [("trace", str(self.path)), ("replay", f"lockstep replay {self.path}")]
            console.print(facts(rows), soft_wrap=True)
        if self.interrupted:
            console.print(Text(f"unknown because: {self.interrupted}", style="yellow"))
        steps = sum(item.run.steps for item in self.results)
        text = f": {count_of(len(self.results), 'run')}, {count_of(steps, 'step')}; watched: {self.watched}"
        console.print(Text.assemble(styled(self.verdict), text))


def simulate(
    mode: str,
    *,
    seed: int = 0,
    steps: int = STEPS,
    runs: int = RUNS,
    nodes: int = NODES,
    faults: str = "default",
    bug: str | None = None,
    out: Path = DEFAULT_OUT,
    histories: Path | None = None,
    twice: bool = False,
) -> SimulateReport:
    """Run seeds `seed`, `seed + 1`, ... until one finds something. Raises CommandError for options that make no sense.

    The clients' history of each run goes to `histories` (a directory), for `lockstep check-history`. `twice`: each seed runs twice
    more, and both runs are compared step by step.
    """
    if mode not in MODES:
        raise CommandError(unknown("mode", mode, MODES, "to simulate"))
    chosen = MODES[mode](bug)
    config = chosen.configuration(faults, steps, nodes)
    check_writable(out)
    if histories is not None:
        check_writable(histories)
    results: list[RunResult] = []
    interrupted = ""
    with status(f"simulate {mode}") as tell:
        for number in range(runs):
            prefix = f"run {number + 1} of {runs}, seed {seed + number}"
            try:
                result = chosen.run(seed + number, config, _prefixed(tell, prefix))
                if twice and result.finding is None:
                    result = evolve(result, finding=checked_twice(seed + number, config))
            except KeyboardInterrupt:
                interrupted = f"interrupted after {number} of {runs} runs"
                break
            results.append(result)
            if histories is not None:
                save_history(result, histories)
            if result.finding is not None:
                break
    path = save_trace(results[-1].trace, out) if results else None
    return SimulateReport(mode, bug, faults, steps, tuple(results), path, chosen.watched, interrupted)


def save_trace(trace: Trace | Recording | None, out: Path) -> Path | None:
    """Write the trace of a run; None if there is none."""
    if trace is None:
        return None
    if isinstance(trace, Recording):
        made, data = (MODE, trace.config.bug), recording_to_bytes(trace)
    else:
        made, data = (trace.spec.name, trace.spec.bug), to_bytes(trace)
    path = out / file_name(*made, f"{trace.property}-seed{trace.seed}")
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_atomically(path, data)
    except (OSError, TraceError) as error:
        cause = error.strerror or str(error) if isinstance(error, OSError) else str(error)
        raise CommandError(f"{trace.property} is violated, but its trace cannot be written to {out}: {cause}") from None
    return path


def save_history(result: RunResult, directory: Path) -> Path:
    """Write the clients' history of a run as JSON lines."""
    seed = result.run.seed
    path = directory / f"history-seed{seed}.jsonl"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        write_atomically(path, result.lines.encode())
    except (OSError, TraceError) as error:
        cause = error.strerror or str(error) if isinstance(error, OSError) else str(error)
        raise CommandError(f"the history of seed {seed} cannot be written to {directory}: {cause}") from None
    return path


def _prefixed(tell: Tell | None, prefix: str) -> Tell | None:
    return None if tell is None else lambda text: tell(f"{prefix}, {text}")
