"""The counterexamples of the historical bugs, driven step by step: with the bug the property breaks, without it it holds."""

import pytest

from impl.kraft.bugs import BUGS, rules_with
from impl.kraft.messages import (
    BeginQuorumEpochRequest,
    FetchRequest,
    FetchResponse,
    VoteRequest,
    VoteResponse,
)
from impl.kraft.records import Command
from impl.world.choices import Crash, CrashDuring, Fire, Restart
from tests.impl.hand import Hand, cluster

A, B, C = 1, 2, 3


def _values(hand: Hand, node: int) -> list[object]:
    """The values written at each offset of a node's log (None: a LeaderChange record)."""
    payloads = [entry.payload for entry in hand.world.disk(node).entries]
    return [int(payload.operation.key) if isinstance(payload, Command) else None for payload in payloads]


def _epochs(hand: Hand, node: int) -> list[int]:
    return [entry.epoch for entry in hand.world.disk(node).entries]


def _commit_leader_change(hand: Hand, leader: int, *others: int) -> None:
    hand.elect(leader, *others)
    hand.fire(leader, "drain")
    hand.exchange(leader, *others)
    assert hand.node(leader).high_watermark == len(_values(hand, leader))


def _figure_eight(bug: str | None) -> Hand:
    """Up to the moment where a majority has record x of epoch 1, and the leader of epoch 3 nothing of its own on it."""
    hand = cluster(bug=bug)
    _commit_leader_change(hand, A, B, C)
    # A appends x in epoch 1; its answers to the parked fetches do not arrive; A stops.
    hand.write(A, 7)
    hand.fire(A, "drain")
    hand.world.apply(Crash(A, 2))
    # B wins epoch 2 with C; its LeaderChange stays on B alone; B stops.
    hand.fire(B, "fetch")
    hand.deliver(B, C, VoteRequest)
    hand.deliver(C, B, VoteResponse)
    hand.fire(B, "drain")
    assert _epochs(hand, B) == [1, 2]
    hand.world.apply(Crash(B, 2))
    # A restarts; C refuses it epoch 2, in which it voted for B, and grants it epoch 3: (2, e1) is ahead of (1, e1).
    hand.world.apply(Restart(A))
    hand.fire(A, "election")
    hand.deliver(A, C, VoteRequest)
    hand.deliver(C, A, VoteResponse)
    assert hand.node(A).rejected == (C,)
    hand.fire(A, "election")
    hand.fire(A, "backoff")
    hand.deliver(A, C, VoteRequest)
    hand.deliver(C, A, VoteResponse)
    assert (hand.node(A).role, hand.node(A).epoch, hand.node(A).epoch_start) == ("Leader", 3, 2)
    hand.fire(A, "drain")
    # C fetches x alone, and acknowledges it with its next fetch.
    hand.deliver(A, C, BeginQuorumEpochRequest)
    hand.deliver(C, A, FetchRequest)
    hand.deliver(A, C, FetchResponse)
    assert _values(hand, C) == [None, 7]
    hand.deliver(C, A, FetchRequest)
    return hand


def test_r1_high_watermark_stays_unknown_until_the_leaders_own_record_is_on_a_majority() -> None:
    """KAFKA-12619, trace T-R1: records of older epochs are not committed by counting replicas (Raft section 5.4.2)."""
    hand = _figure_eight(None)

    assert hand.node(A).replica_end_offsets == ((A, 3), (B, None), (C, 2))
    assert hand.node(A).high_watermark is None


def test_r1_bug_commits_a_record_that_the_next_leader_overwrites() -> None:
    """KAFKA-12619, trace T-R1: the bug commits x at the epoch start; B then leads epoch 4 without x, and C must drop it."""
    hand = _figure_eight("KAFKA-12619")

    assert hand.node(A).high_watermark == 2
    assert hand.world.state(A).applied == 2
    # A's answer with the LeaderChange of epoch 3 never arrives; A stops, B comes back and wins epoch 4 with C.
    hand.world.apply(Crash(A, 3))
    hand.world.apply(Restart(B))
    hand.fire(B, "election")
    hand.deliver(B, C, VoteRequest)
    hand.deliver(C, B, VoteResponse)
    # C follows A in epoch 3 and says so; B follows A too, in vain.
    assert (hand.node(B).role, hand.node(B).leader_id) == ("Follower", A)
    hand.fire(B, "fetch")
    hand.deliver(B, C, VoteRequest)
    hand.deliver(C, B, VoteResponse)
    assert (hand.node(B).role, hand.node(B).epoch) == ("Leader", 4)
    hand.deliver(B, C, BeginQuorumEpochRequest)
    hand.deliver(C, B, FetchRequest)
    hand.deliver(B, C, FetchResponse)

    assert _values(hand, B) == [None, None]
    assert _values(hand, C) == [None]


def _leader_loses_what_a_follower_has(bug: str | None) -> Hand:
    """A leads epoch 1 and answers B's parked fetch with x, but crashes before it has flushed x itself, and restarts."""
    hand = cluster(bug=bug)
    _commit_leader_change(hand, A, B, C)
    hand.write(A, 7)
    effects = [type(effect).__name__ for effect in hand.world.preview(Fire(A, "drain"))]
    hand.world.apply(CrashDuring(Fire(A, "drain"), after=effects.index("FlushLog"), kept=1))
    hand.deliver(A, B, FetchResponse)
    assert (_values(hand, A), _values(hand, B)) == ([None], [None, 7])
    hand.world.apply(Restart(A))
    return hand


def test_r2_leader_of_the_disk_restarts_resigned() -> None:
    """KAFKA-10527, trace T-R2: who finds itself leader on its disk may have lost records, and never leads that epoch again."""
    hand = _leader_loses_what_a_follower_has(None)

    assert (hand.node(A).role, hand.node(A).epoch) == ("Resigned", 1)
    hand.fire(A, "election")
    assert (hand.node(A).role, hand.node(A).epoch) == ("Candidate", 2)


def test_r2_bug_writes_two_records_under_one_offset_and_epoch() -> None:
    """KAFKA-10527, trace T-R2: the restarted leader appends at an offset of its epoch that a follower has already."""
    hand = _leader_loses_what_a_follower_has("KAFKA-10527")

    assert (hand.node(A).role, hand.node(A).epoch) == ("Leader", 1)
    hand.fire(A, "drain")
    assert _epochs(hand, A) == _epochs(hand, B) == [1, 1]
    assert (_values(hand, A), _values(hand, B)) == ([None, None], [None, 7])
    # B's log ends at (2, epoch 1), which is a valid position in A's log: nothing will ever find the difference.
    hand.deliver(B, A, FetchRequest)
    assert hand.node(A).replica_end_offsets[1] == (B, 2)
    assert hand.node(A).high_watermark == 2


def _power_loss_of_everybody(bug: str | None) -> Hand:
    """A write is acknowledged to its client, and then all three machines lose power at once."""
    hand = cluster(bug=bug)
    _commit_leader_change(hand, A, B, C)
    hand.write(A, 7)
    hand.fire(A, "drain")
    hand.exchange(A, B, C)
    assert hand.world.history[-1].type == "ok"
    for node in (A, B, C):
        hand.power_cycle(node)
    return hand


def test_r3_acknowledged_records_survive_a_power_loss_of_all() -> None:
    """KAFKA-10533, trace T-R3: a follower flushes before the fetch that acknowledges, a leader at the end of its drain."""
    hand = _power_loss_of_everybody(None)

    assert [_values(hand, node) for node in (A, B, C)] == [[None, 7]] * 3


def test_r3_bug_loses_an_acknowledged_record() -> None:
    """KAFKA-10533, trace T-R3: without the flush the acknowledged record is on no disk, and a leader without it is elected."""
    hand = _power_loss_of_everybody("KAFKA-10533")

    assert [_values(hand, node) for node in (A, B, C)] == [[]] * 3
    hand.elect(B, C)
    hand.fire(B, "drain")
    hand.exchange(B, C)
    assert hand.node(B).high_watermark == 1
    assert _values(hand, B) == [None]


def _second_candidate_after_a_crash(bug: str | None) -> Hand:
    """C votes for A in epoch 1, loses power, restarts, and B asks for its vote in the same epoch."""
    hand = cluster(bug=bug)
    hand.fire(A, "election")
    hand.deliver(A, C, VoteRequest)
    hand.fire(B, "election")
    hand.power_cycle(C)
    hand.deliver(B, C, VoteRequest)
    hand.deliver(C, A, VoteResponse)
    hand.deliver(C, B, VoteResponse)
    return hand


def test_m2_vote_survives_a_crash() -> None:
    """KIP-595: a vote is durable before the grant leaves, so that there is one vote per voter and epoch across crashes."""
    hand = _second_candidate_after_a_crash(None)

    assert [hand.node(node).role for node in (A, B)] == ["Leader", "Candidate"]
    assert hand.node(B).rejected == (C,)


def test_m2_bug_elects_two_leaders_of_one_epoch() -> None:
    """M2: a vote that lives only in memory is given twice."""
    hand = _second_candidate_after_a_crash("M2")

    assert [hand.node(node).role for node in (A, B)] == ["Leader", "Leader"]
    assert hand.node(A).epoch == hand.node(B).epoch == 1


@pytest.mark.parametrize(("bug", "role"), [(None, "Candidate"), ("M3", "Leader")])
def test_m3_candidate_without_a_committed_record(bug: str | None, role: str) -> None:
    """Raft section 5.4.1: a candidate whose log misses committed records is refused; with M3 it is elected."""
    hand = cluster(bug=bug)
    hand.elect(A, B)
    hand.fire(A, "drain")
    hand.exchange(A, B)
    assert hand.node(A).high_watermark == 1
    hand.fire(C, "election")
    hand.fire(C, "election")
    hand.fire(C, "backoff")
    assert (_values(hand, B), _values(hand, C)) == ([None], [])

    hand.deliver(C, B, VoteRequest)
    hand.deliver(B, C, VoteResponse)

    assert (hand.node(C).role, hand.node(C).epoch) == (role, 2)


@pytest.mark.parametrize(("bug", "high_watermark"), [(None, None), ("M5", 1)])
def test_m5_commit_with_a_minority(bug: str | None, high_watermark: int | None) -> None:
    """LeaderState: the high watermark is what a majority has reached; with M5 the leader's own log is enough."""
    hand = cluster(bug=bug)
    hand.elect(A, B)

    hand.fire(A, "drain")

    assert hand.node(A).high_watermark == high_watermark


@pytest.mark.parametrize(("bug", "left"), [(None, [None]), ("M10", [])])
def test_m10_diverging_follower_drops_committed_records(bug: str | None, left: list[object]) -> None:
    """KafkaMetadataLog.truncateTo: a follower keeps what it knows to be committed; with M10 it drops everything."""
    hand = cluster(bug=bug)
    _commit_leader_change(hand, A, B, C)
    hand.fire(A, f"fetch_wait:{B}:1")
    hand.exchange(A, B, C)
    # A alone appends x and stops; B, with C, leads epoch 2; A comes back as a follower whose log diverges.
    hand.write(A, 7)
    hand.world.apply(CrashDuring(Fire(A, "drain"), after=1, kept=2))
    hand.elect(B, C)
    hand.fire(B, "drain")
    hand.exchange(B, C)
    hand.world.apply(Restart(A))
    hand.fire(B, "begin_quorum_epoch")
    hand.deliver(B, A, BeginQuorumEpochRequest)
    hand.deliver(A, B, FetchRequest)

    hand.deliver(B, A, FetchResponse)

    assert _values(hand, A) == left


def test_every_bug_changes_the_rules() -> None:
    """A registered bug differs from the correct rules, and says what it breaks."""
    assert list(BUGS) == ["KAFKA-12619", "KAFKA-10527", "KAFKA-10533", "M2", "M3", "M5", "M10"]
    for bug in BUGS.values():
        assert bug.rules != rules_with(None)
        assert bug.title
        assert bug.breaks


def test_unknown_bug_is_refused() -> None:
    """A bug is named by its id; a wrong one gets the list."""
    with pytest.raises(ValueError, match=r"unknown bug 'KAFKA-1'; one of KAFKA-12619, "):
        rules_with("KAFKA-1")
