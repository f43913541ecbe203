"""KRaft's core by induction in bounded instances: all lemmas are kept, all paths enabled, and every planted bug breaks a named lemma."""

import time
from typing import Any

import pytest
from attrs import evolve

from model.engines.induct.induct import InductionResult, induct, run_induction
from model.engines.verdict import HOLDS, UNKNOWN
from model.kraft_core.lemmas import INDUCTIVE, LEMMAS
from model.kraft_core.lemmas_commit import high_watermark_is_within_the_log
from model.kraft_core.lemmas_election import candidates_stand_in_an_epoch
from model.kraft_core.lemmas_log import entries_are_in_their_epochs_log, flushed_is_within_the_log
from model.kraft_core.notions import committed
from model.kraft_core.proofs import HINTS
from model.kraft_core.spec import SPEC
from model.kraft_core.state import Epoch, Index, Role
from model.language import Node, Not, Spec, always, forall, implies

CORE = SPEC.with_properties(LEMMAS)
SMALL = CORE.complete_bounds({"stale": 1})

NOT_NEEDED = (
    high_watermark_is_within_the_log,
    flushed_is_within_the_log,
    candidates_stand_in_an_epoch,
    entries_are_in_their_epochs_log,
)
"""Lemmas on which the others do not rest: two are claims of their own, two follow from others (docs/proof-of-kraft.md)."""


def induction_of(spec: Spec, bounds: dict[str, int] | None = None) -> InductionResult:
    """Every query about a variant of the core."""
    return run_induction(spec, HINTS.only(p.name for p in spec.properties), bounds or SMALL, clock=time.process_time)


def test_the_lemmas_are_inductive_within_bounds() -> None:
    """With three nodes and two epochs every lemma is kept, and no lemma keeps an action from ever being taken."""
    result = induction_of(CORE)
    assert (result.failures, result.idle, result.complete) == ((), (), True)
    assert (result.queries, result.frames) == (308, 622)


@pytest.mark.nightly
def test_the_lemmas_are_inductive_within_larger_bounds() -> None:
    """The same with three epochs and logs of three entries; and for four nodes, where two are no majority."""
    for more in ({"epochs": 3, "log": 3, "elections": 3}, {"nodes": 4}):
        result = induction_of(CORE, SMALL | more)
        assert (result.failures, result.idle) == ((), ())


def test_the_verdict_is_inductive() -> None:
    """The engine's verdict: holds, on the rung `inductive`, with the bounds, in which every message ever sent can arrive."""
    found = induct(CORE, HINTS, {**SMALL, "nodes": 2, "stale": 0}, clock=time.process_time)
    assert (found.verdict, found.rung, found.bounds["stale"]) == (HOLDS, "inductive", 1)
    assert {p.name for p in found.properties} == {p.name for p in LEMMAS}


def test_a_late_truncation_in_domain_words() -> None:
    """The counterexample for a truncation that was not awaited: a late diverging answer deletes an acknowledged entry."""
    result = induction_of(CORE.with_bug("late-truncate"))
    lines = str(next(f.counterexample for f in result.failures if f.claim == CORE.bugs["late-truncate"].breaks))
    assert "step: handle_diverged(response=Diverged(follower=n1 epoch=1 end=0" in lines
    assert "  log[n1] = [Entry(epoch=1 value=0)]" in lines
    assert lines.endswith("changes:\n  log[n1] = []\n  flushed[n1] = 0\n  last_epoch[n1] = 0")


def test_a_bug_leaves_the_verdict_unknown() -> None:
    """A counterexample to induction is no violation, since its state may not be reachable; its state is in the reason."""
    found = induct(CORE.with_bug("vote-in-memory"), HINTS, {**SMALL, "nodes": 2}, clock=time.process_time)
    assert found.verdict == UNKNOWN
    reasons = {p.name: p.reason for p in found.properties}
    assert "step: restart(n=n1, kept=0)" in reasons["votes_are_remembered"]
    assert "not inductive: restart/0 × votes_are_remembered" in reasons["log_matching"]


@pytest.mark.parametrize("needed", ["counted_replicas_are_within_the_log", "candidates_have_not_won"])
def test_a_lemma_list_with_one_lemma_removed_fails(needed: str) -> None:
    """Lemmas that look like details are needed: without one of them others are not kept."""
    assert induction_of(CORE.with_properties(p for p in LEMMAS if p.name != needed)).failures


@pytest.mark.nightly
@pytest.mark.parametrize("name", [p.name for p in INDUCTIVE if p not in NOT_NEEDED])
def test_every_lemma_is_needed(name: str) -> None:
    """No lemma can be left out, but for those that are there for themselves or for being short."""
    spec = CORE.with_properties(p for p in LEMMAS if p.name != name)
    assert induction_of(spec, SMALL | {"epochs": 3, "elections": 3}).failures


@always
def no_commit_while_a_log_diverges(s: Any) -> Any:
    """False where something is committed and a diverging answer is on its way to a follower of that epoch."""
    nothing = forall(Epoch, Index, lambda e, i: Not(committed(s, e, i)))
    return s.diverged.forall(
        lambda m: implies((s.role[m.follower] == Role.FOLLOWER) & (s.epoch[m.follower] == m.epoch), nothing)
    )


@always
def no_two_leaders(s: Any) -> Any:
    """False where two nodes lead, in different epochs."""
    return forall(Node, Node, lambda a, b: implies((s.role[a] == Role.LEADER) & (s.role[b] == Role.LEADER), a == b))


@pytest.mark.parametrize("claim", [no_commit_while_a_log_diverges, no_two_leaders], ids=str)
def test_the_lemmas_are_not_vacuous(claim: Any) -> None:
    """States that matter satisfy all lemmas: committed and diverging at once, two leaders in two epochs."""
    spec = CORE.with_properties((*LEMMAS, claim))
    hints = evolve(HINTS, derived={**HINTS.derived, claim.name: tuple(p.name for p in INDUCTIVE)})
    result = run_induction(spec, hints, SMALL, clock=time.process_time)
    assert [(f.place, f.claim) for f in result.failures] == [("derived", claim.name)]
