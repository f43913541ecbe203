"""The whole check of some servers' disks: each by itself, and each against each."""

from collections.abc import Iterable

from attrs import frozen

from impl.zookeeper.transactions import epoch_of, show_zxid
from properties.witnessed_histories import Answered
from traces.logs.zookeeper import acknowledged
from traces.logs.zookeeper.disk import Disk
from traces.logs.zookeeper.findings import Finding, Level
from traces.logs.zookeeper.folding import Folded, fold
from traces.logs.zookeeper.logical import Entry, Segment, logical_log

CHECKS = (
    ("files are whole", "every record is there with its checksum, but for a torn end; a file bears its first zxid"),
    ("zxids increase", "within a server's log"),
    ("no hole", "within an epoch, but where a snapshot bridges it"),
    ("one transaction per zxid", "the same bytes on every server and every time"),
    ("servers agree", "up to the last zxid that two servers share, both have the same transactions"),
    ("a transaction fits the tree", "it applies without error, versions go up by one, ephemerals have an open session"),
    ("digests agree", "the tree has the digest that the leader foresaw"),
    ("a snapshot is what the log says", "with the log replayed over it to where it ended"),
    ("epochs are kept", "acceptedEpoch is at least currentEpoch, which is at least the epoch of the last transaction"),
    (acknowledged.CHECK, "a majority of the disks holds every write that a client of the same run was answered"),
)
"""Each check and what it says."""


@frozen
class ServerSummary:
    """What one server's disk holds, and how much of it was compared."""

    name: str
    files: int
    transactions: int
    last_zxid: int
    segments: int
    snapshots: int
    folded: int
    digests: int
    snapshots_compared: int


@frozen
class PairSummary:
    """Two servers: how many zxids they share, and the last of them (0: none)."""

    left: str
    right: str
    shared: int
    last: int


@frozen
class Result:
    """Everything: it holds if no finding is an error. `acknowledged`: how many answers of clients were looked for."""

    servers: tuple[ServerSummary, ...]
    pairs: tuple[PairSummary, ...]
    findings: tuple[Finding, ...]
    acknowledged: int = 0

    @property
    def errors(self) -> int:
        """How many findings are errors."""
        return sum(finding.level is Level.ERROR for finding in self.findings)

    @property
    def compared(self) -> int:
        """How many transactions were folded: 0 means that nothing was checked."""
        return sum(server.folded for server in self.servers)


def check_disks(disks: tuple[Disk, ...], operations: Iterable[Answered] = ()) -> Result:
    """Check the servers of one ensemble (or some of them), and that they hold what their clients were answered."""
    findings: list[Finding] = []
    servers: list[ServerSummary] = []
    logs: list[tuple[Segment, ...]] = []
    for disk in disks:
        segments, odd = logical_log(disk)
        folded = [fold(disk, segment) for segment in segments]
        findings += [*odd, *_about_snapshots(disk), *_about_epochs(disk, segments)]
        findings += [finding for part in folded for finding in part.findings]
        servers.append(_summary(disk, segments, folded))
        logs.append(segments)
    pairs: list[PairSummary] = []
    for n, left in enumerate(disks):
        for m in range(n + 1, len(disks)):
            summary, odd_pairs = _compare(left, logs[n], disks[m], logs[m])
            pairs.append(summary)
            findings += odd_pairs
    looked_for, lost = acknowledged.check_acknowledged(disks, logs, operations)
    return Result(tuple(servers), tuple(pairs), (*findings, *lost), looked_for)


def _summary(disk: Disk, segments: tuple[Segment, ...], folded: list[Folded]) -> ServerSummary:
    return ServerSummary(
        disk.name,
        len(disk.logs),
        sum(len(log.records) for log in disk.logs),
        max((segment.entries[-1].zxid for segment in segments), default=0),
        len(segments),
        len(disk.snapshots),
        sum(part.transactions for part in folded),
        sum(part.digests for part in folded),
        sum(part.snapshots for part in folded),
    )


def _about_snapshots(disk: Disk) -> list[Finding]:
    text = "it cannot be used, and a server skips it: "
    unusable = [file for file in disk.snapshots if file.snapshot is None]
    return [
        Finding(Level.ANOMALY, "a snapshot is what the log says", disk.name, text + file.problem, file.name)
        for file in unusable
    ]


def _about_epochs(disk: Disk, segments: tuple[Segment, ...]) -> list[Finding]:
    accepted, current = disk.accepted_epoch, disk.current_epoch
    check = "epochs are kept"
    findings = []
    if accepted is not None and current is not None and accepted < current:
        text = f"acceptedEpoch {accepted} is less than currentEpoch {current}: the server would refuse to start"
        findings.append(Finding(Level.ERROR, check, disk.name, text, "acceptedEpoch"))
    last = epoch_of(segments[-1].entries[-1].zxid) if segments else 0
    if current is not None and current < last:
        text = f"currentEpoch {current} is less than the epoch {last} of the last transaction: the server would refuse "
        text += "to start (ZOOKEEPER-1653), unless the files were copied while it ran"
        findings.append(Finding(Level.DEFECT, check, disk.name, text, "currentEpoch"))
    return findings


def _compare(
    left: Disk, left_log: tuple[Segment, ...], right: Disk, right_log: tuple[Segment, ...]
) -> tuple[PairSummary, list[Finding]]:
    findings: list[Finding] = []
    ours = {entry.zxid: entry for segment in left_log for entry in segment.entries}
    theirs = {entry.zxid: entry for segment in right_log for entry in segment.entries}
    shared = [zxid for zxid in ours if zxid in theirs]
    for zxid in shared:
        entry, other = ours[zxid], theirs[zxid]
        if entry.record.payload != other.record.payload:
            text = (
                f"differs from what {right.name}/{other.file} has at offset {other.record.offset} under the same zxid"
            )
            findings.append(_at(Level.ERROR, "one transaction per zxid", left, entry, text))
    for segment in left_log:
        for other_segment in right_log:
            findings += _compare_segments(left, segment, right, other_segment)
    return PairSummary(left.name, right.name, len(shared), max(shared, default=0)), findings


def _compare_segments(left: Disk, ours: Segment, right: Disk, theirs: Segment) -> list[Finding]:
    """Two stretches without holes: equal from where both have begun up to the last zxid they share."""
    mine, others = ({entry.zxid: entry for entry in segment.entries} for segment in (ours, theirs))
    shared = [zxid for zxid in mine if zxid in others]
    if not shared:
        return []
    begin, end = max(ours.entries[0].zxid, theirs.entries[0].zxid), max(shared)
    findings = []
    for disk, having, lacking, of in ((left, mine, others, right), (right, others, mine, left)):
        for zxid, entry in having.items():
            if begin <= zxid <= end and zxid not in lacking:
                text = f"{of.name} does not have it, though both have {show_zxid(end)}"
                findings.append(_at(Level.ERROR, "servers agree", disk, entry, text))
    beyond = [zxid for zxid in mine if zxid > end], [zxid for zxid in others if zxid > end]
    for disk, tail, entries, other in ((left, beyond[0], mine, theirs), (right, beyond[1], others, ours)):
        if tail and other.entries[-1].zxid > tail[-1]:
            text = (
                f"{len(tail)} transactions that {(right if disk is left else left).name} went on without: the end of a "
            )
            text += "deposed leader, never committed"
            findings.append(_at(Level.ANOMALY, "servers agree", disk, entries[tail[0]], text))
    return findings


def _at(level: Level, check: str, disk: Disk, entry: Entry, text: str) -> Finding:
    return Finding(level, check, disk.name, text, entry.file, entry.record.offset, entry.zxid)
