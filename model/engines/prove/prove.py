"""The verdict of the prover on a spec, and the manifest that says what was proved of what, how, and at what cost."""

import platform
from collections.abc import Iterator
from typing import Any

import z3
from attrs import asdict, field, frozen

from model.engines.prove.obligations import DERIVED, INIT, Induction, Obligation
from model.engines.prove.solver import TRIES, Answer, Save, Solver, Try
from model.engines.source import Budget, Clock
from model.engines.verdict import HOLDS, UNKNOWN, PropertyVerdict, Verdict, overall
from model.language import Property, Spec
from model.language.hints import Hints
from model.language.trace import trace

PROVED, FRAME, OPEN = "proved", "frame", "unknown"


@frozen
class Row:
    """One obligation of the manifest.

    `place`: `init`, `derived` or action/path; `claim`: a lemma, or `the x` for the uniqueness of what an action takes by `the`. `status`:
    proved, frame (the step writes nothing that the lemma reads) or unknown. For proved ones `goals` queries were answered with the
    hypotheses and options named (of the hardest one); `cost` is in Z3's resource units; `digests` hash the queries.
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


@frozen
class Proof:
    """What was done: a row per obligation, in the order of the spec. `complete`: every obligation was tried."""

    spec: Spec = field(repr=False)
    hints: Hints = field(repr=False)
    rows: tuple[Row, ...] = field(repr=False)
    seed: int
    complete: bool
    seconds: float

    @property
    def open(self) -> tuple[Row, ...]:
        """The obligations that are not proved."""
        return tuple(r for r in self.rows if r.status == OPEN)

    @property
    def proved(self) -> bool:
        """Whether everything is proved."""
        return self.complete and not self.open

    def manifest(self) -> dict[str, Any]:
        """Everything as plain data for JSON."""
        return {
            "spec": self.spec.name,
            "spec_hash": self.spec.digest(),
            "bug": self.spec.bug,
            "solver": f"z3 {z3.get_version_string()}",
            "python": platform.python_version(),
            "seed": self.seed,
            "complete": self.complete,
            "proved": self.proved,
            "seconds": round(self.seconds, 3),
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
) -> Proof:
    """Prove a spec's `always` properties for any number of nodes, epochs and log entries.

    `seed` is Z3's; `tries` are what is asked of it per goal, in order; `save` is given the name and the SMT-LIB text of each query that
    was proved. Raises SpecError for a spec outside of the fragment that the prover reads.
    """
    started = clock()
    traced = trace(spec)
    induction = Induction.of(traced, hints)
    solver = Solver(induction, seed=seed, tries=tries, save=save)
    rows: list[Row] = []
    complete = True
    for obligation in induction.obligations():
        if budget is not None and budget.seconds is not None and clock() - started > budget.seconds:
            complete = False
            break
        rows.append(_row(solver, obligation, clock))
    return Proof(spec, hints, tuple(rows), seed, complete, clock() - started)


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
    hardest = max(answers, key=lambda a: solver.tries.index(a.by), default=None)
    return Row(
        obligation.place,
        obligation.claim,
        PROVED if all(a.proved for a in answers) else OPEN,
        len(answers),
        hardest.by.hypotheses if hardest else "",
        hardest.by.options if hardest else "",
        sum(a.cost for a in answers),
        clock() - started,
        tuple(a.digest for a in answers),
    )


def verdict(proof: Proof) -> Verdict:
    """The verdict per property: an inductive lemma is proved only if all of them are, since they suppose each other."""
    why = "" if proof.complete else f"budget used up after {len(proof.rows)} obligations"
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
    )


def _settle(proof: Proof, prop: Property, why: str) -> PropertyVerdict:
    if prop.kind != "always":
        return PropertyVerdict(prop.name, prop.kind, UNKNOWN, "the prover proves `always` properties")
    rows = [r for r in proof.rows if r.claim == prop.name]
    own = [r.place for r in rows if r.status == OPEN]
    if own:
        return PropertyVerdict(prop.name, prop.kind, UNKNOWN, f"not proved for {', '.join(own)}")
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
