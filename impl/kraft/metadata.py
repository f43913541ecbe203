"""The metadata state machine: what the committed records mean.

Keys name topics, independent of each other. A topic exists or not, and has one configuration value and a version that counts
the successful writes of its name (creation, deletion, configuration) and never goes back. Every operation is a record, reads
too, and takes effect where its record is committed, in log order; that makes all of them linearizable.

Deviations from QuorumController, which validates a write when it is proposed, against an in-memory state that includes
uncommitted records, and answers reads from its last stable offset without asking a quorum (so that they may be stale):
here a write is validated when its record is applied, and a read is a record without effect. The version and the conditional
update stand for Kafka's several epochs and compare-and-set checks (partition epoch, INVALID_UPDATE_VERSION). NoOpRecord,
transactions and snapshots of the state are left out.
"""

from collections.abc import Mapping

from attrs import field, frozen

from impl.effects import FatalError
from impl.kraft.messages import Error
from impl.kraft.records import Command, LeaderChange
from impl.operations import Operation, Value


@frozen
class Topic:
    """One name: whether the topic exists, the version (successful writes so far), and its configuration (None: not set)."""

    exists: bool = False
    version: int = 0
    value: Value = None


@frozen
class Result:
    """The outcome of an operation: an error or NONE, and the topic afterwards."""

    error: Error
    topic: Topic = Topic()


@frozen
class Metadata:
    """The state at some offset: every name that was ever written."""

    topics: Mapping[str, Topic] = field(factory=dict)

    def apply(self, payload: object) -> tuple["Metadata", Result | None]:
        """The state after one record, and the result of its operation (None for a control record)."""
        match payload:
            case LeaderChange():
                return self, None
            case Command(operation=operation):
                return self._operate(operation)
            case _:
                raise FatalError(f"the metadata log holds a record that is not a metadata record: {payload!r}")

    def _operate(self, operation: Operation) -> tuple["Metadata", Result]:
        topic = self.topics.get(operation.key, Topic())
        error = _refusal(topic, operation)
        if error is not None:
            return self, Result(error, topic)
        match operation.f:
            case "create_topic":
                topic = Topic(True, topic.version + 1)
            case "delete_topic":
                topic = Topic(False, topic.version + 1)
            case "set_config" | "update":
                topic = Topic(True, topic.version + 1, operation.value)
            case _:
                return self, Result(Error.NONE, topic)
        return Metadata({**self.topics, operation.key: topic}), Result(Error.NONE, topic)


def _refusal(topic: Topic, operation: Operation) -> Error | None:
    """Why an operation cannot be done, if so."""
    match operation.f:
        case "read" | "sync_read":
            return None
        case "create_topic":
            return Error.TOPIC_ALREADY_EXISTS if topic.exists else None
        case "update" if topic.exists and topic.version != operation.expected_version:
            return Error.INVALID_UPDATE_VERSION
        case _:
            return None if topic.exists else Error.UNKNOWN_TOPIC_OR_PARTITION
