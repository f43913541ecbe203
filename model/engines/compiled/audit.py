"""A check on every run of a derived explorer: the first few hundred states once more, in the plain reading.

The plain reading also counts which guards are false, which generated code does not.
"""

from collections.abc import Mapping

from attrs import evolve

from model.engines.explore import explore
from model.engines.source import Budget, Clock, Disagreement
from model.engines.verdict import VIOLATED, Verdict
from model.language import Spec
from model.language.plain import Stepper

STATES = 300
"""How many states are searched again."""


def audited(verdict: Verdict, spec: Spec, bounds: Mapping[str, int], *, clock: Clock, states: int = STATES) -> Verdict:
    """The verdict with the guards that were false most often among the first states.

    Raises Disagreement if the plain reading finds other numbers of states in the levels that both have searched.
    """
    again = explore(Stepper(spec, bounds), (), clock=clock, budget=Budget(states=states))
    # A search for several violations does not go on from the first ones.
    shortest = min((len(p.trace.steps) for p in verdict.properties if p.verdict == VIOLATED and p.trace), default=None)
    levels = (
        verdict.orbits or verdict.levels
    )  # what representatives stand for is counted, and must be the number of states
    common = min(len(again.levels), len(levels if shortest is None else levels[: shortest + 1]))
    if again.levels[:common] != levels[:common]:
        raise Disagreement(
            f"{spec.name}: levels of {list(levels[:common])} states, but {list(again.levels[:common])} in the plain "
            "reading: report this as a defect of Lockstep"
        )
    return evolve(verdict, blocked=again.blocked)
