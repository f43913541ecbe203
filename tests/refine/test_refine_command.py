"""`lockstep check kraft --engine refine`: what is printed, saved and replayed, and what makes no sense."""

import json
from pathlib import Path

import pytest

import lockstep
from model.engines.prove.fragment import check_fragment
from model.language import SpecError
from model.language.trace import trace
from properties.registry import find_spec
from traces.commands.verify import plan

TWO = ("--bounds", "nodes=2,log=1,elections=1,epochs=1")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "refinement-of-kraft.md"


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Commands run in an empty directory."""
    monkeypatch.chdir(tmp_path)


def test_what_steps_stand_for_is_told_by_action(capsys: pytest.CaptureFixture[str]) -> None:
    """One JSON object: the verdict on every step, and per action the core's steps with how often."""
    lockstep.main(("check", "kraft", "--engine", "refine", *TWO, "--json"))
    found = json.loads(capsys.readouterr().out)
    assert found["properties"]["every_step_refines_kraft_core"] == "holds"
    assert found["paths"]["append_without_flush"] == {"append_record": 6}
    assert sum(sum(paths.values()) for paths in found["paths"].values()) == found["generated"] - 1
    assert found["reasons"]["every_step_refines_kraft_core"] == "68 stutters, 120 × 1, 76 × 2, 22 × 3"


def test_a_step_that_does_not_refine_is_saved_and_replays(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1, the guard of the core in words, and a trace that is judged again."""
    assert lockstep.main(("check", "kraft", "--engine", "refine", "--bug", "M3")) == 1
    shown = " ".join(capsys.readouterr().out.split())
    assert "handle_vote_request of kraft-core is not enabled: model/kraft_core/actions.py:" in shown
    (saved,) = Path("lockstep-out").iterdir()
    assert lockstep.main(("replay", str(saved), "--on", "spec", "--json")) == 1
    side = json.loads(capsys.readouterr().out)["sides"]["spec"]
    assert side["verdict"] == "violated"
    assert "require(may_grant(first, again, up_to_date))" in side["reason"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("two-phase",), "two-phase refines no other spec; those that do: kraft, zab, zab-async"),
        (("kraft", "-p", "log_matching"), "not about single properties; leave out -p"),
    ],
)
def test_what_makes_no_sense_is_refused(
    arguments: tuple[str, ...], error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line, exit code 3."""
    assert lockstep.main(("check", *arguments, "--engine", "refine")) == 3
    assert error in capsys.readouterr().err


def test_the_prover_does_not_read_the_full_spec() -> None:
    """Why there is a refinement: `kraft` is outside of the fragment, as the page on the refinement says."""
    with pytest.raises(SpecError, match="messages with an Option in them"):
        check_fragment(trace(find_spec("kraft")), ())
    page = PAGE.read_text(encoding="utf-8")
    paths = sum(len(a.transitions) for a in trace(find_spec("kraft")).actions)
    assert f"in {paths} paths of {len(find_spec('kraft').actions)} actions" in page
    assert all(f"| {bug} |" in page for bug in find_spec("kraft").bugs)


def test_verify_checks_the_refinement() -> None:
    """The plan has a row for it, after the proof that it carries over."""
    names = [row.name for row in plan()]
    assert names.index("kraft refine") > names.index("kraft-core prove")


@pytest.mark.nightly
def test_verify_s_row_holds() -> None:
    """The row looks at every step within the default bounds."""
    (row,) = (row for row in plan() if row.name == "kraft refine")
    assert row.run(240.0).verdict == "holds"
