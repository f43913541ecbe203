"""The museum: one minimal trace per historical bug, kept as a file, that must happen again on the spec and in the implementation."""

from pathlib import Path

import pytest
from attrs import evolve

from model.engines.verdict import VIOLATED
from properties.registry import find_spec
from traces.format import load
from traces.replay import DIVERGED, replay
from traces.replay_impl import SIDE, replay_on_implementation

MUSEUM = Path(__file__).resolve().parents[2] / "traces" / "museum"
BUGS = find_spec("kraft").bugs
LENGTHS = {"KAFKA-12619": 16, "KAFKA-10527": 13, "KAFKA-10533": 8, "M2": 5, "M3": 11, "M5": 4, "M10": 15}
"""Steps of the shortest counterexample, as the breadth-first search finds it within the bug's bounds."""


def test_every_bug_has_its_trace() -> None:
    """No bug without a trace, no trace without a bug."""
    known = [*BUGS, *find_spec("zab-ensemble").bugs]
    traces = [path.name.removesuffix(".itf.json") for path in MUSEUM.glob("*.itf.json")]
    assert set(BUGS) <= set(traces) <= set(known)


@pytest.mark.parametrize("bug", BUGS)
def test_the_trace_happens_again_on_both_sides(bug: str) -> None:
    """Strictly replayed, the last step violates the property that the bug breaks, on the spec and on the implementation."""
    trace = load(MUSEUM / f"{bug}.itf.json")
    last = len(trace.states) - 1

    sides = replay(trace, ("spec", SIDE), strict=True, replayers={SIDE: replay_on_implementation})

    assert (trace.property, last) == (BUGS[bug].breaks, LENGTHS[bug])
    assert [(r.side, r.verdict, r.at) for r in sides] == [("spec", VIOLATED, last), (SIDE, VIOLATED, last)]


@pytest.mark.parametrize("bug", BUGS)
def test_without_the_bug_the_trace_does_not_happen(bug: str) -> None:
    """The fixed spec and the fixed implementation do not follow the trace to its violation."""
    trace = load(MUSEUM / f"{bug}.itf.json")
    fixed = evolve(trace, spec=find_spec("kraft"))

    sides = replay(fixed, ("spec", SIDE), strict=True, replayers={SIDE: replay_on_implementation})

    assert [r.verdict for r in sides] == [DIVERGED, DIVERGED]
