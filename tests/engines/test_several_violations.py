"""More than one violation: different by action, property or view, none a continuation of another, the same from every back end."""

from pathlib import Path
from typing import Any

import pytest

from model.engines.compiled.backend import Backend
from model.engines.compiled.checkpoint import CheckpointError
from model.engines.compiled.components import Partition
from model.engines.compiled.explore import explore_compiled
from model.engines.compiled.native import Native
from model.engines.compiled.several import ACTION, PROPERTY, VIEW, Several
from model.engines.source import Budget
from model.engines.verdict import UNKNOWN, VIOLATED, SpecTrace, Verdict
from model.language import Spec
from model.language.ground_spec import ground
from model.language.plain import Stepper
from model.language.trace import trace
from properties.registry import find_spec
from tests.engines.compiled_case import BACKENDS

KRAFT = find_spec("kraft")
FASTEST = "native" if "native" in BACKENDS else "portable"
LEAST = {"M5": 2, "KAFKA-10533": 2, "M2": 1}
"""How many are found at least: a second vote can only be given in answer to a request."""


def several(bug: str, how: Several, backend: str = next(iter(reversed(BACKENDS)))) -> tuple[Spec, Verdict]:
    """The spec with a bug, and what a search for several violations finds."""
    spec = KRAFT.with_bug(bug)
    make, threads = BACKENDS[backend]
    bounds = spec.complete_bounds(spec.bugs[bug].bounds)
    return spec, explore_compiled(spec, bounds, clock=lambda: 0.0, threads=threads, backend=make, several=how)


def found_in(verdict: Verdict) -> list[tuple[str, SpecTrace]]:
    """All counterexamples with their properties."""
    violated = [p for p in verdict.properties if p.verdict == VIOLATED]
    return [(p.name, p.trace) for p in (*violated, *verdict.more) if p.trace is not None]


def outline(verdict: Verdict) -> list[tuple[str, int, str]]:
    """Per counterexample the property, the length and the last action."""
    return sorted((name, len(trace.steps), trace.steps[-1].action) for name, trace in found_in(verdict))


@pytest.mark.parametrize("bug", LEAST)
def test_no_two_counterexamples_of_a_property_end_with_the_same_action(bug: str) -> None:
    """By action, each is another one's last step; and the search found more than the first level shows."""
    _, verdict = several(bug, Several(6, ACTION))
    last = [(name, action) for name, _, action in outline(verdict)]
    assert len(last) == len(set(last)) == len(found_in(verdict))
    assert len(last) >= LEAST[bug]


@pytest.mark.parametrize("bug", LEAST)
def test_no_counterexample_is_a_continuation_of_a_violation(bug: str) -> None:
    """Every property of states and steps that is violated at all holds all the way up to the last step of each trace."""
    spec, verdict = several(bug, Several(6, ACTION))
    stepper = Stepper(spec, verdict.bounds, coverage=False)
    claims = [p for p in spec.properties if p.kind in ("always", "step")]
    for name, shown in found_in(verdict):
        for prop in claims:
            n = prop.states
            windows = [shown.states[i : i + n] for i in range(len(shown.states) - n + 1)]
            held = [stepper.holds(prop, *window) for window in windows]
            # The states before the last are free of violations; the last one may violate several properties.
            assert all(held[: len(shown.states) - n]), (name, prop.name)
            if prop.name == name:
                assert not held[-1]


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_back_end_finds_the_same_ones(backend: str) -> None:
    """Properties, lengths and last actions are those of the back end in numpy, with two threads and with levels on disk too."""
    _, expected = several("M5", Several(100, ACTION), "portable")
    _, verdict = several("M5", Several(100, ACTION), backend)
    assert outline(verdict) == outline(expected)
    assert verdict.levels == expected.levels


@pytest.mark.skipif("native" not in BACKENDS, reason="no C compiler here")
def test_compiled_code_says_of_which_action_a_violation_is() -> None:
    """Steps of different actions that violate the same property are told apart whether Python or compiled code evaluates them."""
    spec = KRAFT.with_bug("M5")
    bounds = spec.complete_bounds(spec.bugs["M5"].bounds)

    expanded = ground(trace(spec), bounds)

    def evaluated(pays: int | None) -> Verdict:
        def make(partition: Partition, threads: int) -> Backend:
            return Native(partition, threads, pays=pays)

        how = Several(100, ACTION)
        return explore_compiled(spec, bounds, clock=lambda: 0.0, backend=make, several=how, expanded=expanded)

    assert found_in(evaluated(0)) == found_in(evaluated(None))


@pytest.mark.parametrize(
    ("backend", "how"),
    [
        ("portable", Several(100, ACTION)),
        (FASTEST, Several(100, ACTION)),
        (FASTEST, Several(100, PROPERTY)),
        (FASTEST, Several(7, VIEW, ("role",))),
    ],
)
def test_what_was_found_is_not_found_again_after_a_checkpoint(backend: str, how: Several, tmp_path: Path) -> None:
    """Stopped between any two levels, before and after the first violation, a search ends with the same counterexamples."""
    spec = KRAFT.with_bug("M5")
    bounds = spec.complete_bounds(spec.bugs["M5"].bounds)
    make, threads = BACKENDS[backend]
    expanded = ground(trace(spec), bounds)
    common: dict[str, Any] = {
        "clock": lambda: 0.0,
        "threads": threads,
        "backend": make,
        "several": how,
        "expanded": expanded,
    }
    whole = explore_compiled(spec, bounds, **common)
    saved: dict[str, Any] = {**common, "checkpoint": tmp_path / "search", "every": 0.0}
    halves = [sum(whole.levels[:depth]) for depth in (4, 6, 8)]
    found = [len(found_in(explore_compiled(spec, bounds, **saved, budget=Budget(states=n)))) for n in halves]
    assert found[-1] > 0
    resumed = explore_compiled(spec, bounds, **saved)
    assert found_in(resumed) == found_in(whole)
    assert (resumed.levels, resumed.reason) == (whole.levels, whole.reason)
    if how.by == ACTION:
        other = {**saved, "several": Several(3, ACTION)}
        with pytest.raises(
            CheckpointError, match=r"a checkpoint with violations \[100, 'action'\], but this search has"
        ):
            explore_compiled(spec, bounds, **other)


def test_by_property_there_is_one_of_each() -> None:
    """By property, a longer search finds violations of more properties than the first level shows, each once."""
    spec, verdict = several("M5", Several(100, PROPERTY))
    assert verdict.more == ()
    first = explore_compiled(spec, spec.complete_bounds(spec.bugs["M5"].bounds), clock=lambda: 0.0)
    shown = {p.name for p in first.properties if p.verdict == VIOLATED}
    assert shown <= {name for name, _ in found_in(verdict)}


def test_by_view_the_named_variables_differ() -> None:
    """By view, no two last states of one property have the same roles."""
    spec, verdict = several("KAFKA-10533", Several(5, VIEW, ("role",)))
    place = list(spec.state.variables).index("role")
    views = [(name, trace.states[-1][place]) for name, trace in found_in(verdict)]
    assert len(set(views)) == len(views) == 5
    assert verdict.reason == "stopped after 5 violations"


def test_what_comes_after_a_violation_is_not_known() -> None:
    """A search that has gone everywhere else says `unknown`, not `holds`, of what nothing was found against."""
    _, verdict = several("M5", Several(1000, ACTION))
    assert verdict.verdict == VIOLATED
    assert verdict.rung == "tested"
    held = [p for p in verdict.properties if p.kind in ("always", "step") and p.verdict != VIOLATED]
    assert {(p.verdict, p.reason) for p in held} == {(UNKNOWN, "nothing is known of what comes after the violations")}
