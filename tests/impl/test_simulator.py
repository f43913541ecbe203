"""The simulator: one seed, one run, byte for byte; every fault, and a cluster that lives through them."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from impl.effects import AppendEntries, Deliver, Entry, WriteElectionState
from impl.world.choices import Crash, CrashDuring, Fire
from impl.world.config import WorldConfig
from impl.world.draws import Draws
from impl.world.faults import CHURN, NO_FAULTS, STORM, Episodes, FaultPlan
from impl.world.history import HistoryEvent, history_to_jsonl
from impl.world.partitions import partition_links
from impl.world.record import StepRecord
from impl.world.run import Run, replay
from impl.world.self_check import Difference, self_check
from impl.world.simulator import SimulationConfig, Simulator, with_bug
from impl.world.workload import Workload
from impl.world.world import World

ROOT = Path(__file__).resolve().parents[2]
SHORT = SimulationConfig(steps=600)


class Oracle:
    """What must hold in every run: one leader per epoch, one record per (offset, epoch), one committed record per offset."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._leaders: dict[int, int] = {}
        self._appended: dict[tuple[int, int], Entry] = {}
        self._committed: dict[int, Entry] = {}

    def __call__(self, world: World, record: StepRecord) -> None:
        for effect in record.effects:
            match effect:
                case WriteElectionState(state) if state.leader_id is not None:
                    self._agree(self._leaders, state.epoch, state.leader_id, "leader of epoch")
                case AppendEntries(base_offset, entries):
                    for offset, entry in enumerate(entries, base_offset):
                        self._agree(self._appended, (offset, entry.epoch), entry, "record at (offset, epoch)")
                case Deliver(base_offset, entries):
                    for offset, entry in enumerate(entries, base_offset):
                        self._agree(self._committed, offset, entry, "committed record at offset")
                case _:
                    pass
        if record.incident is not None:
            self.problems.append(f"incident: {record.incident.message}")

    def _agree(self, known: dict[Any, Any], key: object, value: object, what: str) -> None:
        if known.setdefault(key, value) != value:
            self.problems.append(f"two of: {what} {key}")


def _run(seed: int, config: SimulationConfig) -> tuple[Run, list[str]]:
    oracle = Oracle()
    run = Simulator(seed, config, observers=[oracle]).run()
    return run, oracle.problems


def _assert_well_formed(history: tuple[HistoryEvent, ...]) -> None:
    """Every process invokes and then ends one operation at a time, the ending matches, and `info` is a process's last event."""
    open_calls: dict[int, HistoryEvent] = {}
    ended: set[int] = set()
    for index, event in enumerate(history):
        assert event.index == index
        assert index == 0 or event.time >= history[index - 1].time
        assert event.process not in ended
        if event.type == "invoke":
            assert event.process not in open_calls
            open_calls[event.process] = event
        else:
            begun = open_calls.pop(event.process)
            assert (begun.f, begun.key) == (event.f, event.key)
            assert (event.error is None) == (event.type == "ok")
            if event.type == "info":
                ended.add(event.process)
    assert open_calls == {}


def test_thirty_seeds_with_every_fault() -> None:
    """Under all faults a correct cluster commits, changes its leader, truncates a log now and then, and nothing bad happens."""
    runs = []
    for seed in range(30):
        run, problems = _run(seed, SimulationConfig(steps=1_000))
        assert problems == [], f"seed {seed}"
        assert run.incidents == ()
        assert run.finished, f"seed {seed}"
        assert run.committed > 0
        _assert_well_formed(run.history)
        runs.append(run)

    assert sum(run.committed for run in runs) > 1_000
    assert sum(run.elections for run in runs) > 60
    assert any(run.truncations for run in runs)
    faults = Counter[str]()
    for run in runs:
        faults.update(run.faults)
    assert all(faults.values()), faults


@pytest.mark.parametrize("nodes", [2, 4, 5])
def test_clusters_of_other_sizes(nodes: int) -> None:
    """Majorities of even and larger clusters behave as well."""
    for seed in range(4):
        run, problems = _run(seed, SimulationConfig(world=WorldConfig(nodes=nodes, clients=2), steps=1_000))
        assert (problems, run.finished) == ([], True), f"seed {seed}"
        assert run.committed > 0


def test_sole_voter_commits_without_any_message_between_nodes() -> None:
    """A cluster of one elects itself at each start; its crashes are between steps here."""
    config = SimulationConfig(world=WorldConfig(nodes=1), faults=evolve(FaultPlan(), mid_step=0.0), steps=600)
    run, problems = _run(3, config)

    assert (problems, run.finished) == ([], True)
    assert run.committed > 50
    assert run.counts["crash"] > 0
    assert run.counts["cut"] == 0


def test_sole_voter_can_lose_what_it_committed_in_the_middle_of_a_drain() -> None:
    """By design in Kafka: with one voter the high watermark moves before the flush, so a crash between them loses the record."""
    world = World(WorldConfig(nodes=1))
    assert [type(effect).__name__ for effect in world.preview(Fire(1, "drain"))] == [
        "AppendEntries",
        "Deliver",
        "FlushLog",
    ]
    world.apply(CrashDuring(Fire(1, "drain"), after=2, kept=0))

    assert world.disk(1).entries == ()


def test_calm_day() -> None:
    """Without faults there is one election, no truncation, and every operation is answered."""
    run, problems = _run(1, SimulationConfig(faults=NO_FAULTS, steps=800))

    assert (problems, run.finished, run.elections, run.truncations) == ([], True, 1, 0)
    assert not any(run.faults.values())
    assert "info" not in {event.type for event in run.history}
    assert run.committed > 50


@pytest.mark.parametrize("seed", [0, 1])
def test_same_seed_same_run(seed: int) -> None:
    """A seed decides everything; another seed gives another run."""
    first = Simulator(seed, SHORT).run()

    assert Simulator(seed, SHORT).run() == first
    assert Simulator(seed + 1, SHORT).run().digest != first.digest


def test_run_replays_from_its_choices_alone() -> None:
    """The recorded choices give the same world and the same history, without the seed."""
    simulator = Simulator(5, SHORT)
    run = simulator.run()
    world = replay(SHORT.world, run.choices)

    assert world.digest() == simulator.world.digest()
    assert history_to_jsonl(world.history) == history_to_jsonl(run.history)
    assert world.counts == run.counts


def test_self_check_agrees() -> None:
    """Two runs of one seed, compared after every step."""
    assert self_check(2, evolve(SHORT, steps=200)) is None


def test_self_check_names_the_first_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hidden dependency (here: a counter shared by all runs) is found at the first step that differs."""
    calls = [0]
    honest = Simulator._span

    def leaky(self: Simulator, address: int, timer: object) -> int:
        calls[0] += 1
        return honest(self, address, timer) + (calls[0] % 2)  # type: ignore[arg-type]

    monkeypatch.setattr(Simulator, "_span", leaky)
    difference = self_check(2, evolve(SHORT, steps=200))

    assert isinstance(difference, Difference)
    assert difference.first != difference.second
    assert f"part at step {difference.step}:" in str(difference)


def test_runs_do_not_depend_on_the_hash_seed() -> None:
    """Two processes with different PYTHONHASHSEED give the same digest as this one."""
    code = (
        "from impl.world.simulator import Simulator, SimulationConfig\n"
        "import sys\n"
        "sys.stdout.write(Simulator(11, SimulationConfig(steps=600)).run().digest)"
    )
    digests = []
    for hash_seed in ("1", "4711"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, cwd=ROOT
        )
        digests.append(done.stdout)

    assert digests == [Simulator(11, SHORT).run().digest] * 2


@pytest.mark.parametrize(
    ("bug", "faults", "seeds"),
    [
        ("KAFKA-10527", CHURN, 20),
        ("KAFKA-10533", FaultPlan(), 10),
        ("M2", CHURN, 40),
        ("M3", FaultPlan(), 10),
        ("M5", FaultPlan(), 5),
        ("M10", FaultPlan(), 20),
    ],
)
def test_simulation_finds_the_bug(bug: str, faults: FaultPlan, seeds: int) -> None:
    """A few seeds are enough to see a mutated cluster break what a correct one keeps."""
    config = with_bug(SimulationConfig(faults=faults, steps=1_500), bug)

    assert any(_run(seed, config)[1] for seed in range(seeds))


@pytest.mark.nightly
def test_simulation_finds_figure_eight() -> None:
    """KAFKA-12619 needs a rare succession of leaders: some hundred stormy seeds."""
    config = with_bug(SimulationConfig(faults=STORM, steps=1_500), "KAFKA-12619")

    assert any(_run(seed, config)[1] for seed in range(400))


def test_storm_is_survived() -> None:
    """The plans that find the bugs find nothing in a correct cluster."""
    for faults in (STORM, CHURN):
        for seed in range(10):
            run, problems = _run(seed, SimulationConfig(faults=faults, steps=1_500))
            assert (problems, run.finished) == ([], True), f"seed {seed}"


def test_bounds_of_a_fault_plan_hold() -> None:
    """No kind of fault happens more often than the plan allows."""
    plan = evolve(
        FaultPlan(loss=0.2, losses=3, duplication=0.2, duplicates=2),
        crash=Episodes(every=500_000, at_most=2, shortest=1_000, longest=50_000),
        pause=Episodes(every=500_000, at_most=1, shortest=1_000, longest=50_000),
    )
    run = Simulator(4, SimulationConfig(faults=plan, steps=1_500)).run()

    assert (run.faults["loss"], run.faults["duplication"]) == (3, 2)
    assert (run.faults["crash"], run.faults["pause"]) == (2, 1)
    assert sum(isinstance(choice, Crash | CrashDuring) for choice in run.choices) <= 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"loss": 1.5}, "loss is a fraction from 0 to 1, found 1.5"),
        ({"delay_min": 9, "delay_max": 3}, "0 <= delay_min <= delay_max, found 9 and 3"),
        ({"flap_period": 0}, "flap_period must be positive"),
    ],
)
def test_impossible_fault_plan(change: dict[str, Any], message: str) -> None:
    """A plan that makes no sense is refused where it is made."""
    with pytest.raises(ValueError, match=message):
        evolve(FaultPlan(), **change)


def test_impossible_episodes() -> None:
    """Times are not negative, and the longest is not shorter than the shortest."""
    with pytest.raises(ValueError, match="every must not be negative, found -1"):
        Episodes(every=-1)
    with pytest.raises(ValueError, match="longest 1 is below shortest 2"):
        Episodes(every=1, at_most=1, shortest=2, longest=1)


def test_draws_are_pinned() -> None:
    """The draws of a seed are part of the format: a change would make every recorded seed mean something else."""
    draws = Draws(42)

    assert [draws.below(1_000) for _ in range(4)] == [5, 617, 495, 46]
    assert [draws.between(5, 7) for _ in range(6)] == [7, 7, 6, 7, 5, 6]
    assert draws.one_of("abc") == "b"


def test_figures_of_a_run_as_json() -> None:
    """The figures that the command line prints."""
    run = Simulator(0, evolve(SHORT, workload=Workload(think_max=20_000))).run()
    data = run.to_json()

    assert (data["seed"], data["digest"], data["incidents"]) == (0, run.digest, [])
    assert sum(data["counts"].values()) == data["steps"] == len(run.choices)


@pytest.mark.parametrize("nodes", [2, 3, 5])
def test_partitions_cut_what_they_say(nodes: int) -> None:
    """Symmetric: both ways between two groups. Asymmetric: one way, at one node. Flapping: one node, both ways."""
    voters = tuple(range(1, nodes + 1))
    for seed in range(50):
        symmetric = partition_links("symmetric", voters, Draws(seed))
        assert symmetric
        assert {(dst, src) for src, dst in symmetric} == set(symmetric)
        group = {dst for src, dst in symmetric if src == 1}
        assert set(symmetric) == {(a, b) for a in voters for b in voters if (a in group) != (b in group)}
        asymmetric = partition_links("asymmetric", voters, Draws(seed))
        assert asymmetric
        assert not {(dst, src) for src, dst in asymmetric} & set(asymmetric)
        assert min(len({src for src, _ in asymmetric}), len({dst for _, dst in asymmetric})) == 1
        flapping = partition_links("flapping", voters, Draws(seed))
        assert len(flapping) == 2 * (nodes - 1)
        assert any(all(node in link for link in flapping) for node in voters)
