"""From a spec to data: every action path by path, the initial state, the properties."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

from model.language.analysis import ghost_check
from model.language.errors import SpecError
from model.language.graph import Term
from model.language.primitives import components
from model.language.reading import reading
from model.language.sorts import Bool
from model.language.spec import Action, Spec
from model.language.symbolic import SymbolicState
from model.language.tracer import Path, Tracer
from model.language.transition import (
    Block,
    Guard,
    SymbolicParameter,
    TracedAction,
    TracedProperty,
    TracedSpec,
    Transition,
)
from model.language.values import build
from model.language.words import Property


def trace(spec: Spec) -> TracedSpec:
    """Trace a whole spec. Anything that the language does not support is a SpecError at the author's line."""
    tracer = Tracer(spec)
    with reading(tracer):
        init = _trace_init(tracer)
        actions = tuple(_trace_action(tracer, a) for a in spec.actions)
        triggers = tuple(p.after for p in spec.properties if p.after is not None)
        properties = tuple(_trace_property(tracer, p) for p in (*spec.properties, *triggers))
    traced = TracedSpec(
        spec=spec,
        graph=tracer.graph,
        functions=tracer.functions,
        networks=tracer.networks,
        initial={f: tuple(u) for f, u in init.updates.items()},
        initial_effects=tuple(init.effects),
        actions=actions,
        properties=properties,
        rules={name: tuple(found) for name, found in tracer.definitions.items()},
    )
    ghost_check(traced)
    return traced


def _trace_init(tracer: Tracer) -> Path:
    """The initial state: writes over the defaults."""
    with tracer.running("init"):
        init: Callable[..., Any] = tracer.spec.init
        _no_result(init(SymbolicState(tracer)), "init", init)
        return tracer.path


def _trace_property(tracer: Tracer, prop: Property) -> TracedProperty:
    """A property as a term."""
    with tracer.running(f"property {prop.name}"):
        states = (SymbolicState(tracer), SymbolicState(tracer, primed=True))
        value = prop.predicate(*(states[: prop.states]))
        return TracedProperty(prop, tracer.graph.coerce(value, Bool, f"property {prop.name}"))


def _parameters(tracer: Tracer, action: Action) -> tuple[SymbolicParameter, ...]:
    """The variables that stand for an action's parameters."""
    made = []
    for p in action.parameters:
        names = ((f"{p.name}{suffix}", sort) for suffix, sort in components(p.sort))
        made.append(SymbolicParameter(p, tuple(tracer.graph.var(n, "param", 0, sort) for n, sort in names)))
    return tuple(made)


def _trace_action(tracer: Tracer, action: Action) -> TracedAction:
    """An action, path by path."""
    parameters = _parameters(tracer, action)
    values = [build(tracer.graph, p.parameter.sort, p.variables) for p in parameters]
    local: dict[str, Any] = {}

    def run() -> None:
        for p in parameters:
            if p.parameter.network is not None:
                there = tracer.graph.make("contains", (p.parameter.network, *p.variables), Bool)
                tracer.path.facts.learn(there, True)
        local.clear()
        with _locals_of(action.function.__code__, local):
            result = action.function(SymbolicState(tracer), *values)
        _no_result(result, f"action {action.name}", action.function)

    finished: list[tuple[Path, Transition | None]] = []
    number = 0
    with tracer.running("action"):
        for path in tracer.paths(run, f"action {action.name}"):
            if path.dead:
                finished.append((path, None))
                continue
            names = {k: v for k, v in local.items() if isinstance(v, Term) and v.op not in ("var", "const")}
            updates = {f: tuple(u) for f, u in path.updates.items()}
            conditions, effects = tuple(path.conditions), tuple(path.effects)
            finished.append((path, Transition(action.name, number, conditions, updates, effects, names)))
            number += 1
    transitions = tuple(t for _, t in finished if t is not None)
    return TracedAction(action, parameters, transitions, _tree(finished, 0, 0))


def _tree(paths: list[tuple[Path, Transition | None]], conditions: int, forks: int) -> Block:
    """The decision tree of paths that agree up to the given numbers of conditions and forks."""
    first, transition = paths[0]
    if len(first.forks) == forks:
        return Block(tuple(first.conditions[conditions:]), transition=transition)
    end = conditions
    while not (isinstance(c := first.conditions[end], Guard) and c.fork):
        end += 1
    split = next((i for i, (p, _) in enumerate(paths) if not p.answers[forks]), len(paths))
    return Block(
        tuple(first.conditions[conditions:end]),
        fork=first.forks[forks],
        then=_tree(paths[:split], end + 1, forks + 1),
        otherwise=_tree(paths[split:], end + 1, forks + 1),
    )


def _no_result(result: Any, what: str, function: Callable[..., Any]) -> None:
    if result is not None:
        where = f"{function.__code__.co_filename}:{function.__code__.co_firstlineno}"
        raise SpecError(f"{what} returns a value", "actions change the state; return nothing", where)


@contextmanager
def _locals_of(code: CodeType, into: dict[str, Any]) -> Iterator[None]:
    """Collect the local variables with which the function of this code returns."""

    def watch(frame: FrameType, event: str, _: Any) -> None:
        if event == "return" and frame.f_code is code:
            into.update(frame.f_locals)

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        yield
    finally:
        sys.setprofile(before)
