"""`lockstep verify`: the main job. A fixed plan of checks, run in order, ending in a table of verdicts against what is expected."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen
from rich.console import Console
from rich.text import Text

from model.engines.verdict import HOLDS, UNKNOWN, VIOLATED, Verdict
from properties.registry import HINTS, SPECS, find_spec, known_bugs
from traces.commands.bugs import CAUGHT, hunt_in_simulation, hunt_on_spec
from traces.commands.engines import ENGINES, Effort, source_for
from traces.commands.parse import parse_budget
from traces.commands.report import EXIT_CODES
from traces.commands.simulate_runs import MODES
from traces.commands.verify_ensemble import conforms, drives
from traces.cover import SCOPE, drive_cover
from traces.hunts import ALL_HUNTS
from traces.render import PROVERS, RUNG_MEANING, count_of, facts, progress, status, styled, table

BUDGET_SECONDS = 240.0
"""CPU time per row, unless told otherwise; the whole plan takes a few minutes."""

TWO_PHASE_COUNTS: Mapping[int, int] = {3: 288, 4: 1_568, 5: 8_832}
"""Distinct states of two-phase commit by resource managers, as published."""

WALK_BOUNDS: Mapping[str, int] = {
    "nodes": 3,
    "epochs": 4,
    "log": 4,
    "values": 2,
    "elections": 5,
    "restarts": 3,
    "stale": 1,
}
"""A scope that no search completes."""

ZAB_BOUNDS: Mapping[str, int] = {"crashes": 1, "partitions": 1}
"""A scope of zab in which everything is reached that must be; its default bounds take longer."""

ZAB_REFINE_BOUNDS: Mapping[str, int] = {"epochs": 2, "log": 2, "txns": 1, "crashes": 1, "partitions": 1}
"""A scope of zab in which every action of zab and of its core is taken; the verdict of larger ones is in docs/refinement-of-zab.md."""

WALKS, WALK_STEPS, SIMULATIONS, ENSEMBLES = 40, 80, 5, 12


@frozen
class Result:
    """What a row found: its verdict, and the evidence in a few words."""

    verdict: str
    evidence: str


@frozen
class Row:
    """One check of the plan: its name, what it does, the verdict that is expected, and how to get it within CPU seconds."""

    name: str
    what: str
    run: Callable[[float], Result]
    expected: str = HOLDS


@frozen
class Done:
    """A row and what became of it."""

    row: Row
    result: Result
    seconds: float

    @property
    def as_expected(self) -> bool:
        """Whether the verdict is the expected one."""
        return self.result.verdict == self.row.expected


def _of(verdict: Verdict) -> Result:
    """A verdict of an engine in one row."""
    if verdict.verdict == HOLDS and verdict.engine in PROVERS:
        return Result(HOLDS, f"{count_of(len(verdict.properties), 'lemma')}, {RUNG_MEANING[verdict.rung]}")
    if verdict.verdict == HOLDS:
        return Result(HOLDS, f"{count_of(verdict.distinct, 'state')}, depth {verdict.depth}, {verdict.rung}")
    broken = verdict.violation
    return Result(verdict.verdict, f"{broken.name}: {broken.reason}".rstrip(": ") if broken else verdict.reason)


def two_phase(seconds: float) -> Result:
    """The explorer finds the published numbers of states."""
    spec, counts = find_spec("two-phase"), []
    for managers, published in TWO_PHASE_COUNTS.items():
        bounds = spec.complete_bounds({"nodes": managers})
        verdict = ENGINES["explore"](spec, bounds, spec.properties, Effort(seconds), None)
        if verdict.verdict != HOLDS:
            return _of(verdict)
        if verdict.distinct != published:
            return Result(VIOLATED, f"{verdict.distinct:,} states for {managers} managers, {published:,} published")
        counts.append(f"{verdict.distinct:,}")
    return Result(HOLDS, f"{', '.join(counts)} states, as published")


def explored(seconds: float) -> Result:
    """Every state of the spec kraft within its default bounds."""
    return _engine("explore", {}, Effort(seconds))


def explored_service(seconds: float) -> Result:
    """Every state of the spec zookeeper with one session; its default bounds have two and take longer."""
    return _engine("explore", {"sessions": 1}, Effort(seconds), "zookeeper")


def explored_controller(seconds: float) -> Result:
    """Every state of the spec zk-controller within its default bounds."""
    return _engine("explore", {}, Effort(seconds), "zk-controller")


def explored_zab(seconds: float) -> Result:
    """Every state of the spec zab with one crash and one broken connection, which reaches everything that must be reachable."""
    return _engine("explore", dict(ZAB_BOUNDS), Effort(seconds), "zab")


def walked(seconds: float) -> Result:
    """Random walks at bounds that no search completes; what they do not reach is only not settled."""
    return _engine("walk", dict(WALK_BOUNDS), Effort(seconds, seed=1, runs=WALKS, steps=WALK_STEPS))


def _proved(name: str) -> Callable[[float], Result]:
    """The lemmas of a core, for any number of nodes, epochs and log entries."""
    return lambda seconds: _engine("prove", {}, Effort(seconds), name)


def refined(seconds: float) -> Result:
    """Every step of kraft within its default bounds is a stutter or some steps of the core that is proved."""
    return _engine("refine", {}, Effort(seconds))


def refined_zab(seconds: float) -> Result:
    """Every step of zab with one crash is a stutter or some steps of the core that is proved."""
    return _engine("refine", dict(ZAB_REFINE_BOUNDS), Effort(seconds), "zab")


def _engine(engine: str, bounds: dict[str, int], effort: Effort, name: str = "kraft") -> Result:
    spec = find_spec(name)
    with progress(f"{name} {engine}") as report:
        return _of(ENGINES[engine](spec, spec.complete_bounds(bounds), spec.properties, effort, report))


def _simulated(mode: str, runs: int, steps: int, nodes: int, committed: str) -> Callable[[float], Result]:
    """The implementation under faults, with everything watched that `lockstep simulate` watches."""

    def run(seconds: float) -> Result:
        started, taken, commits, asked = time.process_time(), 0, 0, 0
        chosen = MODES[mode](None)
        config = chosen.configuration("default", steps, nodes)
        with status(f"{mode} simulate") as tell:
            for seed in range(runs):
                if time.process_time() - started > seconds:
                    return Result(UNKNOWN, f"budget used up after {count_of(seed, 'run')}")
                result = chosen.run(seed, config, tell)
                if result.verdict != HOLDS:
                    return Result(result.verdict, f"seed {seed}: {result.reason}")
                taken, commits, asked = (
                    taken + result.run.steps,
                    commits + result.run.committed,
                    asked + result.operations,
                )
        what = f"{count_of(runs, 'run')}, {count_of(taken, 'step')}"
        return Result(HOLDS, f"{what}, {commits:,} {committed} committed, {count_of(asked, 'operation')}")

    return run


def driven(seconds: float) -> Result:
    """Every transition of a small state graph of the spec, driven through the implementation; `seconds` is not needed."""
    spec = find_spec("kraft")
    with status("kraft drive") as tell:
        cover = drive_cover(
            source_for(spec, spec.complete_bounds(dict(SCOPE))),
            report=None if tell is None else lambda paths, steps: tell(f"{paths:,} paths, {steps:,} steps"),
        )
    if cover.mismatch is not None:
        return Result(VIOLATED, str(cover.mismatch))
    return Result(HOLDS, f"{count_of(cover.transitions, 'transition')}, {count_of(cover.paths, 'path')}")


def _ensemble(check: Callable[[float], tuple[str, str]]) -> Callable[[float], Result]:
    return lambda seconds: Result(*check(seconds))


def _caught_on_spec(bug: str) -> Callable[[float], Result]:
    def run(seconds: float) -> Result:
        hunt = hunt_on_spec(bug, seconds)
        return Result(hunt.verdict, f"{hunt.property} after {hunt.steps} steps" if hunt.property else hunt.reason)

    return run


def _lemmas_broken(name: str) -> Callable[[float], Result]:
    def run(seconds: float) -> Result:
        started = time.process_time()
        found = [bug.bug for bug in find_spec(name).bugs.values() if bug.found_by == "induct"]
        for place, bug in enumerate(found):
            left = seconds - (time.process_time() - started)
            hunt = hunt_on_spec(bug, left) if left > 0 else None
            if hunt is None:
                return Result(UNKNOWN, f"budget used up after {place} of {count_of(len(found), 'bug')}")
            if hunt.verdict != CAUGHT:
                return Result(hunt.verdict, f"{bug}: {hunt.reason}")
        return Result(
            CAUGHT, f"{count_of(len(found), 'bug')}, each with a counterexample to the induction of its lemma"
        )

    return run


def _caught_in_simulation(bug: str) -> Callable[[float], Result]:
    def run(seconds: float) -> Result:
        hunt = hunt_in_simulation(bug, seconds)
        return Result(hunt.verdict, f"{hunt.property}, seed {hunt.seed}" if hunt.property else hunt.reason)

    return run


def plan() -> tuple[Row, ...]:
    """The rows of the table, in the order in which they run."""
    bugs = [name for name, spec in known_bugs().items() if spec.bugs[name].found_by == "explore"]
    cores = [name for name, spec in SPECS.items() if any(bug.found_by == "induct" for bug in spec.bugs.values())]
    return (
        Row("two-phase explore", "the published numbers of states", two_phase),
        Row("kraft explore", "every state within the default bounds", explored),
        Row("zab explore", "every state with one crash and one broken connection", explored_zab),
        Row(
            "zookeeper explore",
            "what clients see: one session, with everything that can happen to it",
            explored_service,
        ),
        Row(
            "zk-controller explore",
            "Kafka's controller and brokers, with one incident of any kind",
            explored_controller,
        ),
        Row("kraft walk", "random walks at larger bounds", walked),
        *(Row(f"{name} prove", "its lemmas, for any number of nodes", _proved(name)) for name in HINTS),
        Row("kraft refine", "its steps are steps of the proved core", refined),
        Row("zab refine", "its steps are steps of the proved core", refined_zab),
        Row("kraft drive", "the spec's transitions, driven through the implementation", driven),
        Row(
            "kraft simulate",
            "the implementation's steps against spec and properties",
            _simulated("kraft", SIMULATIONS, 400, 3, "records"),
        ),
        Row(
            "zookeeper simulate",
            "five servers under faults: Zab's promises, and what clients see",
            _simulated("zookeeper", ENSEMBLES, 1_000, 5, "transactions"),
        ),
        Row("zookeeper conform", "three servers under faults: each step is one of the spec", _ensemble(conforms)),
        Row("zookeeper drive", "the spec's transitions, driven through an ensemble", _ensemble(drives)),
        *(Row(f"{bug} explore", "a bug in the spec", _caught_on_spec(bug), CAUGHT) for bug in bugs),
        *(
            Row(f"{name} bugs induct", "each breaks its lemma in a step", _lemmas_broken(name), CAUGHT)
            for name in cores
        ),
        *(
            Row(f"{bug} simulate", "a bug in the implementation", _caught_in_simulation(bug), CAUGHT)
            for bug in ALL_HUNTS
        ),
    )


@frozen
class VerifyReport:
    """The rows that ran. `planned` is how many there are."""

    done: tuple[Done, ...]
    planned: int

    @property
    def verdict(self) -> str:
        """holds if every row is as expected; unknown if some are undecided or did not run, and the others are; else violated."""
        wrong = [d for d in self.done if not d.as_expected]
        if any(d.result.verdict != UNKNOWN for d in wrong):
            return VIOLATED
        return UNKNOWN if wrong or len(self.done) < self.planned else HOLDS

    @property
    def exit_code(self) -> int:
        """As the verdict says."""
        return EXIT_CODES[self.verdict]

    def to_json(self) -> dict[str, Any]:
        """One object per row."""
        return {
            "verdict": self.verdict,
            "planned": self.planned,
            "seconds": round(sum(d.seconds for d in self.done), 3),
            "rows": [
                {
                    "name": d.row.name,
                    "what": d.row.what,
                    "verdict": d.result.verdict,
                    "expected": d.row.expected,
                    "evidence": d.result.evidence,
                    "seconds": round(d.seconds, 3),
                }
                for d in self.done
            ],
        }

    def show(self, console: Console) -> None:
        """The table, and below it what is not as expected."""
        result = table("check", "verdict", "evidence", "s", numbers=("s",), folds=("evidence",))
        for d in self.done:
            verdict = styled(d.result.verdict)
            if not d.as_expected:
                verdict.stylize("bold red")
            result.add_row(d.row.name, verdict, d.result.evidence, f"{d.seconds:.1f}")
        console.print(result)
        console.print()
        wrong = [d for d in self.done if not d.as_expected]
        if wrong:
            console.print(facts((d.row.name, f"expected {d.row.expected}, is {d.result.verdict}") for d in wrong))
            console.print()
        as_expected = len(self.done) - len(wrong)
        seconds = sum(d.seconds for d in self.done)
        console.print(
            Text.assemble(styled(self.verdict), f": {as_expected} of {self.planned} as expected, {seconds:.0f} CPU s")
        )


def verify(*, budget: str | None = None, rows: tuple[Row, ...] | None = None) -> VerifyReport:
    """Run the plan (or these rows), each row within a budget of CPU time. An interrupt ends it; what ran is reported."""
    seconds = parse_budget(budget) or BUDGET_SECONDS
    chosen = plan() if rows is None else rows
    done: list[Done] = []
    for place, row in enumerate(chosen, start=1):
        started = time.process_time()
        try:
            with status(f"verify {place}/{len(chosen)} {row.name}") as tell:
                if tell is not None:
                    tell(row.what)
            result = row.run(seconds)
        except KeyboardInterrupt:
            break
        done.append(Done(row, result, time.process_time() - started))
    return VerifyReport(tuple(done), len(chosen))
