"""The spec `zk-controller` as a whole: pinned counts, and its bugs."""

import pytest

from model.engines.compiled.explore import explore_compiled
from model.engines.explore import explore
from model.engines.verdict import HOLDS, VIOLATED
from model.language.plain import Stepper
from model.zookeeper.controller.bugs import QUIET as NO_INCIDENT
from properties.registry import SPECS

CONTROLLER = SPECS["zk-controller"]
SAFETY = tuple(p for p in CONTROLLER.properties if p.kind != "sometimes")
TINY = {"sessions": 1, "elections": 1, "writes": 1, "records": 0, "incidents": 0, "lingering": 0}

# Bug -> the length of the shortest counterexample within its bounds.
SHORTEST = {
    "KAFKA-1387": 14,
    "KAFKA-1451": 5,
    "KAFKA-6082": 7,
    "KAFKA-1096": 8,
    "KAFKA-4443": 19,
    "KAFKA-7235": 9,
    "KAFKA-2729": 17,
    "KAFKA-14144": 17,
    "KAFKA-6361": 25,
    "KAFKA-14140": 22,
    "KAFKA-14617": 19,
    "C1": 7,
}

QUICK = ("KAFKA-1451", "KAFKA-6082", "KAFKA-7235", "C1")
"""The bugs that every run of the tests looks for."""


def no_time() -> float:
    """A clock that stands still."""
    return 0.0


def test_both_readings_have_the_same_counts() -> None:
    """Plain values and compiled code reach the same states by the same steps."""
    bounds = CONTROLLER.complete_bounds(TINY)
    plain = explore(Stepper(CONTROLLER, bounds), SAFETY, clock=no_time)
    fast = explore_compiled(CONTROLLER, bounds, clock=no_time)
    assert (plain.distinct, plain.generated, plain.depth) == (1_332, 4_509, 18)
    assert (fast.distinct, fast.generated, fast.depth, fast.coverage) == (1_332, 4_509, 18, plain.coverage)
    assert {p.verdict for p in plain.properties[:-1]} == {HOLDS}


@pytest.mark.nightly
def test_the_default_scope_holds() -> None:
    """Two brokers, two controllers, one record, one incident of any kind: everything holds, fires and is reached."""
    verdict = explore_compiled(CONTROLLER, CONTROLLER.bounds, clock=no_time)
    assert (verdict.distinct, verdict.generated, verdict.depth) == (12_291_134, 63_159_421, 52)
    assert (verdict.verdict, [p.name for p in verdict.properties if p.verdict != HOLDS]) == (HOLDS, [])


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("scope", "distinct", "depth"),
    [
        ({"deletions": 1, "restarts": 1, "writes": 3}, 1_080_180, 52),
        ({"deletions": 1, "expiries": 1, "writes": 3}, 2_593_256, 53),
        ({"shutdowns": 1, "restarts": 1, "writes": 4}, 2_062_738, 49),
        ({"reassignments": 1, "restarts": 1, "writes": 5}, 2_844_004, 53),
        ({"reassignments": 2, "elections": 1, "writes": 7}, 143_892, 58),
    ],
    ids=[
        "deletion and crash",
        "deletion and expiry",
        "shutdown and crash",
        "reassignment and crash",
        "two reassignments",
    ],
)
def test_two_incidents_hold(scope: dict[str, int], distinct: int, depth: int) -> None:
    """What operators ask for, with a fault at any step of it: every claim holds."""
    spec = CONTROLLER.with_properties(SAFETY)
    verdict = explore_compiled(spec, spec.complete_bounds({**NO_INCIDENT, "incidents": 2, **scope}), clock=no_time)
    assert (verdict.distinct, verdict.depth) == (distinct, depth)
    assert [p.name for p in verdict.properties if p.verdict != HOLDS] == ["every_action_fires"]


def test_every_bug_is_tried() -> None:
    """The table names the bugs of the spec."""
    assert set(SHORTEST) == set(CONTROLLER.bugs)


@pytest.mark.parametrize(
    ("bug", "length"),
    [pytest.param(b, n, marks=() if b in QUICK else pytest.mark.nightly) for b, n in SHORTEST.items()],
)
def test_a_bug_breaks_the_property_it_is_said_to_break(bug: str, length: int) -> None:
    """Within its bounds the explorer meets the bug by the property named, with a counterexample of the pinned length."""
    spec = CONTROLLER.with_bug(bug).with_properties(SAFETY)
    verdict = explore_compiled(spec, spec.complete_bounds(spec.bugs[bug].bounds), clock=no_time)
    violation = verdict.violation
    assert verdict.verdict == VIOLATED
    assert violation is not None
    assert violation.trace is not None
    assert (violation.name, len(violation.trace.steps)) == (spec.bugs[bug].breaks, length)
