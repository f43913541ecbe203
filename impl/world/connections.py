"""A network of TCP connections, mailboxes and requests: what ZooKeeper's servers and clients speak.

A message says by its `channel` how it travels. On a `Link` (a connection): in order, each once, and lost only when the
connection breaks; while the link is cut it waits (TCP sends it again), so that each end learns of the cut by its own
timeouts only. In the `MAILBOX` of a pair of servers (QuorumCnxManager keeps the newest message for each peer): a new
message displaces one that has not arrived. As a `REQUEST`, between a client and a server, or where a message does not say:
at most once, and in any order.
"""

from collections.abc import Hashable
from typing import Any

from impl.effects import ConnectionClosed, ConnectionOpened, Link
from impl.world.network import Network

MAILBOX, REQUEST = "mailbox", "request"


def channel_of(message: Any) -> Link | str:
    """How a message travels."""
    channel: Link | str = getattr(message, "channel", REQUEST)
    return channel


class ConnectionNetwork(Network[Any]):
    """Messages by id; those of a connection queue up per direction."""

    faults = ("loss", "reset", "reordering")

    def __init__(self) -> None:
        super().__init__()
        self._queues: dict[Hashable, dict[int, None]] = {}
        self._open: dict[Link, None] = {}

    def send(self, message: Any) -> int:
        """Take a message; on a connection that is gone it is lost."""
        channel = channel_of(message)
        if isinstance(channel, Link):
            message_id = len(self.sent)
            self.sent.append(message)
            if channel in self._open:
                self._enqueue((channel, message.dst), message_id)
            return message_id
        if channel == MAILBOX:
            for older in tuple(self._queues.get((MAILBOX, message.src, message.dst), ())):
                self.take(older)
        message_id = super().send(message)
        if channel == MAILBOX and self.is_in_flight(message_id):
            self._queues.setdefault((MAILBOX, message.src, message.dst), {})[message_id] = None
        return message_id

    def is_open(self, link: Link) -> bool:
        """Whether the connection stands."""
        return link in self._open

    def waiting(self, link: Link, to: int) -> tuple[Any, ...]:
        """What is on its way on a connection to one of its ends, in order."""
        return tuple(self.sent[message_id] for message_id in self._queues.get((link, to), ()))

    def is_stream(self, message_id: int) -> bool:
        """Whether the message travels on a connection."""
        return isinstance(self._queue_of(message_id)[0], Link)

    def is_deliverable(self, message_id: int) -> bool:
        """In flight, the first of its direction, and the link works."""
        if not self.is_in_flight(message_id):
            return False
        message = self.sent[message_id]
        if self.is_cut(message.src, message.dst):
            return False
        queue = self._queues.get(self._queue_of(message_id), {message_id: None})
        return next(iter(queue)) == message_id

    def take(self, message_id: int) -> None:
        """The message has arrived, or is lost."""
        super().take(message_id)
        key = self._queue_of(message_id)
        queue = self._queues.get(key)
        if queue is not None:
            queue.pop(message_id, None)
            if not queue:
                del self._queues[key]

    def lose(self, message_id: int) -> tuple[int, ...]:
        """A message is lost; on a connection that means that the connection breaks. A lost notice is never known."""
        message = self.sent[message_id]
        if isinstance(message, ConnectionClosed) or not self.is_stream(message_id):
            self.take(message_id)
            return ()
        return self.close(message.channel if hasattr(message, "channel") else message.link, None)

    def connect(self, link: Link) -> tuple[int, ...]:
        """Open a connection: its first message tells the acceptor."""
        self._open[link] = None
        return (self._notify(ConnectionOpened(link.dialler, link.acceptor, link)),)

    def close(self, link: Link, by: int | None) -> tuple[int, ...]:
        """Nothing in flight on it arrives any more; the ends that did not close it themselves are told."""
        if link not in self._open:
            return ()
        del self._open[link]
        for end in (link.dialler, link.acceptor):
            for message_id in tuple(self._queues.get((link, end), ())):
                self.take(message_id)
        told = [end for end in (link.dialler, link.acceptor) if end != by]
        return tuple(self._notify(ConnectionClosed(link.other(end), end, link)) for end in told)

    def reset(self, address: int) -> tuple[int, ...]:
        """The process is gone: its connections close, and nobody is left to be told that others were closed."""
        for message_id in self.in_flight():
            message = self.sent[message_id]
            if isinstance(message, ConnectionClosed) and message.dst == address:
                self.take(message_id)
        links = [link for link in self._open if address in (link.dialler, link.acceptor)]
        return tuple(message_id for link in links for message_id in self.close(link, address))

    def _notify(self, notice: ConnectionOpened | ConnectionClosed) -> int:
        message_id = len(self.sent)
        self.sent.append(notice)
        self._enqueue((notice.link, notice.dst), message_id)
        return message_id

    def _enqueue(self, key: Hashable, message_id: int) -> None:
        self._in_flight[message_id] = None
        self._queues.setdefault(key, {})[message_id] = None

    def _queue_of(self, message_id: int) -> tuple[Any, ...]:
        message = self.sent[message_id]
        match message:
            case ConnectionOpened() | ConnectionClosed():
                return message.link, message.dst
            case _ if isinstance(channel := channel_of(message), Link):
                return channel, message.dst
            case _:
                return channel_of(message), message.src, message.dst
