"""Leaders that are to be elsewhere: a broker that stops, and leaders that are not the preferred ones.

Source: KafkaController (doControlledShutdown, checkAndTriggerAutoLeaderRebalance).
"""

from impl.zk_controller import partitions, replicas
from impl.zk_controller.context import PartitionState, ReplicaState
from impl.zk_controller.elections import controlled_shutdown, preferred
from impl.zk_controller.messages import ControlledShutdownRequest, ControlledShutdownResponse
from impl.zk_controller.names import Error, Replica, TopicPartition
from impl.zk_controller.request_batch import RequestBatch
from impl.zk_controller.tasks import Program
from impl.zk_controller.thread import ControllerThread


def on_controlled_shutdown(
    t: ControllerThread, request: ControlledShutdownRequest
) -> Program[ControlledShutdownResponse]:
    """Move leaders away from a broker, take its replicas out of the ISRs; what it still leads is the answer.

    doControlledShutdown. A broker epoch of -1, unknown, is let through.
    """
    context, broker = t.context, request.broker
    if not t.is_active:
        return ControlledShutdownResponse(Error.NOT_CONTROLLER)
    if request.broker_epoch != -1 and t.rules.is_stale_broker_epoch(request.broker_epoch, context.live.get(broker, -1)):
        return ControlledShutdownResponse(Error.STALE_BROKER_EPOCH)
    if broker not in context.live:
        return ControlledShutdownResponse(Error.BROKER_NOT_AVAILABLE)
    if broker not in context.shutting_down:
        context.shutting_down = (*context.shutting_down, broker)
    concerned = tuple(
        tp
        for tp in sorted(context.leadership)
        if tp in context.assignments
        and broker in context.assignments[tp].replicas
        and len(context.assignments[tp].replicas) > 1
        and tp.topic not in context.deletions
    )
    led = tuple(tp for tp in concerned if context.leadership[tp].leader == broker)
    followed = tuple(tp for tp in concerned if tp not in led)
    yield from partitions.change(t, led, PartitionState.ONLINE, controlled_shutdown)
    batch = RequestBatch(t)
    for tp in followed:
        batch.stop_replica((broker,), tp, delete=False)
    batch.send()
    yield from replicas.change(t, tuple(Replica(tp, broker) for tp in followed), ReplicaState.OFFLINE)
    remaining = tuple(tp for tp in concerned if context.leadership[tp].leader == broker)
    return ControlledShutdownResponse(Error.NONE, remaining)


def rebalance(t: ControllerThread) -> Program[None]:
    """Elect preferred leaders on brokers that lead too few of what they should. checkAndTriggerAutoLeaderRebalance."""
    context = t.context
    by_preferred: dict[int, list[TopicPartition]] = {}
    for tp in sorted(context.assignments):
        if tp in context.leadership and tp.topic not in context.deletions:
            by_preferred.setdefault(context.assignments[tp].replicas[0], []).append(tp)
    for broker in sorted(by_preferred):
        mine = by_preferred[broker]
        elsewhere = tuple(tp for tp in mine if context.leadership[tp].leader != broker)
        if 100 * len(elsewhere) <= t.config.settings.imbalance * len(mine) or context.reassigning:
            continue
        candidates = tuple(tp for tp in elsewhere if context.is_online(broker) and broker in context.leadership[tp].isr)
        yield from partitions.change(t, candidates, PartitionState.ONLINE, preferred)
