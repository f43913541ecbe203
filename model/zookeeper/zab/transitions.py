"""What several actions do: stop following or leading, apply transactions, send, record a commit."""

from collections.abc import Callable
from typing import Any

from model.language import NONE, Not, all_of, forall, implies, ite, sequence, the
from model.zookeeper.zab.rules import acks_of_lost_learner, reloads_database, replays_log_tail, zxid_less
from model.zookeeper.zab.state import Index, Link, Packet, Phase, Role, SyncMode, Txn, Zab


def up_to(history: Any, zxid: Any) -> Any:
    """How many transactions at the start of a history are not after a zxid."""
    return the(
        Index,
        lambda k: all_of(
            k <= history.length,
            (k == history.length) | zxid_less(zxid, history[k + 1]),
            forall(Index, lambda i: implies((i >= 1) & (i <= k), Not(zxid_less(zxid, history[i])))),
        ),
    )


def packet(kind: Any, epoch: Any, counter: Any, request: Any = 0) -> Any:
    """A packet with a zxid."""
    return Packet(kind=kind, epoch=epoch, counter=counter, request=request)


def as_txn(carrier: Any) -> Any:
    """The transaction in a packet, or in a synchronisation."""
    return Txn(epoch=carrier.epoch, counter=carrier.counter, request=carrier.request)


def follows(s: Zab, learner: Any, leader: Any) -> Any:
    """The learner follows that leader, and the connection stands on the leader's side too."""
    return (s.leader[learner] == leader) & (s.link[leader, learner] != Link.NONE)


def arrives(s: Zab, sender: Any, to: Any, kind: Any) -> Any:
    """A packet of this type is the next to arrive."""
    return (s.channel[sender, to].length >= 1) & (s.channel[sender, to][1].kind == kind)


def send_to_learners(s: Zab, leader: Any, chosen: Callable[[Any], Any], sent: Packet) -> None:
    """A leader queues a packet for every learner that `chosen(learner)` picks."""

    def queued(learner: Any) -> Any:
        old = s.channel[leader, learner]
        length = ite(chosen(learner), old.length + 1, old.length)
        return sequence(length, lambda p: ite(p <= old.length, old[p], sent))

    s.channel[leader, :] = queued


def close(s: Zab, leader: Any, learner: Any) -> None:
    """A connection breaks: what is in flight is lost both ways, and the leader knows."""
    s.link[leader, learner] = Link.NONE
    s.acked[leader, learner] = acks_of_lost_learner(s.acked[leader, learner])
    s.channel[leader, learner] = ()
    s.channel[learner, leader] = ()
    s.stream[leader, learner] = ()


def close_all(s: Zab, leader: Any) -> None:
    """A leader closes its connections; its learners find out by themselves."""
    s.link[leader, :] = Link.NONE
    s.acked[leader, :] = 0
    s.channel[leader, :] = ()
    s.channel[:, leader] = ()
    s.stream[leader, :] = ()


def look(s: Zab, n: Any, known: Any) -> None:
    """A server stops following or leading and looks for a leader. Its log is flushed; its database stays and catches up with the log.

    `known`: how much of its log the database has, `up_to(s.log[n], s.db[n].last)`. QuorumPeer.run, ZooKeeperServer.shutdown
    (ZOOKEEPER-2845, 3642, 4712).
    """
    log, db = s.log[n], s.db[n]
    if reloads_database(s.sync_mode[n]):
        s.db[n] = log
        s.committed_log[n] = log
    elif replays_log_tail(log.length - known):
        end, kept = db.length, s.committed_log[n]
        remembered = kept.length
        tail = log.length - known
        s.committed_log[n] = sequence(
            remembered + tail, lambda i: ite(i <= remembered, kept[i], log[i + known - remembered])
        )
        s.db[n] = sequence(end + tail, lambda i: ite(i <= end, db[i], log[i + known - end]))
    s.role[n] = Role.LOOKING
    s.phase[n] = Phase.ELECTION
    s.leader[n] = NONE
    s.queue[n] = ()
    s.queue_committed[n] = 0
    s.flushed[n] = log.length
    s.sync_mode[n] = SyncMode.NONE


def apply_queued(s: Zab, n: Any, count: Any, *, remember: bool = True) -> None:
    """The first `count` transactions of a server's queue are applied to its database; they stay in the queue (see `unqueue`)."""
    queue, end, remembered = s.queue[n], s.db[n].length, s.committed_log[n].length
    if remember:
        kept = s.committed_log[n]
        s.committed_log[n] = sequence(
            remembered + count, lambda i: ite(i <= remembered, kept[i], queue[i - remembered])
        )
    db = s.db[n]
    s.db[n] = sequence(end + count, lambda i: ite(i <= end, db[i], queue[i - end]))


def unqueue(s: Zab, n: Any, count: Any) -> None:
    """The first `count` transactions leave a server's queue."""
    queue = s.queue[n]
    s.queue[n] = sequence(queue.length - count, lambda i: queue[i + count])


def log_queued(s: Zab, n: Any, first: Any, count: Any) -> None:
    """`count` transactions of the queue, after its first `first`, are written to the log; not flushed."""
    queue, log, end = s.queue[n], s.log[n], s.log[n].length
    s.log[n] = sequence(end + count, lambda i: ite(i <= end, log[i], queue[i + first - end]))


def record_commit(s: Zab, leader: Any, length: Any) -> None:
    """History: the first `length` transactions of a leader's database are committed, from now on if they were not before."""
    db, epoch = s.db[leader], s.accepted_epoch[leader]

    def new(i: Any) -> Any:
        return (i >= 1) & (i <= length) & (s.ghost_commit_epoch[i] == 0)

    s.ghost_committed[:] = lambda i: ite(new(i), db[i], s.ghost_committed[i])
    s.ghost_commit_epoch[:] = lambda i: ite(new(i), epoch, s.ghost_commit_epoch[i])
