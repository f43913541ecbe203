"""What the tests of the compiled explorer share: its back ends, and the reference explorer's verdict on the same question."""

from collections.abc import Callable
from typing import Any

from model.engines.compiled.backend import Backend
from model.engines.compiled.build import cache_directory
from model.engines.compiled.components import Partition
from model.engines.compiled.explore import explore_compiled
from model.engines.compiled.fallback import Portable
from model.engines.compiled.levels import Room
from model.engines.compiled.native import Native, library
from model.engines.explore import explore
from model.engines.verdict import Verdict
from model.language import Property, Spec
from model.language.ground_spec import ground
from model.language.trace import trace


def narrow(partition: Partition, threads: int) -> Backend:
    """The back end in C with no spare bits and words of 16 bits, so that everything has to be widened again and again."""
    return Native(partition, threads, slack=0, word_bits=16)


def native(partition: Partition, threads: int) -> Backend:
    """The back end in C."""
    return Native(partition, threads)


def on_disk(partition: Partition, threads: int) -> Backend:
    """The back end in C with no memory for states, so that every level is on disk; with words of 16 bits, so that it is written anew."""
    return Native(partition, threads, Room(memory=0, parent=cache_directory()), slack=0, word_bits=16)


def fingerprints(partition: Partition, threads: int) -> Backend:
    """The back end in C with no memory for states, and fingerprints in it."""
    return Native(
        partition, threads, Room(memory=1 << 24, parent=cache_directory(), fingerprints=True), slack=0, word_bits=16
    )


def portable(partition: Partition, threads: int) -> Backend:
    """The back end in numpy."""
    return Portable(partition)


Make = Callable[[Partition, int], Backend]
NATIVE: dict[str, tuple[Make, int]] = {
    "native": (native, 1),
    "two threads": (native, 2),
    "narrow": (narrow, 2),
    "on disk": (on_disk, 2),
    "fingerprints": (fingerprints, 1),
}
BACKENDS: dict[str, tuple[Make, int]] = {"portable": (portable, 1), **(NATIVE if library() is not None else {})}


def compiled(spec: Spec, bounds: dict[str, int], properties: tuple[Property, ...], backend: str) -> Verdict:
    """The compiled explorer's verdict."""
    make, threads = BACKENDS[backend]
    return explore_compiled(spec, bounds, properties, clock=lambda: 0.0, threads=threads, backend=make)


def reference(spec: Spec, bounds: dict[str, int], properties: tuple[Property, ...]) -> Verdict:
    """The reference explorer's verdict, on the ground form."""
    return explore(ground(trace(spec), bounds), properties, clock=lambda: 0.0)


def counts(verdict: Verdict) -> dict[str, Any]:
    """What must be equal."""
    names = ("bounds", "distinct", "generated", "depth", "levels", "deadlocks", "coverage", "cut", "rung", "spec_hash")
    return {name: getattr(verdict, name) for name in names}


def outcome(verdict: Verdict) -> dict[str, tuple[str, int | None]]:
    """Per property the verdict and the length of its trace."""
    return {p.name: (p.verdict, len(p.trace.steps) if p.trace else None) for p in verdict.properties}
