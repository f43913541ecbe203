"""The network: every message ever sent, which of them are in flight, and which directed links are cut."""

from collections.abc import Iterable
from typing import ClassVar, Generic, TypeVar

from impl.effects import Addressed, Link

M = TypeVar("M", bound=Addressed)


class Network(Generic[M]):
    """Messages by id, in the order of sending. It keeps them all, so that any message can be delivered again.

    A message sent over a cut link is lost at once: it stays in `sent`, and the sender's request timeout does the rest,
    as with a connection that hangs. What was in flight when the link was cut still arrives.
    """

    faults: ClassVar[tuple[str, ...]] = ("loss", "duplication", "reordering")
    """What can happen to a message, by the names of the fault plan."""

    def __init__(self) -> None:
        self.sent: list[M] = []
        self._in_flight: dict[int, None] = {}
        self._cut: dict[tuple[int, int], None] = {}

    def send(self, message: M) -> int:
        """Take a message; returns its id."""
        message_id = len(self.sent)
        self.sent.append(message)
        if (message.src, message.dst) not in self._cut:
            self._in_flight[message_id] = None
        return message_id

    def is_in_flight(self, message_id: int) -> bool:
        """Whether the message may still arrive by itself."""
        return message_id in self._in_flight

    def is_deliverable(self, message_id: int) -> bool:
        """Whether the message may arrive now. In a datagram network, whatever is in flight may."""
        return message_id in self._in_flight

    def is_stream(self, message_id: int) -> bool:
        """Whether the message travels on a connection: in order, and lost only with the connection."""
        return False

    def lose(self, message_id: int) -> tuple[int, ...]:
        """The message is lost. Returns the ids of the messages that this causes: none in a datagram network."""
        self.take(message_id)
        return ()

    def reset(self, address: int) -> tuple[int, ...]:
        """The process at this address is gone. Returns the ids of the messages that this causes: none here."""
        return ()

    def connect(self, link: Link) -> tuple[int, ...]:
        """Open a connection. Returns the ids of the messages that this causes."""
        raise RuntimeError(f"{link}: a datagram network has no connections")

    def close(self, link: Link, by: int | None) -> tuple[int, ...]:
        """Close a connection by one end, or (None) break it. Returns the ids of the messages that this causes."""
        raise RuntimeError(f"{link}: a datagram network has no connections")

    def take(self, message_id: int) -> None:
        """The message has arrived, or is lost."""
        del self._in_flight[message_id]

    def in_flight(self) -> tuple[int, ...]:
        """The ids of the messages in flight, in the order of sending."""
        return tuple(self._in_flight)

    def cut(self, src: int, dst: int) -> None:
        """From now on, messages from `src` to `dst` are lost."""
        self._cut[src, dst] = None

    def heal(self, src: int, dst: int) -> None:
        """From now on, messages from `src` to `dst` travel again."""
        self._cut.pop((src, dst), None)

    def is_cut(self, src: int, dst: int) -> bool:
        """Whether messages from `src` to `dst` are lost."""
        return (src, dst) in self._cut

    def cuts(self) -> tuple[tuple[int, int], ...]:
        """The cut links, in ascending order."""
        return tuple(sorted(self._cut))

    def lines(self, message_ids: Iterable[int]) -> tuple[str, ...]:
        """The compact text of some messages."""
        return tuple(str(self.sent[message_id]) for message_id in message_ids)
