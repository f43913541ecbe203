"""What an application sees of its ZooKeeper client: what it asks for, and what it is told.

An application (a Kafka broker) is a pure step function like a server. It gives `Submit`, `OpenSession` and `EndSession` as
effects to its client, and the client gives it `Answered`, `Lost`, `Notified` and `SessionChanged` as events, in the order in
which the session's connection brought them: an event about a change comes before any answer that shows the change.
Source: ZooKeeper (handle), ClientCnxn (SendThread, EventThread, conLossPacket), Watcher.Event.KeeperState.
"""

from enum import Enum
from typing import TypeAlias

from attrs import frozen

from impl.zookeeper.codes import ErrorCode
from impl.zookeeper.requests import Answer, Operation
from impl.zookeeper.watches import EventType


class SessionState(Enum):
    """What the client knows of its session. KeeperState: SyncConnected, Disconnected, Expired.

    EXPIRED is known only from a server: a client that is cut off hears nothing, however long ago its session ended.
    """

    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    EXPIRED = "expired"


@frozen
class OpenSession:
    """Effect: a new handle, and with it a new session; the one before it must be closed or expired."""


@frozen
class EndSession:
    """Effect: close the handle; the server ends the session if it can be reached."""


@frozen
class Submit:
    """Effect: ask for an operation. `number` is the application's own, never used twice in one handle."""

    number: int
    operation: Operation


@frozen
class Answered:
    """Event: the answer to `number`; an error code in it is an answer too.

    `server` gave it, when it had applied everything up to `zxid` (its header); ZooKeeper's own library keeps both to itself.
    """

    number: int
    answer: Answer
    zxid: int = 0
    server: int = 0


@frozen
class Lost:
    """Event: there will be no answer to `number`.

    CONNECTION_LOSS: it may have taken effect, may yet, or never will. SESSION_EXPIRED: it will not take effect from now on.
    """

    number: int
    error: ErrorCode


@frozen
class Notified:
    """Event: a watch of this session has fired. It says what kind of change, and where; never the data."""

    type: EventType
    path: str


@frozen
class SessionChanged:
    """Event: the session's state, and its id once it has one."""

    state: SessionState
    session: int | None


Effect: TypeAlias = OpenSession | EndSession | Submit
Event: TypeAlias = Answered | Lost | Notified | SessionChanged
