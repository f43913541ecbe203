"""A broker's process: one pure function from a state and an event to the next state and the effects."""

from typing import assert_never

from attrs import evolve

from impl.effects import Receive, TimerFired
from impl.zk_controller import channels, clients, controller, follower, isr, leader, paths, shutdown, threads
from impl.zk_controller.config import Config
from impl.zk_controller.control import on_control_request
from impl.zk_controller.effects import BrokerDisk, BrokerEffect, BrokerEvent
from impl.zk_controller.events import (
    AutoPreferredReplicaLeaderElection,
    BrokerChange,
    ControllerChange,
    ControllerEvent,
    FromBroker,
    IsrChangeNotification,
    PartitionModifications,
    PartitionReassignmentIsrChange,
    Reelect,
    TopicChange,
    TopicDeletion,
)
from impl.zk_controller.messages import (
    AllocateProducerIdsRequest,
    AllocateProducerIdsResponse,
    AlterPartitionRequest,
    AlterPartitionResponse,
    Caller,
    ControlledShutdownRequest,
    ControlledShutdownResponse,
    ControlResponse,
    FetchRequest,
    FetchResponse,
    LeaderAndIsrRequest,
    Message,
    MetadataRequest,
    MetadataResponse,
    ProduceRequest,
    ProduceResponse,
    ProducerIdRequest,
    ProducerIdResponse,
    ReassignRequest,
    ReassignResponse,
    StopReplicaRequest,
    UpdateMetadataRequest,
)
from impl.zk_controller.names import TopicPartition
from impl.zk_controller.state import BrokerState
from impl.zk_controller.turn import Turn
from impl.zk_controller.work import Propagate, ReadChanges, StartUp
from impl.zookeeper.handle import Answered, Lost, Notified, OpenSession, SessionChanged, SessionState
from impl.zookeeper.watches import EventType

CORRELATIONS = 1_000_000
"""Correlation ids of one incarnation: those of two never meet."""

BrokerEffects = tuple[BrokerEffect, ...]


def start(config: Config, disk: BrokerDisk, incarnation: int) -> tuple[BrokerState, BrokerEffects]:
    """The state of a process that has just started from a disk; it opens a session."""
    state = BrokerState(config, incarnation, dict(disk.logs), incarnation * CORRELATIONS)
    return state, (OpenSession(),)


def step(state: BrokerState, event: BrokerEvent) -> tuple[BrokerState, BrokerEffects]:
    """The state after the event, and the effects in the order in which they must happen."""
    turn = Turn(state)
    match event:
        case Answered(number, answer):
            threads.on_answered(turn, number, answer)
        case Lost(number, error):
            threads.on_lost(turn, number, error)
        case Notified(kind, path):
            _on_notified(turn, kind, path)
        case SessionChanged(session_state, session):
            _on_session(turn, session_state, session)
        case Receive(message):
            # A process that has not registered yet, or has stopped, serves nobody.
            if state.started and not (state.stopping is not None and state.stopping.done):
                _on_message(turn, message)
        case TimerFired(timer):
            _on_timer(turn, timer)
        case _:
            assert_never(event)
    threads.settle(turn)
    return turn.state, tuple(turn.effects)


# --------------------------------------------------------------------------------------------------------------- ZooKeeper


def _on_session(turn: Turn, session_state: SessionState, session: int | None) -> None:
    if turn.state.stopping is not None and turn.state.stopping.done:
        return
    match session_state:
        case SessionState.CONNECTED:
            threads.on_connected(turn, session)
        case SessionState.DISCONNECTED:
            threads.on_disconnected(turn)
        case SessionState.EXPIRED:
            threads.on_expired(turn)
        case _:
            assert_never(session_state)


_CHILD_EVENTS: dict[str, ControllerEvent] = {
    paths.BROKER_IDS: BrokerChange(),
    paths.TOPICS: TopicChange(),
    paths.DELETE_TOPICS: TopicDeletion(),
    paths.ISR_CHANGES: IsrChangeNotification(),
}


def _on_notified(turn: Turn, kind: EventType, path: str) -> None:
    """A watch has fired: put the event, if somebody still cares. ZNodeChangeHandler, ZNodeChildChangeHandler."""
    if path == paths.CONTROLLER:
        threads.put(turn, Reelect() if kind is EventType.NODE_DELETED else ControllerChange())
    elif path == paths.CONFIG_CHANGES:
        _read_changes(turn)
    elif path in turn.state.context.watching:
        event = _CHILD_EVENTS.get(path) or _data_event(turn, path)
        if event is not None:
            threads.put(turn, event)


def _data_event(turn: Turn, path: str) -> ControllerEvent | None:
    for topic in turn.state.context.topic_ids:
        if path == paths.topic(topic):
            return PartitionModifications(topic)
    for tp in turn.state.context.reassigning:
        if path == paths.partition_state(tp):
            return PartitionReassignmentIsrChange(tp)
    return None


def _read_changes(turn: Turn) -> None:
    """Configurations have changed: read which, after what is being read now."""
    names = (threads.CHANGES, f"{threads.CHANGES}:next")
    name = next((name for name in names if name not in turn.state.tasks), None)
    if name is not None:
        threads.start_thread(turn, name, ReadChanges(turn.state.last_change))


# ---------------------------------------------------------------------------------------------------------------- messages


def _on_message(turn: Turn, message: Message) -> None:
    if message.dst != turn.me:
        raise ValueError(f"message {message} was delivered to broker {turn.me}")
    caller = Caller(message.src, message.correlation)
    correlation = message.correlation
    match message.body:
        case LeaderAndIsrRequest() | UpdateMetadataRequest() | StopReplicaRequest() as request:
            on_control_request(turn, caller, request)
        case ControlResponse() as response:
            channels.on_control_response(turn, message.src, correlation, response)
        case AlterPartitionRequest() | ControlledShutdownRequest() | AllocateProducerIdsRequest() as request:
            threads.put(turn, FromBroker(caller, request))
        case AlterPartitionResponse() as response:
            isr.on_response(turn, correlation, response)
        case ControlledShutdownResponse() as response:
            shutdown.on_response(turn, correlation, response)
        case AllocateProducerIdsResponse() as response:
            clients.on_producer_ids(turn, correlation, response)
        case FetchRequest() as request:
            leader.on_fetch(turn, caller, request)
        case FetchResponse() as response:
            follower.on_response(turn, correlation, response)
        case ProduceRequest() | MetadataRequest() | ReassignRequest() | ProducerIdRequest() as request:
            clients.on_client_request(turn, caller, request)
        case ProduceResponse() | MetadataResponse() | ReassignResponse() | ProducerIdResponse():
            raise ValueError(f"broker {turn.me} is no client: {message}")
        case _:
            assert_never(message.body)


# ------------------------------------------------------------------------------------------------------------------ timers


def _on_timer(turn: Turn, timer: str) -> None:
    match timer.split(":"):
        case ["channel", broker]:
            channels.on_channel_timer(turn, int(broker))
        case ["fetch", topic, partition]:
            follower.fetch(turn, TopicPartition(topic, int(partition)))
        case ["lag", topic, partition, replica]:
            isr.on_lag(turn, TopicPartition(topic, int(partition)), int(replica))
        case ["alter", topic, partition]:
            isr.on_alter_timer(turn, TopicPartition(topic, int(partition)))
        case [clients.PRODUCER_ID_TIMER]:
            clients.on_producer_id_timer(turn)
        case [threads.PROPAGATION_TIMER]:
            _propagate(turn)
        case [threads.STARTUP_TIMER]:
            if not turn.state.started and threads.STARTUP not in turn.state.tasks:
                threads.start_thread(turn, threads.STARTUP, StartUp(turn.state.zk.session))
        case [controller.REBALANCE_TIMER]:
            threads.put(turn, AutoPreferredReplicaLeaderElection())
        case [controller.ELECTION_BACKOFF_TIMER]:
            threads.put(turn, Reelect())
        case [shutdown.SHUTDOWN_TIMER]:
            shutdown.on_timer(turn)
        case [shutdown.BEGIN_TIMER]:
            shutdown.begin(turn)
        case _:
            raise ValueError(f"broker {turn.me} has no timer {timer!r}")


def _propagate(turn: Turn) -> None:
    """Notify the controller of the ISRs that were written here; after the notification that is being made. Legacy."""
    if threads.PROPAGATION in turn.state.tasks:
        turn.set_timer(threads.PROPAGATION_TIMER, turn.config.settings.isr_propagation)
    elif turn.state.changed:
        changed, turn.state = turn.state.changed, evolve(turn.state, changed=())
        threads.start_thread(turn, threads.PROPAGATION, Propagate(changed))
