"""`lockstep replay`: does it happen again, on the spec and on the implementation?"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import frozen
from rich.console import Console
from rich.text import Text

from model.engines.verdict import HOLDS, VIOLATED
from traces.commands.report import EXIT_ERROR, EXIT_HOLDS, EXIT_VIOLATED, CommandError
from traces.describe import describe
from traces.ensemble.recording import Recording, recorded_lines
from traces.ensemble.recording_file import is_recording_file, recording_from
from traces.ensemble.replay import Replayed, replay_recording
from traces.errors import TraceError
from traces.files import parse_json, read_bytes
from traces.format import from_bytes
from traces.pairings import LOCKSTEPS
from traces.render import bounds_text, count_of, facts, steps_text, styled, table
from traces.replay import DIVERGED, Replay, Replayer, replay
from traces.replay_impl import SIDE, replay_on_implementation
from traces.trace import Trace

SIDES: Mapping[str, tuple[str, ...]] = {"spec": ("spec",), "impl": ("impl",), "both": ("spec", "impl")}
"""The values of --on."""


@frozen
class RunReplayReport:
    """A recording of a run of the implementation, and what became of it: there is no spec's side."""

    path: Path
    recording: Recording
    replayed: Replayed
    strict: bool

    @property
    def exit_code(self) -> int:
        """1 if the property is violated again, 3 if the run left the recording, else 0."""
        return {VIOLATED: EXIT_VIOLATED, DIVERGED: EXIT_ERROR}.get(self.replayed.verdict, EXIT_HOLDS)

    def to_json(self) -> dict[str, Any]:
        """What was recorded, and the verdict."""
        recording, replayed = self.recording, self.replayed
        return {
            "trace": str(self.path),
            "run": recording.config.mode,
            "bug": recording.config.bug,
            "property": recording.property,
            "kind": recording.kind,
            "steps": len(recording.choices),
            "strict": self.strict,
            "verdict": replayed.verdict,
            "sides": {SIDE: {"verdict": replayed.verdict, "steps": replayed.steps, "reason": replayed.reason}},
        }

    def show(self, console: Console) -> None:
        """The run step by step, then the verdict."""
        recording, replayed = self.recording, self.replayed
        mode = recording.config.mode + (f" with bug {recording.config.bug}" if recording.config.bug else "")
        rows: list[tuple[str, str | Text]] = [
            ("trace", str(self.path)),
            ("run", f"{mode}, {count_of(recording.config.nodes, 'server')}"),
            ("shows", f"{recording.property} ({recording.kind}), found by {recording.engine}"),
        ]
        console.print(facts(rows))
        console.print()
        console.print(steps_text(recorded_lines(replayed.rows)))
        console.print()
        console.print(Text.assemble(styled(replayed.verdict), f": {replayed.reason}"))


@frozen
class ReplayReport:
    """A trace and what became of it on each side."""

    path: Path
    trace: Trace
    replays: tuple[Replay, ...]
    strict: bool

    @property
    def exit_code(self) -> int:
        """1 if any side violates the property again, 3 if one left the trace, else 0."""
        verdicts = {replay.verdict for replay in self.replays}
        return EXIT_ERROR if DIVERGED in verdicts else EXIT_VIOLATED if VIOLATED in verdicts else EXIT_HOLDS

    def to_json(self) -> dict[str, Any]:
        """The trace's head, and per side the verdict."""
        trace = self.trace
        return {
            "trace": str(self.path),
            "spec": trace.spec.name,
            "bug": trace.spec.bug,
            "bounds": dict(trace.bounds),
            "property": trace.property,
            "kind": trace.kind,
            "steps": len(trace.states) - 1,
            "strict": self.strict,
            "verdict": self.verdict,
            "sides": {
                replay.side: {
                    "verdict": replay.verdict,
                    "property": replay.property,
                    "at": replay.at,
                    "steps": replay.steps,
                    "reason": replay.reason,
                    "warnings": list(replay.warnings),
                }
                for replay in self.replays
            },
        }

    @property
    def verdict(self) -> str:
        """One verdict for the sides: diverged, else violated, else holds."""
        return {EXIT_ERROR: DIVERGED, EXIT_VIOLATED: VIOLATED}.get(self.exit_code, HOLDS)

    def show(self, console: Console) -> None:
        """The trace in domain words, then a row per side."""
        trace = self.trace
        rows: list[tuple[str, str | Text]] = [
            ("trace", str(self.path)),
            ("spec", trace.spec.name + (f" with bug {trace.spec.bug}" if trace.spec.bug else "")),
            ("bounds", bounds_text(trace.bounds.items())),
            ("shows", f"{trace.property} ({trace.kind}), found by {trace.engine}" if trace.property else "a path"),
        ]
        console.print(facts(rows))
        console.print()
        console.print(steps_text(describe(trace)[1:]))
        console.print()
        result = table("on", "verdict", "steps", "because", numbers=("steps",), folds=("because",))
        for side in self.replays:
            of = f"{side.steps} of {len(trace.states) - 1}"
            result.add_row(side.side, styled(side.verdict), of, side.reason)
        console.print(result)
        for side in self.replays:
            for warning in side.warnings:
                console.print(Text(f"warning ({side.side}): {warning}", style="yellow"))
        console.print()
        console.print(Text.assemble(styled(self.verdict), f": {self._meaning()}"))

    def _meaning(self) -> str:
        sides = " and ".join(f"the {'spec' if r.side == 'spec' else 'implementation'}" for r in self.replays)
        if self.verdict == DIVERGED:
            remedy = "" if not self.strict else "; if the code has changed since, try --tolerant"
            return f"the trace does not happen again{remedy}"
        if self.verdict == HOLDS:
            return f"{count_of(len(self.trace.states) - 1, 'step')} replayed on {sides}, and nothing is violated"
        violated = [r.side for r in self.replays if r.verdict == VIOLATED]
        if len(violated) < len(self.replays):
            return f"{self.trace.property} is violated again, but only on the {' and '.join(violated)} side"
        return f"{self.trace.property} is violated again on {sides}"


def implementations() -> Mapping[str, Replayer]:
    """The sides besides the spec."""
    return {SIDE: replay_on_implementation}


def replay_file(path: Path, *, on: str | None = None, strict: bool = True) -> ReplayReport | RunReplayReport:
    """Replay a trace file; `on` is spec, impl or both (default: every side that there is)."""
    if on is not None and on not in SIDES:
        raise CommandError(f"--on {on}: no such side", f"write --on {', '.join(SIDES)}")
    try:
        data = read_bytes(path)
        if is_recording_file(data):
            if on not in (None, SIDE):
                raise CommandError(f"--on {on}: {path} is a run of the implementation alone", f"write --on {SIDE}")
            recording = recording_from(parse_json(data))
            return RunReplayReport(path, recording, replay_recording(recording, strict=strict), strict)
        trace = from_bytes(data, strict=strict)
        has_implementation = trace.spec.name in LOCKSTEPS
        if on not in (None, "spec") and not has_implementation:
            raise CommandError(f"--on {on}: {trace.spec.name} has no implementation", "write --on spec")
        sides = SIDES[on or ("both" if has_implementation else "spec")]
        return ReplayReport(path, trace, replay(trace, sides, strict=strict, replayers=implementations()), strict)
    except TraceError as error:
        text = str(error) if error.file else f"{path}: {error}"
        raise CommandError(text) from None
