"""What a server knows: its configuration, the mirror of its disk, its database, its role and its pipeline."""

from typing import Any, TypeAlias

from attrs import field, frozen

from impl.effects import Link
from impl.zookeeper.database import Database, Snapshot
from impl.zookeeper.machine import Machine, Request, Transaction
from impl.zookeeper.messages import LOOKING, QuorumPacket, Vote
from impl.zookeeper.rules import Rules
from impl.zookeeper.service import Service
from impl.zookeeper.service_state import ServiceState
from impl.zookeeper.snapshots import SnapshotInProgress
from impl.zookeeper.transactions import MAX_COUNTER

DISCOVERY, SYNCHRONIZATION, BROADCAST = "DISCOVERY", "SYNCHRONIZATION", "BROADCAST"
CONNECTING = "CONNECTING"


@frozen
class Settings:
    """What an operator configures. Times in microseconds, limits in ticks; ZooKeeper's defaults unless said (`tick` is 2 s there).

    `sync_spread`: how long the threads of the pipeline may take to get to their queues. `ring`: the size of
    committedLog (500 in ZooKeeper; small, so that all ways of synchronisation happen). `log_sync`: on-disk
    transaction log synchronisation (zookeeper.snapshotSizeFactor > 0, the default there; off here: a server that got
    SNAP keeps what its log had before, also what was never committed, and hands it on with a DIFF when it leads).
    `snap_count`: transactions between two snapshots (100 000 in ZooKeeper). `max_counter`: where the counter of zxids
    forces a new epoch.
    """

    tick: int = 200_000
    init_limit: int = 10
    sync_limit: int = 5
    finalize_wait: int = 200_000
    min_notification: int = 200_000
    max_notification: int = 60_000_000
    connect_retry: int = 100_000
    connect_tries: int = 5
    sync_spread: int = 20_000
    ring: int = 5
    log_sync: bool = False
    snap_count: int = 20
    max_counter: int = MAX_COUNTER
    machine: Machine = Service()


@frozen
class Config:
    """What does not change while a server lives. Majority quorums (QuorumMaj), no observers, no reconfiguration."""

    node_id: int
    voters: tuple[int, ...]
    settings: Settings = Settings()
    rules: Rules = Rules()
    others: tuple[int, ...] = field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "others", tuple(voter for voter in self.voters if voter != self.node_id))

    def is_quorum(self, servers: tuple[int, ...]) -> bool:
        """More than half of the voters."""
        return 2 * sum(voter in servers for voter in self.voters) > len(self.voters)


# -------------------------------------------------------------------------------------------------------------------- roles


@frozen
class Looking:
    """Looks for a leader: the vote it proposes, and what it was told by voters in this round and outside of an election.

    `timeout`: how long (µs) it waits for a message before it sends its vote again; `finalizing`: a quorum agrees, and it
    waits whether anything better comes.
    """

    proposed: Vote
    timeout: int
    recvset: tuple[tuple[int, Vote], ...] = ()
    out_of_election: tuple[tuple[int, Vote], ...] = ()
    finalizing: bool = False


@frozen
class Sync:
    """A learner's synchronisation in progress: the local variables of Learner.syncWithLeader.

    `not_logged` is packetsNotLogged (packetsNotCommitted before 3.9.3), `committed` packetsCommitted. `awaiting_stream`:
    SNAP came, the tree has not. `to_ack`: logged, to be acknowledged after UPTODATE (V3). `ack_due`: the ACK of NEWLEADER
    is the next thing to do (V2, where the sync thread may be faster).
    """

    mode: str
    snapshot_needed: bool
    write_to_log: bool
    awaiting_stream: bool = False
    not_logged: tuple[Transaction, ...] = ()
    committed: tuple[int, ...] = ()
    to_ack: tuple[int, ...] = ()
    ack_due: int | None = None
    last_queued: int | None = None


@frozen
class Following:
    """Follows `leader`. `pending_txns` are logged or being logged, and not committed; `syncs` await the leader's SYNC."""

    leader: int
    link: Link
    phase: str = CONNECTING
    tries: int = 1
    new_epoch: int = 0
    sync: Sync | None = None
    last_queued: int = 0
    pending_txns: tuple[Transaction, ...] = ()
    syncs: tuple[Request, ...] = ()


INFO, WAIT_EPOCH, ACK_EPOCH, WAIT_EPOCH_ACK, NEW_LEADER, WAIT_STARTUP, SERVING = (
    "INFO",
    "WAIT_EPOCH",
    "ACK_EPOCH",
    "WAIT_EPOCH_ACK",
    "NEW_LEADER",
    "WAIT_STARTUP",
    "SERVING",
)
BLOCKED = (WAIT_EPOCH, WAIT_EPOCH_ACK, WAIT_STARTUP)
"""Where the thread of a handler waits for others; what its learner sends meanwhile stays in the socket's buffer."""


@frozen
class Handler:
    """The leader's side of one learner. LearnerHandler.

    `phase` is what it waits for; `peer_zxid` the learner's last zxid (from ACKEPOCH); `forwarding`: it gets live proposals
    and commits; `deadline` in ticks; `buffer` what it has not read yet.
    """

    link: Link
    sid: int
    deadline: int
    phase: str = INFO
    peer_zxid: int = 0
    forwarding: bool = False
    buffer: tuple[QuorumPacket, ...] = ()


@frozen
class Proposed:
    """An outstanding proposal and the servers that have logged it."""

    txn: Transaction
    acks: tuple[int, ...] = ()


@frozen
class Leading:
    """Leads. The sets are tuples of server ids, in the order in which they came.

    `epoch` is None until it is decided; `summary` is leaderStateSummary: (currentEpoch, lastProcessedZxid) at the start.
    `prepared` is the tree with all outstanding transactions. `pending_syncs` are (zxid to wait for, server, request).
    """

    proposed_epoch: int
    summary: tuple[int, int]
    phase: str = DISCOVERY
    waiting_for_epoch: bool = True
    connecting: tuple[int, ...] = ()
    electing: tuple[int, ...] = ()
    election_finished: bool = False
    new_leader_acks: tuple[int, ...] = ()
    handlers: tuple[Handler, ...] = ()
    outstanding: tuple[Proposed, ...] = ()
    to_be_applied: tuple[Transaction, ...] = ()
    last_proposed: int = 0
    last_committed: int = 0
    prepared: Any = None
    pending_syncs: tuple[tuple[int, int, Request], ...] = ()
    half_ticks: int = 0

    @property
    def tick(self) -> int:
        """The leader's tick: two rounds of pings."""
        return self.half_ticks // 2


Role: TypeAlias = Looking | Following | Leading


# ----------------------------------------------------------------------------------------------------------- the server state


@frozen
class NodeState:
    """The whole state of a server's process.

    `accepted_epoch`, `current_epoch`, `log` and `snapshots` mirror the disk (`log` with what is not flushed yet). `vote`
    is currentVote. `sync_queue` is what SyncRequestProcessor has not logged, `commit_queue` what CommitProcessor has not
    handed to FinalRequestProcessor (transactions, and syncs that are answered in their turn), `unanswered` the clients'
    requests that this server took (those of sessions are in `service`, with their connections). `snapping` is the label
    of a snapshot that is being written; `since_snapshot` counts transactions logged since the last one began, and
    `walk` is how far its thread has come in a tree of the service.
    """

    config: Config
    accepted_epoch: int
    current_epoch: int
    log: tuple[Transaction, ...]
    snapshots: tuple[Snapshot, ...]
    database: Database
    vote: Vote
    role: Role
    next_serial: int
    clock: int = 0
    sync_queue: tuple[Transaction, ...] = ()
    commit_queue: tuple[Transaction | Request, ...] = ()
    unanswered: tuple[Request, ...] = ()
    snapping: int | None = None
    since_snapshot: int = 0
    walk: SnapshotInProgress | None = None
    service: ServiceState = ServiceState()

    @property
    def name(self) -> str:
        """LOOKING, FOLLOWING or LEADING."""
        match self.role:
            case Looking():
                return LOOKING
            case Following():
                return "FOLLOWING"
            case Leading():
                return "LEADING"
