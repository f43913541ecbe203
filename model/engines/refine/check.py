"""Checking a refinement on every reachable step within bounds: breadth first, so that a failure is a shortest one.

What a step stands for depends on its arguments and on the parts of the nodes it involves, before and after; each combination is
looked at once. Involved are the nodes that the arguments name and those whose parts change. Now and then a step is looked at again
through the parts of all nodes, which must give the same.
"""

from typing import Any

from attrs import frozen

from model.engines.breadth_first import BreadthFirst, Taken
from model.engines.refine.refinement import REFINEMENT, Refinement
from model.engines.refine.simulation import Mismatch, Simulation, Stands, format_call, involved
from model.engines.refine.windows import Parts, Unseen
from model.engines.source import Budget, Clock, Disagreement, Record, Report, State, Stop, replayed
from model.engines.verdict import HOLDS, UNKNOWN, VIOLATED, PropertyVerdict, Verdict, overall
from model.language import Node, Spec
from model.language.ground_spec import GroundSpec, ground
from model.language.trace import trace

_AUDIT_EVERY = 1024
"""Of so many combinations one is looked at again through all nodes' parts."""


@frozen
class _Failure:
    """A step that is not what it should stand for: the state before, the step, and why."""

    state: int
    place: int
    args: tuple[Any, ...]
    mismatch: Mismatch


class _Search(BreadthFirst):
    """One search. `numbers`: per state the parts of its nodes, by number; `paths`: per action how often its steps stand for what."""

    def __init__(
        self, refinement: Refinement, source: GroundSpec, budget: Budget, clock: Clock, report: Report | None
    ) -> None:
        super().__init__(source.spec, budget, clock, report)
        history = refinement.with_history(source.spec)
        source = source if history is source.spec else ground(trace(history), source.bounds)
        self.source = source
        self.parts = Parts(source, refinement.reads)
        self.simulation = Simulation(refinement, source, self.parts)
        self.numbers: list[tuple[int, ...]] = []
        self.combinations = 0
        self.paths: list[dict[Stands, int]] = [{} for _ in source.spec.actions]
        self.failure: _Failure | None = None
        self.at_start: Mismatch | None = None
        self._known: dict[tuple[Any, ...], Stands] = {}
        self._nodes: list[dict[tuple[Any, ...], tuple[int, ...]]] = [{} for _ in source.spec.actions]
        self._wide: set[int] = set()
        self._sorts = [tuple(p.sort for p in a.parameters) for a in source.spec.actions]

    def begin(self) -> None:
        """See what the initial state stands for."""
        self.discover(self.source.initial())
        self.at_start = self.simulation.start(self.numbers[0])
        if self.at_start is not None:
            raise Stop("stopped at the initial state")

    def discover(self, state: State, parent: int = -1, step: Taken | None = None) -> int:
        """Number a new state and its parts."""
        self.numbers.append(self.parts.of(state))
        return super().discover(state, parent, step)

    def expand(self, number: int) -> None:
        """Take every step out of a state and see what it stands for."""
        before, index = self.numbers[number], self.index
        for place, args, new in self.source.successors(self.states[number]):
            self.generated += 1
            after = index.get(new)
            if after is None:
                after = self.discover(new, number, (place, args))
            path = self.look(number, place, args, before, self.numbers[after])
            counts = self.paths[place]
            counts[path] = counts.get(path, 0) + 1

    def look(
        self, state: int, place: int, args: tuple[Any, ...], before: tuple[int, ...], after: tuple[int, ...]
    ) -> Stands:
        """What a step stands for, from memory if it was met before."""
        nodes = self._nodes[place].get(args)
        if nodes is None:
            named = self.parts.nodes if place in self._wide else involved(args, self._sorts[place], Node)
            nodes = self._nodes[place][args] = self._with_shared(named)
        if before != after:
            nodes = self._with_changed(nodes, before, after)
        key = (place, args, nodes, *[before[n] for n in nodes], *[after[n] for n in nodes])
        path = self._known.get(key)
        if path is None:
            path = self._decided(state, place, args, nodes, before, after)
            self._known[key] = path
        return path

    def _with_shared(self, nodes: tuple[int, ...]) -> tuple[int, ...]:
        return nodes if nodes == self.parts.nodes else (*nodes, *self.parts.shared)

    @staticmethod
    def _with_changed(nodes: tuple[int, ...], before: tuple[int, ...], after: tuple[int, ...]) -> tuple[int, ...]:
        changed = [n for n, (old, new) in enumerate(zip(before, after, strict=True)) if old != new and n not in nodes]
        return tuple(sorted((*nodes, *changed))) if changed else nodes

    def _decided(
        self,
        state: int,
        place: int,
        args: tuple[Any, ...],
        nodes: tuple[int, ...],
        before: tuple[int, ...],
        after: tuple[int, ...],
    ) -> Stands:
        self.combinations += 1
        everybody = self.parts.nodes
        try:
            found = self._through(place, args, nodes, before, after)
        except Unseen:
            if nodes == everybody:
                raise
            self._wide.add(place)
            self._nodes[place].clear()
            found = self._through(place, args, everybody, before, after)
        if self.combinations % _AUDIT_EVERY == 0 or isinstance(found, Mismatch):
            again = self._through(place, args, everybody, before, after)
            if again != found and not (isinstance(again, Mismatch) and isinstance(found, Mismatch)):
                action = self.source.spec.actions[place]
                raise Disagreement(
                    f"{format_call(action, args)} of {self.source.spec.name} stands for something else if all nodes are "
                    "looked at: report this as a defect of Lockstep"
                )
        if isinstance(found, Mismatch):
            self.failure = _Failure(state, place, args, found)
            raise Stop(f"stopped at a step of {self.source.spec.actions[place].name} that does not refine")
        return found

    def _through(
        self, place: int, args: tuple[Any, ...], nodes: tuple[int, ...], before: tuple[int, ...], after: tuple[int, ...]
    ) -> Stands | Mismatch:
        return self.simulation.step(place, args, nodes, tuple(before[n] for n in nodes), tuple(after[n] for n in nodes))


def refine(
    refinement: Refinement,
    source: GroundSpec,
    *,
    clock: Clock,
    budget: Budget | None = None,
    report: Report | None = None,
) -> Verdict:
    """Check that every reachable step of a spec within bounds refines, and give the verdict.

    `clock` counts CPU seconds. The search stops at the first step that does not refine; its trace is a shortest one. An interrupt (Ctrl-C)
    or a used-up budget gives `unknown`, with what was covered. Raises SpecError for a refinement that is not whole.
    """
    search = _Search(refinement, source, budget if budget is not None else Budget(), clock, report)
    complete, why = search.search()
    spec = source.spec
    fired = {a.name: sum(counts.values()) for a, counts in zip(spec.actions, search.paths, strict=True)}
    record = Record(search.source, ())
    record.fired = list(fired.values())
    claims = (
        _steps_refine(refinement, spec, search, complete, why),
        _steps_are_taken(refinement, search, complete, why),
    )
    verdicts = (*claims, *record.finish(complete=complete, why=why))
    return Verdict(
        spec=spec.name,
        engine="refine",
        bounds=dict(source.bounds),
        verdict=overall(verdicts),
        reason=why,
        rung="explored" if complete else "tested",
        properties=verdicts,
        distinct=len(search.states),
        generated=search.generated,
        depth=len(search.levels),
        seconds=clock() - search.started,
        coverage=fired,
        spec_hash=spec.digest(),
        bug=spec.bug,
        levels=tuple(search.levels),
        cut={a.name: n for a, n in zip(spec.actions, search.source.cut, strict=True)},
        paths={a.name: _named(counts) for a, counts in zip(spec.actions, search.paths, strict=True)},
    )


def _named(counts: dict[Stands, int]) -> dict[str, int]:
    """Paths in words, the most frequent first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return {", ".join(path) or "stutter": times for path, times in ordered}


def _claim(name: str, refinement: Refinement) -> str:
    return f"{name}_{refinement.abstract.name}".replace("-", "_")


def _steps_refine(refinement: Refinement, spec: Spec, search: _Search, complete: bool, why: str) -> PropertyVerdict:
    """Every step is a stutter or the abstract steps that it stands for."""
    name = _claim("every_step_refines", refinement)
    if search.at_start is not None:
        return PropertyVerdict(name, REFINEMENT, VIOLATED, f"the initial state: {search.at_start.wrong}")
    if search.failure is not None:
        failure = search.failure
        path = replayed(spec, search.source.bounds, search.way_to(failure.state, (failure.place, failure.args)))
        call = format_call(spec.actions[failure.place], failure.args)
        return PropertyVerdict(name, REFINEMENT, VIOLATED, f"{call} is not {failure.mismatch}", path)
    return PropertyVerdict(name, REFINEMENT, HOLDS if complete else UNKNOWN, _lengths(search) if complete else why)


def _lengths(search: _Search) -> str:
    """How many steps are stutters, and how many are how many abstract steps."""
    lengths: dict[int, int] = {}
    for counts in search.paths:
        for path, times in counts.items():
            lengths[len(path)] = lengths.get(len(path), 0) + times
    return ", ".join(f"{lengths[n]:,} {'stutters' if n == 0 else f'× {n}'}" for n in sorted(lengths))


def _steps_are_taken(refinement: Refinement, search: _Search, complete: bool, why: str) -> PropertyVerdict:
    """Every abstract action is taken by some step, but for those that are said not to be: else less is compared than it seems."""
    name = _claim("every_action_is_taken_of", refinement)
    taken = {action for counts in search.paths for path in counts for action in path}
    actions = [a.name for a in refinement.abstract.actions]
    idle = [a for a in actions if a not in taken and a not in refinement.unused]
    wrong = [a for a in refinement.unused if a in taken]
    if wrong:
        return PropertyVerdict(name, REFINEMENT, VIOLATED, f"said to be unused, but taken: {', '.join(wrong)}")
    if idle:
        never = f"never taken within bounds: {', '.join(idle)}"
        return PropertyVerdict(name, REFINEMENT, *((VIOLATED, never) if complete else (UNKNOWN, why)))
    unused = "".join(f"; not {action}: {reason}" for action, reason in refinement.unused.items())
    return PropertyVerdict(
        name, REFINEMENT, HOLDS, f"{len(actions) - len(refinement.unused)} of {len(actions)}{unused}"
    )
