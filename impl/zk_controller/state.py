"""What a broker's process knows."""

from typing import Any

from attrs import evolve, field, frozen

from impl.zk_controller.config import Config
from impl.zk_controller.context import ControllerContext
from impl.zk_controller.events import ControllerEvent, Enqueue
from impl.zk_controller.log import ReplicaLog
from impl.zk_controller.messages import Caller, PartitionMetadata
from impl.zk_controller.names import NO_CONTROLLER, NO_LEADER, TopicPartition
from impl.zk_controller.tasks import Task


@frozen
class Connection:
    """The ZooKeeper handle.

    connected      operations may be sent; `expired`: the handle is dead, and nothing can be done with it
    session        the id, once there is one; `registered_in` is that under which the broker registered last
    """

    connected: bool = False
    expired: bool = False
    session: int | None = None
    registered_in: int | None = None
    next_number: int = 1


@frozen
class Channel:
    """What the controller has for one broker: the head is being sent, under this correlation id, until it is answered.

    ControllerChannelManager, RequestSendThread.
    """

    queue: tuple[Enqueue, ...] = ()
    correlation: int | None = None


@frozen
class MetadataCache:
    """What the controllers have told by UpdateMetadata. ZkMetadataCache."""

    controller: int = NO_CONTROLLER
    live_brokers: tuple[int, ...] = ()
    partitions: dict[TopicPartition, PartitionMetadata] = field(factory=dict)


@frozen
class Follower:
    """What a leader knows of a replica: its log end, the leader's end at its last fetch, and whether it lags. Replica."""

    end: int = 0
    end_of_leader: int = 0
    lags: bool = False
    broker_epoch: int = -1


@frozen
class PendingIsr:
    """An ISR that a leader has asked for and that is not confirmed. PendingExpandIsr, PendingShrinkIsr.

    `correlation` is that of the request on its way. Once `given_up`, it stays pending until the next LeaderAndIsr.
    """

    isr: tuple[int, ...]
    expands: bool
    correlation: int | None = None
    given_up: bool = False


@frozen
class Waiting:
    """A producer that waits until the high watermark has passed its record."""

    offset: int
    caller: Caller


@frozen
class Partition:
    """A replica's role. `kafka.cluster.Partition`.

    isr          the last one confirmed by the state znode
    epoch_start  where the log ended when this leader epoch began
    fetching     the correlation id of the fetch on its way; `is_fetching` whether this follower fetches at all
    """

    leader: int = NO_LEADER
    leader_epoch: int = -1
    partition_epoch: int = -1
    controller_epoch: int = 0
    replicas: tuple[int, ...] = ()
    isr: tuple[int, ...] = ()
    recovering: bool = False
    epoch_start: int = 0
    pending: PendingIsr | None = None
    followers: dict[int, Follower] = field(factory=dict)
    waiting: tuple[Waiting, ...] = ()
    fetching: int | None = None
    is_fetching: bool = False

    @property
    def maximal_isr(self) -> tuple[int, ...]:
        """All that are in the ISR or may be: those who must have a record before it is committed."""
        return self.pending.isr if self.pending is not None and self.pending.expands else self.isr


@frozen
class TopicConfig:
    """A topic's configuration as read from its znode."""

    version: int
    values: tuple[tuple[str, Any], ...]


@frozen
class ProducerIdPool:
    """The rest of this broker's block, and who waits for another. RPCProducerIdManager."""

    next_id: int = 0
    left: int = 0
    correlation: int | None = None
    waiting: tuple[Caller, ...] = ()


@frozen
class Stopping:
    """A controlled shutdown in progress: the request on its way, and how many tries are left; `done`: the process may end."""

    tries: int
    correlation: int | None = None
    done: bool = False


@frozen
class BrokerState:
    """The whole state of a broker's process.

    broker_epoch      czxid of the registration; -1 before there is one
    started           registered once: it serves from then on
    tasks             what waits for ZooKeeper, by the name of the thread
    events            the controller's queue; `context` what its thread knew when it last waited
    controller_epoch  the highest that was seen in a control request
    heard             the newest control request of every broker, by its correlation id
    logs              mirror of the disk
    last_change       the newest configuration notification that was carried out. lastExecutedChange
    changed           partitions whose ISR was written here and not yet notified (legacy)
    """

    config: Config
    incarnation: int
    logs: dict[TopicPartition, ReplicaLog]
    next_correlation: int
    zk: Connection = Connection()
    broker_epoch: int = -1
    started: bool = False
    tasks: dict[str, Task[Any]] = field(factory=dict)
    events: tuple[ControllerEvent, ...] = ()
    context: ControllerContext = field(factory=ControllerContext)
    channels: dict[int, Channel] = field(factory=dict)
    controller_epoch: int = 0
    heard: dict[int, int] = field(factory=dict)
    cache: MetadataCache = MetadataCache()
    partitions: dict[TopicPartition, Partition] = field(factory=dict)
    configs: dict[str, TopicConfig] = field(factory=dict)
    last_change: int = -1
    changed: tuple[TopicPartition, ...] = ()
    producer_ids: ProducerIdPool = ProducerIdPool()
    stopping: Stopping | None = None
    created: int = 0

    def with_partition(self, tp: TopicPartition, partition: Partition) -> "BrokerState":
        """With another role of one replica."""
        return evolve(self, partitions={**self.partitions, tp: partition})


def leads(state: BrokerState, tp: TopicPartition) -> Partition | None:
    """The role of a replica, if it is the leader's."""
    partition = state.partitions.get(tp)
    return partition if partition is not None and partition.leader == state.config.broker else None
