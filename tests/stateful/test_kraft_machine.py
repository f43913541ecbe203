"""The Hypothesis machine: the correct implementation passes; a bug is found, and shrinks to a trace that replays."""

from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from impl.operations import Operation
from impl.world.choices import ClientOp
from impl.world.config import FaultBudget
from model.engines.verdict import HOLDS, VIOLATED
from properties.registry import find_spec
from traces.clients import judge
from traces.format import load
from traces.kraft_machine import KRaftMachine
from traces.machine import TOPICS, fair_choice
from traces.replay import replay_on_spec
from traces.replay_impl import replay_on_implementation
from traces.watch import CONFORMANCE, HISTORY

EXAMPLES = {"dev": 15, "ci": 100, "nightly": 2_000}

QUICK = settings(
    max_examples=100, stateful_step_count=20, derandomize=True, database=None, phases=(Phase.generate, Phase.shrink)
)
"""Without the explain phase, which runs the shrunk example many times under a tracer."""


def machine(out: Path, **attributes: object) -> type[KRaftMachine]:
    """A machine with other class attributes, that saves its failures to `out`."""
    return type("Machine", (KRaftMachine,), {"out": out, **attributes})


def test_the_correct_implementation_passes(lockstep_profile: str, tmp_path: Path) -> None:
    """Whatever Hypothesis makes happen, every property holds, every step is one of the spec, and histories are linearizable."""
    chosen = settings(max_examples=EXAMPLES[lockstep_profile], stateful_step_count=30)
    run_state_machine_as_test(machine(tmp_path), settings=chosen)
    assert list(tmp_path.iterdir()) == []


def test_a_bug_shrinks_to_a_run_without_faults_and_is_saved(tmp_path: Path) -> None:
    """M5 needs no fault: what is left is one election and one append; the message names the trace and how to replay it."""
    name = "committed_entries_are_flushed_on_a_majority"
    path = tmp_path / f"kraft-M5-hypothesis-{name}.itf.json"
    with pytest.raises(AssertionError, match=name) as failure:
        run_state_machine_as_test(machine(tmp_path, bug="M5"), settings=QUICK)

    assert f"trace: {path} (" in str(failure.value)
    assert f"replay: lockstep replay {path}" in str(failure.value)
    trace = load(path)
    assert (trace.property, trace.engine, trace.spec.bug) == (name, "hypothesis", "M5")
    kinds = [choice["kind"] for state in trace.states for choice in state.choices or ()]
    assert set(kinds) <= {"deliver", "fire"}
    assert len(kinds) <= 15
    for replay in (replay_on_spec(trace), replay_on_implementation(trace)):
        assert (replay.verdict, replay.property) == (VIOLATED, name), replay.reason


@pytest.mark.nightly
@pytest.mark.parametrize("bug", ["KAFKA-10533", "M3"])
def test_hypothesis_finds_other_bugs(bug: str, tmp_path: Path) -> None:
    """Those bugs too that need an election after a record, or a fetch, are found without a plan made for them."""
    chosen = settings(QUICK, max_examples=2_000, stateful_step_count=50)
    with pytest.raises(AssertionError, match=find_spec("kraft").bugs[bug].breaks):
        run_state_machine_as_test(machine(tmp_path, bug=bug), settings=chosen)


def test_a_step_that_is_none_of_the_spec_fails(tmp_path: Path) -> None:
    """Held against the correct spec and without properties, a node that does not flush is caught by conformance."""
    spec = find_spec("kraft").with_properties(())
    made = machine(tmp_path, bug="KAFKA-10533", spec=spec, properties=())()
    with pytest.raises(AssertionError, match=CONFORMANCE):
        made.run(40)
    assert [path.name for path in tmp_path.iterdir()] == [f"kraft-hypothesis-{CONFORMANCE}.itf.json"]


def with_an_answer(out: Path) -> KRaftMachine:
    """A machine whose first client has been answered: the topic that it created has version 1."""
    made = machine(out)()
    made.run(40)
    made.act(ClientOp(made.world.client_addresses[0], Operation("create_topic", TOPICS[1])))
    made.run(40)
    assert (made.world.history[-1].type, made.world.history[-1].value) == ("ok", {"version": 1})
    return made


def test_a_history_that_is_not_linearizable_fails_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that was told a version that it cannot have is found when the history is judged, and the whole run is saved."""
    made = with_an_answer(tmp_path)
    made.world.history[-1] = evolve(made.world.history[-1], value={"version": 5})
    with pytest.raises(AssertionError, match=HISTORY):
        made.teardown()
    trace = load(tmp_path / f"kraft-hypothesis-{HISTORY}.itf.json")
    assert trace.kind == "history"
    assert sum(len(state.choices or ()) for state in trace.states) == made.world.steps

    # Replayed, the run makes its true history; with the false answer in it, it is judged as before.
    assert replay_on_implementation(trace).verdict == HOLDS
    history = made.world.history
    monkeypatch.setattr("traces.replay_impl.judge", lambda _: judge(history))
    assert replay_on_implementation(trace).verdict == VIOLATED


def test_the_end_is_a_quiet_period_in_which_every_client_reads(tmp_path: Path) -> None:
    """Links heal, nodes start, and every client has read every topic when the history is judged."""
    made = with_an_answer(tmp_path)
    made.crash(0)
    made.cut(0)
    made.pause(0)
    made.teardown()
    reads = [event for event in made.world.history if event.f == "read" and event.type == "ok"]
    assert len(reads) == len(TOPICS) * made.clients
    answers = [event.value for event in reads if event.key == TOPICS[1]]
    assert answers == [{"exists": True, "version": 1, "value": None}] * made.clients
    assert made.world.network.cuts() == ()
    assert {made.world.status(node) for node in made.world.voters} == {"up"}


def test_faults_stay_within_their_budget(tmp_path: Path) -> None:
    """What a budget does not allow is not on offer: neither copies of old messages nor crashes in the middle of a step."""
    made = machine(tmp_path, budget=FaultBudget(duplicates=1, crashes=1))()
    made.run(3)
    assert made.copies()
    assert made.interruptible()
    made.redeliver(0)
    made.crash_during(0, 1, 0)
    assert made.copies() == []
    assert made.interruptible() == []


def test_a_fair_world_elects_a_leader(tmp_path: Path) -> None:
    """Oldest message first, else the timer due next: soon one node leads and the others follow."""
    made = machine(tmp_path)()
    made.run(40)
    roles = sorted(made.world.snapshot_node(node).role for node in made.world.voters)
    assert roles == ["Follower", "Follower", "Leader"]
    assert fair_choice(made.world) is not None
