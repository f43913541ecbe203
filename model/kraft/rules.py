"""KRaft's decisions: small pure functions that a historical bug replaces by name.

They take values, never the state. Comparisons are of (epoch, offset) pairs, epoch first (OffsetAndEpoch).
"""

from typing import Any

from model.kraft.state import Role
from model.language import NONE, is_quorum, ite, minimum, require, rule


@rule
def log_up_to_date(last_epoch: Any, end: Any, my_last_epoch: Any, my_end: Any) -> Any:
    """A candidate's log (last_epoch, end) is at least as up to date as mine. KIP-595; KafkaRaftClient.handleVoteRequest."""
    return (last_epoch > my_last_epoch) | ((last_epoch == my_last_epoch) & (end >= my_end))


@rule
def may_grant(role: Any, voted_for: Any, leader: Any, candidate: Any, up_to_date: Any) -> Any:
    """At most one vote per epoch, and none once a leader is known. UnattachedState.canGrantVote and its siblings.

    A repeat for the same candidate is granted without looking at its log again.
    """
    first = (role == Role.UNATTACHED) & (leader == NONE) & up_to_date
    again = (role == Role.VOTED) & (voted_for == candidate)
    return first | again


@rule
def vote_after_restart(node: Any, voted_for: Any) -> Any:
    """The vote that a node remembers after a crash: the one it gave, since it is durable before the reply leaves."""
    return voted_for


@rule
def role_after_restart(node: Any, leader: Any, voted_for: Any) -> Any:
    """The role in which a node starts from its quorum-state. QuorumState.initialize.

    A leader restarts *resigned* and never leads the same epoch again, since it may have lost what it had not flushed
    (KAFKA-10527). A candidate stays one in the same epoch: its grants are durable at the voters.
    """
    return ite(
        leader == node,
        Role.RESIGNED,
        ite(
            voted_for == node,
            Role.CANDIDATE,
            ite(voted_for != NONE, Role.VOTED, ite(leader != NONE, Role.FOLLOWER, Role.UNATTACHED)),
        ),
    )


@rule
def replicated(holds: Any) -> Any:
    """Enough voters hold an entry for it to be committed: a majority. LeaderState.maybeUpdateHighWatermark."""
    return is_quorum(holds)


@rule
def past_epoch_start(end: Any, epoch_start: Any) -> Any:
    """The high watermark is exposed only once an entry of the leader's own epoch is committed (KAFKA-12619; Raft figure 8)."""
    return end > epoch_start


@rule
def flushed_after_append(length: Any, flushed: Any) -> Any:
    """How much of a log is on disk when a node goes on after an append: all of it (KAFKA-10533)."""
    return length


@rule
def truncation_target(end: Any, matches: Any, local_end: Any, diverging_end: Any, high_watermark: Any) -> Any:
    """Where a diverging follower cuts its log, never below its high watermark (there Kafka stops with an error).

    `local_end` is its own end offset for the diverging epoch, `matches` whether it has that epoch at all, `end` its log's end.
    ReplicatedLog.truncateToEndOffset, KafkaMetadataLog.truncateTo.
    """
    target = ite(matches, minimum(local_end, diverging_end), minimum(local_end, end))
    require(target >= high_watermark)
    return target


RULES = (
    log_up_to_date,
    may_grant,
    vote_after_restart,
    role_after_restart,
    replicated,
    past_epoch_start,
    flushed_after_append,
    truncation_target,
)
