"""The decisions that ZooKeeper's releases got wrong, each by name; a historical bug replaces some of them (`bugs.py`).

The defaults are what 3.9.4 does, except where that is a known defect without a released fix: `remove_newer_snapshots` and
`interrupted_modes`.
"""

from collections.abc import Callable

from attrs import frozen

from impl.zookeeper.orders import ORDERS, Order


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


def remove_newer_snapshots() -> bool:
    """Whether TRUNC does away with snapshots that are newer than where it cuts.

    No release does (ZOOKEEPER-4837, open): the truncated transactions can come back with such a snapshot.
    """
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
    remove_newer_snapshots: Callable[[], bool] = remove_newer_snapshots
