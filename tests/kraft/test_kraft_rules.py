"""KRaft's decisions as tables: who gets a vote, who is committed, where a log is cut, as whom a node comes back."""

from typing import Any

import pytest

from model.kraft.fetch import end_of_epochs_up_to, handle_fetch_request
from model.kraft.high_watermark import advance_high_watermark, replica_end
from model.kraft.rules import (
    flushed_after_append,
    log_up_to_date,
    may_grant,
    past_epoch_start,
    role_after_restart,
    truncation_target,
    vote_after_restart,
)
from model.kraft.state import Entry, FetchRequest, Outcome, Role, VoteRequest
from model.language import NONE, Disabled
from model.language.plain import Stepper
from model.language.reading import reading
from tests.kraft.scopes import KRAFT

A, B, C = 0, 1, 2
STEPPER = Stepper(
    KRAFT, KRAFT.complete_bounds({"nodes": 3, "epochs": 5, "elections": 3, "log": 4, "values": 3, "restarts": 2})
)


def state() -> Any:
    """The initial state, to be changed by hand; whatever is written is checked by nobody."""
    return STEPPER.thaw(STEPPER.initial())


def log(*epochs: int) -> tuple[Any, ...]:
    """A log of entries of these epochs; an epoch begins with its LeaderChange record."""
    return tuple(Entry(epoch=e, value=0 if i == 0 or epochs[i - 1] != e else i) for i, e in enumerate(epochs))


# ------------------------------------------------------------------------------------------------ votes


@pytest.mark.parametrize(
    ("theirs", "mine", "up_to_date"),
    [
        ((0, 0), (0, 0), True),
        ((1, 1), (1, 1), True),
        ((1, 2), (1, 1), True),
        ((1, 1), (1, 2), False),
        ((2, 1), (1, 3), True),  # the epoch of the last entry counts first
        ((1, 3), (2, 1), False),
        ((2, 0), (2, 1), False),
    ],
)
def test_logs_are_compared_by_last_epoch_and_then_by_end(
    theirs: tuple[int, int], mine: tuple[int, int], up_to_date: bool
) -> None:
    """A candidate's (last epoch, end offset) must be at least the voter's. KafkaRaftClient.handleVoteRequest."""
    assert log_up_to_date(*theirs, *mine) is up_to_date


@pytest.mark.parametrize(
    ("role", "voted_for", "leader", "up_to_date", "granted"),
    [
        (Role.UNATTACHED, NONE, NONE, True, True),
        (Role.UNATTACHED, NONE, NONE, False, False),
        (Role.UNATTACHED, NONE, B, True, False),  # a leader is known
        (Role.VOTED, A, NONE, True, True),
        (Role.VOTED, A, NONE, False, True),  # a repeat: logs are not compared again
        (Role.VOTED, B, NONE, True, False),
        (Role.CANDIDATE, C, NONE, True, False),
        (Role.FOLLOWER, NONE, B, True, False),
        (Role.LEADER, NONE, C, True, False),
        (Role.RESIGNED, NONE, C, True, False),
    ],
)
def test_the_vote_table(role: Any, voted_for: Any, leader: Any, up_to_date: bool, granted: bool) -> None:
    """Whether voter C grants its vote to A in its own epoch, by role: canGrantVote of the states before pre-vote."""
    assert may_grant(role, voted_for, leader, A, up_to_date) is granted

    # The same through the action: C answers a request of its epoch from A, whose log is up to date or not.
    s = state()
    s.epoch[A] = s.epoch[C] = 3
    s.role[A], s.role[C] = Role.CANDIDATE, role
    s.leader[C], s.voted_for[C] = leader, voted_for
    if not up_to_date:
        s.log[C], s.last_epoch[C] = log(1), 1
    s.vote_requests.send(VoteRequest(candidate=A, epoch=3, end=0, last_epoch=0))
    after = taken(s, "handle_vote_request", C, s.vote_requests.items[0])
    answers = [m.granted for m in after.vote_responses.items]
    assert answers == ([True] if granted else [False] if leader != NONE else [])  # a plain refusal is not kept
    assert (after.voted_for[C], after.role[C]) == ((A, Role.VOTED) if granted else (voted_for, role))


def taken(s: Any, action: str, *args: Any) -> Any:
    """The state after an action in a state made by hand."""
    return STEPPER.thaw(STEPPER.apply(STEPPER.freeze(s), action, args))


@pytest.mark.parametrize("role", [Role.LEADER, Role.FOLLOWER, Role.CANDIDATE, Role.RESIGNED])
def test_a_vote_request_of_a_newer_epoch_deposes_anybody(role: Any) -> None:
    """The newer epoch is taken over before the vote is considered, granted or not: no leader stickiness."""
    for ahead in (False, True):
        s = state()
        s.epoch[C], s.role[C], s.leader[C] = 2, role, C
        s.log[C], s.last_epoch[C], s.high_watermark[C] = log(1, 2), 2, 1
        s.vote_requests.send(VoteRequest(candidate=A, epoch=4, end=3 if ahead else 1, last_epoch=2))
        after = taken(s, "handle_vote_request", C, s.vote_requests.items[0])
        assert (after.epoch[C], after.leader[C], after.high_watermark[C]) == (4, NONE, 1)
        assert (after.role[C], after.voted_for[C]) == ((Role.VOTED, A) if ahead else (Role.UNATTACHED, NONE))


def test_an_old_vote_request_is_answered_only_if_it_is_awaited() -> None:
    """A voter of a newer epoch tells a candidate that still asks; to others it says nothing, and it never votes."""
    s = state()
    s.epoch[A], s.role[A], s.epoch[C] = 1, Role.CANDIDATE, 2
    s.vote_requests.send(VoteRequest(candidate=A, epoch=1, end=0, last_epoch=0))
    request = s.vote_requests.items[0]
    answer = taken(s, "handle_vote_request", C, request).vote_responses.items[0]
    assert (answer.granted, answer.epoch, answer.voter) == (False, 2, C)
    for role, epoch in ((Role.FOLLOWER, 1), (Role.CANDIDATE, 2)):
        s.role[A], s.epoch[A] = role, epoch
        with pytest.raises(Disabled):
            taken(s, "handle_vote_request", C, request)


# ------------------------------------------------------------------------------------------------ commitment


@pytest.mark.parametrize(
    ("ends", "epoch_start", "known", "exposed"),
    [
        ((0, 0), 0, 0, 0),
        ((1, 0), 0, 0, 1),
        ((2, 1), 0, 0, 2),
        ((3, 3), 0, 0, 3),
        ((1, 0), 1, 0, 0),  # an entry of an older epoch is on a majority, none of its own
        ((2, 0), 1, 0, 2),
        ((2, 2), 2, 0, 0),  # everything up to the epoch's start, strictly
        ((3, 0), 2, 0, 3),
        ((1, 1), 0, 2, 2),  # a follower that has lost entries takes nothing back (KAFKA-12181)
        ((2, 0), 0, 2, 2),
    ],
)
def test_the_high_watermark_is_what_a_majority_holds_past_the_epochs_start(
    ends: tuple[int, int], epoch_start: int, known: int, exposed: int
) -> None:
    """A leader with three entries: the end offset at n/2 in descending order, once past the start of its epoch."""
    s = state()
    s.epoch[A], s.role[A], s.log[A] = 3, Role.LEADER, log(1, 2, 3)
    s.epoch_start[A], s.high_watermark[A] = epoch_start, known
    s.replica_end[A, B], s.replica_end[A, C] = ends
    with reading(STEPPER.reading):
        advance_high_watermark(s, A)
    assert s.high_watermark[A] == exposed
    first = [s.ghost_commit_epoch[i] for i in (1, 2, 3)]
    assert first == [3 if i <= exposed and exposed > known else 0 for i in (1, 2, 3)]
    assert past_epoch_start(epoch_start, epoch_start) is False
    assert flushed_after_append(3, 1) == 3


@pytest.mark.parametrize(("length", "counted"), [(2, 0), (3, 3)])
def test_a_new_leader_counts_itself_from_its_first_drain_on(length: int, counted: int) -> None:
    """Until its LeaderChange record is in the log, a leader's own end offset is not known to it (updateLocalState)."""
    s = state()
    s.epoch[A], s.role[A], s.log[A], s.epoch_start[A] = 3, Role.LEADER, log(*(1, 2, 3)[:length]), 2
    s.replica_end[A, B] = 1
    with reading(STEPPER.reading):
        assert [replica_end(s, A, n) for n in (A, B, C)] == [counted, 1, 0]


# ------------------------------------------------------------------------------------------------ fetch


@pytest.mark.parametrize(
    ("epochs", "epoch", "end"),
    [
        ((), 0, 0),
        ((), 3, 0),
        ((1, 1, 3), 0, 0),  # older than the whole log
        ((1, 1, 3), 1, 2),
        ((1, 1, 3), 2, 2),  # an epoch without records: the end of the one before
        ((1, 1, 3), 3, 3),
        ((1, 1, 3), 5, 3),
        ((2, 2), 1, 0),
        ((2, 3, 4, 5), 4, 3),
    ],
)
def test_the_end_of_an_epoch_is_where_a_newer_one_begins(epochs: tuple[int, ...], epoch: int, end: int) -> None:
    """LeaderEpochFileCache.endOffsetFor: the end of the entries whose epoch is at most this one."""
    s = state()
    s.log[A] = log(*epochs)
    with reading(STEPPER.reading):
        assert end_of_epochs_up_to(s.log[A], epoch) == end


RECORDS, DIVERGING = Outcome.RECORDS, Outcome.DIVERGING


@pytest.mark.parametrize(
    ("leader_log", "fetch", "answer"),
    [
        ((1, 1, 3), (0, 0), (RECORDS, 1, 0, 0)),
        ((1, 1, 3), (1, 1), (RECORDS, 1, 0, 0)),
        ((1, 1, 3), (2, 1), (RECORDS, 3, 0, 0)),
        ((1, 1, 3), (3, 3), (RECORDS, 0, 0, 0)),  # nothing new
        ((1, 1, 3), (3, 1), (DIVERGING, 0, 1, 2)),  # more entries of epoch 1 than there were
        ((1, 1, 3), (4, 3), (DIVERGING, 0, 3, 3)),
        ((1, 1, 3), (3, 2), (DIVERGING, 0, 1, 2)),  # an epoch that the leader does not know
        ((1, 1, 3), (1, 2), (DIVERGING, 0, 1, 2)),  # the same, although the end is within the log
        ((2, 2, 3), (1, 1), (DIVERGING, 0, 1, 0)),  # an epoch that is older than the whole log: itself, and the start
        ((1, 1), (2, 1), (RECORDS, 0, 0, 0)),  # the leader's own epoch is in its cache only
        ((1, 1), (2, 3), (RECORDS, 0, 0, 0)),  # and in the follower's
        ((1, 1), (2, 2), (DIVERGING, 0, 1, 2)),
        ((), (1, 1), (DIVERGING, 0, 1, 0)),
    ],
)
def test_a_fetch_is_validated_by_its_last_epoch_and_end(
    leader_log: tuple[int, ...], fetch: tuple[int, int], answer: tuple[Any, int, int, int]
) -> None:
    """Leader A of epoch 3 answers B's Fetch(end, last epoch): (outcome, epoch of the record, diverging epoch, its end).

    KafkaMetadataLog.validateOffsetAndEpoch. Only a valid Fetch acknowledges.
    """
    end, last_epoch = fetch
    s = state()
    s.epoch[A] = s.epoch[B] = 3
    s.role[A], s.role[B] = Role.LEADER, Role.FOLLOWER
    s.leader[A] = s.leader[B] = A
    s.log[A], s.last_epoch[A], s.epoch_start[A] = log(*leader_log), 3, 4
    s.log[B], s.last_epoch[B] = log(*[1] * end), last_epoch
    request = FetchRequest(follower=B, leader=A, epoch=3, end=end, last_epoch=last_epoch)
    with reading(STEPPER.reading):
        handle_fetch_request(s, request)
    (m,) = s.fetch_responses.items
    assert (m.outcome, m.record_epoch, m.diverging_epoch, m.diverging_end) == answer
    assert m.has_record is (m.record_epoch > 0)
    assert s.replica_end[A, B] == (end if m.outcome == RECORDS else 0)


@pytest.mark.parametrize(
    ("role", "epoch", "outcome"),
    [
        (Role.LEADER, 3, Outcome.RECORDS),
        (Role.LEADER, 4, Outcome.ERROR),
        (Role.FOLLOWER, 4, Outcome.ERROR),
        (Role.RESIGNED, 3, None),
        (Role.LEADER, 2, None),  # UNKNOWN_LEADER_EPOCH: a Fetch never moves the receiver's epoch
    ],
)
def test_only_the_leader_of_the_epoch_answers_a_fetch_with_records(role: Any, epoch: int, outcome: Any) -> None:
    """A node of a newer epoch says so; one that does not lead, or knows an older epoch only, changes nothing."""
    s = state()
    s.epoch[B], s.role[B], s.leader[B] = 3, Role.FOLLOWER, A
    s.epoch[A], s.role[A] = epoch, role
    request = FetchRequest(follower=B, leader=A, epoch=3, end=0, last_epoch=0)
    s.fetch_requests.send(request)
    if outcome is None:
        with pytest.raises(Disabled):
            taken(s, "handle_fetch_request", request)
    else:
        after = taken(s, "handle_fetch_request", request)
        assert [m.outcome for m in after.fetch_responses.items] == [outcome]
        assert after.epoch[A] == epoch


@pytest.mark.parametrize(
    ("end", "matches", "local_end", "diverging_end", "high_watermark", "target"),
    [
        (3, True, 2, 2, 0, 2),
        (3, True, 3, 1, 0, 1),  # more of that epoch than the leader has
        (3, True, 1, 2, 0, 1),  # less of it
        (3, False, 1, 2, 0, 1),  # none of it: back to the end of the epochs before
        (3, False, 0, 2, 0, 0),
        (3, True, 2, 2, 2, 2),
        (3, True, 3, 1, 2, None),  # below the high watermark: Kafka stops with an error
        (3, False, 0, 2, 1, None),
    ],
)
def test_where_a_diverging_follower_cuts_its_log(
    end: int, matches: bool, local_end: int, diverging_end: int, high_watermark: int, target: int | None
) -> None:
    """ReplicatedLog.truncateToEndOffset, never below the high watermark (KafkaMetadataLog.truncateTo)."""
    with reading(STEPPER.reading):
        if target is None:
            with pytest.raises(Disabled):
                truncation_target(end, matches, local_end, diverging_end, high_watermark)
        else:
            assert truncation_target(end, matches, local_end, diverging_end, high_watermark) == target


# ------------------------------------------------------------------------------------------------ restart


@pytest.mark.parametrize(
    ("leader", "voted_for", "role"),
    [
        (C, NONE, Role.RESIGNED),
        (C, C, Role.RESIGNED),  # in the order of QuorumState.initialize: the leader first
        (NONE, C, Role.CANDIDATE),
        (NONE, A, Role.VOTED),
        (A, NONE, Role.FOLLOWER),
        (NONE, NONE, Role.UNATTACHED),
    ],
)
def test_as_whom_a_node_comes_back(leader: Any, voted_for: Any, role: Any) -> None:
    """Node C starts from its quorum-state, and takes up what that role has to send. QuorumState.initialize."""
    assert role_after_restart(C, leader, voted_for) == role
    assert vote_after_restart(C, voted_for) == voted_for

    s = state()
    s.epoch[C], s.leader[C], s.voted_for[C] = 3, leader, voted_for
    s.log[C], s.flushed[C], s.last_epoch[C], s.high_watermark[C] = log(1, 1, 2), 1, 3, 1
    s.role[C], s.epoch_start[C] = Role.LEADER, 2
    s.replica_end[C, A], s.grants[C, A] = 2, True
    after = taken(s, "restart", C, 2)
    assert (after.epoch[C], after.leader[C], after.voted_for[C], after.role[C]) == (3, leader, voted_for, role)
    assert (after.log[C].items, after.flushed[C], after.last_epoch[C]) == (log(1, 1), 2, 1)  # the cache is cut back too
    assert (after.high_watermark[C], after.epoch_start[C], after.replica_end[C, A]) == (0, 0, 0)
    assert [n for n in (A, B, C) if after.grants[C, n]] == ([C] if role == Role.CANDIDATE else [])
    votes, fetches = after.vote_requests.items, after.fetch_requests.items
    assert [tuple(m) for m in votes] == ([(C, 3, 2, 1)] if role == Role.CANDIDATE else [])
    assert [tuple(m) for m in fetches] == ([(C, A, 3, 2, 1)] if role == Role.FOLLOWER else [])
