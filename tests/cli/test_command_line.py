"""The command line as a user meets it: exit codes, one line per error, JSON alone on stdout, help that fits a screen."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import lockstep
from traces.commands.verify import Done, Result, Row, VerifyReport, plan

ROOT = Path(lockstep.__file__).resolve().parent
COMMANDS = ("verify", "list", "check", "simulate", "replay", "bugs", "check-history", "check-log")

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run the command line in an empty directory: (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LOCKSTEP_DEBUG", raising=False)
    monkeypatch.setenv("COLUMNS", "100")

    def call(*arguments: str) -> tuple[int, str, str]:
        code = lockstep.main(arguments)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def process(*arguments: str, cwd: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run the command line in a process of its own."""
    inherited = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    return subprocess.run(
        [sys.executable, str(ROOT / "lockstep.py"), *arguments],
        cwd=cwd,
        env={**inherited, "PYTHONPATH": str(ROOT), "COLUMNS": "100", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def json_of(out: str) -> Any:
    """The one JSON object that stdout has to be."""
    assert out.count("\n") == 1
    found = json.loads(out)
    assert isinstance(found, dict)
    return found


def counterexample(run: Run) -> Path:
    """A trace of bug M5, the shortest there is."""
    code, out, _ = run("check", "kraft", "--bug", "M5", "--json")
    assert code == 1
    return Path(json_of(out)["trace"])


# ------------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("arguments", "cause", "remedy"),
    [
        (("chek",), "chek", "--help"),
        (("check",), "argument", "lockstep check --help"),
        (("check", "kraft", "--seeed", "1"), "--seeed", "lockstep check --help"),
        (("check", "kraft", "--seed", "-1"), "--seed", "lockstep check --help"),
        (("check", "kraft", "--seed", "one"), "valid integer", "lockstep check --help"),
        (("check", "krafd"), "unknown spec 'krafd'", "did you mean kraft?"),
        (("check", "kraft", "--bounds", "nodes=0"), "nodes=0 is impossible", "at least"),
        (("check", "kraft", "--bounds", "nodes"), "'nodes' is not name=value", "write --bounds"),
        (("check", "kraft", "--bounds", "nodes=three"), "nodes=three is not a whole number", "write --bounds"),
        (("check", "kraft", "--bounds", "nodes=1000000"), "too large", "at most"),
        (("check", "kraft", "--bounds", "nodes=3,nodes=2"), "nodes is given twice", "once"),
        (("check", "kraft", "--bounds", ","), "--bounds is empty", "write --bounds"),
        (("check", "kraft", "--bounds", "nods=3"), "unknown bound 'nods'", "did you mean nodes?"),
        (("check", "kraft", "--bug", "KAFKA-12618"), "unknown bug 'KAFKA-12618'", "did you mean KAFKA-12619?"),
        (("check", "kraft", "-p", "log_matchin"), "unknown property 'log_matchin'", "did you mean log_matching?"),
        (("check", "kraft", "--engine", "smt"), "unknown engine 'smt'", "explore and reference and walk"),
        (("check", "kraft", "--budget", "soon"), "'soon'", "write --budget 60s"),
        (("check", "kraft", "--budget", "0s"), "'0s'", "write --budget 60s"),
        (("check", "kraft", "--out", "file"), "file is not a directory", "give a directory"),
        (("check", "kraft", "--out", "file/below"), "file is not a directory", "give a directory"),
        (("list", "claims"), "claims", "run lockstep claims"),
        (("list", "moons"), "moons", "list specs, properties, actions, bugs"),
        (("list", "nothing"), "'nothing'", "list specs, properties, actions, bugs"),
        (("bugs", "KAFKA-1261"), "unknown bug 'KAFKA-1261'", "did you mean KAFKA-12619?"),
        (("simulate", "kraf"), "unknown mode 'kraf'", "did you mean kraft?"),
        (("simulate", "kraft", "--faults", "many"), "unknown plan 'many'", "none, light, default, heavy"),
        (("simulate", "kraft", "--faults", "los=0.1"), "unknown fault 'los'", "there are loss"),
        (("simulate", "kraft", "--faults", "loss=2"), "loss=2", "a fraction from 0 to 1"),
        (("simulate", "kraft", "--bug", "M6"), "unknown bug 'M6'", "M"),
        (("simulate", "kraft", "--runs", "0"), "--runs", "lockstep simulate --help"),
        (("replay", "missing.itf.json"), "missing.itf.json", "check the name"),
        (("replay", "."), "directory", "check the name"),
        (("replay", "file"), "file", "write the trace again"),
        (("replay", "missing.itf.json", "--on", "moon"), "moon", "spec, impl, both"),
        (("check-history", "missing.jsonl"), "missing.jsonl", "give a readable history file"),
        (("check-history", "."), "directory", "give a readable history file"),
        (("check-history", "file", "--model", "queue"), "queue", "metadata"),
        (("verify", "--budget", "never"), "'never'", "write --budget 60s"),
    ],
)
def test_bad_input_is_one_line_with_its_remedy(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], cause: str, remedy: str
) -> None:
    """Whatever is wrong with the arguments: exit code 3, nothing on stdout, one line that says what and what to do."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    code, out, err = run(*arguments)
    assert (code, out) == (3, "")
    assert err.startswith("lockstep: error: ")
    assert err.count("\n") == 1
    assert cause in err
    assert remedy in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("damage", "cause"),
    [
        (lambda text: text[: len(text) // 2], "ends too early"),
        (lambda text: text.replace('"states"', '"stats"', 1), "states"),
        (lambda text: text.replace('"bug":"M5"', '"bug":"M55"', 1), "did you mean M5?"),
        (lambda text: text.replace('"spec":"kraft"', '"spec":"kraftt"', 1), "did you mean kraft?"),
        (lambda text: text.replace('"action":"start_election",', "", 1), "action"),
        (lambda text: text.replace("{", "", 1), "not JSON at byte"),
    ],
    ids=["truncated", "missing field", "bug", "spec", "action", "not json"],
)
def test_a_damaged_trace_is_one_line(run: Run, damage: Callable[[str], str], cause: str) -> None:
    """A trace that is truncated, lacks a field or names what does not exist: exit code 3, one line with the file's name."""
    path = counterexample(run)
    text = path.read_text(encoding="utf-8")
    assert damage(text) != text
    path.write_text(damage(text), encoding="utf-8")
    code, out, err = run("replay", str(path))
    assert (code, out) == (3, "")
    assert err.startswith(f"lockstep: error: {path}")
    assert err.count("\n") == 1
    assert cause in err


def test_an_internal_error_is_one_line_too(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect of Lockstep itself names its type and place, and shows the traceback only to whoever asks for it."""

    def broken(*_: object, **__: object) -> None:
        raise KeyError("lost")

    monkeypatch.setattr("traces.commands.listing.listing", broken)
    code, out, err = run("list")
    assert (code, out) == (3, "")
    assert err.count("\n") == 1
    assert "internal error: KeyError: 'lost' at test_command_line.py:" in err
    assert "LOCKSTEP_DEBUG=1" in err
    monkeypatch.setenv("LOCKSTEP_DEBUG", "1")
    code, _, err = run("list")
    assert code == 3
    assert "Traceback" in err


# ------------------------------------------------------------------------------------------------------------- verdicts


def test_a_spec_that_holds_is_exit_code_0(run: Run) -> None:
    """Two-phase commit with three managers: 288 states, as published, and every property holds."""
    code, out, err = run("check", "two-phase", "--bounds", "nodes=3", "--json")
    assert (code, err) == (0, "")
    found = json_of(out)
    assert found["distinct"] == 288
    assert found["verdict"] == "holds"
    assert set(found["properties"].values()) == {"holds"}
    assert sum(found["levels"]) == 288
    assert sum(found["coverage"].values()) == found["generated"] - 1
    assert found["trace"] is None
    wanted = "spec engine bounds verdict distinct generated depth seconds properties trace coverage rung spec_hash"
    assert set(wanted.split()) <= set(found)


def test_a_bug_is_exit_code_1_and_its_trace_replays(run: Run, tmp_path: Path) -> None:
    """M5 breaks its property, the trace lies in --out, and replaying it violates the same property on both sides."""
    code, out, _ = run("check", "kraft", "--bug", "M5", "--out", "found", "--json")
    assert code == 1
    found = json_of(out)
    assert found["verdict"] == "violated"
    assert found["bug"] == "M5"
    path = Path(found["trace"])
    assert (tmp_path / path).parent == tmp_path / "found"
    assert path.name == f"kraft-M5-{found['property']}.itf.json"
    code, out, _ = run("replay", str(path), "--json")
    assert code == 1
    sides = json_of(out)["sides"]
    assert list(sides) == ["spec", "impl"]
    for side in sides.values():
        assert (side["verdict"], side["property"]) == ("violated", found["property"])


def test_a_violation_is_shown_in_domain_words(run: Run) -> None:
    """The text has the steps, what each changes, the file, and the command that replays it."""
    code, out, _ = run("check", "kraft", "--bug", "M5")
    assert code == 1
    assert "n1 start_election(n=n1)" in out
    assert "role[n1]: UNATTACHED -> CANDIDATE" in out
    assert "lockstep replay lockstep-out/kraft-M5-" in out


def test_one_property_is_judged_alone(run: Run) -> None:
    """Asked for one property, the verdict is about that one: M5 does not break log matching in its scope."""
    code, out, _ = run("check", "kraft", "--bug", "M5", "-p", "log_matching", "--json")
    assert code == 0
    assert json_of(out)["properties"] == {"log_matching": "holds"}


def test_a_used_up_budget_is_exit_code_2(run: Run) -> None:
    """A search that could not finish is unknown, never a pass, and says how far it came."""
    code, out, _ = run("check", "kraft", "--budget", "1ms", "--json")
    assert code == 2
    found = json_of(out)
    assert found["verdict"] == "unknown"
    assert "budget" in found["reason"]


def test_an_interrupt_tells_what_was_covered(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C during a search: unknown with the states covered so far, exit code 2."""
    from model.engines.explore import _Search  # noqa: PLC0415 - patched here only

    expand = _Search.expand

    def interrupted(search: _Search, number: int) -> None:
        if number == 50:
            raise KeyboardInterrupt
        expand(search, number)

    monkeypatch.setattr(_Search, "expand", interrupted)
    code, out, _ = run("check", "two-phase", "--engine", "reference", "--json")
    assert code == 2
    found = json_of(out)
    assert found["distinct"] > 50
    assert "interrupted" in found["reason"]


def test_an_interrupt_of_the_compiled_search_tells_what_was_covered(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C during the compiled search: unknown with the states covered so far, exit code 2."""
    from model.engines.compiled.search import Search  # noqa: PLC0415 - patched here only

    run_levels = Search.run

    def interrupted(search: Search, between: Callable[[], None]) -> None:
        def stop_at_depth_six() -> None:
            between()
            if len(search.levels) == 6:
                raise KeyboardInterrupt

        run_levels(search, stop_at_depth_six)

    monkeypatch.setattr(Search, "run", interrupted)
    code, out, _ = run("check", "two-phase", "--json")
    assert code == 2
    found = json_of(out)
    assert found["distinct"] > 50
    assert "interrupted at depth 6" in found["reason"]


def test_walks_are_only_tested(run: Run) -> None:
    """The same seed gives the same walks, and their evidence is the lowest rung."""
    arguments = ("check", "two-phase", "-p", "managers_agree", "--engine", "walk", "--seed", "3", "--json")
    (code, out, _), (_, again, _) = run(*arguments), run(*arguments)
    found, second = json_of(out), json_of(again)
    assert (code, found["rung"], found["seed"]) == (0, "tested", 3)
    assert {**found, "seconds": 0} == {**second, "seconds": 0}


def test_the_bug_scope_is_overlaid_by_given_bounds(run: Run) -> None:
    """With a bug the default bounds are its scope; what the user gives counts more."""
    _, out, _ = run("check", "kraft", "--bug", "M5", "--bounds", "values=1,log=2", "--json")
    bounds = json_of(out)["bounds"]
    assert (bounds["values"], bounds["log"], bounds["epochs"]) == (1, 2, 1)


def test_a_history_is_judged(run: Run, tmp_path: Path) -> None:
    """A read that misses a created topic is not linearizable (1); without it the history is (0)."""
    event = '{{"index":{},"time":0,"process":0,"type":"{}","f":"{}","key":"t","value":{},"error":null}}\n'
    good = event.format(0, "invoke", "create_topic", "null") + event.format(1, "ok", "create_topic", '{"version":1}')
    absent = '{"exists":false,"version":0,"value":null}'
    bad = good + event.format(2, "invoke", "read", "null") + event.format(3, "ok", "read", absent)
    for text, expected in ((good, 0), (bad, 1)):
        (tmp_path / "h.jsonl").write_text(text, encoding="utf-8")
        code, out, _ = run("check-history", "h.jsonl", "--json")
        assert code == expected
        assert json_of(out)["linearizable"] is (expected == 0)


# ------------------------------------------------------------------------------------------------------------- form


def test_simulations_are_the_same_bytes_in_every_process(tmp_path: Path) -> None:
    """`simulate --json` depends on its options alone, not on the process or its hash seed."""
    arguments = ("simulate", "kraft", "--seed", "7", "--runs", "1", "--steps", "150", "--json")
    first, second = (process(*arguments, cwd=tmp_path, PYTHONHASHSEED=seed) for seed in ("0", "1"))
    assert first.returncode in (0, 2), first.stderr
    assert first.stdout == second.stdout
    assert json_of(first.stdout)["runs"][0]["seed"] == 7


@pytest.mark.parametrize("arguments", [("list", "bugs"), ("check", "two-phase"), ("list", "krafd")])
@pytest.mark.parametrize("environment", [{}, {"NO_COLOR": "1", "TERM": "xterm-256color"}], ids=["plain", "no color"])
def test_pipes_get_no_escape_codes(tmp_path: Path, arguments: tuple[str, ...], environment: dict[str, str]) -> None:
    """Where nobody looks, there is no colour, no progress and no trailing blank."""
    done = process(*arguments, cwd=tmp_path, **environment)
    assert "\x1b" not in done.stdout + done.stderr
    assert all(line == line.rstrip() for line in done.stdout.splitlines())
    if done.returncode == 0:
        assert done.stderr == ""


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_fits_a_screen(run: Run, command: str) -> None:
    """Every --help is at most 40 lines of at most 100 columns, and names its options."""
    code, out, _ = run(*([command] if command else []), "--help")
    assert code == 0
    assert len(out.splitlines()) <= 40
    assert all(len(line) <= 100 for line in out.splitlines())
    assert "Usage: lockstep" in out


def test_no_command_is_help(run: Run) -> None:
    """`lockstep` alone shows the commands."""
    code, out, _ = run()
    assert code == 0
    assert all(command in out for command in COMMANDS)


@pytest.mark.parametrize("arguments", [("check", "two-phase"), ("list",), ("list", "bugs"), ("bugs", "M5")])
def test_results_fit_a_screen(run: Run, arguments: tuple[str, ...]) -> None:
    """A result that holds, and the lists, are at most 50 lines of at most 100 columns."""
    code, out, _ = run(*arguments)
    assert code == 0
    assert len(out.splitlines()) <= 50
    assert all(len(line) <= 100 for line in out.splitlines())


def test_list_knows_everything(run: Run) -> None:
    """`list all --json` has the specs with their bounds, properties with their claims, actions, and bugs."""
    code, out, _ = run("list", "all", "--json")
    assert code == 0
    found = json_of(out)
    assert {"kraft", "two-phase"} <= {spec["name"] for spec in found["specs"]}
    assert {"KAFKA-12619", "M10"} <= {bug["id"] for bug in found["bugs"]}
    assert all(row["claim"] for section in ("properties", "actions") for row in found[section])


def test_a_bug_is_found_again(run: Run) -> None:
    """`bugs M5 --find` catches it on the spec and in the implementation, by the same property."""
    code, out, _ = run("bugs", "M5", "--find", "--json")
    assert code == 0
    (bug,) = json_of(out)["bugs"]
    assert [(hunt["engine"], hunt["verdict"]) for hunt in bug["found"]] == [
        ("explore", "caught"),
        ("simulate", "caught"),
    ]
    assert {hunt["property"] for hunt in bug["found"]} == {bug["breaks"]}


@pytest.mark.parametrize(
    ("verdicts", "planned", "code"),
    [
        ((("holds", "holds"), ("caught", "caught")), 2, 0),
        ((("holds", "holds"), ("missed", "caught")), 2, 1),
        ((("violated", "holds"), ("caught", "caught")), 2, 1),
        ((("unknown", "holds"), ("caught", "caught")), 2, 2),
        ((("holds", "holds"),), 2, 2),
    ],
    ids=["as expected", "bug missed", "violated", "unknown", "interrupted"],
)
def test_verify_passes_only_if_every_row_is_as_expected(
    verdicts: tuple[tuple[str, str], ...], planned: int, code: int
) -> None:
    """A bug that is not caught fails the plan, and a row that is undecided or did not run leaves it unknown."""

    def done(verdict: str, expected: str) -> Done:
        result = Result(verdict, "")
        return Done(Row("row", "what", lambda _: result, expected), result, 0.0)

    report = VerifyReport(tuple(done(*pair) for pair in verdicts), planned)
    assert report.exit_code == code


def test_verify_starts_with_the_published_counts() -> None:
    """The first row of the plan explores two-phase commit and compares with the numbers of states published for it."""
    first = plan()[0]
    result = first.run(60.0)
    assert (result.verdict, result.evidence) == ("holds", "288, 1,568, 8,832 states, as published")


def test_a_bug_of_the_spec_alone_has_no_simulation(run: Run) -> None:
    """The card of a planted livelock names the command that shows it, and no simulation, since only the spec has it."""
    _, livelock, _ = run("bugs", "LIVE1")
    _, historical, _ = run("bugs", "M2")
    assert "lockstep check kraft-live --bug LIVE1" in livelock
    assert "lockstep simulate" not in livelock
    assert "lockstep simulate kraft --bug M2" in historical
