"""`lockstep check --engine prove` and `--engine induct`: verdicts on the ladder, and one clear error where there is nothing to prove."""

import json
from pathlib import Path

import pytest

import lockstep


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Commands run in an empty directory."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("core", "lemma", "engine", "bounds", "rung", "evidence"),
    [
        ("kraft-core", "votes_are_remembered", "prove", [], "proved", "by induction: "),
        ("kraft-core", "votes_are_remembered", "induct", ["--bounds", "nodes=2"], "inductive", ""),
        ("zab-core", "an_epoch_is_promised_once", "induct", [], "inductive", ""),
    ],
)
def test_a_core_is_checked_from_the_command_line(
    core: str,
    lemma: str,
    engine: str,
    bounds: list[str],
    rung: str,
    evidence: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One JSON object: every property holds, on the engine's rung."""
    assert lockstep.main(("check", core, "--engine", engine, *bounds, "--json")) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["verdict"], found["rung"], found["engine"], found["trace"]) == ("holds", rung, engine, None)
    assert set(found["properties"].values()) == {"holds"}
    assert found["reasons"].get(lemma, "").startswith(evidence)


@pytest.mark.parametrize("engine", ["prove", "induct"])
def test_a_spec_without_lemmas_is_refused(engine: str, capsys: pytest.CaptureFixture[str]) -> None:
    """There is nothing to prove of a spec without lemmas: one line, exit code 3."""
    assert lockstep.main(("check", "two-phase", "--engine", engine)) == 3
    error = capsys.readouterr().err
    assert "two-phase has no lemmas to prove; there are some for kraft-core, zab-core" in error
    assert error.count("\n") == 1
