"""`lockstep check-history --model zookeeper`: two levels of consistency, by the zxids that the servers answered."""

from pathlib import Path
from typing import Any

from attrs import frozen
from rich.console import Console
from rich.text import Text

from model.engines.verdict import HOLDS, UNKNOWN, VIOLATED
from properties.witnessed_histories import CHECKS, StaleRead, WitnessedVerdict, check
from traces.commands.report import EXIT_CODES, CommandError
from traces.errors import TraceError
from traces.logs.zookeeper.history import read_history
from traces.render import count_of, styled, table

SHOWN = 20


@frozen
class WitnessedReport:
    """The verdict on one history."""

    path: Path
    result: WitnessedVerdict

    @property
    def verdict(self) -> str:
        """Violated by a check that fails; unknown if nothing was put to the test."""
        if self.result.violations:
            return VIOLATED
        return HOLDS if any(self.result.tested.values()) else UNKNOWN

    @property
    def exit_code(self) -> int:
        """0 holds, 1 violated, 2 unknown."""
        return EXIT_CODES[self.verdict]

    def of(self, name: str) -> str:
        """The verdict on one check: unknown if it was never put to the test."""
        if any(violation.check == name for violation in self.result.violations):
            return VIOLATED
        return HOLDS if self.result.tested[name] else UNKNOWN

    def to_json(self) -> dict[str, Any]:
        """Verdict, a verdict per check, operations by kind and outcome, violations, stale reads."""
        result = self.result
        return {
            "history": str(self.path),
            "model": "zookeeper",
            "verdict": self.verdict,
            "operations": {f"{f} {outcome}": number for (f, outcome), number in sorted(result.counts.items())},
            "checks": {name: {"verdict": self.of(name), "tested": result.tested[name]} for name in CHECKS},
            "violations": [
                {"check": v.check, "operation": str(v.operation), "call": v.operation.call, "text": v.text}
                for v in result.violations
            ],
            "stale_reads": [{"operation": str(stale.operation), "milliseconds": _ms(stale)} for stale in result.stale],
        }

    def show(self, console: Console) -> None:
        """A row per check, then violations and stale reads."""
        result = self.result
        checks = table("verdict", "check", "what it says", "tested", numbers=("tested",), folds=("what it says",))
        for name, claim in CHECKS.items():
            checks.add_row(styled(self.of(name)), name, claim, f"{result.tested[name]:,}")
        console.print(checks)
        console.print()
        for violation in result.violations[:SHOWN]:
            console.print(Text(str(violation)))
        if len(result.violations) > SHOWN:
            console.print(Text(f"... {len(result.violations) - SHOWN} more (--json has them all)", style="dim"))
        for stale in result.stale[:SHOWN]:
            console.print(Text(f"stale by {_ms(stale):.3f} ms, as plain reads may be: {stale.operation}", style="dim"))
        plain = result.counts.get(("read", "ok"), 0)
        text = (
            f": {count_of(sum(result.counts.values()), 'operation')}, {count_of(len(result.violations), 'violation')}; "
        )
        text += f"{len(result.stale):,} of {count_of(plain, 'plain read')} stale"
        if result.stale:
            text += f", at most by {max(map(_ms, result.stale)):.3f} ms"
        console.print(Text.assemble(styled(self.verdict), text))


def check_witnessed_history(path: Path) -> WitnessedReport:
    """Check a history file. Raises CommandError for what is none."""
    try:
        return WitnessedReport(path, check(read_history(path)))
    except TraceError as error:
        raise CommandError(str(error)) from None


def _ms(stale: StaleRead) -> float:
    return stale.age / 1e6
