"""`lockstep simulate`: seeded runs of the implementation, each watched for properties, conformance, incidents and linearizability."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from attrs import evolve, frozen
from rich.console import Console
from rich.text import Text

from impl.world.history import history_to_jsonl
from impl.world.run import Run
from impl.world.simulator import SimulationConfig, Simulator
from model.engines.verdict import HOLDS, UNKNOWN, VIOLATED
from model.language import Spec, unknown
from properties.linearizability import LinearizabilityVerdict
from traces.commands.check import prepare
from traces.commands.faults import parse_faults
from traces.commands.out import DEFAULT_OUT, check_writable, file_name
from traces.commands.report import EXIT_CODES, CommandError
from traces.errors import TraceError
from traces.files import write_atomically
from traces.format import dump
from traces.render import count_of, facts, status, styled, table
from traces.trace import Trace
from traces.watch import Finding, Watch

MODES = ("kraft",)
"""Implementations that can be simulated; each has a spec of the same name."""

RUNS, STEPS = 5, 400
"""Defaults: runs, and steps per run before its quiet period."""

_FAULTS: Mapping[str, tuple[str, ...]] = {
    "crash": ("crash",),
    "pause": ("pause",),
    "cut": ("symmetric", "asymmetric", "flapping"),
    "lost": ("loss", "duplication", "reordering"),
}
"""Faults as the table adds them up: crashes, pauses, partitions, and messages lost, duplicated or delayed past others."""

_WATCHED = "properties, conformance with the spec, fatal errors, linearizability"

Tell = Callable[[str], None]


@frozen
class RunResult:
    """One run: what happened, what was found first (None: nothing), and the verdict on its history (None: no history, or a finding)."""

    run: Run
    finding: Finding | None
    linearizability: LinearizabilityVerdict | None
    trace: Trace | None
    conforming: dict[str, int]
    reached: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """violated if anything was found, unknown if the history is undecided or nothing committed, else holds."""
        if self.finding is not None:
            return VIOLATED
        judged = self.linearizability
        return HOLDS if judged is not None and judged.verdict == "linearizable" and self.run.committed else UNKNOWN

    @property
    def reason(self) -> str:
        """Why it is not `holds`."""
        if self.finding is not None:
            return str(self.finding)
        if self.verdict == HOLDS:
            return ""
        if not self.run.committed:
            return "nothing was committed, so little was at risk: try other faults or more steps"
        judged = self.linearizability
        return (
            f"the clients' history is undecided: {judged.reason}" if judged is not None else "no client got an answer"
        )

    def to_json(self) -> dict[str, Any]:
        """The run's figures and verdict. Deterministic: all times are virtual."""
        figures = self.run.to_json()
        virtual = figures.pop("seconds")
        return {
            **figures,
            "virtual_time": virtual,
            "operations": sum(event.type == "invoke" for event in self.run.history),
            "verdict": self.verdict,
            "reason": self.reason,
            "property": self.finding.name if self.finding else None,
            "kind": self.finding.kind if self.finding else None,
            "step": self.finding.step if self.finding else None,
            "linearizable": self.linearizability.verdict if self.linearizability else None,
            "conformance": self.conforming,
            "reached": list(self.reached),
        }


def run_one(seed: int, config: SimulationConfig, spec: Spec, tell: Tell | None = None) -> RunResult:
    """One run, watched: everything that a simulation checks is plugged in here."""
    watch = Watch(spec, config.world.nodes)
    simulator = Simulator(seed, config, observers=[watch])
    for record in simulator.steps():
        if tell is not None:
            tell(f"step {record.index:,}")
        if watch.finding is not None:
            break
    run = simulator.run()  # to the end: figures of a run that stops at its finding would not be those of its seed
    judged = watch.judge(simulator.world)
    trace = watch.trace(engine="simulate", seed=seed) if watch.finding is not None else None
    conforming = {action: steps for action, steps in watch.conformance.steps.items() if steps}
    return RunResult(run, watch.finding, judged, trace, conforming, tuple(sorted(watch.monitor.reached)))


@frozen
class SimulateReport:
    """The runs of one simulation. `path` is the trace of the first one that found something."""

    mode: str
    bug: str | None
    faults: str
    steps: int
    results: tuple[RunResult, ...]
    path: Path | None
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
            operations = sum(event.type == "invoke" for event in run.history)
            faults = (sum(run.faults[name] for name in names) for names in _FAULTS.values())
            cells = (run.seed, run.steps, run.committed, run.elections, operations, *faults)
            result.add_row(*(f"{cell:,}" for cell in cells), styled(item.verdict))
        console.print(result)
        console.print()
        for item in self.results:
            if item.reason:
                console.print(Text.assemble((f"seed {item.run.seed}: ", "bold"), item.reason))
        if self.path is not None:
            rows: list[tuple[str, str | Text]] = [("trace", str(self.path)), ("replay", f"lockstep replay {self.path}")]
            console.print(facts(rows), soft_wrap=True)
        if self.interrupted:
            console.print(Text(f"unknown because: {self.interrupted}", style="yellow"))
        steps = sum(item.run.steps for item in self.results)
        text = f": {count_of(len(self.results), 'run')}, {count_of(steps, 'step')}; watched: {_WATCHED}"
        console.print(Text.assemble(styled(self.verdict), text))


def configuration(faults: str, steps: int, bug: str | None, nodes: int = 3) -> SimulationConfig:
    """What to simulate; the quiet period is bounded like the run itself."""
    world = evolve(SimulationConfig().world, bug=bug, nodes=nodes)
    return SimulationConfig(world=world, faults=parse_faults(faults), steps=steps)


def simulate(
    mode: str,
    *,
    seed: int = 0,
    steps: int = STEPS,
    runs: int = RUNS,
    faults: str = "default",
    bug: str | None = None,
    out: Path = DEFAULT_OUT,
    histories: Path | None = None,
) -> SimulateReport:
    """Run seeds `seed`, `seed + 1`, ... until one finds something. Raises CommandError for options that make no sense.

    The clients' history of each run goes to `histories` (a directory), for `lockstep check-history`.
    """
    if mode not in MODES:
        raise CommandError(unknown("mode", mode, MODES, "to simulate"))
    spec, _, _ = prepare(mode, bug=bug, bounds={})
    config = configuration(faults, steps, bug)
    check_writable(out)
    if histories is not None:
        check_writable(histories)
    results: list[RunResult] = []
    interrupted = ""
    with status(f"simulate {mode}") as tell:
        for number in range(runs):
            prefix = f"run {number + 1} of {runs}, seed {seed + number}"
            try:
                result = run_one(seed + number, config, spec, _prefixed(tell, prefix))
            except KeyboardInterrupt:
                interrupted = f"interrupted after {number} of {runs} runs"
                break
            results.append(result)
            if histories is not None:
                save_history(result.run, histories)
            if result.finding is not None:
                break
    path = save_trace(results[-1].trace, out) if results else None
    return SimulateReport(mode, bug, faults, steps, tuple(results), path, interrupted)


def save_trace(trace: Trace | None, out: Path) -> Path | None:
    """Write the trace of a run; None if there is none."""
    if trace is None:
        return None
    path = out / file_name(trace.spec.name, trace.spec.bug, f"{trace.property}-seed{trace.seed}")
    try:
        out.mkdir(parents=True, exist_ok=True)
        dump(trace, path)
    except (OSError, TraceError) as error:
        cause = error.strerror or str(error) if isinstance(error, OSError) else str(error)
        raise CommandError(f"{trace.property} is violated, but its trace cannot be written to {out}: {cause}") from None
    return path


def save_history(run: Run, directory: Path) -> Path:
    """Write the clients' history of a run as JSON lines."""
    path = directory / f"history-seed{run.seed}.jsonl"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        write_atomically(path, history_to_jsonl(run.history).encode())
    except (OSError, TraceError) as error:
        cause = error.strerror or str(error) if isinstance(error, OSError) else str(error)
        raise CommandError(f"the history of seed {run.seed} cannot be written to {directory}: {cause}") from None
    return path


def _prefixed(tell: Tell | None, prefix: str) -> Tell | None:
    return None if tell is None else lambda text: tell(f"{prefix}, {text}")
