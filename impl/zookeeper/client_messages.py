"""The messages of a client's connection to a server, with ZooKeeper's names. Source: zookeeper.jute (proto), ClientCnxn, ServerCnxn.

A connection carries both directions in order (`channel` is its `Link`): what a server sends first is seen first, so an
event about a change comes before every reply that shows it.
"""

from typing import TypeAlias

from attrs import frozen

from impl.effects import Link
from impl.zookeeper.requests import Asked, Reply
from impl.zookeeper.transactions import show_zxid
from impl.zookeeper.watches import EventType

_MASK = (1 << 64) - 1

PING_CXID, SET_WATCHES_CXID = -2, -8
"""The numbers of the requests that the client library makes by itself. ClientCnxn.PING_XID, SET_WATCHES_XID."""


@frozen
class ClientMessage:
    """What all messages of a client's connection have."""

    src: int
    dst: int
    channel: Link

    def _line(self, body: str) -> str:
        return f"{self.src}->{self.dst} {type(self).__name__} {body}"


@frozen
class ConnectRequest(ClientMessage):
    """The first message: open a session (`session` 0), or come back to one. `timeout` in ms, as the client wants it."""

    last_zxid_seen: int
    timeout: int
    session: int = 0
    password: bytes = b""

    def __str__(self) -> str:
        return self._line(f"{self.session & _MASK:x} seen={show_zxid(self.last_zxid_seen)}")


@frozen
class ConnectResponse(ClientMessage):
    """The session is open, with this timeout in ms; 0: it has expired, or the password is not its own."""

    timeout: int
    session: int
    password: bytes

    def __str__(self) -> str:
        return self._line(f"{self.session & _MASK:x} timeout={self.timeout}")


@frozen
class Ask(ClientMessage):
    """A request of the session. RequestHeader and record."""

    cxid: int
    operation: Asked

    def __str__(self) -> str:
        return self._line(f"{self.cxid} {self.operation}")


@frozen
class Tell(ClientMessage):
    """The reply to a request or a ping, with the last zxid that the server had applied."""

    reply: Reply

    def __str__(self) -> str:
        return self._line(f"{self.reply.cxid} zxid={show_zxid(self.reply.zxid)} error={self.reply.answer.error}")


@frozen
class WatcherEvent(ClientMessage):
    """A watch of the session has fired."""

    type: EventType
    path: str

    def __str__(self) -> str:
        return self._line(f"{self.type.name} {self.path}")


FromClient: TypeAlias = ConnectRequest | Ask
FromServer: TypeAlias = ConnectResponse | Tell | WatcherEvent
