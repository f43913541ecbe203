"""Verdicts on `eventually` properties."""

from attrs import evolve

from model.engines.liveness.build import Search, Unfinished
from model.engines.liveness.fair import NO_COMPONENT, fair_components
from model.engines.liveness.lasso import fairly_done, find_lasso
from model.engines.source import Budget, Clock, Report, Source
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
    try:
        search.run()
    except Unfinished as stop:
        return tuple(PropertyVerdict(p.name, p.kind, UNKNOWN, str(stop)) for p in asked)
    return tuple(_judge(search, place, prop) for place, prop in enumerate(asked))


def _judge(search: Search, place: int, prop: Property) -> PropertyVerdict:
    spec = search.source.spec
    fairness = f"fair: {search.conditions}"

    def verdict(what: str, reason: str) -> PropertyVerdict:
        return PropertyVerdict(prop.name, prop.kind, what, reason)

    graph = search.graph(place)
    ways = search.ways(graph)
    component = fair_components(graph, ways.reached)
    if (component != NO_COMPONENT).any():
        lasso, closing = find_lasso(search, prop, graph, ways, component)
        goes_on = "stays there" if closing is None else f"goes back to state {lasso.loop} by {closing.action}"
        reason = f"after {len(lasso.steps)} steps the run {goes_on}; {fairness}; {fairly_done(spec, lasso, closing)}"
        return evolve(verdict(VIOLATED, reason.removesuffix("; ")), trace=lasso)
    if not search.triggers[place]:
        return verdict(UNKNOWN, "no state within bounds triggers it")
    escaping, by_action = search.escapes(ways)
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
    if verdict.rung != EXPLORED or all(p.kind != "eventually" for p in properties):
        return verdict
    started = clock()
    left = None if budget.seconds is None else max(0.0, budget.seconds - verdict.seconds)
    found = check_liveness(source, properties, clock=clock, budget=evolve(budget, seconds=left), report=report)
    by_name = {p.name: p for p in found}
    judged = tuple(by_name.get(p.name, p) for p in verdict.properties)
    seconds = verdict.seconds + clock() - started
    return evolve(verdict, properties=judged, verdict=overall(judged), seconds=seconds)
