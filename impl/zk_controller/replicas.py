"""The replica state machine. Source: kafka.controller.ZkReplicaStateMachine."""

from attrs import evolve

from impl.zk_controller import zk
from impl.zk_controller.context import ReplicaState
from impl.zk_controller.names import NO_LEADER, LeaderAndIsr, Replica, TopicPartition, without
from impl.zk_controller.request_batch import RequestBatch
from impl.zk_controller.tasks import Program
from impl.zk_controller.thread import ControllerThread

NON_EXISTENT, NEW, ONLINE, OFFLINE, STARTED, SUCCESSFUL, INELIGIBLE = (
    ReplicaState.NON_EXISTENT,
    ReplicaState.NEW,
    ReplicaState.ONLINE,
    ReplicaState.OFFLINE,
    ReplicaState.DELETION_STARTED,
    ReplicaState.DELETION_SUCCESSFUL,
    ReplicaState.DELETION_INELIGIBLE,
)

VALID_PREVIOUS = {
    NEW: (NON_EXISTENT,),
    ONLINE: (NEW, ONLINE, OFFLINE, INELIGIBLE),
    OFFLINE: (NEW, ONLINE, OFFLINE, INELIGIBLE),
    STARTED: (OFFLINE,),
    SUCCESSFUL: (STARTED,),
    INELIGIBLE: (OFFLINE, STARTED),
    NON_EXISTENT: (SUCCESSFUL,),
}
"""From which states each can be entered; any other attempt is skipped, replica by replica. ReplicaState.validPreviousStates."""


def start_up(t: ControllerThread) -> Program[None]:
    """A new controller: replicas on live brokers are online, and are told so; the others go offline (KAFKA-3143). startup."""
    context = t.context
    online: list[Replica] = []
    dead: list[Replica] = []
    for replica in context.all_replicas():
        if context.is_online(replica.broker):
            context.replica_states[replica] = ONLINE
            online.append(replica)
        else:
            context.replica_states[replica] = INELIGIBLE
            dead.append(replica)
    yield from change(t, tuple(online), ONLINE)
    yield from change(t, tuple(dead), OFFLINE)


def change(t: ControllerThread, replicas: tuple[Replica, ...], target: ReplicaState) -> Program[None]:
    """Move replicas into a state, broker by broker, and tell the brokers. handleStateChanges."""
    if not replicas:
        return
    batch = RequestBatch(t)
    for broker in sorted({replica.broker for replica in replicas}):
        mine = tuple(replica for replica in replicas if replica.broker == broker)
        valid = tuple(replica for replica in mine if t.context.replica_state(replica) in VALID_PREVIOUS[target])
        if target is OFFLINE:
            yield from _to_offline(t, batch, valid)
        else:
            for replica in valid:
                _to(t, batch, replica, target)
    batch.send()


def _to(t: ControllerThread, batch: RequestBatch, replica: Replica, target: ReplicaState) -> None:
    """The transitions that need nothing from ZooKeeper. doHandleStateChanges."""
    context = t.context
    tp, broker = replica.tp, replica.broker
    state = context.leadership.get(tp)
    if target is NEW and state is not None:
        if state.leader == broker:
            return  # A replica that leads cannot be new.
        batch.leader_and_isr((broker,), tp, is_new=True)
    elif target is ONLINE:
        assignment = context.assignments[tp]
        if context.replica_state(replica) is NEW:
            if broker not in assignment.replicas:
                context.assignments[tp] = evolve(assignment, replicas=(*assignment.replicas, broker))
        elif state is not None:
            batch.leader_and_isr((broker,), tp)
    elif target is STARTED:
        batch.stop_replica((broker,), tp, delete=True)
    elif target is NON_EXISTENT:
        assignment = context.assignments[tp]
        context.assignments[tp] = evolve(assignment, replicas=without(assignment.replicas, (broker,)))
        context.replica_states.pop(replica, None)
        return
    context.replica_states[replica] = target


def _to_offline(t: ControllerThread, batch: RequestBatch, replicas: tuple[Replica, ...]) -> Program[None]:
    """Stop them, and take them out of the ISR; those without a leadership are only announced."""
    context = t.context
    for replica in replicas:
        batch.stop_replica((replica.broker,), replica.tp, delete=False)
    if not replicas:
        return
    broker = replicas[0].broker
    led = tuple(replica.tp for replica in replicas if replica.tp in context.leadership)
    removed = yield from _remove_from_isr(t, broker, led)
    for tp in removed:
        if tp.topic not in context.deletions:
            others = without(context.assignments[tp].replicas, (broker,))
            batch.leader_and_isr(others, tp)
    for replica in replicas:
        if replica.tp not in context.leadership:
            batch.update_metadata(context.live_or_shutting_down, (replica.tp,))
        context.replica_states[replica] = OFFLINE


def _remove_from_isr(
    t: ControllerThread, broker: int, tps: tuple[TopicPartition, ...]
) -> Program[tuple[TopicPartition, ...]]:
    """Take a broker out of the ISR of partitions; the last member stays (removeReplicasFromIsr).

    The result are the partitions whose state is known now, changed or not.
    """
    context = t.context
    done: list[TopicPartition] = []
    remaining = tps
    while remaining:
        states = yield from zk.get_states(remaining)
        wanted: dict[TopicPartition, LeaderAndIsr] = {}
        for tp, state in states.items():
            if state.controller_epoch > context.epoch:
                continue  # A newer controller has written it.
            if broker in state.isr:
                isr = state.isr if state.isr == (broker,) else without(state.isr, (broker,))
                leader = NO_LEADER if state.leader == broker else state.leader
                epoch = state.leader_epoch + 1
                wanted[tp] = evolve(state, leader=leader, leader_epoch=epoch, isr=isr, controller_epoch=context.epoch)
            else:
                context.leadership[tp] = state
                done.append(tp)
        written, again, _failed = yield from zk.update_states(t.fence, wanted)
        context.leadership.update(written)
        done.extend(written)
        remaining = again
    return tuple(done)
