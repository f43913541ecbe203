"""The parts of a broker in ZooKeeper mode, one by one: assignments, elections, batches of requests, the shutdown of a broker."""

import pytest

from impl.effects import Entry, TimerFired
from impl.operations import Operation
from impl.zk_controller import paths
from impl.zk_controller.bugs import config_with
from impl.zk_controller.config import SECOND, Config, Settings
from impl.zk_controller.context import ControllerContext
from impl.zk_controller.effects import BrokerDisk
from impl.zk_controller.elections import controlled_shutdown, offline, preferred, reassign
from impl.zk_controller.log import ReplicaLog
from impl.zk_controller.messages import MetadataRequest, ReassignRequest
from impl.zk_controller.names import Assignment, LeaderAndIsr, TopicPartition
from impl.zk_controller.node import start, step
from impl.zk_controller.shutdown import BEGIN_TIMER
from impl.zk_controller.tasks import MAX_IN_FLIGHT, InFlight
from impl.zk_controller.znodes import TopicContent, decode_state, decode_topic, encode_state, encode_topic
from impl.zookeeper.codes import ErrorCode
from impl.zookeeper.handle import Lost, OpenSession, SessionChanged, SessionState, Submit
from impl.zookeeper.requests import Answer, Exists, Write
from impl.zookeeper.tree import DataTree
from tests.impl.kafka_cluster import Cluster
from tests.impl.kafka_quiet import check_quiet
from tests.impl.kafka_watch import Watch, states

TP = TopicPartition("t", 0)


def context(*live: int, shutting_down: tuple[int, ...] = ()) -> ControllerContext:
    """A controller that knows of these brokers."""
    return ControllerContext(live={broker: 100 + broker for broker in live}, shutting_down=shutting_down)


def test_the_example_of_kip_455() -> None:
    """RS, AR and RR on the way from {1,2,3} to {4,5,6}, with another target in between, and back."""
    moving = Assignment((1, 2, 3)).reassign_to((4, 5, 6))
    assert moving == Assignment((4, 5, 6, 1, 2, 3), (4, 5, 6), (1, 2, 3))
    assert (moving.origin, moving.target) == ((1, 2, 3), (4, 5, 6))
    assert moving.reassign_to((4, 7)) == Assignment((4, 7, 1, 2, 3), (4, 7), (1, 2, 3))
    assert moving.reassign_to(moving.origin) == Assignment((1, 2, 3))


STATE = LeaderAndIsr(leader=1, leader_epoch=5, isr=(1, 2), partition_epoch=7, controller_epoch=1)


def test_strategies_of_election() -> None:
    """Whom each strategy elects, with which ISR; nobody where nobody in sync can be used."""
    assignment = Assignment((1, 2, 3))
    clean, unclean = offline(unclean=lambda topic: False), offline(unclean=lambda topic: True)

    first = clean(context(2, 3), TP, assignment, STATE)
    assert first is not None
    assert (first.state.leader, first.state.isr, first.state.leader_epoch, first.recipients) == (2, (2,), 6, (2, 3))
    assert clean(context(3), TP, assignment, STATE) is None
    last = unclean(context(3), TP, assignment, STATE)
    assert last is not None
    assert (last.state.leader, last.state.isr, last.state.recovering) == (3, (3,), True)

    leaves = controlled_shutdown(context(1, 2, 3, shutting_down=(1,)), TP, assignment, STATE)
    assert leaves is not None
    assert (leaves.state.leader, leaves.state.isr) == (2, (2,))
    assert controlled_shutdown(context(1, 2, shutting_down=(1, 2)), TP, assignment, STATE) is None

    assert preferred(context(2, 3), TP, assignment, STATE) is None
    back = preferred(context(1, 2), TP, assignment, STATE)
    assert back is not None
    assert (back.state.leader, back.state.isr) == (1, (1, 2))

    moved = reassign(context(1, 2, 3), TP, Assignment((3, 2, 1), (3,), (1,)), STATE)
    assert moved is not None
    assert (moved.state.leader, moved.state.isr) == (2, (1, 2))


def test_znodes_say_what_was_written() -> None:
    """Contents come back as they went in; the version of a state znode is the partition epoch."""
    assert decode_state(encode_state(STATE), 7) == STATE
    content = TopicContent("id", ((0, Assignment((1, 2))), (1, Assignment((3, 1, 2), (3,), (2,)))))
    assert decode_topic(encode_topic(content)) == content


def test_where_epochs_end_in_a_log() -> None:
    """KIP-279: of the largest epoch up to the one that is asked for."""
    log = ReplicaLog("id", tuple(Entry(epoch, None) for epoch in (1, 1, 4, 4, 6)))
    assert [log.end_offset_for_epoch(epoch) for epoch in (0, 1, 3, 4, 5, 9)] == [
        (-1, 0),
        (1, 2),
        (1, 2),
        (4, 4),
        (4, 4),
        (6, 5),
    ]


def test_requests_are_pipelined_ten_at_a_time_and_only_the_lost_are_asked_again() -> None:
    """ZooKeeperClient.handleRequests with zookeeper.max.in.flight.requests, retryRequestsUntilConnected."""
    batch, sent = InFlight.of(tuple(Exists(f"/{n}") for n in range(12))).submit(1)
    assert [submit.number for submit in sent] == list(range(1, 1 + MAX_IN_FLIGHT))
    batch = batch.answered(1, Answer()).lost(2)

    batch, sent = batch.submit(11)

    assert [submit.operation for submit in sent] == [Exists("/1"), Exists("/10")]
    assert not batch.is_complete


def test_a_new_process_opens_a_session_and_serves_nobody_before_it_is_registered() -> None:
    """Nothing is asked of ZooKeeper without a connection; what the connection loses is asked again in the same session."""
    state, effects = start(Config(1, (1,)), BrokerDisk(), 0)
    assert effects == (OpenSession(),)
    state, effects = step(state, SessionChanged(SessionState.CONNECTED, 5))
    (first,) = effects
    assert isinstance(first, Submit)
    state, effects = step(state, Lost(first.number, ErrorCode.CONNECTION_LOSS))
    assert effects == ()
    state, effects = step(state, SessionChanged(SessionState.CONNECTED, 5))
    (again,) = effects
    assert isinstance(again, Submit)
    assert (again.operation, again.number) == (first.operation, first.number + 1)
    assert not state.started


def test_an_unknown_timer_is_a_defect() -> None:
    """A timer that no broker sets."""
    state, _effects = start(Config(1, (1,)), BrokerDisk(), 0)
    with pytest.raises(ValueError, match="has no timer 'lunch'"):
        step(state, TimerFired("lunch"))


def test_an_unknown_bug_is_refused() -> None:
    """The error names those that there are."""
    with pytest.raises(ValueError, match="unknown bug 'KAFKA-1'; one of KAFKA-6082"):
        config_with("KAFKA-1", 1, (1,), Settings())


def test_a_controlled_shutdown_moves_leaders_before_the_session_ends() -> None:
    """The broker leads nothing when its registration goes, and is in no ISR; no leader is elected because it is gone."""
    ids = (1, 2, 3)
    cluster = Cluster(tuple(Config(broker, ids, Settings(rebalance_delay=0)) for broker in ids), seed=3)
    watch = Watch(cluster)
    cluster.start_all()
    cluster.run_for(3 * SECOND)
    cluster.ask(1, MetadataRequest(Operation("create_topic", "t"), ((1, 2, 3), (2, 1, 3))))
    cluster.run_for(2 * SECOND)
    process = cluster.brokers[1]
    process.timers[BEGIN_TIMER] = cluster.now
    cluster.at(0, "timer", (process, BEGIN_TIMER, cluster.now))
    cluster.run_for(SECOND)

    assert process.state is not None
    assert process.state.stopping is not None
    assert process.state.stopping.done
    assert cluster.store.tree.get(paths.broker_id(1)) is None
    assert {state.leader for state in states(cluster.store.tree).values()} == {2}
    assert all(state.isr == (2, 3) for state in states(cluster.store.tree).values())
    assert watch.seen["leader changes"] == 1


def reassign_and_crash(writes: int) -> Cluster:
    """A partition is moved from 1 and 2 to 3 and 1; the controller dies after so many transactions, and comes back later."""
    ids = (1, 2, 3, 4)
    cluster = Cluster(tuple(Config(broker, ids, Settings(rebalance_delay=0)) for broker in ids), seed=writes)
    watch = Watch(cluster)
    cluster.start(4)
    cluster.run_for(SECOND)
    cluster.start_all()
    cluster.run_for(2 * SECOND)
    cluster.ask(1, MetadataRequest(Operation("create_topic", "t"), ((1, 2),)))
    cluster.run_for(2 * SECOND)
    done: list[Write | None] = []

    def crash_after(before: DataTree, after: DataTree, session: int, op: Write | None) -> None:
        done.append(op)
        if len(done) == writes:
            cluster.at(0, "call", lambda: cluster.crash(4, ends_session=True))

    cluster.commit_watchers.append(crash_after)
    cluster.ask(4, ReassignRequest(TP, (3, 1)))
    cluster.run_for(15 * SECOND)
    cluster.start(4)
    cluster.run_for(15 * SECOND)
    assert watch.seen["elections"] == 2
    check_quiet(watch)
    ((_key, state),) = states(cluster.store.tree).items()
    assert sorted(state.isr) == [1, 3]
    return cluster


@pytest.mark.parametrize("writes", range(1, 6))
def test_a_reassignment_survives_the_controller_at_every_step(writes: int) -> None:
    """K11: whichever of U1, A1, the ISR, B3 and B4 was the last to be written, the successor ends the reassignment."""
    assert TP not in reassign_and_crash(writes).brokers[2].disk.logs


def test_a_replica_can_be_left_behind_by_a_reassignment() -> None:
    """As in 3.9: once B6 is written nobody knows of RR any more, and the request to delete it dies with the controller."""
    assert TP in reassign_and_crash(6).brokers[2].disk.logs
