"""Bounded model checking of a spec: every run of at most so many steps, step by step, as one growing formula.

The schedule is free (each step is any action with any arguments), or a *skeleton* says which actions are taken and the solver chooses
what it leaves open. Runs start in the initial state, or where a given path ends. Every run that is reported has been taken in the
plain reading; that no run was found means that there is none, within the bounds and the number of steps.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import z3
from attrs import define, field, frozen

from model.engines.bmc.unroll import Unrolling
from model.engines.formulas import equals
from model.engines.source import Budget, Clock, Progress, Record, Report, replayed
from model.engines.verdict import SpecTrace, TraceStep, Verdict, overall
from model.language import Property, Spec, unknown
from model.language.ground import Expander
from model.language.plain import Stepper
from model.language.spec import Action
from model.language.trace import trace

ENGINE, RUNG = "bmc", "bounded model checking"


@frozen
class Call:
    """A step of a skeleton: an action, and per parameter a plain value or FREE."""

    action: str
    args: tuple[Any, ...] = ()


class Free:
    """Stands for an argument that the solver chooses."""

    def __repr__(self) -> str:
        return "_"


FREE = Free()


class _Stop(Exception):
    """The search ends early; the message says why."""


@define
class _Search:
    """One search: `solver` has the run so far, `deepest` is the number of its steps."""

    spec: Spec
    bounds: Mapping[str, int]
    record: Record
    unrolling: Unrolling
    start: tuple[TraceStep, ...]
    clock: Clock
    budget: Budget
    report: Report | None
    skeleton: tuple[Call, ...] | None
    solver: Any = field(init=False)
    started: float = field(init=False)
    asked: int = 0
    deepest: int = 0

    def __attrs_post_init__(self) -> None:
        self.started = self.clock()
        self.solver = z3.SolverFor("QF_FD", ctx=self.unrolling.vectors.context)

    # ---- the solver
    def ask(self, *more: Any) -> Any:
        """The model of the run so far and of these formulas, or None if there is none. _Stop if that is not decided."""
        if self.budget.seconds is not None:
            left = self.budget.seconds - (self.clock() - self.started)
            if left <= 0:
                raise _Stop(f"budget used up at depth {self.deepest}")
            self.solver.set(timeout=max(1, int(left * 1000)))
        if self.report is not None:
            spent = self.clock() - self.started
            self.report(
                Progress(
                    0, 0, self.deepest, 0, spent, note=f"depth {self.deepest}  {self.asked} queries  {spent:.0f} s"
                )
            )
        self.asked += 1
        self.solver.push()
        try:
            self.solver.add(*more)
            found = self.solver.check()
            if found == z3.unknown and "keyboard" in self.solver.reason_unknown():
                raise KeyboardInterrupt  # Z3 turns an interrupt into an answer that it has none
            if found == z3.unknown:
                timeout = self.budget.seconds is not None and self.clock() - self.started >= 0.95 * self.budget.seconds
                why = "budget used up" if timeout else f"not decided ({self.solver.reason_unknown()})"
                raise _Stop(f"{why} at depth {self.deepest}")
            return self.solver.model() if found == z3.sat else None
        finally:
            self.solver.pop()

    def path(self, model: Any) -> SpecTrace:
        """The run of a model, after the path that it starts from, in the plain reading."""
        taken = tuple(self.unrolling.read(model, i) for i in range(self.deepest))
        return replayed(self.spec, self.bounds, (*self.start, *taken))

    # ---- one depth
    def advance(self) -> bool:
        """One more step; whether some run has so many."""
        self.solver.add(self.unrolling.extend())
        if self.skeleton is not None:
            self.solver.add(self._called(self.skeleton[self.deepest]))
        self.deepest += 1
        model = self.ask()
        if model is None:
            return False
        self._fires(model)
        idle = self._idle()
        while idle and (model := self.ask(z3.Or(*(self._takes(name) for name in idle)))) is not None:
            self._fires(model)
            idle = self._idle()
        return True

    def _idle(self) -> list[str]:
        fired = zip(self.spec.actions, self.record.fired, strict=True)
        return [] if self.skeleton is not None else [a.name for a, times in fired if not times]

    def _takes(self, name: str) -> Any:
        own = [m for m in self.unrolling.moves if m.action.name == name]
        return z3.Or(self.unrolling.vectors.truth(False), *(self.unrolling.flag(m, self.deepest - 1) for m in own))

    def _fires(self, model: Any) -> None:
        name = self.unrolling.read(model, self.deepest - 1).action
        self.record.fired[[a.name for a in self.spec.actions].index(name)] += 1

    def _called(self, call: Call) -> Any:
        """That a step is the one that the skeleton says."""
        unrolling, codec = self.unrolling, self.unrolling.expander.codec
        formulas = unrolling.moments[-2].formulas
        found = []
        for move in unrolling.moves:
            if move.action.name == call.action:
                fixed = []
                for owned, p, value in zip(move.parameters, move.action.action.parameters, call.args, strict=True):
                    if value is not FREE:
                        given = codec.flat(value, p.sort)
                        fixed += [equals(formulas.formula(t), v) for t, v in zip(owned, given, strict=True)]
                found.append(z3.And(unrolling.flag(move, self.deepest), *fixed))
        return z3.Or(unrolling.vectors.truth(False), *found)

    def look(self) -> None:
        """Look at the properties at this depth; _Stop at the first violation."""
        claims = [p for p in (*self.record.always, *self.record.steps) if p.states <= self.deepest + 1]
        if claims:
            denials = [self.unrolling.claim(p.name, p.states, expected=False) for p in claims]
            if (model := self.ask(z3.Or(*denials))) is not None:
                path = self.path(model)
                stepper = Stepper(self.spec, self.bounds, coverage=False)
                false = (p for p in claims if not stepper.holds(p, *path.states[-p.states :]))
                broken = next(false, claims[0])  # none: the record says that the readings disagree
                self.record.violated(broken, path)
                raise _Stop(f"stopped at the violation of {broken.name}")
            self.solver.add(z3.Not(z3.Or(*denials)))  # known now: it spares the solver finding it out again
        for prop in tuple(self.record.wanted):
            if prop.states <= self.deepest + 1:
                model = self.ask(self.unrolling.claim(prop.name, prop.states, expected=True))
                if model is not None:
                    self.record.reached(prop, self.path(model))

    def run(self, depth: int) -> tuple[bool, bool, str]:
        """Search up to a depth: whether all of that was done, whether no run is longer, and the reason of what is not settled."""
        try:
            self.look()
            for place in range(depth):
                if not self.advance():
                    self.deepest -= 1
                    if self.skeleton is None:
                        return True, True, ""
                    return False, False, f"no run takes step {place + 1} of the skeleton, {self.skeleton[place].action}"
                self.look()
        except _Stop as stop:
            return False, False, str(stop)
        except KeyboardInterrupt:
            return False, False, f"interrupted at depth {self.deepest}"
        where = "along the skeleton" if self.skeleton is not None else f"within {depth} steps"
        return True, False, f"not reached {where}"


def check_bounded(
    spec: Spec,
    bounds: Mapping[str, int],
    properties: tuple[Property, ...],
    *,
    depth: int,
    skeleton: Sequence[Call] | None = None,
    start: Sequence[TraceStep] = (),
    clock: Clock,
    budget: Budget | None = None,
    report: Report | None = None,
) -> Verdict:
    """The verdict on properties (always, step, sometimes) in every run of at most `depth` steps, on the rung *bounded model checking*.

    `start`: the steps that lead to the state in which runs begin. `skeleton`: the runs are those that take these actions, and
    `depth` does not matter; if there is none, nothing is settled. The search stops at the first violation, whose trace has a least number
    of steps. In `coverage` are runs that the solver has shown, by their last action. A used-up budget or an interrupt gives `unknown`.
    Raises LookupError for an action of the skeleton, or an argument, that the spec has not.
    """
    chosen = None if skeleton is None else tuple(complete(spec, bounds, call) for call in skeleton)
    begun = clock()
    traced = trace(spec)
    expander = Expander(traced, bounds)
    first = replayed(spec, bounds, tuple(start)).states[-1]
    alike = chosen is None and not start
    unrolling = Unrolling.of(traced, expander, expander.layout.flat(first), symmetric=alike)
    record = Record(Stepper(spec, bounds, coverage=False), properties)
    search = _Search(spec, bounds, record, unrolling, tuple(start), clock, budget or Budget(), report, chosen)
    steps = depth if chosen is None else len(chosen)
    complete_, exhaustive, why = search.run(steps)
    verdicts = record.finish(complete=complete_, why=why, exhaustive=exhaustive)
    return Verdict(
        spec=spec.name,
        engine=ENGINE,
        bounds=dict(bounds),
        verdict=overall(verdicts),
        reason="" if complete_ else why,
        rung=RUNG,
        properties=verdicts,
        distinct=0,
        generated=0,
        depth=search.deepest,
        seconds=clock() - begun,
        coverage=record.coverage(),
        spec_hash=spec.digest(),
        bug=spec.bug,
    )


def complete(spec: Spec, bounds: Mapping[str, int], call: Call) -> Call:
    """A step of a skeleton with all its arguments; LookupError if the spec has no such action, or it does not take them."""
    names = [a.name for a in spec.actions]
    if call.action not in names:
        raise LookupError(unknown("action", call.action, names, f"of spec {spec.name}"))
    action: Action = next(a for a in spec.actions if a.name == call.action)
    takes = len(action.parameters)
    if call.args and len(call.args) != takes:
        named = ", ".join(f"{p.name}: {p.sort!r}" for p in action.parameters)
        raise LookupError(f"{call.action} takes {takes} arguments ({named}), not {len(call.args)}")
    return Call(call.action, call.args or (FREE,) * takes)


__all__ = ["FREE", "Call", "check_bounded", "complete"]
