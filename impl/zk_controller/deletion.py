"""The deletion of topics. Source: kafka.controller.TopicDeletionManager.

A topic is deleted once every replica has said that it has deleted its copy. A replica that cannot makes the topic ineligible,
until something changes: the broker starts, or the reassignment ends.
"""

from impl.zk_controller import partitions, paths, replicas, zk
from impl.zk_controller.context import PartitionState, ReplicaState
from impl.zk_controller.names import Error, Replica, TopicPartition
from impl.zk_controller.request_batch import RequestBatch
from impl.zk_controller.tasks import Program
from impl.zk_controller.thread import ControllerThread
from impl.zookeeper.codes import ErrorCode
from impl.zookeeper.requests import ANY_VERSION, Delete


def fetch_requests(t: ControllerThread) -> Program[None]:
    """A new controller: which topics are to be deleted, and which of them cannot be yet. fetchTopicDeletionsInProgress, init."""
    context = t.context
    context.deletions = yield from zk.get_children(paths.DELETE_TOPICS)
    _give_up_moves(t)
    stuck = (
        topic
        for topic in context.deletions
        if _is_moving(t, topic) or not all(context.is_online(r.broker) for r in context.replicas_of_topic(topic))
    )
    context.ineligible = tuple(stuck)


def _give_up_moves(t: ControllerThread) -> None:
    """What is to be deleted is not moved any more."""
    context = t.context
    kept = (tp for tp in context.reassigning if tp.topic not in context.deletions or t.rules.moves_what_is_deleted())
    context.reassigning = tuple(kept)


def _is_moving(t: ControllerThread, topic: str) -> bool:
    return any(tp.topic == topic for tp in t.context.reassigning)


def on_requests(t: ControllerThread) -> Program[None]:
    """There are requests: those for unknown topics are dropped, the others are queued. processTopicDeletion.

    The mark has no effect, as in Kafka: it is for topics that are queued, and comes before they are.
    """
    context = t.context
    wanted = yield from zk.get_children(paths.DELETE_TOPICS, watch=True)
    unknown = tuple(topic for topic in wanted if topic not in context.topic_ids)
    yield from zk.delete_children(t.fence, paths.DELETE_TOPICS, unknown)
    known = tuple(topic for topic in wanted if topic in context.topic_ids)
    mark_ineligible(t, tuple(topic for topic in known if _is_moving(t, topic)))
    if known:
        context.deletions = tuple(sorted({*context.deletions, *known}))
        _give_up_moves(t)
        yield from resume(t)


def mark_ineligible(t: ControllerThread, topics: tuple[str, ...]) -> None:
    """Do not try these for now, if they are queued at all. markTopicIneligibleForDeletion."""
    context = t.context
    queued = tuple(topic for topic in topics if topic in context.deletions)
    context.ineligible = tuple(sorted({*context.ineligible, *queued}))


def resume_topics(t: ControllerThread, topics: tuple[str, ...]) -> Program[None]:
    """What stood in the way of these is gone. resumeDeletionForTopics."""
    context = t.context
    again = tuple(topic for topic in topics if topic in context.deletions)
    if again:
        context.ineligible = tuple(topic for topic in context.ineligible if topic not in again)
        yield from resume(t)


def fail_replicas(t: ControllerThread, failed: tuple[Replica, ...]) -> Program[None]:
    """These could not be deleted. failReplicaDeletion."""
    mine = tuple(replica for replica in failed if replica.tp.topic in t.context.deletions)
    if mine:
        yield from replicas.change(t, mine, ReplicaState.DELETION_INELIGIBLE)
        mark_ineligible(t, tuple(sorted({replica.tp.topic for replica in mine})))
        yield from resume(t)


def on_stop_replica_response(
    t: ControllerThread, broker: int, answers: tuple[tuple[TopicPartition, Error], ...]
) -> Program[None]:
    """A broker has deleted replicas, or not. processTopicDeletionStopReplicaResponseReceived."""
    failed = tuple(Replica(tp, broker) for tp, error in answers if error is not Error.NONE)
    yield from fail_replicas(t, failed)
    done = tuple(
        Replica(tp, broker) for tp, error in answers if error is Error.NONE and tp.topic in t.context.deletions
    )
    yield from replicas.change(t, done, ReplicaState.DELETION_SUCCESSFUL)
    yield from resume(t)


def resume(t: ControllerThread) -> Program[None]:
    """Finish what can be finished, try again what failed, begin what can begin. resumeDeletions."""
    context = t.context
    retry: list[str] = []
    begin: list[str] = []
    for topic in context.deletions:
        states = tuple(context.replica_state(replica) for replica in context.replicas_of_topic(topic))
        started = ReplicaState.DELETION_STARTED in states
        if all(state is ReplicaState.DELETION_SUCCESSFUL for state in states):
            yield from _complete(t, topic)
            continue
        if not started and ReplicaState.DELETION_INELIGIBLE in states:
            retry.append(topic)
        if not started and topic not in context.ineligible:
            begin.append(topic)
    for topic in retry:
        ineligible = context.replicas_in_state(topic, ReplicaState.DELETION_INELIGIBLE)
        yield from replicas.change(t, ineligible, ReplicaState.OFFLINE)
    if begin:
        yield from _on_topic_deletion(t, tuple(begin))


def _on_topic_deletion(t: ControllerThread, topics: tuple[str, ...]) -> Program[None]:
    """Tell everybody that the topics are going, then have their replicas deleted. onTopicDeletion, onPartitionDeletion."""
    context = t.context
    unseen = tuple(topic for topic in topics if topic not in context.deleting)
    gone = tuple(tp for topic in unseen for tp in context.partitions_of(topic))
    yield from partitions.change(t, gone, PartitionState.OFFLINE)
    yield from partitions.change(t, gone, PartitionState.NON_EXISTENT)
    context.deleting += unseen
    batch = RequestBatch(t)
    batch.update_metadata(
        context.live_or_shutting_down, tuple(tp for topic in topics for tp in context.partitions_of(topic))
    )
    batch.send()
    dead: list[Replica] = []
    alive: list[Replica] = []
    for topic in topics:
        deleted = context.replicas_in_state(topic, ReplicaState.DELETION_SUCCESSFUL)
        here = tuple(replica for replica in context.replicas_of_topic(topic) if context.is_online(replica.broker))
        lost = tuple(replica for replica in context.replicas_of_topic(topic) if replica not in here)
        if lost:
            mark_ineligible(t, (topic,))
        dead.extend(lost)
        alive.extend(replica for replica in here if replica not in deleted)
    yield from replicas.change(t, tuple(dead), ReplicaState.DELETION_INELIGIBLE)
    yield from replicas.change(t, tuple(alive), ReplicaState.OFFLINE)
    yield from replicas.change(t, tuple(alive), ReplicaState.DELETION_STARTED)


def _complete(t: ControllerThread, topic: str) -> Program[None]:
    """Every replica is gone: the znodes go, the topic's first and the request last. completeDeleteTopic.

    After a crash in between, the next controller finds a request without a topic and drops it; the configuration may stay.
    """
    context = t.context
    context.watching = tuple(path for path in context.watching if path != paths.topic(topic))
    yield from replicas.change(t, context.replicas_of_topic(topic), ReplicaState.NON_EXISTENT)
    yield from zk.delete_recursively(t.fence, paths.topic(topic))
    for path in (paths.topic_config(topic), paths.delete_topic(topic)):
        zk.expect((yield from zk.write(t.fence, Delete(path, ANY_VERSION))), path, ErrorCode.NO_NODE)
    context.remove_topic(topic)
