"""Liveness of KRaft: what holds if messages are faster than timers, what each assumption is for, and planted livelocks."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from attrs import evolve

from model.engines.liveness import check_liveness
from model.engines.verdict import HOLDS, UNKNOWN, VIOLATED, PropertyVerdict
from model.kraft.election import start_election
from model.kraft.live import FAIRNESS, restart_within_assumption
from model.kraft.state import Index, KRaft, Role, Value, VoteRequest
from model.language import Node, Property, Spec, require
from model.language.ground_spec import ground
from model.language.trace import trace
from properties.kraft.liveness import (
    LIVENESS,
    a_leader_emerges,
    everybody_learns_of_the_commit,
    the_client_record_commits,
)
from properties.registry import find_spec
from traces.commands.check import check
from traces.describe import describe
from traces.format import from_bytes, from_spec_trace, to_bytes
from traces.replay import DIVERGED, replay_on_spec

LIVE = find_spec("kraft-live")
CALM = {"epochs": 2, "elections": 2, "log": 3, "restarts": 0}
ONE_CRASH = {"epochs": 2, "elections": 2, "log": 2, "restarts": 1}


def still() -> float:
    """A clock that stands still."""
    return 0.0


def judge(spec: Spec, bounds: Mapping[str, int], *properties: Property) -> tuple[PropertyVerdict, ...]:
    """The verdicts on these properties over the ground form."""
    return check_liveness(ground(trace(spec), spec.complete_bounds(bounds)), properties, clock=still)


def test_without_crashes_everything_happens_in_the_end() -> None:
    """A leader emerges, the client's record commits, everybody learns of it; and no run leaves the bounds."""
    assert [p.verdict for p in judge(LIVE, CALM, *LIVENESS)] == [HOLDS] * 4


@pytest.mark.nightly
def test_with_one_crash_everything_happens_in_the_end() -> None:
    """At the default bounds, with one crash of any kind at any time, all of it holds and four elections are always enough."""
    assert [p.verdict for p in judge(LIVE, {}, *LIVENESS)] == [HOLDS] * 4


@pytest.mark.parametrize(
    ("action", "broken"),
    [
        ("start_election", "a_leader_emerges"),
        ("handle_vote_request", "a_leader_emerges"),
        ("handle_vote_response", "a_leader_emerges"),
        ("handle_begin_quorum_request", "the_client_record_commits"),
        ("append_leader_change", "the_client_record_commits"),
        ("append_record", "the_client_record_commits"),
        ("handle_fetch_request", "the_client_record_commits"),
        ("handle_fetch_response", "the_client_record_commits"),
    ],
)
def test_every_fairness_is_needed(action: str, broken: str) -> None:
    """Without the fairness of one action there is a lasso, which is fair to all the others, and does not take it for ever."""
    others = {name: kind for name, kind in FAIRNESS.items() if name != action}
    found = judge(LIVE.with_fairness(others), CALM, *LIVENESS)
    first = next(p for p in found if p.verdict == VIOLATED)
    assert first.name == broken
    assert f"{action}:" not in first.reason


def test_without_the_assumption_on_timers_candidates_duel_beyond_all_bounds() -> None:
    """If timers may be faster than messages, elections follow each other without a leader; no bounds can hold such a run."""
    duel = LIVE.replace("start_election", start_election)
    (found,) = judge(duel, CALM, a_leader_emerges)
    assert found.verdict == UNKNOWN
    assert "from which runs leave the bounds: start_election in" in found.reason
    assert "first after 2 steps" in found.reason


def test_voters_that_grant_nothing_to_an_equal_log_elect_nobody_within_the_bounds() -> None:
    """Every candidate fails and the next election begins: the epochs grow, so this livelock is no lasso but an escape."""

    def longer_log(last_epoch: Any, end: Any, my_last_epoch: Any, my_end: Any) -> Any:
        return (last_epoch > my_last_epoch) | ((last_epoch == my_last_epoch) & (end > my_end))

    (found,) = judge(LIVE.replace("log_up_to_date", longer_log), CALM, a_leader_emerges)
    assert found.verdict == UNKNOWN
    assert found.reason.startswith(
        "6 states from which runs leave the bounds: start_election in 6, first after 6 steps;"
    )


# ---- planted livelocks, in a world with fewer kinds of crashes so that they are found at once


def no_restart(s: KRaft, n: Node, kept: Index) -> None:
    """Nobody restarts."""
    require(s.epoch[n] > s.epoch[n])


def no_power_failure(s: KRaft, leader: Node, value: Value) -> None:
    """No power fails."""
    require(s.epoch[leader] > s.epoch[leader])


def no_crash_before_voting(s: KRaft, voter: Node, request: VoteRequest, kept: Index) -> None:
    """Nobody crashes between the two writes of a vote."""
    require(s.epoch[voter] > s.epoch[voter])


def restart_of_a_leader(s: KRaft, n: Node, kept: Index) -> None:
    """A leader restarts that has all of its log on disk, and something in it."""
    require(s.role[n] == Role.LEADER)
    require(kept >= 1)
    require(s.log[n].length == kept)

    restart_within_assumption(s, n, kept)


WORLDS: Mapping[str, Mapping[str, Callable[..., Any]]] = {
    "LIVE1": {"restart": no_restart, "crash_before_voting": no_crash_before_voting},
    "LIVE2": {
        "restart": restart_of_a_leader,
        "append_without_flush": no_power_failure,
        "crash_before_voting": no_crash_before_voting,
    },
}


def with_bug(bug: str) -> Spec:
    """The spec with a livelock planted, in its world."""
    spec = LIVE.with_bug(bug)
    for name, function in WORLDS[bug].items():
        spec = spec.replace(name, function)
    return spec


LOOPS = {
    "LIVE1": (the_client_record_commits, ["n3 handle_fetch_response"]),
    "LIVE2": (
        everybody_learns_of_the_commit,
        ["n2 handle_fetch_request", "n2 handle_fetch_request", "n3 handle_fetch_response"],
    ),
}


@pytest.mark.parametrize("bug", LOOPS)
def test_a_planted_livelock_is_a_lasso_that_happens_again(bug: str) -> None:
    """Leader and followers talk for ever and get nowhere; the lasso is replayed from its file, closing step and fairness included."""
    prop, loop = LOOPS[bug]
    spec = with_bug(bug)
    bounds = spec.complete_bounds(ONE_CRASH)
    (found,) = judge(spec, ONE_CRASH, prop)
    assert (found.verdict, found.trace is None) == (VIOLATED, False)
    assert found.trace is not None
    saved = from_spec_trace(
        spec, bounds, found.trace, property=prop.name, kind="eventually", engine="explore", loop=found.trace.loop
    )
    read = from_bytes(to_bytes(saved))
    done = replay_on_spec(read)
    assert (done.verdict, done.steps) == (VIOLATED, len(found.trace.steps))
    steps = [line.split("  ")[-1] for line in describe(read) if not line.startswith("    ") and "(" in line]
    assert [step.split("(")[0].strip() for step in steps][-len(loop) :] == loop
    assert replay_on_spec(evolve(read, spec=LIVE)).verdict == DIVERGED


@pytest.mark.nightly
def test_a_truncation_loop_ends_without_the_bug() -> None:
    """In the world of LIVE2, a former leader that truncates where it is told to catches up."""
    spec = LIVE
    for name, function in WORLDS["LIVE2"].items():
        spec = spec.replace(name, function)
    (found,) = judge(spec, {**ONE_CRASH, "epochs": 3, "elections": 3, "log": 3}, everybody_learns_of_the_commit)
    assert found.verdict == HOLDS


@pytest.mark.nightly
@pytest.mark.parametrize(("bug", "steps", "loop"), [("LIVE1", 20, 19), ("LIVE2", 23, 20)])
def test_a_livelock_is_found_in_its_own_scope(bug: str, steps: int, loop: int) -> None:
    """With every kind of crash, in the scope that is registered with the bug, the lassos have the pinned lengths."""
    spec = LIVE.with_bug(bug)
    (prop,) = (p for p in LIVENESS if p.name == spec.bugs[bug].breaks)
    (found,) = judge(spec, spec.bugs[bug].bounds, prop)
    assert found.trace is not None
    assert (len(found.trace.steps), found.trace.loop) == (steps, loop)


def test_the_command_line_checks_liveness() -> None:
    """`check kraft-live` gives the verdicts of the explorer with those on liveness in them, and says what is fair."""
    bounds = ",".join(f"{name}={value}" for name, value in CALM.items())
    report = check("kraft-live", properties=("a_leader_emerges", "the_client_record_commits"), bounds=bounds)
    assert (report.exit_code, report.verdict.verdict, report.verdict.rung) == (0, HOLDS, "explored")
    reasons = report.to_json()["reasons"]
    assert reasons["a_leader_emerges"].startswith("fair: start_election: strong per instance; handle_vote_request, ")
