"""Five servers, six clients, every fault: no promise is broken, and every history is consistent, in a hundred seeds and in ten thousand."""

from collections import Counter

import pytest
from attrs import evolve

from impl.world.config import WorldConfig
from impl.world.faults import FaultPlan
from impl.world.simulator import SimulationConfig, Simulator
from impl.world.workload import Workload
from impl.zookeeper.service import Service
from impl.zookeeper.state import Settings
from properties.witnessed_histories import CHECKS
from traces.ensemble.plans import LIVELY, MS
from traces.ensemble.promises import PROMISES
from traces.ensemble.watch import EnsembleWatch
from traces.zookeeper.journal import Journal

BUSY = Workload(think_max=10 * MS, sync_reads=0.3)
PLANS = (FaultPlan(), LIVELY)


def swept(seeds: range, steps: int) -> Counter[str]:
    """Run the seeds, plan by plan in turn, require that nothing is found, and return what was covered."""
    covered: Counter[str] = Counter()
    machine = Journal(Service())
    world = WorldConfig(nodes=5, clients=6, mode="zookeeper", ensemble=evolve(Settings(), machine=machine))
    for seed in seeds:
        watch = EnsembleWatch(machine)
        config = SimulationConfig(world, BUSY, PLANS[seed % len(PLANS)], steps)
        simulator = Simulator(seed, config, observers=[watch])
        run = simulator.run()
        verdict = watch.judge(simulator.world)
        assert watch.finding is None, f"seed {seed}: {watch.finding}"
        assert verdict is not None
        covered.update(watch.promises.covered)
        covered.update(verdict.tested)
        covered.update(run.faults)
        covered.update(
            operations=sum(event.type == "invoke" for event in run.history),
            answered=sum(event.type == "ok" for event in run.history),
            stale=len(verdict.stale),
            epochs=len(watch.promises.epochs),
            steps=run.steps,
        )
    return covered


REPORTED = {
    name for name in PROMISES if name.startswith(("no_packet", "every_commit", "no_commit", "proposals_", "no_node"))
}
"""Promises that servers themselves complain of: there is no occasion to count."""

FAULTS = ("crash", "mid_step", "pause", "symmetric", "asymmetric", "flapping", "reset", "reordering")


def require_coverage(covered: Counter[str], seeds: int) -> None:
    """Everything that is promised was at stake, every fault happened, and clients were answered, more than once per seed."""
    at_stake = {*PROMISES, *CHECKS} - REPORTED - {"newleader_is_acknowledged_first"}
    assert {name for name in at_stake if covered[name] < seeds // 4} == set()
    assert {name for name in FAULTS if covered[name] < seeds // 4} == set()
    assert covered["answered"] > 40 * seeds
    assert covered["epochs"] > seeds
    assert covered["stale"] > seeds // 10


def test_a_hundred_seeds_of_five_servers() -> None:
    """Thousands of operations of six clients, under every fault: nothing is found."""
    covered = swept(range(100), 1_500)
    require_coverage(covered, 100)
    assert covered["operations"] > 5_000


@pytest.mark.nightly
def test_ten_thousand_seeds_of_five_servers() -> None:
    """The same at length."""
    require_coverage(swept(range(10_000), 3_000), 10_000)
