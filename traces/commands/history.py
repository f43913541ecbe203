"""`lockstep check-history`: is a recorded history of client operations linearizable?"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import frozen
from rich.console import Console
from rich.text import Text

from model.engines.verdict import HOLDS, UNKNOWN, VIOLATED
from properties.histories import METADATA, REGISTER, HistoryError, Vocabulary, load_history
from properties.linearizability import DEFAULT_BUDGET_SECONDS, LinearizabilityVerdict, check, explain
from properties.sequential_models import MetadataModel, RegisterModel
from traces.commands.parse import parse_budget
from traces.commands.report import EXIT_CODES, CommandError, Report
from traces.commands.witnessed_history import check_witnessed_history
from traces.render import count_of, styled, table

MODELS: Mapping[str, tuple[Vocabulary, Any]] = {
    "metadata": (METADATA, MetadataModel()),
    "register": (REGISTER, RegisterModel()),
}
"""What a history may be about: topics with configurations and versions, or registers with compare-and-set."""

WITNESSED = "zookeeper"
"""The model whose histories carry the order of writes (zxids)."""

_VERDICTS = {"linearizable": HOLDS, "not linearizable": VIOLATED, "unknown": UNKNOWN}


@frozen
class HistoryReport:
    """The verdict on one history file."""

    path: Path
    model: str
    verdict: LinearizabilityVerdict

    @property
    def exit_code(self) -> int:
        """0 linearizable, 1 not linearizable, 2 unknown."""
        return EXIT_CODES[_VERDICTS[self.verdict.verdict]]

    def to_json(self) -> dict[str, Any]:
        """The verdict, and one object per key with its witness."""
        verdict = self.verdict
        return {
            "history": str(self.path),
            "model": self.model,
            "verdict": _VERDICTS[verdict.verdict],
            "linearizable": {HOLDS: True, VIOLATED: False}.get(_VERDICTS[verdict.verdict]),
            "reason": verdict.reason,
            "operations": verdict.operations,
            "configurations": verdict.configurations,
            "seconds": round(verdict.seconds, 3),
            "keys": {
                key.key or "": {
                    "verdict": _VERDICTS[key.verdict],
                    "reason": key.reason,
                    "operations": key.operations,
                    "answered": key.answered,
                    "configurations": key.configurations,
                    "blocked": str(key.blocked) if key.blocked is not None else None,
                }
                for key in verdict.keys
            },
        }

    def show(self, console: Console) -> None:
        """A row per key that is not plainly linearizable, or the totals; then the orders that came nearest."""
        verdict = self.verdict
        result = table("key", "verdict", "operations", "answered", "configurations", folds=("key",))
        for key in verdict.keys:
            numbers = (f"{n:,}" for n in (key.operations, key.answered, key.configurations))
            result.add_row(key.key or "(whole history)", Text(key.verdict, style=_style(key.verdict)), *numbers)
        console.print(result)
        console.print()
        if verdict.verdict != "linearizable":
            for line in explain(verdict).splitlines()[1:]:
                console.print(Text(line))
            console.print()
        summary = f": {verdict.reason}; {count_of(verdict.configurations, 'configuration')}, {verdict.seconds:.2f} s"
        console.print(Text.assemble(Text(verdict.verdict, style=_style(verdict.verdict)), summary))


def check_history(path: Path, *, model: str = "metadata", budget: str | None = None) -> Report:
    """Check a history file within a budget of wall-clock seconds. Raises CommandError for a file that is no history.

    A history of ZooKeeper's clients carries the order of its writes, and needs no budget.
    """
    if model == WITNESSED:
        return check_witnessed_history(path)
    if model not in MODELS:
        raise CommandError(f"--model {model}: no such model", f"write --model {', '.join(MODELS)} or {WITNESSED}")
    seconds = parse_budget(budget) or DEFAULT_BUDGET_SECONDS
    vocabulary, sequential = MODELS[model]
    try:
        history = load_history(path, vocabulary)
    except HistoryError as error:
        raise CommandError(str(error)) from None
    return HistoryReport(path, model, check(history, sequential, budget_seconds=seconds))


def _style(verdict: str) -> str:
    return str(styled(_VERDICTS[verdict]).style)
