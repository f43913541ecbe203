"""Liveness of small specs with known answers: fairness weak and strong, bounds that cut, triggers, and lassos pinned step by step."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from model.engines.explore import explore
from model.engines.liveness import check_liveness, unfairly_treated, with_liveness
from model.engines.source import Budget, Disagreement, Source
from model.engines.verdict import HOLDS, UNKNOWN, VIOLATED, PropertyVerdict, TraceStep
from model.language import Property, Spec, SpecError, eventually
from model.language.ground_spec import ground
from model.language.plain import Stepper
from model.language.trace import trace
from tests.engines.liveness_toys import (
    Door,
    alternating_bit,
    counter,
    door,
    it_counts,
    it_stops,
    light_goes_out,
    somebody_is_through,
    three_is_followed_by_a_stop,
    tour,
)

ROOT = Path(__file__).resolve().parents[2]
WEAK = {"open_door": "weak", "close_door": "weak", "walk_through": "weak"}


def still() -> float:
    """A clock that stands still."""
    return 0.0


def plain(spec: Spec) -> Source:
    """The plain reading under the default bounds."""
    return Stepper(spec, spec.complete_bounds({}))


def derived(spec: Spec) -> Source:
    """The ground form under the default bounds."""
    return ground(trace(spec), spec.complete_bounds({}))


def judged(spec: Spec) -> PropertyVerdict:
    """The verdict on the spec's first property; both readings must say the same, trace included."""
    first, second = (check_liveness(source, spec.properties, clock=still) for source in (plain(spec), derived(spec)))
    assert first == second
    return first[0]


def steps_of(verdict: PropertyVerdict) -> list[str]:
    """The steps of a lasso in one word each; the loop begins after the bar."""
    assert verdict.trace is not None
    assert verdict.trace.loop is not None
    names = [step.action for step in verdict.trace.steps]
    return [*names[: verdict.trace.loop], "|", *names[verdict.trace.loop :]]


@pytest.mark.parametrize(
    ("fairness", "verdict", "steps"),
    [
        ({}, VIOLATED, ["|"]),
        ({"walk_through": "strong"}, VIOLATED, ["|"]),
        ({"open_door": "weak"}, VIOLATED, ["|", "open_door"]),
        ({"open_door": "weak", "walk_through": "weak"}, VIOLATED, ["|", "open_door"]),
        (WEAK, VIOLATED, ["|", "open_door"]),
        ({**WEAK, "walk_through": "strong"}, HOLDS, None),
        ({"open_door": "weak", "walk_through": "strong"}, HOLDS, None),
        ({**WEAK, "walk_through": "strong per instance"}, HOLDS, None),
    ],
    ids=str,
)
def test_strong_fairness_is_needed_where_a_chance_comes_and_goes(
    fairness: Mapping[str, str], verdict: str, steps: list[str] | None
) -> None:
    """Whoever waits for a door in the wind gets through under strong fairness only: weakly, no chance lasts long enough."""
    found = judged(door(fairness))
    assert found.verdict == verdict
    assert (None if found.trace is None else steps_of(found)) == steps


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [("weak", VIOLATED), ("strong", VIOLATED), ("weak per instance", HOLDS), ("strong per instance", HOLDS)],
)
def test_fairness_of_an_action_as_a_whole_is_not_that_of_each_node(kind: str, verdict: str) -> None:
    """A visitor who keeps moving between two nodes is fair to visiting, but not to visiting the third node."""
    found = judged(tour({"visit": kind}))
    assert found.verdict == verdict
    if verdict == VIOLATED:
        assert found.trace is not None
        assert [step.args for step in found.trace.steps] == [(0,), (1,), (0,)]
        assert found.trace.loop == 2
        assert "goes back to state 2 by visit" in found.reason


def test_a_step_that_changes_nothing_is_none() -> None:
    """With one node, the visitor is there after one step: visiting again changes nothing, and owes nothing to fairness."""
    spec = tour({"visit": "strong"})
    one = Stepper(spec, {"nodes": 1})
    assert [v.verdict for v in check_liveness(one, spec.properties, clock=still)] == [HOLDS]
    there = one.apply(one.initial(), "visit", (0,))
    assert unfairly_treated(spec, one.bounds, [there], [None]) == ()
    assert unfairly_treated(spec, one.bounds, [one.initial()], [None]) == (TraceStep("visit", (0,)),)


EXIT = "from which runs leave the bounds: count_on in"


@pytest.mark.parametrize(
    ("prop", "fairness", "verdict", "reason"),
    [
        # Nothing has to happen: the run may stay where it is.
        (it_stops, {}, VIOLATED, "after 0 steps the run stays there; fair: none"),
        # It counts on for ever: what is cut at 2 is enabled, so staying there is no run, and what comes later is not known.
        (it_stops, {"count_on": "weak"}, UNKNOWN, f"2 states {EXIT} 2, first after 2 steps; fair: count_on: weak"),
        (it_stops, {"count_on": "weak", "stop": "weak"}, UNKNOWN, f"2 states {EXIT} 2"),
        # Only stopping has to happen: no run stays inside without it, but one may count beyond the bounds first.
        (it_stops, {"stop": "weak"}, UNKNOWN, f"2 states {EXIT} 2"),
        # Where the property is satisfied before the bounds are met, they do not matter.
        (it_counts, {"count_on": "weak"}, HOLDS, "fair: count_on: weak"),
        # A lasso inside the bounds is a run of the protocol, whatever else leaves them.
        (it_counts, {"switch": "weak"}, VIOLATED, "goes back to state 0 by switch"),
        # Nobody counts to three within the bounds; the lamp is about what is triggered within them, escapes while it is on included.
        (three_is_followed_by_a_stop, {"stop": "weak"}, UNKNOWN, "no state within bounds triggers it"),
        (light_goes_out, {}, VIOLATED, "after 1 steps the run stays there"),
        (light_goes_out, {"switch": "weak"}, UNKNOWN, f"1 states {EXIT} 1, first after 3 steps"),
    ],
)
def test_what_the_bounds_cut_is_enabled_and_not_known(
    prop: Property, fairness: Mapping[str, str], verdict: str, reason: str
) -> None:
    """A run that leaves the bounds is neither a counterexample nor a pass; fairness sees the protocol, not the bounds."""
    found = judged(counter(prop, fairness))
    assert found.verdict == verdict
    assert reason in found.reason


STRONG_RECEIVERS = {
    "send_data": "weak",
    "receive_data": "strong",
    "receive_ack": "strong",
}


@pytest.mark.parametrize(
    ("fairness", "verdict"),
    [
        (STRONG_RECEIVERS, HOLDS),
        ({**STRONG_RECEIVERS, "receive_data": "weak"}, VIOLATED),
        ({**STRONG_RECEIVERS, "receive_ack": "weak"}, VIOLATED),
        ({"receive_data": "strong", "receive_ack": "strong"}, VIOLATED),
    ],
)
def test_the_alternating_bit_protocol_needs_channels_that_do_not_lose_for_ever(
    fairness: Mapping[str, str], verdict: str
) -> None:
    """Message after message gets through iff what is sent again and again is received again and again."""
    found = check_liveness(derived(alternating_bit(fairness)), alternating_bit(fairness).properties, clock=still)
    assert [p.verdict for p in found] == [verdict, verdict]


def test_the_lasso_of_a_channel_that_loses_acknowledgements() -> None:
    """Again and again the message gets through and its acknowledgement is lost: fair to all, as the trace shows."""
    found = judged(alternating_bit({**STRONG_RECEIVERS, "receive_ack": "weak"}))
    assert found.trace is not None
    assert steps_of(found) == ["send_data", "receive_data", "|", "send_data", "lose_ack"]
    assert "goes back to state 2 by receive_data" in found.reason
    assert "taken for ever: send_data, receive_data; disabled again and again: receive_ack" in found.reason


def test_liveness_takes_the_place_of_what_the_explorer_leaves_open() -> None:
    """In the verdict of a complete search the liveness verdicts are put in, the whole is judged anew, and its lasso is the violation."""
    spec = door(WEAK)
    source = derived(spec)
    before = explore(source, spec.properties, clock=still)
    after = with_liveness(before, source, spec.properties, clock=still, budget=Budget())
    assert (before.verdict, after.verdict) == (UNKNOWN, VIOLATED)
    assert after.violation is not None
    assert after.violation.name == somebody_is_through.name
    assert [p.name for p in after.properties] == [p.name for p in before.properties]
    assert (after.distinct, after.cut) == (before.distinct, before.cut)


def test_an_incomplete_search_says_nothing_about_liveness() -> None:
    """A search that ran out of states is unknown, and liveness is not looked at after it."""
    spec = tour({})
    source = plain(spec)
    verdict = explore(source, spec.properties, clock=still, budget=Budget(states=0))
    assert with_liveness(verdict, source, spec.properties, clock=still, budget=Budget()) is verdict
    (found,) = check_liveness(source, spec.properties, clock=still, budget=Budget(states=0))
    assert (found.verdict, found.reason) == (UNKNOWN, "budget of 0 states used up at depth 1")


def test_an_interrupt_leaves_liveness_unknown() -> None:
    """Ctrl-C is reported as such."""

    def interrupt(_: Any) -> None:
        raise KeyboardInterrupt

    spec = tour({})
    (found,) = check_liveness(plain(spec), spec.properties, clock=still, report=interrupt)
    assert (found.verdict, found.reason) == (UNKNOWN, "interrupted at depth 1")


@pytest.mark.parametrize(
    ("fairness", "problem"),
    [
        ({"open_dor": "weak"}, "did you mean open_door"),
        ({"open_door": "fair"}, "'strong per instance'"),
    ],
)
def test_fairness_that_means_nothing_is_refused(fairness: Mapping[str, str], problem: str) -> None:
    """A name that is no action and a kind of fairness that does not exist are errors of the spec, with the remedy."""
    with pytest.raises(SpecError) as caught:
        door(fairness)
    assert problem in str(caught.value)


def test_a_reading_that_is_wrong_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A source that takes nobody through the door finds a lasso that the plain reading does not confirm."""
    spec = door({**WEAK, "walk_through": "strong"})
    source = Stepper(spec, {})
    steps: Callable[[Any], Any] = source.steps
    monkeypatch.setattr(source, "steps", lambda state: (s for s in steps(state) if s[0] != 2))
    with pytest.raises(Disagreement, match="unfair to walk_through"):
        check_liveness(source, spec.properties, clock=still)


PROGRAM = """
from model.engines.liveness import check_liveness
from model.language.ground_spec import ground
from model.language.trace import trace
from tests.engines.liveness_toys import alternating_bit, tour

for spec in (alternating_bit({"send_data": "weak", "receive_data": "strong"}), tour({"visit": "weak"})):
    for found in check_liveness(ground(trace(spec), spec.bounds), spec.properties, clock=lambda: 0.0):
        print(found, found.trace, found.trace.states)
"""


def test_lassos_are_the_same_bytes_in_every_process() -> None:
    """Verdicts, reasons and lassos do not depend on hash()."""
    outputs = []
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        outputs.append(done.stdout)
    assert outputs[0] == outputs[1]
    assert outputs[0].count("violated") == 3


@eventually
def the_door_is_open(s: Door) -> object:
    """In the end the door is open, if only for a moment."""
    return s.open


def test_what_is_reached_once_is_reached() -> None:
    """A door that opens and closes again was open: what follows does not matter."""
    spec = door({"open_door": "weak"}).with_properties((the_door_is_open, somebody_is_through))
    found = check_liveness(derived(spec), spec.properties, clock=still)
    assert [p.verdict for p in found] == [HOLDS, VIOLATED]
