"""Crashes and broken connections, and how servers notice them. QuorumPeer, Leader.lead, Follower.followLeader, QuorumPeer.loadDataBase."""

from typing import Any

from model.language import NONE, Node, Not, is_quorum, ite, require
from model.zookeeper.zab.rules import accepted_epoch_at_start, acks_of_lost_learner, current_epoch_at_start, may_start
from model.zookeeper.zab.state import Index, Link, Phase, Role, SyncMode, Zab
from model.zookeeper.zab.transitions import close, close_all, look, up_to


def crash(s: Zab, n: Node, kept: Index) -> None:
    """A server that follows or leads crashes, loses any suffix of what it has not flushed (`kept` transactions survive), and starts again.

    It starts from its files: all of its log goes into the database, committed or not. A server that looks for a leader has
    everything on its disk: its crash would change nothing.
    """
    require((s.role[n] == Role.FOLLOWING) | (s.role[n] == Role.LEADING))
    require(s.flushed[n] <= kept)
    require(kept <= s.log[n].length)

    fail(s, n, kept)


def fail(s: Zab, n: Any, kept: Any) -> None:
    """A server loses its connections and starts from its disk, where `kept` transactions are."""
    s.aux_crashes = s.aux_crashes + 1
    close_all(s, n)
    s.link[:, n] = Link.NONE
    s.acked[:, n] = lambda leader: acks_of_lost_learner(s.acked[leader, n])
    s.stream[:, n] = ()
    s.log[n].truncate(kept)
    s.flushed[n] = kept
    last = s.log[n].last.epoch
    starts = may_start(s.current_epoch[n], last)
    s.role[n] = ite(starts, Role.LOOKING, Role.REFUSING)
    s.accepted_epoch[n] = accepted_epoch_at_start(s.accepted_epoch[n], last)
    s.current_epoch[n] = current_epoch_at_start(s.current_epoch[n], last)
    s.phase[n] = Phase.ELECTION
    s.leader[n] = NONE
    s.sync_mode[n] = SyncMode.NONE
    s.db[n] = s.log[n]
    s.committed_log[n] = s.log[n]
    s.queue[n] = ()
    s.queue_committed[n] = 0


def lose_connection(s: Zab, leader: Node, learner: Node) -> None:
    """A connection breaks, by a partition or because one side gave up waiting."""
    require(s.link[leader, learner] != Link.NONE)

    s.aux_partitions = s.aux_partitions + 1
    close(s, leader, learner)


def leave(s: Zab, learner: Node, leader: Node) -> None:
    """A learner notices that its connection is gone."""
    require(s.leader[learner] == leader)
    require(s.role[learner] == Role.FOLLOWING)
    require(s.link[leader, learner] == Link.NONE)

    look(s, learner, up_to(s.log[learner], s.db[learner].last))


def step_down(s: Zab, leader: Node) -> None:
    """A leader notices that it has no quorum of learners any more, itself included, and closes all connections."""
    require(s.role[leader] == Role.LEADING)
    require(Not(is_quorum(lambda n: (n == leader) | (s.link[leader, n] != Link.NONE))))

    known = up_to(s.log[leader], s.db[leader].last)
    close_all(s, leader)
    look(s, leader, known)
