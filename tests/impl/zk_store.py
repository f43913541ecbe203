"""One linearizable ZooKeeper out of the pure modules of the service: no servers, no network; connections that can break.

A handle's requests are carried out in order, its events (answers and watch events) come back in order. When the connection
breaks, what was asked is carried out up to some point, and nothing of it is answered.
"""

from collections import deque
from collections.abc import Callable

from attrs import define, field

from impl.zookeeper.apply import Outcome, apply
from impl.zookeeper.codes import ErrorCode
from impl.zookeeper.handle import Answered, Event, Lost, Notified, SessionChanged, SessionState, Submit
from impl.zookeeper.prep import Outstanding, prepare
from impl.zookeeper.reads import read
from impl.zookeeper.requests import (
    Answer,
    CloseSession,
    CreateSession,
    Exists,
    GetChildren,
    GetData,
    Operation,
    Request,
    Sync,
    Write,
)
from impl.zookeeper.sessions import SessionTracker
from impl.zookeeper.transactions import zxid_of
from impl.zookeeper.tree import DataTree, empty_tree
from impl.zookeeper.watches import EventType, Watches

TIMEOUT = 6_000
Committed = Callable[[DataTree, DataTree, int, Write], None]
"""Told of every transaction that changed something: the trees before and after, the session, the request."""


@define
class Handle:
    """A client's handle: what it has asked (`sent`), what comes back (`events`), and the watches it thinks it has."""

    connected: bool = False
    session: int | None = None
    zxid: int = 0
    sent: deque[Submit] = field(factory=deque)
    asked: dict[int, Operation] = field(factory=dict)
    events: deque[tuple[int, Event]] = field(factory=deque)
    watches: dict[tuple[str, str], bool] = field(factory=dict)
    scheduled: int = 0

    def arm(self, op: Operation, *, missing: bool) -> None:
        """A read was answered: the client has its watch now. ZooKeeper.WatchRegistration."""
        match op:
            case Exists(path, True):
                self.watches["exist" if missing else "data", path] = True
            case GetData(path, True) if not missing:
                self.watches["data", path] = True
            case GetChildren(path, True) if not missing:
                self.watches["child", path] = True
            case _:
                pass

    def notified(self, event: Notified) -> None:
        """A watch has fired: it is gone, in the client too."""
        kinds = {
            EventType.NODE_CREATED: ("exist",),
            EventType.NODE_DATA_CHANGED: ("data", "exist"),
            EventType.NODE_CHILDREN_CHANGED: ("child",),
            EventType.NODE_DELETED: ("data", "exist", "child"),
        }
        for kind in kinds[event.type]:
            self.watches.pop((kind, event.path), None)


class Store:
    """The tree, its sessions and watches; every request is a transaction at once."""

    def __init__(self, committed: Committed = lambda before, after, session, op: None) -> None:
        self.tree: DataTree = empty_tree()
        self.sessions = SessionTracker(100)
        self.watches = Watches()
        self.handles: dict[int, Handle] = {}
        self.zxid = 0
        self.next_session = 0x1000
        self.committed = committed

    def open(self, handle: Handle) -> None:
        """A new session for a handle, which is connected from now on."""
        self.next_session += 1
        session = self.next_session
        self._write(session, CreateSession(TIMEOUT))
        handle.connected, handle.session = True, session
        handle.watches.clear()
        self.handles[session] = handle
        self._tell(handle, SessionChanged(SessionState.CONNECTED, session))

    def reconnect(self, handle: Handle) -> None:
        """The handle finds a server again: its session goes on, with its watches, or it hears that it is over."""
        session = handle.session
        if session is None:
            self.open(handle)
        elif session not in self.tree.sessions:
            handle.session = None
            self._tell(handle, SessionChanged(SessionState.EXPIRED, session))
        else:
            handle.connected = True
            self._tell(handle, SessionChanged(SessionState.CONNECTED, session))
            by_kind = {
                kind: tuple(path for key, path in handle.watches if key == kind) for kind in ("data", "exist", "child")
            }
            self.watches, events = self.watches.reconnect(session, self.tree, handle.zxid, **by_kind)
            for event in events:
                self._tell(handle, Notified(event.type, event.path))

    def disconnect(self, handle: Handle, carried_out: int) -> None:
        """The connection breaks, after so many of the requests on their way were carried out. Nothing is answered any more."""
        if not handle.connected:
            return
        for _ in range(min(carried_out, len(handle.sent))):
            self.carry_out(handle)
        handle.connected = False
        assert handle.session is not None
        self.watches = self.watches.remove_session(handle.session)
        handle.sent.clear()
        handle.events.clear()
        self._tell(handle, SessionChanged(SessionState.DISCONNECTED, handle.session))
        for number in handle.asked:
            self._tell(handle, Lost(number, ErrorCode.CONNECTION_LOSS))
        handle.asked.clear()

    def end(self, session: int) -> None:
        """The session ends at the servers; whoever had it hears of it only when it comes back."""
        if session in self.tree.sessions:
            self._write(session, CloseSession())
            self.watches = self.watches.remove_session(session)

    def operate(self, op: Write) -> Answer:
        """An operator does something, in a session of no broker."""
        session = 0x9999
        if session not in self.tree.sessions:
            self._write(session, CreateSession(TIMEOUT))
        return self._write(session, op)

    def submit(self, handle: Handle, submit: Submit) -> None:
        """A request leaves; without a connection it is lost."""
        if handle.connected:
            handle.sent.append(submit)
            handle.asked[submit.number] = submit.operation
        else:
            self._tell(handle, Lost(submit.number, ErrorCode.CONNECTION_LOSS))

    def carry_out(self, handle: Handle) -> None:
        """The next request of a handle."""
        submit = handle.sent.popleft()
        session, op = handle.session, submit.operation
        assert session is not None
        if isinstance(op, Write):
            answer = self._write(session, op)
        elif isinstance(op, Sync):
            answer = Answer()
        else:
            self.watches, answer = read(self.tree, self.watches, session, op)
        self._tell(handle, Answered(submit.number, answer))

    def deliver(self, handle: Handle) -> Event:
        """The next event of a handle, which the application sees now."""
        zxid, event = handle.events.popleft()
        match event:
            case Answered(number, answer):
                # Only answers tell a client how far its server is. ClientCnxn.lastZxid.
                handle.zxid = max(zxid, handle.zxid)
                handle.arm(handle.asked.pop(number), missing=bool(answer.error))
            case Notified():
                handle.notified(event)
            case _:
                pass
        return event

    def _write(self, session: int, op: Write) -> Answer:
        self.zxid += 1
        request = Request(session, self.zxid, op, owner=1)
        done = prepare(self.tree, Outstanding(), self.sessions, request, zxid_of(1, self.zxid), 0)
        self.sessions = done.sessions
        before = self.tree
        self.tree, outcome = apply(self.tree, done.txn)
        if isinstance(op, CloseSession):
            self.sessions = self.sessions.forget(session)
        self.watches, events = self.watches.trigger(outcome.changes)
        for event in events:
            handle = self.handles[event.session]  # An operator has no watches.
            if handle.connected and handle.session == event.session:
                self._tell(handle, Notified(event.type, event.path))
        if self.tree.digest != before.digest:
            self.committed(before, self.tree, session, op)
        return _answer(outcome)

    def _tell(self, handle: Handle, event: Event) -> None:
        handle.events.append((self.tree.last_zxid, event))


def _answer(outcome: Outcome) -> Answer:
    results = tuple(_answer(result) for result in outcome.results)
    return Answer(outcome.error, outcome.path, outcome.stat, results=results)
