"""The Zab spec as a whole: its pinned state counts, what holds in them, and what must be reached."""

import pytest

from model.engines.explore import explore
from model.engines.verdict import EVERY_ACTION_FIRES, HOLDS
from model.language.plain import Stepper
from properties.registry import SPECS
from tests.zookeeper.zab_scopes import CRASH_AND_BREAK, ONE_CRASH, SAFETY, ZAB, explored, no_time


def test_the_plain_reading_and_the_compiled_explorer_agree() -> None:
    """Three servers, one proposal, no fault but a broken connection: the same states by the same steps, and nothing is violated."""
    bounds = ZAB.complete_bounds({"epochs": 1, "log": 2, "txns": 1, "crashes": 0, "partitions": 1})
    plain = explore(Stepper(ZAB, bounds), SAFETY, clock=no_time)
    compiled = explored(ZAB.with_properties(SAFETY), bounds)
    assert (plain.distinct, plain.generated, plain.depth) == (1_393, 2_824, 17)
    assert (compiled.distinct, compiled.generated, compiled.depth) == (1_393, 2_824, 17)
    assert (plain.levels, plain.coverage, plain.cut) == (compiled.levels, compiled.coverage, compiled.cut)
    assert {p.name: p.verdict for p in plain.properties[:-1]} == {p.name: HOLDS for p in SAFETY}


def test_one_crash_holds() -> None:
    """Three servers, one proposal, one crash: 9,523 states, as TLC finds (tests/engines/tlc_figures.py)."""
    verdict = explored(ZAB.with_properties(SAFETY), ONE_CRASH)
    assert (verdict.distinct, verdict.generated, verdict.depth) == (9_523, 19_747, 26)
    assert {p.name: p.verdict for p in verdict.properties[:-1]} == {p.name: HOLDS for p in SAFETY}


def test_a_crash_and_a_broken_connection_hold() -> None:
    """With a broken connection besides: everything is reached, by runs of the pinned lengths, but a snapshot."""
    verdict = explored(ZAB, CRASH_AND_BREAK)
    assert (verdict.distinct, verdict.generated, verdict.depth) == (135_073, 312_460, 36)
    assert [p.name for p in verdict.properties if p.verdict != HOLDS] == ["a_learner_gets_a_snapshot"]
    assert verdict.properties[-1].name == EVERY_ACTION_FIRES
    assert {p.name: len(p.trace.steps) for p in verdict.properties if p.trace is not None} == {
        "a_leader_serves_alone": 3,
        "two_leaders_of_different_epochs_at_once": 5,
        "a_learner_joins_amid_proposals": 6,
        "a_proposal_is_lost": 7,
        "a_learner_is_truncated": 7,
        "a_learner_gets_missed_commits": 7,
        "a_second_epoch_is_established": 10,
        "a_proposal_of_an_old_epoch_commits_in_a_new_one": 11,
        "a_commit_overtakes_uptodate": 12,
        "a_transaction_of_a_second_epoch_commits": 14,
    }


@pytest.mark.nightly
def test_a_logging_thread_of_its_own_holds() -> None:
    """`zab-async`, one proposal, one crash, one broken connection: 208,738 states; everything holds and everything is reached."""
    verdict = explored(SPECS["zab-async"], {})
    assert (verdict.distinct, verdict.generated, verdict.depth) == (208_738, 522_172, 38)
    assert (verdict.verdict, verdict.rung) == (HOLDS, "explored")


@pytest.mark.nightly
def test_the_default_bounds_hold() -> None:
    """Three servers, two proposals, two crashes, two broken connections: 20,108,128 states; everything holds and everything is reached."""
    verdict = explored(ZAB, {})
    assert (verdict.distinct, verdict.generated, verdict.depth) == (20_108_128, 69_785_683, 54)
    assert (verdict.verdict, verdict.rung) == (HOLDS, "explored")


@pytest.mark.nightly
def test_two_proposals_with_a_crash_and_a_broken_connection_hold() -> None:
    """Three servers, two proposals, one crash, one broken connection: 850,702 states; everything holds and everything is reached."""
    verdict = explored(ZAB, {"crashes": 1, "partitions": 1})
    assert (verdict.distinct, verdict.generated, verdict.depth) == (850_702, 2_091_073, 42)
    assert (verdict.verdict, verdict.rung) == (HOLDS, "explored")
