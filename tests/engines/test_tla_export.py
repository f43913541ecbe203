"""The text of the TLA+ export: golden, the same for all bounds, well-formed; and the reader with which the other tests run it."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from attrs import evolve

from model.engines.export.tla import export_tla
from model.language import BoundsError, Spec
from model.two_phase.spec import SPEC as TWO_PHASE
from tests.engines.tla_reader import TlaError, read_module
from tests.engines.tla_running import checker, settings
from tests.engines.tla_states import Checker, EvaluationError
from tests.engines.tlc_figures import SPECS

GOLDEN = Path(__file__).parent / "golden" / "two-phase.tla"
REWRITE = bool(os.environ.get("LOCKSTEP_REWRITE"))

BUGS = [SPECS["kraft"].with_bug(bug) for bug in SPECS["kraft"].bugs]
ALL = [*SPECS.values(), *BUGS]

OTHER_BOUNDS: Mapping[str, int] = {
    "nodes": 5,
    "epochs": 4,
    "log": 3,
    "values": 3,
    "stale": 1,
    "channel": 3,
    "flight": 4,
}
"""Bounds unlike the defaults of any spec."""


def named(spec: Spec) -> str:
    """How a spec shows in the name of a test."""
    return f"{spec.name}-{spec.bug}" if spec.bug else spec.name


def test_two_phase_commit_reads_like_a_module_written_by_hand() -> None:
    """The golden module; LOCKSTEP_REWRITE=1 writes it anew."""
    text = export_tla(TWO_PHASE, {}).text
    if REWRITE:
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(text, encoding="utf-8", newline="\n")
    assert text == GOLDEN.read_text(encoding="utf-8")


@pytest.mark.parametrize("spec", ALL, ids=named)
def test_the_text_is_the_same_for_all_bounds(spec: Spec) -> None:
    """Bounds are constants of the module; only the configuration says what they are."""
    other = {name: value for name, value in OTHER_BOUNDS.items() if name in spec.least}
    small, large = export_tla(spec, {}), export_tla(spec, other)
    assert large.text == small.text
    assert large.cfg != small.cfg
    assert export_tla(spec, {}) == small


@pytest.mark.parametrize("spec", ALL, ids=named)
def test_every_name_is_declared_once_and_every_bullet_stands_in_its_column(spec: Spec) -> None:
    """The reader accepts the module: syntax, layout, declarations before use, arities, no shadowing, no reserved words."""
    export = export_tla(spec, {})
    module = read_module(export.text)
    assert module.name == export.name
    assert set(module.constants) == settings(export).keys()
    assert set(export.actions.values()) | set(export.properties.values()) <= module.definitions.keys()


@pytest.mark.parametrize("name", ["two-phase", "kraft"])
def test_the_lines_of_a_protocol_fit_a_screen(name: str) -> None:
    """Long formulas are broken; comments keep the lines of their authors."""
    lines = [line for line in export_tla(SPECS[name], {}).text.splitlines() if not line.startswith("\\*")]
    assert max(map(len, lines)) <= 132


def test_comments_are_the_docstrings() -> None:
    """State, sorts, rules, actions and properties are introduced by what their authors said of them."""
    text = export_tla(SPECS["kraft"], {}).text
    for line in (
        "\\* The voters of one raft group.\nVARIABLES epoch, leader",
        "\\* A leader epoch; 0 is before the first election.\nEpoch == 0..MaxEpochs",
        "\\* A repeat for the same candidate is granted without looking at its log again.\nMayGrant(",
        "\\* A leader appends a client's record, after its LeaderChange record.\nAppendRecord(",
        "\\* Two leaders at once are in different epochs. Raft figure 3, Election Safety.\nAtMostOneLeaderPerEpoch ==",
    ):
        assert line in text


def test_local_variables_of_the_author_are_definitions() -> None:
    """`granted = ...` in the spec is `granted == ...` in the module, and used by its name."""
    text = export_tla(SPECS["kraft"], {}).text
    action = text[text.index("HandleVoteRequest(voter) ==") : text.index("HandleVoteResponse ==")]
    assert "LET up_to_date ==" in action
    assert "granted ==" in action
    assert "IF granted\n" in action


def test_a_guard_that_is_a_disjunction_is_one_guard() -> None:
    """TLC would take `a \\/ b` for two ways to take the step; the module compares it with TRUE."""
    module = export_tla(SPECS["logs"], {})
    guard = "(Len(log[n]) = 0 \\/ "
    assert guard in module.text
    bare = evolve(module, text=module.text.replace(") = TRUE\n", ")\n"))
    assert bare.text != module.text
    good, bad = checker(module), checker(bare)
    assert sum(_appended(good)) == 8
    assert sum(_appended(bad)) > sum(_appended(good))


def _appended(running: Checker) -> list[int]:
    """How many steps of LogsAppend there are out of the initial state and out of a state after it."""
    action = next(tree for name, tree in running.actions() if name == "LogsAppend")
    initial = running.initial()[0]
    first = list(running.steps(action, initial))
    return [len(first), len(list(running.steps(action, first[0])))]


def test_bounds_that_make_no_sense_are_refused() -> None:
    """As by every engine: unknown bounds, and an initial state that is beyond them."""
    with pytest.raises(BoundsError, match="unknown bound 'node'"):
        export_tla(TWO_PHASE, {"node": 3})
    with pytest.raises(BoundsError, match=r"the initial shared.length of logs is beyond the bounds"):
        export_tla(SPECS["logs"], {"log": 0})


# --------------------------------------------------------------------------------------------- the reader itself


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("A == x = 1 /\\ y = 1 \\/ x = 2", "need brackets"),
        ("A == x = y = 1", "need brackets"),
        ("A == z = 1", "'z' is not declared"),
        ("A == \\E x \\in {1} : x = 1", "'x' is declared again"),
        ("A(x) == x = 1", "'x' is declared again"),
        ("A == 1\nA == 2", "'A' is declared again"),
        ("IF == 1", "'IF' is no identifier"),
        ("A == Len(<<1>>, 2)", "Len takes 1 arguments"),
        ("A == (x = 1", "belongs"),
        ("A ==\n  /\\ x = 1\n   /\\ y = 1", "a bullet that is in no column"),
        ("A ==\n  /\\ x = 1\n  y = 1", "is no identifier|belongs|not declared"),
        ("A == x ? y", "unreadable"),
    ],
)
def test_the_reader_refuses_what_is_no_tla(body: str, says: str) -> None:
    """The checks above would notice: each of these is a mistake that the exporter could make."""
    with pytest.raises(TlaError, match=says):
        read_module(f"---- MODULE T ----\nEXTENDS Integers, Sequences\nVARIABLES x, y\n{body}\n====")


@pytest.mark.parametrize(
    "body", ["[n \\in {1} |-> 0][2] = 0", '"a" = 1', "[[n \\in {1} |-> 0] EXCEPT ![2] = 1] = x", "1"]
)
def test_the_checker_stops_where_tlc_would(body: str) -> None:
    """Functions outside of their domain, unlike values compared, numbers for truth values."""
    text = f"---- MODULE T ----\nEXTENDS Integers, Sequences\nVARIABLES x\nA ==\n  {body}\n===="
    with pytest.raises(EvaluationError):
        Checker(read_module(text), {}).holds("A", {"x": 0})
