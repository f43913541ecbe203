"""`lockstep simulate zookeeper` and what goes with it: verdicts, histories, recordings that replay, the same bytes for a seed."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import lockstep
from traces.commands import simulate_runs
from traces.watch import Finding

ROOT = Path(lockstep.__file__).resolve().parent
Run = Callable[..., tuple[int, Any, str]]

SMALL = ("simulate", "zookeeper", "--steps", "700", "--runs", "2", "--json")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run the command line in an empty directory: (exit code, the JSON object or text on stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, Any, str]:
        code = lockstep.main(arguments)
        captured = capsys.readouterr()
        return code, json.loads(captured.out) if captured.out.startswith("{") else captured.out, captured.err

    return call


def recorded(run: Run) -> Path:
    """A recording of a run with a bug."""
    code, found, _ = run(*SMALL, "--bug", "ZOOKEEPER-1291")
    assert (code, found["property"]) == (1, "newleader_is_acknowledged_with_the_epoch_on_disk")
    return Path(found["trace"])


def test_a_correct_ensemble_holds_and_its_histories_are_consistent(run: Run) -> None:
    """Five servers: every run commits, is watched, and leaves a history that check-history accepts too."""
    code, found, _ = run(*SMALL, "--nodes", "5", "--histories", "h")
    assert (code, found["verdict"], found["trace"]) == (0, "holds", None)
    for one in found["runs"]:
        assert one["committed"] > 5
        assert one["history"] == "holds"
        assert one["checks"]["no_committed_transaction_is_lost"] >= 1
        code, judged, _ = run("check-history", f"h/history-seed{one['seed']}.jsonl", "--model", "zookeeper", "--json")
        assert (code, judged["verdict"]) == (0, "holds")
        assert sum(judged["operations"].values()) == one["operations"]


def test_the_table_names_what_was_watched(run: Run) -> None:
    """A row per run, and in the last line what was looked for."""
    code, out, _ = run("simulate", "zookeeper", "--steps", "500", "--runs", "1", "--faults", "heavy")
    assert code in (0, 2)
    assert "plain reads sequential" in " ".join(out.split())


def test_a_bug_is_recorded_and_its_replay_shows_it_again(run: Run) -> None:
    """The recording replays step by step, in text and in JSON; exit code 1 says that the property is violated again."""
    path = recorded(run)
    code, replayed, _ = run("replay", str(path), "--json")
    assert (code, replayed["verdict"], replayed["bug"]) == (1, "violated", "ZOOKEEPER-1291")
    assert replayed["sides"]["impl"]["steps"] == replayed["steps"]
    code, out, _ = run("replay", str(path))
    assert code == 1
    assert "LEADING" in out
    code, _, error = run("replay", str(path), "--on", "spec")
    assert (code, "a run of the implementation alone" in error) == (3, True)


def test_a_recording_that_was_changed_diverges_where_it_was(run: Run) -> None:
    """The first row that differs is named, and a choice that cannot happen; tolerant replay goes on."""
    path = recorded(run)
    document = json.loads(path.read_text(encoding="utf-8"))
    document["states"][10]["did"] = "nothing"
    path.write_text(json.dumps(document), encoding="utf-8")
    code, replayed, _ = run("replay", str(path), "--json")
    assert (code, replayed["verdict"], replayed["sides"]["impl"]["steps"]) == (3, "diverged", 10)
    code, replayed, _ = run("replay", str(path), "--tolerant", "--json")
    assert (code, replayed["verdict"]) == (1, "violated")


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("#meta", "lockstep", "bug"), "M2", "#meta.lockstep.bug: the implementation has no bug"),
        (("#meta", "lockstep", "nodes"), 0, "#meta.lockstep.nodes: 0 nodes"),
        (("#meta", "lockstep", "run"), "etcd", "#meta.lockstep.run: runs of"),
        (("#meta", "lockstep", "version"), 9, "#meta.lockstep.version: version"),
        (("#meta", "lockstep", "kind"), "odd", "#meta.lockstep.kind: expected one of"),
        (("#meta", "lockstep", "settings", "tick"), "1", "#meta.lockstep.settings.tick: expected int"),
        (("states",), [], "states: expected a list"),
        (("states", 3, "#meta", "choice", "kind"), "burn", "states[3].#meta.choice.kind: one of"),
        (("states", 3, "told"), None, "states[3].told: expected a string"),
        (("states", 3, "servers"), {"#map": []}, "states[3].servers: expected a map"),
    ],
)
def test_bad_recordings_are_refused_in_one_line(
    run: Run, place: tuple[str | int, ...], value: object, said: str
) -> None:
    """Where, what is wrong, and no traceback."""
    path = recorded(run)
    document = json.loads(path.read_text(encoding="utf-8"))
    inner = document
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    path.write_text(json.dumps(document), encoding="utf-8")
    code, _, error = run("replay", str(path))
    assert code == 3
    assert said in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--bug", "M2"), "unknown bug 'M2' of the implementation of zookeeper"),
        (("--nodes", "0"), "--nodes"),
        (("--faults", "reset=2"), "reset=2"),
    ],
)
def test_options_that_make_no_sense_are_refused(run: Run, arguments: tuple[str, ...], said: str) -> None:
    """One line says what is wrong."""
    code, _, error = run("simulate", "zookeeper", *arguments)
    assert code == 3
    assert said in error


def test_a_seed_gives_the_same_bytes_in_every_process(tmp_path: Path) -> None:
    """Whatever the hash seed; what is written too."""
    said = []
    for seed in ("0", "1"):
        done = subprocess.run(
            [sys.executable, str(ROOT / "lockstep.py"), *SMALL, "--histories", f"h{seed}"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            timeout=120,
        )
        said.append((done.stdout, (tmp_path / f"h{seed}" / "history-seed1.jsonl").read_bytes()))
    assert said[0] == said[1]


@pytest.mark.parametrize("mode", ["kraft", "zookeeper"])
def test_the_self_check_compares_two_runs(run: Run, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """--twice passes as it is; a run that depends on more than its seed is a finding."""
    arguments = ("simulate", mode, "--steps", "250", "--runs", "1", "--twice", "--json")
    code, found, _ = run(*arguments)
    assert (code, found["runs"][0]["property"]) in ((0, None), (2, None))

    odd = Finding(7, simulate_runs.SAME_RUN, "determinism", "two runs of one seed part at step 7")
    monkeypatch.setattr("traces.commands.simulate.checked_twice", lambda *_: odd)
    code, found, _ = run(*arguments)
    assert (code, found["property"], found["trace"]) == (1, simulate_runs.SAME_RUN, None)


def test_a_claim_is_printed_with_its_evidence(run: Run) -> None:
    """That metadata in ZooKeeper is eventually consistent: the kept run, made again, in which a client reads what is out of date."""
    code, out, _ = run("claims", "zookeeper-reads-are-eventually-consistent")
    text = " ".join(out.split())
    assert code == 0
    assert 'client p1 create_topic("clicks") ok version=0' in text
    assert 'client p0 read("clicks") ok absent' in text
    assert "lockstep replay" in text


def test_every_claim_holds(run: Run) -> None:
    """Each is examined anew; one that nobody makes is refused."""
    code, found, _ = run("claims", "--json")
    assert (code, found["verdict"]) == (0, "holds")
    assert {claim["verdict"] for claim in found["claims"]} == {"holds"}
    assert len(found["claims"]) == 3
    code, _, error = run("claims", "kafka-is-fast")
    assert (code, "unknown claim 'kafka-is-fast'" in error) == (3, True)


def test_a_claim_without_its_evidence_does_not_hold(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Evidence that cannot be read leaves a claim undecided."""
    monkeypatch.setattr("traces.commands.claims.EVIDENCE", tmp_path / "gone.itf.json")
    code, found, _ = run("claims", "zookeeper-reads-are-eventually-consistent", "--json")
    assert (code, found["verdict"]) == (2, "unknown")
