"""A leader's replica: records in, followers served, the high watermark, the ISR. Source: kafka.cluster.Partition, ReplicaManager.

Deviations: a fetch is answered at once (Kafka keeps it until there is something to say); the high watermark does not wait
for replicas that are about to join the ISR.
"""

from attrs import evolve

from impl.effects import Entry
from impl.zk_controller import isr
from impl.zk_controller.effects import AppendReplica, CheckpointHighWatermark
from impl.zk_controller.messages import (
    Caller,
    FetchRequest,
    FetchResponse,
    LeaderAndIsrPartition,
    ProduceRequest,
    ProduceResponse,
)
from impl.zk_controller.names import Acks, Error, TopicPartition
from impl.zk_controller.state import Follower, Partition, Waiting, leads
from impl.zk_controller.turn import Turn


def make_leader(turn: Turn, part: LeaderAndIsrPartition) -> None:
    """Lead with this ISR, unless what is known is newer. Partition.makeLeader."""
    tp, state = part.tp, part.state
    known = turn.state.partitions.get(tp, Partition())
    if state.partition_epoch < known.partition_epoch:
        return
    turn.cancel_timer(isr.alter_timer(tp))
    others = tuple(broker for broker in part.replicas if broker != turn.me)
    is_new_term = state.leader_epoch > known.leader_epoch or known.leader != turn.me
    turn.update(
        tp,
        Partition(
            leader=turn.me,
            leader_epoch=state.leader_epoch,
            partition_epoch=state.partition_epoch,
            controller_epoch=state.controller_epoch,
            replicas=part.replicas,
            isr=state.isr,
            recovering=state.recovering,
            epoch_start=turn.log(tp).end if is_new_term else known.epoch_start,
            followers={broker: Follower() for broker in others},
            waiting=known.waiting,
        ),
    )
    for broker in others:
        turn.set_timer(isr.lag_timer(tp, broker), turn.config.settings.replica_lag)
    for broker in known.followers:
        if broker not in others:
            turn.cancel_timer(isr.lag_timer(tp, broker))
    isr.finish_recovery(turn, tp)
    advance_high_watermark(turn, tp)


def cease_to_lead(turn: Turn, tp: TopicPartition) -> None:
    """Producers that wait are told to ask somebody else."""
    partition = turn.state.partitions[tp]
    for waiting in partition.waiting:
        turn.reply(waiting.caller, ProduceResponse(Error.NOT_LEADER_OR_FOLLOWER, tp))
    for broker in partition.followers:
        turn.cancel_timer(isr.lag_timer(tp, broker))
    turn.cancel_timer(isr.alter_timer(tp))
    turn.update(tp, evolve(partition, waiting=(), followers={}, pending=None))


# --------------------------------------------------------------------------------------------------------------- producers


def on_produce(turn: Turn, caller: Caller, request: ProduceRequest) -> None:
    """Append a record; the producer is answered at once, or when it is committed. appendRecordsToLeader, DelayedProduce."""
    tp = request.tp
    partition = leads(turn.state, tp)
    if partition is None:
        known = tp in turn.state.cache.partitions
        error = Error.NOT_LEADER_OR_FOLLOWER if known else Error.UNKNOWN_TOPIC_OR_PARTITION
        turn.reply(caller, ProduceResponse(error, tp))
        return
    if request.acks is Acks.ALL and len(partition.isr) < turn.config.settings.min_insync:
        turn.reply(caller, ProduceResponse(Error.NOT_ENOUGH_REPLICAS, tp))
        return
    offset = turn.log(tp).end
    turn.write(AppendReplica(tp, offset, (Entry(partition.leader_epoch, request.value),)))
    if request.acks is Acks.LEADER:
        turn.reply(caller, ProduceResponse(Error.NONE, tp, offset, partition.leader_epoch))
    else:
        turn.update(tp, evolve(partition, waiting=(*partition.waiting, Waiting(offset, caller))))
    advance_high_watermark(turn, tp)


def advance_high_watermark(turn: Turn, tp: TopicPartition) -> None:
    """Commit what all of the maximal ISR has, and answer who waited for it. maybeIncrementLeaderHW."""
    partition, log = turn.state.partitions[tp], turn.log(tp)
    ends = [partition.followers[broker].end for broker in partition.maximal_isr if broker in partition.followers]
    reached = min([log.end, *ends])
    if reached > log.high_watermark:
        turn.write(CheckpointHighWatermark(tp, reached))
    committed = turn.log(tp).high_watermark
    done = tuple(waiting for waiting in partition.waiting if waiting.offset < committed)
    if not done:
        return
    enough = len(partition.maximal_isr) >= turn.config.settings.min_insync
    error = Error.NONE if enough else Error.NOT_ENOUGH_REPLICAS_AFTER_APPEND
    for waiting in done:
        epoch = log.entries[waiting.offset].epoch
        turn.reply(waiting.caller, ProduceResponse(error, tp, waiting.offset, epoch))
    left = tuple(waiting for waiting in partition.waiting if waiting not in done)
    turn.update(tp, evolve(partition, waiting=left))


# --------------------------------------------------------------------------------------------------------------- followers


def on_fetch(turn: Turn, caller: Caller, request: FetchRequest) -> None:
    """Serve a follower: records from its end on, or where its log parts from this one. fetchRecords, updateFollowerFetchState."""
    tp = request.tp
    partition = leads(turn.state, tp)
    if partition is None:
        _refuse(turn, caller, request, Error.NOT_LEADER_OR_FOLLOWER)
    elif request.leader_epoch < partition.leader_epoch:
        _refuse(turn, caller, request, Error.FENCED_LEADER_EPOCH)
    elif request.leader_epoch > partition.leader_epoch or request.replica not in partition.followers:
        _refuse(turn, caller, request, Error.UNKNOWN_LEADER_EPOCH)
    else:
        log = turn.log(tp)
        epoch, end = turn.config.rules.end_offset_for_epoch(log, request.last_epoch)
        if request.last_epoch >= 0 and (epoch < request.last_epoch or end < request.offset):
            _answer(turn, caller, request, partition, diverging=(epoch, end))
        elif request.offset > log.end:
            _refuse(turn, caller, request, Error.OFFSET_OUT_OF_RANGE)
        else:
            _note_fetch(turn, request)
            _answer(turn, caller, request, partition, log.entries[request.offset :])


def _note_fetch(turn: Turn, request: FetchRequest) -> None:
    """The follower has everything up to its offset. Replica.updateFetchStateOrThrow."""
    tp, replica = request.tp, request.replica
    partition, log = turn.state.partitions[tp], turn.log(tp)
    before = partition.followers[replica]
    # Caught up now, or at least with what there was when it asked last.
    caught_up = request.offset >= min(log.end, before.end_of_leader)
    if caught_up:
        turn.set_timer(isr.lag_timer(tp, replica), turn.config.settings.replica_lag)
    after = Follower(request.offset, log.end, before.lags and not caught_up, request.broker_epoch)
    turn.update(tp, evolve(partition, followers={**partition.followers, replica: after}))
    isr.maybe_expand(turn, tp, replica)
    advance_high_watermark(turn, tp)


def _answer(
    turn: Turn,
    caller: Caller,
    request: FetchRequest,
    partition: Partition,
    entries: tuple[Entry, ...] = (),
    diverging: tuple[int, int] | None = None,
) -> None:
    high_watermark = turn.log(request.tp).high_watermark
    response = FetchResponse(
        Error.NONE, request.tp, partition.leader_epoch, request.offset, entries, high_watermark, diverging
    )
    turn.reply(caller, response)


def _refuse(turn: Turn, caller: Caller, request: FetchRequest, error: Error) -> None:
    turn.reply(caller, FetchResponse(error, request.tp, request.leader_epoch, request.offset))
