"""The core of KRaft: what voters do. Elections (KIP-595, KIP-996), pull replication, high watermark, restart."""

from typing import Any

from model.kraft_core.rules import (
    awaited,
    counts_as_grant,
    election_epoch,
    follower_high_watermark,
    is_current,
    is_prefix,
    log_up_to_date,
    may_commit,
    may_cut,
    may_grant,
    may_serve,
    may_vote_in,
    role_after_restart,
    truncation_awaited,
    vote_after_restart,
)
from model.kraft_core.state import (
    BeginQuorum,
    Diverged,
    Entry,
    Epoch,
    Fetched,
    FetchRequest,
    Index,
    KRaftCore,
    Role,
    Value,
    VoteGranted,
    VoteRequest,
)
from model.language import NONE, Node, Not, forall, implies, is_quorum, ite, minimum, require, the


# ---- elections
def end_epoch(log: Any) -> Any:
    """The epoch of a log's last entry; 0 for an empty log."""
    return ite(log.length == 0, 0, log[log.length].epoch)


def leave_role(s: KRaftCore, n: Any) -> None:
    """Forget what belongs to the role that a node leaves."""
    s.grants[n, :] = False
    s.replica_end[n, :] = 0


def become_unattached(s: KRaftCore, n: Any, epoch: Any) -> None:
    """A node moves to a newer epoch, in which it has not voted. What it has appended it has flushed: a leader handles messages
    between two drains, and a drain flushes (KafkaRaftClient.flushLeaderLog).
    """
    require(s.flushed[n] == s.log[n].length)

    s.epoch[n] = epoch
    s.role[n] = Role.UNATTACHED
    s.voted_for[n] = NONE
    leave_role(s, n)


def start_pre_vote(s: KRaftCore, n: Node) -> None:
    """A voter that hears no leader asks whether it could win (KIP-996). What it is told decides nothing that safety needs."""
    require((s.role[n] == Role.UNATTACHED) | (s.role[n] == Role.FOLLOWER))

    s.role[n] = Role.PROSPECTIVE


def start_election(s: KRaftCore, n: Node) -> None:
    """A voter that is not the leader stands for election in the next epoch. QuorumState.transitionToCandidate."""
    require(s.role[n] != Role.LEADER)

    s.aux_elections = s.aux_elections + 1
    epoch = election_epoch(s.epoch[n])
    s.epoch[n] = epoch
    s.role[n] = Role.CANDIDATE
    s.voted_for[n] = n
    s.grants[n, :] = lambda voter: voter == n


def request_votes(s: KRaftCore, candidate: Node) -> None:
    """A candidate asks for votes, naming the end of its log: when it stands, and again when it comes back from a crash."""
    require(s.role[candidate] == Role.CANDIDATE)

    end, last_epoch = s.log[candidate].length, s.last_epoch[candidate]
    s.vote_requests.send(VoteRequest(candidate=candidate, epoch=s.epoch[candidate], end=end, last_epoch=last_epoch))


def handle_vote_request(s: KRaftCore, voter: Node, request: VoteRequest) -> None:
    """A voter grants a candidate its vote: at most one per epoch, never to a candidate whose log is behind.

    Enabled iff a request of its epoch or a newer one has arrived and may be granted. KafkaRaftClient.handleVoteRequest.
    """
    require(may_vote_in(request.epoch, s.epoch[voter]))
    newer = request.epoch > s.epoch[voter]
    require(newer | (s.role[voter] == Role.UNATTACHED) | (s.role[voter] == Role.PROSPECTIVE))
    first = newer | (s.voted_for[voter] == NONE)
    again = Not(newer) & (s.voted_for[voter] == request.candidate)
    up_to_date = log_up_to_date(request.last_epoch, request.end, s.last_epoch[voter], s.log[voter].length)
    require(may_grant(first, again, up_to_date))

    if newer:
        become_unattached(s, voter, request.epoch)
    s.voted_for[voter] = request.candidate
    s.votes_granted.send(VoteGranted(voter=voter, candidate=request.candidate, epoch=request.epoch))


def handle_vote_granted(s: KRaftCore, response: VoteGranted) -> None:
    """A candidate counts a vote of the epoch in which it stands. KafkaRaftClient.handleVoteResponse."""
    candidate = response.candidate
    require(s.role[candidate] == Role.CANDIDATE)
    require(counts_as_grant(response.epoch, s.epoch[candidate]))

    s.grants[candidate, response.voter] = True


def become_leader(s: KRaftCore, candidate: Node) -> None:
    """A candidate with a majority of grants leads its epoch; its high watermark is not known any more.

    Its epoch is in the epoch cache before there is a record of it. KafkaRaftClient.onBecomeLeader.
    """
    require(s.role[candidate] == Role.CANDIDATE)
    require(is_quorum(lambda voter: s.grants[candidate, voter]))

    s.role[candidate] = Role.LEADER
    s.high_watermark[candidate] = 0
    s.last_epoch[candidate] = s.epoch[candidate]
    leave_role(s, candidate)
    s.begin_quorums.send(BeginQuorum(leader=candidate, epoch=s.epoch[candidate]))


def hear_of_epoch(s: KRaftCore, n: Node, epoch: Epoch) -> None:
    """A node learns, from any message, that there is a newer epoch. KafkaRaftClient.maybeTransition."""
    require(epoch > s.epoch[n])

    become_unattached(s, n, epoch)


def handle_begin_quorum(s: KRaftCore, n: Node, begin: BeginQuorum) -> None:
    """A node learns who leads its epoch, and follows. KafkaRaftClient.handleBeginQuorumEpochRequest."""
    require(begin.epoch == s.epoch[n])
    require(begin.leader != n)
    require(s.role[n] != Role.LEADER)

    s.role[n] = Role.FOLLOWER
    leave_role(s, n)


def restart(s: KRaftCore, n: Node, kept: Index) -> None:
    """A node crashes and comes back with what is durable: epoch, vote, and `kept` entries of its log, all that were flushed.

    A candidate stands on with its own vote. The epoch cache is cut back to the log.
    """
    require(s.flushed[n] <= kept)
    require(kept <= s.log[n].length)

    s.aux_restarts = s.aux_restarts + 1
    s.voted_for[n] = vote_after_restart(s.voted_for[n])
    role = role_after_restart(s.role[n])
    s.role[n] = role
    leave_role(s, n)
    s.grants[n, :] = lambda voter: (voter == n) & (role == Role.CANDIDATE)
    s.high_watermark[n] = 0
    s.log[n].truncate(kept)
    s.flushed[n] = kept
    s.last_epoch[n] = end_epoch(s.log[n])


# ---- replication
def append_record(s: KRaftCore, leader: Node, value: Value) -> None:
    """A leader appends a record of its epoch: LeaderChange (0), or a client's. It is not flushed, and not counted, yet."""
    require(s.role[leader] == Role.LEADER)

    s.log[leader].append(Entry(epoch=s.epoch[leader], value=value))


def flush(s: KRaftCore, leader: Node) -> None:
    """A leader flushes its log, and counts itself up to there. KafkaRaftClient.flushLeaderLog."""
    require(s.role[leader] == Role.LEADER)

    s.flushed[leader] = s.log[leader].length
    s.replica_end[leader, leader] = s.log[leader].length


def send_fetch(s: KRaftCore, n: Node) -> None:
    """A follower asks for what comes after the end of its log."""
    require(s.role[n] == Role.FOLLOWER)

    s.fetch_requests.send(FetchRequest(follower=n, epoch=s.epoch[n], end=s.log[n].length, last_epoch=s.last_epoch[n]))


def is_end_of_epoch(log: Any, epoch: Any, x: Any) -> Any:
    """x is the end of the entries whose epoch is at most `epoch`. LeaderEpochFileCache.endOffsetFor."""
    return (
        (x <= log.length)
        & implies(x > 0, log[x].epoch <= epoch)
        & forall(Index, lambda j: implies((x < j) & (j <= log.length), log[j].epoch > epoch))
    )


def handle_fetch(s: KRaftCore, leader: Node, request: FetchRequest) -> None:
    """A leader answers a follower with the next record, or with where their logs diverge; a valid Fetch acknowledges.

    Enabled iff a request of its epoch has arrived from another node. KafkaRaftClient.handleFetchRequest.
    """
    follower, log = request.follower, s.log[leader]
    require(s.role[leader] == Role.LEADER)
    require(may_serve(request.epoch, s.epoch[leader]))
    require(follower != leader)

    end = the(Index, lambda x: is_end_of_epoch(log, request.last_epoch, x))
    epoch_there = ite(end == 0, 0, log[end].epoch)
    valid = is_prefix(request.end, request.last_epoch, end, epoch_there, s.last_epoch[leader])
    if valid:
        s.replica_end[leader, follower] = request.end
        following = log[request.end + 1]
        s.fetched.send(
            Fetched(
                follower=follower,
                epoch=request.epoch,
                end=request.end,
                last_epoch=request.last_epoch,
                has_record=request.end < log.length,
                record_epoch=following.epoch,
                record_value=following.value,
                high_watermark=s.high_watermark[leader],
            )
        )
    else:
        s.diverged.send(
            Diverged(
                follower=follower,
                epoch=request.epoch,
                end=request.end,
                last_epoch=request.last_epoch,
                diverging_epoch=epoch_there,
                diverging_end=end,
            )
        )


def handle_fetched(s: KRaftCore, response: Fetched) -> None:
    """A follower appends and flushes the record that it asked for, and takes over the high watermark; it never moves back.

    Enabled iff the follower still awaits the answer. KafkaRaftClient.handleFetchResponse.
    """
    follower = response.follower
    log = s.log[follower]
    require(s.role[follower] == Role.FOLLOWER)
    require(is_current(response.epoch, s.epoch[follower]))
    require(awaited(response.end, response.last_epoch, log.length, s.last_epoch[follower]))

    if response.has_record:
        log.append(Entry(epoch=response.record_epoch, value=response.record_value))
        s.flushed[follower] = log.length
        s.last_epoch[follower] = response.record_epoch
    high_watermark = follower_high_watermark(response.high_watermark, log.length)
    if high_watermark > s.high_watermark[follower]:  # noqa: PLR1730 - max() does not work on terms
        s.high_watermark[follower] = high_watermark


def at_or_before(log: Any, j: Any, epoch: Any, end: Any) -> Any:
    """Entry j is of an older epoch, or of this epoch and not beyond its end."""
    return (log[j].epoch < epoch) | ((log[j].epoch == epoch) & (j <= end))


def handle_diverged(s: KRaftCore, response: Diverged, keep: Index) -> None:
    """A follower cuts its log where it diverges from the leader's, to the first `keep` entries: never what the two may share.

    Epochs never decrease along a log, so if the first entry that is cut cannot be shared the others cannot either.
    Enabled iff the follower still awaits the answer: a late one must not delete what has been acknowledged since.
    """
    follower = response.follower
    log = s.log[follower]
    require(s.role[follower] == Role.FOLLOWER)
    require(is_current(response.epoch, s.epoch[follower]))
    require(truncation_awaited(response.end, response.last_epoch, log.length, s.last_epoch[follower]))
    require(keep <= log.length)
    first_cut = at_or_before(log, keep + 1, response.diverging_epoch, response.diverging_end)
    require(may_cut((keep == log.length) | Not(first_cut)))

    log.truncate(keep)
    s.flushed[follower] = minimum(s.flushed[follower], keep)
    s.last_epoch[follower] = end_epoch(log)


def advance_high_watermark(s: KRaftCore, leader: Node, end: Index) -> None:
    """A leader exposes what a majority holds, up to an entry of its own epoch. LeaderState.maybeUpdateHighWatermark."""
    log = s.log[leader]
    require(s.role[leader] == Role.LEADER)
    require(s.high_watermark[leader] < end)
    require(end <= log.length)
    require(may_commit(log[end].epoch, s.epoch[leader]))
    require(is_quorum(lambda n: s.replica_end[leader, n] >= end))

    s.high_watermark[leader] = end


ACTIONS = (
    start_pre_vote,
    start_election,
    request_votes,
    handle_vote_request,
    handle_vote_granted,
    become_leader,
    hear_of_epoch,
    handle_begin_quorum,
    restart,
    append_record,
    flush,
    send_fetch,
    handle_fetch,
    handle_fetched,
    handle_diverged,
    advance_high_watermark,
)
