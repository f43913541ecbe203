"""Guards in words: the statement at a line of a spec, and where it stands. The one place that reads sources for a message."""

import ast
import linecache
from functools import cache
from pathlib import Path

from model.language import Disabled

_ROOT = Path(__file__).resolve().parents[1]
_LONGEST = 200


def place_of(where: str) -> str:
    """A `file:line` below the project's root as a relative path, so that it is the same on every machine."""
    path, _, line = where.rpartition(":")
    try:
        return f"{Path(path).resolve().relative_to(_ROOT).as_posix()}:{line}"
    except ValueError:
        return where


def guard_text(where: str) -> str:
    """The condition of the guard at a `file:line`, as it is written there; the statement if it is no `require`."""
    text = source_of(where)
    return text.removeprefix("require(").removesuffix(")") if text.startswith("require(") else text


def source_of(where: str) -> str:
    """The simple statement around a `file:line`, on one line, or the line itself; "" if the file has changed so that there is none."""
    path, _, line = where.rpartition(":")
    return _statement("".join(linecache.getlines(path)), int(line))


def placed_guard(stop: Disabled) -> str:
    """The guard that disabled an action as `file:line: source`; in words if no line of a spec did."""
    if stop.code is None:
        return "no copy of the message is left"
    where = f"{stop.code.co_filename}:{stop.line}"
    text = source_of(where)
    return f"{place_of(where)}: {text}" if text else place_of(where)


def false_guard(stop: Disabled) -> str:
    """The guard that disabled an action, said to be false; in words if no line of a spec did."""
    if stop.code is None:
        return "the message is not in flight"
    return f"guard `{source_of(f'{stop.code.co_filename}:{stop.line}')}` is false"


@cache
def _statement(source: str, line: int) -> str:
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return ""  # the file has been edited since it was imported
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt) and not hasattr(node, "body") and node.lineno <= line <= (node.end_lineno or 0):
            text = " ".join((ast.get_source_segment(source, node) or "").split())
            return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
    lines = source.splitlines()
    return lines[line - 1].strip() if 1 <= line <= len(lines) else ""
