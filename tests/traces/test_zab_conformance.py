"""Conformance of an ensemble: what servers do is what the spec `zab-ensemble` allows, under every fault; what a bug does is not."""

from collections import Counter
from collections.abc import Sequence

import pytest

from impl.world.config import WorldConfig
from impl.world.faults import NO_FAULTS, FaultPlan
from impl.world.simulator import SimulationConfig, Simulator
from impl.world.workload import Workload
from impl.world.world import World
from impl.zookeeper.state import Settings
from model.language import Spec
from properties.registry import find_spec
from tests.impl.ensemble import LAG, LIVELY, MS, RESETS, TIGHT
from traces.conformance import Conformance
from traces.zookeeper.journal import journalled

ENSEMBLE = find_spec("zab-ensemble")

LONG = Settings(ring=500)
PLANS: Sequence[tuple[FaultPlan, Settings, int, int]] = (
    (NO_FAULTS, LONG, 3, 2),
    (FaultPlan(), LONG, 3, 6),
    (LIVELY, LAG, 3, 8),
    (RESETS, TIGHT, 3, 8),
    (RESETS, LAG, 3, 8),
    (LIVELY, LAG, 5, 3),
    (RESETS, TIGHT, 5, 3),
)
"""Faults, settings, servers, seeds. LAG: the pipeline's threads are slow; TIGHT: committedLog is short, snapshots are many."""


def simulation(faults: FaultPlan, settings: Settings, bug: str | None = None, nodes: int = 3) -> SimulationConfig:
    """Servers and two clients that write often."""
    world = WorldConfig(nodes=nodes, clients=2, mode="zookeeper", ensemble=settings, bug=bug)
    return SimulationConfig(journalled(world), Workload(think_min=5 * MS, think_max=50 * MS), faults, 400, 0)


def followed(seed: int, config: SimulationConfig, spec: Spec = ENSEMBLE) -> Conformance:
    """The conformance of one simulation, ended by the first divergence."""
    conformance = Conformance(spec, config.world.nodes)
    for _ in Simulator(seed, config, observers=[conformance]).steps():
        if conformance.diverged is not None:
            break
    return conformance


@pytest.fixture(scope="module")
def runs() -> Sequence[Conformance]:
    """Every plan without bugs."""
    return [
        followed(seed, simulation(plan, settings, nodes=nodes))
        for plan, settings, nodes, seeds in PLANS
        for seed in range(seeds)
    ]


def test_an_ensemble_conforms_under_every_fault(runs: Sequence[Conformance]) -> None:
    """No step of any server is one that the spec does not allow."""
    assert [run.diverged for run in runs if run.diverged is not None] == []


def test_every_action_of_the_spec_is_taken(runs: Sequence[Conformance]) -> None:
    """Elections, all ways of synchronisation, broadcast, crashes, lost connections: often, but for a crash amid NEWLEADER's writes.

    `begin` is taken before a world starts.
    """
    taken = sum((Counter(run.steps) for run in runs), Counter())
    rare = {"begin", "crash_while_adopting"}
    assert min(taken[action.name] for action in ENSEMBLE.actions if action.name not in rare) >= 25
    assert sum(run.stutters for run in runs) < sum(taken.values()) * 20


FOUND: Sequence[tuple[str, FaultPlan, Settings, str]] = (
    ("ZOOKEEPER-335", LIVELY, LAG, "accepted_epoch"),
    ("ZOOKEEPER-962", LIVELY, LAG, "stream"),
    ("ZOOKEEPER-1291", LIVELY, LAG, "current_epoch"),
    ("ZOOKEEPER-2845", LIVELY, LAG, "db"),
    ("ZOOKEEPER-3642", RESETS, TIGHT, "db"),
    ("ZOOKEEPER-4837", LIVELY, LAG, "log"),
    ("ACKNOWLEDGED-TRUNC", RESETS, TIGHT, "acked"),
    ("ZOOKEEPER-3911", LIVELY, LAG, "phase"),
    ("ZOOKEEPER-4646", LIVELY, LAG, "log"),
    ("ZOOKEEPER-4394", LIVELY, LAG, "log"),
    ("ZOOKEEPER-4925", LIVELY, LAG, "committed_log"),
)
"""By bug of the implementation: where it shows, and the variable of the spec that tells first."""


@pytest.mark.parametrize(("bug", "faults", "settings", "variable"), FOUND, ids=[found[0] for found in FOUND])
def test_a_bug_is_no_step_of_the_spec(bug: str, faults: FaultPlan, settings: Settings, variable: str) -> None:
    """An ensemble with a bug leaves the correct spec within a few runs, and the divergence says in which variable."""
    runs = (followed(seed, simulation(faults, settings, bug)) for seed in range(8))
    diverged = next((run.diverged for run in runs if run.diverged is not None), None)
    assert diverged is not None
    assert any(variable in line for line in diverged.because), str(diverged)


def test_a_world_that_does_not_remember_is_refused() -> None:
    """Trees alone do not tell which transactions made them; the error says what to do."""
    world = World(WorldConfig(nodes=3, clients=0, mode="zookeeper"), observers=[Conformance(ENSEMBLE, 3)])
    with pytest.raises(ValueError, match="see journalled"):
        world.apply(world.choices(mid_step=False)[0])
