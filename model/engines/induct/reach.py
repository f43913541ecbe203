"""Is the state of a counterexample to induction one that the protocol can be in? A breadth-first search of the instance says.

A reachable one is a real violation, with its path; one that is not is what a missing lemma should exclude.
"""

from collections.abc import Iterable

from attrs import frozen

from model.engines.source import Clock, replayed
from model.engines.verdict import SpecTrace, TraceStep
from model.language import Bounds
from model.language.ground_spec import GroundSpec
from model.language.plain import Frozen
from model.language.transition import TracedSpec

MOST_STATES = 30_000
"""So many states are seen, unless told otherwise; that takes some seconds."""


@frozen
class Reach:
    """What a search found: a path to each state that it met, and whether it has seen all that can be reached (`states` in number)."""

    paths: dict[Frozen, SpecTrace]
    complete: bool
    states: int

    def of(self, state: Frozen) -> str:
        """In words, whether a state can be reached."""
        if state in self.paths:
            steps = len(self.paths[state].steps)
            return f"reachable, in {steps} steps" if steps != 1 else "reachable, in 1 step"
        if self.complete:
            return f"not reachable: none of the {self.states:,} states within bounds"
        return f"not known to be reachable: not among the first {self.states:,} states"


def reach(
    traced: TracedSpec,
    bounds: Bounds,
    wanted: Iterable[Frozen],
    *,
    most: int = MOST_STATES,
    clock: Clock | None = None,
    until: float | None = None,
) -> Reach:
    """Look for states, breadth first, among at most so many, and until the clock shows so much; paths are the shortest."""
    source = GroundSpec(traced, bounds)
    targets = {source.layout.flat(state): state for state in wanted}
    initial = source.initial()
    number = {initial: 0}
    order, came = [initial], list[tuple[int, TraceStep] | None]([None])
    missing = dict.fromkeys(targets)
    missing.pop(initial, None)
    found = [initial] if initial in targets else []
    complete, at = True, 0
    while missing and at < len(order):
        if len(order) > most or (clock is not None and until is not None and clock() > until):
            complete = False
            break
        for place, args, new in source.successors(order[at]):
            if new not in number:
                number[new] = len(order)
                order.append(new)
                came.append((at, TraceStep(source.spec.actions[place].name, args)))
                if new in missing:
                    del missing[new]
                    found.append(new)
        at += 1
    paths = {}
    for state in found:
        steps: list[TraceStep] = []
        back = came[number[state]]
        while back is not None:
            steps.append(back[1])
            back = came[back[0]]
        paths[targets[state]] = replayed(traced.spec, bounds, tuple(reversed(steps)))
    return Reach(paths, complete, len(order))


__all__ = ["MOST_STATES", "Reach", "reach"]
