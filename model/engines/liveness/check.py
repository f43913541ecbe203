"""Verdicts on `eventually` properties."""

from collections.abc import Callable

from attrs import evolve

from model.engines.liveness.build import Search
from model.engines.liveness.explored import Explored
from model.engines.liveness.fair import NO_COMPONENT, fair_components
from model.engines.liveness.lasso import fairly_done, find_lasso
from model.engines.source import Budget, Clock, Report, Source, Stop
from model.engines.verdict import HOLDS, UNKNOWN, VIOLATED, PropertyVerdict, Verdict, overall
from model.language import Property

EXPLORED = "explored"
"""The rung of a search that has seen all states within bounds."""


def check_liveness(
    source: Source,
    properties: tuple[Property, ...],
    *,
    clock: Clock,
    budget: Budget | None = None,
    report: Report | None = None,
) -> tuple[PropertyVerdict, ...]:
    """The verdict on each `eventually` among the properties, under the fairness that the spec declares; see the package.

    A violation's trace is a lasso (`SpecTrace.loop`). The reason says which actions are fair, and of a lasso which of them its loop
    takes and which are disabled on it. One search serves all properties. `clock` counts CPU seconds.
    """
    asked = tuple(p for p in properties if p.kind == "eventually")
    search = Search(source, asked, budget if budget is not None else Budget(), clock, report)
    return judged(asked, search.run)


def judged(asked: tuple[Property, ...], explore: Callable[[], Explored]) -> tuple[PropertyVerdict, ...]:
    """The verdicts on these `eventually` properties, of which `explore` makes the graph; unknown if it is stopped or interrupted."""
    try:
        explored = explore()
    except Stop as stop:
        return tuple(PropertyVerdict(p.name, p.kind, UNKNOWN, str(stop)) for p in asked)
    return tuple(_judge(explored, place, prop) for place, prop in enumerate(asked))


def _judge(explored: Explored, place: int, prop: Property) -> PropertyVerdict:
    spec = explored.spec
    fairness = f"fair: {explored.conditions}"

    def verdict(what: str, reason: str) -> PropertyVerdict:
        return PropertyVerdict(prop.name, prop.kind, what, reason)

    graph = explored.graph(place)
    ways = explored.ways(graph)
    component = fair_components(graph, ways.reached)
    if (component != NO_COMPONENT).any():
        lasso, closing = find_lasso(explored, prop, graph, ways, component)
        goes_on = "stays there" if closing is None else f"goes back to state {lasso.loop} by {closing.action}"
        reason = f"after {len(lasso.steps)} steps the run {goes_on}; {fairness}; {fairly_done(spec, lasso, closing)}"
        return evolve(verdict(VIOLATED, reason.removesuffix("; ")), trace=lasso)
    if not len(explored.triggers[place]):
        return verdict(UNKNOWN, "no state within bounds triggers it")
    escaping, by_action = explored.escapes(ways)
    if escaping:
        exits = ", ".join(
            f"{spec.actions[action].name} in {states:,}, first after {depth} steps"
            for action, (states, depth) in by_action.items()
        )
        return verdict(UNKNOWN, f"{escaping:,} states from which runs leave the bounds: {exits}; {fairness}")
    return verdict(HOLDS, fairness)


def with_liveness(
    verdict: Verdict,
    source: Source,
    properties: tuple[Property, ...],
    *,
    clock: Clock,
    budget: Budget,
    report: Report | None = None,
) -> Verdict:
    """The verdict of a complete search, with those on its `eventually` properties in their places.

    Without such properties, or if the search was not complete, it stays as it is. What the search has spent of the budget is gone.
    """
    if not is_asked(verdict, properties):
        return verdict
    started = clock()
    found = check_liveness(source, properties, clock=clock, budget=what_is_left(budget, verdict), report=report)
    return with_verdicts(verdict, found, clock() - started)


def is_asked(verdict: Verdict, properties: tuple[Property, ...]) -> bool:
    """Whether there are `eventually` properties to decide, and the search was complete."""
    return verdict.rung == EXPLORED and any(p.kind == "eventually" for p in properties)


def what_is_left(budget: Budget, verdict: Verdict) -> Budget:
    """The budget without the seconds that a search has spent."""
    return evolve(budget, seconds=None if budget.seconds is None else max(0.0, budget.seconds - verdict.seconds))


def with_verdicts(verdict: Verdict, found: tuple[PropertyVerdict, ...], seconds: float) -> Verdict:
    """The verdict of a search with these verdicts on properties in their places, which took so many seconds more."""
    by_name = {p.name: p for p in found}
    properties = tuple(by_name.get(p.name, p) for p in verdict.properties)
    return evolve(verdict, properties=properties, verdict=overall(properties), seconds=verdict.seconds + seconds)
