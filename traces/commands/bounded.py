"""Bounded model checking as `lockstep check --engine bmc` runs it: where runs start, and the skeleton that they follow."""

import re
import time
from pathlib import Path
from typing import Any

from attrs import frozen

from model.engines.source import Budget, Disagreement, Report, replayed
from model.engines.verdict import TraceStep, Verdict
from model.language import Bounds, Property, Spec
from model.language.sorts import Bool, Enum, Node, OptionOf, Ordinal, elements
from traces.commands.report import CommandError
from traces.errors import TraceError
from traces.format import load

EXAMPLE = 'write --skeleton "start_election(n1),handle_vote_request(n2,_),handle_vote_response"'

DEPTH = 8
"""How many steps runs have, unless told otherwise."""


@frozen
class Bounded:
    """The runs of bounded model checking: how many steps, the actions that they take (None: any), and where they start (TRACE[:STEP])."""

    depth: int = DEPTH
    skeleton: str | None = None
    start: str | None = None


ANY_RUN = Bounded()
"""Runs of the default length from the initial state."""

_CALL = re.compile(r"\s*([A-Za-z_]\w*)\s*(?:\(([^()]*)\))?\s*(,|$)", re.ASCII)


def check_bmc(
    spec: Spec,
    bounds: Bounds,
    properties: tuple[Property, ...],
    runs: Bounded,
    *,
    seconds: float | None,
    report: Report | None,
) -> Verdict:
    """The verdict of bounded model checking; CommandError for a skeleton or a start that the spec does not have."""
    from model.engines.bmc.bmc import check_bounded  # noqa: PLC0415 - only provers load Z3

    try:
        return check_bounded(
            spec,
            bounds,
            properties,
            depth=runs.depth,
            skeleton=None if runs.skeleton is None else parse_skeleton(spec, bounds, runs.skeleton),
            start=() if runs.start is None else read_start(spec, bounds, runs.start),
            clock=time.process_time,
            budget=Budget(seconds=seconds),
            report=report,
        )
    except LookupError as error:
        raise CommandError(f"--skeleton: {error.args[0]}", EXAMPLE) from None


def parse_skeleton(spec: Spec, bounds: Bounds, text: str) -> tuple[Any, ...]:
    """`start_election(n1),handle_vote_request(n2,_)` as calls; `_`, or no arguments at all, leaves the choice to the solver."""
    from model.engines.bmc.bmc import FREE, Call  # noqa: PLC0415 - only provers load Z3

    calls: list[Call] = []
    at = 0
    while at < len(text):
        match = _CALL.match(text, at)
        if match is None:
            raise CommandError(f"--skeleton: cannot read {text[at:]!r}", EXAMPLE)
        name, inner, _ = match.groups()
        given = [part.strip() for part in inner.split(",")] if inner and inner.strip() else []
        action = next((a for a in spec.actions if a.name == name), None)
        if given and action is not None and len(given) == len(action.parameters):
            values = zip(given, action.parameters, strict=True)
            calls.append(Call(name, tuple(FREE if v == "_" else _value(v, p.sort, p.name, bounds) for v, p in values)))
        else:
            calls.append(Call(name, tuple(given)))  # the engine says what is wrong with it
        at = match.end()
    if not calls:
        raise CommandError("--skeleton is empty", EXAMPLE)
    return tuple(calls)


def _value(text: str, sort: Any, name: str, bounds: Bounds) -> Any:
    """An argument of a basic sort or an Option as a plain value."""
    if isinstance(sort, OptionOf):
        return None if text == "-" else _value(text, sort.sort, name, bounds)
    known: dict[str, Any] = {}
    if sort is Node:
        known = {f"n{n + 1}": n for n in elements(Node, bounds)}
    elif sort is Bool:
        known = {"false": False, "true": True}
    elif issubclass(sort, Enum):
        known = {str(m): m for m in sort.members}
    elif issubclass(sort, Ordinal):
        known = {str(n): n for n in elements(sort, bounds)}
    if text not in known:
        choice = f"one of _, {', '.join(known)}" if known else "leave it to the solver: _"
        raise CommandError(f"--skeleton: {text!r} is no {sort!r} for {name}", choice)
    return known[text]


def read_start(spec: Spec, bounds: Bounds, text: str) -> tuple[TraceStep, ...]:
    """`TRACE` or `TRACE:STEP`: the steps that lead to the state where runs begin."""
    path, colon, number = text.rpartition(":")
    if not colon or not re.fullmatch(r"\d{1,6}", number, re.ASCII):
        path, number = text, ""
    try:
        trace = load(Path(path), strict=False)
    except TraceError as error:
        raise CommandError(f"--from: {error}") from None
    if trace.spec.name != spec.name:
        raise CommandError(f"--from: {path} is a trace of {trace.spec.name}", f"check {trace.spec.name} from it")
    last = int(number) if number else len(trace.states) - 1
    if last >= len(trace.states):
        raise CommandError(f"--from: {path} has {len(trace.states) - 1} steps, not {last}", "name one of them")
    taken = (s for s in trace.states[1 : last + 1] if s.action is not None)
    steps = tuple(TraceStep(s.action, s.args) for s in taken if s.action is not None)
    try:
        replayed(spec, bounds, steps)
    except (Disagreement, LookupError, ValueError):
        remedy = f"plant its bug (--bug {trace.spec.bug}) or give its bounds" if trace.spec.bug else "give its bounds"
        raise CommandError(
            f"--from: the first {last} steps of {path} are none of {spec} within these bounds", remedy
        ) from None
    return steps


__all__ = ["ANY_RUN", "DEPTH", "Bounded", "check_bmc", "parse_skeleton", "read_start"]
