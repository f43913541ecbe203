"""How results look: consoles, the few tables that commands share, and the progress line. At most 100 columns, colour only where seen."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from model.engines.refine.refinement import REFINEMENT
from model.engines.source import Progress, Report
from model.engines.verdict import EVERY_ACTION_FIRES, HOLDS, UNKNOWN, VIOLATED, PropertyVerdict, Verdict
from model.language import Spec
from traces.guards import guard_text, place_of

WIDEST = 100
"""Columns; a narrower terminal narrows it."""

_REFRESH_SECONDS = 0.2

_STYLES = {HOLDS: "green", VIOLATED: "bold red", UNKNOWN: "yellow", "caught": "green", "diverged": "bold red"}

_EVERY_ACTION_CLAIM = "Every action of the spec is taken: one that never fires was never checked."

RUNG_MEANING = {
    "tested": "tested (some runs)",
    "explored": "explored (all states within bounds)",
    "bounded model checking": "bounded model checking (all runs of so many steps)",
    "inductive": "inductive (bounded instance)",
    "proved": "proved (any size)",
}
"""The rungs of the ladder of evidence, each with what it means."""


def stdout_console() -> Console:
    """The console of results: plain text unless stdout is a terminal and NO_COLOR is unset."""
    console = Console(markup=False, highlight=False, emoji=False)
    console.width = min(console.width, WIDEST)
    return console


def styled(verdict: str) -> Text:
    """A verdict in its colour."""
    return Text(verdict, style=_STYLES.get(verdict, ""))


def table(*headers: str, numbers: Iterable[str] = (), folds: Iterable[str] = ()) -> Table:
    """A table with thin rules; `numbers` are right-aligned, `folds` may break within a word, other columns keep words whole."""
    result = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    right, folded = tuple(numbers), tuple(folds)
    for header in headers:
        result.add_column(
            header, justify="right" if header in right else "left", overflow="fold", no_wrap=header not in folded
        )
    return result


def facts(rows: Iterable[tuple[str, str | Text]]) -> Table:
    """Names and values without rules, as at the head of a result."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in rows:
        grid.add_row(name, value)
    return grid


def count_of(number: int, noun: str) -> str:
    """`1 step`, `2 steps`, `1,234 steps`."""
    plural = noun if number == 1 else f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number:,} {plural}"


def bounds_text(bounds: "dict[str, int] | Iterable[tuple[str, int]]") -> str:
    """`epochs=2 nodes=3`."""
    items = bounds.items() if isinstance(bounds, dict) else bounds
    return " ".join(f"{name}={value}" for name, value in items)


# ------------------------------------------------------------------------------------------------------------- verdicts


PROVERS = ("prove", "induct")
"""Engines that do not visit states: what they count per action is queries."""

COUNTED = {"prove": "queries", "induct": "queries", "bmc": "runs"}
"""What `coverage` counts, where that is not steps."""


def evidence(verdict: Verdict, prop: PropertyVerdict) -> str:
    """What a verdict on a property rests on: all states or steps met (the totals say how many), or the steps that show it."""
    if prop.verdict == VIOLATED:
        return f"in {count_of(len(prop.trace.steps), 'step')}" if prop.trace is not None else prop.reason
    if prop.verdict == UNKNOWN:
        return prop.reason if prop.reason != verdict.reason else "not settled"
    if prop.name == EVERY_ACTION_FIRES:
        return count_of(len(verdict.coverage), "action")
    if prop.kind == REFINEMENT:
        return prop.reason
    if prop.trace is not None:
        return f"in {count_of(len(prop.trace.steps), 'step')}"
    if verdict.engine in PROVERS:
        return verdict.rung
    if verdict.engine == "bmc":
        return f"all runs of {count_of(verdict.depth, 'step')}"
    if prop.kind == "eventually":
        return "all fair runs"
    return "all steps" if prop.kind == "step" else "all states"


def property_table(verdict: Verdict, spec: Spec, *, verbose: bool) -> Table:
    """One row per property that is settled, or per property; with `verbose` the claim in words below its name.

    After a violation most are not settled: they are only counted.
    """
    claims = {p.name: p.doc.split("\n")[0] for p in spec.properties} | {EVERY_ACTION_FIRES: _EVERY_ACTION_CLAIM}
    folds = ("property", "evidence") if verbose else ("evidence",)
    result = table("verdict", "kind", "property", "evidence", folds=folds)
    brief = verdict.verdict == VIOLATED and not verbose
    for prop in verdict.properties:
        if brief and prop.verdict == UNKNOWN:
            continue
        name = Text(prop.name)
        if verbose:
            name.append(f"\n  {claims.get(prop.name, '')}", style="dim")
        result.add_row(styled(prop.verdict), prop.kind, name, evidence(verdict, prop))
    return result


def coverage_table(verdict: Verdict, *, verbose: bool) -> Table:
    """One row per action: steps, share of all steps, and the guard that was false most often; with `verbose` also its place."""
    counted = COUNTED.get(verdict.engine, "steps")
    result = table(
        "action",
        counted,
        "share",
        "guard most often false",
        numbers=(counted, "share"),
        folds=("guard most often false",),
    )
    total = sum(verdict.coverage.values())
    for action, steps in verdict.coverage.items():
        guard = Text()
        if action in verdict.blocked:
            where, times = verdict.blocked[action]
            guard.append(guard_text(where))
            if verbose:
                guard.append(f"\n  {place_of(where)}, {count_of(times, 'time')}", style="dim")
        if verbose and verdict.cut.get(action):
            guard.append(f"\n  {count_of(verdict.cut[action], 'step')} beyond the bounds", style="dim")
        share = f"{100 * steps / total:.1f} %" if total else "-"
        result.add_row(Text(action, style="" if steps else "yellow"), f"{steps:,}", share, guard)
    return result


def guard_table(verdict: Verdict) -> Table:
    """Per action the guards that were false: how often each was the one that disabled it, its text, and where it stands."""
    result = Table.grid(padding=(0, 1))
    result.add_column(justify="right")
    result.add_column(overflow="fold")
    before = ""
    for action, where, times in verdict.guards:
        if action != before:
            result.add_row("", Text(f"{action} is disabled by", style="bold"))
            before = action
        text = Text(guard_text(where))
        text.append(f"  {place_of(where)}", style="dim")
        result.add_row(f"{times:,}", text)
    return result


def shape(verdict: Verdict) -> RenderableType:
    """Steps out of states, and states per depth."""
    degrees = verdict.out_degrees
    states = sum(degrees.values())
    mean = sum(steps * n for steps, n in degrees.items()) / states if states else 0.0
    often = ", ".join(f"{steps}: {n:,}" for steps, n in sorted(degrees.items()))
    levels = ", ".join(f"{n:,}" for n in verdict.levels)
    rows: list[tuple[str, str | Text]] = [
        ("out-degree", f"{mean:.1f} on average; states by number of steps: {often}"),
        ("deadlocks", f"{verdict.deadlocks:,}"),
        ("depths", f"states per depth: {levels}"),
    ]
    return facts(rows)


def paths_table(verdict: Verdict) -> Table:
    """One row per action and steps of the refined spec that its steps stand for; the most frequent first."""
    result = table("action", "stands for", "steps", "share", numbers=("steps", "share"), folds=("stands for",))
    total = sum(verdict.coverage.values())
    for action, paths in verdict.paths.items():
        for place, (path, steps) in enumerate((paths or {"-": 0}).items()):
            name = Text("" if place else action, style="" if steps else "yellow")
            result.add_row(name, path, f"{steps:,}", f"{100 * steps / total:.1f} %" if total else "-")
    return result


def totals(verdict: Verdict) -> Text:
    """The last line: verdict, what was covered, at what rate."""
    if verdict.engine in PROVERS:
        queries = count_of(sum(verdict.coverage.values()), "query")
        return Text.assemble(styled(verdict.verdict), f": {queries}, {verdict.seconds:.1f} CPU s")
    if verdict.engine == "bmc":
        steps = count_of(verdict.depth, "step")
        return Text.assemble(styled(verdict.verdict), f": runs of up to {steps}, {verdict.seconds:.1f} CPU s")
    parts = [
        count_of(verdict.distinct, "distinct state"),
        f"{verdict.generated:,} generated",
        f"depth {verdict.depth}",
        f"{verdict.seconds:.1f} CPU s",
    ]
    if verdict.seconds >= 0.1:
        parts.append(f"{verdict.distinct / verdict.seconds:,.0f} states/s")
    if verdict.orbits:
        stands = sum(verdict.orbits)
        parts.insert(1, f"up to symmetry, for {stands:,} ({stands / max(verdict.distinct, 1):.2f} times fewer)")
    if verdict.deadlocks:
        parts.insert(3, count_of(verdict.deadlocks, "deadlock"))
    return Text.assemble(styled(verdict.verdict), ": ", ", ".join(parts))


# ------------------------------------------------------------------------------------------------------------- progress


@contextmanager
def progress(title: str) -> Iterator[Report | None]:
    """A line on stderr that follows a search, gone when it ends; None where stderr is no terminal."""
    with status(title) as tell:
        if tell is None:
            yield None
            return

        def report(now: Progress) -> None:
            tell(now.note or progress_text(now))

        yield report


def progress_text(now: Progress) -> str:
    """States, rate, depth, queue, memory, and what the last levels suggest."""
    rate = now.distinct / now.seconds if now.seconds > 0 else 0.0
    memory = f"{now.bytes / (1 << 20):,.0f} MiB" if now.bytes else ""
    parts = [
        f"{now.distinct:,} states",
        f"{rate:,.0f}/s",
        f"depth {now.depth}",
        f"queue {now.queue:,}",
        memory,
        outlook(now.levels, now.queue),
        f"{now.generated:,} generated",
        f"{now.seconds:.0f} s",
    ]
    return "  ".join(filter(None, parts))


def outlook(levels: tuple[int, ...], queue: int) -> str:
    """What the last complete levels suggest, if they go on like that: nobody knows how many states there are before all are found."""
    if len(levels) < 5:
        return ""
    ratio = (levels[-2] / levels[-4]) ** 0.5  # the last level is still being expanded, but complete in number
    if ratio >= 1:
        return f"levels grow {ratio:.1f} times"
    return f"levels shrink: {queue / (1 - ratio):,.0f} states to go at this pace"


class Tell:
    """Replaces the text of a progress line, a few times a second at most."""

    def __init__(self, title: str, live: Live) -> None:
        self._title, self._live, self._shown = title, live, 0.0

    def __call__(self, text: str) -> None:
        """Show this text after the title."""
        now = time.monotonic()
        if now - self._shown >= _REFRESH_SECONDS:
            self._shown = now
            self._live.update(Text.assemble((self._title, "bold"), "  ", text, no_wrap=True, overflow="ellipsis"))
            self._live.refresh()


@contextmanager
def status(title: str) -> Iterator[Tell | None]:
    """A line on stderr that the caller fills in; None where stderr is no terminal."""
    console = Console(stderr=True, markup=False, highlight=False, emoji=False)
    if not (sys.stderr.isatty() and console.is_terminal):
        yield None
        return
    with Live(console=console, auto_refresh=False, transient=True) as live:
        yield Tell(title, live)


def show_all(console: Console, parts: Sequence[RenderableType]) -> None:
    """Print parts with an empty line between them."""
    for place, part in enumerate(parts):
        if place:
            console.print()
        console.print(part)


def steps_text(lines: Iterable[str]) -> RenderableType:
    """The lines of a trace, steps bold and what they change dim; what does not fit is continued further in."""
    parts: list[RenderableType] = []
    for line in lines:
        indent = len(line) - len(line.lstrip())
        text = Text(line.strip(), style="dim" if indent else "")
        grid = Table.grid()
        grid.add_column(width=indent or 4)
        grid.add_column(overflow="fold")
        number, _, rest = line.partition("  ")
        grid.add_row("", text) if indent else grid.add_row(Text(number, style="bold"), Text(rest, style="bold"))
        parts.append(grid)
    return Group(*parts)


def printed(show: Callable[[Console], None]) -> str:
    """What `show` prints for stdout, without the blanks that pad tables where no terminal needs them."""
    console = stdout_console()
    with console.capture() as captured:
        show(console)
    text = captured.get()
    return text if console.is_terminal else "".join(f"{line.rstrip()}\n" for line in text.splitlines())
