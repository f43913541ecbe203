"""The compiled explorer behind the interface of the reference explorer: same verdicts, same counts, several hundred times faster."""

from collections.abc import Callable
from pathlib import Path

from attrs import evolve

from model.engines.compiled.backend import Backend
from model.engines.compiled.checkpoint import resume, save
from model.engines.compiled.components import Partition
from model.engines.compiled.fallback import Portable
from model.engines.compiled.levels import Room
from model.engines.compiled.native import MOST_COMPONENTS, MOST_THREADS, Native, library
from model.engines.compiled.search import NotStuttering, Search
from model.engines.compiled.several import ONE, Several
from model.engines.source import Budget, Clock, Report, Stop
from model.engines.verdict import Verdict, overall
from model.language import Property, Spec
from model.language.ground_spec import GroundSpec, ground
from model.language.sorts import Bounds
from model.language.trace import trace


def native_or_portable(partition: Partition, threads: int, room: Room) -> Backend:
    """The back end in C where it can be built and its limits allow it, else the one in numpy, which has one thread and no use for
    `room`.
    """
    if library() is None or len(partition.components) > MOST_COMPONENTS:
        return Portable(partition)
    return Native(partition, threads, room)


def explore_compiled(
    spec: Spec,
    bounds: Bounds,
    properties: tuple[Property, ...] | None = None,
    *,
    clock: Clock,
    threads: int = 1,
    budget: Budget | None = None,
    report: Report | None = None,
    backend: Callable[[Partition, int], Backend] | None = None,
    room: Room | None = None,
    checkpoint: Path | None = None,
    every: float = 60.0,
    expanded: GroundSpec | None = None,
    several: Several = ONE,
    symmetric: bool = False,
    finish: Callable[[Search, Verdict], Verdict] = lambda _, verdict: verdict,
) -> Verdict:
    """Search every state of a spec within bounds (missing ones: the spec's defaults) and give the verdict on each property.

    `clock` counts CPU seconds. The search ends with the first level that shows a violation and reports all violations of
    that length, unless `several` are asked for. An interrupt (Ctrl-C) or a used-up budget gives `unknown` for what is not settled, with
    what was covered.
    With a `checkpoint` file the search goes on from there if the file exists, and is saved there between levels, at most
    once in `every` seconds of the clock; CheckpointError if the file belongs to another search. `room` is what memory and disk the
    search may use; with a checkpoint, levels that go to disk go to a directory beside it, `FILE.levels`. With `symmetric`, states
    that are the same but for the names of nodes are one (NotSymmetric where that is not sound). `expanded` is the ground form of the
    spec, if there is one already. `finish` is given the search and its verdict before the tables are given back, and says more.
    """
    if not 1 <= threads <= MOST_THREADS:
        raise ValueError(f"threads={threads}: give 1 to {MOST_THREADS}")
    checked = spec.properties if properties is None else properties
    room = room if room is not None else Room()
    if checkpoint is not None:
        room = evolve(room, directory=checkpoint.with_name(checkpoint.name + ".levels"))
    started = clock()
    expanded = expanded if expanded is not None else ground(trace(spec), bounds)
    exact = False
    while True:
        partition = Partition(expanded, checked, exact=exact)
        engine = backend(partition, threads) if backend is not None else native_or_portable(partition, threads, room)
        search = Search(
            expanded,
            partition,
            engine,
            budget=budget or Budget(),
            clock=clock,
            report=report,
            several=several,
            symmetric=symmetric,
        )
        try:
            return finish(search, _verdict(expanded, search, started, checkpoint, every))
        except NotStuttering:
            exact, checkpoint = True, None  # what was saved is of the other partition
        finally:
            engine.close()


def _verdict(ground_spec: GroundSpec, search: Search, started: float, checkpoint: Path | None, every: float) -> Verdict:
    complete, why = True, ""
    saved = search.clock()

    def between() -> None:
        nonlocal saved
        if checkpoint is not None and search.clock() - saved >= every:
            save(search, checkpoint)
            saved = search.clock()

    try:
        if checkpoint is not None and checkpoint.exists():
            resume(search, checkpoint)
        search.run(between)
        if search.told:
            complete, why = False, "nothing is known of what comes after the violations"
    except Stop as stop:
        complete, why = False, str(stop)
    except KeyboardInterrupt:
        complete, why = False, f"interrupted at depth {len(search.levels)}"
    counts = search.summary()
    verdicts = search.record.finish(complete=complete, why=why)
    spec = ground_spec.spec
    return Verdict(
        spec=spec.name,
        engine="explore",
        bounds=dict(ground_spec.bounds),
        verdict=overall(verdicts),
        reason=why,
        rung="explored" if complete else "tested",
        properties=verdicts,
        seconds=search.clock() - started,
        coverage=search.record.coverage(),
        more=tuple(search.record.more),
        spec_hash=spec.digest(),
        bug=spec.bug,
        **counts,
    )
