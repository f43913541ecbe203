"""The high watermark: how a leader finds out what is committed. LeaderState.maybeUpdateHighWatermark."""

from typing import Any

from model.kraft.rules import past_epoch_start, replicated
from model.kraft.state import Index, KRaft
from model.language import Not, ite, the


def replica_end(s: KRaft, leader: Any, n: Any) -> Any:
    """The end offset that a leader knows of a voter: what the voter last fetched from; its own log's end once it has appended.

    Before its LeaderChange record is drained a new leader does not count itself (updateLocalState comes with the drain).
    """
    own = ite(s.log[leader].length > s.epoch_start[leader], s.log[leader].length, 0)
    return ite(n == leader, own, s.replica_end[leader, n])


def advance_high_watermark(s: KRaft, leader: Any) -> None:
    """A leader exposes what enough voters hold, once that includes a record of its own epoch.

    With the voters' end offsets in descending order, the candidate is the one at n/2. It never moves backwards. History records
    what becomes committed, and in which epoch.
    """
    end = the(
        Index,
        lambda x: (
            (x <= s.log[leader].length)
            & replicated(lambda n: replica_end(s, leader, n) >= x)
            & ((x == s.log[leader].length) | Not(replicated(lambda n: replica_end(s, leader, n) > x)))
        ),
    )
    if past_epoch_start(end, s.epoch_start[leader]) & (end > s.high_watermark[leader]):
        s.high_watermark[leader] = end
        log = s.log[leader]
        epoch = s.epoch[leader]
        s.ghost_committed_epoch[:] = lambda i: ite(newly_committed(s, i, end), log[i].epoch, s.ghost_committed_epoch[i])
        s.ghost_committed_value[:] = lambda i: ite(newly_committed(s, i, end), log[i].value, s.ghost_committed_value[i])
        s.ghost_commit_epoch[:] = lambda i: ite(newly_committed(s, i, end), epoch, s.ghost_commit_epoch[i])


def newly_committed(s: KRaft, i: Any, end: Any) -> Any:
    """Index i is below a high watermark for the first time."""
    return (i >= 1) & (i <= end) & (s.ghost_commit_epoch[i] == 0)
