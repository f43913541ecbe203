"""Watches: one-shot, in order, once per client, set again on reconnection; and reads, which arm them."""

from impl.zookeeper.acl import Acl, Id
from impl.zookeeper.codes import ErrorCode
from impl.zookeeper.reads import read
from impl.zookeeper.requests import (
    CloseSession,
    Create,
    CreateMode,
    Delete,
    Exists,
    GetAcl,
    GetChildren,
    GetData,
    Multi,
    SetData,
    Write,
)
from impl.zookeeper.watches import EventType, Table, Watch, Watches, WatchEvent
from tests.impl.service import Service, service_with


def told(service: Service, watches: Watches, *ops: Write) -> tuple[Watches, list[tuple[int, str, str]]]:
    """The watches left and (session, event, path) after these operations of session 7."""
    before = len(service.outcomes)
    changes = tuple(change for outcome in service.do(7, *ops).outcomes[before:] for change in outcome.changes)
    left, events = watches.trigger(changes)
    return left, [(event.session, event.type.name, event.path) for event in events]


def test_a_standard_watch_fires_once() -> None:
    """Two changes in a row: one event."""
    service = service_with(7).do(7, Create("/a"))
    watches, answer = read(service.tree, Watches(), 8, GetData("/a", watch=True))
    assert answer.data == b""
    left, events = told(service, watches, SetData("/a", b"1"), SetData("/a", b"2"))
    assert events == [(8, "NODE_DATA_CHANGED", "/a")]
    assert left == Watches()


def test_events_of_a_deletion() -> None:
    """A client with data and child watch is told of the deletion once, then whoever watches the parent's children."""
    service = service_with(7).do(7, Create("/a"))
    watches = Watches()
    for op in (GetData("/a", True), GetChildren("/a", True), GetChildren("/", True)):
        watches, _ = read(service.tree, watches, 8, op)
    _, events = told(service, watches, Delete("/a"))
    assert events == [(8, "NODE_DELETED", "/a"), (8, "NODE_CHILDREN_CHANGED", "/")]


def test_exists_watches_a_missing_znode_and_other_reads_do_not() -> None:
    """`exists` on a missing znode arms a watch for its creation; getData and getChildren arm nothing."""
    service = service_with(7)
    watches, answer = read(service.tree, Watches(), 8, GetData("/a", watch=True))
    watches, answer = read(service.tree, watches, 8, GetChildren("/a", watch=True))
    assert (watches, answer.error) == (Watches(), ErrorCode.NO_NODE)
    watches, answer = read(service.tree, watches, 8, Exists("/a", watch=True))
    assert answer.error == ErrorCode.NO_NODE
    assert told(service, watches, Create("/a"))[1] == [(8, "NODE_CREATED", "/a")]


def test_a_multi_tells_in_the_order_of_its_parts() -> None:
    """Each part triggers as if it were alone."""
    service = service_with(7).do(7, Create("/a"), Create("/b"))
    watches = Watches((Watch(8, Table.DATA, "/a"), Watch(8, Table.DATA, "/b"), Watch(9, Table.CHILD, "/")))
    _, events = told(service, watches, Multi((SetData("/b", b""), Delete("/a"))))
    assert events == [(8, "NODE_DATA_CHANGED", "/b"), (8, "NODE_DELETED", "/a"), (9, "NODE_CHILDREN_CHANGED", "/")]


def test_the_end_of_a_session_tells_of_its_ephemerals() -> None:
    """Closing a session triggers as the deletions of its ephemerals do."""
    service = service_with(7).do(7, Create("/e", mode=CreateMode.EPHEMERAL))
    assert told(service, Watches((Watch(8, Table.DATA, "/e"),)), CloseSession())[1] == [(8, "NODE_DELETED", "/e")]


def test_who_may_not_read_is_not_told() -> None:
    """READ permission is checked when the watch is triggered; the watch is spent all the same."""
    alice = Id("digest", "alice:x")
    service = service_with(7).do(7, Create("/a"))
    change = service.do(7, Delete("/a")).outcomes[-1].changes
    hidden = tuple(type(c)(c.kind, c.path, (Acl(31, alice),), c.parent_acl) for c in change)
    watches = Watches((Watch(8, Table.DATA, "/a"), Watch(9, Table.DATA, "/a")))
    left, events = watches.trigger(hidden, {9: (alice,)})
    assert left == Watches()
    assert events == (WatchEvent(9, EventType.NODE_DELETED, "/a"),)


def test_persistent_watches_stay_and_recursive_ones_see_below() -> None:
    """A persistent watch tells of every change; a recursive one of all znodes below, of no children as such."""
    service = service_with(7).do(7, Create("/a"))
    persistent = Watches().add_persistent(8, "/a", recursive=False)
    left, events = told(service, persistent, SetData("/a", b"1"), SetData("/a", b"2"), Create("/a/b"))
    assert left == persistent
    assert [event for _, event, _ in events] == ["NODE_DATA_CHANGED", "NODE_DATA_CHANGED", "NODE_CHILDREN_CHANGED"]
    recursive = Watches().add_persistent(8, "/a", recursive=True)
    _, events = told(service, recursive, Create("/a/b"), Create("/a/b/c"), Delete("/a/b/c"), Create("/ab"))
    assert events == [(8, "NODE_CREATED", "/a/b"), (8, "NODE_CREATED", "/a/b/c"), (8, "NODE_DELETED", "/a/b/c")]
    assert recursive.remove_session(8) == Watches()


def test_reconnection_tells_what_was_missed_and_sets_the_rest_again() -> None:
    """setWatches: what changed after the last zxid the client has seen is told at once. Deleting and creating looks like a change."""
    service = service_with(7).do(7, Create("/same"), Create("/set"), Create("/gone"), Create("/again"))
    seen = service.tree.last_zxid
    service = service.do(
        7, SetData("/set", b"1"), Delete("/gone"), Delete("/again"), Create("/again"), Create("/new"), Create("/set/x")
    )
    watches, events = Watches().reconnect(
        8,
        service.tree,
        seen,
        data=("/same", "/set", "/gone", "/again"),
        exist=("/new", "/never"),
        child=("/set", "/same", "/gone"),
    )
    assert [(event.type.name, event.path) for event in events] == [
        ("NODE_DATA_CHANGED", "/set"),
        ("NODE_DELETED", "/gone"),
        ("NODE_DATA_CHANGED", "/again"),
        ("NODE_CREATED", "/new"),
        ("NODE_CHILDREN_CHANGED", "/set"),
        ("NODE_DELETED", "/gone"),
    ]
    assert watches == Watches(
        (Watch(8, Table.DATA, "/same"), Watch(8, Table.DATA, "/never"), Watch(8, Table.CHILD, "/same"))
    )


def test_reads() -> None:
    """Children by name, the access control list, and NO_AUTH without READ permission, but for `exists`."""
    alice = Id("digest", "alice:x")
    service = service_with(7).do(7, Create("/b"), Create("/a", acl=(Acl(31, alice),)))
    assert read(service.tree, Watches(), 8, GetChildren("/"))[1].children == ("a", "b", "zookeeper")
    assert read(service.tree, Watches(), 8, GetData("/a", True)) == (
        Watches(),
        read(service.tree, Watches(), 8, GetData("/a"))[1],
    )
    assert read(service.tree, Watches(), 8, GetData("/a"))[1].error == ErrorCode.NO_AUTH
    assert read(service.tree, Watches(), 8, GetAcl("/a"), (alice,))[1].acl == (Acl(31, alice),)
    assert read(service.tree, Watches(), 8, Exists("/a"))[1].error == 0
