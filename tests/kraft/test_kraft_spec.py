"""The KRaft spec as a whole: its pinned state counts, what holds in them, and what every scope must reach."""

import pytest

from model.engines.explore import explore
from model.engines.source import Budget
from model.engines.verdict import EVERY_ACTION_FIRES, HOLDS, UNKNOWN, VIOLATED, PropertyVerdict
from model.language.plain import Stepper
from tests.kraft.scopes import KRAFT, NO_CRASH, ONE_ELECTION, SAFETY, TWO_VOTERS, derived, explored, no_time

CRASHES = ["append_without_flush", "restart", "crash_before_voting"]
"""The actions that need a crash to spend."""


@pytest.mark.parametrize(
    ("bounds", "distinct", "generated", "depth"),
    [
        ({**ONE_ELECTION, "stale": 0}, 778, 3_937, 16),
        ({**ONE_ELECTION, "stale": 1}, 1_822, 12_235, 18),
        ({**TWO_VOTERS, "stale": 0}, 1_736, 5_533, 20),
        ({**TWO_VOTERS, "stale": 1}, 2_692, 11_005, 23),
    ],
)
def test_both_readings_have_the_pinned_counts(
    bounds: dict[str, int], distinct: int, generated: int, depth: int
) -> None:
    """In small scopes, plain values and the ground form reach the same states by the same steps, and nothing is violated."""
    plain = explore(Stepper(KRAFT, bounds), SAFETY, clock=no_time)
    ground = explored(bounds)
    assert (plain.distinct, plain.generated, plain.depth) == (distinct, generated, depth)
    assert (ground.distinct, ground.generated, ground.depth) == (distinct, generated, depth)
    assert (plain.levels, plain.coverage, plain.cut) == (ground.levels, ground.coverage, ground.cut)
    assert plain.properties == ground.properties
    assert plain.deadlocks == ground.deadlocks == 0
    assert {p.name: p.verdict for p in plain.properties[:-1]} == {p.name: HOLDS for p in SAFETY}


def test_two_elections_without_crashes_hold() -> None:
    """Three voters, two elections, two records: 76,471 states, every claim holds, and only crashes are missing."""
    verdict = explored(NO_CRASH)
    assert (verdict.distinct, verdict.generated, verdict.depth) == (76_471, 537_832, 27)
    assert {p.name: p.verdict for p in verdict.properties[:-1]} == {p.name: HOLDS for p in SAFETY}
    fires = verdict.properties[-1]
    assert (fires.name, fires.verdict) == (EVERY_ACTION_FIRES, VIOLATED)
    assert fires.reason == f"never enabled within bounds: {', '.join(CRASHES)}"


@pytest.mark.nightly
def test_the_default_bounds_hold() -> None:
    """Three voters, two elections, two records, one crash: 382,997 states; everything holds and everything is reached."""
    verdict = explore(derived({}), KRAFT.properties, clock=no_time)
    assert (verdict.distinct, verdict.generated, verdict.depth) == (382_997, 2_750_896, 29)
    assert (verdict.verdict, [p.name for p in verdict.properties if p.verdict != HOLDS]) == (HOLDS, [])


def test_what_must_be_reachable_is_reached_soon() -> None:
    """With the default bounds every action fires early, and every `sometimes` is met by a short run: the lengths are pinned."""
    verdict = explore(derived({}), KRAFT.properties, clock=no_time, budget=Budget(states=30_000))
    reached = {p.name: len(p.trace.steps) for p in verdict.properties if p.trace is not None}
    assert reached == {
        "a_leader_is_elected": 3,
        "two_leaders_of_different_epochs_at_once": 6,
        "a_deposed_leader_comes_back": 7,
        "an_entry_commits": 9,
        "a_log_is_truncated": 10,
        "a_client_record_commits": 11,
    }
    assert verdict.properties[-1] == PropertyVerdict(EVERY_ACTION_FIRES, "sometimes", HOLDS)
    assert verdict.verdict == UNKNOWN
