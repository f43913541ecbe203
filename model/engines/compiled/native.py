"""The back end in C: `runtime/`, compiled once per machine and user, kept in the user's cache directory."""

import ctypes
from array import array
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from typing import Any

import numpy as np

from model.engines.compiled import build
from model.engines.compiled.backend import (
    DEGREES,
    Alive,
    Entry,
    Found,
    Key,
    Moves,
    NoMemory,
    NumberEvent,
    Numbers,
    Reduction,
    Stats,
    configuration,
)
from model.engines.compiled.components import Partition
from model.engines.compiled.evaluate import Evaluator
from model.engines.compiled.levels import Levels, Room
from model.engines.compiled.misses import PAYS, Misses, compiled_misses
from model.engines.compiled.misses_code import MissesCode
from model.engines.compiled.signatures import SIGNATURES

FLAGS = ("-O2",)
MOST_COMPONENTS, MOST_THREADS = 255, 64
"""Limits of the tables in C."""

_I32, _U64, _P = ctypes.c_int32, ctypes.c_uint64, ctypes.c_void_p
_COUNTERS = 8
_VISITED, _TABLES = 0, 4
_MAX_WORDS = 8
_PIECE = 1 << 14
_TOO_MANY = 0xFFFF_FFFF


@cache
def library() -> Any:
    """The compiled runtime, or None if this machine has no C compiler (or is not a POSIX system)."""
    loaded = build.load("explorer", "runtime.c", build.runtime_sources(), FLAGS)
    if loaded is not None:
        build.declare(loaded, SIGNATURES)
    return loaded


class _Host(ctypes.Structure):
    """The functions that compiled misses call: `Host` in miss.h."""

    _fields_ = [("engine", _P), ("row", _P), ("patch", _P), ("put", _P)]


def _ints(values: Sequence[int]) -> Any:
    return (_I32 * max(len(values), 1))(*values)


def _words(values: Sequence[int]) -> Any:
    return (_U64 * max(len(values), 1))(*values)


def _mask(bits: int, words: int) -> list[int]:
    return [bits >> (64 * i) & 0xFFFF_FFFF_FFFF_FFFF for i in range(words)]


def _row(pointer: int | None, length: int) -> list[int]:
    return list((_I32 * length).from_address(pointer)) if pointer and length else []


def encoded(entry: Entry) -> tuple[int, list[int]]:
    """A memo entry as `engine.h` wants it: the number of its moves, and the code."""
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
        code += patches
    for action, times in cuts.items():
        for most in range(times, 0, -255):  # at the end, each with how often it counts
            code.append(action << 16 | min(most, 255) << 8 | 1)
            n += 1
    return n, code


class Native:
    """The back end in C. `room` is what it may use; `slack` are the bits that a component's numbers get beyond need, `word_bits` how
    full words get. After `pays` evaluations of misses in Python the code for them is compiled; what is in the cache is used from the
    start; None: never.
    """

    def __init__(
        self,
        partition: Partition,
        threads: int,
        room: Room | None = None,
        *,
        slack: int = 1,
        word_bits: int = 63,
        pays: int | None = PAYS,
    ) -> None:
        self._lib, self.threads, self.pays = library(), threads, pays
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
        self._compiled: Misses | None = None
        self._reduction: Reduction | None = None
        self._levels = Levels(self._lib, self._engine, threads, len(self._components), room)
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None

    # ---- components
    def intern(self, component: int, row: Sequence[int]) -> int:
        """See `backend.Backend`."""
        return int(self._lib.explorer_intern(self._engine, component, _ints(row)))

    def row(self, component: int, value: int) -> list[int]:
        """See `backend.Backend`."""
        return _row(self._lib.explorer_row(self._engine, component, value), len(self._components[component].places))

    def seen(self, component: int, projection: int, value: int) -> list[int]:
        """See `backend.Backend`."""
        pointer = self._lib.explorer_seen(self._engine, component, projection, value)
        return _row(pointer, len(self._components[component].projections[projection]))

    def settle(self, alive: Alive) -> None:
        """See `backend.Backend`."""
        lib, engine = self._lib, self._engine
        if self._reduction is not None and self._reduction.close(self):
            for p, tables in enumerate(self._reduction.tables):
                lib.explorer_permutation(engine, p, _ints(self._reduction.becomes[p]))
                for c, images in enumerate(tables):
                    lib.explorer_images(engine, p, c, images.ctypes.data, len(images))
        lib.explorer_project(engine)
        first, last = _I32(), _I32()
        for number, component in enumerate(self._components):
            for p, places in enumerate(component.projections):
                at = self._first[number] + p
                rows = lib.explorer_unknown(engine, at, ctypes.byref(first), ctypes.byref(last))
                n, width = last.value - first.value, len(places)
                if not n:
                    continue
                bits = (_U64 * (n * self._mask_words))()
                if self._compiled is not None:
                    self._compiled.alive(at, rows, n, self._mask_words, bits)
                else:
                    values = _row(rows, n * width)
                    masks = [alive(number, p, values[i : i + width]) for i in range(0, n * width, width)]
                    bits[:] = [x for mask in masks for x in _mask(mask, self._mask_words)]
                lib.explorer_set_alive(engine, at, bits, n)
        if not lib.explorer_ready(engine):
            raise NoMemory("the numbers of the projections do not fit into a key of 128 bits")
        if not lib.explorer_widen(engine):
            raise NoMemory(
                "the numbers of the components do not fit into a state, or there is no memory for wider ones"
            )
        self._levels.widened()

    def reduce(self, by: Reduction) -> None:
        """See `backend.Backend`."""
        self._reduction = by

    def orbits(self) -> int | None:
        """See `backend.Backend`."""
        return None if self._levels.disk is not None else int(self._lib.explorer_orbits(self._engine))

    # ---- the memo
    def compile(self, code: MissesCode, evaluator: Evaluator) -> None:
        """See `backend.Backend`."""
        names = ("explorer_seen", "explorer_patch", "explorer_put_one")
        host = _Host(self._engine, *(ctypes.cast(getattr(self._lib, name), _P).value for name in names))
        self._compiled = compiled_misses(code, evaluator, host)

    def fill(self, evaluate: Callable[[Key], Entry], event: NumberEvent) -> None:
        """See `backend.Backend`."""
        n, width = _I32(), 1 + self._views
        pointer = self._lib.explorer_misses(self._engine, ctypes.byref(n))

        def key(at: int) -> Key:
            values = _row(pointer + 4 * at * width, width)
            return tuple(values[: 1 + len(self._groups[values[0]].views)])

        def number(names: tuple[str, ...], place: int) -> int:
            found = event(names, place)
            self._events = max(self._events, found)
            return found

        if self._compiled is None:
            self._put([(k, evaluate(k)) for k in map(key, range(n.value))])
        else:
            self._compiled.fill(pointer, width, n.value, lambda at: self._put([(key(at), evaluate(key(at)))]), number)
        self._lib.explorer_events(self._engine, self._events + 1)

    def _put(self, entries: Sequence[tuple[Key, Entry]]) -> None:
        words = array("I")
        for key, entry in entries:
            n, code = encoded(entry)
            self._events = max(self._events, entry.event, *(event for _, _, event, _ in entry.moves), 0)
            words.extend((*key, n, len(code), *code))
        self._lib.explorer_put(self._engine, words.buffer_info()[0], len(entries))

    def patch(self, component: int, pairs: Sequence[tuple[int, int]]) -> int:
        """See `backend.Backend`."""
        flat = [x for pair in pairs for x in pair]
        number = int(self._lib.explorer_patch(self._engine, component, _ints(flat), len(pairs)))
        if number == _TOO_MANY:
            raise NoMemory(f"more than {1 << 24:,} different patches")
        return number

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

    # ---- steps
    def index(self) -> Numbers:
        """See `backend.Backend`."""
        if self.fingerprints:
            raise NoMemory("steps are noted between whole states, not fingerprints: leave out --fingerprints")
        if self._levels.disk is not None:
            raise NoMemory("the states are on disk, and steps between them are noted in memory only: give it more")
        if not self._lib.explorer_index(self._engine):
            raise NoMemory("no memory for numbers of states")
        return self._levels.numbers()

    def edges(self) -> Numbers:
        """See `backend.Backend`."""
        out = np.empty((self._lib.explorer_edges(self._engine), 3), dtype=np.uint32)
        self._lib.explorer_take_edges(self._engine, out.ctypes.data)
        return out

    def moves(self) -> Moves:
        """See `backend.Backend`."""
        entries, words = _U64(), _U64()
        self._lib.explorer_moves(self._engine, None, None, ctypes.byref(entries), ctypes.byref(words))
        keys = np.zeros((entries.value, 1 + self._views), dtype=np.int32)
        moves = np.empty((words.value, 3), dtype=np.int32)
        into = keys.ctypes.data, moves.ctypes.data, ctypes.byref(entries), ctypes.byref(words)
        self._lib.explorer_moves(self._engine, *into)
        views = [len(g.views) for g in self._groups]
        return Moves([tuple(key[: 1 + views[key[0]]]) for key in keys.tolist()], moves)

    # ---- several violations
    def fatal(self, events: Sequence[int]) -> None:
        """See `backend.Backend`."""
        flags = bytearray(max(events, default=0) + 1)
        for event in events:
            flags[event] = 1
        self._lib.explorer_fatal(self._engine, bytes(flags), len(flags))

    def collect(self, *, on: bool) -> None:
        """See `backend.Backend`."""
        self._lib.explorer_collect(self._engine, on)

    def collected(self) -> list[tuple[tuple[int, ...], int]]:
        """See `backend.Backend`."""
        rows = np.empty((self._lib.explorer_collected(self._engine, None), self._words() + 1), dtype=np.uint64)
        self._lib.explorer_collected(self._engine, rows.ctypes.data)
        return [(tuple(row[:-1]), row[-1]) for row in rows.tolist()]

    def targets(self, states: Sequence[tuple[tuple[int, ...], int]], numbers: int) -> None:
        """See `backend.Backend`."""
        rows = np.array([(*state, number) for state, number in states], dtype=np.uint64)
        self._events = max(self._events, numbers * self._actions)
        self._lib.explorer_targets(self._engine, rows.ctypes.data, len(states), numbers)

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
        out = (_U64 * (_COUNTERS + 2 * self._actions + len(self._components)))()
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
        out, actions, at = self._counters(), self._actions, _COUNTERS
        return Stats(
            distinct=self._levels.distinct(),
            words=out[1],
            deadlocks=out[2],
            steps=out[3],
            bytes=self._levels.bytes(),
            tables=out[_TABLES],
            entries=out[5],
            patches=out[6],
            made=out[7],
            generated=tuple(out[at : at + actions]),
            cut=tuple(out[at + actions : at + 2 * actions]),
            values=tuple(out[at + 2 * actions :]),
        )

    def degrees(self) -> list[int]:
        """See `backend.Backend`."""
        out = (_U64 * DEGREES)()
        self._lib.explorer_degrees(self._engine, out)
        return list(out)

    def restore(
        self, deadlocks: int, steps: int, generated: Sequence[int], cut: Sequence[int], degrees: Sequence[int]
    ) -> None:
        """See `backend.Backend`."""
        counted = _words(generated), _words(cut), _words(degrees)
        self._lib.explorer_restore(self._engine, deadlocks, steps, *counted)

    def close(self) -> None:
        """See `backend.Backend`."""
        if self._pool is not None:
            self._pool.shutdown()
        self._levels.close()
        if self._compiled is not None:
            self._compiled.close()
        if self._engine:
            self._lib.explorer_free(self._engine)
            self._engine = None
