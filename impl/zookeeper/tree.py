"""The data tree: znodes, sessions and ephemerals after some transactions. Immutable; a change shares all but one path.

Source: DataTree, DataNode, ZKDatabase. The session table is ZKDatabase's, kept here because the same transactions change it
and the same snapshot holds it. The digest is that of 3.6 and later (DigestCalculator, version 2), computed as real servers do:
it was checked against the logs of a real 3.8.0 ensemble.
"""

from collections.abc import Iterator, Mapping
from struct import Struct
from zlib import crc32

from attrs import evolve, field, frozen

from impl.zookeeper.acl import OPEN_ACL_UNSAFE, Acl
from impl.zookeeper.paths import ROOT, child_of, components
from impl.zookeeper.stat import ClientStat, OwnerKind, Stat, owner_kind

_MASK = (1 << 64) - 1
_DIGESTED_STAT = Struct(">qqqqqiiiq")
_NOT_DIGESTED = "/zookeeper/"


@frozen
class Node:
    """One znode and what is below it. `children` is never changed in place."""

    data: bytes | None = b""
    acl: tuple[Acl, ...] = OPEN_ACL_UNSAFE
    stat: Stat = Stat()
    children: Mapping[str, "Node"] = field(factory=dict)

    @property
    def client_stat(self) -> ClientStat:
        """The stat as clients see it. DataNode.copyStat."""
        stat = self.stat
        return ClientStat(
            czxid=stat.czxid,
            mzxid=stat.mzxid,
            ctime=stat.ctime,
            mtime=stat.mtime,
            version=stat.version,
            cversion=stat.cversion * 2 - len(self.children),
            aversion=stat.aversion,
            ephemeral_owner=stat.ephemeral_owner,
            data_length=len(self.data) if self.data is not None else 0,
            num_children=len(self.children),
            pzxid=stat.pzxid,
        )


def node_digest(path: str, node: Node) -> int:
    """What a znode adds to the digest of the tree: a CRC-32 of path, data and stat. DigestCalculator.calculateDigest.

    Nothing for what is below /zookeeper, which servers change without a transaction.
    """
    if path.startswith(_NOT_DIGESTED):
        return 0
    stat = node.stat
    packed = _DIGESTED_STAT.pack(
        stat.czxid,
        stat.mzxid,
        stat.pzxid,
        stat.ctime,
        stat.mtime,
        stat.version,
        stat.cversion,
        stat.aversion,
        stat.ephemeral_owner,
    )
    name = "" if path == ROOT else path
    return crc32(packed, crc32(node.data or b"", crc32(name.encode("utf-8"))))


@frozen
class DataTree:
    """A tree at a point of the order of transactions.

    root        the znode `/`
    sessions    id -> timeout in ms, of every global session
    ephemerals  session id -> paths, sorted; also of sessions that the table does not know
    last_zxid   lastProcessedZxid: the newest transaction applied, or (epoch, 0) of a new leader
    digest      the sum of the znodes' digests, modulo 2^64 (AdHash)
    """

    root: Node
    sessions: Mapping[int, int] = field(factory=dict)
    ephemerals: Mapping[int, tuple[str, ...]] = field(factory=dict)
    last_zxid: int = 0
    digest: int = 0

    def get(self, path: str) -> Node | None:
        """The znode at a path, None where there is none."""
        node: Node | None = self.root
        for name in components(path):
            if node is None:
                return None
            node = node.children.get(name)
        return node

    def walk(self) -> Iterator[tuple[str, Node]]:
        """Every znode with its path, parents first, siblings by name."""
        waiting = [(ROOT, self.root)]
        while waiting:
            path, node = waiting.pop()
            yield path, node
            waiting.extend((child_of(path, name), child) for name, child in sorted(node.children.items(), reverse=True))

    def update(self, path: str, node: Node) -> "DataTree":
        """Replace the znode at a path that exists."""
        old = self.get(path)
        assert old is not None, f"update of {path}, which does not exist"
        root = _replace(self.root, components(path), node)
        return evolve(self, root=root, digest=(self.digest - node_digest(path, old) + node_digest(path, node)) & _MASK)

    def add(self, path: str, node: Node) -> "DataTree":
        """Put a new znode at a path whose parent exists, and its owner in the index of ephemerals."""
        root = _replace(self.root, components(path), node)
        ephemerals = self.ephemerals
        owner = node.stat.ephemeral_owner
        if owner_kind(owner) is OwnerKind.EPHEMERAL:
            ephemerals = {**ephemerals, owner: tuple(sorted((*ephemerals.get(owner, ()), path)))}
        return evolve(self, root=root, ephemerals=ephemerals, digest=(self.digest + node_digest(path, node)) & _MASK)

    def remove(self, path: str) -> "DataTree":
        """Take away the znode at a path that exists, with all below it."""
        gone = self.get(path)
        assert gone is not None, f"removal of {path}, which does not exist"
        names = components(path)
        digest = self.digest
        ephemerals = self.ephemerals
        for at, node in DataTree(gone).walk():
            full = path if at == ROOT else path + at
            digest -= node_digest(full, node)
            owner = node.stat.ephemeral_owner
            if owner_kind(owner) is OwnerKind.EPHEMERAL:
                left = tuple(other for other in ephemerals.get(owner, ()) if other != full)
                ephemerals = {key: paths for key, paths in ephemerals.items() if key != owner}
                if left:
                    ephemerals = {**ephemerals, owner: left}
        return evolve(self, root=_without(self.root, names), ephemerals=ephemerals, digest=digest & _MASK)


def _replace(node: Node, names: tuple[str, ...], new: Node) -> Node:
    """The znode with `new` in the place that `names` lead to; at the end of the way, only the last may be missing."""
    if not names:
        return new
    name, *rest = names
    below = new if not rest else _replace(node.children[name], tuple(rest), new)
    return evolve(node, children={**node.children, name: below})


def _without(node: Node, names: tuple[str, ...]) -> Node:
    name, *rest = names
    if rest:
        return evolve(node, children={**node.children, name: _without(node.children[name], tuple(rest))})
    return evolve(node, children={other: child for other, child in node.children.items() if other != name})


def empty_tree() -> DataTree:
    """The tree of a new ensemble: the root and the reserved subtree, all at zxid 0. DataTree's constructor.

    Deviation: /zookeeper/config is empty; a real server writes its configuration there before it starts.
    """
    below = {"config": Node(acl=(Acl(1, OPEN_ACL_UNSAFE[0].id),)), "quota": Node()}
    root = Node(children={"zookeeper": Node(children=below)})
    return DataTree(root, digest=digest_of(DataTree(root)))


def digest_of(tree: DataTree) -> int:
    """The digest of a tree, computed anew from every znode."""
    return sum(node_digest(path, node) for path, node in tree.walk()) & _MASK
