"""A machine: one node, its disk and its process. It knows no other machine and no clock."""

from typing import Any

from attrs import frozen

from impl.effects import FatalError
from impl.world.system import DiskModel, System

UP, PAUSED, DOWN = "up", "paused", "down"


@frozen
class Plan:
    """What a step would do: the node's state afterwards (None: its process dies of `fatal`), and the effects in order."""

    state: Any
    effects: tuple[Any, ...]
    fatal: str | None = None


class Host:
    """One machine. `state` is that of the running process, or of the last one while the node is down."""

    def __init__(self, node: int, system: System) -> None:
        self.node = node
        self.system = system
        self.status = DOWN
        self.disk: DiskModel = system.empty_disk(node)
        self.incarnation = 0
        self.state: Any = None

    def plan(self, event: object | None, now: int) -> Plan:
        """What the node would do on an event (None: start) at the time `now` (µs). Nothing happens yet."""
        try:
            if event is None:
                return Plan(*self.system.recover(self.node, self.disk, self.incarnation))
            return Plan(*self.system.step(self.node, self.running(), event, now))
        except FatalError as error:
            # A FatalError that a node raises carries the effects of the step so far.
            return Plan(None, error.effects, error.message)

    def running(self) -> Any:
        """The state of the process; the node must not be down."""
        if self.state is None:
            raise RuntimeError(f"node {self.node} is down")
        return self.state

    def view(self) -> Any:
        """The state of the process, or of a node that is down, the state to which it would recover (None: it cannot)."""
        return self.state if self.state is not None else self.plan(None, 0).state

    def started(self) -> None:
        """The process runs from here on."""
        self.status = UP
        self.incarnation += 1

    def stopped(self, kept: int | None) -> None:
        """The process is gone; after a power loss, so are the records from `kept` on (None: the process died alone)."""
        self.status = DOWN
        self.state = None
        if kept is not None:
            self.disk = self.disk.crash(kept)

    def kept_range(self, effects: tuple[Any, ...] = ()) -> tuple[int, int]:
        """The least and the most records that a power loss could leave, after these effects."""
        disk = self.disk
        for effect in effects:
            disk = disk.carry_out(effect)
        return disk.kept_range()
