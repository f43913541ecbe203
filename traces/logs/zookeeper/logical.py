"""The logical log of a server: what its physical files come to, in zxid order, in segments without a hole.

A physical log may hold more than was committed, and the same twice: a deposed leader keeps its uncommitted end when it is
brought up by a snapshot (there is no TRUNC across epochs), and some releases log the proposals of a synchronisation again. So
order and holes are judged here, and what servers must agree on is judged on the segments.
"""

from attrs import frozen

from impl.zookeeper.snapshots import Snapshot
from impl.zookeeper.transactions import counter_of, epoch_of, show_zxid
from traces.logs.zookeeper.disk import Disk
from traces.logs.zookeeper.findings import Finding, Level
from traces.logs.zookeeper.txnlog import End, Record


@frozen
class Entry:
    """A record and the file it is in."""

    record: Record
    file: str

    @property
    def zxid(self) -> int:
        """The transaction's place in the order of all."""
        return self.record.txn.zxid


@frozen
class Segment:
    """Entries without a hole. `base` is the snapshot they follow, None for the beginning of the log."""

    base: Snapshot | None
    entries: tuple[Entry, ...]


def follows(zxid: int, before: int) -> bool:
    """Whether nothing can be missing between the two: the next counter, or the first of a later epoch."""
    return zxid == before + 1 or (epoch_of(zxid) > epoch_of(before) and counter_of(zxid) == 1)


def logical_log(disk: Disk) -> tuple[tuple[Segment, ...], tuple[Finding, ...]]:
    """The segments, and what is unusual about files, order and holes."""
    findings = [finding for log in disk.logs for finding in _about_file(disk, log.name)]
    entries: dict[int, Entry] = {}
    previous: Entry | None = None
    for log in disk.logs:
        for record in log.records:
            entry = Entry(record, log.name)
            first = entries.setdefault(entry.zxid, entry)
            if first.record.payload != record.payload:
                text = f"differs from what {first.file} has at offset {first.record.offset} under the same zxid"
                findings.append(_at(Level.ERROR, "one transaction per zxid", disk, entry, text))
            if previous is not None and entry.zxid <= previous.zxid:
                text = f"the zxid goes back from {show_zxid(previous.zxid)}; proposals logged again after a failed "
                text += "synchronisation (ZOOKEEPER-4394)"
                findings.append(_at(Level.DEFECT, "zxids increase", disk, entry, text))
            previous = entry
    segments, more = _cut(disk, [entries[zxid] for zxid in sorted(entries)])
    return segments, (*findings, *more)


def _about_file(disk: Disk, name: str) -> list[Finding]:
    log = next(log for log in disk.logs if log.name == name)
    result = []
    if log.end is End.DAMAGED:
        result.append(Finding(Level.ERROR, "files are whole", disk.name, log.problem, name, log.offset))
    elif log.end is End.TORN:
        text = f"a torn end, as a crash leaves it: {log.problem}"
        result.append(Finding(Level.ANOMALY, "files are whole", disk.name, text, name, log.offset))
    if log.records and f"log.{log.records[0].txn.zxid:x}" != name:
        first = log.records[0]
        text = "the name of the file is not its first zxid"
        result.append(Finding(Level.ERROR, "files are whole", disk.name, text, name, first.offset, first.txn.zxid))
    return result


def _cut(disk: Disk, entries: list[Entry]) -> tuple[tuple[Segment, ...], list[Finding]]:
    usable = [file.snapshot for file in disk.snapshots if file.snapshot is not None]
    segments: list[Segment] = []
    findings: list[Finding] = []
    base: Snapshot | None = None
    start = 0
    for n in range(1, len(entries)):
        entry, before = entries[n], entries[n - 1].zxid
        if follows(entry.zxid, before):
            continue
        segments.append(Segment(base, tuple(entries[start:n])))
        hole = f"a hole after {show_zxid(before)}"
        base = next((s for s in usable if s.zxid > before and follows(entry.zxid, s.zxid)), None)
        if base is not None:
            text = f"{hole}, bridged by snapshot.{base.zxid:x}"
            findings.append(_at(Level.ANOMALY, "no hole", disk, entry, text))
        else:
            text = f"{hole} that no snapshot bridges: transactions are lost (as by ZOOKEEPER-4925)"
            findings.append(_at(Level.ERROR, "no hole", disk, entry, text))
        start = n
    if entries:
        segments.append(Segment(base, tuple(entries[start:])))
    return tuple(segments), findings


def _at(level: Level, check: str, disk: Disk, entry: Entry, text: str) -> Finding:
    return Finding(level, check, disk.name, text, entry.file, entry.record.offset, entry.zxid)
