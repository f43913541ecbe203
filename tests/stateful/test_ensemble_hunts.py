"""Each bug of the ensemble's implementation breaks what its hunt says, within its seeds, and the recorded run breaks it again."""

import pytest

from impl.zookeeper.bugs import BUGS
from model.engines.verdict import HOLDS, VIOLATED
from traces.ensemble.hunts import ENSEMBLE_HUNTS, watched_ensemble
from traces.ensemble.promises import PROMISES
from traces.ensemble.recording import Recording
from traces.ensemble.recording_file import recording_from, recording_to_bytes
from traces.ensemble.replay import replay_recording
from traces.ensemble.watch import HISTORY
from traces.files import parse_json
from traces.hunts import ALL_HUNTS, hunt


def test_every_bug_of_the_ensemble_is_hunted() -> None:
    """The implementation's bugs and the hunts have the same ids, and a hunt shows promises that there are."""
    assert set(ENSEMBLE_HUNTS) == set(BUGS)
    assert set(ENSEMBLE_HUNTS) <= set(ALL_HUNTS)
    assert {name for chosen in ENSEMBLE_HUNTS.values() for name in chosen.shows} <= {*PROMISES, HISTORY}


@pytest.mark.parametrize("bug", ENSEMBLE_HUNTS)
def test_each_bug_is_found_and_its_recording_shows_it_again(bug: str) -> None:
    """The simulator breaks what the bug is known for; written and read again, the run is the same step by step, and breaks it."""
    catch = hunt(bug)

    assert catch is not None
    assert catch.finding.name in ENSEMBLE_HUNTS[bug].shows
    assert isinstance(catch.trace, Recording)
    recording = recording_from(parse_json(recording_to_bytes(catch.trace)))
    assert (recording.property, recording.seed, recording.config.bug) == (catch.finding.name, catch.seed, bug)
    assert replay_recording(recording).verdict == VIOLATED


@pytest.mark.parametrize("bug", ENSEMBLE_HUNTS)
def test_the_hunt_finds_nothing_in_a_correct_ensemble(bug: str) -> None:
    """What a hunt finds is the bug and not the hunt: the correct implementation keeps every promise under each of the plans."""
    chosen = ENSEMBLE_HUNTS[bug]
    watch, simulator = watched_ensemble(chosen.seeds[0], chosen.config)
    assert watch.finding is None
    assert simulator.world.history


def test_without_its_bug_a_recorded_run_shows_nothing() -> None:
    """The choices of a run that read from snapshots, made in a correct ensemble, give a consistent history."""
    catch = hunt("READ-SNAPSHOT")
    assert catch is not None
    assert isinstance(catch.trace, Recording)
    document = parse_json(recording_to_bytes(catch.trace))
    document["#meta"]["lockstep"]["bug"] = None
    assert replay_recording(recording_from(document), strict=False).verdict == HOLDS
