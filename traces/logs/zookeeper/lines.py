"""JSON lines, perhaps gzipped, from whoever: one object a line, bounded, errors with the line."""

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from traces.errors import TraceError, found

MAX_LINE, MAX_LINES = 1 << 20, 5_000_000


def read_lines(path: Path, remedy: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line number, object) of each line. Raises TraceError for a file that cannot be read or is not of this form."""
    name = str(path)
    try:
        with path.open("rb") as probe:
            zipped = probe.read(2) == b"\x1f\x8b"
        with gzip.open(path) if zipped else path.open("rb") as file:
            number = 0
            while line := file.readline(MAX_LINE + 1):
                number += 1
                if len(line) > MAX_LINE or number > MAX_LINES:
                    what = (
                        f"more than {MAX_LINE} bytes in a line"
                        if len(line) > MAX_LINE
                        else f"more than {MAX_LINES} lines"
                    )
                    raise TraceError(f"line {number}", what, remedy, name)
                yield number, _object(line, number, name, remedy)
    except (OSError, EOFError, zlib.error) as error:
        text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise TraceError("", f"cannot be read ({text})", remedy, name) from None


def _object(line: bytes, number: int, name: str, remedy: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise TraceError(f"line {number}", "not JSON", remedy, name) from None
    if not isinstance(value, dict):
        raise TraceError(f"line {number}", f"expected an object, found {found(value)}", remedy, name)
    return value
