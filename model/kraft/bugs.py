"""Historical and planted bugs of KRaft: each replaces one rule by name. Ids as in Kafka's JIRA; M-numbers are mutations of a guard.

`bounds` is a scope in which a breadth-first search meets the bug; `breaks` the property that it breaks first there.
"""

from typing import Any

from model.kraft.state import Role
from model.language import NONE, Node, Replacement, count, ite


def _start_included(end: Any, epoch_start: Any) -> Any:
    """The high watermark is exposed as soon as a majority reaches the epoch's start: entries of older epochs commit too early."""
    return end >= epoch_start


def _leader_again(node: Any, leader: Any, voted_for: Any) -> Any:
    """A leader restarts as leader of the same epoch."""
    return ite(
        leader == node,
        Role.LEADER,
        ite(
            voted_for == node,
            Role.CANDIDATE,
            ite(voted_for != NONE, Role.VOTED, ite(leader != NONE, Role.FOLLOWER, Role.UNATTACHED)),
        ),
    )


def _no_flush(length: Any, flushed: Any) -> Any:
    """Nothing is flushed after an append, on leader and followers."""
    return flushed


def _vote_in_memory(node: Any, voted_for: Any) -> Any:
    """The grant is sent before the vote is persisted, so a crash forgets a vote for another node."""
    return ite(voted_for == node, voted_for, NONE)


def _ignore_log(last_epoch: Any, end: Any, my_last_epoch: Any, my_end: Any) -> Any:
    """The voter does not compare logs."""
    return last_epoch == last_epoch  # noqa: PLR0124 - true, as a term


def _minority(holds: Any) -> Any:
    """The index n/2 - 1 into the end offsets in descending order instead of n/2: one voter too few."""
    replicas = count(Node, holds)
    return replicas + replicas + 1 >= count(Node, lambda n: n == n)  # noqa: PLR0124 - all nodes


def _whole_log(end: Any, matches: Any, local_end: Any, diverging_end: Any, high_watermark: Any) -> Any:
    """A diverging follower drops its whole log, whatever it knows to be committed.

    Removing only the check against the high watermark changes nothing: the correct target is never below it (the explorer finds that
    the check never fails), so the mutation needs a wrong target as well.
    """
    return end - end


BUGS = (
    Replacement(
        bug="KAFKA-12619",
        title="High watermark exposed before an entry of the leader's own epoch is committed",
        name="past_epoch_start",
        function=_start_included,
        breaks="electable_nodes_hold_committed_entries",
        bounds={"epochs": 3, "elections": 3, "log": 2, "values": 0, "restarts": 0},
        source="KAFKA-12619, fixed 2021-04 (LeaderState.maybeUpdateHighWatermark); Raft figure 8",
    ),
    Replacement(
        bug="KAFKA-10527",
        title="A voter restarts as leader of the epoch it led",
        name="role_after_restart",
        function=_leader_again,
        breaks="log_matching",
        bounds={"epochs": 1, "elections": 1, "log": 2, "values": 1, "restarts": 1},
        source="KAFKA-10527, fixed 2020-10 (QuorumState.initialize)",
    ),
    Replacement(
        bug="KAFKA-10533",
        title="Appends are not flushed, on leader and followers",
        name="flushed_after_append",
        function=_no_flush,
        breaks="committed_entries_are_flushed_on_a_majority",
        bounds={"epochs": 1, "elections": 1, "log": 1, "values": 0, "restarts": 0},
        source="KAFKA-10533, fixed 2020-10 (KafkaRaftClient.flushLeaderLog, appendAsFollower)",
    ),
    Replacement(
        bug="M2",
        title="A vote is granted before it is persisted",
        name="vote_after_restart",
        function=_vote_in_memory,
        breaks="a_voter_votes_once_per_epoch",
        bounds={"epochs": 1, "elections": 2, "log": 0, "values": 0, "restarts": 1},
        source="mutation of QuorumState.durableTransitionTo",
    ),
    Replacement(
        bug="M3",
        title="A voter does not compare logs",
        name="log_up_to_date",
        function=_ignore_log,
        breaks="leader_completeness",
        bounds={"epochs": 2, "elections": 2, "log": 1, "values": 0, "restarts": 0},
        source="mutation of KafkaRaftClient.handleVoteRequest",
    ),
    Replacement(
        bug="M5",
        title="The high watermark counts one voter too few",
        name="replicated",
        function=_minority,
        breaks="committed_entries_are_flushed_on_a_majority",
        bounds={"epochs": 1, "elections": 1, "log": 1, "values": 0, "restarts": 0},
        source="mutation of LeaderState.maybeUpdateHighWatermark: index n/2 - 1",
    ),
    Replacement(
        bug="M10",
        title="A diverging follower drops its whole log, below its high watermark",
        name="truncation_target",
        function=_whole_log,
        breaks="no_truncation_below_the_high_watermark",
        bounds={"epochs": 2, "elections": 2, "log": 2, "values": 1, "restarts": 0},
        source="mutation of ReplicatedLog.truncateToEndOffset",
    ),
)
