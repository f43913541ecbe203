"""Processes beside the servers: applications that use the cluster, each at an address of its own, with a disk if it wants one.

An application is a pure step function like a server, and the world treats its process like one: it crashes, restarts, pauses,
and its links are cut. In mode zookeeper it speaks the language of `impl/zookeeper/handle.py` to a client library that runs in
the same process; messages between applications travel through the network.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from attrs import frozen

from impl.operations import Operation
from impl.world.clients import Outcome
from impl.world.system import DiskModel, Started


@frozen
class Invoke:
    """Event: an operation of the workload; only for an application that `takes_operations`, and is idle."""

    operation: Operation


@frozen
class Record:
    """Effect: an event of the clients' history."""

    outcome: Outcome


@frozen
class NoDisk:
    """The disk of a process that keeps nothing."""

    def carry_out(self, effect: object) -> "NoDisk":
        """Nothing is written."""
        return self

    def crash(self, kept: int) -> "NoDisk":
        """Nothing is lost."""
        return self

    def kept_range(self) -> tuple[int, int]:
        """There are no records."""
        return 0, 0


class Application(ABC):
    """What runs in such a process. One instance can run at several addresses: it has no state of its own."""

    takes_operations: ClassVar[bool] = False
    """Whether the workload's operations are given to it; such a process never crashes.

    Of those, the one with index i records its operations under the process numbers i, i + n, i + 2n, ..., where n is how many
    there are, in the order of their addresses.
    """

    @abstractmethod
    def start(self, address: int, disk: Any, incarnation: int) -> Started:
        """The first state of a process that starts, for the `incarnation`-th time from 0, and its effects."""

    @abstractmethod
    def step(self, state: Any, event: Any) -> Started:
        """The state after an event, and the effects in order. Raises FatalError when the process dies of it."""

    @abstractmethod
    def plain(self, state: Any) -> Any:
        """A state as plain JSON data."""

    def empty_disk(self) -> DiskModel:
        """The disk of a new process."""
        return NoDisk()

    def is_idle(self, state: Any) -> bool:
        """Whether it could take an operation now."""
        return False
