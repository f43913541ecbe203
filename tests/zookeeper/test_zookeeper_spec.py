"""The spec of ZooKeeper's service as a whole: pinned counts, its bugs, and the exported text."""

import pytest

from model.engines.compiled.explore import explore_compiled
from model.engines.explore import explore
from model.engines.verdict import HOLDS, VIOLATED
from model.language.ground_spec import ground
from model.language.plain import Stepper
from model.language.trace import trace
from properties.registry import SPECS
from tests.engines.tla_running import searched

ZOOKEEPER = SPECS["zookeeper"]
SAFETY = tuple(p for p in ZOOKEEPER.properties if p.kind != "sometimes")
TINY = {"sessions": 1, "log": 2, "watches": 1, "moves": 0, "syncs": 0, "expiries": 0}

PINNED = (495, 1_357, 8)
"""Distinct and generated states and depth in the tiny scope."""

# Bug -> the length of the shortest counterexample within its bounds.
SHORTEST = {
    "ZOOKEEPER-1208": 5,
    "ZOOKEEPER-1496": 4,
    "S1": 6,
    "S2": 7,
    "S3": 7,
    "S4": 6,
    "S5": 3,
    "S6": 7,
    "S7": 6,
}


def no_time() -> float:
    """A clock that stands still."""
    return 0.0


def test_all_readings_have_the_same_counts() -> None:
    """Plain values, compiled code and the exported text reach the same states by the same steps."""
    bounds = ZOOKEEPER.complete_bounds(TINY)
    plain = explore(Stepper(ZOOKEEPER, bounds), SAFETY, clock=no_time)
    fast = explore_compiled(ZOOKEEPER, bounds, clock=no_time)
    text = searched(ZOOKEEPER, bounds)
    assert (plain.distinct, plain.generated, plain.depth) == PINNED
    assert (fast.distinct, fast.generated, fast.depth, fast.coverage) == (*PINNED, plain.coverage)
    explored = explore(ground(trace(ZOOKEEPER), bounds), SAFETY, clock=no_time)
    assert (explored.distinct, explored.levels, explored.coverage) == (plain.distinct, plain.levels, plain.coverage)
    assert text.distinct == plain.distinct
    assert {p.verdict for p in plain.properties[:-1]} == {HOLDS}


def test_one_session_holds() -> None:
    """One client, two servers, two transactions, one of every fault: 98,157 states; everything holds and is reached."""
    verdict = explore_compiled(ZOOKEEPER, ZOOKEEPER.complete_bounds({"sessions": 1}), clock=no_time)
    assert (verdict.distinct, verdict.generated, verdict.depth) == (98_157, 334_791, 15)
    assert (verdict.verdict, [p.name for p in verdict.properties if p.verdict != HOLDS]) == (HOLDS, [])


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("bounds", "distinct", "generated", "depth"),
    [({}, 8_022_341, 44_487_953, 16), ({"sessions": 1, "leaders": 2}, 245_997, 837_533, 16)],
    ids=["two sessions", "two leaders"],
)
def test_larger_scopes_hold(bounds: dict[str, int], distinct: int, generated: int, depth: int) -> None:
    """The default bounds, with two clients, and one client with a change of leader: everything holds and is reached."""
    verdict = explore_compiled(ZOOKEEPER, ZOOKEEPER.complete_bounds(bounds), clock=no_time)
    assert (verdict.distinct, verdict.generated, verdict.depth) == (distinct, generated, depth)
    assert (verdict.verdict, [p.name for p in verdict.properties if p.verdict != HOLDS]) == (HOLDS, [])


def test_every_bug_is_tried() -> None:
    """The table names the bugs of the spec; each lies within the bounds of one session, in which the correct spec holds."""
    assert set(SHORTEST) == set(ZOOKEEPER.bugs)
    whole = ZOOKEEPER.complete_bounds({"sessions": 1})
    assert all(whole[k] >= v for b in ZOOKEEPER.bugs.values() for k, v in ZOOKEEPER.complete_bounds(b.bounds).items())


@pytest.mark.parametrize(("bug", "length"), SHORTEST.items())
def test_a_bug_breaks_the_property_it_is_said_to_break(bug: str, length: int) -> None:
    """Within its bounds the explorer meets the bug by the property named, with a counterexample of the pinned length."""
    spec = ZOOKEEPER.with_bug(bug)
    verdict = explore(ground(trace(spec), spec.complete_bounds(spec.bugs[bug].bounds)), SAFETY, clock=no_time)
    violation = verdict.violation
    assert verdict.verdict == VIOLATED
    assert violation is not None
    assert violation.trace is not None
    assert (violation.name, len(violation.trace.steps)) == (spec.bugs[bug].breaks, length)
