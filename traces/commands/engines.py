"""The engines that `lockstep check` can run, as a table; and the one place that chooses where their states come from."""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from attrs import frozen

from model.engines.compiled.audit import audited
from model.engines.compiled.build import cache_directory
from model.engines.compiled.checkpoint import CheckpointError
from model.engines.compiled.explore import explore_compiled
from model.engines.compiled.guards import with_guards
from model.engines.compiled.levels import Room
from model.engines.compiled.native import library
from model.engines.compiled.search import Search
from model.engines.compiled.several import ACTION, ONE, PROPERTY, VIEW, Several
from model.engines.compiled.symmetry import NotSymmetric
from model.engines.explore import explore
from model.engines.liveness import is_asked, with_compiled_liveness, with_liveness
from model.engines.refine.check import refine
from model.engines.source import Budget, Report
from model.engines.verdict import Verdict
from model.engines.walk import walk
from model.language import Bounds, Property, Spec, SpecError
from model.language.ground_spec import GroundSpec, ground
from model.language.hints import Hints
from model.language.plain import Stepper
from model.language.trace import trace
from properties.registry import HINTS, REFINEMENTS
from traces.commands.bounded import Bounded, check_bmc
from traces.commands.evidence import Evidence, proved
from traces.commands.report import CommandError

RUNS, STEPS = 200, 60
"""What `--engine walk` does by default: walks, and steps per walk."""


@frozen
class Effort:
    """How much an engine may do: seconds of CPU time (None: no limit); for walks the seed, walks, and steps per walk; for the explorer
    its threads, the file from which it goes on and to which it saves (None: neither), what memory and disk it may use, how many
    violations it looks for, whether states that are the same but for the names of nodes are one, and whether guards are counted; for
    bounded model checking its runs; for proofs the evidence that they leave.
    """

    seconds: float | None = None
    seed: int = 0
    runs: int = RUNS
    steps: int = STEPS
    threads: int = 1
    checkpoint: Path | None = None
    room: Room = Room()
    several: Several = ONE
    symmetry: bool = False
    guards: bool = False
    bounded: Bounded = Bounded()
    evidence: Evidence = Evidence()


def room_for(memory: int | None, spill: Path | None, *, fingerprints: bool) -> Room:
    """What a search may use: half of the machine's memory if nothing is said; CommandError if what is asked for cannot be had here."""
    if library() is None:
        if memory is not None or spill is not None or fingerprints:
            raise CommandError(
                "--memory, --spill and --fingerprints need the back end in C, and no C compiler was found",
                "install one (the package ziglang has one) or leave them out",
            )
        return Room()
    if spill is not None and not spill.is_dir():
        raise CommandError(f"--spill: {spill} is not a directory", "give one that exists, on a disk with room")
    limit = memory if memory is not None else os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    return Room(limit, spill if spill is not None else cache_directory(), fingerprints=fingerprints)


def several_for(spec: Spec, engine: str, most: int, by: str, *, saved: bool, symmetric: bool) -> Several:
    """How many violations to look for. `by` is `action`, `property`, or names of state variables with commas between them."""
    if most == 1:
        return ONE
    if engine != "explore":
        raise CommandError(
            "--max-violations needs --engine explore", "leave it out: the other engines stop at the first"
        )
    if by in (ACTION, PROPERTY):
        return Several(most, by)
    if saved and symmetric:
        raise CommandError(
            "--distinct-by with variables does not go with both --symmetry and a checkpoint", "leave one of them out"
        )
    view = tuple(name.strip() for name in by.split(","))
    for name in view:
        if name not in spec.state.variables:
            known = ", ".join(spec.state.variables)
            raise CommandError(
                f"--distinct-by: {name!r} is no state variable of {spec.name}",
                f"give action, property, or some of {known}",
            )
    return Several(most, VIEW, view)


def source_for(spec: Spec, bounds: Bounds) -> GroundSpec:
    """Where an engine gets states and steps from: the ground form of the spec's graph; engines check it against the plain reading."""
    return ground(trace(spec), bounds)


def _explore(
    spec: Spec, bounds: Bounds, properties: tuple[Property, ...], effort: Effort, report: Report | None
) -> Verdict:
    budget = Budget(seconds=effort.seconds)

    def finish(search: Search, verdict: Verdict) -> Verdict:
        judged = with_compiled_liveness(search, verdict, properties, budget=budget, report=report)
        return with_guards(search, judged) if effort.guards else judged

    try:
        verdict = explore_compiled(
            spec,
            bounds,
            properties,
            clock=time.process_time,
            threads=effort.threads,
            budget=budget,
            report=report,
            checkpoint=effort.checkpoint,
            room=effort.room,
            several=effort.several,
            symmetric=effort.symmetry,
            finish=finish,
        )
    except CheckpointError as error:
        raise CommandError(str(error)) from None
    except NotSymmetric as error:
        raise CommandError(f"--symmetry: {error}", "leave it out") from None
    return audited(verdict, spec, bounds, clock=time.process_time)


def _reference(
    spec: Spec, bounds: Bounds, properties: tuple[Property, ...], effort: Effort, report: Report | None
) -> Verdict:
    plain, budget = Stepper(spec, bounds), Budget(seconds=effort.seconds)
    verdict = explore(plain, properties, clock=time.process_time, budget=budget, report=report, engine="reference")
    if not is_asked(verdict, properties):
        return verdict
    source = source_for(spec, bounds)
    return with_liveness(verdict, source, properties, clock=time.process_time, budget=budget, report=report)


def _walk(
    spec: Spec, bounds: Bounds, properties: tuple[Property, ...], effort: Effort, report: Report | None
) -> Verdict:
    return walk(
        source_for(spec, bounds),
        properties,
        seed=effort.seed,
        runs=effort.runs,
        steps=effort.steps,
        clock=time.process_time,
        budget=Budget(seconds=effort.seconds),
        report=report,
    )


def _bmc(
    spec: Spec, bounds: Bounds, properties: tuple[Property, ...], effort: Effort, report: Report | None
) -> Verdict:
    return check_bmc(spec, bounds, properties, effort.bounded, seconds=effort.seconds, report=report)


def _prove(
    spec: Spec, bounds: Bounds, properties: tuple[Property, ...], effort: Effort, report: Report | None
) -> Verdict:
    try:
        budget = Budget(seconds=effort.seconds)
        return proved(spec, _hints(spec), bounds, effort.evidence, seed=effort.seed, budget=budget, report=report)
    except SpecError as error:
        raise CommandError(f"the prover does not read {spec.name}: {error.cause}", error.remedy) from None


def _induct(
    spec: Spec, bounds: Bounds, properties: tuple[Property, ...], effort: Effort, report: Report | None
) -> Verdict:
    from model.engines.induct.induct import induct  # noqa: PLC0415 - only provers load Z3

    budget = Budget(seconds=effort.seconds)
    try:
        return induct(spec, _hints(spec), bounds, clock=time.process_time, budget=budget, report=report)
    except SpecError as error:
        raise CommandError(f"the prover does not read {spec.name}: {error.cause}", error.remedy) from None


def _refine(
    spec: Spec, bounds: Bounds, properties: tuple[Property, ...], effort: Effort, report: Report | None
) -> Verdict:
    if spec.name not in REFINEMENTS:
        raise CommandError(f"{spec.name} refines no other spec", f"those that do: {', '.join(REFINEMENTS)}")
    if properties != spec.properties:
        raise CommandError("--engine refine is about every step, not about single properties", "leave out -p")
    budget = Budget(seconds=effort.seconds)
    return refine(
        REFINEMENTS[spec.name], source_for(spec, bounds), clock=time.process_time, budget=budget, report=report
    )


def _hints(spec: Spec) -> Hints:
    """How the spec's lemmas are proved; CommandError if it has none."""
    if spec.name not in HINTS:
        raise CommandError(f"{spec.name} has no lemmas to prove", f"there are some for {', '.join(HINTS)}")
    return HINTS[spec.name]


Engine = Callable[[Spec, Bounds, tuple[Property, ...], Effort, Report | None], Verdict]

ENGINES: Mapping[str, Engine] = {
    "explore": _explore,
    "reference": _reference,
    "walk": _walk,
    "bmc": _bmc,
    "induct": _induct,
    "prove": _prove,
    "refine": _refine,
}
"""explore: every state within bounds, breadth first, compiled. reference: the same on the plain reading, slow and obvious.
walk: seeded random walks, for bounds that no search completes. bmc: every run of so many steps, by Z3. induct: the lemmas are
inductive within bounds. prove: they are for any number of nodes, epochs and log entries; bounds do not matter. refine: every step
within bounds is a stutter or some steps of the proved core."""


def find_engine(name: str) -> Engine:
    """The engine of this name; CommandError with those that exist otherwise."""
    if name not in ENGINES:
        raise CommandError(f"unknown engine {name!r}", f"there are {' and '.join(ENGINES)}")
    return ENGINES[name]
