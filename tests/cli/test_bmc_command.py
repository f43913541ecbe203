"""`lockstep check --engine bmc`: depths, skeletons and starts as a user gives them, and one line where they make no sense."""

import json
from pathlib import Path
from typing import Any

import pytest

import lockstep

MUSEUM = Path(lockstep.__file__).resolve().parent / "traces" / "museum"


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Commands run in an empty directory."""
    monkeypatch.chdir(tmp_path)


def checked(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, dict[str, Any]]:
    """Exit code and JSON object of a check of two-phase commit, or of the spec that is named first."""
    spec, *rest = options if options[0] in ("kraft", "two-phase") else ("two-phase", *options)
    code = lockstep.main(("check", spec, "--engine", "bmc", *rest, "--json"))
    return code, json.loads(capsys.readouterr().out)


def test_runs_of_so_many_steps(capsys: pytest.CaptureFixture[str]) -> None:
    """What holds in all runs of three steps is said with the depth, on its rung."""
    code, found = checked(capsys, "-p", "managers_agree", "--depth", "3", "--bounds", "nodes=2")
    assert (code, found["verdict"], found["rung"], found["depth"]) == (0, "holds", "bounded model checking", 3)


def test_a_bug_is_found_and_its_trace_replays(capsys: pytest.CaptureFixture[str]) -> None:
    """A violation exits with 1 and leaves a trace that replays."""
    code, found = checked(capsys, "kraft", "--bug", "M5", "-p", "committed_entries_are_flushed_on_a_majority")
    assert (code, found["verdict"], found["steps"]) == (1, "violated", 4)
    assert lockstep.main(("replay", found["trace"], "--on", "spec")) == 1


def test_a_scenario_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Along a skeleton the solver chooses what is left open; the run that reaches what was asked for is saved and printed."""
    skeleton = "prepare(n2), prepare(_), receive_prepared, receive_prepared, decide_commit, receive_commit, receive_commit(n1,_)"
    options = ("-p", "everybody_commits", "--bounds", "nodes=2", "--skeleton", skeleton)
    code, found = checked(capsys, *options)
    assert (code, found["verdict"], found["depth"]) == (0, "holds", 7)
    assert lockstep.main(("check", "two-phase", "--engine", "bmc", *options)) == 0
    shown = capsys.readouterr().out
    assert "n2 prepare(manager=n2)" in shown
    assert f"lockstep replay {found['trace']}" in shown


def test_a_skeleton_that_cannot_be_run(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is said of runs that there are none of: unknown, with the step that no run takes."""
    code, found = checked(capsys, "-p", "managers_agree", "--skeleton", "prepare,decide_commit")
    assert (code, found["reason"]) == (2, "no run takes step 2 of the skeleton, decide_commit")


def test_runs_from_a_trace(capsys: pytest.CaptureFixture[str]) -> None:
    """From the third step of a museum's trace the violation is one step away; the new trace starts at the beginning."""
    start = f"{MUSEUM / 'M5.itf.json'}:3"
    options = ("-p", "committed_entries_are_flushed_on_a_majority", "--from", start, "--depth", "1")
    code, found = checked(capsys, "kraft", "--bug", "M5", *options)
    assert (code, found["depth"], found["steps"]) == (1, 1, 4)


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        (("--skeleton", "prepare("), "--skeleton: cannot read 'prepare('"),
        (("--skeleton", " "), "--skeleton"),
        (("--skeleton", "prepares"), "unknown action 'prepares' of spec two-phase: did you mean prepare?"),
        (("--skeleton", "prepare(n9)"), "'n9' is no Node for manager; one of _, n1, n2"),
        (("--skeleton", "prepare(n1,n2)"), "prepare takes 1 arguments (manager: Node), not 2"),
        (("--skeleton", "receive_commit(n1,yes)"), "'yes' is no Commit for message; leave it to the solver: _"),
        (("--from", "missing.itf.json"), "--from"),
        (("--from", str(MUSEUM / "M5.itf.json")), "is a trace of kraft; check kraft from it"),
    ],
)
def test_what_makes_no_sense_is_refused(
    options: tuple[str, str], cause: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line with the cause and the remedy, exit code 3."""
    assert lockstep.main(("check", "two-phase", "--engine", "bmc", *options)) == 3
    error = capsys.readouterr().err
    assert cause in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("start", "cause"),
    [
        ("M5.itf.json:9", "has 4 steps, not 9"),
        ("KAFKA-12619.itf.json", "are none of kraft within these bounds; plant its bug (--bug KAFKA-12619)"),
    ],
)
def test_a_start_that_is_not_there_is_refused(start: str, cause: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A step beyond the end, or a path that leaves the bounds."""
    assert lockstep.main(("check", "kraft", "--engine", "bmc", "--from", str(MUSEUM / start))) == 3
    assert cause in capsys.readouterr().err
