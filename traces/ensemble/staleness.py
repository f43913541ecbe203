"""A stale read, found: a plain read that is older than what was answered before it was asked. ZooKeeper allows it; no register would.

One is kept, shrunk, in `EVIDENCE`: it is what stands behind the claim that metadata in ZooKeeper is eventually consistent.
"""

from collections.abc import Iterable
from pathlib import Path

from attrs import evolve

from impl.world.config import WorldConfig
from impl.world.simulator import SimulationConfig, Simulator
from impl.world.workload import Workload
from impl.zookeeper.service import Service
from traces.ensemble.plans import MS, PROMPT, SLOW
from traces.ensemble.recording import Recording
from traces.ensemble.watch import EnsembleWatch
from traces.zookeeper.journal import Journal

EVIDENCE = Path(__file__).resolve().parent.parent / "evidence" / "a-plain-read-is-stale.itf.json"

SEED = 23
"""Whose stale read shrinks to the kept one."""

CONFIG = SimulationConfig(
    WorldConfig(nodes=3, clients=3, mode="zookeeper", ensemble=evolve(PROMPT, machine=Journal(Service()))),
    Workload(think_max=10 * MS, sync_reads=0.2),
    SLOW,
    steps=600,
    quiet_steps=0,
)
"""No faults: slow messages are enough."""


def find_stale_read(seeds: Iterable[int]) -> Recording | None:
    """The run up to the first stale read in these seeds; None if every plain read is fresh."""
    for seed in seeds:
        watch = EnsembleWatch(CONFIG.world.ensemble.machine)
        simulator = Simulator(seed, CONFIG, observers=[watch])
        answers = 0
        for _ in simulator.steps():
            history = simulator.world.history
            if len(history) > answers and history[-1].type == "ok" and watch.require_fresh(simulator.world):
                return watch.recording(simulator.world, engine="simulate", seed=seed)
            answers = len(history)
    return None
