"""What a leader does: accumulate, drain, advance the high watermark, deliver, announce itself.

Source: KafkaRaftClient, LeaderState.
"""

from attrs import evolve

from impl.effects import AppendEntries, Deliver, Entry, FatalError, FlushLog
from impl.kraft.messages import BeginQuorumEpochRequest, ClientRequest, ClientResponse, Error
from impl.kraft.metadata import Result
from impl.kraft.quorum_state import BEGIN_QUORUM_EPOCH, DRAIN
from impl.kraft.records import Command, LeaderChange
from impl.kraft.requests import is_ready, next_correlation_id, send_request
from impl.kraft.state import Leader, Pending, Waiting
from impl.kraft.turn import Turn


def append_leader_change(turn: Turn) -> None:
    """Put the start-of-epoch record into the accumulator. LeaderState.appendStartOfEpochControlRecords."""
    role = leader_or_die(turn)
    _accumulate(turn, Pending(LeaderChange(turn.me, turn.config.voters, role.granting_voters)), linger=0)


def handle_client_request(turn: Turn, request: ClientRequest) -> None:
    """Take a client's operation into the accumulator, or name the leader. QuorumController.appendWriteEvent.

    Deviation: Kafka's controller claims leadership only once its state machine has consumed its own LeaderChange record
    (KAFKA-15345) and turns clients away before; here it takes operations from its election on, because nothing is
    validated before the record is applied.
    """
    if isinstance(turn.role, Leader):
        command = Command(request.src, request.correlation_id, request.operation)
        pending = Pending(command, request.src, request.correlation_id)
        _accumulate(turn, pending, turn.config.timings.linger)
    else:
        leader_id = turn.state.leader_id
        turn.send(ClientResponse(turn.me, request.src, request.correlation_id, Error.NOT_CONTROLLER, leader_id))


def _accumulate(turn: Turn, pending: Pending, linger: int) -> None:
    role = leader_or_die(turn)
    if not role.accumulator:
        turn.set_timer(DRAIN, linger)
    turn.state = evolve(turn.state, role=evolve(role, accumulator=(*role.accumulator, pending)))


def append_accumulated(turn: Turn) -> None:
    """Append all that was accumulated, one batch per record, in order. First half of a drain: BatchAccumulator.drain."""
    role = leader_or_die(turn)
    state = turn.state
    log, waiting = state.log, state.waiting
    for pending in role.accumulator:
        batch = (Entry(role.epoch, pending.payload),)
        appended = log.append(batch)
        turn.emit(AppendEntries(log.end_offset, batch))
        if pending.client is not None:
            waiting = (*waiting, Waiting(log.end_offset, pending.client, pending.correlation_id))
        log = appended
    end_offsets = with_end_offset(role, turn.me, log.end_offset)
    turn.state = evolve(state, log=log, waiting=waiting, role=evolve(role, accumulator=(), end_offsets=end_offsets))


def flush(turn: Turn) -> None:
    """Ask for the log to be flushed (KAFKA-10533 did not)."""
    if turn.config.rules.flush_after_append():
        turn.emit(FlushLog())


def with_end_offset(role: Leader, voter: int, end_offset: int) -> tuple[tuple[int, int | None], ...]:
    """The end offsets with that of one voter replaced.

    A lower one than before is taken as it is (KAFKA-12181); it cannot lower the high watermark.
    LeaderState.updateReplicaState.
    """
    return tuple((other, end_offset if other == voter else known) for other, known in role.end_offsets)


def maybe_update_high_watermark(turn: Turn) -> bool:
    """Advance the high watermark to what a majority has reached, if the rules allow.

    LeaderState.maybeUpdateHighWatermark.
    """
    role = leader_or_die(turn)
    known = sorted((offset for _, offset in role.end_offsets if offset is not None), reverse=True)
    index = turn.config.rules.majority_index(len(turn.config.voters))
    if index >= len(known):
        return False
    candidate = known[index]
    if not turn.config.rules.may_advance_high_watermark(candidate, role.epoch_start_offset, turn.state.high_watermark):
        return False
    set_high_watermark(turn, candidate)
    return True


def set_high_watermark(turn: Turn, high_watermark: int) -> None:
    """Take a new high watermark, deliver what is committed now, and answer the clients whose records these are.

    With one voter this happens before the flush that follows in the same drain (as in Kafka).
    """
    state = turn.state
    base = state.applied
    if high_watermark <= base:
        turn.state = evolve(state, high_watermark=high_watermark)
        return
    metadata = state.metadata
    committed = state.log.entries[base:high_watermark]
    turn.emit(Deliver(base, committed))
    clients = {waiting.offset: waiting for waiting in state.waiting if waiting.offset < high_watermark}
    for offset, entry in enumerate(committed, base):
        metadata, result = metadata.apply(entry.payload)
        if result is not None and offset in clients:
            _answer(turn, clients[offset], result)
    turn.state = evolve(
        state,
        high_watermark=high_watermark,
        applied=high_watermark,
        metadata=metadata,
        waiting=tuple(waiting for waiting in state.waiting if waiting.offset >= high_watermark),
    )


def _answer(turn: Turn, waiting: Waiting, result: Result) -> None:
    topic = result.topic
    turn.send(
        ClientResponse(
            turn.me,
            waiting.client,
            waiting.correlation_id,
            result.error,
            turn.me,
            topic.exists,
            topic.version,
            topic.value,
        )
    )


def begin_quorum_epoch(turn: Turn) -> None:
    """Announce the leader on every ready connection, and again after half a fetch timeout.

    KafkaRaftClient.maybeSendBeginQuorumEpochRequests.
    """
    role = leader_or_die(turn)
    for voter in turn.config.others:
        if is_ready(turn, voter):
            correlation_id = next_correlation_id(turn)
            send_request(turn, BeginQuorumEpochRequest(turn.me, voter, correlation_id, turn.me, role.epoch))
    turn.set_timer(BEGIN_QUORUM_EPOCH, turn.config.timings.fetch // 2)


def leader_or_die(turn: Turn) -> Leader:
    """The leader's state. Raises FatalError on any other role. QuorumState.leaderStateOrThrow."""
    if not isinstance(turn.role, Leader):
        raise FatalError(f"node {turn.me} is {type(turn.role).__name__} in epoch {turn.epoch}, not Leader")
    return turn.role
