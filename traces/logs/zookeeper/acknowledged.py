"""Durability between two captures: what clients were told, and what the servers of the same run have on their disks."""

from collections.abc import Iterable

from impl.zookeeper.transactions import SetDataTxn
from properties.witnessed_histories import Answered
from traces.logs.zookeeper.disk import Disk
from traces.logs.zookeeper.findings import Finding, Level
from traces.logs.zookeeper.logical import Entry, Segment

CHECK = "acknowledged writes are kept"


def check_acknowledged(
    disks: tuple[Disk, ...], logs: list[tuple[Segment, ...]], operations: Iterable[Answered]
) -> tuple[int, list[Finding]]:
    """How many zxids that a client was answered were looked for, and those that a majority of the disks does not hold.

    A disk holds a write that is in its log, with the same content, or that a snapshot replaced which the log goes on from.
    """
    entries = [{entry.zxid: entry for segment in segments for entry in segment.entries} for segments in logs]
    looked_for: dict[int, Answered] = {}
    for op in operations:
        if op.zxid is not None and op.version:  # version 0 is the creation, which the history does not show
            looked_for.setdefault(op.zxid, op)
    findings: list[Finding] = []
    for zxid, op in sorted(looked_for.items()):
        holders = 0
        for disk, segments, by_zxid in zip(disks, logs, entries, strict=True):
            entry = by_zxid.get(zxid)
            if entry is None:
                holders += _in_a_base(segments, op, zxid)
            elif _is_the_write(entry, op):
                holders += 1
            else:
                text = f"it is not what a client was answered: {op}"
                findings.append(Finding(Level.ERROR, CHECK, disk.name, text, entry.file, entry.record.offset, zxid))
        if 2 * holders <= len(disks):
            text = f"{holders} of {len(disks)} disks hold what a client was answered: {op}"
            findings.append(Finding(Level.ERROR, CHECK, "all servers", text, zxid=zxid))
    return len(looked_for), findings


def _is_the_write(entry: Entry, op: Answered) -> bool:
    match entry.record.txn.body:
        case SetDataTxn(path=path, data=data, version=version):
            return (path, data, version) == (op.key, str(op.value).encode("utf-8"), op.version)
        case _:
            return False


def _in_a_base(segments: tuple[Segment, ...], op: Answered, zxid: int) -> bool:
    """Whether a snapshot from which the log goes on has the write, or one that replaced it."""
    nodes = (segment.base.nodes.get(op.key) for segment in segments if segment.base is not None)
    return any(node is not None and node.stat.mzxid >= zxid for node in nodes)
