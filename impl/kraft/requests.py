"""Requests in flight: at most one per connection, matched to its response by a correlation id. Source: RequestManager.

Deviation: a connection is READY or awaits a response; there is no BACKING_OFF, because the errors that lead to it
(BROKER_NOT_AVAILABLE, a refused connection) do not occur here. A request that is not answered within the request
timeout is forgotten, and sent anew, with a new correlation id, by the poll that follows.
"""

from attrs import evolve

from impl.kraft.messages import QuorumRequest, QuorumResponse
from impl.kraft.state import Outstanding
from impl.kraft.turn import Turn


def request_timer(peer: int) -> str:
    """The name of the request-timeout timer of the connection to `peer`."""
    return f"request:{peer}"


def is_ready(turn: Turn, peer: int) -> bool:
    """Whether nothing is in flight on the connection to `peer`. RequestManager.isReady."""
    return all(outstanding.peer != peer for outstanding in turn.state.outstanding)


def next_correlation_id(turn: Turn) -> int:
    """A correlation id that this process never used before."""
    correlation_id = turn.state.next_correlation_id
    turn.state = evolve(turn.state, next_correlation_id=correlation_id + 1)
    return correlation_id


def send_request(turn: Turn, request: QuorumRequest) -> None:
    """Send a request on a READY connection and await its response. RequestManager.onRequestSent."""
    turn.state = evolve(turn.state, outstanding=(*turn.state.outstanding, Outstanding(request.dst, request)))
    turn.send(request)
    turn.set_timer(request_timer(request.dst), turn.config.timings.request)


def accept_response(turn: Turn, response: QuorumResponse) -> bool:
    """Whether this very response is awaited; if so the connection is READY again. RequestManager.isResponseExpected.

    The filter is part of the protocol's safety: a DIVERGING answer to a Fetch that was sent again since would truncate
    records which the later Fetch acknowledged.
    """
    for outstanding in turn.state.outstanding:
        if outstanding.peer == response.src and outstanding.request.correlation_id == response.correlation_id:
            _forget(turn, response.src)
            turn.cancel_timer(request_timer(response.src))
            return True
    return False


def on_request_timeout(turn: Turn, peer: int) -> None:
    """Nobody answered: the connection is READY again and a late response will be ignored."""
    _forget(turn, peer)


def reset_all(turn: Turn) -> None:
    """Forget everything in flight; late responses will be ignored. RequestManager.resetAll."""
    for outstanding in turn.state.outstanding:
        turn.cancel_timer(request_timer(outstanding.peer))
    turn.state = evolve(turn.state, outstanding=())


def _forget(turn: Turn, peer: int) -> None:
    turn.state = evolve(turn.state, outstanding=tuple(item for item in turn.state.outstanding if item.peer != peer))
