"""What a proof leaves behind: a manifest, SMT-LIB files, the opinion of a second solver, and proofs that need not be repeated."""

import json
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from model.engines.compiled.build import cache_directory
from model.engines.source import Budget, Report
from model.engines.verdict import Verdict
from model.language import Bounds, Spec
from model.language.declare import STALE
from model.language.hints import Hints
from traces.commands.out import check_writable
from traces.commands.parse import parse_budget
from traces.commands.report import CommandError
from traces.errors import TraceError
from traces.files import write_atomically
from traces.render import bounds_text

if TYPE_CHECKING:
    from model.engines.prove.cache import Cache
    from model.engines.prove.prove import Proof
    from model.engines.prove.second import SecondSolver


@frozen
class Evidence:
    """What is wanted besides the verdict: a manifest (a file), SMT-LIB files (a directory), a second solver (its time per query).

    With `remember`, proofs are looked up in and added to the directory `cache` (None: the user's cache directory).
    """

    manifest: Path | None = None
    smt: Path | None = None
    second: str | None = None
    cache: Path | None = None
    remember: bool = False


NOTHING = Evidence()
"""The verdict alone, proved anew."""


def proved(
    spec: Spec,
    hints: Hints,
    bounds: Bounds,
    wanted: Evidence,
    *,
    seed: int,
    budget: Budget,
    report: Report | None,
) -> Verdict:
    """The verdict of the prover, with the evidence written; CommandError for what cannot be written or is not installed.

    What is not proved is looked at once more in the instance of these bounds, where every query is decided: a counterexample to the
    induction of a lemma is added to the reason.
    """
    from model.engines.prove.prove import prove, verdict  # noqa: PLC0415 - only provers load Z3

    if wanted.manifest is not None:
        check_writable(wanted.manifest.parent, "--manifest")
    if wanted.smt is not None:
        check_writable(wanted.smt, "--smt")
    proof = prove(
        spec,
        hints,
        seed=seed,
        clock=time.process_time,
        budget=budget,
        save=None if wanted.smt is None else lambda name, text: _save(wanted.smt, name, text),
        cache=_cache(wanted),
        second=_second(wanted),
        report=report,
    )
    if wanted.manifest is not None:
        _write(wanted.manifest, json.dumps(proof.manifest(), indent=1, allow_nan=False) + "\n", "--manifest")
    found = verdict(proof)
    return found if proof.proved else _explained(found, proof, bounds, budget, report)


def _explained(found: Verdict, proof: "Proof", bounds: Bounds, budget: Budget, report: Report | None) -> Verdict:
    """The verdict with counterexamples for what is not proved, as far as the instance has some."""
    from model.engines.induct.induct import run_induction  # noqa: PLC0415 - only provers load Z3

    scope = {**bounds, **({STALE: 1} if STALE in bounds else {})}
    left = None if budget.seconds is None else max(0.0, budget.seconds - found.seconds)
    result = run_induction(
        proof.spec,
        proof.hints,
        scope,
        clock=time.process_time,
        budget=Budget(seconds=left),
        report=report,
        only=[(r.place, r.claim) for r in proof.open],
    )
    shown = {f.claim: f.counterexample for f in reversed(result.failures) if f.counterexample is not None}
    where = f"not kept within {bounds_text(scope.items())}"
    properties = tuple(
        evolve(p, reason=f"{p.reason}; {where}:\n{shown[p.name]}") if p.name in shown else p for p in found.properties
    )
    return evolve(found, properties=properties)


def _save(directory: Path | None, name: str, text: str) -> None:
    """`restart/0 log_matching 1` as `restart-0-log_matching-1.smt2`."""
    assert directory is not None
    file = re.sub(r"[^\w.-]+", "-", name, flags=re.ASCII)
    _write(directory / f"{file}.smt2", f"; {name}: unsatisfiable if the obligation holds\n{text}", "--smt")


def _write(path: Path, text: str, option: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text.encode())
    except OSError as error:
        raise CommandError(f"{option}: cannot make {path.parent}: {error.strerror}", "name another directory") from None
    except TraceError as error:
        raise CommandError(f"{option}: {error}") from None


def _cache(wanted: Evidence) -> "Cache | None":
    from model.engines.prove.cache import Cache  # noqa: PLC0415 - only provers need it

    if not wanted.remember:
        return None
    if wanted.cache is not None:
        check_writable(wanted.cache, "--cache")
        return Cache(wanted.cache)
    try:
        return Cache(cache_directory() / "proofs")
    except OSError:
        return None


def _second(wanted: Evidence) -> "SecondSolver | None":
    from model.engines.prove.second import NoSecondSolver, SecondSolver  # noqa: PLC0415 - only provers need it

    seconds = parse_budget(wanted.second, "--second-solver")
    if seconds is None:
        return None
    try:
        return SecondSolver(max(1, int(seconds * 1000)))
    except NoSecondSolver:
        raise CommandError(
            "--second-solver needs cvc5, which is not installed", "pip install 'lockstep[cvc5]'"
        ) from None


__all__ = ["NOTHING", "Evidence", "proved"]
