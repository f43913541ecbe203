"""KRaft's core: sorts, messages and state.

After Apache Kafka's raft layer before pre-vote (4.0 development, October 2024: KafkaRaftClient, QuorumState, LeaderState,
KafkaMetadataLog) and KIP-595. Not in this core: pre-vote (KIP-996), check quorum (KAFKA-15489), EndQuorumEpoch, observers, snapshots
(KIP-630) and reconfiguration (KIP-853). A batch holds one record, and one Fetch response carries at most one batch (Kafka
sends up to 8 MiB); a longer answer is a succession of short ones.

Network. *Requests* are grow-only sets: they may be handled late, again, out of order or never (TCP connections are reset and
requests are sent again). *Responses* are kept only while the client awaits them: RequestManager drops the correlation id when
the node changes state (`resetAll`), and a response that is not awaited is ignored. A response that would change nothing at
the client (a plain refusal; the acknowledgement of BeginQuorumEpoch) is not kept.
What a node would send in its poll loop (a candidate its Vote requests, a leader BeginQuorumEpoch, a follower its next Fetch) is in
the set as soon as the node's state calls for it: a message that is never handled has never arrived, so this adds no behaviour
and saves a step.
"""

from model.language import (
    Bool,
    Enum,
    Fn,
    Messages,
    Node,
    Option,
    Ordinal,
    Record,
    Seq,
    State,
    Var,
    member,
)


class Epoch(Ordinal, bound="epochs"):
    """A leader epoch; 0 is before the first election."""


class Index(Ordinal, bound="log"):
    """A position in a log, 1 .. length; also an end offset: the number of entries before it (Kafka's exclusive LEO)."""


class Value(Ordinal, bound="values"):
    """The payload of an entry: 0 marks a LeaderChange control record, 1 .. are clients' records."""


class Elections(Ordinal, bound="elections"):
    """How many elections have been started."""


class Restarts(Ordinal, bound="restarts"):
    """How many crashes there have been."""


class Role(Enum):
    """A voter's role (QuorumState). VOTED is Unattached with a vote (a state class of its own until 2024)."""

    UNATTACHED = member()
    VOTED = member()
    CANDIDATE = member()
    LEADER = member()
    FOLLOWER = member()
    RESIGNED = member()


class Entry(Record):
    """A log entry: the epoch of the leader that appended it, and its payload."""

    epoch: Epoch
    value: Value


class VoteRequest(Record):
    """Vote: a candidate asks every voter, naming the end of its log."""

    candidate: Node
    epoch: Epoch
    end: Index
    last_epoch: Epoch


class VoteResponse(Record):
    """The answer to Vote, with the epoch and leader that the voter knows."""

    candidate: Node
    voter: Node
    epoch: Epoch
    leader: Option[Node]
    granted: Bool


class BeginQuorumRequest(Record):
    """BeginQuorumEpoch: a leader tells every voter that it leads."""

    leader: Node
    epoch: Epoch


class BeginQuorumResponse(Record):
    """The answer of a voter that knows a newer epoch (FENCED_LEADER_EPOCH)."""

    leader: Node
    voter: Node
    epoch: Epoch
    known_leader: Option[Node]


class FetchRequest(Record):
    """Fetch: a follower asks its leader for what comes after the end of its log; this is also its acknowledgement."""

    follower: Node
    leader: Node
    epoch: Epoch
    end: Index
    last_epoch: Epoch


class Outcome(Enum):
    """What a Fetch response says."""

    RECORDS = member()
    DIVERGING = member()
    ERROR = member()


class FetchResponse(Record):
    """The answer to Fetch: at most one record, or where the logs diverge, or a newer epoch; always the high watermark (0 unknown)."""

    follower: Node
    outcome: Outcome
    epoch: Epoch
    leader: Option[Node]
    has_record: Bool
    record_epoch: Epoch
    record_value: Value
    diverging_epoch: Epoch
    diverging_end: Index
    high_watermark: Index


class KRaft(State):
    """The voters of one raft group."""

    # quorum-state: durable before it takes effect (durableTransitionTo)
    epoch = Fn(Node, Epoch)
    leader = Fn(Node, Option[Node])  # leaderId
    voted_for = Fn(Node, Option[Node])  # votedId; never together with leaderId, as before KIP-996
    # the log, and how much of it is on disk
    log = Fn(Node, Seq[Entry, Index])
    flushed = Fn(Node, Index)
    # volatile
    role = Fn(Node, Role)
    last_epoch = Fn(
        Node, Epoch
    )  # lastFetchedEpoch, of the epoch cache: a new leader's epoch is in it before any record
    high_watermark = Fn(Node, Index)  # 0: not known
    grants = Fn(Node, Node, Bool)  # candidate, voter
    epoch_start = Fn(Node, Index)  # leader: the end of its log when it was elected
    replica_end = Fn(Node, Node, Index)  # leader, replica: ReplicaState.endOffset; 0 not known
    interrupted = Fn(Node, Bool)  # power fails between append and flush of one drain: see append.py
    # network
    vote_requests = Messages(VoteRequest, newest=("candidate",))
    vote_responses = Messages(VoteResponse, newest=("candidate", "voter"))
    begin_requests = Messages(BeginQuorumRequest, newest=("leader",))
    begin_responses = Messages(BeginQuorumResponse, newest=("leader", "voter"))
    fetch_requests = Messages(FetchRequest, newest=("follower",))
    fetch_responses = Messages(FetchResponse, newest=("follower",))
    # history, for properties
    ghost_vote = Fn(Node, Option[Node])  # whom the node has voted for in its current epoch, whatever it still remembers
    ghost_leader = Fn(Epoch, Option[Node])  # who was elected in an epoch
    ghost_commit_epoch = Fn(Index, Epoch)  # the epoch whose leader first exposed this index as committed; 0 none
    ghost_committed_epoch = Fn(Index, Epoch)  # the entry that was committed there
    ghost_committed_value = Fn(Index, Value)
    # counters, for bounds
    aux_elections = Var(Elections)
    aux_restarts = Var(Restarts)


__all__ = [
    "BeginQuorumRequest",
    "BeginQuorumResponse",
    "Elections",
    "Entry",
    "Epoch",
    "FetchRequest",
    "FetchResponse",
    "Index",
    "KRaft",
    "Outcome",
    "Restarts",
    "Role",
    "Value",
    "VoteRequest",
    "VoteResponse",
]
