"""The metadata state machine: every operation takes effect where its record is committed."""

import pytest

from impl.effects import FatalError
from impl.kraft.messages import Error
from impl.kraft.metadata import Metadata, Result
from impl.kraft.records import Command, LeaderChange, Operation, operation_from_json, operation_to_json, payload_to_json


def _results(*operations: Operation) -> list[Result | None]:
    state, results = Metadata(), []
    for number, operation in enumerate(operations):
        state, result = state.apply(Command(101, number, operation))
        results.append(result)
    return results


def test_topics_are_created_once_and_deleted_once() -> None:
    """CreateTopics and DeleteTopics: a topic exists or not, and the error says which."""
    create, delete, read = Operation("create_topic", "t"), Operation("delete_topic", "t"), Operation("read", "t")

    assert _results(read, create, create, read, delete, delete, read) == [
        Result(Error.NONE, 0),
        Result(Error.NONE, 1),
        Result(Error.TOPIC_ALREADY_EXISTS),
        Result(Error.NONE, 1),
        Result(Error.NONE, 0),
        Result(Error.UNKNOWN_TOPIC_OR_PARTITION),
        Result(Error.NONE, 0),
    ]


def test_each_write_of_a_configuration_raises_its_version() -> None:
    """A configuration key starts at version 0 without a value; every write counts, also of the same value."""
    assert _results(
        Operation("read", "k"),
        Operation("set_config", "k", 5),
        Operation("set_config", "k", 5),
        Operation("set_config", "other", 1),
        Operation("read", "k"),
    ) == [
        Result(Error.NONE, 0, None),
        Result(Error.NONE, 1),
        Result(Error.NONE, 2),
        Result(Error.NONE, 1),
        Result(Error.NONE, 2, 5),
    ]


def test_conditional_update_needs_the_version_it_expects() -> None:
    """A compare-and-set on the version: INVALID_UPDATE_VERSION changes nothing and tells the version."""
    assert _results(
        Operation("update", "k", 1, 0),
        Operation("update", "k", 2, 0),
        Operation("update", "k", 3, 1),
        Operation("read", "k"),
    ) == [
        Result(Error.NONE, 1),
        Result(Error.INVALID_UPDATE_VERSION, 1),
        Result(Error.NONE, 2),
        Result(Error.NONE, 2, 3),
    ]


def test_leader_change_changes_no_metadata() -> None:
    """Control records are not for the metadata state machine."""
    state = Metadata(("t",), {"k": (1, 2)})

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
