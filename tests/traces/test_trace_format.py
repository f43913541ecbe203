"""The trace file: what is in it, and that the same trace gives the same bytes."""

import errno
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve

from properties.registry import find_spec
from traces.format import Trace, TraceError, dump, from_bytes, load, to_bytes

Find = Callable[[str], Trace]

ROOT = Path(__file__).resolve().parents[2]

REMEDY = "free space or name another directory; no file was changed"

WRITE = """
import sys
from model.engines.source import replayed
from traces.format import from_spec_trace, load, to_bytes
from model.engines.verdict import TraceStep

given = load(sys.argv[1])
steps = tuple(TraceStep(row.action, row.args) for row in given.states[1:])
path = replayed(given.spec, given.bounds, steps)
made = from_spec_trace(given.spec, given.bounds, path, property=given.property, kind=given.kind, engine=given.engine)
sys.stdout.buffer.write(to_bytes(made))
"""


def slow(bug: str) -> object:
    """A bug whose search takes too long for every run."""
    return pytest.param(bug, marks=pytest.mark.nightly)


@pytest.mark.parametrize(
    "bug", ["M5", "M2", "KAFKA-10533", "M3", slow("KAFKA-10527"), slow("M10"), slow("KAFKA-12619")]
)
def test_counterexamples_survive_the_file(counterexample: Find, bug: str, tmp_path: Path) -> None:
    """Every step of a shortest counterexample, and every state, comes back as it was, and so do the bytes."""
    trace = counterexample(bug)
    path = tmp_path / "trace.itf.json"
    dump(trace, path)
    assert load(path) == trace
    assert to_bytes(load(path)) == path.read_bytes()


@pytest.mark.parametrize("name", ["everybody_commits", "everybody_aborts"])
def test_paths_of_two_phase_commit_survive_the_file(reached: Find, name: str) -> None:
    """A path to something reachable comes back as it was."""
    trace = reached(name)
    assert from_bytes(to_bytes(trace)) == trace


def test_the_bytes_depend_on_the_trace_alone(counterexample: Find, tmp_path: Path) -> None:
    """Two processes with different hash seeds make the same file, byte for byte."""
    path = tmp_path / "m2.itf.json"
    dump(counterexample("M2"), path)
    for seed in ("1", "77"):
        done = subprocess.run(
            [sys.executable, "-c", WRITE, str(path)],
            capture_output=True,
            check=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        assert done.stdout == path.read_bytes()


def test_an_itf_reader_finds_its_way(counterexample: Find) -> None:
    """The document has the parts of ITF with their types: variables in every state, no JSON numbers outside of #meta."""
    trace = counterexample("M2")
    document = json.loads(to_bytes(trace))
    assert document["#meta"]["format"] == "ITF"
    assert document["params"] == []
    assert "loop" not in document
    assert document["vars"] == [*trace.spec.state.variables, "mbt::actionTaken", "mbt::nondetPicks"]

    def check(expr: object) -> None:
        if isinstance(expr, list):
            for item in expr:
                check(item)
        elif isinstance(expr, dict):
            special = [key for key in expr if key.startswith("#")]
            assert special in ([], ["#map"], ["#set"], ["#tup"], ["#bigint"])
            assert not special or len(expr) == 1
            for key, item in expr.items():
                assert isinstance(item, str) if key == "#bigint" else isinstance(item, str | bool | list | dict)
                check(item)
        else:
            assert isinstance(expr, str | bool)

    for index, state in enumerate(document["states"]):
        assert state["#meta"]["index"] == index
        assert set(state) == {"#meta", *document["vars"]}
        for name in document["vars"]:
            check(state[name])


def test_a_step_names_who_did_what(counterexample: Find) -> None:
    """The metadata of a step has the action, its arguments by name, the actor, and the digest of the state's variables."""
    document = json.loads(to_bytes(counterexample("M2")))
    state = document["states"][3]
    meta = state["#meta"]
    assert meta["action"] == "handle_vote_request"
    assert meta["actor"] == meta["args"]["voter"] == "n3"
    assert meta["args"]["request"]["candidate"] == "n1"
    variables = {name: state[name] for name in document["vars"] if not name.startswith("mbt::")}
    text = json.dumps(variables, sort_keys=True, separators=(",", ":"))
    assert meta["digest"] == hashlib.sha256(text.encode()).hexdigest()


def test_quint_drivers_find_action_and_picks(counterexample: Find) -> None:
    """The mbt:: variables repeat the action and each parameter as an option, of one type in every state."""
    states = json.loads(to_bytes(counterexample("M2")))["states"]
    assert [s["mbt::actionTaken"] for s in states[:2]] == ["init", "start_election"]
    assert states[1]["mbt::nondetPicks"]["n"] == {"tag": "Some", "value": "n1"}
    assert states[1]["mbt::nondetPicks"]["voter"] == {"tag": "None", "value": {"#tup": []}}
    assert len({tuple(s["mbt::nondetPicks"]) for s in states}) == 1


def test_a_message_is_sent_before_it_is_received(counterexample: Find) -> None:
    """Vector clocks: the voter that answers knows its candidate's step and not the other candidate's, until it answers that too."""
    clocks = [dict(row.vclock) for row in counterexample("M2").states]
    assert clocks == [
        {},
        {"n1": 1},  # n1 stands
        {"n2": 1},  # n2 stands
        {"n1": 1, "n3": 1},  # n3 votes for n1
        {"n1": 1, "n3": 2},  # n3 restarts
        {"n1": 1, "n2": 1, "n3": 3},  # n3 votes for n2
    ]


def test_a_fetch_is_handled_by_the_leader(counterexample: Find) -> None:
    """The node that acts is the receiver: a Fetch request is the leader's to handle, its response the follower's."""
    actors = {row.action: row.actor for row in counterexample("KAFKA-10533").states}
    assert actors["handle_fetch_request"] == actors["append_leader_change"] == "n1"
    assert actors["handle_fetch_response"] == actors["handle_begin_quorum_request"] == "n2"


def test_the_transaction_manager_is_no_node(reached: Find) -> None:
    """Steps of the transaction manager have no actor and are in order among themselves, after the messages they received."""
    steps = [(row.action, row.actor, dict(row.vclock)) for row in reached("everybody_commits").states]
    decided = next(step for step in steps if step[0] == "decide_commit")
    assert decided == ("decide_commit", None, {"env": 3, "n1": 1, "n2": 1})


def test_everything_optional_survives(counterexample: Find) -> None:
    """Seed, loop, the world's choices and steps in which nothing of the spec happens come back."""
    trace = counterexample("M5")
    stutter = evolve(trace.states[1], action=None, args=(), actor=None, choices=({"kind": "drop", "message_id": 3},))
    kept = evolve(trace, seed=7, loop=1, states=(*trace.states[:2], stutter), property="n1 died", kind="incident")
    back = from_bytes(to_bytes(kept))
    assert back == kept
    assert back.states[2].choices == ({"kind": "drop", "message_id": 3},)


def test_other_tools_may_rewrite_the_file(counterexample: Find) -> None:
    """Null for params and loop, other spacing, other order and keys of other tools in #meta are read as the same trace."""
    trace = counterexample("M5")
    document = json.loads(to_bytes(trace))
    document["params"] = document["loop"] = None
    document["#meta"]["timestamp"] = 1.5
    document["states"][0]["#meta"]["comment"] = {"by": "viewer"}
    document["vars"] = sorted(document["vars"])
    for state in document["states"]:
        state["epoch"]["#map"].reverse()
        state["vote_requests"]["#set"].reverse()
    assert from_bytes(json.dumps(document, indent=2).encode()) == trace


def test_a_state_that_did_not_fit_is_not_written(counterexample: Find) -> None:
    """A tolerant reading cannot be written back as if it were whole."""
    trace = counterexample("M5")
    damaged = evolve(trace, states=(trace.states[0], evolve(trace.states[1], state=None)))
    with pytest.raises(TraceError, match=r"states\[1\]: the state does not fit the spec"):
        to_bytes(damaged)


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files to hit")
def test_a_full_disk_leaves_the_old_file(counterexample: Find, tmp_path: Path) -> None:
    """Where the new file does not fit, the error says so in one line, and the old file is untouched and alone."""
    good, target = tmp_path / "good.itf.json", tmp_path / "out" / "trace.itf.json"
    target.parent.mkdir()
    target.write_text("old")
    dump(counterexample("M5"), good)
    script = (
        "import resource, sys\n"
        "from traces.format import TraceError, dump, load\n"
        "trace = load(sys.argv[1])\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try:\n"
        "    dump(trace, sys.argv[2])\n"
        "except TraceError as error:\n"
        "    sys.stdout.write(str(error))\n"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", script, str(good), str(target)],
        capture_output=True,
        check=True,
        cwd=ROOT,
        text=True,
    )
    assert done.stdout == f"{target}: cannot write the file: {os.strerror(errno.EFBIG)}; {REMEDY}"
    assert [p.name for p in target.parent.iterdir()] == ["trace.itf.json"]
    assert target.read_text() == "old"


def test_a_missing_directory_is_one_line(counterexample: Find, tmp_path: Path) -> None:
    """A directory that does not exist is named, with what to do."""
    with pytest.raises(TraceError) as caught:
        dump(counterexample("M5"), tmp_path / "nowhere" / "trace.itf.json")
    assert str(caught.value).endswith(f"cannot write the file: {os.strerror(errno.ENOENT)}; {REMEDY}")


def test_a_spec_of_ones_own_can_be_read(reached: Find) -> None:
    """Traces of a spec that is not in the registry are read with a function that finds it."""
    trace = reached("everybody_aborts")
    mine = evolve(trace, spec=evolve(trace.spec, name="mine"))
    with pytest.raises(TraceError, match=r"#meta\.lockstep\.spec: unknown spec 'mine'"):
        from_bytes(to_bytes(mine))
    back = from_bytes(to_bytes(mine), find=lambda name: evolve(find_spec("two-phase"), name=name))
    assert back.spec.name == "mine"
