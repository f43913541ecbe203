"""More than one violation: the search goes on, but not beyond states that violate nor by steps that do, so no counterexample is a
continuation of another; and it reports those that differ in what the user asked for.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from attrs import frozen

from model.engines.compiled.backend import CHECK, LEADS, Found
from model.engines.compiled.components import SOMETIMES
from model.engines.verdict import SpecTrace
from model.language import Property

if TYPE_CHECKING:
    from model.engines.compiled.search import Search

ACTION, PROPERTY, VIEW = "action", "property", "view"


@frozen
class Several:
    """How many violations to look for, and when two of the same property are different: by their last `action`, never (`property`), or by
    the values of some state variables in the last state (`view`, with their names).
    """

    most: int = 1
    by: str = ACTION
    view: tuple[str, ...] = ()


ONE = Several()
"""The search ends with the first level that shows a violation."""


@frozen
class _Violation:
    """A violation of a property: what makes it different, and how the search leads there (see `Search.trace_to`)."""

    prop: Property
    what: Any
    found: Found
    depth: int
    states: int


Happened = tuple[tuple[str, ...], int, Found]
"""Names of properties, the action of the step (-1 for a state), and where it happened first."""


def report_several(search: "Search", happened: list[Happened], depth: int) -> None:
    """Note the violations of a level that differ from those before; Stop if there are enough."""
    violations = [*_of_states(search, happened, depth), *_of_steps(search, happened, depth)]
    order = {p.name: place for place, p in enumerate(search.partition.properties)}
    for v in sorted(violations, key=lambda v: (order[v.prop.name], v.found.state)):
        if (v.prop.name, v.what) in search.told:
            continue
        trace = search.trace_to(v.found, v.depth, v.states)
        what = v.what if v.what is not None else difference(search, trace)
        if (v.prop.name, what) not in search.told:
            search.told.add((v.prop.name, what))
            search.record.another(v.prop, trace)
        if len(search.told) == search.several.most:
            search.stop(f"stopped after {len(search.told)} violations")


def difference(search: "Search", trace: SpecTrace) -> Any:
    """What makes the violation at the end of a trace different from others of the same property."""
    by = search.several.by
    if by == VIEW:
        return _view(search, trace.states[-1])
    actions = [action.name for action in search.ground.spec.actions]
    return actions.index(trace.steps[-1].action) if by == ACTION and trace.steps else ""


def _of_steps(search: "Search", happened: list[Happened], depth: int) -> Iterator[_Violation]:
    for names, place, found in happened:
        for prop in _claims(search, names, 2):
            what: Any = {ACTION: place, PROPERTY: ""}.get(
                search.several.by
            )  # a view needs the state that the step leads to
            yield _Violation(prop, what, found, depth, 2)


def _of_states(search: "Search", happened: list[Happened], depth: int) -> Iterator[_Violation]:
    if not any(_claims(search, names, 1) for names, _, _ in happened):
        return
    states = _violating(search, depth)
    if search.several.by == ACTION and depth:
        yield from _last_actions(search, states, depth)
        return
    for state, names in sorted(states.items()):
        what: Any = ""
        if search.several.by == VIEW:
            what = _view(search, search.plain(search.backend.numbers(state)))
        for prop in _claims(search, names, 1):
            yield _Violation(prop, what, Found(state, (), 0), depth, 1)


def _violating(search: "Search", depth: int) -> dict[tuple[int, ...], tuple[str, ...]]:
    """All states of a level that violate something, with the names of the properties."""
    search.backend.collect(on=True)
    search.round(depth, CHECK, search.always)
    names_of = search.names_of()
    states: dict[tuple[int, ...], tuple[str, ...]] = {}
    for state, number in sorted(search.backend.collected()):
        states[state] = tuple(dict.fromkeys((*states.get(state, ()), *names_of[number])))
    search.backend.collect(on=False)
    return {state: names for state, names in states.items() if _claims(search, names, 1)}


def _last_actions(search: "Search", states: dict[tuple[int, ...], tuple[str, ...]], depth: int) -> Iterator[_Violation]:
    """Per set of properties and action the least state from which the action leads to a state that violates them."""
    sets = {names: number for number, names in enumerate(dict.fromkeys(states.values()))}
    search.backend.targets([(state, sets[names]) for state, names in states.items()], len(sets))
    search.round(depth - 1, LEADS, search.steps | search.always)
    actions = len(search.ground.spec.actions)
    for names, number in sets.items():
        for action in range(actions):
            found = search.backend.event(number * actions + action)
            for prop in _claims(search, names, 1) if found is not None else ():
                assert found is not None
                yield _Violation(prop, action, found, depth - 1, 2)


def _claims(search: "Search", names: tuple[str, ...], states: int) -> list[Property]:
    """The properties of so many states among these names, of which an event is a violation."""
    return [p for p in search.partition.properties if p.name in names and p.kind != SOMETIMES and p.states == states]


def _view(search: "Search", plain: tuple[Any, ...]) -> Any:
    values = zip(search.ground.spec.state.variables, plain, strict=True)
    return tuple(value for name, value in values if name in search.several.view)
