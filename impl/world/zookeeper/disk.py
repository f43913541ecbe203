"""The disk of a server: number files, the transaction log, snapshots."""

from attrs import evolve, frozen

from impl.zookeeper.database import Snapshot
from impl.zookeeper.effects import AppendTxn, FlushTxnLog, RenameFile, TruncateTxnLog, WriteFile, WriteSnapshot
from impl.zookeeper.machine import Transaction
from impl.zookeeper.recovery import Durable


@frozen
class Disk:
    """`files` by name, in the order of their names; `flushed`: how many transactions of the log a crash cannot take.

    A crash keeps any prefix of the log of at least `flushed` transactions. Number files and snapshots are durable when they
    are written. What a process finds when it starts counts as flushed from then on (deviation, as on KRaft's disk).
    """

    files: tuple[tuple[str, int], ...] = ()
    log: tuple[Transaction, ...] = ()
    flushed: int = 0
    snapshots: tuple[Snapshot, ...] = ()

    def carry_out(self, effect: object) -> "Disk":
        """The disk after one effect; effects that are not for the disk leave it alone."""
        match effect:
            case WriteFile(name, value):
                return self._with_file(f"{name}.tmp", value)
            case RenameFile(name):
                files = dict(self.files)
                return evolve(self, files=_sorted({**files, name: files.pop(f"{name}.tmp")}, without=f"{name}.tmp"))
            case AppendTxn(txn):
                return evolve(self, log=(*self.log, txn))
            case FlushTxnLog():
                return evolve(self, flushed=len(self.log))
            case TruncateTxnLog(zxid, removed):
                log = tuple(txn for txn in self.log if txn.zxid <= zxid)
                snapshots = tuple(item for item in self.snapshots if item.zxid not in removed)
                return evolve(self, log=log, flushed=len(log), snapshots=snapshots)
            case WriteSnapshot(snapshot):
                others = tuple(item for item in self.snapshots if item.zxid != snapshot.zxid)
                return evolve(self, snapshots=(*others, snapshot))
            case _:
                return self

    def crash(self, kept: int) -> "Disk":
        """The disk after a power loss which kept the first `kept` transactions."""
        return evolve(self, log=self.log[:kept], flushed=kept)

    def kept_range(self) -> tuple[int, int]:
        """Any prefix of at least the flushed transactions can survive."""
        return self.flushed, len(self.log)

    def durable(self, incarnation: int) -> Durable:
        """What the next process finds."""
        return Durable(self.files, self.log, self.snapshots, incarnation)

    def file(self, name: str) -> int | None:
        """The number in a file; None when there is none."""
        return dict(self.files).get(name)

    def _with_file(self, name: str, value: int) -> "Disk":
        return evolve(self, files=_sorted({**dict(self.files), name: value}))


def _sorted(files: dict[str, int], without: str | None = None) -> tuple[tuple[str, int], ...]:
    return tuple(sorted((name, value) for name, value in files.items() if name != without))
