"""Draws from one seeded generator, by the two methods whose results do not change between Python versions."""

from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Draws:
    """`random.Random` reduced to `getrandbits` and `random`: the same seed gives the same draws everywhere."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def below(self, bound: int) -> int:
        """An integer from 0 to below `bound`; the bias of the remainder is below 2**-32 for the bounds used here."""
        return self._random.getrandbits(64) % bound

    def between(self, low: int, high: int) -> int:
        """An integer from `low` to `high`, both included."""
        return low + self.below(high - low + 1)

    def chance(self, probability: float) -> bool:
        """True with that probability."""
        return self._random.random() < probability

    def fraction(self) -> float:
        """A number from 0 to below 1."""
        return self._random.random()

    def one_of(self, items: Sequence[T]) -> T:
        """One of the items."""
        return items[self.below(len(items))]
