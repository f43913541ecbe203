"""The transitions between the roles, with their guards, and what each makes durable.

Source: QuorumState (trunk, October 2024).

A guard that does not hold is fatal: Kafka throws there, and the process ends. Every transition writes the election
state before the role changes in memory, and forgets the requests in flight, except the one that grants a vote.
"""

from attrs import evolve

from impl.effects import ElectionState, FatalError, WriteElectionState
from impl.kraft.messages import ClientResponse, Error
from impl.kraft.requests import reset_all
from impl.kraft.state import Candidate, Follower, Leader, Resigned, Role, Unattached, role_name
from impl.kraft.turn import Turn

ELECTION, BACKOFF, FETCH = "election", "backoff", "fetch"
DRAIN, BEGIN_QUORUM_EPOCH = "drain", "begin_quorum_epoch"

ROLE_TIMERS: dict[type, tuple[str, ...]] = {
    Unattached: (ELECTION,),
    Candidate: (ELECTION, BACKOFF),
    Leader: (DRAIN, BEGIN_QUORUM_EPOCH),
    Follower: (FETCH,),
    Resigned: (ELECTION,),
}
"""The timers that belong to each role; a transition disarms those that the new role does not have."""


def transition_to_unattached(turn: Turn, epoch: int) -> None:
    """A higher epoch was seen whose leader is not known. QuorumState.transitionToUnattached.

    A Candidate's or Unattached node's election timer goes on; from any other role it starts afresh. A deposed leader
    does not complete the fetches parked with it: they end at their timeout, or when it becomes a follower.
    """
    if epoch <= turn.epoch:
        raise FatalError(f"cannot become Unattached in epoch {epoch} from {_here(turn)}")
    before = turn.role
    _change(turn, Unattached(epoch))
    match before:
        case Unattached():
            pass
        case Candidate(election_expired=expired):
            if expired:
                turn.set_timer(ELECTION, 0)
        case _:
            set_election_timer(turn)


def transition_to_voted(turn: Turn, candidate_id: int) -> None:
    """An Unattached node without a vote gives it to `candidate_id`. QuorumState.transitionToUnattachedVotedState.

    The only transition that does not forget the requests in flight (there are none that matter: an Unattached voter
    sends no requests). The election timer starts afresh.
    """
    role = turn.role
    if not isinstance(role, Unattached) or role.voted_id is not None or candidate_id == turn.me:
        raise FatalError(f"cannot vote for {candidate_id} from {_here(turn)}")
    voted = Unattached(role.epoch, candidate_id)
    if turn.config.rules.persist_granted_vote():
        turn.emit(WriteElectionState(ElectionState(role.epoch, voted_id=candidate_id)))
    turn.state = evolve(turn.state, role=voted)
    set_election_timer(turn)


def transition_to_candidate(turn: Turn) -> None:
    """Stand for election in the next epoch, with a durable vote for oneself. QuorumState.transitionToCandidate."""
    before = turn.role
    if isinstance(before, Leader):
        raise FatalError(f"cannot become Candidate from {_here(turn)}")
    retries = before.retries + 1 if isinstance(before, Candidate) else 1
    _change(turn, Candidate(before.epoch + 1, granted=(turn.me,), retries=retries))
    set_election_timer(turn)


def transition_to_leader(turn: Turn) -> None:
    """Lead the epoch, with a majority of granted votes.

    The high watermark is unknown again. QuorumState.transitionToLeader.

    It is not kept, on purpose: the leader learns it anew once its own LeaderChange record is on a majority.
    """
    role = turn.role
    if not isinstance(role, Candidate) or len(role.granted) < turn.config.majority:
        raise FatalError(f"cannot become Leader from {_here(turn)}")
    _lead(turn, role.granted)


def resume_leadership(turn: Turn) -> None:
    """Lead the same epoch again after a restart: what KAFKA-10527 did. Not reached with the correct rules."""
    _lead(turn, (turn.me,))


def _lead(turn: Turn, granting_voters: tuple[int, ...]) -> None:
    end_offsets: tuple[tuple[int, int | None], ...] = tuple((voter, None) for voter in turn.config.voters)
    _change(turn, Leader(turn.epoch, turn.state.log.end_offset, granting_voters, end_offsets))
    turn.state = evolve(turn.state, high_watermark=None)


def transition_to_follower(turn: Turn, epoch: int, leader_id: int) -> None:
    """Follow the leader of `epoch`; the high watermark is kept. QuorumState.transitionToFollower.

    Deviation: a Follower that learns more endpoints of its leader transitions again in Kafka; there are no endpoints
    here.
    """
    role = turn.role
    same_epoch = epoch == role.epoch
    if leader_id == turn.me or epoch < role.epoch or (same_epoch and isinstance(role, Leader | Follower)):
        raise FatalError(f"cannot follow {leader_id} in epoch {epoch} from {_here(turn)}")
    _change(turn, Follower(epoch, leader_id))
    set_fetch_timer(turn)


def set_election_timer(turn: Turn) -> None:
    """T plus a uniform part of T. QuorumState.randomElectionTimeoutMs."""
    turn.set_timer(ELECTION, turn.config.timings.election, turn.config.timings.election)


def set_fetch_timer(turn: Turn) -> None:
    """A follower gives its leader the fetch timeout to answer."""
    turn.set_timer(FETCH, turn.config.timings.fetch)


def start_backoff(turn: Turn) -> None:
    """A Candidate that cannot win waits before its next candidacy, longer each time. CandidateState.startBackingOff.

    Kafka draws a multiple of 100 ms up to a bound; the world draws a microsecond below the same bound.
    """
    role = turn.role
    if not isinstance(role, Candidate):
        raise FatalError(f"cannot back off from {_here(turn)}")
    timings = turn.config.timings
    bound = timings.election_backoff_step * ((2 << min(20, role.retries - 1)) - 1)
    turn.state = evolve(turn.state, role=evolve(role, backing_off=True))
    turn.set_timer(BACKOFF, 0, min(bound, timings.election_backoff_max))


def _change(turn: Turn, role: Role) -> None:
    """Write the election state, then switch: timers, clients, requests in flight, parked fetches."""
    before = turn.role
    after = evolve(turn.state, role=role)
    turn.emit(WriteElectionState(after.election))
    turn.state = after
    if isinstance(before, Leader):
        _fail_waiting_clients(turn, before)
    kept = ROLE_TIMERS[type(role)]
    for timer in ROLE_TIMERS[type(before)]:
        if timer not in kept:
            turn.cancel_timer(timer)
    if isinstance(before, Candidate) and isinstance(role, Candidate):
        turn.cancel_timer(BACKOFF)
    reset_all(turn)


def _fail_waiting_clients(turn: Turn, leader: Leader) -> None:
    """A leader that steps down drops its accumulator and tells every waiting client that the outcome is unknown.

    BatchAccumulator.close; QuorumController.renounce fails the deferred events.
    """
    requests = [(waiting.client, waiting.correlation_id) for waiting in turn.state.waiting]
    requests += [(item.client, item.correlation_id) for item in leader.accumulator if item.client is not None]
    for client, correlation_id in requests:
        turn.send(ClientResponse(turn.me, client, correlation_id, Error.NEW_LEADER_ELECTED, turn.state.leader_id))
    turn.state = evolve(turn.state, waiting=())


def _here(turn: Turn) -> str:
    return f"{role_name(turn.role)} of epoch {turn.epoch} on node {turn.me}"
