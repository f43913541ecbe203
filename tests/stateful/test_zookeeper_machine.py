"""The Hypothesis machine of the ensemble: the correct one passes; a bug is found, and shrinks to a recording that replays."""

from pathlib import Path

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from impl.world.config import FaultBudget
from impl.zookeeper.bugs import BUGS
from impl.zookeeper.state import Settings
from model.engines.verdict import HOLDS, VIOLATED
from traces.ensemble.hunts import ENSEMBLE_HUNTS
from traces.ensemble.machine import EnsembleMachine
from traces.ensemble.recording_file import load_recording
from traces.ensemble.replay import replay_recording
from traces.ensemble.watch import FRESH
from traces.machine import TOPICS

EXAMPLES = {"dev": 12, "ci": 60, "nightly": 2_000}

QUICK = settings(
    max_examples=200, stateful_step_count=25, derandomize=True, database=None, phases=(Phase.generate, Phase.shrink)
)
"""Without the explain phase, which runs the shrunk example many times under a tracer."""


def machine(out: Path, **attributes: object) -> type[EnsembleMachine]:
    """A machine with other class attributes, that saves its failures to `out`."""
    return type("Machine", (EnsembleMachine,), {"out": out, **attributes})


def test_the_correct_ensemble_passes(lockstep_profile: str, tmp_path: Path) -> None:
    """Whatever Hypothesis makes happen, Zab's promises hold and the clients' histories are consistent."""
    chosen = settings(max_examples=EXAMPLES[lockstep_profile], stateful_step_count=30)
    run_state_machine_as_test(machine(tmp_path), settings=chosen)
    assert list(tmp_path.iterdir()) == []


def test_a_bug_shrinks_to_an_election_and_is_saved(tmp_path: Path) -> None:
    """ZOOKEEPER-1291 needs no fault: what is left is one election up to NEWLEADER; the message says how to replay it."""
    name = ENSEMBLE_HUNTS["ZOOKEEPER-1291"].shows[0]
    path = tmp_path / f"zookeeper-ZOOKEEPER-1291-hypothesis-{name}.itf.json"
    with pytest.raises(AssertionError, match=name) as failure:
        run_state_machine_as_test(machine(tmp_path, bug="ZOOKEEPER-1291"), settings=QUICK)

    assert f"replay: lockstep replay {path}" in str(failure.value)
    recording = load_recording(path)
    assert (recording.property, recording.engine, recording.config.bug) == (name, "hypothesis", "ZOOKEEPER-1291")
    assert {type(choice).__name__ for choice in recording.choices} <= {"Deliver", "Fire"}
    assert len(recording.choices) <= 45
    assert replay_recording(recording).verdict == VIOLATED


@pytest.mark.nightly
def test_a_stale_read_is_found_where_none_is_allowed(tmp_path: Path) -> None:
    """Held to more than ZooKeeper promises, an ensemble fails: a server answers from its own tree, however old."""
    budget = FaultBudget(drops=0, crashes=0, pauses=0, cuts=2, client_ops=6)
    made = machine(tmp_path, fresh=True, head_start=150, budget=budget, functions=("create_topic", "read"))
    chosen = settings(QUICK, max_examples=5_000)
    with pytest.raises(AssertionError, match=FRESH):
        run_state_machine_as_test(made, settings=chosen)
    (path,) = tmp_path.iterdir()
    assert replay_recording(load_recording(path)).verdict == VIOLATED


@pytest.mark.nightly
@pytest.mark.parametrize(
    "bug", ["ZOOKEEPER-962", "ZOOKEEPER-2845", "ZOOKEEPER-3911", "ZOOKEEPER-4394", "READ-SNAPSHOT"]
)
def test_hypothesis_finds_other_bugs(bug: str, tmp_path: Path) -> None:
    """Those bugs too that need a write in the middle of a synchronisation, without a plan made for them."""
    chosen = settings(QUICK, max_examples=5_000, stateful_step_count=50)
    made = machine(tmp_path, bug=bug, settings=Settings(snap_count=2))
    with pytest.raises(AssertionError, match="is violated"):
        run_state_machine_as_test(made, settings=chosen)
    assert bug in BUGS


def test_the_end_is_a_quiet_period_in_which_every_client_reads(tmp_path: Path) -> None:
    """Links heal, servers start, and every client has read every topic when the history is judged."""
    made = machine(tmp_path)()
    made.run(40)
    made.crash(0)
    made.cut(0)
    made.pause(0)
    made.teardown()
    reads = [event for event in made.world.history if event.f == "read" and event.type == "ok"]
    assert len(reads) == len(TOPICS) * made.clients
    assert made.world.network.cuts() == ()
    assert made.finding is None


def test_a_fair_world_gets_to_serve(tmp_path: Path) -> None:
    """Oldest message first, else the timer due next: soon one server leads, the others follow, all in the broadcast."""
    made = machine(tmp_path)()
    for _ in range(5):
        made.run(40)
    roles = sorted(str(made.world.snapshot_node(node).role) for node in made.world.voters)
    assert roles == ["FOLLOWING", "FOLLOWING", "LEADING"]
    assert {made.world.snapshot_node(node).phase for node in made.world.voters} == {"BROADCAST"}
    assert replay_recording_of(made) == HOLDS


def replay_recording_of(made: EnsembleMachine) -> str:
    """Whether what happened so far can happen again: the same rows."""
    rows = tuple(made.watch.recorder.rows)
    again = machine(made.out)()
    for choice in made.watch.recorder.choices:
        again.act(choice)
    return HOLDS if tuple(again.watch.recorder.rows) == rows else VIOLATED
