"""Reassignment: it ends with its target, and never with less. K5, K11."""

from model.language import Node, Not, always, exists, forall, implies, sometimes, step
from model.zookeeper.controller.reassignment import is_reassigning
from model.zookeeper.controller.state import Kafka
from properties.zookeeper.controller.settled import is_settled, is_settled_and_caught_up


@step
def a_reassignment_ends_with_its_target_in_sync(s: Kafka, t: Kafka) -> object:
    """When replicas leave the topic znode, exactly those that were to leave do, and all that stay are in the ISR."""
    leave = exists(Node, lambda n: s.assigned[n] & Not(t.assigned[n])) & (t.topic_id > 0)
    return implies(
        leave,
        forall(
            Node,
            lambda n: (
                (t.assigned[n] == (s.assigned[n] & Not(s.removing[n]))) & implies(t.assigned[n], t.isr[t.znode, n])
            ),
        ),
    )


@always
def the_topic_keeps_a_replica_in_sync(s: Kafka) -> object:
    """Whatever a reassignment does, some replica in the ISR is assigned."""
    return implies((s.topic_id > 0) & (s.znode > 0), exists(Node, lambda n: s.assigned[n] & s.isr[s.znode, n]))


@always
def a_reassignment_waits_for_dead_brokers_only(s: Kafka) -> object:
    """In the end, when replicas have caught up, a reassignment is done, or a broker of its target does not run, or nobody leads."""
    return implies(
        is_settled_and_caught_up(s) & is_reassigning(s) & Not(s.delete_requested),
        exists(Node, lambda n: s.assigned[n] & Not(s.removing[n]) & Not(s.up[n]))
        | Not(exists(Node, lambda n: (s.leader[s.znode] == n) & s.up[n])),
    )


@sometimes
def a_replica_is_moved_away(s: Kafka) -> object:
    """All is done after a reassignment, and a broker that runs has deleted its replica."""
    return (
        is_settled(s)
        & (s.aux_reassignments > 0)
        & Not(is_reassigning(s))
        & exists(Node, lambda n: s.up[n] & Not(s.assigned[n]) & (s.hosted[n] == 0))
    )


@sometimes
def a_leader_is_moved_away(s: Kafka, t: Kafka) -> object:
    """Another replica is elected, since the leader is to leave."""
    return exists(
        Node,
        Node,
        lambda a, b: (a != b) & s.removing[a] & (s.leader[s.znode] == a) & (t.leader[t.znode] == b) & (s.znode > 0),
    )


REASSIGNMENT = (
    a_reassignment_ends_with_its_target_in_sync,
    the_topic_keeps_a_replica_in_sync,
    a_reassignment_waits_for_dead_brokers_only,
    a_replica_is_moved_away,
    a_leader_is_moved_away,
)
