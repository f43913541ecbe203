"""ZooKeeper as a system of the simulated world."""

from typing import Any

from impl.effects import Event
from impl.operations import Operation
from impl.world.config import WorldConfig
from impl.world.connections import ConnectionNetwork
from impl.world.system import Reply, Started, System, Tally
from impl.world.zookeeper.disk import Disk
from impl.world.zookeeper.snapshot import NodeSnapshot, plain, snapshot_of
from impl.zookeeper.bugs import rules_with
from impl.zookeeper.effects import DISK_EFFECTS, Committed, Established, TruncateTxnLog
from impl.zookeeper.messages import ClientRequest, ClientResponse
from impl.zookeeper.node import step
from impl.zookeeper.recovery import recover
from impl.zookeeper.state import Config, NodeState


class ZooKeeperTally(Tally):
    """Transactions committed by leaders, epochs established, logs truncated."""

    def add(self, node: int, effects: tuple[Any, ...]) -> None:
        """Count one step of a server."""
        for effect in effects:
            match effect:
                case Committed():
                    self.committed += 1
                case Established():
                    self.elections += 1
                case TruncateTxnLog():
                    self.truncations += 1
                case _:
                    pass


class ZooKeeperSystem(System):
    """An ensemble of servers, numbered from 1, with connections between them."""

    disk_effects = DISK_EFFECTS

    def __init__(self, config: WorldConfig) -> None:
        rules = rules_with(config.bug)
        self._machine = config.ensemble.machine
        self._configs = {node: Config(node, config.voters, config.ensemble, rules) for node in config.voters}

    def recover(self, node: int, disk: Disk, incarnation: int) -> Started:
        """QuorumPeer.start."""
        return recover(self._configs[node], disk.durable(incarnation))

    def step(self, state: NodeState, event: Event[Any]) -> Started:
        """One step of one of the server's threads."""
        return step(state, event)

    def empty_disk(self) -> Disk:
        """An initialised disk: no files, no log, no snapshot."""
        return Disk()

    def network(self) -> ConnectionNetwork:
        """TCP connections between learners and leader, mailboxes for the election."""
        return ConnectionNetwork()

    def snapshot(
        self, node: int, status: str, disk: Disk, state: NodeState | None, timers: tuple[str, ...]
    ) -> NodeSnapshot:
        """See `NodeSnapshot`."""
        return snapshot_of(node, status, disk, state, timers)

    def plain(self, value: object) -> Any:
        """A node snapshot as JSON."""
        return plain(value, self._machine) if isinstance(value, NodeSnapshot) else value

    def request(self, client: int, node: int, correlation_id: int, operation: Operation) -> ClientRequest:
        """A ClientRequest, to any server."""
        return ClientRequest(client, node, correlation_id, operation)

    def reply(self, message: Any) -> Reply | None:
        """A connection loss is "unknown"; a server that does not serve sends the client elsewhere."""
        if not isinstance(message, ClientResponse):
            return None
        return Reply(message.cxid, message.outcome, message.answer, message.error)

    def tally(self) -> ZooKeeperTally:
        """See `ZooKeeperTally`."""
        return ZooKeeperTally()
