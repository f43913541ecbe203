"""The set of rows behind the explorer without a compiler is exact: a dictionary says the same, whatever the hash does."""

from random import Random

import numpy as np
import pytest

from model.engines.compiled import row_table
from model.engines.compiled.backend import EXPLORE
from model.engines.compiled.components import Partition
from model.engines.compiled.explore import explore_compiled
from model.engines.compiled.fallback import BLOCK, Portable
from model.engines.compiled.row_table import Places, RowTable, Words
from model.two_phase.spec import SPEC as TWO_PHASE
from tests.engines.compiled_case import compiled, counts


def same_for_all(words: Words) -> Places:
    """The worst hash."""
    return np.zeros(len(words), dtype=np.int64)


def agree(width: int, rounds: int, most: int) -> bool:
    """Whether a table and a dictionary give random rows the same numbers, found and inserted in pieces with repetitions."""
    random, table, numbers = Random(width), RowTable(width), dict[tuple[int, ...], int]()
    for _ in range(rounds):
        piece = [tuple(random.getrandbits(3) for _ in range(width)) for _ in range(int(most * random.random()))]
        rows = table.blank(len(piece))
        rows[:, :width] = np.array(piece, dtype=np.uint32).reshape(len(piece), width)
        if table.find(rows).tolist() != [numbers.get(row, -1) for row in piece]:
            return False
        before = len(numbers)
        for row in piece:
            numbers.setdefault(row, len(numbers))
        if len(table.insert(rows)) != len(numbers) - before:
            return False
    return [tuple(row[:width]) for row in table.rows.tolist()] == list(numbers)


@pytest.mark.parametrize("width", [1, 2, 3, 4, 7])
def test_a_table_numbers_rows_as_a_dictionary_does(width: int) -> None:
    """Rows are found and numbered in the order of their first appearance, while the table grows several times."""
    assert agree(width, 12, 900)


def test_equal_hashes_do_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    """If all rows have one hash, the table is slow and still exact."""
    monkeypatch.setattr(row_table, "hashes", same_for_all)
    assert agree(3, 6, 60)


def test_a_table_that_compares_half_of_a_row_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: rows are equal if their first words are. With equal hashes the table then loses rows, and the comparison shows it."""
    monkeypatch.setattr(row_table, "hashes", same_for_all)
    monkeypatch.setattr(row_table, "_same", lambda held, numbers, words, rows: held[numbers, 0] == words[rows, 0])
    assert not agree(3, 6, 60)


def test_a_level_of_several_blocks_is_searched_whole() -> None:
    """Two-phase commit of six resource managers has levels of more than one block of states, with the published 50,816 in all."""
    verdict = compiled(TWO_PHASE, {"nodes": 6}, (), "portable")
    assert max(verdict.levels) > BLOCK
    assert verdict.distinct == 50_816


def test_steps_that_are_lost_are_noticed() -> None:
    """Planted: the last state of each block is not expanded. The counts are no longer those of the whole search."""

    class Lossy(Portable):
        """Forgets a state per block."""

        def run(self, most: int) -> bool:
            """Take one state less than there are."""
            if self._mode == EXPLORE and len(self._source) > 1:
                self._source = self._source[:-1]
            return super().run(most)

    def lossy(partition: Partition, threads: int) -> Portable:
        return Lossy(partition)

    whole = compiled(TWO_PHASE, {"nodes": 3}, (), "portable")
    found = explore_compiled(TWO_PHASE, {"nodes": 3}, (), clock=lambda: 0.0, backend=lossy)
    assert counts(found) != counts(whole)
