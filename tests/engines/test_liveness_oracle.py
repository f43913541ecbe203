"""Liveness against a dumb twin: every set of states is tried, by the definition, on random small graphs and random small specs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from model.engines.liveness import check_liveness
from model.engines.liveness.fair import NO_COMPONENT, fair_components
from model.engines.liveness.graph import OUTSIDE, UNFAIR, UNREACHED, OwingGraph, shortest_ways
from model.engines.liveness.lasso import fair_loop
from model.engines.verdict import HOLDS, UNKNOWN, VIOLATED
from model.language import Ordinal, Property, Spec, State, Var, any_of, eventually, make_spec, require
from model.language.ground_spec import ground
from model.language.plain import Stepper
from model.language.spec import FAIRNESS
from model.language.trace import trace

Step = tuple[int, int, int]
"""From, to (or OUTSIDE), condition (or UNFAIR)."""


def still() -> float:
    """A clock that stands still."""
    return 0.0


# ---- the dumb twin


def reached_from(starts: Sequence[int], steps: Sequence[Step]) -> dict[int, int]:
    """How far each state is from the nearest of some states."""
    found = dict.fromkeys(starts, 0)
    queue = list(starts)
    for state in queue:
        for source, target, _ in steps:
            if source == state and target != OUTSIDE and target not in found:
                found[target] = found[state] + 1
                queue.append(target)
    return found


def is_fair(states: set[int], steps: Sequence[Step], strong: Sequence[bool]) -> bool:
    """Whether a run may visit these states again and again, all of them and no others, and be fair."""
    inside = [s for s in steps if s[0] in states and s[1] in states]
    if any(reached_from([state], inside).keys() != states for state in sorted(states)):
        return False
    for condition, is_strong in enumerate(strong):
        enabled = {source for source, _, c in steps if c == condition and source in states}
        owed = bool(enabled) if is_strong else enabled == states
        if owed and not any(c == condition for _, _, c in inside):
            return False
    return True


def fair_sets(states: Sequence[int], steps: Sequence[Step], strong: Sequence[bool]) -> Iterator[set[int]]:
    """Every set of states that a fair run may visit for ever."""
    for size in range(1, len(states) + 1):
        for chosen in combinations(states, size):
            if is_fair(set(chosen), steps, strong):
                yield set(chosen)


# ---- on graphs


@frozen
class Case:
    """A random graph."""

    states: int
    steps: tuple[Step, ...]
    strong: tuple[bool, ...]

    def graph(self) -> OwingGraph:
        """The same as arrays."""
        ordered = sorted(self.steps)
        counts = np.bincount([s for s, _, _ in ordered], minlength=self.states) if ordered else np.zeros(self.states)
        return OwingGraph(
            offsets=np.concatenate(([0], np.cumsum(counts))).astype(np.int64),
            targets=np.array([t for _, t, _ in ordered], dtype=np.int32),
            conditions=np.array([c for _, _, c in ordered], dtype=np.int32),
            strong=np.array(self.strong, dtype=np.bool_),
            roots=np.zeros(1, dtype=np.int32),
        )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """At most five states and three conditions."""
    states = draw(st.integers(1, 5))
    strong = tuple(draw(st.lists(st.booleans(), max_size=3)))
    state, target = st.integers(0, states - 1), st.integers(OUTSIDE, states - 1)
    step = st.tuples(state, target, st.integers(UNFAIR, len(strong) - 1)).filter(lambda s: s[0] != s[1])
    return Case(states, tuple(draw(st.lists(step, max_size=14))), strong)


@given(cases())
def test_what_survives_is_what_fair_runs_visit(case: Case) -> None:
    """A state is in a component iff a fair run can visit it for ever, and the largest such sets are the components."""
    labels = fair_components(case.graph())
    sets = list(fair_sets(range(case.states), case.steps, case.strong))
    assert {int(s) for s in np.flatnonzero(labels != NO_COMPONENT)} == set().union(*sets)
    largest = [s for s in sets if not any(s < other for other in sets)]
    components = [set(np.flatnonzero(labels == c).tolist()) for c in np.unique(labels[labels != NO_COMPONENT])]
    assert sorted(map(sorted, components)) == sorted(map(sorted, largest))


@given(cases(), st.sets(st.integers(0, 4)))
def test_only_the_states_that_are_asked_for_count(case: Case, among: set[int]) -> None:
    """Restricted to some states, a run that would leave them is none."""
    chosen = np.array([s in among for s in range(case.states)], dtype=np.bool_)
    labels = fair_components(case.graph(), chosen)
    sets = fair_sets(sorted(s for s in among if s < case.states), case.steps, case.strong)
    assert {int(s) for s in np.flatnonzero(labels != NO_COMPONENT)} == set().union(*sets)


@given(cases())
def test_a_loop_is_closed_and_fair(case: Case) -> None:
    """From every state of a component there is a loop back to it, and the states it visits and the steps it takes are fair to all."""
    graph = case.graph()
    labels = fair_components(graph)
    for start in np.flatnonzero(labels != NO_COMPONENT).tolist():
        taken = fair_loop(graph, labels, start)
        states = [start, *(int(graph.targets[s]) for s in taken)]
        assert states[-1] == start
        assert [int(graph.sources[s]) for s in taken] == states[:-1]
        done = [(int(graph.sources[s]), int(graph.targets[s]), int(graph.conditions[s])) for s in taken]
        blocked = [(s, OUTSIDE, c) for s, _, c in case.steps if c != UNFAIR]
        assert is_fair(set(states), [*done, *blocked], case.strong)


@given(cases(), st.lists(st.integers(0, 6), min_size=5, max_size=5), st.sets(st.integers(0, 4), max_size=3))
def test_ways_are_shortest(case: Case, depths: list[int], roots: set[int]) -> None:
    """A way's length is the root's distance and the steps from there, least over all roots; its last step is one step shorter."""
    graph = case.graph()
    starts = sorted(s for s in roots if s < case.states)
    object.__setattr__(graph, "roots", np.array(starts, dtype=np.int32))
    ways = shortest_ways(graph, np.array([depths[s] for s in starts], dtype=np.int32))
    for state in range(case.states):
        lengths = [
            depths[root] + reached_from([root], case.steps)[state]
            for root in starts
            if state in reached_from([root], case.steps)
        ]
        assert ways.levels[state] == min(lengths, default=UNREACHED)
        if ways.by[state] >= 0:
            assert ways.levels[graph.sources[ways.by[state]]] == ways.levels[state] - 1


# ---- on specs


class Place(Ordinal, bound="places"):
    """Where somebody is."""


class Walk(State):
    """Somebody who walks about."""

    at = Var(Place)


def stay(s: Walk) -> None:
    """The walk begins at 0."""


MOVES, LAST = 3, 3
"""So many actions, between the places 0 .. LAST."""


@frozen
class World:
    """A random spec: the moves of each action (from, to), the places from which it also leaves the bounds, fairness, and a property."""

    moves: tuple[tuple[tuple[int, int], ...], ...]
    exits: tuple[tuple[int, ...], ...]
    fairness: Mapping[str, str]
    goals: tuple[int, ...]
    triggers: tuple[int, ...] | None

    def spec(self) -> Spec:
        """The spec itself: `move0 .. move2`, and `leave0 .. leave2` for what is cut."""
        actions = [make(self, number) for number in range(MOVES) for make in (_move, _leave)]
        return make_spec(
            "walk",
            title="a random walk",
            state=Walk,
            init=stay,
            actions=actions,
            properties=(self.property(),),
            bounds={"places": LAST},
            fairness=self.fairness,
        )

    def property(self) -> Property:
        """A goal is reached."""

        def a_goal_is_reached(s: Walk) -> object:
            """In the end a goal is reached."""
            return any_of(*(s.at == goal for goal in self.goals), s.at > LAST)

        def somebody_wants_to(s: Walk) -> object:
            """It is triggered."""
            return any_of(*(s.at == place for place in self.triggers or ()), s.at > LAST)

        if self.triggers is None:
            return eventually(a_goal_is_reached)
        return eventually(after=somebody_wants_to)(a_goal_is_reached)

    def conditions(self) -> tuple[list[Step], list[bool]]:
        """All steps, with what is cut, and the conditions, by the definition of fairness."""
        numbers: dict[tuple[str, int | None], int] = {}
        strong: list[bool] = []
        steps = []

        def condition(action: str, to: int | None) -> int:
            if action not in self.fairness:
                return UNFAIR
            is_strong, each = FAIRNESS[self.fairness[action]]
            key = (action, to if each else None)
            if key not in numbers:
                numbers[key] = len(strong)
                strong.append(is_strong)
            return numbers[key]

        for number in range(MOVES):
            steps += [(i, j, condition(f"move{number}", j)) for i, j in self.moves[number] if i != j]
            steps += [(i, OUTSIDE, condition(f"leave{number}", None)) for i in self.exits[number]]
        return steps, strong


def _move(world: World, number: int) -> Callable[..., None]:
    def move(s: Walk, to: Place) -> None:
        """Somebody moves to a place."""
        require(any_of(*((s.at == i) & (to == j) for i, j in world.moves[number]), s.at > LAST))

        s.at = to

    move.__name__ = f"move{number}"
    return move


def _leave(world: World, number: int) -> Callable[..., None]:
    def leave(s: Walk) -> None:
        """Somebody leaves the bounds."""
        require(any_of(*(s.at == i for i in world.exits[number]), s.at > LAST))

        s.at = s.at + LAST + 1

    leave.__name__ = f"leave{number}"
    return leave


PLACES = st.integers(0, LAST)
NAMES = [f"{kind}{number}" for number in range(MOVES) for kind in ("move", "leave")]

worlds = st.builds(
    World,
    moves=st.tuples(*[st.lists(st.tuples(PLACES, PLACES), max_size=6, unique=True).map(tuple)] * MOVES),
    exits=st.tuples(*[st.lists(PLACES, max_size=1).map(tuple)] * MOVES),
    fairness=st.dictionaries(st.sampled_from(NAMES), st.sampled_from(sorted(FAIRNESS)), min_size=4, max_size=6),
    goals=st.lists(PLACES, max_size=2, unique=True).map(tuple),
    triggers=st.none() | st.lists(PLACES, max_size=3, unique=True).map(tuple),
)


def expected(world: World) -> tuple[str, int | None]:
    """The verdict by trying everything, and the length of the shortest stem of a lasso."""
    steps, strong = world.conditions()
    depth = reached_from([0], steps)
    triggered = [0] if world.triggers is None else [p for p in sorted(depth) if p in world.triggers]
    owing = [(i, j if j not in world.goals else OUTSIDE, c) for i, j, c in steps if i not in world.goals]
    if world.triggers is None:
        depth = reached_from([p for p in triggered if p not in world.goals], owing)
    stems: dict[int, int] = {}
    for root in triggered:
        if root not in world.goals:
            for place, far in reached_from([root], owing).items():
                stems[place] = min(depth[root] + far, stems.get(place, depth[root] + far))
    lassos = [min(stems[p] for p in s) for s in fair_sets(sorted(stems), owing, strong)]
    if lassos:
        return VIOLATED, min(lassos)
    exits = {place for places in world.exits for place in places}
    return (UNKNOWN if exits & stems.keys() or not triggered else HOLDS), None


@given(worlds, st.booleans())
def test_verdicts_on_random_specs_are_those_of_the_definition(world: World, on_graph: bool) -> None:
    """Verdict and stem are those that trying every set of states gives; the lasso is confirmed by the plain reading on the way."""
    spec = world.spec()
    source: Any = ground(trace(spec), spec.bounds) if on_graph else Stepper(spec, spec.bounds)
    (found,) = check_liveness(source, spec.properties, clock=still)
    assert (found.verdict, found.trace.loop if found.trace is not None else None) == expected(world)
