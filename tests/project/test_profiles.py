"""The options of the run: profiles, seed and the `nightly` marker, tried on a small project with this conftest."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLANTED = '''
"""Planted."""

import pytest
from hypothesis import settings


@pytest.mark.nightly
def test_long():
    """Runs at night only."""


def test_short(lockstep_profile, lockstep_seed):
    """Shows what the fixtures and Hypothesis were given."""
    print(f"<{lockstep_profile} {lockstep_seed} {settings().max_examples} {settings().derandomize}>")
'''


def run(project: Path, *arguments: str, ci: str | None = None) -> tuple[int, str]:
    """Exit code and output of pytest over a project that has our settings, our conftest and the planted tests."""
    (project / "tests").mkdir()
    shutil.copy(ROOT / "pyproject.toml", project)
    shutil.copy(ROOT / "tests" / "conftest.py", project / "tests")
    (project / "tests" / "test_planted.py").write_text(PLANTED, encoding="utf-8")
    environment = {k: v for k, v in os.environ.items() if k != "CI" and not k.startswith(("PYTEST_", "HYPOTHESIS_"))}
    if ci is not None:
        environment["CI"] = ci
    command = [sys.executable, "-m", "pytest", "-s", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "ci", "shown", "counts"),
    [
        ((), None, "<dev 0 50 False>", "1 passed, 1 skipped"),
        ((), "true", "<ci 0 100 True>", "1 passed, 1 skipped"),
        (("--lockstep-profile=dev",), "true", "<dev 0 50 False>", "1 passed, 1 skipped"),
        (("--lockstep-profile=nightly", "--lockstep-seed=7"), "true", "<nightly 7 1000 False>", "2 passed"),
    ],
)
def test_a_profile_sets_budget_seed_and_selection(
    tmp_path: Path, arguments: tuple[str, ...], ci: str | None, shown: str, counts: str
) -> None:
    """Each profile loads the Hypothesis profile of its name, and only `nightly` runs the tests of that mark."""
    code, output = run(tmp_path, *arguments, ci=ci)
    assert code == 0, output
    assert shown in output
    assert counts in output


@pytest.mark.parametrize("seed", ["-1", "one"])
def test_a_bad_seed_is_refused(tmp_path: Path, seed: str) -> None:
    """A seed that is not a whole number, 0 or greater, is one clear usage error."""
    code, output = run(tmp_path, f"--lockstep-seed={seed}")
    assert code == pytest.ExitCode.USAGE_ERROR
    assert f"'{seed}' is not a seed: give a whole number, 0 or greater" in output
    assert "Traceback" not in output
