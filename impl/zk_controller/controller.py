"""Becoming the controller and ceasing to be. Source: KafkaController (elect, maybeResign, onControllerResignation, ...)."""

from impl.zk_controller import paths, zk
from impl.zk_controller.context import ControllerContext
from impl.zk_controller.events import CloseChannels, Registered, StartTimer, StopTimer
from impl.zk_controller.failover import on_controller_failover
from impl.zk_controller.names import NO_CONTROLLER
from impl.zk_controller.registration import register_broker
from impl.zk_controller.tasks import Program
from impl.zk_controller.thread import ControllerThread
from impl.zk_controller.zk import ControllerMoved, KeeperFailure
from impl.zookeeper.codes import ErrorCode
from impl.zookeeper.requests import ANY_VERSION, Delete, Exists

REBALANCE_TIMER = "auto_leader_rebalance"
ELECTION_BACKOFF_TIMER = "election_backoff"


def startup(t: ControllerThread) -> Program[None]:
    """Watch /controller, and stand for election. processStartup."""
    yield from zk.ask(Exists(paths.CONTROLLER, watch=True))
    yield from elect(t)


def elect(t: ControllerThread) -> Program[None]:
    """Become the controller, if there is none. KafkaController.elect."""
    t.context.active = _or_none((yield from zk.get_controller()))
    if t.context.active != NO_CONTROLLER and t.rules.recognises_own_election():
        # Also when it is this broker: it has been elected already, and would wait for its own znode to go (KAFKA-1451).
        return
    try:
        t.context.epoch, t.context.epoch_version = yield from zk.register_controller(t.me, t.rules)
        t.context.active = t.me
        yield from on_controller_failover(t)
        if t.config.settings.rebalance_delay:
            t.put(StartTimer(REBALANCE_TIMER, t.config.settings.rebalance_delay))
    except ControllerMoved:
        yield from maybe_resign(t)
        if not t.rules.recognises_own_election() and t.context.active == t.me:
            t.context.active = NO_CONTROLLER
            t.put(StartTimer(ELECTION_BACKOFF_TIMER, t.config.settings.retry_backoff))
    except KeeperFailure:
        yield from trigger_controller_move(t)


def maybe_resign(t: ControllerThread) -> Program[None]:
    """See who is the controller, with a new watch; resign if it was this broker and is not any more. maybeResign."""
    was_active = t.is_active
    t.context.active = _or_none((yield from zk.get_controller(watch=True)))
    if was_active and not t.is_active:
        resign(t)


def resign(t: ControllerThread) -> None:
    """Forget everything, and what was not sent with it. onControllerResignation."""
    t.put(StopTimer(REBALANCE_TIMER))
    t.put(CloseChannels())
    t.context = ControllerContext(active=t.context.active)


def trigger_controller_move(t: ControllerThread) -> Program[None]:
    """Give up being the controller, so that another tries. triggerControllerMove."""
    t.context.active = _or_none((yield from zk.get_controller(watch=True)))
    if not t.is_active:
        return
    fence = t.fence
    t.context.active = NO_CONTROLLER
    resign(t)
    try:
        answer = yield from zk.write(fence, Delete(paths.CONTROLLER, ANY_VERSION))
        zk.expect(answer, paths.CONTROLLER, ErrorCode.NO_NODE)
    except ControllerMoved:
        return  # Then it is not this broker's any more.


def reelect(t: ControllerThread) -> Program[None]:
    """/controller is gone: resign if it was one's own, and stand for election. processReelect."""
    yield from maybe_resign(t)
    yield from elect(t)


def expire(t: ControllerThread) -> None:
    """The session is gone, and with it /controller. processExpire."""
    t.context.active = NO_CONTROLLER
    resign(t)


def register_and_reelect(t: ControllerThread) -> Program[None]:
    """In a new session: register, then stand for election. processRegisterBrokerAndReelect.

    A registration that is refused is logged, and the broker stays unregistered (the class of KAFKA-4277, KAFKA-14845).
    """
    facts = t.facts
    try:
        epoch = yield from register_broker(t.me, t.rules, facts.session, facts.registered_in)
        t.put(Registered(epoch, facts.session))
    except KeeperFailure:
        return
    yield from reelect(t)


def adopt_epoch(t: ControllerThread) -> Program[None]:
    """The defect of KAFKA-1096: the epoch in /controller_epoch is taken for one's own, whoever has raised it."""
    known = yield from zk.get_controller_epoch()
    if known is not None:
        t.context.epoch, t.context.epoch_version = known


def _or_none(broker: int | None) -> int:
    return NO_CONTROLLER if broker is None else broker
