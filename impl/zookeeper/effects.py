"""What a server asks of the world beyond `impl/effects.py`: its disk, and what observers are told.

Effects happen from left to right, and a process can die between any two: their order is what ZooKeeper promises about
durability (facts: currentEpoch after the history of the epoch, both before the ACK of NEWLEADER; ...).
"""

from typing import TypeAlias

from attrs import frozen

from impl.effects import CancelTimer, Close, Connect, Send, SetTimer
from impl.zookeeper.database import Snapshot
from impl.zookeeper.machine import Transaction
from impl.zookeeper.messages import Message

ACCEPTED_EPOCH, CURRENT_EPOCH = "acceptedEpoch", "currentEpoch"


@frozen
class WriteFile:
    """Write and fsync `name`.tmp with the number `value`. First half of AtomicFileOutputStream."""

    name: str
    value: int


@frozen
class RenameFile:
    """Rename `name`.tmp to `name`, atomically and durably. Second half of AtomicFileOutputStream."""

    name: str


@frozen
class AppendTxn:
    """Append a transaction to the log; not durable before the next `FlushTxnLog`. A crash keeps any prefix of them."""

    txn: Transaction


@frozen
class FlushTxnLog:
    """Make the log durable. Stands between the append and the ACK of what was appended."""


@frozen
class TruncateTxnLog:
    """Cut everything after `zxid` from the log, and remove the snapshots with the labels `removed`, durably."""

    zxid: int
    removed: tuple[int, ...]


@frozen
class WriteSnapshot:
    """Write a snapshot file, complete and durable or not at all (deviation: ZOOKEEPER-2872, half a file, is not modelled).

    One with the same label is replaced.
    """

    snapshot: Snapshot


@frozen
class Established:
    """For observers: the leader of `epoch` starts to serve; its tree is the initial history of the epoch."""

    epoch: int
    tree: object


@frozen
class Committed:
    """For observers: the leader of `epoch` has committed `txn`: a quorum has logged it."""

    epoch: int
    txn: Transaction


@frozen
class Applied:
    """For observers: `txn` was applied to the tree of this server."""

    txn: Transaction


@frozen
class Report:
    """For observers: something that the release logs as an error and that must not happen. `kind` names it."""

    kind: str
    text: str


DISK_EFFECTS = (WriteFile, RenameFile, AppendTxn, FlushTxnLog, TruncateTxnLog, WriteSnapshot)

NodeEffect: TypeAlias = (
    WriteFile
    | RenameFile
    | AppendTxn
    | FlushTxnLog
    | TruncateTxnLog
    | WriteSnapshot
    | Established
    | Committed
    | Applied
    | Report
    | Send[Message]
    | SetTimer
    | CancelTimer
    | Connect
    | Close
)
NodeEffects: TypeAlias = tuple[NodeEffect, ...]
