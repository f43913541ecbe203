"""KRaft as a system of the simulated world."""

from typing import Any

from impl.effects import Deliver, Event, TruncateLog, WriteElectionState
from impl.kraft.bugs import rules_with
from impl.kraft.messages import ClientRequest, ClientResponse, Error
from impl.kraft.node import step
from impl.kraft.recovery import recover
from impl.kraft.state import Config, NodeState
from impl.operations import Operation
from impl.world.config import WorldConfig
from impl.world.kraft.disk import DISK_EFFECTS, Disk
from impl.world.kraft.snapshot import NodeSnapshot, plain, snapshot_of
from impl.world.system import Reply, Started, System, Tally


class KraftTally(Tally):
    """Records committed (the highest offset that any node delivered, exclusive), elections won, truncations."""

    def __init__(self) -> None:
        self._led: dict[int, int] = {}

    def add(self, node: int, effects: tuple[Any, ...]) -> None:
        """Count one step of a node."""
        for effect in effects:
            match effect:
                case Deliver(base_offset, entries):
                    self.committed = max(self.committed, base_offset + len(entries))
                case TruncateLog():
                    self.truncations += 1
                case WriteElectionState(state) if state.leader_id == node:
                    # A leader that restarts writes the same again, without leading.
                    if state.epoch > self._led.get(node, 0):
                        self._led[node] = state.epoch
                        self.elections += 1


class KraftSystem(System):
    """Voters, numbered from 1, on a datagram network."""

    disk_effects = DISK_EFFECTS

    def __init__(self, config: WorldConfig) -> None:
        voters = config.voters
        rules = rules_with(config.bug)
        self._configs = {node: Config(node, voters, config.timings, rules) for node in voters}

    def recover(self, node: int, disk: Disk, incarnation: int) -> Started:
        """QuorumState.initialize."""
        return recover(self._configs[node], disk.durable(incarnation))

    def step(self, node: int, state: NodeState, event: Event[Any], now: int) -> Started:
        """KafkaRaftClient.poll; of time it knows its timers only."""
        return step(state, event)

    def empty_disk(self, node: int) -> Disk:
        """No election state and no records."""
        return Disk()

    def may_duplicate(self, message: Any) -> bool:
        """Every message but one from or to a client."""
        return not isinstance(message, ClientRequest | ClientResponse)

    def snapshot(
        self, node: int, status: str, disk: Disk, state: NodeState | None, timers: tuple[str, ...]
    ) -> NodeSnapshot:
        """See `NodeSnapshot`."""
        if state is None:
            raise RuntimeError(f"node {node} cannot recover from its disk")
        return snapshot_of(node, status, disk, state, timers)

    def plain(self, value: object) -> Any:
        """Entries, election states and node snapshots as JSON."""
        return plain(value)

    def request(self, client: int, node: int, correlation_id: int, operation: Operation) -> ClientRequest:
        """A ClientRequest."""
        return ClientRequest(client, node, correlation_id, operation)

    def reply(self, message: Any) -> Reply | None:
        """NOT_CONTROLLER was not taken; NEW_LEADER_ELECTED was, and its leader lost its leadership."""
        if not isinstance(message, ClientResponse):
            return None
        error = None if message.error is Error.NONE else message.error.value
        outcome = _OUTCOMES.get(message.error, "fail")
        found = {"version": message.version, "exists": message.exists, "value": message.value}
        answer = found if outcome == "ok" else None
        return Reply(message.correlation_id, outcome, answer, error, message.leader_id)

    def tally(self) -> KraftTally:
        """See `KraftTally`."""
        return KraftTally()


_OUTCOMES = {Error.NONE: "ok", Error.NOT_CONTROLLER: "elsewhere", Error.NEW_LEADER_ELECTED: "unknown"}
