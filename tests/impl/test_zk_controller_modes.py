"""The same work in both modes of Kafka ends in the same metadata: equal where all is known, allowed where faults leave doubt."""

from random import Random
from typing import Any

import pytest
from attrs import evolve

from impl.operations import Operation
from impl.world.config import WorldConfig
from impl.world.faults import NO_FAULTS, FaultPlan
from impl.world.simulator import SimulationConfig, Simulator
from impl.world.workload import LATEST, Workload
from impl.zk_controller import admin, paths, znodes
from impl.zk_controller.admin import VALUE
from impl.zk_controller.config import SECOND
from impl.zk_controller.messages import MetadataResponse
from impl.zk_controller.names import Error
from impl.zk_controller.tasks import Program
from impl.zookeeper.requests import Exists
from impl.zookeeper.tree import DataTree
from properties.allowed_metadata import GONE, Done, Semantics, Topic, allowed, done_of
from tests.impl.kafka_quiet import check_quiet
from tests.impl.kafka_watch import Watch, topics
from tests.impl.kafka_world import WorldCluster

TOPICS = ("orders", "payments", "clicks")
KRAFT, ZOOKEEPER = Semantics(), Semantics(lazy_delete=True, torn_create=True)
WRONG_VERSION = 12_345


def script(seed: int, length: int = 24) -> tuple[Operation, ...]:
    """Operations on a few topics: most can be done, some cannot."""
    random = Random(seed)
    operations: list[Operation] = []
    for number in range(length):
        key = TOPICS[int(random.random() * len(TOPICS))]
        match int(random.random() * 6):
            case 0 | 1:
                operations.append(Operation("create_topic", key))
            case 2:
                operations.append(Operation("set_config", key, number))
            case 3:
                operations += [Operation("sync_read", key), Operation("update", key, number, LATEST)]
            case 4:
                operations.append(Operation("update", key, number, WRONG_VERSION))
            case _:
                operations.append(Operation("delete_topic", key))
    return tuple(operations)


def simulation(mode: str, work: tuple[Operation, ...], faults: FaultPlan) -> SimulationConfig:
    """One client that does the work, with time enough between operations for a deletion to be carried out."""
    brokers = 3 if mode == "zookeeper" else 0
    workload = Workload(TOPICS, think_min=2 * SECOND, think_max=2 * SECOND + 1, script=work)
    world = WorldConfig(clients=1, brokers=brokers, mode=mode)
    steps = (900 if mode == "zookeeper" else 250) * len(work)
    return SimulationConfig(world, workload, faults, steps=steps, quiet_steps=60_000, quiet_time=20 * SECOND)


def metadata_of(tree: DataTree) -> dict[str, Topic]:
    """The topics in ZooKeeper, with their configuration."""
    found: dict[str, Topic] = {}
    for name in topics(tree):
        config = tree.get(paths.topic_config(name))
        assert config is not None, f"topic {name} has no configuration"
        found[name] = (True, znodes.decode_config(config.data).get(VALUE))
    return found


def run(
    mode: str, work: tuple[Operation, ...], faults: FaultPlan, seed: int
) -> tuple[tuple[Done, ...], dict[str, Topic]]:
    """What was done, and the metadata in the end, on which every node of the mode agrees."""
    config = simulation(mode, work, faults)
    cluster = WorldCluster(config.world)
    watch = Watch(cluster)
    simulator = Simulator(seed, config, observers=[cluster] if mode == "zookeeper" else [])
    ended = simulator.run()
    assert ended.finished
    history: list[dict[str, Any]] = [event.to_json() for event in ended.history]
    done = tuple(one for one in done_of(history) if one.f not in ("read", "sync_read"))
    assert len(done) == sum(not operation.is_read for operation in work), "the work was not finished"
    if mode == "zookeeper":
        check_quiet(watch)
        return done, metadata_of(cluster.store.tree)
    world = simulator.world
    found = [
        {name: (True, topic.value) for name, topic in world.state(node).metadata.topics.items() if topic.exists}
        for node in world.voters
    ]
    assert found[0] == found[1] == found[2]
    return done, found[0]


def is_allowed(done: tuple[Done, ...], found: dict[str, Topic], semantics: Semantics) -> bool:
    """Whether the work may have ended so."""
    return all(found.get(key, GONE) in ends for key, ends in allowed(done, semantics).items())


@pytest.mark.parametrize("seed", range(2))
def test_without_faults_both_modes_end_in_the_same_metadata(seed: int) -> None:
    """One client, no faults: every operation has the same outcome in both modes, and names and configurations are equal."""
    work = script(seed)

    in_kraft, kraft = run("kraft", work, NO_FAULTS, seed)
    in_zookeeper, zookeeper = run("zookeeper", work, NO_FAULTS, seed)

    assert in_kraft == in_zookeeper
    assert {one.outcome for one in in_kraft} == {"ok", "fail"}
    assert kraft == zookeeper
    assert allowed(in_kraft, KRAFT) == {key: (kraft.get(key, GONE),) for key in allowed(in_kraft, KRAFT)}
    assert is_allowed(in_zookeeper, zookeeper, ZOOKEEPER)


@pytest.mark.parametrize("seed", range(2))
def test_with_faults_both_modes_end_in_metadata_that_their_answers_allow(seed: int) -> None:
    """With every fault, healed in the end: whatever the client was told, the end is one to which that can lead."""
    work = script(seed)
    for mode, semantics in (("kraft", KRAFT), ("zookeeper", ZOOKEEPER)):
        done, found = run(mode, work, FaultPlan(), seed)
        assert is_allowed(done, found, semantics), (mode, done, found)


def test_a_broker_that_answers_without_writing_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check is not blind: when configurations are acknowledged and never written, the end is not allowed."""
    work = (Operation("create_topic", "orders"), Operation("set_config", "orders", 7))
    done, found = run("zookeeper", work, NO_FAULTS, 0)
    assert found == {"orders": (True, 7)}
    assert is_allowed(done, found, ZOOKEEPER)

    def forgetful(operation: Operation) -> Program[MetadataResponse]:
        yield (Exists(paths.topic(operation.key)),)
        return MetadataResponse(Error.NONE, True, 1, operation.value)

    monkeypatch.setattr(admin, "_set_config", forgetful)
    done, found = run("zookeeper", work, NO_FAULTS, 0)

    assert found == {"orders": (True, None)}
    assert not is_allowed(done, found, ZOOKEEPER)


def test_what_is_not_known_may_have_happened() -> None:
    """A write without an answer may take effect or not, also later; one that was refused may not."""
    created = Done("create_topic", "t", None, "ok")
    unknown = Done("set_config", "t", 7, "info")
    refused = Done("set_config", "t", 8, "fail", "INVALID_UPDATE_VERSION")
    assert allowed((created, unknown, refused), KRAFT) == {"t": ((True, None), (True, 7))}
    deleted = Done("delete_topic", "t", None, "ok")
    again = evolve(created, outcome="fail", error="TOPIC_ALREADY_EXISTS")
    assert allowed((created, deleted, again), KRAFT) == {"t": ()}
    assert allowed((created, deleted, again), ZOOKEEPER) == {"t": (GONE,)}
