"""Zab's core explored: every lemma holds in every reachable state of small instances, with the history kept."""

import time

import pytest

from model.engines.compiled.explore import explore_compiled
from model.engines.verdict import EVERY_ACTION_FIRES, HOLDS
from model.engines.walk import walk
from model.language.ground_spec import ground
from model.language.trace import trace
from tests.prove.core_case import ZAB_CORE

TWO_EPOCHS = {"nodes": 3, "epochs": 2, "log": 1, "losses": 0, "restarts": 0}
ALL_MESSAGES = {"epochs": 1, "stale": 1}


@pytest.mark.parametrize(
    ("bounds", "distinct", "generated", "never"),
    [
        ({}, 520_605, 6_698_381, set()),
        (TWO_EPOCHS, 2_092_287, 39_335_599, {"lose_connection", "restart"}),
        (ALL_MESSAGES, 34_768, 447_751, set()),
    ],
    ids=["defaults", "two-epochs", "all-messages"],
)
def test_zab_lemmas_hold_in_every_reachable_state(
    bounds: dict[str, int], distinct: int, generated: int, never: set[str]
) -> None:
    """No lemma is false in any state within bounds; the size of the world is pinned, and what cannot happen in it is named."""
    found = explore_compiled(ZAB_CORE.spec, ZAB_CORE.spec.complete_bounds(bounds), clock=time.process_time)
    assert found.rung == "explored"
    assert {p.verdict for p in found.properties if p.name != EVERY_ACTION_FIRES} == {HOLDS}
    assert (found.distinct, found.generated) == (distinct, generated)
    assert {action for action, steps in found.coverage.items() if steps == 0} == never


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("bounds", "distinct"),
    [
        ({"nodes": 3, "epochs": 1, "log": 1}, 13_242_499),
        ({"losses": 2, "restarts": 2}, 2_690_579),
    ],
    ids=["three-nodes", "more-failures"],
)
def test_zab_lemmas_hold_in_larger_scopes(bounds: dict[str, int], distinct: int) -> None:
    """The same for three servers with failures, and for two with more of them."""
    found = explore_compiled(ZAB_CORE.spec, ZAB_CORE.spec.complete_bounds(bounds), clock=time.process_time)
    assert (found.rung, found.verdict, found.distinct) == ("explored", HOLDS, distinct)


def test_zab_lemmas_hold_on_random_walks() -> None:
    """With three servers and three epochs, walks take every action, and break no lemma."""
    bounds = {"nodes": 3, "epochs": 3, "log": 3, "losses": 3, "restarts": 2}
    source = ground(trace(ZAB_CORE.spec), ZAB_CORE.spec.complete_bounds(bounds))
    found = walk(source, ZAB_CORE.spec.properties, seed=0, runs=60, steps=250, clock=time.process_time)
    assert all(steps > 0 for steps in found.coverage.values()), found.coverage
    assert found.violation is None
