"""Runs of KRaft's core that the solver finds: scenarios by their actions, shortest runs to a planted bug; each replayed plainly."""

from typing import Any

import pytest

from model.engines.bmc.bmc import Checker
from model.engines.verdict import SpecTrace
from model.kraft_core.lemmas import LEMMAS
from model.kraft_core.spec import SPEC
from model.language import Node, SpecError, exists, sometimes
from model.language.plain import Stepper
from tests.prove.small_lease import lease
from tests.prove.test_prover import forget_returns

ELECT = ("start_election", "request_votes", "handle_vote_request", "handle_vote_granted", "become_leader")
APPEND = ("append_record", "flush")
FETCH = ("send_fetch", "handle_fetch", "handle_fetched")

ONE_EPOCH = {"epochs": 1, "log": 1, "values": 0, "elections": 1, "restarts": 0}


@sometimes
def something_is_committed(s: Any) -> Any:
    """A leader has exposed a high watermark."""
    return exists(Node, lambda n: s.high_watermark[n] >= 1)


@sometimes
def a_log_diverges(s: Any) -> Any:
    """A leader has told a follower that their logs differ."""
    return s.diverged.exists(lambda m: m.end >= 1)


CORE = SPEC.with_properties((*LEMMAS, something_is_committed, a_log_diverges))


def names(run: SpecTrace | None) -> list[str]:
    """The actions of a run that was found."""
    assert run is not None
    return [step.action for step in run.steps]


def test_a_commit_takes_two_fetches() -> None:
    """Elect, follow, fetch the record, and acknowledge it by fetching again: only then can the leader commit."""
    checker = Checker(CORE, CORE.complete_bounds(ONE_EPOCH))
    acknowledged = (*ELECT, *APPEND, "handle_begin_quorum", *FETCH, *FETCH[:2], "advance_high_watermark")
    run = checker.scenario(something_is_committed, acknowledged)
    assert names(run) == list(acknowledged)
    assert run is not None
    assert any(run.states[-1][list(CORE.state.variables).index("high_watermark")])
    too_soon = (*ELECT, *APPEND, "handle_begin_quorum", *FETCH, "advance_high_watermark")
    assert checker.scenario(something_is_committed, too_soon) is None


def test_logs_diverge_when_a_leader_is_replaced_before_it_is_followed() -> None:
    """A leader whose record nobody has fetched is replaced; it follows the new one, and its log is not a prefix."""
    checker = Checker(CORE, CORE.complete_bounds({"log": 1, "values": 0, "restarts": 0}))
    replaced = (*ELECT, *APPEND, *ELECT, *APPEND, "hear_of_epoch", "handle_begin_quorum", *FETCH[:2])
    run = checker.scenario(a_log_diverges, replaced)
    assert names(run) == list(replaced)
    assert checker.scenario(a_log_diverges, (*ELECT, *APPEND, "handle_begin_quorum", *FETCH[:2])) is None


def test_a_search_finds_a_shortest_run() -> None:
    """A vote that is forgotten in a crash: two candidates, one voter, seven steps, and none of six."""
    spec = CORE.with_bug("vote-in-memory")
    bounds = spec.complete_bounds({"epochs": 1, "log": 1, "values": 0, "elections": 2, "restarts": 1})
    votes_once = next(p for p in LEMMAS if p.name == "a_voter_votes_once_per_epoch")
    checker = Checker(spec, bounds)
    assert checker.violation(votes_once, 6) is None
    run = checker.violation(votes_once, 7)
    twice = ("handle_vote_request", "request_votes", "start_election")
    assert sorted(names(run)) == sorted((*twice, *twice, "restart"))
    assert run is not None
    stepper = Stepper(spec, {**bounds, "stale": 1})
    assert stepper.holds(votes_once, run.states[-2])
    assert not stepper.holds(votes_once, run.states[-1])


def test_an_unknown_action_is_refused() -> None:
    """A scenario names actions of the spec."""
    checker = Checker(CORE, CORE.complete_bounds(ONE_EPOCH))
    with pytest.raises(LookupError, match="'elect'"):
        checker.scenario(something_is_committed, ("elect",))


def test_messages_that_are_taken_away_are_refused() -> None:
    """Runs are of specs whose message sets only grow; others are an error, not runs of something else."""
    with pytest.raises(SpecError, match="takes messages out of returned"):
        Checker(lease(hear=forget_returns), {"nodes": 2, "numbers": 2})
