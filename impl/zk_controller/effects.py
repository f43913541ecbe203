"""What a broker asks of its disk; a broker's effects are these, those of a ZooKeeper client's application, and those of any node.

Kafka does not flush a log before it acknowledges: a record is safe because others have it. So a process that dies loses
nothing here, and a machine that dies may lose any suffix of a replica.
"""

from typing import TypeAlias

from attrs import evolve, field, frozen

from impl.effects import CancelTimer, Entry, Receive, Send, SetTimer, TimerFired
from impl.zk_controller.log import ReplicaLog
from impl.zk_controller.messages import Message
from impl.zk_controller.names import TopicPartition
from impl.zookeeper.handle import Effect as HandleEffect
from impl.zookeeper.handle import Event as HandleEvent


@frozen
class CreateReplica:
    """An empty log."""

    tp: TopicPartition
    topic_id: str | None


@frozen
class AppendReplica:
    """More records; `base_offset` is the end before. Stands before the fetch or the answer that tells of them."""

    tp: TopicPartition
    base_offset: int
    entries: tuple[Entry, ...]


@frozen
class TruncateReplica:
    """Cut the log: `end` is its new end."""

    tp: TopicPartition
    end: int


@frozen
class CheckpointHighWatermark:
    """Note the high watermark. Deviation: at every change; Kafka writes the checkpoint file every 5 s."""

    tp: TopicPartition
    high_watermark: int


@frozen
class DeleteReplica:
    """The log is gone."""

    tp: TopicPartition


DiskEffect: TypeAlias = CreateReplica | AppendReplica | TruncateReplica | CheckpointHighWatermark | DeleteReplica
BrokerEffect: TypeAlias = HandleEffect | DiskEffect | Send[Message] | SetTimer | CancelTimer
BrokerEvent: TypeAlias = HandleEvent | Receive[Message] | TimerFired


@frozen
class BrokerDisk:
    """The logs of a broker's replicas, by partition."""

    logs: dict[TopicPartition, ReplicaLog] = field(factory=dict)

    def carry_out(self, effect: object) -> "BrokerDisk":
        """The disk after one effect; effects that are not for the disk leave it alone."""
        match effect:
            case CreateReplica(tp, topic_id):
                return self._with(tp, ReplicaLog(topic_id))
            case AppendReplica(tp, base_offset, entries):
                assert base_offset == self.logs[tp].end, f"append to {tp} at {base_offset}, which is not its end"
                return self._with(tp, self.logs[tp].append(entries))
            case TruncateReplica(tp, end):
                return self._with(tp, self.logs[tp].truncate(end))
            case CheckpointHighWatermark(tp, high_watermark):
                return self._with(tp, evolve(self.logs[tp], high_watermark=high_watermark))
            case DeleteReplica(tp):
                return BrokerDisk({other: log for other, log in self.logs.items() if other != tp})
            case _:
                return self

    def crash(self, kept: int) -> "BrokerDisk":
        """The disk after the process has died: all of it."""
        return self

    def kept_range(self) -> tuple[int, int]:
        """There is nothing that the death of a process could take."""
        return 0, 0

    def _with(self, tp: TopicPartition, log: ReplicaLog) -> "BrokerDisk":
        return BrokerDisk({**self.logs, tp: log})
