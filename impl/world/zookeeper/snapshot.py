"""The observable state of one server."""

from typing import Any

from attrs import asdict, frozen

from impl.world.zookeeper.disk import Disk
from impl.zookeeper.database import Snapshot
from impl.zookeeper.machine import Machine, Transaction
from impl.zookeeper.messages import Vote
from impl.zookeeper.state import Following, Leading, Looking, NodeState, Sync


@frozen
class LeaderView:
    """What only a leader knows: see `impl.zookeeper.state.Leading`. `learners` are (sid, phase of its handler)."""

    proposed_epoch: int
    connecting: tuple[int, ...]
    electing: tuple[int, ...]
    new_leader_acks: tuple[int, ...]
    learners: tuple[tuple[int, str], ...]
    outstanding: tuple[tuple[int, tuple[int, ...]], ...]
    to_be_applied: tuple[int, ...]
    last_proposed: int
    last_committed: int


@frozen
class NodeSnapshot:
    """One server. Of one that is down, the disk, and for the rest the state to which it would recover.

    `role` is LOOKING, FOLLOWING or LEADING, or None for a server that could not start: then everything but the disk is
    None or empty. `files`, `log`, `flushed` and `snapshots` are on disk; everything after them is in memory. `phase` is of
    the role (CONNECTING, DISCOVERY, SYNCHRONIZATION, BROADCAST; None while LOOKING). `tree` is that of the database.
    """

    node: int
    status: str
    files: tuple[tuple[str, int], ...]
    log: tuple[Transaction, ...]
    flushed: int
    snapshots: tuple[Snapshot, ...]
    role: str | None
    phase: str | None
    accepted_epoch: int | None
    current_epoch: int | None
    clock: int
    vote: Vote | None
    finalizing: bool
    leader: int | None
    last_processed: int
    tree: Any
    committed_log: tuple[int, ...]
    sync: Sync | None
    pending_txns: tuple[int, ...]
    leading: LeaderView | None
    sync_queue: tuple[int, ...]
    commit_queue: tuple[str, ...]
    unanswered: tuple[str, ...]
    timers: tuple[str, ...]

    def file(self, name: str) -> int | None:
        """The number in a file on disk; None when there is none."""
        return dict(self.files).get(name)


def snapshot_of(node: int, status: str, disk: Disk, state: NodeState | None, timers: tuple[str, ...]) -> NodeSnapshot:
    """The snapshot of one server from its disk and its state in memory."""
    role = None if state is None else state.role
    following = role if isinstance(role, Following) else None
    leading = role if isinstance(role, Leading) else None
    looking = role if isinstance(role, Looking) else None
    phase = following.phase if following else leading.phase if leading else None
    vote = looking.proposed if looking else state.vote if state else None
    return NodeSnapshot(
        node=node,
        status=status,
        files=disk.files,
        log=disk.log,
        flushed=disk.flushed,
        snapshots=disk.snapshots,
        role=state.name if state else None,
        phase=phase,
        accepted_epoch=state.accepted_epoch if state else None,
        current_epoch=state.current_epoch if state else None,
        clock=state.clock if state else 0,
        vote=vote,
        finalizing=looking.finalizing if looking else False,
        leader=following.leader if following else node if leading else None,
        last_processed=state.database.last_processed if state else 0,
        tree=state.database.tree if state else None,
        committed_log=tuple(txn.zxid for txn in state.database.committed) if state else (),
        sync=following.sync if following else None,
        pending_txns=tuple(txn.zxid for txn in following.pending_txns) if following else (),
        leading=_leader_view(leading) if leading else None,
        sync_queue=tuple(txn.zxid for txn in state.sync_queue) if state else (),
        commit_queue=tuple(str(item) for item in state.commit_queue) if state else (),
        unanswered=tuple(str(item) for item in state.unanswered) if state else (),
        timers=timers,
    )


def _leader_view(role: Leading) -> LeaderView:
    return LeaderView(
        role.proposed_epoch,
        role.connecting,
        role.electing,
        role.new_leader_acks,
        tuple((handler.sid, handler.phase) for handler in role.handlers),
        tuple((proposed.txn.zxid, proposed.acks) for proposed in role.outstanding),
        tuple(txn.zxid for txn in role.to_be_applied),
        role.last_proposed,
        role.last_committed,
    )


def plain(snapshot: NodeSnapshot, machine: Machine) -> dict[str, Any]:
    """A snapshot as plain JSON data; transactions as their text, trees as the machine says."""
    data = {name: getattr(snapshot, name) for name in _SIMPLE}
    data["files"] = [list(item) for item in snapshot.files]
    data["log"] = [str(txn) for txn in snapshot.log]
    data["snapshots"] = [[item.zxid, machine.plain(item.tree)] for item in snapshot.snapshots]
    data["tree"] = None if snapshot.tree is None else machine.plain(snapshot.tree)
    data["vote"] = None if snapshot.vote is None else str(snapshot.vote)
    data["sync"] = None if snapshot.sync is None else str(snapshot.sync)
    data["leading"] = None if snapshot.leading is None else asdict(snapshot.leading)
    return data


_SIMPLE = (
    "node",
    "status",
    "flushed",
    "role",
    "phase",
    "accepted_epoch",
    "current_epoch",
    "clock",
    "finalizing",
    "leader",
    "last_processed",
    "committed_log",
    "pending_txns",
    "sync_queue",
    "commit_queue",
    "unanswered",
    "timers",
)
