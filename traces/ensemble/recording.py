"""A run of an ensemble as data: what the world did, choice by choice, what that looked like, and what it shows.

It is the form of a run that needs no spec: what clients see goes through election, broadcast and service at once, and Zab's promises
(`promises.py`) speak of the implementation.
"""

from collections.abc import Sequence

from attrs import field, frozen

from impl.effects import Receive, TimerFired
from impl.world.choices import KIND_OF, Choice, ClientOp, CrashDuring, Cut, Drop, Heal
from impl.world.config import WorldConfig
from impl.world.history import HistoryEvent
from impl.world.record import StepRecord
from impl.world.world import World
from impl.world.zookeeper.snapshot import NodeSnapshot
from impl.zookeeper.transactions import show_zxid


@frozen
class Row:
    """One step: what happened, what a client asked or was told in it (or ""), and the servers after it, in ascending order."""

    did: str
    told: str
    servers: tuple[str, ...]


@frozen
class Recording:
    """`choices` lead to `rows`, one each; the last one shows `property`, of this kind (`traces.trace`): why is `because`."""

    config: WorldConfig = field(repr=False)
    property: str
    kind: str
    because: str
    engine: str
    seed: int | None
    choices: tuple[Choice, ...] = field(repr=False)
    rows: tuple[Row, ...] = field(repr=False)


class Recorder:
    """An observer of the world that keeps choices and rows."""

    def __init__(self) -> None:
        self.choices: list[Choice] = []
        self.rows: list[Row] = []
        self._events = 0

    def __call__(self, world: World, record: StepRecord) -> None:
        """Keep one step."""
        servers = list(self.rows[-1].servers) if self.rows else [describe(world, node) for node in world.voters]
        if record.node in world.voters:
            servers[record.node - 1] = describe(world, record.node)
        told = "; ".join(told_text(event) for event in world.history[self._events :])
        self._events = len(world.history)
        self.choices.append(record.choice)
        self.rows.append(Row(did_text(world, record), told, tuple(servers)))


def describe(world: World, node: int) -> str:
    """A server in a few words: `LEADING BROADCAST 1.3 logged 1.4`."""
    snapshot: NodeSnapshot = world.snapshot_node(node)
    if snapshot.status == "down":
        return "down"
    role = " ".join(word for word in (snapshot.role, snapshot.phase) if word)
    logged = show_zxid(snapshot.log[-1].zxid) if snapshot.log else "nothing"
    paused = " (paused)" if snapshot.status == "paused" else ""
    return f"{role} {show_zxid(snapshot.last_processed)} logged {logged}{paused}"


def did_text(world: World, record: StepRecord) -> str:
    """What happened: the message that arrived, the thread or timer that ran, or the choice."""
    choice = record.choice
    match record.event, choice:
        case Receive(message), _:
            text = str(message)
        case TimerFired(timer), _:
            text = f"{record.node} {timer}"
        case _, Drop(message_id):
            text = f"lost: {world.sent[message_id]}"
        case _, ClientOp(client, operation):
            text = f"{client} asks for {operation}"
        case _, Cut(src, dst) | Heal(src, dst):
            text = f"{KIND_OF[type(choice)]} {src}->{dst}"
        case _:
            text = f"{KIND_OF[type(choice)]} {record.node}"
    return f"{text}, and {record.node} crashes" if isinstance(choice, CrashDuring) and record.event else text


def told_text(event: HistoryEvent) -> str:
    """What a client asked, or was told: `p0 read("t") ok version=1 zxid=1.2`."""
    found = event.value if isinstance(event.value, dict) else {}
    words = [f"p{event.process}", f'{event.f}("{event.key}")', event.type]
    words += [event.error] if event.error else []
    if event.type == "invoke":
        words += [] if event.value is None else [str(event.value)]
    elif found.get("exists", True) is False:
        words.append("absent")
    else:
        words += [f"version={found['version']}"] if "version" in found else []
    words += [f"at={show_zxid(found['zxid'])}"] if "zxid" in found else []
    return " ".join(words)


def recorded_lines(rows: Sequence[Row]) -> tuple[str, ...]:
    """A line per step, and indented below it what clients asked or were told, and the servers that changed."""
    lines: list[str] = []
    before: tuple[str, ...] = ()
    for number, row in enumerate(rows, 1):
        lines.append(f"{number}  {row.did}")
        lines += [f"    client {row.told}"] if row.told else []
        old = before or ("",) * len(row.servers)
        changed = [(node, text) for node, text in enumerate(row.servers, 1) if text != old[node - 1]]
        lines += [f"    server {node}: {text}" for node, text in changed]
        before = row.servers
    return tuple(lines)
