"""The decisions a voter can get wrong, each a small pure function; a historical bug replaces some of them (`bugs.py`).

A node reaches them only through its `Rules`, so that a mutated cluster differs from a correct one by data.
"""

from collections.abc import Callable

from attrs import frozen

from impl.kraft.log import Log, OffsetAndEpoch


def log_up_to_date(candidate: OffsetAndEpoch, own: OffsetAndEpoch) -> bool:
    """Whether the candidate's log end is at least as up-to-date as the voter's: epoch first, then offset.

    Raft section 5.4.1.
    """
    return candidate.at_least(own)


def may_grant_vote(voted_id: int | None, leader_id: int | None, candidate_id: int, up_to_date: bool) -> bool:
    """Whether an Unattached voter grants its vote. UnattachedState.canGrantVote.

    A vote that was given is repeated for the same candidate, without a look at its log; a known leader excludes a vote.
    """
    if voted_id is not None:
        return voted_id == candidate_id
    return leader_id is None and up_to_date


def persist_granted_vote() -> bool:
    """Whether a granted vote is made durable before the grant leaves. QuorumState.durableTransitionTo."""
    return True


def resign_on_recovery() -> bool:
    """Whether a node that finds itself the leader on its disk starts Resigned. QuorumState.initialize, KAFKA-10527."""
    return True


def flush_after_append() -> bool:
    """Whether records are flushed: by a follower before its next Fetch, by a leader at the end of a drain. KAFKA-10533."""
    return True


def majority_index(voters: int) -> int:
    """Which of the voters' end offsets, in descending order from 0, a majority has reached. LeaderState, n / 2."""
    return voters // 2


def may_advance_high_watermark(offset: int, epoch_start_offset: int, current: int | None) -> bool:
    """Whether the leader's high watermark may move to `offset`, which a majority has reached. LeaderState.

    Strictly beyond the start of the epoch: the leader's own LeaderChange record is then on a majority (KAFKA-12619;
    Raft section 5.4.2, figure 8).
    """
    return offset > epoch_start_offset and (current is None or offset > current)


def may_truncate(end_offset: int, high_watermark: int | None) -> bool:
    """Whether a follower may cut its log at `end_offset`: never below its high watermark. KafkaMetadataLog.truncateTo."""
    return high_watermark is None or end_offset >= high_watermark


def truncation_target(log: Log, diverging: OffsetAndEpoch) -> int:
    """Where a diverging follower cuts its log. ReplicatedLog.truncateToEndOffset."""
    return log.truncation_target(diverging)


@frozen
class Rules:
    """The rules of one node. The defaults are the correct ones."""

    log_up_to_date: Callable[[OffsetAndEpoch, OffsetAndEpoch], bool] = log_up_to_date
    may_grant_vote: Callable[[int | None, int | None, int, bool], bool] = may_grant_vote
    persist_granted_vote: Callable[[], bool] = persist_granted_vote
    resign_on_recovery: Callable[[], bool] = resign_on_recovery
    flush_after_append: Callable[[], bool] = flush_after_append
    majority_index: Callable[[int], int] = majority_index
    may_advance_high_watermark: Callable[[int, int, int | None], bool] = may_advance_high_watermark
    may_truncate: Callable[[int, int | None], bool] = may_truncate
    truncation_target: Callable[[Log, OffsetAndEpoch], int] = truncation_target
