"""What a controller's event queue holds, and what its thread puts out. Source: kafka.controller.ControllerEvent.

An event never carries what a watch was about: data is read when the event is processed (KAFKA-5502, KAFKA-5879).
"""

from typing import Any, TypeAlias

from attrs import frozen

from impl.zk_controller.messages import (
    AllocateProducerIdsRequest,
    AlterPartitionRequest,
    Caller,
    ControlledShutdownRequest,
    ControlRequest,
    ReassignRequest,
    ResponseBody,
)
from impl.zk_controller.names import Error, LeaderAndIsr, TopicPartition


@frozen
class Startup:
    """The process has registered: stand for election."""


@frozen
class ControllerChange:
    """/controller was created or changed."""


@frozen
class Reelect:
    """/controller was deleted."""


@frozen
class RegisterBrokerAndReelect:
    """There is a new session: register in it, and stand for election."""


@frozen
class Expire:
    """The session is gone: resign, before there is a new one."""


@frozen
class BrokerChange:
    """Children of /brokers/ids came or went."""


@frozen
class TopicChange:
    """Children of /brokers/topics came or went."""


@frozen
class PartitionModifications:
    """A topic's znode was changed."""

    topic: str


@frozen
class TopicDeletion:
    """There are requests to delete topics."""


@frozen
class IsrChangeNotification:
    """Leaders have changed ISRs by themselves, and say so."""


@frozen
class PartitionReassignmentIsrChange:
    """The state znode of a partition that is being reassigned has changed."""

    tp: TopicPartition


@frozen
class StopReplicaResponseReceived:
    """A broker has answered a request to delete replicas, which was for this epoch of it.

    TopicDeletionStopReplicaResponseReceived.
    """

    broker: int
    broker_epoch: int
    partitions: tuple[tuple[TopicPartition, Error], ...]


@frozen
class AutoPreferredReplicaLeaderElection:
    """Time to see whether leaders are spread as preferred."""


@frozen
class FromBroker:
    """A request of a broker to the controller, with whom to answer. AlterPartitionReceived, ControlledShutdown, ..."""

    caller: Caller
    request: AlterPartitionRequest | ControlledShutdownRequest | AllocateProducerIdsRequest | ReassignRequest


ActiveEvent: TypeAlias = (
    BrokerChange
    | TopicChange
    | PartitionModifications
    | TopicDeletion
    | IsrChangeNotification
    | PartitionReassignmentIsrChange
    | StopReplicaResponseReceived
    | AutoPreferredReplicaLeaderElection
)
"""What only the active controller handles."""

ControllerEvent: TypeAlias = (
    Startup | ControllerChange | Reelect | RegisterBrokerAndReelect | Expire | FromBroker | ActiveEvent
)

# ------------------------------------------------------------------------------------------- what a thread of a broker puts out


@frozen
class AddChannel:
    """Have a queue and a sending thread for a broker. ControllerChannelManager.addBroker."""

    broker: int


@frozen
class RemoveChannel:
    """Give up what is queued for a broker. ControllerChannelManager.removeBroker."""

    broker: int


@frozen
class CloseChannels:
    """Give up everything that is queued. ControllerChannelManager.shutdown."""


@frozen
class Enqueue:
    """Send a request to a broker, after those before it. ControllerChannelManager.sendRequest.

    `watched`: the controller wants to hear of the answer.
    """

    broker: int
    request: ControlRequest
    watched: bool = False


@frozen
class ReplyTo:
    """Answer a request."""

    caller: Caller
    body: ResponseBody


@frozen
class PutEvent:
    """Put an event into the controller's queue."""

    event: ControllerEvent


@frozen
class StartTimer:
    """Have a timer fire, in µs."""

    name: str
    duration: int


@frozen
class StopTimer:
    """Have it not fire."""

    name: str


@frozen
class Registered:
    """The broker is registered: its epoch, and the session that owns the registration."""

    broker_epoch: int
    session: int | None


@frozen
class ConfigApplied:
    """A topic's configuration was read: version of its znode (None: there is none), contents, number of the notification."""

    topic: str
    version: int | None
    values: tuple[tuple[str, Any], ...]
    change: int | None


@frozen
class IsrWritten:
    """What became of a leader's own write of a state: the new version; None: it was refused. Legacy, before IBP 2.7-IV2."""

    tp: TopicPartition
    wanted: LeaderAndIsr
    version: int | None


Output: TypeAlias = (
    AddChannel
    | RemoveChannel
    | CloseChannels
    | Enqueue
    | ReplyTo
    | PutEvent
    | StartTimer
    | StopTimer
    | Registered
    | ConfigApplied
    | IsrWritten
)
