"""Snapshots that are taken while transactions are applied: fuzzy, and made whole by replaying the log from their label on.

Source: DataTree.serialize (serializeNode walks down, locking one znode at a time), SnapShot, ZKDatabase.loadDataBase.
"""

from collections.abc import Iterable, Mapping

from attrs import evolve, field, frozen

from impl.zookeeper.apply import apply
from impl.zookeeper.paths import ROOT, child_of, components, name_of, parent_of
from impl.zookeeper.service_rules import CORRECT, ServiceRules
from impl.zookeeper.stat import OwnerKind, owner_kind
from impl.zookeeper.transactions import Txn
from impl.zookeeper.tree import DataTree, Node, digest_of


@frozen
class Snapshot:
    """What is on disk: the label (lastProcessedZxid when it began), the sessions, and znodes by path without their children.

    `digest` is that of the tree when the snapshot ended, with the zxid it belongs to; None in files from before 3.6.
    """

    zxid: int
    sessions: Mapping[int, int]
    nodes: Mapping[str, Node]
    digest: tuple[int, int] | None = None


@frozen
class SnapshotInProgress:
    """A snapshot on the way: what is written, and the paths still to visit, next one last.

    A visit has two halves: first the znode is copied, then its children are listed (`listing` is the path in between).
    Deviation: since 3.5 one lock covers both; ZOOKEEPER-1046 is about what happens when it does not.
    """

    zxid: int
    sessions: Mapping[int, int]
    waiting: tuple[str, ...] = (ROOT,)
    listing: str | None = None
    written: Mapping[str, Node] = field(factory=dict)

    @classmethod
    def begin(cls, tree: DataTree) -> "SnapshotInProgress":
        """Take the label and the sessions now; the znodes follow one by one."""
        return cls(tree.last_zxid, tree.sessions)

    def visit(self, tree: DataTree) -> "SnapshotInProgress":
        """The next half of a visit, of `tree` as it is now, which may be newer than the label; what is gone is left out."""
        if self.listing is not None:
            node = tree.get(self.listing)
            names = () if node is None else sorted(node.children, reverse=True)
            below = (child_of(self.listing, name) for name in names)
            return evolve(self, waiting=(*self.waiting, *below), listing=None)
        *waiting, path = self.waiting
        node = tree.get(path)
        if node is None:
            return evolve(self, waiting=tuple(waiting))
        written = {**self.written, path: evolve(node, children={})}
        return evolve(self, waiting=tuple(waiting), listing=path, written=written)

    @property
    def done(self) -> bool:
        """Whether every znode was visited."""
        return not self.waiting and self.listing is None

    def end(self) -> Snapshot:
        """The finished snapshot; ValueError while znodes are missing."""
        if not self.done:
            raise ValueError(f"the snapshot of zxid {self.zxid:#x} has {len(self.waiting)} znodes still to visit")
        return Snapshot(self.zxid, self.sessions, self.written)


def snapshot_of(tree: DataTree) -> Snapshot:
    """A snapshot of a tree that does not change meanwhile."""
    nodes = {path: evolve(node, children={}) for path, node in tree.walk()}
    return Snapshot(tree.last_zxid, tree.sessions, nodes, (tree.last_zxid, tree.digest))


def restore(snapshot: Snapshot) -> DataTree:
    """The tree that a snapshot says. Raises ValueError for one without a root, or with a znode whose parent is missing."""
    if ROOT not in snapshot.nodes:
        raise ValueError("the snapshot has no root")
    by_parent: dict[str, list[str]] = {}
    for path in snapshot.nodes:
        if path == ROOT:
            continue
        parent = parent_of(path)
        if parent not in snapshot.nodes:
            raise ValueError(f"the snapshot has {path} but not its parent")
        by_parent.setdefault(parent, []).append(path)
    built: dict[str, Node] = {}
    for path in sorted(snapshot.nodes, key=lambda path: (-len(components(path)), path)):
        children = {name_of(child): built[child] for child in by_parent.get(path, ())}
        built[path] = evolve(snapshot.nodes[path], children=children)
    ephemerals: dict[int, list[str]] = {}
    for path in sorted(snapshot.nodes):
        owner = snapshot.nodes[path].stat.ephemeral_owner
        if owner_kind(owner) is OwnerKind.EPHEMERAL:
            ephemerals.setdefault(owner, []).append(path)
    tree = DataTree(
        built[ROOT],
        dict(snapshot.sessions),
        {owner: tuple(paths) for owner, paths in ephemerals.items()},
        snapshot.zxid,
    )
    return evolve(tree, digest=digest_of(tree))


def replay(tree: DataTree, log: Iterable[Txn], rules: ServiceRules = CORRECT) -> DataTree:
    """The tree after the transactions of a log that are newer than it. FileTxnSnapLog.fastForwardFromEdits."""
    for txn in log:
        if txn.zxid > tree.last_zxid:
            tree, _ = apply(tree, txn, rules)
    return tree
