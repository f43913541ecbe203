"""`lockstep check-log zookeeper-wire`: Zab as a recording proxy saw it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import frozen
from rich.console import Console
from rich.text import Text

from model.engines.verdict import HOLDS, UNKNOWN, VIOLATED
from traces.commands.report import EXIT_CODES, CommandError
from traces.errors import TraceError
from traces.logs.zookeeper.wire import read_wire
from traces.logs.zookeeper.wire_check import IN_WINDOW, RULES, WireResult, check_wire
from traces.render import count_of, styled, table

SHOWN = 20


@frozen
class WireReport:
    """The verdict on one recording."""

    path: Path
    result: WireResult

    @property
    def verdict(self) -> str:
        """Violated by a broken rule; unknown if no rule about proposals and commits was put to the test."""
        if self.result.violations:
            return VIOLATED
        return HOLDS if self.result.tested["COMMIT in order"] else UNKNOWN

    @property
    def exit_code(self) -> int:
        """0 holds, 1 violated, 2 unknown."""
        return EXIT_CODES[self.verdict]

    def of(self, rule: str) -> str:
        """The verdict on one rule: unknown if it was never put to the test."""
        if any(violation.rule == rule for violation in self.result.violations):
            return VIOLATED
        return HOLDS if self.result.tested[rule] else UNKNOWN

    def to_json(self) -> dict[str, Any]:
        """Verdict, a verdict per rule with the number of tests, messages by kind, violations with their lines."""
        result = self.result
        return {
            "mode": "zookeeper-wire",
            "file": str(self.path),
            "verdict": self.verdict,
            "servers": list(result.servers),
            "messages": result.messages,
            "checks": {rule: {"verdict": self.of(rule), "tested": result.tested[rule]} for rule in RULES},
            "violations": [
                {"rule": v.rule, "line": v.line, "message": v.message, "text": v.text} for v in result.violations
            ],
            "commits_between_newleader_and_uptodate": list(result.in_window),
        }

    def show(self, console: Console) -> None:
        """A row per rule, then the violations."""
        rules = table("verdict", "rule", "what it says", "tested", numbers=("tested",), folds=("what it says",))
        for rule, claim in RULES.items():
            rules.add_row(styled(self.of(rule)), rule, claim, f"{self.result.tested[rule]:,}")
        console.print(rules)
        console.print()
        violations = self.result.violations
        for violation in violations[:SHOWN]:
            console.print(Text(str(violation)))
        if len(violations) > SHOWN:
            console.print(Text(f"... {len(violations) - SHOWN} more (--json has them all)", style="dim"))
        for line in self.result.in_window[:SHOWN]:
            console.print(Text(f"line {line}: {IN_WINDOW}", style="yellow"))
        messages = count_of(sum(self.result.messages.values()), "message")
        servers = count_of(len(self.result.servers), "server")
        summary = f": {messages} between {servers}, {count_of(len(violations), 'violation')}"
        console.print(Text.assemble(styled(self.verdict), summary))


def check_wire_recording(paths: Sequence[Path], history: Path | None) -> WireReport:
    """Check one recording. Raises CommandError for what is none, and for a history, which says nothing about it."""
    if history is not None:
        raise CommandError("--history: a recording of the wire is checked alone", "leave it out, or check zookeeper")
    if len(paths) != 1:
        raise CommandError(f"{len(paths)} recordings", "give one: zxids of different runs mean nothing to each other")
    try:
        return WireReport(paths[0], check_wire(read_wire(paths[0])))
    except TraceError as error:
        raise CommandError(str(error)) from None
