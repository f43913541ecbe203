"""The observable state of one voter."""

from typing import Any

from attrs import fields, frozen

from impl.effects import ElectionState, Entry
from impl.kraft.records import Command, LeaderChange, payload_to_json
from impl.kraft.state import Candidate, Leader, NodeState, role_name
from impl.world.kraft.disk import Disk


@frozen
class NodeSnapshot:
    """One node. Of a node that is down, the disk, and for the rest the state to which it would recover.

    `status` is "up", "paused" or "down". `election`, `log` and `flushed` (a number of records) are on disk; everything
    after them is in memory. `role` is Unattached, Voted, Candidate, Leader, Follower or Resigned. `log_end` is (offset,
    epoch), the epoch from the epoch cache, so that it may be one which has no record yet. `high_watermark` is None
    while unknown; `epoch_start` and `replica_end_offsets` (voter, end offset or None) only a leader has; `granted` and
    `rejected` only a candidate. `accumulator` has the payloads not drained yet; `outstanding` (peer, request) what
    awaits a response; `parked` the fetches in the purgatory; `timers` the names of those armed; `applied` is the next
    offset for the state machine.
    """

    node: int
    status: str
    election: ElectionState | None
    log: tuple[Entry, ...]
    flushed: int
    role: str
    epoch: int
    leader_id: int | None
    voted_id: int | None
    granted: tuple[int, ...]
    rejected: tuple[int, ...]
    backing_off: bool
    log_end: tuple[int, int]
    epoch_start: int | None
    high_watermark: int | None
    replica_end_offsets: tuple[tuple[int, int | None], ...]
    accumulator: tuple[object, ...]
    outstanding: tuple[tuple[int, str], ...]
    parked: tuple[str, ...]
    timers: tuple[str, ...]
    applied: int


def snapshot_of(node: int, status: str, disk: Disk, state: NodeState, timers: tuple[str, ...]) -> NodeSnapshot:
    """The snapshot of one node from its disk and its state in memory."""
    role = state.role
    leader = role if isinstance(role, Leader) else None
    candidate = role if isinstance(role, Candidate) else None
    end = state.log.end
    return NodeSnapshot(
        node=node,
        status=status,
        election=disk.election,
        log=disk.entries,
        flushed=disk.flushed,
        role=role_name(role),
        epoch=role.epoch,
        leader_id=state.election.leader_id,
        voted_id=state.election.voted_id,
        granted=candidate.granted if candidate else (),
        rejected=candidate.rejected if candidate else (),
        backing_off=candidate.backing_off if candidate else False,
        log_end=(end.offset, end.epoch),
        epoch_start=leader.epoch_start_offset if leader else None,
        high_watermark=state.high_watermark,
        replica_end_offsets=leader.end_offsets if leader else (),
        accumulator=tuple(pending.payload for pending in leader.accumulator) if leader else (),
        outstanding=tuple((item.peer, str(item.request)) for item in state.outstanding),
        parked=tuple(str(parked.request) for parked in state.parked),
        timers=timers,
        applied=state.applied,
    )


def plain(value: object) -> Any:
    """Payloads, entries, election states and node snapshots as plain JSON data; anything else as it is."""
    match value:
        case Entry(epoch, payload):
            return {"epoch": epoch, "payload": payload_to_json(payload)}
        case LeaderChange() | Command():
            return payload_to_json(value)
        case tuple():
            return [plain(item) for item in value]
        case ElectionState() | NodeSnapshot():
            return {name: plain(getattr(value, name)) for name in _FIELDS[type(value)]}
        case _:
            return value


_FIELDS: dict[type, tuple[str, ...]] = {
    cls: tuple(attribute.name for attribute in fields(cls)) for cls in (ElectionState, NodeSnapshot)
}
