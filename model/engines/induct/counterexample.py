"""A counterexample to induction in domain words: a state in which every lemma holds, and a step out of it that breaks one.

The state need not be reachable. Solvers' models are not believed: the step is taken again in the plain reading, and only what that
confirms is reported.
"""

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from model.engines.source import Disagreement
from model.language import Bounds, Disabled, Property, Spec
from model.language.declare import FnDecl
from model.language.plain import CutStep, Frozen, Stepper, format_value
from model.language.sorts import elements


@frozen
class Counterexample:
    """A state, a step and the state after it. `lemma` holds before and not after; `others` are all lemmas that the step breaks."""

    lemma: str
    action: str
    args: tuple[Any, ...]
    before: Frozen = field(repr=False)
    after: Frozen = field(repr=False)
    others: tuple[str, ...]
    lines: tuple[str, ...] = field(repr=False)

    def __str__(self) -> str:
        return "\n".join(self.lines)


def confirm(
    spec: Spec,
    bounds: Bounds,
    lemmas: Mapping[str, Property],
    lemma: str,
    action: str,
    before: Frozen,
    args: tuple[Any, ...],
) -> Counterexample:
    """The counterexample, taken in the plain reading. Raises Disagreement if the plain reading does not confirm it."""
    stepper = Stepper(spec, bounds, coverage=False)
    problem = ""
    false_before = [name for name, p in lemmas.items() if not stepper.holds(p, before)]
    if false_before:
        problem = f"{false_before[0]} is false before it"
    try:
        after = stepper.apply(before, action, args)
    except (Disabled, CutStep):
        after, problem = before, "it is not enabled"
    broken = tuple(name for name, p in lemmas.items() if not stepper.holds(p, after))
    if not problem and lemma not in broken:
        problem = f"{lemma} is true after it"
    if problem:
        raise Disagreement(
            f"a counterexample to the induction of {lemma} of {spec.name} by {action} is none in the plain reading: "
            f"{problem}; report this as a defect of Lockstep"
        )
    lines = _describe(spec, bounds, action, args, before, after)
    return Counterexample(lemma, action, args, before, after, tuple(n for n in broken if n != lemma), lines)


def _describe(
    spec: Spec, bounds: Bounds, action: str, args: tuple[Any, ...], before: Frozen, after: Frozen
) -> tuple[str, ...]:
    """The state before as far as it is not the initial one, the step, and what it changes."""
    initial = Stepper(spec, bounds, coverage=False).initial()
    (taken,) = (a for a in spec.actions if a.name == action)
    named = (f"{p.name}={format_value(v, p.sort)}" for p, v in zip(taken.parameters, args, strict=True))
    return (
        "state:",
        *(f"  {line}" for line in differences(spec, bounds, initial, before)),
        f"step: {action}({', '.join(named)})",
        "changes:",
        *(f"  {line}" for line in differences(spec, bounds, before, after)),
    )


def differences(spec: Spec, bounds: Bounds, old: Frozen, new: Frozen) -> list[str]:
    """One line per value of `new` that differs from `old`; of a network, per message that is new."""
    lines: list[str] = []
    for (name, declaration), was, now in zip(spec.state.variables.items(), old, new, strict=True):
        if not isinstance(declaration, FnDecl):
            lines += [f"{name} has {format_value(m, declaration.record)}" for m in now if m not in was]
        elif not declaration.args:
            if was != now:
                lines.append(f"{name} = {format_value(now, declaration.result)}")
        else:
            places = _places(declaration, bounds)
            lines += [
                f"{name}[{place}] = {format_value(value, declaration.result)}"
                for place, value_before, value in zip(places, was, now, strict=True)
                if value != value_before
            ]
    return lines


def _places(declaration: FnDecl, bounds: Bounds) -> list[str]:
    places = [""]
    for sort in declaration.args:
        values = [format_value(v, sort) for v in elements(sort, bounds)]
        places = [f"{place}, {v}" if place else v for place in places for v in values]
    return places
