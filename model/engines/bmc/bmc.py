"""Bounded model checking of a spec: is there a run of at most so many steps to a state that breaks, or reaches, a property?"""

from collections.abc import Sequence

import z3

from model.engines.bmc.unroll import Move, Unrolling
from model.engines.induct.instance import Instance
from model.engines.prove.obligations import Induction
from model.engines.source import Disagreement, replayed
from model.engines.verdict import SpecTrace
from model.language import Bounds, Property, Spec
from model.language.declare import STALE
from model.language.graph import Term
from model.language.hints import Hints
from model.language.plain import Stepper
from model.language.trace import trace


class Checker:
    """Finds runs of a spec within bounds. Every run that it gives has been taken in the plain reading.

    Under the bound `stale`, every message ever sent may still arrive: the runs are those of `stale=1`.
    """

    def __init__(self, spec: Spec, bounds: Bounds) -> None:
        self.spec = spec
        self.bounds: Bounds = {**bounds, **({STALE: 1} if STALE in bounds else {})}
        traced = trace(spec)
        self._claims = {p.property.name: p.term for p in traced.properties}
        self._unrolling = Unrolling(Induction.of(traced, Hints()), Instance(traced, self.bounds))

    def violation(self, prop: Property, steps: int) -> SpecTrace | None:
        """A shortest run of at most `steps` steps to a state in which the property is false; None if none was found."""
        return self._search(prop, steps, expected=False)

    def reaches(self, prop: Property, steps: int) -> SpecTrace | None:
        """A shortest run of at most `steps` steps to a state in which the property is true; None if none was found."""
        return self._search(prop, steps, expected=True)

    def scenario(self, prop: Property, actions: Sequence[str], *, expected: bool = True) -> SpecTrace | None:
        """A run of exactly these actions to a state in which the property is true (or false): only parameters are searched for."""
        unrolling, solver = self._unrolling, self._start()
        choices: list[list[Move]] = []
        for moment, name in enumerate(actions):
            choices.append([m for m in unrolling.moves if m.step.action == name])
            if not choices[-1]:
                raise LookupError(f"{self.spec.name} has no action {name!r}")
            solver.add(z3.Or(*(self._chosen(m, moment) for m in choices[-1])))
        solver.add(unrolling.at(self._goal(prop, expected), len(actions)))
        return self._run(solver, choices, prop, expected) if solver.check() == z3.sat else None

    def _search(self, prop: Property, steps: int, *, expected: bool) -> SpecTrace | None:
        unrolling, solver = self._unrolling, self._start()
        goal = self._goal(prop, expected)
        moves = list(unrolling.moves)
        for moment in range(steps + 1):
            solver.push()
            solver.add(unrolling.at(goal, moment))
            if solver.check() == z3.sat:
                return self._run(solver, [moves] * moment, prop, expected)
            solver.pop()
            solver.add(z3.Or(*(self._chosen(m, moment) for m in moves)))
        return None

    def _start(self) -> z3.Solver:
        solver = z3.SolverFor("QF_BV", ctx=self._unrolling.instance.context)
        solver.add(self._unrolling.initial())
        return solver

    def _goal(self, prop: Property, expected: bool) -> z3.BoolRef:
        graph = self._unrolling.induction.traced.graph
        claim: Term = self._claims[prop.name]
        return self._unrolling.instance.claim(claim if expected else graph.negation(claim))

    def _chosen(self, move: Move, moment: int) -> z3.BoolRef:
        """That a move is the one taken at a moment."""
        return z3.And(self._flag(move, moment), self._unrolling.taken(move, moment))

    def _flag(self, move: Move, moment: int) -> z3.BoolRef:
        return z3.Bool(f"{move.step.place}@{moment}", self._unrolling.instance.context)

    def _run(self, solver: z3.Solver, choices: list[list[Move]], prop: Property, expected: bool) -> SpecTrace:
        """The run of the solver's model, taken in the plain reading; Disagreement if that does not confirm it."""
        model = solver.model()
        steps = []
        for moment, moves in enumerate(choices):
            taken = next(
                m
                for m in moves
                if z3.is_true(model.eval(self._flag(m, moment)))
                and z3.is_true(model.eval(self._unrolling.taken(m, moment), model_completion=True))
            )
            steps.append(self._unrolling.read(model, taken, moment))
        run = replayed(self.spec, self.bounds, tuple(steps))
        if Stepper(self.spec, self.bounds, coverage=False).holds(prop, run.states[-1]) is not expected:
            raise Disagreement(
                f"{prop.name} of {self.spec.name} is {str(not expected).lower()} in the plain reading after {len(steps)} "
                f"steps, but {str(expected).lower()} for the solver: report this as a defect of Lockstep"
            )
        return run
