"""`lockstep check`: one spec, one engine, a verdict per property."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import evolve, frozen
from rich.console import Console
from rich.text import Text

from model.engines.compiled.several import ACTION
from model.engines.verdict import (
    EVERY_ACTION_FIRES,
    HOLDS,
    UNKNOWN,
    VIOLATED,
    PropertyVerdict,
    Verdict,
    overall,
)
from model.language import BoundsError, Property, Spec
from properties.registry import choose_properties, find_spec
from traces.commands.bounded import ANY_RUN, Bounded
from traces.commands.engines import RUNS, STEPS, Effort, find_engine, room_for, several_for
from traces.commands.evidence import NOTHING, Evidence
from traces.commands.out import DEFAULT_OUT, Saved, check_writable, save, save_all
from traces.commands.parse import parse_bounds, parse_budget, parse_size
from traces.commands.report import EXIT_CODES, CommandError
from traces.guards import place_of
from traces.render import (
    RUNG_MEANING,
    bounds_text,
    count_of,
    coverage_table,
    facts,
    guard_table,
    paths_table,
    progress,
    property_table,
    shape,
    steps_text,
    totals,
)


@frozen
class CheckReport:
    """A verdict, the spec it is about, and the counterexamples that were saved."""

    spec: Spec
    verdict: Verdict
    counterexamples: tuple[Saved, ...] = ()
    verbose: bool = False
    coverage: bool = False

    @property
    def saved(self) -> Saved | None:
        """The counterexample of the first violated property, if it has one; else the way to what was asked for, if it was found."""
        violation = self.verdict.violation
        first = self.counterexamples[0] if self.counterexamples else None
        return first if first is not None and (violation is None or first.claim == violation.name) else None

    @property
    def exit_code(self) -> int:
        """As the verdict says."""
        return EXIT_CODES[self.verdict.verdict]

    def to_json(self) -> dict[str, Any]:
        """The verdict with everything that was really done."""
        verdict = self.verdict
        violation = verdict.violation
        return {
            "spec": verdict.spec,
            "bug": verdict.bug,
            "engine": verdict.engine,
            "bounds": dict(verdict.bounds),
            "seed": verdict.seed,
            "verdict": verdict.verdict,
            "rung": verdict.rung,
            "reason": verdict.reason,
            "property": violation.name if violation else None,
            "trace": str(self.saved.path) if self.saved else None,
            "steps": len(violation.trace.steps) if violation and violation.trace else None,
            "counterexamples": [
                {"property": c.claim, "steps": c.steps, "trace": str(c.path)} for c in self.counterexamples
            ],
            "distinct": verdict.distinct,
            "generated": verdict.generated,
            "depth": verdict.depth,
            "seconds": round(verdict.seconds, 3),
            "properties": {p.name: p.verdict for p in verdict.properties},
            "reasons": {p.name: p.reason for p in verdict.properties if p.reason not in ("", verdict.reason)},
            "coverage": dict(verdict.coverage),
            "blocked": {
                action: {"guard": place_of(where), "times": times} for action, (where, times) in verdict.blocked.items()
            },
            "cut": dict(verdict.cut),
            "paths": {action: dict(paths) for action, paths in verdict.paths.items()},
            "levels": list(verdict.levels),
            "orbits": list(verdict.orbits),
            "out_degrees": {str(steps): states for steps, states in verdict.out_degrees.items()},
            "guards": [
                {"action": action, "guard": place_of(where), "times": times} for action, where, times in verdict.guards
            ],
            "deadlocks": verdict.deadlocks,
            "odds": verdict.odds,
            "note": verdict.note,
            "spec_hash": verdict.spec_hash,
        }

    def show(self, console: Console) -> None:
        """Head, properties, coverage, totals; for a violation its trace and how to see it again."""
        verdict = self.verdict
        console.print(facts(self._head()))
        console.print()
        console.print(property_table(verdict, self.spec, verbose=self.verbose))
        console.print()
        if self.verbose or self.coverage or verdict.violation is None:
            console.print(paths_table(verdict) if verdict.paths else coverage_table(verdict, verbose=self.verbose))
            console.print()
        if self.coverage:
            console.print(guard_table(verdict))
            console.print()
            console.print(shape(verdict))
            console.print()
        if verdict.violation is not None:
            self._show_violation(console)
        elif self.saved is not None:
            self._show_trace(console, self.saved)
        console.print(totals(verdict))
        console.print(self._meaning())

    def _head(self) -> list[tuple[str, str | Text]]:
        verdict = self.verdict
        seed = "" if verdict.seed is None else f", seed {verdict.seed}"
        rows: list[tuple[str, str | Text]] = [
            ("spec", f"{verdict.spec} ({self.spec.title})"),
            ("bounds", bounds_text(verdict.bounds.items())),
            ("engine", f"{verdict.engine}{seed}, spec hash {verdict.spec_hash}"),
        ]
        if verdict.bug is not None:
            bug = self.spec.bugs[verdict.bug]
            rows.insert(1, ("bug", f"{bug.bug}: {bug.title} (replaces {bug.name})"))
        return rows

    def _show_violation(self, console: Console) -> None:
        violation = self.verdict.violation
        assert violation is not None
        claim = next((p.doc.split("\n")[0] for p in self.spec.properties if p.name == violation.name), "")
        console.print(Text.assemble((f"{violation.name} is violated: ", "bold red"), claim or violation.reason))
        if violation.kind == "eventually":
            console.print(Text(violation.reason, style="dim"))
        console.print()
        if self.saved is not None:
            self._show_trace(console, self.saved)
        if len(self.counterexamples) > 1:
            console.print(Text(f"{len(self.counterexamples)} counterexamples:"))
            for c in self.counterexamples:
                text = f"{c.claim}, {count_of(c.steps, 'step')}, last {c.last_step}: {c.path}"
                console.print(Text(f"  {text}"), soft_wrap=True)
            console.print()

    def _show_trace(self, console: Console, saved: Saved) -> None:
        console.print(steps_text(saved.lines))
        console.print()
        rows: list[tuple[str, str | Text]] = [("trace", str(saved.path)), ("replay", saved.replay_command)]
        console.print(facts(rows), soft_wrap=True)
        console.print()

    def _meaning(self) -> Text:
        verdict = self.verdict
        open_ = sum(p.verdict == UNKNOWN for p in verdict.properties)
        if verdict.verdict == VIOLATED and len(self.counterexamples) > 1:
            return Text(
                f"The search {verdict.reason}." if verdict.reason.startswith("stopped") else verdict.reason, style="dim"
            )
        if verdict.verdict == VIOLATED:
            text = f"The search stopped there: {count_of(open_, 'property')} not settled, see --verbose."
            return Text(text if open_ else "The search was complete.", style="dim")
        if verdict.verdict == UNKNOWN:
            reason = verdict.reason or f"{open_} of {len(verdict.properties)} properties are not settled"
            return Text(f"unknown because: {reason}", style="yellow")
        text = f"evidence: {RUNG_MEANING[verdict.rung]}"
        if verdict.odds:
            text += f"; the chance that fingerprints hid a state is at most {verdict.odds:.1g}"
        if verdict.note:
            text += f"; {verdict.note}"
        return Text(text, style="dim")


def check(
    name: str,
    *,
    properties: Sequence[str] = (),
    engine: str = "explore",
    bounds: str | None = None,
    budget: str | None = None,
    seed: int = 0,
    runs: int = RUNS,
    steps: int = STEPS,
    threads: int = 1,
    checkpoint: Path | None = None,
    memory: str | None = None,
    spill: Path | None = None,
    fingerprints: bool = False,
    bounded: Bounded = ANY_RUN,
    evidence: Evidence = NOTHING,
    bug: str | None = None,
    out: Path = DEFAULT_OUT,
    verbose: bool = False,
    max_violations: int = 1,
    distinct_by: str = ACTION,
    symmetry: bool = False,
    resume: Path | None = None,
    coverage: bool = False,
) -> CheckReport:
    """Check a spec and save the counterexamples. Raises CommandError for options that make no sense."""
    run = find_engine(engine)
    room = room_for(parse_size(memory, "--memory"), spill, fingerprints=fingerprints)
    spec, scope, chosen = prepare(name, bug=bug, bounds=parse_bounds(bounds), properties=tuple(properties))
    if resume is not None:
        checkpoint = checkpoint_to_resume(resume, checkpoint)
    if symmetry and engine != "explore":
        raise CommandError("--symmetry needs --engine explore", "leave it out")
    several = several_for(spec, engine, max_violations, distinct_by, saved=checkpoint is not None, symmetric=symmetry)
    effort = Effort(
        parse_budget(budget),
        seed,
        runs,
        steps,
        threads,
        checkpoint,
        room,
        several,
        symmetry=symmetry,
        guards=coverage,
        bounded=bounded,
        evidence=evidence,
    )
    check_writable(out)
    with progress(f"{spec.name}{f' with {bug}' if bug else ''}") as report:
        verdict = run(spec, scope, chosen, effort, report)
    if properties and EVERY_ACTION_FIRES not in properties:
        verdict = _only(verdict, tuple(p.name for p in chosen))
    wanted = None if verdict.violation else _wanted(verdict, properties)
    reached = save(spec, verdict, wanted, out) if wanted is not None else None
    traces = (reached,) if reached is not None else save_all(spec, verdict, out)
    return CheckReport(spec, verdict, traces, verbose, coverage)


def checkpoint_to_resume(resume: Path, checkpoint: Path | None) -> Path:
    """The file from which a search goes on and to which it saves: it must be there, and be the only one."""
    if checkpoint is not None and checkpoint != resume:
        raise CommandError("--resume and --checkpoint name different files", "give --resume alone: it saves there too")
    if not resume.exists():
        raise CommandError(
            f"--resume: there is no {resume}", "start with --checkpoint FILE, then go on with --resume FILE"
        )
    return resume


def prepare(
    name: str, *, bug: str | None, bounds: dict[str, int], properties: tuple[str, ...] = ()
) -> tuple[Spec, dict[str, int], tuple[Property, ...]]:
    """The spec (with its bug), the bounds (defaults, then the bug's scope, then the given ones) and the properties to check."""
    try:
        spec = find_spec(name)
        if bug is not None:
            spec = spec.with_bug(bug)
        named = tuple(p for p in properties if p != EVERY_ACTION_FIRES)
        chosen = choose_properties(spec, named) if named or not properties else ()
        scope = dict(spec.bugs[bug].bounds) if bug is not None else {}
        return spec, spec.complete_bounds({**scope, **bounds}), chosen
    except (LookupError, BoundsError) as error:
        raise CommandError(str(error.args[0])) from None


def _wanted(verdict: Verdict, names: Sequence[str]) -> PropertyVerdict | None:
    """The first `sometimes` that was asked for by name and reached: its trace is what was asked for."""
    return next((p for p in verdict.properties if p.name in names and p.verdict == HOLDS and p.trace is not None), None)


def _only(verdict: Verdict, names: tuple[str, ...]) -> Verdict:
    """The verdict on the named properties alone: whoever asks for one is not answered about another."""
    kept, more = (tuple(p for p in found if p.name in names) for found in (verdict.properties, verdict.more))
    return evolve(verdict, properties=kept, more=more, verdict=overall(kept))
