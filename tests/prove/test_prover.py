"""Prover and bounded induction on a small protocol: true lemmas are proved, false ones not, what cannot be read is refused."""

import time
from typing import Any

import pytest

from model.engines.induct.induct import induct, run_induction
from model.engines.prove.goals import goals
from model.engines.prove.obligations import Induction
from model.engines.prove.poststate import PostState
from model.engines.prove.prove import FRAME, PROVED, Proof, prove, verdict
from model.engines.prove.solver import TRIES
from model.engines.verdict import HOLDS, UNKNOWN, VIOLATED
from model.language import (
    NONE,
    Bool,
    Node,
    Not,
    Spec,
    SpecError,
    always,
    count,
    exists,
    forall,
    implies,
    require,
    the,
    value_of,
)
from model.language.hints import Hints, marker
from model.language.trace import trace
from tests.prove.small_lease import BOUNDS, LEMMAS, Lease, Number, Phase, Returned, lease

FEW = TRIES[:3]
"""Enough for what is provable here, and quick to give up."""


def proof_of(spec: Spec, hints: Hints | None = None) -> Proof:
    """The prover's work on a spec."""
    return prove(spec, hints or Hints(), tries=FEW, clock=time.process_time)


def lend_always(free: Any) -> Any:
    """The server lends whoever has it."""
    return free | Not(free)


def hear_any(s: Lease, returned: Returned) -> None:
    """The server takes the return of an old lease for one of the current."""
    require(returned.number <= s.issued)

    s.holder = NONE


def renumber_below(s: Lease, n: Node) -> None:
    """A holder takes a number that is not determined."""
    require(s.phase[n] == Phase.HOLDS)

    s.number[n] = the(Number, lambda x: x <= s.issued)


def test_true_lemmas_are_proved_for_any_number_of_nodes() -> None:
    """The lease's lemmas are inductive: every obligation is proved, or its step writes nothing that the lemma reads."""
    proof = proof_of(lease())
    assert proof.proved
    assert {r.status for r in proof.rows} == {PROVED, FRAME}
    assert {(r.place, r.claim) for r in proof.rows if r.status == FRAME} >= {("hear/0", "one_holder")}
    found = verdict(proof)
    assert (found.verdict, found.rung, found.reason) == (HOLDS, "proved", "")


def test_the_uniqueness_of_what_an_action_takes_is_proved() -> None:
    """Every `the` of an action is an obligation of its own; a condition that several numbers satisfy leaves it open."""
    assert ("renumber/0", "the x") in {(r.place, r.claim) for r in proof_of(lease()).rows if r.status == PROVED}
    wrong = proof_of(lease(renumber=renumber_below))
    assert ("renumber/0", "the x") in {(r.place, r.claim) for r in wrong.open}


@pytest.mark.parametrize(
    ("change", "place", "broken"),
    [
        ({"may_lend": lend_always}, "lend/0", {"one_holder", "holders_are_known"}),
        ({"hear": hear_any}, "hear/0", {"holders_are_known"}),
    ],
    ids=["lend-always", "hear-any"],
)
def test_a_broken_rule_leaves_its_obligation_open(change: dict[str, Any], place: str, broken: set[str]) -> None:
    """Prover and bounded induction name the same step and lemmas, and then nothing is claimed of any lemma."""
    spec = lease(**change)
    proof = proof_of(spec)
    assert {(r.place, r.claim) for r in proof.open} == {(place, claim) for claim in broken}
    assert {p.verdict for p in verdict(proof).properties} == {UNKNOWN}
    result = run_induction(spec, Hints(), BOUNDS, clock=time.process_time)
    assert {(f.place, f.claim) for f in result.failures} == {(place, claim) for claim in broken}
    assert {p.verdict for p in induct(spec, Hints(), BOUNDS, clock=time.process_time).properties} == {UNKNOWN}


def test_a_counterexample_is_a_state_and_a_step_in_domain_words() -> None:
    """The server forgets the holder n1 when an old lease comes back; nothing that does not matter is in the state."""
    result = run_induction(lease(hear=hear_any), Hints(), BOUNDS, clock=time.process_time)
    (failure,) = result.failures
    assert str(failure.counterexample).splitlines() == [
        "state:",
        "  holder = n1",
        "  issued = 1",
        "  phase[n1] = HOLDS",
        "  number[n1] = 1",
        "  returned has Returned(node=n1 number=0)",
        "step: hear(returned=Returned(node=n1 number=0))",
        "changes:",
        "  holder = -",
    ]


def test_a_lemma_list_without_a_lemma_that_is_needed_fails() -> None:
    """That at most one node holds the lease is not inductive by itself."""
    alone = lease().with_properties(LEMMAS[:1])
    assert not proof_of(alone).proved
    assert run_induction(alone, Hints(), BOUNDS, clock=time.process_time).failures


def test_a_lemma_that_is_false_initially_is_violated() -> None:
    """Only what fails in the initial state is called a violation: a state that breaks a lemma need not be reachable."""

    @always
    def something_was_lent(s: Lease) -> Any:
        """False at first."""
        return s.issued >= 1

    spec = lease().with_properties((*LEMMAS, something_was_lent))
    assert ("init", "something_was_lent") in {(r.place, r.claim) for r in proof_of(spec).open}
    found = induct(spec, Hints(), BOUNDS, clock=time.process_time)
    assert {p.name for p in found.properties if p.verdict == VIOLATED} == {"something_was_lent"}


def test_an_action_that_no_state_enables_is_reported() -> None:
    """Lemmas under which an action can never be taken prove nothing about it, and the verdict says so."""

    def give_back_twice(s: Lease, n: Node) -> None:
        """Enabled only if a node both holds the lease and does not."""
        require(s.phase[n] == Phase.HOLDS)
        require(s.holder != n)

        s.phase[n] = Phase.IDLE

    spec = lease(give_back=give_back_twice)
    result = run_induction(spec, Hints(), BOUNDS, clock=time.process_time)
    assert (result.failures, result.idle) == ((), ("give_back/0",))
    found = induct(spec, Hints(), BOUNDS, clock=time.process_time)
    assert found.verdict == UNKNOWN
    assert "never enabled" in found.reason


def test_a_derived_property_is_proved_from_its_lemmas_only() -> None:
    """What follows from a lemma in one state needs no induction; what does not follow stays open."""
    follows = Hints(derived={"one_holder": ("holders_are_known",)})
    assert proof_of(lease(), follows).proved
    wrong = Hints(derived={"one_holder": ("returns_are_of_leases_issued",)})
    assert [(r.place, r.claim) for r in proof_of(lease(), wrong).open] == [("derived", "one_holder")]
    (failure,) = run_induction(lease(), wrong, BOUNDS, clock=time.process_time).failures
    assert (failure.place, failure.claim) == ("derived", "one_holder")


def test_a_wrong_trigger_cannot_prove_a_false_lemma() -> None:
    """Hints only say where to instantiate: with any trigger and marker a false lemma stays open."""
    hints = Hints(
        triggers={"one_holder": lambda s, a, b: [(s.phase[a], s.phase[b]), marker("pair", a, b)]},
        emits={"one_holder": lambda s, a, b: marker("pair", b, a)},
    )
    assert proof_of(lease(), hints).proved
    assert not proof_of(lease(may_lend=lend_always), hints).proved


def test_a_hint_for_an_unknown_lemma_is_refused() -> None:
    """A hint that names no lemma is a spelling mistake: the nearest name is given."""
    with pytest.raises(SpecError, match=r"'one_holders'.*did you mean one_holder\?"):
        proof_of(lease(), Hints(groups={"one_holders": ()}))


def forget_returns(s: Lease, returned: Returned) -> None:
    """The server forgets returns."""
    require(returned.number == s.issued)

    s.returned.forget(lambda m: m.number == returned.number)


def lend_if_few(s: Lease, n: Node) -> None:
    """The server counts holders."""
    require(count(Node, lambda m: s.phase[m] == Phase.HOLDS) == 0)

    s.phase[n] = Phase.HOLDS


def lend_if_some(s: Lease, n: Node) -> None:
    """The server asks whether there is an idle node."""
    require(exists(Node, lambda m: s.phase[m] == Phase.IDLE))

    s.phase[n] = Phase.HOLDS


def lend_to_holder(s: Lease, n: Node) -> None:
    """The server reads whom it has lent to without asking whether it has."""
    require(value_of(s.holder) == n)

    s.phase[n] = Phase.HOLDS


def number_before(s: Lease, n: Node) -> None:
    """A holder takes the number before the last."""
    require(s.issued >= 1)

    s.number[n] = s.issued - 1


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"hear": forget_returns}, "takes messages out of returned"),
        ({"lend": lend_if_few}, "count in"),
        ({"lend": lend_if_some}, "exists in"),
        ({"lend": lend_to_holder}, r"holder\.value.* is read where it may be NONE"),
        ({"renumber": number_before}, "sub in"),
    ],
    ids=["forget", "count", "exists", "empty-option", "subtraction"],
)
def test_what_the_prover_cannot_read_is_refused(change: dict[str, Any], cause: str) -> None:
    """A spec outside of the prover's fragment is an error with the author's line, never a proof of something else."""
    with pytest.raises(SpecError, match=cause) as refused:
        proof_of(lease(**change))
    assert "test_prover.py" in refused.value.where


def test_an_option_that_is_tested_may_be_read() -> None:
    """An element that is read beside the test that there is one is within the fragment."""

    @always
    def the_holder_has_the_latest_number(s: Lease) -> Any:
        """Whom the server lent to has the number issued last."""
        return implies(s.holder != NONE, s.number[value_of(s.holder)] == s.issued)

    assert proof_of(lease().with_properties((*LEMMAS, the_holder_has_the_latest_number))).proved


def test_a_claim_about_the_state_after_a_step_is_one_about_the_state_before() -> None:
    """After `lend` the claim on the phase of m is about n if m is n; a message that was sent is a claim of its own."""
    traced = trace(lease())
    lemma = next(p.term for p in traced.properties if p.property.name == "returns_are_of_leases_issued")
    (give_back,) = (t for a in traced.actions if a.name == "give_back" for t in a.transitions)
    claim = PostState.after(traced, give_back).claim(lemma)
    assert claim.op == "and"
    assert claim.args[0].op == "forall_in"
    found = goals(traced.graph, lemma)
    assert [g.conclusion.op for g in found] == ["le", "eq"]
    assert all(g.hypotheses[0].op == "contains" for g in found)


def test_a_variable_that_hides_another_is_another_element() -> None:
    """Two quantifiers, one in the other, over a variable of the same name are about two elements: the claim is false, and not proved."""
    graph = trace(lease()).graph
    n = graph.var("n", "bound", 0, Node)
    holds, idle = (
        graph.make("eq", (graph.make("app", ("phase", n), Phase), graph.const(phase, Phase)), Bool)
        for phase in (Phase.HOLDS, Phase.IDLE)
    )
    inner = graph.make("forall", ((n,), graph.negation(idle)), Bool)
    (goal,) = goals(graph, graph.make("forall", ((n,), graph.make("implies", (holds, inner), Bool)), Bool))
    assert len(goal.hypotheses[0].free & goal.conclusion.free) == 0


def test_every_path_has_every_obligation() -> None:
    """No lemma is left out: each is proved initially, and for each path proved or discharged by frame."""
    traced = trace(lease())
    induction = Induction.of(traced, Hints())
    found = {(o.place, o.claim) for o in induction.obligations()}
    places = {"init", *(f"{a.name}/{t.path}" for a in traced.actions for t in a.transitions)}
    assert {(place, lemma.name) for place in places for lemma in LEMMAS} <= found


def test_forall_in_a_guard_is_read_as_written() -> None:
    """A guard may quantify: a server that lends only while all are idle keeps the lemmas."""

    def lend_if_all_idle(s: Lease, n: Node) -> None:
        """The server looks at the nodes."""
        require(forall(Node, lambda m: s.phase[m] == Phase.IDLE))

        s.issued = s.issued + 1
        s.holder = n
        s.phase[n] = Phase.HOLDS
        s.number[n] = s.issued

    assert proof_of(lease(lend=lend_if_all_idle)).proved
