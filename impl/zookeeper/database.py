"""The database of a server: the tree, the last zxid in it, and the ring of recently committed transactions. ZKDatabase.

It is a value. Loading it from disk, replaying the log's tail into it and cutting the log are functions of the disk.
"""

from attrs import evolve, frozen

from impl.zookeeper.machine import Machine, Outcome, Transaction


@frozen
class Snapshot:
    """A snapshot file: the label is lastProcessedZxid when its writing began; the tree can be ahead of it (fuzzy).

    `content` is the last transaction in the tree. It can be lower than the label too: that of a leader, or of who got SNAP
    from one, is the (e,0) of the epoch. (No release writes it down; only a rule that no release has looks at it.)
    """

    zxid: int
    tree: object
    content: int


@frozen
class Database:
    """`committed` is committedLog: the last transactions applied, oldest first, at most `limit` of them.

    `last_processed` is lastProcessedZxid, which can be the (e,0) of an epoch; `content` is the last transaction in the tree.
    """

    machine: Machine
    limit: int
    tree: object
    last_processed: int = 0
    content: int = 0
    committed: tuple[Transaction, ...] = ()

    @property
    def bounds(self) -> tuple[int, int]:
        """minCommittedLog and maxCommittedLog; both lastProcessedZxid when the ring is empty."""
        if not self.committed:
            return self.last_processed, self.last_processed
        return self.committed[0].zxid, self.committed[-1].zxid

    def apply(self, txn: Transaction, *, remember: bool = True, syncing: bool = False) -> tuple["Database", Outcome]:
        """Apply a transaction; with `remember` it enters committedLog too. DataTree.processTxn, addCommittedProposal.

        `syncing`: while this server is synchronised with its leader.
        """
        tree, outcome = self.machine.apply(self.tree, txn, syncing=syncing)
        committed = (*self.committed, txn)[-self.limit :] if remember else self.committed
        return evolve(
            self, tree=tree, last_processed=txn.zxid, content=max(self.content, txn.zxid), committed=committed
        ), outcome

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


def load(machine: Machine, limit: int, snapshots: tuple[Snapshot, ...], log: tuple[Transaction, ...]) -> Database:
    """The newest snapshot and the log after it. ZKDatabase.loadDataBase."""
    database = empty_database(machine, limit)
    if snapshots:
        newest = max(snapshots, key=lambda snapshot: snapshot.zxid)
        database = evolve(database, tree=newest.tree, last_processed=newest.zxid, content=newest.content)
    return database.replay(log)
