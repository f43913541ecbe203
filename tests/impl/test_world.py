"""The simulated world: what happens when a choice is applied."""

import json

import pytest
from attrs import evolve

from impl.effects import AppendEntries, FatalError, FlushLog, Receive, Send, SetTimer, WriteElectionState
from impl.kraft import node as kraft_node
from impl.kraft.messages import ClientRequest, FetchRequest, FetchResponse, VoteRequest, VoteResponse
from impl.kraft.node import NodeEffects, NodeEvent
from impl.kraft.state import NodeState
from impl.operations import Operation
from impl.world.choices import (
    ChoiceError,
    ClientOp,
    Crash,
    CrashDuring,
    Cut,
    Deliver,
    Drop,
    Duplicate,
    Fire,
    Heal,
    Pause,
    Redeliver,
    Restart,
    Resume,
)
from impl.world.config import WorldConfig
from impl.world.kraft import system as kraft_system
from impl.world.kraft.disk import Disk
from impl.world.record import StepRecord
from impl.world.world import World
from tests.impl.hand import cluster


def test_crash_in_mid_step_carries_out_a_prefix() -> None:
    """A voter that crashes after it wrote its vote, before the grant left: the vote is on disk, the candidate waits."""
    hand = cluster()
    hand.fire(1, "election")
    request = Deliver(hand.message(1, 2, VoteRequest))
    written = [isinstance(effect, WriteElectionState) for effect in hand.world.preview(request)]
    assert written == [True, True, False, False]

    record = hand.world.apply(CrashDuring(request, after=2, kept=0))

    assert [type(effect) for effect in record.effects] == [WriteElectionState, WriteElectionState]
    assert record.sent == ()
    assert hand.world.status(2) == "down"
    assert hand.in_flight(src=2) == []
    down = hand.node(2)
    assert (down.status, down.role, down.voted_id, down.timers) == ("down", "Voted", 1, ())
    hand.world.apply(Restart(2))
    assert hand.node(2).role == "Voted"


def test_crash_keeps_any_unflushed_suffix_but_all_that_is_flushed() -> None:
    """Power loss: between the flushed records and the log end, how much survives is a choice."""
    hand = cluster()
    hand.elect(1, 2)
    hand.fire(1, "drain")
    hand.write(1, 7, client=101)
    hand.write(1, 8, client=102)
    drain = Fire(1, "drain")

    with pytest.raises(ChoiceError, match=r"kept must be from 1 \(flushed\) to 3 \(log end\)"):
        hand.world.apply(CrashDuring(drain, after=2, kept=0))
    with pytest.raises(ChoiceError, match=r"kept must be from 1 \(flushed\) to 1 \(log end\)"):
        hand.world.apply(Crash(1, 2))
    with pytest.raises(ChoiceError, match="the step has 3 effects, not 9"):
        hand.world.apply(CrashDuring(drain, after=9, kept=1))
    hand.world.apply(CrashDuring(drain, after=2, kept=2))

    assert len(hand.world.disk(1).entries) == 2
    assert hand.world.disk(1).flushed == 2


def test_message_over_a_cut_link_is_lost_in_that_direction_only() -> None:
    """An asymmetric partition: 1 cannot reach 2, 2 can reach 1; what was in flight before still arrives."""
    hand = cluster()
    hand.fire(3, "election")
    early = hand.message(3, 2, VoteRequest)
    hand.world.apply(Cut(3, 2))
    hand.world.apply(Cut(1, 2))
    hand.fire(1, "election")
    hand.fire(2, "election")

    assert hand.in_flight(src=1, dst=2) == []
    assert hand.in_flight(src=2, dst=1) != []
    assert hand.world.network.cuts() == ((1, 2), (3, 2))
    hand.world.apply(Deliver(early))
    # The lost message was sent all the same, and can be brought back.
    (lost,) = [
        message_id
        for message_id, message in enumerate(hand.world.sent)
        if (message.src, message.dst) == (1, 2) and isinstance(message, VoteRequest)
    ]
    record = hand.world.apply(Redeliver(lost))
    assert isinstance(record.event, Receive)
    assert record.event.message == hand.world.sent[lost]

    hand.world.apply(Heal(1, 2))
    hand.fire(1, "request:2")
    assert hand.in_flight(src=1, dst=2, kind=VoteRequest) != []


def test_leader_cut_off_from_all_is_replaced_and_its_write_never_commits() -> None:
    """A symmetric partition: the majority elects, the old leader's record is truncated when it comes back."""
    hand = cluster()
    hand.elect(1, 2, 3)
    hand.fire(1, "drain")
    hand.exchange(1, 2, 3)
    for other in (2, 3):
        hand.world.apply(Cut(1, other))
        hand.world.apply(Cut(other, 1))
    hand.write(1, 7)
    hand.fire(1, "drain")
    assert hand.node(1).log_end == (2, 1)
    hand.elect(2, 3)
    hand.fire(2, "drain")
    hand.exchange(2, 3)
    assert (hand.node(1).role, hand.node(2).role) == ("Leader", "Leader")
    assert hand.node(2).high_watermark == 2

    for other in (2, 3):
        hand.world.apply(Heal(1, other))
        hand.world.apply(Heal(other, 1))
    hand.fire(2, "request:1")
    hand.fire(2, "begin_quorum_epoch")
    hand.exchange(1, 2, 3)

    assert hand.node(1).role == "Follower"
    assert hand.node(1).log == hand.node(2).log
    assert [event.type for event in hand.world.history] == ["invoke", "info"]


def test_duplicate_leaves_the_original_in_flight() -> None:
    """A duplicated request is answered twice; only the first answer is awaited."""
    hand = cluster()
    hand.fire(1, "election")
    request = hand.message(1, 2, VoteRequest)
    hand.world.apply(Duplicate(request))
    hand.world.apply(Deliver(request))
    first, second = hand.in_flight(src=2, dst=1, kind=VoteResponse)

    assert hand.world.apply(Deliver(first)).effects != ()
    assert hand.world.apply(Deliver(second)).effects == ()


def test_clients_messages_arrive_at_most_once() -> None:
    """A client's connection is TCP: its request is neither duplicated nor brought back."""
    hand = cluster()
    hand.world.apply(ClientOp(101, Operation("set_config", "k", 1), 1))
    request = hand.message(101, 1, ClientRequest)

    for choice in (Duplicate(request), Redeliver(request)):
        with pytest.raises(ChoiceError, match=r"arrives at most once \(TCP\)"):
            hand.world.apply(choice)
    hand.world.apply(Deliver(request))
    with pytest.raises(ChoiceError, match=f"message {request} is not in flight"):
        hand.world.apply(Deliver(request))


def test_paused_node_does_nothing_and_goes_on_where_it_was() -> None:
    """Pause keeps memory, timers and messages; the node just does not move."""
    hand = cluster()
    hand.fire(1, "election")
    before = hand.node(2)
    hand.world.apply(Pause(2))

    with pytest.raises(ChoiceError, match="node 2 is paused"):
        hand.deliver(1, 2, VoteRequest)
    with pytest.raises(ChoiceError, match="node 2 is paused"):
        hand.fire(2, "election")
    assert all(choice != Fire(2, "election") for choice in hand.world.choices())
    hand.world.apply(Resume(2))

    assert hand.node(2) == before
    hand.deliver(1, 2, VoteRequest)


def test_old_process_s_responses_are_not_taken_for_the_new_one_s() -> None:
    """Correlation ids of two incarnations never meet (in Kafka the connection dies with the process)."""
    hand = cluster()
    hand.fire(1, "election")
    hand.deliver(1, 2, VoteRequest)
    grant = hand.message(2, 1, VoteResponse)
    hand.power_cycle(1)
    assert hand.node(1).role == "Candidate"

    record = hand.world.apply(Deliver(grant))

    assert record.effects == ()
    assert hand.node(1).granted == (1,)


def test_clock_moves_to_deadlines_and_never_back() -> None:
    """A timer that fires moves the clock to its deadline, if that is later; a choice may say another time, not an earlier."""
    world = World(WorldConfig())
    record = world.apply(Fire(1, "election"))
    assert record.time == world.now == 1_500_000
    world.apply(Fire(2, "election", at=1_600_000))
    assert world.now == 1_600_000
    world.apply(Fire(3, "election"))
    assert world.now == 1_600_000

    with pytest.raises(ChoiceError, match="is in the past, the time is 1600000"):
        world.apply(Fire(1, "request:2", at=5))


def test_fatal_condition_takes_the_process_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """A FatalError ends the process, not the machine: its effects so far happened, the whole log survives, a restart works."""
    hand = cluster()
    hand.elect(1, 2)
    hand.fire(1, "drain")
    hand.write(1, 7)

    def dying(state: NodeState, event: NodeEvent) -> tuple[NodeState, NodeEffects]:
        _, effects = kraft_node.step(state, event)
        raise FatalError("out of luck", effects[:1])

    monkeypatch.setattr(kraft_system, "step", dying)
    record = hand.fire(1, "drain")
    monkeypatch.undo()

    assert [type(effect) for effect in record.effects] == [AppendEntries]
    assert record.incident == hand.world.incidents[0]
    assert (record.incident.node, record.incident.kind, record.incident.message) == (1, "fatal", "out of luck")
    assert hand.world.status(1) == "down"
    assert len(hand.world.disk(1).entries) == 2
    hand.world.apply(Restart(1))
    assert hand.node(1).role == "Resigned"


def test_disk_keeps_what_was_flushed() -> None:
    """Append, flush, truncate, crash: the arithmetic of the flushed prefix."""
    hand = cluster()
    hand.elect(1, 2)
    entries = tuple(
        effect.entries[0] for effect in hand.world.preview(Fire(1, "drain")) if isinstance(effect, AppendEntries)
    )
    disk = Disk().carry_out(AppendEntries(0, entries * 3))
    assert (disk.flushed, disk.crash(1).flushed) == (0, 1)
    flushed = disk.carry_out(FlushLog())
    assert flushed.flushed == 3

    with pytest.raises(RuntimeError, match="append at offset 5 of a log that ends at 3"):
        disk.carry_out(AppendEntries(5, entries))


def test_observer_sees_every_step() -> None:
    """Observers are called after each step with the world and its record, in order."""
    seen: list[StepRecord] = []
    world = World(WorldConfig(), observers=[lambda world, record: seen.append(record)])
    records = [world.apply(Fire(1, "election")), world.apply(Deliver(0))]

    assert seen == records
    assert [record.index for record in seen] == [0, 1]
    assert seen[0].sent == (0, 1)
    assert [effect.message for effect in seen[0].effects if isinstance(effect, Send)] == list(world.sent[:2])


def test_snapshot_of_a_leader() -> None:
    """The observable state of a leader with a record in the accumulator, a parked fetch, and an unanswered announcement."""
    hand = cluster()
    hand.elect(1, 2)
    hand.fire(1, "drain")
    hand.exchange(1, 2)
    hand.write(1, 7)

    leader = hand.world.snapshot().node(1)

    assert (leader.role, leader.epoch, leader.leader_id, leader.voted_id) == ("Leader", 1, 1, None)
    assert (leader.log_end, leader.flushed, leader.epoch_start, leader.high_watermark) == ((1, 1), 1, 0, 1)
    assert leader.replica_end_offsets == ((1, 1), (2, 1), (3, None))
    assert [str(payload) for payload in leader.accumulator] == ["create_topic(7)#101.1"]
    assert leader.outstanding == ((3, "1->3 BeginQuorumEpochRequest epoch=1 leader=1"),)
    assert leader.parked == ("2->1 FetchRequest epoch=1 end=1/1",)
    assert leader.timers == ("begin_quorum_epoch", "drain", "fetch_wait:2:1", "request:3")
    data = hand.world.snapshot().to_json()
    assert data["nodes"][0]["log"] == [
        {"epoch": 1, "payload": {"leader_change": 1, "voters": [1, 2, 3], "granting_voters": [1, 2]}}
    ]
    assert json.loads(json.dumps(data)) == data


def test_digest_tells_states_apart() -> None:
    """The digest covers memory, disks, messages in flight and the clock."""
    world = World(WorldConfig())
    digests = [world.digest()]
    for choice in (Fire(1, "election"), Drop(0), Cut(1, 2), Crash(3, 0), Fire(2, "election", at=9_000_000)):
        world.apply(choice)
        digests.append(world.digest())

    assert len(set(digests)) == len(digests)
    snapshot = world.snapshot()
    assert evolve(snapshot, time=snapshot.time + 1).digest() != snapshot.digest()


@pytest.mark.parametrize(
    ("nodes", "clients", "message"), [(0, 1, "1 to 100 nodes, not 0"), (101, 1, "not 101"), (3, -1, "not -1")]
)
def test_impossible_world(nodes: int, clients: int, message: str) -> None:
    """Addresses of nodes and clients must not meet."""
    with pytest.raises(ValueError, match=message):
        WorldConfig(nodes=nodes, clients=clients)


def test_timer_set_again_replaces_the_first() -> None:
    """A fetch timer that is reset by each response fires once, a fetch timeout after the last."""
    hand = cluster()
    hand.elect(1, 2)
    hand.fire(1, "drain")
    record = hand.deliver(1, 2, FetchResponse) if hand.in_flight(src=1, dst=2, kind=FetchResponse) else None
    assert record is not None
    assert SetTimer("fetch", 2_000_000) in record.effects
    start = hand.world.now
    hand.world.apply(Cut(2, 1))
    hand.deliver(2, 1, FetchRequest)

    hand.fire(2, "fetch")

    assert hand.world.now == start + 2_000_000
    assert hand.node(2).role == "Candidate"
