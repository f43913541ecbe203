"""Elections: the handler tables of Vote and BeginQuorumEpoch, and the order of their effects."""

import pytest
from attrs import evolve

from impl.effects import ElectionState, FatalError, Receive, Send, SetTimer, TimerFired, WriteElectionState
from impl.kraft.log import OffsetAndEpoch
from impl.kraft.messages import (
    BeginQuorumEpochRequest,
    BeginQuorumEpochResponse,
    Error,
    FetchRequest,
    VoteRequest,
    VoteResponse,
)
from impl.kraft.node import NodeEffects, step
from impl.kraft.state import (
    Candidate,
    Follower,
    Leader,
    NodeState,
    Outstanding,
    Resigned,
    Role,
    Unattached,
    role_name,
)
from tests.impl.hand import cluster, voter

LEADER = Leader(2, 2, (1, 2), ((1, 2), (2, None), (3, None)))


def _vote(
    state: NodeState, epoch: int, end: OffsetAndEpoch, src: int = 3
) -> tuple[NodeState, VoteResponse, NodeEffects]:
    state, effects = step(state, Receive(VoteRequest(src, state.config.node_id, 9, epoch, end)))
    (response,) = [
        effect.message for effect in effects if isinstance(effect, Send) and isinstance(effect.message, VoteResponse)
    ]
    return state, response, effects


def _answer(state: NodeState, granted: bool, src: int, epoch: int | None = None) -> VoteResponse:
    """The answer to the vote request that is in flight to `src`."""
    (outstanding,) = [item for item in state.outstanding if item.peer == src]
    error = Error.NONE if epoch is None else Error.FENCED_LEADER_EPOCH
    correlation_id = outstanding.request.correlation_id
    return VoteResponse(src, 1, correlation_id, error, None, epoch or state.role.epoch, granted=granted)


@pytest.mark.parametrize(
    ("role", "end", "granted", "after"),
    [
        # Epoch 2 is everybody's own; the voter's log ends at 1/2. Only an Unattached voter without a vote looks at the log.
        (Unattached(2), OffsetAndEpoch(2, 1), True, "Voted"),
        (Unattached(2), OffsetAndEpoch(3, 1), True, "Voted"),
        (Unattached(2), OffsetAndEpoch(1, 1), False, "Unattached"),
        (Unattached(2), OffsetAndEpoch(0, 0), False, "Unattached"),
        (Unattached(2, voted_id=3), OffsetAndEpoch(0, 0), True, "Voted"),
        (Unattached(2, voted_id=2), OffsetAndEpoch(9, 1), False, "Voted"),
        (Unattached(2, leader_id=2), OffsetAndEpoch(9, 1), False, "Unattached"),
        (Candidate(2, (1,)), OffsetAndEpoch(9, 1), False, "Candidate"),
        (Follower(2, 2), OffsetAndEpoch(9, 1), False, "Follower"),
        (LEADER, OffsetAndEpoch(9, 1), False, "Leader"),
        (Resigned(2), OffsetAndEpoch(9, 1), False, "Resigned"),
    ],
)
def test_vote_in_the_own_epoch(role: Role, end: OffsetAndEpoch, granted: bool, after: str) -> None:
    """EpochState.canGrantVote, state by state, for a request of the voter's own epoch."""
    state, response, _ = _vote(voter(role, 1, 1), 2, end)

    assert (response.error, response.granted, response.epoch) == (Error.NONE, granted, 2)
    assert role_name(state.role) == after


@pytest.mark.parametrize("role", [Unattached(2, voted_id=2), Candidate(2, (1,)), Follower(2, 2), LEADER, Resigned(2)])
def test_higher_epoch_frees_the_vote(role: Role) -> None:
    """handleVoteRequest: a higher epoch makes every node Unattached first, also a leader, and then the log decides."""
    state, response, effects = _vote(voter(role, 1, 1), 5, OffsetAndEpoch(2, 1))

    assert (response.granted, response.epoch, response.leader_id) == (True, 5, None)
    assert state.role == Unattached(5, voted_id=3)
    written = [effect.state for effect in effects if isinstance(effect, WriteElectionState)]
    assert written == [ElectionState(5), ElectionState(5, voted_id=3)]


def test_epoch_is_adopted_even_if_the_vote_is_refused() -> None:
    """handleVoteRequest: a candidate that is behind still moves the voters to its epoch."""
    state, response, _ = _vote(voter(Follower(2, 2), 1, 1), 5, OffsetAndEpoch(1, 1))

    assert (response.granted, response.epoch) == (False, 5)
    assert state.role == Unattached(5)


def test_vote_of_an_older_epoch_is_fenced() -> None:
    """validateVoterOnlyRequest: the answer carries the voter's epoch and leader."""
    state, response, _ = _vote(voter(Follower(2, 2), 1), 1, OffsetAndEpoch(9, 0))

    assert (response.error, response.granted) == (Error.FENCED_LEADER_EPOCH, False)
    assert (response.epoch, response.leader_id) == (2, 2)
    assert state.role == Follower(2, 2)


@pytest.mark.parametrize(
    "end", [OffsetAndEpoch(-1, 0), OffsetAndEpoch(0, -1), OffsetAndEpoch(0, 7), OffsetAndEpoch(0, 8)]
)
def test_impossible_vote_request(end: OffsetAndEpoch) -> None:
    """handleVoteRequest: a log end of the candidate's own epoch or later is invalid, and not even the epoch is adopted."""
    state, response, _ = _vote(voter(Unattached(2)), 7, end)

    assert (response.error, response.granted) == (Error.INVALID_REQUEST, False)
    assert state.role == Unattached(2)


def test_grant_is_durable_before_it_leaves() -> None:
    """Order of effects: the vote is written, then the response is sent."""
    _, _, effects = _vote(voter(Unattached(2)), 2, OffsetAndEpoch(0, 0))

    assert [type(effect) for effect in effects] == [WriteElectionState, SetTimer, Send]


def test_candidate_writes_its_vote_before_it_asks() -> None:
    """Order of effects: the vote for oneself is durable before the first request leaves; the requests follow at once."""
    state, effects = step(voter(Unattached(4), 1, 3), TimerFired("election"))

    assert effects[0] == WriteElectionState(ElectionState(5, voted_id=1))
    assert [str(effect.message) for effect in effects if isinstance(effect, Send)] == [
        "1->2 VoteRequest epoch=5 end=3/2",
        "1->3 VoteRequest epoch=5 end=3/2",
    ]
    assert state.role == Candidate(5, (1,))


def test_majority_makes_a_leader_that_announces_itself() -> None:
    """onBecomeLeader: leadership is durable, the LeaderChange record waits for a drain, BeginQuorumEpoch goes to everybody."""
    state, _ = step(voter(Unattached(4), 3, high_watermark=1), TimerFired("election"))
    state, effects = step(state, Receive(_answer(state, True, 2)))

    assert isinstance(state.role, Leader)
    assert (state.role.epoch, state.role.epoch_start_offset, state.role.granting_voters) == (5, 1, (1, 2))
    assert state.high_watermark is None
    assert state.log.end == OffsetAndEpoch(1, 5)
    assert effects.index(WriteElectionState(ElectionState(5, leader_id=1))) < effects.index(SetTimer("drain", 0))
    assert [str(effect.message) for effect in effects if isinstance(effect, Send)] == [
        "1->2 BeginQuorumEpochRequest epoch=5 leader=1",
        "1->3 BeginQuorumEpochRequest epoch=5 leader=1",
    ]


def test_candidate_backs_off_once_it_cannot_win() -> None:
    """CandidateState.isVoteRejected: with two of three against it, it waits, and asks nobody any more; then a new epoch."""
    state, _ = step(voter(Unattached(4)), TimerFired("election"))
    state, effects = step(state, Receive(_answer(state, False, 2)))
    assert not any(isinstance(effect, SetTimer) and effect.timer == "backoff" for effect in effects)
    state, effects = step(state, Receive(_answer(state, False, 3)))
    assert SetTimer("backoff", 0, 100_000) in effects
    assert state.role == Candidate(5, (1,), (2, 3), backing_off=True)

    state, effects = step(state, TimerFired("backoff"))

    assert state.role == Candidate(6, (1,), retries=2)
    assert len([effect for effect in effects if isinstance(effect, Send)]) == 2


def test_grant_counts_while_backing_off() -> None:
    """handleVoteResponse: a majority that arrives during the backoff still elects."""
    state, _ = step(voter(Unattached(4)), TimerFired("election"))
    grant = _answer(state, True, 2)
    state, _ = step(state, TimerFired("election"))
    assert isinstance(state.role, Candidate)
    assert state.role.backing_off

    state, _ = step(state, Receive(grant))

    assert isinstance(state.role, Leader)


def test_backoff_grows_with_the_retries() -> None:
    """CandidateState: up to 100 ms * (2^retries - 1), at most the maximum."""
    spreads = []
    state, _ = step(voter(Unattached(0)), TimerFired("election"))
    for _ in range(5):
        state, effects = step(state, TimerFired("election"))
        spreads += [effect.spread for effect in effects if isinstance(effect, SetTimer) and effect.timer == "backoff"]
        state, _ = step(state, TimerFired("backoff"))

    assert spreads == [100_000, 300_000, 700_000, 1_000_000, 1_000_000]


def test_unattached_inherits_what_remains_of_a_candidates_election_timer() -> None:
    """QuorumState.transitionToUnattached: nothing, if it has run out; then the node stands for election at once."""
    state, _ = step(voter(Unattached(4)), TimerFired("election"))
    higher = Receive(VoteRequest(3, 1, 9, 9, OffsetAndEpoch(0, 0)))
    evolved = evolve(state, log=voter(Unattached(4), 1).log)
    _, fresh = step(evolved, higher)
    assert not any(isinstance(effect, SetTimer) and effect.timer == "election" for effect in fresh)

    expired, _ = step(evolved, TimerFired("election"))
    _, effects = step(expired, higher)

    assert SetTimer("election", 0) in effects


def test_contradicting_votes_are_fatal() -> None:
    """CandidateState.recordGrantedVote throws if the voter rejected before; it cannot be the same voter."""
    state, _ = step(voter(Unattached(4)), TimerFired("election"))
    state, _ = step(state, Receive(_answer(state, False, 2)))
    again = VoteRequest(1, 2, 77, 5, OffsetAndEpoch(0, 0))
    state = evolve(state, outstanding=(*state.outstanding, Outstanding(2, again)))

    with pytest.raises(FatalError, match="voter 2 answered candidate 1 both ways"):
        step(state, Receive(VoteResponse(2, 1, 77, Error.NONE, None, 5, granted=True)))


def test_response_that_is_not_awaited_is_ignored() -> None:
    """RequestManager.isResponseExpected: the correlation id decides, and a transition forgets what was in flight."""
    state, _ = step(voter(Unattached(4)), TimerFired("election"))
    grant = _answer(state, True, 2)
    assert step(state, Receive(evolve(grant, correlation_id=55))) == (state, ())

    state, _ = step(state, TimerFired("request:2"))
    later, effects = step(state, Receive(grant))

    assert (later, effects) == (state, ())


def test_request_timeout_asks_again_under_a_new_correlation_id() -> None:
    """RequestManager: one request in flight per connection; after the timeout the poll loop sends it anew."""
    state, _ = step(voter(Unattached(4)), TimerFired("election"))
    state, effects = step(state, TimerFired("request:3"))

    (request,) = [effect.message for effect in effects if isinstance(effect, Send)]
    assert request == VoteRequest(1, 3, 2, 5, OffsetAndEpoch(0, 0))
    assert step(state, TimerFired("request:3"))[1] != ()


def test_higher_epoch_in_a_response_deposes_a_candidate() -> None:
    """maybeHandleCommonResponse: an epoch above the own one is adopted; without a leader the node is Unattached there."""
    state, _ = step(voter(Unattached(4)), TimerFired("election"))
    state, _ = step(state, Receive(_answer(state, False, 2, epoch=8)))

    assert state.role == Unattached(8)
    assert state.outstanding == ()


def test_candidate_follows_the_leader_of_its_epoch() -> None:
    """maybeHandleCommonResponse: who knows no leader follows the one that a response of the same epoch names."""
    state, _ = step(voter(Unattached(4)), TimerFired("election"))
    refusal = evolve(_answer(state, False, 2), leader_id=3)
    state, effects = step(state, Receive(refusal))

    assert state.role == Follower(5, 3)
    assert [str(effect.message) for effect in effects if isinstance(effect, Send)] == [
        "1->3 FetchRequest epoch=5 end=0/0"
    ]


def test_begin_quorum_epoch_makes_a_follower_that_fetches() -> None:
    """handleBeginQuorumEpochRequest: the leader is durable, then the answer, then the first Fetch."""
    state, effects = step(voter(Unattached(2, voted_id=2), 1), Receive(BeginQuorumEpochRequest(2, 1, 9, 2, 2)))

    assert state.role == Follower(2, 2)
    assert effects[0] == WriteElectionState(ElectionState(2, leader_id=2))
    assert [str(effect.message) for effect in effects if isinstance(effect, Send)] == [
        "1->2 BeginQuorumEpochResponse epoch=2 leader=2 NONE",
        "1->2 FetchRequest epoch=2 end=1/1",
    ]


def test_begin_quorum_epoch_again_changes_nothing() -> None:
    """handleBeginQuorumEpochRequest is idempotent; it is also the leader's heartbeat."""
    state, _ = step(voter(Unattached(2)), Receive(BeginQuorumEpochRequest(2, 1, 9, 2, 2)))
    again, effects = step(state, Receive(BeginQuorumEpochRequest(2, 1, 10, 2, 2)))

    assert again == state
    assert [str(effect.message) for effect in effects if isinstance(effect, Send)] == [
        "1->2 BeginQuorumEpochResponse epoch=2 leader=2 NONE"
    ]


def test_begin_quorum_epoch_of_an_older_epoch_is_fenced() -> None:
    """validateVoterOnlyRequest: an old leader learns the new epoch from the answer."""
    state, effects = step(voter(Unattached(3)), Receive(BeginQuorumEpochRequest(2, 1, 9, 2, 2)))

    assert state.role == Unattached(3)
    assert effects == (Send(BeginQuorumEpochResponse(1, 2, 9, Error.FENCED_LEADER_EPOCH, None, 3)),)


@pytest.mark.parametrize("role", [Follower(2, 3), LEADER])
def test_two_leaders_of_one_epoch_are_fatal(role: Role) -> None:
    """QuorumState.hasConsistentLeader: a second leader of an epoch ends the process."""
    with pytest.raises(FatalError, match="is told of leader 2"):
        step(voter(role), Receive(BeginQuorumEpochRequest(2, 1, 9, 2, 2)))


def test_deposed_leader_tells_its_clients_and_keeps_its_parked_fetches() -> None:
    """A leader that becomes Unattached drops its accumulator; its parked fetches end when it becomes a follower."""
    hand = cluster()
    hand.elect(1, 2, 3)
    hand.fire(1, "drain")
    hand.exchange(1, 2, 3)
    hand.write(1, 7)
    hand.fire(3, "fetch")

    record = hand.deliver(3, 1, VoteRequest)

    assert (hand.node(1).role, hand.node(1).epoch) == ("Voted", 2)
    assert hand.lines(record) == [
        "1->101 ClientResponse NEW_LEADER_ELECTED version=0 value=None",
        "1->3 VoteResponse epoch=2 granted=yes leader=- NONE",
    ]
    assert hand.node(1).parked == ("2->1 FetchRequest epoch=1 end=1/1", "3->1 FetchRequest epoch=1 end=1/1")
    hand.deliver(1, 3, VoteResponse)
    record = hand.deliver(3, 1, BeginQuorumEpochRequest)
    assert hand.lines(record) == [
        "1->2 FetchResponse epoch=2 hw=1 records=0@1 leader=3 NOT_LEADER_OR_FOLLOWER",
        "1->3 FetchResponse epoch=2 hw=1 records=0@1 leader=3 NOT_LEADER_OR_FOLLOWER",
        "1->3 BeginQuorumEpochResponse epoch=2 leader=3 NONE",
        "1->3 FetchRequest epoch=2 end=1/1",
    ]


def test_leader_repeats_its_announcement() -> None:
    """KAFKA-16536: BeginQuorumEpoch again after half a fetch timeout, on the connections that are ready."""
    hand = cluster()
    hand.elect(1, 2)
    record = hand.fire(1, "begin_quorum_epoch")

    # The first announcement to 3 is still in flight.
    assert hand.lines(record) == ["1->2 BeginQuorumEpochRequest epoch=1 leader=1"]
    assert SetTimer("begin_quorum_epoch", 1_000_000) in record.effects


def test_sole_voter_leads_at_once() -> None:
    """KafkaRaftClient.initialize: a single voter elects itself without a message, and commits by itself."""
    hand = cluster(nodes=1)
    assert hand.node(1).role == "Leader"
    hand.fire(1, "drain")
    assert hand.node(1).high_watermark == 1

    hand.power_cycle(1)

    assert (hand.node(1).role, hand.node(1).epoch) == ("Leader", 2)


def test_message_for_another_node_is_a_mistake_of_the_world() -> None:
    """A node answers only what is addressed to it."""
    with pytest.raises(ValueError, match="was delivered to node 1"):
        step(voter(Unattached(0)), Receive(FetchRequest(1, 2, 0, 0, OffsetAndEpoch(0, 0))))
    with pytest.raises(ValueError, match="has no timer 'tea'"):
        step(voter(Unattached(0)), TimerFired("tea"))
