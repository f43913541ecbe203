"""The refinement engine on two small specs: counts, what it finds, and what it refuses."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from attrs import evolve

from model.engines.refine.again import first_mismatch
from model.engines.refine.check import refine
from model.engines.refine.windows import Unseen
from model.engines.source import Budget
from model.engines.verdict import HOLDS, UNKNOWN, VIOLATED, TraceStep, Verdict
from model.language import Bool, Fn, Messages, Node, Spec, SpecError, State, Var, make_spec, require
from model.language.ground_spec import GroundSpec, ground
from model.language.trace import trace
from tests.refine.small_light import (
    HOUSE,
    LAMPS,
    REFINES_HALL,
    STEPS,
    Asked,
    Told,
    flicker,
    grid,
    light,
    refinement,
    start,
    state,
    tell,
)

REFINES = "every_step_refines_lamps"
TAKEN = "every_action_is_taken_of_lamps"


def source(spec: Spec) -> GroundSpec:
    """The ground form within default bounds."""
    return ground(trace(spec), {})


def checked(spec: Spec, budget: Budget | None = None, **changes: Any) -> Verdict:
    """The verdict on a variant of the refinement."""
    return refine(refinement(**changes), source(spec), clock=time.process_time, budget=budget)


def claim(verdict: Verdict, name: str = REFINES) -> tuple[str, str]:
    """The verdict on a claim and its reason."""
    return next((p.verdict, p.reason) for p in verdict.properties if p.name == name)


def test_every_step_is_counted_with_what_it_stands_for() -> None:
    """Each reachable step is looked at, as many as the state graph has, and is a stutter or a step of the other spec."""
    found = checked(grid())
    assert (found.verdict, found.rung, found.reason) == (HOLDS, "explored", "")
    graph = source(grid())
    states, steps = {graph.initial()}, 0
    queue = list(states)
    for here in queue:
        for _, _, new in graph.successors(here):
            steps += 1
            if new not in states:
                states.add(new)
                queue.append(new)
    assert (found.distinct, found.generated) == (len(states), steps + 1)
    assert sum(times for paths in found.paths.values() for times in paths.values()) == steps
    assert {action: tuple(paths) for action, paths in found.paths.items()} == {
        "ask": ("tell",),
        "answer": ("stutter", "light"),
        "smash": ("stutter",),
    }
    assert claim(found, TAKEN) == (HOLDS, "2 of 2")


def test_a_step_that_is_none_of_the_other_spec_is_found_by_a_shortest_trace() -> None:
    """A lamp goes off: after asking and answering, the third step differs, and the variable is named."""
    found = checked(grid(flicker))
    verdict, reason = claim(found)
    assert verdict == VIOLATED
    assert (
        reason
        == "flicker(n=n2) is not a stutter: lit[n2] of lamps is then true, where the state of grid stands for false"
    )
    violation = found.violation
    assert violation is not None
    assert violation.trace is not None
    assert [s.action for s in violation.trace.steps] == ["ask", "answer", "flicker"]
    again = first_mismatch(refinement(), grid(flicker), found.bounds, violation.trace.steps)
    assert again == (3, reason)
    assert first_mismatch(refinement(), grid(flicker), found.bounds, violation.trace.steps[:2]) is None


def test_a_path_that_is_none_is_refused() -> None:
    """Only paths of the spec can be looked at again."""
    with pytest.raises(LookupError, match="step 1 of the path, smash"):
        first_mismatch(refinement(), grid(), grid().complete_bounds({}), (TraceStep("smash", (7,)),))


def for_answer_always(s: Any, t: Any, m: Any) -> Iterator[Any]:
    """Every answer lights."""
    yield "light", Told(lamp=m.lamp)


def test_a_guard_that_is_false_is_named() -> None:
    """Lighting a lamp that is lit is not enabled: the guard is named with its place and source."""
    _, reason = claim(checked(grid(), steps={**STEPS, "answer": for_answer_always}))
    assert "is not light(m=Told(lamp=n2)): light of lamps is not enabled: tests/refine/small_light.py:" in reason
    assert reason.endswith(": require(Not(s.lit[m.lamp]))")


def in_silence(s: Any, t: Any, a: Any, b: Any) -> Iterator[Any]:
    """Asking is nothing."""
    return iter(())


def test_messages_must_have_been_sent() -> None:
    """A state that calls for a message that no step has sent does not refine; nor can a message be received that was not sent."""
    _, reason = claim(checked(grid(), steps={**STEPS, "ask": in_silence}))
    assert reason.endswith("is not a stutter: Told(lamp=n2) of told has not been sent")

    def told_nothing(s: Any, a: Any, n: Any) -> None:
        a.lit[n] = s.on[n]

    _, reason = claim(checked(grid(), state=told_nothing))
    assert reason.endswith("is not light(m=Told(lamp=n2)): Told(lamp=n2) has not been sent")


def test_the_initial_state_must_be_initial() -> None:
    """All lamps lit is not how the other spec begins."""

    def lit(s: Any, a: Any, n: Any) -> None:
        a.lit[n] = True

    assert claim(checked(grid(), state=lit)) == (
        VIOLATED,
        "the initial state: lit[n1] of lamps is then false, where the state of grid stands for true",
    )


def test_an_action_that_no_step_stands_for_is_found() -> None:
    """If nothing is ever lit, less is compared than it seems; what is said to be unused must be."""
    dark = make_spec(
        "lamps", title="-", state=LAMPS.state, init=start, actions=(tell, light, switch), bounds=LAMPS.bounds
    )
    assert claim(checked(grid(), abstract=dark), TAKEN) == (VIOLATED, "never taken within bounds: switch")
    told = claim(checked(grid(), abstract=dark, unused={"switch": "no switches"}), TAKEN)
    assert told == (HOLDS, "2 of 3; not switch: no switches")
    assert claim(checked(grid(), unused={"light": "-"}), TAKEN) == (VIOLATED, "said to be unused, but taken: light")


def switch(s: Any, n: Node) -> None:
    """A lamp is lit by hand."""
    require(s.lit[n])


def test_a_budget_leaves_the_verdict_unknown() -> None:
    """What was not looked at is not claimed."""
    found = checked(grid(), budget=Budget(states=10))
    assert (found.verdict, found.rung) == (UNKNOWN, "tested")
    assert claim(found)[1] == found.reason
    assert "budget of 10 states" in found.reason


def test_what_is_needed_of_other_nodes_is_looked_at() -> None:
    """Steps that depend on nodes which the arguments do not name are looked at through all nodes."""

    def for_smash(s: Any, t: Any, n: Any) -> Iterator[Any]:
        if all(s.on[m] for m in range(3)) and not t.asked.items:
            yield "tell", n

    assert checked(grid(), steps={**STEPS, "smash": for_smash}).verdict == HOLDS


def test_a_part_is_mapped_from_the_same_node() -> None:
    """A node's part of the abstract state that looks at another node's, writes it, or leaves something open, is refused."""

    def elsewhere(s: Any, a: Any, n: Any) -> None:
        a.lit[n] = s.on[1 - n] == True  # noqa: E712 - a comparison of values

    with pytest.raises(Unseen):
        checked(grid(), state=elsewhere)

    def others(s: Any, a: Any, n: Any) -> None:
        a.lit[0] = s.on[n]

    with pytest.raises(SpecError, match="the part of n2 writes lit of n1"):
        checked(grid(), state=others)

    def nothing(s: Any, a: Any, n: Any) -> None:
        """Say nothing."""

    with pytest.raises(SpecError, match="says nothing of lit"):
        checked(grid(), state=nothing)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reads": ("on", "aske")}, "did you mean asked"),
        ({"steps": {"ask": STEPS["ask"]}}, "nothing is said of what answer of grid stands for"),
        ({"steps": {**STEPS, "smash": lambda s, t, n: iter([("break", n)])}}, "unknown action 'break'"),
    ],
)
def test_a_refinement_must_be_whole(changes: dict[str, Any], message: str) -> None:
    """A name that does not exist, or an action of which nothing is said, is an error before anything is claimed."""
    with pytest.raises(SpecError, match=message):
        checked(grid(), **changes)


class Counted(State):
    """Lamps with a state that is no node's."""

    lit = Fn(Node, Bool)
    bright = Var(Bool)
    aux_times = Var(Bool)
    told = Messages(Told)


def count_on(s: Any, n: Node) -> None:
    """A guard reads a counter."""
    require(s.aux_times)

    s.lit[n] = True


def look(s: Any, n: Node) -> None:
    """An action looks into a network."""
    require(s.told.contains(Told(lamp=n)))

    s.lit[n] = True


def forget(s: Any, n: Node) -> None:
    """An action takes messages away."""
    s.told.forget(lambda m: m.lamp == n)


class Plain(State):
    """The same without it."""

    lit = Fn(Node, Bool)
    aux_times = Var(Bool)
    told = Messages(Told)


@pytest.mark.parametrize(
    ("declared", "action", "message"),
    [
        (Counted, tell, "bright, which is no node's"),
        (Plain, count_on, "reads aux_times, which is not compared"),
        (Plain, look, "looks into told"),
        (Plain, forget, "takes messages out of told"),
    ],
)
def test_specs_that_cannot_be_refined_so_are_refused(declared: Any, action: Any, message: str) -> None:
    """Comparing messages by inclusion is sound only where networks grow and are only received from."""
    spec = make_spec("lamps", title="-", state=declared, init=start, actions=(action,), bounds=LAMPS.bounds)
    with pytest.raises(SpecError, match=message):
        checked(grid(), abstract=spec)


def test_what_is_no_nodes_is_mapped_and_involved_in_every_step() -> None:
    """A main switch is shared: lighting a lamp needs it. Without the switch in the mapping the refinement is not whole."""
    found = refine(REFINES_HALL, source(HOUSE), clock=time.process_time)
    assert found.verdict == HOLDS
    assert found.paths == {"press": {"light_up": 12, "stutter": 6}, "close": {"connect": 10}}
    dark = evolve(REFINES_HALL, steps={**REFINES_HALL.steps, "close": lambda s, t: iter(())})
    violated = claim(refine(dark, source(HOUSE), clock=time.process_time), "every_step_refines_hall")
    assert violated == (
        VIOLATED,
        "close() is not a stutter: power of hall is then false, where the state of house stands for true",
    )
    with pytest.raises(SpecError, match="power, which is no node's; say what is `shared`"):
        refine(evolve(REFINES_HALL, shared=None), source(HOUSE), clock=time.process_time)


def test_history_is_looked_at_but_the_trace_is_of_the_spec() -> None:
    """What a lamp was is history; a trace has the states of the spec without it, and replays with it."""
    wrong = evolve(REFINES_HALL, steps={**REFINES_HALL.steps, "press": lambda s, t, n: iter(())})
    found = refine(wrong, source(HOUSE), clock=time.process_time)
    violation = found.violation
    assert violation is not None
    assert violation.trace is not None
    assert found.spec_hash == HOUSE.digest()
    assert [s.action for s in violation.trace.steps] == ["close", "press"]
    assert "ghost_lit" not in str(violation.trace.states[-1])
    assert first_mismatch(wrong, HOUSE, found.bounds, violation.trace.steps) == (2, violation.reason)


def test_the_mapping_is_the_one_that_is_tested() -> None:
    """The messages of the small specs belong to the lamp that they name first."""
    assert next(iter(Asked.fields)) == "lamp"
    assert refinement().state is state
