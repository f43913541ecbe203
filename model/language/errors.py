"""Errors of the spec language: every refusal names file, line, cause and remedy."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

LANGUAGE_DIR = str(Path(__file__).resolve().parent)


class SpecError(Exception):
    """A spec says something that the language does not support or that is not well-sorted.

    `cause` says what is wrong, `remedy` what to write instead, `where` is `file:line` of the author's code.
    """

    def __init__(self, cause: str, remedy: str, where: str | None = None) -> None:
        self.cause = cause
        self.remedy = remedy
        self.where = where if where is not None else author_line()
        super().__init__(f"{self.where}: {cause}; {remedy}")


class BoundsError(Exception):
    """The bounds given to an engine are impossible or unknown for the spec; the message says which and what is allowed."""


def _frames() -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        yield frame
        frame = frame.f_back


def author_line() -> str:
    """`file:line` of the innermost caller outside the language itself: the line that the author of a spec can change."""
    for frame in _frames():
        filename = frame.f_code.co_filename
        if not filename.startswith(LANGUAGE_DIR) and not filename.startswith("<"):
            return f"{filename}:{frame.f_lineno}"
    return "<unknown>:0"
