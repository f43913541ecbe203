"""The log of the raft layer: epoch cache, divergence, truncation."""

import pytest

from impl.effects import Entry, FatalError
from impl.kraft.log import Log, OffsetAndEpoch


def _log(*epochs: int) -> Log:
    return Log.recover(tuple(Entry(epoch, None) for epoch in epochs))


def test_epoch_comes_before_offset() -> None:
    """OffsetAndEpoch.compareTo: a shorter log of a later epoch is more up-to-date."""
    assert OffsetAndEpoch(1, 3).at_least(OffsetAndEpoch(9, 2))
    assert not OffsetAndEpoch(9, 2).at_least(OffsetAndEpoch(1, 3))
    assert OffsetAndEpoch(4, 2).at_least(OffsetAndEpoch(4, 2))
    assert not OffsetAndEpoch(3, 2).at_least(OffsetAndEpoch(4, 2))


def test_epoch_cache_holds_the_start_of_each_epoch() -> None:
    """LeaderEpochFileCache: one entry per epoch, at the offset of its first record."""
    assert _log(1, 1, 3, 3, 4).epochs == ((1, 0), (3, 2), (4, 4))
    assert _log().last_epoch == 0


def test_leader_enters_its_epoch_before_it_has_a_record() -> None:
    """ReplicatedLog.initializeLeaderEpoch: the log end claims the new epoch at once, and a restart forgets that."""
    log = _log(1, 1).initialize_leader_epoch(4)

    assert log.end == OffsetAndEpoch(2, 4)
    assert log.append((Entry(4, None),)).epochs == ((1, 0), (4, 2))
    assert log.initialize_leader_epoch(4) is log
    assert Log.recover(log.entries).end == OffsetAndEpoch(2, 1)


def test_epoch_without_a_record_gives_way_to_a_later_one() -> None:
    """LeaderEpochFileCache.assign: an epoch that starts where another one does, without a record between, replaces it."""
    assert _log(1).initialize_leader_epoch(2).append((Entry(3, None),)).epochs == ((1, 0), (3, 1))


def test_epoch_never_goes_backwards() -> None:
    """A record of an older epoch than the last one is refused."""
    with pytest.raises(FatalError, match="append of epoch 1 at offset 2 after epoch 2"):
        _log(1, 2, 1)


@pytest.mark.parametrize(
    ("epoch", "expected"),
    [
        (5, OffsetAndEpoch(7, 5)),  # the last epoch ends where the log does
        (9, OffsetAndEpoch(7, 5)),  # so does any later one
        (4, OffsetAndEpoch(5, 3)),  # an unknown epoch between: the one below it, where the next starts
        (3, OffsetAndEpoch(5, 3)),
        (2, OffsetAndEpoch(2, 2)),
        (1, OffsetAndEpoch(0, 1)),  # below all: itself, at the start of the log
    ],
)
def test_end_offset_for_epoch(epoch: int, expected: OffsetAndEpoch) -> None:
    """ReplicatedLog.endOffsetForEpoch: the largest epoch known up to the one asked for, and where it ends."""
    assert _log(2, 2, 3, 3, 3, 5, 5).end_offset_for_epoch(epoch) == expected


def test_end_offset_for_epoch_of_an_empty_log() -> None:
    """An empty log ends at offset 0 of epoch 0, whatever is asked."""
    assert _log().end_offset_for_epoch(7) == OffsetAndEpoch(0, 0)


@pytest.mark.parametrize(
    ("offset", "epoch", "expected"),
    [
        (0, 0, None),  # an empty log is a prefix of every log
        (0, 9, None),
        (4, 3, None),
        (5, 3, None),
        (6, 3, OffsetAndEpoch(5, 3)),  # too long in a known epoch
        (6, 4, OffsetAndEpoch(5, 3)),  # an epoch that this log does not have
        (3, 1, OffsetAndEpoch(0, 1)),  # only records older than all of this log
        (7, 5, None),
    ],
)
def test_diverging_point(offset: int, epoch: int, expected: OffsetAndEpoch | None) -> None:
    """ReplicatedLog.validateOffsetAndEpoch: whether a log that ends there is a prefix of this one."""
    assert _log(2, 2, 3, 3, 3, 5, 5).diverging_point(offset, epoch) == expected


@pytest.mark.parametrize(
    ("diverging", "expected"),
    [
        (OffsetAndEpoch(0, 0), 0),  # the leader's log is empty
        (OffsetAndEpoch(1, 1), 1),  # the leader's epoch 1 is shorter
        (OffsetAndEpoch(9, 1), 2),  # or longer
        (OffsetAndEpoch(9, 2), 2),  # this log has no epoch 2: back to the end of the one below
        (OffsetAndEpoch(4, 3), 4),
    ],
)
def test_truncation_target(diverging: OffsetAndEpoch, expected: int) -> None:
    """ReplicatedLog.truncateToEndOffset: the common prefix as far as one answer tells."""
    assert _log(1, 1, 3, 3, 3).truncation_target(diverging) == expected


def test_truncation_takes_several_rounds() -> None:
    """Each round of fetch and divergence goes back at least one epoch, until the logs agree; it always ends."""
    leader, follower = _log(1, 2, 2, 5, 5), _log(1, 1, 3, 3, 4)
    targets = []
    for _ in range(10):
        diverging = leader.diverging_point(follower.end_offset, follower.last_epoch)
        if diverging is None:
            break
        target = follower.truncation_target(diverging)
        targets.append(target)
        follower = follower.truncate(target)

    assert targets == [2, 1]
    assert follower.end == OffsetAndEpoch(1, 1)


def test_truncation_trims_the_epoch_cache_even_when_no_record_goes() -> None:
    """KAFKA-10706: an epoch without a record at the log end must go too, or the truncation would repeat for ever."""
    log = _log(1, 1).initialize_leader_epoch(4)

    assert log.truncate(2).end == OffsetAndEpoch(2, 1)
    assert log.truncate(1).epochs == ((1, 0),)
