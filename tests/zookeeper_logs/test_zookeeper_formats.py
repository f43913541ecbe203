"""ZooKeeper's files: bytes that real servers wrote, round trips, and damage of every kind."""

import gzip
from zlib import adler32

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from impl.zookeeper.acl import OPEN_ACL_UNSAFE, Acl, Id
from impl.zookeeper.codes import OpCode
from impl.zookeeper.snapshots import Snapshot, snapshot_of
from impl.zookeeper.stat import Stat
from impl.zookeeper.transactions import (
    CheckVersionTxn,
    CloseSessionTxn,
    CreateContainerTxn,
    CreateSessionTxn,
    CreateTtlTxn,
    CreateTxn,
    DeleteTxn,
    ErrorTxn,
    MultiTxn,
    SetAclTxn,
    SetDataTxn,
    SimpleBody,
    SubTxn,
    Txn,
    TxnHeader,
)
from impl.zookeeper.tree import Node, empty_tree
from traces.logs.zookeeper.jute import JuteError, ShortError
from traces.logs.zookeeper.records import read_txn, txn_bytes
from traces.logs.zookeeper.snapshot_file import read_snapshot, snapshot_bytes, unpacked
from traces.logs.zookeeper.txnlog import End, log_bytes, read_log, record_bytes

# Golden bytes: log.1 of apache/zookeeper's test data (buffersize/set), its records at offsets 16 and 65.
CREATE_SESSION = bytes.fromhex("013a70709eae0000 00000000 0000000000000001 0000013a7070bbea fffffff6 00002710")
CREATE = (
    bytes.fromhex("013a70709eae0000 00000001 0000000000000002 0000013a7070cd90 00000001 0000000a")
    + b"/test_node"
    + bytes.fromhex("00000001 2e 00000001 0000001f 00000005")
    + b"world"
    + bytes.fromhex("00000006")
    + b"anyone"
    + bytes.fromhex("00 00000001")
)
# log.42 of the same data (invalidsnap), complete: the checksum of its second record is wrong.
LOG_42 = bytes.fromhex(
    "5a4b4c4700000002 0000000000000000"
    "00000000811c0a6a 00000020 8061f60cfd200000 00000000 0000008800000001 00000161fac65775 fffffff5 42"
    "00000000ef6a0d2d 00000024 8061fac5ddeb0000 00000000 0000008800000002 00000161fac683fd fffffff6 00007530 42"
    "00000000f9cc0f3f 0000003d 8061fac5ddeb0000 00000002 0000008800000003 00000161fac6aace 00000005"
    "00000007 2f616e646f7233 0000000a 68656c6c6f62656c6c6f 00000001 42"
)
# snapshot.0 of the same data, complete.
SNAPSHOT_0 = (
    b"ZKSN"
    + bytes.fromhex("00000002 ffffffffffffffff 00000000 00000000 00000000 00000000 ffffffffffffffff")
    + bytes(60)
    + bytes.fromhex("0000000a")
    + b"/zookeeper"
    + bytes.fromhex("00000000 ffffffffffffffff")
    + bytes(60)
    + bytes.fromhex("00000010")
    + b"/zookeeper/quota"
    + bytes.fromhex("00000000 ffffffffffffffff")
    + bytes(60)
    + bytes.fromhex("00000001 2f 00000000ab102bd2 00000001 2f")
)


def test_golden_records() -> None:
    """createSession and create as a real server wrote them, with their checksums."""
    session = 0x013A70709EAE0000
    assert adler32(CREATE_SESSION) == 0x85180953
    assert adler32(CREATE) == 0x3E430DEF
    first, second = read_txn(CREATE_SESSION), read_txn(CREATE)
    assert first == Txn(TxnHeader(session, 0, 1, 0x0000013A7070BBEA, OpCode.CREATE_SESSION), CreateSessionTxn(10000))
    body = CreateTxn("/test_node", b".", OPEN_ACL_UNSAFE, False, 1)
    assert second == Txn(TxnHeader(session, 1, 2, 0x0000013A7070CD90, OpCode.CREATE), body)
    assert (txn_bytes(first), txn_bytes(second)) == (CREATE_SESSION, CREATE)
    data = log_bytes((first, second), padding=100)
    assert data[16:24] == bytes.fromhex("0000000085180953")
    assert data[65:73] == bytes.fromhex("000000003e430def")


def test_a_wrong_checksum_before_the_end_is_damage() -> None:
    """log.42: one record is read, then the file is damaged at its second, whose stored checksum is off by one bit."""
    log = read_log("log.42", LOG_42)
    assert [record.txn.zxid for record in log.records] == [0x8800000001]
    assert log.records[0].txn.body == CloseSessionTxn(None)
    assert (log.end, log.offset) == (End.DAMAGED, 61)
    assert "stored 0xef6a0d2d, computed 0xdf6a0d2d" in log.problem
    healed = bytearray(LOG_42)
    healed[61 + 4] = 0xDF
    log = read_log("log.42", bytes(healed))
    assert [record.txn.zxid & 0xFF for record in log.records] == [1, 2, 3]
    assert log.records[2].txn.body == SetDataTxn("/andor3", b"hellobello", 1)
    assert (log.end, log.problem) == (End.CLEAN, "")


def test_golden_snapshot() -> None:
    """snapshot.0: three znodes, open to all, without a digest; and its bytes again."""
    assert len(SNAPSHOT_0) == 296
    snapshot = read_snapshot(0, SNAPSHOT_0)
    assert list(snapshot.nodes) == ["/", "/zookeeper", "/zookeeper/quota"]
    assert all(node == Node() for node in snapshot.nodes.values())
    assert (snapshot.sessions, snapshot.digest) == ({}, None)
    assert snapshot_bytes(snapshot) == SNAPSHOT_0
    assert read_snapshot(0, unpacked("snapshot.0.gz", gzip.compress(SNAPSHOT_0))) == snapshot


def test_a_snapshot_that_is_cut_off_is_refused() -> None:
    """At whatever byte it ends: never half a tree."""
    for size in range(len(SNAPSHOT_0)):
        with pytest.raises(JuteError):
            read_snapshot(0, SNAPSHOT_0[:size])


def test_a_snapshot_with_a_flipped_byte_is_refused() -> None:
    """The seals cover every byte, those of the header too."""
    for place in range(len(SNAPSHOT_0)):
        damaged = bytearray(SNAPSHOT_0)
        damaged[place] ^= 0x10
        with pytest.raises(JuteError):
            read_snapshot(0, bytes(damaged))


PATHS = st.sampled_from(["/", "/a", "/a/b", "/\u00e4"])
DATA = st.none() | st.binary(max_size=5)
ACLS = st.lists(
    st.builds(Acl, st.integers(0, 31), st.builds(Id, st.text(max_size=3), st.text(max_size=3))), max_size=2
).map(tuple)
INTS, LONGS = st.integers(-(2**31), 2**31 - 1), st.integers(-(2**63), 2**63 - 1)
SIMPLE: dict[OpCode, st.SearchStrategy[SimpleBody]] = {
    OpCode.CREATE: st.builds(CreateTxn, PATHS, DATA, ACLS, st.booleans(), INTS),
    OpCode.CREATE2: st.builds(CreateTxn, PATHS, DATA, ACLS, st.booleans(), INTS),
    OpCode.CREATE_CONTAINER: st.builds(CreateContainerTxn, PATHS, DATA, ACLS, INTS),
    OpCode.CREATE_TTL: st.builds(CreateTtlTxn, PATHS, DATA, ACLS, INTS, LONGS),
    OpCode.DELETE: st.builds(DeleteTxn, PATHS),
    OpCode.DELETE_CONTAINER: st.builds(DeleteTxn, PATHS),
    OpCode.SET_DATA: st.builds(SetDataTxn, PATHS, DATA, INTS),
    OpCode.RECONFIG: st.builds(SetDataTxn, PATHS, DATA, INTS),
    OpCode.SET_ACL: st.builds(SetAclTxn, PATHS, ACLS, INTS),
    OpCode.CHECK: st.builds(CheckVersionTxn, PATHS, INTS),
    OpCode.CREATE_SESSION: st.builds(CreateSessionTxn, INTS),
    OpCode.CLOSE_SESSION: st.builds(CloseSessionTxn, st.none() | st.lists(PATHS, max_size=2).map(tuple)),
    OpCode.ERROR: st.builds(ErrorTxn, INTS),
}
PARTS = st.sampled_from(sorted(SIMPLE)).flatmap(lambda op: st.builds(SubTxn, st.just(op), SIMPLE[op]))


@st.composite
def txns(draw: st.DrawFn) -> Txn:
    """Any transaction, with or without a digest."""
    op = draw(st.sampled_from([*sorted(SIMPLE), OpCode.MULTI]))
    multi = st.lists(PARTS, max_size=3).map(lambda parts: MultiTxn(tuple(parts)))
    body = draw(multi if op is OpCode.MULTI else SIMPLE[op])
    header = TxnHeader(draw(LONGS), draw(INTS), draw(st.integers(0, 2**63 - 1)), draw(LONGS), op)
    return Txn(header, body, draw(st.none() | st.integers(0, 2**64 - 1)))


@given(st.lists(txns(), max_size=4), st.integers(0, 20))
def test_what_is_written_is_read(written: list[Txn], padding: int) -> None:
    """Every transaction comes back from a log file, and its bytes are the same again."""
    data = log_bytes(tuple(written), database=5, padding=padding)
    log = read_log("log.1", data)
    assert tuple(record.txn for record in log.records) == tuple(written)
    assert (log.end, log.database) == (End.CLEAN, 5)
    assert log_bytes(tuple(record.txn for record in log.records), database=5, padding=padding) == data


@given(st.lists(txns(), min_size=1, max_size=3), st.data())
def test_a_torn_tail_is_normal(written: list[Txn], data: st.DataObject) -> None:
    """Cut off anywhere in the last record, and perhaps padded with zeros: what was whole is read, the end is torn or clean."""
    whole, before = log_bytes(tuple(written)), log_bytes(tuple(written[:-1]))
    size = data.draw(st.integers(len(before), len(whole) - 1))
    log = read_log("log.1", whole[:size] + bytes(data.draw(st.integers(0, 40))))
    assert tuple(record.txn for record in log.records) == tuple(written[:-1])
    assert log.end in (End.TORN, End.CLEAN)
    assert log.offset == len(before)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Untrusted files end in a finding, never in another exception."""
    assert read_log("log.1", b"ZKLG\0\0\0\2" + bytes(8) + data).records is not None
    read_log("log.1", data)
    with pytest.raises(JuteError):
        read_snapshot(0, data)
    try:
        read_txn(data)
    except JuteError:
        pass


def test_what_a_checksum_protects_but_nobody_can_read() -> None:
    """A record with a right checksum and unknown content is damage, also at the end of the file."""
    payload = bytes(28) + b"\0\0\0\x63"
    log = read_log("log.1", log_bytes(()) + record_bytes(payload))
    assert (log.end, log.offset) == (End.DAMAGED, 16)
    assert "unknown transaction type 99" in log.problem
    huge = bytes(28) + b"\0\0\0\x0e" + b"\x7f\xff\xff\xff"
    with pytest.raises(ShortError, match="2147483647 elements"):
        read_txn(huge)


@given(st.dictionaries(st.sampled_from(["/a", "/b", "/c"]), st.builds(Node, DATA, ACLS), max_size=3), st.booleans())
def test_snapshots_come_back(nodes: dict[str, Node], with_digest: bool) -> None:
    """Znodes with any list of permissions, sessions and digest."""
    base = snapshot_of(empty_tree())
    stat = Stat(1, 2, 3, 4, 5, 6, 7, 8, 9)
    below = {path: evolve(node, stat=stat) for path, node in nodes.items()}
    digest = (3, 2**64 - 1) if with_digest else None
    snapshot = Snapshot(3, {-5: 300, 7: 400}, {**base.nodes, **below}, digest)
    assert read_snapshot(3, snapshot_bytes(snapshot)) == snapshot
