"""Replicas of one partition, by script: what becomes of records when leaders and incarnations follow each other fast."""

import pytest
from attrs import evolve

from impl.operations import Operation
from impl.zk_controller.bugs import config_with
from impl.zk_controller.config import SECOND, Config, Settings
from impl.zk_controller.messages import (
    AlterPartitionRequest,
    FetchRequest,
    Message,
    MetadataRequest,
    ProduceRequest,
    ProduceResponse,
    ReassignRequest,
)
from impl.zk_controller.names import Acks, Error, TopicPartition
from impl.zk_controller.rules import Rules
from tests.impl.kafka_cluster import Cluster
from tests.impl.kafka_quiet import check_quiet
from tests.impl.kafka_watch import Broken, Watch, states

TP = TopicPartition("t", 0)
IDS = (1, 2, 3)
PATIENT = Settings(replica_lag=10_000 * SECOND, rebalance_delay=SECOND)


class Script:
    """A cluster of three, with a topic of one partition on brokers 1 and 2; broker 3 is the controller."""

    def __init__(self, configs: tuple[Config, ...]) -> None:
        self.cluster = Cluster(configs, seed=1)
        self.watch = Watch(self.cluster)
        self.cluster.start(3)
        self.cluster.run_for(SECOND)
        self.cluster.start_all()
        self.cluster.run_for(2 * SECOND)
        self.cluster.ask(3, MetadataRequest(Operation("create_topic", "t"), ((1, 2),)))
        self.cluster.run_for(SECOND)

    @property
    def leader(self) -> int:
        """The leader by the state znode."""
        ((_key, state),) = states(self.cluster.store.tree).items()
        return state.leader

    @property
    def isr(self) -> tuple[int, ...]:
        """The ISR by the state znode."""
        ((_key, state),) = states(self.cluster.store.tree).items()
        return state.isr

    def produce(self, *values: str, acks: Acks = Acks.LEADER) -> None:
        """Records, one after the other, to the leader."""
        for value in values:
            request = ProduceRequest(TP, value, acks)
            self.watch.asked[self.cluster.ask(self.leader, request)] = request
            self.cluster.run_for(SECOND // 10)
        for answer in self.cluster.answers.values():
            assert not isinstance(answer, ProduceResponse) or answer.error is Error.NONE
        self.watch.collect()

    def lead(self, broker: int) -> None:
        """Make a broker the leader, without a change of the ISR: the preferred one, by another order of the replicas."""
        self.cluster.ask(3, ReassignRequest(TP, (broker, 3 - broker)))
        self.cluster.run_for(4 * SECOND)
        assert self.leader == broker

    def hold_fetches_of(self, *brokers: int) -> None:
        """What these fetch is held up, until it is released."""
        self.cluster.hold = lambda message: isinstance(message.body, FetchRequest) and message.src in brokers

    def release(self) -> None:
        """Nothing is held up any more, and everybody has time."""
        self.cluster.hold = lambda message: False
        self.cluster.held.clear()
        self.cluster.run_for(10 * SECOND)

    def payloads(self, broker: int) -> tuple[object, ...]:
        """The records in a broker's log."""
        return tuple(entry.payload for entry in self.cluster.brokers[broker].disk.logs[TP].entries)


def fast_failovers(bug: str | None) -> Script:
    """KIP-279's scenario: broker 2 leads and appends while 1 has more of the epoch before, then 1 leads again."""
    script = Script(tuple(config_with(bug, broker, IDS, PATIENT) for broker in IDS))
    script.lead(1)
    script.hold_fetches_of(1, 2)
    script.produce("a", "b", "c", "d")
    script.lead(2)
    script.produce("x", "y")
    script.lead(1)
    script.release()
    return script


def test_a_follower_cuts_an_epoch_that_its_leader_does_not_have() -> None:
    """KIP-279: the follower goes on to an epoch that both have, and both logs are the same in the end."""
    script = fast_failovers(None)

    assert script.payloads(1) == script.payloads(2) == ("a", "b", "c", "d")
    check_quiet(script.watch)


def test_kafka_6361_lets_logs_part() -> None:
    """KIP-101: the follower cuts at an offset at which its leader has something else, and keeps what nobody else has."""
    with pytest.raises(Broken, match="K7: replicas agree"):
        fast_failovers("KAFKA-6361")


def kip_903(rules: Rules) -> Script:
    """A follower that has caught up loses its disk and comes back, while the request to take it into the ISR is on its way."""
    script = Script(tuple(Config(broker, IDS, evolve(PATIENT, rebalance_delay=0), rules) for broker in IDS))
    cluster = script.cluster
    cluster.crash(2, ends_session=True)
    cluster.run_for(SECOND)
    assert script.isr == (1,)
    script.produce("a", "b", acks=Acks.ALL)
    cluster.hold = lambda message: isinstance(message.body, AlterPartitionRequest)
    cluster.start(2)
    cluster.run_for(SECOND)
    held: list[Message] = cluster.held[:1]
    assert isinstance(held[0].body, AlterPartitionRequest)
    assert held[0].body.isr == (1, 2)
    assert script.payloads(2) == ("a", "b")
    script.hold_fetches_of(2)
    cluster.crash(2, wipe=True, ends_session=True)
    cluster.run_for(SECOND // 10)
    cluster.start(2)
    cluster.run_for(2 * SECOND)
    cluster.send(held[0])
    cluster.run_for(SECOND)
    cluster.crash(1, ends_session=True)
    cluster.run_for(2 * SECOND)
    script.watch.check_acknowledged()
    return script


def test_kafka_14617_is_there_in_3_9() -> None:
    """A broker that has lost everything is in the ISR, and leads: records that were acknowledged with acks=all are gone."""
    with pytest.raises(Broken, match="K7: a record that was acknowledged"):
        kip_903(Rules())


def test_kip_903_would_repair_it() -> None:
    """With the broker epochs of the members looked at, the request made for the process before is refused."""
    script = kip_903(evolve(Rules(), is_same_incarnation=lambda asked, known: asked == known))

    assert script.isr == (1,)
    assert script.leader == -1


def test_a_record_is_acknowledged_when_all_in_sync_have_it() -> None:
    """acks=all waits for the followers in the ISR; acks=1 does not."""
    script = Script(tuple(Config(broker, IDS, PATIENT) for broker in IDS))
    script.hold_fetches_of(1, 2)
    script.produce("a", acks=Acks.LEADER)
    waits = script.cluster.ask(script.leader, ProduceRequest(TP, "b", Acks.ALL))
    script.cluster.run_for(5 * SECOND)
    assert waits not in script.cluster.answers

    script.release()

    answer = script.cluster.answers[waits]
    assert isinstance(answer, ProduceResponse)
    assert (answer.error, answer.offset) == (Error.NONE, 1)


def test_too_few_in_sync_for_acks_all() -> None:
    """With min.insync.replicas=2 a record for acks=all is refused when the leader is alone; one for acks=1 is not."""
    settings = evolve(PATIENT, min_insync=2)
    script = Script(tuple(Config(broker, IDS, settings) for broker in IDS))
    script.cluster.crash(2, ends_session=True)
    script.cluster.run_for(SECOND)
    assert script.isr == (1,)

    refused = script.cluster.ask(1, ProduceRequest(TP, "a", Acks.ALL))
    taken = script.cluster.ask(1, ProduceRequest(TP, "b", Acks.LEADER))
    script.cluster.run_for(SECOND)

    errors = {
        number: answer.error for number, answer in script.cluster.answers.items() if isinstance(answer, ProduceResponse)
    }
    assert errors == {refused: Error.NOT_ENOUGH_REPLICAS, taken: Error.NONE}


def test_the_last_in_sync_is_not_removed() -> None:
    """When the last member of the ISR dies it stays there, without a leader, and leads again with all that it had."""
    script = Script(tuple(Config(broker, IDS, PATIENT) for broker in IDS))
    script.produce("a", acks=Acks.ALL)
    script.cluster.crash(2, ends_session=True)
    script.cluster.run_for(SECOND)
    script.produce("b", acks=Acks.ALL)
    script.cluster.crash(1, ends_session=True)
    script.cluster.run_for(SECOND)
    script.cluster.start(2)
    script.cluster.run_for(4 * SECOND)
    assert (script.leader, script.isr) == (-1, (1,))

    script.cluster.start(1)
    script.cluster.run_for(10 * SECOND)

    assert script.isr == (1, 2)
    assert script.payloads(1) == script.payloads(2) == ("a", "b")
    script.watch.check_acknowledged()
    check_quiet(script.watch)
