"""KRaft's core explored: every lemma holds in every reachable state of small instances, with the history kept."""

import time

import pytest

from model.engines.compiled.explore import explore_compiled
from model.engines.verdict import EVERY_ACTION_FIRES, HOLDS, Verdict
from model.engines.walk import walk
from model.kraft_core.lemmas import LEMMAS
from model.kraft_core.spec import SPEC
from model.language.ground_spec import ground
from model.language.trace import trace

CORE = SPEC.with_properties(LEMMAS)

TWO_NODES = {"nodes": 2, "epochs": 2, "log": 2, "values": 1, "elections": 2, "restarts": 1}
ONE_EPOCH = {"nodes": 3, "epochs": 1, "log": 1, "values": 0, "elections": 1, "restarts": 0}
ALL_MESSAGES = {"nodes": 2, "epochs": 1, "log": 2, "values": 1, "elections": 1, "restarts": 1, "stale": 1}


def explored(bounds: dict[str, int]) -> Verdict:
    """The explorer's verdict on the core."""
    return explore_compiled(CORE, CORE.complete_bounds(bounds), clock=time.process_time)


@pytest.mark.parametrize(
    ("bounds", "distinct", "generated", "never"),
    [
        (TWO_NODES, 204_466, 943_557, {"handle_diverged"}),
        (ONE_EPOCH, 14_785, 121_675, {"restart", "handle_diverged"}),
    ],
    ids=["two-nodes", "one-epoch"],
)
def test_lemmas_hold_in_every_reachable_state(
    bounds: dict[str, int], distinct: int, generated: int, never: set[str]
) -> None:
    """No lemma is false in any state within bounds; the size of the world is pinned, and what cannot happen in it is named."""
    found = explored(bounds)
    assert found.rung == "explored"
    assert {p.verdict for p in found.properties if p.name != EVERY_ACTION_FIRES} == {HOLDS}
    assert (found.distinct, found.generated) == (distinct, generated)
    assert {action for action, steps in found.coverage.items() if steps == 0} == never


def test_lemmas_hold_while_every_old_message_may_arrive() -> None:
    """The same with message sets that only grow, as in the proof."""
    found = explored(ALL_MESSAGES)
    assert found.rung == "explored"
    assert {p.verdict for p in found.properties if p.name != EVERY_ACTION_FIRES} == {HOLDS}


def test_lemmas_hold_on_random_walks_that_reach_divergence() -> None:
    """With three nodes and three epochs, walks take every action, and break no lemma."""
    bounds = {"nodes": 3, "epochs": 3, "log": 3, "values": 1, "elections": 4, "restarts": 2, "stale": 1}
    source = ground(trace(CORE), CORE.complete_bounds(bounds))
    found = walk(source, CORE.properties, seed=0, runs=300, steps=80, clock=time.process_time)
    assert all(steps > 0 for steps in found.coverage.values()), found.coverage
    assert found.violation is None
