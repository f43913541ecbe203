"""Who acts in a step of a spec, and what happened before it: actors and vector clocks.

The actor of a step is the action's first parameter of sort Node; of an action that only receives a message, the node that
receives it. A message class does not say which of its nodes that is, so RECEIVERS does; a message that is not there is received by
the first Node it names. A step without a node (a transaction manager, the environment) is one of the process `env`.

Causality: a process's own steps in order, and a message before its receipt. A message that is still in the network when it is
sent again keeps its first sender: it could have been received before the second. FIFO channels are ordinary state functions, so what
went through them is not known here.
"""

from collections.abc import Mapping
from typing import Any

from model.engines.verdict import SpecTrace
from model.language import Node, Spec
from model.language.declare import FnDecl
from model.language.plain import Frozen, format_value
from model.language.sorts import is_record
from model.language.spec import Action

ENVIRONMENT = "env"
"""The process of the steps that no node takes, in vector clocks."""

RECEIVERS: Mapping[tuple[str, str], str | None] = {
    ("kraft", "FetchRequest"): "leader",
    ("kraft-live", "FetchRequest"): "leader",
    ("two-phase", "Prepared"): None,  # the transaction manager is not one of the nodes
}
"""(spec, message class) -> the field that names the receiver, or None for no node, where it is not the first Node field."""

Clock = dict[str, int]


def actor_of(spec: str, action: Action, args: tuple[Any, ...]) -> str | None:
    """The node that takes a step (`n1`), or None if no node does."""
    for parameter, value in zip(action.parameters, args, strict=True):
        if parameter.sort is Node:
            return format_value(value, Node)
    for parameter, value in zip(action.parameters, args, strict=True):
        if is_record(parameter.sort):
            nodes = [name for name, sort in parameter.sort.fields.items() if sort is Node]
            receiver = RECEIVERS.get((spec, parameter.sort.__name__), nodes[0] if nodes else None)
            if receiver is not None:
                return format_value(value[list(parameter.sort.fields).index(receiver)], Node)
    return None


def clocks(spec: Spec, path: SpecTrace) -> list[Clock]:
    """The vector clock after each state's step: `{"n1": 2, "n2": 1}`; empty for the initial state."""
    actions = {action.name: action for action in spec.actions}
    now: dict[str, Clock] = {}
    sent: dict[tuple[str, Any], Clock] = {}
    found: list[Clock] = [{}]
    for place, step in enumerate(path.steps):
        action = actions[step.action]
        process = actor_of(spec.name, action, step.args) or ENVIRONMENT
        clock = dict(now.get(process, {}))
        for parameter, value in zip(action.parameters, step.args, strict=True):
            if parameter.network is not None:
                for name, count in sent.get((parameter.network, value), {}).items():
                    clock[name] = max(count, clock.get(name, 0))
        clock[process] = clock.get(process, 0) + 1
        now[process] = clock
        for message in _new_messages(spec, path.states[place], path.states[place + 1]):
            sent[message] = clock
        found.append(dict(sorted(clock.items())))
    return found


def _new_messages(spec: Spec, before: Frozen, after: Frozen) -> list[tuple[str, Any]]:
    """The messages (with their networks) that are in flight after a step and were not before."""
    variables = zip(spec.state.variables.items(), before, after, strict=True)
    return [
        (name, message)
        for (name, declaration), old, new in variables
        if not isinstance(declaration, FnDecl) and old != new
        for message in new
        if message not in old
    ]
