"""The verdict of the prover on a spec, and the manifest that says what was proved of what, how, and at what cost."""

import platform
from collections.abc import Iterator
from typing import Any

import z3
from attrs import asdict, evolve, field, frozen

from model.engines.prove.cache import Cache
from model.engines.prove.obligations import DERIVED, INIT, Induction, Obligation
from model.engines.prove.second import CONFIRMED, SecondSolver
from model.engines.prove.solver import OPTIONS, TRIES, Answer, Save, Solver, Try
from model.engines.source import Budget, Clock, Progress, Report
from model.engines.verdict import HOLDS, UNKNOWN, PropertyVerdict, Verdict, overall
from model.language import Property, Spec
from model.language.hints import Hints
from model.language.trace import trace

PROVED, FRAME, FOLLOWS, OPEN = "proved", "frame", "derived", "unknown"


@frozen
class Row:
    """One obligation of the manifest.

    `place`: `init`, `derived` or action/path; `claim`: a lemma, or `the x` for the uniqueness of what an action takes by `the`. `status`:
    proved, frame (the step writes nothing that the lemma reads), derived (proved to follow from other lemmas in one state) or unknown.
    For proved ones `goals` queries were answered with the hypotheses and options named (of the hardest one), `remembered` of them by an
    earlier run; for unknown ones `tried` says with what, in order. `cost` is in Z3's resource units; `digests` hash the queries;
    `confirmed` says how many of them a second solver has answered alike (None: it was not asked).
    """

    place: str
    claim: str
    status: str
    goals: int = 0
    hypotheses: str = ""
    options: str = ""
    cost: int = 0
    seconds: float = 0.0
    digests: tuple[str, ...] = ()
    remembered: int = 0
    confirmed: int | None = None
    tried: tuple[str, ...] = ()


@frozen
class Proof:
    """What was done: a row per obligation, in the order of the spec. `complete`: every obligation was tried; else `why` not.

    `second`: name and version of the second solver that was asked, if one was.
    """

    spec: Spec = field(repr=False)
    hints: Hints = field(repr=False)
    rows: tuple[Row, ...] = field(repr=False)
    seed: int
    complete: bool
    seconds: float
    why: str = ""
    second: str = ""

    @property
    def open(self) -> tuple[Row, ...]:
        """The obligations that are not proved."""
        return tuple(r for r in self.rows if r.status == OPEN)

    @property
    def proved(self) -> bool:
        """Whether everything is proved."""
        return self.complete and not self.open

    @property
    def queries(self) -> int:
        """How many queries have proved something."""
        return sum(len([d for d in r.digests if d]) for r in self.rows)

    @property
    def note(self) -> str:
        """What there is besides the verdict: what was remembered, and what a second solver says."""
        remembered = sum(r.remembered for r in self.rows)
        parts = [f"{remembered} of {self.queries} queries remembered"] if remembered else []
        if self.second:
            confirmed = sum(r.confirmed or 0 for r in self.rows)
            parts.append(f"{self.second} confirms {confirmed} of {self.queries} queries")
        return ", ".join(parts)

    def manifest(self) -> dict[str, Any]:
        """Everything as plain data for JSON."""
        return {
            "spec": self.spec.name,
            "spec_hash": self.spec.digest(),
            "bug": self.spec.bug,
            "solver": f"z3 {z3.get_version_string()}",
            "options": {name: dict(options) for name, options in OPTIONS.items()},
            "python": platform.python_version(),
            "seed": self.seed,
            "complete": self.complete,
            "proved": self.proved,
            "seconds": round(self.seconds, 3),
            "queries": self.queries,
            "second": {"solver": self.second, "confirmed": sum(r.confirmed or 0 for r in self.rows)}
            if self.second
            else None,
            "derived": {name: list(names) for name, names in self.hints.derived.items()},
            "obligations": [{**asdict(r), "seconds": round(r.seconds, 4)} for r in self.rows],
        }


def prove(
    spec: Spec,
    hints: Hints,
    *,
    seed: int = 0,
    tries: tuple[Try, ...] = TRIES,
    clock: Clock,
    budget: Budget | None = None,
    save: Save | None = None,
    cache: Cache | None = None,
    second: SecondSolver | None = None,
    report: Report | None = None,
) -> Proof:
    """Prove a spec's `always` properties for any number of nodes, epochs and log entries.

    `seed` is Z3's; `tries` are what is asked of it per goal, in order; `save` is given the name and the SMT-LIB text of each query that
    was proved; `cache` remembers proofs; `second` is asked every query that was proved. A used-up budget or an interrupt ends it early.
    Raises SpecError for a spec outside of the fragment that the prover reads.
    """
    started = clock()
    induction = Induction.of(trace(spec), hints)
    texts: list[tuple[str, str]] = []
    keep = save if second is None else _keeping(texts, save)
    solver = Solver(induction, seed=seed, tries=tries, save=keep, cache=cache)
    rows: list[Row] = []
    why = ""
    try:
        obligations = list(induction.obligations())
        for place, obligation in enumerate(obligations):
            spent = clock() - started
            if budget is not None and budget.seconds is not None and spent > budget.seconds:
                why = f"budget used up after {place} of {len(obligations)} obligations"
                break
            if report is not None:
                where = f"{place} of {len(obligations)}  {obligation.place} × {obligation.claim}  {spent:.0f} s"
                report(Progress(0, 0, 0, len(obligations) - place, spent, note=where))
            row = _row(solver, obligation, clock)
            if second is not None:
                row = evolve(row, confirmed=sum(second.answer(text) == CONFIRMED for _, text in texts))
                texts.clear()
            rows.append(row)
    except KeyboardInterrupt:
        why = f"interrupted after {len(rows)} obligations"
    version = second.version if second is not None else ""
    return Proof(spec, hints, tuple(rows), seed, not why, clock() - started, why, version)


def _keeping(texts: list[tuple[str, str]], save: Save | None) -> Save:
    """Keep the texts of queries, and save them if that is wanted."""

    def keep(name: str, text: str) -> None:
        texts.append((name, text))
        if save is not None:
            save(name, text)

    return keep


def _row(solver: Solver, obligation: Obligation, clock: Clock) -> Row:
    """Try to prove one obligation, goal by goal; the first goal that stays open ends it."""
    if obligation.frame:
        return Row(obligation.place, obligation.claim, FRAME)
    started = clock()
    answers: list[Answer] = []
    for number, goal in enumerate(obligation.goals):
        answers.append(solver.prove(obligation, goal, f"{obligation.place} {obligation.claim} {number}"))
        if not answers[-1].proved:
            break
    proved = all(a.proved for a in answers)
    hardest = max(answers, key=lambda a: a.cost, default=None)
    return Row(
        place=obligation.place,
        claim=obligation.claim,
        status=(FOLLOWS if obligation.place == DERIVED else PROVED) if proved else OPEN,
        goals=len(answers),
        hypotheses=hardest.by.hypotheses if hardest else "",
        options=hardest.by.options if hardest else "",
        cost=sum(a.cost for a in answers),
        seconds=clock() - started,
        digests=tuple(a.digest for a in answers),
        remembered=sum(a.remembered for a in answers),
        tried=() if proved else tuple(f"{t.hypotheses}/{t.options}" for t in solver.tries),
    )


def verdict(proof: Proof) -> Verdict:
    """The verdict per property: an inductive lemma is proved only if all of them are, since they suppose each other."""
    why = proof.why
    if proof.open:
        why = f"not proved: {', '.join(f'{r.place} × {r.claim}' for r in proof.open)}"
    properties = tuple(_settle(proof, p, why) for p in proof.spec.properties)
    queries = {a.name: 0 for a in proof.spec.actions}
    for row in proof.rows:
        if row.place not in (INIT, DERIVED):
            queries[row.place.partition("/")[0]] += row.goals
    return Verdict(
        spec=proof.spec.name,
        engine="prove",
        bounds={},
        verdict=overall(properties),
        reason=why,
        rung="proved",
        properties=properties,
        distinct=0,
        generated=0,
        depth=0,
        seconds=proof.seconds,
        coverage=queries,
        spec_hash=proof.spec.digest(),
        bug=proof.spec.bug,
        seed=proof.seed,
        note=proof.note,
    )


def _settle(proof: Proof, prop: Property, why: str) -> PropertyVerdict:
    if prop.kind != "always":
        return PropertyVerdict(prop.name, prop.kind, UNKNOWN, "the prover proves `always` properties")
    rows = [r for r in proof.rows if r.claim == prop.name]
    own = [r.place for r in rows if r.status == OPEN]
    if own:
        tried = ", ".join(next(r.tried for r in rows if r.status == OPEN))
        return PropertyVerdict(prop.name, prop.kind, UNKNOWN, f"not proved for {', '.join(own)} (tried {tried})")
    if why:
        return PropertyVerdict(prop.name, prop.kind, UNKNOWN, f"it supposes lemmas that are not proved; {why}")
    return PropertyVerdict(prop.name, prop.kind, HOLDS, ", ".join(_evidence(proof, prop, rows)))


def _evidence(proof: Proof, prop: Property, rows: list[Row]) -> Iterator[str]:
    """How a property was proved, in a few words."""
    if prop.name in proof.hints.derived:
        yield f"follows from {', '.join(proof.hints.derived[prop.name])}"
        return
    frames = sum(r.status == FRAME for r in rows)
    yield f"by induction: {sum(r.goals for r in rows)} queries"
    yield f"{frames} of {len(rows)} obligations by frame"
