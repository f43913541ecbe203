"""A state machine that remembers: the ensemble's own, with every transaction that made a tree what it is kept in the tree.

The quorum does not look into trees, so an ensemble behaves the same with a journal and without; its databases can be compared as
histories, which is what Zab's promises are about.
"""

from typing import Any

from attrs import frozen

from impl.operations import Operation
from impl.zookeeper.database import Snapshot, load
from impl.zookeeper.machine import Machine, Outcome, Request, Transaction
from impl.zookeeper.service import Service

History = tuple[Transaction, ...]


@frozen
class JournalTree:
    """A tree, and the transactions in it in the order in which they were applied first."""

    tree: Any
    journal: History = ()


@frozen
class Journal:
    """See `impl.zookeeper.machine.Machine`: `machine`, over trees with a journal."""

    machine: Machine = Service()

    def empty(self) -> JournalTree:
        """The tree of a new ensemble: nothing has happened."""
        return JournalTree(self.machine.empty())

    def prepare(self, tree: JournalTree, request: Request, zxid: int) -> Transaction:
        """The transaction of a request."""
        return self.machine.prepare(tree.tree, request, zxid)

    def origin(self, txn: Any) -> tuple[int, int]:
        """The session, and the number of its request."""
        return self.machine.origin(txn)

    def apply(self, tree: JournalTree, txn: Any, **options: bool) -> tuple[JournalTree, Outcome]:
        """The tree after a transaction; one that was applied already has its place in the journal."""
        after, outcome = self.machine.apply(tree.tree, txn, **options)
        journal = tree.journal
        is_new = not journal or txn.zxid > journal[-1].zxid or txn not in journal
        return JournalTree(after, (*journal, txn) if is_new else journal), outcome

    def read(self, tree: JournalTree, operation: Operation) -> Outcome:
        """The answer of a tree to a read."""
        return self.machine.read(tree.tree, operation)

    def plain(self, tree: JournalTree) -> Any:
        """The transactions, and the tree as its own machine says it."""
        return {"journal": [str(txn) for txn in tree.journal], "tree": self.machine.plain(tree.tree)}


def recovered(machine: Journal, snapshots: tuple[Snapshot, ...], log: History) -> History:
    """The history that a server finds when it starts from these snapshots and this log."""
    tree = load(machine, len(log), snapshots, log).tree
    assert isinstance(tree, JournalTree)
    return tree.journal
