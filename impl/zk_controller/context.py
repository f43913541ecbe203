"""What a controller knows, in memory only: a new one reads it from ZooKeeper. Source: kafka.controller.ControllerContext."""

from enum import Enum

from attrs import define, field

from impl.zk_controller.names import NO_CONTROLLER, Assignment, LeaderAndIsr, Replica, TopicPartition


class PartitionState(Enum):
    """PartitionStateMachine."""

    NON_EXISTENT = "NonExistentPartition"
    NEW = "NewPartition"
    ONLINE = "OnlinePartition"
    OFFLINE = "OfflinePartition"


class ReplicaState(Enum):
    """ReplicaStateMachine."""

    NON_EXISTENT = "NonExistentReplica"
    NEW = "NewReplica"
    ONLINE = "OnlineReplica"
    OFFLINE = "OfflineReplica"
    DELETION_STARTED = "ReplicaDeletionStarted"
    DELETION_SUCCESSFUL = "ReplicaDeletionSuccessful"
    DELETION_INELIGIBLE = "ReplicaDeletionIneligible"


@define
class ControllerContext:
    """A working copy while a task runs; the one in a broker's state is never changed.

    active             the broker that is the controller, as far as this one knows; -1
    epoch              of one's own election; 0 while one is not the controller. `epoch_version` is that of the znode
    watching           the paths whose watches mean something now
    live               the registered brokers and their epochs, also those that are shutting down
    deletions          topics queued for deletion; `ineligible` for now, `deleting` those that are being deleted
    reassigning        partitions whose replicas are being moved
    """

    active: int = NO_CONTROLLER
    epoch: int = 0
    epoch_version: int = 0
    watching: tuple[str, ...] = ()
    live: dict[int, int] = field(factory=dict)
    shutting_down: tuple[int, ...] = ()
    topic_ids: dict[str, str | None] = field(factory=dict)
    assignments: dict[TopicPartition, Assignment] = field(factory=dict)
    leadership: dict[TopicPartition, LeaderAndIsr] = field(factory=dict)
    partition_states: dict[TopicPartition, PartitionState] = field(factory=dict)
    replica_states: dict[Replica, ReplicaState] = field(factory=dict)
    reassigning: tuple[TopicPartition, ...] = ()
    deletions: tuple[str, ...] = ()
    ineligible: tuple[str, ...] = ()
    deleting: tuple[str, ...] = ()

    def copy(self) -> "ControllerContext":
        """A copy that can be changed; what is inside is frozen."""
        return ControllerContext(
            self.active,
            self.epoch,
            self.epoch_version,
            self.watching,
            dict(self.live),
            self.shutting_down,
            dict(self.topic_ids),
            dict(self.assignments),
            dict(self.leadership),
            dict(self.partition_states),
            dict(self.replica_states),
            self.reassigning,
            self.deletions,
            self.ineligible,
            self.deleting,
        )

    @property
    def topics(self) -> tuple[str, ...]:
        """All topics, sorted. allTopics."""
        return tuple(sorted(self.topic_ids))

    @property
    def live_ids(self) -> tuple[int, ...]:
        """The live brokers that are not shutting down. liveBrokerIds."""
        return tuple(broker for broker in self.live if broker not in self.shutting_down)

    @property
    def live_or_shutting_down(self) -> tuple[int, ...]:
        """All that are registered. liveOrShuttingDownBrokerIds."""
        return tuple(self.live)

    def is_online(self, broker: int, *, or_shutting_down: bool = False) -> bool:
        """Whether the replicas of a broker can be used. isReplicaOnline (no offline log directories here)."""
        return broker in (self.live if or_shutting_down else self.live_ids)

    def partitions_of(self, topic: str) -> tuple[TopicPartition, ...]:
        """The partitions of a topic, in order. partitionsForTopic."""
        return tuple(sorted(tp for tp in self.assignments if tp.topic == topic))

    def replicas_of_topic(self, topic: str) -> tuple[Replica, ...]:
        """All replicas of a topic. replicasForTopic."""
        return tuple(Replica(tp, b) for tp in self.partitions_of(topic) for b in self.assignments[tp].replicas)

    def replicas_on(self, brokers: tuple[int, ...]) -> tuple[Replica, ...]:
        """All replicas on these brokers. replicasOnBrokers."""
        return tuple(
            Replica(tp, broker)
            for tp in sorted(self.assignments)
            for broker in self.assignments[tp].replicas
            if broker in brokers
        )

    def all_replicas(self) -> tuple[Replica, ...]:
        """Every replica."""
        return tuple(Replica(tp, broker) for tp in sorted(self.assignments) for broker in self.assignments[tp].replicas)

    def partition_state(self, tp: TopicPartition) -> PartitionState:
        """NonExistent unless something is known."""
        return self.partition_states.get(tp, PartitionState.NON_EXISTENT)

    def replica_state(self, replica: Replica) -> ReplicaState:
        """NonExistent unless something is known."""
        return self.replica_states.get(replica, ReplicaState.NON_EXISTENT)

    def replicas_in_state(self, topic: str, state: ReplicaState) -> tuple[Replica, ...]:
        """The replicas of a topic in a state. replicasInState."""
        return tuple(replica for replica in self.replicas_of_topic(topic) if self.replica_state(replica) is state)

    def remove_topic(self, topic: str) -> None:
        """Forget a topic. removeTopic."""
        gone = [tp for tp in self.assignments if tp.topic == topic]
        self.topic_ids.pop(topic, None)
        for tp in gone:
            self.assignments.pop(tp)
            self.leadership.pop(tp, None)
            self.partition_states.pop(tp, None)
        for replica in [replica for replica in self.replica_states if replica.tp.topic == topic]:
            self.replica_states.pop(replica)
        for names in ("deletions", "ineligible", "deleting"):
            setattr(self, names, tuple(name for name in getattr(self, names) if name != topic))
        self.reassigning = tuple(tp for tp in self.reassigning if tp.topic != topic)
