"""Runs that history paid for, step by step: with the bug planted they lose data, without it they cannot be taken or lose none."""

from typing import Any

import pytest

from model.kraft.state import Outcome, Role
from model.language import NONE
from tests.kraft.script import A, B, C, Script

LC = 0  # the value of a LeaderChange record

FIGURE_8 = {"nodes": 3, "epochs": 4, "elections": 5, "log": 3, "values": 1, "restarts": 2}


def figure_8(bug: str | None) -> Script:
    """Raft's figure 8 up to the point where a leader knows that an entry of an older epoch is on a majority."""
    run = Script(bug, **FIGURE_8)
    run.elect(A, B)
    run.do("append_leader_change", A)
    for follower in (B, C):
        run.follow(follower, A)
        run.fetch(follower)
    run.request(B)
    assert run.s.high_watermark[A] == 1
    run.do("append_record", A, 1)  # nobody fetches it

    run.elect(B, C)
    run.do("append_leader_change", B)  # nobody fetches it
    assert (run.log(A), run.log(B), run.log(C)) == ([(1, LC), (1, 1)], [(1, LC), (2, LC)], [(1, LC)])

    run.do("restart", A, 2)
    assert run.s.role[A] == Role.RESIGNED
    run.do("start_election", A)  # epoch 2: C has voted for B
    run.do("handle_vote_request", C, run.message("vote_requests", candidate=A))
    assert [m.granted for m in run.s.vote_responses.items] == []
    run.elect(A, C)  # epoch 3: A's log (1, 2) is ahead of C's (1, 1)
    run.do("append_leader_change", A)
    run.follow(C, A)
    run.fetch(C)  # one record: the one of epoch 1
    assert (run.log(A), run.log(C)) == ([(1, LC), (1, 1), (3, LC)], [(1, LC), (1, 1)])
    assert run.broken() == []
    run.request(C)  # acknowledges it; A's LeaderChange record is on A only
    return run


def test_an_entry_of_an_older_epoch_is_not_committed_by_counting() -> None:
    """KAFKA-12619 (T-R1): a majority holds the entry of epoch 1, but none of epoch 3 is committed, so it is not exposed."""
    run = figure_8(None)
    assert (run.s.high_watermark[A], run.s.epoch_start[A], run.s.replica_end[A, C]) == (0, 2, 2)
    assert run.s.ghost_commit_epoch[2] == 0
    assert run.broken() == []
    lose_the_entry(run)
    assert run.broken() == []
    run.fetch(C)  # diverges: B never had that entry
    assert run.log(C) == [(1, LC)]
    assert run.broken() == []
    run.fetch(C)
    assert run.log(C) == [(1, LC), (2, LC)]
    assert run.broken() == []


def test_an_entry_that_is_committed_by_counting_is_lost() -> None:
    """KAFKA-12619 (T-R1): exposed as soon as the epoch's start is reached, the committed entry is missing in the next leader."""
    run = figure_8("KAFKA-12619")
    assert (run.s.high_watermark[A], run.s.ghost_commit_epoch[2]) == (2, 3)
    assert run.broken() == ["electable_nodes_hold_committed_entries"]
    lose_the_entry(run)
    assert run.broken() == ["leader_completeness", "electable_nodes_hold_committed_entries"]
    run.fetch(C)
    assert run.log(C) == [(1, LC)]
    assert "committed_entries_are_flushed_on_a_majority" in run.broken()


def lose_the_entry(run: Script) -> None:
    """B, whose last entry is of epoch 2, wins epoch 4 with the vote of C, whose last entry is of epoch 1."""
    run.do("restart", B, 2)
    run.do("handle_vote_request", B, run.message("vote_requests", candidate=A))  # epoch 3, which A leads by now
    run.elect(B, C)
    assert (run.s.epoch[B], run.s.last_epoch[C]) == (4, 1)
    run.follow(C, B)


UNFLUSHED = {"nodes": 3, "epochs": 1, "elections": 1, "log": 2, "values": 1, "restarts": 1}


def crash_before_the_flush(bug: str | None) -> Script:
    """A leader answers a parked Fetch with a record that it has not flushed, and loses it in a crash."""
    run = Script(bug, **UNFLUSHED)
    run.elect(A, B)
    run.do("append_leader_change", A)
    run.follow(B, A)
    run.fetch(B)
    run.request(B)  # nothing new: parked
    assert run.message("fetch_responses", follower=B).has_record is False
    run.do("append_without_flush", A, 1)
    assert (run.s.flushed[A], run.s.log[A].length) == (1, 2)
    assert not run.can(
        "append_record", A, 1
    )  # the power is failing: all that A still does is to complete parked fetches
    assert not run.can("handle_begin_quorum_request", A, run.message("begin_requests", leader=A))
    run.fetch(B)
    assert run.log(B) == [(1, LC), (1, 1)]
    assert run.s.flushed[B] == 2
    run.do("restart", A, 1)
    assert (run.log(A), run.s.interrupted[A], run.s.aux_restarts) == ([(1, LC)], False, 1)
    assert run.broken() == []
    return run


def test_a_leader_that_lost_unflushed_records_does_not_lead_that_epoch_again() -> None:
    """KAFKA-10527 (T-R2): after the crash it is resigned, so nothing else can be appended at that offset in that epoch."""
    run = crash_before_the_flush(None)
    assert (run.s.role[A], run.s.leader[A], run.s.epoch[A]) == (Role.RESIGNED, A, 1)
    for action in ("append_leader_change", "append_record"):
        args = (A,) if action == "append_leader_change" else (A, 1)
        assert not run.can(action, *args)
    assert not run.can("handle_fetch_request", run.message("fetch_requests", follower=B))


def test_a_leader_that_leads_on_after_a_crash_forks_the_log() -> None:
    """KAFKA-10527 (T-R2): it appends another record at the same offset and epoch; the follower's Fetch is valid, and commits it."""
    run = crash_before_the_flush("KAFKA-10527")
    assert run.s.role[A] == Role.LEADER
    run.do("append_leader_change", A)
    assert (run.log(A)[1], run.log(B)[1]) == ((1, LC), (1, 1))
    assert run.broken() == ["log_matching"]
    run.request(B)
    assert run.message("fetch_responses", follower=B).outcome == Outcome.RECORDS
    assert run.s.high_watermark[A] == 2
    run.response(B)
    assert run.s.high_watermark[B] == 2
    assert {"log_matching", "state_machine_safety"} <= set(run.broken())


def acknowledged(bug: str | None) -> Script:
    """An entry that a leader and one follower hold is committed."""
    run = Script(bug, nodes=3, epochs=2, elections=3, log=1, values=0, restarts=2)
    run.elect(A, B)
    run.do("append_leader_change", A)
    run.follow(B, A)
    run.fetch(B)
    run.request(B)
    assert run.s.high_watermark[A] == 1
    return run


def test_a_flushed_entry_survives_the_crash_of_everybody_who_holds_it() -> None:
    """KAFKA-10533 (T-R3): what was acknowledged is on disk, so no crash takes it away, and a node without it is not elected."""
    run = acknowledged(None)
    for node in (A, B):
        assert not run.can("restart", node, 0)
        run.do("restart", node, 1)
    run.do("start_election", C)  # epoch 1, in which the others have voted
    run.do("start_election", C)
    for voter in (A, B):
        run.do("handle_vote_request", voter, run.message("vote_requests", candidate=C))
        assert (run.s.epoch[voter], run.s.voted_for[voter]) == (2, NONE)  # C's log is behind
    assert (run.s.role[C], run.s.vote_responses.items) == (Role.CANDIDATE, ())
    assert run.broken() == []


def test_an_entry_that_nobody_flushed_is_lost() -> None:
    """KAFKA-10533 (T-R3): leader and follower lose the acknowledged entry, and a node that never had it leads."""
    run = acknowledged("KAFKA-10533")
    assert run.broken() == ["committed_entries_are_flushed_on_a_majority", "the_high_watermark_is_on_a_majority"]
    run.do("restart", A, 0)
    run.do("restart", B, 0)
    run.do("start_election", C)  # epoch 1, in which the others have voted
    run.elect(C, B)
    assert "leader_completeness" in run.broken()


def test_a_vote_survives_a_crash() -> None:
    """M2: a voter that has granted its vote and crashes before anything else still refuses another candidate of that epoch."""
    bounds = {"nodes": 3, "epochs": 1, "elections": 2, "log": 0, "values": 0, "restarts": 1}

    def voted(bug: str | None) -> Script:
        run = Script(bug, **bounds)
        run.do("start_election", A)
        run.do("start_election", B)
        run.do("handle_vote_request", C, run.message("vote_requests", candidate=A))
        run.do("restart", C, 0)
        run.do("handle_vote_request", C, run.message("vote_requests", candidate=B))
        return run

    right, wrong = voted(None), voted("M2")
    assert (right.s.role[C], right.s.voted_for[C], right.s.ghost_vote[C]) == (Role.VOTED, A, A)
    assert (wrong.s.voted_for[C], len(wrong.s.vote_responses.items)) == (B, 2)
    for candidate in (A, B):
        wrong.do("handle_vote_response", wrong.message("vote_responses", candidate=candidate))
    assert wrong.broken() == ["at_most_one_leader_per_epoch"]


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_a_crash_takes_any_suffix_that_is_not_flushed_and_nothing_else(kept: int) -> None:
    """The flushed entry survives every crash, and nothing is kept that was never there."""
    run = Script(None, **UNFLUSHED)
    run.elect(A, B)
    run.do("append_leader_change", A)
    run.do("append_without_flush", A, 1)
    assert run.can("restart", A, kept) is (kept in (1, 2))


def test_a_vote_is_two_writes() -> None:
    """A voter that crashes between them has taken the newer epoch, and has not voted in it."""
    run = Script(nodes=3, epochs=2, elections=3, log=0, values=0, restarts=1)
    run.do("start_election", A)
    run.do("crash_before_voting", C, run.message("vote_requests", candidate=A), 0)
    found: Any = (run.s.epoch[C], run.s.voted_for[C], run.s.role[C], run.s.vote_responses.items)
    assert found == (1, NONE, Role.UNATTACHED, ())
    run.do("start_election", B)
    run.do("handle_vote_request", C, run.message("vote_requests", candidate=B))
    assert run.s.voted_for[C] == B
    assert not run.can("crash_before_voting", C, run.message("vote_requests", candidate=A), 0)
