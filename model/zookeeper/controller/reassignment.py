"""Reassignment of the topic's replicas (KIP-455). KafkaController.onPartitionReassignment, with the names of its steps.

The replicas of the topic znode (RS) are its target (TRS) and those that leave (RR, removing); of the target some are new (AR, adding). A
reassignment is started by a client's request, and gone on with whenever the ISR grows, a broker starts, or a controller fails over: what
is left to do is seen from the znodes. One request brings at most one replica in and at most one out. A reassignment is not superseded or
cancelled by another.
"""

from typing import Any

from model.language import NONE, Node, Not, Option, exists, forall, implies, ite, require
from model.zookeeper.controller.leadership import goes_through, publish, send, write_state
from model.zookeeper.controller.resign import resign
from model.zookeeper.controller.rules import is_target_in_sync, is_written_by_newer
from model.zookeeper.controller.state import Kafka, Kind, Move, Stage, Strategy
from model.zookeeper.controller.work import finish, owes_offline, serves
from model.zookeeper.controller.znodes import has_session


def is_reassigning(s: Kafka) -> Any:
    """The topic znode names replicas that come or go."""
    return exists(Node, lambda n: s.adding[n] | s.removing[n])


def is_target(s: Kafka, n: Any) -> Any:
    """The replica is one of the target (TRS)."""
    return s.assigned[n] & Not(s.removing[n])


def is_complete(s: Kafka, write: Any) -> Any:
    """All of the target is in the ISR. isReassignmentComplete."""
    return forall(Node, lambda n: implies(is_target(s, n), is_target_in_sync(s.isr[write, n])))


def reassign(s: Kafka, c: Node, joins: Option[Node], leaves: Option[Node]) -> None:
    """A client asks a controller to bring one replica in, take one out, or both: U1, the topic znode says so from then on.

    Enabled iff the partition has a leader, is not being reassigned or deleted, some replica remains, and the one that joins is live.
    AlterPartitionReassignments.
    """
    require(serves(s, c))
    require((s.topic[c] > 0) & (s.cached[c] > 0) & Not(s.queued[c]))
    require(Not(is_reassigning(s)))
    require((joins != NONE) | (leaves != NONE))
    require((joins == NONE) | exists(Node, lambda n: (joins == n) & Not(s.assigned[n]) & (s.live[c, n] > 0)))
    require((leaves == NONE) | exists(Node, lambda n: (leaves == n) & s.assigned[n]))
    require(exists(Node, lambda n: (s.assigned[n] & (leaves != n)) | (joins == n)))
    s.aux_reassignments = s.aux_reassignments + 1
    s.aux_incidents = s.aux_incidents + 1
    if goes_through(s, c):
        s.assigned[:] = lambda n: s.assigned[n] | (joins == n)
        s.adding[:] = lambda n: joins == n
        s.removing[:] = lambda n: leaves == n
        s.move[c] = Move.CHECK
    else:
        resign(s, c)


def advance_reassignment(s: Kafka, c: Node) -> None:
    """A controller goes on with a reassignment, in a new leader epoch: the target is not in sync yet (A1, A2), or it is (B1 to B3).

    A: all replicas learn of each other, and the new ones start. B: from now on the replicas are the target; the leader learns that, so that
    it does not take the others back; if it is not of the target, another is to be elected. The replicas that leave go offline next (B4).
    """
    require(s.move[c] == Move.CHECK)
    require(s.must_elect[c] == Strategy.NONE)
    require(Not(owes_offline(s, c)))
    require(has_session(s, c))
    s.stage[c] = Stage.SERVING
    old = s.znode
    leader = s.leader[old]
    fails = (old == 0) | is_written_by_newer(s.written_by[old], s.active[c])
    complete = is_complete(s, old)
    good = exists(Node, lambda n: (leader == n) & is_target(s, n) & (s.live[c, n] > 0) & Not(s.shutting[c, n]))
    if fails:
        s.move[c] = Move.NONE
    elif Not(goes_through(s, c)):
        resign(s, c)
    else:
        s.move[c] = ite(complete, Move.LEAVE, Move.NONE)
        s.must_offline[c, :] = lambda n: complete & s.removing[n]
        if complete & Not(good):
            s.must_elect[c] = Strategy.REASSIGN
        else:
            write_state(s, c, leader, True, lambda n: s.isr[old, n])
            publish(s, c, lambda b: True, s.znode)


def delete_leaving_replicas(s: Kafka, c: Node) -> None:
    """A controller tells the brokers of the replicas that have left to delete them, and awaits no answer: B5."""
    require(s.move[c] == Move.LEAVE)
    require(s.must_elect[c] == Strategy.NONE)
    require(Not(owes_offline(s, c)))
    send(s, c, lambda b: s.removing[b], Kind.DELETE_REPLICA, s.cached[c])
    s.move[c] = Move.WRITE


def complete_reassignment(s: Kafka, c: Node) -> None:
    """A controller writes the target into the topic znode: B6; then it tells all brokers: B8."""
    require(s.move[c] == Move.WRITE)
    require(has_session(s, c))
    if goes_through(s, c):
        s.assigned[:] = lambda n: is_target(s, n)
        s.adding[:] = False
        s.removing[:] = False
        s.move[c] = Move.NONE
        send(s, c, lambda b: True, Kind.UPDATE_METADATA, s.cached[c])
        finish(s, c)
    else:
        resign(s, c)
