"""What one server has on its disk: transaction logs, snapshots and epoch files, from a directory or an archive of several servers."""

import os
import re
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from attrs import frozen

from impl.zookeeper.snapshots import Snapshot, restore
from impl.zookeeper.transactions import zxid_of
from traces.errors import TraceError, shown
from traces.logs.zookeeper.jute import JuteError
from traces.logs.zookeeper.snapshot_file import read_snapshot, unpacked
from traces.logs.zookeeper.txnlog import LogFile, read_log

MAX_FILE = 1 << 30
"""Bytes; a larger file is refused."""

_LOG = re.compile(r"log\.([0-9a-f]{1,16})")
_SNAPSHOT = re.compile(r"snapshot\.([0-9a-f]{1,16})(\.gz|\.snappy)?")
_EPOCHS = ("acceptedEpoch", "currentEpoch")
_REMEDY = "give the version-2 directory of a server (or the one above it), or an archive (.tgz) of several"


@frozen
class SnapshotFile:
    """One snapshot; None where it cannot be used, with the problem. A server skips such a file."""

    name: str
    label: int
    snapshot: Snapshot | None
    problem: str = ""


@frozen
class Disk:
    """One server's disk: logs by first zxid, snapshots by label; an epoch is None where its file is missing."""

    name: str
    logs: tuple[LogFile, ...]
    snapshots: tuple[SnapshotFile, ...]
    accepted_epoch: int | None = None
    current_epoch: int | None = None


def read_disks(paths: tuple[Path, ...]) -> tuple[Disk, ...]:
    """The disks at these places, in their order. Raises TraceError for a place where there is none, or that cannot be read."""
    disks: list[Disk] = []
    for path in paths:
        try:
            found = _servers_in_archive(path) if path.is_file() else _server_in_directory(path)
        except (OSError, EOFError, tarfile.TarError) as error:
            text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise TraceError("", f"cannot be read ({text})", _REMEDY, str(path)) from None
        if not found:
            raise TraceError("", "no transaction log and no snapshot in it", _REMEDY, str(path))
        disks.extend(_disk(name, files) for name, files in sorted(found.items()))
    names = [disk.name for disk in disks]
    for name in names:
        if names.count(name) > 1:
            raise TraceError("", f"the disk {name} is given twice", "give each server once", name)
    return tuple(disks)


def _server_in_directory(path: Path) -> Mapping[str, Mapping[str, bytes]]:
    if not path.is_dir():
        raise TraceError("", "no such directory", _REMEDY, str(path))
    for place in (path, path / "version-2", path / "data" / "version-2"):
        names = sorted(name for name in os.listdir(place) if _is_ours(name)) if place.is_dir() else []
        if names:
            return {str(path): {name: _contents(place / name) for name in names}}
    return {}


def _contents(path: Path) -> bytes:
    if path.stat().st_size > MAX_FILE:
        raise TraceError("", f"more than {MAX_FILE} bytes", "give a smaller log", str(path))
    return path.read_bytes()


def _servers_in_archive(path: Path) -> Mapping[str, Mapping[str, bytes]]:
    servers: dict[str, dict[str, bytes]] = {}
    for name, data in _members(path):
        place = PurePosixPath(name)
        servers.setdefault(str(place.parent), {})[place.name] = data
    return {_short(name): files for name, files in servers.items() if any(_is_history(file) for file in files)}


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    """The regular files of interest; nothing is written to disk."""
    total = 0
    with tarfile.open(path) as archive:
        for member in archive:
            name = PurePosixPath(member.name).name
            if not member.isfile() or not _is_ours(name):
                continue
            total += member.size
            if total > MAX_FILE:
                raise TraceError("", f"more than {MAX_FILE} bytes unpacked", "give a smaller archive", str(path))
            file = archive.extractfile(member)
            yield member.name, file.read() if file is not None else b""


def _short(directory: str) -> str:
    """`run/s1/data/version-2` as `run/s1`."""
    parts = PurePosixPath(directory).parts
    while parts and parts[-1] in ("version-2", "data"):
        parts = parts[:-1]
    return "/".join(parts) or directory


def _is_history(name: str) -> bool:
    return bool(_LOG.fullmatch(name) or _SNAPSHOT.fullmatch(name))


def _is_ours(name: str) -> bool:
    return _is_history(name) or name in _EPOCHS


def _disk(name: str, files: Mapping[str, bytes]) -> Disk:
    logs = {int(found[1], 16): file for file in sorted(files) if (found := _LOG.fullmatch(file))}
    snapshots = {(int(found[1], 16), file): file for file in sorted(files) if (found := _SNAPSHOT.fullmatch(file))}
    accepted, current = (_epoch(name, file, files.get(file)) for file in _EPOCHS)
    return Disk(
        name,
        tuple(read_log(logs[first], files[logs[first]]) for first in sorted(logs)),
        tuple(_snapshot(file, label, files[file]) for label, file in sorted(snapshots)),
        accepted,
        current,
    )


def _snapshot(name: str, label: int, data: bytes) -> SnapshotFile:
    try:
        snapshot = read_snapshot(label, unpacked(name, data))
        restore(snapshot)
    except (JuteError, ValueError) as error:
        return SnapshotFile(name, label, None, str(error))
    return SnapshotFile(name, label, snapshot)


def _epoch(server: str, name: str, data: bytes | None) -> int | None:
    if data is None:
        return None
    text = data.decode("ascii", "replace").strip()
    if not re.fullmatch(r"[0-9]{1,10}", text) or zxid_of(int(text), 0) >> 63:
        raise TraceError("", f"no epoch but {shown(text)}", "it holds one decimal number", f"{server}/{name}")
    return int(text)
