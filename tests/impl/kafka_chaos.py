"""Seeded runs of brokers on ZooKeeper under faults: a workload, faults, then quiet; what must hold is watched all the time."""

from attrs import frozen

from impl.operations import Operation
from impl.zk_controller import paths, znodes
from impl.zk_controller.bugs import config_with
from impl.zk_controller.config import SECOND, Settings
from impl.zk_controller.messages import MetadataRequest, ProduceRequest, ProducerIdRequest, ReassignRequest
from impl.zk_controller.names import Acks, TopicPartition
from impl.zk_controller.shutdown import BEGIN_TIMER
from impl.zookeeper.requests import Delete
from tests.impl.kafka_cluster import MILLI, Cluster, Delays
from tests.impl.kafka_quiet import check_quiet
from tests.impl.kafka_watch import Watch, require

SETTINGS = Settings(replica_lag=3 * SECOND, rebalance_delay=7 * SECOND, shutdown_backoff=2 * SECOND)
STAYS, COMES_AND_GOES = "stays", "moves"
"""Two topics: records go to the first, the second is created and deleted."""


@frozen
class Scenario:
    """How many rounds of so many µs, what can go wrong in one (weights), and how messages travel meanwhile."""

    rounds: int = 25
    length: int = 2 * SECOND
    faults: tuple[tuple[str, int], ...] = (
        ("nothing", 5),
        ("crash", 2),
        ("bounce", 2),
        ("pause", 2),
        ("blink", 3),
        ("expire", 2),
        ("cut", 1),
        ("shut down", 1),
        ("heal cuts", 3),
    )
    delays: Delays = Delays()
    quiet: int = 60 * SECOND
    only_moves: bool = False


ELECTIONS = Scenario(rounds=15, faults=(("depose", 3), ("depose a sleeper", 3), ("nothing", 1)))
DEPOSED = Scenario(rounds=15, faults=(("depose", 1),), quiet=20 * SECOND)
LOSSY = Scenario(rounds=8, length=4 * SECOND, faults=(("pause", 2), ("bounce", 1)), delays=Delays(lost=150))
MOVES = Scenario(rounds=20, length=SECOND, faults=(("bounce", 1), ("nothing", 2)), only_moves=True)
RESTARTS = Scenario(rounds=6, faults=(("stop two", 1),))


class Chaos:
    """One run. `run` raises Broken where something does not hold."""

    def __init__(
        self, seed: int, bug: str | None = None, scenario: Scenario | None = None, settings: Settings = SETTINGS
    ) -> None:
        self.scenario = scenario or Scenario()
        ids = (1, 2, 3)
        configs = tuple(config_with(bug, broker, ids, settings) for broker in ids)
        self.cluster = Cluster(configs, seed)
        self.watch = Watch(self.cluster, unclean=settings.unclean, legacy=not configs[0].settings.alter_partition)
        self.value = 0

    def run(self) -> Watch:
        """The whole run; what was watched."""
        cluster, scenario = self.cluster, self.scenario
        for broker in cluster.brokers:
            cluster.at(cluster.draw(SECOND), "call", lambda broker=broker: cluster.start(broker))
        cluster.run_for(3 * SECOND)
        replicas = ((1, 2, 3), (2, 3, 1))
        cluster.ask(1, MetadataRequest(Operation("create_topic", STAYS), replicas))
        cluster.run_for(2 * SECOND)
        cluster.delays = scenario.delays
        for _ in range(scenario.rounds):
            self._go_wrong()
            for _ in range(4):
                self._use()
                cluster.run_for(scenario.length // 4)
                self.watch.collect()
                self.watch.check_acknowledged()
        cluster.heal()
        cluster.run_for(scenario.quiet)
        self._settle()
        return self.watch

    def _settle(self) -> None:
        """Start who stopped by itself, wait, and look whether all agree; then use the cluster once more."""
        cluster = self.cluster
        self.watch.collect()
        check_quiet(self.watch)
        self.watch.check_acknowledged()
        correlation = self._produce(TopicPartition(STAYS, 0), Acks.ALL, cluster.draw(3) + 1)
        cluster.run_for(2 * SECOND)
        answered = correlation in cluster.answers
        require("a producer is answered", answered, correlation)
        self.watch.collect()

    def _use(self) -> None:
        """A client asks for something."""
        cluster = self.cluster
        broker = cluster.draw(3) + 1
        match cluster.draw(4 if self.scenario.only_moves else 12):
            case 0:
                replicas = ((1, 2, 3), (2, 3, 1), (3, 1, 2))[cluster.draw(3)][: 2 + cluster.draw(2)]
                cluster.ask(broker, MetadataRequest(Operation("create_topic", COMES_AND_GOES), (replicas,)))
            case 1:
                cluster.ask(broker, MetadataRequest(Operation("delete_topic", COMES_AND_GOES)))
            case 2:
                self.value += 1
                cluster.ask(broker, MetadataRequest(Operation("set_config", STAYS, self.value)))
            case 3:
                target = ((1, 2), (3, 1), (2, 3), (1, 2, 3), None)[cluster.draw(5)]
                cluster.ask(broker, ReassignRequest(TopicPartition(COMES_AND_GOES, 0), target))
            case 4:
                cluster.ask(broker, ProducerIdRequest())
            case _:
                tp = TopicPartition(STAYS, cluster.draw(2))
                self._produce(tp, Acks.ALL if cluster.draw(4) else Acks.LEADER, None)

    def _produce(self, tp: TopicPartition, acks: Acks, broker: int | None) -> int:
        """A record, to whom some broker believes to be the leader."""
        cluster = self.cluster
        self.value += 1
        state = cluster.brokers[cluster.draw(3) + 1].state
        part = None if state is None else state.cache.partitions.get(tp)
        to = broker if part is None or part.leader == -1 else part.leader
        request = ProduceRequest(tp, f"r{self.value}", acks)
        correlation = cluster.ask(to or 1, request)
        self.watch.asked[correlation] = request
        return correlation

    def _go_wrong(self) -> None:
        """One fault, or none; not more than one broker is down at a time."""
        cluster = self.cluster
        broker = cluster.draw(3) + 1
        weights = self.scenario.faults
        left = cluster.draw(sum(weight for _name, weight in weights))
        fault = ""
        for name, weight in weights:
            if left < weight:
                fault = name
                break
            left -= weight
        down = any(process.state is None for process in cluster.brokers.values())
        match fault:
            case "crash" | "bounce" if not down:
                cluster.crash(broker)
                pause = cluster.draw(15 * SECOND) if fault == "crash" else cluster.draw(SECOND // 2)
                cluster.at(pause, "call", lambda: cluster.start(broker))
            case "pause":
                cluster.pause(broker, cluster.draw(14 * SECOND))
            case "blink":
                cluster.disconnect(broker, cluster.draw(SECOND))
            case "expire":
                cluster.disconnect(broker, 5 * SECOND + cluster.draw(6 * SECOND))
            case "cut":
                cluster.cut(broker, broker % 3 + 1)
            case "shut down" if not down:
                self._shut_down(broker)
            case "depose" | "depose a sleeper":
                self._depose(asleep=fault == "depose a sleeper")
            case "stop two" if not down:
                self._stop_two(broker)
            case "heal cuts":
                cluster.cuts.clear()
            case _:
                pass

    def _depose(self, *, asleep: bool) -> None:
        """An operator deletes /controller: its broker is asleep, or somebody's connection breaks during the election."""
        cluster = self.cluster
        node = cluster.store.tree.get(paths.CONTROLLER)
        if node is None:
            return
        if asleep:
            cluster.pause(znodes.decode_controller(node.data), cluster.draw(3 * SECOND))
        cluster.at(MILLI, "call", lambda: cluster.store.operate(Delete(paths.CONTROLLER)))
        for other in cluster.brokers if not asleep else ():
            cluster.at(MILLI + cluster.draw(40 * MILLI), "call", lambda other=other: cluster.disconnect(other, MILLI))

    def _stop_two(self, broker: int) -> None:
        """A broker and the controller end their sessions, and the third is cut off: the broker is back, and elected."""
        cluster = self.cluster
        node = cluster.store.tree.get(paths.CONTROLLER)
        stopped = [broker] if node is None else [znodes.decode_controller(node.data), broker]
        for other in cluster.brokers:
            if other not in stopped:
                cluster.disconnect(other, SECOND)
        for n, other in enumerate(dict.fromkeys(stopped)):
            cluster.at(n * 5 * MILLI, "call", lambda other=other: cluster.crash(other, ends_session=True))
            cluster.at(20 * MILLI + n * SECOND, "call", lambda other=other: cluster.start(other))

    def _shut_down(self, broker: int) -> None:
        """A broker stops in order, and is started again."""
        cluster, process = self.cluster, self.cluster.brokers[broker]
        process.timers[BEGIN_TIMER] = cluster.now
        cluster.at(0, "timer", (process, BEGIN_TIMER, cluster.now))
        cluster.at(8 * SECOND, "call", lambda: cluster.crash(broker))
        cluster.at(8 * SECOND + MILLI + cluster.draw(SECOND), "call", lambda: cluster.start(broker))
