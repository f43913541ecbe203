"""Asking Z3, one short query at a time, with retries: other hypotheses first, then other options.

Limits are in Z3's own resource units, not seconds: the same query has the same answer on a busy machine.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import z3
from attrs import define, field, frozen

from model.engines.prove.cache import Cache, Remembered
from model.engines.prove.goals import Goal
from model.engines.prove.obligations import Induction, Obligation
from model.engines.prove.z3terms import Patterns, Translation
from model.language.graph import Term, bound_of
from model.language.hints import QUORUM, Marker, evaluate
from model.language.sorts import Enum, Ordinal, Quorum

BASE: Mapping[str, Any] = {"auto_config": False, "smt.mbqi": False, "smt.qi.eager_threshold": 5.0}
"""Triggers only, and eager: what proved most (defaults: 57 times slower, and some obligations stay open)."""

SHORT, LONG = 1_000_000, 4_000_000
"""Resource units per query: for the first tries, and for the last. A million is about a third of a second."""


@frozen
class Try:
    """One way of asking: which hypotheses (`itself`: the lemma alone; `group`; `all`), which options, how long."""

    hypotheses: str
    options: str
    limit: int


OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "base": BASE,
    "eager": {**BASE, "smt.qi.eager_threshold": 3.0},
    "lazy": {**BASE, "smt.qi.eager_threshold": 10.0},
    "models": {**BASE, "smt.mbqi": True},
}

TRIES = (
    Try("itself", "base", SHORT),
    Try("group", "base", SHORT),
    Try("all", "base", SHORT),
    Try("group", "eager", SHORT),
    Try("all", "eager", LONG),
    Try("group", "lazy", LONG),
    Try("all", "base", LONG),
)
"""In order, until one of them proves the goal."""


Save = Callable[[str, str], None]
"""Takes the name and the SMT-LIB text of a query."""


@frozen
class Answer:
    """What became of a goal: proved or not, by which try, at what cost (resource units), and the hash of the query.

    Not proved, `by` is the last try. `remembered`: by an earlier run, whose costs these are.
    """

    proved: bool
    by: Try
    cost: int
    digest: str
    remembered: bool = False


@define(eq=False)
class Solver:
    """Proves goals of one induction. `seed` is Z3's; `save` is given the name and the text of each query that is
    decisive; what `cache` remembers is not asked again."""

    induction: Induction
    seed: int = 0
    tries: tuple[Try, ...] = TRIES
    save: Save | None = None
    cache: Cache | None = None
    _digests: dict[int, tuple[Any, str]] = field(factory=dict, init=False, repr=False)
    _translation: Translation = field(init=False, repr=False)
    _outer: dict[str, tuple[Term, ...]] = field(init=False, repr=False)
    _triggers: dict[str, list[tuple[Any, ...]]] = field(init=False, repr=False)
    _emitted: dict[str, list[Marker]] = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        traced, hints = self.induction.traced, self.induction.hints
        outer = {n: bound_of(t) for n, t in self.induction.lemmas.items() if t.op in ("forall", "forall_in")}
        triggers: dict[str, list[tuple[Any, ...]]] = {}
        emitted: dict[str, list[Marker]] = {}
        patterns: dict[int, Patterns] = {}
        for name, hint in hints.triggers.items():
            if name in outer:
                triggers[name] = _alternatives(evaluate(traced, hint, outer[name]))
                patterns[self.induction.lemmas[name].id] = tuple(triggers[name])
        for name, hint in hints.emits.items():
            if name in outer:
                emitted[name] = list(_as_tuple(evaluate(traced, hint, outer[name])))
        self._outer, self._triggers, self._emitted = outer, triggers, emitted
        self._translation = Translation(traced, patterns)

    def prove(self, obligation: Obligation, goal: Goal, name: str) -> Answer:
        """Try to prove a goal of an obligation; the answer says how, or what was tried."""
        key = self._key(obligation, goal)
        known = self.cache.get(key) if self.cache is not None else None
        if known is not None:
            answer = Answer(
                True, Try(known.hypotheses, known.options, known.limit), known.cost, known.digest, remembered=True
            )
        else:
            answer = self._prove(obligation, goal)
            if self.cache is not None and answer.proved:
                by = answer.by
                proof = Remembered(by.hypotheses, by.options, by.limit, answer.cost, answer.digest)
                self.cache.put(key, proof)
        if self.save is not None and answer.proved:
            asked = self.formulas(obligation, goal, self._chosen(obligation, answer.by.hypotheses))
            self.save(name, self._solver(asked).to_smt2())
        return answer

    def _prove(self, obligation: Obligation, goal: Goal) -> Answer:
        asked: list[tuple[tuple[str, ...], str]] = []
        cost, answer = 0, None
        for attempt in self.tries:
            chosen = self._chosen(obligation, attempt.hypotheses)
            if attempt.limit == SHORT and (chosen, attempt.options) in asked:
                continue
            asked.append((chosen, attempt.options))
            formulas = self.formulas(obligation, goal, chosen)
            result, spent = self._ask(formulas, attempt)
            cost += spent
            digest = self._digest(formulas) if result == z3.unsat else ""
            answer = Answer(result == z3.unsat, attempt, cost, digest)
            if answer.proved:
                return answer
        assert answer is not None
        return answer

    def _chosen(self, obligation: Obligation, which: str) -> tuple[str, ...]:
        """The names of the lemmas to suppose."""
        everything = obligation.hypotheses
        if which == "all":
            return everything
        named: tuple[str, ...] = (obligation.claim,)
        if which == "group":
            named = (*named, *self.induction.hints.groups.get(obligation.claim, everything))
        return tuple(n for n in everything if n in named)

    def _ask(self, formulas: list[Any], attempt: Try) -> tuple[Any, int]:
        """What Z3 says, and what it spent."""
        before = _resources(self._translation.context)
        solver = self._solver(formulas)
        solver.set(random_seed=self.seed, rlimit=attempt.limit, **OPTIONS[attempt.options])
        result = solver.check()
        if result == z3.unknown and "keyboard" in solver.reason_unknown():
            raise KeyboardInterrupt  # Z3 turns an interrupt into an answer that it has none
        return result, _resources(self._translation.context) - before

    def _solver(self, formulas: list[Any]) -> Any:
        solver = z3.Solver(ctx=self._translation.context)
        for formula in formulas:
            solver.add(formula)
        return solver

    def _key(self, obligation: Obligation, goal: Goal) -> str:
        """A hash of the solver's version and of everything that a proof of the goal may suppose."""
        everything = self._digest(self.formulas(obligation, goal, obligation.hypotheses), 64)
        return hashlib.sha256(f"{z3.get_version_string()} {everything}".encode()).hexdigest()

    def _digest(self, formulas: list[Any], length: int = 16) -> str:
        """A hash of a query: of the texts of its formulas, each of which is hashed once."""
        parts = []
        for formula in formulas:
            known = self._digests.get(formula.get_id())
            if known is None:
                text = hashlib.sha256(formula.sexpr().encode()).hexdigest()
                known = self._digests[formula.get_id()] = (formula, text)  # kept: ids are used again
            parts.append(known[1])
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:length]

    def formulas(self, obligation: Obligation, goal: Goal, chosen: tuple[str, ...]) -> list[Any]:
        """The query that is unsatisfiable if the goal holds: axioms, lemmas, the step, and the goal denied."""
        translation, step = self._translation, obligation.step
        found = list(translation.axioms)
        for lemma in chosen:
            found.append(translation.term(self.induction.lemmas[lemma]))
            if lemma in self._emitted:
                found.append(
                    translation.emission(self._outer[lemma], self._triggers.get(lemma, []), self._emitted[lemma])
                )
        elements = list(goal.arbitrary.values())
        if step is not None:
            found.extend(translation.term(g) for g in step.given)
            elements += [w.var for w in step.witnesses]
            elements += self._parameters(step.action)
        found.extend(translation.legal(e) for e in elements if issubclass(e.sort, Ordinal | Enum))
        found.extend(translation.mark(Marker(QUORUM, (e,))) for e in elements if e.sort is Quorum)
        found.extend(translation.mark(m) for m in self._goal_markers(obligation, goal))
        found.extend(translation.term(h) for h in goal.hypotheses)
        graph = self.induction.traced.graph
        found.append(translation.term(graph.negation(goal.conclusion)))
        return found

    def _parameters(self, action: str) -> list[Term]:
        (found,) = (a for a in self.induction.traced.actions if a.name == action)
        return [v for p in found.parameters for v in p.variables]

    def _goal_markers(self, obligation: Obligation, goal: Goal) -> list[Marker]:
        """The markers in the triggers of a lemma, on the elements for which it is being proved."""
        graph = self.induction.traced.graph
        marks = (m for trigger in self._triggers.get(obligation.claim, []) for m in trigger if isinstance(m, Marker))
        return [Marker(m.name, tuple(graph.substitute(t, goal.arbitrary) for t in m.terms)) for m in marks]


def _as_tuple(hint: Any) -> tuple[Any, ...]:
    return hint if isinstance(hint, tuple) else (hint,)


def _alternatives(hint: Any) -> list[tuple[Any, ...]]:
    """A trigger as a list of tuples."""
    return [_as_tuple(h) for h in hint] if isinstance(hint, list) else [_as_tuple(hint)]


def _resources(context: Any) -> int:
    """Resource units that a context has used so far."""
    statistics = z3.Solver(ctx=context).statistics()
    return int(statistics.get_key_value("rlimit count"))
