"""What Kafka writes into its znodes: JSON, byte for byte the same for the same content. Source: kafka.zk.ZkData.

Timestamps, endpoints and features are left out of the registrations: nothing that is modelled reads them.
"""

import json
from typing import Any

from attrs import frozen

from impl.zk_controller.names import Assignment, LeaderAndIsr, TopicPartition

PRODUCER_ID_BLOCK_SIZE = 1000


def _encode(content: object) -> bytes:
    return json.dumps(content, separators=(",", ":"), sort_keys=True).encode()


def _decode(data: bytes | None) -> Any:
    if data is None:
        raise ValueError("a znode without data where Kafka has written JSON")
    return json.loads(data)


def encode_controller(broker: int) -> bytes:
    """/controller. ControllerZNode."""
    return _encode({"version": 2, "brokerid": broker, "kraftControllerEpoch": -1})


def decode_controller(data: bytes | None) -> int:
    """The broker that /controller names."""
    return int(_decode(data)["brokerid"])


def encode_controller_epoch(epoch: int) -> bytes:
    """/controller_epoch: the number as text. ControllerEpochZNode."""
    return str(epoch).encode()


def decode_controller_epoch(data: bytes | None) -> int:
    """The epoch in /controller_epoch."""
    return int((data or b"").decode())


def encode_broker(broker: int) -> bytes:
    """/brokers/ids/N. BrokerIdZNode."""
    return _encode({"version": 5, "host": f"broker{broker}", "port": 9092})


@frozen
class TopicContent:
    """What a topic's znode holds: its id, and the assignment of every partition. TopicZNode."""

    topic_id: str | None
    assignments: tuple[tuple[int, Assignment], ...]


def encode_topic(content: TopicContent) -> bytes:
    """/brokers/topics/T, version 3."""
    assignments = content.assignments
    return _encode(
        {
            "version": 3,
            "topic_id": content.topic_id,
            "partitions": {str(number): assignment.replicas for number, assignment in assignments},
            "adding_replicas": {str(number): a.adding for number, a in assignments if a.adding},
            "removing_replicas": {str(number): a.removing for number, a in assignments if a.removing},
        }
    )


def decode_topic(data: bytes | None) -> TopicContent:
    """The inverse; partitions in ascending order."""
    content = _decode(data)
    adding, removing = content["adding_replicas"], content["removing_replicas"]
    assignments = tuple(
        (int(key), Assignment(tuple(replicas), tuple(adding.get(key, ())), tuple(removing.get(key, ()))))
        for key, replicas in sorted(content["partitions"].items(), key=lambda item: int(item[0]))
    )
    return TopicContent(content["topic_id"], assignments)


def encode_state(state: LeaderAndIsr) -> bytes:
    """/brokers/topics/T/partitions/P/state. TopicPartitionStateZNode."""
    content: dict[str, Any] = {
        "version": 1,
        "leader": state.leader,
        "leader_epoch": state.leader_epoch,
        "controller_epoch": state.controller_epoch,
        "isr": state.isr,
    }
    if state.recovering:
        content["leader_recovery_state"] = 1
    return _encode(content)


def decode_state(data: bytes | None, version: int) -> LeaderAndIsr:
    """The inverse; the version of the znode is the partition epoch."""
    content = _decode(data)
    return LeaderAndIsr(
        leader=content["leader"],
        leader_epoch=content["leader_epoch"],
        isr=tuple(content["isr"]),
        partition_epoch=version,
        controller_epoch=content["controller_epoch"],
        recovering=content.get("leader_recovery_state", 0) == 1,
    )


def encode_config(config: dict[str, Any]) -> bytes:
    """/config/topics/T. ConfigEntityZNode."""
    return _encode({"version": 1, "config": config})


def decode_config(data: bytes | None) -> dict[str, Any]:
    """The configuration in it."""
    config = _decode(data)["config"]
    return dict(config)


def encode_config_change(topic: str) -> bytes:
    """/config/changes/config_change_NNN. ConfigEntityChangeNotificationSequenceZNode."""
    return _encode({"version": 2, "entity_path": f"topics/{topic}"})


def decode_config_change(data: bytes | None) -> str:
    """The topic whose configuration has changed."""
    return str(_decode(data)["entity_path"]).partition("/")[2]


def encode_isr_change(changed: tuple[TopicPartition, ...]) -> bytes:
    """/isr_change_notification/isr_change_NNN. IsrChangeNotificationSequenceZNode."""
    return _encode({"version": 1, "partitions": [{"topic": tp.topic, "partition": tp.partition} for tp in changed]})


def decode_isr_change(data: bytes | None) -> tuple[TopicPartition, ...]:
    """The partitions whose ISR a leader has changed."""
    return tuple(TopicPartition(item["topic"], item["partition"]) for item in _decode(data)["partitions"])


@frozen
class ProducerIds:
    """A block of producer ids that belongs to one broker: first and last. ProducerIdsBlock."""

    broker: int
    first: int
    last: int


def encode_producer_ids(block: ProducerIds) -> bytes:
    """/latest_producer_id_block. ProducerIdBlockZNode."""
    content = {"version": 1, "broker": block.broker, "block_start": str(block.first), "block_end": str(block.last)}
    return _encode(content)


def decode_producer_ids(data: bytes | None) -> ProducerIds | None:
    """The newest block; None while none was ever given."""
    if not data:
        return None
    content = _decode(data)
    return ProducerIds(content["broker"], int(content["block_start"]), int(content["block_end"]))
