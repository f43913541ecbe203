"""How long the paths of the core are that steps of the refining spec stand for."""

from model.engines.verdict import Verdict


def lengths(verdict: Verdict) -> dict[int, int]:
    """How many steps are stutters, one step of the core, two, ..."""
    found: dict[int, int] = {}
    for paths in verdict.paths.values():
        for path, times in paths.items():
            length = 0 if path == "stutter" else path.count(",") + 1
            found[length] = found.get(length, 0) + times
    return found
