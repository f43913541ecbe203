"""The fetch purgatory: fetches that wait for the log to grow.

Source: ThresholdPurgatory, KafkaRaftClient.handleFetchRequest.

A parked fetch ends in one of three ways: the log grows past its offset and the request is handled anew; its time runs
out and the response computed when it came is sent, stale as it may be (KAFKA-15100); or this node becomes a follower.
"""

from attrs import evolve

from impl.kraft.messages import Error, FetchRequest, FetchResponse
from impl.kraft.state import Parked
from impl.kraft.turn import Turn


def fetch_wait_timer(request: FetchRequest) -> str:
    """The name of the timer that ends the wait of a parked fetch."""
    return f"fetch_wait:{request.src}:{request.correlation_id}"


def park(turn: Turn, request: FetchRequest, response: FetchResponse) -> None:
    """Keep a fetch until the log grows or its time runs out.

    A second copy of the same request takes the place of the first (deviation: a TCP connection never delivers two).
    """
    others = tuple(parked for parked in turn.state.parked if not _same(parked.request, request))
    turn.state = evolve(turn.state, parked=(*others, Parked(request, response)))
    turn.set_timer(fetch_wait_timer(request), turn.config.timings.fetch_wait)


def take_ready(turn: Turn) -> tuple[FetchRequest, ...]:
    """Remove and return the parked fetches that the log end has passed, oldest first."""
    ready = tuple(
        parked.request for parked in turn.state.parked if parked.request.end.offset < turn.state.log.end_offset
    )
    if ready:
        turn.state = evolve(turn.state, parked=tuple(item for item in turn.state.parked if item.request not in ready))
        for request in ready:
            turn.cancel_timer(fetch_wait_timer(request))
    return ready


def on_fetch_wait_expired(turn: Turn, peer: int, correlation_id: int) -> None:
    """The wait is over: send the response that was computed when the fetch came, whatever happened since."""
    for parked in turn.state.parked:
        if parked.request.src == peer and parked.request.correlation_id == correlation_id:
            turn.state = evolve(turn.state, parked=tuple(item for item in turn.state.parked if item is not parked))
            turn.send(parked.response)
            return


def complete_all_exceptionally(turn: Turn) -> None:
    """Answer every parked fetch NOT_LEADER_OR_FOLLOWER, naming the leader known now."""
    for parked in turn.state.parked:
        request = parked.request
        turn.cancel_timer(fetch_wait_timer(request))
        turn.send(empty_fetch_response(turn, request, Error.NOT_LEADER_OR_FOLLOWER))
    turn.state = evolve(turn.state, parked=())


def empty_fetch_response(turn: Turn, request: FetchRequest, error: Error) -> FetchResponse:
    """A response without records: this node's epoch, leader and high watermark.

    KafkaRaftClient.buildEmptyFetchResponse.
    """
    return FetchResponse(
        turn.me,
        request.src,
        request.correlation_id,
        error,
        turn.state.leader_id,
        turn.epoch,
        turn.state.high_watermark,
        base_offset=request.end.offset,
    )


def _same(one: FetchRequest, other: FetchRequest) -> bool:
    return one.src == other.src and one.correlation_id == other.correlation_id
