"""A learner until it serves: registration with the leader, then synchronisation. Learner.registerWithLeader, syncWithLeader.

The order of the steps at NEWLEADER is a table (`orders.py`).
"""

from typing import assert_never

from attrs import evolve

from impl.zookeeper.database import empty_database, load
from impl.zookeeper.effects import FlushTxnLog, TruncateTxnLog
from impl.zookeeper.follower import commit, log_request
from impl.zookeeper.leader_sessions import start_service
from impl.zookeeper.messages import (
    Ack,
    AckEpoch,
    Commit,
    Diff,
    LeaderInfo,
    NewLeader,
    Proposal,
    QuorumPacket,
    Snap,
    SnapshotStream,
    Trunc,
    UpToDate,
)
from impl.zookeeper.orders import Do
from impl.zookeeper.peer import ACK_NEW_LEADER, READ, leave_role
from impl.zookeeper.pipeline import append, apply_txn
from impl.zookeeper.state import BROADCAST, CONNECTING, DISCOVERY, SYNCHRONIZATION, Sync
from impl.zookeeper.synchronise import DIFF, SNAP, TRUNC
from impl.zookeeper.transactions import epoch_of
from impl.zookeeper.turn import Turn


def on_sync_packet(turn: Turn, packet: QuorumPacket) -> None:
    """A packet from the leader before UPTODATE."""
    role = turn.following
    if role.phase == CONNECTING and isinstance(packet, LeaderInfo):
        _on_leader_info(turn, packet.epoch)
        return
    if role.phase == DISCOVERY and isinstance(packet, Diff | Trunc | Snap):
        _on_head(turn, packet)
        return
    if role.sync is not None and role.sync.ack_due is not None:
        acknowledge_new_leader(turn)
    sync = turn.following.sync
    match packet:
        case SnapshotStream(tree=tree, content=content) if sync is not None and sync.awaiting_stream:
            turn.set(
                database=evolve(turn.state.database, tree=tree, last_processed=sync.last_queued or 0, content=content)
            )
            _set_sync(turn, evolve(sync, awaiting_stream=False, last_queued=None))
        case Proposal() if sync is not None:
            _on_proposal(turn, sync, packet)
        case Commit(zxid=zxid) if sync is not None:
            _on_commit(turn, sync, zxid)
        case NewLeader(zxid=zxid) if sync is not None:
            _on_new_leader(turn, zxid)
        case UpToDate(zxid=zxid) if sync is not None:
            _on_up_to_date(turn, zxid)
        case _:
            # Learner.syncWithLeader ends the process on a first packet that is none of these; later ones are ignored.
            if sync is None:
                turn.report("unexpected packet", f"follower {turn.me} in {role.phase} got {packet}")
                leave_role(turn)


def _set_sync(turn: Turn, sync: Sync | None) -> None:
    turn.set_role(sync=sync)


def _on_leader_info(turn: Turn, epoch: int) -> None:
    """LEADERINFO: promise the epoch, durably, then answer; never one that is older than what was promised. D4."""
    state, role = turn.state, turn.following
    if epoch < state.accepted_epoch:
        leave_role(turn)
        return
    current: int | None = None
    if epoch > state.accepted_epoch:
        turn.set_accepted_epoch(epoch)
        current = state.current_epoch
    turn.set_role(phase=DISCOVERY, new_epoch=epoch)
    turn.send(AckEpoch(turn.me, role.leader, role.link, state.database.last_processed, current))


def _on_head(turn: Turn, packet: Diff | Trunc | Snap) -> None:
    """The first packet of the synchronisation. L1."""
    state, settings, rules = turn.state, turn.settings, turn.config.rules
    match packet:
        case Diff():
            needed = rules.order.always_snapshot
            sync = Sync(DIFF, needed, write_to_log=not needed)
        case Snap(zxid=zxid):
            turn.set(database=empty_database(settings.machine, settings.ring))
            sync = Sync(SNAP, True, write_to_log=False, awaiting_stream=True, last_queued=zxid)
        case Trunc(zxid=zxid):
            log = tuple(txn for txn in state.log if txn.zxid <= zxid)
            snapshots = tuple(snapshot for snapshot in state.snapshots if rules.survives_truncation(snapshot, zxid))
            turn.emit(TruncateTxnLog(zxid, tuple(item.zxid for item in state.snapshots if item not in snapshots)))
            database = load(settings.machine, settings.ring, snapshots, log)
            turn.set(log=log, snapshots=snapshots, database=evolve(database, last_processed=zxid))
            sync = Sync(TRUNC, True, write_to_log=False)
        case _:
            assert_never(packet)
    turn.set_role(phase=SYNCHRONIZATION, sync=sync)


def _on_proposal(turn: Turn, sync: Sync, packet: Proposal) -> None:
    """L2: queue it. A gap breaks the connection (3.9.4)."""
    zxid = packet.txn.zxid
    last = sync.last_queued
    if (
        turn.config.rules.order.continuous
        and last is not None
        and zxid != last + 1
        and epoch_of(zxid) <= epoch_of(last)
    ):
        turn.report("gap", f"follower {turn.me} is synchronised with a gap before {packet}")
        leave_role(turn)
        return
    _set_sync(turn, evolve(sync, not_logged=(*sync.not_logged, packet.txn), last_queued=zxid))


def _on_commit(turn: Turn, sync: Sync, zxid: int) -> None:
    """L3: into memory while a snapshot is to come, else noted for later."""
    if not sync.not_logged:
        # ZOOKEEPER-4394: a NullPointerException, which ends the connection.
        turn.report("null commit", f"follower {turn.me} has no proposal for the commit {zxid:#x}")
        leave_role(turn)
        return
    if sync.write_to_log:
        _set_sync(turn, evolve(sync, committed=(*sync.committed, zxid)))
        return
    first = sync.not_logged[0]
    if first.zxid == zxid:
        apply_txn(turn, first, syncing=True, feeds_ring=turn.config.rules.order.feeds_ring)
        _set_sync(turn, evolve(sync, not_logged=sync.not_logged[1:]))


def _on_new_leader(turn: Turn, zxid: int) -> None:
    """NEWLEADER: adopt the leader's history and epoch, in the order of the release. L4."""
    for step in turn.config.rules.order.steps:
        sync = turn.following.sync
        assert sync is not None
        match step:
            case Do.SNAPSHOT:
                if sync.snapshot_needed:
                    turn.take_snapshot(turn.state.database.last_processed)
                _set_sync(turn, evolve(sync, write_to_log=True))
            case Do.EPOCH:
                if turn.config.rules.current_epoch_at_new_leader():
                    turn.set_current_epoch(epoch_of(zxid))
            case Do.QUEUE_ALL:
                _set_sync(turn, evolve(sync, not_logged=()))
                for txn in sync.not_logged:
                    log_request(turn, txn)
            case Do.LOG_ALL:
                _log_all(turn, sync)
            case Do.LOG_COMMITTED:
                _log_committed(turn, sync)
            case Do.ACK:
                _set_sync(turn, evolve(sync, mode="NONE", ack_due=zxid))
    if Do.QUEUE_ALL in turn.config.rules.order.steps:
        turn.set_timer(ACK_NEW_LEADER, 0, turn.settings.sync_spread)
    else:
        acknowledge_new_leader(turn)


def acknowledge_new_leader(turn: Turn) -> None:
    """The ACK of NEWLEADER. In V2 the sync thread runs already, and can be faster (ZOOKEEPER-4685)."""
    role = turn.following
    sync = role.sync
    assert sync is not None
    assert sync.ack_due is not None
    turn.cancel_timer(ACK_NEW_LEADER)
    turn.send(Ack(turn.me, role.leader, role.link, sync.ack_due))
    _set_sync(turn, evolve(sync, ack_due=None))
    turn.set_timer(READ, turn.settings.sync_limit * turn.settings.tick)


def _log_all(turn: Turn, sync: Sync) -> None:
    """V3: everything the leader sent is logged before the epoch is."""
    if not sync.not_logged:
        return
    append(turn, sync.not_logged)
    turn.emit(FlushTxnLog())
    role = turn.following
    turn.set_role(
        pending_txns=(*role.pending_txns, *sync.not_logged),
        last_queued=sync.not_logged[-1].zxid,
        sync=evolve(sync, not_logged=(), to_ack=tuple(txn.zxid for txn in sync.not_logged)),
    )


def _log_committed(turn: Turn, sync: Sync) -> None:
    """V4, V5: what the leader has committed is logged and applied before the epoch is; the rest stays in memory."""
    if not sync.committed:
        return
    waiting = list(sync.not_logged)
    for zxid in sync.committed:
        if waiting and waiting[0].zxid == zxid:
            txn = waiting.pop(0)
            append(turn, (txn,))
            apply_txn(turn, txn, syncing=True, feeds_ring=turn.config.rules.order.feeds_ring)
    turn.emit(FlushTxnLog())
    _set_sync(turn, evolve(sync, not_logged=tuple(waiting), committed=()))


def _on_up_to_date(turn: Turn, zxid: int) -> None:
    """UPTODATE: serve. What came since NEWLEADER goes the way of the broadcast. L5, L6."""
    role = turn.following
    sync = role.sync
    assert sync is not None
    epoch = epoch_of(zxid)
    if not turn.config.rules.current_epoch_at_new_leader():
        turn.set_current_epoch(epoch)
    turn.send(Ack(turn.me, role.leader, role.link, zxid))
    turn.set(vote=evolve(turn.state.vote, peer_epoch=epoch))
    turn.set_role(phase=BROADCAST, sync=None)
    start_service(turn, leads=False)
    for logged in sync.to_ack:
        turn.send(Ack(turn.me, role.leader, role.link, logged))
    for txn in sync.not_logged:
        log_request(turn, txn)
    for committed in sync.committed:
        commit(turn, committed)
