"""`lockstep check-log`: what must hold of the logs that real servers leave, and of what they say to each other."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen
from rich.console import Console
from rich.text import Text

from impl.zookeeper.transactions import show_zxid
from model.engines.verdict import HOLDS, UNKNOWN, VIOLATED
from traces.commands.check_wire import check_wire_recording
from traces.commands.report import EXIT_CODES, CommandError, Report
from traces.errors import TraceError
from traces.logs.zookeeper.acknowledged import CHECK as ACKNOWLEDGED
from traces.logs.zookeeper.check import CHECKS, Result, check_disks
from traces.logs.zookeeper.disk import read_disks
from traces.logs.zookeeper.findings import Finding, Level
from traces.logs.zookeeper.history import read_history
from traces.render import count_of, styled, table

_STYLES = {Level.ERROR: "bold red", Level.DEFECT: "yellow", Level.ANOMALY: "dim"}
SHOWN = 20
"""Findings of one class that are shown to a person; `--json` has them all."""


@frozen
class ZooKeeperLogReport:
    """The verdict on the disks of some servers, perhaps against a history of their clients."""

    result: Result
    history: Path | None = None

    @property
    def verdict(self) -> str:
        """Violated by an error; unknown if not one transaction could be folded, or no client's answer looked for."""
        if self.result.errors:
            return VIOLATED
        return UNKNOWN if any(self.of(name) == UNKNOWN for name, _ in self.checks) else HOLDS

    @property
    def checks(self) -> tuple[tuple[str, str], ...]:
        """The checks that were asked for: what clients were answered only with a history."""
        return tuple(check for check in CHECKS if self.history is not None or check[0] != ACKNOWLEDGED)

    def of(self, check: str) -> str:
        """The verdict on one check: unknown if there was nothing to compare."""
        if _errors(self.result.findings, check):
            return VIOLATED
        compared = self.result.acknowledged if check == ACKNOWLEDGED else self.result.compared
        return HOLDS if compared else UNKNOWN

    @property
    def exit_code(self) -> int:
        """0 holds, 1 an error was found, 2 nothing was compared."""
        return EXIT_CODES[self.verdict]

    def to_json(self) -> dict[str, Any]:
        """Verdict, a verdict per check, what was compared, and every finding."""
        found = self.result.findings
        return {
            "mode": "zookeeper",
            "verdict": self.verdict,
            "checks": {name: self.of(name) for name, _ in self.checks},
            "acknowledged": self.result.acknowledged,
            "servers": [
                {
                    "server": server.name,
                    "files": server.files,
                    "transactions": server.transactions,
                    "last_zxid": show_zxid(server.last_zxid),
                    "segments": server.segments,
                    "folded": server.folded,
                    "digests": server.digests,
                    "snapshots": server.snapshots,
                    "snapshots_compared": server.snapshots_compared,
                }
                for server in self.result.servers
            ],
            "pairs": [
                {"servers": [pair.left, pair.right], "shared": pair.shared, "last_shared": show_zxid(pair.last)}
                for pair in self.result.pairs
            ],
            "findings": [_finding_json(finding) for finding in found],
        }

    def show(self, console: Console) -> None:
        """A row per check, a row per server, and the findings, errors first."""
        found = self.result.findings
        checks = table("verdict", "check", "what it says", "findings", numbers=("findings",), folds=("what it says",))
        for name, claim in self.checks:
            number = sum(finding.check == name for finding in found)
            checks.add_row(styled(self.of(name)), name, claim, str(number or ""))
        console.print(checks)
        console.print()
        numbers = ("files", "transactions", "folded", "digests", "snapshots")
        servers = table("server", *numbers, "last zxid", numbers=numbers, folds=("server",))
        for server in self.result.servers:
            counts = (f"{n:,}" for n in (server.files, server.transactions, server.folded, server.digests))
            snapshots = f"{server.snapshots_compared} of {server.snapshots}"
            servers.add_row(server.name, *counts, snapshots, show_zxid(server.last_zxid))
        console.print(servers)
        for pair in self.result.pairs:
            shared = f"{count_of(pair.shared, 'transaction')} shared, the last {show_zxid(pair.last)}"
            console.print(Text(f"{pair.left} and {pair.right}: {shared}"))
        if self.result.acknowledged:
            console.print(Text(f"{self.result.acknowledged:,} writes that clients were answered were looked for"))
        console.print()
        _show_findings(console, found)
        console.print(Text.assemble(styled(self.verdict), f": {_classes(found)}"))


def check_zookeeper_logs(paths: Sequence[Path], history: Path | None) -> ZooKeeperLogReport:
    """Check the disks of servers, perhaps against a history of their clients. Raises CommandError for what is no disk."""
    try:
        operations = () if history is None else read_history(history)
        return ZooKeeperLogReport(check_disks(read_disks(tuple(paths)), operations), history)
    except TraceError as error:
        raise CommandError(str(error)) from None


MODES: Mapping[str, Callable[[Sequence[Path], Path | None], Report]] = {
    "zookeeper": check_zookeeper_logs,
    "zookeeper-wire": check_wire_recording,
}
"""What a log may be of."""


def check_log(mode: str, paths: Sequence[Path], history: Path | None = None) -> Report:
    """Check the logs of a mode. Raises CommandError for an unknown mode, and for what cannot be read."""
    if mode not in MODES:
        raise CommandError(f"{mode}: no logs of this kind", f"write {' or '.join(MODES)}")
    if not paths:
        raise CommandError("nothing to check", "give a directory or a file")
    return MODES[mode](paths, history)


def _errors(found: tuple[Finding, ...], check: str) -> int:
    return sum(finding.check == check and finding.level is Level.ERROR for finding in found)


def _finding_json(finding: Finding) -> dict[str, Any]:
    return {
        "level": finding.level.value,
        "check": finding.check,
        "server": finding.server,
        "file": finding.file or None,
        "offset": finding.offset,
        "zxid": None if finding.zxid is None else show_zxid(finding.zxid),
        "text": finding.text,
    }


def _show_findings(console: Console, found: tuple[Finding, ...]) -> None:
    for level in Level:
        those = [finding for finding in found if finding.level is level]
        for finding in those[:SHOWN]:
            line = Text.assemble((f"{level.value}: ", _STYLES[level]), f"{finding.place}: {finding.text}")
            console.print(line)
        if len(those) > SHOWN:
            console.print(Text(f"... {len(those) - SHOWN} more of this class (--json has them all)", style="dim"))
    if found:
        console.print()


def _classes(found: tuple[Finding, ...]) -> str:
    names = {Level.ERROR: "error", Level.DEFECT: "mark of a known defect", Level.ANOMALY: "benign anomaly"}
    parts = []
    for level, name in names.items():
        number = sum(finding.level is level for finding in found)
        parts.append(
            f"{number} marks of known defects" if level is Level.DEFECT and number != 1 else count_of(number, name)
        )
    return ", ".join(parts)
