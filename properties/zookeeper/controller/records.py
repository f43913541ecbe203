"""Records and the ISR: what is committed stays, replicas agree, and the ISR is what the leader thinks. K7, K9."""

from typing import Any

from model.language import Node, Not, always, exists, forall, implies, sometimes, step
from model.zookeeper.controller.replication import leads
from model.zookeeper.controller.state import Kafka, Offset, Value
from properties.zookeeper.controller.settled import is_settled


def holds(s: Kafka, n: Any, v: Any) -> Any:
    """The record is in the replica's log."""
    return exists(Offset, lambda o: (o >= 1) & (o <= s.log[n].length) & (s.log[n][o].value == v))


def is_committed(s: Kafka, v: Any) -> Any:
    """The record was committed, and nobody wants its topic deleted."""
    return (s.ghost_committed_in[v] > 0) & Not(s.delete_requested)


@always
def later_leaders_have_committed_records(s: Kafka) -> object:
    """A record that was committed is in the log of everyone who leads in the same epoch or a later one."""
    return forall(
        Value,
        Node,
        lambda v, n: implies(
            is_committed(s, v) & leads(s, n) & (s.leader_epoch[s.applied[n]] >= s.ghost_committed_in[v]),
            holds(s, n, v),
        ),
    )


@always
def members_of_the_isr_have_committed_records(s: Kafka) -> object:
    """A record that was committed is in the log of every replica in the ISR."""
    return forall(
        Value,
        Node,
        lambda v, n: implies(
            is_committed(s, v) & (s.znode > 0) & s.isr[s.znode, n],
            holds(s, n, v),
        ),
    )


@always
def logs_match(s: Kafka) -> object:
    """Two logs that have a record of the same leader epoch at an offset have the same records up to there."""

    def same(a: Any, b: Any, o: Any) -> Any:
        return (s.log[a][o].epoch == s.log[b][o].epoch) & (s.log[a][o].value == s.log[b][o].value)

    def both(a: Any, b: Any, o: Any) -> Any:
        return (o >= 1) & (o <= s.log[a].length) & (o <= s.log[b].length)

    return forall(
        Node,
        Node,
        Offset,
        lambda a, b, o: implies(
            both(a, b, o) & (s.log[a][o].epoch == s.log[b][o].epoch),
            forall(Offset, lambda p: implies((p >= 1) & (p <= o), same(a, b, p))),
        ),
    )


@always
def the_high_watermark_is_within_the_log(s: Kafka) -> object:
    """No replica's high watermark is above the end of its log."""
    return forall(Node, lambda n: s.high_watermark[n] <= s.log[n].length)


@step
def a_leader_does_not_take_back_what_it_exposed(s: Kafka, t: Kafka) -> object:
    """While a replica leads, its high watermark never goes down, and its log is only appended to."""
    return forall(
        Node,
        lambda n: implies(
            leads(s, n) & leads(t, n),
            (s.high_watermark[n] <= t.high_watermark[n]) & (s.log[n].length <= t.log[n].length),
        ),
    )


@always
def leaders_know_their_isr(s: Kafka) -> object:
    """In the end a replica that leads has the ISR of the state znode, unless it was taken out of the replicas (hazards.py)."""
    return implies(
        is_settled(s),
        forall(Node, lambda n: implies(leads(s, n) & s.assigned[n], s.applied[n] == s.znode)),
    )


@sometimes
def what_one_replica_acknowledged_is_lost(s: Kafka, t: Kafka) -> object:
    """A replica that has led cuts a record, which it has acknowledged to a client with acks=1."""
    return exists(Node, lambda n: t.log[n].length < s.log[n].length)


@sometimes
def a_committed_record_outlives_its_leader(s: Kafka) -> object:
    """A record was committed, and somebody leads in a later epoch."""
    return exists(
        Value,
        Node,
        lambda v, n: (
            (s.ghost_committed_in[v] > 0) & leads(s, n) & (s.leader_epoch[s.applied[n]] > s.ghost_committed_in[v])
        ),
    )


@sometimes
def a_replica_comes_back_into_the_isr(s: Kafka, t: Kafka) -> object:
    """An ISR grows by AlterPartition."""
    return (t.znode == s.znode + 1) & exists(Node, lambda n: t.isr[t.znode, n] & Not(s.isr[s.znode, n]) & (s.znode > 0))


RECORDS = (
    logs_match,
    later_leaders_have_committed_records,
    members_of_the_isr_have_committed_records,
    the_high_watermark_is_within_the_log,
    a_leader_does_not_take_back_what_it_exposed,
    leaders_know_their_isr,
    what_one_replica_acknowledged_is_lost,
    a_committed_record_outlives_its_leader,
    a_replica_comes_back_into_the_isr,
)
