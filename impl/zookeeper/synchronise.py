"""How a leader brings a learner to its own history: DIFF, TRUNC or SNAP. LearnerHandler.syncFollower, a pure function."""

from collections.abc import Iterable

from attrs import frozen

from impl.zookeeper.database import Database
from impl.zookeeper.machine import Transaction
from impl.zookeeper.transactions import counter_of, epoch_of

DIFF, TRUNC, SNAP = "DIFF", "TRUNC", "SNAP"


@frozen
class SyncPlan:
    """`mode` and its zxid, then the committed transactions to send; `current` is what the learner has after them."""

    mode: str
    zxid: int
    txns: tuple[Transaction, ...]
    current: int


def plan_sync(
    database: Database,
    log: tuple[Transaction, ...],
    peer: int,
    *,
    log_sync: bool,
    unapplied: tuple[Transaction, ...] = (),
) -> SyncPlan:
    """What to send to a learner whose last zxid is `peer`. The cases are tried in this order.

    `unapplied` are transactions that are committed and not in the database yet, and that shall count as history.

    S1 it has just what we have; S2 it is ahead; S3 committedLog covers it; S4 the log on disk does; S5 a snapshot.
    """
    low, high = database.bounds
    if unapplied:
        high = unapplied[-1].zxid
    new_epoch = counter_of(peer) == 0
    if peer == database.last_processed:
        return SyncPlan(DIFF, peer, (), peer)
    if peer > high and not new_epoch:
        return SyncPlan(TRUNC, high, (), high)
    plan: SyncPlan | None = None
    if low <= peer <= high:
        plan = _from_history((*database.committed, *unapplied), peer, high)
    elif peer < low and log_sync:
        plan = _from_log(database, log, peer, unapplied)
    return plan or SyncPlan(SNAP, database.last_processed, (), peer)


def _from_log(
    database: Database, log: tuple[Transaction, ...], peer: int, unapplied: tuple[Transaction, ...]
) -> SyncPlan | None:
    """S4: the log from `peer` up to where committedLog begins, then that.

    None when the log does not reach so far, forward (ZOOKEEPER-2418: a gap) or back.
    """
    low, high = database.bounds
    older = tuple(txn for txn in log if txn.zxid <= low)
    if not older or older[0].zxid > peer or older[-1].zxid != low:
        return None
    newer = (txn for txn in (*database.committed, *unapplied) if txn.zxid > low)
    return _from_history((*older, *newer), peer, unapplied[-1].zxid if unapplied else high)


def _from_history(history: Iterable[Transaction], peer: int, high: int) -> SyncPlan | None:
    """S3: the committed transactions after `peer`. None when it cannot be decided: not in the history, and the next
    transaction is of another epoch. LearnerHandler.queueCommittedProposals.
    """
    new_epoch = counter_of(peer) == 0
    head: tuple[str, int] | None = None
    previous = 0
    current = peer
    txns: list[Transaction] = []
    for txn in history:
        zxid = txn.zxid
        if zxid < peer:
            previous = zxid
            continue
        if head is None:
            if zxid == peer:
                head = DIFF, high
                continue
            if new_epoch:
                head = DIFF, high
            elif epoch_of(zxid) != epoch_of(peer):
                return None
            else:
                head, current = (TRUNC, previous), previous
        txns.append(txn)
        current = zxid
    if head is None:
        return SyncPlan(DIFF, high, (), peer) if new_epoch else None
    return SyncPlan(*head, tuple(txns), current)
