"""How each bug is hunted in the implementation: a simulation made for it, and the seeds to try. Used wherever a bug is to be found.

What leads to a bug decides what the simulation draws; a cluster in which little else happens shows it soonest.

| bug         | it takes                                                                 | so the plan has                |
|-------------|--------------------------------------------------------------------------|--------------------------------|
| KAFKA-12619 | two leaders in a row that fail before they replicate a record, and a third | loss, crashes, no clients      |
| KAFKA-10527 | a leader that answers a parked fetch, loses power before it flushes      | two voters, crashes in mid-step |
| KAFKA-10533 | any record                                                               | the simulator's default faults |
| M2          | two candidates in one epoch, and a voter that crashes between them       | five voters, a slow network    |
| M3          | a voter without a committed record that stands for election              | partitions, short timeouts     |
| M5          | any record                                                               | the simulator's default faults |
| M10         | a leader that is cut off with records of its own, and later follows      | partitions, few operations     |
"""

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import evolve

from impl.kraft.state import Timings
from impl.world.clients import ClientTimings
from impl.world.config import WorldConfig
from impl.world.faults import NO_FAULTS, Episodes, FaultPlan
from impl.world.simulator import SimulationConfig, Simulator, with_bug
from impl.world.workload import Workload
from model.language import Spec
from properties.registry import find_spec
from traces.ensemble.hunts import ENSEMBLE_HUNTS, watched_ensemble
from traces.ensemble.recording import Recording
from traces.hunting import Catch, Hunt
from traces.trace import Trace
from traces.watch import Finding, Watch

_MS = 1_000
_OFTEN = 1_000_000
"""More episodes than a run has time for."""

_CALM = evolve(NO_FAULTS, drift=0.05, jitter=2 * _MS)


def _cluster(nodes: int, clients: int, *, election: int, fetch: int, request: int) -> WorldConfig:
    """Voters with short timeouts (ms), so that a few hundred steps hold many elections, and clients that give up soon."""
    timings = Timings(
        election=election * _MS,
        election_backoff_step=20 * _MS,
        election_backoff_max=election * _MS,
        fetch=fetch * _MS,
        fetch_wait=50 * _MS,
        request=request * _MS,
    )
    client_timings = ClientTimings(timeout=300 * _MS, retry=30 * _MS)
    return WorldConfig(nodes=nodes, clients=clients, timings=timings, client_timings=client_timings)


def _episodes(every: int, shortest: int, longest: int) -> Episodes:
    """As many as there is time for; in milliseconds."""
    return Episodes(every * _MS, _OFTEN, shortest * _MS, longest * _MS)


def _plan(delay_min: int, delay_max: int, **faults: Any) -> FaultPlan:
    """A network with these delays (ms), clocks that differ a little, and the named faults only."""
    return evolve(_CALM, delay_min=delay_min * _MS, delay_max=delay_max * _MS, **faults)


_DEFAULT = SimulationConfig(world=WorldConfig(clients=2), steps=600, quiet_steps=0)

_FAILING_LEADERS = SimulationConfig(
    world=_cluster(3, 0, election=100, fetch=80, request=40),
    faults=_plan(1, 20, loss=0.4, crash=_episodes(150, 5, 100), mid_step=0.0),
    steps=500,
    quiet_steps=0,
)

_POWER_FAILURES = SimulationConfig(
    world=_cluster(2, 3, election=200, fetch=400, request=300),
    faults=_plan(1, 3, crash=_episodes(10, 1, 5), mid_step=1.0),
    workload=Workload(think_min=0, think_max=5 * _MS),
    steps=500,
    quiet_steps=0,
)

_SPLIT_VOTES = SimulationConfig(
    world=_cluster(5, 0, election=50, fetch=100, request=100),
    faults=_plan(10, 200, crash=_episodes(10, 1, 10), mid_step=0.0),
    steps=500,
    quiet_steps=0,
)

_PARTITIONS = SimulationConfig(
    world=_cluster(3, 2, election=100, fetch=150, request=150),
    faults=_plan(1, 10, symmetric=_episodes(300, 200, 300)),
    workload=Workload(think_min=10 * _MS, think_max=200 * _MS),
    steps=500,
    quiet_steps=0,
)

_ON_A_MAJORITY = "committed_entries_are_flushed_on_a_majority"

HUNTS: Mapping[str, Hunt] = {
    hunt.bug: hunt
    for hunt in (
        Hunt("KAFKA-12619", _FAILING_LEADERS, ("electable_nodes_hold_committed_entries",)),
        Hunt("KAFKA-10527", _POWER_FAILURES, ("log_matching", "state_machine_safety")),
        Hunt("KAFKA-10533", _DEFAULT, (_ON_A_MAJORITY,)),
        Hunt("M2", _SPLIT_VOTES, ("a_voter_votes_once_per_epoch",)),
        Hunt("M3", _PARTITIONS, ("leader_completeness",)),
        Hunt("M5", _DEFAULT, (_ON_A_MAJORITY,)),
        Hunt("M10", _PARTITIONS, ("no_truncation_below_the_high_watermark", _ON_A_MAJORITY)),
    )
}
"""Every bug of KRaft's implementation, by its id."""

ALL_HUNTS: Mapping[str, Hunt] = {**HUNTS, **ENSEMBLE_HUNTS}
"""Every bug of an implementation."""


def hunt(bug: str, seeds: Iterable[int] | None = None, *, spec: Spec | None = None) -> Catch | None:
    """Hunt a bug seed by seed (default: those of ALL_HUNTS) until a run shows anything wrong; None if none does.

    KRaft's implementation has the bug, and so has the spec that it is held against (`spec`, if another is given, is taken as it
    is), so that a property must find it and not conformance. An ensemble must break what its hunt says. Raises LookupError for a bug
    that is not in ALL_HUNTS.
    """
    if bug not in ALL_HUNTS:
        raise LookupError(f"nobody hunts {bug!r}; there is a hunt for {', '.join(ALL_HUNTS)}")
    chosen = ALL_HUNTS[bug]
    config = with_bug(chosen.config, bug)
    tried = 0
    for seed in chosen.seeds if seeds is None else seeds:
        if bug in ENSEMBLE_HUNTS:
            found, trace, steps = _hunt_ensemble(seed, config, chosen)
        else:
            found, trace, steps = _hunt_kraft(seed, config, find_spec("kraft").with_bug(bug) if spec is None else spec)
        tried += steps
        if found is not None and trace is not None:
            return Catch(bug, seed, found, steps, tried, trace)
    return None


_Tried = tuple[Finding | None, Trace | Recording | None, int]
"""What a run showed, the run up to there, and how many steps it had."""


def _hunt_kraft(seed: int, config: SimulationConfig, spec: Spec) -> _Tried:
    watch = watched(seed, config, spec)
    trace = None if watch.finding is None else watch.trace(engine="simulate", seed=seed)
    return watch.finding, trace, len(watch.recorder.choices)


def _hunt_ensemble(seed: int, config: SimulationConfig, chosen: Hunt) -> _Tried:
    watch, simulator = watched_ensemble(seed, config, chosen.shows)
    finding = watch.finding
    recording = None if finding is None else watch.recording(simulator.world, engine="simulate", seed=seed)
    return finding, recording, len(watch.recorder.choices)


def watched(seed: int, config: SimulationConfig, spec: Spec) -> Watch:
    """A simulation held against a spec, ended by the first finding; one that ends by itself has its clients' history checked."""
    watch = Watch(spec, config.world.nodes)
    simulator = Simulator(seed, config, observers=[watch])
    for _ in simulator.steps():
        if watch.finding is not None:
            return watch
    watch.judge(simulator.world)
    return watch
