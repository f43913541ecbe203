"""C source to loaded code: compiled once, kept in the user's cache directory under a name that is the hash of its text.

A file is written beside its place and moved there together with a check sum, so processes that build at once do no harm and a
file that was cut short or changed is built again instead of being loaded. The directory is bounded: what was used longest ago goes.
"""

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

FLAGS = ("-shared", "-fPIC", "-std=gnu11")

MOST_BYTES = 500_000_000
"""How much compiled code is kept: a thousand specs and bounds."""

ZIG = ("-m", "ziglang", "cc", *(("-nostdlib",) if sys.platform.startswith("linux") else ()))
"""What the interpreter runs as a compiler. On Linux the C library is the one that the interpreter has loaded, which saves making
stubs of it: 1.9 s instead of 5.7 s for the runtime."""


@cache
def compilers() -> tuple[tuple[str, ...], ...]:
    """The C compilers of this machine, best first: the system's, then the one in the `ziglang` package."""
    found: list[tuple[str, ...]] = [
        (path,) for name in ("cc", "gcc", "clang") if (path := shutil.which(name)) is not None
    ]
    if find_spec("ziglang") is not None:
        found.append((sys.executable, *ZIG))
    return tuple(found) if os.name == "posix" else ()


def cache_directory() -> Path:
    """Where compiled code is kept: below XDG_CACHE_HOME or ~/.cache, else in a directory of this user among temporary files."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    candidates = [Path(base) if base else Path.home() / ".cache", Path(tempfile.gettempdir())]
    for parent in candidates:
        mine = parent / ("lockstep" if parent != candidates[-1] else f"lockstep-{os.getuid()}")
        try:
            mine.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError:
            continue
        # Code is loaded from here: nobody else may be able to put any.
        if os.access(mine, os.W_OK) and mine.stat().st_uid == os.getuid() and not mine.stat().st_mode & 0o022:
            return mine
    raise OSError("no directory for compiled code: set XDG_CACHE_HOME to one that only you can write to")


@cache
def runtime_sources() -> Mapping[str, str]:
    """The C files of the fixed runtime, by name."""
    folder = files("model.engines.compiled").joinpath("runtime")
    return {
        f.name: f.read_text() for f in sorted(folder.iterdir(), key=lambda f: f.name) if f.name[-2:] in (".c", ".h")
    }


def _place(kind: str, sources: Mapping[str, str], flags: tuple[str, ...]) -> Path:
    identity = "\0".join([*sources.values(), *FLAGS, *flags, platform.machine(), sys.platform])
    return cache_directory() / f"{kind}-{hashlib.sha256(identity.encode()).hexdigest()[:16]}.so"


def _sum(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()


def _whole(path: Path) -> bool:
    """Whether a file is there and is what was built. The sum stands at its end, where loaders do not look."""
    try:
        content = path.read_bytes()
    except OSError:
        return False
    return _sum(content[:-64]) == content[-64:]


def _build(main: str, sources: Mapping[str, str], flags: tuple[str, ...], target: Path) -> bool:
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        made = Path(scratch) / "made.so"
        for name, content in sources.items():
            (Path(scratch) / name).write_text(content)
        environment = {**os.environ, "ZIG_GLOBAL_CACHE_DIR": scratch, "ZIG_LOCAL_CACHE_DIR": scratch}
        for compiler in compilers():
            command = [*compiler, *FLAGS, *flags, "-o", str(made), str(Path(scratch) / main)]
            try:
                done = subprocess.run(command, env=environment, capture_output=True, check=False, timeout=300)
            except (OSError, subprocess.TimeoutExpired):
                continue
            if done.returncode == 0:
                with made.open("ab") as file:
                    file.write(_sum(made.read_bytes()))
                os.replace(made, target)
                _evict(target.parent)
                return True
    return False


def _evict(directory: Path) -> None:
    """Remove the compiled code that was used longest ago, until what is left is within bounds; the one last used always stays."""
    used = []
    for path in directory.glob("*.so"):
        with suppress(OSError):  # another process was faster
            state = path.stat()
            used.append((state.st_mtime_ns, path.name, state.st_size))
    kept = 0
    for place, (_, name, size) in enumerate(sorted(used, reverse=True)):
        kept += size
        if place and kept > MOST_BYTES:
            (directory / name).unlink(missing_ok=True)


def is_built(kind: str, sources: Mapping[str, str], flags: tuple[str, ...]) -> bool:
    """Whether `load` would find the code in the cache."""
    try:
        return _whole(_place(kind, sources, flags))
    except OSError:
        return False


def load(kind: str, main: str, sources: Mapping[str, str], flags: tuple[str, ...]) -> Any:
    """The library compiled from these texts by name, of which `main` includes the others; None where that is not possible."""
    if not compilers():
        return None
    try:
        path = _place(kind, sources, flags)
        if not _whole(path) and not _build(main, sources, flags, path):
            return None
        os.utime(path)  # used now: the last to be removed
        return ctypes.CDLL(str(path))
    except OSError:
        return None


def declare(loaded: Any, signatures: Mapping[str, tuple[Any, tuple[Any, ...]]]) -> None:
    """Tell ctypes the results and parameters of a library's functions."""
    for function, (result, arguments) in signatures.items():
        getattr(loaded, function).restype = result
        getattr(loaded, function).argtypes = arguments
