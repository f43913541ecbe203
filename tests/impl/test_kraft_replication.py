"""Replication: the handler tables of Fetch, the purgatory, the high watermark, and the order of the effects."""

import pytest
from attrs import evolve

from impl.effects import (
    AppendEntries,
    CancelTimer,
    Deliver,
    Entry,
    FatalError,
    FlushLog,
    Receive,
    Send,
    SetTimer,
    TimerFired,
    TruncateLog,
)
from impl.kraft.log import OffsetAndEpoch
from impl.kraft.messages import ClientRequest, Error, FetchRequest, FetchResponse
from impl.kraft.node import NodeEffects, step
from impl.kraft.records import LeaderChange
from impl.kraft.state import Follower, Leader, NodeState, Outstanding, Resigned, Role, Unattached
from impl.operations import Operation
from tests.impl.hand import cluster, voter

RECORD = Entry(4, LeaderChange(2, (1, 2, 3), (2, 3)))


def _leader(*epochs: int, start: int, ends: dict[int, int | None] | None = None, voters: int = 3) -> NodeState:
    """Node 1 leads epoch 4, which starts at `start`."""
    ids = tuple(range(1, voters + 1))
    known = ends or {}
    role = Leader(4, start, ids, tuple((voter_id, known.get(voter_id)) for voter_id in ids))
    return voter(role, *epochs, voters=ids)


def _fetch(
    state: NodeState, offset: int, epoch: int, *, of_epoch: int = 4, src: int = 2
) -> tuple[NodeState, NodeEffects]:
    return step(state, Receive(FetchRequest(src, 1, 9, of_epoch, OffsetAndEpoch(offset, epoch))))


def _responses(effects: NodeEffects) -> list[FetchResponse]:
    sent = [effect.message for effect in effects if isinstance(effect, Send)]
    return [message for message in sent if isinstance(message, FetchResponse)]


def _follower(*epochs: int, high_watermark: int | None = None) -> NodeState:
    """Node 1 follows 2 in epoch 4, its Fetch in flight."""
    state = voter(Follower(4, 2), *epochs, high_watermark=high_watermark)
    request = FetchRequest(1, 2, 9, 4, state.log.end)
    return evolve(state, outstanding=(Outstanding(2, request),), next_correlation_id=10, applied=high_watermark or 0)


def _response(
    *records: Entry, base_offset: int, high_watermark: int | None = None, diverging: OffsetAndEpoch | None = None
) -> FetchResponse:
    return FetchResponse(2, 1, 9, Error.NONE, 2, 4, high_watermark, base_offset, records, diverging)


# ------------------------------------------------------------------------------------------------------------ fetch request


@pytest.mark.parametrize(
    ("role", "of_epoch", "error"),
    [
        (Follower(4, 3), 3, Error.FENCED_LEADER_EPOCH),
        (Follower(4, 3), 5, Error.UNKNOWN_LEADER_EPOCH),
        (Follower(4, 3), 4, Error.NOT_LEADER_OR_FOLLOWER),
        (Unattached(4), 4, Error.NOT_LEADER_OR_FOLLOWER),
        (Resigned(4), 4, Error.NOT_LEADER_OR_FOLLOWER),
    ],
)
def test_fetch_is_for_the_leader_of_the_epoch(role: Role, of_epoch: int, error: Error) -> None:
    """validateLeaderOnlyRequest: the epoch first, then the role; a fetch never changes the receiver's epoch."""
    state, effects = _fetch(voter(role, 1), 1, 1, of_epoch=of_epoch)

    (response,) = _responses(effects)
    assert (response.error, response.epoch, response.records) == (error, 4, ())
    assert response.leader_id == state.leader_id
    assert state.role == role


@pytest.mark.parametrize("end", [OffsetAndEpoch(-1, 0), OffsetAndEpoch(0, -1), OffsetAndEpoch(0, 5)])
def test_impossible_fetch_request(end: OffsetAndEpoch) -> None:
    """handleFetchRequest: a log end of a later epoch than the leader's is invalid."""
    state, effects = step(_leader(1, 4, start=1), Receive(FetchRequest(2, 1, 9, 4, end)))

    assert [response.error for response in _responses(effects)] == [Error.INVALID_REQUEST]
    assert state == _leader(1, 4, start=1)


def test_fetch_response_has_one_record_and_acknowledges_the_offset() -> None:
    """tryCompleteFetchRequest: the fetch offset is the follower's end offset, and moves the high watermark it returns."""
    state, effects = _fetch(_leader(1, 4, 4, start=1, ends={1: 3}), 2, 4)

    (response,) = _responses(effects)
    assert (response.base_offset, len(response.records), response.high_watermark) == (2, 1, 2)
    assert isinstance(state.role, Leader)
    assert state.role.end_offsets == ((1, 3), (2, 2), (3, None))
    assert [type(effect) for effect in effects] == [Deliver, Send]


@pytest.mark.parametrize(
    ("offset", "epoch", "diverging"),
    [(3, 2, OffsetAndEpoch(2, 2)), (4, 3, OffsetAndEpoch(2, 2)), (2, 1, OffsetAndEpoch(1, 1))],
)
def test_diverging_fetch_acknowledges_nothing(offset: int, epoch: int, diverging: OffsetAndEpoch) -> None:
    """tryCompleteFetchRequest: a follower that diverges learns where, without records; its end offset stays unknown."""
    state, effects = _fetch(_leader(1, 2, 4, start=2, ends={1: 3}), offset, epoch)

    (response,) = _responses(effects)
    assert (response.error, response.diverging, response.records) == (Error.NONE, diverging, ())
    assert state == _leader(1, 2, 4, start=2, ends={1: 3})


def test_lower_fetch_offset_than_before_is_taken() -> None:
    """KAFKA-12181: a follower may come back with less; the high watermark stays."""
    state = evolve(_leader(1, 4, 4, start=1, ends={1: 3, 2: 3, 3: 0}), high_watermark=3, applied=3)
    state, _ = _fetch(state, 1, 1)

    assert isinstance(state.role, Leader)
    assert state.role.end_offsets == ((1, 3), (2, 1), (3, 0))
    assert state.high_watermark == 3


def test_leader_that_fetches_from_itself_is_fatal() -> None:
    """updateReplicaState: the local id is no remote replica."""
    with pytest.raises(FatalError, match="leader 1 received a fetch from itself"):
        _fetch(_leader(4, start=0), 0, 0, src=1)


# ------------------------------------------------------------------------------------------------------------- the purgatory


def test_fetch_at_the_end_of_the_log_is_parked() -> None:
    """handleFetchRequest: with nothing to say the answer waits, for at most the fetch's maximum wait."""
    state, effects = _fetch(_leader(4, start=0, ends={1: 1}), 1, 4)

    assert effects == (Deliver(0, state.log.entries), SetTimer("fetch_wait:2:9", 500_000))
    assert [parked.request.src for parked in state.parked] == [2]


def test_drain_appends_answers_the_parked_fetches_and_then_flushes() -> None:
    """flushLeaderLog: append, complete the parked fetches, flush; a parked fetch is handled anew, one record per response."""
    state, _ = _fetch(_leader(4, start=0, ends={1: 1}), 1, 4)
    state, effects = step(state, Receive(ClientRequest(101, 1, 5, Operation("set_config", "k", 1))))
    assert effects == (SetTimer("drain", 0),)
    state, effects = step(state, Receive(ClientRequest(102, 1, 5, Operation("set_config", "k", 2))))
    assert effects == ()

    state, effects = step(state, TimerFired("drain"))

    kinds = [type(effect) for effect in effects]
    assert kinds == [AppendEntries, AppendEntries, CancelTimer, Send, FlushLog]
    (response,) = _responses(effects)
    assert (response.base_offset, len(response.records), response.correlation_id) == (1, 1, 9)
    assert state.parked == ()
    assert [waiting.offset for waiting in state.waiting] == [1, 2]


def test_parked_fetch_is_handled_anew_in_the_epoch_of_the_append() -> None:
    """A fetch parked in an earlier leadership of this node is fenced when a later one appends."""
    state, _ = _fetch(_leader(4, start=0, ends={1: 1}), 1, 4)
    role = Leader(6, 1, (1, 2), ((1, None), (2, None), (3, None)))
    state = evolve(state, role=role, log=state.log.initialize_leader_epoch(6))
    state, _ = step(state, Receive(ClientRequest(101, 1, 5, Operation("read", "k"))))
    _, effects = step(state, TimerFired("drain"))

    assert [(response.error, response.epoch) for response in _responses(effects)] == [(Error.FENCED_LEADER_EPOCH, 6)]


def test_expired_fetch_returns_the_response_of_its_arrival() -> None:
    """KAFKA-15100: when the wait is over the original response goes out, with the high watermark and epoch of then."""
    state, _ = _fetch(_leader(4, start=0, ends={1: 1}), 1, 4)
    state = evolve(state, role=Unattached(7))
    state, effects = step(state, TimerFired("fetch_wait:2:9"))

    (response,) = _responses(effects)
    assert (response.epoch, response.leader_id, response.high_watermark, response.records) == (4, 1, 1, ())
    assert state.parked == ()


def test_second_copy_of_a_parked_fetch_takes_its_place() -> None:
    """One request, one answer: a duplicate of a parked request does not wait twice."""
    state, _ = _fetch(_leader(4, start=0, ends={1: 1}), 1, 4)
    state, _ = _fetch(state, 1, 4)

    assert len(state.parked) == 1


# ------------------------------------------------------------------------------------------------------- the high watermark


@pytest.mark.parametrize(
    ("voters", "ends", "start", "expected"),
    [
        (3, {1: 5, 2: None, 3: None}, 2, None),  # no majority is known
        (3, {1: 5, 2: 2, 3: None}, 2, None),  # KAFKA-12619: exactly at the epoch start is not enough
        (3, {1: 5, 2: 3, 3: None}, 2, 3),
        (3, {1: 5, 2: 3, 3: 4}, 2, 4),
        (3, {1: None, 2: 3, 3: 4}, 2, 3),  # the leader's own end offset counts only once it is known
        (4, {1: 5, 2: 4, 3: 3, 4: None}, 2, 3),
        (5, {1: 5, 2: 5, 3: 1, 4: None, 5: None}, 2, None),
        (5, {1: 5, 2: 5, 3: 4, 4: 1, 5: None}, 2, 4),
        (2, {1: 5, 2: 3}, 2, 3),
    ],
)
def test_high_watermark_is_what_a_majority_has(
    voters: int, ends: dict[int, int | None], start: int, expected: int | None
) -> None:
    """LeaderState.maybeUpdateHighWatermark: the element n / 2 of the end offsets in descending order, beyond the epoch start."""
    state = _leader(1, 1, 4, 4, 4, start=start, ends=ends, voters=voters)
    last = ends[voters]
    # The last voter says again where its log ends (the start, if that was unknown), and the leader looks again.
    offset = last if last is not None else 0
    state, _ = _fetch(state, offset, 4 if offset > 2 else 1, src=voters)

    known = {**ends, voters: offset}
    assert isinstance(state.role, Leader)
    assert dict(state.role.end_offsets) == known
    assert state.high_watermark == expected


def test_high_watermark_never_decreases_on_a_leader() -> None:
    """maybeUpdateHighWatermark: a lower candidate changes nothing."""
    state = evolve(_leader(1, 4, 4, start=1, ends={1: 3, 2: 3, 3: 3}), high_watermark=3, applied=3)
    state, _ = _fetch(state, 2, 4)
    state, effects = _fetch(state, 2, 4, src=3)

    assert state.high_watermark == 3
    assert not any(isinstance(effect, Deliver) for effect in effects)


def test_commit_is_delivered_before_its_client_is_answered() -> None:
    """The state machine applies the records up to the high watermark in order, and the leader answers the waiting clients."""
    hand = cluster()
    hand.elect(1, 2)
    hand.fire(1, "drain")
    hand.exchange(1, 2)
    hand.write(1, 7, client=101)
    hand.write(1, 8, client=102)
    hand.fire(1, "drain")
    hand.deliver(1, 2, FetchResponse)
    hand.deliver(2, 1, FetchRequest)
    hand.deliver(1, 2, FetchResponse)

    record = hand.deliver(2, 1, FetchRequest)

    assert [type(effect) for effect in record.effects] == [Deliver, Send, SetTimer]
    assert hand.lines(record) == ["1->102 ClientResponse NONE version=1 value=None"]


# ----------------------------------------------------------------------------------------------------------- fetch response


def test_follower_flushes_before_its_next_fetch() -> None:
    """KAFKA-10533: append, flush, high watermark, and only then the Fetch that acknowledges."""
    state, effects = step(_follower(1), Receive(_response(RECORD, base_offset=1, high_watermark=2)))

    kinds = [type(effect) for effect in effects if not isinstance(effect, SetTimer | CancelTimer)]
    assert kinds == [AppendEntries, FlushLog, Deliver, Send]
    assert (state.high_watermark, state.applied) == (2, 2)
    assert str(effects[-2]).startswith("Send(message=FetchRequest(src=1, dst=2, correlation_id=10, epoch=4")


@pytest.mark.parametrize(("leader_knows", "expected"), [(None, None), (0, 0), (1, 1), (9, 2)])
def test_follower_knows_no_more_than_its_log(leader_knows: int | None, expected: int | None) -> None:
    """updateFollowerHighWatermark: min(LEO, the leader's)."""
    state, _ = step(_follower(1), Receive(_response(RECORD, base_offset=1, high_watermark=leader_knows)))

    assert state.high_watermark == expected


def test_high_watermark_that_decreases_on_a_follower_is_fatal() -> None:
    """FollowerState.updateHighWatermark throws; what the node had done before that stays done."""
    with pytest.raises(FatalError, match="would decrease from 1 to 0") as caught:
        step(_follower(1, high_watermark=1), Receive(_response(RECORD, base_offset=1, high_watermark=0)))

    assert [type(effect) for effect in caught.value.effects] == [CancelTimer, AppendEntries, FlushLog]


def test_records_that_leave_a_gap_are_fatal() -> None:
    """appendAsFollower: base offsets are contiguous."""
    with pytest.raises(FatalError, match="records from offset 3, its log ends at 1"):
        step(_follower(1), Receive(_response(RECORD, base_offset=3)))


def test_diverging_follower_truncates_and_fetches_again() -> None:
    """handleFetchResponse: truncate to the common prefix, reset the fetch timer, ask again from there."""
    state, effects = step(_follower(1, 1, 3, 3), Receive(_response(base_offset=4, diverging=OffsetAndEpoch(9, 2))))

    assert TruncateLog(2) in effects
    assert SetTimer("fetch", 2_000_000) in effects
    assert state.log.end == OffsetAndEpoch(2, 1)
    assert state.outstanding[0].request.correlation_id == 10


def test_truncation_that_removes_no_record_touches_no_disk() -> None:
    """KAFKA-10706: a former leader without a record of its epoch only forgets that epoch."""
    state = _follower(1, 1)
    state = evolve(state, log=state.log.initialize_leader_epoch(3))
    state, effects = step(state, Receive(_response(base_offset=2, diverging=OffsetAndEpoch(2, 1))))

    assert not any(isinstance(effect, TruncateLog) for effect in effects)
    assert state.log.end == OffsetAndEpoch(2, 1)


@pytest.mark.parametrize(
    ("diverging", "message"),
    [
        (OffsetAndEpoch(1, 1), "asks node 1 to truncate to 1/1, below its high watermark 3"),
        (OffsetAndEpoch(9, 2), "would truncate to 2, below its high watermark 3"),
    ],
)
def test_truncation_below_the_high_watermark_is_fatal(diverging: OffsetAndEpoch, message: str) -> None:
    """handleFetchResponse and KafkaMetadataLog.truncateTo: committed records never go."""
    with pytest.raises(FatalError, match=message):
        step(_follower(1, 1, 3, 3, high_watermark=3), Receive(_response(base_offset=4, diverging=diverging)))


def test_stale_diverging_response_is_ignored() -> None:
    """Trace T-M7: an answer to an earlier Fetch would truncate what a later Fetch acknowledged; the correlation id forbids it."""
    state = _follower(1, 1, 3, 3)
    stale = evolve(_response(base_offset=4, diverging=OffsetAndEpoch(1, 1)), correlation_id=8)

    assert step(state, Receive(stale)) == (state, ())


def test_follower_learns_of_a_new_epoch_from_a_fetch_response() -> None:
    """maybeHandleCommonResponse: a higher epoch with a leader makes it that leader's follower, which fetches there."""
    answer = FetchResponse(2, 1, 9, Error.FENCED_LEADER_EPOCH, 3, 6, None)
    state, effects = step(_follower(1), Receive(answer))

    assert state.role == Follower(6, 3)
    assert [effect.message.dst for effect in effects if isinstance(effect, Send)] == [3]


def test_two_fetches_are_never_in_flight_to_one_leader() -> None:
    """RequestManager: the same range would be appended twice."""
    state = _follower(1)
    state, effects = step(state, Receive(FetchRequest(3, 1, 1, 4, OffsetAndEpoch(0, 0))))

    assert [effect.message.dst for effect in effects if isinstance(effect, Send)] == [3]
    assert len(state.outstanding) == 1


def test_client_of_a_follower_is_sent_to_the_leader() -> None:
    """A node that is not the leader takes nothing, and names the leader it knows."""
    _, effects = step(_follower(1), Receive(ClientRequest(101, 1, 5, Operation("read", "k"))))

    (response,) = [effect.message for effect in effects if isinstance(effect, Send)]
    assert str(response) == "1->101 ClientResponse NOT_CONTROLLER version=0 value=None"
    assert getattr(response, "leader_id", None) == 2
