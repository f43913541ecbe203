"""What clients ask for: the operations on metadata, the same words in both modes, and their JSON form."""

from collections.abc import Mapping
from typing import Any

from attrs import frozen

Value = int | str | None
"""The value of a configuration key: an integer, a text, or None for a key that was never set."""

READS = ("read", "sync_read")
FUNCTIONS = ("create_topic", "delete_topic", "set_config", "update", *READS)
"""What a client can ask for. Keys name topics; `kraft/metadata.py` gives the meaning of each.

`read` is the plain read of the mode (in ZooKeeper mode: local, perhaps stale), `sync_read` one after a `sync`.
"""


@frozen
class Operation:
    """One operation of a client on the metadata: function, key, and for writes the value.

    `expected_version` is for `update` only: the version the key must have.
    """

    f: str
    key: str
    value: Value = None
    expected_version: int | None = None

    def __attrs_post_init__(self) -> None:
        if self.f not in FUNCTIONS:
            raise ValueError(f"operation: unknown function {self.f!r}; one of {', '.join(FUNCTIONS)}")
        if (self.f == "update") != (self.expected_version is not None):
            raise ValueError(f"operation {self.f}({self.key}): expected_version belongs to update, and only to update")

    @property
    def is_read(self) -> bool:
        """Whether it changes nothing."""
        return self.f in READS

    def __str__(self) -> str:
        arguments = [self.key]
        if self.expected_version is not None:
            arguments.append(f"v{self.expected_version}")
        if self.value is not None:
            arguments.append(str(self.value))
        return f"{self.f}({','.join(arguments)})"


def operation_to_json(operation: Operation) -> dict[str, Any]:
    """A plain JSON object; fields that do not apply are left out."""
    data: dict[str, Any] = {"f": operation.f, "key": operation.key}
    if operation.value is not None:
        data["value"] = operation.value
    if operation.expected_version is not None:
        data["expected_version"] = operation.expected_version
    return data


def operation_from_json(data: object, where: str = "$") -> Operation:
    """The inverse of `operation_to_json`; raises ValueError naming the path of what is wrong."""
    if not isinstance(data, Mapping):
        raise ValueError(f"{where}: an operation must be an object, found {type(data).__name__}")
    unknown = sorted(str(name) for name in data if name not in ("f", "key", "value", "expected_version"))
    if unknown:
        raise ValueError(f"{where}: unknown field {unknown[0]!r} of an operation")
    function, key = data.get("f"), data.get("key")
    value, expected = data.get("value"), data.get("expected_version")
    if not isinstance(function, str):
        raise ValueError(f"{where}.f: required, and a string")
    if not isinstance(key, str):
        raise ValueError(f"{where}.key: required, and a string")
    if isinstance(value, bool) or not isinstance(value, int | str | None):
        raise ValueError(f"{where}.value: an integer, a string or null, found {type(value).__name__}")
    if isinstance(expected, bool) or not isinstance(expected, int | None):
        raise ValueError(f"{where}.expected_version: an integer or null, found {type(expected).__name__}")
    try:
        return Operation(function, key, value, expected)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
