"""What is watched while brokers run is not blind: a planted fault breaks each claim that no historical bug breaks."""

from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve

from impl.operations import Operation
from impl.zk_controller import broker_programs, elections, partitions, producer_ids, reassignment, znodes
from impl.zk_controller.config import SECOND, Config
from impl.zk_controller.context import ControllerContext
from impl.zk_controller.elections import Elected
from impl.zk_controller.messages import MetadataRequest, ReassignRequest
from impl.zk_controller.names import Assignment, LeaderAndIsr, TopicPartition
from impl.zk_controller.tasks import Program
from impl.zookeeper.requests import Exists
from tests.impl.kafka_chaos import SETTINGS, Chaos, Scenario
from tests.impl.kafka_cluster import Cluster
from tests.impl.kafka_quiet import check_quiet
from tests.impl.kafka_watch import Broken, Watch, states

Change = Callable[[LeaderAndIsr, LeaderAndIsr], LeaderAndIsr]


def elects(change: Change) -> Callable[..., Any]:
    """The strategy for partitions without a leader, whose result is changed: from the state before and the one elected."""

    def strategy(*, unclean: Callable[[str], bool]) -> Any:
        honest = elections.offline(unclean=unclean)

        def elect(
            context: ControllerContext, tp: TopicPartition, assignment: Assignment, state: LeaderAndIsr
        ) -> Elected | None:
            done = honest(context, tp, assignment, state)
            return None if done is None else evolve(done, state=change(state, done.state))

        return elect

    return strategy


def asks(result: object) -> Callable[..., Program[Any]]:
    """A program that asks something of no consequence, and gives this back."""

    def program(*_arguments: object) -> Program[Any]:
        yield (Exists("/"),)
        return result

    return program


def hunt(scenario: Scenario, seeds: int = 8, **changes: Any) -> None:
    """Runs until something is broken."""
    for seed in range(seeds):
        Chaos(seed, scenario=scenario, settings=evolve(SETTINGS, **changes)).run()


@pytest.mark.parametrize(
    ("claim", "change"),
    [
        ("K3: one leader per leader epoch", lambda old, new: evolve(new, leader_epoch=old.leader_epoch)),
        ("K3: leader epochs only grow", lambda old, new: evolve(new, leader_epoch=old.leader_epoch - 1)),
        ("K4: controller epochs only grow", lambda old, new: evolve(new, controller_epoch=0)),
        ("K5: the leader is in sync", lambda old, new: evolve(new, isr=tuple(b for b in old.isr if b != new.leader))),
        ("K5: the ISR is not empty", lambda old, new: evolve(new, isr=(), leader=-1)),
        ("K6: a controller does not add to the ISR", lambda old, new: evolve(new, isr=(1, 2, 3))),
    ],
)
def test_a_controller_that_elects_wrongly_is_seen(claim: str, change: Change, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leader epochs, controller epochs and ISRs that an election may not write."""
    monkeypatch.setattr(partitions, "offline", elects(change))
    if claim.startswith("K4"):
        # The epoch is stamped after the strategy.
        monkeypatch.setattr(
            partitions, "evolve", lambda state, **changes: evolve(state, **{**changes, "controller_epoch": 0})
        )
        claim = "K2"

    with pytest.raises(Broken, match=claim):
        hunt(Scenario())


def test_unclean_elections_lose_records() -> None:
    """K7: with unclean.leader.election.enable a record that was acknowledged can be gone."""
    with pytest.raises(Broken, match="K7"):
        hunt(Scenario(), unclean=True)


def moved() -> Watch:
    """A partition of brokers 1 and 2 is moved to 3 and 1, with time enough for 3 to catch up."""
    ids = (1, 2, 3)
    cluster = Cluster(tuple(Config(broker, ids, SETTINGS) for broker in ids), seed=1)
    watch = Watch(cluster)
    cluster.start_all()
    cluster.run_for(3 * SECOND)
    cluster.ask(1, MetadataRequest(Operation("create_topic", "t"), ((1, 2),)))
    cluster.run_for(2 * SECOND)
    for broker in ids:
        cluster.ask(broker, ReassignRequest(TopicPartition("t", 0), (3, 1)))
    cluster.run_for(20 * SECOND)
    check_quiet(watch)
    return watch


def test_a_reassignment_that_stays_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """K11: a controller that does not look whether the target has caught up leaves reassignments unfinished."""
    ((_key, state),) = states(moved().cluster.store.tree).items()
    assert (state.leader, sorted(state.isr)) == (3, [1, 3])

    monkeypatch.setattr(reassignment, "maybe_complete", asks(None))
    with pytest.raises(Broken, match="K11"):
        moved()


def test_producer_ids_that_are_given_twice_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """K15: two brokers with the same block."""
    monkeypatch.setattr(producer_ids, "next_block", asks(znodes.ProducerIds(1, 0, 999)))
    with pytest.raises(Broken, match="K15: a producer id"):
        hunt(Scenario())


def test_notifications_that_are_not_read_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """K15: brokers that do not look at notifications have old configurations in the end."""
    monkeypatch.setattr(broker_programs, "_read_changes", asks(None))
    with pytest.raises(Broken, match="K15: a cache"):
        hunt(Scenario())


def test_leaders_may_write_isrs_themselves() -> None:
    """Before IBP 2.7-IV2: with leaders that write the state znode, by compare-and-set, everything holds too."""
    for seed in range(3):
        watch = Chaos(seed, settings=evolve(SETTINGS, alter_partition=False)).run()
        assert watch.seen["state changes"] > 20
