"""ZooKeeper as a system of the simulated world."""

from typing import Any

from attrs import evolve

from impl.operations import Operation
from impl.world.applications import Application
from impl.world.config import WorldConfig
from impl.world.connections import ConnectionNetwork
from impl.world.system import Reply, Started, System, Tally
from impl.world.zookeeper.brokers import Broker, BrokerClient
from impl.world.zookeeper.disk import Disk
from impl.world.zookeeper.process import ClientProcess, ProcessSnapshot, ProcessState
from impl.world.zookeeper.snapshot import NodeSnapshot, plain, snapshot_of
from impl.world.zookeeper.topics import TopicClient
from impl.zk_controller.bugs import BUGS as BROKER_BUGS
from impl.zookeeper.bugs import rules_with
from impl.zookeeper.client import ClientSettings
from impl.zookeeper.effects import DISK_EFFECTS, Committed, Established, TruncateTxnLog
from impl.zookeeper.messages import ClientRequest, ClientResponse
from impl.zookeeper.node import step
from impl.zookeeper.recovery import recover
from impl.zookeeper.service import Service
from impl.zookeeper.service_rules import SERVICE_BUGS
from impl.zookeeper.state import Config, Settings


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


def _settings_of(config: WorldConfig) -> Settings:
    """The settings of the servers; a bug of the service is one of their state machine. Raises ValueError where it is another."""
    bug = SERVICE_BUGS.get(config.bug or "")
    if bug is None:
        return config.ensemble
    if not isinstance(config.ensemble.machine, Service):
        raise ValueError(f"{bug.id} is a bug of the service: the ensemble must replicate the service's data tree")
    return evolve(config.ensemble, machine=Service(bug.rules))


def _processes_of(config: WorldConfig) -> dict[int, ClientProcess]:
    """Clients with sessions, brokers and their clients, and applications, by address."""
    settings = ClientSettings(config.voters, config.session_timeout)
    bug = config.bug if config.bug in BROKER_BUGS else None
    brokers, clients = config.broker_addresses, config.client_addresses
    placed: list[tuple[int, Application]] = []
    if brokers:
        placed += [
            (address, BrokerClient(address, index, config.clients, brokers, config.client_timings))
            for index, address in enumerate(clients)
        ]
    elif config.has_sessions:
        placed += [(address, TopicClient(index, config.clients)) for index, address in enumerate(clients)]
    placed += [(address, Broker(brokers, config.broker_settings, bug)) for address in brokers]
    placed += zip(config.application_addresses, config.applications, strict=True)
    return {address: ClientProcess(application, address, settings) for address, application in placed}


class ZooKeeperSystem(System):
    """An ensemble of servers, numbered from 1, with connections between them, and the processes of its clients."""

    disk_effects = DISK_EFFECTS

    def __init__(self, config: WorldConfig) -> None:
        rules = rules_with(None if config.brokers and config.bug in BROKER_BUGS else config.bug)
        settings = _settings_of(config)
        self._machine = settings.machine
        self._configs = {node: Config(node, config.voters, settings, rules) for node in config.voters}
        self._processes = _processes_of(config)
        self.processes = tuple(self._processes)
        workers = [address for address, process in self._processes.items() if process.application.takes_operations]
        self.workers = tuple(workers) if workers else None

    def recover(self, node: int, disk: Any, incarnation: int) -> Started:
        """QuorumPeer.start, or the start of a client's process."""
        if node in self._processes:
            return self._processes[node].start(disk, incarnation)
        return recover(self._configs[node], disk.durable(incarnation))

    def step(self, node: int, state: Any, event: Any, now: int) -> Started:
        """One step of one of the server's threads, or of a client's process."""
        if node in self._processes:
            return self._processes[node].step(state, event)
        return step(state, event, now)

    def empty_disk(self, node: int) -> Any:
        """An initialised disk: no files, no log, no snapshot; for an application, its own."""
        return self._processes[node].application.empty_disk() if node in self._processes else Disk()

    def is_idle(self, address: int, state: ProcessState) -> bool:
        """See `Application`."""
        return self._processes[address].application.is_idle(state.application)

    def network(self) -> ConnectionNetwork:
        """TCP connections between learners and leader, mailboxes for the election."""
        return ConnectionNetwork()

    def snapshot(self, node: int, status: str, disk: Any, state: Any, timers: tuple[str, ...]) -> Any:
        """See `NodeSnapshot` and `ProcessSnapshot`."""
        if node in self._processes:
            return ProcessSnapshot(node, status, disk, state, timers)
        return snapshot_of(node, status, disk, state, timers)

    def plain(self, value: object) -> Any:
        """A node snapshot, or that of a process, as JSON."""
        if isinstance(value, ProcessSnapshot):
            return value.plain(self._processes[value.node])
        return plain(value, self._machine) if isinstance(value, NodeSnapshot) else value

    def request(self, client: int, node: int, correlation_id: int, operation: Operation) -> ClientRequest:
        """A ClientRequest, to any server."""
        return ClientRequest(client, node, correlation_id, operation)

    def reply(self, message: Any) -> Reply | None:
        """A connection loss is "unknown"; a server that does not serve sends the client elsewhere.

        An answer also says which server gave it: a client that moves has no session that moves with it.
        """
        if not isinstance(message, ClientResponse):
            return None
        answer = None if message.answer is None else {**message.answer, "server": message.src}
        return Reply(message.cxid, message.outcome, answer, message.error)

    def tally(self) -> ZooKeeperTally:
        """See `ZooKeeperTally`."""
        return ZooKeeperTally()
