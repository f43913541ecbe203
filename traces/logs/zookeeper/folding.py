"""Folding a server's log into the data tree: each transaction does what it says, digests agree, snapshots are what the log comes to.

A snapshot is fuzzy: written while transactions were applied. It is compared where its own digest says that it ended,
after the log was replayed over it up to there, or one transaction later: the one that was being applied when the digest was
read may be in it. The digest is that of ZooKeeper 3.6 and later (version 2); logs without digests are folded all the same.
"""

from attrs import asdict, define, evolve, field, frozen

from impl.zookeeper.apply import Outcome, apply
from impl.zookeeper.codes import OpCode
from impl.zookeeper.snapshots import Snapshot, replay, restore
from impl.zookeeper.transactions import (
    CreateTxn,
    ErrorTxn,
    MultiTxn,
    SetDataTxn,
    SimpleBody,
    Txn,
    counter_of,
    show_zxid,
)
from impl.zookeeper.tree import DataTree, Node, empty_tree
from traces.logs.zookeeper.disk import Disk
from traces.logs.zookeeper.findings import Finding, Level
from traces.logs.zookeeper.logical import Entry, Segment, follows

MAX_FUZZY, MAX_AHEAD = 10_000, 1
"""Transactions within which a snapshot must become what the log says: from its label on without a digest, else from where it ended."""


@frozen
class Folded:
    """What was compared (the measure of what a verdict rests on), and what was found."""

    transactions: int = 0
    digests: int = 0
    snapshots: int = 0
    findings: tuple[Finding, ...] = ()


@define
class _Chase:
    """A snapshot that is brought up beside the log, to be compared from `ends` on (None: it does not say)."""

    snapshot: Snapshot
    tree: DataTree
    ends: int | None
    compared: int = 0


def fold(disk: Disk, segment: Segment) -> Folded:
    """Fold one segment, from its base, or from the snapshot or the empty tree that it begins with."""
    run = _Fold(disk)
    entries = run.start(segment)
    for entry in entries:
        run.step(entry)
    return run.end()


@define
class _Fold:
    disk: Disk
    tree: DataTree = field(factory=empty_tree)
    settled: bool = True  # False in the fuzzy range of the snapshot that the fold began with
    settles_at: int | None = None
    digests_agree: bool = True
    chases: list[_Chase] = field(factory=list)
    pending: list[Snapshot] = field(factory=list)
    transactions: int = 0
    digests: int = 0
    snapshots: int = 0
    findings: list[Finding] = field(factory=list)

    def start(self, segment: Segment) -> tuple[Entry, ...]:
        """Choose the tree to begin with; the entries that are newer than it."""
        first, last = segment.entries[0].zxid, segment.entries[-1].zxid
        usable = [file.snapshot for file in self.disk.snapshots if file.snapshot is not None]
        base = segment.base
        if base is None:
            before = [s for s in usable if s.zxid < first and (s.zxid == 0 or follows(first, s.zxid))]
            inside = [s for s in usable if first <= s.zxid <= last]
            base = before[-1] if before else None
            if base is None and counter_of(first) != 1:
                if not inside:
                    text = "the log does not begin at a first zxid and no snapshot leads to it: it cannot be folded"
                    self.note(Level.ANOMALY, "the log says what the tree is", segment.entries[0], text)
                    return ()
                base = inside[0]
        if base is not None:
            self.tree = restore(base)
            self.settles_at = _end_of(base)
            self.settled = base.zxid == 0
        self.pending = [s for s in usable if s is not base and self.tree.last_zxid <= s.zxid <= last]
        self.meet()
        return tuple(entry for entry in segment.entries if entry.zxid > self.tree.last_zxid)

    def step(self, entry: Entry) -> None:
        """One more transaction."""
        txn = entry.record.txn
        before, exact = self.tree, self.settled
        self.tree, outcome = apply(before, txn)
        self.transactions += 1
        self.compare_digest(entry)
        if exact:
            for problem in _contradictions(before, txn, outcome):
                self.note(Level.ERROR, "a transaction fits the tree", entry, problem)
        elif self.settles_at is not None and txn.zxid > self.settles_at:
            self.settled = True
        for chase in self.chases:
            chase.tree = replay(chase.tree, (txn,))
        self.meet()

    def compare_digest(self, entry: Entry) -> None:
        """The digest that the leader foresaw, and that of our tree."""
        digest = entry.record.txn.digest
        if digest is None or not self.digests_agree:
            return
        if digest == self.tree.digest:
            self.digests += 1
            self.settled = True
        elif self.settled:
            self.digests_agree = False  # everything after the first difference differs
            text = f"the tree's digest is {self.tree.digest:#x}, the transaction says {digest:#x}"
            self.note(Level.ERROR, "digests agree", entry, text)

    def meet(self) -> None:
        """Begin with the snapshots of this zxid, and compare those that are due."""
        zxid = self.tree.last_zxid
        while self.pending and self.pending[0].zxid <= zxid:
            snapshot = self.pending.pop(0)
            if snapshot.zxid == zxid:
                self.chases.append(_Chase(snapshot, restore(snapshot), _end_of(snapshot)))
        waiting = []
        for chase in self.chases:
            if self.is_due(chase, zxid):
                continue
            waiting.append(chase)
        self.chases = waiting

    def is_due(self, chase: _Chase, zxid: int) -> bool:
        """Whether a snapshot was compared now, and is done with."""
        if not self.settled or (chase.ends is not None and zxid < chase.ends):
            return False
        chase.compared += 1
        difference = _difference(chase.tree, self.tree)
        if difference and chase.compared <= (MAX_FUZZY if chase.ends is None else MAX_AHEAD):
            return False
        self.snapshots += 1
        if difference:
            self.differs(chase, f"brought up to {show_zxid(zxid)} it differs from the log: {difference}")
        elif chase.snapshot.digest is not None and chase.snapshot.digest[0] == zxid:
            digest = chase.snapshot.digest[1]
            if digest != self.tree.digest:
                self.differs(chase, f"its digest is {digest:#x}, that of its tree {self.tree.digest:#x}")
        return True

    def differs(self, chase: _Chase, text: str, level: Level = Level.ERROR) -> None:
        """Add a finding about a snapshot."""
        name = f"snapshot.{chase.snapshot.zxid:x}"
        self.findings.append(Finding(level, "a snapshot is what the log says", self.disk.name, text, name))

    def end(self) -> Folded:
        """What is left: snapshots without a digest that never became what the log says."""
        for chase in self.chases:
            difference = _difference(chase.tree, self.tree)
            if self.settled and difference and (chase.ends is None or chase.ends <= self.tree.last_zxid):
                self.differs(chase, f"at the end of the log it differs from it: {difference}")
                self.snapshots += 1
            else:
                self.differs(chase, "it ends after the log does, and was not compared", Level.ANOMALY)
        return Folded(self.transactions, self.digests, self.snapshots, tuple(self.findings))

    def note(self, level: Level, check: str, entry: Entry, text: str) -> None:
        """Add a finding at an entry."""
        self.findings.append(Finding(level, check, self.disk.name, text, entry.file, entry.record.offset, entry.zxid))


def _end_of(snapshot: Snapshot) -> int | None:
    """The zxid that the tree had when the snapshot was finished; None where it does not say (0: received from a leader)."""
    return snapshot.digest[0] if snapshot.digest is not None and snapshot.digest[0] else None


def _contradictions(before: DataTree, txn: Txn, outcome: Outcome) -> list[str]:
    """What a leader that knew this tree would not have written."""
    problems = []
    if isinstance(txn.body, MultiTxn):
        failed = any(isinstance(part.body, ErrorTxn) for part in txn.body.parts)
        if outcome.error and not failed:
            problems.append(f"a part of the multi fails with error {outcome.error}")
        return problems
    if outcome.error and txn.header.type is not OpCode.ERROR:
        problems.append(f"applying it gives error {outcome.error}")
    return problems + _wrong_counters(before, txn.header.session, txn.body)


def _wrong_counters(before: DataTree, session: int, body: SimpleBody) -> list[str]:
    match body:
        case SetDataTxn(path=path, version=version):
            node = before.get(path)
            if node is not None and not path.startswith("/zookeeper/") and version != node.stat.version + 1:
                return [f"it sets version {version} of {path}, which has version {node.stat.version}"]
        case CreateTxn(path=path, ephemeral=True) if session not in before.sessions:
            return [f"an ephemeral {path} of session {session & (1 << 64) - 1:#x}, which is closed or was never opened"]
        case _:
            pass
    return []


def _difference(snapshot: DataTree, tree: DataTree) -> str:
    """The first difference, in words; empty if there is none.

    What is below /zookeeper is left out: servers write their configuration there without a transaction.
    """
    if snapshot.sessions != tree.sessions:
        odd = min(set(snapshot.sessions.items()) ^ set(tree.sessions.items()))[0]
        return f"session {odd & (1 << 64) - 1:#x}"
    if snapshot.digest == tree.digest and _own(snapshot.root) == _own(tree.root):
        return ""
    left, right = dict(snapshot.walk()), dict(tree.walk())
    for path in sorted({*left, *right}):
        if path.startswith("/zookeeper/"):
            continue
        if path not in left or path not in right:
            return f"{path} is only in the {'log' if path not in left else 'snapshot'}"
        ours, theirs = (evolve(side[path], children={}) for side in (left, right))
        if ours != theirs:
            return f"{path} has {_shown(ours, theirs)} in the snapshot and {_shown(theirs, ours)} in the log"
    return ""


def _own(root: Node) -> Node:
    """The root without what is below /zookeeper."""
    system = root.children.get("zookeeper")
    if system is None:
        return root
    return evolve(root, children={**root.children, "zookeeper": evolve(system, children={})})


def _shown(node: Node, other: Node) -> str:
    """In what it is not like the other."""
    if node.data != other.data:
        return f"data {(node.data or b'')[:20]!r}"
    if node.acl != other.acl:
        return f"acl {','.join(f'{entry.id.scheme}:{entry.id.id}={entry.perms}' for entry in node.acl)}"
    ours, theirs = asdict(node.stat), asdict(other.stat)
    name = next(name for name in ours if ours[name] != theirs[name])
    return f"{name} {show_zxid(ours[name]) if name.endswith('zxid') else ours[name]}"
