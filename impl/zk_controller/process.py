"""One event of the controller's queue after the other. Source: KafkaController.process, ControllerEventManager.

Whoever is not the controller leaves the events of a controller alone. What fails is logged, and the next event comes; a write
that was fenced means that there is a newer controller.
"""

from typing import assert_never

from impl.zk_controller import balance, brokers, controller, deletion, isr_changes, producer_ids, reassignment, topics
from impl.zk_controller.events import (
    ActiveEvent,
    AutoPreferredReplicaLeaderElection,
    BrokerChange,
    ControllerChange,
    ControllerEvent,
    Expire,
    FromBroker,
    IsrChangeNotification,
    PartitionModifications,
    PartitionReassignmentIsrChange,
    Reelect,
    RegisterBrokerAndReelect,
    ReplyTo,
    StartTimer,
    Startup,
    StopReplicaResponseReceived,
    TopicChange,
    TopicDeletion,
)
from impl.zk_controller.messages import (
    AllocateProducerIdsRequest,
    AllocateProducerIdsResponse,
    AlterPartitionRequest,
    AlterPartitionResponse,
    ControlledShutdownRequest,
    ControlledShutdownResponse,
    ReassignRequest,
    ReassignResponse,
    ResponseBody,
)
from impl.zk_controller.names import Error
from impl.zk_controller.tasks import Program, SessionExpired
from impl.zk_controller.thread import ControllerThread
from impl.zk_controller.zk import ControllerMoved, KeeperFailure


def process(t: ControllerThread, event: ControllerEvent) -> Program[None]:
    """Process an event to its end, whatever happens."""
    try:
        if t.is_active and t.rules.adopts_epoch_it_reads():
            yield from controller.adopt_epoch(t)
        yield from _process(t, event)
    except ControllerMoved:
        try:
            yield from controller.maybe_resign(t)
        except (KeeperFailure, SessionExpired):
            return
    except (KeeperFailure, SessionExpired):
        return


def _process(t: ControllerThread, event: ControllerEvent) -> Program[None]:
    match event:
        case Startup():
            yield from controller.startup(t)
        case ControllerChange():
            yield from controller.maybe_resign(t)
        case Reelect():
            yield from controller.reelect(t)
        case RegisterBrokerAndReelect():
            yield from controller.register_and_reelect(t)
        case Expire():
            controller.expire(t)
        case FromBroker():
            yield from _answer(t, event)
        case _:
            if t.is_active:
                yield from _as_controller(t, event)


def _as_controller(t: ControllerThread, event: ActiveEvent) -> Program[None]:
    match event:
        case BrokerChange():
            yield from brokers.on_broker_change(t)
        case TopicChange():
            yield from topics.on_topic_change(t)
        case PartitionModifications(topic):
            yield from topics.on_partition_modifications(t, topic)
        case TopicDeletion():
            yield from deletion.on_requests(t)
        case IsrChangeNotification():
            yield from isr_changes.on_notification(t)
        case PartitionReassignmentIsrChange(tp):
            yield from reassignment.on_isr_change(t, tp)
        case StopReplicaResponseReceived(broker, epoch, partitions):
            if t.rules.heeds_deletion_response(epoch, t.context.live.get(broker)):
                yield from deletion.on_stop_replica_response(t, broker, partitions)
        case AutoPreferredReplicaLeaderElection():
            t.put(StartTimer(controller.REBALANCE_TIMER, t.config.settings.rebalance_delay))
            yield from balance.rebalance(t)
        case _:
            assert_never(event)


def _answer(t: ControllerThread, event: FromBroker) -> Program[None]:
    """A request that is answered once it has been processed, also when that fails. The callbacks of the events."""
    body: ResponseBody
    try:
        body = yield from _answer_of(t, event)
    except ControllerMoved:
        t.put(ReplyTo(event.caller, refused(event, Error.NOT_CONTROLLER)))
        raise
    except (KeeperFailure, SessionExpired):
        t.put(ReplyTo(event.caller, refused(event, Error.UNKNOWN_SERVER_ERROR)))
        return
    t.put(ReplyTo(event.caller, body))
    request = event.request
    if isinstance(request, AlterPartitionRequest) and t.is_active:
        yield from reassignment.maybe_complete(t, request.tp)


def _answer_of(t: ControllerThread, event: FromBroker) -> Program[ResponseBody]:
    match event.request:
        case AlterPartitionRequest() as alter:
            return (yield from isr_changes.on_alter_partition(t, alter))
        case ControlledShutdownRequest() as shutdown:
            return (yield from balance.on_controlled_shutdown(t, shutdown))
        case AllocateProducerIdsRequest() as allocate:
            return (yield from producer_ids.on_allocate(t, allocate))
        case ReassignRequest() as reassign:
            if not t.is_active:
                return ReassignResponse(Error.NOT_CONTROLLER)
            return ReassignResponse((yield from reassignment.on_request(t, reassign)))
        case _:
            assert_never(event.request)


def refused(event: FromBroker, error: Error) -> ResponseBody:
    """The answer to a request that was not processed."""
    match event.request:
        case AlterPartitionRequest(tp=tp):
            return AlterPartitionResponse(error, tp)
        case ControlledShutdownRequest():
            return ControlledShutdownResponse(error)
        case AllocateProducerIdsRequest():
            return AllocateProducerIdsResponse(error)
        case ReassignRequest():
            return ReassignResponse(error)
        case _:
            assert_never(event.request)
