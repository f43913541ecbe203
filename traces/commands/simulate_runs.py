"""One watched run of an implementation, per mode: what is plugged in, and what is told of it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from attrs import evolve, field, frozen

from impl.world.config import WorldConfig
from impl.world.history import history_to_jsonl
from impl.world.run import Run
from impl.world.self_check import self_check
from impl.world.simulator import SimulationConfig, Simulator
from impl.world.workload import Workload
from impl.zookeeper.bugs import BUGS
from impl.zookeeper.service import Service
from impl.zookeeper.state import Settings
from model.engines.verdict import HOLDS, UNKNOWN, VIOLATED
from model.language import unknown
from traces.commands.check import prepare
from traces.commands.faults import parse_faults
from traces.commands.report import CommandError
from traces.ensemble.histories import answered
from traces.ensemble.recording import Recording
from traces.ensemble.watch import EnsembleWatch
from traces.logs.zookeeper.history import history_lines
from traces.render import count_of
from traces.trace import Trace
from traces.watch import Finding, Watch
from traces.zookeeper.journal import Journal

SAME_RUN = "a_seed_gives_one_run"
"""What a self-check breaks."""

Tell = Callable[[str], None]


@frozen
class RunResult:
    """One run: what happened, and what was found first (None: nothing).

    `history` is the verdict on what the clients saw (None: there is no history, or something was found before), and `why` what keeps
    it from holds; `trace` the run up to what was found; `figures` what else there is to report, by name; `notes` the same in
    sentences; `lines` the clients' history as a file.
    """

    run: Run
    finding: Finding | None
    history: str | None
    why: str
    trace: Trace | Recording | None
    figures: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    lines: str = field(default="", repr=False)

    @property
    def verdict(self) -> str:
        """violated if anything was found, unknown if the history is undecided or nothing committed, else holds."""
        if self.finding is not None:
            return VIOLATED
        return HOLDS if self.history == HOLDS and self.run.committed else UNKNOWN

    @property
    def reason(self) -> str:
        """Why it is not `holds`."""
        if self.finding is not None:
            return str(self.finding)
        if self.verdict == HOLDS:
            return ""
        if not self.run.committed:
            return "nothing was committed, so little was at risk: try other faults or more steps"
        return "no client got an answer" if self.history is None else f"the clients' history is undecided: {self.why}"

    @property
    def operations(self) -> int:
        """How many operations the clients invoked."""
        return sum(event.type == "invoke" for event in self.run.history)

    def to_json(self) -> dict[str, Any]:
        """The run's figures and verdict. Deterministic: all times are virtual."""
        figures = self.run.to_json()
        virtual = figures.pop("seconds")
        return {
            **figures,
            "virtual_time": virtual,
            "operations": self.operations,
            "verdict": self.verdict,
            "reason": self.reason,
            "property": self.finding.name if self.finding else None,
            "kind": self.finding.kind if self.finding else None,
            "step": self.finding.step if self.finding else None,
            **self.figures,
        }


class Mode(ABC):
    """An implementation with its bug, if any, and everything that a simulation of it checks."""

    watched: str
    """What is watched, in a few words."""

    def __init__(self, bug: str | None) -> None:
        self.bug = bug

    @abstractmethod
    def configuration(self, faults: str, steps: int, nodes: int) -> SimulationConfig:
        """What to simulate. Raises CommandError for faults that make no sense."""

    @abstractmethod
    def run(self, seed: int, config: SimulationConfig, tell: Tell | None = None) -> RunResult:
        """One run, watched."""


class KraftMode(Mode):
    """Voters of KRaft, in lock-step with the spec of the same name."""

    watched = "properties, conformance with the spec, fatal errors, linearizability"

    def __init__(self, bug: str | None) -> None:
        super().__init__(bug)
        self._spec, _, _ = prepare("kraft", bug=bug, bounds={})

    def configuration(self, faults: str, steps: int, nodes: int) -> SimulationConfig:
        """See Mode; the quiet period is bounded like the run itself."""
        world = evolve(SimulationConfig().world, bug=self.bug, nodes=nodes)
        return SimulationConfig(world=world, faults=parse_faults(faults), steps=steps)

    def run(self, seed: int, config: SimulationConfig, tell: Tell | None = None) -> RunResult:
        """See Mode."""
        watch = Watch(self._spec, config.world.nodes)
        simulator = _simulated(seed, config, watch, tell)
        run = simulator.run()  # to the end: figures of a run that stops at its finding would not be those of its seed
        judged = watch.judge(simulator.world)
        trace = watch.trace(engine="simulate", seed=seed) if watch.finding is not None else None
        verdicts = {"linearizable": HOLDS, "not linearizable": VIOLATED, "unknown": UNKNOWN}
        figures = {
            "linearizable": judged.verdict if judged else None,
            "conformance": {action: steps for action, steps in watch.conformance.steps.items() if steps},
            "reached": sorted(watch.monitor.reached),
        }
        history, why = (None, "") if judged is None else (verdicts[judged.verdict], judged.reason)
        return RunResult(run, watch.finding, history, why, trace, figures, lines=history_to_jsonl(run.history))


class ZooKeeperMode(Mode):
    """An ensemble of ZooKeeper servers with clients whose reads are plain, or after a sync."""

    watched = "Zab's promises, fatal errors, clients: writes and sync-reads linearizable, plain reads sequential"

    SYNC_READS = 0.3

    def __init__(self, bug: str | None) -> None:
        super().__init__(bug)
        if bug is not None and bug not in BUGS:
            raise CommandError(unknown("bug", bug, BUGS, "of the implementation of zookeeper"))

    def configuration(self, faults: str, steps: int, nodes: int) -> SimulationConfig:
        """See Mode."""
        ensemble = Settings(machine=Journal(Service()))
        world = WorldConfig(nodes=nodes, clients=4, bug=self.bug, mode="zookeeper", ensemble=ensemble)
        workload = Workload(think_max=20_000, sync_reads=self.SYNC_READS)
        return SimulationConfig(world, workload, parse_faults(faults), steps)

    def run(self, seed: int, config: SimulationConfig, tell: Tell | None = None) -> RunResult:
        """See Mode."""
        watch = EnsembleWatch(config.world.ensemble.machine)
        simulator = _simulated(seed, config, watch, tell)
        run = simulator.run()
        judged = watch.judge(simulator.world)
        recording = None
        if watch.finding is not None:
            recording = watch.recording(simulator.world, engine="simulate", seed=seed)
        operations = answered(run.history, watch.syncs.deposed)
        history = None
        if judged is not None and any(judged.tested.values()):
            history = VIOLATED if judged.violations else HOLDS
        stale = judged.stale if judged is not None else ()
        deposed = len(watch.syncs.deposed)
        figures = {
            "history": history,
            "checks": dict(sorted(watch.promises.covered.items())),
            "history_checks": judged.tested if judged is not None else {},
            "epochs": len(watch.promises.epochs),
            "stale_reads": len(stale),
            "syncs_by_deposed_leaders": deposed,
        }
        notes = []
        if stale:
            oldest = max(stale, key=lambda read: read.age)
            notes.append(f"{count_of(len(stale), 'stale read')}, as plain reads may be: {oldest.operation}")
        if deposed:
            notes.append(f"{count_of(deposed, 'sync')} answered by a deposed leader, as documented")
        return RunResult(
            run, watch.finding, history, "", recording, figures, tuple(notes), lines=history_lines(operations)
        )


MODES: Mapping[str, Callable[[str | None], Mode]] = {"kraft": KraftMode, "zookeeper": ZooKeeperMode}
"""Implementations that can be simulated."""


def checked_twice(seed: int, config: SimulationConfig) -> Finding | None:
    """The seed twice, side by side: what differs first, or None."""
    difference = self_check(seed, config)
    return None if difference is None else Finding(difference.step, SAME_RUN, "determinism", str(difference))


def _simulated(seed: int, config: SimulationConfig, watch: Watch | EnsembleWatch, tell: Tell | None) -> Simulator:
    """A simulation up to the first finding, or to its end."""
    simulator = Simulator(seed, config, observers=[watch])
    for record in simulator.steps():
        if tell is not None:
            tell(f"step {record.index:,}")
        if watch.finding is not None:
            break
    return simulator
