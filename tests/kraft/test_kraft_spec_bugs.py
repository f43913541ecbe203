"""Historical and planted bugs of KRaft: found in their scope by the property they are said to break, and only because of them."""

import pytest

from model.engines.verdict import HOLDS, VIOLATED
from model.language.plain import Stepper
from tests.kraft.scopes import KRAFT, NO_CRASH, SAFETY, explored

# Bug -> the length of the shortest counterexample within its bounds.
SHORTEST = {
    "KAFKA-12619": 16,
    "KAFKA-10527": 13,
    "KAFKA-10533": 8,
    "M2": 5,
    "M3": 11,
    "M5": 4,
    "M10": 15,
}
# Without the bug this scope takes more than 20 seconds to search to the end.
LARGE = "KAFKA-12619"
# The scope of this one is searched to the end where its counts are pinned (test_kraft_spec).
PINNED = "M10"


def test_every_bug_is_tried() -> None:
    """The table names the bugs of the spec, each with a source and a property that the spec has."""
    assert set(SHORTEST) == set(KRAFT.bugs)
    assert all(b.source and b.title for b in KRAFT.bugs.values())
    assert {b.breaks for b in KRAFT.bugs.values()} <= {p.name for p in SAFETY}


@pytest.mark.parametrize(("bug", "length"), SHORTEST.items())
def test_a_bug_breaks_the_property_it_is_said_to_break(bug: str, length: int) -> None:
    """Within its bounds the explorer meets the bug, by the property named, with a counterexample of the pinned length."""
    spec = KRAFT.with_bug(bug)
    verdict = explored(spec.bugs[bug].bounds, bug)
    violation = verdict.violation
    assert violation is not None
    assert violation.trace is not None
    assert (verdict.verdict, verdict.bug, violation.name) == (VIOLATED, bug, spec.bugs[bug].breaks)
    assert len(violation.trace.steps) == length

    # The trace is a run of the buggy spec, and none of the correct one, or one on which nothing is broken.
    prop = next(p for p in SAFETY if p.name == violation.name)
    buggy = Stepper(spec, verdict.bounds, coverage=False)
    assert [
        buggy.holds(prop, *violation.trace.states[i : i + prop.states]) for i in range(length + 2 - prop.states)
    ] == [
        *[True] * (length + 1 - prop.states),
        False,
    ]


@pytest.mark.parametrize(
    "bug",
    [pytest.param(b, marks=pytest.mark.nightly) if b == LARGE else b for b in SHORTEST if b != PINNED],
)
def test_without_the_bug_its_scope_holds(bug: str) -> None:
    """The correct spec satisfies every claim in the scope in which the bug is found: it is the bug that is found."""
    verdict = explored(KRAFT.bugs[bug].bounds)
    assert {p.name: p.verdict for p in verdict.properties[:-1]} == {p.name: HOLDS for p in SAFETY}
    assert verdict.rung == "explored"


def test_the_scope_of_a_dropped_log_is_the_one_with_pinned_counts() -> None:
    """M10 is found among the 76,471 states of two elections without crashes, in which the correct spec holds."""
    assert KRAFT.complete_bounds(KRAFT.bugs[PINNED].bounds) == KRAFT.complete_bounds(NO_CRASH)
