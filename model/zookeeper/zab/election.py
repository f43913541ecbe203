"""Election and discovery, coarse: one step from a quorum of servers that look for a leader to a leader with a promised epoch.

The step stands for fast leader election (FastLeaderElection.lookForLeader) followed by discovery (Leader.getEpochToPropose,
waitForEpochAck): LEADERINFO has made acceptedEpoch durable at the quorum, and the leader has written currentEpoch. What it hides:
elections whose winner is not the best of its quorum, which discovery refuses (waitForEpochAck), and quorums that fall apart before they
agree on an epoch. Among equally good servers ZooKeeper's vote goes to the largest id; here any of them may win, which is every way
to number the servers at once and keeps them interchangeable.
"""

from typing import Any

from model.language import Node, Not, Quorum, exists, forall, implies, is_member, ite, require, the
from model.zookeeper.zab.rules import zxid_less
from model.zookeeper.zab.state import Epoch, Link, Phase, Role, Txn, Zab


def begin(s: Zab, leader: Node) -> None:
    """An ensemble has been set up: a first leader is established in epoch 1, everybody serves, one transaction is committed everywhere.

    Enabled iff nothing has happened yet. It is where the published searches start (Disalg's mixed specifications).
    """
    require(forall(Node, lambda n: s.accepted_epoch[n] == 0))

    first = Txn(epoch=1, counter=1, request=0)
    s.accepted_epoch[:] = 1
    s.current_epoch[:] = 1
    s.log[:] = (first,)
    s.flushed[:] = 1
    s.db[:] = (first,)
    s.committed_log[:] = (first,)
    s.phase[:] = Phase.BROADCAST
    s.role[:] = lambda n: ite(n == leader, Role.LEADING, Role.FOLLOWING)
    s.leader[:] = leader
    s.link[leader, :] = lambda n: ite(n == leader, Link.NONE, Link.ACKED)
    s.ghost_leader[1] = leader
    s.ghost_committed[1] = first
    s.ghost_commit_epoch[1] = 1


def is_ahead(s: Zab, a: Any, b: Any) -> Any:
    """Server a's vote beats that of b: currentEpoch first, then the last zxid of the database. totalOrderPredicate."""
    newer = s.current_epoch[a] > s.current_epoch[b]
    return newer | ((s.current_epoch[a] == s.current_epoch[b]) & zxid_less(s.db[b].last, s.db[a].last))


def elect(s: Zab, leader: Node, voters: Quorum) -> None:
    """The best of a quorum of servers that look for a leader becomes theirs, in an epoch newer than any that they have promised."""
    require(is_member(leader, voters))
    require(forall(Node, lambda n: implies(is_member(n, voters), s.role[n] == Role.LOOKING)))
    require(forall(Node, lambda n: implies(is_member(n, voters), Not(is_ahead(s, n, leader)))))
    promised = the(
        Epoch,
        lambda e: (
            forall(Node, lambda n: implies(is_member(n, voters), s.accepted_epoch[n] <= e))
            & exists(Node, lambda n: is_member(n, voters) & (s.accepted_epoch[n] == e))
        ),
    )
    require(promised >= 1)

    def joins(n: Any) -> Any:
        return is_member(n, voters) & (n != leader)

    s.accepted_epoch[:] = lambda n: ite(is_member(n, voters), promised + 1, s.accepted_epoch[n])
    s.role[:] = lambda n: ite(joins(n), Role.FOLLOWING, s.role[n])
    s.phase[:] = lambda n: ite(joins(n), Phase.CONNECTED, s.phase[n])
    s.leader[:] = lambda n: ite(joins(n), leader, s.leader[n])
    s.link[leader, :] = lambda n: ite(joins(n), Link.CONNECTED, Link.NONE)
    s.role[leader] = Role.LEADING
    s.phase[leader] = Phase.SYNCHRONIZATION
    s.leader[leader] = leader
    s.current_epoch[leader] = promised + 1


def join(s: Zab, learner: Node, leader: Node) -> None:
    """A server that looks for a leader finds one and promises its epoch, unless it has promised a newer one. Learner.registerWithLeader."""
    require(s.role[learner] == Role.LOOKING)
    require(s.role[leader] == Role.LEADING)
    require(s.link[leader, learner] == Link.NONE)
    require(s.accepted_epoch[learner] <= s.accepted_epoch[leader])

    s.accepted_epoch[learner] = s.accepted_epoch[leader]
    s.role[learner] = Role.FOLLOWING
    s.phase[learner] = Phase.CONNECTED
    s.leader[learner] = leader
    s.link[leader, learner] = Link.CONNECTED
