"""Topics that appear, grow and vanish. Source: KafkaController (processTopicChange, processPartitionModifications)."""

from impl.zk_controller import partitions, paths, replicas, zk, znodes
from impl.zk_controller.context import PartitionState, ReplicaState
from impl.zk_controller.elections import offline
from impl.zk_controller.failover import take_in_topic
from impl.zk_controller.names import Assignment, Replica, TopicPartition
from impl.zk_controller.tasks import Program
from impl.zk_controller.thread import ControllerThread


def on_topic_change(t: ControllerThread) -> Program[None]:
    """Compare the topics in ZooKeeper with those that are known. processTopicChange."""
    context = t.context
    names = yield from zk.get_children(paths.TOPICS, watch=True)
    fresh = tuple(name for name in names if name not in context.topic_ids)
    for name in context.topics:
        if name not in names:
            context.remove_topic(name)
    context.watching += tuple(paths.topic(name) for name in fresh)
    for name, content in (yield from zk.get_topics(fresh, watch=True)).items():
        take_in_topic(t, name, content)
    yield from _on_new_partitions(t, tuple(tp for name in fresh for tp in context.partitions_of(name)))


def on_partition_modifications(t: ControllerThread, topic: str) -> Program[None]:
    """A topic's znode has changed: partitions may have been added. processPartitionModifications."""
    context = t.context
    content = (yield from zk.get_topics((topic,), watch=True)).get(topic)
    if content is None or topic not in context.topic_ids:
        return
    added = {
        TopicPartition(topic, number): assignment
        for number, assignment in content.assignments
        if TopicPartition(topic, number) not in context.assignments
    }
    if topic in context.deletions:
        if added:
            # They would be left over when the topic is gone (KAFKA-6612).
            known = tuple((tp.partition, context.assignments[tp]) for tp in context.partitions_of(topic))
            yield from zk.set_topic(t.fence, topic, znodes.TopicContent(context.topic_ids[topic], known))
        return
    context.assignments.update(added)
    yield from _on_new_partitions(t, tuple(added))


def _on_new_partitions(t: ControllerThread, tps: tuple[TopicPartition, ...]) -> Program[None]:
    """onNewPartitionCreation."""
    assignments: dict[TopicPartition, Assignment] = t.context.assignments
    held = tuple(Replica(tp, broker) for tp in tps for broker in assignments[tp].replicas)
    yield from partitions.change(t, tps, PartitionState.NEW)
    yield from replicas.change(t, held, ReplicaState.NEW)
    yield from partitions.change(t, tps, PartitionState.ONLINE, offline(unclean=lambda topic: False))
    yield from replicas.change(t, held, ReplicaState.ONLINE)
