"""A state machine that remembers: with it, a server's tree tells which transactions made it, and in which order.

The spec's database is a sequence of transactions; the implementation's is a tree. A world that is to be held against the spec runs with
its machine inside a `Journal` (`journalled`); nothing else about it changes.
"""

from collections.abc import Iterable
from typing import Any

from attrs import evolve, frozen

from impl.operations import Operation
from impl.world.config import WorldConfig
from impl.zookeeper.database import Snapshot
from impl.zookeeper.machine import Machine, Outcome, Request, Transaction

History = tuple[Any, ...]
"""Transactions in the order in which they were applied."""


@frozen
class JournalTree:
    """The tree of the machine inside, and every transaction that made it what it is."""

    tree: Any
    journal: History = ()


@frozen
class Journal:
    """A machine around another. A transaction that is applied again, as replaying a log does, is remembered once."""

    inside: Machine

    def empty(self) -> JournalTree:
        """Nothing was applied."""
        return JournalTree(self.inside.empty())

    def prepare(self, tree: JournalTree, request: Request, zxid: int) -> Transaction:
        """As the machine inside."""
        return self.inside.prepare(tree.tree, request, zxid)

    def origin(self, txn: Any) -> tuple[int, int]:
        """As the machine inside."""
        return self.inside.origin(txn)

    def apply(self, tree: JournalTree, txn: Any, *, syncing: bool = False) -> tuple[JournalTree, Outcome]:
        """As the machine inside, and remember the transaction."""
        after, outcome = self.inside.apply(tree.tree, txn, syncing=syncing)
        return JournalTree(after, extended(tree.journal, (txn,))), outcome

    def read(self, tree: JournalTree, operation: Operation) -> Outcome:
        """As the machine inside."""
        return self.inside.read(tree.tree, operation)

    def plain(self, tree: JournalTree) -> Any:
        """As the machine inside."""
        return self.inside.plain(tree.tree)


def journalled(config: WorldConfig) -> WorldConfig:
    """The same world with a machine that remembers."""
    machine = config.ensemble.machine
    if isinstance(machine, Journal):
        return config
    return evolve(config, ensemble=evolve(config.ensemble, machine=Journal(machine)))


def extended(journal: History, txns: Iterable[Any]) -> History:
    """A journal after more transactions, without those that it has already."""
    for txn in txns:
        if not journal or txn.zxid > journal[-1].zxid or txn not in journal:
            journal = (*journal, txn)
    return journal


def on_disk(snapshots: tuple[Snapshot, ...], log: History) -> History:
    """The transactions that a server has once it has started from these files: the newest snapshot, and the log after its label."""
    if not snapshots:
        return log
    newest = max(snapshots, key=lambda snapshot: snapshot.zxid)
    assert isinstance(newest.tree, JournalTree)
    return extended(newest.tree.journal, (txn for txn in log if txn.zxid > newest.zxid))
