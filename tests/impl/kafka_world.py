"""Brokers in the simulated world, over a real ensemble, seen as a cluster that `kafka_watch.Watch` can watch."""

from typing import Any

from attrs import frozen

from impl.effects import Receive, TimerFired
from impl.world.config import WorldConfig
from impl.world.faults import FaultPlan
from impl.world.record import StepRecord
from impl.world.simulator import SimulationConfig, Simulator
from impl.world.workload import Workload
from impl.world.world import World
from impl.zk_controller import messages
from impl.zk_controller.config import SECOND, Config
from impl.zk_controller.effects import BrokerDisk
from impl.zk_controller.state import BrokerState
from impl.zookeeper.apply import apply
from impl.zookeeper.state import BROADCAST, Leading
from impl.zookeeper.tree import DataTree, empty_tree
from tests.impl.kafka_quiet import check_quiet
from tests.impl.kafka_watch import Committed, Stepped, Watch


@frozen
class Handle:
    """A broker's session, as its client library knows it."""

    session: int | None


@frozen
class View:
    """A broker at this moment."""

    config: Config
    disk: BrokerDisk
    state: BrokerState | None
    handle: Handle


class Store:
    """The tree with all that is committed."""

    def __init__(self) -> None:
        self.tree: DataTree = empty_tree()


class WorldCluster:
    """An observer of a world, to which watchers can be attached."""

    def __init__(self, config: WorldConfig) -> None:
        self.answers: dict[int, messages.ResponseBody] = {}
        self.watchers: list[Stepped] = []
        self.commit_watchers: list[Committed] = []
        self.store = Store()
        self.steps = 0
        self._config = config
        self._world: World | None = None
        self._states: dict[int, BrokerState | None] = {}

    def __call__(self, world: World, record: StepRecord) -> None:
        """After every step of the world: what was committed, and what a broker has done."""
        self._world = world
        node = record.node
        if node in world.voters:
            self._look_at_server(world, node)
        elif node in self._config.broker_addresses:
            self._look_at_broker(world, record)

    def _look_at_server(self, world: World, node: int) -> None:
        """What a leader that serves has in its tree is committed; its log says how it came there."""
        state = world.state(node)
        if state is None or not isinstance(state.role, Leading) or state.role.phase != BROADCAST:
            return
        reached = state.database.tree.last_zxid
        for txn in state.log:
            if self.store.tree.last_zxid < txn.zxid <= reached:
                before = self.store.tree
                self.store.tree, _outcome = apply(before, txn)
                self._committed(before, self.store.tree, txn.header.session)
        if self.store.tree.last_zxid < reached:
            before, self.store.tree = self.store.tree, state.database.tree
            self._committed(before, self.store.tree, 0)

    def _committed(self, before: DataTree, after: DataTree, session: int) -> None:
        for watcher in self.commit_watchers:
            watcher(before, after, session, None)

    def _look_at_broker(self, world: World, record: StepRecord) -> None:
        """The steps that the library hands on are seen as one, of the event that came from outside."""
        process = world.state(record.node)
        before = self._states.get(record.node)
        after = None if process is None else process.application
        self._states[record.node] = after
        self.steps += 1
        if after is not None and after is not before:
            event: Any = record.event if isinstance(record.event, Receive | TimerFired) else TimerFired("start")
            if isinstance(event, Receive) and not isinstance(event.message, messages.Message):
                event = TimerFired("library")
            for watcher in self.watchers:
                watcher(self, record.node, before, event, after)

    @property
    def brokers(self) -> dict[int, View]:
        """All brokers, as they are now."""
        return {broker: self._view(broker) for broker in self._config.broker_addresses}

    def _view(self, broker: int) -> View:
        assert self._world is not None, "the world has not begun"
        process = self._world.state(broker)
        state = None if process is None else process.application
        session = None if process is None else process.library.session or None
        config = Config(broker, self._config.broker_addresses, self._config.broker_settings)
        return View(config, self._world.disk(broker), state, Handle(session))

    def broker_of(self, session: int) -> View | None:
        """The broker that has a session."""
        views = (self._view(broker) for broker in self._config.broker_addresses)
        return next((view for view in views if session and view.handle.session == session), None)


def brokers_on_ensemble(
    faults: FaultPlan, *, steps: int = 15_000, bug: str | None = None, clients: int = 2, nodes: int = 3
) -> SimulationConfig:
    """Three servers, three brokers, some clients, and enough quiet for all to agree."""
    world = WorldConfig(nodes=nodes, clients=clients, brokers=3, mode="zookeeper", bug=bug)
    workload = Workload(topics=("orders", "payments"), think_min=50_000, think_max=400_000)
    return SimulationConfig(world, workload, faults, steps=steps, quiet_steps=60_000, quiet_time=20 * SECOND)


def watched_run(seed: int, config: SimulationConfig) -> tuple[Simulator, Watch]:
    """A run under watch, with the look at the end whether all agree. Raises Broken where something does not hold."""
    cluster = WorldCluster(config.world)
    watch = Watch(cluster)
    simulator = Simulator(seed, config, observers=[cluster])
    run = simulator.run()
    assert run.finished, f"seed {seed}: the quiet period was too short"
    check_quiet(watch)
    return simulator, watch
