"""Traces to TLC and back: is our counterexample a behaviour of the exported module, and is TLC's a path of our spec?"""

import json
from collections.abc import Iterator, Mapping

from attrs import field, frozen

from model.engines.export.layout import Bullets, Doc, Headed, Listing, Names, Text, lay
from model.engines.export.tla import RULER, TlaModule
from model.engines.export.values import Json, TlcTraceError, Values
from model.engines.source import replayed
from model.engines.verdict import SpecTrace, TraceStep
from model.language import Bounds
from model.language.plain import Frozen, Stepper


@frozen
class TraceModule:
    """A module that extends an exported one and follows a trace. TLC finds `invariant` violated iff the trace is a behaviour."""

    name: str
    text: str = field(repr=False)
    cfg: str = field(repr=False)
    invariant: str


def trace_module(module: TlaModule, bounds: Bounds, trace: SpecTrace) -> TraceModule:
    """The module that follows `trace`, a path of the exported spec within complete bounds: each step by its action, to its state."""
    words = module.words
    values = Values(words, bounds)
    with words.scope.inner():
        name, states, after, start, go, invariant, step, i = words.scope.claim_all(
            (f"{module.name}Trace", "States", "After", "TraceInit", "TraceNext", "NotReplayed", "step", "i")
        )
        constants = values.constants()
        records = (Listing("[", tuple(Text(f"{n} |-> {t}") for n, t in values.state(s)), "]") for s in trace.states)
        here = Bullets(tuple(Text(f"{n} = {states}[1].{n}") for n in words.names))
        there: list[Doc] = [Text(f"{step}' = {i}"), *(Text(f"{n}' = {states}[{i}].{n}") for n in words.names)]
        steps = [
            f"  \\/ {step} = {place} /\\ {_call(module, values, taken)} /\\ {after}({place + 1})"
            for place, taken in enumerate(trace.steps, start=1)
        ]
        title = f" MODULE {name} "
        dashes = "-" * ((RULER - len(title)) // 2)
        parts = [
            f"{dashes}{title}{dashes}\nEXTENDS {module.name}, TLC",
            *(["\n".join(lay(Names("CONSTANTS ", constants, ""), 0))] if constants else []),
            f"VARIABLE {step}",
            "\n".join([f"{states} ==", *_indented(Listing("<<", tuple(records), ">>"))]),
            "\n".join(Headed(f"{start} == {words.init} /\\ {step} = 1 /\\", here).broken(0)),
            "\n".join(Headed(f"{after}({i}) ==", Bullets(tuple(there))).broken(0)),
            "\n".join([f"{go} ==", *(steps or ["  FALSE"])]),
            f"\\* Violated iff the trace is a behaviour.\n{invariant} == {step} < Len({states})",
        ]
    given = module.cfg.split("\nSPECIFICATION", maxsplit=1)[0].splitlines()
    given += [f"  {c} = {c}" for c in constants]
    cfg = [*given, "", f"INIT {start}", f"NEXT {go}", "CHECK_DEADLOCK FALSE", "", f"INVARIANT {invariant}"]
    return TraceModule(name, "\n\n".join(parts) + f"\n\n{'=' * RULER}\n", "\n".join(cfg) + "\n", invariant)


def _indented(doc: Doc) -> Iterator[str]:
    first, *others = lay(doc, 2)
    yield f"  {first}"
    yield from others


def _call(module: TlaModule, values: Values, taken: TraceStep) -> str:
    """The action of a step with its arguments; messages are quantified inside of the action."""
    action = next(a for a in module.words.traced.spec.actions if a.name == taken.action)
    pairs = zip(action.parameters, taken.args, strict=True)
    args = [values.text(p.sort, a) for p, a in pairs if p.network is None]
    return module.actions[action.name] + (f"({', '.join(args)})" if args else "")


def read_tlc_trace(module: TlaModule, bounds: Bounds, text: str) -> SpecTrace:
    """The path that TLC dumped (`-dumpTrace json`) for an exported module within complete bounds.

    Every step is taken in the plain reading: an action of that name has to lead from state to state. TlcTraceError says where one
    does not.
    """
    spec = module.words.traced.spec
    values, stepper = Values(module.words, bounds), Stepper(spec, bounds, coverage=False)
    names = {operator: action for action, operator in module.actions.items()}
    rows = _rows(text)
    state = stepper.initial()
    if rows and _decoded(values, rows[0][0], 1) != state:
        raise TlcTraceError("state 1: not the initial state of the spec")
    steps: list[TraceStep] = []
    for place, (_, operator, after) in enumerate(rows, start=1):
        wanted = _decoded(values, after, place + 1)
        action = names.get(operator)
        found = next(
            ((a, new) for i, a, new in stepper.successors(state) if new == wanted and spec.actions[i].name == action),
            None,
        )
        if action is None or found is None:
            raise TlcTraceError(f"step {place}: no {operator} leads to state {place + 1}")
        steps.append(TraceStep(action, found[0]))
        state = found[1]
    return replayed(spec, bounds, tuple(steps))


def _decoded(values: Values, state: Mapping[str, Json], number: int) -> Frozen:
    try:
        return values.decoded(state)
    except TlcTraceError as error:
        raise TlcTraceError(f"state {number}: {error}") from None


def _rows(text: str) -> list[tuple[Mapping[str, Json], str, Mapping[str, Json]]]:
    """(state, operator, next state) per step; what leads back or nowhere is left out."""
    try:
        rows = json.loads(text)["counterexample"]["action"]
        return [(a[1], step["name"], b[1]) for a, step, b in rows if b[0] > a[0]]
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise TlcTraceError(f"not a counterexample in TLC's JSON: {error!r}") from None
