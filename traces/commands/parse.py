"""Values of options that are more than a word or a number: `nodes=3,epochs=2`, `60s`. Each error names the remedy."""

import math
import re

from traces.commands.report import CommandError

MAX_BOUND = 100
"""No search comes near it; beyond it the sorts alone would not fit into memory."""

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_SIZES = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)([KMGT]?)(?:i?B)?", re.ASCII | re.IGNORECASE)
_BUDGET = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)?", re.ASCII)


def pairs(option: str, text: str, example: str) -> dict[str, str]:
    """`a=1,b=2` as a dict of texts; `option` and `example` are for the error."""
    found: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not name or not value:
            raise CommandError(f"{option}: {part!r} is not name=value", f"write {option} {example}")
        if name in found:
            raise CommandError(f"{option}: {name} is given twice", "give each name once")
        found[name] = value
    if not found:
        raise CommandError(f"{option} is empty", f"write {option} {example}")
    return found


def parse_bounds(text: str | None) -> dict[str, int]:
    """`nodes=3,epochs=2` as a dict; which names and values a spec takes is for the spec to say."""
    if text is None:
        return {}
    bounds = {}
    for name, value in pairs("--bounds", text, "nodes=3,epochs=2").items():
        if not re.fullmatch(r"-?\d+", value, re.ASCII):
            raise CommandError(f"--bounds: {name}={value} is not a whole number", "write --bounds nodes=3,epochs=2")
        if len(value) > 4 or int(value) > MAX_BOUND:
            raise CommandError(f"--bounds: {name}={value} is too large", f"give at most {MAX_BOUND}")
        bounds[name] = int(value)
    return bounds


def parse_budget(text: str | None, option: str = "--budget") -> float | None:
    """`90`, `60s`, `2m`, `500ms` or `1h` in seconds; None for no limit."""
    if text is None:
        return None
    match = _BUDGET.fullmatch(text.strip())
    seconds = float(match[1]) * _UNITS[match[2] or "s"] if match else 0.0
    if not 0 < seconds < math.inf:
        raise CommandError(f"{option}: {text!r} is no span of time above zero", f"write {option} 60s, 2m or 1h")
    return seconds


def parse_size(text: str | None, option: str) -> int | None:
    """`512M`, `8G`, `8GiB` or a number of bytes; None for none given."""
    if text is None:
        return None
    match = _SIZE.fullmatch(text.strip())
    size = float(match[1]) * _SIZES[match[2].upper()] if match else 0.0
    if not 1 <= size < 2**60:
        raise CommandError(f"{option}: {text!r} is no size", f"write {option} 512M or 8G")
    return int(size)
