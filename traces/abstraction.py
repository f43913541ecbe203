"""The abstraction: which state of the spec `kraft` a state of the implemented world stands for.

Only what a node *is* is abstracted (durable and volatile variables). Messages and history are not: conformance carries them along
by taking the spec's own steps (`conformance.py`).

| spec variable          | implementation (NodeSnapshot)                                                      |
|------------------------|------------------------------------------------------------------------------------|
| epoch, leader, voted_for | epoch, leader_id, voted_id of the role; of a node that is down: what is on its disk |
| role                   | role, in capitals; of a node that is down: the role it would recover to             |
| log                    | entries; a payload becomes a value: 0 for LeaderChange, else a number of its own    |
| flushed                | flushed                                                                             |
| last_epoch             | the epoch of log_end, from the epoch cache                                          |
| high_watermark         | high_watermark, 0 if not known                                                      |
| grants                 | granted (a candidate's, itself included)                                            |
| epoch_start, replica_end | a leader's, 0 where not known; its own end offset is left out                     |
| interrupted            | false: a power failure in the middle of a step is over when the step is             |

The implementation numbers nodes from 1, the spec from 0.
"""

from collections.abc import Callable
from typing import Any

from impl.effects import AppendEntries
from impl.effects import Entry as LogEntry
from impl.kraft.records import Command, LeaderChange
from impl.world.kraft.snapshot import NodeSnapshot
from impl.world.record import StepRecord
from impl.world.snapshot import WorldSnapshot
from impl.world.world import World
from model.kraft.state import Entry, KRaft, Role

NODE_VARIABLES = (
    "epoch",
    "leader",
    "voted_for",
    "log",
    "flushed",
    "role",
    "last_epoch",
    "high_watermark",
    "grants",
    "epoch_start",
    "replica_end",
    "interrupted",
)
"""The variables of the spec that describe nodes, in the order of the spec."""

PLACES = {name: place for place, name in enumerate(KRaft.variables)}
"""Where a variable stands in a plain frozen state."""

ROLES = {
    "Unattached": Role.UNATTACHED,
    "Voted": Role.VOTED,
    "Candidate": Role.CANDIDATE,
    "Leader": Role.LEADER,
    "Follower": Role.FOLLOWER,
    "Resigned": Role.RESIGNED,
}

Values = Callable[[Command], int]
"""Maps a client's record to the spec's value, 1 or more."""

NodePart = dict[str, tuple[Any, ...]]
"""The node variables of a spec state: name -> frozen value."""


class Numbering:
    """Numbers clients' records in the order in which they are met: equal records, equal values.

    As the first observer of a world (`meet`) it meets them in the order of the leaders' appends, also those that a crash loses before
    any log or message shows them; so two that observe the same run agree.
    """

    def __init__(self) -> None:
        self.numbers: dict[Command, int] = {}

    def meet(self, world: World, record: StepRecord) -> None:
        """Number what a step of the world appended."""
        for effect in record.effects:
            if isinstance(effect, AppendEntries):
                for entry in effect.entries:
                    value_of_payload(entry.payload, self)

    def __call__(self, command: Command) -> int:
        """The value of a record."""
        return self.numbers.setdefault(command, len(self.numbers) + 1)


def value_of_payload(payload: object, values: Values) -> int:
    """The spec's value of a record: 0 for a LeaderChange."""
    match payload:
        case LeaderChange():
            return 0
        case Command():
            return values(payload)
        case _:
            raise TypeError(f"no abstraction for the record {payload!r}")


def abstract_log(entries: tuple[LogEntry, ...], values: Values) -> tuple[Any, ...]:
    """A log as the spec has it."""
    return tuple(Entry(epoch=e.epoch, value=value_of_payload(e.payload, values)) for e in entries)


def _other(node_id: int | None) -> int | None:
    return None if node_id is None else node_id - 1


def abstract_nodes(snapshot: WorldSnapshot, values: Values) -> NodePart:
    """The node variables of the spec state that a world stands for."""
    nodes = snapshot.nodes
    size = len(nodes)

    def ends(node: NodeSnapshot) -> list[int]:
        known = {voter - 1: end or 0 for voter, end in node.replica_end_offsets if voter != node.node}
        return [known.get(other, 0) for other in range(size)]

    return {
        "epoch": tuple(n.epoch for n in nodes),
        "leader": tuple(_other(n.leader_id) for n in nodes),
        "voted_for": tuple(_other(n.voted_id) for n in nodes),
        "log": tuple(abstract_log(n.log, values) for n in nodes),
        "flushed": tuple(n.flushed for n in nodes),
        "role": tuple(ROLES[n.role] for n in nodes),
        "last_epoch": tuple(n.log_end[1] for n in nodes),
        "high_watermark": tuple(n.high_watermark or 0 for n in nodes),
        "grants": tuple(other + 1 in n.granted for n in nodes for other in range(size)),
        "epoch_start": tuple(n.epoch_start or 0 for n in nodes),
        "replica_end": tuple(end for n in nodes for end in ends(n)),
        "interrupted": (False,) * size,
    }


def node_part(frozen: tuple[Any, ...]) -> NodePart:
    """The node variables of a plain frozen spec state."""
    return {name: frozen[PLACES[name]] for name in NODE_VARIABLES}


def differences(expected: NodePart, found: NodePart) -> list[str]:
    """Where two node parts differ, in domain words: `role[n2]: LEADER, found FOLLOWER`."""
    lines = []
    size = len(expected["epoch"])
    for name in NODE_VARIABLES:
        for cell, (a, b) in enumerate(zip(expected[name], found[name], strict=True)):
            if a != b:
                where = f"n{cell + 1}" if len(expected[name]) == size else f"n{cell // size + 1},n{cell % size + 1}"
                lines.append(f"{name}[{where}]: {_show(name, a)}, found {_show(name, b)}")
    return lines


def _show(name: str, value: Any) -> str:
    if name == "log":
        return "[" + " ".join(f"{e.epoch}:{e.value}" for e in value) + "]"
    if name in ("leader", "voted_for"):
        return "-" if value is None else f"n{value + 1}"
    return str(value)
