"""Deletion of topics, and controlled shutdown. K10, K13."""

from model.language import Node, Not, always, exists, forall, implies, sometimes, step
from model.zookeeper.controller.replication import leads
from model.zookeeper.controller.state import Kafka, SessionState
from properties.zookeeper.controller.settled import is_settled


@step
def a_topic_is_removed_after_its_replicas(s: Kafka, t: Kafka) -> object:
    """/brokers/topics/t goes only when no broker has the topic's log any more."""
    return implies((s.topic_id > 0) & (t.topic_id != s.topic_id), forall(Node, lambda b: s.hosted[b] != s.topic_id))


@step
def a_topic_that_is_created_again_has_a_new_id(s: Kafka, t: Kafka) -> object:
    """A topic id is given once."""
    return implies((t.topic_id > 0) & (t.topic_id != s.topic_id), (s.topic_id == 0) & (t.topic_id > s.aux_creations))


@always
def a_replica_serves_its_own_topic(s: Kafka) -> object:
    """What a replica leads or follows by is a state of the topic whose log it has."""
    return forall(Node, lambda b: implies(s.applied[b] > 0, s.hosted[b] == s.of_topic[s.applied[b]]))


@always
def a_deletion_waits_for_dead_brokers_only(s: Kafka) -> object:
    """In the end a requested deletion is done, or some replica's broker does not run."""
    return implies(
        is_settled(s) & s.delete_requested,
        (s.topic_id > 0) & exists(Node, lambda b: s.assigned[b] & Not(s.up[b])),
    )


@always
def a_deleted_topic_leaves_nothing_at_live_brokers(s: Kafka) -> object:
    """In the end, if there is no topic, no broker that runs has its log, or has it in its metadata cache."""
    return implies(
        is_settled(s) & (s.topic_id == 0),
        forall(Node, lambda b: implies(s.up[b], (s.hosted[b] == 0) & (s.metadata[b] == 0))),
    )


@step
def a_broker_that_was_let_go_leads_nothing(s: Kafka, t: Kafka) -> object:
    """A broker that stops after a controlled shutdown is not the leader in the state znode, unless an old controller may have let it go."""
    old = exists(Node, lambda n: (s.active[n] > 0) & (s.active[n] < s.controller_epoch))
    return forall(
        Node,
        lambda b: implies(
            Not(old)
            & s.up[b]
            & Not(t.up[b])
            & (s.session_state[b, s.session[b]] == SessionState.OPEN)
            & (t.session_state[b, s.session[b]] == SessionState.CLOSED),
            (s.znode == 0) | (s.leader[s.znode] != b) | s.delete_requested,
        ),
    )


@sometimes
def a_topic_is_deleted(s: Kafka) -> object:
    """All is done, and there is no topic, nor anything left of it."""
    return is_settled(s) & (s.topic_id == 0) & (s.config == 0) & Not(s.delete_requested)


@sometimes
def a_leader_is_shut_down(s: Kafka, t: Kafka) -> object:
    """A broker leads and asks to stop, and another takes its place."""
    return exists(
        Node,
        Node,
        lambda a, b: (
            (a != b) & s.stopping[a] & leads(s, a) & (s.leader[s.znode] == a) & (s.znode > 0) & (t.leader[t.znode] == b)
        ),
    )


TOPICS = (
    a_topic_is_removed_after_its_replicas,
    a_topic_that_is_created_again_has_a_new_id,
    a_replica_serves_its_own_topic,
    a_deletion_waits_for_dead_brokers_only,
    a_deleted_topic_leaves_nothing_at_live_brokers,
    a_broker_that_was_let_go_leads_nothing,
    a_topic_is_deleted,
    a_leader_is_shut_down,
)
