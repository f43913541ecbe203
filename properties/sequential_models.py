"""Sequential models: what one client alone, one operation at a time, would be answered.

A history is linearizable with respect to such a model (Herlihy and Wing 1990). A model describes ONE object: the
checker partitions a history by key and starts each key in the model's first state.
"""

from collections.abc import Hashable
from typing import NamedTuple, Protocol, TypeAlias, TypeVar

from attrs import frozen

from properties.histories import Json, Operation

S = TypeVar("S", bound=Hashable)


class Model(Protocol[S]):
    """A deterministic sequential object. States are immutable, hashable and compared by `==`.

    An operation named `read`, and any operation answered with a definite error, leaves the state as it is.
    """

    def init(self) -> S:
        """The state before the first operation."""
        ...

    def step(self, state: S, operation: Operation) -> tuple[bool, S]:
        """Whether `operation` may be answered as it was in `state`, and the state after it.

        An operation whose outcome is unknown (`ret is None`) is always legal, and has the effect it would have here.
        """
        ...

    def may_still(self, state: S, operation: Operation) -> bool:
        """False only if `operation` is legal neither in `state` nor in any state that can follow it.

        Answering True always is correct; a model with something monotone in it (a version) can cut the search short.
        """
        ...

    def describe(self, state: S) -> str:
        """The state in the words of the domain."""
        ...

    def expected(self, state: S, operation: Operation) -> str:
        """The answer that `operation` would get in `state`, in the words of the domain."""
        ...


class MetadataState(NamedTuple):
    """One topic. A NamedTuple rather than an attrs class: states are hashed at each step, and tuples hash in C.

    exists   whether the topic is there
    version  successful writes (create, set_config, update, delete) so far, over all incarnations of the name
    value    the configuration; None after creation and while the topic is absent
    """

    exists: bool
    version: int
    value: str | int | None


@frozen
class MetadataModel:
    """A topic with a configuration and a version that counts up at each successful write and never goes back.

    Answers: create_topic on an existing topic is TOPIC_ALREADY_EXISTS; delete_topic, set_config and update on an absent
    one are UNKNOWN_TOPIC_OR_PARTITION; update with another version than the current one is INVALID_UPDATE_VERSION; a read of an absent
    topic is `exists=false` with the version of its deletion (0 if it never existed), or UNKNOWN_TOPIC_OR_PARTITION.
    """

    def init(self) -> MetadataState:
        """Never created: version 0."""
        return MetadataState(exists=False, version=0, value=None)

    def step(self, state: MetadataState, operation: Operation) -> tuple[bool, MetadataState]:
        """See Model.step; ValueError for an operation that is not one of the METADATA vocabulary."""
        error, after = self._apply(state, operation)
        if operation.ret is None:
            return True, after
        if operation.error is not None:
            absent_read = operation.f == "read" and not state.exists and operation.error == "UNKNOWN_TOPIC_OR_PARTITION"
            return operation.error == error or absent_read, state
        output = operation.output
        if error is not None or not isinstance(output, dict):
            return False, state
        if operation.f == "read":
            observed = (output.get("exists"), output.get("version"), output.get("value"))
            return observed == state, state
        return output.get("version") == after.version, after

    def may_still(self, state: MetadataState, operation: Operation) -> bool:
        """A version never comes back, so an answer that names this one is legal now or never, and a smaller one never."""
        if operation.ret is None or operation.error is not None or not isinstance(operation.output, dict):
            return True
        version = operation.output.get("version")
        if not isinstance(version, int):
            return True
        written = 0 if operation.f == "read" else 1  # a write answers with the version after it
        return version > state.version + written or self.step(state, operation)[0]

    def describe(self, state: MetadataState) -> str:
        """`topic at version 3 with value "a"`, `no topic (version 4)`."""
        if not state.exists:
            return f"no topic (version {state.version})"
        return f"topic at version {state.version} with {_value(state.value)}"

    def expected(self, state: MetadataState, operation: Operation) -> str:
        """An error name, `version 4`, or what a read would see."""
        error, after = self._apply(state, operation)
        if error is not None:
            return error
        return self.describe(state) if operation.f == "read" else f"version {after.version}"

    def _apply(self, state: MetadataState, operation: Operation) -> tuple[str | None, MetadataState]:
        """The error that the operation gets here, if any, and the state after it."""
        exists, version, _ = state
        f = operation.f
        if f == "read":
            return None, state
        if f == "create_topic":
            if exists:
                return "TOPIC_ALREADY_EXISTS", state
            return None, MetadataState(exists=True, version=version + 1, value=None)
        if f not in ("set_config", "update", "delete_topic"):
            raise ValueError(f"a metadata model has no operation {f!r}; check this history with the model it is for")
        if not exists:
            return "UNKNOWN_TOPIC_OR_PARTITION", state
        if f == "delete_topic":
            return None, MetadataState(exists=False, version=version + 1, value=None)
        argument: Json = operation.input
        if f == "update":
            expected, argument = _pair_of(operation)
            if expected != version:
                return "INVALID_UPDATE_VERSION", state
        return None, MetadataState(exists=True, version=version + 1, value=_scalar(argument))


RegisterState: TypeAlias = "str | int | None"


@frozen
class RegisterModel:
    """A register with read, write and compare-and-set (`cas`), for histories in general.

    Values are strings, integers and None. `cas` is answered ok if it found `expected`, else it fails: CAS_MISMATCH.
    """

    initial: RegisterState = None

    def init(self) -> RegisterState:
        """The value before the first write."""
        return self.initial

    def step(self, state: RegisterState, operation: Operation) -> tuple[bool, RegisterState]:
        """See Model.step; ValueError for an operation that is not one of the REGISTER vocabulary."""
        error, after = self._apply(state, operation)
        if operation.ret is None:
            return True, after
        if operation.f == "read" and operation.error is None:
            return operation.output == state, state
        return operation.error == error, after

    def may_still(self, state: RegisterState, operation: Operation) -> bool:
        """A register can come back to any value."""
        return True

    def describe(self, state: RegisterState) -> str:
        """`register with value 1`."""
        return f"register with {_value(state)}"

    def expected(self, state: RegisterState, operation: Operation) -> str:
        """An error name, the value that a read would see, or `ok`."""
        error, _ = self._apply(state, operation)
        return error or (_value(state) if operation.f == "read" else "ok")

    def _apply(self, state: RegisterState, operation: Operation) -> tuple[str | None, RegisterState]:
        if operation.f == "read":
            return None, state
        if operation.f == "write":
            return None, _scalar(operation.input)
        if operation.f == "cas":
            expected, value = _pair_of(operation)
            return (None, _scalar(value)) if expected == state else ("CAS_MISMATCH", state)
        raise ValueError(f"a register has no operation {operation.f!r}; check this history with the model it is for")


def _pair_of(operation: Operation) -> tuple[Json, Json]:
    argument = operation.input
    if not isinstance(argument, dict) or argument.keys() != {"expected", "value"}:
        raise ValueError(f'{operation.f} of {operation.key!r} needs {{"expected", "value"}}, not {argument!r}')
    return argument["expected"], argument["value"]


def _scalar(value: Json) -> RegisterState:
    if value is None or type(value) is str or type(value) is int:
        return value
    raise ValueError(f"a value is a string, an integer or null, not {value!r}")


def _value(value: str | int | None) -> str:
    if value is None:
        return "no value"
    return f'value "{value}"' if isinstance(value, str) else f"value {value}"
