"""Snapshots: `snapshot.<hex of the label>`. Source: FileSnap, SnapStream, DataTree.serialize, SerializeUtils.

Header (ZKSN, version 2, a database id), sessions, the table of access control lists, znodes until the path `/`, a seal
(the Adler-32 of all before it, then the string `/`); since 3.6 a digest with its zxid and another seal; since 3.9 the last
processed zxid and another seal.
"""

import zlib
from collections.abc import Mapping

from impl.zookeeper.acl import OPEN_ACL_UNSAFE, Acl
from impl.zookeeper.paths import ROOT
from impl.zookeeper.snapshots import Snapshot
from impl.zookeeper.stat import Stat
from impl.zookeeper.tree import Node
from traces.logs.zookeeper.jute import (
    JuteError,
    Reader,
    buffer_bytes,
    int_bytes,
    long_bytes,
    string_bytes,
)
from traces.logs.zookeeper.records import DIGEST_VERSION, acl_bytes, read_acl

MAGIC, VERSION, DATABASE = b"ZKSN", 2, -1
OPEN_ACL = -1
MAX_UNPACKED = 1 << 30
_MASK = (1 << 64) - 1
_SIGN = 1 << 63


def unpacked(name: str, data: bytes) -> bytes:
    """The bytes of a snapshot that may be gzipped. Raises JuteError: damaged, too big, or compressed otherwise (snappy)."""
    if name.endswith(".snappy"):
        raise JuteError(0, "a snapshot compressed with snappy; unpack it first")
    if not name.endswith(".gz"):
        return data
    try:
        inflate = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        result = inflate.decompress(data, MAX_UNPACKED)
    except zlib.error as error:
        raise JuteError(0, f"a gzip stream that is damaged ({error})") from None
    if inflate.unconsumed_tail:
        raise JuteError(0, f"a gzip stream of more than {MAX_UNPACKED} bytes")
    if not inflate.eof:
        raise JuteError(0, "a gzip stream that is cut off")
    return result


def read_snapshot(label: int, data: bytes) -> Snapshot:
    """Read a snapshot. Raises JuteError with the offset for one that is incomplete or damaged: a server skips it."""
    reader = Reader(data)
    magic, version = reader.take(4), reader.int32()
    if magic != MAGIC or version != VERSION:
        raise JuteError(0, f"no snapshot of version {VERSION}: it begins {data[:8]!r}")
    reader.int64()
    sessions: dict[int, int] = {}
    for _ in range(reader.int32()):
        session = reader.int64()
        sessions[session] = reader.int32()
    acls = {}
    for _ in range(reader.int32()):
        key = reader.int64()
        acls[key] = read_acl(reader)
    nodes: dict[str, Node] = {}
    while True:
        at = reader.offset
        path = reader.string()
        if path == ROOT:
            break
        if (path or ROOT) in nodes:
            raise JuteError(at, f"{path} a second time")
        nodes[path or ROOT] = _read_node(reader, acls)
    _check_seal(reader)
    digest = None
    if reader.left:
        zxid = reader.int64()
        at = reader.offset
        if reader.int32() != DIGEST_VERSION:
            raise JuteError(at, f"a digest that is not of version {DIGEST_VERSION}")
        digest = (zxid, reader.int64() & _MASK)
        _check_seal(reader)
    if reader.left:
        reader.int64()
        _check_seal(reader)
    if reader.left:
        raise JuteError(reader.offset, f"{reader.left} bytes too many after the snapshot")
    return Snapshot(label, sessions, nodes, digest)


def _read_node(reader: Reader, acls: Mapping[int, tuple[Acl, ...]]) -> Node:
    data = reader.buffer()
    at = reader.offset
    acl = reader.int64()
    if acl != OPEN_ACL and acl not in acls:
        raise JuteError(at, f"access control list {acl}, which the table does not have")
    czxid, mzxid, ctime, mtime = (reader.int64() for _ in range(4))
    version, cversion, aversion = (reader.int32() for _ in range(3))
    stat = Stat(czxid, mzxid, ctime, mtime, version, cversion, aversion, reader.int64(), reader.int64())
    return Node(data, OPEN_ACL_UNSAFE if acl == OPEN_ACL else acls[acl], stat)


def _check_seal(reader: Reader) -> None:
    at = reader.offset
    computed = zlib.adler32(reader.data[:at])
    stored, mark = reader.int64(), reader.string()
    if stored != computed or mark != ROOT:
        raise JuteError(at, f"a broken seal: stored {stored & _MASK:#x}, computed {computed:#x}")


def snapshot_bytes(snapshot: Snapshot) -> bytes:
    """The bytes that `read_snapshot` reads, znodes in the order of the snapshot."""
    table: dict[tuple[Acl, ...], int] = {}
    nodes = []
    for path, node in snapshot.nodes.items():
        acl = OPEN_ACL if node.acl == OPEN_ACL_UNSAFE else table.setdefault(node.acl, len(table) + 1)
        nodes.append(string_bytes("" if path == ROOT else path) + _node_bytes(node, acl))
    parts = [MAGIC, int_bytes(VERSION), long_bytes(DATABASE), int_bytes(len(snapshot.sessions))]
    parts += [long_bytes(session) + int_bytes(timeout) for session, timeout in snapshot.sessions.items()]
    parts += [int_bytes(len(table)), *(long_bytes(key) + acl_bytes(acl) for acl, key in table.items())]
    sealed = _sealed(b"".join((*parts, *nodes, string_bytes(ROOT))))
    if snapshot.digest is None:
        return sealed
    zxid, digest = snapshot.digest
    return _sealed(sealed + long_bytes(zxid) + int_bytes(DIGEST_VERSION) + long_bytes((digest ^ _SIGN) - _SIGN))


def _node_bytes(node: Node, acl: int) -> bytes:
    stat = node.stat
    longs = b"".join(map(long_bytes, (stat.czxid, stat.mzxid, stat.ctime, stat.mtime)))
    ints = b"".join(map(int_bytes, (stat.version, stat.cversion, stat.aversion)))
    return (
        buffer_bytes(node.data)
        + long_bytes(acl)
        + longs
        + ints
        + long_bytes(stat.ephemeral_owner)
        + long_bytes(stat.pzxid)
    )


def _sealed(data: bytes) -> bytes:
    return data + long_bytes(zlib.adler32(data)) + string_bytes(ROOT)
