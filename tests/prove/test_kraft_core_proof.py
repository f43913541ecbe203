"""KRaft's core proved for any number of nodes, epochs and log entries: every obligation, on several seeds; without a lemma it fails."""

import json
import time
from collections import Counter
from collections.abc import Iterator

import pytest
import z3

from model.engines.prove.obligations import Induction
from model.engines.prove.prove import FOLLOWS, FRAME, PROVED, Proof, prove, verdict
from model.engines.prove.solver import SHORT, TRIES
from model.engines.verdict import HOLDS, UNKNOWN
from model.kraft_core.lemmas import INDUCTIVE, LEMMAS, SAFETY
from model.kraft_core.lemmas_election import ELECTION
from model.kraft_core.proofs import HINTS
from model.kraft_core.spec import SPEC
from model.language import Spec
from model.language.trace import trace

CORE = SPEC.with_properties(LEMMAS)

FEW = TRIES[:3]
"""Every obligation of the core is proved by one of these; what is not provable is given up sooner."""

MOST_SECONDS = 90.0
"""CPU seconds that an obligation may take; a whole proof takes less than ten."""


def proof_of(spec: Spec = CORE, seed: int = 0) -> Proof:
    """The prover's work on the core or a variant of it."""
    hints = HINTS.only(p.name for p in spec.properties)
    return prove(spec, hints, seed=seed, tries=FEW, clock=time.process_time)


@pytest.fixture(scope="module")
def proof() -> Proof:
    """The proof with seed 0."""
    return proof_of()


def test_the_core_is_proved(proof: Proof) -> None:
    """One leader per epoch, log matching, leader completeness and agreement of committed prefixes hold for any number of nodes."""
    assert proof.open == ()
    assert proof.proved
    found = verdict(proof)
    assert (found.verdict, found.rung, found.reason) == (HOLDS, "proved", "")
    assert {p.name for p in found.properties} >= {p.name for p in SAFETY}


def test_nothing_is_left_out(proof: Proof) -> None:
    """Each lemma has a row initially and for every path of every action; each safety property is derived."""
    paths = [f"{a.name}/{t.path}" for a in trace(CORE).actions for t in a.transitions]
    rows = Counter((r.place, r.claim) for r in proof.rows)
    assert set(rows.values()) == {1}
    assert set(rows) >= {(place, lemma.name) for place in ("init", *paths) for lemma in INDUCTIVE}
    assert {claim for place, claim in rows if place == "derived"} == {p.name for p in SAFETY}
    assert {claim for place, claim in rows if claim.startswith("the ")} == {"the x"}


def test_the_size_of_the_proof_is_pinned(proof: Proof) -> None:
    """How many obligations there are, by status: a change of the spec or of a lemma shows."""
    assert Counter(r.status for r in proof.rows) == {PROVED: 348, FOLLOWS: 4, FRAME: 622}
    assert sum(r.goals for r in proof.rows) == 635


def test_queries_are_far_from_their_limits(proof: Proof) -> None:
    """No query needs half of the resources of a first try, so that the proof does not hang by a thread."""
    assert max(r.cost for r in proof.rows) < SHORT / 2
    assert {r.options for r in proof.rows if r.goals} == {"base"}


def test_the_manifest_is_plain_data(proof: Proof) -> None:
    """The manifest goes through JSON unchanged, names the solver, and hashes every query that was proved."""
    manifest = proof.manifest()
    again = json.loads(json.dumps(manifest))
    assert again["solver"].startswith("z3 ")
    assert (again["proved"], again["seed"], len(again["obligations"])) == (True, 0, len(proof.rows))
    for row in again["obligations"]:
        assert len(row["digests"]) == row["goals"]
        assert all(len(digest) == 16 for digest in row["digests"])


def test_the_same_seed_asks_the_same_queries() -> None:
    """A second proof of the election's lemmas has the same rows and query hashes, whatever the time it took."""
    election = SPEC.with_properties(ELECTION)

    def rows() -> Iterator[tuple[object, ...]]:
        for r in proof_of(election).rows:
            yield r.place, r.claim, r.status, r.hypotheses, r.options, r.digests

    assert list(rows()) == list(rows())


def test_the_election_is_proved_by_itself() -> None:
    """At most one leader per epoch needs nothing of logs but that a candidate's stays as it is."""
    assert proof_of(SPEC.with_properties((*SAFETY[:1], *ELECTION))).proved


@pytest.mark.nightly
def test_the_safety_properties_rest_on_their_lemmas() -> None:
    """Without the lemma that later epochs have choosable entries, leader completeness does not follow, and nothing is claimed."""
    spec = CORE.with_properties(p for p in LEMMAS if p.name != "later_epochs_have_choosable_entries")
    found = prove(spec, HINTS.only(p.name for p in spec.properties), tries=TRIES[1:2], clock=time.process_time)
    assert ("derived", "leader_completeness") in {(r.place, r.claim) for r in found.open}
    assert {p.verdict for p in verdict(found).properties} == {UNKNOWN}


def test_queries_can_be_saved_for_another_solver() -> None:
    """Each proved query is given out as SMT-LIB text, under its own name; a solver that reads the text agrees."""
    few = SPEC.with_properties(ELECTION[:3])
    saved: dict[str, str] = {}
    hints = HINTS.only(p.name for p in few.properties)
    found = prove(few, hints, tries=FEW, clock=time.process_time, save=saved.__setitem__)
    assert len(saved) == sum(bool(digest) for r in found.rows for digest in r.digests) > 20
    for text in saved.values():
        solver = z3.Solver()
        solver.from_string(text)
        assert solver.check() == z3.unsat


def test_hypotheses_are_about_every_reading_of_the_lemmas() -> None:
    """What each lemma reads is known, and no lemma reads nothing: frames discharge only what a step cannot touch."""
    induction = Induction.of(trace(CORE), HINTS)
    assert all(induction.reads[lemma.name] for lemma in LEMMAS)
    assert set(induction.inductive) == {p.name for p in INDUCTIVE}


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_the_core_is_proved_on_other_seeds(seed: int) -> None:
    """The proof does not depend on the solver's luck."""
    assert proof_of(seed=seed).open == ()


@pytest.mark.nightly
def test_every_obligation_is_proved_in_time(proof: Proof) -> None:
    """Recorded seconds of CPU time per obligation, on one core."""
    assert max(r.seconds for r in proof.rows) < MOST_SECONDS
