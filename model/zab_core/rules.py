"""The decisions on which the core's safety rests: small pure functions, replaced by name to plant a bug.

They take values, never the state. A zxid is (epoch, counter), compared epoch first.
"""

from typing import Any

from model.language import maximum, minimum, rule


# ---- discovery
@rule
def is_new_epoch(epoch: Any, accepted: Any) -> Any:
    """A leader proposes an epoch above the one that it has accepted. Leader.getEpochToPropose."""
    return epoch > accepted


@rule
def may_follow(epoch: Any, accepted: Any) -> Any:
    """A follower goes with a leader whose epoch is not below the one that it has accepted. Learner.registerWithLeader."""
    return epoch >= accepted


@rule
def is_promise(epoch: Any, accepted: Any) -> Any:
    """Only an epoch above the accepted one is promised; for an equal one the ACKEPOCH says -1 and does not count."""
    return epoch > accepted


@rule
def counts_as_promise(epoch: Any, my_epoch: Any) -> Any:
    """A leader counts the promises of the epoch that it has proposed. Leader.waitForEpochAck."""
    return epoch == my_epoch


@rule
def not_ahead(current: Any, last_epoch: Any, end: Any, my_current: Any, my_last_epoch: Any, my_end: Any) -> Any:
    """A leader refuses a follower that is ahead of it: of a later current epoch, or of the same and with a higher last zxid.

    StateSummary.isMoreRecentThan in Leader.waitForEpochAck; the paper has the leader take over the best history instead.
    """
    zxid_not_higher = (last_epoch < my_last_epoch) | ((last_epoch == my_last_epoch) & (end <= my_end))
    return (current < my_current) | ((current == my_current) & zxid_not_higher)


# ---- synchronisation
@rule
def syncs_with(epoch: Any, accepted: Any) -> Any:
    """A follower takes over the history of the leader whose epoch it has accepted. Learner.syncWithLeader."""
    return epoch == accepted


@rule
def keeps(place: Any, end: Any, initial_end: Any, keep_end: Any) -> Any:
    """A follower that takes over the leader's history up to `end` keeps what they share, here `place`. LearnerHandler.syncFollower.

    Unless it has come back within the epoch: then only up to `keep_end` (TRUNC). `initial_end`: where the leader's initial history ends.
    """
    return (place <= end) | (place > keep_end)


@rule
def keep_end_on_return(length: Any, committed_end: Any) -> Any:
    """A follower that comes back within the epoch may be cut to what its leader has committed, no further. LearnerHandler.syncFollower."""
    return minimum(length, committed_end)


@rule
def counted_on_return(acked_end: Any) -> Any:
    """What the leader counts of the ACKs of a follower that has come back: none from before.

    ZooKeeper's Leader keeps them in the proposal (Proposal.ackset), also when it truncates the follower.
    """
    return acked_end - acked_end


@rule
def has_initial_history(synchronizing: Any, end: Any, initial_end: Any) -> Any:
    """A follower writes the epoch to currentEpoch when the initial history is on its disk, not before (ZOOKEEPER-2678, 3911, 4643)."""
    return synchronizing & (end >= initial_end)


@rule
def may_acknowledge_new_leader(current: Any, epoch: Any) -> Any:
    """A follower acknowledges NEWLEADER when the epoch is in its file currentEpoch (ZOOKEEPER-4646)."""
    return current == epoch


@rule
def counts_as_synced(epoch: Any, my_epoch: Any) -> Any:
    """A leader counts acknowledgements of its own NEWLEADER. Leader.waitForNewLeaderAck."""
    return epoch == my_epoch


@rule
def has_synced(acknowledged: Any) -> Any:
    """A server counts for the start of broadcast if it has acknowledged NEWLEADER. Leader.lead."""
    return acknowledged


# ---- broadcast
@rule
def takes_proposals(current: Any, accepted: Any) -> Any:
    """A server logs the proposals of an epoch while it has accepted no later one."""
    return current == accepted


@rule
def counts_as_ack(epoch: Any, my_epoch: Any) -> Any:
    """A leader counts acknowledgements of its own proposals. Leader.processAck."""
    return epoch == my_epoch


@rule
def has_acknowledged(acked_end: Any, end: Any) -> Any:
    """A server counts for the commit of `end` if it has acknowledged as much. Leader.tryToCommit."""
    return acked_end >= end


@rule
def has_logged(end: Any, length: Any) -> Any:
    """A server delivers what is committed once it has logged it. Follower.processPacket, FollowerZooKeeperServer.commit."""
    return end <= length


# ---- restart
@rule
def accepted_after_restart(accepted: Any, current: Any) -> Any:
    """The epoch that a server has accepted is in its file acceptedEpoch before the ACKEPOCH leaves."""
    return accepted


@rule
def current_after_restart(current: Any, last_epoch: Any) -> Any:
    """The epoch whose history a server has adopted is in its file currentEpoch before the ACK of NEWLEADER leaves.

    Who crashed between the two, and has a transaction of a newer epoch, takes that epoch. ZooKeeper's server refuses to start then
    (ZOOKEEPER-1653, 2354): that is one which never does anything again, and as such is in the core too.
    """
    return maximum(current, last_epoch)


RULES = (
    is_new_epoch,
    may_follow,
    is_promise,
    counts_as_promise,
    not_ahead,
    syncs_with,
    keeps,
    keep_end_on_return,
    counted_on_return,
    has_initial_history,
    may_acknowledge_new_leader,
    counts_as_synced,
    has_synced,
    takes_proposals,
    counts_as_ack,
    has_acknowledged,
    has_logged,
    accepted_after_restart,
    current_after_restart,
)
