"""Where counterexamples go: a directory of trace files, tried before a long search and written after it."""

import os
from pathlib import Path

from attrs import frozen

from model.engines.verdict import VIOLATED, PropertyVerdict, Verdict
from model.language import Spec
from traces.commands.report import CommandError
from traces.describe import describe
from traces.errors import TraceError
from traces.format import dump, from_spec_trace

DEFAULT_OUT = Path("lockstep-out")


@frozen
class Saved:
    """A counterexample on disk: where, its steps in domain words, each followed by what it changes (indented), and what it violates."""

    path: Path
    lines: tuple[str, ...]
    claim: str
    steps: int

    @property
    def last_step(self) -> str:
        """What happens last: who does what."""
        steps = [line for line in self.lines if not line.startswith(" " * 4)]
        return steps[-1].strip().partition("  ")[2].partition("(")[0].strip() if steps else ""

    @property
    def replay_command(self) -> str:
        """The command that replays it."""
        return f"lockstep replay {self.path}"


def check_writable(out: Path, option: str = "--out") -> None:
    """Refuse a directory that cannot be made or written, before the time for a search is spent."""
    nearest = out
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir():
        raise CommandError(f"{option}: {nearest} is not a directory", "give a directory that can be written")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise CommandError(f"{option}: {nearest} cannot be written", "give a directory that can be written")


def file_name(spec: str, bug: str | None, prop: str, number: int = 1) -> str:
    """`kraft-M2-a_voter_votes_once_per_epoch.itf.json`; the second one ends in `-2.itf.json`."""
    return "-".join(part for part in (spec, bug, prop, str(number) if number > 1 else "") if part) + ".itf.json"


def save_all(spec: Spec, verdict: Verdict, out: Path) -> tuple[Saved, ...]:
    """Write all counterexamples, the one of the first violated property first."""
    violated = [p for p in verdict.properties if p.verdict == VIOLATED]
    numbers: dict[str, int] = {}
    found = []
    for prop in (*violated, *verdict.more):
        numbers[prop.name] = numbers.get(prop.name, 0) + 1
        saved = save(spec, verdict, prop, out, numbers[prop.name])
        if saved is not None:
            found.append(saved)
    return tuple(found)


def save(spec: Spec, verdict: Verdict, prop: PropertyVerdict, out: Path, number: int = 1) -> Saved | None:
    """Write the counterexample of a property; None if it has none (a `sometimes` that nothing reaches)."""
    if prop.trace is None:
        return None
    trace = from_spec_trace(
        spec,
        verdict.bounds,
        prop.trace,
        property=prop.name,
        kind=prop.kind,
        engine=verdict.engine,
        seed=verdict.seed,
        loop=prop.trace.loop,
    )
    path = out / file_name(verdict.spec, verdict.bug, prop.name, number)
    found = f"{verdict.spec} violates {prop.name} after {len(prop.trace.steps)} steps, but its trace"
    try:
        out.mkdir(parents=True, exist_ok=True)
        dump(trace, path)
    except (OSError, TraceError) as error:
        cause = error.strerror or str(error) if isinstance(error, OSError) else str(error)
        raise CommandError(f"{found} cannot be written to {out}: {cause}") from None
    return Saved(path, tuple(describe(trace)[1:]), prop.name, len(prop.trace.steps))
