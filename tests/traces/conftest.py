"""Traces to test with: shortest counterexamples of planted bugs, and shortest paths of two-phase commit."""

import time
from collections.abc import Callable
from functools import cache

import pytest

from model.engines.explore import explore
from model.language import Spec
from model.language.plain import Stepper
from properties.registry import choose_properties, find_bug, find_spec
from traces.format import Trace, from_spec_trace


def _explored(spec: Spec, given: dict[str, int], name: str) -> Trace:
    """The trace with which breadth-first search settles one property."""
    bounds = spec.complete_bounds(given)
    stepper = Stepper(spec, bounds, coverage=False)
    verdict = explore(stepper, choose_properties(spec, (name,)), clock=time.process_time)
    found = next(p for p in verdict.properties if p.name == name)
    assert found.trace is not None
    return from_spec_trace(spec, bounds, found.trace, property=name, kind=found.kind, engine="explore")


@pytest.fixture(scope="session")
def counterexample() -> Callable[[str], Trace]:
    """The shortest counterexample of a bug within the bug's own bounds."""

    @cache
    def find(bug: str) -> Trace:
        spec = find_bug(bug)
        return _explored(spec, dict(spec.bugs[bug].bounds), spec.bugs[bug].breaks)

    return find


@pytest.fixture(scope="session")
def reached() -> Callable[[str], Trace]:
    """A shortest path of two-phase commit, with two resource managers, to something that must be reachable."""

    @cache
    def find(name: str) -> Trace:
        return _explored(find_spec("two-phase"), {"nodes": 2}, name)

    return find
