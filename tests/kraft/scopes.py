"""Small scopes of the KRaft spec, and what the explorer says of them over the ground form, computed once per process."""

from collections.abc import Mapping
from functools import cache

from model.engines.explore import explore
from model.engines.verdict import Verdict
from model.language.ground_spec import GroundSpec, ground
from model.language.trace import trace
from model.language.transition import TracedSpec
from properties.registry import SPECS

KRAFT = SPECS["kraft"]
SAFETY = tuple(p for p in KRAFT.properties if p.kind in ("always", "step"))

ONE_ELECTION = {"nodes": 3, "epochs": 1, "elections": 1, "log": 1, "values": 0, "restarts": 0}
TWO_VOTERS = {"nodes": 2, "epochs": 2, "elections": 2, "log": 2, "values": 1, "restarts": 1}
NO_CRASH = {"nodes": 3, "epochs": 2, "elections": 2, "log": 2, "values": 1, "restarts": 0}


def no_time() -> float:
    """A clock that stands still."""
    return 0.0


@cache
def _traced(bug: str | None) -> TracedSpec:
    return trace(KRAFT if bug is None else KRAFT.with_bug(bug))


def derived(bounds: Mapping[str, int], bug: str | None = None) -> GroundSpec:
    """The ground form under these bounds, with a bug planted or without."""
    return ground(_traced(bug), bounds)


@cache
def _explored(bounds: tuple[tuple[str, int], ...], bug: str | None) -> Verdict:
    return explore(derived(dict(bounds), bug), SAFETY, clock=no_time)


def explored(bounds: Mapping[str, int], bug: str | None = None) -> Verdict:
    """The explorer's verdict on the safety properties over the ground form."""
    return _explored(tuple(sorted(KRAFT.complete_bounds(bounds).items())), bug)
