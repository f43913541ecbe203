"""A stale read: found by seeds, shrunk until no step can be left out, and kept."""

import pytest
from attrs import evolve

from model.engines.verdict import HOLDS, VIOLATED
from traces.ensemble.recording import Recording
from traces.ensemble.recording_file import load_recording, recording_to_bytes
from traces.ensemble.replay import replay_recording
from traces.ensemble.shrink import is_minimal, shrink
from traces.ensemble.staleness import EVIDENCE, SEED, find_stale_read
from traces.ensemble.watch import FRESH
from traces.hunts import hunt


def test_the_kept_stale_read_happens_again() -> None:
    """Step by step; in it a client reads, from a server that is behind, less than another client was answered before."""
    kept = load_recording(EVIDENCE)
    replayed = replay_recording(kept)
    assert (kept.property, kept.seed, replayed.verdict) == (FRESH, SEED, VIOLATED)
    assert replayed.steps == len(kept.choices)
    told = [row.told for row in kept.rows if row.told]
    assert told[-3:] == [
        'p1 create_topic("clicks") ok version=0 at=1.2',
        'p0 read("clicks") invoke',
        'p0 read("clicks") ok absent at=1.1',
    ]


def test_no_step_of_the_kept_stale_read_can_be_left_out() -> None:
    """It is 1-minimal, and needs no fault: messages and threads alone."""
    kept = load_recording(EVIDENCE)
    assert is_minimal(kept)
    assert {type(choice).__name__ for choice in kept.choices} == {"ClientOp", "Deliver", "Fire"}


def test_the_simulator_finds_a_stale_read() -> None:
    """The seed of the kept one, in its long form."""
    found = find_stale_read([SEED])
    assert found is not None
    assert (found.property, found.seed) == (FRESH, SEED)
    assert len(found.choices) > 100
    assert replay_recording(found).verdict == VIOLATED


def test_shrinking_the_kept_one_changes_nothing() -> None:
    """What is minimal stays, byte for byte."""
    kept = load_recording(EVIDENCE)
    assert recording_to_bytes(shrink(kept)) == recording_to_bytes(kept)


@pytest.mark.nightly
def test_every_stale_read_shrinks() -> None:
    """Those of other seeds become small too, and that of the kept one's seed becomes the kept one."""
    for seed in range(30):
        found = find_stale_read([seed])
        if found is not None:
            small = shrink(found)
            assert is_minimal(small)
            assert len(small.choices) < 100
            if seed == SEED:
                assert recording_to_bytes(small) == EVIDENCE.read_bytes()


def test_a_bug_shrinks_and_still_shows_itself() -> None:
    """ZOOKEEPER-1291 is left with one election up to NEWLEADER."""
    catch = hunt("ZOOKEEPER-1291")
    assert catch is not None
    assert isinstance(catch.trace, Recording)
    small = shrink(catch.trace)
    assert is_minimal(small)
    assert len(small.choices) < len(catch.trace.choices)
    assert replay_recording(small).verdict == VIOLATED


def test_what_shows_nothing_is_not_shrunk() -> None:
    """A recording that does not show its property is refused; and without its last step the kept one shows nothing."""
    kept = load_recording(EVIDENCE)
    cut = evolve(kept, choices=kept.choices[:-1], rows=kept.rows[:-1])
    assert replay_recording(cut).verdict == HOLDS
    with pytest.raises(ValueError, match="does not show plain_reads_are_linearizable"):
        shrink(cut)
