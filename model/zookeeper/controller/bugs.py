"""Historical and planted bugs of Kafka on ZooKeeper: each replaces a rule or an action by name. Ids as in Kafka's JIRA; C-numbers are ours.

`bounds` is a scope in which a breadth-first search meets the bug; `breaks` the property that it breaks first there.
"""

from typing import Any

from model.language import NONE, Bool, Node, Not, Replacement, ite, minimum, require
from model.zookeeper.controller.leadership import send
from model.zookeeper.controller.replication import advance_high_watermark, forget_alteration, leads
from model.zookeeper.controller.state import Kafka, Kind, Stage
from model.zookeeper.controller.work import is_idle
from model.zookeeper.controller.znodes import controller_znode_created, has_session


def _former_is_own(owner: Any, session: Any, remembered: Any) -> Any:
    """A znode that a former session of the broker owns is taken for a registration."""
    return (owner == session) | (owner == remembered)


def _never_its_own(mine: Any) -> Any:
    """A broker does not find out that it was elected by a multi whose reply was lost."""
    return mine & (mine != mine)  # noqa: PLR0124 - false, as a term


def _only_looks(gone: Any) -> Any:
    """On ControllerChange a broker only looks who the controller is, also if there is none."""
    return gone & (gone != gone)  # noqa: PLR0124 - false, as a term


def _unchecked(acting: Any, current: Any) -> Any:
    """A controller's write does not depend on /controller_epoch."""
    return acting == acting  # noqa: PLR0124 - true, as a term


def _newest_epoch(own: Any, current: Any) -> Any:
    """A controller takes over the newest epoch as soon as it learns of it, whoever was elected with it."""
    return current


def _roles_first(first: Any) -> Any:
    """LeaderAndIsr is sent before the list of brokers."""
    return first != first  # noqa: PLR0124 - false, as a term


def _as_long_as_it_is_there(known: Any, registered: Any) -> Any:
    """A broker that has a znode is taken for the one that was known."""
    return known != known  # noqa: PLR0124 - false, as a term


def _any_incarnation(meant: Any, own: Any) -> Any:
    """A broker obeys what was meant for an earlier registration."""
    return meant == meant  # noqa: PLR0124 - true, as a term


def _to_the_leaders_end(leader_end: Any, local_end: Any, end: Any) -> Any:
    """A follower cuts its log where the leader's ends for the follower's last epoch, whatever epoch that was with the leader (KIP-101)."""
    return minimum(leader_end, end)


def _after_one_answer(matches: Any) -> Any:
    """One answer is enough for a follower."""
    return matches == matches  # noqa: PLR0124 - true, as a term


def _not_looked_for(same: Any) -> Any:
    """An AlterPartition whose version is old is refused, also if it asks for what is there."""
    return same & (same != same)  # noqa: PLR0124 - false, as a term


def _whatever_its_broker(live: Any, shutting_down: Any) -> Any:
    """The controller takes into the ISR whom the leader names."""
    return live | Not(live)


def _outside_the_isr(in_isr: Any) -> Any:
    """A broker may lose its disk while its replica is not in the ISR."""
    return Not(in_isr)


def _write_isr_itself(s: Kafka, c: Node, leader: Node, lost: Bool) -> None:
    """The leader writes the state znode itself, under the version that it knows, and the controller is notified.

    If the reply is lost, its own write is in the way when it tries again: "Cached zkVersion not equal to that in zookeeper".
    """
    require(is_idle(s, c))
    require(has_session(s, c))
    require(has_session(s, leader))
    require(s.stage[c] == Stage.SERVING)
    require(leads(s, leader))
    require(s.altering[leader] != NONE)
    require(s.znode == s.applied[leader])
    old, new = s.znode, s.writes + 1
    s.of_topic[new] = s.of_topic[old]
    s.replicas[new, :] = lambda n: s.replicas[old, n]
    s.leader[new] = s.leader[old]
    s.leader_epoch[new] = s.leader_epoch[old]
    s.written_by[new] = s.written_by[old]
    s.isr[new, :] = lambda n: ite(s.altering[leader] == n, s.expanding[leader], s.isr[old, n])
    s.znode = new
    s.writes = new
    s.cached[c] = new
    send(s, c, lambda b: True, Kind.UPDATE_METADATA, new)
    if lost:
        s.aux_losses = s.aux_losses + 1
        s.aux_incidents = s.aux_incidents + 1
    else:
        s.applied[leader] = new
        forget_alteration(s, leader)
        advance_high_watermark(s, leader)


def _create_controller_only(s: Kafka, n: Node, lost: Bool) -> None:
    """A broker that stands for controller creates /controller; the epoch comes later."""
    require(s.bid[n] != NONE)
    require(has_session(s, n))
    require(Not(lost))
    s.bid[n] = NONE
    if s.controller == NONE:
        controller_znode_created(s, n)
        s.stage[n] = Stage.ELECTED
        s.ghost_elected_in[n] = s.session[n]
    else:
        s.watching[n] = True


def _raise_epoch_then_read(s: Kafka, c: Node) -> None:
    """Who has created /controller reads /controller_epoch and writes the next one, whoever owns /controller by now; then it goes on."""
    require(s.stage[c] == Stage.ELECTED)
    require(has_session(s, c))
    s.controller_epoch = s.controller_epoch + 1
    s.active[c] = s.controller_epoch
    s.ghost_controller[s.controller_epoch] = c
    s.live[c, :] = lambda b: s.registered[b]
    s.stage[c] = Stage.BROKERS_READ


QUIET = {
    "records": 0,
    "restarts": 0,
    "expiries": 0,
    "lingering": 0,
    "losses": 0,
    "removals": 0,
    "preferred": 0,
    "shutdowns": 0,
    "deletions": 0,
    "creations": 1,
    "reassignments": 0,
}

BUGS = (
    Replacement(
        bug="KAFKA-1387",
        title="A broker takes the znode of its own expired session for its registration",
        name="is_own_session",
        function=_former_is_own,
        breaks="running_brokers_are_registered",
        bounds={**QUIET, "expiries": 1, "lingering": 1, "writes": 2},
        source="KAFKA-1387 (and KAFKA-992), fixed in 0.9.0 (ZKWatchedEphemeral; CheckedEphemeral since 1.0)",
    ),
    Replacement(
        bug="KAFKA-1451",
        title="A broker that was elected by a lost reply finds /controller taken, by itself, and nobody serves",
        name="is_own_election",
        function=_never_its_own,
        breaks="a_controller_exists",
        bounds={**QUIET, "losses": 1},
        source="KAFKA-1451, fixed in 0.8.2 (ZookeeperLeaderElector.elect; checkControllerAndEpoch since 2.1)",
    ),
    Replacement(
        bug="KAFKA-6082",
        title="/controller and its epoch are written one after the other, and a deposed controller's writes are not refused",
        name="elect",
        function=_create_controller_only,
        also={"read_brokers": _raise_epoch_then_read, "may_write": _unchecked},
        breaks="the_owner_of_controller_has_the_newest_epoch",
        bounds={**QUIET, "removals": 1},
        source="KAFKA-6082, fixed in 2.1.0 (KafkaZkClient.registerControllerAndIncrementControllerEpoch)",
    ),
    Replacement(
        bug="KAFKA-1096",
        title="A deposed controller learns the new epoch and goes on with it",
        name="acting_epoch",
        function=_newest_epoch,
        also={"may_write": _unchecked},
        breaks="at_most_one_controller_per_epoch",
        bounds={**QUIET, "removals": 1},
        source="KAFKA-1096, fixed in 0.8.2 (ControllerEpochListener)",
    ),
    Replacement(
        bug="KAFKA-4443",
        title="A new controller tells brokers their roles before it tells them who is live",
        name="learns_brokers_first",
        function=_roles_first,
        breaks="replicas_play_their_roles",
        bounds={**QUIET, "restarts": 1, "sessions": 2},
        source="KAFKA-4443, fixed in 0.10.2 (KafkaController.onControllerFailover)",
    ),
    Replacement(
        bug="KAFKA-7235",
        title="A broker that bounces obeys requests that were meant for its earlier incarnation, and nobody notices",
        name="has_bounced",
        function=_as_long_as_it_is_there,
        also={"is_for_this_incarnation": _any_incarnation},
        breaks="requests_do_not_reach_a_later_incarnation",
        bounds={**QUIET, "restarts": 1},
        source="KAFKA-7235 (KIP-380), fixed in 2.2.0 (broker epochs)",
    ),
    Replacement(
        bug="KAFKA-2729",
        title="The leader writes the ISR itself, and after a lost reply never again",
        name="handle_alter_partition",
        function=_write_isr_itself,
        also={"is_repeated": _not_looked_for},
        breaks="leaders_know_their_isr",
        bounds={**QUIET, "losses": 1, "elections": 1},
        source="KAFKA-2729, fixed in 1.1.0 (and KAFKA-1382, 8836: KIP-497)",
    ),
    Replacement(
        bug="KAFKA-14144",
        title="An AlterPartition that is sent again after its answer was lost is refused for ever",
        name="is_repeated",
        function=_not_looked_for,
        breaks="leaders_know_their_isr",
        bounds={**QUIET, "losses": 1, "elections": 1},
        source="KAFKA-14144, fixed in 3.3.0 (KafkaController.tryProcessAlterPartition)",
    ),
    Replacement(
        bug="KAFKA-6361",
        title="After two quick changes of leader the logs of the replicas differ for ever",
        name="cut_at",
        function=_to_the_leaders_end,
        also={"is_reconciled": _after_one_answer},
        breaks="members_of_the_isr_have_committed_records",
        bounds={**QUIET, "records": 3, "preferred": 2, "incidents": 2, "elections": 1},
        source="KAFKA-6361 (KIP-279), fixed in 2.0.0 (AbstractFetcherThread.getOffsetTruncationState)",
    ),
    Replacement(
        bug="KAFKA-14140",
        title="A replica whose broker is dead is taken back into the ISR",
        name="is_eligible",
        function=_whatever_its_broker,
        breaks="dead_replicas_leave_the_isr",
        bounds={**QUIET, "records": 0, "restarts": 1, "elections": 1},
        source="KAFKA-14140 (KIP-841), fixed in 3.3.0 (KafkaController.tryProcessAlterPartition)",
    ),
    Replacement(
        bug="KAFKA-14617",
        title="A replica that has lost its disk is taken into the ISR for what it had before",
        name="loses_disk",
        function=_outside_the_isr,
        breaks="members_of_the_isr_have_committed_records",
        bounds={**QUIET, "records": 1, "restarts": 1, "disks": 1, "elections": 1},
        source="KAFKA-14617 (KIP-903), fixed in 3.5.0 for KRaft only: Kafka 3.9 in ZooKeeper mode",
    ),
    Replacement(
        bug="C1",
        title="A broker that learns of a new controller too late, and finds /controller gone, does not stand",
        name="elects_when_changed",
        function=_only_looks,
        breaks="a_controller_exists",
        bounds={**QUIET, "expiries": 1, "restarts": 1},
        source="KafkaController.processControllerChange, as it is in 3.9",
    ),
)
