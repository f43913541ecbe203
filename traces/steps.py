"""Steps of a spec, as traces and conformance name them."""

from typing import Any

Step = tuple[str, tuple[Any, ...]]
"""An action and its arguments."""

Path = tuple[Step, ...]
"""Steps one after the other; empty: a stutter."""


def show_step(step: Step) -> str:
    """An action and its arguments, compactly."""
    name, args = step
    return f"{name}({', '.join(repr(a) for a in args)})"
