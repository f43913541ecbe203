"""`lockstep export`: files that TLC and drawing programs read, and one line for what cannot be exported."""

import json
from pathlib import Path

import pytest

import lockstep
from model.engines.export.tla import export_tla
from properties.registry import find_spec
from traces.commands.export import EXPORTERS, export_command
from traces.commands.report import CommandError

SMALL = "nodes=2,epochs=1,elections=1,log=1,values=0,restarts=0"


def test_a_spec_is_written_as_a_module_with_its_configurations(tmp_path: Path) -> None:
    """The module, the configuration for the bounds, and that which denies what must be reachable."""
    report = export_command("two-phase", "nodes=3", "tla", tmp_path)
    assert [file.name for file in report.files] == ["TwoPhase.tla", "TwoPhase.cfg", "TwoPhaseReach.cfg"]
    texts = [file.read_text(encoding="utf-8") for file in report.files]
    assert texts[0] == export_tla(find_spec("two-phase"), {}).text
    assert "Node = {n1, n2, n3}" in texts[1]
    assert "  ManagersAgree\n" in texts[1]
    assert "  NeverEverybodyCommits\n" in texts[2]


def test_a_bug_is_exported_with_its_scope(tmp_path: Path) -> None:
    """With --bug the module has the bug, and the configuration the bounds in which it shows."""
    correct = export_command("kraft", None, "tla", tmp_path / "correct")
    broken = export_command("kraft", None, "tla", tmp_path / "broken", bug="M5")
    assert "with the bug M5" in broken.files[0].read_text(encoding="utf-8")
    assert "with the bug" not in correct.files[0].read_text(encoding="utf-8")
    assert "MaxEpochs = 1" in broken.files[1].read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("fmt", "name", "start"), [("dot", "kraft.dot", "digraph"), ("mermaid", "kraft.mmd", "flowchart")]
)
def test_the_states_of_a_small_scope_are_drawn(fmt: str, name: str, start: str, tmp_path: Path) -> None:
    """One file; the report says how many states it shows."""
    report = export_command("kraft", SMALL, fmt, tmp_path)
    (file,) = report.files
    assert file.name == name
    assert file.read_text(encoding="utf-8").startswith(start)
    assert report.about[0].split()[0].isdigit()


@pytest.mark.parametrize("fmt", EXPORTERS)
def test_exports_are_the_same_bytes_every_time(fmt: str, tmp_path: Path) -> None:
    """Nothing depends on when or where an export is made."""
    one, two = (export_command("kraft", SMALL, fmt, tmp_path / name) for name in ("one", "two"))
    assert [f.read_bytes() for f in one.files] == [f.read_bytes() for f in two.files]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("kraft", None, "svg"), "unknown format 'svg'; give --format tla, dot, mermaid"),
        (("krafd", None, "tla"), "did you mean kraft"),
        (("kraft", "nodes=0", "tla"), "nodes=0 is impossible"),
        (("kraft", None, "dot"), "kraft is too large to draw: more than 2,000 states"),
    ],
)
def test_what_cannot_be_exported_is_one_error(
    arguments: tuple[str, str | None, str], says: str, tmp_path: Path
) -> None:
    """The error names the cause and the remedy, and nothing is written."""
    with pytest.raises(CommandError, match=says):
        export_command(*arguments, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_place_that_cannot_be_written_is_one_error(tmp_path: Path) -> None:
    """A file where the directory should be is named."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(CommandError, match="is not a directory"):
        export_command("two-phase", None, "tla", tmp_path / "file")


def test_the_subcommand_prints_where_the_files_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As text with the command for TLC, and with --json as one object."""
    monkeypatch.chdir(tmp_path)
    assert lockstep.main(["export", "two-phase", "--out", "there"]) == 0
    shown = capsys.readouterr().out
    assert "there/TwoPhase.tla" in shown.replace("\\", "/")
    assert "tlc2.TLC" in shown
    assert lockstep.main(["export", "two-phase", "--format", "dot", "--bounds", "nodes=2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["files"] == [str(Path("lockstep-out") / "two-phase.dot")]
    assert Path(found["files"][0]).exists()
