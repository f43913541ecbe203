"""The seam between the world and what runs in it: a world is given a system, and knows no protocol itself.

What a system's messages, states, effects and node snapshots are is its own business; the world hands them on unopened,
so they are `Any` here, and whoever drives a world knows which system it has.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

from attrs import frozen

from impl.operations import Operation
from impl.world.network import Network

Started = tuple[Any, tuple[Any, ...]]
"""A state of a node, and the effects that led to it, in order."""


class DiskModel(Protocol):
    """A disk as a value: what every effect does to it, and what a power loss can leave of it."""

    def carry_out(self, effect: object) -> "DiskModel":
        """The disk after one effect; effects that are not for the disk leave it alone."""

    def crash(self, kept: int) -> "DiskModel":
        """The disk after a power loss which kept the first `kept` records of the log."""

    def kept_range(self) -> tuple[int, int]:
        """The least and the most records of the log that a power loss can leave."""


@frozen
class Reply:
    """What an answer means to a client.

    `outcome`: "ok" it took effect (`answer` says what was found); "fail" it was refused, without effect; "elsewhere" it
    was not taken, ask another node; "unknown" it was taken and may take effect or not. `leader` is the node to ask next,
    if the answer names one.
    """

    correlation_id: int
    outcome: str
    answer: Mapping[str, Any] | None = None
    error: str | None = None
    leader: int | None = None


class Tally(ABC):
    """What happened inside the nodes, counted from the effects of the steps."""

    committed: int = 0
    elections: int = 0
    truncations: int = 0

    @abstractmethod
    def add(self, node: int, effects: tuple[Any, ...]) -> None:
        """Count one step of a node."""


class System(ABC):
    """A protocol as the world runs it. One instance belongs to one world, and has no state of its own."""

    disk_effects: ClassVar[tuple[type, ...]]
    """The effects that change a disk: a crash right after one of them leaves a trace."""

    @abstractmethod
    def recover(self, node: int, disk: Any, incarnation: int) -> Started:
        """The first state of a process that starts from a disk. Raises FatalError when it cannot."""

    @abstractmethod
    def step(self, node: int, state: Any, event: Any, now: int) -> Started:
        """The state after an event, and the effects in order. Raises FatalError when the process dies of it.

        `now` is the time by the node's clock, in microseconds.
        """

    @abstractmethod
    def empty_disk(self, node: int) -> DiskModel:
        """The disk of a new node."""

    processes: tuple[int, ...] = ()
    """The addresses of the processes beside the nodes (`applications.Application`), in ascending order."""

    workers: tuple[int, ...] | None = None
    """Those of them that take the operations of the workload; None: the world has clients of its own for that."""

    def is_idle(self, address: int, state: Any) -> bool:
        """Whether the process at one of the addresses of `workers` has no operation in progress."""
        raise RuntimeError(f"there is no process at {address}")

    def network(self) -> Network[Any]:
        """The network between the nodes (a datagram network, unless the system has its own)."""
        return Network()

    def may_duplicate(self, message: Any) -> bool:
        """Whether the network may deliver a message more than once."""
        return False

    @abstractmethod
    def snapshot(self, node: int, status: str, disk: Any, state: Any, timers: tuple[str, ...]) -> Any:
        """One node as frozen data. `state` is that of its process or, while it is down, the one it would recover to.

        None: it could not start. Raises RuntimeError when the system has no snapshot of such a node.
        """

    @abstractmethod
    def plain(self, value: object) -> Any:
        """A part of a snapshot as plain JSON data; values that are JSON already are returned as they are."""

    @abstractmethod
    def request(self, client: int, node: int, correlation_id: int, operation: Operation) -> Any:
        """The message by which a client asks a node for an operation."""

    @abstractmethod
    def reply(self, message: Any) -> Reply | None:
        """What a message to a client means; None for one that no client understands."""

    @abstractmethod
    def tally(self) -> Tally:
        """A new count of what happens."""
