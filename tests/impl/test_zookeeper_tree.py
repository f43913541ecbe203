"""The data tree: what transactions do to znodes, and that applying them again does nothing."""

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from impl.zookeeper.acl import READ_ACL_UNSAFE
from impl.zookeeper.apply import apply
from impl.zookeeper.codes import ErrorCode, OpCode
from impl.zookeeper.paths import is_valid
from impl.zookeeper.requests import Check, Create, CreateMode, Delete, DeleteContainer, Multi, SetAcl, SetData, Write
from impl.zookeeper.snapshots import restore, snapshot_of
from impl.zookeeper.stat import OwnerKind, owner_kind, ttl_of, ttl_owner
from impl.zookeeper.transactions import RECOMPUTE, CloseSessionTxn, CreateTxn, Txn, TxnHeader, zxid_of
from impl.zookeeper.tree import digest_of, empty_tree
from tests.impl.service import service_with


def test_stat_fields_of_a_znode_and_its_parent() -> None:
    """Creation sets czxid = mzxid = pzxid, children count up cversion, deletion moves only the parent's pzxid."""
    service = service_with(7).do(
        7, Create("/a"), Create("/a/b"), SetData("/a", b"x"), Delete("/a/b"), SetAcl("/a", READ_ACL_UNSAFE)
    )
    node = service.tree.get("/a")
    assert node is not None
    created, deleted = zxid_of(1, 2), zxid_of(1, 5)
    assert (node.stat.czxid, node.stat.mzxid, node.stat.pzxid) == (created, zxid_of(1, 4), deleted)
    assert (node.stat.version, node.stat.cversion, node.stat.aversion) == (1, 1, 1)
    # Clients see creations and deletions: one child created, one deleted.
    assert (node.client_stat.cversion, node.client_stat.num_children, node.client_stat.data_length) == (2, 0, 1)
    assert node.acl == READ_ACL_UNSAFE


def test_applying_again_changes_nothing() -> None:
    """Each transaction replayed over the tree that has it already leaves the tree as it is, but for deleted generations."""
    service = service_with(7, 8).do(
        7,
        Create("/a"),
        Create("/a/e", mode=CreateMode.EPHEMERAL),
        SetData("/a", b"1"),
        Multi((Create("/m"), SetData("/a", b"2"), Check("/m", 0))),
        Delete("/m"),
    )
    tree = service.tree
    for txn in service.log[-2:]:  # the multi and the deletion: a fuzzy snapshot may hold both
        tree, _ = apply(tree, txn)
    assert tree == service.tree
    assert tree.digest == digest_of(tree)


def test_a_multi_is_all_or_nothing_and_marks_its_parts() -> None:
    """OK before the part that failed, its own error there, RUNTIME_INCONSISTENCY after it; one zxid, nothing changed."""
    service = service_with(7).do(7, Create("/a"))
    before = service.tree
    service = service.do(7, Multi((Create("/b"), Delete("/missing"), SetData("/a", b"x"))))
    outcome = service.outcomes[-1]
    assert [part.error for part in outcome.results] == [0, ErrorCode.NO_NODE, ErrorCode.RUNTIME_INCONSISTENCY]
    assert outcome.error == ErrorCode.NO_NODE
    assert service.log[-1].header.type is OpCode.MULTI
    assert evolve(service.tree, last_zxid=before.last_zxid) == before
    assert service.tree.last_zxid == zxid_of(1, 3)
    good = service.do(7, Multi((Create("/b"), Create("/b/c"), SetData("/b", b"x", 0))))
    nodes = [good.tree.get(path) for path in ("/b", "/b/c")]
    assert [node.stat.mzxid for node in nodes if node] == [zxid_of(1, 4)] * 2


def test_a_closing_session_takes_its_ephemerals_along() -> None:
    """Those that the transaction lists and any other that the tree holds, also in an old transaction without a list."""
    service = service_with(7).do(7, Create("/a"), Create("/a/e", mode=CreateMode.EPHEMERAL))
    assert service.tree.ephemerals == {7: ("/a/e",)}
    for paths in (("/a/e",), (), None):
        header = TxnHeader(7, 9, zxid_of(1, 9), 0, OpCode.CLOSE_SESSION)
        tree, outcome = apply(service.tree, Txn(header, CloseSessionTxn(paths)))
        assert tree.get("/a/e") is None
        assert (tree.sessions, tree.ephemerals) == ({}, {})
        assert [change.path for change in outcome.changes] == ["/a/e"]


def test_a_create_from_before_3_4_recomputes_the_parents_cversion() -> None:
    """parentCVersion -1 means one more than the parent has."""
    tree = empty_tree()
    for n, name in enumerate(("/a", "/b"), start=1):
        tree, _ = apply(tree, Txn(TxnHeader(7, n, n, 0, OpCode.CREATE), CreateTxn(name, b"", (), False, RECOMPUTE)))
    assert tree.root.stat.cversion == 2


def test_containers_and_ttl_nodes_are_no_ephemerals() -> None:
    """The owner field tells the kinds apart, and the leader may delete empty containers without a session."""
    service = service_with(7).do(
        7,
        Create("/c", mode=CreateMode.CONTAINER),
        Create("/t", mode=CreateMode.PERSISTENT_WITH_TTL, ttl=5000),
        Create("/c/x"),
    )
    kinds = {path: owner_kind(node.stat.ephemeral_owner) for path, node in service.tree.walk()}
    assert (kinds["/c"], kinds["/t"], kinds["/"]) == (OwnerKind.CONTAINER, OwnerKind.TTL, OwnerKind.PERSISTENT)
    node = service.tree.get("/t")
    assert node is not None
    assert ttl_of(node.stat.ephemeral_owner) == 5000
    assert owner_kind(ttl_owner(1)) is OwnerKind.TTL
    assert service.tree.ephemerals == {}
    assert service.do(0, DeleteContainer("/c"), owner=None).error == ErrorCode.NOT_EMPTY
    assert service.do(7, Delete("/c/x")).do(0, DeleteContainer("/c"), owner=None).tree.get("/c") is None


@pytest.mark.parametrize(
    ("path", "valid"),
    [
        ("/", True),
        ("/a/b-c", True),
        ("/a/..b", True),
        ("", False),
        ("a", False),
        ("/a/", False),
        ("//a", False),
        ("/a/./b", False),
        ("/a/..", False),
        ("/a\0", False),
        ("/a\x7f", False),
        ("/\U0001f600", False),
    ],
)
def test_paths(path: str, valid: bool) -> None:
    """PathUtils.validatePath: absolute, canonical, displayable."""
    assert is_valid(path) is valid


NAMES = st.sampled_from(["/a", "/b", "/a/c", "/a/d", "/b/e"])
OPS: st.SearchStrategy[Write] = st.one_of(
    st.builds(
        Create, NAMES, st.binary(max_size=2), mode=st.sampled_from([CreateMode.PERSISTENT, CreateMode.EPHEMERAL])
    ),
    st.builds(Delete, NAMES, st.sampled_from([-1, 0, 1])),
    st.builds(SetData, NAMES, st.binary(max_size=2), st.sampled_from([-1, 0])),
    st.lists(st.one_of(st.builds(Create, NAMES), st.builds(Delete, NAMES)), max_size=3).map(
        lambda ops: Multi(tuple(ops))
    ),
)


@given(st.lists(st.tuples(st.sampled_from([7, 8]), OPS, st.booleans()), max_size=12))
def test_what_was_prepared_is_what_is_applied(steps: list[tuple[int, Write, bool]]) -> None:
    """However far the tree lags behind, a transaction prepared without an error is applied without one; the digest adds up."""
    service = service_with(7, 8)
    for session, op, commit in steps:
        service = service.prepare(session, op)
        service = service.commit() if commit else service
    service = service.commit()
    for txn, outcome in zip(service.log, service.outcomes, strict=True):
        failed = txn.header.type is OpCode.ERROR or any(part.error for part in outcome.results)
        assert bool(outcome.error) == failed, (txn, outcome)
    assert service.tree.digest == digest_of(service.tree)
    assert restore(snapshot_of(service.tree)) == service.tree
    assert service.outstanding.records == {}
