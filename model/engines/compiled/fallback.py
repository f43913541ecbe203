"""The back end in Python, for machines without a C compiler: the same numbers, the same results, some fifty times slower."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

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
    Numbers,
    Reduction,
    Stats,
)
from model.engines.compiled.components import Partition
from model.engines.compiled.evaluate import Evaluator
from model.engines.compiled.misses_code import MissesCode

State = tuple[int, ...]


class Portable:
    """A state is the tuple of its components' numbers. See `backend.Backend` for what the methods do."""

    threads = 1
    fingerprints = False
    pays: int | None = None

    def __init__(self, partition: Partition) -> None:
        components = partition.components
        self._groups = partition.groups
        self._actions = len(partition.ground.actions)
        self._projections = [c.projections for c in components]
        self._values: list[dict[tuple[int, ...], int]] = [{} for _ in components]
        self._rows: list[list[tuple[int, ...]]] = [[] for _ in components]
        self._known: list[list[dict[tuple[int, ...], int]]] = [[{} for _ in c.projections] for c in components]
        self._parts: list[list[list[tuple[int, ...]]]] = [[[] for _ in c.projections] for c in components]
        self._masks: list[list[list[int]]] = [[[] for _ in c.projections] for c in components]
        self._uses = [[0 for _ in c.projections] for c in components]
        for group in self._groups:
            for view in group.views:
                self._uses[view.component][view.projection] |= 1 << group.number
        self._everything = (1 << len(self._groups)) - 1
        self._alive: list[list[int]] = [[] for _ in components]
        self._seen: list[list[tuple[int, ...]]] = [[] for _ in components]
        self._memo: dict[Key, Entry] = {}
        self._patches: list[tuple[int, Sequence[tuple[int, int]]]] = []
        self._patch_numbers: dict[tuple[Any, ...], int] = {}
        self._made: dict[tuple[int, int], int] = {}
        self._order: list[State] = []
        self._ends = [0]
        self._visited: set[State] = set()
        self._key_misses: set[Key] = set()
        self._patch_misses: set[tuple[int, int]] = set()
        self._source: list[State] = []
        self._postponed: list[State] = []
        self._next = self._end = self._mode = self._wanted = 0
        self._target: State = ()
        self._found: dict[int, Found] = {}
        self._reduction: Reduction | None = None
        self._orbits = 0
        self._fatal: frozenset[int] = frozenset()
        self._collecting = False
        self._collected: list[tuple[State, int]] = []
        self._targets: dict[State, int] = {}
        self._number: dict[State, int] = {}
        self._edges: list[tuple[int, int, int]] = []
        self._keys: list[Key] = []
        self._moves: list[tuple[int, int]] = []
        self._move_numbers: dict[Key, dict[int, int]] = {}
        self._generated, self._cut = [0] * self._actions, [0] * self._actions
        self._deadlocks = self._steps = 0
        self._degrees = [0] * DEGREES

    # ---- components
    def intern(self, component: int, row: Sequence[int]) -> int:
        """See `backend.Backend`."""
        key = tuple(row)
        number = self._values[component].setdefault(key, len(self._rows[component]))
        if number == len(self._rows[component]):
            self._rows[component].append(key)
        return number

    def row(self, component: int, value: int) -> list[int]:
        """See `backend.Backend`."""
        return list(self._rows[component][value])

    def seen(self, component: int, projection: int, value: int) -> list[int]:
        """See `backend.Backend`."""
        return list(self._parts[component][projection][value])

    def settle(self, alive: Alive) -> None:
        """See `backend.Backend`."""
        if self._reduction is not None:
            self._reduction.close(self)
        for c, rows in enumerate(self._rows):
            known, masks, uses = self._known[c], self._masks[c], self._uses[c]
            for row in rows[len(self._seen[c]) :]:
                seen = []
                for p, places in enumerate(self._projections[c]):
                    part = tuple([row[i] for i in places])
                    number = known[p].setdefault(part, len(known[p]))
                    if number == len(masks[p]):
                        self._parts[c][p].append(part)
                        masks[p].append(alive(c, p, list(part)) | self._everything & ~uses[p])
                    seen.append(number)
                bits = self._everything
                for p, number in enumerate(seen):
                    bits &= masks[p][number]
                self._seen[c].append(tuple(seen))
                self._alive[c].append(bits)

    def reduce(self, by: Reduction) -> None:
        """See `backend.Backend`."""
        self._reduction = by

    def orbits(self) -> int | None:
        """See `backend.Backend`."""
        return self._orbits

    def _images(self, state: Sequence[int]) -> list[State]:
        """A state under all permutations."""
        if self._reduction is None:
            return [tuple(state)]
        found = []
        for becomes, tables in zip(self._reduction.becomes, self._reduction.tables, strict=True):
            new = [0] * len(state)
            for component, value in enumerate(state):
                new[becomes[component]] = int(tables[component][value])
            found.append(tuple(new))
        return found

    def _least(self, state: Sequence[int]) -> State:
        return min(self._images(state), key=lambda image: image[::-1])

    # ---- the memo
    def compile(self, code: MissesCode, evaluator: Evaluator) -> None:
        """See `backend.Backend`: without a compiler, misses stay with Python."""

    def fill(self, evaluate: Callable[[Key], Entry], event: Callable[[tuple[str, ...]], int]) -> None:
        """See `backend.Backend`."""
        self._memo.update([(key, evaluate(key)) for key in sorted(self._key_misses)])
        self._key_misses.clear()

    def patch(self, component: int, pairs: Sequence[tuple[int, int]]) -> int:
        """See `backend.Backend`."""
        number = self._patch_numbers.setdefault((component, *pairs), len(self._patches))
        if number == len(self._patches):
            self._patches.append((component, pairs))
        return number

    # ---- rounds
    def add(self, numbers: Sequence[int]) -> None:
        """See `backend.Backend`."""
        images = self._images(numbers)
        state = min(images, key=lambda image: image[::-1])
        if state not in self._visited:
            self._visited.add(state)
            self._orbits += len(set(images))
            self._order.append(state)

    def advance(self) -> int:
        """See `backend.Backend`."""
        self._ends.append(len(self._order))
        return self._ends[-1] - self._ends[-2]

    def level(self, depth: int, mode: int, groups: int, target: State = ()) -> None:
        """See `backend.Backend`."""
        self._source, self._next, self._end = self._order, self._ends[depth], self._ends[depth + 1]
        self._mode, self._wanted, self._target = mode, groups, target
        self._found.clear()

    def run(self, most: int) -> bool:
        """See `backend.Backend`."""
        last = min(self._end, self._next + most)
        while self._next < last:
            state = self._source[self._next]
            self._next += 1
            if not self._expand(state):
                self._postponed.append(state)
        return self._next == self._end

    def _expand(self, state: State) -> bool:
        """Take all steps out of a state, unless something is missing."""
        bits = self._wanted
        for component, number in enumerate(state):
            bits &= self._alive[component][number]
        entries, complete, doomed = [], True, False
        for group in self._groups:
            if bits >> group.number & 1:
                seen = [self._seen[v.component][state[v.component]][v.projection] for v in group.views]
                key = (group.number, *seen)
                entry = self._memo.get(key)
                if entry is None:
                    self._key_misses.add(key)
                    complete = False
                elif self._mode != CHECK:
                    entries.append((key, entry))
                if entry is not None and entry.event:
                    doomed |= entry.event in self._fatal
                    if self._mode in (EXPLORE, CHECK):
                        self._event(entry.event, state, key, 0)
        return complete and ((self._mode != CHECK and doomed) or self._take(state, entries))

    def _take(self, state: State, entries: list[tuple[Key, Entry]]) -> bool:
        successors: list[tuple[int, int, State, Key, int]] = []
        complete = True
        for key, entry in entries:
            number = 0
            for action, cut, event, patches in entry.moves:
                if cut:
                    continue
                new = list(state)
                for patch in patches:
                    component = self._patches[patch][0]
                    to = self._made.get((patch, state[component]))
                    if to is None:
                        self._patch_misses.add((patch, state[component]))
                        complete = False
                    else:
                        new[component] = to
                successors.append((action, event, tuple(new), key, number))
                number += 1
        if not complete:
            return False
        if self._mode == EDGES:
            self._note(state, entries, successors)
            return True
        for action, event, new_state, key, number in successors:
            if self._mode in (FIND, LEADS):
                if event not in self._fatal:
                    self._lead(action, self._least(new_state), state, key, number)
                continue
            self._generated[action] += 1
            if event:
                self._event(event, state, key, number)
            if event not in self._fatal:
                self.add(new_state)
        if self._mode == EXPLORE:
            self._steps += len(successors)
            self._deadlocks += not successors
            self._degrees[min(len(successors), DEGREES - 1)] += 1
            for _, entry in entries:
                for action, cut, _, _ in entry.moves:
                    self._cut[action] += cut
        return True

    # ---- steps
    def index(self) -> Numbers:
        """See `backend.Backend`."""
        self._number = {state: number for number, state in enumerate(self._order)}
        return np.arange(len(self._order), dtype=np.uint32)

    def _note(
        self, state: State, entries: list[tuple[Key, Entry]], successors: list[tuple[int, int, State, Key, int]]
    ) -> None:
        source = self._number[state]
        for _, _, target, key, number in successors:
            if target != state:
                self._edges.append((source, self._number[target], self._move(key, number)))
        for key, entry in entries:
            for action in dict.fromkeys(move[0] for move in entry.moves if move[1]):
                self._edges.append((source, NOWHERE, self._move(key, -1 - action)))

    def _move(self, key: Key, number: int) -> int:
        """The number of a move, given when it is first needed."""
        known = self._move_numbers.get(key)
        if known is None:
            known = self._move_numbers[key] = {}
            self._keys.append(key)
        if number not in known:
            known[number] = len(self._moves)
            self._moves.append((len(self._keys) - 1, number))
        return known[number]

    def edges(self) -> Numbers:
        """See `backend.Backend`."""
        found = np.array(self._edges, dtype=np.uint32).reshape(len(self._edges), 3)
        self._edges.clear()
        return found

    def moves(self) -> Moves:
        """See `backend.Backend`."""
        rows = [(move, *row) for move, row in enumerate(self._moves)]
        return Moves(self._keys, np.array(rows, dtype=np.int32).reshape(len(rows), 3))

    def again(self, alive: Alive) -> bool:
        """See `backend.Backend`."""
        for patch, value in sorted(self._patch_misses, key=lambda m: (self._patches[m[0]][0], *m)):
            component, pairs = self._patches[patch]
            row = list(self._rows[component][value])
            for place, new in pairs:
                row[place] = new
            self._made[patch, value] = self.intern(component, row)
        self._patch_misses.clear()
        self.settle(alive)
        self._source, self._postponed = self._postponed, []
        self._next, self._end = 0, len(self._source)
        return bool(self._source)

    # ---- several violations
    def fatal(self, events: Sequence[int]) -> None:
        """See `backend.Backend`."""
        self._fatal = frozenset(events)

    def collect(self, *, on: bool) -> None:
        """See `backend.Backend`."""
        self._collecting = on
        self._collected.clear()

    def collected(self) -> list[tuple[State, int]]:
        """See `backend.Backend`."""
        return list(self._collected)

    def targets(self, states: Sequence[tuple[State, int]], numbers: int) -> None:
        """See `backend.Backend`."""
        self._targets = dict(states)

    def _lead(self, action: int, target: State, state: State, key: Key, move: int) -> None:
        if self._mode == FIND:
            if target == self._target:
                self._event(0, state, key, move)
        elif target in self._targets and target != state:
            self._event(self._targets[target] * self._actions + action, state, key, move)

    # ---- what was found
    def _event(self, number: int, state: State, key: Key, move: int) -> None:
        if self._collecting and self._mode == CHECK:
            self._collected.append((state, number))
        best = self._found.get(number)
        if best is None or state[::-1] < best.state[::-1]:
            self._found[number] = Found(state, key, move)

    def event(self, number: int) -> Found | None:
        """See `backend.Backend`."""
        return self._found.get(number)

    def numbers(self, state: State) -> list[int]:
        """See `backend.Backend`."""
        return list(state)

    def dump(self, depth: int) -> Iterator[Numbers]:
        """See `backend.Backend`."""
        first, last = self._ends[depth], self._ends[depth + 1]
        yield np.array(self._order[first:last], dtype=np.uint32).reshape(last - first, len(self._rows))

    def load(self, states: Numbers) -> None:
        """See `backend.Backend`."""
        for row in states.tolist():
            self.add(row)

    def manifest(self) -> dict[str, Any] | None:
        """See `backend.Backend`: levels are in memory."""
        return None

    def saved(self) -> None:
        """Nothing to do: a checkpoint has the levels in it."""

    def adopt(self, manifest: dict[str, Any]) -> None:
        """See `backend.Backend`."""
        raise ValueError("its levels are on disk, which only the back end in C can use")

    def stats(self) -> Stats:
        """See `backend.Backend`. Bytes are not counted here."""
        return Stats(
            distinct=len(self._order),
            deadlocks=self._deadlocks,
            steps=self._steps,
            bytes=0,
            tables=0,
            words=len(self._rows),
            entries=len(self._memo),
            patches=len(self._patches),
            made=len(self._made),
            generated=tuple(self._generated),
            cut=tuple(self._cut),
            values=tuple(len(rows) for rows in self._rows),
        )

    def degrees(self) -> list[int]:
        """See `backend.Backend`."""
        return list(self._degrees)

    def restore(
        self, deadlocks: int, steps: int, generated: Sequence[int], cut: Sequence[int], degrees: Sequence[int]
    ) -> None:
        """See `backend.Backend`."""
        self._degrees = list(degrees)
        self._deadlocks, self._steps = deadlocks, steps
        self._generated, self._cut = list(generated), list(cut)

    def close(self) -> None:
        """Nothing to give back."""
