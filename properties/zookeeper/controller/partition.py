"""The partition's leader and ISR: in ZooKeeper, at the brokers, and in the end. K3 to K6, K8, K9, K13."""

from typing import Any

from model.language import NONE, Node, Not, always, exists, forall, implies, step
from model.zookeeper.controller.state import Kafka, Write
from properties.zookeeper.controller.settled import is_settled


def _has_successor(s: Kafka, w: Any) -> Any:
    """Two writes of the state znode of one topic follow each other."""
    return (w >= 1) & (w < s.writes) & (s.of_topic[w] == s.of_topic[w + 1])


def _stays(s: Kafka) -> Any:
    """All that the protocol owes is done, the topic is there, and nobody wants it deleted."""
    return is_settled(s) & (s.topic_id > 0) & Not(s.delete_requested)


@always
def leader_epochs_do_not_decrease(s: Kafka) -> object:
    """In the state znode the leader epoch never goes down."""
    return forall(Write, lambda w: implies(_has_successor(s, w), s.leader_epoch[w] <= s.leader_epoch[w + 1]))


@always
def at_most_one_leader_per_epoch(s: Kafka) -> object:
    """Two writes with one leader epoch name the same leader, or one of them none."""
    return forall(
        Write,
        Write,
        lambda v, w: implies(
            (v >= 1)
            & (v < w)
            & (w <= s.writes)
            & (s.of_topic[v] == s.of_topic[w])
            & (s.leader_epoch[v] == s.leader_epoch[w]),
            (s.leader[v] == s.leader[w]) | (s.leader[v] == NONE) | (s.leader[w] == NONE),
        ),
    )


@always
def controller_epochs_do_not_decrease(s: Kafka) -> object:
    """In the state znode the controller epoch never goes down."""
    return forall(Write, lambda w: implies(_has_successor(s, w), s.written_by[w] <= s.written_by[w + 1]))


@step
def a_state_changes_by_the_next_version(s: Kafka, t: Kafka) -> object:
    """Each write of the state znode has the next version, and leaves what earlier ones have put there."""
    return ((t.writes == s.writes) | ((t.writes == s.writes + 1) & (t.znode == t.writes))) & forall(
        Write,
        lambda w: implies(w <= s.writes, (s.leader[w] == t.leader[w]) & (s.leader_epoch[w] == t.leader_epoch[w])),
    )


@always
def the_isr_is_some_of_the_replicas(s: Kafka) -> object:
    """The ISR is never empty, and has assigned replicas only."""
    return implies(
        s.znode > 0,
        exists(Node, lambda n: s.isr[s.znode, n]) & forall(Node, lambda n: implies(s.isr[s.znode, n], s.assigned[n])),
    )


@always
def the_leader_is_in_sync(s: Kafka) -> object:
    """The leader is in the ISR, if there is a leader."""
    return forall(Node, lambda n: implies((s.znode > 0) & (s.leader[s.znode] == n), s.isr[s.znode, n]))


@always
def elections_are_clean(s: Kafka) -> object:
    """A new leader was in the ISR before."""
    return forall(
        Write,
        Node,
        lambda w, n: implies(_has_successor(s, w) & (s.leader[w + 1] == n), s.isr[w, n]),
    )


@always
def brokers_obey_no_older_controller(s: Kafka) -> object:
    """A broker that has heard of a controller does nothing for an older one."""
    return forall(Node, lambda b: Not(s.ghost_stale_request[b]))


@always
def requests_do_not_reach_a_later_incarnation(s: Kafka) -> object:
    """A request that was meant for an earlier registration of a broker has no effect."""
    return forall(Node, lambda b: Not(s.ghost_stale_incarnation[b]))


@step
def a_replica_follows_newer_leader_epochs(s: Kafka, t: Kafka) -> object:
    """While its broker runs, what a replica leads or follows by has never an older leader epoch than before."""
    return forall(
        Node,
        lambda b: implies(
            s.up[b] & t.up[b] & (s.applied[b] > 0) & (t.applied[b] > 0),
            s.leader_epoch[s.applied[b]] <= t.leader_epoch[t.applied[b]],
        ),
    )


@always
def brokers_know_the_state(s: Kafka) -> object:
    """In the end each broker that runs has the partition's state in its metadata cache."""
    return implies(_stays(s) & (s.znode > 0), forall(Node, lambda b: implies(s.up[b], s.metadata[b] == s.znode)))


@always
def replicas_play_their_roles(s: Kafka) -> object:
    """In the end each replica of a broker that runs leads or follows by the leader epoch in the state znode."""
    return implies(
        _stays(s) & (s.znode > 0),
        forall(
            Node,
            lambda b: implies(
                s.up[b] & s.assigned[b],
                (s.applied[b] > 0) & Not(s.stopped[b]) & (s.leader_epoch[s.applied[b]] == s.leader_epoch[s.znode]),
            ),
        ),
    )


@always
def a_live_member_of_the_isr_leads(s: Kafka) -> object:
    """In the end the partition has a leader that runs, if a member of its ISR runs, or if it is new."""
    return implies(
        _stays(s) & ((s.znode == 0) | exists(Node, lambda n: s.up[n] & s.isr[s.znode, n])),
        (s.znode > 0) & exists(Node, lambda n: (s.leader[s.znode] == n) & s.up[n]),
    )


@always
def dead_replicas_leave_the_isr(s: Kafka) -> object:
    """In the end, if a member of the ISR runs, all of them do."""
    return implies(
        _stays(s) & (s.znode > 0) & exists(Node, lambda n: s.up[n] & s.isr[s.znode, n]),
        forall(Node, lambda n: implies(s.isr[s.znode, n], s.up[n])),
    )


PARTITION = (
    leader_epochs_do_not_decrease,
    at_most_one_leader_per_epoch,
    controller_epochs_do_not_decrease,
    a_state_changes_by_the_next_version,
    the_isr_is_some_of_the_replicas,
    the_leader_is_in_sync,
    elections_are_clean,
    brokers_obey_no_older_controller,
    requests_do_not_reach_a_later_incarnation,
    a_replica_follows_newer_leader_epochs,
    brokers_know_the_state,
    replicas_play_their_roles,
    a_live_member_of_the_isr_leads,
    dead_replicas_leave_the_isr,
)
