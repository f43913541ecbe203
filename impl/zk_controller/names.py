"""What the parts of a cluster are called, and what is known of one partition."""

from enum import Enum

from attrs import frozen

NO_LEADER = -1
LEADER_DURING_DELETE = -2
EPOCH_DURING_DELETE = -2
NO_EPOCH = -1
NO_CONTROLLER = -1


@frozen(order=True)
class TopicPartition:
    """One partition of a topic."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}"


@frozen(order=True)
class Replica:
    """One copy of a partition, on one broker. PartitionAndReplica."""

    tp: TopicPartition
    broker: int


@frozen
class LeaderAndIsr:
    """Leadership of a partition, as in its state znode. LeaderIsrAndControllerEpoch.

    leader            a broker, or -1
    leader_epoch      counts elections, and removals from the ISR made by a controller
    isr               the in-sync replicas, in the order in which they were written
    partition_epoch   the version of the znode
    controller_epoch  of the controller that wrote it last, or under which a leader did
    recovering        elected from outside of the ISR and not yet declared whole (LeaderRecoveryState)
    """

    leader: int
    leader_epoch: int
    isr: tuple[int, ...]
    partition_epoch: int
    controller_epoch: int
    recovering: bool = False


@frozen
class Assignment:
    """Which brokers hold a partition; the first replica is the preferred leader. ReplicaAssignment (KIP-455).

    While a reassignment runs, `replicas` is the target and then what is to go, `adding` and `removing` the difference.
    """

    replicas: tuple[int, ...]
    adding: tuple[int, ...] = ()
    removing: tuple[int, ...] = ()

    @property
    def is_being_reassigned(self) -> bool:
        """Whether replicas come or go."""
        return bool(self.adding or self.removing)

    @property
    def origin(self) -> tuple[int, ...]:
        """The replicas before the reassignment. originReplicas."""
        return without(self.replicas, self.adding)

    @property
    def target(self) -> tuple[int, ...]:
        """The replicas after it. targetReplicas."""
        return without(self.replicas, self.removing)

    def reassign_to(self, target: tuple[int, ...]) -> "Assignment":
        """On the way to `target`, from wherever it is. ReplicaAssignment.reassignTo."""
        union = (*target, *without(self.origin, target))
        return Assignment(union, without(target, self.origin), without(self.origin, target))


class Acks(Enum):
    """When a producer is answered: once the leader has the record, or once it is committed."""

    LEADER = 1
    ALL = -1


class Error(Enum):
    """How a request between brokers, or of a client, ended. org.apache.kafka.common.protocol.Errors."""

    NONE = "NONE"
    NOT_CONTROLLER = "NOT_CONTROLLER"
    STALE_CONTROLLER_EPOCH = "STALE_CONTROLLER_EPOCH"
    STALE_BROKER_EPOCH = "STALE_BROKER_EPOCH"
    FENCED_LEADER_EPOCH = "FENCED_LEADER_EPOCH"
    UNKNOWN_LEADER_EPOCH = "UNKNOWN_LEADER_EPOCH"
    NOT_LEADER_OR_FOLLOWER = "NOT_LEADER_OR_FOLLOWER"
    UNKNOWN_TOPIC_OR_PARTITION = "UNKNOWN_TOPIC_OR_PARTITION"
    INCONSISTENT_TOPIC_ID = "INCONSISTENT_TOPIC_ID"
    TOPIC_ALREADY_EXISTS = "TOPIC_ALREADY_EXISTS"
    INVALID_UPDATE_VERSION = "INVALID_UPDATE_VERSION"
    INVALID_REQUEST = "INVALID_REQUEST"
    INVALID_REPLICA_ASSIGNMENT = "INVALID_REPLICA_ASSIGNMENT"
    INELIGIBLE_REPLICA = "INELIGIBLE_REPLICA"
    BROKER_NOT_AVAILABLE = "BROKER_NOT_AVAILABLE"
    NOT_ENOUGH_REPLICAS = "NOT_ENOUGH_REPLICAS"
    NOT_ENOUGH_REPLICAS_AFTER_APPEND = "NOT_ENOUGH_REPLICAS_AFTER_APPEND"
    OFFSET_OUT_OF_RANGE = "OFFSET_OUT_OF_RANGE"
    REQUEST_TIMED_OUT = "REQUEST_TIMED_OUT"
    UNKNOWN_SERVER_ERROR = "UNKNOWN_SERVER_ERROR"


def without(brokers: tuple[int, ...], gone: tuple[int, ...]) -> tuple[int, ...]:
    """Those that are not among `gone`, in their order."""
    return tuple(broker for broker in brokers if broker not in gone)
