"""The metadata state machine: what the committed records mean.

Keys name independent objects. A topic exists or not; a configuration key (`resource/name`) has a value and a version, 0
before its first write. Every operation is a record, reads too, and takes effect where its record is committed, in log
order; that makes all of them linearizable.

Deviations from QuorumController, which validates a write when it is proposed, against an in-memory state that includes
uncommitted records, and answers reads from its last stable offset without asking a quorum (so that they may be stale):
here a write is validated when its record is applied, and a read is a record without effect. NoOpRecord, transactions
and snapshots of the state are left out.
"""

from collections.abc import Mapping

from attrs import field, frozen

from impl.effects import FatalError
from impl.kraft.messages import Error
from impl.kraft.records import Command, LeaderChange, Operation, Value


@frozen
class Result:
    """The outcome of an operation: an error or NONE; the version of the key afterwards; for a read, the value found.

    A topic reads as version 1 when it exists and 0 when it does not, with no value.
    """

    error: Error
    version: int = 0
    value: Value = None


@frozen
class Metadata:
    """The state at some offset: the topics in ascending order, and (version, value) per configuration key."""

    topics: tuple[str, ...] = ()
    configs: Mapping[str, tuple[int, Value]] = field(factory=dict)

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
        key = operation.key
        exists = key in self.topics
        version, value = self.configs.get(key, (0, None))
        match operation.f:
            case "create_topic":
                if exists:
                    return self, Result(Error.TOPIC_ALREADY_EXISTS)
                return Metadata(tuple(sorted((*self.topics, key))), self.configs), Result(Error.NONE, 1)
            case "delete_topic":
                if not exists:
                    return self, Result(Error.UNKNOWN_TOPIC_OR_PARTITION)
                return Metadata(tuple(topic for topic in self.topics if topic != key), self.configs), Result(
                    Error.NONE, 0
                )
            case "set_config":
                return self._put(key, version + 1, operation.value)
            case "update":
                if version != operation.expected_version:
                    return self, Result(Error.INVALID_UPDATE_VERSION, version)
                return self._put(key, version + 1, operation.value)
            case _:
                return self, Result(Error.NONE, 1) if exists else Result(Error.NONE, version, value)

    def _put(self, key: str, version: int, value: Value) -> tuple["Metadata", Result]:
        return Metadata(self.topics, {**self.configs, key: (version, value)}), Result(Error.NONE, version)
