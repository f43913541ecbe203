"""Zab's core proved for any number of servers, epochs and transactions: every obligation, on several seeds; without a lemma it fails."""

import time
from collections import Counter

import pytest

from model.engines.prove.prove import FOLLOWS, FRAME, PROVED, Proof, prove, verdict
from model.engines.prove.solver import SHORT, TRIES
from model.engines.verdict import HOLDS, UNKNOWN
from model.language import Spec
from model.language.trace import trace
from model.zab_core.lemmas_epochs import EPOCHS
from tests.prove.core_case import ZAB_CORE

MOST_SECONDS = 90.0
"""CPU seconds that a whole proof may take; it takes about ten."""


def proof_of(spec: Spec = ZAB_CORE.spec, seed: int = 0) -> Proof:
    """The prover's work on the core or a variant of it."""
    hints = ZAB_CORE.hints.only(p.name for p in spec.properties)
    return prove(spec, hints, seed=seed, tries=TRIES[:3], clock=time.process_time)


@pytest.fixture(scope="module")
def proof() -> Proof:
    """The proof with seed 0."""
    return proof_of()


def test_zab_core_is_proved(proof: Proof) -> None:
    """One leader per epoch, agreement, integrity, the primary orders and leader log completeness hold for any number of servers."""
    assert proof.open == ()
    assert proof.proved
    assert proof.seconds < MOST_SECONDS
    found = verdict(proof)
    assert (found.verdict, found.rung, found.reason) == (HOLDS, "proved", "")
    assert {p.name for p in found.properties} >= {p.name for p in ZAB_CORE.safety}


def test_nothing_of_zab_is_left_out(proof: Proof) -> None:
    """Each lemma has a row initially and for every path of every action; each safety property is derived."""
    paths = [f"{a.name}/{t.path}" for a in trace(ZAB_CORE.spec).actions for t in a.transitions]
    rows = Counter((r.place, r.claim) for r in proof.rows)
    assert set(rows.values()) == {1}
    assert set(rows) >= {(place, lemma.name) for place in ("init", *paths) for lemma in ZAB_CORE.inductive}
    assert {claim for place, claim in rows if place == "derived"} == {p.name for p in ZAB_CORE.safety}


def test_the_size_of_the_proof_of_zab_is_pinned(proof: Proof) -> None:
    """How many obligations there are, by status: a change of the spec or of a lemma shows."""
    assert Counter(r.status for r in proof.rows) == {PROVED: 329, FOLLOWS: 9, FRAME: 617}
    assert sum(r.goals for r in proof.rows) == 739


def test_queries_about_zab_are_far_from_their_limits(proof: Proof) -> None:
    """All queries of an obligation together need less than one may, so that the proof does not hang by a thread."""
    assert max(r.cost for r in proof.rows) < SHORT
    assert {r.options for r in proof.rows if r.goals} == {"base"}


def test_one_leader_per_epoch_is_proved_by_itself() -> None:
    """That an epoch has one leader, ever and at once, needs nothing of histories."""
    assert proof_of(ZAB_CORE.spec.with_properties((*ZAB_CORE.safety[:2], *EPOCHS))).proved


@pytest.mark.nightly
def test_the_end_of_an_initial_history_is_needed_for_any_size() -> None:
    """Within bounds nothing comes after the end of a history; the prover has to be told where the initial history ends."""
    found = proof_of(ZAB_CORE.without("initial_histories_are_beginnings"))
    assert {r.place for r in found.open} >= {"adopt_history/0"}
    assert {p.verdict for p in verdict(found).properties} == {UNKNOWN}


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_zab_core_is_proved_on_other_seeds(seed: int) -> None:
    """The proof does not depend on the solver's luck."""
    assert proof_of(seed=seed).open == ()
