"""What must hold once faults are over and everybody had time: all agree with what ZooKeeper has (K9, K12, K13)."""

from typing import Any

from impl.zk_controller import paths, znodes
from impl.zk_controller.names import LeaderAndIsr, TopicPartition
from tests.impl.kafka_watch import Watch, Watched, require, states, topics


def check_quiet(watch: Watch) -> None:
    """Raises Broken where anybody disagrees with ZooKeeper."""
    cluster = watch.cluster
    for process in cluster.brokers.values():
        _check_registration(cluster, process)
    controller = _check_controller(cluster)
    known = states(cluster.store.tree)
    requested = cluster.store.tree.get(paths.DELETE_TOPICS)
    require("deletions are carried out", requested is not None and not requested.children, requested)
    expected = {
        (TopicPartition(name, number), content.topic_id)
        for name, content in topics(cluster.store.tree).items()
        for number, _assignment in content.assignments
    }
    require("K13: every partition has a leadership", expected == set(known), expected ^ set(known))
    for (tp, topic_id), state in known.items():
        _check_partition(cluster, tp, topic_id, state)
    for process in cluster.brokers.values():
        _check_cache(watch, process, controller, known)


def _check_registration(cluster: Watched, process: Any) -> None:
    broker, handle, state = process.config.broker, process.handle, process.state
    assert state is not None, f"broker {broker} is to run"
    node = cluster.store.tree.get(paths.broker_id(broker))
    owned = node is not None and node.stat.ephemeral_owner == handle.session
    require("K12: a live broker is registered in its session", owned, broker, handle.session, node)
    require(
        "K12: it knows its epoch",
        node is not None and node.stat.czxid == state.broker_epoch,
        broker,
        state.broker_epoch,
    )
    require("nothing waits for ZooKeeper", not state.tasks and not state.events, broker, state.tasks, state.events)


def _check_controller(cluster: Watched) -> int:
    node = cluster.store.tree.get(paths.CONTROLLER)
    require("K13: there is a controller", node is not None)
    assert node is not None
    controller = znodes.decode_controller(node.data)
    for broker, process in cluster.brokers.items():
        assert process.state is not None
        active = process.state.context.active
        require("all know the controller", active == controller, broker, active, controller)
        acting = process.state.context.epoch > 0
        require("K13: the controller acts, and nobody else", acting == (broker == controller), broker, controller)
    return controller


def has_stray(cluster: Watched, tp: TopicPartition, topic_id: str | None) -> bool:
    """Whether a replica's place is taken by a log of an earlier topic of the name; such a replica never gets in sync.

    3.9 leaves one behind when a reassignment takes a replica from a broker that is down: nobody waits for its deletion.
    """
    logs = (process.disk.logs.get(tp) for process in cluster.brokers.values())
    return any(log is not None and log.topic_id != topic_id for log in logs)


def _check_partition(cluster: Watched, tp: TopicPartition, topic_id: str | None, state: LeaderAndIsr) -> None:
    content = topics(cluster.store.tree)[tp.topic]
    assignment = dict(content.assignments)[tp.partition]
    if has_stray(cluster, tp, topic_id):
        return
    require("K11: reassignments end", not assignment.is_being_reassigned, tp, assignment)
    require("K13: a partition with a live replica in sync has a leader", state.leader != -1, tp, state)
    require("K9: all replicas get in sync", set(state.isr) == set(assignment.replicas), tp, state, assignment)
    leader = cluster.brokers[state.leader].state
    assert leader is not None
    for broker in assignment.replicas:
        process = cluster.brokers[broker].state
        assert process is not None
        role = process.partitions.get(tp)
        require("K9: a replica knows its role", role is not None, tp, broker)
        assert role is not None
        facts = (role.leader, role.leader_epoch)
        require(
            "K9: its role is that of the state znode",
            facts == (state.leader, state.leader_epoch),
            tp,
            broker,
            role,
            state,
        )
        log = process.logs[tp]
        require("K9: its log is of this topic", log.topic_id == topic_id, tp, broker, log.topic_id, topic_id)
        require("K9: its log is the leader's", log.entries == leader.logs[tp].entries, tp, broker)
        if broker == state.leader:
            known = (role.partition_epoch, role.isr, role.pending)
            wanted = (state.partition_epoch, state.isr, None)
            require("K9: the leader knows the ISR of the state znode", known == wanted, tp, broker, role, state)
        else:
            require("K9: a follower fetches", role.is_fetching, tp, broker, role)


def _check_cache(
    watch: Watch, process: Any, controller: int, known: dict[tuple[TopicPartition, str | None], LeaderAndIsr]
) -> None:
    state, cluster = process.state, watch.cluster
    assert state is not None
    cache, broker = state.cache, process.config.broker
    require("K9: a cache has the live brokers", cache.live_brokers == tuple(sorted(cluster.brokers)), broker, cache)
    require("K9: a cache has the controller", cache.controller == controller, broker, cache.controller)
    cached = {
        (tp, part.topic_id): (part.leader, part.leader_epoch, part.isr, part.partition_epoch)
        for tp, part in cache.partitions.items()
        if (tp, part.topic_id) in known or not watch.may_not_know_of_deletion(part.topic_id, state.broker_epoch)
    }
    wanted = {
        key: (leadership.leader, leadership.leader_epoch, leadership.isr, leadership.partition_epoch)
        for key, leadership in known.items()
    }
    require("K9: a cache has what ZooKeeper has", cached == wanted, broker, cached, wanted)
    configs = {name: (config.version, config.values) for name, config in state.configs.items()}
    for name in filter(watch.is_announced, topics(cluster.store.tree)):
        node = cluster.store.tree.get(paths.topic_config(name))
        assert node is not None, f"topic {name} has no configuration"
        contents = (node.stat.version, tuple(sorted(znodes.decode_config(node.data).items())))
        require(
            "K15: a cache has the configurations",
            configs.get(name) == contents,
            broker,
            name,
            configs.get(name),
            contents,
        )
