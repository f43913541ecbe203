"""Liveness on the compiled explorer: the same graphs, array by array, as the search on the ground form makes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from model.engines.compiled.explore import explore_compiled
from model.engines.compiled.search import Search
from model.engines.liveness import check_liveness, with_compiled_liveness
from model.engines.liveness.build import Search as Reference
from model.engines.liveness.compiled import explored_by
from model.engines.liveness.explored import Explored
from model.engines.liveness.valuation import Valuation
from model.engines.source import Budget, Disagreement
from model.engines.verdict import UNKNOWN, PropertyVerdict, Verdict
from model.language import Spec
from model.language.ground_spec import ground
from model.language.trace import trace
from properties.registry import find_spec
from tests.engines.compiled_case import BACKENDS
from tests.engines.liveness_toys import (
    alternating_bit,
    counter,
    door,
    it_counts,
    it_stops,
    light_goes_out,
    three_is_followed_by_a_stop,
    tour,
)
from tests.engines.test_liveness_oracle import World, worlds

WHOLE = [name for name in BACKENDS if name not in ("on disk", "fingerprints")]
"""Back ends that keep whole states in memory."""

LIVE = find_spec("kraft-live")
RECEIVERS = {"send_data": "weak", "receive_data": "strong", "receive_ack": "weak"}
SPECS: dict[str, tuple[Spec, dict[str, int]]] = {
    "door": (door({"open_door": "weak", "close_door": "weak", "walk_through": "weak"}), {}),
    "tour": (tour({"visit": "weak per instance"}), {}),
    "alternating bit": (alternating_bit(RECEIVERS), {}),
    "counting": (counter(it_counts, {"count_on": "weak"}), {}),
    "stopping": (counter(it_stops, {"count_on": "weak", "stop": "weak"}), {}),
    "lamp": (counter(light_goes_out, {"switch": "weak"}), {}),
    "three": (counter(three_is_followed_by_a_stop, {"stop": "weak"}), {}),
    "kraft-live": (LIVE, {"epochs": 2, "elections": 2, "log": 2, "restarts": 0}),
    "kraft-live, LIVE1": (LIVE.with_bug("LIVE1"), {"nodes": 2, "epochs": 2, "elections": 2, "log": 2, "restarts": 1}),
}


def still() -> float:
    """A clock that stands still."""
    return 0.0


def after_search(
    spec: Spec, bounds: dict[str, int], backend: str, do: Callable[[Search, Verdict], Any], **more: Any
) -> Any:
    """What `do` makes of a finished compiled search."""
    make, threads = BACKENDS[backend]
    done = []

    def finish(search: Search, verdict: Verdict) -> Verdict:
        done.append(do(search, verdict))
        return verdict

    explore_compiled(spec, bounds, clock=still, threads=threads, backend=make, finish=finish, **more)
    return done[0]


def asked(spec: Spec) -> tuple[Any, ...]:
    """The spec's liveness properties."""
    return tuple(p for p in spec.properties if p.kind == "eventually")


def same(first: Explored, second: Explored) -> None:
    """Fail unless both are the same graph of the same states with the same steps."""
    for name in ("offsets", "targets", "depths"):
        assert np.array_equal(getattr(first, name), getattr(second, name)), name
    assert [first.names[x] for x in first.labels] == [second.names[x] for x in second.labels]
    for name in ("unsatisfied", "triggers"):
        for one, other in zip(getattr(first, name), getattr(second, name), strict=True):
            assert np.array_equal(one, other), name


@pytest.mark.parametrize(("name", "backend"), [(n, b) for n in SPECS for b in WHOLE])
def test_the_compiled_explorer_makes_the_same_graph(name: str, backend: str) -> None:
    """Numbers of states, steps in their order, what is cut, satisfied and triggered: all of it is that of the reference."""
    spec, bounds = SPECS[name]
    source = ground(trace(spec), spec.complete_bounds(bounds))
    reference = Reference(source, asked(spec), Budget(), still, None).run()
    same(after_search(spec, bounds, backend, lambda search, _: explored_by(search, asked(spec))), reference)


@given(worlds)
def test_verdicts_on_random_specs_are_those_of_the_reference(world: World) -> None:
    """Verdict, reason and lasso are the same, bounds that cut and triggers included."""
    spec = world.spec()
    expected = check_liveness(ground(trace(spec), spec.bounds), spec.properties, clock=still)

    def judge(search: Search, verdict: Verdict) -> tuple[PropertyVerdict, ...]:
        return with_compiled_liveness(search, verdict, spec.properties, budget=Budget()).properties

    found = after_search(spec, {}, next(iter(BACKENDS)), judge)
    assert found[0] == expected[0]


REFUSALS = {"on disk": "the states are on disk", "fingerprints": "whole states, not fingerprints"}


@pytest.mark.parametrize(("backend", "why"), [(b, why) for b, why in REFUSALS.items() if b in BACKENDS])
def test_without_whole_states_in_memory_liveness_is_unknown(backend: str, why: str) -> None:
    """Levels on disk and fingerprints give a verdict on safety; liveness is unknown, and why is said."""
    spec, bounds = SPECS["kraft-live"]

    def judge(search: Search, verdict: Verdict) -> Verdict:
        return with_compiled_liveness(search, verdict, spec.properties, budget=Budget())

    found = after_search(spec, bounds, backend, judge)
    assert {p.verdict for p in found.properties if p.kind == "eventually"} == {UNKNOWN}
    assert all(why in p.reason for p in found.properties if p.kind == "eventually")


def test_an_interrupt_leaves_liveness_unknown_and_the_rest_as_it_is() -> None:
    """Ctrl-C while steps are noted is reported as such."""
    spec = tour({})

    def interrupt(_: Any) -> None:
        raise KeyboardInterrupt

    def judge(search: Search, verdict: Verdict) -> Verdict:
        return with_compiled_liveness(search, verdict, spec.properties, budget=Budget(), report=interrupt)

    found = after_search(spec, {}, WHOLE[0], judge)
    assert [(p.verdict, p.reason) for p in found.properties if p.kind == "eventually"] == [(UNKNOWN, "interrupted")]


@pytest.mark.parametrize("fault", ["a step is lost", "a property is turned round"])
def test_the_audit_in_the_plain_reading_catches_a_wrong_graph(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps that are not all noted, and states judged wrongly, are a Disagreement and no verdict."""
    spec, bounds = SPECS["kraft-live"]

    def spoil(search: Search, verdict: Verdict) -> None:
        backend = search.backend
        if fault == "a step is lost":
            edges = backend.edges
            monkeypatch.setattr(backend, "edges", lambda: edges()[1::2])
        else:
            column = Valuation.column
            monkeypatch.setattr(Valuation, "column", lambda self, term, numbers: ~column(self, term, numbers))
        with pytest.raises(Disagreement, match="other steps, or a property judged otherwise"):
            with_compiled_liveness(search, verdict, spec.properties, budget=Budget())

    after_search(spec, bounds, WHOLE[-1], spoil)
