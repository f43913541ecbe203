"""A hand on a world of ZooKeeper servers: messages by sender, receiver and kind; threads run when they are told to."""

from typing import Any

from attrs import evolve

from impl.effects import ConnectionClosed, Send
from impl.operations import Operation
from impl.world.choices import ClientOp, Crash, Cut, Deliver, Drop, Fire, Heal, Restart
from impl.world.config import WorldConfig
from impl.world.record import StepRecord
from impl.world.world import World
from impl.world.zookeeper.snapshot import NodeSnapshot
from impl.zookeeper.messages import Notification, Packet
from impl.zookeeper.state import Settings
from impl.zookeeper.transactions import show_zxid
from tests.impl.ensemble import MACHINE
from traces.ensemble.promises import Promises

THREADS = ("sync", "commit", "snapshot", "ack_new_leader")


class Servers:
    """Drives an ensemble by hand, under watch."""

    def __init__(
        self, nodes: int = 3, *, bug: str | None = None, clients: int = 1, settings: Settings | None = None
    ) -> None:
        ensemble = evolve(settings or Settings(), machine=MACHINE)
        self.watch = Promises()
        config = WorldConfig(nodes=nodes, clients=clients, bug=bug, mode="zookeeper", ensemble=ensemble)
        self.world = World(config, observers=[self.watch])

    def node(self, node: int) -> NodeSnapshot:
        """One server's snapshot."""
        snapshot: NodeSnapshot = self.world.snapshot_node(node)
        return snapshot

    def role(self, node: int) -> tuple[str | None, str | None]:
        """The role of a server and its phase."""
        snapshot = self.node(node)
        return snapshot.role, snapshot.phase

    def history(self, node: int) -> list[str]:
        """The zxids in the tree of a server."""
        return [show_zxid(txn.zxid) for txn in self.node(node).tree.journal]

    def log(self, node: int) -> list[str]:
        """The zxids in the log of a server."""
        return [show_zxid(txn.zxid) for txn in self.node(node).log]

    def deliverable(self, src: int | None, dst: int | None, kind: type | None = None) -> list[int]:
        """The ids of the messages that could arrive now."""
        world = self.world
        return [
            message_id
            for message_id in world.network.in_flight()
            if world.network.is_deliverable(message_id)
            and src in {None, world.sent[message_id].src}
            and dst in {None, world.sent[message_id].dst}
            and (kind is None or isinstance(world.sent[message_id], kind))
        ]

    def deliver(self, src: int, dst: int, kind: type) -> StepRecord:
        """Deliver the next message of that kind."""
        found = self.deliverable(src, dst, kind)
        assert found, f"no {kind.__name__} can arrive from {src} at {dst}"
        return self.world.apply(Deliver(found[0]))

    def fire(self, address: int, timer: str) -> StepRecord:
        """Let a timer expire."""
        return self.world.apply(Fire(address, timer))

    def talk(self, *nodes: int, stop: type | None = None, threads: tuple[str, ...] = THREADS) -> None:
        """Deliver among these servers and run their threads until nothing is left, or the next message is a `stop`."""
        addresses = (*nodes, *self.world.client_addresses)
        for _ in range(2_000):
            ids = [
                message_id
                for message_id in self.deliverable(None, None)
                if self.world.sent[message_id].dst in addresses
                and (self.world.sent[message_id].src in addresses)
                and (stop is None or not isinstance(self.world.sent[message_id], stop))
            ]
            due = [(node, timer) for node in nodes for timer in self.world.armed(node) if timer in threads]
            if ids:
                self.world.apply(Deliver(ids[0]))
            elif due:
                self.fire(*due[0])
            else:
                return
        raise AssertionError("still talking after 2000 steps")

    def vote(self, *nodes: int) -> None:
        """These servers tell each other their votes until they agree, and decide."""
        looking = [node for node in nodes if self.role(node)[0] == "LOOKING"]
        for node in looking:
            if "election" in self.world.armed(node):
                self.fire(node, "election")
        for _ in range(500):
            found = [
                message_id
                for message_id in self.deliverable(None, None, Notification)
                if self.world.sent[message_id].dst in nodes and self.world.sent[message_id].src in nodes
            ]
            if not found:
                break
            self.world.apply(Deliver(found[0]))
        for node in sorted(looking, reverse=True):
            if "finalize" in self.world.armed(node):
                self.fire(node, "finalize")

    def elect(self, *nodes: int) -> None:
        """These servers elect a leader, and get to serve."""
        self.vote(*nodes)
        self.talk(*nodes)

    def write(self, node: int, client: int = 101) -> None:
        """A client's request reaches a server; its key is new."""
        key = f"key-{self.world.counts['client_op']}"
        self.world.apply(ClientOp(client, Operation("create_topic", key), node))
        self.world.apply(Deliver(self.deliverable(client, node)[-1]))

    def ask(self, node: int, operation: Operation, client: int = 101) -> None:
        """A client's request reaches a server."""
        self.world.apply(ClientOp(client, operation, node))
        self.world.apply(Deliver(self.deliverable(client, node)[-1]))

    def stop(self, node: int, kept: int | None = None) -> None:
        """Power loss, and the others learn of it; `kept` transactions survive (None: only what is flushed)."""
        self.world.apply(Crash(node, self.world.kept_range(node)[0] if kept is None else kept))
        for message_id in self.deliverable(node, None, ConnectionClosed):
            self.world.apply(Deliver(message_id))

    def start(self, node: int) -> None:
        """A server starts from its disk."""
        self.world.apply(Restart(node))

    def hang_up(self, one: int, other: int) -> None:
        """The connection between two servers breaks, and both learn of it."""
        packets = [
            message_id
            for message_id in self.world.network.in_flight()
            if isinstance(self.world.sent[message_id], Packet)
            and {self.world.sent[message_id].src, self.world.sent[message_id].dst} == {one, other}
        ]
        assert packets, "nothing is in flight between them that could be lost"
        self.world.apply(Drop(packets[0]))
        for end in (one, other):
            for message_id in self.deliverable(None, end, ConnectionClosed):
                self.world.apply(Deliver(message_id))

    def part(self, *nodes: int) -> None:
        """Cut these servers off from all others."""
        for inside in nodes:
            for outside in self.world.voters:
                if outside not in nodes:
                    self.world.apply(Cut(inside, outside))
                    self.world.apply(Cut(outside, inside))

    def join(self) -> None:
        """Heal every link."""
        for src, dst in self.world.network.cuts():
            self.world.apply(Heal(src, dst))

    def found(self) -> list[str]:
        """The names of the checks of the watch that something broke."""
        return sorted({broken.name for broken in self.watch.findings})


def sent(record: StepRecord) -> list[Any]:
    """The messages that a step sent, in order."""
    return [effect.message for effect in record.effects if isinstance(effect, Send)]
