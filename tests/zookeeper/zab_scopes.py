"""Small scopes of the Zab spec, and what the compiled explorer says of them."""

from collections.abc import Mapping

from model.engines.compiled.explore import explore_compiled
from model.engines.verdict import Verdict
from model.language import Property, Spec
from properties.registry import SPECS

ZAB = SPECS["zab"]
SAFETY = tuple(p for p in ZAB.properties if p.kind in ("always", "step"))

ONE_CRASH = {"epochs": 2, "log": 2, "txns": 1, "crashes": 1, "partitions": 0}
CRASH_AND_BREAK = {"epochs": 3, "log": 2, "txns": 1, "crashes": 1, "partitions": 1}
TWO_CRASHES = {"epochs": 3, "log": 2, "txns": 1, "crashes": 2, "partitions": 0}


def no_time() -> float:
    """A clock that stands still."""
    return 0.0


def named(name: str) -> Property:
    """The property of this name."""
    return next(p for p in ZAB.properties if p.name == name)


def explored(spec: Spec, bounds: Mapping[str, int], *names: str) -> Verdict:
    """The explorer's verdict on the named properties (all of the spec without names) of a spec, which may have bugs."""
    checked = spec.with_properties([named(n) for n in names]) if names else spec
    return explore_compiled(checked, checked.complete_bounds(bounds), clock=no_time)
