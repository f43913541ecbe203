"""What is wrong with a trace file, in one line: where, what, and what to do."""

import json
from typing import Any

from attrs import evolve, frozen

_SHOWN = 40


@frozen
class TraceError(Exception):
    """A trace (or another untrusted file) cannot be used.

    `path` is the place inside it (`states[3].log[n1]`; empty for the file as a whole), `cause` what is wrong there, `remedy` what
    to do about it, `file` the file's name, if it came from one. `str()` is the one line that a user sees.
    """

    path: str
    cause: str
    remedy: str
    file: str = ""

    def __str__(self) -> str:
        text = ": ".join(part for part in (self.file, self.path, self.cause) if part)
        return f"{text}; {self.remedy}" if self.remedy else text

    def under(self, outer: str) -> "TraceError":
        """The same error, seen from one level further out: its path continues `outer`."""
        joint = "." if outer and self.path and not self.path.startswith("[") else ""
        return evolve(self, path=f"{outer}{joint}{self.path}")

    def in_file(self, name: str) -> "TraceError":
        """The same error, in the file of this name."""
        return evolve(self, file=name)


def shown(text: str) -> str:
    """A string of an untrusted file as it may be printed: quoted, escaped and short."""
    return json.dumps(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")


def found(value: Any) -> str:
    """What a JSON value is, for `expected ..., found ...`."""
    if isinstance(value, str):
        return f"the string {shown(value)}"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    return f"an object with {', '.join(shown(key) for key in list(value)[:3])}" if value else "an empty object"


def expected(what: str, value: Any, remedy: str) -> TraceError:
    """The error of a value that is not what belongs there. The path is added by those who call (`TraceError.under`)."""
    return TraceError("", f"expected {what}, found {found(value)}", remedy)
