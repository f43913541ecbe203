"""What a new controller does before anything else, in this order. Source: KafkaController.onControllerFailover.

Watches are set before what they are about is read, so that no change is missed; to see one twice does no harm, because every
handler compares with the context.
"""

from impl.zk_controller import deletion, partitions, paths, reassignment, replicas, zk, znodes
from impl.zk_controller.events import AddChannel
from impl.zk_controller.names import TopicPartition
from impl.zk_controller.request_batch import RequestBatch
from impl.zk_controller.tasks import Program
from impl.zk_controller.thread import ControllerThread
from impl.zookeeper.requests import GetChildren

WATCHED = (paths.BROKER_IDS, paths.TOPICS, paths.DELETE_TOPICS, paths.ISR_CHANGES)
"""Whose children a controller watches. Those of log directories, and the legacy requests of tools, are left out."""


def on_controller_failover(t: ControllerThread) -> Program[None]:
    """Read all there is, tell the brokers who is alive, then start the state machines and take up what was begun."""
    context = t.context
    context.watching = WATCHED
    for path in WATCHED:
        yield from zk.ask(GetChildren(path, watch=True))
    notifications = yield from zk.get_children(paths.ISR_CHANGES)
    yield from zk.delete_children(t.fence, paths.ISR_CHANGES, notifications)
    yield from _initialise_context(t)
    yield from deletion.fetch_requests(t)
    if t.rules.announces_brokers_first():
        # Before any LeaderAndIsr: a broker follows only a leader of whose existence it knows (KAFKA-4443).
        batch = RequestBatch(t)
        batch.update_metadata(context.live_or_shutting_down)
        batch.send()
    yield from replicas.start_up(t)
    yield from partitions.start_up(t)
    yield from reassignment.resume_all(t)
    yield from deletion.resume(t)


def _initialise_context(t: ControllerThread) -> Program[None]:
    """Brokers, topics, assignments, leaderships; and a queue for every live broker. initializeControllerContext."""
    context = t.context
    context.live = yield from zk.get_all_brokers()
    names = yield from zk.get_children(paths.TOPICS)
    context.watching += tuple(paths.topic(name) for name in names)
    contents = yield from zk.get_topics(names, watch=True)
    for name, content in contents.items():
        take_in_topic(t, name, content)
    context.leadership = yield from zk.get_states(tuple(sorted(context.assignments)))
    context.shutting_down = ()
    for broker in context.live:
        t.put(AddChannel(broker))


def take_in_topic(t: ControllerThread, name: str, content: znodes.TopicContent) -> None:
    """Know a topic's id, assignment and running reassignments."""
    context = t.context
    context.topic_ids[name] = content.topic_id
    for number, assignment in content.assignments:
        tp = TopicPartition(name, number)
        context.assignments[tp] = assignment
        if assignment.is_being_reassigned and tp not in context.reassigning:
            context.reassigning = (*context.reassigning, tp)
