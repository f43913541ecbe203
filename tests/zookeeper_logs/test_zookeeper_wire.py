"""Zab on the wire: a real recording passes, and each rule is broken by a planted fault, found on its line."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lockstep import main
from traces.logs.zookeeper.wire_check import RULES

WIRE = Path(__file__).resolve().parents[1] / "data" / "zookeeper" / "wire.jsonl.gz"

Line = dict[str, Any]
Run = Callable[[list[Line]], tuple[int, dict[str, Any]]]


@pytest.fixture
def lines() -> list[Line]:
    """The recording: three elections of three servers, DIFF and SNAP, a partition."""
    with gzip.open(WIRE) as file:
        return [json.loads(line) for line in file]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Check lines: (exit code, the JSON object)."""

    def call(lines: list[Line]) -> tuple[int, dict[str, Any]]:
        path = tmp_path / "wire.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        code = main(["check-log", "zookeeper-wire", str(path), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return call


def find(lines: list[Line], kind: str, number: int = 0, **fields: object) -> int:
    """The index of the `number`-th message of this kind with these fields."""
    found = [n for n, m in enumerate(lines) if m.get("t") == kind and all(m.get(k) == v for k, v in fields.items())]
    return found[number]


def test_the_real_recording_passes_and_tests_every_rule(run: Run, lines: list[Line]) -> None:
    """Exit code 0, no violation, and no rule that was never put to the test."""
    code, report = run(lines)
    assert (code, report["verdict"], report["violations"]) == (0, "holds", [])
    assert min(check["tested"] for check in report["checks"].values()) >= 6
    assert report["commits_between_newleader_and_uptodate"] == []
    assert report["servers"] == [1, 2, 3]


def second_leader(lines: list[Line]) -> int:
    """The second epoch's LEADERINFO says epoch 1 again, from another server."""
    n = find(lines, "LEADERINFO", zxid="2.0")
    lines[n]["zxid"] = "1.0"
    return n


def old_epoch(lines: list[Line]) -> int:
    """A learner that has accepted epoch 9 is offered epoch 3."""
    n = find(lines, "LEADERINFO", zxid="3.0")
    lines[find(lines, "FOLLOWERINFO", -2)]["zxid"] = "9.0"
    return n


def no_newleader(lines: list[Line]) -> int:
    """UPTODATE without NEWLEADER on that connection."""
    n = find(lines, "NEWLEADER", zxid="2.0")
    del lines[n]
    return n


def early_synchronisation(lines: list[Line]) -> int:
    """The first learner of epoch 1 is brought up before it acknowledges the epoch."""
    n = find(lines, "ACKEPOCH")
    lines[n], lines[n + 1] = lines[n + 1], lines[n]
    return n


def early_uptodate(lines: list[Line]) -> int:
    """UPTODATE although the learner has not acknowledged NEWLEADER: its ACK was lost."""
    n = find(lines, "ACK", zxid="1.0", src=2)
    del lines[n]
    return n


def dropped_proposal(lines: list[Line]) -> int:
    """A proposal does not reach one learner, the next one does."""
    n = find(lines, "PROPOSAL", tz="1.3", dst=1)
    lines[n]["act"] = "drop"
    return find(lines, "PROPOSAL", tz="1.4", dst=1)


def ack_of_nothing(lines: list[Line]) -> int:
    """A learner acknowledges what it was not sent yet."""
    n = find(lines, "ACK", zxid="1.4", src=1)
    lines[n]["zxid"] = "1.5"
    return n


def swapped_commits(lines: list[Line]) -> int:
    """Two commits to one learner change places."""
    n, m = find(lines, "COMMIT", zxid="1.2", dst=1), find(lines, "COMMIT", zxid="1.3", dst=1)
    lines[n]["zxid"], lines[m]["zxid"] = "1.3", "1.2"
    return n


def commit_without_acks(lines: list[Line]) -> int:
    """Neither learner's ACK of 1.3 arrives, and it is committed."""
    for server in (1, 2):
        lines[find(lines, "ACK", zxid="1.3", src=server)]["act"] = "drop"
    return find(lines, "COMMIT", zxid="1.3")


def other_transaction(lines: list[Line]) -> int:
    """One learner is proposed other data under the same zxid."""
    n = find(lines, "PROPOSAL", tz="1.4", dst=2)
    lines[n]["data"] = "other"
    return n


FAULTS: dict[str, Callable[[list[Line]], int]] = {
    "one leader per epoch": second_leader,
    "epochs go up": old_epoch,
    "phases in order": no_newleader,
    "discovery before synchronisation": early_synchronisation,
    "UPTODATE after a quorum": early_uptodate,
    "proposals without a hole": dropped_proposal,
    "ACK of what was proposed": ack_of_nothing,
    "COMMIT in order": swapped_commits,
    "COMMIT after a quorum": commit_without_acks,
    "one transaction per zxid": other_transaction,
}


@pytest.mark.parametrize("rule", RULES)
def test_a_planted_fault_breaks_its_rule(run: Run, lines: list[Line], rule: str) -> None:
    """One change to the recording: exit code 1, the rule's name, and the first line at which it shows."""
    where = FAULTS[rule](lines)
    code, report = run(lines)
    assert code == 1
    assert report["checks"][rule]["verdict"] == "violated"
    first = next(violation["line"] for violation in report["violations"] if violation["rule"] == rule)
    assert first >= where + 1
    if rule not in ("phases in order", "UPTODATE after a quorum"):  # there the fault is that a line is missing
        assert first == where + 1


def test_a_commit_in_the_window_is_reported_but_right(run: Run, lines: list[Line]) -> None:
    """COMMIT between NEWLEADER and UPTODATE is what ZOOKEEPER-4394 cannot bear, and no fault of Zab."""
    commit = lines.pop(find(lines, "COMMIT", zxid="2.1", dst=3))
    n = find(lines, "NEWLEADER", zxid="2.0", dst=3)
    lines.insert(n + 1, commit)
    code, report = run(lines)
    assert (code, report["violations"]) == (0, [])
    assert report["commits_between_newleader_and_uptodate"] == [n + 2]


def test_a_held_message_counts_when_it_is_released(run: Run, lines: list[Line]) -> None:
    """An ACK that the proxy holds back does not count until it is released."""
    n = find(lines, "ACK", zxid="1.3", src=2)
    m = find(lines, "COMMIT", zxid="1.3")
    held = dict(lines[n])
    lines[n]["act"] = "hold"
    lines[find(lines, "ACK", zxid="1.3", src=1)]["act"] = "drop"
    assert run(lines)[0] == 1
    lines.insert(m, {**held, "ev": "released"})
    assert run(lines)[0] == 0


def test_what_is_no_recording(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line that names the line; an empty recording decides nothing."""
    for text, said in (
        ("{", "line 1: not JSON"),
        ("[]", "line 1: expected an object"),
        ("{}", "line 1.ev: missing"),
        ('{"ev":"msg","t":"ACK","zxid":"x","src":1,"dst":2}', "line 1.zxid: no zxid"),
        ('{"ev":"msg","t":"PING","src":true,"dst":2}', "line 1.src: missing"),
        ('{"ev":"msg"}', "line 1.t: missing"),
    ):
        path = tmp_path / "wire.jsonl"
        path.write_text(text + "\n")
        assert main(["check-log", "zookeeper-wire", str(path)]) == 3
        assert said in capsys.readouterr().err
    path = tmp_path / "empty.jsonl"
    path.write_text("")
    assert main(["check-log", "zookeeper-wire", str(path)]) == 2
    path.write_bytes(gzip.compress(b"x" * 100)[:-9])
    assert main(["check-log", "zookeeper-wire", str(path)]) == 3
    assert main(["check-log", "zookeeper-wire", str(tmp_path / "none"), str(path)]) == 3
