"""A lasso out of a component that carries a fair run: a shortest stem, a loop that is fair, and both judged by the plain reading."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from model.engines.liveness.conditions import Conditions
from model.engines.liveness.explored import Explored
from model.engines.liveness.fair import NO_COMPONENT
from model.engines.liveness.graph import FIRST, OUTSIDE, UNFAIR, Ints, OwingGraph, Ways, ways_home
from model.engines.source import Disagreement, replayed
from model.engines.verdict import SpecTrace, TraceStep
from model.language import Disabled, Property, Spec
from model.language.plain import CutStep, Frozen, Stepper


class _Loop:
    """Walks round a component, from a state back to it, until every condition is met. States and steps are those of the graph."""

    def __init__(self, graph: OwingGraph, component: Ints, start: int) -> None:
        self.graph, self.component, self.start = graph, component, start
        self.label = component[start]
        self.steps: list[int] = []
        self.home = ways_home(graph, component == self.label, start)

    def inside(self, state: int) -> Iterator[int]:
        """The steps from a state that stay in the component."""
        for step in self.graph.steps_from(state):
            target = self.graph.targets[step]
            if target != OUTSIDE and self.component[target] == self.label:
                yield step

    def end(self) -> int:
        """Where the walk is."""
        return int(self.graph.targets[self.steps[-1]]) if self.steps else self.start

    def way(self, start: int, is_there: Callable[[int], bool]) -> list[int]:
        """The shortest way inside the component to a state that is one of those looked for."""
        by = {start: -1}
        queue = deque([start])
        while queue:
            state = queue.popleft()
            if is_there(state):
                steps = []
                while by[state] >= 0:
                    steps.append(by[state])
                    state = int(self.graph.sources[by[state]])
                return steps[::-1]
            for step in self.inside(state):
                target = int(self.graph.targets[step])
                if target not in by:
                    by[target] = step
                    queue.append(target)
        raise AssertionError("a component is strongly connected, and meets its conditions")

    def closed(self) -> list[int]:
        """The walk so far and the shortest way back."""
        steps, state = list(self.steps), self.end()
        while state != self.start:
            following = self.home[state]
            steps.append(next(s for s in self.inside(state) if self.graph.targets[s] == following))
            state = int(following)
        return steps

    def unmet(self, steps: Sequence[int]) -> int | None:
        """The first condition that a closed walk does not meet, or None."""
        states = [self.start, *(int(self.graph.targets[s]) for s in steps)]
        taken = {int(self.graph.conditions[s]) for s in steps}
        enabled = [self.graph.enabled(state) for state in dict.fromkeys(states)]
        for condition in sorted(set().union(*enabled) - taken):
            strong = self.graph.strong[condition]
            if strong or all(condition in there for there in enabled):
                return condition
        return None

    def meet(self, condition: int) -> None:
        """Walk on to where the condition is met: its action is taken, or for a weak one disabled, whatever is nearer."""

        def takes(state: int) -> int | None:
            return next((s for s in self.inside(state) if self.graph.conditions[s] == condition), None)

        def is_there(state: int) -> bool:
            if not self.graph.strong[condition] and condition not in self.graph.enabled(state):
                return True
            return takes(state) is not None

        self.steps += self.way(self.end(), is_there)
        if condition in self.graph.enabled(self.end()):
            step = takes(self.end())
            assert step is not None
            self.steps.append(step)


def fair_loop(graph: OwingGraph, component: Ints, start: int) -> list[int]:
    """The steps of a fair loop through a state of a component that carries a fair run; none if the run may stay in that state."""
    loop = _Loop(graph, component, start)
    while (condition := loop.unmet(steps := loop.closed())) is not None:
        loop.meet(condition)
    return steps


def find_lasso(
    explored: Explored, prop: Property, graph: OwingGraph, ways: Ways, component: Ints
) -> tuple[SpecTrace, TraceStep | None]:
    """A fair lasso with the shortest stem, and the step that closes its loop (None: the run stays in its last state).

    It is replayed in the plain reading; Disagreement if that finds it wanting.
    """
    carrying = np.flatnonzero(component != NO_COMPONENT)
    start = root = int(carrying[ways.levels[carrying].argmin()])
    stem: list[int] = []
    while (step := int(ways.by[root])) != FIRST:
        stem.append(step)
        root = int(graph.sources[step])
    loop = fair_loop(graph, component, start)

    def taken(step: int) -> TraceStep:
        source, target = int(graph.sources[step]), int(graph.targets[step])
        return explored.step_between(source, target, int(graph.conditions[step]))

    before = [*explored.way_to(root)][::-1]
    path = [*before, *(taken(step) for step in [*stem[::-1], *loop])]
    closing = path.pop() if loop else None
    trace = replayed(explored.spec, explored.bounds, tuple(path))
    lasso = SpecTrace(trace.steps, trace.states, loop=len(before) + len(stem))
    _confirm(explored, prop, lasso, closing, len(before))
    return lasso, closing


# ---- the plain reading
def _outcomes(stepper: Stepper, frozen: Frozen) -> dict[tuple[int, tuple[Any, ...]], Frozen | None]:
    """Every choice of action and arguments that changes a state, with the state after it (None: beyond the bounds)."""
    found: dict[tuple[int, tuple[Any, ...]], Frozen | None] = {}
    for place, action in enumerate(stepper.spec.actions):
        for args in stepper.arguments(action, frozen):
            try:
                after: Frozen | None = stepper.apply(frozen, action.name, args)
            except CutStep:
                after = None
            except Disabled:
                continue
            if after != frozen:
                found[place, args] = after
    return found


def unfairly_treated(
    spec: Spec, bounds: Any, states: Sequence[Frozen], taken: Sequence[TraceStep | None]
) -> tuple[TraceStep, ...]:
    """The fair actions that a run is unfair to which visits these states in turn for ever, taking these steps between them.

    `taken[i]` leads from states[i] to the next (the last one to the first); None stays. Judged in the plain reading, by the definition:
    weak, enabled in all states and never taken; strong, enabled in some and never taken. One choice of arguments stands for all of an
    action that is fair as a whole.
    """
    stepper, conditions = Stepper(spec, bounds, coverage=False), Conditions(spec)
    places = {action.name: place for place, action in enumerate(spec.actions)}
    example: dict[int, TraceStep] = {}
    enabled: list[set[int]] = []
    for state in states:
        here: set[int] = set()
        for place, args in _outcomes(stepper, state):
            condition = conditions.number(place, args)
            here.add(condition)
            example.setdefault(condition, TraceStep(spec.actions[place].name, args))
        enabled.append(here)
    follows = [*states[1:], states[0]]
    done = {
        conditions.number(places[step.action], step.args)
        for step, state, after in zip(taken, states, follows, strict=True)
        if step is not None and state != after
    }
    wronged = sorted(set().union(*enabled) - done - {UNFAIR})
    return tuple(example[c] for c in wronged if conditions.strong[c] or all(c in here for here in enabled))


def _confirm(explored: Explored, prop: Property, lasso: SpecTrace, closing: TraceStep | None, owed: int) -> None:
    """The plain reading must say of every part of a lasso what the graph says."""
    spec, bounds = explored.spec, explored.bounds
    stepper = Stepper(spec, bounds, coverage=False)
    loop = lasso.loop
    assert loop is not None
    problem = ""
    if closing is not None and stepper.apply(lasso.states[-1], closing.action, closing.args) != lasso.states[loop]:
        problem = f"{closing.action} does not close the loop"
    elif prop.after is not None and not stepper.holds(prop.after, lasso.states[owed]):
        problem = f"nothing triggers {prop.name}"
    elif any(stepper.holds(prop, state) for state in lasso.states[owed:]):
        problem = f"{prop.name} is reached"
    elif wronged := unfairly_treated(spec, bounds, lasso.states[loop:], (*lasso.steps[loop:], closing)):
        problem = f"the loop is unfair to {wronged[0].action}"
    if problem:
        raise Disagreement(
            f"a lasso of {spec.name} is none in the plain reading: {problem}; report this as a defect of Lockstep"
        )


def fairly_done(spec: Spec, lasso: SpecTrace, closing: TraceStep | None) -> str:
    """The fair actions of a loop: which are taken on it; the others are disabled on it, for a weak one at least somewhere."""
    steps = [*lasso.steps[lasso.loop :], *([closing] if closing is not None else [])]
    acting = {step.action for step in steps}
    fair = [action.name for action in spec.actions if action.name in spec.fairness]
    taken, idle = [n for n in fair if n in acting], [n for n in fair if n not in acting]
    parts = [f"taken for ever: {', '.join(taken)}"] if taken else []
    parts += [f"disabled again and again: {', '.join(idle)}"] if idle else []
    return "; ".join(parts)
