"""Untrusted JSON files in, whole files out.

Reading: bounded size and nesting, no duplicate keys, no NaN, and every refusal is one line with the byte offset where there is
one. Writing: the new file appears under its name complete or not at all.
"""

import gc
import json
import math
import os
import re
import secrets
from itertools import accumulate
from pathlib import Path
from typing import Any

from traces.errors import TraceError, shown

MAX_BYTES = 64 * 1024 * 1024
"""The largest file that is read."""

MAX_DEPTH = 64
"""The deepest nesting of lists and objects that is read; a state of a spec needs about ten."""

_MAX_DIGITS = 18
# Strings are taken whole, so that brackets inside them do not count. Possessive: linear time on any input.
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?'
_STRINGS = re.compile(_STRING, re.DOTALL)
_STRUCTURE = re.compile(_STRING + rb"|[\[{]|[\]}]", re.DOTALL)
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_DELTA = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_REGENERATE = "write the trace again, or take an undamaged copy"


def read_bytes(path: Path) -> bytes:
    """The content of a file of at most MAX_BYTES; TraceError if it cannot be read or is larger."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        cause = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise TraceError(
            "", f"cannot read the file: {cause}", "check the name and the permissions", str(path)
        ) from None
    if len(data) > MAX_BYTES:
        remedy = "shrink the trace, or split what it records"
        raise TraceError("", f"the file is larger than {MAX_BYTES:,} bytes", remedy, str(path))
    return data


def parse_json(data: bytes) -> Any:
    """The JSON value in UTF-8 bytes from an untrusted source; TraceError with the byte offset if it is not one."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise TraceError("", f"byte {error.start} is not UTF-8", "save the file as UTF-8 JSON") from None
    _check_depth(data)
    collecting = gc.isenabled()
    gc.disable()  # a document has no cycles, and looking for them takes four times as long as the parsing
    try:
        return json.loads(
            text,
            object_pairs_hook=_no_duplicates,
            parse_constant=_no_constants,
            parse_int=_small_int,
            parse_float=_finite_float,
        )
    except json.JSONDecodeError as error:
        offset = len(text[: error.pos].encode())
        if not text.strip():
            raise TraceError("", "the file is empty", _REGENERATE) from None
        if not text[error.pos :].strip() or error.msg.startswith("Unterminated string"):
            raise TraceError("", f"the JSON ends too early, at byte {offset} of {len(data)}", _REGENERATE) from None
        reason = error.msg[0].lower() + error.msg[1:]
        raise TraceError("", f"not JSON at byte {offset}: {reason}", _REGENERATE) from None
    finally:
        if collecting:
            gc.enable()


def write_atomically(path: Path, data: bytes) -> None:
    """Put a file in place whole: written and flushed beside its name, then renamed over it.

    Raises TraceError (full disk, directory that is missing or may not be written); what was there before is then untouched.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        remedy = "free space or name another directory; no file was changed"
        raise TraceError("", f"cannot write the file: {error.strerror or error}", remedy, str(path)) from None


def _check_depth(data: bytes) -> None:
    brackets = _STRINGS.sub(b"", data).translate(None, _NO_BRACKETS)
    if max(accumulate(map(_DELTA.__getitem__, brackets)), default=0) <= MAX_DEPTH:
        return
    depth = 0
    for token in _STRUCTURE.finditer(data):
        depth += _DELTA.get(data[token.start()], 0)
        if depth > MAX_DEPTH:
            cause = f"nested deeper than {MAX_DEPTH} levels at byte {token.start()}"
            raise TraceError("", cause, "this is no trace: take a file that Lockstep wrote")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for place, name in enumerate(names) if name in names[:place])
        raise TraceError("", f"an object has the key {shown(twice)} twice", "keep one of the two")
    return made


def _no_constants(name: str) -> Any:
    raise TraceError("", f"{name} is not JSON", 'ITF writes numbers as {"#bigint": "3"}')


def _small_int(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise TraceError("", f"a number has {len(digits)} digits", f"numbers have at most {_MAX_DIGITS}")
    return int(digits)


def _finite_float(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise TraceError("", f"the number {shown(digits)} is out of range", "numbers are finite")
    return value
