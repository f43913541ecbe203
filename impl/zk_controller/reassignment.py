"""Moving a partition to other brokers (KIP-455). Source: KafkaController.onPartitionReassignment, whose steps keep their names.

RS: the replicas now; TRS: the target; AR = TRS - RS and RR = RS - TRS: what comes and what goes. B6, the write that forgets AR
and RR, is the last: a controller that crashes before it leaves all to its successor, which finds TRS in sync and goes on.
"""

from attrs import evolve

from impl.zk_controller import deletion, partitions, paths, replicas, zk, znodes
from impl.zk_controller.context import PartitionState, ReplicaState
from impl.zk_controller.elections import reassign
from impl.zk_controller.messages import ReassignRequest
from impl.zk_controller.names import Assignment, Error, Replica, TopicPartition, without
from impl.zk_controller.request_batch import RequestBatch
from impl.zk_controller.tasks import Program
from impl.zk_controller.thread import ControllerThread


def resume_all(t: ControllerThread) -> Program[None]:
    """A new controller takes up what was begun. maybeResumeReassignments."""
    for tp in t.context.reassigning:
        yield from on_reassignment(t, tp)


def on_request(t: ControllerThread, request: ReassignRequest) -> Program[Error]:
    """Begin a reassignment, replace a running one, or cancel it. processApiPartitionReassignment."""
    context, tp = t.context, request.tp
    current = context.assignments.get(tp)
    if current is None or tp.topic in context.deletions:
        return Error.UNKNOWN_TOPIC_OR_PARTITION
    if request.target is None:
        if not current.is_being_reassigned:
            return Error.INVALID_REQUEST
        wanted = current.reassign_to(current.origin)
    else:
        wanted = current.reassign_to(request.target)
        distinct = len(set(request.target)) == len(request.target)
        alive = all(broker in context.live_ids for broker in wanted.adding)
        if not request.target or not distinct or not alive or min(request.target) < 0:
            return Error.INVALID_REPLICA_ASSIGNMENT
    yield from on_reassignment(t, tp, wanted)
    return Error.NONE


def maybe_complete(t: ControllerThread, tp: TopicPartition) -> Program[None]:
    """The ISR has changed: perhaps the target is in sync now. processPartitionReassignmentIsrChange."""
    if tp in t.context.reassigning and (yield from _is_complete(tp, t.context.assignments[tp])):
        yield from on_reassignment(t, tp)


def on_isr_change(t: ControllerThread, tp: TopicPartition) -> Program[None]:
    """The state of a partition was written by its leader, before IBP 2.7-IV2: look again, with a new watch."""
    yield from zk.watch_state(tp)
    yield from maybe_complete(t, tp)


def on_reassignment(t: ControllerThread, tp: TopicPartition, wanted: Assignment | None = None) -> Program[None]:
    """Do all that can be done now; `wanted` replaces the assignment that is known. onPartitionReassignment."""
    context = t.context
    deletion.mark_ineligible(t, (tp.topic,))
    assignment = context.assignments[tp] if wanted is None else wanted
    yield from _update_current(t, tp, assignment)
    if not (yield from _is_complete(tp, assignment)):
        yield from _bump_epoch(t, tp, assignment.replicas)  # A1
        yield from replicas.change(t, _held(tp, assignment.adding), ReplicaState.NEW)  # A2
        return
    yield from replicas.change(t, _held(tp, assignment.adding), ReplicaState.ONLINE)  # B1
    context.assignments[tp] = Assignment(assignment.target)  # B2
    leader = context.leadership[tp].leader if tp in context.leadership else None
    if leader in assignment.target and leader is not None and context.is_online(leader):  # B3
        # Another epoch, so that the leader hears of the new replica set and does not take RR back into the ISR.
        yield from _bump_epoch(t, tp, assignment.target)
    else:
        yield from partitions.change(t, (tp,), PartitionState.ONLINE, reassign)
    yield from _stop(t, tp, assignment.removing)  # B4, B5
    yield from _write(t, tp)  # B6
    if tp in context.reassigning:  # B7
        context.reassigning = tuple(other for other in context.reassigning if other != tp)
        context.watching = tuple(path for path in context.watching if path != paths.partition_state(tp))
    batch = RequestBatch(t)  # B8
    batch.update_metadata(context.live_or_shutting_down, (tp,))
    batch.send()
    yield from deletion.resume_topics(t, (tp.topic,))


def _held(tp: TopicPartition, brokers: tuple[int, ...]) -> tuple[Replica, ...]:
    return tuple(Replica(tp, broker) for broker in brokers)


def _is_complete(tp: TopicPartition, assignment: Assignment) -> Program[bool]:
    """Whether the whole target is in sync, by the state znode. isReassignmentComplete."""
    if not assignment.is_being_reassigned:
        return True
    state = (yield from zk.get_states((tp,))).get(tp)
    return state is not None and all(broker in state.isr for broker in assignment.target)


def _update_current(t: ControllerThread, tp: TopicPartition, assignment: Assignment) -> Program[None]:
    """U1 to U3: write the assignment, know it, and stop what was being added and is not wanted any more.

    updateCurrentReassignment.
    """
    context = t.context
    current = context.assignments[tp]
    if current != assignment:
        context.assignments[tp] = assignment
        yield from _write(t, tp)
        yield from _stop(t, tp, without(current.replicas, assignment.replicas))
    if assignment.is_being_reassigned and not t.config.settings.alter_partition:
        path = paths.partition_state(tp)
        if path not in context.watching:
            context.watching = (*context.watching, path)
        yield from zk.watch_state(tp)
    if assignment.is_being_reassigned and tp not in context.reassigning:
        context.reassigning = (*context.reassigning, tp)


def _write(t: ControllerThread, tp: TopicPartition) -> Program[None]:
    """The topic's znode, with what is known of all its partitions. updateReplicaAssignmentForPartition."""
    context = t.context
    known = tuple((other.partition, context.assignments[other]) for other in context.partitions_of(tp.topic))
    answer = yield from zk.set_topic(t.fence, tp.topic, znodes.TopicContent(context.topic_ids[tp.topic], known))
    zk.expect(answer, paths.topic(tp.topic))


def _stop(t: ControllerThread, tp: TopicPartition, brokers: tuple[int, ...]) -> Program[None]:
    """Out of the ISR, stopped, deleted, forgotten; nobody waits for the answer. stopRemovedReplicasOfReassignedPartition."""
    for state in (
        ReplicaState.OFFLINE,
        ReplicaState.DELETION_STARTED,
        ReplicaState.DELETION_SUCCESSFUL,
        ReplicaState.NON_EXISTENT,
    ):
        yield from replicas.change(t, _held(tp, brokers), state)


def _bump_epoch(t: ControllerThread, tp: TopicPartition, recipients: tuple[int, ...]) -> Program[None]:
    """Raise the leader epoch, and tell. updateLeaderEpochAndSendRequest (the cache too: KAFKA-9212)."""
    context = t.context
    while True:
        state = (yield from zk.get_states((tp,))).get(tp)
        if state is None or state.controller_epoch > context.epoch:
            return
        wanted = evolve(state, leader_epoch=state.leader_epoch + 1, controller_epoch=context.epoch)
        written, again, _failed = yield from zk.update_states(t.fence, {tp: wanted})
        if written:
            context.leadership.update(written)
            batch = RequestBatch(t)
            batch.leader_and_isr(recipients, tp)
            batch.send()
        if not again:
            return
