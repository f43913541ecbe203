"""The values of components as numbers, for the back end in numpy: what their projections show, and which groups are alive."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from model.engines.compiled.backend import Alive
from model.engines.compiled.components import Partition
from model.engines.compiled.row_table import Flags, Growing, Rows

Row = tuple[int, ...]
Bits = npt.NDArray[np.uint8]


class ArrayComponents:
    """The values of all components in the order in which they were met. See `backend.Backend` for intern, row, seen and settle."""

    def __init__(self, partition: Partition) -> None:
        components, groups = partition.components, partition.groups
        self._projections = [c.projections for c in components]
        self._numbers: list[dict[Row, int]] = [{} for _ in components]
        self.rows: list[list[Row]] = [[] for _ in components]
        self._known: list[list[dict[Row, int]]] = [[{} for _ in c.projections] for c in components]
        self._parts: list[list[list[Row]]] = [[[] for _ in c.projections] for c in components]
        self._masks: list[list[list[int]]] = [[[] for _ in c.projections] for c in components]
        self._uses = [[0 for _ in c.projections] for c in components]
        for group in groups:
            for view in group.views:
                self._uses[view.component][view.projection] |= 1 << group.number
        self._everything = (1 << len(groups)) - 1
        self._bytes = max(1, (len(groups) + 7) // 8)
        self._alive = [Growing(np.uint8, self._bytes) for _ in components]
        self._seen = [Growing(np.uint32, len(c.projections)) for c in components]
        self.first = [0]
        """Per component the number of its first projection among all."""
        for c in components:
            self.first.append(self.first[-1] + len(c.projections))

    @property
    def nbytes(self) -> int:
        """The memory that the arrays take, in bytes."""
        return sum(a.nbytes for a in (*self._alive, *self._seen))

    def intern(self, component: int, row: Sequence[int]) -> int:
        """The number of a component's value."""
        key, rows = tuple(row), self.rows[component]
        number = self._numbers[component].setdefault(key, len(rows))
        if number == len(rows):
            rows.append(key)
        return number

    def part(self, component: int, projection: int, value: int) -> list[int]:
        """What a projection shows of a component, by number."""
        return list(self._parts[component][projection][value])

    def settle(self, alive: Alive) -> None:
        """Project the new values."""
        for c, rows in enumerate(self.rows):
            new = rows[self._alive[c].size :]
            if new:
                seen, bits = zip(*[self._look(c, row, alive) for row in new], strict=True)
                self._seen[c].extend(np.array(seen, dtype=np.uint32).reshape(len(new), -1))
                self._alive[c].extend(np.frombuffer(b"".join(bits), dtype=np.uint8).reshape(len(new), -1))

    def _look(self, component: int, row: Row, alive: Alive) -> tuple[list[int], bytes]:
        """The numbers of what the projections show of a value, and the groups that can do something when they see it."""
        seen, bits = [], self._everything
        known, masks, uses = self._known[component], self._masks[component], self._uses[component]
        for p, places in enumerate(self._projections[component]):
            part = tuple([row[i] for i in places])
            number = known[p].setdefault(part, len(known[p]))
            if number == len(masks[p]):
                self._parts[component][p].append(part)
                masks[p].append(alive(component, p, list(part)) | self._everything & ~uses[p])
            bits &= masks[p][number]
            seen.append(number)
        return seen, bits.to_bytes(self._bytes, "little")

    def mask(self, groups: int) -> Bits:
        """A set of groups in the form that `alive` has."""
        return np.frombuffer(groups.to_bytes(self._bytes, "little"), dtype=np.uint8)

    def alive(self, states: Rows, wanted: Bits) -> Flags:
        """Which of the wanted groups are alive for all components of each state: [states, at least the number of groups]."""
        bits = np.tile(wanted, (len(states), 1))
        for c, alive in enumerate(self._alive):
            bits &= alive.values.take(states[:, c], axis=0)
        return np.unpackbits(bits, axis=1, bitorder="little").view(np.bool_)

    def seen(self, states: Rows) -> Rows:
        """What all projections show of each state, by number: [states, projections of all components, and one more that shows 0]."""
        found = np.zeros((len(states), self.first[-1] + 1), dtype=np.uint32)
        for c, seen in enumerate(self._seen):
            found[:, self.first[c] : self.first[c + 1]] = seen.values.take(states[:, c], axis=0)
        return found
