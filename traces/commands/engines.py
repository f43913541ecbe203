"""The engines that `lockstep check` can run, as a table; and the one place that chooses where their states come from."""

import time
from collections.abc import Callable, Mapping

from attrs import frozen

from model.engines.explore import explore
from model.engines.source import Budget, Report, Source
from model.engines.verdict import Verdict
from model.engines.walk import walk
from model.language import Bounds, Property, Spec
from model.language.ground_spec import ground
from model.language.trace import trace
from traces.commands.report import CommandError

RUNS, STEPS = 200, 60
"""What `--engine walk` does by default: walks, and steps per walk."""


@frozen
class Effort:
    """How much an engine may do: seconds of CPU time (None: no limit), and for walks the seed, walks, and steps per walk."""

    seconds: float | None = None
    seed: int = 0
    runs: int = RUNS
    steps: int = STEPS


def source_for(spec: Spec, bounds: Bounds) -> Source:
    """Where an engine gets states and steps from: the ground form of the spec's graph; engines check it against the plain reading."""
    return ground(trace(spec), bounds)


def _explore(source: Source, properties: tuple[Property, ...], effort: Effort, report: Report | None) -> Verdict:
    budget = Budget(seconds=effort.seconds)
    return explore(source, properties, clock=time.process_time, budget=budget, report=report)


def _walk(source: Source, properties: tuple[Property, ...], effort: Effort, report: Report | None) -> Verdict:
    return walk(
        source,
        properties,
        seed=effort.seed,
        runs=effort.runs,
        steps=effort.steps,
        clock=time.process_time,
        budget=Budget(seconds=effort.seconds),
        report=report,
    )


Engine = Callable[[Source, tuple[Property, ...], Effort, Report | None], Verdict]

ENGINES: Mapping[str, Engine] = {"explore": _explore, "walk": _walk}
"""explore: every state within bounds, breadth first. walk: seeded random walks, for bounds that no search completes."""


def find_engine(name: str) -> Engine:
    """The engine of this name; CommandError with those that exist otherwise."""
    if name not in ENGINES:
        raise CommandError(f"unknown engine {name!r}", f"there are {' and '.join(ENGINES)}")
    return ENGINES[name]
