"""Histories whose answers say where they stand in the order of writes: two levels of consistency, checked without a search.

A store like ZooKeeper answers with the version of the register and the zxid of its last write. That is a witness of the order, so
that a history is checked in O(n log n) where the general search (properties.linearizability) is exponential. Two levels:

    linearizable   writes, compare-and-sets, and reads after `sync`: the order by zxid respects real time
    sequential     plain reads: each session sees a prefix of the writes, which never shrinks and holds its own writes;
                   a read that real time would have had newer is stale, which is allowed, counted, and said how stale it was

`sync` is no quorum operation: a deposed leader that does not know it yet may answer it, so that a violation by a sync-read
alone may be ZooKeeper as documented. Writes of unknown outcome may take effect at any time after their call, at most once.
Where the headers of the replies were recorded too (`Answered.seen`), a read is held against exactly what its server had
applied, and a refusal against exactly what was there.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from attrs import define, field, frozen

READS, VALUED = ("read", "sync-read"), ("write", "cas")
WRITES = (*VALUED, "create", "delete")

ABSENT = -1
"""The version of a register that is not there: what a delete leaves, and what a read of nothing returns."""

BAD_VERSION, NO_NODE, NODE_EXISTS = REFUSALS = ("BadVersion", "NoNode", "NodeExists")
"""The errors that are answers of the state machine; with any other the operation certainly did not happen."""

CHECKS = {
    "one write per zxid": "a zxid names one version and one value of one key; a value is written once",
    "versions count by one": "in the order of zxids; those that nobody has seen are of unknown outcome",
    "reads return what was written": "by a write that succeeded or whose outcome is unknown, under its zxid",
    "nothing from the future": "no read returns a write that is called after the read has returned",
    "writes are linearizable": "a write that is called after another has returned has the greater zxid",
    "sync-reads are linearizable": "none is older than what was written, or read after sync, before it was called",
    "refusals are right": "an operation is refused only if the register was not as it asks at some time of it",
    "sessions are sequential": "each session sees a prefix of the writes of all keys, which never shrinks",
}
"""Each check and what it says."""


@frozen
class Answered:
    """One operation.

    call, ret      positions of its events in the history: the only source of real-time order; None: the outcome is unknown
    call_time, ret_time  the recorder's clock in ns, to say how stale a read is
    outcome        ok, fail (it certainly did not take effect) or info (unknown)
    value          what a write writes, or what a read returned
    expected       of a cas: the version it asks for
    version, zxid  of the register, as answered; None unless ok. After a delete: ABSENT and the zxid of the delete; of a read of
                   nothing: ABSENT and None
    seen           the zxid in the header of the reply: the last that the server had applied; None if nobody recorded it
    session        the session, where a process has several; None: the process is the session
    """

    process: int
    f: str
    key: str
    call: int
    call_time: int
    outcome: str
    ret: int | None = None
    ret_time: int = 0
    value: object = None
    expected: int | None = None
    version: int | None = None
    zxid: int | None = None
    error: str | None = None
    seen: int | None = None
    session: str | None = None

    @property
    def place(self) -> int:
        """Where an answer stands in the order of writes: up to where its server had applied them, as far as is known."""
        return max(self.seen or 0, self.zxid or 0)

    @property
    def witness(self) -> tuple[int, int] | None:
        """(zxid, version) of an operation that was answered ok."""
        return None if self.zxid is None or self.version is None else (self.zxid, self.version)

    def __str__(self) -> str:
        """`p3 cas("/r1") version=4 zxid=1.12 [10,14]`, positions of the events in brackets."""
        where = "" if self.zxid is None else f" version={self.version} zxid={_zxid(self.zxid)}"
        if self.version == ABSENT:
            where = " absent" if self.zxid is None else f" zxid={_zxid(self.zxid)}"
        if self.seen is not None and self.seen != self.zxid:
            where += f" at={_zxid(self.seen)}"
        end = "" if self.ret is None else self.ret
        answer = where or f" {self.error or self.outcome}"
        return f'p{self.process} {self.f}("{self.key}"){answer} [{self.call},{end}]'


@frozen
class Violation:
    """A check that fails: which operation, and why."""

    check: str
    operation: Answered
    text: str

    def __str__(self) -> str:
        return f"{self.operation}: {self.text} ({self.check})"


@frozen
class StaleRead:
    """A plain read that a linearizable store would have answered newer, and for how long (ns) the newer had been there."""

    operation: Answered
    newer: int
    age: int


@frozen
class WitnessedVerdict:
    """Violations, stale reads, how often each check was put to the test, and operations by (kind, outcome)."""

    violations: tuple[Violation, ...]
    stale: tuple[StaleRead, ...]
    tested: dict[str, int]
    counts: dict[tuple[str, str], int]


def check(operations: Iterable[Answered]) -> WitnessedVerdict:
    """Check a history."""
    ordered = sorted(operations, key=lambda op: op.call)
    run = _Check(ordered)
    run.identities()
    run.versions()
    run.origins()
    run.real_time()
    run.refusals()
    run.sessions()
    counts: dict[tuple[str, str], int] = {}
    for op in ordered:
        counts[op.f, op.outcome] = counts.get((op.f, op.outcome), 0) + 1
    return WitnessedVerdict(tuple(run.violations), tuple(run.stale), run.tested, counts)


@define
class _Check:
    operations: Sequence[Answered]
    violations: list[Violation] = field(factory=list)
    stale: list[StaleRead] = field(factory=list)
    tested: dict[str, int] = field(factory=lambda: dict.fromkeys(CHECKS, 0))
    _unknown: dict[str, list[Answered]] = field(init=False)

    @_unknown.default
    def _by_unknown_outcome(self) -> dict[str, list[Answered]]:
        return _by_key(op for op in self.operations if op.outcome == "info" and op.f in WRITES)

    def that(self, check: str, kept: bool, op: Answered, text: str) -> None:
        """Put a check to the test."""
        self.tested[check] += 1
        if not kept:
            self.violations.append(Violation(check, op, text))

    def ok(self, *kinds: str) -> list[Answered]:
        return [op for op in self.operations if op.outcome == "ok" and op.f in kinds]

    def unknown(self, key: str, *kinds: str) -> Sequence[Answered]:
        """Writes of a key whose outcome is unknown."""
        found = self._unknown.get(key, [])
        return [op for op in found if op.f in kinds] if kinds else found

    def identities(self) -> None:
        """zxid -> (key, version, value), and a value -> its zxid."""
        check = "one write per zxid"
        named: dict[int, tuple[object, ...]] = {}
        writers: dict[int, Answered] = {}
        for op in self.ok(*WRITES, *READS):
            if op.zxid is None:
                continue
            what = (op.key, op.version, op.value)
            before = named.setdefault(op.zxid, what)
            self.that(check, before == what, op, f"under this zxid there was {_said(before)}")
            if op.f in WRITES:
                other = writers.setdefault(op.zxid, op)
                self.that(check, other is op, op, f"this is the zxid of {other}")

    def versions(self) -> None:
        """By zxid, versions of a key go up, and no more are missing than there are writes of unknown outcome."""
        check = "versions count by one"
        for op in self.ok("cas"):
            assert op.version is not None
            kept = op.expected is not None and op.version == op.expected + 1
            self.that(check, kept, op, f"it expected version {op.expected}")
        for op in self.ok("create"):
            self.that(check, op.version == 0, op, "a register is created with version 0")
        for key, ops in _by_key(self.ok(*WRITES, *READS)).items():
            known = sorted({op.witness: op for op in ops if op.witness}.items(), key=lambda item: item[0])
            spare = len(self.unknown(key))  # each may be one version that nobody has seen
            may_vanish = bool(self.unknown(key, "delete"))
            for ((zxid, version), _), ((_, after), op) in pairwise(known):
                missing = _missing(version, after, may_vanish=may_vanish)
                spare -= missing or 0
                text = f"version {version} stands before it, under zxid {_zxid(zxid)}; {missing} are missing"
                self.that(check, missing is not None and spare >= 0, op, text)

    def origins(self) -> None:
        """Who wrote what was read, and was it called before the read returned."""
        check = "reads return what was written"
        writers: dict[tuple[str, object], Answered] = {}
        for op in self.operations:
            if op.f in VALUED:
                other = writers.setdefault((op.key, op.value), op)
                self.that(
                    "one write per zxid", other is op, op, f"{other} writes the same value: nothing can be told apart"
                )
        created = _by_key(op for op in self.operations if op.f == "create")
        for op in self.ok(*READS):
            if op.zxid is None:
                continue
            writer = writers.get((op.key, op.value))
            if writer is None:
                self.that(check, op.version == 0, op, f"nobody has written {op.value!r}")
                known = created.get(op.key)
                if known is not None:
                    made = any(other.outcome == "info" or other.zxid == op.zxid for other in known)
                    self.that(check, made, op, "nobody has created it")
                continue
            self.that(check, writer.outcome != "fail", op, f"it was refused: {writer}")
            if writer.outcome == "ok":
                self.that(check, writer.witness == op.witness, op, f"it was written as {writer}")
            assert op.ret is not None
            self.that("nothing from the future", writer.call < op.ret, op, f"it is written later, by {writer}")

    def real_time(self) -> None:
        """One pass over the events in their order: what had returned when an operation was called."""
        newest = 0  # zxid of any write that has returned
        floors: dict[str, int] = {}  # key -> zxid that a linearizable operation called now must see
        returned: dict[str, list[tuple[int, int]]] = {}  # key -> (return time, zxid) of each time the floor rose
        at_call: dict[int, tuple[int, int, list[tuple[int, int]]]] = {}
        events = [(op.call, False, op) for op in self.operations]
        events += [(op.ret, True, op) for op in self.operations if op.ret is not None and op.outcome == "ok"]
        for _, is_return, op in sorted(events, key=lambda event: event[0]):
            floor = floors.get(op.key, 0)
            if not is_return:
                at_call[op.call] = (newest, floor, returned.setdefault(op.key, []))
                continue
            newest_then, floor_then, rises = at_call[op.call]
            place = op.place if op.zxid is None else op.zxid  # of nothing, there is only the header of the reply
            if op.f in WRITES:
                text = f"a write with zxid {_zxid(newest_then)} had returned before it was called"
                self.that("writes are linearizable", place > newest_then, op, text)
                text = f"zxid {_zxid(floor_then)} of this key had been read after sync before it was called"
                self.that("sync-reads are linearizable", place > floor_then, op, text)
                newest = max(newest, place)
            elif op.f == "sync-read":
                text = f"zxid {_zxid(floor_then)} of this key had been there before it was called"
                self.that("sync-reads are linearizable", place >= floor_then, op, text)
                if op.seen is not None:
                    text = f"a write with zxid {_zxid(newest_then)} had returned before it was called"
                    self.that("sync-reads are linearizable", op.seen >= newest_then, op, text)
            elif place < floor_then:
                # The oldest answer that already had something newer than this.
                since = next(when for when, zxid in rises if zxid > place)
                self.stale.append(StaleRead(op, floor_then, op.call_time - since))
            if op.f != "read" and op.zxid is not None and op.zxid > floor:
                floors[op.key] = op.zxid
                returned[op.key].append((op.ret_time, op.zxid))

    def refusals(self) -> None:
        """A refusal although the register was as asked all the time."""
        for key, ops in _by_key(self.operations).items():
            writes = sorted((op for op in ops if op.outcome == "ok" and op.f in WRITES), key=lambda op: op.place)
            zxids = [op.place for op in writes]
            versions = {op.version: op for op in writes if op.f in VALUED}
            for op in ops:
                if op.outcome != "fail" or op.error not in REFUSALS or op.ret is None:
                    continue
                if op.seen is not None:
                    self.refused_there(op, writes[: bisect_right(zxids, op.seen)])
                elif op.f == "cas" and op.expected is not None:
                    self.refused_then(op, versions, self.unknown(key))

    def refused_there(self, op: Answered, before: Sequence[Answered]) -> None:
        """A refusal is a transaction: what was there is what the writes before its zxid have left."""
        assert op.ret is not None
        last = before[-1] if before else None
        if any(other.call < op.ret for other in self.unknown(op.key)):
            return  # perhaps one of those was the last
        version = ABSENT if last is None or last.version is None else last.version
        right = {
            NODE_EXISTS: op.f == "create" and version != ABSENT,
            NO_NODE: op.f != "create" and version == ABSENT,
            BAD_VERSION: op.f == "cas" and version not in {ABSENT, op.expected},
        }[op.error or ""]
        self.that("refusals are right", right, op, f"before it there was {last or 'nothing'}")

    def refused_then(self, op: Answered, writers: Mapping[int | None, Answered], unknown: Sequence[Answered]) -> None:
        """A cas that was refused although the version it expected was there all the time.

        It was if the write of that version had returned before, and the write of the next one, known, was called after.
        """
        assert op.expected is not None
        assert op.ret is not None
        here, after = writers.get(op.expected), writers.get(op.expected + 1)
        if op.expected and here is None:
            return  # written by somebody whose outcome is unknown
        if after is None and any(other.call < op.ret for other in unknown):
            return  # perhaps overwritten by one of those
        was_there = here is None or (here.ret is not None and here.ret < op.call)
        stayed = after is None or after.call > op.ret
        text = f"version {op.expected} was there all the time"
        self.that("refusals are right", not (was_there and stayed), op, text)

    def sessions(self) -> None:
        """What a session has seen implies all writes up to there: a read may not return what one of those has replaced."""
        check = "sessions are sequential"
        known = {
            key: sorted((op.zxid, op.version == ABSENT) for op in ops if op.zxid is not None)
            for key, ops in _by_key(self.ok(*WRITES, *READS)).items()
        }
        seen: dict[str, int] = {}
        for op in self.operations:
            session = op.session or str(op.process)
            floor = seen.get(session, 0)
            if op.seen is not None:
                self.that(check, op.seen >= floor, op, f"the session had seen zxid {_zxid(floor)}")
            if op.outcome == "ok":
                upto = max(floor, op.place)
                later = _replaced(known[op.key], op, upto, may_vanish=bool(self.unknown(op.key, "delete")))
                text = f"its session or server had seen zxid {_zxid(upto)}, where this key was written again at "
                self.that(check, later is None, op, text + _zxid(later or 0))
            seen[session] = max(floor, op.place)


def _missing(version: int, after: int, *, may_vanish: bool) -> int | None:
    """How many writes that nobody has seen lead from one version of a register to the next that is known; None: none do.

    `may_vanish`: a delete can be among them.
    """
    if after == ABSENT:
        return int(version == ABSENT)
    if version == ABSENT:
        return after
    ways = [after - version - 1] if after > version else []
    if may_vanish:
        ways.append(after + 1)
    return min(ways, default=None)


def _replaced(known: Sequence[tuple[int, bool]], op: Answered, upto: int, *, may_vanish: bool) -> int | None:
    """The zxid, at most `upto`, at which a register was written again after what `op` has of it; None if it was not.

    `known` are the zxids of the key, each with whether it is a delete.
    """
    within = known[: bisect_right(known, (upto, True))]
    if op.zxid is not None:
        return next((zxid for zxid, _ in within if zxid > op.zxid), None)
    if may_vanish or not within or within[-1][1]:
        return None
    return within[-1][0]


def _by_key(operations: Iterable[Answered]) -> dict[str, list[Answered]]:
    result: dict[str, list[Answered]] = {}
    for op in operations:
        result.setdefault(op.key, []).append(op)
    return result


def _said(what: tuple[object, ...]) -> str:
    key, version, value = what
    return f"version {version} of {key} with value {value!r}"


def _zxid(zxid: int) -> str:
    return f"{zxid >> 32:x}.{zxid & 0xFFFFFFFF:x}"
