"""The spec's properties on ensembles: they hold in simulations, a bug breaks them, and what is recorded happens again on both sides."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from impl.world.config import WorldConfig
from impl.world.faults import FaultPlan
from impl.world.simulator import SimulationConfig, Simulator
from impl.world.workload import Workload
from impl.zookeeper.state import Settings
from model.engines.verdict import HOLDS, VIOLATED
from tests.impl.ensemble import LIVELY, MS, RESETS
from traces.ensemble.watch import EnsembleWatch
from traces.format import dump, load
from traces.replay import replay_on_spec
from traces.replay_impl import replay_on_implementation
from traces.watch import CONFORMANCE, Watch
from traces.zookeeper.journal import journalled
from traces.zookeeper.watch import SpecMonitor, spec_of

REACHED = {
    "a_leader_serves_alone",
    "a_learner_gets_a_snapshot",
    "a_learner_joins_amid_proposals",
    "a_second_epoch_is_established",
    "a_transaction_of_a_second_epoch_commits",
}
"""What a few runs must have shown, else that the properties hold would say little."""


def simulation(faults: FaultPlan, bug: str | None = None, steps: int = 250) -> SimulationConfig:
    """Three servers with the default settings, which a replay has too, and two busy clients."""
    world = journalled(WorldConfig(nodes=3, clients=2, mode="zookeeper", ensemble=Settings(), bug=bug))
    return SimulationConfig(world, Workload(think_min=5 * MS, think_max=50 * MS), faults, steps, 0)


def watched(seed: int, config: SimulationConfig) -> Watch:
    """A simulation under watch, ended by the first finding."""
    watch = Watch(spec_of(config.world.bug), 3)
    for _ in Simulator(seed, config, observers=[watch]).steps():
        if watch.finding is not None:
            break
    return watch


@pytest.fixture(scope="module")
def runs() -> Sequence[Watch]:
    """Correct ensembles under three kinds of faults."""
    return [watched(seed, simulation(faults)) for faults in (LIVELY, RESETS, FaultPlan()) for seed in range(2)]


def test_the_properties_hold_on_ensembles(runs: Sequence[Watch]) -> None:
    """No property of the spec is false in any step, and the runs were worth watching."""
    assert [str(run.finding) for run in runs if run.finding is not None] == []
    reached = {name for run in runs for name in run.monitor.reached}
    assert reached >= REACHED


def test_what_was_recorded_happens_again_on_both_sides(runs: Sequence[Watch], tmp_path: Path) -> None:
    """A run is a trace file: by its actions on the spec, which start from `begin`, and by its choices in a world, state for state."""
    dump(runs[2].trace(engine="simulate", seed=0), tmp_path / "run.itf.json")
    trace = load(tmp_path / "run.itf.json")
    assert [state.action for state in trace.states[1:5]] == ["begin", "crash", "crash", "crash"]
    assert len(trace.states) > 200
    spec, impl = replay_on_spec(trace), replay_on_implementation(trace)
    assert (spec.verdict, impl.verdict) == (HOLDS, HOLDS)
    assert impl.steps == len(trace.states) - 1


@pytest.mark.parametrize(
    ("bug", "faults", "seed", "name"),
    [
        ("ZOOKEEPER-3911", RESETS, 3, "an_acknowledged_history_is_durable"),
        ("ZOOKEEPER-962", FaultPlan(), 3, "a_commit_finds_its_proposal"),
    ],
)
def test_a_bug_breaks_a_property_on_both_sides(bug: str, faults: FaultPlan, seed: int, name: str) -> None:
    """The property breaks in the same step of the recorded run on the spec with the bug and on the ensemble with it."""
    watch = watched(seed, simulation(faults, bug))
    assert watch.finding is not None
    trace = watch.trace(engine="simulate", seed=seed)
    spec, impl = replay_on_spec(trace), replay_on_implementation(trace)
    assert (watch.finding.name, spec.verdict, impl.verdict) == (name, VIOLATED, VIOLATED)
    assert spec.at is not None
    assert impl.at in (spec.at - 1, spec.at)


def test_the_spec_watches_beside_the_promises() -> None:
    """Plugged into the ensemble's own watch, the spec tells what no promise does: a database that lacks what the log has."""
    config = simulation(FaultPlan(), "ZOOKEEPER-2845")
    watch = EnsembleWatch(config.world.ensemble.machine, [SpecMonitor(3)], only=())
    for _ in Simulator(0, config, observers=[watch]).steps():
        if watch.finding is not None:
            break
    assert watch.finding is not None
    assert watch.finding.name == CONFORMANCE
    assert "db[" in watch.finding.because
