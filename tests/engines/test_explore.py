"""The explorer: exact counts, shortest counterexamples, three-valued verdicts, and what it says it has done."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest

from model.engines.explore import explore
from model.engines.source import Budget, Disagreement, Progress, Source
from model.engines.verdict import EVERY_ACTION_FIRES, HOLDS, UNKNOWN, VIOLATED, PropertyVerdict, Verdict, overall
from model.language import Property, Spec, SpecError, always
from model.language.plain import Stepper
from model.two_phase.spec import SPEC as TWO_PHASE
from tests.engines.race import (
    a_second_lap_is_run,
    laps_are_run_one_by_one,
    nobody_runs_a_second_lap,
    nobody_wins,
    race,
    run,
    somebody_runs_three_laps,
    somebody_wins,
    the_race_is_decided,
    the_winner_has_run_two_laps,
    win,
)

BOUNDS = {"nodes": 2, "laps": 2}


def no_time() -> float:
    """A clock that stands still."""
    return 0.0


def ticking() -> Callable[[], float]:
    """A clock that goes on by a second every time it is read."""
    seconds = count()
    return lambda: float(next(seconds))


def explored(spec: Spec, bounds: dict[str, int] | None = None, **more: Any) -> Verdict:
    """The explorer's verdict on the plain reading."""
    return explore(Stepper(spec, bounds or BOUNDS), spec.properties, **{"clock": no_time, **more})


def of(verdict: Verdict, prop: Property | str) -> PropertyVerdict:
    """The verdict on one property."""
    return next(p for p in verdict.properties if p.name == str(prop))


# ------------------------------------------------------------------------------------------------ counts


@pytest.mark.parametrize(
    ("nodes", "distinct", "generated", "depth"),
    [
        (3, 288, 1_146, 11),
        (4, 1_568, 8_258, 14),
        (5, 8_832, 58_146, 17),
        pytest.param(6, 50_816, 402_306, 20, marks=pytest.mark.nightly),
    ],
)
def test_two_phase_commit_has_its_published_counts(nodes: int, distinct: int, generated: int, depth: int) -> None:
    """Gray and Lamport's TwoPhase: TLC's numbers of distinct and generated states and its depth."""
    verdict = explored(TWO_PHASE, {"nodes": nodes})
    assert (verdict.distinct, verdict.generated, verdict.depth) == (distinct, generated, depth)
    assert (verdict.verdict, verdict.reason, verdict.rung, verdict.deadlocks) == (HOLDS, "", "explored", 0)
    assert len(verdict.levels) == depth
    assert sum(verdict.levels) == distinct
    assert sum(verdict.coverage.values()) == generated - 1


def test_a_run_says_what_it_has_done() -> None:
    """The race of two, counted by hand: states, levels, steps per action, deadlocks, steps beyond the bounds."""
    verdict = explored(race(somebody_wins))
    # No winner: each node at 0, 1 or 2. A winner at 2, the other anywhere: 3 states for each winner.
    assert verdict.distinct == 9 + 2 * 3
    assert verdict.levels == (1, 2, 3, 2 + 2, 1 + 2, 2)
    # Each node at 0 or 1 runs on: 2 * 2 * 3 steps; each node at 2 wins: 2 * 3; one more for the initial state.
    assert verdict.coverage == {"run": 12, "win": 6}
    assert verdict.generated == 12 + 6 + 1
    assert verdict.deadlocks == 2 * 3  # nothing happens once the race is decided
    assert verdict.cut == {"run": 2 * 3, "win": 0}  # a node at 2 would run a third lap
    assert (verdict.spec, verdict.engine, verdict.bounds, verdict.bug, verdict.seed) == (
        "race",
        "explore",
        BOUNDS,
        None,
        None,
    )
    assert verdict.spec_hash == race(somebody_wins).digest()


def test_the_guard_that_blocked_most_is_named_by_its_line() -> None:
    """Coverage tells which `require` disabled an action, and how often, by file and line."""
    stepper = Stepper(race(), {"nodes": 3, "laps": 2})
    verdict = explore(stepper, (), clock=no_time)
    file, runs, wins = run.__code__.co_filename, run.__code__.co_firstlineno + 2, win.__code__.co_firstlineno + 2
    # 27 states without a winner; 9 for each of three winners. In each of them every node is stopped by the first guard, and in
    # the others a node that has not run two laps by the second.
    assert stepper.blocked == [{(file, runs): 81}, {(file, wins): 81, (file, wins + 1): 18 * 3}]
    assert verdict.blocked == {"run": (f"{file}:{runs}", 81), "win": (f"{file}:{wins}", 81)}


# ------------------------------------------------------------------------------------------------ verdicts


def test_a_counterexample_is_shortest_and_ends_in_the_violation() -> None:
    """Two laps and a win: three steps, and the invariant is false in the last of the four states only."""
    spec = race(the_winner_has_run_two_laps, nobody_wins)
    verdict = explored(spec)
    violation = verdict.violation
    assert violation is not None
    assert violation.trace is not None
    assert (verdict.verdict, verdict.rung, violation.name) == (VIOLATED, "tested", "nobody_wins")
    assert [(s.action, s.args) for s in violation.trace.steps] == [("run", (0,)), ("run", (0,)), ("win", (0,))]
    stepper = Stepper(spec, BOUNDS)
    assert violation.trace.states[0] == stepper.initial()
    assert [stepper.holds(nobody_wins, state) for state in violation.trace.states] == [True, True, True, False]
    assert of(verdict, the_winner_has_run_two_laps) == PropertyVerdict(
        "the_winner_has_run_two_laps", "always", UNKNOWN, "stopped at the violation of nobody_wins"
    )


def test_a_violated_step_property_ends_with_the_step() -> None:
    """The counterexample of a step property has the offending step as its last, also where that leads to a known state."""
    spec = race(laps_are_run_one_by_one, nobody_runs_a_second_lap)
    verdict = explored(spec)
    violation = verdict.violation
    assert violation is not None
    assert violation.trace is not None
    assert violation.name == "nobody_runs_a_second_lap"
    assert [(s.action, s.args) for s in violation.trace.steps] == [("run", (0,)), ("run", (0,))]
    stepper = Stepper(spec, BOUNDS)
    assert not stepper.holds(nobody_runs_a_second_lap, *violation.trace.states[-2:])
    assert of(verdict, laps_are_run_one_by_one).verdict == UNKNOWN


def test_an_invariant_that_the_initial_state_breaks_is_violated_at_once() -> None:
    """The counterexample is the initial state, without a step."""

    @always
    def somebody_is_ahead(s: Any) -> object:
        """Node 0 has run a lap."""
        return s.at[0] >= 1

    verdict = explored(race(somebody_is_ahead))
    violation = verdict.violation
    assert violation is not None
    assert violation.trace is not None
    assert (violation.trace.steps, len(violation.trace.states), verdict.distinct) == ((), 1, 1)


def test_what_is_reached_is_shown_and_what_is_never_reached_is_violated() -> None:
    """A `sometimes` holds with the shortest way to it; a complete run that does not meet it fails with the reason."""
    verdict = explored(race(somebody_wins, a_second_lap_is_run, somebody_runs_three_laps))
    wins, second, third = (of(verdict, p) for p in (somebody_wins, a_second_lap_is_run, somebody_runs_three_laps))
    assert wins.trace is not None
    assert second.trace is not None
    assert [(p.verdict, p.reason) for p in (wins, second)] == [(HOLDS, ""), (HOLDS, "")]
    assert [s.action for s in wins.trace.steps] == ["run", "run", "win"]
    assert [s.action for s in second.trace.steps] == ["run", "run"]
    assert (third.verdict, third.reason, third.trace) == (VIOLATED, "no state within bounds reaches it", None)
    assert (verdict.verdict, verdict.rung) == (VIOLATED, "explored")
    assert of(explored(race(somebody_runs_three_laps), {"nodes": 2, "laps": 3}), somebody_runs_three_laps).trace


def test_an_action_that_never_fires_is_named() -> None:
    """That every action fires is an implied `sometimes`: a complete run names the idle ones, an incomplete one does not know."""
    verdict = explored(race(idle=True))
    fires = of(verdict, EVERY_ACTION_FIRES)
    assert (fires.verdict, fires.kind, fires.reason) == (
        VIOLATED,
        "sometimes",
        "never enabled within bounds: protest",
    )
    assert verdict.coverage["protest"] == 0
    partly = of(explored(race(idle=True), budget=Budget(states=3)), EVERY_ACTION_FIRES)
    assert (partly.verdict, partly.reason) == (UNKNOWN, "budget of 3 states used up at depth 2")
    assert of(explored(race()), EVERY_ACTION_FIRES).verdict == HOLDS


def test_liveness_is_unknown_and_never_a_pass() -> None:
    """`eventually` is not what this engine checks: it says so, and the whole is unknown, not held."""
    verdict = explored(race(the_race_is_decided))
    assert of(verdict, the_race_is_decided).reason == "this engine does not check liveness"
    assert (verdict.verdict, verdict.rung) == (UNKNOWN, "explored")


@pytest.mark.parametrize(
    ("found", "whole"),
    [
        ([], HOLDS),
        ([HOLDS, HOLDS], HOLDS),
        ([HOLDS, UNKNOWN], UNKNOWN),
        ([UNKNOWN, VIOLATED, HOLDS], VIOLATED),
    ],
)
def test_the_whole_is_as_good_as_its_worst_part(found: list[str], whole: str) -> None:
    """Violated if one property is, else unknown if one is, else holds."""
    assert overall(tuple(PropertyVerdict(f"p{i}", "always", v) for i, v in enumerate(found))) == whole


# ------------------------------------------------------------------------------------------------ incomplete runs


def test_a_budget_of_seconds_leaves_the_rest_unknown() -> None:
    """The clock is read every 512 states: what is not settled by then is unknown, with the reason, never a pass."""
    spec = race(the_winner_has_run_two_laps, a_second_lap_is_run, somebody_runs_three_laps)
    at_once = explored(spec, clock=ticking(), budget=Budget(seconds=0.5))
    assert (at_once.verdict, at_once.distinct, at_once.rung) == (UNKNOWN, 1, "tested")
    assert at_once.reason == "budget of 0.5 s used up at depth 1"
    assert {p.verdict for p in at_once.properties} == {UNKNOWN}
    assert {p.reason for p in at_once.properties} == {at_once.reason}

    later = explored(TWO_PHASE, {"nodes": 4}, clock=ticking(), budget=Budget(seconds=1.5))
    assert later.verdict == UNKNOWN
    assert later.reason.startswith("budget of 1.5 s used up at depth ")
    assert 512 < later.distinct < 1_568
    assert of(later, "everybody_aborts").verdict == HOLDS
    assert of(later, "managers_agree").verdict == UNKNOWN

    enough = explored(TWO_PHASE, {"nodes": 4}, clock=ticking(), budget=Budget(seconds=100))
    assert (enough.verdict, enough.seconds) == (HOLDS, 5)  # read four times under way, and once at the end


def test_a_budget_of_states_leaves_the_rest_unknown() -> None:
    """The search ends with the state at which the budget is exceeded; what was reached before stays reached."""
    verdict = explored(TWO_PHASE, {"nodes": 3}, budget=Budget(states=100))
    assert (verdict.verdict, verdict.rung) == (UNKNOWN, "tested")
    assert verdict.reason == f"budget of 100 states used up at depth {verdict.depth}"
    assert 100 < verdict.distinct < 120
    assert sum(verdict.levels) <= verdict.distinct
    assert explored(TWO_PHASE, {"nodes": 3}, budget=Budget(states=288)).verdict == HOLDS
    assert explored(race(nobody_wins), budget=Budget(states=8)).verdict == VIOLATED


def test_an_interrupt_gives_a_verdict_on_what_was_seen() -> None:
    """Ctrl-C ends the search, not the program: unknown, with the depth, and what was reached so far."""

    def interrupted(progress: Progress) -> None:
        if progress.distinct > 1:
            raise KeyboardInterrupt

    verdict = explored(TWO_PHASE, {"nodes": 4}, report=interrupted)
    assert (verdict.verdict, verdict.reason) == (UNKNOWN, f"interrupted at depth {verdict.depth}")
    assert of(verdict, "managers_agree").verdict == UNKNOWN
    assert verdict.distinct > 512


def test_progress_is_reported_while_the_search_is_under_way() -> None:
    """Every 512 states a report of what was found so far, how deep, and how much is waiting."""
    seen: list[Progress] = []
    explored(TWO_PHASE, {"nodes": 4}, report=seen.append, clock=ticking())
    assert [p.seconds for p in seen] == [1, 2, 3, 4]
    assert seen[0] == Progress(distinct=1, generated=1, depth=1, queue=1, seconds=1)
    assert [p.distinct - p.queue for p in seen] == [0, 512, 1_024, 1_536]
    assert [p.distinct for p in seen] == sorted(p.distinct for p in seen)


# ------------------------------------------------------------------------------------------------ trust


class Wrong(Stepper):
    """A reading with a defect: it lets a node win that has run no lap, or takes every invariant for broken."""

    def __init__(self, spec: Spec, defect: str) -> None:
        super().__init__(spec, BOUNDS)
        self.defect = defect

    def steps(self, frozen: Any) -> Iterator[tuple[int, tuple[Any, ...], Any, Any]]:
        if self.defect == "step":
            new = self.thaw(frozen)
            new.winner = 1
            yield 1, (1,), self.freeze(new), new
        yield from super().steps(frozen)

    def holds_in(self, prop: Property, view: Any) -> bool:
        return self.defect != "property" and super().holds_in(prop, view)


@pytest.mark.parametrize(
    ("defect", "message"),
    [
        ("step", "step 1 of 1, win of race, is not enabled in the plain reading"),
        ("property", "nobody_wins of race is true in the plain reading after 0 steps, but false for the engine"),
    ],
)
def test_no_counterexample_is_reported_that_the_plain_reading_does_not_confirm(defect: str, message: str) -> None:
    """A reading that is wrong about a step or about a property shows as a disagreement, not as a violated spec."""
    spec = race(nobody_wins)
    source: Source = Wrong(spec, defect)
    with pytest.raises(Disagreement, match=message):
        explore(source, spec.properties, clock=no_time)


def test_a_property_that_writes_stops_the_search() -> None:
    """A claim that changes the state it looks at would change the verdict on the next: an error of the spec."""

    @always
    def races_are_reset(s: Any) -> object:
        """Everybody is sent back."""
        s.at[:] = 0
        return True

    with pytest.raises(SpecError, match=r"test_explore.py:\d+: property races_are_reset writes to the state"):
        explored(race(races_are_reset))
