"""The messages of the slice: Vote, BeginQuorumEpoch and Fetch, and a client's request to the active controller.

Fields are Kafka's (KIP-595, schema files VoteRequest.json, ...), less what the slice does not use: cluster id, topic,
partition, endpoints, directory ids, snapshot ids, log start offset. The candidate's or replica's id is `src`. Every
response carries the responder's epoch and the leader it knows.
"""

from enum import Enum
from typing import TypeAlias

from attrs import frozen

from impl.effects import Entry
from impl.kraft.log import OffsetAndEpoch
from impl.operations import Operation


class Error(Enum):
    """The error codes of the slice, with Kafka's names (org.apache.kafka.common.protocol.Errors)."""

    NONE = "NONE"
    NOT_LEADER_OR_FOLLOWER = "NOT_LEADER_OR_FOLLOWER"
    NOT_CONTROLLER = "NOT_CONTROLLER"
    INVALID_REQUEST = "INVALID_REQUEST"
    FENCED_LEADER_EPOCH = "FENCED_LEADER_EPOCH"
    UNKNOWN_LEADER_EPOCH = "UNKNOWN_LEADER_EPOCH"
    NEW_LEADER_ELECTED = "NEW_LEADER_ELECTED"
    TOPIC_ALREADY_EXISTS = "TOPIC_ALREADY_EXISTS"
    UNKNOWN_TOPIC_OR_PARTITION = "UNKNOWN_TOPIC_OR_PARTITION"
    INVALID_UPDATE_VERSION = "INVALID_UPDATE_VERSION"


def _or_dash(value: int | None) -> str:
    return "-" if value is None else str(value)


@frozen
class VoteRequest:
    """A candidate asks a voter for its vote in `epoch`; `end` is the end of the candidate's log."""

    src: int
    dst: int
    correlation_id: int
    epoch: int
    end: OffsetAndEpoch

    def __str__(self) -> str:
        return f"{self.src}->{self.dst} VoteRequest epoch={self.epoch} end={self.end}"


@frozen
class VoteResponse:
    """The answer to a VoteRequest. `epoch` and `leader_id` are the responder's own."""

    src: int
    dst: int
    correlation_id: int
    error: Error
    leader_id: int | None
    epoch: int
    granted: bool

    def __str__(self) -> str:
        return (
            f"{self.src}->{self.dst} VoteResponse epoch={self.epoch} granted={'yes' if self.granted else 'no'} "
            f"leader={_or_dash(self.leader_id)} {self.error.value}"
        )


@frozen
class BeginQuorumEpochRequest:
    """A leader announces itself, on election and then as a heartbeat to the voters."""

    src: int
    dst: int
    correlation_id: int
    leader_id: int
    epoch: int

    def __str__(self) -> str:
        return f"{self.src}->{self.dst} BeginQuorumEpochRequest epoch={self.epoch} leader={self.leader_id}"


@frozen
class BeginQuorumEpochResponse:
    """The answer to a BeginQuorumEpochRequest. `epoch` and `leader_id` are the responder's own."""

    src: int
    dst: int
    correlation_id: int
    error: Error
    leader_id: int | None
    epoch: int

    def __str__(self) -> str:
        return (
            f"{self.src}->{self.dst} BeginQuorumEpochResponse epoch={self.epoch} "
            f"leader={_or_dash(self.leader_id)} {self.error.value}"
        )


@frozen
class FetchRequest:
    """A follower asks the leader of `epoch` for records; `end` is the end of its log and its acknowledgement.

    `end.offset` is Kafka's FetchOffset, `end.epoch` its LastFetchedEpoch, `epoch` its CurrentLeaderEpoch. MaxWaitMs is
    the configured constant of `Timings.fetch_wait`.
    """

    src: int
    dst: int
    correlation_id: int
    epoch: int
    end: OffsetAndEpoch

    def __str__(self) -> str:
        return f"{self.src}->{self.dst} FetchRequest epoch={self.epoch} end={self.end}"


@frozen
class FetchResponse:
    """The answer to a FetchRequest: records from `base_offset` on, or the point of divergence, or an error.

    `high_watermark` is the responder's, None for unknown (-1 on the wire). `diverging` excludes `records`.
    """

    src: int
    dst: int
    correlation_id: int
    error: Error
    leader_id: int | None
    epoch: int
    high_watermark: int | None
    base_offset: int = 0
    records: tuple[Entry, ...] = ()
    diverging: OffsetAndEpoch | None = None

    def __str__(self) -> str:
        body = f"diverging={self.diverging}" if self.diverging else f"records={len(self.records)}@{self.base_offset}"
        return (
            f"{self.src}->{self.dst} FetchResponse epoch={self.epoch} hw={_or_dash(self.high_watermark)} {body} "
            f"leader={_or_dash(self.leader_id)} {self.error.value}"
        )


@frozen
class ClientRequest:
    """A client asks a node, which it takes for the active controller, for an operation on the metadata."""

    src: int
    dst: int
    correlation_id: int
    operation: Operation

    def __str__(self) -> str:
        return f"{self.src}->{self.dst} ClientRequest {self.operation}"


@frozen
class ClientResponse:
    """The answer to a client. `version` is the version after a write, and with `exists` and `value` what a read found.

    NOT_CONTROLLER: the operation was not and will not be appended. NEW_LEADER_ELECTED: it was taken, then leadership
    was lost; its outcome is unknown. (Deviation: Kafka's controller answers NOT_CONTROLLER in both cases.)
    """

    src: int
    dst: int
    correlation_id: int
    error: Error
    leader_id: int | None = None
    exists: bool = False
    version: int = 0
    value: int | str | None = None

    def __str__(self) -> str:
        return f"{self.src}->{self.dst} ClientResponse {self.error.value} version={self.version} value={self.value}"


QuorumRequest: TypeAlias = VoteRequest | BeginQuorumEpochRequest | FetchRequest
QuorumResponse: TypeAlias = VoteResponse | BeginQuorumEpochResponse | FetchResponse
ClientMessage: TypeAlias = ClientRequest | ClientResponse
Message: TypeAlias = QuorumRequest | QuorumResponse | ClientMessage
