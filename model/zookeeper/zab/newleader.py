"""NEWLEADER and UPTODATE: how a learner adopts a history, and how an epoch is established. Learner.syncWithLeader, Leader.lead.

What ZooKeeper's releases do here, in which order, is a switch: see bugs.py for the orders V0 .. V5.
"""

from typing import Any

from model.language import Node, minimum, require
from model.zookeeper.zab.rules import (
    enough,
    epoch_is_written_on_newleader,
    flushed_on_newleader,
    history_comes_before_epoch,
    logged_on_newleader,
    synced_txns_are_remembered,
    unqueued_on_newleader,
)
from model.zookeeper.zab.state import Fault, Kind, Link, Phase, SyncMode, Zab
from model.zookeeper.zab.transitions import (
    apply_queued,
    arrives,
    follows,
    log_queued,
    packet,
    record_commit,
    send_to_learners,
    unqueue,
    up_to,
)


def handle_newleader(s: Zab, learner: Node, leader: Node) -> None:
    """On NEWLEADER a learner makes the history durable: a snapshot after SNAP and TRUNC, the committed proposals in the log after DIFF.

    Enabled iff NEWLEADER has arrived. The rest of the queue waits for UPTODATE.
    """
    require(s.phase[learner] == Phase.SYNCHRONIZATION)
    require(arrives(s, leader, learner, Kind.NEWLEADER))

    if history_comes_before_epoch():
        _adopt_history(s, learner)
    else:
        s.current_epoch[learner] = s.accepted_epoch[learner]
    s.channel[leader, learner].pop_first()
    s.phase[learner] = Phase.ADOPTING


def acknowledge_newleader(s: Zab, learner: Node, leader: Node) -> None:
    """Then it writes currentEpoch and acknowledges NEWLEADER."""
    require(s.phase[learner] == Phase.ADOPTING)
    require(follows(s, learner, leader))

    if not history_comes_before_epoch():
        _adopt_history(s, learner)
    if epoch_is_written_on_newleader():
        s.current_epoch[learner] = s.accepted_epoch[learner]
    s.sync_mode[learner] = SyncMode.NONE
    s.channel[learner, leader].append(packet(Kind.ACK, s.accepted_epoch[learner], 0))
    s.phase[learner] = Phase.READY


def _adopt_history(s: Zab, learner: Any) -> None:
    """The committed part of what a learner was sent is made durable, in a snapshot of the data tree unless it was a DIFF."""
    queued, committed = s.queue[learner].length, s.queue_committed[learner]
    if s.sync_mode[learner] != SyncMode.DIFF:
        s.log[learner] = s.db[learner]
        s.flushed[learner] = s.db[learner].length
    gone = unqueued_on_newleader(queued, committed)
    applied = minimum(gone, committed)
    logged = logged_on_newleader(queued, committed)
    s.flushed[learner] = s.flushed[learner] + flushed_on_newleader(logged, committed)
    log_queued(s, learner, 0, logged)
    apply_queued(s, learner, applied, remember=synced_txns_are_remembered())
    unqueue(s, learner, gone)
    s.queue_committed[learner] = committed - applied


def handle_uptodate(s: Zab, learner: Node, leader: Node) -> None:
    """On UPTODATE a learner starts to serve: it logs what still waits in its queue and applies what was committed meanwhile.

    Enabled iff UPTODATE has arrived. The log is flushed, and each proposal acknowledged, by and by (`flush`).
    """
    require(s.phase[learner] == Phase.READY)
    require(arrives(s, leader, learner, Kind.UPTODATE))

    committed = s.queue_committed[learner]
    logged = up_to(s.queue[learner], s.log[learner].last)
    log_queued(s, learner, logged, s.queue[learner].length - logged)
    apply_queued(s, learner, committed)
    unqueue(s, learner, committed)
    s.queue_committed[learner] = 0
    if not epoch_is_written_on_newleader():
        s.current_epoch[learner] = s.accepted_epoch[learner]
    s.channel[leader, learner].pop_first()
    s.phase[learner] = Phase.BROADCAST


def handle_newleader_ack(s: Zab, leader: Node, learner: Node) -> None:
    """A leader counts the acknowledgement of NEWLEADER; with a quorum, itself included, its epoch is established and it serves.

    Enabled iff the first packet of a learner since its synchronisation has arrived; if that acknowledges something else it
    does not count (LearnerHandler.run, Leader.waitForNewLeaderAck). Whoever has acknowledged gets UPTODATE once the leader serves.
    With the epoch the leader's whole history is committed.
    """
    require(s.link[leader, learner] == Link.SYNCED)
    require(arrives(s, learner, leader, Kind.ACK))

    head = s.channel[learner, leader][1]
    uptodate = packet(Kind.UPTODATE, s.accepted_epoch[leader], 0)
    s.channel[learner, leader].pop_first()
    s.link[leader, learner] = Link.ACKED
    if head.counter != 0:
        s.ghost_fault[leader] = Fault.EARLY_ACK
    if s.phase[leader] == Phase.BROADCAST:
        s.channel[leader, learner].append(uptodate)
    elif (head.counter == 0) & enough(lambda n: (n == leader) | (s.link[leader, n] == Link.ACKED)):
        s.phase[leader] = Phase.BROADCAST
        s.ghost_leader[s.accepted_epoch[leader]] = leader
        record_commit(s, leader, s.db[leader].length)
        send_to_learners(s, leader, lambda n: s.link[leader, n] == Link.ACKED, uptodate)
