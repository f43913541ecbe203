"""`lockstep bugs`: the museum of historical bugs; with `--find`, each found again by the explorer and by the simulator."""

import time
from collections.abc import Iterator
from typing import Any

from attrs import frozen
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from model.engines.source import Budget
from model.engines.verdict import HOLDS, UNKNOWN, VIOLATED
from model.language import Replacement, Spec
from properties.registry import HINTS, find_bug
from traces.commands.engines import ENGINES, Effort
from traces.commands.listing import bug_rows, bug_table
from traces.commands.parse import parse_budget
from traces.commands.report import EXIT_CODES, EXIT_HOLDS, CommandError
from traces.hunts import ALL_HUNTS
from traces.hunts import hunt as hunt_seeds
from traces.render import bounds_text, count_of, facts, status, styled

BUDGET_SECONDS = 120.0
"""CPU time per bug and engine, unless told otherwise."""

CAUGHT = "caught"

COVERED = {"explore": "states", "induct": "queries"}
"""What a hunt counts, by engine."""


@frozen
class Hunt:
    """How one engine looked for one bug: verdict caught, missed or unknown; the property that broke, after how many steps; how much
    was covered (states, or steps of the implementation) in how many CPU seconds; the seed that found it, for a simulation.
    """

    bug: str
    engine: str
    verdict: str
    property: str | None
    steps: int | None
    covered: int
    seconds: float
    seed: int | None = None
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """All of it."""
        return {
            "engine": self.engine,
            "verdict": self.verdict,
            "property": self.property,
            "steps": self.steps,
            "covered": self.covered,
            "seconds": round(self.seconds, 3),
            "seed": self.seed,
            "reason": self.reason,
        }


@frozen
class BugsReport:
    """The bugs that were asked for, and the hunts for them, if any."""

    rows: tuple[dict[str, Any], ...]
    hunts: tuple[Hunt, ...] = ()
    interrupted: bool = False

    @property
    def verdict(self) -> str:
        """holds if every bug was caught by every engine, violated if one was missed, unknown if a budget ran out before."""
        verdicts = {hunt.verdict for hunt in self.hunts}
        if "missed" in verdicts:
            return VIOLATED
        return UNKNOWN if UNKNOWN in verdicts or self.interrupted else HOLDS

    @property
    def exit_code(self) -> int:
        """As the verdict says; 0 where nothing was hunted."""
        return EXIT_CODES[self.verdict] if self.hunts or self.interrupted else EXIT_HOLDS

    def to_json(self) -> dict[str, Any]:
        """One object per bug, with its hunts."""
        bugs = [{**row, "found": [hunt.to_json() for hunt in self.hunts if hunt.bug == row["id"]]} for row in self.rows]
        return {"verdict": self.verdict if self.hunts or self.interrupted else None, "bugs": bugs}

    def show(self, console: Console) -> None:
        """The cards of the bugs, or the table of hunts."""
        if not self.hunts:
            console.print(bug_table(list(self.rows)))
            if len(self.rows) == 1:
                row = self.rows[0]
                console.print()
                lines: list[tuple[str, str | Text]] = []
                if row["spec"]:
                    lines.append(("bounds", bounds_text(row["bounds"])))
                    lines.append(("see it", f"lockstep check {row['spec']}{_engine(row)} --bug {row['id']}"))
                if row["mode"]:
                    again = f"lockstep simulate {row['mode']} --bug {row['id']} --faults heavy --runs 100"
                    lines.append(("and in" if row["spec"] else "see it", again))
                console.print(facts(lines))
            return
        for row in self.rows:
            hunts = [hunt for hunt in self.hunts if hunt.bug == row["id"]]
            console.print(Text.assemble((row["id"], "bold"), f"  {row['title']}"))
            console.print(Text(f"  breaks {row['breaks']}", style="dim"))
            console.print(hunt_table(hunts, row["breaks"]))
        console.print()
        caught = sum(hunt.verdict == CAUGHT for hunt in self.hunts)
        console.print(Text.assemble(styled(self.verdict), f": {caught} of {len(self.hunts)} hunts caught their bug"))


def _engine(row: dict[str, Any]) -> str:
    """How to ask for the engine that finds the bug, where it is not the usual one."""
    return "" if row["found_by"] == "explore" else f" --engine {row['found_by']}"


def hunt_table(hunts: list[Hunt], breaks: str) -> Padding:
    """A row per hunt; the property that broke is named where it is not the one that is known to."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    for hunt in hunts:
        what = COVERED.get(hunt.engine, "steps covered")
        after = f"after {count_of(hunt.steps, 'step')}" if hunt.steps is not None else hunt.reason
        seed = f"seed {hunt.seed}" if hunt.seed is not None else ""
        cells = (after, f"{hunt.covered:,} {what}", f"{hunt.seconds:.1f} CPU s", seed)
        grid.add_row(hunt.engine, styled(hunt.verdict), *cells)
        if hunt.property not in (None, breaks):
            grid.add_row("", "", Text(f"breaking {hunt.property}", style="dim", overflow="fold"))
    return Padding(grid, (0, 0, 0, 2))


def bugs(bug: str | None = None, *, find: bool = False, budget: str | None = None) -> BugsReport:
    """The bugs, or one of them by id; with `find`, hunted by every engine within a budget of CPU time each."""
    seconds = parse_budget(budget) or BUDGET_SECONDS
    if bug is not None and bug not in ALL_HUNTS:
        try:
            find_bug(bug)
        except LookupError as error:
            raise CommandError(str(error.args[0])) from None
    rows = tuple(row for row in bug_rows() if bug is None or row["id"] == bug)
    hunts: list[Hunt] = []
    interrupted = False
    if find:
        try:
            for row in rows:
                hunts.extend(hunt(row["id"], seconds, on_spec=bool(row["spec"])))
        except KeyboardInterrupt:
            interrupted = True
    return BugsReport(rows, tuple(hunts), interrupted)


def hunt(bug: str, seconds: float, *, on_spec: bool = True) -> Iterator[Hunt]:
    """Look for a bug on the spec that has it, with the engine that finds it, and with the simulator in the implementation."""
    if on_spec:
        yield hunt_on_spec(bug, seconds)
    if bug in ALL_HUNTS:
        yield hunt_in_simulation(bug, seconds)


def hunt_on_spec(bug: str, seconds: float) -> Hunt:
    """Every state of the bug's scope, breadth first, until a property breaks; or a step that breaks the lemma that the bug is said to."""
    spec = find_bug(bug)
    if spec.bugs[bug].found_by == "induct":
        return _hunt_by_induction(spec, spec.bugs[bug], seconds)
    bounds = spec.complete_bounds(spec.bugs[bug].bounds)
    verdict = ENGINES["explore"](spec, bounds, spec.properties, Effort(seconds), None)
    broken = verdict.violation
    if broken is None or broken.trace is None:
        why = verdict.reason or "no property breaks within the bug's scope"
        missed = UNKNOWN if verdict.verdict == UNKNOWN else "missed"
        return Hunt(bug, "explore", missed, None, None, verdict.distinct, verdict.seconds, reason=why)
    steps = len(broken.trace.steps)
    return Hunt(bug, "explore", CAUGHT, broken.name, steps, verdict.distinct, verdict.seconds)


def _hunt_by_induction(spec: Spec, bug: Replacement, seconds: float) -> Hunt:
    """A state within the bug's scope in which all lemmas hold, and a step that breaks the one that is named."""
    from model.engines.induct.induct import is_kept  # noqa: PLC0415 - only provers load Z3

    started, bounds = time.process_time(), spec.complete_bounds(bug.bounds)
    budget = Budget(seconds=seconds)
    result = is_kept(spec, HINTS[spec.name], bounds, bug.breaks, clock=time.process_time, budget=budget)
    spent = time.process_time() - started
    if any(f.counterexample is not None for f in result.failures):
        return Hunt(bug.bug, "induct", CAUGHT, bug.breaks, 1, result.queries, spent)
    decided = result.complete and not result.failures
    why = "every step keeps the lemma" if decided else "not decided within the budget"
    return Hunt(bug.bug, "induct", "missed" if decided else UNKNOWN, None, None, result.queries, spent, reason=why)


def hunt_in_simulation(bug: str, seconds: float) -> Hunt:
    """The simulation made for the bug (`traces.hunts`), seed by seed, until a run finds something."""
    started, tried = time.process_time(), 0
    with status(f"simulate with {bug}") as tell:
        for seed in ALL_HUNTS[bug].seeds:
            spent = time.process_time() - started
            if spent > seconds:
                reason = f"budget of {seconds:g} s used up before seed {seed}"
                return Hunt(bug, "simulate", UNKNOWN, None, None, tried, spent, reason=reason)
            if tell is not None:
                tell(f"seed {seed}, {tried:,} steps, {spent:.0f} s")
            catch = hunt_seeds(bug, (seed,))
            if catch is not None:
                spent = time.process_time() - started
                tried += catch.tried
                return Hunt(bug, "simulate", CAUGHT, catch.finding.name, catch.steps, tried, spent, seed)
            tried += ALL_HUNTS[bug].config.steps
    spent = time.process_time() - started
    reason = f"not met in {len(ALL_HUNTS[bug].seeds)} runs"
    return Hunt(bug, "simulate", UNKNOWN, None, None, tried, spent, reason=reason)
