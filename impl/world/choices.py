"""Everything that can happen next in the world, as data: what a scheduler chooses, a trace stores and a test drives.

Every choice may carry `at`: the virtual time in microseconds at which it happens (None: now; a timer: at its deadline,
if that is later). The clock never goes back.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

from attrs import field, fields, frozen

from impl.operations import Operation, operation_from_json, operation_to_json


@frozen
class Deliver:
    """A message in flight arrives."""

    message_id: int
    at: int | None = field(default=None, kw_only=True)


@frozen
class Drop:
    """A message in flight is lost."""

    message_id: int
    at: int | None = field(default=None, kw_only=True)


@frozen
class Duplicate:
    """A message in flight arrives, and a copy of it stays in flight. Not for messages from or to a client."""

    message_id: int
    at: int | None = field(default=None, kw_only=True)


@frozen
class Redeliver:
    """Any message that was ever sent arrives (again), be it delivered, lost or in flight.

    Not for messages from or to a client.

    Clients speak TCP: a request that was delivered twice would be executed twice, which no client of Kafka guards
    against.
    """

    message_id: int
    at: int | None = field(default=None, kw_only=True)


@frozen
class Fire:
    """An armed timer of a node (or of a client, by its address) expires, early or late: clocks drift."""

    node: int
    timer: str
    at: int | None = field(default=None, kw_only=True)


@frozen
class Crash:
    """Power loss of a node. `kept` records of its log survive: at least the flushed ones, at most all."""

    node: int
    kept: int
    at: int | None = field(default=None, kw_only=True)


@frozen
class Restart:
    """A node that is down starts from its disk."""

    node: int
    at: int | None = field(default=None, kw_only=True)


@frozen
class Pause:
    """A node stops for a while (garbage collection, SIGSTOP): it receives nothing and its timers do not fire."""

    node: int
    at: int | None = field(default=None, kw_only=True)


@frozen
class Resume:
    """A paused node goes on."""

    node: int
    at: int | None = field(default=None, kw_only=True)


@frozen
class Cut:
    """The link from `src` to `dst` (this direction only) is cut: messages sent from now on are lost."""

    src: int
    dst: int
    at: int | None = field(default=None, kw_only=True)


@frozen
class Heal:
    """The link from `src` to `dst` works again."""

    src: int
    dst: int
    at: int | None = field(default=None, kw_only=True)


@frozen
class ClientOp:
    """An idle client invokes an operation, at `node` or (None) at the node it takes for the leader."""

    client: int
    operation: Operation
    node: int | None = None
    at: int | None = field(default=None, kw_only=True)


@frozen
class CrashDuring:
    """A node crashes in the middle of a step: of the effects of `choice`, only the first `after` are carried out.

    `kept` records of the log, as those effects left it, survive. The time is that of `choice`.
    """

    choice: "Deliver | Duplicate | Redeliver | Fire | Restart"
    after: int
    kept: int

    @property
    def at(self) -> int | None:
        """The time of the choice during which the node crashes."""
        return self.choice.at


NodeChoice: TypeAlias = Deliver | Duplicate | Redeliver | Fire | Restart
Choice: TypeAlias = (
    Deliver
    | Drop
    | Duplicate
    | Redeliver
    | Fire
    | Crash
    | CrashDuring
    | Restart
    | Pause
    | Resume
    | Cut
    | Heal
    | ClientOp
)

KINDS: dict[str, type] = {
    "deliver": Deliver,
    "drop": Drop,
    "duplicate": Duplicate,
    "redeliver": Redeliver,
    "fire": Fire,
    "crash": Crash,
    "crash_during": CrashDuring,
    "restart": Restart,
    "pause": Pause,
    "resume": Resume,
    "cut": Cut,
    "heal": Heal,
    "client_op": ClientOp,
}
"""The name of each kind of choice, in JSON and in counts."""

KIND_OF: dict[type, str] = {cls: kind for kind, cls in KINDS.items()}

_NESTED_KINDS = ("deliver", "duplicate", "redeliver", "fire", "restart")


class ChoiceError(ValueError):
    """A choice that is malformed, or that the world does not offer now. The message says which, why and what would do."""


def choice_to_json(choice: Choice) -> dict[str, Any]:
    """A choice as a plain JSON object: its kind and its fields; `at` and `node` are left out when they are None."""
    data: dict[str, Any] = {"kind": KIND_OF[type(choice)]}
    for attribute in fields(type(choice)):
        value = getattr(choice, attribute.name)
        if value is None:
            continue
        if isinstance(value, Operation):
            data[attribute.name] = operation_to_json(value)
        elif attribute.name == "choice":
            data[attribute.name] = choice_to_json(value)
        else:
            data[attribute.name] = value
    return data


def choice_from_json(data: object, where: str = "$") -> Choice:
    """The inverse of `choice_to_json`. Raises ChoiceError with the path of what is wrong and what is expected there."""
    return _decode(data, where, tuple(KINDS))


def _decode(data: object, where: str, kinds: tuple[str, ...]) -> Choice:
    if not isinstance(data, Mapping):
        raise ChoiceError(f"{where}: a choice must be an object, found {type(data).__name__}")
    kind = data.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        raise ChoiceError(f"{where}.kind: one of {', '.join(kinds)}, found {kind!r}")
    attributes = fields(KINDS[kind])
    names = [attribute.name for attribute in attributes]
    unknown = sorted(str(name) for name in data if name != "kind" and name not in names)
    if unknown:
        raise ChoiceError(f"{where}: unknown field {unknown[0]!r} of a {kind}; its fields are {', '.join(names)}")
    arguments: dict[str, Any] = {}
    for attribute in attributes:
        name = attribute.name
        optional = name in ("at", "node") and attribute.default is None
        if data.get(name) is None:
            if not optional:
                raise ChoiceError(f"{where}.{name}: required field of a {kind} is missing")
            continue
        arguments[name] = _decode_field(name, data[name], f"{where}.{name}")
    choice: Choice = KINDS[kind](**arguments)
    return choice


def _decode_field(name: str, value: object, where: str) -> object:
    if name == "choice":
        return _decode(value, where, _NESTED_KINDS)
    if name == "operation":
        try:
            return operation_from_json(value, where)
        except ValueError as error:
            raise ChoiceError(str(error)) from None
    if name == "timer":
        if not isinstance(value, str):
            raise ChoiceError(f"{where}: a timer's name must be a string, found {type(value).__name__}")
        return value
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ChoiceError(f"{where}: a non-negative integer is required, found {value!r}")
    return value
