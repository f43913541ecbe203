"""Counterexamples to induction are told from violations: the state is searched for among those that can be reached."""

import time
from typing import Any

from model.engines.induct.induct import induct
from model.engines.induct.reach import reach
from model.engines.verdict import UNKNOWN, VIOLATED, Verdict
from model.language import Not, Spec, always
from model.language.hints import Hints
from model.language.plain import Stepper
from model.language.trace import trace
from tests.prove.small_lease import BOUNDS, LEMMAS, lease
from tests.prove.test_prover import hear_any


def inducted(spec: Spec, **more: Any) -> Verdict:
    """The verdict by induction on a variant of the lease."""
    return induct(spec, Hints(), BOUNDS, clock=time.process_time, **more)


def reason(verdict: Verdict, name: str) -> str:
    """What is said about a property."""
    return next(p.reason for p in verdict.properties if p.name == name)


def test_a_state_that_is_not_reached_asks_for_a_lemma() -> None:
    """Alone, "at most one node holds the lease" is not inductive, but no state within bounds from which it breaks is ever reached."""
    found = inducted(lease().with_properties(LEMMAS[:1]))
    assert found.verdict == UNKNOWN
    assert "step: lend(" in reason(found, "one_holder")
    assert reason(found, "one_holder").splitlines()[-1].startswith("the state is not reachable: none of the ")


def test_a_search_that_was_cut_short_says_nothing() -> None:
    """With room for a single state nobody knows whether the server's memory of an old lease is one that can be reached."""
    found = inducted(lease(hear=hear_any), most=0)
    assert found.verdict == UNKNOWN
    assert "the state is not known to be reachable: not among the first" in reason(found, "holders_are_known")


def test_a_state_that_is_reached_makes_a_violation() -> None:
    """A lemma that is broken by a step out of the initial state is violated; the trace leads there, and one step on."""

    @always
    def nothing_was_lent(s: Any) -> Any:
        """False after the first loan."""
        return Not(s.issued >= 1)

    spec = lease().with_properties((nothing_was_lent,))
    found = inducted(spec)
    (prop,) = found.properties
    assert (found.verdict, prop.verdict, prop.reason) == (VIOLATED, VIOLATED, "lend/0: not kept")
    assert prop.trace is not None
    assert [step.action for step in prop.trace.steps] == ["lend"]
    assert [Stepper(spec, BOUNDS).holds(nothing_was_lent, state) for state in prop.trace.states] == [True, False]


def test_a_state_is_met_on_a_shortest_path() -> None:
    """The search meets the states that are wanted, each on a shortest path that the plain reading takes; and no others."""
    stepper = Stepper(lease(), BOUNDS)
    initial = stepper.initial()
    lent = stepper.apply(initial, "lend", (0,))
    back = stepper.apply(lent, "give_back", (0,))
    met = reach(trace(lease()), BOUNDS, [initial, back])
    assert [met.of(state) for state in (initial, back)] == ["reachable, in 0 steps", "reachable, in 2 steps"]
    assert met.paths[back].states == (initial, lent, back)
    assert lent not in met.paths
