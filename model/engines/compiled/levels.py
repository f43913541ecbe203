"""Where the states of a search in C are: in memory as long as they may, then on disk, with the same numbers and results."""

import ctypes
import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from attrs import frozen

from model.engines.compiled.backend import NoMemory, Numbers
from model.engines.compiled.disk import PIECE, Disk, Rows

FIRST_TABLE = 16
"""The visited set starts with 2^16 places (more for many threads: what they find at once must fit)."""

_U64 = ctypes.c_uint64


@frozen
class Room:
    """What a search may use. `memory`: bytes for states and tables, None for no limit; beyond it levels go to disk, to a new directory
    below `parent` that is removed at the end, or to `directory`, which is kept. `fingerprints`: the visited set holds 64 bits of
    a hash of each state instead of the state, and stays in memory.
    """

    memory: int | None = None
    parent: Path | None = None
    directory: Path | None = None
    fingerprints: bool = False


class Levels:
    """The levels of one search and its visited set."""

    def __init__(self, lib: Any, engine: Any, threads: int, components: int, room: Room) -> None:
        self._lib, self._engine, self.threads, self._components, self.room = lib, engine, threads, components, room
        self._ends: list[list[int]] = [[0] * threads]  # in memory, per level: how many states each thread had found
        self.disk: Disk | None = None
        self._source: Iterator[Rows] = iter(())  # what the round is still to be fed with
        self._in_memory = False  # whether the round is over a level in memory
        self._least = FIRST_TABLE + (threads - 1).bit_length()
        self._begin(self._least)

    # ---- counting
    def _found(self) -> list[int]:
        """The states in memory that each thread has found."""
        out = (_U64 * self.threads)()
        self._lib.explorer_found(self._engine, out)
        return list(out)

    def distinct(self) -> int:
        """The states of all levels, and those found since; of these some may be known already when they are looked for on disk."""
        return sum(self._found()) + (self.disk.states if self.disk else 0)

    def bytes(self) -> int:
        """Of states and visited set, in memory."""
        words = int(self._lib.explorer_words(self._engine))
        return (8 << self._table) + 8 * words * sum(self._found())

    # ---- room
    def _begin(self, bits: int) -> None:
        if not self._lib.explorer_table(self._engine, bits):
            raise NoMemory(f"no memory for a visited set of {8 << bits:,} bytes")
        self._table = bits

    def _fits(self, bits: int, tables: int) -> bool:
        """Whether a visited set of 2^bits places and the states that go into it may be in memory."""
        room, on_disk = self.room, self.disk is not None
        if room.memory is None:
            return True
        words = int(self._lib.explorer_words(self._engine))
        states = 0 if on_disk and room.fingerprints else 5 * words << bits
        # Without fingerprints half of it is for what goes to disk and comes back.
        share = 0.5 if on_disk and not room.fingerprints else 1.0
        return (8 << bits) + states <= share * (room.memory - tables)

    def _crowded(self, tables: int) -> bool:
        """Whether states must go to disk although the visited set is not full: it holds fingerprints and stays."""
        limit, found = self.room.memory, sum(self._found())
        return self.disk is not None and limit is not None and found > PIECE and self.bytes() > limit - tables

    def make_room(self, visited: int, tables: int) -> None:
        """Between two pieces of a round: a larger visited set, or states go to disk. `visited` states are in the set, `tables` are the
        bytes of all that is not states; NoMemory if there is no way on.
        """
        if visited <= 5 * (1 << self._table) // 8:
            if self._crowded(tables):
                self._to_disk(tables)
            return
        if not self._fits(self._table + 1, tables):
            if self.disk is None or not self.room.fingerprints:
                self._to_disk(tables)
            if not self.room.fingerprints:
                return
            if not self._fits(self._table + 1, tables):
                raise NoMemory(
                    f"{visited:,} fingerprints and what else the search needs do not fit into {self.room.memory:,} bytes"
                )
        self._begin(self._table + 1)

    def _to_disk(self, tables: int) -> None:
        """Move the states in memory to disk, and what the round has not taken yet with them."""
        try:
            if self.disk is None:
                self._first_time()
            for thread, last in enumerate(self._found()):
                self._disk().take(thread, self._ends[-1][thread], last)
        except OSError as error:
            raise self._refused(error) from None
        self._forget(tables)

    def _first_time(self) -> None:
        room = self.room
        disk = Disk(self._lib, self._engine, self._components, parent=room.parent, directory=room.directory)
        self.disk = disk
        first, last = (_U64 * self.threads)(), (_U64 * self.threads)()
        if self._in_memory:
            self._lib.explorer_left(self._engine, first, last)
            self._source = disk.aside(list(zip(first, last, strict=True)))
            self._in_memory = False
            self._lib.explorer_stop(self._engine)
        for start, end in zip(self._ends, self._ends[1:], strict=False):
            for thread in range(self.threads):
                disk.take(thread, start[thread], end[thread])
            disk.settle(new=True)

    def _forget(self, tables: int) -> None:
        self._ends = [[0] * self.threads]
        bits = self._table
        while bits > self._least and not self._fits(bits, tables):
            bits -= 1
        if not self._lib.explorer_forget(self._engine, bits):
            raise NoMemory(f"no memory for a visited set of {8 << bits:,} bytes")
        if not self.room.fingerprints:
            self._table = bits

    def _disk(self) -> Disk:
        assert self.disk is not None
        return self.disk

    def _refused(self, error: OSError) -> NoMemory:
        where = self.disk.directory if self.disk else self.room.directory or self.room.parent
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        return NoMemory(f"{'no room on disk' if full else 'cannot write'} in {where}: {error.strerror or error}")

    # ---- levels
    def advance(self, tables: int) -> int:
        """See `backend.Backend`."""
        limit = self.room.memory
        if self.disk is None and (limit is None or self.bytes() <= limit - tables):
            self._ends.append(self._found())
            return sum(self._ends[-1]) - sum(self._ends[-2])
        self._to_disk(tables)
        try:
            return self._disk().settle(new=self.room.fingerprints)
        except OSError as error:
            raise self._refused(error) from None

    def open(self, depth: int, mode: int) -> None:
        """Begin a round over a level."""
        self._in_memory = self.disk is None
        if self._in_memory:
            starts, ends = (_U64 * self.threads)(*self._ends[depth]), (_U64 * self.threads)(*self._ends[depth + 1])
            self._lib.explorer_level(self._engine, starts, ends, mode)
            return
        nothing = (_U64 * self.threads)()
        self._lib.explorer_level(self._engine, nothing, nothing, mode)
        self._source = self._disk().pieces(depth)

    def more(self) -> bool:
        """After all that the round had was taken: feed it with the next piece, if there is one."""
        try:
            rows = next(self._source, None)
        except OSError as error:
            raise self._refused(error) from None
        if rows is None:
            return False
        self._lib.explorer_feed(self._engine, rows.ctypes.data, len(rows) // self._disk().layout.words)
        return True

    def pooled(self) -> None:
        """The round goes on with states that were postponed."""
        self._in_memory = False

    def widened(self) -> None:
        """After states may have been given more bits: those on disk too."""
        if self.disk is None:
            return
        try:
            if self.disk.follow() and self.room.fingerprints:
                self._enter_all()
        except OSError as error:
            raise self._refused(error) from None

    def _enter_all(self) -> None:
        """Fingerprints of what is on disk: states that are packed in another way have others."""
        disk = self._disk()
        for depth in range(len(disk.files)):
            for rows in disk.pieces(depth):
                self._lib.explorer_enter(self._engine, rows.ctypes.data, len(rows) // disk.layout.words)

    # ---- in and out
    def dump(self, depth: int) -> Iterator[Numbers]:
        """See `backend.Backend`."""
        for thread, (start, end) in enumerate(zip(self._ends[depth], self._ends[depth + 1], strict=True)):
            for first in range(start, end, PIECE):
                n = min(PIECE, end - first)
                out = np.empty((n, self._components), dtype=np.uint32)
                self._lib.explorer_dump(self._engine, thread, first, n, out.ctypes.data)
                yield out

    def numbers(self) -> Numbers:
        """Per state in memory, in the order of `dump`, its number if those of the first thread come first."""
        bases = np.cumsum([0, *self._found()])
        parts = [
            np.arange(bases[thread] + first, bases[thread] + last, dtype=np.uint32)
            for before, after in zip(self._ends, self._ends[1:], strict=False)
            for thread, (first, last) in enumerate(zip(before, after, strict=True))
        ]
        return np.concatenate(parts)

    def adopt(self, manifest: dict[str, Any]) -> None:
        """Take over the levels on disk that a checkpoint names; ValueError or OSError if they are not there."""
        if self.room.directory is None:
            raise ValueError("its levels are on disk, which this search does not use")
        self.disk = Disk(self._lib, self._engine, self._components, parent=None, directory=self.room.directory)
        self.disk.adopt(manifest)
        if self.room.fingerprints:
            while 5 * (1 << self._table) // 8 < self.disk.states:
                self._begin(self._table + 1)
            self._enter_all()

    def close(self) -> None:
        """Remove what is on disk, unless it is kept."""
        if self.disk is not None:
            self.disk.close()
