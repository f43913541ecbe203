"""Each bug of the implementation is found by the simulation made for it, and its trace shows it again on both sides."""

import pytest

from impl.kraft.bugs import BUGS
from model.engines.verdict import VIOLATED
from properties.registry import find_spec
from traces.format import from_bytes, to_bytes
from traces.hunts import HUNTS, hunt, watched
from traces.replay import replay_on_spec
from traces.replay_impl import replay_on_implementation
from traces.trace import Trace


def test_every_bug_is_hunted() -> None:
    """The implementation's bugs, the spec's and the hunts have the same ids, and hunts show what the spec says breaks, or name another."""
    spec = find_spec("kraft")
    assert list(HUNTS) == list(BUGS) == list(spec.bugs)
    assert all(spec.bugs[bug].breaks in HUNTS[bug].shows for bug in HUNTS)


@pytest.mark.parametrize("bug", HUNTS)
def test_each_bug_is_found_by_its_hunt_and_replays(bug: str) -> None:
    """The simulator breaks a property that the bug is known for; written and read again, the run breaks it on spec and implementation."""
    catch = hunt(bug)

    assert catch is not None
    assert catch.finding.kind in ("always", "step")
    assert catch.finding.name in HUNTS[bug].shows
    assert catch.seed in HUNTS[bug].seeds
    assert catch.steps <= catch.tried
    assert isinstance(catch.trace, Trace)
    trace = from_bytes(to_bytes(catch.trace))
    assert (trace.property, trace.kind, trace.seed) == (catch.finding.name, catch.finding.kind, catch.seed)
    for replay in (replay_on_spec(trace), replay_on_implementation(trace)):
        assert (replay.verdict, replay.property) == (VIOLATED, catch.finding.name), replay.reason


@pytest.mark.parametrize("bug", ["KAFKA-12619", "KAFKA-10527", "M2", "M3", "M5"])
def test_the_hunt_finds_nothing_without_the_bug(bug: str) -> None:
    """What a hunt finds is the bug and not the hunt: the correct implementation passes under each of the plans."""
    for seed in range(2):
        assert watched(seed, HUNTS[bug].config, find_spec("kraft")).finding is None


@pytest.mark.nightly
@pytest.mark.parametrize("bug", HUNTS)
def test_no_seed_finds_a_bug_by_other_means(bug: str) -> None:
    """Over a dozen seeds a hunt finds its bug more than once, and only by properties of the spec: the spec has the same bug."""
    catches = [catch for seed in HUNTS[bug].seeds[:12] if (catch := hunt(bug, [seed])) is not None]
    assert len(catches) > 1
    assert {catch.finding.name for catch in catches} <= set(HUNTS[bug].shows)


def test_an_unknown_bug_names_those_that_are_hunted() -> None:
    """A bug that nobody hunts is refused with the list."""
    with pytest.raises(LookupError, match="nobody hunts 'M99'; there is a hunt for KAFKA-12619, "):
        hunt("M99")
