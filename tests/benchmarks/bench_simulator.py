"""How fast clusters are simulated: steps per CPU second of both modes, and the second as a part of the first. Run by hand:

python -m tests.benchmarks.bench_simulator [SEEDS]

Every fault of the default plan, 3 clients, 2,000 steps a run and the quiet period; one run of each is the warm-up, not counted.
"""

import sys
import time

from attrs import evolve

from impl.world.config import WorldConfig
from impl.world.simulator import SimulationConfig, Simulator
from impl.zookeeper.state import Settings
from tests.impl.registers import Registers


def rate(world: WorldConfig, seeds: int) -> float:
    """Steps per CPU second."""
    config = SimulationConfig(world)
    Simulator(0, config).run()
    start = time.process_time()
    steps = sum(Simulator(seed, config).run().steps for seed in range(1, seeds + 1))
    return steps / (time.process_time() - start)


def main() -> None:
    """Measure and print."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    for nodes in (3, 5):
        kraft = rate(WorldConfig(nodes, 3), seeds)
        print(f"{nodes} nodes  kraft                {kraft:8,.0f} steps per CPU second")
        zookeeper = WorldConfig(nodes, 3, mode="zookeeper")
        bare = evolve(zookeeper, ensemble=Settings(machine=Registers()))
        for name, world in (("zookeeper", zookeeper), ("zookeeper, registers", bare)):
            found = rate(world, seeds)
            print(f"{nodes} nodes  {name:20} {found:8,.0f} steps per CPU second, {found / kraft:.2f} of kraft")


if __name__ == "__main__":
    main()
