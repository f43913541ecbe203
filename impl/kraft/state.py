"""What a node knows: its static configuration, its role, and the volatile rest.

Sources: QuorumState and its state classes.
"""

from typing import TypeAlias

from attrs import field, frozen

from impl.effects import ElectionState
from impl.kraft.log import Log
from impl.kraft.messages import FetchRequest, FetchResponse, QuorumRequest
from impl.kraft.metadata import Metadata
from impl.kraft.records import Payload
from impl.kraft.rules import Rules


@frozen
class Timings:
    """Timeouts in microseconds, with Kafka's defaults (controller.quorum.*; KafkaRaftClient.MAX_FETCH_WAIT_MS).

    `linger` is 0 where Kafka has 25 ms, as in Kafka's own simulation: it would only delay every drain.
    """

    election: int = 1_000_000
    election_backoff_step: int = 100_000
    election_backoff_max: int = 1_000_000
    fetch: int = 2_000_000
    fetch_wait: int = 500_000
    request: int = 2_000_000
    linger: int = 0


@frozen
class Config:
    """What does not change while a node lives: its id, the voters (static, ascending), its timings and rules."""

    node_id: int
    voters: tuple[int, ...]
    timings: Timings = Timings()
    rules: Rules = Rules()
    others: tuple[int, ...] = field(init=False)

    def __attrs_post_init__(self) -> None:
        if list(self.voters) != sorted(set(self.voters)):
            raise ValueError(f"voters must be distinct and ascending, found {self.voters}")
        if self.node_id not in self.voters:
            raise ValueError(f"node {self.node_id} is not one of the voters {self.voters}; observers are not modelled")
        object.__setattr__(self, "others", tuple(voter for voter in self.voters if voter != self.node_id))

    @property
    def majority(self) -> int:
        """How many voters make a majority: n / 2 + 1."""
        return len(self.voters) // 2 + 1


# -------------------------------------------------------------------------------------------------------------------- roles


@frozen
class Unattached:
    """Knows the epoch, fetches from nobody. With `voted_id` it is the state that Kafka used to call Voted.

    `leader_id` is known only after a restart whose disk named a leader that cannot be reached by address; with static
    voters every leader can be, so it is always None here (deviation: the rule that looks at it is kept).
    """

    epoch: int
    voted_id: int | None = None
    leader_id: int | None = None


@frozen
class Candidate:
    """Asks for votes.

    `granted` and `rejected` are the voters that answered, in ascending order; itself is in `granted`.

    `retries` counts the candidacies in a row; `backing_off` that it waits for the next; `election_expired` that its
    election timer has run out (a following Unattached inherits what remains of it: nothing).
    """

    epoch: int
    granted: tuple[int, ...]
    rejected: tuple[int, ...] = ()
    retries: int = 1
    backing_off: bool = False
    election_expired: bool = False


@frozen
class Pending:
    """A record in the accumulator, and the client request to answer once it is committed (None: a control record)."""

    payload: Payload
    client: int | None = None
    correlation_id: int = 0


@frozen
class Leader:
    """Leads the epoch.

    `end_offsets` has one (voter, end offset or None for unknown) per voter, in the order of the voters.

    Its own end offset is that of the last drain. `accumulator` holds what was not yet drained to the log.
    `acknowledged` are the voters that answered a BeginQuorumEpoch (diagnostic only, as in Kafka).
    """

    epoch: int
    epoch_start_offset: int
    granting_voters: tuple[int, ...]
    end_offsets: tuple[tuple[int, int | None], ...]
    accumulator: tuple[Pending, ...] = ()
    acknowledged: tuple[int, ...] = ()


@frozen
class Follower:
    """Fetches from the leader of the epoch."""

    epoch: int
    leader_id: int


@frozen
class Resigned:
    """Led this epoch before it restarted; never again in this epoch. It still names itself the leader."""

    epoch: int


Role: TypeAlias = Unattached | Candidate | Leader | Follower | Resigned


# ------------------------------------------------------------------------------------------------------------- the node state


@frozen
class Outstanding:
    """The one request in flight on the connection to `peer`."""

    peer: int
    request: QuorumRequest


@frozen
class Parked:
    """A Fetch waiting in the purgatory for the log to grow, and the empty response that its expiry returns."""

    request: FetchRequest
    response: FetchResponse


@frozen
class Waiting:
    """A client request whose record was appended at `offset`, to be answered when that is committed."""

    offset: int
    client: int
    correlation_id: int


@frozen
class NodeState:
    """The whole state of a node. `high_watermark` is None while unknown; `applied` is the next offset to deliver."""

    config: Config
    role: Role
    log: Log
    next_correlation_id: int
    high_watermark: int | None = None
    outstanding: tuple[Outstanding, ...] = ()
    parked: tuple[Parked, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    applied: int = 0
    metadata: Metadata = Metadata()

    @property
    def leader_id(self) -> int | None:
        """The leader this node would name in a response. A Resigned node still names itself (ResignedState.election)."""
        return self.election.leader_id

    @property
    def election(self) -> ElectionState:
        """What this role says to the disk: leader or vote, never both. EpochState.election."""
        match self.role:
            case Unattached(epoch, voted_id, leader_id):
                return ElectionState(epoch, leader_id, voted_id)
            case Candidate(epoch=epoch):
                return ElectionState(epoch, voted_id=self.config.node_id)
            case Follower(epoch, leader_id):
                return ElectionState(epoch, leader_id)
            case Leader(epoch=epoch) | Resigned(epoch=epoch):
                return ElectionState(epoch, self.config.node_id)


def role_name(role: Role) -> str:
    """The role's name; an Unattached node that has voted is called Voted."""
    if isinstance(role, Unattached) and role.voted_id is not None:
        return "Voted"
    return type(role).__name__
