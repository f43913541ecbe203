"""The memo as arrays, for the back end in numpy: entries by key, the moves of an entry, the writes of a move, what a patch makes.

Moves, cuts and writes stand one after the other; entries and moves say where theirs begin and how many there are.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from model.engines.compiled.array_components import ArrayComponents
from model.engines.compiled.backend import Entry, Key, Moves
from model.engines.compiled.components import Partition
from model.engines.compiled.row_table import Flags, Growing, Places, Rows, RowTable


class Steps(NamedTuple):
    """The steps out of a block of states: per step the item (a group alive in a state), the move, and the successor."""

    item: Places
    move: Places
    successor: Rows

    def where(self, kept: Flags) -> "Steps":
        """Those of them that are kept."""
        return Steps(self.item[kept], self.move[kept], self.successor[kept])


class ArrayMemo:
    """All that is known of combinations and patches, and the combinations and patches that were missing in the last round."""

    def __init__(self, partition: Partition, components: ArrayComponents) -> None:
        self._components = components
        self._views = [len(g.views) for g in partition.groups]
        most = max(self._views, default=0)
        # Groups with fewer views see 0 through the others.
        self._view_at = np.full((most, len(self._views)), components.first[-1], dtype=np.int64)
        for group in partition.groups:
            for v, view in enumerate(group.views):
                self._view_at[v, group.number] = components.first[view.component] + view.projection
        self.keys = RowTable(1 + most)
        self.event = Growing(np.int64)  # per entry, 0 for none
        self._moves, self._cuts = Growing(np.int64, 2), Growing(np.int64, 2)  # per entry: where they begin, how many
        self.cut_action, self.cut_times = Growing(np.int64), Growing(np.int64)  # per action of an entry with cut steps
        self.action, self.move_event = Growing(np.int64), Growing(np.int64)  # per move
        self._writes = Growing(np.int64, 2)  # per move: where they begin, how many
        self._write = Growing(np.int64)  # the patch
        self._patches: list[tuple[int, Sequence[tuple[int, int]]]] = []
        self._numbers: dict[tuple[int, tuple[tuple[int, int], ...]], int] = {}
        self._component = Growing(np.int64)  # per patch
        self.made, self._to = (
            RowTable(2),
            Growing(np.uint32),
        )  # (patch, number of a value); the number of what it becomes
        self._missing_keys: list[Rows] = []
        self._missing_patches: list[Rows] = []

    @property
    def patches(self) -> int:
        """How many patches there are."""
        return len(self._patches)

    @property
    def nbytes(self) -> int:
        """The memory that the arrays take, in bytes."""
        entries = (self.keys, self.event, self._moves, self._cuts, self.cut_action, self.cut_times)
        moves = (self.action, self.move_event, self._writes, self._write)
        return sum(a.nbytes for a in (*entries, *moves, self._component, self.made, self._to))

    # ---- between rounds
    def fill(self, evaluate: Callable[[Key], Entry]) -> None:
        """Evaluate the missing combinations in sorted order."""
        keys = _sorted(self._missing_keys, self.keys)
        self._missing_keys = []
        self._append([evaluate(self.key(key)) for key in keys.tolist()])
        self.keys.insert(keys)

    def _append(self, entries: list[Entry]) -> None:
        moves = [[move for move in entry.moves if not move[1]] for entry in entries]
        cuts = [Counter(move[0] for move in entry.moves if move[1]) for entry in entries]
        flat = [move for some in moves for move in some]
        self.event.extend([entry.event for entry in entries])
        self._moves.extend(_ranges(self.action.size, [len(some) for some in moves]))
        self._cuts.extend(_ranges(self.cut_action.size, [len(some) for some in cuts]))
        self.cut_action.extend([action for some in cuts for action in some])
        self.cut_times.extend([times for some in cuts for times in some.values()])
        self.action.extend([action for action, _, _, _ in flat])
        self.move_event.extend([event for _, _, event, _ in flat])
        self._writes.extend(_ranges(self._write.size, [len(patches) for _, _, _, patches in flat]))
        self._write.extend([patch for _, _, _, patches in flat for patch in patches])

    def patch(self, component: int, pairs: Sequence[tuple[int, int]]) -> int:
        """See `backend.Backend`."""
        number = self._numbers.setdefault((component, tuple(pairs)), len(self._patches))
        if number == len(self._patches):
            self._patches.append((component, pairs))
            self._component.extend([component])
        return number

    def apply(self) -> None:
        """Make what missing patches make, in the order of component, patch and value."""
        misses = _sorted(self._missing_patches, self.made)
        self._missing_patches = []
        misses = misses[np.argsort(self._component.values[misses[:, 0].astype(np.int64)], kind="stable")]
        to = []
        for patch, value in misses.tolist():
            component, pairs = self._patches[patch]
            row = list(self._components.rows[component][value])
            for place, new in pairs:
                row[place] = new
            to.append(self._components.intern(component, row))
        self.made.insert(misses)
        self._to.extend(to)

    # ---- during a round
    def look_up(self, states: Rows, state: Places, group: Places) -> tuple[Rows, Places]:
        """The keys of items, each a state and a group that is alive there, and their entries; -1 where there is none yet."""
        seen = self._components.seen(states)
        keys = self.keys.blank(len(state))
        keys[:, 0] = group
        row, flat, view_at = state * seen.shape[1], seen.ravel(), self._view_at
        for v in range(len(view_at)):
            keys[:, 1 + v] = flat.take(row + view_at[v].take(group))
        entry = self.keys.find(keys)
        missing = entry < 0
        if missing.any():
            self._missing_keys.append(_once(keys[missing], self.keys.padded))
        return keys, entry

    def moves(self, entry: Places) -> tuple[Places, Places]:
        """All moves of these entries: which entry of them, and the move."""
        return _spread(self._moves.values[entry])

    def cuts(self, entry: Places) -> tuple[Places, Places]:
        """All actions of these entries with steps that are cut: which entry of them, and the place in `cut_action` and `cut_times`."""
        return _spread(self._cuts.values[entry])

    def steps(self, states: Rows, state: Places, entry: Places) -> tuple[Steps, Flags]:
        """The steps of items, given the state and the entry of each; false where a patch is missing, so that a successor is not known."""
        item, move = self.moves(entry)
        before = state[item]
        successor, made = states.take(before, axis=0), np.ones(len(item), dtype=np.bool_)
        flat, row = states.ravel(), before * states.shape[1]
        begin, count = self._writes.values[move].T
        for k in range(int(count.max(initial=0))):
            step = np.flatnonzero(count > k)
            patch = self._write.values[begin[step] + k]
            component = self._component.values[patch]
            key = self.made.blank(len(step))
            key[:, 0], key[:, 1] = patch, flat[row[step] + component]
            number = self.made.find(key)
            if (number < 0).any():
                made[step[number < 0]] = False
                self._missing_patches.append(_once(key[number < 0], 2))
                step, component, number = (a[number >= 0] for a in (step, component, number))
            successor[step, component] = self._to.values[number]
        return Steps(item, move, successor), made

    # ---- what numbers stand for
    def key(self, row: list[int]) -> Key:
        """A row of `keys` without what fills it up."""
        return tuple(row[: 1 + self._views[row[0]]])

    def first_move(self, entry: int) -> int:
        """The number of an entry's first move among all."""
        return int(self._moves.values[entry, 0])

    def moves_of_steps(self) -> Moves:
        """See `backend.Moves`: moves have even numbers (see `number_of_move`), the cut steps of an action of an entry odd ones."""
        used = np.flatnonzero(self._moves.values[:, 1] + self._cuts.values[:, 1])
        (of, move), (of_cut, cut) = self.moves(used), self.cuts(used)
        nth = move - self._moves.values[used[of], 0]
        moves = np.stack([number_of_move(move), of, nth])
        cuts = np.stack([number_of_cut(cut), of_cut, -1 - self.cut_action.values[cut]])
        rows = np.concatenate([moves, cuts], axis=1).T
        return Moves([self.key(row) for row in self.keys.rows[used].tolist()], rows.astype(np.int32))


def number_of_move(move: Places) -> Places:
    """The numbers for whoever asks for steps."""
    return 2 * move


def number_of_cut(cut: Places) -> Places:
    """The same for places in `ArrayMemo.cut_action`."""
    return 2 * cut + 1


def _ranges(first: int, lengths: list[int]) -> Places:
    """Ranges of these lengths, one after the other from `first` on, as (begin, length)."""
    length = np.array(lengths, dtype=np.int64)
    return np.stack([first + np.cumsum(length) - length, length], axis=1)


def _spread(ranges: Places) -> tuple[Places, Places]:
    """Ranges as (begin, length): for each number in them which range it is of, and the number."""
    begin, length = ranges.T
    of = np.repeat(np.arange(len(ranges)), length)
    before = np.cumsum(length) - length
    return of, np.arange(len(of)) + (begin - before)[of]


def _once(rows: Rows, width: int) -> Rows:
    """Rows in lexicographic order, each once."""
    rows = rows[np.lexsort([rows[:, k] for k in reversed(range(width))])]
    new = np.ones(len(rows), dtype=np.bool_)
    new[1:] = (rows[1:] != rows[:-1]).any(axis=1)
    return rows[new]


def _sorted(pieces: list[Rows], table: RowTable) -> Rows:
    """What is missing in a table, in lexicographic order, each once."""
    return _once(np.concatenate([table.blank(0), *pieces]), table.padded)
