"""Zab: sorts, packets and state.

After Apache ZooKeeper 3.9.4 (Leader, LearnerHandler, Learner, Follower, QuorumPeer, ZKDatabase). Not here: observers, sessions,
reconfiguration, error transactions, and the zxid (e, 0) that a new leader's database carries until its first transaction (it is never
logged, and every comparison that it takes part in comes out the same with the last transaction's zxid).

Granularity. A server does at once what one thread does between two packets, with crashes possible wherever something becomes durable:
between the history and currentEpoch on NEWLEADER, and between logging and flushing. A learner reads the head of its
synchronisation (DIFF, TRUNC or SNAP) together with the history that comes with it: only its memory changes in between. A restart
follows its crash at once; the time in between is time in which the server does nothing.

Network. A connection between a leader and a learner is TCP: two FIFO channels, which break together. `link` is what the leader knows
of it, and a learner finds out by itself that its leader's side is gone. A partition is the end of a connection and time
in which the two do not connect again. Election is coarse: see election.py.
"""

from model.language import Bool, Enum, Fn, Node, Option, Ordinal, Record, Seq, State, Var, member


class Epoch(Ordinal, bound="epochs"):
    """An epoch: the upper half of a zxid. 0 is before the first leader."""


class Counter(Ordinal, bound="log"):
    """The lower half of a zxid: 1 for the first transaction of an epoch; 0 stands for NEWLEADER."""


class Index(Ordinal, bound="log"):
    """A position in a history, 1 .. length; also how many transactions come before it."""


class Position(Ordinal, bound="channel"):
    """A position in a channel."""


class Request(Ordinal, bound="txns"):
    """Which client's request a transaction carries out, in the order of their arrival: 0 is the first of all."""


class Crashes(Ordinal, bound="crashes"):
    """How many crashes there have been."""


class Partitions(Ordinal, bound="partitions"):
    """How many connections have broken."""


class Role(Enum):
    """A server's state (QuorumPeer.ServerState); REFUSING is a process that exits whenever it is started."""

    LOOKING = member()
    FOLLOWING = member()
    LEADING = member()
    REFUSING = member()


class Phase(Enum):
    """How far a server is (QuorumPeer.ZabState), with the stages of a learner's synchronisation told apart."""

    ELECTION = member()
    CONNECTED = member()  # a learner that awaits DIFF, TRUNC or SNAP
    SYNCHRONIZATION = member()  # a learner before NEWLEADER; a leader before a quorum has acknowledged NEWLEADER
    ADOPTING = member()  # a learner that handles NEWLEADER, between its two durable writes
    READY = member()  # a learner that has acknowledged NEWLEADER and awaits UPTODATE
    BROADCAST = member()  # serving


class SyncMode(Enum):
    """How a learner is being synchronised (QuorumPeer.SyncMode); NONE once it has acknowledged NEWLEADER."""

    NONE = member()
    DIFF = member()
    TRUNC = member()
    SNAP = member()


class Link(Enum):
    """What a leader knows of a learner."""

    NONE = member()
    CONNECTED = member()  # it has acknowledged the epoch
    FORWARDING = member()  # in forwardingFollowers: what it lacks is queued, live packets follow
    SYNCED = member()  # NEWLEADER is queued too
    ACKED = member()  # it has acknowledged NEWLEADER


class Fault(Enum):
    """What a server may notice that must not happen: the process exits or drops the connection. History, for properties."""

    NONE = member()
    GAP = member()  # a proposal that is not the successor of the one before
    UNMATCHED_COMMIT = member()  # a commit of another proposal than the next, or of none
    EARLY_ACK = member()  # an acknowledgement of a proposal where that of NEWLEADER belongs
    NOTHING_TO_TRUNCATE_TO = member()  # a truncation to a transaction that the log does not have


class Txn(Record):
    """A transaction: its zxid (epoch, counter), and the request that it carries out."""

    epoch: Epoch
    counter: Counter
    request: Request


class Synced(Record):
    """A transaction as it is sent in a synchronisation: a proposal, and its commit if it is committed."""

    epoch: Epoch
    counter: Counter
    request: Request
    committed: Bool


class Kind(Enum):
    """The types of packets between leader and learner."""

    ACK = member()
    DIFF = member()
    TRUNC = member()
    SNAP = member()
    NEWLEADER = member()
    UPTODATE = member()
    PROPOSAL = member()
    COMMIT = member()


class Packet(Record):
    """A packet. Its zxid is that of a transaction, (e, 0) of NEWLEADER and its acknowledgement, or where to truncate to."""

    kind: Kind
    epoch: Epoch
    counter: Counter
    request: Request


class Zab(State):
    """The servers of one ensemble."""

    # durable: two files and the transaction log, of which `flushed` transactions are on disk
    accepted_epoch = Fn(Node, Epoch)  # the newest epoch that the server has promised
    current_epoch = Fn(Node, Epoch)  # the epoch of the last leader whose history it has adopted
    log = Fn(Node, Seq[Txn, Index])
    flushed = Fn(Node, Index)
    # volatile
    role = Fn(Node, Role)
    phase = Fn(Node, Phase)
    leader = Fn(Node, Option[Node])
    db = Fn(Node, Seq[Txn, Index])  # the transactions in the data tree; it outlives an election
    committed_log = Fn(Node, Seq[Txn, Index])  # the last of them, kept for DIFF (ZKDatabase.committedLog)
    sync_mode = Fn(Node, SyncMode)
    # learner: packetsNotLogged, later pendingTxns; leader: outstandingProposals
    queue = Fn(Node, Seq[Txn, Index])
    queue_committed = Fn(Node, Index)  # learner: how many of the queue are committed (packetsCommitted)
    # leader
    link = Fn(Node, Node, Link)
    acked = Fn(Node, Node, Index)  # leader, server: the last outstanding proposal that it has logged; 0 none
    # network
    channel = Fn(Node, Node, Seq[Packet, Position])  # from, to
    stream = Fn(Node, Node, Seq[Synced, Index])  # what comes between DIFF, TRUNC or SNAP and NEWLEADER
    # history, for properties
    ghost_fault = Fn(Node, Fault)
    ghost_leader = Fn(Epoch, Option[Node])  # whose epoch it is, once a quorum has acknowledged NEWLEADER
    ghost_committed = Fn(Index, Txn)  # the transaction that was committed first at a position
    ghost_commit_epoch = Fn(Index, Epoch)  # in which epoch; 0 none
    # counters, for bounds
    aux_requests = Var(Request)
    aux_crashes = Var(Crashes)
    aux_partitions = Var(Partitions)


__all__ = [
    "Counter",
    "Crashes",
    "Epoch",
    "Fault",
    "Index",
    "Kind",
    "Link",
    "Packet",
    "Partitions",
    "Phase",
    "Position",
    "Request",
    "Role",
    "SyncMode",
    "Synced",
    "Txn",
    "Zab",
]
