"""A trace in domain words: who does what in each step, and what changes."""

from collections import Counter
from itertools import product
from typing import Any

from attrs import frozen

from model.language import Spec
from model.language.declare import FnDecl
from model.language.plain import Frozen, format_value
from model.language.sorts import Bounds, elements
from traces.codec import label
from traces.trace import OTHER_KINDS, Trace, TraceState


@frozen
class Change:
    """One cell of a state that differs: `variable` and `argument` (`[n1]`, or empty), and its two values as printed.

    Of a network, one message that is there in only one of the two states: the other value is empty.
    """

    variable: str
    argument: str
    before: str
    after: str

    def __str__(self) -> str:
        place = f"{self.variable}{self.argument}"
        if not self.before:
            return f"{place} + {self.after}"
        return f"{place} - {self.before}" if not self.after else f"{place}: {self.before} -> {self.after}"


def changes(spec: Spec, bounds: Bounds, before: Frozen, after: Frozen) -> list[Change]:
    """What differs between two frozen states, in the order of the declarations."""
    found: list[Change] = []
    for (name, declaration), old, new in zip(spec.state.variables.items(), before, after, strict=True):
        if old == new:
            continue
        if not isinstance(declaration, FnDecl):
            record = declaration.record
            gone, come = Counter(old) - Counter(new), Counter(new) - Counter(old)
            found.extend(Change(name, "", format_value(m, record), "") for m in old if _take(gone, m))
            found.extend(Change(name, "", "", format_value(m, record)) for m in new if _take(come, m))
        elif not declaration.args:
            found.append(Change(name, "", format_value(old, declaration.result), format_value(new, declaration.result)))
        else:
            keys = product(*(elements(sort, bounds) for sort in declaration.args))
            found.extend(
                Change(
                    name,
                    label(declaration.args, key),
                    format_value(x, declaration.result),
                    format_value(y, declaration.result),
                )
                for key, x, y in zip(keys, old, new, strict=True)
                if x != y
            )
    return found


def format_step(spec: Spec, step: TraceState) -> str:
    """A step as a reader writes it: `n2 handle_vote_request(voter=n2, request=VoteRequest(candidate=n1 ...))`."""
    if step.action is None:
        return "nothing of the spec happens"
    action = next((a for a in spec.actions if a.name == step.action), None)
    if action is None or step.problem:
        return f"{step.action}(...)"
    args = ", ".join(f"{p.name}={format_value(v, p.sort)}" for p, v in zip(action.parameters, step.args, strict=True))
    call = f"{step.action}({args})"
    return f"{step.actor} {call}" if step.actor else call


def describe(trace: Trace) -> list[str]:
    """What the trace shows, then one numbered line per step, each followed by what changed (indented)."""
    bug = f" with bug {trace.spec.bug}" if trace.spec.bug else ""
    bounds = " ".join(f"{name}={value}" for name, value in sorted(trace.bounds.items()))
    lines = [f"{trace.spec.name}{bug}: {_claim(trace)}; found by {trace.engine} within {bounds}", "0  initial state"]
    for index, row in enumerate(trace.states[1:], start=1):
        lines.append(f"{index}  {format_step(trace.spec, row)}")
        before = trace.states[index - 1].state
        if row.problem:
            lines.append(f"     ? {row.problem}")
        if before is None or row.state is None:
            lines.append("     ? the state does not fit the spec")
            continue
        lines.extend(f"     {change}" for change in changes(trace.spec, trace.bounds, before, row.state))
    if trace.loop is not None:
        lines.append(f"   then again from {trace.loop}")
    return lines


def _claim(trace: Trace) -> str:
    if trace.property is None:
        return f"a path of {len(trace.states) - 1} steps"
    if trace.kind in OTHER_KINDS:
        return f"{trace.kind} {trace.property}"
    return f"{'reaches' if trace.kind == 'sometimes' else 'violates'} {trace.property}"


def _take(counted: Counter[Any], message: Any) -> bool:
    """Take one of the counted messages, if there is one left."""
    if not counted[message]:
        return False
    counted[message] -= 1
    return True
