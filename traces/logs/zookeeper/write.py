"""Writing a server's disk: as files, or as an archive of several servers; and cutting one at a zxid, to keep an excerpt."""

import io
import tarfile
from collections.abc import Mapping

from attrs import evolve

from traces.logs.zookeeper.disk import Disk
from traces.logs.zookeeper.snapshot_file import snapshot_bytes
from traces.logs.zookeeper.txnlog import log_bytes


def files_of(disk: Disk) -> Mapping[str, bytes]:
    """The files of a disk by name: what can be read of it, sealed anew and without padding."""
    files = {log.name: log_bytes(tuple(r.txn for r in log.records), database=log.database) for log in disk.logs}
    for file in disk.snapshots:
        if file.snapshot is not None:
            files[f"snapshot.{file.label:x}"] = snapshot_bytes(file.snapshot)
    for name, epoch in (("acceptedEpoch", disk.accepted_epoch), ("currentEpoch", disk.current_epoch)):
        if epoch is not None:
            files[name] = str(epoch).encode("ascii")
    return files


def cut(disk: Disk, zxid: int) -> Disk:
    """The disk without what is newer than `zxid`; snapshots that ended later go too. The epoch files stay."""
    logs = [evolve(log, records=tuple(r for r in log.records if r.txn.zxid <= zxid)) for log in disk.logs]
    snapshots = [
        file
        for file in disk.snapshots
        if file.snapshot is not None and max(file.label, (file.snapshot.digest or (0, 0))[0]) <= zxid
    ]
    return evolve(disk, logs=tuple(log for log in logs if log.records), snapshots=tuple(snapshots))


def archive_of(disks: tuple[Disk, ...]) -> bytes:
    """An archive (tar, xz) of several servers, each below its name; the same bytes for the same disks."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:xz", preset=9) as archive:
        for disk in disks:
            for name, data in sorted(files_of(disk).items()):
                member = tarfile.TarInfo(f"{disk.name.strip('/')}/version-2/{name}")
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
    return target.getvalue()
