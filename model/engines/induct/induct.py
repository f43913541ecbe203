"""Induction in a bounded instance: the obligations of the parametric proof, each decided by one query over bit vectors."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import z3
from attrs import define, field, frozen

from model.engines.formulas import value_in
from model.engines.induct.counterexample import Counterexample, confirm
from model.engines.induct.instance import Instance
from model.engines.induct.reach import MOST_STATES, Reach, reach
from model.engines.prove.goals import Goal
from model.engines.prove.obligations import (
    DERIVED,
    INIT,
    UNIQUE,
    Induction,
    Obligation,
    Step,
    exact_majorities,
)
from model.engines.source import Budget, Clock, Progress, Report, replayed
from model.engines.verdict import HOLDS, UNKNOWN, VIOLATED, PropertyVerdict, SpecTrace, TraceStep, Verdict, overall
from model.language import Bounds, Property, Spec
from model.language.declare import STALE
from model.language.graph import Term
from model.language.hints import Hints
from model.language.plain import Stepper
from model.language.trace import trace

LIMIT = 400_000_000
"""Z3's resource units per query, some minutes: a query that needs more is `unknown`."""


@frozen
class Failure:
    """An obligation that does not hold: where, of which lemma; with the counterexample where it is a step."""

    place: str
    claim: str
    why: str
    counterexample: Counterexample | None = None


@frozen
class InductionResult:
    """What the queries said: `failures`, paths that no state within bounds that satisfies the lemmas enables, and how many were asked."""

    failures: tuple[Failure, ...]
    idle: tuple[str, ...]
    queries: int
    frames: int
    asked: Mapping[str, int]
    complete: bool = True


@define(eq=False)
class _Run:
    """One induction in one instance."""

    induction: Induction
    instance: Instance
    properties: Mapping[str, Property]
    solver: Any = field(init=False)

    def __attrs_post_init__(self) -> None:
        solver = z3.SolverFor("QF_BV", ctx=self.instance.context)
        solver.set(rlimit=LIMIT)
        solver.add(list(self.instance.states()))
        self.solver = solver

    def lemmas(self, names: tuple[str, ...]) -> list[Any]:
        """The lemmas of these names as formulas about the state before."""
        return [self.instance.claim(self.induction.lemmas[n]) for n in names]

    def enter(self, step: Step) -> None:
        """Suppose the step."""
        instance = self.instance
        for term in step.given:
            self.solver.add(instance.claim(term))
        for variable in (*self.parameters(step), *(w.var for w in step.witnesses)):
            self.solver.add(instance.within(instance.open(variable), variable.sort))
        for term in exact_majorities(self.induction.traced, step):
            self.solver.add(instance.claim(term))
        self.solver.add(list(instance.within_bounds(step.transition)))

    def parameters(self, step: Step) -> list[Term]:
        """The variables of a step's parameters."""
        (action,) = (a for a in self.induction.traced.actions if a.name == step.action)
        return [v for p in action.parameters for v in p.variables]

    def ask(self, goals: tuple[Goal, ...]) -> Any:
        """Whether some goal can fail. Leaves the denial of the goals in the solver."""
        graph, instance = self.induction.traced.graph, self.instance
        denials = []
        for goal in goals:
            natural = [instance.within(instance.open(v), v.sort) for v in goal.arbitrary.values()]
            given = [instance.claim(h) for h in goal.hypotheses]
            denials.append(z3.And(*natural, *given, instance.claim(graph.negation(goal.conclusion))))
        self.solver.add(z3.Or(*denials))
        return self.check()

    def check(self) -> Any:
        """What Z3 says; it turns an interrupt into an answer that it has none, and we turn it back."""
        found = self.solver.check()
        if found == z3.unknown and "keyboard" in self.solver.reason_unknown():
            raise KeyboardInterrupt
        return found

    def simplest(self, step: Step) -> Any:
        """A model of the last query in which as much as possible is as in the initial state; wish by wish, so not the least."""
        instance, model = self.instance, self.solver.model()
        low, granted = instance.layout.default(), list[Any]()
        wishes = [z3.Not(slot.there) for slots in instance.slots.values() for slot in slots]
        wishes += [leaf == low[place] for place, leaf in reversed(instance.leaves.items())]
        wishes += [leaf <= 1 for leaf in instance.leaves.values() if not z3.is_bool(leaf)]
        fields = [instance.formula(f) for slots in instance.slots.values() for slot in slots for f in slot.fields]
        open_ = [*(instance.open(v) for v in self.parameters(step)), *fields]
        wishes += [z3.Not(v) if z3.is_bool(v) else v == 0 for v in open_]
        for wish in wishes:
            if not z3.is_true(model.eval(wish, model_completion=True)):
                if self.solver.check(*granted, wish) != z3.sat:
                    continue
                model = self.solver.model()
            granted.append(wish)
        return model

    def counterexample(self, obligation: Obligation) -> Counterexample:
        """A model of the last query as a state and a step, confirmed by the plain reading."""
        assert obligation.step is not None
        instance, traced = self.instance, self.induction.traced
        model = self.simplest(obligation.step)

        def value(expression: Any) -> int:
            return value_in(model, expression)

        flat: list[Any] = [
            value(instance.leaves[i]) if i in instance.leaves else () for i in range(instance.layout.width)
        ]
        for name, slots in instance.slots.items():
            messages = {tuple(value(instance.formula(f)) for f in x.fields) for x in slots if value(x.there)}
            flat[instance.layout.networks[name]] = tuple(sorted(messages))
        (action,) = (a for a in traced.actions if a.name == obligation.step.action)
        args = tuple(
            instance.codec.whole(tuple(value(instance.open(v)) for v in p.variables), p.parameter.sort)
            for p in action.parameters
        )
        lemmas = {n: self.properties[n] for n in self.induction.inductive}
        before = instance.layout.plain(tuple(flat))
        return confirm(traced.spec, instance.bounds, lemmas, obligation.claim, action.name, before, args)


def run_induction(
    spec: Spec,
    hints: Hints,
    bounds: Bounds,
    *,
    clock: Clock,
    budget: Budget | None = None,
    report: Report | None = None,
    only: Collection[tuple[str, str]] | None = None,
    first: bool = False,
) -> InductionResult:
    """Ask whether a spec's lemmas are inductive within bounds; every lemma that is not comes with a counterexample.

    `only`: nothing but these obligations (place, claim). `first`: enough is asked when one counterexample is found. A used-up budget
    or an interrupt ends it early: the result is not complete.
    Raises Disagreement if the plain reading does not confirm a counterexample.
    """
    traced = trace(spec)
    induction = Induction.of(traced, hints)
    instance = Instance(traced, bounds)
    run = _Run(induction, instance, {p.name: p for p in spec.properties})
    failures = list(_initially(spec, bounds, induction))
    idle: list[str] = []
    queries, frames, complete, started = 0, 0, True, clock()
    asked = {a.name: 0 for a in spec.actions}
    for obligation in induction.derivations():
        if only is not None and (DERIVED, obligation.claim) not in only:
            continue
        run.solver.push()
        run.solver.add(run.lemmas(obligation.hypotheses))
        if (found := run.ask(obligation.goals)) != z3.unsat:
            why = _why(found, f"does not follow from {', '.join(obligation.hypotheses)}")
            failures.append(Failure(DERIVED, obligation.claim, why))
        run.solver.pop()
        queries += 1
    run.solver.add(run.lemmas(induction.inductive))
    places = {place for place, _ in only} if only is not None else None
    try:
        for step in induction.steps():
            spent = clock() - started
            if budget is not None and budget.seconds is not None and spent > budget.seconds:
                complete = False
                break
            if places is not None and step.place not in places:
                continue
            if first and any(failure.counterexample is not None for failure in failures):
                break
            if report is not None:
                report(Progress(0, 0, 0, 0, spent, note=f"{step.place}  {queries} queries  {spent:.0f} s"))
            run.solver.push()
            run.enter(step)
            if only is None and (enabled := run.check()) != z3.sat:
                idle.append(step.place if enabled == z3.unsat else f"{step.place} (not decided)")
            for obligation in induction.kept_by(step):
                if only is not None and (step.place, obligation.claim) not in only:
                    continue
                if obligation.frame:
                    frames += 1
                    continue
                if not obligation.goals:
                    continue
                run.solver.push()
                found = run.ask(obligation.goals)
                queries, asked[step.action] = queries + 1, asked[step.action] + 1
                if found != z3.unsat:
                    failures.append(_failure(run, obligation, found))
                run.solver.pop()
            run.solver.pop()
    except KeyboardInterrupt:
        complete = False
    return InductionResult(tuple(failures), tuple(idle), queries, frames, asked, complete)


def is_kept(
    spec: Spec, hints: Hints, bounds: Bounds, lemma: str, *, clock: Clock, budget: Budget | None = None
) -> InductionResult:
    """Ask of one lemma alone whether every step keeps it, from states in which all lemmas hold, up to the first that does not."""
    bounds = {**bounds, **({STALE: 1} if STALE in bounds else {})}
    only = [(f"{a.name}/{t.path}", lemma) for a in trace(spec).actions for t in a.transitions]
    return run_induction(spec, hints, bounds, clock=clock, budget=budget, only=only, first=True)


def _initially(spec: Spec, bounds: Bounds, induction: Induction) -> Iterator[Failure]:
    """The lemmas that are false in the initial state."""
    stepper = Stepper(spec, bounds, coverage=False)
    initial = stepper.initial()
    for prop in spec.properties:
        if prop.name in induction.inductive and not stepper.holds(prop, initial):
            yield Failure(INIT, prop.name, "false in the initial state")


def _why(found: Any, false: str) -> str:
    return false if found == z3.sat else "not decided within the limit"


def _failure(run: _Run, obligation: Obligation, found: Any) -> Failure:
    why = _why(found, "not kept")
    if found != z3.sat or obligation.claim.startswith(f"{UNIQUE} "):
        return Failure(obligation.place, obligation.claim, _why(found, "not the only one"))
    return Failure(obligation.place, obligation.claim, why, run.counterexample(obligation))


def induct(
    spec: Spec,
    hints: Hints,
    bounds: Bounds,
    *,
    clock: Clock,
    budget: Budget | None = None,
    report: Report | None = None,
    most: int = MOST_STATES,
) -> Verdict:
    """The verdict on a spec's `always` properties by induction within bounds.

    A lemma that is not kept from some state is violated if the state is among the first `most` that can be reached (its trace then leads
    there, and one step further); else it is `unknown`, and so is everything that rests on it. The rung is *inductive*.
    """
    started = clock()
    bounds = {**bounds, **({STALE: 1} if STALE in bounds else {})}
    result = run_induction(spec, hints, bounds, clock=clock, budget=budget, report=report)
    failed = {f.claim: f for f in reversed(result.failures)}
    why = "" if result.complete else "budget used up, or interrupted"
    if result.failures:
        why = f"not inductive: {', '.join(dict.fromkeys(f'{f.place} × {f.claim}' for f in result.failures))}"
    elif result.idle:
        why = f"never enabled by a state within bounds that satisfies the lemmas: {', '.join(result.idle)}"
    states = [f.counterexample.before for f in failed.values() if f.counterexample is not None]
    until = None if budget is None or budget.seconds is None else started + budget.seconds
    met = reach(trace(spec), bounds, states, most=most, clock=clock, until=until) if states else Reach({}, True, 0)
    verdicts = tuple(_settle(spec, bounds, p, failed.get(p.name), why, met) for p in spec.properties)
    return Verdict(
        spec=spec.name,
        engine="induct",
        bounds=dict(bounds),
        verdict=overall(verdicts),
        reason=why,
        rung="inductive",
        properties=verdicts,
        distinct=0,
        generated=0,
        depth=0,
        seconds=clock() - started,
        coverage=result.asked,
        spec_hash=spec.digest(),
        bug=spec.bug,
    )


def _settle(
    spec: Spec, bounds: Bounds, prop: Property, failure: Failure | None, why: str, met: Reach
) -> PropertyVerdict:
    if prop.kind != "always":
        return PropertyVerdict(prop.name, prop.kind, UNKNOWN, "induction is for `always` properties")
    if failure is None:
        return PropertyVerdict(prop.name, prop.kind, UNKNOWN if why else HOLDS, why)
    if failure.place == INIT:
        initial = Stepper(spec, bounds, coverage=False).initial()
        return PropertyVerdict(prop.name, prop.kind, VIOLATED, failure.why, SpecTrace((), (initial,)))
    found, said = failure.counterexample, f"{failure.place}: {failure.why}"
    if found is None:
        return PropertyVerdict(prop.name, prop.kind, UNKNOWN, said)
    if found.before in met.paths:
        path = met.paths[found.before]
        steps = (*path.steps, TraceStep(found.action, found.args))
        return PropertyVerdict(prop.name, prop.kind, VIOLATED, said, replayed(spec, bounds, steps))
    return PropertyVerdict(prop.name, prop.kind, UNKNOWN, f"{said}\n{found}\nthe state is {met.of(found.before)}")


__all__ = ["LIMIT", "Failure", "InductionResult", "induct", "is_kept", "run_induction"]
