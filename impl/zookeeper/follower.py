"""A follower in the broadcast: proposals are logged and acknowledged, commits applied. Follower.processPacket."""

from attrs import evolve

from impl.zookeeper.client_port import on_revalidated
from impl.zookeeper.machine import Transaction
from impl.zookeeper.messages import Ack, Commit, Ping, Proposal, QuorumPacket, Revalidated, SyncReply
from impl.zookeeper.peer import READ
from impl.zookeeper.pipeline import drain_sync_queue, enqueue_commit, enqueue_sync
from impl.zookeeper.turn import Turn


def on_broadcast_packet(turn: Turn, packet: QuorumPacket) -> None:
    """A packet from the leader after UPTODATE. B4, B6, B8; what does not belong here is ignored, as in ZooKeeper."""
    role = turn.following
    turn.set_timer(READ, turn.settings.sync_limit * turn.settings.tick)
    match packet:
        case Proposal(txn=txn):
            log_request(turn, txn)
        case Commit(zxid=zxid):
            commit(turn, zxid)
        case Ping():
            service = turn.state.service
            turn.send(Ping(turn.me, role.leader, role.link, role.last_queued, tuple(service.touched)))
            turn.set(service=evolve(service, touched={}))
        case SyncReply(request=request):
            if request in role.syncs:
                turn.set_role(syncs=tuple(other for other in role.syncs if other != request))
                enqueue_commit(turn, request)
        case Revalidated(session=session, valid=valid):
            on_revalidated(turn, session, valid=valid)
        case _:
            turn.report("unexpected packet", f"follower {turn.me} in BROADCAST got {packet}")


def log_request(turn: Turn, txn: Transaction) -> None:
    """Note a proposal as pending, and give it to the sync thread. FollowerZooKeeperServer.logRequest."""
    turn.set_role(last_queued=txn.zxid, pending_txns=(*turn.following.pending_txns, txn))
    enqueue_sync(turn, txn)


def commit(turn: Turn, zxid: int) -> None:
    """Commit the first pending proposal. Raises FatalError when it is another. FollowerZooKeeperServer.commit."""
    pending = turn.following.pending_txns
    if not pending:
        turn.report("commit without proposal", f"follower {turn.me} commits {zxid:#x} without seeing the proposal")
        return
    if pending[0].zxid != zxid:
        raise turn.die(f"unmatched transaction commit: {zxid:#x} is to be committed, {pending[0].zxid:#x} is pending")
    turn.set_role(pending_txns=pending[1:])
    enqueue_commit(turn, pending[0])


def on_follower_sync(turn: Turn) -> None:
    """The sync thread has logged: SendAckRequestProcessor."""
    role = turn.following
    for txn in drain_sync_queue(turn):
        turn.send(Ack(turn.me, role.leader, role.link, txn.zxid))
