"""Synchronisation: the leader decides between DIFF, TRUNC and SNAP, the learner takes it in.

LearnerHandler.syncFollower, Learner.syncWithLeader.
"""

from typing import Any

from model.language import Node, Not, exists, forall, implies, ite, minimum, require, sequence, the
from model.zookeeper.zab.rules import (
    outstanding_to_forward,
    resent_proposals,
    same_zxid,
    succeeds,
    way_to_sync,
    zxid_less,
)
from model.zookeeper.zab.state import Fault, Index, Kind, Link, Phase, Synced, SyncMode, Zab
from model.zookeeper.zab.transitions import as_txn, follows, packet, up_to


def sync_follower(s: Zab, leader: Node, learner: Node) -> None:
    """A leader queues what brings a learner up to its own history, with its outstanding proposals; from now on it forwards.

    Enabled iff the learner has acknowledged the epoch. Its last zxid, which ACKEPOCH carries, is that of its database: it has not changed
    since. All under the leader's lock, as startForwarding is.
    """
    require(s.link[leader, learner] == Link.CONNECTED)

    peer, db, kept, outstanding = s.db[learner].last, s.db[leader], s.committed_log[leader], s.queue[leader]
    known = up_to(kept, peer)
    following = kept[known + 1]
    mode = way_to_sync(
        same_zxid(peer, db.last),
        zxid_less(db.last, peer),
        known == 0,
        same_zxid(peer, kept[known]),
        following.epoch == peer.epoch,
    )
    twice = resent_proposals(outstanding.length)
    forwarded = outstanding_to_forward(outstanding.length)
    whole = mode == SyncMode.SNAP
    skipped = ite(whole, 0, known)
    sent = ite(whole, db.length, kept.length - known)

    def element(i: Any) -> Any:
        past = ite(whole, db[i], kept[i + skipped])
        pending = ite(i <= sent + twice, outstanding[i - sent], outstanding[i - sent - twice])
        txn = ite(i <= sent, past, pending)
        return Synced(epoch=txn.epoch, counter=txn.counter, request=txn.request, committed=i <= sent)

    s.stream[leader, learner] = sequence(sent + twice + forwarded, element)
    target = ite(known == 0, db.last, kept[known])
    if mode == SyncMode.TRUNC:
        s.channel[leader, learner].append(packet(Kind.TRUNC, target.epoch, target.counter))
    else:
        s.channel[leader, learner].append(packet(ite(whole, Kind.SNAP, Kind.DIFF), 0, 0))
    s.link[leader, learner] = Link.FORWARDING


def queue_newleader(s: Zab, leader: Node, learner: Node) -> None:
    """Then the leader queues NEWLEADER, perhaps after live proposals and commits. LearnerHandler.run."""
    require(s.link[leader, learner] == Link.FORWARDING)

    s.channel[leader, learner].append(packet(Kind.NEWLEADER, s.accepted_epoch[leader], 0))
    s.link[leader, learner] = Link.SYNCED


def take_in_sync(s: Zab, learner: Node, leader: Node) -> None:
    """A learner reads DIFF, TRUNC or SNAP and the history that follows.

    Enabled iff one of them has arrived. DIFF: proposals wait in the queue, with the commits. SNAP replaces the data tree. TRUNC cuts the
    log on disk and loads the data tree from it; after these two, commits are applied to the data tree alone until NEWLEADER.
    """
    require(s.phase[learner] == Phase.CONNECTED)
    require(follows(s, learner, leader))
    require(s.channel[leader, learner].length >= 1)

    head, stream = s.channel[leader, learner][1], s.stream[leader, learner]
    committed = the(
        Index,
        lambda k: (
            (k <= stream.length)
            & forall(Index, lambda i: implies((i >= 1) & (i <= stream.length), stream[i].committed == (i <= k)))
        ),
    )
    gap = exists(Index, lambda i: (i >= 2) & (i <= stream.length) & Not(succeeds(stream[i], stream[i - 1])))
    if gap:
        s.ghost_fault[learner] = Fault.GAP
    if head.kind == Kind.DIFF:
        s.queue[learner] = sequence(stream.length, lambda i: as_txn(stream[i]))
        s.queue_committed[learner] = committed
        s.sync_mode[learner] = SyncMode.DIFF
    elif head.kind == Kind.SNAP:
        s.db[learner] = sequence(committed, lambda i: as_txn(stream[i]))
        s.committed_log[learner] = ()
        s.queue[learner] = sequence(stream.length - committed, lambda i: as_txn(stream[i + committed]))
        s.sync_mode[learner] = SyncMode.SNAP
    else:
        kept = up_to(s.log[learner], head)
        if Not(same_zxid(s.log[learner][kept], head)):
            s.ghost_fault[learner] = Fault.NOTHING_TO_TRUNCATE_TO
        s.log[learner].truncate(kept)
        s.flushed[learner] = minimum(s.flushed[learner], kept)
        log = s.log[learner]
        s.db[learner] = sequence(kept + committed, lambda i: ite(i <= kept, log[i], as_txn(stream[i - kept])))
        s.committed_log[learner] = s.db[learner]
        s.queue[learner] = sequence(stream.length - committed, lambda i: as_txn(stream[i + committed]))
        s.sync_mode[learner] = SyncMode.TRUNC
    s.stream[leader, learner] = ()
    s.channel[leader, learner].pop_first()
    s.phase[learner] = Phase.SYNCHRONIZATION
