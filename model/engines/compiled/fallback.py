"""The back end for machines without a C compiler: numpy only, the same numbers, the same results, a block of states at a time."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from model.engines.compiled.array_components import ArrayComponents
from model.engines.compiled.array_memo import ArrayMemo, Steps, number_of_cut, number_of_move
from model.engines.compiled.array_symmetry import least_images
from model.engines.compiled.backend import (
    CHECK,
    DEGREES,
    EDGES,
    EXPLORE,
    FIND,
    LEADS,
    NOWHERE,
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
)
from model.engines.compiled.components import Partition
from model.engines.compiled.evaluate import Evaluator
from model.engines.compiled.misses_code import MissesCode
from model.engines.compiled.row_table import Flags, Growing, Places, Rows, RowTable

State = tuple[int, ...]

BLOCK = 1 << 12
"""States that are expanded at once: enough to spread the cost of some hundred numpy calls, few enough to stay in the cache."""


class Block(NamedTuple):
    """States that are expanded at once, and their items: groups that are alive in a state, with the memo's key and the entry."""

    states: Rows
    item_state: Places
    key: Rows
    entry: Places

    def where(self, kept: Flags) -> "Block":
        """With these items only."""
        return Block(self.states, self.item_state[kept], self.key[kept], self.entry[kept])


class Portable:
    """A state is a row of its components' numbers. See `backend.Backend` for what the methods do."""

    threads = 1
    fingerprints = False
    pays: int | None = None

    def __init__(self, partition: Partition) -> None:
        self._width = len(partition.components)
        self._actions = len(partition.ground.actions)
        self._components = ArrayComponents(partition)
        self._memo = ArrayMemo(partition, self._components)
        self._visited = RowTable(self._width)
        self._ends = [0]
        self._postponed = Growing(np.uint32, self._visited.padded)
        self._source: Rows = self._visited.rows
        self._next = self._mode = 0
        self._wanted = self._components.mask(0)
        self._found: dict[int, Found] = {}
        self._reduction: Reduction | None = None
        self._orbits = 0
        self._fatal = np.zeros(0, dtype=np.int64)
        self._collecting = False
        self._collected: list[tuple[State, int]] = []
        self._targets = RowTable(self._width)
        self._target_numbers = np.zeros(0, dtype=np.int64)
        self._edges: list[Numbers] = []
        self._generated = np.zeros(self._actions, dtype=np.int64)
        self._cut = np.zeros(self._actions, dtype=np.int64)
        self._degrees = np.zeros(DEGREES, dtype=np.int64)
        self._deadlocks = self._steps = 0

    # ---- components
    def intern(self, component: int, row: Sequence[int]) -> int:
        """See `backend.Backend`."""
        return self._components.intern(component, row)

    def row(self, component: int, value: int) -> list[int]:
        """See `backend.Backend`."""
        return list(self._components.rows[component][value])

    def seen(self, component: int, projection: int, value: int) -> list[int]:
        """See `backend.Backend`."""
        return self._components.part(component, projection, value)

    def settle(self, alive: Alive) -> None:
        """See `backend.Backend`."""
        if self._reduction is not None:
            self._reduction.close(self)
        self._components.settle(alive)

    def reduce(self, by: Reduction) -> None:
        """See `backend.Backend`."""
        self._reduction = by

    def orbits(self) -> int | None:
        """See `backend.Backend`."""
        return self._orbits

    # ---- the memo
    def compile(self, code: MissesCode, evaluator: Evaluator) -> None:
        """See `backend.Backend`: without a compiler, misses stay with Python."""

    def fill(self, evaluate: Callable[[Key], Entry], event: NumberEvent) -> None:
        """See `backend.Backend`."""
        self._memo.fill(evaluate)

    def patch(self, component: int, pairs: Sequence[tuple[int, int]]) -> int:
        """See `backend.Backend`."""
        return self._memo.patch(component, pairs)

    # ---- states
    def add(self, numbers: Sequence[int]) -> None:
        """See `backend.Backend`."""
        self.load(np.array([numbers], dtype=np.uint32))

    def load(self, states: Numbers) -> None:
        """See `backend.Backend`."""
        self._insert(self._rows(states))

    def _rows(self, states: Numbers) -> Rows:
        """States as rows of the visited set."""
        rows = self._visited.blank(len(states))
        rows[:, : self._width] = states
        return rows

    def _insert(self, states: Rows) -> None:
        if self._reduction is None:
            self._visited.insert(states)
        else:
            states, ties = least_images(self._reduction, states)
            self._orbits += int((len(self._reduction.tables) // ties[self._visited.insert(states)]).sum())

    def advance(self) -> int:
        """See `backend.Backend`."""
        self._ends.append(len(self._visited))
        return self._ends[-1] - self._ends[-2]

    # ---- rounds
    def level(self, depth: int, mode: int, groups: int, target: State = ()) -> None:
        """See `backend.Backend`."""
        self._source, self._next = self._visited.rows[self._ends[depth] : self._ends[depth + 1]], 0
        self._mode, self._wanted = mode, self._components.mask(groups)
        self._found.clear()
        if mode == FIND:
            self.targets([(target, 0)], 1)

    def run(self, most: int) -> bool:
        """See `backend.Backend`."""
        last = min(len(self._source), self._next + most)
        try:
            while self._next < last:
                states = self._source[self._next : min(last, self._next + BLOCK)]
                self._next += len(states)
                self._expand(states)
        except MemoryError:
            raise NoMemory(f"no memory for more than {len(self._visited):,} states") from None
        return self._next == len(self._source)

    def _expand(self, states: Rows) -> None:
        """Take all steps out of a block of states, but postpone those for which something is missing."""
        memo = self._memo
        state, group = np.nonzero(self._components.alive(states, self._wanted))
        keys, entry = memo.look_up(states, state, group)
        complete = np.ones(len(states), dtype=np.bool_)
        complete[state[entry < 0]] = False
        block = Block(states, state, keys, entry).where(complete[state])
        events = memo.event.values[block.entry]
        if self._mode in (EXPLORE, CHECK):
            some = np.flatnonzero(events)
            self._happened(block, some, events[some])
        if self._mode != CHECK:
            going_on = complete.copy()
            going_on[block.item_state[np.isin(events, self._fatal)]] = False
            block = block.where(going_on[block.item_state])
            steps, made = memo.steps(states, block.item_state, block.entry)
            lacking = block.item_state[steps.item[~made]]
            complete[lacking] = going_on[lacking] = False
            self._take(block, steps.where(going_on[block.item_state[steps.item]]), going_on)
        if not complete.all():
            self._postponed.extend(states[~complete])

    def _take(self, block: Block, steps: Steps, going_on: Flags) -> None:
        """Do what the round is for with the steps out of the states that are gone on from."""
        events = self._memo.move_event.values[steps.move]
        if self._mode == EXPLORE:
            some = np.flatnonzero(events)
            self._happened(block, steps.item[some], events[some], steps.move[some])
            self._count(block, steps, going_on)
        followed = (steps.successor != block.states[block.item_state[steps.item]]).any(axis=1)
        followed &= ~np.isin(events, self._fatal)
        steps = steps.where(followed)
        if self._mode == EXPLORE:
            self._insert(steps.successor)
            return
        if self._reduction is not None:
            steps = steps._replace(successor=least_images(self._reduction, steps.successor)[0])
        if self._mode == EDGES:
            self._note(block, steps, going_on)
        else:
            self._lead(block, steps)

    def _count(self, block: Block, steps: Steps, going_on: Flags) -> None:
        memo = self._memo
        self._steps += len(steps.item)
        self._generated += np.bincount(memo.action.values[steps.move], minlength=self._actions)
        _, cuts = memo.cuts(block.entry[going_on[block.item_state]])
        np.add.at(self._cut, memo.cut_action.values[cuts], memo.cut_times.values[cuts])
        degrees = np.bincount(block.item_state[steps.item], minlength=len(block.states))[going_on]
        self._deadlocks += int((degrees == 0).sum())
        self._degrees += np.bincount(np.minimum(degrees, DEGREES - 1), minlength=DEGREES)

    def _lead(self, block: Block, steps: Steps) -> None:
        """Note the steps to targets."""
        target = self._targets.find(steps.successor)
        some = np.flatnonzero(target >= 0)
        events = self._target_numbers[target[some]]
        if self._mode == LEADS:
            events = events * self._actions + self._memo.action.values[steps.move[some]]
        self._happened(block, steps.item[some], events, steps.move[some])

    def _note(self, block: Block, steps: Steps, going_on: Flags) -> None:
        """Note the steps with the numbers of their states."""
        source, successor = self._visited.find(block.states), self._visited.find(steps.successor)
        self._edges.append(_columns(source[block.item_state[steps.item]], successor, number_of_move(steps.move)))
        items = np.flatnonzero(going_on[block.item_state])
        of, cut = self._memo.cuts(block.entry[items])
        beyond = np.full(len(cut), NOWHERE, dtype=np.int64)
        self._edges.append(_columns(source[block.item_state[items[of]]], beyond, number_of_cut(cut)))

    def again(self, alive: Alive) -> bool:
        """See `backend.Backend`."""
        self._memo.apply()
        self.settle(alive)
        self._source, self._next = self._postponed.values, 0
        self._postponed = Growing(np.uint32, self._visited.padded)
        return len(self._source) > 0

    # ---- steps
    def index(self) -> Numbers:
        """See `backend.Backend`."""
        return np.arange(len(self._visited), dtype=np.uint32)

    def edges(self) -> Numbers:
        """See `backend.Backend`."""
        found = np.concatenate([np.zeros((0, 3), dtype=np.uint32), *self._edges])
        self._edges.clear()
        return found

    def moves(self) -> Moves:
        """See `backend.Backend`."""
        return self._memo.moves_of_steps()

    # ---- several violations
    def fatal(self, events: Sequence[int]) -> None:
        """See `backend.Backend`."""
        self._fatal = np.array(events, dtype=np.int64)

    def collect(self, *, on: bool) -> None:
        """See `backend.Backend`."""
        self._collecting = on
        self._collected.clear()

    def collected(self) -> list[tuple[State, int]]:
        """See `backend.Backend`."""
        return list(self._collected)

    def targets(self, states: Sequence[tuple[State, int]], numbers: int) -> None:
        """See `backend.Backend`."""
        self._targets = RowTable(self._width)
        self._targets.insert(self._rows(np.array([state for state, _ in states], dtype=np.uint32)))
        self._target_numbers = np.array([number for _, number in states], dtype=np.int64)

    # ---- what was found
    def _happened(self, block: Block, items: Places, events: Places, moves: Places | None = None) -> None:
        """Note events of items (or of a move of each), for each number the one in the least state: its last component counts most, and
        among equal states the first group and move.
        """
        rows = block.states[block.item_state[items], : self._width]
        if self._collecting and self._mode == CHECK:
            self._collected += zip(map(tuple, rows.tolist()), events.tolist(), strict=True)
        for number in np.unique(events).tolist():
            at = np.flatnonzero(events == number)
            least = int(at[np.lexsort(rows[at].T)[0]])
            state, item = tuple(rows[least].tolist()), int(items[least])
            best = self._found.get(number)
            if best is None or state[::-1] < best.state[::-1]:
                move = 0 if moves is None else int(moves[least]) - self._memo.first_move(int(block.entry[item]))
                self._found[number] = Found(state, self._memo.key(block.key[item].tolist()), move)

    def event(self, number: int) -> Found | None:
        """See `backend.Backend`."""
        return self._found.get(number)

    def numbers(self, state: State) -> list[int]:
        """See `backend.Backend`."""
        return list(state)

    def dump(self, depth: int) -> Iterator[Numbers]:
        """See `backend.Backend`."""
        yield self._visited.rows[self._ends[depth] : self._ends[depth + 1], : self._width]

    def manifest(self) -> dict[str, Any] | None:
        """See `backend.Backend`: levels are in memory."""
        return None

    def saved(self) -> None:
        """Nothing to do: a checkpoint has the levels in it."""

    def adopt(self, manifest: dict[str, Any]) -> None:
        """See `backend.Backend`."""
        raise ValueError("its levels are on disk, which only the back end in C can use")

    def stats(self) -> Stats:
        """See `backend.Backend`. The tables are the arrays, without what Python holds of the same values."""
        return Stats(
            distinct=len(self._visited),
            deadlocks=self._deadlocks,
            steps=self._steps,
            bytes=self._visited.nbytes,
            tables=self._components.nbytes + self._memo.nbytes,
            words=self._visited.padded // 2,
            entries=len(self._memo.keys),
            patches=self._memo.patches,
            made=len(self._memo.made),
            generated=tuple(self._generated.tolist()),
            cut=tuple(self._cut.tolist()),
            values=tuple(len(rows) for rows in self._components.rows),
        )

    def degrees(self) -> list[int]:
        """See `backend.Backend`."""
        found: list[int] = self._degrees.tolist()
        return found

    def restore(
        self, deadlocks: int, steps: int, generated: Sequence[int], cut: Sequence[int], degrees: Sequence[int]
    ) -> None:
        """See `backend.Backend`."""
        self._deadlocks, self._steps = deadlocks, steps
        self._generated[:], self._cut[:], self._degrees[:] = generated, cut, degrees

    def close(self) -> None:
        """Nothing to give back."""


def _columns(*columns: Places) -> Numbers:
    return np.stack(columns, axis=1).astype(np.uint32)
