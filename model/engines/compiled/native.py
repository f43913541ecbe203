"""The back end in C: `runtime/`, compiled once per machine and user, kept in the user's cache directory."""

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from array import array
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from model.engines.compiled.backend import Alive, Entry, Found, Key, NoMemory, Numbers, Stats, configuration
from model.engines.compiled.components import Partition
from model.engines.compiled.levels import Levels, Room

FLAGS = ("-O2", "-shared", "-fPIC", "-std=gnu11")
MOST_COMPONENTS, MOST_THREADS = 255, 64
"""Limits of the tables in C."""

_I32, _U64, _P = ctypes.c_int32, ctypes.c_uint64, ctypes.c_void_p
_SIGNATURES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "explorer_new": (_P, (_P,)),
    "explorer_free": (None, (_P,)),
    "explorer_intern": (_I32, (_P, _I32, _P)),
    "explorer_project": (None, (_P,)),
    "explorer_unknown": (_P, (_P, _I32, _P, _P)),
    "explorer_set_alive": (None, (_P, _I32, _P, _I32)),
    "explorer_ready": (_I32, (_P,)),
    "explorer_table": (_I32, (_P, _I32)),
    "explorer_widen": (_I32, (_P,)),
    "explorer_put": (None, (_P, _P, _I32)),
    "explorer_events": (None, (_P, _I32)),
    "explorer_patch": (_I32, (_P, _P, _I32)),
    "explorer_misses": (_P, (_P, _P)),
    "explorer_apply": (_I32, (_P,)),
    "explorer_run": (_I32, (_P, _I32, _U64)),
    "explorer_level": (None, (_P, _P, _P, _I32)),
    "explorer_again": (_U64, (_P,)),
    "explorer_add": (None, (_P, _I32, _P)),
    "explorer_numbers": (None, (_P, _P, _P)),
    "explorer_target": (None, (_P, _P)),
    "explorer_want": (None, (_P, _P)),
    "explorer_row": (_P, (_P, _I32, _I32)),
    "explorer_dump": (None, (_P, _I32, _U64, _U64, _P)),
    "explorer_load": (None, (_P, _U64, _P)),
    "explorer_words": (_I32, (_P,)),
    "explorer_event": (_I32, (_P, _I32, _P, _P, _P)),
    "explorer_stats": (None, (_P, _P)),
    "explorer_found": (None, (_P, _P)),
    "explorer_stop": (None, (_P,)),
    "explorer_left": (None, (_P, _P, _P)),
    "explorer_part": (None, (_P, _I32, _U64, _U64, _I32, _P, _P)),
    "explorer_forget": (_I32, (_P, _I32)),
    "explorer_feed": (None, (_P, _P, _U64)),
    "explorer_enter": (None, (_P, _P, _U64)),
    "explorer_layout": (None, (_P, _P)),
    "explorer_repack": (None, (_P, _P, _I32, _P, _U64, _P)),
    "rows_sort": (_U64, (_P, _U64, _I32)),
    "rows_mark": (None, (_P, _U64, _I32, _P, _U64, _P, _P)),
    "rows_unmarked": (_U64, (_P, _U64, _I32, _P)),
    "explorer_restore": (None, (_P, _U64, _U64, _P, _P)),
}
_COUNTERS = 10
_VISITED, _TABLES = 0, 6
_MAX_WORDS = 8
_PIECE = 1 << 14
_MOST_PATCHES = 1 << 24


def compilers() -> list[list[str]]:
    """The C compilers of this machine, best first: the system's, then the one in the `ziglang` package."""
    found = [[path] for name in ("cc", "gcc", "clang") if (path := shutil.which(name)) is not None]
    if find_spec("ziglang") is not None:
        found.append([sys.executable, "-m", "ziglang", "cc"])
    return found


def cache_directory() -> Path:
    """Where compiled code is kept: below XDG_CACHE_HOME or ~/.cache, else in a directory of this user among temporary files."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    candidates = [Path(base) if base else Path.home() / ".cache", Path(tempfile.gettempdir())]
    for parent in candidates:
        mine = parent / ("lockstep" if parent != candidates[-1] else f"lockstep-{os.getuid()}")
        try:
            mine.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError:
            continue
        # Code is loaded from here: nobody else may be able to put any.
        if os.access(mine, os.W_OK) and mine.stat().st_uid == os.getuid() and not mine.stat().st_mode & 0o022:
            return mine
    raise OSError("no directory for compiled code: set XDG_CACHE_HOME to one that only you can write to")


def _sources() -> dict[str, str]:
    """The C files by name."""
    folder = files("model.engines.compiled").joinpath("runtime")
    return {
        f.name: f.read_text() for f in sorted(folder.iterdir(), key=lambda f: f.name) if f.name[-2:] in (".c", ".h")
    }


def _build(sources: dict[str, str], target: Path) -> bool:
    """Compile to a file of its own and move it into place, so that processes that build at once do no harm."""
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        text, made = Path(scratch) / "runtime.c", Path(scratch) / "runtime.so"
        for name, content in sources.items():
            (Path(scratch) / name).write_text(content)
        for compiler in compilers():
            command = [*compiler, *FLAGS, "-o", str(made), str(text)]
            try:
                done = subprocess.run(command, capture_output=True, check=False, timeout=300)
            except (OSError, subprocess.TimeoutExpired):
                continue
            if done.returncode == 0:
                os.replace(made, target)
                return True
    return False


@cache
def library() -> Any:
    """The compiled runtime, or None if this machine has no C compiler (or is not a POSIX system)."""
    if os.name != "posix":
        return None
    sources = _sources()
    identity = "\0".join([*sources.values(), *FLAGS, platform.machine(), sys.platform])
    name = f"explorer-{hashlib.sha256(identity.encode()).hexdigest()[:16]}.so"
    try:
        path = cache_directory() / name
        if not path.exists() and not _build(sources, path):
            return None
        loaded = ctypes.CDLL(str(path))
    except OSError:
        return None
    for function, (result, arguments) in _SIGNATURES.items():
        getattr(loaded, function).restype = result
        getattr(loaded, function).argtypes = arguments
    return loaded


def _ints(values: Sequence[int]) -> Any:
    return (_I32 * max(len(values), 1))(*values)


def _words(values: Sequence[int]) -> Any:
    return (_U64 * max(len(values), 1))(*values)


def _mask(bits: int, words: int) -> list[int]:
    return [bits >> (64 * i) & 0xFFFF_FFFF_FFFF_FFFF for i in range(words)]


def _row(pointer: int | None, length: int) -> list[int]:
    return list((_I32 * length).from_address(pointer)) if pointer and length else []


class Native:
    """The back end in C. `room` is what it may use; `slack` are the bits that a component's numbers get beyond need, `word_bits` how
    full words get.
    """

    def __init__(
        self, partition: Partition, threads: int, room: Room | None = None, *, slack: int = 1, word_bits: int = 63
    ) -> None:
        self._lib, self.threads = library(), threads
        self._groups, self._components = partition.groups, partition.components
        self._actions = len(partition.ground.actions)
        self._mask_words = (len(self._groups) + 63) // 64
        self._views = max((len(g.views) for g in self._groups), default=0)
        self._first = [0]
        for component in self._components:
            self._first.append(self._first[-1] + len(component.projections))
        room = room if room is not None else Room()
        self.fingerprints = room.fingerprints
        head = [len(self._components), len(self._groups), self._actions, threads, word_bits, slack, room.fingerprints]
        rows = [x for row in configuration(partition) for x in row]
        self._engine = self._lib.explorer_new(_ints([*head, *rows]))
        self._events = 0
        self._levels = Levels(self._lib, self._engine, threads, len(self._components), room)
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None

    # ---- components
    def intern(self, component: int, row: Sequence[int]) -> int:
        """See `backend.Backend`."""
        return int(self._lib.explorer_intern(self._engine, component, _ints(row)))

    def row(self, component: int, value: int) -> list[int]:
        """See `backend.Backend`."""
        return _row(self._lib.explorer_row(self._engine, component, value), len(self._components[component].places))

    def settle(self, alive: Alive) -> None:
        """See `backend.Backend`."""
        lib, engine = self._lib, self._engine
        lib.explorer_project(engine)
        first, last = _I32(), _I32()
        for number, component in enumerate(self._components):
            for p, places in enumerate(component.projections):
                at = self._first[number] + p
                rows = lib.explorer_unknown(engine, at, ctypes.byref(first), ctypes.byref(last))
                n, width = last.value - first.value, len(places)
                if not n:
                    continue
                values = _row(rows, n * width)
                masks: list[int] = []
                for i in range(n):
                    masks += _mask(alive(number, p, values[i * width : (i + 1) * width]), self._mask_words)
                lib.explorer_set_alive(engine, at, _words(masks), n)
        if not lib.explorer_ready(engine):
            raise NoMemory("the numbers of the projections do not fit into a key of 128 bits")
        if not lib.explorer_widen(engine):
            raise NoMemory(
                "the numbers of the components do not fit into a state, or there is no memory for wider ones"
            )
        self._levels.widened()

    # ---- the memo
    def put(self, entries: Sequence[tuple[Key, Entry]]) -> None:
        """See `backend.Backend`."""
        words = array("I")
        events = self._events
        for key, entry in entries:
            code: list[int] = [4, entry.event] if entry.event else []
            cuts: dict[int, int] = {}
            n = 1 if entry.event else 0
            for action, cut, event, patches in entry.moves:
                if cut:
                    cuts[action] = cuts.get(action, 0) + 1
                    continue
                n += 1
                code.append(action << 16 | len(patches) << 8 | (2 if event else 0))
                if event:
                    code.append(event)
                    events = max(events, event)
                code += patches
            events = max(events, entry.event)
            for action, times in cuts.items():
                for most in range(times, 0, -255):  # at the end, each with how often it counts
                    code.append(action << 16 | min(most, 255) << 8 | 1)
                    n += 1
            words.extend((*key, n, len(code), *code))
        self._events = events
        self._lib.explorer_events(self._engine, events + 1)
        self._lib.explorer_put(self._engine, words.buffer_info()[0], len(entries))

    def patch(self, component: int, pairs: Sequence[tuple[int, int]]) -> int:
        """See `backend.Backend`."""
        flat = [x for pair in pairs for x in pair]
        number = int(self._lib.explorer_patch(self._engine, _ints(flat), len(pairs)))
        if number >= _MOST_PATCHES:
            raise NoMemory(f"more than {_MOST_PATCHES:,} different patches")
        return component << 24 | number

    def misses(self) -> list[Key]:
        """See `backend.Backend`."""
        n = _I32()
        width = 1 + self._views
        pointer = self._lib.explorer_misses(self._engine, ctypes.byref(n))
        values = _row(pointer, n.value * width)
        return [tuple(values[i : i + 1 + len(self._groups[values[i]].views)]) for i in range(0, len(values), width)]

    # ---- rounds
    def add(self, numbers: Sequence[int]) -> None:
        """See `backend.Backend`."""
        self._lib.explorer_add(self._engine, 0, _ints(numbers))

    def advance(self) -> int:
        """See `backend.Backend`."""
        return self._levels.advance(self._counters()[_TABLES])

    def level(self, depth: int, mode: int, groups: int, target: tuple[int, ...] = ()) -> None:
        """See `backend.Backend`."""
        self._lib.explorer_want(self._engine, _words(_mask(groups, self._mask_words)))
        if target:
            self._lib.explorer_target(self._engine, _words(target))
        self._levels.open(depth, mode)

    def run(self, most: int) -> bool:
        """See `backend.Backend`."""
        if self._pool is None:
            done = self._lib.explorer_run(self._engine, 0, most) == 1
        else:
            runs = [self._pool.submit(self._lib.explorer_run, self._engine, t, most) for t in range(self.threads)]
            try:
                wait(runs)
            finally:  # an interrupt must not leave a thread at work on tables that are about to change
                wait(runs)
            done = all(r.result() == 1 for r in runs)
        self._make_room()
        return done and not self._levels.more()

    def _make_room(self) -> None:
        counters = self._counters()
        self._levels.make_room(counters[_VISITED], counters[_TABLES])

    def again(self, alive: Alive) -> bool:
        """See `backend.Backend`."""
        if not self._lib.explorer_apply(self._engine):
            raise NoMemory("the numbers of components and patches do not fit into 64 bits")
        self.settle(alive)
        self._levels.pooled()
        return bool(self._lib.explorer_again(self._engine))

    # ---- what was found
    def event(self, number: int) -> Found | None:
        """See `backend.Backend`."""
        state, key, move = (_U64 * _MAX_WORDS)(), (_I32 * (1 + self._views))(), _I32()
        if not self._lib.explorer_event(self._engine, number, state, key, ctypes.byref(move)):
            return None
        views = len(self._groups[key[0]].views)
        return Found(tuple(state[: self._words()]), tuple(key[: 1 + views]), move.value)

    def numbers(self, state: tuple[int, ...]) -> list[int]:
        """See `backend.Backend`."""
        out = (ctypes.c_uint32 * len(self._components))()
        self._lib.explorer_numbers(self._engine, _words(state), out)
        return list(out)

    def _words(self) -> int:
        return int(self._lib.explorer_words(self._engine))

    def dump(self, depth: int) -> Iterator[Numbers]:
        """See `backend.Backend`."""
        return self._levels.dump(depth)

    def load(self, states: Numbers) -> None:
        """See `backend.Backend`."""
        for first in range(0, len(states), _PIECE):
            piece = np.ascontiguousarray(states[first : first + _PIECE])
            self._lib.explorer_load(self._engine, len(piece), piece.ctypes.data)
            self._make_room()

    def _counters(self) -> Any:
        out = (_U64 * (_COUNTERS + self.threads + 2 * self._actions + len(self._components)))()
        self._lib.explorer_stats(self._engine, out)
        return out

    def manifest(self) -> dict[str, Any] | None:
        """See `backend.Backend`."""
        return self._levels.disk.manifest() if self._levels.disk else None

    def saved(self) -> None:
        """See `backend.Backend`."""
        if self._levels.disk:
            self._levels.disk.saved()

    def adopt(self, manifest: dict[str, Any]) -> None:
        """See `backend.Backend`."""
        self._levels.adopt(manifest)

    def stats(self) -> Stats:
        """See `backend.Backend`."""
        out, actions, at = self._counters(), self._actions, _COUNTERS + self.threads
        return Stats(
            distinct=self._levels.distinct(),
            words=out[2],
            deadlocks=out[3],
            steps=out[4],
            bytes=self._levels.bytes(),
            tables=out[_TABLES],
            entries=out[7],
            patches=out[8],
            made=out[9],
            generated=tuple(out[at : at + actions]),
            cut=tuple(out[at + actions : at + 2 * actions]),
            values=tuple(out[at + 2 * actions :]),
        )

    def restore(self, deadlocks: int, steps: int, generated: Sequence[int], cut: Sequence[int]) -> None:
        """See `backend.Backend`."""
        self._lib.explorer_restore(self._engine, deadlocks, steps, _words(generated), _words(cut))

    def close(self) -> None:
        """See `backend.Backend`."""
        if self._pool is not None:
            self._pool.shutdown()
        self._levels.close()
        if self._engine:
            self._lib.explorer_free(self._engine)
            self._engine = None
