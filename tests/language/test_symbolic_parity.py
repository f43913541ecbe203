"""The graph and the plain reading say the same: same steps in the same order, same states, same verdicts."""

from collections.abc import Iterator
from typing import Any

import pytest
from attrs import evolve

from model.engines.explore import explore
from model.language import BoundsError, Spec, SpecError, ite, make_spec
from model.language.ground_spec import GroundSpec, ground
from model.language.plain import Stepper
from model.language.trace import trace
from model.two_phase.spec import SPEC as TWO_PHASE
from properties.registry import SPECS as PROTOCOLS
from tests.language.small_forks import FORKS, FORKS_BUG, Pair, pair_below, pair_choose, pair_init
from tests.language.small_functions import LOGS, ROWS
from tests.language.small_networks import NETWORKS, SETS
from tests.language.small_sorts import Epoch

Frozen = tuple[Any, ...]


def levels(source: GroundSpec, most: int) -> Iterator[tuple[Any, list[tuple[int, tuple[Any, ...], Any]]]]:
    """Breadth-first search in the source's order: every state with its steps, until `most` states have been expanded."""
    first = source.initial()
    seen, queue = {first}, [first]
    for place in range(most):
        if place == len(queue):
            return
        steps = list(source.successors(queue[place]))
        yield queue[place], steps
        for _, _, new in steps:
            if new not in seen:
                seen.add(new)
                queue.append(new)


def assert_same(spec: Spec, bounds: dict[str, int], most: int) -> tuple[int, int]:
    """Compare both readings step by step; the numbers of states expanded and of steps.

    The search follows the ground form; that its states are distinct and the steps are those of the plain reading makes the
    plain reading's search the same one.
    """
    plain, derived = Stepper(spec, spec.complete_bounds(bounds)), ground(trace(spec), bounds)
    assert derived.to_plain(derived.initial()) == plain.initial()
    one = [(i, p) for i, p in enumerate(spec.properties) if p.states == 1]
    two = [(i, p) for i, p in enumerate(spec.properties) if p.states == 2]
    seen: set[Frozen] = set()
    generated = 0
    for flat, ground_steps in levels(derived, most):
        state = derived.to_plain(flat)
        seen.add(state)
        before = plain.view(state)
        for place, prop in one:
            assert derived.check(place, flat) == plain.holds_in(prop, before), prop.name
        expected = 0
        for (action, args, new, after), (ground_action, ground_args, flat_new) in zip(
            plain.steps(state), ground_steps, strict=True
        ):
            assert (action, args, new) == (ground_action, ground_args, derived.to_plain(flat_new))
            for place, prop in two:
                assert derived.check(place, flat, flat_new) == plain.holds_across(prop, before, after), prop.name
            expected += 1
        generated += expected
    assert plain.cut == derived.cut
    return len(seen), generated


COMPLETE = [
    (SETS, {"stale": 0}, 1215, 4660),
    (SETS, {"stale": 1, "epochs": 1}, 31, 66),
    (NETWORKS, {}, 1698, 6886),
    (NETWORKS, {"flight": 1}, 4, 12),
    (LOGS, {"log": 1}, 1041, 9951),
    (ROWS, {"epochs": 1}, 1718, 17238),
    (FORKS, {}, 544, 3442),
    (FORKS, {"nodes": 3, "epochs": 1}, 1936, 12166),
    (FORKS_BUG, {}, 972, 7496),
    (TWO_PHASE, {"nodes": 3}, 288, 1145),
    (TWO_PHASE, {"nodes": 4}, 1568, 8257),
]
PARTIAL = [
    (LOGS, {}),
    (ROWS, {"nodes": 3}),
    (PROTOCOLS["kraft"], {}),
    (PROTOCOLS["kraft"], {"nodes": 2, "stale": 1}),
]


def named(value: Any) -> str | None:
    """How a parameter shows in the name of a test."""
    if isinstance(value, Spec):
        return value.name
    return ",".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, dict) else None


@pytest.mark.parametrize(("spec", "bounds", "states", "generated"), COMPLETE, ids=named)
def test_readings_agree_on_all_states(spec: Spec, bounds: dict[str, int], states: int, generated: int) -> None:
    """Each construct of the language means the same in the graph as on plain values, in every reachable state."""
    assert assert_same(spec, bounds, 10_000) == (states, generated)


@pytest.mark.parametrize(("spec", "bounds"), PARTIAL, ids=named)
def test_readings_agree_on_the_first_states(spec: Spec, bounds: dict[str, int], lockstep_profile: str) -> None:
    """Where all states are too many for a test, the first ones of a breadth-first search agree."""
    most = {"dev": 300, "ci": 1000}.get(lockstep_profile, 20_000)
    assert assert_same(spec, bounds, most)[0] == most


@pytest.mark.parametrize("bug", sorted(PROTOCOLS["kraft"].bugs))
def test_readings_agree_on_planted_bugs(bug: str) -> None:
    """A rule that is replaced by name is replaced in the graph too."""
    spec = PROTOCOLS["kraft"].with_bug(bug)
    assert assert_same(spec, {"nodes": 2}, 150)[0] == 150


def test_two_phase_commit_has_the_published_number_of_states() -> None:
    """Gray and Lamport's TwoPhase has 8,832 distinct states for five resource managers, in the ground form too."""
    derived = ground(trace(TWO_PHASE), {"nodes": 5})
    assert sum(1 for _ in levels(derived, 10_000)) == 8832


@pytest.mark.parametrize("spec", [FORKS, SETS], ids=named)
def test_engines_run_on_the_ground_form(spec: Spec) -> None:
    """A ground spec is a source for engines: the explorer's verdict on it is that on the plain reading."""
    bounds = spec.complete_bounds({})
    found = [
        evolve(explore(source, spec.properties, clock=lambda: 0.0), blocked={}, guards=(), cut={})
        for source in (Stepper(spec, bounds), ground(trace(spec), bounds))
    ]
    assert found[0] == found[1]
    assert found[0].distinct > 10


def test_long_chains_of_choices_run() -> None:
    """Reads after hundreds of writes at arguments that may be equal do not exceed the nesting that Python can parse."""

    def rewrite(s: Pair, a: Epoch, b: Epoch) -> None:
        """Low is swapped between two numbers, an odd number of times."""
        for _ in range(301):
            s.low = ite(s.low == a, b, ite(s.low == b, a, s.low))

    spec = make_spec("chain", title="chain", state=Pair, init=pair_init, actions=(rewrite,), bounds={"epochs": 2})
    assert assert_same(spec, {}, 100) == (3, 27)


def test_two_candidates_of_the_are_an_error_in_both_readings() -> None:
    """`the` with two candidates names the line of the spec instead of taking one of them."""
    spec = make_spec(
        "two",
        title="two candidates",
        state=Pair,
        init=pair_init,
        actions=(pair_choose,),
        bounds={"epochs": 2},
    )
    derived = ground(trace(spec), {})
    with pytest.raises(SpecError, match=r"small_forks.py:\d+: the\(Epoch, ...\) has 2 candidates"):
        list(derived.successors(derived.initial()))
    with pytest.raises(SpecError, match=r"the\(Epoch, ...\) has 2 candidates"):
        list(Stepper(spec, {"epochs": 2}).successors(Stepper(spec, {"epochs": 2}).initial()))


def test_a_value_below_zero_is_an_error_in_both_readings() -> None:
    """Leaving the bounds downwards is a mistake of the spec, not a step that is cut."""
    spec = make_spec(
        "below", title="below zero", state=Pair, init=pair_init, actions=(pair_below,), bounds={"epochs": 2}
    )
    derived = ground(trace(spec), {})
    with pytest.raises(SpecError, match=r"small_forks.py:\d+: a step makes low -1"):
        list(derived.successors(derived.initial()))
    with pytest.raises(SpecError, match="a step makes a value of Epoch -1"):
        list(Stepper(spec, {"epochs": 2}).successors(Stepper(spec, {"epochs": 2}).initial()))


def test_an_initial_state_beyond_the_bounds_is_refused() -> None:
    """Bounds that are too small for the initial state name the function that does not fit."""
    with pytest.raises(BoundsError, match=r"the initial shared.length of logs is beyond the bounds"):
        ground(trace(LOGS), {"log": 0})


def test_the_ground_form_is_the_same_in_every_trace() -> None:
    """Tracing and expanding twice gives the same text: nothing depends on addresses or hashes."""
    kraft = PROTOCOLS["kraft"]
    assert ground(trace(kraft), {}).source == ground(trace(kraft), {}).source
