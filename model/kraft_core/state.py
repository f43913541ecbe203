"""The core of KRaft: sorts, messages and protocol state.

What is left of KRaft here is what its safety rests on: epochs, votes, the log and its flush, pull replication and the high watermark. A
batch holds one record, and a node may hear of a newer epoch at any time. Every message set only grows: a message may arrive late,
twice, out of order or never. The spec `kraft` refines it (docs/refinement-of-kraft.md).
"""

from model.language import Bool, Enum, Fn, Messages, Node, Option, Ordinal, Record, Seq, State, Var, member


class Epoch(Ordinal, bound="epochs"):
    """A leader epoch; 0 is before the first election."""


class Index(Ordinal, bound="log"):
    """A position in a log, 1 .. length; also an end offset: the number of entries before it."""


class Value(Ordinal, bound="values"):
    """The payload of an entry: 0 marks a LeaderChange control record, 1 .. are clients' records."""


class Elections(Ordinal, bound="elections"):
    """How many elections have been started."""


class Restarts(Ordinal, bound="restarts"):
    """How many crashes there have been."""


class Role(Enum):
    """A voter's role. PROSPECTIVE asks for pre-votes (KIP-996); RESIGNED is a leader after its restart."""

    UNATTACHED = member()
    FOLLOWER = member()
    PROSPECTIVE = member()
    CANDIDATE = member()
    LEADER = member()
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


class VoteGranted(Record):
    """The answer to Vote that counts. A refusal changes nothing but the epoch, which `hear_of_epoch` covers."""

    voter: Node
    candidate: Node
    epoch: Epoch


class BeginQuorum(Record):
    """BeginQuorumEpoch: a leader tells every voter that it leads."""

    leader: Node
    epoch: Epoch


class FetchRequest(Record):
    """Fetch: a follower asks for what comes after the end of its log; this is also its acknowledgement."""

    follower: Node
    epoch: Epoch
    end: Index
    last_epoch: Epoch


class Fetched(Record):
    """The answer to a valid Fetch, which it names by (end, last_epoch): at most one record, and the high watermark."""

    follower: Node
    epoch: Epoch
    end: Index
    last_epoch: Epoch
    has_record: Bool
    record_epoch: Epoch
    record_value: Value
    high_watermark: Index


class Diverged(Record):
    """The answer to a Fetch from a log that differs: the leader's last epoch not above the follower's, and where it ends."""

    follower: Node
    epoch: Epoch
    end: Index
    last_epoch: Epoch
    diverging_epoch: Epoch
    diverging_end: Index


class KRaftCore(State):
    """The voters of one raft group."""

    # durable
    epoch = Fn(Node, Epoch)
    voted_for = Fn(Node, Option[Node])
    log = Fn(Node, Seq[Entry, Index])
    flushed = Fn(Node, Index)  # how much of the log a crash cannot take away
    # volatile
    role = Fn(Node, Role)
    last_epoch = Fn(Node, Epoch)  # lastFetchedEpoch: a new leader's own epoch comes first, before any record of it
    grants = Fn(Node, Node, Bool)  # candidate, voter
    high_watermark = Fn(Node, Index)  # 0: not known
    replica_end = Fn(
        Node, Node, Index
    )  # leader, replica: what the replica last fetched from; its own: what it has flushed
    # network
    vote_requests = Messages(VoteRequest, newest=("candidate",))
    votes_granted = Messages(VoteGranted, newest=("candidate", "voter"))
    begin_quorums = Messages(BeginQuorum, newest=("leader",))
    fetch_requests = Messages(FetchRequest, newest=("follower",))
    fetched = Messages(Fetched, newest=("follower",))
    diverged = Messages(Diverged, newest=("follower",))
    # counters, for bounds
    aux_elections = Var(Elections)
    aux_restarts = Var(Restarts)


__all__ = [
    "BeginQuorum",
    "Diverged",
    "Elections",
    "Entry",
    "Epoch",
    "FetchRequest",
    "Fetched",
    "Index",
    "KRaftCore",
    "Restarts",
    "Role",
    "Value",
    "VoteGranted",
    "VoteRequest",
]
