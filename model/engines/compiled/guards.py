"""Coverage of guards: how often each was the one that disabled its action, in a sample of the states that were found."""

from attrs import evolve

from model.engines.compiled.search import Search
from model.engines.source import guards_of
from model.engines.verdict import Verdict
from model.language.plain import Stepper

SAMPLED = 400
"""So many states, evenly spread over the search, are expanded in the plain reading, which counts guards."""


def with_guards(search: Search, verdict: Verdict, sampled: int = SAMPLED) -> Verdict:
    """The verdict with the guards that were false in a sample of the states; the search's tables must still be there."""
    stepper = Stepper(search.ground.spec, search.ground.bounds)
    every = max(1, sum(search.levels) // sampled)
    at = 0
    for depth in range(len(search.levels)):
        for numbers in search.backend.dump(depth):
            for row in numbers[-at % every :: every].tolist():
                for _ in stepper.successors(search.plain(row)):
                    pass
            at += len(numbers)
    return evolve(verdict, guards=guards_of(stepper))
