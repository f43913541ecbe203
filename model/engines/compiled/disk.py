"""Levels on disk: what a search in C does when its states do not fit into the memory that it may use.

A level is one file of packed states in a number of parts. Which part a state is in depends on a hash of it; within its part a level is
sorted. New states of a level are collected in a file of their own, which may hold states more than once and states that were known
before; at the end of the level each part of it is sorted, and what earlier levels have in that part is taken out by reading
them along with it. So memory holds one part at a time, and the disk is read and written in sequence.
"""

import ctypes
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from attrs import define, frozen

PARTS = 64
PIECE = 1 << 16
"""States that are read or written at once."""

Rows = npt.NDArray[np.uint64]
"""Packed states, one after the other."""

PREFIX = "levels-"


@frozen
class Layout:
    """How states are packed: words per state, and per component its word, shift and bits."""

    words: int
    places: tuple[int, ...]


@define
class File:
    """Packed states in one file: its name, and the number of states up to the end of each part."""

    name: str
    ends: list[int]

    @property
    def size(self) -> int:
        """The number of states."""
        return self.ends[-1]


def _locked(directory: Path) -> IO[bytes] | None:
    """The open lock file of a directory, or None if a process has it; the lock goes with the process, however that ends."""
    import fcntl  # noqa: PLC0415 - only POSIX has it, and only the back end in C comes here

    lock = (directory / "lock").open("wb")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        return None
    return lock


def sweep(parent: Path) -> None:
    """Remove directories of searches whose process was killed."""
    for left in sorted(parent.glob(f"{PREFIX}*")):
        try:
            lock = _locked(left)
        except OSError:
            continue  # somebody else's, or gone already
        if lock is not None:
            lock.close()
            shutil.rmtree(left, ignore_errors=True)


class Disk:
    """The levels of one search in one directory. OSError when the disk is full or refuses.

    `parent`: a new directory is made there, and removed at the end; else `directory` is used and kept.
    """

    def __init__(self, lib: Any, engine: Any, components: int, *, parent: Path | None, directory: Path | None) -> None:
        self._lib, self._engine, self._components = lib, engine, components
        self._kept = directory is not None
        if directory is None:
            assert parent is not None
            sweep(parent)
            directory = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self._lock = _locked(directory)
        if self._lock is None:
            raise OSError(errno.EBUSY, f"another search works in {directory}")
        self.files: list[File] = []
        self._old: list[str] = []
        self._generation = 0
        self.layout = self._current()
        self._pending = self._named("new")
        self._slices: list[
            tuple[int, list[int]]
        ] = []  # of the file of new states: where each begins, and the ends of its parts

    @property
    def states(self) -> int:
        """How many states the levels have."""
        return sum(file.size for file in self.files)

    def _named(self, name: str) -> str:
        return f"{name}-{self._generation}.states"

    def _current(self) -> Layout:
        places = (ctypes.c_uint32 * (3 * self._components))()
        self._lib.explorer_layout(self._engine, places)
        return Layout(int(self._lib.explorer_words(self._engine)), tuple(places))

    # ---- reading and writing
    def _write(self, name: str, rows: Rows, *, first: bool = False) -> None:
        with (self.directory / name).open("wb" if first else "ab") as file:
            file.write(rows.data.cast("B"))

    def _read(self, name: str, first: int, last: int) -> Rows:
        """States [first, last) of a file."""
        words = self.layout.words
        rows = np.fromfile(
            self.directory / name, dtype=np.uint64, count=(last - first) * words, offset=8 * first * words
        )
        if len(rows) != (last - first) * words:
            raise OSError(f"{self.directory / name} is shorter than it was written")
        return rows

    def _pieces(self, name: str, first: int, last: int) -> Iterator[Rows]:
        for at in range(first, last, PIECE):
            yield self._read(name, at, min(last, at + PIECE))

    def pieces(self, depth: int) -> Iterator[Rows]:
        """The states of a level, piece by piece."""
        file = self.files[depth]
        return self._pieces(file.name, 0, file.size)

    # ---- a level
    def take(self, thread: int, first: int, last: int) -> None:
        """Collect states [first, last) that a thread has found."""
        for at in range(first, last, PIECE):
            n = min(PIECE, last - at)
            rows, ends = self._parted(thread, at, n, PARTS)
            begin = self._slices[-1][0] + self._slices[-1][1][-1] if self._slices else 0
            self._write(self._pending, rows, first=not self._slices)
            self._slices.append((begin, ends))

    def _parted(self, thread: int, first: int, n: int, parts: int) -> tuple[Rows, list[int]]:
        rows, ends = np.empty(n * self.layout.words, dtype=np.uint64), np.empty(parts, dtype=np.uint64)
        self._lib.explorer_part(self._engine, thread, first, n, parts, rows.ctypes.data, ends.ctypes.data)
        return rows, ends.tolist()

    def aside(self, ranges: Sequence[tuple[int, int]]) -> Iterator[Rows]:
        """Write states [from, to) of each thread to a file and give its pieces: what a round has not taken yet goes on from there."""
        name, size = self._named("rest"), 0
        for thread, (first, last) in enumerate(ranges):
            for at in range(first, last, PIECE):
                n = min(PIECE, last - at)
                self._write(name, self._parted(thread, at, n, 1)[0], first=not size)
                size += n
        return self._consumed(name, size)

    def _consumed(self, name: str, size: int) -> Iterator[Rows]:
        yield from self._pieces(name, 0, size)
        (self.directory / name).unlink(missing_ok=True)

    def settle(self, *, new: bool) -> int:
        """Make a level of what was collected, and say how many states it has. `new`: no earlier level has any of them."""
        words, name, ends = self.layout.words, self._named(f"level-{len(self.files):04}"), [0]
        for part in range(PARTS):
            slices = [
                self._read(self._pending, at + (e[part - 1] if part else 0), at + e[part]) for at, e in self._slices
            ]
            rows = np.concatenate(slices) if slices else np.empty(0, dtype=np.uint64)
            n = int(self._lib.rows_sort(rows.ctypes.data, len(rows) // words, words))
            if not new:
                n = self._without_known(rows, n, part)
            self._write(name, rows[: n * words], first=part == 0)
            ends.append(ends[-1] + n)
        self.files.append(File(name, ends[1:]))
        self._slices = []
        (self.directory / self._pending).unlink(missing_ok=True)
        return ends[-1]

    def _without_known(self, rows: Rows, n: int, part: int) -> int:
        words, marks = self.layout.words, np.zeros(n, dtype=np.uint8)
        for file in self.files:
            at = ctypes.c_uint64(0)
            for piece in self._pieces(file.name, file.ends[part - 1] if part else 0, file.ends[part]):
                if at.value == n:
                    break
                self._lib.rows_mark(
                    rows.ctypes.data,
                    n,
                    words,
                    piece.ctypes.data,
                    len(piece) // words,
                    ctypes.byref(at),
                    marks.ctypes.data,
                )
        return int(self._lib.rows_unmarked(rows.ctypes.data, n, words, marks.ctypes.data))

    # ---- wider states
    def follow(self) -> bool:
        """Write all files anew if states are packed otherwise now; whether that was so."""
        now = self._current()
        if now == self.layout:
            return False
        self._generation += 1
        for file in self.files:
            name = self._named(file.name.rsplit("-", 1)[0])
            self._rewrite(file.name, file.size, name, now)
            self._discard(file.name)
            file.name = name
        if self._slices:
            begin, ends = self._slices[-1]
            before, self._pending = self._pending, self._named("new")
            self._rewrite(before, begin + ends[-1], self._pending, now)
            (self.directory / before).unlink()
        self._pending = self._named("new")
        self.layout = now
        return True

    def _rewrite(self, name: str, size: int, to: str, now: Layout) -> None:
        places = (ctypes.c_uint32 * len(self.layout.places))(*self.layout.places)
        self._write(to, np.empty(0, dtype=np.uint64), first=True)
        for rows in self._pieces(name, 0, size):
            n = len(rows) // self.layout.words
            out = np.empty(n * now.words, dtype=np.uint64)
            self._lib.explorer_repack(self._engine, places, self.layout.words, rows.ctypes.data, n, out.ctypes.data)
            self._write(to, out)

    def _discard(self, name: str) -> None:
        """A checkpoint may still name the file: then it goes with the next one."""
        if self._kept:
            self._old.append(name)
        else:
            (self.directory / name).unlink()

    # ---- checkpoints
    def manifest(self) -> dict[str, Any]:
        """What a checkpoint says of the levels; they are on the disk for good when this returns."""
        for file in self.files:
            with (self.directory / file.name).open("rb") as opened:
                os.fsync(opened.fileno())
        return {
            "generation": self._generation,
            "words": self.layout.words,
            "places": self.layout.places,
            "files": [[file.name, file.ends] for file in self.files],
        }

    def saved(self) -> None:
        """A checkpoint with the present manifest is written: what only the one before named can go."""
        for name in self._old:
            (self.directory / name).unlink(missing_ok=True)
        self._old = []

    def adopt(self, manifest: dict[str, Any]) -> None:
        """Take over the levels of a manifest; ValueError if a file is not as it should be."""
        self._generation = int(manifest["generation"]) + 1
        self.layout = Layout(int(manifest["words"]), tuple(int(x) for x in manifest["places"]))
        for name, ends in manifest["files"]:
            path, expected = self.directory / name, 8 * self.layout.words * ends[-1]
            found = path.stat().st_size if path.parent == self.directory and path.exists() else -1
            if found != expected:
                raise ValueError(
                    f"{path} has {max(found, 0):,} bytes, but the checkpoint names a level of {expected:,}"
                )
            self.files.append(File(name, list(ends)))
        self._pending = self._named("new")
        self.follow()

    def close(self) -> None:
        """Remove what nobody can use any more."""
        if self._lock is not None:
            self._lock.close()
        if not self._kept:
            shutil.rmtree(self.directory, ignore_errors=True)
