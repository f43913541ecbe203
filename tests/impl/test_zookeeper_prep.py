"""Preparing requests: errors in the order in which the leader checks, conditions on what is outstanding, sequential names."""

import pytest

from impl.zookeeper.acl import OPEN_ACL_UNSAFE, READ_ACL_UNSAFE, Acl, Id
from impl.zookeeper.codes import ErrorCode, OpCode
from impl.zookeeper.prep import Outstanding, prepare
from impl.zookeeper.requests import (
    Check,
    CloseSession,
    Create,
    CreateMode,
    Delete,
    GetData,
    Multi,
    Request,
    SetAcl,
    SetData,
    Write,
)
from impl.zookeeper.transactions import CloseSessionTxn, CreateTxn, ErrorTxn, SetDataTxn
from tests.impl.service import Service, service_with


def ready() -> Service:
    """/a is open, /r read-only, /e an ephemeral of session 7, /a/b a child."""
    return service_with(7).do(
        7, Create("/a"), Create("/r", acl=READ_ACL_UNSAFE), Create("/e", mode=CreateMode.EPHEMERAL), Create("/a/b")
    )


@pytest.mark.parametrize(
    ("op", "error"),
    [
        (Create("/x/y"), ErrorCode.NO_NODE),
        (Create("/a"), ErrorCode.NODE_EXISTS),
        (Create("/e/x"), ErrorCode.NO_CHILDREN_FOR_EPHEMERALS),
        (Create("/r/x"), ErrorCode.NO_AUTH),
        (Create("/a/b/"), ErrorCode.BAD_ARGUMENTS),
        (Create("x"), ErrorCode.BAD_ARGUMENTS),
        (Create("/x", acl=()), ErrorCode.INVALID_ACL),
        (Create("/x", acl=(Acl(31, Id("auth", "")),)), ErrorCode.INVALID_ACL),
        (Create("/x/y", acl=()), ErrorCode.INVALID_ACL),
        (Create("/x", mode=CreateMode.PERSISTENT_WITH_TTL), ErrorCode.BAD_ARGUMENTS),
        (Create("/"), ErrorCode.NODE_EXISTS),
        (Delete("/"), ErrorCode.BAD_ARGUMENTS),
        (Delete("/zookeeper"), ErrorCode.BAD_ARGUMENTS),
        (Delete("/x"), ErrorCode.NO_NODE),
        (Delete("/a", 5), ErrorCode.BAD_VERSION),
        (Delete("/a"), ErrorCode.NOT_EMPTY),
        (SetData("/x", b""), ErrorCode.NO_NODE),
        (SetData("/r", b"", 9), ErrorCode.NO_AUTH),
        (SetData("/a", b"", 9), ErrorCode.BAD_VERSION),
        (SetAcl("/r", OPEN_ACL_UNSAFE), ErrorCode.NO_AUTH),
        (SetAcl("/a", OPEN_ACL_UNSAFE, 3), ErrorCode.BAD_VERSION),
        (Multi((Check("/x", -1),)), ErrorCode.NO_NODE),
        (Multi((Check("/a", 1),)), ErrorCode.BAD_VERSION),
    ],
)
def test_refusals(op: Write, error: ErrorCode) -> None:
    """A request that is refused becomes an error transaction with a zxid of its own, and changes nothing."""
    before = ready()
    after = before.do(7, op)
    assert after.error == error
    assert after.log[-1].zxid == before.log[-1].zxid + 1
    assert after.tree.root == before.tree.root
    assert after.outstanding.records == {}


def test_the_super_user_may_do_everything() -> None:
    """An authenticated `super` passes every access control list."""
    assert ready().do(7, Create("/r/x"), auth=(Id("super", ""),)).error == 0


def test_an_unknown_and_a_moved_session_are_refused() -> None:
    """SESSION_EXPIRED and SESSION_MOVED come before any other check, also in a multi."""
    service = ready()
    assert service.do(99, Create("/x/y/z")).error == ErrorCode.SESSION_EXPIRED
    assert service.do(7, Create("/x/y/z"), owner=2).error == ErrorCode.SESSION_MOVED
    assert service.do(7, Multi((Create("/x"),)), owner=2).error == ErrorCode.SESSION_MOVED


def test_conditions_see_what_is_outstanding() -> None:
    """A version is compared with what will be there, and a znode deleted by an outstanding transaction is gone."""
    service = (
        ready().prepare(7, SetData("/a", b"1", 0)).prepare(7, SetData("/a", b"2", 0)).prepare(7, SetData("/a", b"3", 1))
    )
    assert [type(txn.body) for txn in service.pending] == [SetDataTxn, ErrorTxn, SetDataTxn]
    service = service.prepare(7, Delete("/a/b")).prepare(7, Delete("/a")).prepare(7, Create("/a/c"))
    assert service.pending[-1].body == ErrorTxn(ErrorCode.NO_NODE)
    assert service.commit().tree.get("/a") is None


def test_a_failed_multi_leaves_nothing_outstanding() -> None:
    """What its first parts had noted is taken back, the parents' counters too (ZOOKEEPER-1624)."""
    service = ready().prepare(7, Multi((Create("/m"), Delete("/x"))))
    assert service.outstanding.records == {}
    service = service.prepare(7, Create("/m"))
    body = service.pending[-1].body
    assert isinstance(body, CreateTxn)
    assert body.parent_cversion == ready().tree.root.stat.cversion + 1


def test_sequential_names_count_all_creations() -> None:
    """The number is the parent's cversion: strictly increasing, with gaps where other children were created."""
    service = service_with(7)
    sequential = Create("/q/n-", mode=CreateMode.PERSISTENT_SEQUENTIAL)
    service = service.do(7, Create("/q"), sequential, Create("/q/other")).prepare(7, sequential).prepare(7, sequential)
    paths = [txn.body.path for txn in service.log if isinstance(txn.body, CreateTxn)]
    assert paths == ["/q", "/q/n-0000000000", "/q/other", "/q/n-0000000002", "/q/n-0000000003"]


def test_a_closing_session_lists_its_ephemerals_as_they_will_be() -> None:
    """With those whose creation is outstanding and without those whose deletion is; then its requests are refused."""
    service = ready().prepare(7, Create("/f", mode=CreateMode.EPHEMERAL)).prepare(7, Delete("/e"))
    service = service.prepare(7, CloseSession(), owner=None).prepare(7, Create("/late", mode=CreateMode.EPHEMERAL))
    assert service.pending[-2].body == CloseSessionTxn(("/f",))
    assert service.pending[-1].body == ErrorTxn(ErrorCode.SESSION_EXPIRED)
    assert service.commit().tree.ephemerals == {}


def test_a_check_in_a_multi_needs_read_permission_and_existence() -> None:
    """`check` with any version still asks that the znode exists, and changes nothing."""
    service = ready()
    after = service.do(7, Multi((Check("/a", 0), Check("/r", -1))))
    assert after.error == 0
    assert after.tree.root == service.tree.root


def test_create2_and_plain_create_differ_by_type_only() -> None:
    """create2 is the same transaction under another type."""
    service = service_with(7).do(7, Create("/a", with_stat=True))
    assert service.log[-1].header.type is OpCode.CREATE2
    assert service.tree.get("/a") is not None


def test_a_read_is_no_transaction() -> None:
    """Preparing a read is a mistake of the caller."""
    service = service_with(7)
    with pytest.raises(ValueError, match="GetData is no write"):
        prepare(service.tree, Outstanding(), service.sessions, Request(7, 1, GetData("/")), 1, 0)
