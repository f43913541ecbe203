"""Zab on the wire, checked while it streams by: each rule is what a leader or a learner must never be seen to do.

The rules hold for the releases from 3.4 on. What a leader writes to its own log is not on the wire: it counts as having
acknowledged what it proposes. The size of the ensemble is the number of servers seen (observers are not known here).
"""

from collections import Counter, deque
from collections.abc import Iterable
from enum import IntEnum

from attrs import define, field, frozen

from impl.zookeeper.transactions import counter_of, epoch_of, show_zxid
from traces.logs.zookeeper.logical import follows
from traces.logs.zookeeper.wire import Closed, Message

RULES = {
    "one leader per epoch": "LEADERINFO of an epoch comes from one server only",
    "epochs go up": "LEADERINFO offers no epoch below the one that the learner has accepted",
    "phases in order": "FOLLOWERINFO, LEADERINFO, ACKEPOCH, then DIFF, TRUNC or SNAP, NEWLEADER, UPTODATE",
    "discovery before synchronisation": "synchronisation begins when a quorum has acknowledged the epoch",
    "UPTODATE after a quorum": "of acknowledgements of NEWLEADER, the learner's own among them",
    "proposals without a hole": "on a connection, from where the learner was brought to",
    "ACK of what was proposed": "on that connection, in order",
    "COMMIT in order": "each commit is that of the oldest uncommitted proposal on the connection",
    "COMMIT after a quorum": "of acknowledgements, when it is not part of a synchronisation",
    "one transaction per zxid": "whoever proposes it",
}
"""Each rule and what it says."""

IN_WINDOW = "COMMIT between NEWLEADER and UPTODATE (releases before 3.9.3 fail there: ZOOKEEPER-4394)"


class Phase(IntEnum):
    """Where a connection of a learner with its leader is."""

    NEW = 0
    FOLLOWERINFO = 1
    LEADERINFO = 2
    ACKEPOCH = 3
    SYNC = 4
    NEWLEADER = 5
    UPTODATE = 6


@define
class _Connection:
    """What was said between a leader and a learner since FOLLOWERINFO."""

    phase: Phase = Phase.NEW
    accepted: int = 0
    epoch: int = 0
    proposed: int = 0  # the newest proposal, or where the synchronisation started from
    acked: int = 0
    uncommitted: deque[int] = field(factory=deque)


@frozen
class Violation:
    """A rule that was broken: on which line of the recording, by which message, why."""

    rule: str
    line: int
    message: str
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}: {self.text} ({self.rule})"


@frozen
class WireResult:
    """Servers seen, messages by kind, how often each rule was put to the test, violations; lines with a commit in the 4394 window."""

    servers: tuple[int, ...]
    messages: dict[str, int]
    tested: dict[str, int]
    violations: tuple[Violation, ...]
    in_window: tuple[int, ...]


def check_wire(events: Iterable[Message | Closed]) -> WireResult:
    """Check a recording, which is read once before it is checked: quorums need the number of servers."""
    recorded = list(events)
    run = _Check(_servers(recorded))
    for event in recorded:
        match event:
            case Closed(a=a, b=b):
                run.connections.pop((a, b), None)
                run.connections.pop((b, a), None)
            case Message():
                run.message(event)
    tested = {rule: run.tested[rule] for rule in RULES}
    return WireResult(run.servers, dict(run.messages), tested, tuple(run.violations), tuple(run.in_window))


def _servers(events: list[Message | Closed]) -> tuple[int, ...]:
    ends = ((e.src, e.dst) if isinstance(e, Message) else (e.a, e.b) for e in events)
    return tuple(sorted({server for pair in ends for server in pair}))


@define
class _Check:
    servers: tuple[int, ...]
    connections: dict[tuple[int, int], _Connection] = field(factory=dict)  # (leader, learner)
    leaders: dict[int, int] = field(factory=dict)
    epoch_acks: dict[tuple[int, int], set[int]] = field(factory=dict)  # (leader, epoch) -> learners
    leader_acks: dict[tuple[int, int], set[int]] = field(factory=dict)
    proposal_acks: dict[tuple[int, int], set[int]] = field(factory=dict)  # (leader, zxid) -> learners
    contents: dict[int, tuple[object, ...]] = field(factory=dict)
    messages: Counter[str] = field(factory=Counter)
    tested: Counter[str] = field(factory=Counter)
    violations: list[Violation] = field(factory=list)
    in_window: list[int] = field(factory=list)

    def rule(self, name: str, kept: bool, message: Message, text: str) -> None:
        """Put a rule to the test."""
        self.tested[name] += 1
        if not kept:
            shown = f"{message.src}->{message.dst} {message.kind} {show_zxid(message.zxid)}"
            self.violations.append(Violation(name, message.line, shown, text))

    def is_quorum(self, leader: int, learners: set[int]) -> bool:
        return 2 * len(learners | {leader}) > len(self.servers)

    def message(self, m: Message) -> None:
        """One message: to the learner's side or the leader's side of its connection."""
        self.messages[m.kind] += 1
        match m.kind:
            case "FOLLOWERINFO" | "OBSERVERINFO":
                self.connections[m.dst, m.src] = _Connection(Phase.FOLLOWERINFO, accepted=epoch_of(m.zxid))
            case "ACKEPOCH" | "ACK":
                connection = self.connections.setdefault((m.dst, m.src), _Connection())
                (self.ack_epoch if m.kind == "ACKEPOCH" else self.ack)(m, connection)
            case "LEADERINFO" | "DIFF" | "TRUNC" | "SNAP" | "NEWLEADER" | "UPTODATE":
                self.lead(m, self.connections.setdefault((m.src, m.dst), _Connection()))
            case "PROPOSAL":
                self.propose(m, self.connections.setdefault((m.src, m.dst), _Connection()))
            case "COMMIT":
                self.commit(m, self.connections.setdefault((m.src, m.dst), _Connection()))
            case _:
                pass  # elections, pings, requests of clients: not Zab's business

    def advance(self, m: Message, connection: _Connection, to: Phase) -> None:
        kept = connection.phase == to - 1
        self.rule("phases in order", kept, m, f"the connection is in phase {connection.phase.name}")
        connection.phase = to

    def ack_epoch(self, m: Message, connection: _Connection) -> None:
        self.advance(m, connection, Phase.ACKEPOCH)
        connection.proposed = m.zxid
        self.epoch_acks.setdefault((m.dst, connection.epoch), set()).add(m.src)

    def lead(self, m: Message, connection: _Connection) -> None:
        match m.kind:
            case "LEADERINFO":
                epoch = connection.epoch = epoch_of(m.zxid)
                other = self.leaders.setdefault(epoch, m.src)
                self.rule("one leader per epoch", other == m.src, m, f"server {other} led epoch {epoch:x} before")
                accepted = connection.accepted
                self.rule("epochs go up", epoch >= accepted, m, f"the learner has accepted epoch {accepted:x}")
                self.advance(m, connection, Phase.LEADERINFO)
            case "NEWLEADER":
                self.advance(m, connection, Phase.NEWLEADER)
            case "UPTODATE":
                acks = self.leader_acks.get((m.src, connection.epoch), set())
                kept = self.is_quorum(m.src, acks) and m.dst in acks
                self.rule("UPTODATE after a quorum", kept, m, f"NEWLEADER was acknowledged by {_shown(acks)} only")
                self.advance(m, connection, Phase.UPTODATE)
            case _:
                acks = self.epoch_acks.get((m.src, connection.epoch), set())
                kept = self.is_quorum(m.src, acks)
                text = f"epoch {connection.epoch:x} was acknowledged by {_shown(acks)} only"
                self.rule("discovery before synchronisation", kept, m, text)
                if m.kind != "DIFF":  # a DIFF goes on from what the learner has
                    connection.proposed = m.zxid
                self.advance(m, connection, Phase.SYNC)

    def propose(self, m: Message, connection: _Connection) -> None:
        content = self.contents.setdefault(m.zxid, m.content)
        self.rule("one transaction per zxid", content == m.content, m, "it was another transaction before")
        last = connection.proposed
        self.rule("proposals without a hole", follows(m.zxid, last), m, f"the one before was {show_zxid(last)}")
        self.rule("phases in order", connection.phase >= Phase.SYNC, m, f"the phase is {connection.phase.name}")
        connection.proposed = m.zxid
        connection.uncommitted.append(m.zxid)

    def ack(self, m: Message, connection: _Connection) -> None:
        if counter_of(m.zxid) == 0:  # of NEWLEADER, and again of UPTODATE
            self.rule(
                "phases in order", connection.phase >= Phase.NEWLEADER, m, f"the phase is {connection.phase.name}"
            )
            self.leader_acks.setdefault((m.dst, epoch_of(m.zxid)), set()).add(m.src)
            return
        last, acked = connection.proposed, connection.acked
        text = f"the newest proposal is {show_zxid(last)}, the newest ACK {show_zxid(acked)}"
        self.rule("ACK of what was proposed", acked < m.zxid <= last, m, text)
        connection.acked = m.zxid
        self.proposal_acks.setdefault((m.dst, m.zxid), set()).add(m.src)

    def commit(self, m: Message, connection: _Connection) -> None:
        oldest = connection.uncommitted[0] if connection.uncommitted else None
        text = "no proposal waits" if oldest is None else f"the oldest proposal that waits is {show_zxid(oldest)}"
        self.rule("COMMIT in order", oldest == m.zxid, m, text)
        while connection.uncommitted and connection.uncommitted[0] <= m.zxid:
            connection.uncommitted.popleft()
        if connection.phase is Phase.NEWLEADER:
            self.in_window.append(m.line)
        if connection.phase is Phase.UPTODATE:
            acks = self.proposal_acks.get((m.src, m.zxid), set())
            kept = self.is_quorum(m.src, acks)
            self.rule("COMMIT after a quorum", kept, m, f"it was acknowledged by {_shown(acks)} only")


def _shown(servers: set[int]) -> str:
    return ", ".join(map(str, sorted(servers))) or "nobody"
