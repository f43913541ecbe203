"""The decisions that ZooKeeper's releases got wrong, each by name; a historical bug replaces some of them (`bugs.py`).

The defaults are what 3.9.4 does, except where that is a defect without a released fix: `survives_truncation`,
`interrupted_modes`, `respects_acknowledged`, `epoch_at_start`.
"""

from collections.abc import Callable

from attrs import frozen

from impl.zookeeper.database import Snapshot
from impl.zookeeper.orders import ORDERS, Order
from impl.zookeeper.transactions import epoch_of


def persist_accepted_epoch() -> bool:
    """Whether the promise of an epoch is made durable before it is proposed or answered. QuorumPeer.setAcceptedEpoch."""
    return True


def current_epoch_at_new_leader() -> bool:
    """Whether currentEpoch is set at NEWLEADER (else at UPTODATE)."""
    return True


def fast_forward_on_shutdown() -> bool:
    """Whether a database that outlives its role takes in the tail of the log. ZKDatabase.fastForwardDataBase."""
    return True


def forward_outstanding() -> bool:
    """Whether a learner that is synchronised is sent the proposals that are outstanding. Leader.startForwarding."""
    return True


def survives_truncation(snapshot: Snapshot, zxid: int) -> bool:
    """Whether a snapshot may stay when TRUNC cuts at `zxid`: not with a transaction that is to go.

    In the releases all stay, and the truncated transactions can come back with one (ZOOKEEPER-4837, open). To go by the
    label, as has been proposed, loses committed transactions: a learner that got SNAP from a leader of epoch e has its
    whole history under the label (e,0), which is above every earlier transaction.
    """
    return snapshot.content <= zxid


def respects_acknowledged() -> bool:
    """Whether a leader that synchronises a learner again respects what that learner has acknowledged before.

    In the releases it does not: a learner that reconnects to the same leader is cut to committedLog (TRUNC), also when it
    has logged and acknowledged more; its acknowledgements still count, and committed transactions that are not applied yet
    are cut too. Until it has logged them again a committed transaction can be on less than a quorum, and be lost.
    Corrected here: what is committed counts as history before it is applied, and acknowledgements of what is cut are
    withdrawn.
    """
    return True


def epoch_at_start(current: int, last_zxid: int, content: int, temporary: int | None) -> int | None:
    """With which currentEpoch a server starts whose last zxid is of a newer epoch than `current`; None: it refuses to start.

    `content` is the last transaction that it has, `temporary` what a left-over currentEpoch.tmp says. The releases adopt
    `temporary`, and refuse without one (`refuse_to_start`). Corrected here: a server that died on NEWLEADER between the history
    and the epoch has a history that was committed; it starts with the epoch of its last transaction, if that is newer.
    """
    return max(current, epoch_of(content))


def refuse_to_start(current: int, last_zxid: int, content: int, temporary: int | None) -> int | None:
    """The releases: QuorumPeer.loadDataBase (ZOOKEEPER-1653 for the .tmp, 2354 open)."""
    return temporary


def sync_goes_to_the_leader() -> bool:
    """Whether a follower asks the leader before it answers a sync. FollowerRequestProcessor."""
    return True


def reads_see_the_database() -> bool:
    """Whether a read is answered from the tree with everything applied so far (else from the newest snapshot)."""
    return True


@frozen
class Rules:
    """The rules of one server.

    `order` is the order of the learner's steps at NEWLEADER. A database whose synchronisation was interrupted in one of
    `interrupted_modes` is loaded anew from disk: SNAP since ZOOKEEPER-3642; TRUNC in no release (ZOOKEEPER-5094, open).
    """

    order: Order = ORDERS["V5"]
    interrupted_modes: tuple[str, ...] = ("SNAP", "TRUNC")
    persist_accepted_epoch: Callable[[], bool] = persist_accepted_epoch
    current_epoch_at_new_leader: Callable[[], bool] = current_epoch_at_new_leader
    fast_forward_on_shutdown: Callable[[], bool] = fast_forward_on_shutdown
    forward_outstanding: Callable[[], bool] = forward_outstanding
    respects_acknowledged: Callable[[], bool] = respects_acknowledged
    survives_truncation: Callable[[Snapshot, int], bool] = survives_truncation
    epoch_at_start: Callable[[int, int, int, int | None], int | None] = epoch_at_start
    sync_goes_to_the_leader: Callable[[], bool] = sync_goes_to_the_leader
    reads_see_the_database: Callable[[], bool] = reads_see_the_database
