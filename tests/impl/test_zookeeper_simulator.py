"""Ensembles in the simulator: every fault, thousands of steps, and what Zab promises checked after each."""

import pytest

from impl.operations import Operation
from impl.world.choices import Deliver, Fire, Restart, choice_from_json, choice_to_json
from impl.world.config import FaultBudget, WorldConfig
from impl.world.faults import CHURN, NO_FAULTS, STORM, FaultPlan
from impl.world.run import replay
from impl.world.self_check import self_check
from impl.world.simulator import SimulationConfig, Simulator
from impl.world.world import World
from impl.zookeeper.state import Settings
from tests.impl.ensemble import LAG, LIVELY, MS, RESETS, TIGHT, simulation, watched


def sweep(seeds: range, config: SimulationConfig) -> dict[str, int]:
    """Run the seeds, require that nothing breaks, and return what was covered."""
    covered: dict[str, int] = {}
    for seed in seeds:
        _, watch = watched(seed, config)
        assert watch.findings == [], f"seed {seed}"
        watch.covered["committed"] = len(watch.committed)
        watch.covered["epochs"] = len(watch.epochs)
        for check, times in watch.covered.items():
            covered[check] = covered.get(check, 0) + times
    return covered


def test_a_calm_day_elects_once_and_answers_everything() -> None:
    """No faults: one epoch, every operation ends, every server has the same history."""
    simulator, watch = watched(1, simulation(5, faults=NO_FAULTS, steps=1_500))
    run_nodes = [simulator.world.snapshot_node(node) for node in simulator.world.voters]
    assert list(watch.epochs) == [1]
    assert {event.type for event in simulator.world.history} <= {"invoke", "ok", "fail"}
    assert len(watch.committed) > 30
    assert all(node.phase == "BROADCAST" for node in run_nodes)
    assert watch.findings == []


@pytest.mark.parametrize(
    ("seeds", "config"),
    [
        pytest.param(range(8), simulation(3), id="3 servers, default faults"),
        pytest.param(range(12), simulation(3, faults=LIVELY, think=10 * MS), id="3 servers, lively"),
        pytest.param(range(12), simulation(3, faults=RESETS, think=10 * MS, settings=TIGHT), id="3 servers, resets"),
        pytest.param(range(10), simulation(5, faults=LIVELY, think=10 * MS, settings=LAG), id="5 servers, lively"),
        pytest.param(range(5), simulation(5, faults=CHURN), id="5 servers, churn"),
        pytest.param(range(5), simulation(3, faults=STORM), id="3 servers, storm"),
    ],
)
def test_every_fault_and_no_violation(seeds: range, config: SimulationConfig) -> None:
    """Agreement, one leader per epoch, zxid order, durability of what is committed, the database the fold of the disk."""
    covered = sweep(seeds, config)
    assert covered["epochs"] > len(seeds)
    assert covered["newleader_is_acknowledged_with_the_history_on_disk"] > len(seeds)
    assert covered["the_database_is_the_fold_of_the_disk"] > len(seeds)
    assert covered["no_committed_transaction_is_lost"] == covered["epochs"]


def test_the_sweeps_reach_every_way_of_synchronisation() -> None:
    """DIFF, TRUNC and SNAP, truncations and commits all happen, else a sweep would say little."""
    modes: dict[str, int] = {}
    for seed in range(12):
        simulator = Simulator(seed, simulation(3, faults=RESETS, think=10 * MS, settings=TIGHT))
        simulator.run()
        for message in simulator.world.sent:
            name = type(message).__name__
            modes[name] = modes.get(name, 0) + 1
    assert min(modes[name] for name in ("Diff", "Trunc", "Snap", "Commit", "UpToDate", "Forward")) > 5


@pytest.mark.nightly
@pytest.mark.parametrize("nodes", [3, 5])
def test_a_thousand_seeds_of_each_plan(nodes: int) -> None:
    """The sweeps at length."""
    for faults, settings in ((LIVELY, Settings()), (LIVELY, TIGHT), (RESETS, LAG), (FaultPlan(), Settings())):
        covered = sweep(range(1_000), simulation(nodes, faults=faults, think=10 * MS, settings=settings, steps=2_000))
        assert covered["committed"] > 10_000


def test_the_same_seed_gives_the_same_bytes() -> None:
    """Two runs of one seed, side by side, with the state of the world compared after every step."""
    config = SimulationConfig(WorldConfig(clients=2, mode="zookeeper"), faults=LIVELY, steps=300, quiet_steps=100)
    assert self_check(3, config) is None


def test_a_run_is_replayed_by_its_choices() -> None:
    """Without the seed: the recorded choices, through JSON and back, lead to the same last state."""
    config = SimulationConfig(WorldConfig(clients=2, mode="zookeeper"), faults=LIVELY, steps=500, quiet_steps=200)
    simulator = Simulator(5, config)
    run = simulator.run()
    again = replay(config.world, [choice_from_json(choice_to_json(choice)) for choice in run.choices])
    assert again.digest() == simulator.world.digest()
    assert again.history == simulator.world.history


def test_different_seeds_differ() -> None:
    """A digest tells runs apart."""
    config = SimulationConfig(WorldConfig(mode="zookeeper"), faults=LIVELY, steps=200, quiet_steps=0)
    assert len({Simulator(seed, config).run().digest for seed in range(5)}) == 5


def test_a_world_offers_what_can_happen() -> None:
    """`choices` of an ensemble: on a connection only the first message; every offer can be applied, nothing is duplicated."""
    budget = FaultBudget(drops=1, crashes=1, pauses=1, cuts=1)
    world = World(WorldConfig(nodes=3, clients=1, mode="zookeeper", budget=budget))
    for number in range(300):
        offers = world.choices(mid_step=number % 10 == 0)
        kinds = {type(offer).__name__ for offer in offers}
        assert not kinds & {"Duplicate", "Redeliver"}
        for offer in offers:
            if isinstance(offer, Deliver | Fire | Restart):
                assert world.address_of(offer) in {1, 2, 3, 101}
        world.apply(offers[(7 * number) % len(offers)])
    assert world.counts["deliver"] > 50


def test_an_unknown_mode_is_refused() -> None:
    """The error names the mode, and those that there are."""
    with pytest.raises(ValueError, match="unknown mode 'etcd'; one of kraft, zookeeper"):
        World(WorldConfig(mode="etcd"))


def test_an_unknown_bug_is_refused() -> None:
    """The bugs of the other mode are not those of this one."""
    with pytest.raises(ValueError, match="unknown bug 'KAFKA-12619'; one of ZOOKEEPER-335"):
        World(WorldConfig(mode="zookeeper", bug="KAFKA-12619"))


def test_operations_are_the_same_in_both_modes() -> None:
    """The same workload runs against both modes: the same words, and a read of each ends with a version."""
    for mode in ("kraft", "zookeeper"):
        run = Simulator(2, SimulationConfig(WorldConfig(clients=2, mode=mode), faults=NO_FAULTS, steps=600)).run()
        reads = [event for event in run.history if event.type == "ok" and event.f == "read"]
        assert run.finished
        assert reads
        assert all(isinstance(event.value, dict) and "version" in event.value for event in reads)
    assert Operation("sync_read", "t").is_read
