"""Looking at the steps of a path again, one by one and through the parts of all nodes: what `refine` found, for whoever replays it."""

from collections.abc import Mapping

from model.engines.refine.refinement import Refinement
from model.engines.refine.simulation import Mismatch, Simulation, format_call
from model.engines.refine.windows import Parts
from model.engines.verdict import TraceStep
from model.language import Spec
from model.language.ground_spec import ground
from model.language.trace import trace


def first_mismatch(
    refinement: Refinement, spec: Spec, bounds: Mapping[str, int], steps: tuple[TraceStep, ...]
) -> tuple[int, str] | None:
    """The first step of a path that does not refine (1 is the first step of all) and why, or None.

    The steps must be a path of the spec within bounds; LookupError if one is not.
    """
    source = ground(trace(refinement.with_history(spec)), bounds)
    parts = Parts(source, refinement.reads)
    simulation = Simulation(refinement, source, parts)
    state = source.initial()
    for number, step in enumerate(steps, 1):
        taken = (
            (place, new)
            for place, args, new in source.successors(state)
            if (spec.actions[place].name, args) == (step.action, step.args)
        )
        place, new = next(taken, (None, None))
        if place is None or new is None:
            raise LookupError(f"step {number} of the path, {step.action}, is not enabled")
        found = simulation.step(place, step.args, parts.nodes, parts.of(state), parts.of(new))
        if isinstance(found, Mismatch):
            return number, f"{format_call(spec.actions[place], step.args)} is not {found}"
        state = new
    return None
