"""The metadata state machine: every operation takes effect where its record is committed."""

import pytest

from impl.effects import FatalError
from impl.kraft.messages import Error
from impl.kraft.metadata import Metadata, Result, Topic
from impl.kraft.records import Command, LeaderChange, payload_to_json
from impl.operations import Operation, operation_from_json, operation_to_json


def _results(*operations: Operation) -> list[Result | None]:
    state, results = Metadata(), []
    for number, operation in enumerate(operations):
        state, result = state.apply(Command(101, number, operation))
        results.append(result)
    return results


def test_topics_are_created_once_and_deleted_once() -> None:
    """CreateTopics and DeleteTopics: a topic exists or not, the error says which, and the version never goes back."""
    create, delete, read = Operation("create_topic", "t"), Operation("delete_topic", "t"), Operation("read", "t")

    assert _results(read, create, create, read, delete, delete, create, read) == [
        Result(Error.NONE, Topic()),
        Result(Error.NONE, Topic(True, 1)),
        Result(Error.TOPIC_ALREADY_EXISTS, Topic(True, 1)),
        Result(Error.NONE, Topic(True, 1)),
        Result(Error.NONE, Topic(False, 2)),
        Result(Error.UNKNOWN_TOPIC_OR_PARTITION, Topic(False, 2)),
        Result(Error.NONE, Topic(True, 3)),
        Result(Error.NONE, Topic(True, 3)),
    ]


def test_each_write_of_a_configuration_raises_the_version_of_its_topic() -> None:
    """A configuration belongs to a topic that exists; every write counts, also of the same value; topics are independent."""
    assert _results(
        Operation("set_config", "k", 5),
        Operation("create_topic", "k"),
        Operation("set_config", "k", 5),
        Operation("set_config", "k", 5),
        Operation("set_config", "other", 1),
        Operation("read", "k"),
    ) == [
        Result(Error.UNKNOWN_TOPIC_OR_PARTITION, Topic()),
        Result(Error.NONE, Topic(True, 1)),
        Result(Error.NONE, Topic(True, 2, 5)),
        Result(Error.NONE, Topic(True, 3, 5)),
        Result(Error.UNKNOWN_TOPIC_OR_PARTITION, Topic()),
        Result(Error.NONE, Topic(True, 3, 5)),
    ]


def test_conditional_update_needs_the_version_it_expects() -> None:
    """A compare-and-set on the version: INVALID_UPDATE_VERSION changes nothing, and an absent topic has no version to match."""
    assert _results(
        Operation("update", "k", 1, 0),
        Operation("create_topic", "k"),
        Operation("update", "k", 1, 1),
        Operation("update", "k", 2, 1),
        Operation("update", "k", 3, 2),
        Operation("read", "k"),
    ) == [
        Result(Error.UNKNOWN_TOPIC_OR_PARTITION, Topic()),
        Result(Error.NONE, Topic(True, 1)),
        Result(Error.NONE, Topic(True, 2, 1)),
        Result(Error.INVALID_UPDATE_VERSION, Topic(True, 2, 1)),
        Result(Error.NONE, Topic(True, 3, 3)),
        Result(Error.NONE, Topic(True, 3, 3)),
    ]


def test_a_deleted_topic_loses_its_configuration() -> None:
    """Re-creating a topic starts without a configuration, at a version that was never seen before."""
    assert _results(
        Operation("create_topic", "k"),
        Operation("set_config", "k", 5),
        Operation("delete_topic", "k"),
        Operation("create_topic", "k"),
    )[-1] == Result(Error.NONE, Topic(True, 4, None))


def test_leader_change_changes_no_metadata() -> None:
    """Control records are not for the metadata state machine."""
    state = Metadata({"k": Topic(True, 2, 5)})

    assert state.apply(LeaderChange(1, (1, 2, 3), (1, 2))) == (state, None)


def test_a_state_machine_refuses_what_is_no_record() -> None:
    """A foreign payload in the metadata log is fatal (KAFKA-14275: a record that cannot be replayed ends the process)."""
    with pytest.raises(FatalError, match="not a metadata record: 'x'"):
        Metadata().apply("x")


def test_operation_must_make_sense() -> None:
    """An operation names a known function, and a version exactly where one is compared."""
    with pytest.raises(ValueError, match="unknown function 'drop'; one of create_topic"):
        Operation("drop", "k")
    with pytest.raises(ValueError, match="expected_version belongs to update"):
        Operation("update", "k", 1)
    with pytest.raises(ValueError, match="expected_version belongs to update"):
        Operation("read", "k", expected_version=1)


@pytest.mark.parametrize(
    "operation", [Operation("read", "k"), Operation("set_config", "k", "v"), Operation("update", "k", 1, 0)]
)
def test_operation_survives_json(operation: Operation) -> None:
    """Traces store operations as JSON."""
    assert operation_from_json(operation_to_json(operation)) == operation


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], r"^\$\.operation: an operation must be an object, found list$"),
        ({"f": "read"}, r"^\$\.operation\.key: required"),
        ({"key": "k"}, r"^\$\.operation\.f: required"),
        ({"f": "read", "key": "k", "at": 1}, r"^\$\.operation: unknown field 'at'"),
        (
            {"f": "set_config", "key": "k", "value": True},
            r"^\$\.operation\.value: an integer, a string or null, found bool$",
        ),
        ({"f": "update", "key": "k", "expected_version": "1"}, r"^\$\.operation\.expected_version: an integer or null"),
        ({"f": "fly", "key": "k"}, r"^\$\.operation: operation: unknown function 'fly'"),
    ],
)
def test_operation_from_bad_json(data: object, message: str) -> None:
    """A wrong operation in a trace is refused with its path."""
    with pytest.raises(ValueError, match=message):
        operation_from_json(data, "$.operation")


def test_payload_as_json() -> None:
    """Both kinds of records have a JSON form; anything else is a programming error."""
    assert payload_to_json(LeaderChange(1, (1, 2), (2,))) == {
        "leader_change": 1,
        "voters": [1, 2],
        "granting_voters": [2],
    }
    assert payload_to_json(Command(101, 7, Operation("set_config", "k", 5))) == {
        "client": 101,
        "request": 7,
        "f": "set_config",
        "key": "k",
        "value": 5,
    }
    with pytest.raises(TypeError, match="not a payload"):
        payload_to_json(5)
