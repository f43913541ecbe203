"""What the tests of the implementation share: nodes by themselves, and a hand on a `World`."""

from impl.effects import Entry
from impl.kraft.log import Log
from impl.kraft.messages import Message
from impl.kraft.records import LeaderChange
from impl.kraft.rules import Rules
from impl.kraft.state import Config, NodeState, Role
from impl.operations import Operation
from impl.world.choices import ClientOp, Crash, Deliver, Fire, Restart
from impl.world.config import WorldConfig
from impl.world.kraft.snapshot import NodeSnapshot
from impl.world.record import StepRecord
from impl.world.world import World


class Hand:
    """Drives a world by hand, naming messages by sender, receiver and kind instead of by id."""

    def __init__(self, world: World) -> None:
        self.world = world

    def node(self, node: int) -> NodeSnapshot:
        """One node's snapshot."""
        return self.world.snapshot_node(node)

    def in_flight(self, *, src: int | None = None, dst: int | None = None, kind: type | None = None) -> list[int]:
        """The ids of the messages in flight that match."""
        return [
            message_id
            for message_id in self.world.network.in_flight()
            if (src is None or self.world.sent[message_id].src == src)
            and (dst is None or self.world.sent[message_id].dst == dst)
            and (kind is None or isinstance(self.world.sent[message_id], kind))
        ]

    def message(self, src: int, dst: int, kind: type) -> int:
        """The id of the newest message in flight from `src` to `dst` of that kind."""
        found = self.in_flight(src=src, dst=dst, kind=kind)
        assert found, f"no {kind.__name__} is in flight from {src} to {dst}"
        return found[-1]

    def deliver(self, src: int, dst: int, kind: type) -> StepRecord:
        """Deliver the newest message in flight from `src` to `dst` of that kind."""
        return self.world.apply(Deliver(self.message(src, dst, kind)))

    def fire(self, address: int, timer: str) -> StepRecord:
        """Let a timer expire."""
        return self.world.apply(Fire(address, timer))

    def exchange(self, *nodes: int, rounds: int = 50) -> None:
        """Deliver everything in flight among these nodes (and clients), oldest first, until nothing is left."""
        addresses = (*nodes, *self.world.client_addresses)
        for _ in range(rounds):
            ids = [
                message_id
                for message_id in self.world.network.in_flight()
                if self.world.sent[message_id].src in addresses and self.world.sent[message_id].dst in addresses
            ]
            if not ids:
                return
            self.world.apply(Deliver(ids[0]))
        raise AssertionError(f"still talking after {rounds} messages")

    def elect(self, node: int, *with_nodes: int) -> None:
        """Let `node` stand for election among `with_nodes` and become leader, its LeaderChange record not yet drained."""
        timers = self.world.armed(node)
        self.fire(node, "election" if "election" in timers else "fetch")
        self.exchange(node, *with_nodes)
        assert self.node(node).role == "Leader"

    def write(self, node: int, value: int, client: int = 101) -> None:
        """A client's write reaches the accumulator of `node`."""
        self.world.apply(ClientOp(client, Operation("create_topic", str(value)), node))
        self.world.apply(Deliver(self.in_flight(src=client, dst=node)[-1]))

    def power_cycle(self, node: int, kept: int | None = None) -> None:
        """Crash a node, keeping `kept` records (None: as few as possible), and start it again."""
        self.world.apply(Crash(node, self.world.kept_range(node)[0] if kept is None else kept))
        self.world.apply(Restart(node))

    def lines(self, record: StepRecord) -> list[str]:
        """The messages that a step sent, as text."""
        messages: list[Message] = [self.world.sent[message_id] for message_id in record.sent]
        return [str(message) for message in messages]


def cluster(nodes: int = 3, clients: int = 4, bug: str | None = None) -> Hand:
    """A hand on a new world of so many nodes and clients, with a bug or without."""
    return Hand(World(WorldConfig(nodes=nodes, clients=clients, bug=bug)))


def voter(
    role: Role,
    *epochs: int,
    node_id: int = 1,
    voters: tuple[int, ...] = (1, 2, 3),
    high_watermark: int | None = None,
    rules: Rules | None = None,
) -> NodeState:
    """A node in that role, whose log has one record of each of these epochs."""
    log = Log.recover(tuple(Entry(epoch, LeaderChange(2, voters, voters)) for epoch in epochs))
    config = Config(node_id, voters, rules=rules or Rules())
    return NodeState(config, role, log, 0, high_watermark=high_watermark)
