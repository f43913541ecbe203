"""The state graph of a small scope, and paths that take every one of its transitions."""

from typing import Any

import pytest

from model.engines.explore import explore
from model.engines.graph import GraphTooLarge, covering_paths, state_graph
from model.language import Spec
from model.language.ground_spec import ground
from model.language.plain import Stepper
from model.language.trace import trace
from model.two_phase.spec import SPEC as TWO_PHASE
from model.two_phase.spec import Vote
from properties.registry import SPECS
from tests.engines.race import race

SMALL_KRAFT = {"nodes": 2, "epochs": 1, "elections": 1, "log": 1, "values": 0, "restarts": 1}


def stepper_of(spec: Spec, **bounds: int) -> Stepper:
    """The plain reading under these bounds."""
    return Stepper(spec, spec.complete_bounds(bounds))


@pytest.mark.parametrize(
    ("spec", "bounds"), [(race(), {"nodes": 2}), (TWO_PHASE, {"nodes": 3}), (SPECS["kraft"], SMALL_KRAFT)], ids=str
)
def test_covering_paths_take_every_transition_of_the_graph(spec: Spec, bounds: dict[str, int]) -> None:
    """The graph has the explorer's states and steps; the paths are runs of the spec that together take every edge."""
    stepper = stepper_of(spec, **bounds)
    graph = state_graph(stepper)
    verdict = explore(stepper, (), clock=lambda: 0.0)
    assert len(graph) == verdict.distinct
    assert graph.number_of_edges() == verdict.generated - 1
    edges = {
        (graph.nodes[a]["state"], data["action"], data["args"], graph.nodes[b]["state"])
        for a, b, data in graph.edges(data=True)
    }
    taken = set()
    for path in covering_paths(graph):
        before = stepper.initial()
        assert path.steps
        for step, after in zip(path.steps, path.states, strict=True):
            assert stepper.apply(before, step.action, step.args) == after
            taken.add((before, step.action, step.args, after))
            before = after
    assert taken == edges


def test_both_readings_give_the_same_graph() -> None:
    """The graph over the ground form has the plain reading's states, numbers and edges."""
    spec = SPECS["kraft"]
    plain = state_graph(stepper_of(spec, **SMALL_KRAFT))
    derived = state_graph(ground(trace(spec), SMALL_KRAFT))
    assert list(plain.nodes(data=True)) == list(derived.nodes(data=True))
    assert list(plain.edges(data=True)) == list(derived.edges(data=True))


def test_paths_end_where_they_may() -> None:
    """A path that would end elsewhere goes on by the shortest way; if there is none, that is an error."""
    stepper = stepper_of(TWO_PHASE, nodes=2)
    graph = state_graph(stepper)

    def decided(state: tuple[Any, ...]) -> bool:
        votes = stepper.view(state).vote.values()
        return all(vote == Vote.COMMITTED or vote == Vote.ABORTED for vote in votes)

    assert all(decided(path.states[-1]) for path in covering_paths(graph, decided))
    assert not all(decided(path.states[-1]) for path in covering_paths(graph))
    with pytest.raises(ValueError, match="no state in which a path may end can be reached from state"):
        list(covering_paths(graph, lambda state: False))


def test_a_graph_that_is_too_large_is_refused() -> None:
    """The limit is a number of states: that many are allowed, one more says how to shrink the scope."""
    assert len(state_graph(stepper_of(TWO_PHASE, nodes=3), limit=288)) == 288
    with pytest.raises(GraphTooLarge, match=r"more than 287 states within bounds {'nodes': 3}: take smaller bounds"):
        state_graph(stepper_of(TWO_PHASE, nodes=3), limit=287)
