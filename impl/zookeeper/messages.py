"""The messages of the election port, the quorum port and the client port, with ZooKeeper's names and fields.

`channel` says how a message travels (impl/world/connections.py): a `Link`, "mailbox" or "request".
"""

from typing import Any, TypeAlias

from attrs import frozen

from impl.effects import ConnectionClosed, ConnectionOpened, Link
from impl.operations import Operation
from impl.zookeeper.client_messages import FromClient, FromServer
from impl.zookeeper.machine import Request, Transaction
from impl.zookeeper.transactions import show_zxid

LOOKING, FOLLOWING, LEADING = "LOOKING", "FOLLOWING", "LEADING"


@frozen
class Vote:
    """A vote: for whom, with what last zxid and currentEpoch, cast in which round by a server in which state."""

    leader: int
    zxid: int
    round: int
    peer_epoch: int
    state: str = LOOKING

    def __str__(self) -> str:
        return f"{self.leader} {show_zxid(self.zxid)} epoch={self.peer_epoch} round={self.round} {self.state}"


@frozen
class Notification:
    """FastLeaderElection.Notification: the vote of the sender."""

    src: int
    dst: int
    vote: Vote
    channel: str = "mailbox"

    def __str__(self) -> str:
        return f"{self.src}->{self.dst} Notification {self.vote}"


@frozen
class Packet:
    """What all packets of the quorum port have."""

    src: int
    dst: int
    channel: Link

    def _line(self, body: str) -> str:
        return f"{self.src}->{self.dst} {type(self).__name__}{' ' + body if body else ''}"

    def __str__(self) -> str:
        return self._line("")


@frozen
class _Zxid(Packet):
    zxid: int

    def __str__(self) -> str:
        return self._line(show_zxid(self.zxid))


@frozen
class FollowerInfo(Packet):
    """FOLLOWERINFO: the learner's acceptedEpoch."""

    accepted_epoch: int

    def __str__(self) -> str:
        return self._line(f"accepted={self.accepted_epoch}")


@frozen
class LeaderInfo(Packet):
    """LEADERINFO: the epoch that the leader proposes."""

    epoch: int

    def __str__(self) -> str:
        return self._line(f"epoch={self.epoch}")


@frozen
class AckEpoch(Packet):
    """ACKEPOCH: the learner's last zxid and its currentEpoch, None (-1) if it had accepted this epoch before."""

    zxid: int
    current_epoch: int | None

    def __str__(self) -> str:
        return self._line(f"{show_zxid(self.zxid)} current={'-' if self.current_epoch is None else self.current_epoch}")


@frozen
class Diff(_Zxid):
    """DIFF: proposals follow, up to `zxid`."""


@frozen
class Trunc(_Zxid):
    """TRUNC: cut everything after `zxid`; proposals may follow."""


@frozen
class Snap(_Zxid):
    """SNAP: the tree follows, as of `zxid`."""


@frozen
class SnapshotStream(Packet):
    """The serialised tree, with the last transaction in it, up to the signature BenWasHere.

    A packet of its own: a connection can break before it.
    """

    tree: Any
    content: int


@frozen
class Proposal(Packet):
    """PROPOSAL: log this transaction."""

    txn: Transaction

    def __str__(self) -> str:
        return self._line(f"{self.txn}")


@frozen
class Commit(_Zxid):
    """COMMIT: apply the transaction."""


@frozen
class Ack(_Zxid):
    """ACK: the transaction is logged; (e,0): for NEWLEADER, and for UPTODATE."""


@frozen
class NewLeader(_Zxid):
    """NEWLEADER(e,0): the end of the initial history."""


@frozen
class UpToDate(_Zxid):
    """UPTODATE: start serving."""


@frozen
class Ping(_Zxid):
    """PING: the leader's lastProposed, or the learner's last queued zxid and the sessions that it has heard of since."""

    sessions: tuple[int, ...] = ()


@frozen
class Forward(Packet):
    """REQUEST: a learner hands a client's request to the leader (a write, or a sync)."""

    request: Request

    def __str__(self) -> str:
        return self._line(str(self.request))


@frozen
class SyncReply(Packet):
    """SYNC: everything that was outstanding when the leader saw this sync is committed."""

    request: Request

    def __str__(self) -> str:
        return self._line(str(self.request))


@frozen
class Revalidate(Packet):
    """REVALIDATE to the leader: a client has come to a learner with this session, and this timeout in ms."""

    session: int
    timeout: int


@frozen
class Revalidated(Packet):
    """REVALIDATE to the learner: whether the session lives; if so, it is this learner's now."""

    session: int
    valid: bool


@frozen
class ClientRequest:
    """A client of a bare ensemble asks a server: `cxid` and address stand for session and connection."""

    src: int
    dst: int
    cxid: int
    operation: Operation
    channel: str = "request"

    def __str__(self) -> str:
        return f"{self.src}->{self.dst} ClientRequest {self.operation}"


@frozen
class ClientResponse:
    """The answer. `outcome`: ok, fail (`error`), elsewhere (not serving: nothing was taken), unknown (connection loss)."""

    src: int
    dst: int
    cxid: int
    outcome: str
    error: str | None
    answer: Any = None
    channel: str = "request"

    def __str__(self) -> str:
        return f"{self.src}->{self.dst} ClientResponse {self.outcome} {self.error or ''}".rstrip()


QuorumPacket: TypeAlias = (
    FollowerInfo
    | LeaderInfo
    | AckEpoch
    | Diff
    | Trunc
    | Snap
    | SnapshotStream
    | Proposal
    | Commit
    | Ack
    | NewLeader
    | UpToDate
    | Ping
    | Forward
    | SyncReply
    | Revalidate
    | Revalidated
)
Message: TypeAlias = (
    Notification
    | QuorumPacket
    | ClientRequest
    | ClientResponse
    | FromClient
    | FromServer
    | ConnectionOpened
    | ConnectionClosed
)
