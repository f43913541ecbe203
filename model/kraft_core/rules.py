"""The decisions on which the core's safety rests: small pure functions, replaced by name to plant a bug.

They take values, never the state. Logs are compared by (epoch of the last entry, length), epoch first.
"""

from typing import Any

from model.kraft_core.state import Role
from model.language import ite, rule


@rule
def election_epoch(epoch: Any) -> Any:
    """A candidate stands in the epoch after its own. QuorumState.transitionToCandidate."""
    return epoch + 1


@rule
def log_up_to_date(last_epoch: Any, end: Any, my_last_epoch: Any, my_end: Any) -> Any:
    """A candidate's log (last_epoch, end) is at least as up to date as mine. KafkaRaftClient.handleVoteRequest."""
    return (last_epoch > my_last_epoch) | ((last_epoch == my_last_epoch) & (end >= my_end))


@rule
def may_vote_in(epoch: Any, my_epoch: Any) -> Any:
    """A voter answers candidates of its own epoch or of a newer one. KafkaRaftClient.handleVoteRequest."""
    return epoch >= my_epoch


@rule
def may_grant(first: Any, again: Any, up_to_date: Any) -> Any:
    """At most one vote per epoch, to a candidate whose log is not behind; a repeat for the same candidate is granted.

    `first`: the voter has not voted in this epoch; `again`: it has, for this candidate.
    """
    return (first & up_to_date) | again


@rule
def counts_as_grant(epoch: Any, my_epoch: Any) -> Any:
    """A candidate counts votes that were given in the epoch in which it stands. KafkaRaftClient.handleVoteResponse."""
    return epoch == my_epoch


@rule
def may_serve(epoch: Any, my_epoch: Any) -> Any:
    """A leader answers fetches of its own epoch (else FENCED_LEADER_EPOCH or UNKNOWN_LEADER_EPOCH)."""
    return epoch == my_epoch


@rule
def is_prefix(end: Any, last_epoch: Any, end_of_epoch: Any, epoch_there: Any, leader_epoch: Any) -> Any:
    """A follower's log (end, last_epoch) is a prefix of the leader's. KafkaMetadataLog.validateOffsetAndEpoch.

    `end_of_epoch` is the leader's end offset for `last_epoch`, `epoch_there` the epoch of its entry there, `leader_epoch` the
    leader's own last epoch, which it knows before there is a record of it.
    """
    known = (last_epoch == leader_epoch) | (last_epoch == epoch_there)
    return (end == 0) | (known & (end <= end_of_epoch))


@rule
def awaited(end: Any, last_epoch: Any, my_end: Any, my_last_epoch: Any) -> Any:
    """A follower takes records only as the answer to the Fetch that it awaits, which named the end that its log still has.

    In Kafka it is the correlation id that says so (RequestManager).
    """
    return (end == my_end) & (last_epoch == my_last_epoch)


@rule
def truncation_awaited(end: Any, last_epoch: Any, my_end: Any, my_last_epoch: Any) -> Any:
    """A follower cuts its log only on the answer to the Fetch that it awaits: a late one would delete what it has acknowledged."""
    return (end == my_end) & (last_epoch == my_last_epoch)


@rule
def is_current(epoch: Any, my_epoch: Any) -> Any:
    """A follower takes records from the leader of its own epoch only. KafkaRaftClient.handleFetchResponse."""
    return epoch == my_epoch


@rule
def may_cut(keeps_what_may_be_shared: Any) -> Any:
    """A diverging follower keeps at least what the leader may share. ReplicatedLog.truncateToEndOffset."""
    return keeps_what_may_be_shared


@rule
def follower_high_watermark(announced: Any, length: Any) -> Any:
    """A follower's high watermark is the leader's, but at most the end of its own log. KafkaRaftClient.updateFollowerHighWatermark."""
    return ite(length < announced, length, announced)


@rule
def may_commit(entry_epoch: Any, epoch: Any) -> Any:
    """A leader commits by counting only up to an entry of its own epoch (Raft figure 8; KAFKA-12619)."""
    return entry_epoch == epoch


@rule
def vote_after_restart(voted_for: Any) -> Any:
    """The vote that a node remembers after a crash: the one it gave, since it is durable before the reply leaves."""
    return voted_for


@rule
def role_after_restart(role: Any) -> Any:
    """A leader restarts resigned and never leads the same epoch again; a candidate stays one (QuorumState.initialize)."""
    stays = (role == Role.CANDIDATE) | (role == Role.RESIGNED)
    return ite(role == Role.LEADER, Role.RESIGNED, ite(stays, role, Role.UNATTACHED))


RULES = (
    election_epoch,
    log_up_to_date,
    may_vote_in,
    may_grant,
    counts_as_grant,
    may_serve,
    is_prefix,
    awaited,
    truncation_awaited,
    is_current,
    may_cut,
    follower_high_watermark,
    may_commit,
    vote_after_restart,
    role_after_restart,
)
