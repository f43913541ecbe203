"""ISRs that leaders change, at the controller. Source: KafkaController (processAlterPartition, processIsrChangeNotification)."""

from attrs import evolve

from impl.zk_controller import paths, reassignment, zk, znodes
from impl.zk_controller.messages import AlterPartitionRequest, AlterPartitionResponse
from impl.zk_controller.names import Error, LeaderAndIsr
from impl.zk_controller.request_batch import RequestBatch
from impl.zk_controller.tasks import Program
from impl.zk_controller.thread import ControllerThread
from impl.zookeeper.requests import GetData


def on_alter_partition(t: ControllerThread, request: AlterPartitionRequest) -> Program[AlterPartitionResponse]:
    """A leader asks for another ISR: it is written if the leader and the controller agree on what was before.

    processAlterPartition, with one partition a request.
    """
    context, tp = t.context, request.tp
    error, current = _refusal(t, request)
    if error is not None:
        return AlterPartitionResponse(error, tp)
    assert current is not None, "a request that is not refused is about a partition that is known"
    wanted = evolve(current, isr=request.isr, recovering=request.recovering, controller_epoch=context.epoch)
    if t.rules.already_applied(wanted, current):
        return AlterPartitionResponse(Error.NONE, tp, current)
    error = _refusal_of_change(t, request, current)
    if error is not None:
        return AlterPartitionResponse(error, tp)
    written, again, _failed = yield from zk.update_states(t.fence, {tp: wanted})
    if tp not in written:
        return AlterPartitionResponse(Error.INVALID_UPDATE_VERSION if again else Error.UNKNOWN_SERVER_ERROR, tp)
    context.leadership.update(written)
    batch = RequestBatch(t)
    batch.update_metadata(context.live_or_shutting_down, (tp,))
    batch.send()
    return AlterPartitionResponse(Error.NONE, tp, written[tp])


def _refusal(t: ControllerThread, request: AlterPartitionRequest) -> tuple[Error | None, LeaderAndIsr | None]:
    """What is wrong with the sender or with what it knows; and the leadership, if nothing is."""
    context = t.context
    if not t.is_active:
        return Error.NOT_CONTROLLER, None
    if context.live.get(request.broker) != request.broker_epoch:
        return Error.STALE_BROKER_EPOCH, None
    current = context.leadership.get(request.tp)
    if current is None or context.topic_ids.get(request.tp.topic) != request.topic_id:
        return Error.UNKNOWN_TOPIC_OR_PARTITION, None
    if request.leader_epoch > current.leader_epoch or request.partition_epoch > current.partition_epoch:
        return Error.NOT_CONTROLLER, None  # It knows more than this controller: there must be another one.
    if request.leader_epoch < current.leader_epoch:
        return Error.FENCED_LEADER_EPOCH, None
    return None, current


def _refusal_of_change(t: ControllerThread, request: AlterPartitionRequest, current: LeaderAndIsr) -> Error | None:
    """What is wrong with the ISR that is asked for."""
    context = t.context
    if request.partition_epoch < current.partition_epoch:
        return Error.INVALID_UPDATE_VERSION
    if request.recovering and (len(request.isr) > 1 or not current.recovering):
        return Error.INVALID_REQUEST
    live = context.live_or_shutting_down
    if not all(t.rules.is_eligible_for_isr(broker, live, context.shutting_down) for broker in request.isr):
        return Error.INELIGIBLE_REPLICA
    epochs = dict(request.member_epochs)
    if not all(t.rules.is_same_incarnation(epochs.get(broker), context.live.get(broker)) for broker in request.isr):
        return Error.INELIGIBLE_REPLICA
    return None


def on_notification(t: ControllerThread) -> Program[None]:
    """Leaders have written ISRs themselves, before IBP 2.7-IV2: take note, and tell everybody. processIsrChangeNotification."""
    context = t.context
    names = yield from zk.get_children(paths.ISR_CHANGES, watch=True)
    if not names:
        return
    answers = yield tuple(GetData(f"{paths.ISR_CHANGES}/{name}") for name in names)
    changed = sorted({tp for answer in answers if not answer.error for tp in znodes.decode_isr_change(answer.data)})
    known = tuple(tp for tp in changed if tp in context.assignments)
    context.leadership.update((yield from zk.get_states(known)))
    batch = RequestBatch(t)
    batch.update_metadata(context.live_or_shutting_down, known)
    batch.send()
    yield from zk.delete_children(t.fence, paths.ISR_CHANGES, names)
    for tp in known:
        yield from reassignment.maybe_complete(t, tp)
