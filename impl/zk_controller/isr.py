"""How a leader has its ISR changed. Source: kafka.cluster.Partition, ZkAlterPartitionManager, ZkIsrManager.

At most one change of a partition is under way. By AlterPartition the leader asks the controller; before IBP 2.7-IV2 it wrote the
state znode itself, by compare-and-set on the version that it knew, and told the controller by a notification.
"""

from attrs import evolve

from impl.zk_controller.messages import AlterPartitionRequest, AlterPartitionResponse
from impl.zk_controller.names import NO_CONTROLLER, Error, LeaderAndIsr, TopicPartition, without
from impl.zk_controller.state import Partition, PendingIsr, leads
from impl.zk_controller.tasks import Task
from impl.zk_controller.turn import Turn
from impl.zk_controller.work import BrokerFacts, WriteIsr

GIVE_UP = (
    Error.FENCED_LEADER_EPOCH,
    Error.INVALID_UPDATE_VERSION,
    Error.UNKNOWN_TOPIC_OR_PARTITION,
    Error.INVALID_REQUEST,
)
"""After these a leader waits for LeaderAndIsr: the controller knows more. handleAlterPartitionError."""


def lag_timer(tp: TopicPartition, replica: int) -> str:
    """Fires when a follower has not caught up for too long."""
    return f"lag:{tp.topic}:{tp.partition}:{replica}"


def alter_timer(tp: TopicPartition) -> str:
    """Fires when a change of the ISR is to be asked for again."""
    return f"alter:{tp.topic}:{tp.partition}"


def maybe_expand(turn: Turn, tp: TopicPartition, replica: int) -> None:
    """Take a follower in that has everything committed, and this leader's epoch start (KAFKA-7128). maybeExpandIsr."""
    partition, log = turn.state.partitions[tp], turn.log(tp)
    follower = partition.followers[replica]
    if partition.pending is not None or partition.recovering or replica in partition.maximal_isr:
        return
    if follower.end < log.high_watermark or follower.end < partition.epoch_start:
        return
    if turn.config.rules.is_eligible_for_isr(replica, turn.state.cache.live_brokers, ()):
        _propose(turn, tp, (*partition.isr, replica), expands=True)


def on_lag(turn: Turn, tp: TopicPartition, replica: int) -> None:
    """A follower has not caught up for replica.lag.time.max.ms.

    Deviation: one that has all that there is, but does not fetch, gets the whole time again (Kafka looks every half of it).
    """
    partition = leads(turn.state, tp)
    if partition is None or replica not in partition.followers:
        return
    follower = partition.followers[replica]
    if follower.end == turn.log(tp).end:
        turn.set_timer(lag_timer(tp, replica), turn.config.settings.replica_lag)
        return
    turn.update(tp, evolve(partition, followers={**partition.followers, replica: evolve(follower, lags=True)}))
    maybe_shrink(turn, tp)


def maybe_shrink(turn: Turn, tp: TopicPartition) -> None:
    """Leave those out that lag. maybeShrinkIsr."""
    partition = turn.state.partitions[tp]
    lagging = tuple(broker for broker, follower in partition.followers.items() if follower.lags)
    stays = without(partition.isr, lagging)
    if partition.pending is None and stays != partition.isr:
        _propose(turn, tp, stays, expands=False)


def finish_recovery(turn: Turn, tp: TopicPartition) -> None:
    """A leader from an unclean election declares itself whole. Partition.makeLeader, RECOVERING to RECOVERED."""
    partition = turn.state.partitions[tp]
    if partition.recovering and partition.pending is None:
        turn.update(tp, evolve(partition, recovering=False))
        _propose(turn, tp, partition.isr, expands=False)


def _propose(turn: Turn, tp: TopicPartition, isr: tuple[int, ...], *, expands: bool) -> None:
    turn.update(tp, evolve(turn.state.partitions[tp], pending=PendingIsr(isr, expands)))
    send(turn, tp)


def send(turn: Turn, tp: TopicPartition) -> None:
    """Ask for the change that is pending, for the first time or again. AlterPartitionManager.submit, sendRequest."""
    partition = leads(turn.state, tp)
    if partition is None or partition.pending is None or partition.pending.given_up:
        return
    if not turn.config.settings.alter_partition:
        _write_state(turn, tp, partition, partition.pending)
        return
    turn.set_timer(alter_timer(tp), turn.config.settings.request_timeout)
    controller = turn.state.cache.controller
    if controller == NO_CONTROLLER:
        return
    pending = partition.pending
    known = partition.followers
    request = AlterPartitionRequest(
        broker=turn.me,
        broker_epoch=turn.state.broker_epoch,
        tp=tp,
        topic_id=turn.log(tp).topic_id,
        leader_epoch=partition.leader_epoch,
        isr=pending.isr,
        partition_epoch=partition.partition_epoch,
        recovering=partition.recovering,
        member_epochs=tuple(
            (broker, known[broker].broker_epoch if broker in known else turn.state.broker_epoch)
            for broker in pending.isr
        ),
    )
    correlation = turn.request(controller, request)
    turn.update(tp, evolve(partition, pending=evolve(pending, correlation=correlation)))


def on_alter_timer(turn: Turn, tp: TopicPartition) -> None:
    """Ask again; or, after a write of one's own was refused, look again whether there is anything to ask for."""
    partition = leads(turn.state, tp)
    if partition is not None and partition.pending is None:
        maybe_shrink(turn, tp)
    else:
        send(turn, tp)


def on_response(turn: Turn, correlation: int, response: AlterPartitionResponse) -> None:
    """The controller has written the ISR, or not. handleAlterPartitionUpdate, handleAlterPartitionError."""
    tp = response.tp
    partition = leads(turn.state, tp)
    if partition is None or partition.pending is None or partition.pending.correlation != correlation:
        return
    if response.error is Error.NONE and response.state is not None:
        confirm(turn, tp, response.state)
    elif response.error in GIVE_UP:
        turn.cancel_timer(alter_timer(tp))
        turn.update(tp, evolve(partition, pending=evolve(partition.pending, given_up=True)))
    elif response.error is Error.INELIGIBLE_REPLICA:
        turn.cancel_timer(alter_timer(tp))
        turn.update(tp, evolve(partition, pending=None))
    else:
        turn.set_timer(alter_timer(tp), turn.config.settings.retry_backoff)


def confirm(turn: Turn, tp: TopicPartition, state: LeaderAndIsr) -> None:
    """The ISR is in the state znode, if it is of this leader's term and not older than what is known."""
    partition = leads(turn.state, tp)
    if partition is None or state.leader_epoch != partition.leader_epoch:
        return
    if state.partition_epoch < partition.partition_epoch:
        return
    turn.cancel_timer(alter_timer(tp))
    confirmed = evolve(
        partition,
        isr=state.isr,
        recovering=state.recovering,
        partition_epoch=state.partition_epoch,
        pending=None,
    )
    turn.update(tp, confirmed)
    maybe_shrink(turn, tp)


def _write_state(turn: Turn, tp: TopicPartition, partition: Partition, pending: PendingIsr) -> None:
    """Have a thread write the state znode. ZkIsrManager.submit, ReplicationUtils.updateLeaderAndIsr."""
    wanted = LeaderAndIsr(
        turn.me,
        partition.leader_epoch,
        pending.isr,
        partition.partition_epoch,
        partition.controller_epoch,
        partition.recovering,
    )
    facts = BrokerFacts(turn.config, turn.state.broker_epoch)
    tasks = {**turn.state.tasks, f"isr:{tp}": Task(WriteIsr(tp, wanted), facts)}
    turn.state = evolve(turn.state, tasks=tasks)
