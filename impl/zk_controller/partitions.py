"""The partition state machine. Source: kafka.controller.ZkPartitionStateMachine."""

from attrs import evolve

from impl.zk_controller import paths, zk, znodes
from impl.zk_controller.context import PartitionState
from impl.zk_controller.elections import Elected, Strategy, offline
from impl.zk_controller.names import LeaderAndIsr, TopicPartition
from impl.zk_controller.request_batch import RequestBatch
from impl.zk_controller.tasks import Program
from impl.zk_controller.thread import ControllerThread
from impl.zookeeper.codes import ErrorCode
from impl.zookeeper.requests import GetData

NON_EXISTENT, NEW, ONLINE, OFFLINE = (
    PartitionState.NON_EXISTENT,
    PartitionState.NEW,
    PartitionState.ONLINE,
    PartitionState.OFFLINE,
)

VALID_PREVIOUS = {
    NEW: (NON_EXISTENT,),
    ONLINE: (NEW, ONLINE, OFFLINE),
    OFFLINE: (NEW, ONLINE, OFFLINE),
    NON_EXISTENT: (OFFLINE,),
}
"""From which states each can be entered; any other attempt is skipped, partition by partition. PartitionState.validPreviousStates."""


def start_up(t: ControllerThread) -> Program[None]:
    """A new controller: what the state of every partition is, and leaders for those that have none. startup."""
    context = t.context
    for tp in sorted(context.assignments):
        state = context.leadership.get(tp)
        if state is None:
            context.partition_states[tp] = NEW
        else:
            context.partition_states[tp] = ONLINE if context.is_online(state.leader) else OFFLINE
    yield from trigger_online(t)


def trigger_online(t: ControllerThread, topic: str | None = None) -> Program[None]:
    """Find leaders for the partitions without one (of a topic), but not where the topic is being deleted.

    triggerOnlinePartitionStateChange.
    """
    context = t.context
    waiting = tuple(
        tp
        for tp in sorted(context.partition_states)
        if context.partition_states[tp] in (NEW, OFFLINE)
        and tp.topic not in context.deletions
        and topic in (None, tp.topic)
    )
    unclean = yield from unclean_topics(t, waiting)
    yield from change(t, waiting, ONLINE, offline(unclean=unclean.__contains__))


def unclean_topics(t: ControllerThread, tps: tuple[TopicPartition, ...]) -> Program[tuple[str, ...]]:
    """The topics that allow unclean elections, by their configuration or the broker's. collectUncleanLeaderElectionState."""
    topics = tuple(sorted({tp.topic for tp in tps if tp in t.context.leadership}))
    if not topics:
        return ()
    answers = yield tuple(GetData(paths.topic_config(topic)) for topic in topics)
    allowed: list[str] = []
    for topic, answer in zip(topics, answers, strict=True):
        config = {} if answer.error else znodes.decode_config(answer.data)
        if config.get("unclean.leader.election.enable", t.config.settings.unclean):
            allowed.append(topic)
    return tuple(allowed)


def change(
    t: ControllerThread, tps: tuple[TopicPartition, ...], target: PartitionState, strategy: Strategy | None = None
) -> Program[None]:
    """Move partitions into a state, and tell the brokers. handleStateChanges."""
    if not tps:
        return
    context = t.context
    batch = RequestBatch(t)
    valid = tuple(tp for tp in tps if context.partition_state(tp) in VALID_PREVIOUS[target])
    if target is ONLINE:
        fresh = tuple(tp for tp in valid if context.partition_state(tp) is NEW)
        rest = tuple(tp for tp in valid if tp not in fresh)
        yield from _initialise(t, batch, fresh)
        if strategy is not None:
            yield from _elect(t, batch, rest, strategy)
    else:
        for tp in valid:
            context.partition_states[tp] = target
    batch.send()


def _initialise(t: ControllerThread, batch: RequestBatch, tps: tuple[TopicPartition, ...]) -> Program[None]:
    """The first leadership of new partitions: everybody alive is in sync. initializeLeaderAndIsrForPartitions."""
    context = t.context
    wanted: dict[TopicPartition, LeaderAndIsr] = {}
    for tp in tps:
        live = tuple(broker for broker in context.assignments[tp].replicas if context.is_online(broker))
        if live:
            wanted[tp] = LeaderAndIsr(live[0], 0, live, 0, context.epoch)
    if not wanted:
        return
    errors = yield from zk.create_states(t.fence, wanted)
    for tp, state in wanted.items():
        if errors[tp] == ErrorCode.OK:
            context.leadership[tp] = state
            batch.leader_and_isr(state.isr, tp, is_new=True)
            context.partition_states[tp] = ONLINE


def _elect(
    t: ControllerThread, batch: RequestBatch, tps: tuple[TopicPartition, ...], strategy: Strategy
) -> Program[None]:
    """Elect until every partition has a leader or cannot have one. electLeaderForPartitions."""
    remaining = tps
    while remaining:
        remaining = yield from _elect_once(t, batch, remaining, strategy)


def _elect_once(
    t: ControllerThread, batch: RequestBatch, tps: tuple[TopicPartition, ...], strategy: Strategy
) -> Program[tuple[TopicPartition, ...]]:
    """Read, choose, compare and set; those that changed meanwhile are to be tried again. doElectLeaderForPartitions."""
    context = t.context
    states = yield from zk.get_states(tps)
    elected: dict[TopicPartition, Elected] = {}
    for tp, state in states.items():
        if state.controller_epoch > context.epoch:
            continue  # A newer controller has written it: this one is finished, and will hear of it.
        choice = strategy(context, tp, context.assignments[tp], state)
        if choice is not None:
            elected[tp] = Elected(evolve(choice.state, controller_epoch=context.epoch), choice.recipients)
    written, again, _failed = yield from zk.update_states(t.fence, {tp: done.state for tp, done in elected.items()})
    for tp, state in written.items():
        context.leadership[tp] = state
        batch.leader_and_isr(elected[tp].recipients, tp)
        context.partition_states[tp] = ONLINE
    return again
