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
    """A module that extends an exported one and follows a trace. TLC finds `violated` violated iff the trace is what it should be."""

    name: str
    text: str = field(repr=False)
    cfg: str = field(repr=False)
    violated: str


def trace_module(module: TlaModule, bounds: Bounds, trace: SpecTrace) -> TraceModule:
    """The module that follows `trace`, a path of the exported spec within complete bounds: each step by its action, to its state.

    TLC finds it violated iff the trace is a behaviour.
    """
    with module.words.scope.inner():
        follower = _Follower(module, bounds, trace)
        (invariant,) = module.words.scope.claim_all(("NotReplayed",))
        last = f"\\* Violated iff the trace is a behaviour.\n{invariant} == {follower.step} < Len({follower.states})"
        asked = [f"INIT {follower.start}", f"NEXT {follower.go}", "CHECK_DEADLOCK FALSE", "", f"INVARIANT {invariant}"]
        return follower.module(module.name, [], last, asked, invariant)


def lasso_module(module: TlaModule, bounds: Bounds, lasso: SpecTrace, claim: str) -> TraceModule:
    """The module that follows a lasso, which should violate the `eventually` of this name, for ever.

    TLC finds it violated iff the lasso is a fair behaviour that violates it.
    """
    assert module.fair is not None, "a spec with liveness has a module that says what is fair"
    assert lasso.loop is not None, "a violation of liveness is a lasso"
    with module.words.scope.inner():
        follower = _Follower(module, bounds, lasso)
        (behaviour,) = module.words.scope.claim_all(("TraceSpec",))
        everything = f"<<{follower.step}, {module.words.vars}>>"
        stays = lasso.loop == len(lasso.steps)
        closing = f"UNCHANGED {everything}" if stays else f"{module.words.next} /\\ {follower.after}({lasso.loop + 1})"
        last = (
            f"{behaviour} == {follower.start} /\\ [][{follower.go}]_{everything} /\\ WF_{everything}({follower.go})"
            " /\\ Fairness"
        )
        property_ = module.properties[claim]
        asked = [f"SPECIFICATION {behaviour}", "CHECK_DEADLOCK FALSE", "", f"PROPERTY {property_}"]
        further = [f"  \\/ {follower.step} = {len(lasso.states)} /\\ {closing}"]
        return follower.module(module.fair.name, further, last, asked, property_)


class _Follower:
    """What follows a trace: names that nothing else has, and the text. To be used within a scope of the module's words."""

    def __init__(self, module: TlaModule, bounds: Bounds, trace: SpecTrace) -> None:
        self._module, self._trace, self._values = module, trace, Values(module.words, bounds)
        self._constants = self._values.constants()
        self.name, self.states, self.after, self.start, self.go, self.step, self._i = module.words.scope.claim_all(
            (f"{module.name}Trace", "States", "After", "TraceInit", "TraceNext", "step", "i")
        )

    def module(self, extended: str, further: list[str], last: str, asked: list[str], violated: str) -> TraceModule:
        """The module on top of another one, with further steps, a last definition, and what is asked of TLC."""
        names, i = self._module.words.names, self._i
        records = (
            Listing("[", tuple(Text(f"{n} |-> {t}") for n, t in self._values.state(s)), "]") for s in self._trace.states
        )
        here = Bullets(tuple(Text(f"{n} = {self.states}[1].{n}") for n in names))
        there: list[Doc] = [Text(f"{self.step}' = {i}"), *(Text(f"{n}' = {self.states}[{i}].{n}") for n in names)]
        steps = [
            f"  \\/ {self.step} = {place} /\\ {_call(self._module, self._values, taken)} /\\ {self.after}({place + 1})"
            for place, taken in enumerate(self._trace.steps, start=1)
        ]
        title = f" MODULE {self.name} "
        dashes = "-" * ((RULER - len(title)) // 2)
        constants = self._constants
        parts = [
            f"{dashes}{title}{dashes}\nEXTENDS {extended}, TLC",
            *(["\n".join(lay(Names("CONSTANTS ", constants, ""), 0))] if constants else []),
            f"VARIABLE {self.step}",
            "\n".join([f"{self.states} ==", *_indented(Listing("<<", tuple(records), ">>"))]),
            "\n".join(Headed(f"{self.start} == {self._module.words.init} /\\ {self.step} = 1 /\\", here).broken(0)),
            "\n".join(Headed(f"{self.after}({i}) ==", Bullets(tuple(there))).broken(0)),
            "\n".join([f"{self.go} ==", *([*steps, *further] or ["  FALSE"])]),
            last,
        ]
        given = f"\n{self._module.cfg}".split("\nSPECIFICATION", maxsplit=1)[0].strip().splitlines()
        cfg = [*given, *(f"  {c} = {c}" for c in constants), "", *asked]
        return TraceModule(self.name, "\n\n".join(parts) + f"\n\n{'=' * RULER}\n", "\n".join(cfg) + "\n", violated)


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
