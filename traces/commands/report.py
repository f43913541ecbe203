"""What a command hands back: an exit code, a JSON object, and a way to show itself; and the one error that users meet."""

from collections.abc import Mapping
from typing import Any, Protocol

from rich.console import Console

from model.engines.verdict import HOLDS, UNKNOWN, VIOLATED

EXIT_HOLDS, EXIT_VIOLATED, EXIT_UNKNOWN, EXIT_ERROR = 0, 1, 2, 3
"""The exit codes of every command: as the verdict says, or 3 for a usage error, broken input or an internal error."""

EXIT_CODES: Mapping[str, int] = {HOLDS: EXIT_HOLDS, VIOLATED: EXIT_VIOLATED, UNKNOWN: EXIT_UNKNOWN}


class CommandError(Exception):
    """Something the user can put right: one line that names the cause and the remedy. Exit code 3."""

    def __init__(self, cause: str, remedy: str = "") -> None:
        super().__init__(f"{cause}; {remedy}" if remedy else cause)


class Report(Protocol):
    """The result of a command, before anybody has decided how to print it."""

    @property
    def exit_code(self) -> int:
        """0 holds, 1 violated, 2 unknown."""
        ...

    def to_json(self) -> dict[str, Any]:
        """The result as one JSON object: deterministic, but for values named `seconds`."""
        ...

    def show(self, console: Console) -> None:
        """The result for a person, in at most 100 columns."""
        ...
