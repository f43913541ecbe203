"""The rows of `lockstep verify` that hold ensembles of ZooKeeper servers and the spec `zab-ensemble` against each other."""

import time

from impl.world.simulator import Simulator
from model.engines.verdict import HOLDS, UNKNOWN, VIOLATED
from traces.commands.engines import source_for
from traces.commands.simulate_runs import MODES
from traces.conformance import Conformance
from traces.render import count_of, status
from traces.zookeeper.cover import SCOPE, drive_cover
from traces.zookeeper.museum import narrowed
from traces.zookeeper.watch import spec_of

RUNS, STEPS, NODES = 8, 600, 3


def conforms(seconds: float) -> tuple[str, str]:
    """Every step of simulated servers, under every fault, is a step of the spec or none: a verdict, and the evidence."""
    started, steps, taken = time.process_time(), 0, 0
    config = MODES["zookeeper"](None).configuration("default", STEPS, NODES)
    spec = spec_of(None)
    with status("zookeeper conformance"):
        for seed in range(RUNS):
            if time.process_time() - started > seconds:
                return UNKNOWN, f"budget used up after {count_of(seed, 'run')}"
            conformance = Conformance(spec, NODES)
            simulator = Simulator(seed, config, observers=[conformance])
            for _ in simulator.steps():
                if conformance.diverged is not None:
                    return VIOLATED, f"seed {seed}: {conformance.diverged}"
            steps += simulator.world.steps
            taken += sum(conformance.steps.values())
    return HOLDS, f"{count_of(RUNS, 'run')}, {count_of(steps, 'step')}, {taken:,} of the spec"


def drives(seconds: float) -> tuple[str, str]:
    """The transitions of a small state graph of the spec that servers can take, driven through an ensemble; `seconds` is not needed."""
    spec = spec_of(None)
    searched = narrowed(spec)
    with status("zookeeper drive") as tell:
        cover = drive_cover(
            source_for(searched, searched.complete_bounds(dict(SCOPE))),
            spec,
            report=None if tell is None else lambda paths, driven: tell(f"{paths:,} paths, {driven:,} transitions"),
        )
    if cover.mismatch is not None:
        return VIOLATED, str(cover.mismatch)
    return HOLDS, f"{cover.driven:,} of {count_of(cover.within_reach, 'transition')}, {count_of(cover.paths, 'path')}"
