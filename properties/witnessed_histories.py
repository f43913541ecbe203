"""Histories whose answers say where they stand in the order of writes: two levels of consistency, checked without a search.

A store like ZooKeeper answers with the version of the register and the zxid of its last write. That is a witness of the order, so
that a history is checked in O(n log n) where the general search (properties.linearizability) is exponential. Two levels:

    linearizable   writes, compare-and-sets, and reads after `sync`: the order by zxid respects real time
    sequential     plain reads: each session sees a prefix of the writes, which never shrinks and holds its own writes;
                   a read that real time would have had newer is stale, which is allowed, counted, and said how stale it was

`sync` is no quorum operation: a deposed leader that does not know it yet may answer it, so that a violation by a sync-read
alone may be ZooKeeper as documented. Writes of unknown outcome may take effect at any time after their call, at most once.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise

from attrs import define, field, frozen

READS, WRITES = ("read", "sync-read"), ("write", "cas")

CHECKS = {
    "one write per zxid": "a zxid names one version and one value of one key; a value is written once",
    "versions count by one": "in the order of zxids; those that nobody has seen are of unknown outcome",
    "reads return what was written": "by a write that succeeded or whose outcome is unknown, under its zxid",
    "nothing from the future": "no read returns a write that is called after the read has returned",
    "writes are linearizable": "a write that is called after another has returned has the greater zxid",
    "sync-reads are linearizable": "none is older than what was written, or read after sync, before it was called",
    "refusals are right": "a compare-and-set is refused only if the version was another at some time of it",
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
    version, zxid  of the register, as answered; None unless ok
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

    @property
    def witness(self) -> tuple[int, int] | None:
        """(zxid, version) of an operation that was answered ok."""
        return None if self.zxid is None or self.version is None else (self.zxid, self.version)

    def __str__(self) -> str:
        """`p3 cas("/r1") version=4 zxid=1.12 [10,14]`, positions of the events in brackets."""
        where = (
            "" if self.zxid is None else f" version={self.version} zxid={self.zxid >> 32:x}.{self.zxid & 0xFFFFFFFF:x}"
        )
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

    def that(self, check: str, kept: bool, op: Answered, text: str) -> None:
        """Put a check to the test."""
        self.tested[check] += 1
        if not kept:
            self.violations.append(Violation(check, op, text))

    def ok(self, *kinds: str) -> list[Answered]:
        return [op for op in self.operations if op.outcome == "ok" and op.f in kinds]

    def identities(self) -> None:
        """zxid -> (key, version, value), and a value -> its zxid."""
        check = "one write per zxid"
        named: dict[int, tuple[object, ...]] = {}
        writers: dict[int, Answered] = {}
        for op in self.ok(*WRITES, *READS):
            assert op.zxid is not None
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
        unknown = _by_key(op for op in self.operations if op.outcome == "info" and op.f in WRITES)
        for key, ops in _by_key(self.ok(*WRITES, *READS)).items():
            known = sorted({op.witness: op for op in ops if op.witness}.items(), key=lambda item: item[0])
            spare = len(unknown.get(key, ()))  # each may be one version that nobody has seen
            for ((zxid, version), _), ((_, after), op) in pairwise(known):
                spare -= after - version - 1
                kept = after > version and spare >= 0
                text = (
                    f"version {version} stands before it, under zxid {_zxid(zxid)}; {after - version - 1} are missing"
                )
                self.that(check, kept, op, text)

    def origins(self) -> None:
        """Who wrote what was read, and was it called before the read returned."""
        check = "reads return what was written"
        writers: dict[tuple[str, object], Answered] = {}
        for op in self.operations:
            if op.f in WRITES:
                other = writers.setdefault((op.key, op.value), op)
                self.that(
                    "one write per zxid", other is op, op, f"{other} writes the same value: nothing can be told apart"
                )
        for op in self.ok(*READS):
            writer = writers.get((op.key, op.value))
            if writer is None:
                self.that(check, op.version == 0, op, f"nobody has written {op.value!r}")
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
            assert op.zxid is not None
            newest_then, floor_then, rises = at_call[op.call]
            if op.f in WRITES:
                text = f"a write with zxid {_zxid(newest_then)} had returned before it was called"
                self.that("writes are linearizable", op.zxid > newest_then, op, text)
                text = f"zxid {_zxid(floor_then)} of this key had been read after sync before it was called"
                self.that("sync-reads are linearizable", op.zxid > floor_then, op, text)
                newest = max(newest, op.zxid)
            elif op.f == "sync-read":
                text = f"zxid {_zxid(floor_then)} of this key had been there before it was called"
                self.that("sync-reads are linearizable", op.zxid >= floor_then, op, text)
            elif op.zxid < floor_then:
                # The oldest answer that already had something newer than this.
                since = next(when for when, zxid in rises if zxid > op.zxid)
                self.stale.append(StaleRead(op, floor_then, op.call_time - since))
            if op.f != "read" and op.zxid > floor:
                floors[op.key] = op.zxid
                returned[op.key].append((op.ret_time, op.zxid))

    def refusals(self) -> None:
        """A cas that was refused although the version it expected was there all the time.

        It was if the write of that version had returned before, and the write of the next one, known, was called after.
        """
        for ops in _by_key(self.operations).values():
            writers = {op.version: op for op in ops if op.outcome == "ok" and op.f in WRITES}
            unknown = [op for op in ops if op.outcome == "info" and op.f in WRITES]
            for op in ops:
                if op.f != "cas" or op.outcome != "fail" or op.expected is None or op.ret is None:
                    continue
                here, after = writers.get(op.expected), writers.get(op.expected + 1)
                if op.expected and here is None:
                    continue  # written by somebody whose outcome is unknown
                if after is None and any(other.call < op.ret for other in unknown):
                    continue  # perhaps overwritten by one of those
                was_there = here is None or (here.ret is not None and here.ret < op.call)
                stayed = after is None or after.call > op.ret
                text = f"version {op.expected} was there all the time"
                self.that("refusals are right", not (was_there and stayed), op, text)

    def sessions(self) -> None:
        """What a session has seen implies all writes up to there: a read may not return what one of those has replaced."""
        known = {
            key: sorted({op.zxid for op in ops if op.zxid is not None}) for key, ops in _by_key(self.operations).items()
        }
        seen: dict[int, int] = {}
        for op in self.ok(*WRITES, *READS):
            assert op.zxid is not None
            floor = seen.get(op.process, 0)
            zxids = known[op.key]
            place = bisect_right(zxids, op.zxid)
            replaced = place < len(zxids) and zxids[place] <= floor
            text = f"the session had seen zxid {_zxid(floor)}, where this key was written again at "
            text += _zxid(zxids[place]) if replaced else ""
            self.that("sessions are sequential", not replaced, op, text)
            seen[op.process] = max(floor, op.zxid)


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
