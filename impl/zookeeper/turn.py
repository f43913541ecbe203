"""One step in progress: the state so far and the effects so far.

It never leaves `node.step`, which is pure from outside. The handlers of all threads of a server share it: a step is what
one of them does between two times that it waits.
"""

from typing import Any

from attrs import evolve

from impl.effects import CancelTimer, FatalError, Send, SetTimer
from impl.zookeeper.database import Snapshot
from impl.zookeeper.effects import (
    ACCEPTED_EPOCH,
    CURRENT_EPOCH,
    NodeEffect,
    RenameFile,
    Report,
    WriteFile,
    WriteSnapshot,
)
from impl.zookeeper.messages import Message
from impl.zookeeper.state import Config, Following, Handler, Leading, Looking, NodeState, Settings


class Turn:
    """The working copy of a server during one step. Handlers replace `state` and append to `effects`, in order.

    `now` is the time of its clock, in microseconds.
    """

    __slots__ = ("config", "effects", "left_role", "now", "state")

    def __init__(self, state: NodeState, now: int = 0) -> None:
        self.config: Config = state.config
        self.state: NodeState = state
        self.effects: list[NodeEffect] = []
        self.left_role = False
        self.now = now

    @property
    def now_ms(self) -> int:
        """The time of this server's clock in ms, as ZooKeeper tells it."""
        return self.now // 1_000

    @property
    def me(self) -> int:
        """The id of this server."""
        return self.config.node_id

    @property
    def settings(self) -> Settings:
        """What the operator configured."""
        return self.config.settings

    @property
    def looking(self) -> Looking:
        """The role, which must be Looking."""
        assert isinstance(self.state.role, Looking)
        return self.state.role

    @property
    def following(self) -> Following:
        """The role, which must be Following."""
        assert isinstance(self.state.role, Following)
        return self.state.role

    @property
    def leading(self) -> Leading:
        """The role, which must be Leading."""
        assert isinstance(self.state.role, Leading)
        return self.state.role

    def set(self, **changes: Any) -> None:
        """Change fields of the state."""
        self.state = evolve(self.state, **changes)

    def set_role(self, **changes: Any) -> None:
        """Change fields of the role."""
        self.state = evolve(self.state, role=evolve(self.state.role, **changes))

    def set_handler(self, handler: Handler) -> None:
        """Take a handler in the place of the one with its link."""
        handlers = self.leading.handlers
        self.set_role(handlers=tuple(handler if other.link == handler.link else other for other in handlers))

    def emit(self, effect: NodeEffect) -> None:
        """Ask for one more effect, after those so far."""
        self.effects.append(effect)

    def send(self, message: Message) -> None:
        """Ask for a message to be sent."""
        self.effects.append(Send(message))

    def report(self, kind: str, text: str) -> None:
        """Tell observers of something that must not happen."""
        self.effects.append(Report(kind, text))

    def set_timer(self, timer: str, duration: int, spread: int = 0) -> None:
        """Ask for a timer, in microseconds (see `SetTimer`)."""
        self.effects.append(SetTimer(timer, duration, spread))

    def cancel_timer(self, timer: str) -> None:
        """Ask for a timer to be disarmed."""
        self.effects.append(CancelTimer(timer))

    # ------------------------------------------------------------------------------------------------------------ the disk

    def set_accepted_epoch(self, epoch: int) -> None:
        """Promise an epoch, durably first. ZOOKEEPER-335 (before Zab 1.0) promised nothing."""
        if self.config.rules.persist_accepted_epoch():
            self._write(ACCEPTED_EPOCH, epoch)
        self.set(accepted_epoch=epoch)

    def set_current_epoch(self, epoch: int) -> None:
        """The history of this epoch's leader is ours, durably first."""
        self._write(CURRENT_EPOCH, epoch)
        self.set(current_epoch=epoch)

    def take_snapshot(self, label: int) -> None:
        """Write the tree as it is, under a label; a file with the same label is replaced."""
        self.write_snapshot(label, self.state.database.tree)

    def write_snapshot(self, label: int, tree: object) -> None:
        """Write a tree that holds nothing newer than the database's; a file with the same label is replaced."""
        snapshot = Snapshot(label, tree, self.state.database.content)
        self.emit(WriteSnapshot(snapshot))
        others = tuple(other for other in self.state.snapshots if other.zxid != label)
        self.set(snapshots=(*others, snapshot))

    def _write(self, name: str, value: int) -> None:
        self.emit(WriteFile(name, value))
        self.emit(RenameFile(name))

    def die(self, message: str) -> FatalError:
        """The exception with which the process ends."""
        return FatalError(f"server {self.me}: {message}", tuple(self.effects))
