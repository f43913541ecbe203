"""Broadcast: proposals, acknowledgements and commits.

Leader.propose, processAck, tryToCommit; Follower.processPacket; SyncRequestProcessor.
"""

from typing import Any

from model.language import Node, Not, exists, ite, require, the
from model.zookeeper.zab.rules import (
    enough,
    gets_commits,
    gets_proposals,
    logs_at_once,
    same_zxid,
    succeeds,
    sync_thread_runs,
)
from model.zookeeper.zab.state import Fault, Index, Kind, Link, Phase, Role, SyncMode, Txn, Zab
from model.zookeeper.zab.transitions import (
    apply_queued,
    arrives,
    as_txn,
    follows,
    packet,
    record_commit,
    send_to_learners,
    unqueue,
)


def propose(s: Zab, leader: Node) -> None:
    """A serving leader gives a client's request the next zxid, logs it, and sends it to its learners. Leader.propose."""
    require(s.role[leader] == Role.LEADING)
    require(s.phase[leader] == Phase.BROADCAST)

    epoch = s.accepted_epoch[leader]
    last = _last_seen(s, leader)
    counter = ite(last.epoch == epoch, last.counter + 1, 1)
    s.aux_requests = s.aux_requests + 1
    txn = Txn(epoch=epoch, counter=counter, request=s.aux_requests)
    s.queue[leader].append(txn)
    at_once = _append(s, leader, txn)
    if at_once:
        s.acked[leader, leader] = s.db[leader].length + s.queue[leader].length
    send_to_learners(
        s,
        leader,
        lambda n: gets_proposals(_is_forwarded_to(s, leader, n), s.link[leader, n] == Link.ACKED),
        packet(Kind.PROPOSAL, epoch, counter, txn.request),
    )


def _is_forwarded_to(s: Zab, leader: Any, n: Any) -> Any:
    link = s.link[leader, n]
    return (link == Link.FORWARDING) | (link == Link.SYNCED) | (link == Link.ACKED)


def _last_seen(s: Zab, n: Any) -> Any:
    """The last transaction that waits in a server's queue, or else the last in its database."""
    return ite(s.queue[n].length >= 1, s.queue[n].last, s.db[n].last)


def _append(s: Zab, n: Any, txn: Any) -> Any:
    """A transaction goes to the log; whether it is flushed at once."""
    at_once = logs_at_once() & (s.flushed[n] == s.log[n].length)
    s.log[n].append(txn)
    if at_once:
        s.flushed[n] = s.log[n].length
    return at_once


def _takes_live_packets(phase: Any) -> Any:
    """The learner is past the head of its synchronisation, and not in the middle of NEWLEADER."""
    return (phase == Phase.SYNCHRONIZATION) | (phase == Phase.READY) | (phase == Phase.BROADCAST)


def handle_proposal(s: Zab, learner: Node, leader: Node) -> None:
    """A learner logs a proposal and acknowledges it; before UPTODATE it keeps it in memory. Enabled iff a proposal has arrived."""
    require(_takes_live_packets(s.phase[learner]))
    require(arrives(s, leader, learner, Kind.PROPOSAL))

    txn = as_txn(s.channel[leader, learner][1])
    last = _last_seen(s, learner)
    if Not(succeeds(txn, last)):
        s.ghost_fault[learner] = Fault.GAP
    s.channel[leader, learner].pop_first()
    s.queue[learner].append(txn)
    if s.phase[learner] == Phase.BROADCAST:
        at_once = _append(s, learner, txn)
        if at_once:
            s.channel[learner, leader].append(packet(Kind.ACK, txn.epoch, txn.counter))


def flush(s: Zab, n: Node, leader: Node) -> None:
    """A server's logging thread flushes the next transaction and acknowledges it to the leader, which may be itself.

    Enabled iff something waits in the log to be flushed, and the thread runs. SyncRequestProcessor, SendAckRequestProcessor,
    AckRequestProcessor.
    """
    require(s.flushed[n] < s.log[n].length)
    require(
        ((s.role[n] == Role.LEADING) & (n == leader))
        | ((s.role[n] == Role.FOLLOWING) & follows(s, n, leader) & sync_thread_runs(s.phase[n]))
    )

    s.flushed[n] = s.flushed[n] + 1
    txn = s.log[n][s.flushed[n]]
    if n == leader:
        _acknowledged(s, leader, n, txn)
    else:
        s.channel[n, leader].append(packet(Kind.ACK, txn.epoch, txn.counter))


def handle_ack(s: Zab, leader: Node, learner: Node) -> None:
    """A leader counts an acknowledgement of a proposal. Enabled iff one has arrived; one of a committed proposal changes nothing."""
    require(s.link[leader, learner] == Link.ACKED)
    require(arrives(s, learner, leader, Kind.ACK))

    ack = s.channel[learner, leader][1]
    s.channel[learner, leader].pop_first()
    _acknowledged(s, leader, learner, ack)


def _acknowledged(s: Zab, leader: Any, n: Any, ack: Any) -> None:
    """Server n has logged a proposal. With a quorum the leader commits it, if it is the next: never out of order.

    Acknowledgements of one server come in the order of the proposals, so the last one says it all.
    """
    queue, applied = s.queue[leader], s.db[leader].length
    outstanding = exists(Index, lambda i: (i >= 1) & (i <= queue.length) & same_zxid(queue[i], ack))
    if outstanding:
        place = the(Index, lambda i: (i >= 1) & (i <= queue.length) & same_zxid(queue[i], ack))
        s.acked[leader, n] = applied + place
        if enough(lambda m: s.acked[leader, m] > applied):
            _commit_next(s, leader)


def _commit_next(s: Zab, leader: Any) -> None:
    """The first outstanding proposal is committed: applied, and every learner told."""
    txn = s.queue[leader][1]
    apply_queued(s, leader, 1)
    unqueue(s, leader, 1)
    length = s.db[leader].length
    s.acked[leader, :] = lambda m: ite(s.acked[leader, m] > length, s.acked[leader, m], 0)
    record_commit(s, leader, length)
    send_to_learners(
        s,
        leader,
        lambda n: gets_commits(_is_forwarded_to(s, leader, n), s.link[leader, n] == Link.ACKED),
        packet(Kind.COMMIT, txn.epoch, txn.counter),
    )


def _notes_commits(s: Zab, learner: Any) -> Any:
    """Commits wait in memory: after NEWLEADER always, before it if the history is to be logged (writeToTxnLog)."""
    phase = s.phase[learner]
    return (phase == Phase.READY) | ((phase == Phase.SYNCHRONIZATION) & (s.sync_mode[learner] == SyncMode.DIFF))


def handle_commit(s: Zab, learner: Node, leader: Node) -> None:
    """A learner applies the proposal that is committed; before UPTODATE it notes it. Enabled iff a commit has arrived.

    Between SNAP or TRUNC and NEWLEADER it applies it to the data tree alone, which NEWLEADER makes durable as a whole.
    If that is not the next of its queue the process exits (UNMATCHED_TXN_COMMIT).
    """
    require(_takes_live_packets(s.phase[learner]))
    require(arrives(s, leader, learner, Kind.COMMIT))

    commit = s.channel[leader, learner][1]
    queue, noted = s.queue[learner], s.queue_committed[learner]
    matched = (noted < queue.length) & same_zxid(queue[noted + 1], commit)
    s.channel[leader, learner].pop_first()
    if Not(matched):
        s.ghost_fault[learner] = Fault.UNMATCHED_COMMIT
    elif _notes_commits(s, learner):
        s.queue_committed[learner] = noted + 1
    else:
        apply_queued(s, learner, 1)
        unqueue(s, learner, 1)
