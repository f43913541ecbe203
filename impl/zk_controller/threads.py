"""Running the threads of a broker as the answers of ZooKeeper come, and carrying out what they put out.

Source: ControllerEventManager (one event at a time; clearAndPut), ZooKeeperClient (handleRequests, reinitialize).
"""

from typing import Any, assert_never

from attrs import evolve

from impl.zk_controller import channels, isr, process
from impl.zk_controller.broker_programs import work_on
from impl.zk_controller.events import (
    AddChannel,
    CloseChannels,
    ConfigApplied,
    ControllerEvent,
    Enqueue,
    Expire,
    FromBroker,
    IsrWritten,
    Output,
    PutEvent,
    RegisterBrokerAndReelect,
    Registered,
    RemoveChannel,
    ReplyTo,
    StartTimer,
    Startup,
    StopTimer,
)
from impl.zk_controller.names import Error
from impl.zk_controller.state import TopicConfig
from impl.zk_controller.tasks import Task, go_on
from impl.zk_controller.thread import ControllerThread, Facts, Start
from impl.zk_controller.turn import Turn
from impl.zk_controller.work import BrokerFacts, BrokerThread, BrokerWork, Propagate, ReadChanges, StartUp
from impl.zookeeper.codes import ErrorCode
from impl.zookeeper.handle import OpenSession
from impl.zookeeper.requests import Answer

CONTROLLER = "controller"
STARTUP = "startup"
CHANGES = "changes"
PROPAGATION = "propagation"
STARTUP_TIMER = "startup"
PROPAGATION_TIMER = "isr_propagation"


def start_thread(turn: Turn, name: str, work: BrokerWork) -> None:
    """Have a thread do something; it runs in `settle`."""
    task: Task[Any] = Task(work, BrokerFacts(turn.config, turn.state.broker_epoch))
    turn.state = evolve(turn.state, tasks={**turn.state.tasks, name: task})


def put(turn: Turn, event: ControllerEvent) -> None:
    """Put an event into the controller's queue."""
    turn.state = evolve(turn.state, events=(*turn.state.events, event))


def settle(turn: Turn) -> None:
    """Run every thread that can run, until all of them wait for ZooKeeper or have nothing to do."""
    while True:
        runnable = next((name for name, task in turn.state.tasks.items() if task.batch is None), None)
        if runnable is not None:
            _run(turn, runnable)
        elif turn.state.events and CONTROLLER not in turn.state.tasks:
            _take_event(turn)
        else:
            return


def _take_event(turn: Turn) -> None:
    state = turn.state
    facts = Facts(turn.config, state.zk.session, state.zk.registered_in, state.broker_epoch)
    task: Task[Any] = Task(state.events[0], Start(facts, state.context))
    turn.state = evolve(state, events=state.events[1:], tasks={**state.tasks, CONTROLLER: task})


def _run(turn: Turn, name: str) -> None:
    """Let a thread go on to its next question or its end."""
    task = turn.state.tasks[name]
    if name == CONTROLLER:
        controller = go_on(task, ControllerThread, process.process)
        turn.state = evolve(turn.state, context=controller.scratch.context)
        waiting, output, result = controller.task, controller.output, True
    else:
        broker = go_on(task, BrokerThread, work_on)
        waiting, output, result = broker.task, broker.output, broker.result
    tasks = {other: its for other, its in turn.state.tasks.items() if other != name}
    turn.state = evolve(turn.state, tasks=tasks)
    for item in output:
        _carry_out(turn, item)
    if waiting is None:
        _ended(turn, name, task, done=bool(result))
    elif turn.state.zk.expired:
        _keep(turn, name, evolve(waiting, told=(*waiting.told, None), batch=None))
    else:
        _keep(turn, name, waiting)
        if turn.state.zk.connected:
            _submit(turn, name)


def _keep(turn: Turn, name: str, task: Task[Any]) -> None:
    turn.state = evolve(turn.state, tasks={**turn.state.tasks, name: task})


def _submit(turn: Turn, name: str) -> None:
    """Send what a thread asks, as far as the limit allows."""
    task = turn.state.tasks[name]
    assert task.batch is not None, f"{name} asks nothing"
    batch, submits = task.batch.submit(turn.state.zk.next_number)
    number = turn.state.zk.next_number + len(submits)
    turn.state = evolve(turn.state, zk=evolve(turn.state.zk, next_number=number))
    _keep(turn, name, evolve(task, batch=batch))
    for submit in submits:
        turn.emit(submit)


def _ended(turn: Turn, name: str, task: Task[Any], *, done: bool) -> None:
    """What follows when a thread has nothing more to do."""
    if isinstance(task.work, StartUp):
        if done:
            turn.state = evolve(turn.state, started=True)
            put(turn, Startup())
            start_thread(turn, CHANGES, ReadChanges(turn.state.last_change, everything=True))
        elif not turn.state.zk.expired:
            # Kafka's process ends here, and something starts it again.
            turn.set_timer(STARTUP_TIMER, turn.config.settings.shutdown_backoff)
    elif isinstance(task.work, Propagate) and not done:
        turn.state = evolve(turn.state, changed=(*task.work.changed, *turn.state.changed))
        turn.set_timer(PROPAGATION_TIMER, turn.config.settings.isr_propagation)


# ------------------------------------------------------------------------------------------------------------- what is put out


def _carry_out(turn: Turn, item: Output) -> None:
    match item:
        case AddChannel(broker):
            channels.add_channel(turn, broker)
        case RemoveChannel(broker):
            channels.remove_channel(turn, broker)
        case CloseChannels():
            channels.close_channels(turn)
        case Enqueue():
            channels.enqueue(turn, item)
        case ReplyTo(caller, body):
            turn.reply(caller, body)
        case PutEvent(event):
            put(turn, event)
        case StartTimer(name, duration):
            turn.set_timer(name, duration)
        case StopTimer(name):
            turn.cancel_timer(name)
        case Registered(epoch, session):
            zk = evolve(turn.state.zk, registered_in=session)
            turn.state = evolve(turn.state, broker_epoch=epoch, zk=zk)
        case ConfigApplied():
            _apply_config(turn, item)
        case IsrWritten():
            _isr_written(turn, item)
        case _:
            assert_never(item)


def _apply_config(turn: Turn, item: ConfigApplied) -> None:
    configs = {topic: config for topic, config in turn.state.configs.items() if topic != item.topic}
    if item.version is not None:
        configs[item.topic] = TopicConfig(item.version, item.values)
    last = turn.state.last_change if item.change is None else max(item.change, turn.state.last_change)
    turn.state = evolve(turn.state, configs=configs, last_change=last)


def _isr_written(turn: Turn, item: IsrWritten) -> None:
    """The legacy write of an ISR: taken over and noted for the controller, or refused, and the ISR stays what it was."""
    tp = item.tp
    if item.version is not None:
        if not turn.state.changed:
            turn.set_timer(PROPAGATION_TIMER, turn.config.settings.isr_propagation)
        if tp not in turn.state.changed:
            turn.state = evolve(turn.state, changed=(*turn.state.changed, tp))
        isr.confirm(turn, tp, evolve(item.wanted, partition_epoch=item.version))
        return
    partition = turn.state.partitions.get(tp)
    if partition is not None and partition.pending is not None and partition.leader_epoch == item.wanted.leader_epoch:
        turn.update(tp, evolve(partition, pending=None))
        turn.set_timer(isr.alter_timer(tp), turn.config.settings.replica_lag)


# ------------------------------------------------------------------------------------------------------- what ZooKeeper says


def on_answered(turn: Turn, number: int, answer: Answer) -> None:
    """One answer; a thread goes on when all of its batch are there."""
    name = _asker(turn, number)
    if name is None:
        return
    task = turn.state.tasks[name]
    assert task.batch is not None, f"{name} has asked {number}"
    batch = task.batch.answered(number, answer)
    if batch.is_complete:
        answers = tuple(answer for answer in batch.answers if answer is not None)
        _keep(turn, name, evolve(task, told=(*task.told, answers), batch=None))
    else:
        _keep(turn, name, evolve(task, batch=batch))
        if turn.state.zk.connected:
            _submit(turn, name)


def on_lost(turn: Turn, number: int, error: ErrorCode) -> None:
    """No answer: to be asked again once there is a connection, unless the session is over."""
    name = _asker(turn, number)
    if name is None:
        return
    task = turn.state.tasks[name]
    assert task.batch is not None, f"{name} has asked {number}"
    if error == ErrorCode.SESSION_EXPIRED:
        _keep(turn, name, evolve(task, told=(*task.told, None), batch=None))
    else:
        turn.state = evolve(turn.state, zk=evolve(turn.state.zk, connected=False))
        _keep(turn, name, evolve(task, batch=task.batch.lost(number)))


def _asker(turn: Turn, number: int) -> str | None:
    """Whose question it was; None: a thread of an earlier session."""
    for name, task in turn.state.tasks.items():
        if task.batch is not None and number in task.batch.numbers:
            return name
    return None


def on_connected(turn: Turn, session: int | None) -> None:
    """There is a connection, of this session: what was lost is asked again."""
    known = turn.state.zk.session
    turn.state = evolve(turn.state, zk=evolve(turn.state.zk, connected=True, session=session))
    if not turn.state.started and STARTUP not in turn.state.tasks:
        start_thread(turn, STARTUP, StartUp(session))
    elif known is None and turn.state.started:
        put(turn, RegisterBrokerAndReelect())
        # Also what could not be read any more in the session before.
        start_thread(turn, CHANGES, ReadChanges(turn.state.last_change, everything=True))
    for name in tuple(turn.state.tasks):
        if turn.state.tasks[name].batch is not None:
            _submit(turn, name)


def on_disconnected(turn: Turn) -> None:
    """There is no connection; the session may go on or be over."""
    turn.state = evolve(turn.state, zk=evolve(turn.state.zk, connected=False))


def on_expired(turn: Turn) -> None:
    """The session is over: what runs ends, what is queued never runs, the controller resigns; then there is a new session.

    ZooKeeperClient.reinitialize, KafkaController.beforeInitializingSession: nothing of the old session runs in the new one.
    """
    turn.state = evolve(turn.state, zk=evolve(turn.state.zk, connected=False, expired=True))
    preempted, turn.state = turn.state.events, evolve(turn.state, events=())
    for event in preempted:
        if isinstance(event, FromBroker):
            turn.reply(event.caller, process.refused(event, Error.NOT_CONTROLLER))
    for name, task in tuple(turn.state.tasks.items()):
        if task.batch is not None:
            _keep(turn, name, evolve(task, told=(*task.told, None), batch=None))
    settle(turn)
    if turn.state.started:
        put(turn, Expire())
        settle(turn)
    turn.state = evolve(turn.state, zk=evolve(turn.state.zk, expired=False, session=None))
    turn.emit(OpenSession())
