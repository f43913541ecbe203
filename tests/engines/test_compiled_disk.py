"""The compiled explorer with less memory than its states need: levels on disk, and fingerprints."""

import errno
import fcntl
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from model.engines.compiled import levels
from model.engines.compiled.checkpoint import CheckpointError
from model.engines.compiled.disk import PREFIX, Disk, sweep
from model.engines.compiled.explore import explore_compiled
from model.engines.compiled.levels import Room
from model.engines.compiled.native import library
from model.engines.source import Budget
from model.engines.verdict import Verdict
from properties.registry import SPECS
from tests.engines.compiled_case import compiled, counts, outcome

pytestmark = pytest.mark.skipif(library() is None, reason="levels go to disk in the back end in C only")

KRAFT = SPECS["kraft"]
SMALL = {"nodes": 3, "epochs": 1, "elections": 1, "log": 1, "values": 0}


def search(bounds: dict[str, int], room: Room, **more: Any) -> Verdict:
    """A search of `kraft` on the back end in C."""
    return explore_compiled(KRAFT, bounds, clock=lambda: 0.0, room=room, **more)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_level_that_does_not_fit_goes_to_disk_in_the_middle(
    threads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With memory for a small part of a level, kraft gives the counts that it gives in memory; the disk is clean after."""
    collected = []

    def settle(self: Disk, *, new: bool) -> int:
        collected.append(len(self._slices))
        return whole(self, new=new)

    whole = Disk.settle
    monkeypatch.setattr(Disk, "settle", settle)
    monkeypatch.setattr(levels, "FIRST_TABLE", 14)
    inside = search({}, Room(), threads=threads)
    outside = search({}, Room(memory=1 << 16, parent=tmp_path), threads=threads)
    assert max(collected) > 3 * threads
    assert counts(outside) == counts(inside)
    assert outcome(outside) == outcome(inside)
    assert list(tmp_path.iterdir()) == []


def test_the_shortest_violation_is_found_on_disk(tmp_path: Path) -> None:
    """The backward sweep reads levels from the disk: M3's counterexample has the length that it has in memory."""
    spec = KRAFT.with_bug("M3")
    bounds = dict(KRAFT.bugs["M3"].bounds)
    found = explore_compiled(spec, bounds, clock=lambda: 0.0, room=Room(memory=0, parent=tmp_path))
    expected = explore_compiled(spec, bounds, clock=lambda: 0.0)
    assert found.verdict == "violated"
    assert outcome(found) == outcome(expected)


KILLED = """
import os, sys
from pathlib import Path
from model.engines.compiled.explore import explore_compiled
from model.engines.compiled.levels import Room
from properties.registry import SPECS

def kill(progress):
    if progress.depth == 12:
        os.kill(os.getpid(), 9)

explore_compiled(SPECS["kraft"], {bounds}, clock=lambda: 0.0, room={room}, checkpoint=Path(sys.argv[1]), every=0.0, report=kill)
"""


@pytest.mark.parametrize("room", [Room(memory=0), Room(memory=0, fingerprints=True), Room(fingerprints=True)])
def test_a_search_on_disk_goes_on_after_kill_9(room: Room, tmp_path: Path) -> None:
    """Levels on disk are kept beside the checkpoint; the search ends with the counts of one that was not killed."""
    file = tmp_path / "search"
    bounds = {**SMALL, "values": 1}
    text = KILLED.replace("{bounds}", repr(bounds)).replace("{room}", repr(room))
    killed = subprocess.run([sys.executable, "-c", text, str(file)], check=False, cwd=Path(__file__).parents[2])
    assert killed.returncode == -9
    resumed = search(bounds, room, checkpoint=file, every=0.0)
    assert counts(resumed) == counts(search(bounds, Room()))
    assert (tmp_path / "search.levels").is_dir() is (room.memory == 0)


def test_a_checkpoint_without_its_levels_is_refused(tmp_path: Path) -> None:
    """A level that was cut short on disk is named, with what is missing; nothing is lost by asking."""
    file = tmp_path / "search"
    stopped = search(SMALL, Room(memory=0), checkpoint=file, every=0.0, budget=Budget(states=1000))
    assert stopped.verdict == "unknown"
    level = max((tmp_path / "search.levels").glob("level-*"), key=lambda f: f.stat().st_size)
    level.write_bytes(level.read_bytes()[:-8])
    with pytest.raises(
        CheckpointError, match=r"level-\d+-\d+\.states has [\d,]+ bytes, but the checkpoint names a level of"
    ):
        search(SMALL, Room(memory=0), checkpoint=file)
    assert file.exists()
    assert level.exists()


def test_a_full_disk_gives_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is decided when the disk is full, and the verdict says where it was."""
    written = []

    def write(self: Disk, name: str, rows: Any, *, first: bool = False) -> None:
        written.append(name)
        if len(written) > 200:
            raise OSError(errno.ENOSPC, "No space left on device")
        with (self.directory / name).open("wb" if first else "ab") as opened:
            opened.write(rows.data.cast("B"))

    monkeypatch.setattr(Disk, "_write", write)
    verdict = search(SMALL, Room(memory=0, parent=tmp_path))
    assert verdict.verdict == "unknown"
    assert verdict.rung == "tested"
    assert verdict.reason.startswith(f"no room on disk in {tmp_path}")
    assert verdict.reason.endswith("No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    """The next search removes levels that no process has locked, and nothing else."""
    dead, alive, other = tmp_path / f"{PREFIX}a", tmp_path / f"{PREFIX}b", tmp_path / "other"
    for directory in (dead, alive, other):
        directory.mkdir()
    with (alive / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        sweep(tmp_path)
    assert not dead.exists()
    assert alive.exists()
    assert other.exists()


def test_fingerprints_state_their_odds() -> None:
    """An inexact search says what the chance of a wrong count is, unless states are so small that they are compared whole."""
    properties = KRAFT.properties
    exact, inexact = compiled(KRAFT, SMALL, properties, "narrow"), compiled(KRAFT, SMALL, properties, "fingerprints")
    n = exact.distinct
    assert exact.odds == 0
    assert inexact.odds == pytest.approx(n * (n - 1) / 2**65)
    assert search(SMALL, Room(fingerprints=True)).odds == 0


def test_fingerprints_that_do_not_fit_give_unknown(tmp_path: Path) -> None:
    """States can go to disk, fingerprints cannot: the search stops and says so."""
    verdict = search({}, Room(memory=1 << 20, fingerprints=True, parent=tmp_path))
    assert verdict.verdict == "unknown"
    assert "fingerprints and what else the search needs do not fit into 1,048,576 bytes" in verdict.reason
