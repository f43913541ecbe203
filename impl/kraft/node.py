"""A KRaft voter: one pure function from a state and an event to the next state and the effects. KafkaRaftClient.poll.

Each step handles one message or one timer, then does what Kafka's poll loop would do next by itself: ask for votes,
fetch.
"""

from typing import TypeAlias, assert_never

from impl.effects import Effect, Event, FatalError, Receive, TimerFired
from impl.kraft.election import (
    become_candidate,
    handle_begin_quorum_epoch_request,
    handle_begin_quorum_epoch_response,
    handle_vote_request,
    handle_vote_response,
    on_election_timeout,
    on_fetch_timeout,
    poll_candidate,
)
from impl.kraft.leader import begin_quorum_epoch, handle_client_request
from impl.kraft.messages import (
    BeginQuorumEpochRequest,
    BeginQuorumEpochResponse,
    ClientRequest,
    ClientResponse,
    FetchRequest,
    FetchResponse,
    Message,
    QuorumResponse,
    VoteRequest,
    VoteResponse,
)
from impl.kraft.purgatory import on_fetch_wait_expired
from impl.kraft.replication import drain, handle_fetch_request, handle_fetch_response, poll_follower
from impl.kraft.requests import accept_response, on_request_timeout
from impl.kraft.state import NodeState
from impl.kraft.turn import Turn

NodeEvent: TypeAlias = Event[Message]
NodeEffects: TypeAlias = tuple[Effect[Message], ...]


def step(state: NodeState, event: NodeEvent) -> tuple[NodeState, NodeEffects]:
    """The state after the event, and the effects in the order in which they must happen.

    Raises FatalError, with the effects asked for so far, where Kafka's raft thread would die.
    """
    turn = Turn(state)
    try:
        match event:
            case Receive(message):
                _on_message(turn, message)
            case TimerFired(timer):
                _on_timer(turn, timer)
            case _:
                assert_never(event)
        poll_candidate(turn)
        poll_follower(turn)
    except FatalError as error:
        raise FatalError(error.message, tuple(turn.effects)) from None
    return turn.state, tuple(turn.effects)


def _on_message(turn: Turn, message: Message) -> None:
    if message.dst != turn.me:
        raise ValueError(f"message {message} was delivered to node {turn.me}")
    match message:
        case VoteRequest():
            handle_vote_request(turn, message)
        case BeginQuorumEpochRequest():
            handle_begin_quorum_epoch_request(turn, message)
        case FetchRequest():
            handle_fetch_request(turn, message)
        case VoteResponse() | BeginQuorumEpochResponse() | FetchResponse():
            if accept_response(turn, message):
                _on_response(turn, message)
        case ClientRequest():
            handle_client_request(turn, message)
        case ClientResponse():
            raise ValueError(f"node {turn.me} is no client: {message}")
        case _:
            assert_never(message)


def _on_response(turn: Turn, response: QuorumResponse) -> None:
    match response:
        case VoteResponse():
            handle_vote_response(turn, response)
        case BeginQuorumEpochResponse():
            handle_begin_quorum_epoch_response(turn, response)
        case FetchResponse():
            handle_fetch_response(turn, response)
        case _:
            assert_never(response)


def _on_timer(turn: Turn, timer: str) -> None:
    match timer.split(":"):
        case ["election"]:
            on_election_timeout(turn)
        case ["backoff"]:
            become_candidate(turn)
        case ["fetch"]:
            on_fetch_timeout(turn)
        case ["drain"]:
            drain(turn)
        case ["begin_quorum_epoch"]:
            begin_quorum_epoch(turn)
        case ["request", peer]:
            on_request_timeout(turn, int(peer))
        case ["fetch_wait", peer, correlation_id]:
            on_fetch_wait_expired(turn, int(peer), int(correlation_id))
        case _:
            raise ValueError(f"node {turn.me} has no timer {timer!r}")
