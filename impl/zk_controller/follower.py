"""A follower's replica: it fetches from the leader, and cuts its log where the leader's is another. Source: ReplicaFetcherThread.

Truncation is on fetch (KIP-595): the fetch names the epoch of the last record, and the leader answers where the logs part.
"""

from attrs import evolve

from impl.zk_controller.effects import AppendReplica, CheckpointHighWatermark, TruncateReplica
from impl.zk_controller.messages import FetchRequest, FetchResponse, LeaderAndIsrPartition
from impl.zk_controller.names import Error, TopicPartition
from impl.zk_controller.state import Partition
from impl.zk_controller.turn import Turn


def fetch_timer(tp: TopicPartition) -> str:
    """Fires when it is time to fetch, again or at all."""
    return f"fetch:{tp.topic}:{tp.partition}"


def make_follower(turn: Turn, part: LeaderAndIsrPartition) -> None:
    """Follow a leader, if this broker has heard of its existence. ReplicaManager.makeFollowers, Partition.makeFollower."""
    tp, state = part.tp, part.state
    stop_fetching(turn, tp)
    alive = state.leader in turn.state.cache.live_brokers
    turn.update(
        tp,
        Partition(
            leader=state.leader,
            leader_epoch=state.leader_epoch,
            partition_epoch=state.partition_epoch,
            controller_epoch=state.controller_epoch,
            replicas=part.replicas,
            isr=state.isr,
            is_fetching=alive,
        ),
    )
    if alive:
        fetch(turn, tp)


def stop_fetching(turn: Turn, tp: TopicPartition) -> None:
    """No more fetches; an answer that is on its way is ignored. removeFetcherForPartitions."""
    partition = turn.state.partitions.get(tp)
    if partition is not None and partition.is_fetching:
        turn.cancel_timer(fetch_timer(tp))
        turn.update(tp, evolve(partition, is_fetching=False, fetching=None))


def fetch(turn: Turn, tp: TopicPartition) -> None:
    """Ask for what comes next; without an answer, again."""
    partition = turn.state.partitions.get(tp)
    if partition is None or not partition.is_fetching:
        return
    log = turn.log(tp)
    request = FetchRequest(turn.me, tp, partition.leader_epoch, log.end, log.last_epoch, turn.state.broker_epoch)
    correlation = turn.request(partition.leader, request)
    turn.update(tp, evolve(partition, fetching=correlation))
    turn.set_timer(fetch_timer(tp), turn.config.settings.request_timeout)


def on_response(turn: Turn, correlation: int, response: FetchResponse) -> None:
    """Append, or cut, or wait. processFetchRequest, processPartitionData."""
    tp = response.tp
    partition = turn.state.partitions.get(tp)
    if partition is None or not partition.is_fetching or partition.fetching != correlation:
        return
    settings = turn.config.settings
    turn.update(tp, evolve(partition, fetching=None))
    if response.error is Error.FENCED_LEADER_EPOCH:
        stop_fetching(turn, tp)  # There is a newer leader, of which LeaderAndIsr will tell. onPartitionFenced.
    elif response.error is Error.OFFSET_OUT_OF_RANGE:
        _truncate(turn, tp, 0)
        fetch(turn, tp)
    elif response.error is not Error.NONE:
        turn.set_timer(fetch_timer(tp), settings.retry_backoff)
    elif response.diverging is not None:
        _truncate_to_common(turn, tp, response.diverging)
        fetch(turn, tp)
    else:
        log = turn.log(tp)
        if response.entries:
            turn.write(AppendReplica(tp, log.end, response.entries))
        committed = min(response.high_watermark, turn.log(tp).end)
        if committed > turn.log(tp).high_watermark:
            turn.write(CheckpointHighWatermark(tp, committed))
        if response.entries:
            fetch(turn, tp)
        else:
            turn.set_timer(fetch_timer(tp), settings.fetch_wait)


def _truncate_to_common(turn: Turn, tp: TopicPartition, diverging: tuple[int, int]) -> None:
    """Cut to where the epoch that the leader named ends, here or there, whichever is first. getOffsetTruncationState, KIP-279."""
    epoch, end = diverging
    _own_epoch, own_end = turn.log(tp).end_offset_for_epoch(epoch)
    _truncate(turn, tp, min(own_end, end))


def _truncate(turn: Turn, tp: TopicPartition, end: int) -> None:
    if end < turn.log(tp).end:
        turn.write(TruncateReplica(tp, end))
