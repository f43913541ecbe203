"""What brokers and clients say to each other. Source: clients/src/main/resources/common/message, the fields that matter here.

A response carries the correlation id of its request. Deviation: produce and fetch are about one partition each.
"""

from typing import TypeAlias

from attrs import frozen

from impl.effects import Entry
from impl.operations import Operation
from impl.zk_controller.names import Acks, Error, LeaderAndIsr, TopicPartition

# ------------------------------------------------------------------------------------------- from the controller to a broker


@frozen
class LeaderAndIsrPartition:
    """What a broker is told of a replica that it holds. LeaderAndIsrPartitionState."""

    tp: TopicPartition
    topic_id: str | None
    state: LeaderAndIsr
    replicas: tuple[int, ...]
    is_new: bool = False


@frozen
class LeaderAndIsrRequest:
    """Lead or follow these partitions. `leaders`: the live leaders among them."""

    controller: int
    controller_epoch: int
    broker_epoch: int
    partitions: tuple[LeaderAndIsrPartition, ...]
    leaders: tuple[int, ...] = ()


@frozen
class PartitionMetadata:
    """What everybody is told of a partition. UpdateMetadataPartitionState; leader -2: it is deleted."""

    tp: TopicPartition
    topic_id: str | None
    leader: int
    leader_epoch: int
    isr: tuple[int, ...]
    partition_epoch: int
    controller_epoch: int
    replicas: tuple[int, ...]


@frozen
class UpdateMetadataRequest:
    """The live brokers, and what has changed about partitions."""

    controller: int
    controller_epoch: int
    broker_epoch: int
    live_brokers: tuple[int, ...]
    partitions: tuple[PartitionMetadata, ...] = ()


@frozen
class StopReplicaPartition:
    """A replica to stop and perhaps delete; `leader_epoch` -2 during the deletion of its topic."""

    tp: TopicPartition
    leader_epoch: int
    delete: bool


@frozen
class StopReplicaRequest:
    """Stop these replicas."""

    controller: int
    controller_epoch: int
    broker_epoch: int
    partitions: tuple[StopReplicaPartition, ...]


ControlRequest: TypeAlias = LeaderAndIsrRequest | UpdateMetadataRequest | StopReplicaRequest


@frozen
class ControlResponse:
    """The answer to any of them: an error for all, or one a partition."""

    error: Error
    partitions: tuple[tuple[TopicPartition, Error], ...] = ()


# ------------------------------------------------------------------------------------------- from a broker to the controller


@frozen
class AlterPartitionRequest:
    """A leader asks for another ISR. KIP-497.

    `member_epochs` are the broker epochs of the members as the leader knows them (KIP-903); 3.9 sends none in this mode.
    """

    broker: int
    broker_epoch: int
    tp: TopicPartition
    topic_id: str | None
    leader_epoch: int
    isr: tuple[int, ...]
    partition_epoch: int
    recovering: bool = False
    member_epochs: tuple[tuple[int, int], ...] = ()


@frozen
class AlterPartitionResponse:
    """The state as the controller has written it, or why not."""

    error: Error
    tp: TopicPartition
    state: LeaderAndIsr | None = None


@frozen
class ControlledShutdownRequest:
    """A broker wants to stop."""

    broker: int
    broker_epoch: int


@frozen
class ControlledShutdownResponse:
    """The partitions that it still leads; none: it may stop."""

    error: Error
    remaining: tuple[TopicPartition, ...] = ()


@frozen
class AllocateProducerIdsRequest:
    """A broker wants a block of producer ids."""

    broker: int
    broker_epoch: int


@frozen
class AllocateProducerIdsResponse:
    """The block: its first id and how many."""

    error: Error
    first: int = 0
    count: int = 0


# ------------------------------------------------------------------------------------------------------------ between replicas


@frozen
class FetchRequest:
    """A follower asks for what comes after its log; what it has is thereby acknowledged.

    `last_epoch` is the epoch of its last record (-1: none), by which the leader sees where the logs part (KIP-595).
    """

    replica: int
    tp: TopicPartition
    leader_epoch: int
    offset: int
    last_epoch: int
    broker_epoch: int = -1


@frozen
class FetchResponse:
    """Records from the offset on, or the end of an epoch in the leader's log with which the follower's does not agree."""

    error: Error
    tp: TopicPartition
    leader_epoch: int
    offset: int
    entries: tuple[Entry, ...] = ()
    high_watermark: int = 0
    diverging: tuple[int, int] | None = None


# ------------------------------------------------------------------------------------------------------------ from a client


@frozen
class ProduceRequest:
    """Append a record."""

    tp: TopicPartition
    value: str
    acks: Acks


@frozen
class ProduceResponse:
    """Where it is, or why not; after an error it may be there all the same."""

    error: Error
    tp: TopicPartition
    offset: int = -1
    leader_epoch: int = -1


@frozen
class MetadataRequest:
    """An operation on topics and their configurations, as the simulated clients ask for it.

    `assignment`: the replicas of every partition of a topic to create; without it the broker places them.
    """

    operation: Operation
    assignment: tuple[tuple[int, ...], ...] = ()


@frozen
class MetadataResponse:
    """How it ended: an error, or what there is now (exists, version of the configuration, its value)."""

    error: Error
    exists: bool = False
    version: int = 0
    value: int | str | None = None


@frozen
class ReassignRequest:
    """Move a partition to other brokers; None cancels. AlterPartitionReassignments, KIP-455."""

    tp: TopicPartition
    target: tuple[int, ...] | None


@frozen
class ReassignResponse:
    """Whether it has begun (or been cancelled)."""

    error: Error


@frozen
class ProducerIdRequest:
    """A producer wants an id. InitProducerId."""


@frozen
class ProducerIdResponse:
    """The id."""

    error: Error
    producer_id: int = -1


BrokerRequest: TypeAlias = AlterPartitionRequest | ControlledShutdownRequest | AllocateProducerIdsRequest
BrokerResponse: TypeAlias = AlterPartitionResponse | ControlledShutdownResponse | AllocateProducerIdsResponse
ClientBody: TypeAlias = ProduceRequest | MetadataRequest | ReassignRequest | ProducerIdRequest
ClientAnswer: TypeAlias = ProduceResponse | MetadataResponse | ReassignResponse | ProducerIdResponse
RequestBody: TypeAlias = ControlRequest | BrokerRequest | FetchRequest | ClientBody
ResponseBody: TypeAlias = ControlResponse | BrokerResponse | FetchResponse | ClientAnswer


@frozen
class Message:
    """One request or response on its way."""

    src: int
    dst: int
    correlation: int
    body: RequestBody | ResponseBody

    def __str__(self) -> str:
        return f"{self.src}->{self.dst} {type(self.body).__name__} #{self.correlation}"


@frozen
class Caller:
    """Whom to answer: where a request came from, and its correlation id there."""

    address: int
    correlation: int
