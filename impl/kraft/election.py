"""Elections: Vote and BeginQuorumEpoch, requests and responses. Source: KafkaRaftClient, KIP-595."""

from attrs import evolve

from impl.effects import FatalError
from impl.kraft.leader import append_leader_change, begin_quorum_epoch
from impl.kraft.messages import (
    BeginQuorumEpochRequest,
    BeginQuorumEpochResponse,
    Error,
    QuorumResponse,
    VoteRequest,
    VoteResponse,
)
from impl.kraft.purgatory import complete_all_exceptionally
from impl.kraft.quorum_state import (
    start_backoff,
    transition_to_candidate,
    transition_to_follower,
    transition_to_leader,
    transition_to_unattached,
    transition_to_voted,
)
from impl.kraft.requests import is_ready, next_correlation_id, send_request
from impl.kraft.state import Candidate, Follower, Leader, Unattached
from impl.kraft.turn import Turn


def validate_voter_only_request(turn: Turn, epoch: int) -> Error:
    """A request among voters must not be of an older epoch. KafkaRaftClient.validateVoterOnlyRequest.

    Whether the sender is a voter is not looked at, as in Kafka.
    """
    return Error.FENCED_LEADER_EPOCH if epoch < turn.epoch else Error.NONE


def handle_vote_request(turn: Turn, request: VoteRequest) -> None:
    """A voter answers a candidate; a higher epoch is adopted first, whatever the answer.

    KafkaRaftClient.handleVoteRequest.

    Any node with a higher epoch deposes a leader (no pre-vote here). Left out: cluster id, topic and voter key, which
    always match here.
    """
    granted = False
    if request.end.offset < 0 or request.end.epoch < 0 or request.end.epoch >= request.epoch:
        error = Error.INVALID_REQUEST
    else:
        error = validate_voter_only_request(turn, request.epoch)
    if error is Error.NONE:
        if request.epoch > turn.epoch:
            transition_to_unattached(turn, request.epoch)
        granted = can_grant_vote(turn, request)
        role = turn.role
        if granted and isinstance(role, Unattached) and role.voted_id is None:
            transition_to_voted(turn, request.src)
    turn.send(
        VoteResponse(
            turn.me, request.src, request.correlation_id, error, turn.state.leader_id, turn.epoch, granted=granted
        )
    )


def can_grant_vote(turn: Turn, request: VoteRequest) -> bool:
    """Only an Unattached node votes; Candidate, Leader, Follower and Resigned never do. EpochState.canGrantVote."""
    match turn.role:
        case Unattached(voted_id=voted_id, leader_id=leader_id):
            rules = turn.config.rules
            up_to_date = rules.log_up_to_date(request.end, turn.state.log.end)
            return rules.may_grant_vote(voted_id, leader_id, request.src, up_to_date)
        case _:
            return False


def handle_vote_response(turn: Turn, response: VoteResponse) -> None:
    """A candidate counts an answer; a majority makes it leader, also while it backs off.

    KafkaRaftClient.handleVoteResponse.
    """
    if maybe_handle_common_response(turn, response):
        return
    role = turn.role
    if not isinstance(role, Candidate):
        return
    voter = response.src
    opposite = role.rejected if response.granted else role.granted
    if voter in opposite:
        raise FatalError(f"voter {voter} answered candidate {turn.me} both ways in epoch {role.epoch}")
    if response.granted:
        granted = tuple(sorted({*role.granted, voter}))
        turn.state = evolve(turn.state, role=evolve(role, granted=granted))
        maybe_become_leader(turn)
        return
    rejected = tuple(sorted({*role.rejected, voter}))
    turn.state = evolve(turn.state, role=evolve(role, rejected=rejected))
    if len(turn.config.voters) - len(rejected) < turn.config.majority and not role.backing_off:
        start_backoff(turn)


def maybe_become_leader(turn: Turn) -> None:
    """A candidate with a majority becomes leader; a sole voter at once. KafkaRaftClient.maybeTransitionToLeader."""
    role = turn.role
    if isinstance(role, Candidate) and len(role.granted) >= turn.config.majority:
        transition_to_leader(turn)
        on_become_leader(turn)


def on_become_leader(turn: Turn) -> None:
    """Enter the epoch in the epoch cache, put the LeaderChange record into the accumulator, announce. onBecomeLeader.

    The record reaches the log in a later drain.
    """
    turn.state = evolve(turn.state, log=turn.state.log.initialize_leader_epoch(turn.epoch))
    append_leader_change(turn)
    begin_quorum_epoch(turn)


def become_candidate(turn: Turn) -> None:
    """Stand for election in the next epoch. KafkaRaftClient.transitionToCandidate."""
    transition_to_candidate(turn)
    maybe_become_leader(turn)


def poll_candidate(turn: Turn) -> None:
    """Ask every voter that did not answer yet, on a ready connection. KafkaRaftClient.pollCandidate.

    Not while it backs off, and not when the vote is lost (it then backs off already).
    """
    role = turn.role
    if not isinstance(role, Candidate) or role.backing_off:
        return
    for voter in turn.config.others:
        if voter not in role.granted and voter not in role.rejected and is_ready(turn, voter):
            correlation_id = next_correlation_id(turn)
            send_request(turn, VoteRequest(turn.me, voter, correlation_id, role.epoch, turn.state.log.end))


def handle_begin_quorum_epoch_request(turn: Turn, request: BeginQuorumEpochRequest) -> None:
    """A voter learns the leader of an epoch. KafkaRaftClient.handleBeginQuorumEpochRequest."""
    error = validate_voter_only_request(turn, request.epoch)
    if error is Error.NONE:
        maybe_transition(turn, request.leader_id, request.epoch)
    turn.send(
        BeginQuorumEpochResponse(turn.me, request.src, request.correlation_id, error, turn.state.leader_id, turn.epoch)
    )


def handle_begin_quorum_epoch_response(turn: Turn, response: BeginQuorumEpochResponse) -> None:
    """The leader notes who acknowledged it; nothing depends on it. KafkaRaftClient.handleBeginQuorumEpochResponse."""
    if maybe_handle_common_response(turn, response):
        return
    role = turn.role
    if isinstance(role, Leader) and response.src not in role.acknowledged:
        acknowledged = tuple(sorted((*role.acknowledged, response.src)))
        turn.state = evolve(turn.state, role=evolve(role, acknowledged=acknowledged))


def maybe_handle_common_response(turn: Turn, response: QuorumResponse) -> bool:
    """The part common to all responses: whose epoch is newer. True when nothing is left to do; the first match wins.

    KafkaRaftClient.maybeHandleCommonResponse. Left out: BROKER_NOT_AVAILABLE and INVALID_VOTER_KEY, which nobody
    answers here.
    """
    error, leader_id, epoch = response.error, response.leader_id, response.epoch
    if epoch < turn.epoch or error is Error.UNKNOWN_LEADER_EPOCH:
        return True
    if epoch > turn.epoch or error in (Error.FENCED_LEADER_EPOCH, Error.NOT_LEADER_OR_FOLLOWER):
        maybe_transition(turn, leader_id, epoch)
        return True
    if leader_id is not None and turn.state.leader_id is None:
        follow(turn, epoch, leader_id)
        if error is not Error.NONE:
            return True
    if error is Error.INVALID_REQUEST:
        raise FatalError(f"node {response.src} calls a request of node {turn.me} invalid in epoch {epoch}")
    return False


def maybe_transition(turn: Turn, leader_id: int | None, epoch: int) -> None:
    """Adopt a higher epoch, or the leader of the own epoch if none is known. KafkaRaftClient.maybeTransition."""
    if not _has_consistent_leader(turn, leader_id, epoch):
        raise FatalError(
            f"node {turn.me} in epoch {turn.epoch} knows leader {turn.state.leader_id} and is told of leader {leader_id} "
            f"in epoch {epoch}"
        )
    if epoch > turn.epoch:
        if leader_id is None:
            transition_to_unattached(turn, epoch)
        else:
            follow(turn, epoch, leader_id)
    elif leader_id is not None and turn.state.leader_id is None:
        follow(turn, epoch, leader_id)


def follow(turn: Turn, epoch: int, leader_id: int) -> None:
    """Become a follower; fetches parked here are answered that this is not the leader.

    KafkaRaftClient.onBecomeFollower.
    """
    transition_to_follower(turn, epoch, leader_id)
    complete_all_exceptionally(turn)


def on_election_timeout(turn: Turn) -> None:
    """Unattached and Resigned voters stand for election; a Candidate whose time ran out backs off.

    KafkaRaftClient.pollUnattachedAsVoter, pollResigned, pollCandidate.
    """
    role = turn.role
    if isinstance(role, Candidate):
        turn.state = evolve(turn.state, role=evolve(role, election_expired=True))
        if not role.backing_off:
            start_backoff(turn)
    else:
        become_candidate(turn)


def on_fetch_timeout(turn: Turn) -> None:
    """A follower that its leader left without an answer for the fetch timeout stands for election. pollFollowerAsVoter."""
    if isinstance(turn.role, Follower):
        become_candidate(turn)


def _has_consistent_leader(turn: Turn, leader_id: int | None, epoch: int) -> bool:
    """Whether two claims about the leader of an epoch agree. QuorumState.hasConsistentLeader.

    A claim that this node leads is consistent only if it does; the epoch is not compared then, as in Kafka, and
    Resigned does not count.
    """
    if leader_id == turn.me:
        return isinstance(turn.role, Leader)
    known = turn.state.leader_id
    return epoch != turn.epoch or leader_id is None or known is None or known == leader_id
