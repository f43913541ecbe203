"""The threads of the request pipeline that lag behind the protocol: SyncRequestProcessor and CommitProcessor.

Each has a queue, and works it off in a step of its own: a timer that is due soon after something was queued. So a crash can
come between queueing and flushing, and an ACK later than what was sent meanwhile.
"""

from attrs import evolve

from impl.operations import Operation
from impl.zookeeper.apply import apply_in_parts
from impl.zookeeper.effects import AppendTxn, Applied, FlushTxnLog
from impl.zookeeper.final import after_apply, after_sync, readable_tree
from impl.zookeeper.machine import Request, Transaction
from impl.zookeeper.messages import ClientResponse
from impl.zookeeper.requests import Sync
from impl.zookeeper.service import Service
from impl.zookeeper.snapshots import SnapshotInProgress, restore
from impl.zookeeper.state import Leading
from impl.zookeeper.transactions import MultiTxn, Txn
from impl.zookeeper.tree import DataTree
from impl.zookeeper.turn import Turn

SYNC, COMMIT, SNAPSHOT = "sync", "commit", "snapshot"

_HALF_VISITS = 3
"""How far the snapshot thread comes in a step; odd, so that it stops between the halves of a visit too."""


def append(turn: Turn, txns: tuple[Transaction, ...]) -> None:
    """Append to the log without flushing it."""
    for txn in txns:
        turn.emit(AppendTxn(txn))
    turn.set(log=(*turn.state.log, *txns))


def enqueue_sync(turn: Turn, txn: Transaction) -> None:
    """Give a transaction to the sync thread."""
    if not turn.state.sync_queue:
        turn.set_timer(SYNC, 0, turn.settings.sync_spread)
    turn.set(sync_queue=(*turn.state.sync_queue, txn))


def drain_sync_queue(turn: Turn) -> tuple[Transaction, ...]:
    """The sync thread appends what is queued, and flushes; returns what it logged."""
    queue = turn.state.sync_queue
    if queue:
        turn.set(sync_queue=())
        append(turn, queue)
        turn.emit(FlushTxnLog())
        _maybe_snapshot(turn, len(queue))
    return queue


def _maybe_snapshot(turn: Turn, logged: int) -> None:
    """After enough transactions another thread begins a snapshot; the tree moves on while it writes (fuzzy)."""
    since = turn.state.since_snapshot + logged
    if since >= turn.settings.snap_count and turn.state.snapping is None:
        turn.set(snapping=turn.state.database.last_processed)
        turn.set_timer(SNAPSHOT, 0, turn.settings.sync_spread)
        since = 0
    turn.set(since_snapshot=since)


def on_snapshot(turn: Turn) -> None:
    """The snapshot thread writes: the label of when it began, znode by znode as they are when it comes to them.

    A tree that is not the service's is written at once, as it is now.
    """
    label, tree = turn.state.snapping, turn.state.database.tree
    if label is None:
        return
    if not isinstance(tree, DataTree):
        turn.set(snapping=None)
        turn.take_snapshot(label)
        return
    walk = turn.state.walk or evolve(SnapshotInProgress.begin(tree), zxid=label)
    for _ in range(_HALF_VISITS):
        if not walk.done:
            walk = walk.visit(tree)
    if walk.done:
        turn.set(snapping=None, walk=None)
        turn.write_snapshot(label, restore(walk.end()))
    else:
        turn.set(walk=walk)
        turn.set_timer(SNAPSHOT, 0, turn.settings.sync_spread // 4)


def _snapshot_within(turn: Turn, txn: Txn) -> None:
    """A snapshot that is about to begin does so between the parts of a multi, and is faster than the rest of them."""
    state, machine = turn.state, turn.settings.machine
    if state.snapping is None or state.walk is not None or not isinstance(txn.body, MultiTxn):
        return
    assert isinstance(machine, Service)
    assert isinstance(state.database.tree, DataTree)
    between = apply_in_parts(state.database.tree, txn, machine.rules)[0][0]
    label = txn.zxid if between.last_zxid == txn.zxid else state.database.last_processed
    turn.set(snapping=None)
    turn.cancel_timer(SNAPSHOT)
    turn.write_snapshot(label, between)


def enqueue_commit(turn: Turn, item: Transaction | Request) -> None:
    """Give a committed transaction, or a sync whose turn has come, to CommitProcessor."""
    if not turn.state.commit_queue:
        turn.set_timer(COMMIT, 0, turn.settings.sync_spread)
    turn.set(commit_queue=(*turn.state.commit_queue, item))


def on_commit(turn: Turn) -> None:
    """CommitProcessor hands over what it has, in order, to FinalRequestProcessor. B7."""
    queue = turn.state.commit_queue
    turn.set(commit_queue=())
    for item in queue:
        if isinstance(item, Request):
            _answer_sync(turn, item)
        else:
            apply_txn(turn, item)


def _answer_sync(turn: Turn, request: Request) -> None:
    if isinstance(request.operation, Sync):
        after_sync(turn, request)
    else:
        answer_read(turn, request)


def apply_txn(turn: Turn, txn: Transaction, *, feeds_ring: bool = True, syncing: bool = False) -> None:
    """FinalRequestProcessor: change the tree, remember the transaction, answer the client if it is ours."""
    if isinstance(txn, Txn) and not syncing:
        _snapshot_within(turn, txn)
    database, outcome = turn.state.database.apply(txn, remember=feeds_ring, syncing=syncing)
    turn.set(database=database)
    turn.emit(Applied(txn))
    role = turn.state.role
    if isinstance(role, Leading):
        turn.set(
            role=evolve(role, to_be_applied=tuple(other for other in role.to_be_applied if other.zxid != txn.zxid))
        )
    if isinstance(txn, Txn):
        after_apply(turn, txn, outcome)
    kind = "ok" if outcome.error is None else "fail"
    _answer(turn, *turn.settings.machine.origin(txn), kind, outcome.error, {**outcome.answer, "zxid": txn.zxid})


def answer_read(turn: Turn, request: Request) -> None:
    """Answer a read from the tree of this server."""
    assert isinstance(request.operation, Operation), "a session's reads are answered in its order"
    database = turn.state.database
    outcome = turn.settings.machine.read(readable_tree(turn), request.operation)
    answer = {**outcome.answer, "zxid": database.last_processed}
    _answer(turn, request.session, request.cxid, "ok", outcome.error, answer)


def _answer(turn: Turn, session: int, cxid: int, outcome: str, error: str | None, answer: object) -> None:
    unanswered = turn.state.unanswered
    rest = tuple(request for request in unanswered if (request.session, request.cxid) != (session, cxid))
    if len(rest) < len(unanswered):
        turn.set(unanswered=rest)
        turn.send(ClientResponse(turn.me, session, cxid, outcome, error, answer))
