"""The shape of the source tree: each rule is a function over a root directory, tried on a planted offender too."""

import ast
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("impl", "model", "properties", "traces")
COMMAND_LINE = "lockstep.py"

# A file has to fit in the head. Under model/, everything but the language and the engines is a specification.
SPEC_LINES = 400
OTHER_LINES = 450
NOT_SPECS = ("model/language/", "model/engines/")

# A ratchet: files that are too long today, with their length. Entries are lowered or removed, never raised or added.
TOO_LONG: dict[str, int] = {}

# A character class keeps each pattern from matching the line that defines it.
FORBIDDEN = {
    "absolute home directory": re.compile(r"(?<![\w.~/-])/(?:hom[e]|User[s])/\w[\w.-]*|(?<![\w.~/-])/roo[t]/"),
    "host name of a package registry": re.compile(
        r"\bpyp[i]\.(?:org|io|python\.org)\b|python[h]osted\.org|\bnpm[j]s\.(?:org|com)\b|\bcrate[s]\.io\b"
        r"|//(?:registr[y]|prox[y]|inde[x])\.(?:[a-z0-9-]+\.)+(?:org|com|io|net|dev)\b"
    ),
}
# Where git has no say (an unpacked archive): directories that are not source, besides the hidden ones not listed here.
NOT_SOURCE = {"__pycache__", "build", "dist", "lockstep-out", "venv"}
HIDDEN_SOURCE = {".ci", ".github"}


def python_files(root: Path) -> Iterator[tuple[str, Path]]:
    """Every Python source file of the project below `root`, as (path relative to root with slashes, path), sorted."""
    candidates = [root / COMMAND_LINE] if (root / COMMAND_LINE).exists() else []
    for folder in (*PACKAGES, "tests"):
        candidates.extend(sorted((root / folder).rglob("*.py")))
    for path in candidates:
        yield path.relative_to(root).as_posix(), path


def line_limit(name: str) -> int:
    """The longest that the file called `name` may be, in lines."""
    is_spec = name.startswith("model/") and not name.startswith(NOT_SPECS)
    return SPEC_LINES if is_spec else OTHER_LINES


def length_problems(root: Path, too_long: dict[str, int]) -> list[str]:
    """What is wrong with the lengths of the files below `root`, given the known exceptions `too_long`."""
    lengths = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in python_files(root)}
    problems = [
        f"{name}: {lines} lines, more than {too_long.get(name, line_limit(name))}: split it, one concern per file"
        for name, lines in lengths.items()
        if lines > max(line_limit(name), too_long.get(name, 0))
    ]
    for name, recorded in too_long.items():
        if name not in lengths:
            problems.append(f"{name}: in TOO_LONG but does not exist: remove the entry")
        elif lengths[name] <= line_limit(name):
            problems.append(f"{name}: no longer too long: remove it from TOO_LONG")
        elif lengths[name] < recorded:
            problems.append(f"{name}: down to {lengths[name]} lines: lower its entry in TOO_LONG from {recorded}")
    return problems


def docstring_problems(root: Path) -> list[str]:
    """Public modules and test modules without a docstring, and tests without one, below `root`."""
    problems = []
    for name, path in python_files(root):
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=name)
        private = path.name.startswith("_") and path.name != "__init__.py"
        if not private and not ast.get_docstring(tree):
            problems.append(f"{name}: no module docstring: say in one sentence what it is about")
        if not path.name.startswith("test_"):
            continue
        problems.extend(
            f"{name}:{node.lineno}: {node.name} has no docstring: say what it is about in the protocol's words"
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and node.name.startswith("test_")
            and not ast.get_docstring(node)
        )
    return problems


def layout_problems(root: Path) -> list[str]:
    """What `--import-mode=importlib` needs of tests/: no `__init__.py`, and no two test files of one name."""
    problems = []
    first_of: dict[str, str] = {}
    for name, path in python_files(root):
        if not name.startswith("tests/"):
            continue
        if path.name == "__init__.py":
            problems.append(f"{name}: test directories are not packages: remove it")
        elif path.name.startswith("test_"):
            first = first_of.setdefault(path.name, name)
            if first != name:
                problems.append(f"{name}: same file name as {first}: rename one")
    return problems


def package_problems(root: Path) -> list[str]:
    """Directories of the packages that hold Python files but no `__init__.py`: the import contracts cannot see them."""
    folders = {path.parent for name, path in python_files(root) if name.startswith(tuple(f"{p}/" for p in PACKAGES))}
    return [
        f"{folder.relative_to(root).as_posix()}: no __init__.py: add one with a docstring"
        for folder in sorted(folders)
        if not (folder / "__init__.py").exists()
    ]


def git(root: Path, *arguments: str) -> str:
    """What `git` prints in `root`; empty where there is no git or no repository."""
    if shutil.which("git") is None:
        return ""
    # A commit hook sets GIT_DIR and GIT_INDEX_FILE: with them, git would act on that repository instead of `root`.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, check=False, env=environment)
    return done.stdout.decode() if done.returncode == 0 else ""


def source_files(root: Path) -> list[Path]:
    """The files that belong to the project: what git tracks below `root`, or all source files where git has no say."""
    # -z: names as they are, without quoting. A file deleted but not yet committed is still listed.
    listed = git(root, "ls-files", "-z")
    if listed:
        return [path for path in (root / name for name in listed.split("\0") if name) if path.is_file()]
    found: list[Path] = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if f in HIDDEN_SOURCE or not (f.startswith(".") or f in NOT_SOURCE))
        found.extend(Path(folder, name) for name in sorted(names))
    return found


def wording_problems(root: Path) -> list[str]:
    """Where a file of the project names a place that only one machine or one vendor has."""
    problems = []
    for path in source_files(root):
        text = path.read_bytes().decode("utf-8", errors="replace")
        for number, line in enumerate(text.splitlines(), start=1):
            for what, pattern in FORBIDDEN.items():
                if (hit := pattern.search(line)) is not None:
                    problems.append(f"{path.relative_to(root).as_posix()}:{number}: {what}: {hit.group()}")
    return problems


RULES: dict[str, Callable[[Path], list[str]]] = {
    "length": lambda root: length_problems(root, TOO_LONG),
    "docstrings": docstring_problems,
    "layout": layout_problems,
    "packages": package_problems,
    "wording": wording_problems,
}


@pytest.mark.parametrize("rule", RULES)
def test_the_project_keeps_the_rule(rule: str) -> None:
    """The source tree itself has no problem under any rule."""
    assert RULES[rule](ROOT) == []


def test_the_project_is_seen() -> None:
    """The walk finds the files it is meant to check: a rule over an empty list would pass for nothing."""
    names = [name for name, _ in python_files(ROOT)]
    assert "tests/project/test_structure.py" in names
    assert all(f"{package}/__init__.py" in names for package in PACKAGES)


def plant(root: Path, name: str, text: str) -> None:
    """Write `text` as the file `name` below `root`."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "lines", "too_long", "expected"),
    [
        ("model/kraft/spec.py", 400, {}, ""),
        ("model/kraft/spec.py", 401, {}, "model/kraft/spec.py: 401 lines, more than 400"),
        ("model/language/trace.py", 450, {}, ""),
        ("model/engines/explore.py", 451, {}, "model/engines/explore.py: 451 lines, more than 450"),
        ("impl/kraft/node.py", 500, {"impl/kraft/node.py": 500}, ""),
        ("impl/kraft/node.py", 501, {"impl/kraft/node.py": 500}, "501 lines, more than 500"),
        ("impl/kraft/node.py", 480, {"impl/kraft/node.py": 500}, "lower its entry"),
        ("impl/kraft/node.py", 450, {"impl/kraft/node.py": 500}, "no longer too long"),
        ("impl/kraft/node.py", 1, {"impl/kraft/gone.py": 500}, "impl/kraft/gone.py: in TOO_LONG but does not exist"),
    ],
)
def test_length_is_a_ratchet(tmp_path: Path, name: str, lines: int, too_long: dict[str, int], expected: str) -> None:
    """A file may not grow past its limit, and a known exception may only shrink, then go."""
    plant(tmp_path, name, "pass\n" * lines)
    problems = length_problems(tmp_path, too_long)
    assert len(problems) == bool(expected)
    assert expected in "".join(problems)


@pytest.mark.parametrize(
    ("name", "text", "problems"),
    [
        ("traces/view.py", '"""Said."""\n', 0),
        ("traces/view.py", "x = 1\n", 1),
        ("traces/__init__.py", "", 1),
        ("traces/_digits.py", "x = 1\n", 0),
        ("lockstep.py", "x = 1\n", 1),
        ("tests/kraft/test_votes.py", '"""Said."""\n\ndef test_vote():\n    """Said."""\n', 0),
        ("tests/kraft/test_votes.py", '"""Said."""\n\ndef test_vote():\n    pass\n', 1),
        (
            "tests/kraft/test_votes.py",
            '"""Said."""\n\nclass TestVotes:\n    def test_vote(self):\n        """ """\n',
            1,
        ),
    ],
)
def test_docstrings_are_demanded(tmp_path: Path, name: str, text: str, problems: int) -> None:
    """A public module or a test without a docstring is reported, once."""
    plant(tmp_path, name, text)
    assert len(docstring_problems(tmp_path)) == problems


def test_test_files_need_unique_names_and_no_packages(tmp_path: Path) -> None:
    """A second test file of the same name and an `__init__.py` under tests/ are reported."""
    plant(tmp_path, "tests/kraft/test_votes.py", "")
    assert layout_problems(tmp_path) == []
    plant(tmp_path, "tests/zookeeper/test_votes.py", "")
    plant(tmp_path, "tests/zookeeper/__init__.py", "")
    problems = layout_problems(tmp_path)
    assert len(problems) == 2
    assert "tests/zookeeper/test_votes.py: same file name as tests/kraft/test_votes.py" in "".join(problems)


def test_directories_with_python_files_are_packages(tmp_path: Path) -> None:
    """A package directory without `__init__.py` is reported, because import-linter would not look into it."""
    plant(tmp_path, "impl/__init__.py", "")
    assert package_problems(tmp_path) == []
    plant(tmp_path, "impl/world/clock.py", "")
    assert package_problems(tmp_path) == ["impl/world: no __init__.py: add one with a docstring"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("see " + "/".join(("", "home", "alice", "kafka")), "absolute home directory"),
        ("'" + "/".join(("", "Users", "alice")) + "'", "absolute home directory"),
        ("log.dirs=" + "/".join(("", "root", "data")), "absolute home directory"),
        ("https://" + ".".join(("pypi", "org")) + "/simple", "host name of a package registry"),
        ("https://" + ".".join(("registry", "example", "com")), "host name of a package registry"),
        ("https://kafka.apache.org/home/index.html and znode /controller under " + "/".join((".", "root", "x")), None),
    ],
)
@pytest.mark.parametrize(
    "tracked",
    [
        pytest.param(True, marks=pytest.mark.skipif(shutil.which("git") is None, reason="git is not here"), id="git"),
        pytest.param(False, id="archive"),
    ],
)
def test_wording_is_watched(tmp_path: Path, text: str, what: str | None, tracked: bool) -> None:
    """A home directory or a registry's host name is reported with its line, in a git checkout and in an archive."""
    plant(tmp_path, "docs/how.md", f"first line\n{text}\n")
    plant(tmp_path, ".venv/lib/noise.md", f"{text}\n")
    if tracked:
        git(tmp_path, "init", "--quiet")
        git(tmp_path, "add", "docs/how.md")
        plant(tmp_path, "untracked.md", f"{text}\n")
    problems = wording_problems(tmp_path)
    assert len(problems) == (what is not None)
    if what is not None:
        assert problems[0].startswith(f"docs/how.md:2: {what}: ")
