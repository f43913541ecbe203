"""Options of `lockstep check` for the explorer: several violations, symmetry, coverage, going on from a checkpoint."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import lockstep
from model.engines.compiled.explore import explore_compiled
from model.engines.liveness import with_compiled_liveness
from model.engines.source import Budget, Progress
from properties.registry import find_spec
from tests.engines.liveness_toys import door
from traces.commands.check import CheckReport
from traces.render import outlook, printed, progress_text

Run = Callable[..., tuple[int, str, str]]
TINY = ("--bounds", "epochs=1,elections=1,log=1")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run the command line in an empty directory: (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")

    def call(*arguments: str) -> tuple[int, str, str]:
        code = lockstep.main(arguments)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def found(run: Run, *arguments: str) -> Any:
    """The JSON object of a check."""
    _, out, _ = run("check", *arguments, "--json")
    return json.loads(out)


def test_each_of_several_violations_has_its_own_trace_file(run: Run, tmp_path: Path) -> None:
    """Four different ends of KAFKA-10533 are four files, each of which replays; the second of a property has a number."""
    result = found(run, "kraft", "--bug", "KAFKA-10533", "--max-violations", "4", "--distinct-by", "role,epoch")
    traces = [c["trace"] for c in result["counterexamples"]]
    assert len(set(traces)) == 4
    assert result["trace"] == traces[0]
    assert any(t.endswith("-2.itf.json") for t in traces)
    code, out, _ = run("replay", traces[-1], "--on", "spec", "--json")
    assert (code, json.loads(out)["verdict"]) == (1, "violated")


def test_several_violations_are_listed_shortly(run: Run) -> None:
    """The terminal shows the first in full and one line for each."""
    code, out, _ = run("check", "kraft", "--bug", "M5", "--max-violations", "9", "--distinct-by", "property")
    assert code == 1
    assert "3 counterexamples:" in out
    assert "  electable_nodes_hold_committed_entries, 4 steps, last n1 append_leader_change: " in out
    assert "nothing is known of what comes after the violations" in out


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--max-violations", "2", "--distinct-by", "rolle"), "'rolle' is no state variable of kraft; give action,"),
        (("--max-violations", "2", "--engine", "walk"), "--max-violations needs --engine explore"),
        (
            ("--max-violations", "2", "--distinct-by", "role", "--symmetry", "--checkpoint", "f"),
            "--distinct-by with variables does not go with both --symmetry and a checkpoint",
        ),
        (("--symmetry", "--engine", "reference"), "--symmetry needs --engine explore"),
        (("--resume", "nothing"), "there is no nothing; start with --checkpoint FILE"),
        (("--resume", "a", "--checkpoint", "b"), "--resume and --checkpoint name different files"),
    ],
)
def test_options_that_do_not_fit_are_refused_in_one_line(run: Run, arguments: tuple[str, ...], problem: str) -> None:
    """What is wrong and what to do, on stderr, exit code 3."""
    code, out, err = run("check", "kraft", *TINY, *arguments)
    assert (code, out, err.count("\n")) == (3, "", 1)
    assert problem in err


def test_symmetry_is_refused_for_liveness(run: Run) -> None:
    """Fairness is per node."""
    code, _, err = run("check", "kraft-live", "--symmetry", *TINY)
    assert code == 3
    assert "--symmetry: a_leader_emerges is about fairness, which is per node" in err


def test_symmetry_prints_what_it_saves(run: Run) -> None:
    """How many representatives there are, and for how many states they stand; level by level in JSON."""
    _, out, _ = run("check", "kraft", *TINY, "--symmetry")
    whole, reduced = found(run, "kraft", *TINY), found(run, "kraft", *TINY, "--symmetry")
    assert reduced["orbits"] == whole["levels"]
    assert reduced["properties"] == whole["properties"]
    assert f"up to symmetry, for {whole['distinct']:,} (" in out.replace("\n", " ")


def test_coverage_shows_guards_degrees_and_depths(run: Run) -> None:
    """Which guards disabled an action in a sample of the states, how many steps states have, how many states there are per depth."""
    _, out, _ = run("check", "kraft", *TINY, "--coverage")
    assert "append_record is disabled by" in out
    assert "s.role[leader] == Role.LEADER  model/kraft/append.py:" in out
    assert "states by number of steps: " in out
    assert "states per depth: 1, " in out
    result = found(run, "kraft", *TINY, "--coverage")
    assert sum(result["out_degrees"].values()) == result["distinct"]
    assert sum(int(n) * states for n, states in result["out_degrees"].items()) == result["generated"] - 1
    guards = {(g["action"], g["guard"]) for g in result["guards"]}
    assert len(guards) == len(result["guards"]) > 20
    two = ("kraft", "--bounds", "nodes=2,epochs=1,elections=1,log=1")
    assert found(run, *two)["out_degrees"] == found(run, *two, "--engine", "reference")["out_degrees"]


def test_a_search_goes_on_from_a_checkpoint_with_the_same_counts(run: Run, tmp_path: Path) -> None:
    """`--resume` goes on from what was saved before the budget ran out; states, steps, orbits and degrees are those of one run."""
    names = ("verdict", "distinct", "generated", "levels", "orbits", "coverage", "out_degrees", "properties")
    spec, file = find_spec("kraft"), tmp_path / "saved"
    bounds = spec.complete_bounds({"epochs": 1, "elections": 1, "log": 1})
    options: dict[str, Any] = {"checkpoint": file, "every": 0.0, "symmetric": True, "clock": lambda: 0.0}
    first = explore_compiled(spec, bounds, budget=Budget(states=500), **options)
    assert (first.verdict, file.exists()) == ("unknown", True)
    again, whole = (found(run, "kraft", *TINY, "--symmetry", *more) for more in (("--resume", str(file)), ()))
    assert {n: again[n] for n in names} == {n: whole[n] for n in names}
    assert sum(first.levels) < whole["distinct"]


def test_a_lasso_is_shown_with_its_fairness() -> None:
    """The terminal says what is fair, what the loop takes for ever, and what is disabled again and again."""
    spec = door({"open_door": "weak", "close_door": "weak", "walk_through": "weak"})
    verdict = explore_compiled(
        spec,
        {},
        clock=lambda: 0.0,
        finish=lambda search, v: with_compiled_liveness(search, v, spec.properties, budget=Budget()),
    )
    text = " ".join(printed(CheckReport(spec, verdict).show).split())
    assert "somebody_is_through is violated" in text
    assert "taken for ever: open_door, close_door; disabled again and again: walk_through" in text


@pytest.mark.parametrize(
    ("levels", "queue", "expected"),
    [
        ((1, 2, 3), 3, ""),
        ((1, 10, 100, 1000, 1500), 1500, "levels grow 10.0 times"),
        ((10, 400, 200, 100, 40), 40, "levels shrink: 80 states to go at this pace"),
    ],
)
def test_the_outlook_is_the_trend_of_the_levels(levels: tuple[int, ...], queue: int, expected: str) -> None:
    """No percentage: whether levels grow, or how many states are to go if they keep shrinking as they do."""
    assert outlook(levels, queue) == expected


def test_progress_tells_states_rate_depth_queue_and_memory() -> None:
    """The compiled search reports the bytes of its tables and its levels, and the line on the terminal shows them."""
    told: list[Progress] = []
    explore_compiled(find_spec("two-phase"), {"nodes": 3}, clock=lambda: 0.0, report=told.append)
    last = told[-1]
    assert (last.depth, sum(last.levels), last.levels[0]) == (11, 288, 1)
    text = progress_text(Progress(2_000_000, 9, 12, 300, 4.0, 3 << 20, (1,)))
    assert text == "2,000,000 states  500,000/s  depth 12  queue 300  3 MiB  9 generated  4 s"
