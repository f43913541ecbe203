"""Symmetry over nodes: verdicts with and without are equal, and orbits add up to the unreduced search, level by level."""

from typing import Any

import pytest
from attrs import evolve

from model.engines.compiled.audit import audited
from model.engines.compiled.explore import explore_compiled
from model.engines.compiled.symmetry import NotSymmetric, Renaming, check_symmetric
from model.engines.source import Disagreement
from model.engines.verdict import VIOLATED, Verdict
from model.language import Bool, Node, Spec
from model.language.ground_spec import GroundSpec, ground
from model.language.trace import trace
from properties.registry import find_spec
from tests.engines.compiled_case import BACKENDS, outcome

SMALL: dict[str, dict[str, int]] = {
    "two-phase": {"nodes": 4},
    "kraft": {"nodes": 3, "epochs": 1, "elections": 1, "log": 1, "restarts": 1},
    "kraft-core": {"nodes": 3, "epochs": 1, "log": 1},
}


def still() -> float:
    """A clock that stands still."""
    return 0.0


def search(spec: Spec, bounds: dict[str, int], backend: str, *, symmetric: bool) -> Verdict:
    """The verdict of the compiled explorer."""
    make, threads = BACKENDS[backend]
    return explore_compiled(spec, bounds, clock=still, threads=threads, backend=make, symmetric=symmetric)


WHOLE = "native" if "native" in BACKENDS else "portable"
"""The fastest back end that keeps whole states in memory."""

CASES = [("two-phase", backend) for backend in BACKENDS if backend not in ("on disk", "fingerprints")]
CASES += [(name, backend) for name in ("kraft", "kraft-core") for backend in dict.fromkeys((WHOLE, "portable"))]


@pytest.mark.parametrize(("name", "backend"), CASES)
def test_orbits_add_up_to_the_states_without_symmetry(name: str, backend: str) -> None:
    """At every depth the representatives stand for exactly the states there are; every property has the same verdict and length."""
    spec = find_spec(name)
    whole = search(spec, SMALL[name], WHOLE, symmetric=False)
    reduced = search(spec, SMALL[name], backend, symmetric=True)
    assert reduced.orbits == whole.levels
    assert reduced.distinct * 2 < whole.distinct
    assert outcome(reduced) == outcome(whole)
    assert {a for a, n in reduced.coverage.items() if n} == {a for a, n in whole.coverage.items() if n}


@pytest.mark.parametrize("backend", [b for b in BACKENDS if b in ("on disk", "fingerprints")])
def test_levels_on_disk_have_the_same_representatives(backend: str) -> None:
    """Whether levels are in memory or on disk, there are as many representatives; what they stand for is only known in memory."""
    spec = find_spec("two-phase")
    here, there = (search(spec, SMALL["two-phase"], b, symmetric=True) for b in (WHOLE, backend))
    assert there.levels == here.levels
    assert here.orbits != ()


@pytest.mark.parametrize(
    "bug", ["KAFKA-10533", "M2", *(pytest.param(bug, marks=pytest.mark.nightly) for bug in ("KAFKA-10527", "M3", "M5"))]
)
def test_bugs_are_found_at_the_same_length_with_concrete_traces(bug: str) -> None:
    """A counterexample of representatives is renamed to one run, which the plain reading replays; it is as short as without symmetry."""
    spec = find_spec("kraft").with_bug(bug)
    bounds = spec.complete_bounds(spec.bugs[bug].bounds)
    whole, reduced = (explore_compiled(spec, bounds, clock=still, symmetric=s) for s in (False, True))
    assert reduced.violation is not None
    assert {n: v for n, v in outcome(reduced).items() if v[0] == VIOLATED} == {
        n: v for n, v in outcome(whole).items() if v[0] == VIOLATED
    }
    assert reduced.orbits == whole.levels


def test_a_wrong_permutation_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """If nodes are not renamed in messages, other states are taken for the same, and the audit does not accept the orbits."""

    def forgetful(_: Renaming, network: str, content: tuple[Any, ...], by: tuple[int, ...]) -> tuple[Any, ...]:
        return content

    monkeypatch.setattr(Renaming, "messages", forgetful)
    spec = find_spec("kraft")
    bounds = spec.complete_bounds(SMALL["kraft"])
    with pytest.raises(Disagreement):
        audited(explore_compiled(spec, bounds, clock=still, symmetric=True), spec, bounds, clock=still)


# ---- where it is refused


def expanded(name: str, bounds: dict[str, int] | None = None) -> GroundSpec:
    """The ground form of a spec."""
    spec = find_spec(name)
    return ground(trace(spec), spec.complete_bounds(bounds or {}))


def test_an_order_on_nodes_is_refused_with_its_line() -> None:
    """A spec in which one node comes before another one is told so, with the action and the source line."""
    source = expanded("kraft")
    graph = source.traced.graph
    n, m = graph.var("n", "bound", 7001, Node), graph.var("m", "bound", 7002, Node)
    order = graph.make("lt", (n, m), Bool, "model/zab/election.py:77")
    body = graph.make("exists", ((n, m), order), Bool)
    first = source.traced.properties[0]
    source.traced = evolve(source.traced, properties=(evolve(first, term=body), *source.traced.properties[1:]))
    with pytest.raises(NotSymmetric, match=r"puts nodes in order .* at model/zab/election.py:77"):
        check_symmetric(source, (first.property,))


def test_a_node_that_is_named_is_refused() -> None:
    """A property about one node is not the same for all of them."""
    source = expanded("kraft")
    graph = source.traced.graph
    n = graph.var("n", "bound", 7001, Node)
    body = graph.make("exists", ((n,), graph.make("eq", (n, graph.const(1, Node)), Bool)), Bool)
    first = source.traced.properties[0]
    source.traced = evolve(source.traced, properties=(evolve(first, term=body), *source.traced.properties[1:]))
    with pytest.raises(NotSymmetric, match=r"property .* names one Node"):
        check_symmetric(source, (first.property,))


def test_an_initial_state_that_tells_nodes_apart_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """If one node begins otherwise than the others, permutations do not map runs to runs."""
    source = expanded("kraft")
    initial = source.initial()
    epoch = source.layout.regions["epoch"].base
    monkeypatch.setattr(source, "initial", lambda: (*initial[:epoch], 1, *initial[epoch + 1 :]))
    with pytest.raises(NotSymmetric, match="the initial state of kraft tells nodes apart"):
        check_symmetric(source, ())


@pytest.mark.parametrize(("bounds", "why"), [({"nodes": 6}, "at most 5"), ({}, "liveness is checked without symmetry")])
def test_too_many_nodes_and_liveness_are_refused(bounds: dict[str, int], why: str) -> None:
    """Six nodes have 720 permutations; fairness is per node."""
    spec = find_spec("kraft-live")
    source = expanded("kraft-live", bounds if "nodes" not in bounds else None)
    if "nodes" in bounds:
        source.bounds = {**source.bounds, **bounds}
    with pytest.raises(NotSymmetric, match=why):
        check_symmetric(source, spec.properties)
