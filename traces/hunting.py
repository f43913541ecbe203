"""What a hunt for a bug in an implementation is, and what it brings home."""

from attrs import frozen

from impl.world.simulator import SimulationConfig
from traces.ensemble.recording import Recording
from traces.trace import Trace
from traces.watch import Finding


@frozen
class Hunt:
    """A bug, the simulation in which it shows, the properties that it was seen to break there, and the seeds to try in order."""

    bug: str
    config: SimulationConfig
    shows: tuple[str, ...]
    seeds: range = range(40)


@frozen
class Catch:
    """A bug that was found: the finding, the seed, the world's steps in that run, and those in all runs up to it."""

    bug: str
    seed: int
    finding: Finding
    steps: int
    tried: int
    trace: Trace | Recording
