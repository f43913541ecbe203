"""How each bug of the ensemble's implementation is hunted: a simulation made for it, the seeds to try, and what it was seen to break.

What leads to a bug decides what is drawn; see `traces.hunts` for KRaft's.
"""

from collections.abc import Collection, Mapping

from attrs import evolve

from impl.world.config import WorldConfig
from impl.world.faults import STORM, FaultPlan
from impl.world.simulator import SimulationConfig, Simulator
from impl.world.workload import Workload
from impl.zookeeper.service import Service
from impl.zookeeper.state import Settings
from traces.ensemble.plans import LAG, LIVELY, MS, PROMPT, RESETS, SLOW, STRUCK, TIGHT
from traces.ensemble.promises import INCIDENT
from traces.ensemble.watch import HISTORY, EnsembleWatch
from traces.hunting import Hunt
from traces.zookeeper.journal import Journal

_DEFAULT = FaultPlan()


def _simulation(faults: FaultPlan, settings: Settings, sync_reads: float = 0.0) -> SimulationConfig:
    """Three servers and three busy clients."""
    ensemble = evolve(settings, machine=Journal(Service()))
    world = WorldConfig(nodes=3, clients=3, mode="zookeeper", ensemble=ensemble)
    return SimulationConfig(
        world, Workload(think_max=10 * MS, sync_reads=sync_reads), faults, steps=1_000, quiet_steps=0
    )


def _hunt(bug: str, faults: FaultPlan, settings: Settings, *shows: str, first: int = 0) -> Hunt:
    """The rarest begin where a long search has found them first."""
    return Hunt(bug, _simulation(faults, settings), shows, range(first, first + 40))


_ON_DISK = "newleader_is_acknowledged_with_the_history_on_disk"

ENSEMBLE_HUNTS: Mapping[str, Hunt] = {
    hunt.bug: hunt
    for hunt in (
        _hunt("ZOOKEEPER-335", STORM, Settings(), "one_leader_per_epoch"),
        _hunt("ZOOKEEPER-962", _DEFAULT, Settings(), "every_commit_finds_its_proposal"),
        _hunt("ZOOKEEPER-1291", _DEFAULT, Settings(), "newleader_is_acknowledged_with_the_epoch_on_disk"),
        _hunt("ZOOKEEPER-1653", STRUCK, Settings(), INCIDENT),
        _hunt("ZOOKEEPER-2845", _DEFAULT, Settings(), "the_database_is_the_fold_of_the_disk"),
        _hunt("ZOOKEEPER-3642", RESETS, TIGHT, "the_database_is_the_fold_of_the_disk"),
        _hunt("ZOOKEEPER-4837", RESETS, Settings(), "what_was_truncated_is_gone"),
        _hunt("ACKNOWLEDGED-TRUNC", RESETS, LAG, "a_truncation_leaves_what_is_committed_on_a_quorum"),
        _hunt("ZOOKEEPER-3911", _DEFAULT, Settings(), _ON_DISK),
        _hunt("ZOOKEEPER-3023", LIVELY, Settings(), "a_server_that_serves_has_the_initial_history_on_disk"),
        _hunt("ZOOKEEPER-4643", LIVELY, Settings(), "the_current_epoch_comes_after_the_history"),
        _hunt("ZOOKEEPER-4646", LIVELY, Settings(), _ON_DISK),
        _hunt("ZOOKEEPER-4685", LIVELY, Settings(ring=50), "newleader_is_acknowledged_first", first=15),
        _hunt("ZOOKEEPER-4394", _DEFAULT, Settings(), "no_commit_is_null"),
        _hunt("ZOOKEEPER-4925", _DEFAULT, Settings(), "the_committed_log_has_no_holes"),
        _hunt("ZOOKEEPER-5094", RESETS, TIGHT, "the_database_is_the_fold_of_the_disk", first=20),
        _hunt(
            "ZOOKEEPER-4837-LABEL",
            RESETS,
            TIGHT,
            "a_truncation_keeps_the_history",
            "no_committed_transaction_is_lost",
        ),
        Hunt("SYNC-LOCAL", _simulation(SLOW, PROMPT, 0.7), (HISTORY,)),
        Hunt("READ-SNAPSHOT", _simulation(_DEFAULT, TIGHT), (HISTORY,)),
    )
}
"""Every bug of the ensemble's implementation, by its id."""


def watched_ensemble(
    seed: int, config: SimulationConfig, only: Collection[str] | None = None
) -> tuple[EnsembleWatch, Simulator]:
    """A simulation under watch (of these promises, or all), ended by the first finding; else its clients' history is checked."""
    watch = EnsembleWatch(config.world.ensemble.machine, only=only)
    simulator = Simulator(seed, config, observers=[watch])
    for _ in simulator.steps():
        if watch.finding is not None:
            return watch, simulator
    watch.judge(simulator.world)
    return watch, simulator
