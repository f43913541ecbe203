"""Histories of ZooKeeper clients: a real one passes with its stale reads, each planted fault is found, both levels are kept apart."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lockstep import main
from properties.witnessed_histories import CHECKS, Answered, check

HISTORY = Path(__file__).resolve().parents[1] / "data" / "zookeeper" / "history.jsonl.gz"

Line = dict[str, Any]
Run = Callable[[list[Line]], tuple[int, dict[str, Any]]]


@pytest.fixture
def lines() -> list[Line]:
    """The first 7,000 events of eight clients on three registers, with a leader killed and one stopped."""
    with gzip.open(HISTORY) as file:
        return [json.loads(line) for line in file]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Check lines: (exit code, the JSON object)."""

    def call(lines: list[Line]) -> tuple[int, dict[str, Any]]:
        path = tmp_path / "history.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        code = main(["check-history", str(path), "--model", "zookeeper", "--json"])
        return code, json.loads(capsys.readouterr().out)

    return call


def answers(lines: list[Line], *kinds: str, outcome: str = "ok", after: int = 0) -> list[Line]:
    """The answers of operations of these kinds, from a place on."""
    return [line for line in lines[after:] if line["ev"] == outcome and line.get("f") in kinds]


def test_the_real_history_passes_and_tests_every_check(run: Run, lines: list[Line]) -> None:
    """Writes and sync-reads are linearizable, sessions sequential; a plain read is stale, and it is said by how much."""
    code, report = run(lines)
    assert (code, report["verdict"], report["violations"]) == (0, "holds", [])
    assert min(check["tested"] for check in report["checks"].values()) > 100
    assert [stale["milliseconds"] for stale in report["stale_reads"]] == [4.619233]
    assert sum(number for kind, number in report["operations"].items() if kind.endswith("info")) > 5


def changed_value(lines: list[Line]) -> None:
    """A read returns another value than was written under its zxid."""
    answers(lines, "read", after=2000)[0]["v"] = "never"


def two_under_one_zxid(lines: list[Line]) -> None:
    """Two writes are answered with the same zxid."""
    first, second = answers(lines, "write", after=3000)[:2]
    second["mzxid"] = first["mzxid"]


def skipped_version(lines: list[Line]) -> None:
    """A cas ends two above what it expected."""
    answers(lines, "cas", after=3000)[0]["ver"] += 1


def read_before_written(lines: list[Line]) -> None:
    """A read returns what is written, under the right zxid and version, long after it."""
    read = answers(lines, "sync-read", after=2000)[0]
    write = next(line for line in answers(lines, "write", after=4000) if line["k"] == read["k"])
    read.update(v=write["v"], ver=write["ver"], mzxid=write["mzxid"])


def swapped_writes(lines: list[Line]) -> None:
    """Two writes far from each other have each other's zxid and version."""
    first = answers(lines, "write", after=3000)[0]
    second = next(line for line in answers(lines, "write", after=4000) if line["k"] == first["k"])
    for name in ("ver", "mzxid"):
        first[name], second[name] = second[name], first[name]


def stale_sync_read(lines: list[Line]) -> None:
    """A sync-read returns what an operation long before it returned."""
    read = answers(lines, "sync-read", after=5000)[0]
    old = next(line for line in answers(lines, "write", after=3000) if line["k"] == read["k"])
    read.update(v=old["v"], ver=old["ver"], mzxid=old["mzxid"])


def wrong_refusal(lines: list[Line]) -> None:
    """A cas that succeeded is said to have been refused: the version it expected was there until much later."""
    done = next(
        line
        for line in answers(lines, "cas")
        if not [o for o in lines if o.get("v") == line["v"] and o.get("f") in ("read", "sync-read")]
    )
    expected = done["ver"] - 1
    done.update(ev="fail", err="BadVersion")
    for name in ("v", "ver", "mzxid"):
        done.pop(name)
    # Nobody wrote the next version while it was on the way.
    later = [line for line in answers(lines, "write", "cas") if line["k"] == done["k"] and line["ver"] == expected + 1]
    assert later == []


def session_goes_back(lines: list[Line]) -> None:
    """A plain read returns what its own session had seen replaced."""
    for read in answers(lines, "read", after=5000):
        own = [
            o
            for o in answers(lines, "write", "cas")
            if o["p"] == read["p"] and o["k"] == read["k"] and o["i"] < read["i"]
        ]
        if len(own) > 2:
            old = own[-3]
            read.update(v=old["v"], ver=old["ver"], mzxid=old["mzxid"])
            return
    raise AssertionError("no such read")


FAULTS: dict[str, Callable[[list[Line]], None]] = {
    "one write per zxid": two_under_one_zxid,
    "versions count by one": skipped_version,
    "reads return what was written": changed_value,
    "nothing from the future": read_before_written,
    "writes are linearizable": swapped_writes,
    "sync-reads are linearizable": stale_sync_read,
    "refusals are right": wrong_refusal,
    "sessions are sequential": session_goes_back,
}


@pytest.mark.parametrize("name", CHECKS)
def test_a_planted_fault_breaks_its_check(run: Run, lines: list[Line], name: str) -> None:
    """One changed answer: exit code 1, the check's name, and an operation that exists."""
    FAULTS[name](lines)
    code, report = run(lines)
    assert code == 1
    assert report["checks"][name]["verdict"] == "violated"
    calls = {line["i"] for line in lines if line["ev"] == "invoke"}
    assert all(violation["call"] in calls for violation in report["violations"])


def write(process: int, call: int, ret: int, version: int, key: str = "/a") -> Answered:
    """A write that ends as version `version` under the zxid 100 + version."""
    return Answered(process, "write", key, call, call, "ok", ret, ret, f"{key}{version}", None, version, 100 + version)


def read(process: int, call: int, ret: int, version: int, f: str = "read", key: str = "/a") -> Answered:
    """A read of that version."""
    return Answered(process, f, key, call, call, "ok", ret, ret, f"{key}{version}", None, version, 100 + version)


def test_the_two_levels_differ_on_a_stale_read() -> None:
    """The same old answer is a stale plain read, and a violation when it was read after sync."""
    writes = [write(1, 0, 1, 1), write(1, 2, 3, 2)]
    plain = check([*writes, read(2, 10, 11, 1)])
    assert plain.violations == ()
    assert [(stale.newer, stale.age) for stale in plain.stale] == [(102, 7)]
    synced = check([*writes, read(2, 10, 11, 1, "sync-read")])
    assert [violation.check for violation in synced.violations] == ["sync-reads are linearizable"]
    assert synced.stale == ()


def test_a_session_sees_one_prefix_of_all_keys() -> None:
    """Who has seen a later write of another key must see all earlier ones: fine for each key alone, not for the session."""
    first, second, other = write(1, 0, 1, 1), write(1, 2, 3, 2), write(1, 4, 5, 3, "/b")
    history = [first, second, other, read(2, 6, 7, 3, key="/b"), read(2, 8, 9, 1)]
    assert [violation.check for violation in check(history).violations] == ["sessions are sequential"]
    assert check([*history[:3], read(2, 6, 7, 1), read(2, 8, 9, 3, key="/b")]).violations == ()


def test_a_refused_cas_is_judged_only_where_the_order_is_known() -> None:
    """Refused although its version was there all the time: wrong; not if a write of unknown outcome may have come between."""
    refused = Answered(2, "cas", "/a", 4, 4, "fail", 5, 5, "x", 1, error="BadVersion")
    assert [v.check for v in check([write(1, 0, 1, 1), refused]).violations] == ["refusals are right"]
    unknown = Answered(3, "write", "/a", 2, 2, "info", value="y")
    assert check([write(1, 0, 1, 1), unknown, refused]).violations == ()
    assert check([write(1, 0, 1, 1), refused, write(1, 6, 7, 2)]).violations != ()
    assert check([write(1, 0, 1, 1), write(1, 2, 3, 2), refused]).violations == ()


def test_missing_versions_need_writes_of_unknown_outcome() -> None:
    """Version 2 was never seen: by a write of unknown outcome, or lost."""
    history = [write(1, 0, 1, 1), write(1, 2, 3, 3)]
    assert [v.check for v in check(history).violations] == ["versions count by one"]
    assert check([*history, Answered(3, "write", "/a", 4, 4, "info", value="y")]).violations == ()


def test_what_is_no_history(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line that names the line and the field; an empty history decides nothing."""
    call = '{"i":0,"t":1,"ev":"invoke","p":1,"f":"write","k":"/a","v":"x"}\n'
    for text, said in (
        ("nothing", "line 1: not JSON"),
        ('{"i":0}', "line 1.ev: missing"),
        ('{"i":0,"ev":"invoke","p":1,"f":"append","k":"/a","t":1}', "line 1.f: no operation"),
        ('{"i":0,"ev":"invoke","p":-1,"f":"read","k":"/a","t":1}', "line 1.p: missing"),
        ('{"i":0,"t":1,"ev":"ok","p":1,"f":"read","k":"/a","v":"x"}', "line 1.p: process 1 has no operation open"),
        (call + call, "line 2.i: 0 follows 0"),
        (call + call.replace('"i":0', '"i":1'), "line 2.p: process 1 has an operation open"),
        (
            call + '{"i":1,"t":1,"ev":"ok","p":1,"f":"read","k":"/a","v":"x"}',
            'line 2.f: "read" ends an invoke of "write"',
        ),
        (call + '{"i":1,"t":1,"ev":"ok","p":1,"f":"write","k":"/a","v":"z"}', "line 2.v:"),
        (
            call + '{"i":1,"t":1,"ev":"fail","err":"ConnectionLoss","p":1,"f":"write","k":"/a"}',
            "line 2.err: a write fails",
        ),
    ):
        path = tmp_path / "history.jsonl"
        path.write_text(text)
        assert main(["check-history", str(path), "--model", "zookeeper"]) == 3
        assert said in capsys.readouterr().err
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    assert main(["check-history", str(empty), "--model", "zookeeper"]) == 2
    assert main(["check-history", str(HISTORY), "--model", "zookeeper"]) == 0
    assert "1 of 1,020 plain reads stale" in capsys.readouterr().out
