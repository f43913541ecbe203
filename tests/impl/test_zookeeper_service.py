"""The data tree behind the ensemble: the clients' words as znodes, and the ensemble's replicas of them."""

import pytest

from impl.operations import Operation
from impl.world.config import WorldConfig
from impl.world.faults import NO_FAULTS
from impl.world.simulator import SimulationConfig, Simulator
from impl.zookeeper.machine import Request
from impl.zookeeper.service import Service
from impl.zookeeper.transactions import zxid_of
from impl.zookeeper.tree import DataTree
from tests.impl.ensemble import LIVELY

SERVICE = Service()


def after(*operations: Operation) -> tuple[DataTree, list[tuple[str | None, object]]]:
    """The tree after these operations, and what each was answered: the error, or the version."""
    tree, answers = SERVICE.empty(), []
    for counter, operation in enumerate(operations, 1):
        txn = SERVICE.prepare(tree, Request(101, counter, operation), zxid_of(1, counter))
        assert SERVICE.origin(txn) == (101, counter)
        tree, outcome = SERVICE.apply(tree, txn)
        answers.append((outcome.error, outcome.answer.get("version")))
    return tree, answers


def test_topics_are_znodes_and_versions_those_of_their_data() -> None:
    """Create, set, conditional set, delete; each refusal is ZooKeeper's error."""
    tree, answers = after(
        Operation("set_config", "t", 1),
        Operation("create_topic", "t"),
        Operation("create_topic", "t"),
        Operation("set_config", "t", 7),
        Operation("update", "t", 8, 0),
        Operation("update", "t", 9, 1),
    )
    assert answers == [
        ("NO_NODE", None),
        (None, 0),
        ("NODE_EXISTS", None),
        (None, 1),
        ("BAD_VERSION", None),
        (None, 2),
    ]
    there = {"version": 2, "exists": True, "value": 9, "mzxid": zxid_of(1, 6)}
    assert SERVICE.read(tree, Operation("read", "t")).answer == there
    nothing = {"version": 0, "exists": False, "value": None, "mzxid": 0}
    assert SERVICE.read(tree, Operation("read", "other")).answer == nothing


def test_a_topic_that_is_created_again_starts_over() -> None:
    """The znode's version is 0 again; nothing of the old one is left."""
    tree, answers = after(
        Operation("create_topic", "a/b"),
        Operation("set_config", "a/b", 7),
        Operation("delete_topic", "a/b"),
        Operation("create_topic", "a/b"),
    )
    assert [error for error, _ in answers] == [None] * 4
    new = {"version": 0, "exists": True, "value": None, "mzxid": zxid_of(1, 4)}
    assert SERVICE.read(tree, Operation("read", "a/b")).answer == new


def test_to_apply_a_transaction_again_does_no_harm() -> None:
    """Replay over a fuzzy snapshot: the tree is the same, digest and all."""
    tree, _ = after(Operation("create_topic", "t"))
    txn = SERVICE.prepare(tree, Request(101, 2, Operation("set_config", "t", 5)), zxid_of(1, 2))
    once, _ = SERVICE.apply(tree, txn)
    twice, _ = SERVICE.apply(once, txn)
    assert SERVICE.plain(once) == SERVICE.plain(twice)


def test_a_read_is_no_transaction() -> None:
    """Reads never reach the leader's request processor."""
    with pytest.raises(ValueError, match="is no write"):
        SERVICE.prepare(SERVICE.empty(), Request(101, 1, Operation("read", "t")), zxid_of(1, 1))


def test_replicas_agree_when_it_is_calm() -> None:
    """After a run without faults every server has the same tree; after one with faults those that serve have."""
    for faults in (NO_FAULTS, LIVELY):
        for seed in range(3):
            config = SimulationConfig(WorldConfig(clients=3, mode="zookeeper"), faults=faults, steps=800)
            simulator = Simulator(seed, config)
            run = simulator.run()
            assert run.committed > 0
            nodes = [simulator.world.snapshot_node(node) for node in simulator.world.voters]
            serving = [
                node for node in nodes if node.status == "up" and node.phase == "BROADCAST" and not node.commit_queue
            ]
            by_zxid = {(node.tree.last_zxid, node.tree.digest) for node in serving}
            assert len({zxid for zxid, _ in by_zxid}) == len(by_zxid), "the same zxid, the same tree"
