"""What the tests of the ensemble share: registers with a journal as the state machine, and a simulation under watch."""

from collections.abc import Callable

from attrs import evolve

from impl.world.config import WorldConfig
from impl.world.faults import FaultPlan
from impl.world.simulator import SimulationConfig, Simulator
from impl.world.workload import Workload
from impl.zookeeper.state import Settings
from tests.impl.registers import Registers
from traces.ensemble.plans import LAG, LIVELY, MS, RESETS, TIGHT
from traces.ensemble.promises import Promises
from traces.zookeeper.journal import Journal

__all__ = ["LAG", "LIVELY", "MACHINE", "MS", "RESETS", "TIGHT", "simulation", "watched"]

MACHINE = Journal(Registers())


def simulation(
    nodes: int = 3,
    *,
    bug: str | None = None,
    faults: FaultPlan | None = None,
    steps: int = 1_000,
    think: int = 100_000,
    clients: int = 3,
    settings: Settings | None = None,
) -> SimulationConfig:
    """A simulation of an ensemble whose trees are journals."""
    ensemble = evolve(settings or Settings(), machine=MACHINE)
    world = WorldConfig(nodes=nodes, clients=clients, bug=bug, mode="zookeeper", ensemble=ensemble)
    return SimulationConfig(world, Workload(think_max=think), faults or FaultPlan(), steps)


def watched(
    seed: int, config: SimulationConfig, *, until: Callable[[Promises], bool] | None = None
) -> tuple[Simulator, Promises]:
    """A simulation under watch, run to its end, or until the watch has found what is looked for."""
    watch = Promises()
    simulator = Simulator(seed, config, observers=[watch])
    for _ in simulator.steps():
        if until is not None and until(watch):
            break
    return simulator, watch
