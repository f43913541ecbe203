"""The compiled explorer finds what the reference explorer finds: counts, levels, coverage, verdicts, lengths of traces."""

from typing import Any

import pytest

from model.language import Spec
from model.two_phase.spec import SPEC as TWO_PHASE
from properties.registry import SPECS
from tests.engines.compiled_case import BACKENDS, compiled, counts, outcome, reference
from tests.language.small_forks import FORKS, FORKS_BUG
from tests.language.small_functions import LOGS, ROWS
from tests.language.small_networks import NETWORKS, SETS

KRAFT = SPECS["kraft"]
SCOPES: list[tuple[Spec, dict[str, int]]] = [
    (SETS, {"stale": 0}),
    (SETS, {"stale": 1, "epochs": 1}),
    (NETWORKS, {}),
    (NETWORKS, {"flight": 1}),
    (LOGS, {"log": 1}),
    (ROWS, {"epochs": 1}),
    (FORKS, {}),
    (FORKS, {"nodes": 3, "epochs": 1}),
    (FORKS_BUG, {}),
    (TWO_PHASE, {"nodes": 3}),
    (TWO_PHASE, {"nodes": 5}),
    (KRAFT, {"nodes": 1, "epochs": 2, "log": 2}),
    (KRAFT, {"nodes": 2, "epochs": 1, "elections": 2, "log": 1}),
    (KRAFT, {"nodes": 2, "epochs": 1, "elections": 1, "log": 1, "stale": 1}),
    (KRAFT, {"nodes": 3, "epochs": 1, "elections": 1, "log": 1, "values": 0}),
]


def named(value: Any) -> str | None:
    """How a parameter shows in the name of a test."""
    if isinstance(value, Spec):
        return value.name
    return ",".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, dict) else None


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("spec", "bounds"), SCOPES, ids=named)
def test_all_states_are_found_and_counted(spec: Spec, bounds: dict[str, int], backend: str) -> None:
    """Distinct states, steps, levels, coverage, deadlocks and cut steps are those of the reference explorer."""
    expected, found = reference(spec, bounds, ()), compiled(spec, bounds, (), backend)
    assert counts(found) == counts(expected)
    assert outcome(found) == outcome(expected)
    assert found.distinct >= 4


@pytest.mark.parametrize(("spec", "bounds"), [s for s in SCOPES if s[0] is not KRAFT], ids=named)
def test_each_property_gets_the_same_verdict(spec: Spec, bounds: dict[str, int]) -> None:
    """Checked alone, every property is violated, reached or kept as for the reference explorer, with a trace as short."""
    for prop in spec.properties:
        expected = reference(spec, bounds, (prop,))
        for backend in (b for b in BACKENDS if b != "two threads"):
            found = compiled(spec, bounds, (prop,), backend)
            assert outcome(found)[prop.name] == outcome(expected)[prop.name], prop.name
            if expected.violation is None or expected.violation.trace is None:
                assert counts(found) == counts(expected)


def test_the_properties_of_kraft_get_the_same_verdicts() -> None:
    """All properties of KRaft at once, in a scope in which some things are not reachable, with the lengths of the traces."""
    bounds = {"nodes": 2, "epochs": 1, "elections": 2, "log": 1}
    expected = outcome(reference(KRAFT, bounds, KRAFT.properties))
    for backend in BACKENDS:
        assert outcome(compiled(KRAFT, bounds, KRAFT.properties, backend)) == expected


LENGTHS = {"KAFKA-10527": 13, "KAFKA-10533": 8, "KAFKA-12619": 16, "M2": 5, "M3": 11, "M5": 4, "M10": 15}
"""Steps to the violation, as the reference explorer finds them (it takes minutes for all of them)."""


@pytest.mark.parametrize("bug", sorted(KRAFT.bugs))
def test_bugs_are_found_at_their_shortest_length(bug: str) -> None:
    """Each planted bug of KRaft breaks the property that it is known to break, after as few steps as possible."""
    spec = KRAFT.with_bug(bug)
    bounds = dict(spec.bugs[bug].bounds)
    found = outcome(compiled(spec, bounds, spec.properties, "native" if "native" in BACKENDS else "portable"))
    assert found[spec.bugs[bug].breaks] == ("violated", LENGTHS[bug])
    if bug in ("M2", "M5"):
        violated = reference(spec, bounds, spec.properties).violation
        assert violated is not None
        assert violated.trace is not None
        assert found[violated.name] == ("violated", len(violated.trace.steps))


@pytest.mark.parametrize("nodes", [3, 6])
def test_two_phase_commit_has_the_published_counts(nodes: int) -> None:
    """TwoPhase has 288 distinct states for three resource managers and 50,816 for six; everything holds."""
    for backend in BACKENDS:
        verdict = compiled(TWO_PHASE, {"nodes": nodes}, TWO_PHASE.properties, backend)
        assert verdict.distinct == {3: 288, 6: 50_816}[nodes]
        assert verdict.verdict == "holds"


@pytest.mark.skipif("native" not in BACKENDS, reason="no C compiler here")
def test_kraft_at_default_bounds_is_pinned() -> None:
    """KRaft within its default bounds: 382,997 distinct states, 2,750,896 generated, 29 levels, and every property holds."""
    one, two = (compiled(KRAFT, {}, KRAFT.properties, backend) for backend in ("native", "two threads"))
    assert (one.distinct, one.generated, one.depth) == (382_997, 2_750_896, 29)
    assert one.verdict == "holds"
    assert one == two
