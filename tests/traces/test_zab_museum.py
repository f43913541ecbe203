"""The museum's traces of ZooKeeper: runs to historical bugs that happen again on the spec and on an ensemble, and not without the bug."""

from pathlib import Path

import pytest
from attrs import evolve

from model.engines.verdict import VIOLATED
from properties.registry import find_spec
from traces.errors import TraceError
from traces.format import load
from traces.replay import replay
from traces.replay_impl import SIDE, replay_on_implementation
from traces.zookeeper.museum import made

MUSEUM = Path(__file__).resolve().parents[2] / "traces" / "museum"
ENSEMBLE = find_spec("zab-ensemble")

LENGTHS = {
    "ZOOKEEPER-3911": 10,
    "ZOOKEEPER-3023": 10,
    "ZOOKEEPER-4643": 14,
    "ZOOKEEPER-4646": 10,
    "ZOOKEEPER-4685": 10,
    "ZOOKEEPER-4394": 14,
    "ZOOKEEPER-4925": 23,
    "ZOOKEEPER-2845": 10,
    "ZOOKEEPER-1291": 9,
    "ZOOKEEPER-1653": 22,
    "ZOOKEEPER-962": 14,
    "ZOOKEEPER-335": 5,
    "ACKS-KEPT": 12,
}
"""Steps, as the breadth-first search finds them among those that servers take."""

OF_SPEC_ALONE = ("ZOOKEEPER-3642", "ZOOKEEPER-5094")
"""An ensemble that follows is not found: 5094 takes transactions that are committed and not applied, which the spec does not tell apart."""


def test_every_bug_has_its_trace() -> None:
    """No bug of the ensemble's spec without a trace, but for those that no run of its own leads to."""
    assert {*LENGTHS, *OF_SPEC_ALONE} == set(ENSEMBLE.bugs)
    assert all((MUSEUM / f"{bug}.itf.json").exists() for bug in LENGTHS)


@pytest.mark.parametrize("bug", LENGTHS)
def test_the_ensemble_and_the_spec_do_it_again(bug: str) -> None:
    """Strictly replayed, the property breaks on both sides; servers may do the last two steps of the spec at once."""
    trace = load(MUSEUM / f"{bug}.itf.json")
    last = len(trace.states) - 1

    spec, impl = replay(trace, ("spec", SIDE), strict=True, replayers={SIDE: replay_on_implementation})

    assert (trace.property, last) == (ENSEMBLE.bugs[bug].breaks, LENGTHS[bug])
    assert (spec.verdict, spec.at) == (VIOLATED, last)
    assert (impl.verdict, impl.at in (last - 1, last)) == (VIOLATED, True)


@pytest.mark.parametrize("bug", LENGTHS)
def test_neither_does_it_without_the_bug(bug: str) -> None:
    """The fixed spec and the fixed ensemble do not follow the trace to its violation."""
    fixed = evolve(load(MUSEUM / f"{bug}.itf.json"), spec=ENSEMBLE)

    sides = replay(fixed, ("spec", SIDE), strict=True, replayers={SIDE: replay_on_implementation})

    assert VIOLATED not in [side.verdict for side in sides]


def test_a_trace_of_another_protocol_is_refused() -> None:
    """A spec without an implementation has nothing to replay on; the error says so."""
    trace = evolve(load(MUSEUM / "ZOOKEEPER-335.itf.json"), spec=find_spec("zab"))
    with pytest.raises(TraceError, match="zab has no implementation"):
        replay_on_implementation(trace)


@pytest.mark.nightly
@pytest.mark.parametrize("bug", LENGTHS)
def test_the_trace_is_what_the_search_finds(bug: str) -> None:
    """Made anew, the trace is as short and breaks the same property."""
    trace = made(ENSEMBLE.with_bug(bug))
    assert (trace.property, len(trace.states) - 1) == (ENSEMBLE.bugs[bug].breaks, LENGTHS[bug])
