"""Event in, effects out: the vocabulary between a protocol node and the world it runs in.

A node is a pure function `step(state, event) -> (state', effects)`. It never touches a disk, a socket or a clock: it
returns an ORDERED tuple of effects and the world carries them out from left to right. A process can die between any two
of them, so the order is the durability contract of the protocol, and the docstring of each effect states its share of
that contract.
"""

from typing import Generic, Protocol, TypeAlias, TypeVar

from attrs import frozen


class Addressed(Protocol):
    """The part of a message that the network looks at: two addresses. It never looks inside."""

    @property
    def src(self) -> int:
        """Address of the sender."""

    @property
    def dst(self) -> int:
        """Address of the receiver."""


@frozen
class Link:
    """The name of a TCP connection: who dialled, who accepted, and the dialler's serial number, never used twice."""

    dialler: int
    acceptor: int
    serial: int

    def other(self, end: int) -> int:
        """The end that is not `end`."""
        return self.acceptor if end == self.dialler else self.dialler

    def __str__(self) -> str:
        return f"{self.dialler}>{self.acceptor}#{self.serial}"


@frozen
class ConnectionOpened:
    """The transport tells the acceptor (`dst`) of a new connection. It may refuse it with `Close`."""

    src: int
    dst: int
    link: Link

    def __str__(self) -> str:
        return f"{self.src}->{self.dst} open {self.link}"


@frozen
class ConnectionClosed:
    """The transport tells one end (`dst`) that the connection is gone, and what was in flight on it with it."""

    src: int
    dst: int
    link: Link

    def __str__(self) -> str:
        return f"{self.src}->{self.dst} closed {self.link}"


M_co = TypeVar("M_co", bound=Addressed, covariant=True)


class FatalError(Exception):
    """The process must die: a condition which Kafka answers with an exception that ends the raft IO thread.

    `effects` are those that the node had already asked for in the same step; they happened before the process died.
    """

    def __init__(self, message: str, effects: "tuple[object, ...]" = ()) -> None:
        super().__init__(message)
        self.message = message
        self.effects = effects


@frozen
class Entry:
    """One record of a log: the leader epoch under which it was appended, and what it says. Its offset is its position."""

    epoch: int
    payload: object


@frozen
class ElectionState:
    """The durable part of the quorum state (the file `quorum-state`): an epoch, and either the leader or the vote.

    `leader_id` and `voted_id` exclude each other, as in Kafka before 4.0 (a follower forgets its vote; a voter knows no
    leader).
    """

    epoch: int
    leader_id: int | None = None
    voted_id: int | None = None

    def __attrs_post_init__(self) -> None:
        if self.epoch < 0:
            raise ValueError(f"election state: epoch {self.epoch} is negative")
        if self.leader_id is not None and self.voted_id is not None:
            raise ValueError(
                f"election state of epoch {self.epoch}: leader {self.leader_id} and vote {self.voted_id} exclude each other"
            )


@frozen
class Durable:
    """What a process finds on its disk when it starts: election state (None: never written) and log.

    `incarnation` counts the starts of this process, the first is 0; it keeps the correlation ids of two incarnations
    apart.
    """

    election: ElectionState | None = None
    entries: tuple[Entry, ...] = ()
    incarnation: int = 0


# ------------------------------------------------------------------------------------------------------------------- events


@frozen
class Receive(Generic[M_co]):
    """A message arrived."""

    message: M_co


@frozen
class TimerFired:
    """A timer that the node had set has expired. It is no longer armed."""

    timer: str


# ------------------------------------------------------------------------------------------------------------------ effects


@frozen
class WriteElectionState:
    """Replace the durable election state: write, fsync, rename. Atomic, and durable when it returns.

    Stands BEFORE every effect that tells another node of the epoch, the vote or the leadership it records: a vote is
    durable before the grant leaves, the vote for oneself before the requests leave, the leadership before the first
    record of the epoch.
    """

    state: ElectionState


@frozen
class AppendEntries:
    """Append `entries` to the log at `base_offset`, which is its end. Not durable before the next `FlushLog`.

    A crash keeps any prefix of what was appended after the last flush.
    """

    base_offset: int
    entries: tuple[Entry, ...]


@frozen
class TruncateLog:
    """Cut the log: `end_offset` is its new (exclusive) end. Durable when it returns.

    Deviation: Kafka does not fsync a truncation; that a crash could bring truncated records back is not modelled.
    """

    end_offset: int


@frozen
class FlushLog:
    """Make everything appended so far durable.

    Follower: stands between the append and the next Fetch, because the fetch offset is the acknowledgement. Leader:
    stands AFTER the responses to the parked fetches that the append woke up (one drain step: append, answer, flush);
    that is safe with two or more voters, because the high watermark needs a follower's acknowledgement, which comes
    later.
    """


@frozen
class Send(Generic[M_co]):
    """Give a message to the network. It may be lost, delayed, duplicated or reordered, and nobody is told."""

    message: M_co


@frozen
class Connect:
    """Dial. The connection carries messages at once, in order and each once; the acceptor is told before the first.

    It may fail like any connection: then this end is told that it is closed.
    """

    link: Link


@frozen
class Close:
    """Close a connection. What is in flight on it, both ways, is lost; the other end is told later."""

    link: Link


@frozen
class SetTimer:
    """(Re-)arm the timer `timer`: it fires once, `duration` plus a part of `spread` microseconds from now.

    The world draws the part uniformly from [0, spread): nodes hold no randomness of their own.
    """

    timer: str
    duration: int
    spread: int = 0


@frozen
class CancelTimer:
    """Disarm the timer `timer`; nothing happens when it is not armed."""

    timer: str


@frozen
class Deliver:
    """Committed records were handed to the state machine of this node: `entries` from `base_offset` on, in order, once.

    The world has nothing to do for it; it is how observers learn what was applied where.
    """

    base_offset: int
    entries: tuple[Entry, ...]


Event: TypeAlias = Receive[M_co] | TimerFired
Effect: TypeAlias = (
    WriteElectionState | AppendEntries | TruncateLog | FlushLog | Send[M_co] | SetTimer | CancelTimer | Deliver
)
