"""The state of the spec that an ensemble stands for, cell by cell (`abstraction.py` has the table)."""

from typing import Any

from attrs import define, field

from impl.effects import Link as Connection
from impl.world.connections import ConnectionNetwork
from impl.world.world import World
from impl.zookeeper import messages as wire
from impl.zookeeper.machine import Request
from impl.zookeeper.state import (
    BROADCAST,
    NEW_LEADER,
    SERVING,
    WAIT_STARTUP,
    Following,
    Handler,
    Leading,
    NodeState,
    Sync,
)
from impl.zookeeper.state import SYNCHRONIZATION as SYNCHRONISES
from impl.zookeeper.transactions import counter_of, epoch_of
from model.zookeeper.zab.state import Kind, Link, Packet, Phase, Role, Synced, SyncMode, Txn
from traces.zookeeper.abstraction import FIRST, PAIRS, VARIABLES, AtMost, EndsWith, Names, OneOf, Part, Unseen
from traces.zookeeper.journal import JournalTree, extended, on_disk

_MODES = {"DIFF": SyncMode.DIFF, "TRUNC": SyncMode.TRUNC, "SNAP": SyncMode.SNAP, "NONE": SyncMode.NONE}
_SYNCED = {NEW_LEADER: Link.SYNCED, WAIT_STARTUP: Link.ACKED, SERVING: Link.ACKED}
_HEADS = (wire.Diff, wire.Trunc, wire.Snap)

Journal = tuple[Any, ...]


@define
class _Row:
    """The variables of one server."""

    accepted_epoch: Any
    current_epoch: Any
    log: tuple[Txn, ...]
    flushed: Any
    role: Any = Role.LOOKING
    phase: Any = Phase.ELECTION
    leader: Any = None
    db: Any = ()
    committed_log: Any = ()
    sync_mode: Any = SyncMode.NONE
    queue: Any = ()
    queue_committed: Any = 0


@define
class View:
    """One look at a world."""

    world: World
    names: Names
    links: dict[tuple[int, int], Any] = field(factory=dict)
    acked: dict[tuple[int, int], int] = field(factory=dict)
    channels: dict[tuple[int, int], tuple[Packet, ...]] = field(factory=dict)
    streams: dict[tuple[int, int], tuple[Synced, ...]] = field(factory=dict)

    def part(self) -> Part:
        """The variables of the spec."""
        voters = self.world.voters
        rows = [self._row(node) for node in voters]
        found: Part = {name: tuple(getattr(row, name) for row in rows) for name in VARIABLES if name not in PAIRS}
        pairs = [(a, b) for a in voters for b in voters]
        found["link"] = tuple(self.links.get(pair, Link.NONE) for pair in pairs)
        found["acked"] = tuple(self.acked.get(pair, 0) for pair in pairs)
        found["channel"] = tuple(self.channels.get(pair, ()) for pair in pairs)
        found["stream"] = tuple(self.streams.get(pair, ()) for pair in pairs)
        return found

    # ------------------------------------------------------------------------------------------------------------- servers

    def _row(self, node: int) -> _Row:
        disk, state = self.world.disk(node), self.world.state(node)
        flushed = len(self.names.before) + len(on_disk(disk.snapshots, disk.log[: disk.flushed]))
        if state is None:
            return self._down(node, flushed)
        waiting = state.sync_queue
        log = self.names.history(extended(on_disk(state.snapshots, state.log), waiting))
        row = _Row(
            AtMost(self.names.promised(state.accepted_epoch)),
            self.names.epoch(state.current_epoch),
            log,
            AtMost(flushed),
        )
        row.db, row.committed_log = self._database(state)
        match state.role:
            case Leading(election_finished=True):
                self._leads(row, node, state, state.role)
            case Following():
                self._follows(row, node, state.role)
            case _:
                pass
        return row

    def _down(self, node: int, flushed: int) -> _Row:
        """A server that is down stands where it would be after its start."""
        found = self.world.snapshot_node(node)
        disk = self.world.disk(node)
        log = self.names.history(on_disk(disk.snapshots, disk.log))
        starts = found.role is not None
        accepted = found.accepted_epoch if starts else disk.file("acceptedEpoch")
        current = found.current_epoch if starts else disk.file("currentEpoch")
        row = _Row(AtMost(self.names.promised(accepted or 0)), self.names.epoch(current or 0), log, AtMost(flushed))
        row.role = Role.LOOKING if starts else Role.REFUSING
        row.db, row.committed_log = log, Unseen(log)
        return row

    def _database(self, state: NodeState) -> tuple[tuple[Txn, ...], EndsWith]:
        tree = state.database.tree
        assert isinstance(tree, JournalTree)
        committed = [item for item in state.commit_queue if not isinstance(item, Request)]
        db = self.names.history(extended(tree.journal, committed))
        return db, EndsWith(self.names.some((*state.database.committed, *committed)))

    def _leads(self, row: _Row, node: int, state: NodeState, role: Leading) -> None:
        row.accepted_epoch = self.names.epoch(role.proposed_epoch)
        row.role, row.leader = Role.LEADING, node - 1
        row.phase = Phase.BROADCAST if role.phase == BROADCAST else Phase.SYNCHRONIZATION
        row.queue = self.names.some([proposed.txn for proposed in role.outstanding])
        for place, proposed in enumerate(role.outstanding, start=len(row.db) + 1):
            for sid in proposed.acks:
                self.acked[node, sid] = place
        network = self._network()
        for handler in role.handlers:
            if network.is_open(handler.link):
                self._connection(node, handler, row.db)

    def _network(self) -> ConnectionNetwork:
        network = self.world.network
        assert isinstance(network, ConnectionNetwork)
        return network

    # --------------------------------------------------------------------------------------------------------- connections

    def _connection(self, leader: int, handler: Handler, db: tuple[Txn, ...]) -> None:
        learner, network = handler.sid, self._network()
        if handler.phase not in _SYNCED:
            self.links[leader, learner] = OneOf((Link.NONE, Link.CONNECTED))
            return
        self.links[leader, learner] = _SYNCED[handler.phase]
        packets = list(network.waiting(handler.link, learner))
        sent: list[Packet] = []
        if packets and isinstance(packets[0], _HEADS):
            sent.append(self._head(packets[0], db))
            self.streams[leader, learner] = self._stream(_before_newleader(packets))
        sent += [packet for item in packets[_newleader(packets) :] for packet in self._to_learner(item)]
        self.channels[leader, learner] = tuple(sent)
        back = (*handler.buffer, *network.waiting(handler.link, leader))
        self.channels[learner, leader] = tuple(
            self.names.packet(Kind.ACK, item.zxid)
            for item in back
            if isinstance(item, wire.Ack) and (counter_of(item.zxid) or handler.phase == NEW_LEADER)
        )

    def _head(self, head: Any, db: tuple[Txn, ...]) -> Packet:
        """A TRUNC to the zxid (e, 0) of an epoch is one to the last transaction before it."""
        if isinstance(head, wire.Trunc):
            end = (self.names.promised(epoch_of(head.zxid)), counter_of(head.zxid))
            target = [FIRST, *(txn for txn in db if _zxid(txn) <= end)][-1]
            return _packet(Kind.TRUNC, *_zxid(target))
        return _packet(Kind.SNAP if isinstance(head, wire.Snap) else Kind.DIFF, 0, 0)

    def _stream(self, packets: list[Any]) -> tuple[Synced, ...]:
        """What comes with the head, up to NEWLEADER."""
        elements: list[Synced] = []
        for place, item in enumerate(packets):
            match item:
                case wire.SnapshotStream(tree=tree):
                    elements += [_synced(txn, committed=True) for txn in self.names.history(tree.journal)]
                case wire.Proposal(txn=txn):
                    following = packets[place + 1] if place + 1 < len(packets) else None
                    committed = isinstance(following, wire.Commit) and following.zxid == txn.zxid
                    elements.append(_synced(self.names.txn(txn), committed=committed))
                case _:
                    pass
        return tuple(elements)

    def _to_learner(self, item: Any) -> list[Packet]:
        match item:
            case wire.NewLeader(zxid=zxid):
                return [self.names.packet(Kind.NEWLEADER, zxid)]
            case wire.UpToDate(zxid=zxid):
                return [self.names.packet(Kind.UPTODATE, zxid)]
            case wire.Commit(zxid=zxid):
                return [self.names.packet(Kind.COMMIT, zxid)]
            case wire.Proposal(txn=txn):
                return [self.names.packet(Kind.PROPOSAL, txn.zxid, self.names.txn(txn).request)]
            case _:
                return []

    # ------------------------------------------------------------------------------------------------------------ learners

    def _follows(self, row: _Row, node: int, role: Following) -> None:
        sync = role.sync
        if role.phase not in (SYNCHRONISES, BROADCAST):
            self._before_sync(row, node, role)
            return
        row.role, row.leader = Role.FOLLOWING, role.leader - 1
        row.accepted_epoch = self.names.epoch(role.new_epoch)
        if sync is None:
            row.phase = Phase.BROADCAST
            row.queue = self.names.some(role.pending_txns)
            return
        row.sync_mode = _MODES[sync.mode]
        row.queue = self.names.some((*role.pending_txns, *sync.not_logged))
        row.queue_committed = len(sync.committed)
        if sync.to_ack:
            self._all_logged(row, sync)
        if sync.mode == "NONE":
            row.phase = Phase.READY if sync.ack_due is None else Phase.ADOPTING
            if sync.ack_due is not None:
                row.current_epoch, row.sync_mode = AtMost(row.current_epoch), Unseen(row.sync_mode)
            return
        row.phase = Phase.SYNCHRONIZATION
        self._rest_of_sync(row, node, role.link, in_memory=not sync.write_to_log)

    def _all_logged(self, row: _Row, sync: Sync) -> None:
        """Order V3: what was logged on NEWLEADER has left packetsNotLogged, and what is committed of it is as good as applied."""
        logged = len(sync.to_ack)
        applied = tuple(txn for txn, zxid in zip(row.queue, sync.to_ack, strict=False) if zxid in sync.committed)
        row.queue, row.queue_committed = row.queue[logged:], len(sync.committed) - len(applied)
        row.db, row.committed_log = (*row.db, *applied), EndsWith((*row.committed_log.end, *applied))

    def _before_sync(self, row: _Row, node: int, role: Following) -> None:
        """A learner whose leader has not synchronised it: it may have joined, and it has if its synchronisation is on its way."""
        waiting = self._network().waiting(role.link, node)
        if any(isinstance(item, _HEADS) for item in waiting):
            row.role, row.phase, row.leader = Role.FOLLOWING, Phase.CONNECTED, role.leader - 1
            row.accepted_epoch = self.names.epoch(role.new_epoch)
        else:
            row.role = OneOf((Role.LOOKING, Role.FOLLOWING))
            row.phase = OneOf((Phase.ELECTION, Phase.CONNECTED))
            row.leader = OneOf((None, role.leader - 1))

    def _rest_of_sync(self, row: _Row, node: int, link: Connection, *, in_memory: bool) -> None:
        """Count what is still to come of the synchronisation as read; what was lost with the connection cannot be seen."""
        network = self._network()
        if not network.is_open(link):
            row.db, row.committed_log = Unseen(row.db), Unseen(row.committed_log.end)
            row.queue, row.queue_committed = Unseen(row.queue), Unseen(row.queue_committed)
            return
        queue, db, noted = list(row.queue), list(row.db), row.queue_committed
        ring = list(row.committed_log.end)
        for item in _before_newleader(list(network.waiting(link, node))):
            match item:
                case wire.SnapshotStream(tree=tree):
                    db = list(self.names.history(tree.journal))
                case wire.Proposal(txn=txn):
                    queue.append(self.names.txn(txn))
                case wire.Commit() if in_memory and queue:
                    ring.append(queue[0])
                    db.append(queue.pop(0))
                case wire.Commit():
                    noted += 1
                case _:
                    pass
        row.queue, row.queue_committed, row.db = tuple(queue), noted, tuple(db)
        row.committed_log = EndsWith(tuple(ring))


def _newleader(packets: list[Any]) -> int:
    """Where NEWLEADER is; 0 if it is not on its way: then all that is comes after it."""
    return next((place for place, item in enumerate(packets) if isinstance(item, wire.NewLeader)), 0)


def _before_newleader(packets: list[Any]) -> list[Any]:
    """What is on its way before NEWLEADER: the synchronisation."""
    return packets[: _newleader(packets)]


def _synced(txn: Txn, *, committed: bool) -> Synced:
    made: Synced = Synced(epoch=txn.epoch, counter=txn.counter, request=txn.request, committed=committed)
    return made


def _zxid(txn: Any) -> tuple[int, int]:
    return txn.epoch, txn.counter


def _packet(kind: Kind, epoch: int, counter: int) -> Packet:
    made: Packet = Packet(kind=kind, epoch=epoch, counter=counter, request=0)
    return made
