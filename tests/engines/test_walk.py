"""Random walks: seeded, bounded, and honest about what they have not met."""

from collections import Counter
from itertools import count
from random import Random
from typing import Any

import pytest

from model.engines.source import Budget, Progress
from model.engines.verdict import EVERY_ACTION_FIRES, HOLDS, UNKNOWN, VIOLATED, PropertyVerdict, Verdict
from model.engines.walk import pick, walk
from model.language import Property, Spec
from model.language.ground_spec import ground
from model.language.plain import Stepper
from model.language.trace import trace
from model.two_phase.spec import SPEC as TWO_PHASE
from properties.registry import find_bug
from tests.engines.race import (
    a_second_lap_is_run,
    nobody_runs_a_second_lap,
    race,
    somebody_runs_three_laps,
    somebody_wins,
    the_winner_has_run_two_laps,
)


def walked(spec: Spec, **more: Any) -> Verdict:
    """The verdict of some walks on the plain reading, under the spec's own bounds."""
    given = {"seed": 0, "runs": 5, "steps": 20, "clock": lambda: 0.0, **more}
    return walk(Stepper(spec, spec.complete_bounds({})), spec.properties, **given)


def of(verdict: Verdict, prop: Property | str) -> PropertyVerdict:
    """The verdict on one property."""
    return next(p for p in verdict.properties if p.name == str(prop))


def test_one_seed_is_one_sequence_of_walks(lockstep_seed: int) -> None:
    """The same seed walks the same way; another seed does not."""
    first, again, other = (walked(TWO_PHASE, seed=lockstep_seed + i) for i in (0, 0, 1))
    assert first == again
    assert (first.seed, first.engine, first.rung) == (lockstep_seed, "walk", "tested")
    assert (first.coverage, first.distinct) != (other.coverage, other.distinct)


def test_a_planted_bug_is_met_at_once() -> None:
    """A high watermark that counts one voter too few (M5) is met by walks; the trace ends in the violation."""
    spec = find_bug("M5")
    bounds = spec.complete_bounds(spec.bugs["M5"].bounds)
    verdict = walk(ground(trace(spec), bounds), spec.properties, seed=0, runs=100, steps=30, clock=lambda: 0.0)
    violation = verdict.violation
    assert violation is not None
    assert violation.trace is not None
    assert (violation.name, verdict.bug) == ("committed_entries_are_flushed_on_a_majority", "M5")
    assert verdict.reason == "stopped at the violation of committed_entries_are_flushed_on_a_majority"
    prop = next(p for p in spec.properties if p.name == violation.name)
    stepper = Stepper(spec, bounds)
    assert [stepper.holds(prop, s) for s in violation.trace.states[-2:]] == [True, False]


def test_a_violated_step_property_ends_the_walk_with_the_step() -> None:
    """Every enabled step is checked, not only the chosen one: the walk's last step is the offender."""
    spec = race(nobody_runs_a_second_lap)
    violation = walked(spec).violation
    assert violation is not None
    assert violation.trace is not None
    before, after = violation.trace.states[-2:]
    assert not Stepper(spec, {"nodes": 2, "laps": 2}).holds(nobody_runs_a_second_lap, before, after)


def test_walks_are_evidence_and_no_proof() -> None:
    """What no walk met stays unknown, although nothing was violated; what was met is shown."""
    verdict = walked(race(the_winner_has_run_two_laps, somebody_wins, a_second_lap_is_run, somebody_runs_three_laps))
    assert of(verdict, the_winner_has_run_two_laps).verdict == HOLDS
    wins, second = of(verdict, somebody_wins), of(verdict, a_second_lap_is_run)
    assert wins.trace is not None
    assert second.trace is not None
    assert wins.trace.steps[-1].action == "win"
    assert second.trace.steps[-1].action == "run"
    three = of(verdict, somebody_runs_three_laps)
    assert (three.verdict, three.reason) == (UNKNOWN, "not reached in 5 walks of 20 steps")
    assert verdict.verdict == UNKNOWN
    idle = of(walked(race(idle=True)), EVERY_ACTION_FIRES)
    assert (idle.verdict, idle.reason) == (UNKNOWN, "not reached in 5 walks of 20 steps")


def test_a_walk_ends_in_a_deadlock_or_after_its_steps() -> None:
    """The race ends with a win: every walk is stuck there, unless its steps are used up before."""
    long, short = walked(race()), walked(race(), steps=2)
    assert (long.deadlocks, short.deadlocks) == (5, 0)
    assert 3 <= long.depth - 1 <= 5
    assert (short.depth, short.generated) == (3, 10)
    assert sum(long.coverage.values()) == long.generated


def test_budget_and_interrupt_leave_the_rest_unknown() -> None:
    """Walks that were not taken are no evidence: the verdict says how many were, and that it is not a pass."""
    seconds = count()
    spec = race(the_winner_has_run_two_laps)
    verdict = walked(spec, clock=lambda: float(next(seconds)), budget=Budget(seconds=2.5))
    assert (verdict.verdict, verdict.reason) == (UNKNOWN, "budget of 2.5 s used up after 2 of 5 walks")
    assert of(verdict, the_winner_has_run_two_laps).reason == verdict.reason

    def interrupted(progress: Progress) -> None:
        if progress.queue == 2:
            raise KeyboardInterrupt

    verdict = walked(spec, report=interrupted)
    assert (verdict.verdict, verdict.reason) == (UNKNOWN, "interrupted after 3 of 5 walks")
    assert of(verdict, the_winner_has_run_two_laps).verdict == UNKNOWN
    assert VIOLATED not in {p.verdict for p in verdict.properties}


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8])
def test_a_pick_is_uniform_below_its_size(size: int) -> None:
    """Each of `size` numbers is drawn about equally often, and none outside: 600 draws each, within five deviations."""
    random = Random(0)
    drawn = Counter(pick(random, size) for _ in range(600 * size))
    assert sorted(drawn) == list(range(size))
    assert all(abs(n - 600) < 5 * 600**0.5 for n in drawn.values())
