"""Replication by pull: Fetch requests and responses, and the leader's drain. Source: KafkaRaftClient, KIP-595.

Deviation: a Fetch response carries one batch, and a batch is one record.
"""

from attrs import evolve

from impl.effects import AppendEntries, FatalError, TruncateLog
from impl.kraft.election import maybe_handle_common_response
from impl.kraft.leader import (
    append_accumulated,
    flush,
    leader_or_die,
    maybe_update_high_watermark,
    set_high_watermark,
    with_end_offset,
)
from impl.kraft.messages import Error, FetchRequest, FetchResponse
from impl.kraft.purgatory import empty_fetch_response, park, take_ready
from impl.kraft.quorum_state import set_fetch_timer
from impl.kraft.requests import is_ready, next_correlation_id, send_request
from impl.kraft.state import Follower, Leader
from impl.kraft.turn import Turn


def drain(turn: Turn) -> None:
    """The leader's drain: append, advance the high watermark, answer the parked fetches, and only then flush.

    KafkaRaftClient.maybeAppendBatches, flushLeaderLog. A crash can fall between the answers and the flush.
    """
    if not leader_or_die(turn).accumulator:
        return
    append_accumulated(turn)
    maybe_update_high_watermark(turn)
    for request in take_ready(turn):
        turn.send(try_complete_fetch_request(turn, request))
    flush(turn)


def validate_leader_only_request(turn: Turn, epoch: int) -> Error:
    """A request to the leader must be of its epoch. It never changes the receiver's. validateLeaderOnlyRequest."""
    if epoch < turn.epoch:
        return Error.FENCED_LEADER_EPOCH
    if epoch > turn.epoch:
        return Error.UNKNOWN_LEADER_EPOCH
    return Error.NONE if isinstance(turn.role, Leader) else Error.NOT_LEADER_OR_FOLLOWER


def handle_fetch_request(turn: Turn, request: FetchRequest) -> None:
    """Answer a fetch, or park it when there is nothing to say yet. KafkaRaftClient.handleFetchRequest."""
    if request.end.offset < 0 or request.end.epoch < 0 or request.end.epoch > request.epoch:
        turn.send(empty_fetch_response(turn, request, Error.INVALID_REQUEST))
        return
    response = try_complete_fetch_request(turn, request)
    if response.error is not Error.NONE or response.records or response.diverging is not None:
        turn.send(response)
    else:
        park(turn, request, response)


def try_complete_fetch_request(turn: Turn, request: FetchRequest) -> FetchResponse:
    """The response to a fetch as of now. The fetch offset of a valid one is the follower's acknowledgement.

    KafkaRaftClient.tryCompleteFetchRequest. The records are read before the high watermark moves, the response carries
    it after. A diverging fetch acknowledges nothing.
    """
    error = validate_leader_only_request(turn, request.epoch)
    if error is not Error.NONE:
        return empty_fetch_response(turn, request, error)
    if request.src == turn.me:
        raise FatalError(f"leader {turn.me} received a fetch from itself")
    log = turn.state.log
    diverging = log.diverging_point(request.end.offset, request.end.epoch)
    if diverging is not None:
        return evolve(empty_fetch_response(turn, request, Error.NONE), diverging=diverging)
    role = leader_or_die(turn)
    end_offsets = with_end_offset(role, request.src, request.end.offset)
    turn.state = evolve(turn.state, role=evolve(role, end_offsets=end_offsets))
    maybe_update_high_watermark(turn)
    records = log.entries[request.end.offset : request.end.offset + 1]
    return evolve(empty_fetch_response(turn, request, Error.NONE), records=records)


def handle_fetch_response(turn: Turn, response: FetchResponse) -> None:
    """A follower truncates at a divergence, or appends, flushes, and takes the high watermark. handleFetchResponse.

    The flush stands before the next Fetch, which acknowledges the records.
    """
    if maybe_handle_common_response(turn, response):
        return
    if not isinstance(turn.role, Follower):
        raise FatalError(f"node {turn.me} is {type(turn.role).__name__} and received the fetch response it awaited")
    if response.diverging is not None:
        _truncate(turn, response)
    else:
        _append_as_follower(turn, response)
        _follow_high_watermark(turn, response.high_watermark)
    set_fetch_timer(turn)


def _truncate(turn: Turn, response: FetchResponse) -> None:
    diverging, state, rules = response.diverging, turn.state, turn.config.rules
    assert diverging is not None
    if not rules.may_truncate(diverging.offset, state.high_watermark):
        raise FatalError(
            f"leader {response.src} asks node {turn.me} to truncate to {diverging}, below its high watermark "
            f"{state.high_watermark}"
        )
    target = rules.truncation_target(state.log, diverging)
    if not rules.may_truncate(target, state.high_watermark):
        raise FatalError(f"node {turn.me} would truncate to {target}, below its high watermark {state.high_watermark}")
    if target < state.log.end_offset:
        turn.emit(TruncateLog(target))
    # Only with the guard removed can the high watermark be above the new end; it must not name records that are gone.
    high_watermark = None if state.high_watermark is None else min(state.high_watermark, target)
    turn.state = evolve(state, log=state.log.truncate(target), high_watermark=high_watermark)


def _append_as_follower(turn: Turn, response: FetchResponse) -> None:
    if not response.records:
        return
    log = turn.state.log
    if response.base_offset != log.end_offset:
        raise FatalError(
            f"node {turn.me} received records from offset {response.base_offset}, its log ends at {log.end_offset}"
        )
    turn.state = evolve(turn.state, log=log.append(response.records))
    turn.emit(AppendEntries(log.end_offset, response.records))
    flush(turn)


def _follow_high_watermark(turn: Turn, leader_high_watermark: int | None) -> None:
    """The leader's high watermark, no further than the own log; it never decreases. updateFollowerHighWatermark."""
    if leader_high_watermark is None:
        return
    known = turn.state.high_watermark
    high_watermark = min(leader_high_watermark, turn.state.log.end_offset)
    if known is not None and high_watermark < known:
        raise FatalError(f"the high watermark of node {turn.me} would decrease from {known} to {high_watermark}")
    if high_watermark != known:
        set_high_watermark(turn, high_watermark)


def poll_follower(turn: Turn) -> None:
    """Fetch from the leader as soon as nothing is in flight to it. KafkaRaftClient.pollFollowerAsVoter."""
    role = turn.role
    if isinstance(role, Follower) and is_ready(turn, role.leader_id):
        correlation_id = next_correlation_id(turn)
        send_request(turn, FetchRequest(turn.me, role.leader_id, correlation_id, role.epoch, turn.state.log.end))
