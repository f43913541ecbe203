"""Where Kafka keeps what in ZooKeeper. Source: kafka.zk.ZkData."""

from impl.zk_controller.names import TopicPartition

CONTROLLER = "/controller"
CONTROLLER_EPOCH = "/controller_epoch"
BROKER_IDS = "/brokers/ids"
TOPICS = "/brokers/topics"
DELETE_TOPICS = "/admin/delete_topics"
TOPIC_CONFIGS = "/config/topics"
CONFIG_CHANGES = "/config/changes"
CONFIG_CHANGE_PREFIX = f"{CONFIG_CHANGES}/config_change_"
ISR_CHANGES = "/isr_change_notification"
ISR_CHANGE_PREFIX = f"{ISR_CHANGES}/isr_change_"
PRODUCER_ID_BLOCK = "/latest_producer_id_block"

PERSISTENT = (
    "/brokers",
    BROKER_IDS,
    TOPICS,
    "/config",
    CONFIG_CHANGES,
    TOPIC_CONFIGS,
    "/admin",
    DELETE_TOPICS,
    ISR_CHANGES,
    PRODUCER_ID_BLOCK,
)
"""What every broker creates at its start if it is not there, parents first. ZkData.PersistentZkPaths.

Those for consumers, users, clients, ACLs, tokens and log directories are left out: nothing here uses them.
"""


def broker_id(broker: int) -> str:
    """The registration of a broker."""
    return f"{BROKER_IDS}/{broker}"


def topic(name: str) -> str:
    """The assignment of a topic."""
    return f"{TOPICS}/{name}"


def partitions(name: str) -> str:
    """The parent of a topic's partitions."""
    return f"{TOPICS}/{name}/partitions"


def partition(tp: TopicPartition) -> str:
    """The parent of a partition's state."""
    return f"{partitions(tp.topic)}/{tp.partition}"


def partition_state(tp: TopicPartition) -> str:
    """Leader and ISR of a partition."""
    return f"{partition(tp)}/state"


def topic_config(name: str) -> str:
    """The configuration of a topic."""
    return f"{TOPIC_CONFIGS}/{name}"


def delete_topic(name: str) -> str:
    """The request to delete a topic."""
    return f"{DELETE_TOPICS}/{name}"


def sequence_number(name: str) -> int:
    """The number of a sequential znode, from its name. ZkNodeChangeNotificationListener.changeNumber."""
    return int(name.rpartition("_")[2])
