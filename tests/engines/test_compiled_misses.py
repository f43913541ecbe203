"""Misses evaluated by compiled code are those that Python evaluates."""

import ctypes
from contextlib import suppress
from typing import Any

import pytest

from model.engines.compiled import build
from model.engines.compiled.c_code import CWriter
from model.engines.compiled.components import Partition
from model.engines.compiled.footprint import FootprintError
from model.engines.compiled.misses import SIGNATURES, Misses, sources, text_of
from model.engines.compiled.misses_code import MissesCode
from model.engines.compiled.native import Native, encoded, library
from model.engines.compiled.search import Search
from model.engines.source import Budget, Stop
from model.language import Spec
from model.language.ground_spec import ground
from model.language.trace import trace
from model.two_phase.spec import SPEC as TWO_PHASE
from properties.registry import SPECS
from tests.language.small_forks import FORKS, FORKS_BUG
from tests.language.small_functions import LOGS, ROWS
from tests.language.small_networks import NETWORKS, SETS

pytestmark = pytest.mark.skipif(library() is None, reason="no C compiler here")

KRAFT = SPECS["kraft"]
SCOPES: list[tuple[Spec, dict[str, int]]] = [
    (SETS, {"stale": 1, "epochs": 1}),
    (NETWORKS, {}),
    (LOGS, {"log": 1}),
    (ROWS, {"epochs": 1}),
    (FORKS, {}),
    (FORKS_BUG, {}),
    (TWO_PHASE, {"nodes": 3}),
    (KRAFT, {"nodes": 2, "epochs": 1, "elections": 2, "log": 1}),
    (KRAFT, {"nodes": 2, "epochs": 1, "elections": 1, "log": 1, "stale": 1}),
]

Entries = dict[tuple[int, ...], tuple[int, list[int]]]


class Watching(Native):
    """A back end that misses nothing of what Python evaluates."""

    def __init__(self, partition: Partition) -> None:
        super().__init__(partition, 1, pays=None)
        self.evaluated: Entries = {}

    def _put(self, entries: Any) -> None:
        self.evaluated.update((key, encoded(entry)) for key, entry in entries)
        super()._put(entries)


def searched(spec: Spec, bounds: dict[str, int]) -> tuple[Search, Watching]:
    """A whole search with misses evaluated in Python."""
    expanded = ground(trace(spec), bounds)
    partition = Partition(expanded, spec.properties)
    backend = Watching(partition)
    search = Search(expanded, partition, backend, budget=Budget(), clock=lambda: 0.0, report=None)
    with suppress(Stop):  # at a violation; what was evaluated until then counts all the same
        search.run()
    return search, backend


def differences(search: Search, backend: Watching, code: MissesCode) -> int:
    """For how many combinations, or values of projections, the compiled code says something else than Python."""
    lib: Any = library()
    found: Entries = {}
    callback = ctypes.CFUNCTYPE(
        None,
        ctypes.c_void_p,
        ctypes.POINTER(ctypes.c_int32),
        ctypes.c_uint32,
        ctypes.POINTER(ctypes.c_uint32),
        ctypes.c_uint32,
    )
    groups = search.partition.groups

    def put(_: Any, key: Any, moves: int, words: Any, n: int) -> None:
        found[tuple(key[: 1 + len(groups[key[0]].views)])] = (moves, words[:n])

    kept = callback(put)
    host = (ctypes.c_void_p * 4)(
        backend._engine,
        ctypes.cast(lib.explorer_seen, ctypes.c_void_p).value,
        ctypes.cast(lib.explorer_patch, ctypes.c_void_p).value,
        ctypes.cast(kept, ctypes.c_void_p).value,
    )
    compiled = build.load("test", "misses.c", sources(code), ("-O0",))
    assert compiled is not None
    build.declare(compiled, SIGNATURES)
    misses = Misses(compiled, code, search.evaluator, host)
    width = 1 + max(len(g.views) for g in groups)
    keys = sorted(backend.evaluated)
    flat = [x for key in keys for x in (*key, *(0 for _ in range(width - len(key))))]
    array = (ctypes.c_int32 * len(flat))(*flat)

    asked: list[int] = []
    misses.fill(ctypes.addressof(array), width, len(keys), asked.append, search._event)
    wrong = len(asked) + sum(found.get(key) != backend.evaluated[key] for key in keys)
    words = (len(groups) + 63) // 64
    at = 0
    for c, component in enumerate(search.partition.components):
        for p in range(len(component.projections)):
            n = 1 + max((key[1 + v] for key in keys for v, view in enumerate(groups[key[0]].views)
                         if (view.component, view.projection) == (c, p)), default=-1)  # fmt: skip
            for value in range(n):
                row = backend.seen(c, p, value)
                mask = (ctypes.c_uint64 * words)()
                shown = (ctypes.c_int32 * max(len(row), 1))(*row)
                misses.alive(at, ctypes.addressof(shown), 1, words, mask)
                wrong += sum(m << (64 * i) for i, m in enumerate(mask)) != search.alive(c, p, row)
            at += 1
    misses.close()
    return wrong


@pytest.mark.parametrize(("spec", "bounds"), SCOPES, ids=lambda x: x.name if isinstance(x, Spec) else str(len(x)))
def test_compiled_code_and_python_evaluate_alike(spec: Spec, bounds: dict[str, int]) -> None:
    """All combinations of a whole search have the same moves, patches, events and cut steps, all projections the same groups alive."""
    search, backend = searched(spec, bounds)
    code = text_of(search.partition)
    assert code is not None
    assert len(backend.evaluated) > 5
    assert differences(search, backend, code) == 0
    backend.close()


@pytest.mark.parametrize(
    ("right", "wrong"), [("t->v[", "t->v[1 + "), ("return CUT;", "return DISABLED;"), (" == ", " != ")]
)
def test_a_fault_in_the_generated_code_is_noticed(right: str, wrong: str) -> None:
    """The comparison fails if the code writes elsewhere, forgets to cut, or compares the wrong way round."""
    search, backend = searched(*SCOPES[0])
    code = text_of(search.partition)
    assert code is not None
    assert right in code.text
    code.text = code.text.replace(right, wrong)
    assert differences(search, backend, code) > 0
    backend.close()


def test_reading_outside_of_the_footprint_is_refused_when_code_is_generated() -> None:
    """No C text comes of a term that reads a place which its group does not see."""
    partition = Partition(ground(trace(TWO_PHASE), {"nodes": 3}), ())
    group = next(g for g in partition.groups if g.members)
    writer = CWriter(partition.layout, partition.ground.bounds, partition.layout.base.width)
    member = group.members[0].special
    writer.seeing(frozenset(place for view in group.views for place in view.places))
    writer.instance("fits", member.action, member.instance)
    writer.seeing(frozenset())
    with pytest.raises(FootprintError, match="outside of the footprint"):
        writer.instance("does_not", member.action, member.instance)


@pytest.mark.parametrize("threads", [1, 2])
def test_results_do_not_depend_on_who_evaluates(threads: int) -> None:
    """A search whose misses are compiled from the start, half-way or never has the same counts, traces and numbers."""
    verdicts = []
    for pays in (0, 300, None):
        expanded = ground(trace(KRAFT), {"nodes": 2, "epochs": 1, "elections": 2, "log": 1})
        partition = Partition(expanded, KRAFT.properties)
        backend = Native(partition, threads, pays=pays)
        search = Search(expanded, partition, backend, budget=Budget(), clock=lambda: 0.0, report=None)
        search.run()
        stats = backend.stats()
        traces = {name: p.trace for name, p in search.record.found.items()}
        verdicts.append((search.summary(), traces, search.evaluator.contents, stats.values, stats.patches, stats.made))
        backend.close()
    assert verdicts[0] == verdicts[1] == verdicts[2]
