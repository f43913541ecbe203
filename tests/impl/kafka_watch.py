"""What must hold of brokers on ZooKeeper, watched while a cluster runs. The names K1 to K15 are those of the protocol's facts."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from impl.effects import Entry, Receive
from impl.zk_controller import paths, znodes
from impl.zk_controller.effects import BrokerEvent
from impl.zk_controller.messages import (
    LeaderAndIsrRequest,
    ProduceRequest,
    ProduceResponse,
    ProducerIdResponse,
    ResponseBody,
    StopReplicaRequest,
    UpdateMetadataRequest,
)
from impl.zk_controller.names import Acks, Error, LeaderAndIsr, TopicPartition
from impl.zk_controller.state import BrokerState
from impl.zookeeper.requests import Write
from impl.zookeeper.tree import DataTree

Stepped = Callable[[Any, int, BrokerState | None, BrokerEvent, BrokerState], None]
"""Told of every step of a broker: the cluster, the broker, its state before (None: none), the event, its state after."""

Committed = Callable[[DataTree, DataTree, int, Write | None], None]
"""Told of every transaction: the trees before and after, the session, the request if that is known."""


class HasTree(Protocol):
    """Where the data tree is."""

    tree: DataTree


class Watched(Protocol):
    """A cluster to watch: brokers by id (each with `config`, `disk`, `state`, `handle`), the tree, and who is to be told."""

    answers: dict[int, ResponseBody]
    watchers: list[Stepped]
    commit_watchers: list[Committed]

    @property
    def brokers(self) -> Mapping[int, Any]:
        """The brokers."""

    @property
    def store(self) -> HasTree:
        """The tree."""

    def broker_of(self, session: int) -> Any:
        """The broker that has a session now; None: nobody."""


class Broken(AssertionError):
    """A property does not hold."""


def require(claim: str, holds: bool, *details: object) -> None:
    """Raise Broken, with what it was about, where a claim does not hold."""
    if not holds:
        raise Broken(f"{claim}: {', '.join(map(str, details))}")


def controller_epoch(tree: DataTree) -> int:
    """The epoch in /controller_epoch, 0 before there is one."""
    node = tree.get(paths.CONTROLLER_EPOCH)
    return 0 if node is None else znodes.decode_controller_epoch(node.data)


def topics(tree: DataTree) -> dict[str, znodes.TopicContent]:
    """All topics."""
    parent = tree.get(paths.TOPICS)
    return (
        {}
        if parent is None
        else {name: znodes.decode_topic(node.data) for name, node in sorted(parent.children.items())}
    )


def states(tree: DataTree) -> dict[tuple[TopicPartition, str | None], LeaderAndIsr]:
    """The leadership of every partition, by partition and topic id."""
    found = {}
    for name, content in topics(tree).items():
        for number, _assignment in content.assignments:
            tp = TopicPartition(name, number)
            node = tree.get(paths.partition_state(tp))
            if node is not None:
                found[tp, content.topic_id] = znodes.decode_state(node.data, node.stat.version)
    return found


class Watch:
    """Attached to a cluster, it looks at every transaction and every step; `seen` counts what it has looked at."""

    def __init__(self, cluster: Watched, *, unclean: bool = False, legacy: bool = False) -> None:
        self.cluster = cluster
        self.unclean, self.legacy = unclean, legacy
        self.elected: dict[int, int] = {}
        self.leaders: dict[tuple[TopicPartition, str | None, int], int] = {}
        self.committed: dict[tuple[TopicPartition, str | None, int], Entry] = {}
        self.acknowledged: dict[tuple[TopicPartition, str | None, int], str] = {}
        self.asked: dict[int, ProduceRequest] = {}
        self.producer_ids: list[int] = []
        self.deleted: dict[str | None, tuple[int, int]] = {}
        self.announced: dict[str, int] = {}
        self.seen: dict[str, int] = {}
        cluster.commit_watchers.append(self.on_commit)
        cluster.watchers.append(self.on_step)

    def note(self, what: str) -> None:
        """Something was looked at."""
        self.seen[what] = self.seen.get(what, 0) + 1

    # ------------------------------------------------------------------------------------------------------- transactions

    def on_commit(self, before: DataTree, after: DataTree, session: int, op: Write | None) -> None:
        """A transaction: K1 to K6, K10."""
        old_epoch, new_epoch = controller_epoch(before), controller_epoch(after)
        process = self.cluster.broker_of(session)
        if old_epoch != new_epoch:
            require("K1: the controller epoch is raised by one", new_epoch == old_epoch + 1, old_epoch, new_epoch)
            if process is not None:
                self.elected[new_epoch] = process.config.broker
            self.note("elections")
        self._on_config_changes(before, after)
        if before.get(paths.TOPICS) is after.get(paths.TOPICS):
            return
        old, new = states(before), states(after)
        for key, state in new.items():
            if old.get(key) != state:
                self._on_state(key, old.get(key), state, after, process)
        removed = {name: content.topic_id for name, content in topics(before).items() if name not in topics(after)}
        for name, topic_id in removed.items():
            self.deleted[topic_id] = (after.last_zxid, new_epoch)
            self._on_topic_deleted(name, topic_id, topics(before)[name])

    def _on_config_changes(self, before: DataTree, after: DataTree) -> None:
        """Which version of a topic's configuration was there when it was last said to have changed."""
        old, new = before.get(paths.CONFIG_CHANGES), after.get(paths.CONFIG_CHANGES)
        if new is None or new is old:
            return
        for name, node in new.children.items():
            if old is None or name not in old.children:
                topic = znodes.decode_config_change(node.data)
                config = after.get(paths.topic_config(topic))
                if config is not None:
                    self.announced[topic] = config.stat.version

    def is_announced(self, topic: str) -> bool:
        """Whether brokers have been told of a topic's configuration; not if who wrote it died before it said so.

        Kafka writes the configuration and the notification one after the other.
        """
        config = self.cluster.store.tree.get(paths.topic_config(topic))
        return config is None or config.stat.version <= self.announced.get(topic, 0)

    def _on_state(
        self,
        key: tuple[TopicPartition, str | None],
        old: LeaderAndIsr | None,
        new: LeaderAndIsr,
        tree: DataTree,
        process: Any,
    ) -> None:
        tp = key[0]
        content = topics(tree)[tp.topic]
        assignment = dict(content.assignments)[tp.partition]
        if not self.legacy:
            current = controller_epoch(tree)
            require(
                "K2: no controller writes after its successor's election",
                new.controller_epoch == current,
                tp,
                new,
                current,
            )
        require("K5: the ISR is not empty", bool(new.isr), tp, new)
        require("K5: the leader is in sync", new.leader in (-1, *new.isr), tp, new)
        moved = set(assignment.replicas) | set(assignment.removing)
        require("K5: who is in sync is a replica", old is not None or set(new.isr) <= moved, tp, new, assignment)
        grows = old is None or new.leader_epoch >= old.leader_epoch
        require("K3: leader epochs only grow", grows, tp, old, new)
        if new.leader != -1:
            leader = self.leaders.setdefault((*key, new.leader_epoch), new.leader)
            require("K3: one leader per leader epoch", leader == new.leader, tp, new, leader)
        if old is None:
            return
        require("K4: controller epochs only grow", new.controller_epoch >= old.controller_epoch, tp, old, new)
        require(
            "K4: the partition epoch is raised by one", new.partition_epoch == old.partition_epoch + 1, tp, old, new
        )
        self.note("state changes")
        if new.leader_epoch > old.leader_epoch:
            require(
                "K6: a controller does not add to the ISR", self.unclean or set(new.isr) <= set(old.isr), tp, old, new
            )
            if new.leader not in (-1, old.leader):
                require("K6: the new leader was in sync", self.unclean or new.leader in old.isr, tp, old, new)
                self.note("leader changes")
        elif process is not None and process.state is not None and not self.legacy:
            context = process.state.context
            for broker in set(new.isr) - set(old.isr):
                staying = broker in context.live and broker not in context.shutting_down
                require(
                    "only brokers that live and stay come into the ISR", staying, tp, old, new, context.shutting_down
                )
                self.note("ISR expansions")

    def _on_topic_deleted(self, name: str, topic_id: str | None, content: znodes.TopicContent) -> None:
        """K10: every replica has deleted its copy before the topic is gone."""
        self.note("topics deleted")
        for number, assignment in content.assignments:
            for broker in assignment.replicas:
                log = self.cluster.brokers[broker].disk.logs.get(TopicPartition(name, number))
                gone = log is None or log.topic_id != topic_id
                require("K10: a topic that is gone has no replicas", gone, name, number, broker)

    def may_not_know_of_deletion(self, topic_id: str | None, broker_epoch: int) -> bool:
        """Whether nobody has told a broker that a topic is gone: it registered later, or the controller died with the request.

        Kafka never tells a broker that comes back what is gone; only of what there is.
        """
        zxid, epoch = self.deleted.get(topic_id, (broker_epoch, controller_epoch(self.cluster.store.tree)))
        return zxid < broker_epoch or epoch < controller_epoch(self.cluster.store.tree)

    # -------------------------------------------------------------------------------------------------------------- steps

    def on_step(
        self, cluster: Watched, broker: int, before: BrokerState | None, event: BrokerEvent, after: BrokerState
    ) -> None:
        """A step of a broker: K1, K7, K8."""
        if after.context.active == broker and after.context.epoch:
            self._on_controller(broker, after.context.epoch)
        if before is not None and isinstance(event, Receive):
            self._on_message(broker, before, event.message.body, after)
        if before is not None and before.logs is not after.logs:
            for tp, log in after.logs.items():
                if before.logs.get(tp) is not log:
                    self._on_log(broker, after, tp, log.high_watermark)

    def _on_controller(self, broker: int, epoch: int) -> None:
        owner = self.elected.setdefault(epoch, broker)
        require("K1: one controller per epoch", owner == broker, f"epoch {epoch} of {owner}", f"used by {broker}")

    def _on_message(self, broker: int, before: BrokerState, body: Any, after: BrokerState) -> None:
        if not isinstance(body, LeaderAndIsrRequest | StopReplicaRequest | UpdateMetadataRequest):
            return
        self.note("control requests")
        if body.broker_epoch < before.broker_epoch:
            self.note("stale control requests")
            same = (before.partitions, before.logs, before.cache) == (after.partitions, after.logs, after.cache)
            require("K8: a request for an earlier incarnation takes no effect", same, broker, body)

    def _on_log(self, broker: int, state: BrokerState, tp: TopicPartition, high_watermark: int) -> None:
        """What a replica knows to be committed is the same everywhere, and a leader has all of it."""
        log = state.logs[tp]
        for offset in range(high_watermark):
            entry = self.committed.setdefault((tp, log.topic_id, offset), log.entries[offset])
            require("K7: replicas agree on what is committed", entry == log.entries[offset], broker, tp, offset, entry)
        self.note("logs")

    # ------------------------------------------------------------------------------------------------------------- clients

    def collect(self) -> None:
        """Take note of what the client was told: records are durable, producer ids are given once."""
        for correlation, body in self.cluster.answers.items():
            if isinstance(body, ProduceResponse) and body.error is Error.NONE:
                request = self.asked[correlation]
                if request.acks is Acks.ALL:
                    topic_id = self.topic_ids.get(body.tp.topic)
                    self.acknowledged[body.tp, topic_id, body.offset] = request.value
                    self.note("acknowledged")
            elif isinstance(body, ProducerIdResponse) and body.error is Error.NONE:
                require("K15: a producer id is given once", body.producer_id not in self.producer_ids, body)
                self.producer_ids.append(body.producer_id)
                self.note("producer ids")
        self.cluster.answers.clear()

    @property
    def topic_ids(self) -> dict[str, str | None]:
        """The ids of the topics there are."""
        return {name: content.topic_id for name, content in topics(self.cluster.store.tree).items()}

    def check_acknowledged(self) -> None:
        """K7: every leader in office has every record that was acknowledged with acks=all."""
        current = states(self.cluster.store.tree)
        for (tp, topic_id, offset), value in self.acknowledged.items():
            state = current.get((tp, topic_id))
            if state is None or state.leader == -1:
                continue
            leader = self.cluster.brokers[state.leader].state
            role = None if leader is None else leader.partitions.get(tp)
            if leader is None or role is None or (role.leader, role.leader_epoch) != (state.leader, state.leader_epoch):
                continue
            entries = leader.logs[tp].entries
            durable = offset < len(entries) and entries[offset].payload == value
            require("K7: a record that was acknowledged is in the leader's log", durable, tp, offset, value, state)
            self.note("acknowledged records checked")
