"""Compiled code: made by any compiler of the machine, built again if broken, removed if it was not used for long."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from model.engines.compiled import build, native
from model.engines.compiled.backend import Backend
from model.engines.compiled.components import Partition
from model.engines.compiled.explore import explore_compiled
from model.engines.compiled.fallback import Portable
from model.engines.compiled.native import Native
from model.engines.compiled.search import Search
from model.engines.verdict import Verdict
from model.two_phase.spec import SPEC as TWO_PHASE
from tests.engines.compiled_case import compiled, counts

pytestmark = pytest.mark.skipif(not build.compilers(), reason="no C compiler here")

COMPILERS = {Path(c[0]).resolve().name if len(c) == 1 else c[2]: c for c in reversed(build.compilers())}
"""By name, each once although it may have several."""

ONE = {"one.c": "int one(void) { return 1; }"}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache of compiled code, and nothing loaded from another one."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    native.library.cache_clear()
    yield tmp_path / "lockstep"
    native.library.cache_clear()


def only(monkeypatch: pytest.MonkeyPatch, *compilers: tuple[str, ...]) -> None:
    """Let these be the compilers of this machine."""
    monkeypatch.setattr(build, "compilers", lambda: compilers)


@pytest.mark.parametrize("compiler", COMPILERS)
def test_every_compiler_builds_the_runtime_and_the_code_of_misses(
    compiler: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The counts are those of the back end that needs no compiler; nothing but the two libraries is left in the cache."""
    only(monkeypatch, COMPILERS[compiler])

    def at_once(partition: Partition, threads: int) -> Backend:
        return Native(partition, threads, pays=0)

    found = explore_compiled(TWO_PHASE, {"nodes": 3}, clock=lambda: 0.0, backend=at_once)
    assert counts(found) == counts(compiled(TWO_PHASE, {"nodes": 3}, TWO_PHASE.properties, "portable"))
    assert [file.name.split("-")[0] for file in sorted(cache.iterdir())] == ["explorer", "misses"]


def test_a_compiler_that_fails_is_followed_by_the_next(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is not there and one that exits with an error are passed over."""
    only(monkeypatch, ("no-such-compiler",), (sys.executable, "-c", "raise SystemExit(1)"), *build.compilers())
    assert build.load("one", "one.c", ONE, ()).one() == 1


def test_without_a_compiler_that_works_the_explorer_runs_on_numpy(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken compiler is as good as none: the search is the same, in numpy."""
    only(monkeypatch, (sys.executable, "-c", "raise SystemExit(1)"))
    assert native.library() is None
    found: list[Backend] = []

    def keep(search: Search, verdict: Verdict) -> Verdict:
        found.append(search.backend)
        return verdict

    assert explore_compiled(TWO_PHASE, {"nodes": 3}, clock=lambda: 0.0, finish=keep).distinct == 288
    assert isinstance(found[0], Portable)


def test_a_broken_file_in_the_cache_is_built_again(cache: Path) -> None:
    """A file that was cut short, or is not what was written, is neither loaded nor kept."""
    assert build.load("one", "one.c", ONE, ()).one() == 1
    (file,) = cache.glob("*.so")
    for broken in (file.read_bytes()[:100], file.read_bytes().replace(b"one", b"two"), b""):
        file.unlink()
        file.write_bytes(broken)
        assert not build.is_built("one", ONE, ())
        assert build.load("one", "one.c", ONE, ()).one() == 1
        assert build.is_built("one", ONE, ())


def test_what_does_not_compile_is_no_library(cache: Path) -> None:
    """Without a result there is nothing to load, and nothing is left behind."""
    assert build.load("none", "none.c", {"none.c": "not C"}, ()) is None
    assert not list(cache.iterdir())


def test_code_that_was_used_longest_ago_makes_room(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond its bound the cache loses what was loaded least recently, not what was built first, and never what was just built."""

    def use(number: int) -> int:
        found: int = build.load(f"n{number}", "one.c", {"one.c": f"int one(void) {{ return {number}; }}"}, ()).one()
        for file in cache.glob(f"n{number}-*"):
            os.utime(file, ns=(clock[0], clock[0]))
        clock[0] += 1
        return found

    clock = [1]
    assert use(1) == 1
    size = next(cache.glob("n1-*")).stat().st_size
    monkeypatch.setattr(build, "MOST_BYTES", 3 * size)
    assert [use(n) for n in (2, 3, 1, 4)] == [2, 3, 1, 4]
    assert sorted(file.name[:2] for file in cache.iterdir()) == ["n1", "n3", "n4"]
    monkeypatch.setattr(build, "MOST_BYTES", 0)
    assert use(5) == 5
    assert [file.name[:2] for file in cache.iterdir()] == ["n5"]
