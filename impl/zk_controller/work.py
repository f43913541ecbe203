"""What the other threads of a broker do with ZooKeeper, besides the controller's."""

from typing import Any, TypeAlias

from attrs import frozen

from impl.zk_controller.config import Config
from impl.zk_controller.messages import Caller, MetadataRequest
from impl.zk_controller.names import LeaderAndIsr, TopicPartition


@frozen
class StartUp:
    """Create what every broker needs, register, read all configurations. KafkaServer.startup."""

    session: int | None


@frozen
class ReadChanges:
    """Read the notifications after number `last`, and what they are about. ZkNodeChangeNotificationListener.

    `everything`: read every topic's configuration first: at the start.
    """

    last: int
    everything: bool = False


@frozen
class ReadConfig:
    """Read the configuration of a topic that is new here. ZkConfigRepository."""

    topic: str


@frozen
class OperateOn:
    """Carry out a client's request in ZooKeeper. ZkAdminManager.

    `topic_id` is for a topic to create, `live` the brokers that may get its replicas.
    """

    caller: Caller
    request: MetadataRequest
    topic_id: str
    live: tuple[int, ...]


@frozen
class WriteIsr:
    """Write a state znode as its leader, if it still has the version that the leader knows (legacy)."""

    tp: TopicPartition
    wanted: LeaderAndIsr


@frozen
class Propagate:
    """Notify the controller of ISRs written (legacy). IsrChangePropagator."""

    changed: tuple[TopicPartition, ...]


BrokerWork: TypeAlias = StartUp | ReadChanges | ReadConfig | OperateOn | WriteIsr | Propagate


@frozen
class BrokerFacts:
    """What such a thread starts from."""

    config: Config
    broker_epoch: int


class BrokerThread:
    """What such a thread has put out so far."""

    __slots__ = ("config", "facts", "output")

    def __init__(self, facts: BrokerFacts) -> None:
        self.facts = facts
        self.config = facts.config
        self.output: list[Any] = []
