"""One step in progress: the state so far and the effects so far. It never leaves `node.step`, which is pure from outside."""

from attrs import evolve

from impl.effects import CancelTimer, Send, SetTimer
from impl.zk_controller.config import Config
from impl.zk_controller.effects import BrokerDisk, BrokerEffect, DiskEffect
from impl.zk_controller.log import ReplicaLog
from impl.zk_controller.messages import Caller, Message, RequestBody, ResponseBody
from impl.zk_controller.names import TopicPartition
from impl.zk_controller.state import BrokerState, Partition


class Turn:
    """The working copy of a broker during one step. Handlers replace `state` and append to `effects`, in order."""

    __slots__ = ("config", "effects", "state")

    def __init__(self, state: BrokerState) -> None:
        self.config: Config = state.config
        self.state: BrokerState = state
        self.effects: list[BrokerEffect] = []

    @property
    def me(self) -> int:
        """The id of this broker."""
        return self.config.broker

    def emit(self, effect: BrokerEffect) -> None:
        """Ask for one more effect, after those so far."""
        self.effects.append(effect)

    def request(self, dst: int, body: RequestBody) -> int:
        """Send a request; its correlation id."""
        correlation = self.state.next_correlation
        self.state = evolve(self.state, next_correlation=correlation + 1)
        self.emit(Send(Message(self.me, dst, correlation, body)))
        return correlation

    def reply(self, caller: Caller, body: ResponseBody) -> None:
        """Answer a request."""
        self.emit(Send(Message(self.me, caller.address, caller.correlation, body)))

    def set_timer(self, timer: str, duration: int) -> None:
        """(Re-)arm a timer, in µs."""
        self.emit(SetTimer(timer, duration))

    def cancel_timer(self, timer: str) -> None:
        """Disarm a timer."""
        self.emit(CancelTimer(timer))

    def log(self, tp: TopicPartition) -> ReplicaLog:
        """The log of a replica that is here."""
        return self.state.logs[tp]

    def write(self, effect: DiskEffect) -> None:
        """Change the disk, and the mirror of it."""
        self.emit(effect)
        self.state = evolve(self.state, logs=BrokerDisk(self.state.logs).carry_out(effect).logs)

    def update(self, tp: TopicPartition, partition: Partition) -> Partition:
        """Replace the role of a replica; the new one."""
        self.state = self.state.with_partition(tp, partition)
        return partition
