"""Arrays that grow, and a set of rows of numbers in which thousands of rows are looked up or inserted at once.

The set is an open-addressing table with linear probing: all rows of a call take their first probe together, then those that are
not settled take the next. Whole rows are compared, so it is exact whatever the hash does.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.uint32]
Words = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_FREE = -1
_FIRST_PLACES = 1 << 10
_ODD, _HALF = np.uint64(0x9E3779B97F4A7C15), np.uint64(32)


class Growing:
    """A numpy array that is appended to."""

    def __init__(self, dtype: Any, *shape: int) -> None:
        self._all: npt.NDArray[Any] = np.zeros((16, *shape), dtype=dtype)
        self.size = 0

    @property
    def values(self) -> npt.NDArray[Any]:
        """What was appended, as a view that later appends may leave behind."""
        return self._all[: self.size]

    @property
    def nbytes(self) -> int:
        """The memory taken, in bytes."""
        return self._all.nbytes

    def with_room(self, more: int) -> npt.NDArray[Any]:
        """What was appended and room for so much more behind it."""
        wanted = self.size + more
        if wanted > len(self._all):
            larger = np.zeros((max(2 * len(self._all), wanted), *self._all.shape[1:]), dtype=self._all.dtype)
            larger[: self.size] = self.values
            self._all = larger
        return self._all[:wanted]

    def extend(self, values: Any) -> None:
        """Append."""
        self.with_room(len(values))[self.size :] = values
        self.size += len(values)


class RowTable:
    """A set of rows of `width` numbers below 2^32, numbered from 0 in the order in which they are inserted.

    Two numbers are compared as one, so rows have a zero more at the end if `width` is odd: `padded` numbers.
    """

    def __init__(self, width: int) -> None:
        self.padded = max(2, width + width % 2)
        self._rows = Growing(np.uint32, self.padded)
        self._table: npt.NDArray[Any] = np.full(_FIRST_PLACES, _FREE, dtype=np.int64)

    def __len__(self) -> int:
        return self._rows.size

    @property
    def rows(self) -> Rows:
        """All rows in the order of their numbers: [rows, padded]."""
        return self._rows.values

    @property
    def nbytes(self) -> int:
        """The memory taken, in bytes."""
        return self._rows.nbytes + self._table.nbytes

    def blank(self, n: int) -> Rows:
        """Rows of zeros to be filled in: [n, padded]."""
        return np.zeros((n, self.padded), dtype=np.uint32)

    def find(self, rows: Rows) -> Places:
        """The number of each row of [n, padded]; -1 where it is not in the set."""
        words, held, mask = rows.view(np.uint64), self.rows.view(np.uint64), len(self._table) - 1
        at = hashes(words) & mask
        found = self._table[at]
        left = np.flatnonzero(found != _FREE)
        left = left[~_same(held, found[left], words, left)]
        at = at[left]
        while len(left):
            at = (at + 1) & mask
            number = self._table[at]
            found[left] = number
            other = number != _FREE
            other[other] = ~_same(held, number[other], words, left[other])
            left, at = left[other], at[other]
        return found

    def insert(self, rows: Rows) -> Places:
        """Put rows of [n, padded] into the set, each once, and number the new ones in this order; which of them were new."""
        before = len(self)
        self._grow(len(rows))
        held = self._rows.with_room(len(rows))
        held[before:] = rows  # for now behind the others, where they can be compared with each other
        left, at = self._claim(held.view(np.uint64), before)
        order = np.argsort(left)
        self._table[at[order]] = np.arange(before, before + len(left))
        new: Places = left[order] - before
        self._rows.extend(rows[new])
        return new

    def _claim(self, held: Words, first: int) -> tuple[Places, Places]:
        """Find places for the rows from `first` on that are not in the table; those rows and their places.

        Of equal rows the first one gets the place, whichever other rows there are.
        """
        mask = len(self._table) - 1
        left = np.arange(first, len(held))
        at = hashes(held[first:]) & mask
        rows, places = [left[:0]], [at[:0]]
        while len(left):
            number = self._table[at]
            free = number == _FREE
            if free.any():
                # Equal rows are at the same place in every round; the one that is written last stays.
                self._table[at[free][::-1]] = left[free][::-1]
                number = self._table[at]
                won = number == left
                rows.append(left[won])
                places.append(at[won])
                left, at, number = left[~won], at[~won], number[~won]
            other = ~_same(held, number, held, left)
            left, at = left[other], (at[other] + 1) & mask
        return np.concatenate(rows), np.concatenate(places)

    def _grow(self, more: int) -> None:
        """Keep the table at most half full, also with so many more rows."""
        places = len(self._table)
        while places < 2 * (len(self) + more):
            places *= 2
        if places > len(self._table):
            self._table = np.full(places, _FREE, dtype=np.int64)
            self._claim(self.rows.view(np.uint64), 0)


def hashes(words: Words) -> Places:
    """A hash of each row of [n, words]: 32 bits."""
    mixed = words[:, 0] * _ODD
    for k in range(1, words.shape[1]):
        mixed = ((mixed ^ mixed >> _HALF) + words[:, k]) * _ODD
    mixed ^= mixed >> _HALF
    mixed *= _ODD
    return (mixed >> _HALF).view(np.int64)


def _same(held: Words, numbers: Places, words: Words, rows: Places) -> Flags:
    """Whether rows of two arrays are equal, by their numbers in each."""
    width = held.shape[1]
    left, right, i, j = held.ravel(), words.ravel(), numbers * width, rows * width
    same: Flags = left.take(i) == right.take(j)
    for k in range(1, width):
        same &= left.take(i + k) == right.take(j + k)
    return same
