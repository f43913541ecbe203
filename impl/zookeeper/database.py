"""The database of a server: the tree, the last zxid in it, and the ring of recently committed transactions. ZKDatabase.

It is a value. Loading it from disk, replaying the log's tail into it and cutting the log are functions of the disk.
"""

from attrs import evolve, frozen

from impl.zookeeper.machine import Machine, Outcome, Transaction


@frozen
class Snapshot:
    """A snapshot file: the label is lastProcessedZxid when its writing began; the tree can be ahead of it (fuzzy)."""

    zxid: int
    tree: object


@frozen
class Database:
    """`committed` is committedLog: the last transactions applied, oldest first, at most `limit` of them."""

    machine: Machine
    limit: int
    tree: object
    last_processed: int = 0
    committed: tuple[Transaction, ...] = ()

    @property
    def bounds(self) -> tuple[int, int]:
        """minCommittedLog and maxCommittedLog; both lastProcessedZxid when the ring is empty."""
        if not self.committed:
            return self.last_processed, self.last_processed
        return self.committed[0].zxid, self.committed[-1].zxid

    def apply(self, txn: Transaction, *, remember: bool = True) -> tuple["Database", Outcome]:
        """Apply a transaction; with `remember` it enters committedLog too. DataTree.processTxn, addCommittedProposal."""
        tree, outcome = self.machine.apply(self.tree, txn)
        committed = (*self.committed, txn)[-self.limit :] if remember else self.committed
        return evolve(self, tree=tree, last_processed=txn.zxid, committed=committed), outcome

    def replay(self, log: tuple[Transaction, ...]) -> "Database":
        """Apply what the log has beyond lastProcessedZxid, committed or not. FileTxnSnapLog.fastForwardFromEdits."""
        database = self
        for txn in log:
            if txn.zxid > database.last_processed:
                database, _ = database.apply(txn)
        return database


def empty_database(machine: Machine, limit: int) -> Database:
    """A database with nothing in it."""
    return Database(machine, limit, machine.empty())


def load(
    machine: Machine,
    limit: int,
    snapshots: tuple[Snapshot, ...],
    log: tuple[Transaction, ...],
    up_to: int | None = None,
) -> Database:
    """The newest snapshot (with `up_to`: among those labelled so or lower) and the log after it. ZKDatabase.loadDataBase."""
    usable = [snapshot for snapshot in snapshots if up_to is None or snapshot.zxid <= up_to]
    database = empty_database(machine, limit)
    if usable:
        newest = max(usable, key=lambda snapshot: snapshot.zxid)
        database = evolve(database, tree=newest.tree, last_processed=newest.zxid)
    return database.replay(log)
