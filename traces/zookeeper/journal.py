"""The spec's database is a sequence of transactions, the implementation's is a tree: with a journal in it, a tree tells its sequence."""

from collections.abc import Iterable
from typing import Any

from attrs import evolve

from impl.world.config import WorldConfig
from impl.zookeeper.database import Snapshot
from traces.ensemble.journal import Journal, JournalTree

History = tuple[Any, ...]
"""Transactions in the order in which they were applied."""


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
