"""The sorts and records of the small specs on which the readings of the language are compared."""

from model.language import (
    Abstract,
    Enum,
    Node,
    Option,
    Ordinal,
    Record,
    member,
)


class Epoch(Ordinal, bound="epochs"):
    """A leader epoch."""


class Index(Ordinal, bound="log"):
    """A position in a log."""


class Position(Ordinal, bound="channel"):
    """A position in a channel."""


class Client(Abstract, bound="clients"):
    """A second abstract sort."""


class Role(Enum):
    """A role."""

    FOLLOWER = member()
    CANDIDATE = member()
    LEADER = member()


class Color(Enum):
    """A second enum, with a member spelled like one of Role."""

    RED = member()
    LEADER = member()


class Entry(Record):
    """An entry of a log."""

    epoch: Epoch
    by: Option[Node]


class Vote(Record):
    """A message."""

    voter: Node
    epoch: Epoch
    leader: Option[Node]
    role: Role


class Rpc(Record):
    """A message in a slot; `sender` is unset in an empty one."""

    kind: Role
    sender: Node
    epoch: Epoch
