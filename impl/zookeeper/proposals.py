"""The leader's broadcast: requests become proposals, acknowledgements become commits. Leader.propose, processAck."""

from attrs import evolve

from impl.zookeeper.effects import Committed
from impl.zookeeper.machine import Request
from impl.zookeeper.messages import Commit, Proposal, SyncReply
from impl.zookeeper.pipeline import drain_sync_queue, enqueue_commit, enqueue_sync
from impl.zookeeper.preparing import is_for_service, prepare_for_service
from impl.zookeeper.state import Proposed
from impl.zookeeper.transactions import counter_of, epoch_of
from impl.zookeeper.turn import Turn


def submit(turn: Turn, request: Request) -> bool:
    """PrepRequestProcessor and ProposalRequestProcessor: B1, B2. False: the counter is used up, and nothing happened.

    The leader must then shut down, so that a new epoch begins (ZOOKEEPER-1277).
    """
    role = turn.leading
    if counter_of(role.last_proposed) >= turn.settings.max_counter:
        return False
    zxid = role.last_proposed + 1
    machine = turn.settings.machine
    prepared = role.prepared
    if is_for_service(turn, request):
        txn = prepare_for_service(turn, request, zxid)
    else:
        txn = machine.prepare(prepared, request, zxid)
        prepared, _ = machine.apply(prepared, txn)
    turn.set_role(outstanding=(*role.outstanding, Proposed(txn)), last_proposed=zxid, prepared=prepared)
    enqueue_sync(turn, txn)
    for handler in role.handlers:
        if handler.forwarding:
            turn.send(Proposal(turn.me, handler.sid, handler.link, txn))
    return True


def on_leader_sync(turn: Turn) -> None:
    """The leader's own sync thread has logged: AckRequestProcessor. B3."""
    for txn in drain_sync_queue(turn):
        process_ack(turn, turn.me, txn.zxid)


def process_ack(turn: Turn, sid: int, zxid: int) -> None:
    """A server has logged a proposal. B5."""
    role = turn.leading
    if counter_of(zxid) == 0 or role.last_committed >= zxid:
        return
    found = [proposed for proposed in role.outstanding if proposed.txn.zxid == zxid]
    if not found:
        return
    acks = found[0].acks if sid in found[0].acks else (*found[0].acks, sid)
    proposed = evolve(found[0], acks=acks)
    turn.set_role(
        outstanding=tuple(proposed if other.txn.zxid == zxid else other for other in turn.leading.outstanding)
    )
    _try_to_commit(turn, proposed)


def _try_to_commit(turn: Turn, proposed: Proposed) -> None:
    role, txn = turn.leading, proposed.txn
    if any(other.txn.zxid == txn.zxid - 1 for other in role.outstanding):
        return  # strictly in order; the acknowledgements come in order too
    if not turn.config.is_quorum(proposed.acks):
        return
    turn.set_role(
        outstanding=tuple(other for other in role.outstanding if other.txn.zxid != txn.zxid),
        to_be_applied=(*role.to_be_applied, txn),
        last_committed=txn.zxid,
        pending_syncs=tuple(item for item in role.pending_syncs if item[0] != txn.zxid),
    )
    turn.emit(Committed(epoch_of(txn.zxid), txn))
    for handler in role.handlers:
        if handler.forwarding:
            turn.send(Commit(turn.me, handler.sid, handler.link, txn.zxid))
    enqueue_commit(turn, txn)
    for zxid, sid, request in role.pending_syncs:
        if zxid == txn.zxid:
            _answer_sync(turn, sid, request)


def process_sync(turn: Turn, sid: int, request: Request) -> None:
    """A sync: answered when what is outstanding now is committed; at once when nothing is. Leader.processSync.

    It asks no quorum, so that a leader that is deposed without knowing it answers too.
    """
    role = turn.leading
    if role.outstanding:
        turn.set_role(pending_syncs=(*role.pending_syncs, (role.last_proposed, sid, request)))
    else:
        _answer_sync(turn, sid, request)


def _answer_sync(turn: Turn, sid: int, request: Request) -> None:
    if sid == turn.me:
        enqueue_commit(turn, request)
        return
    for handler in turn.leading.handlers:
        if handler.sid == sid and handler.forwarding:
            turn.send(SyncReply(turn.me, sid, handler.link, request))
