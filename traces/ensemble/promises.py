"""What Zab promises, in plain words, checked after every step of an ensemble in the simulated world.

The checks look at disks, memory, and what leaders tell observers (`Established`, `Committed`); they know no spec. So they find a bug
also where nothing of the spec corresponds to what a server does. The databases must be journals (`traces.zookeeper.journal`).
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from attrs import frozen

from impl.effects import Link, Send
from impl.world.record import StepRecord
from impl.world.world import World
from impl.world.zookeeper.disk import Disk
from impl.world.zookeeper.snapshot import NodeSnapshot
from impl.zookeeper.effects import ACCEPTED_EPOCH, CURRENT_EPOCH, Committed, Established, Report, TruncateTxnLog
from impl.zookeeper.machine import Transaction
from impl.zookeeper.messages import Ack, NewLeader
from impl.zookeeper.transactions import counter_of, epoch_of, show_zxid
from traces.zookeeper.journal import History, JournalTree, on_disk

INCIDENT = "no_node_dies_of_a_fatal_error"

PROMISES: Mapping[str, str] = {
    "one_leader_per_epoch": "epochs are established one after the other, each by one server",
    "no_committed_transaction_is_lost": "the initial history of an epoch begins with everything that was ever committed",
    "only_the_latest_epoch_commits": "a deposed leader commits nothing",
    "commits_follow_each_other": "in the order of zxids, without a hole in an epoch",
    "zxids_ascend_in_the_log": "in the transaction log of every server",
    "no_epoch_without_a_promise": "currentEpoch is never ahead of acceptedEpoch",
    "the_current_epoch_comes_after_the_history": "currentEpoch e on disk means that the initial history of e is there",
    "newleader_is_acknowledged_with_the_history_on_disk": "with all of the initial history of the epoch",
    "newleader_is_acknowledged_with_the_epoch_on_disk": "with currentEpoch being that epoch",
    "a_server_that_serves_has_the_initial_history_on_disk": "from UPTODATE on",
    "a_serving_server_has_a_prefix_of_what_is_committed": "in its database",
    "the_committed_log_has_no_holes": "committedLog is the tail of what was applied",
    "the_database_is_the_fold_of_the_disk": "when a server looks for a leader, its database is what its disk gives",
    "a_truncation_leaves_what_is_committed_on_a_quorum": "what TRUNC cuts and is committed is on a quorum of disks",
    "a_truncation_keeps_the_history": "what is committed up to where TRUNC cuts stays",
    "what_was_truncated_is_gone": "nothing beyond where TRUNC cuts is left in the database",
    "no_packet_is_unexpected": "each packet comes in a phase that has a use for it",
    "every_commit_finds_its_proposal": "a follower was sent every proposal that it is told to commit",
    "no_commit_is_null": "a learner that is synchronised knows what it is told to commit",
    "proposals_arrive_without_gaps": "in the synchronisation too",
    "newleader_is_acknowledged_first": "the first acknowledgement of a learner is that of NEWLEADER",
    INCIDENT: "no server stops in a state that it calls impossible",
}
"""Each check by name, and what it says."""

_REPORTS: Mapping[str, str] = {
    "unexpected packet": "no_packet_is_unexpected",
    "commit without proposal": "every_commit_finds_its_proposal",
    "null commit": "no_commit_is_null",
    "gap": "proposals_arrive_without_gaps",
    "unexpected ack": "newleader_is_acknowledged_first",
}
"""What a server logs as an error, and which check it breaks."""


@frozen
class Broken:
    """A check that failed: in which step, which, and why."""

    step: int
    name: str
    text: str

    def __str__(self) -> str:
        return f"step {self.step}: {self.text}"


class Promises:
    """An observer of a world whose servers keep journals; `findings` are what is broken, in order.

    `committed` is everything committed so far, `epochs` who established each epoch, `covered` how often each check was put to the
    test.
    """

    def __init__(self) -> None:
        self.findings: list[Broken] = []
        self.committed: History = ()
        self.epochs: dict[int, int] = {}
        self.covered: dict[str, int] = {}
        self._initial: dict[Link, History] = {}
        self._before: dict[int, NodeSnapshot] = {}

    def __call__(self, world: World, record: StepRecord) -> None:
        """Check one step of the world."""
        node = record.node
        for effect in record.effects:
            match effect:
                case Report(kind, text):
                    self._find(world, _REPORTS.get(kind, kind), text)
                case Established(epoch, JournalTree() as tree):
                    self._established(world, node, epoch, tree)
                case Committed(epoch, txn):
                    self._commit(world, epoch, txn)
                case _:
                    pass
        if node not in world.voters:
            return
        now: NodeSnapshot = world.snapshot_node(node)
        disk: Disk = world.disk(node)
        self._check_disk(world, now, disk)
        if now.status == "up":
            self._check_memory(world, record, now, disk)
        if record.incident is not None:
            self._find(world, INCIDENT, record.incident.message)
        for effect in record.effects:
            if isinstance(effect, Send) and isinstance(effect.message, NewLeader) and now.status == "up":
                to_come = [txn for txn in world.state(node).role.to_be_applied if txn not in now.tree.journal]
                self._initial[effect.message.channel] = (*now.tree.journal, *to_come)
        self._before[node] = now

    def _find(self, world: World, check: str, text: str) -> None:
        self.findings.append(Broken(world.steps - 1, check, text))

    def _check(self, world: World, holds: bool, check: str, text: str) -> None:
        self.covered[check] = self.covered.get(check, 0) + 1
        if not holds:
            self._find(world, check, text)

    # ------------------------------------------------------------------------------------------------------- the agreement

    def _established(self, world: World, node: int, epoch: int, tree: JournalTree) -> None:
        """One leader per epoch, in ascending order; its initial history has everything that was ever committed."""
        last = max(self.epochs, default=0)
        self._check(world, epoch > last, "one_leader_per_epoch", f"{node} establishes {epoch} after {self.epochs}")
        self.epochs[epoch] = node
        self._check(
            world,
            _is_prefix(self.committed, tree.journal),
            "no_committed_transaction_is_lost",
            f"leader {node} of {epoch} has {_show(tree.journal)}, committed were {_show(self.committed)}",
        )
        self.committed = tree.journal

    def _commit(self, world: World, epoch: int, txn: Transaction) -> None:
        """Only the latest epoch commits, in the order of the zxids."""
        last = max(self.epochs, default=0)
        self._check(world, epoch == last, "only_the_latest_epoch_commits", f"{txn} is committed after epoch {last}")
        before = self.committed[-1].zxid if self.committed else 0
        follows = txn.zxid == before + 1 or (epoch_of(before) < epoch and counter_of(txn.zxid) == 1)
        self._check(world, follows, "commits_follow_each_other", f"{txn} is committed after {show_zxid(before)}")
        self.committed = (*self.committed, txn)

    # --------------------------------------------------------------------------------------------------------- one server

    def _on_a_quorum(self, world: World, txn: Transaction) -> bool:
        """Whether a quorum of servers would still find the transaction after the worst power loss."""
        having = [node for node in world.voters if txn in _durable(world.disk(node), flushed=True)]
        return 2 * len(having) > len(world.voters)

    def _check_disk(self, world: World, now: NodeSnapshot, disk: Disk) -> None:
        zxids = [txn.zxid for txn in disk.log]
        ordered = all(one < other for one, other in pairwise(zxids))
        self._check(world, ordered, "zxids_ascend_in_the_log", f"log of {now.node}: {_show(disk.log)}")
        accepted, current = disk.file(ACCEPTED_EPOCH), disk.file(CURRENT_EPOCH)
        if accepted is not None and current is not None:
            self._check(world, accepted >= current, "no_epoch_without_a_promise", f"{now.node}: {current} > {accepted}")
        before = self._before.get(now.node)
        if before is not None and before.file(CURRENT_EPOCH) != current and before.role == "FOLLOWING":
            initial = self._initial.get(_link(world, now.node, before))
            if initial is not None:
                self._check(
                    world,
                    _is_prefix(initial, _durable(disk, flushed=True)),
                    "the_current_epoch_comes_after_the_history",
                    f"{now.node} has currentEpoch {current} without {_show(initial)}",
                )

    def _check_memory(self, world: World, record: StepRecord, now: NodeSnapshot, disk: Disk) -> None:
        node, journal = now.node, now.tree.journal
        before = self._before.get(node)
        ring = now.committed_log
        tail = tuple(txn.zxid for txn in journal)[len(journal) - len(ring) :]
        if now.sync is None or not now.sync.awaiting_stream:
            self._check(
                world, ring == tail, "the_committed_log_has_no_holes", f"{node}: {_zxids(ring)} of {_show(journal)}"
            )
        if now.phase == "BROADCAST":
            self._check(
                world,
                _is_prefix(journal, self.committed),
                "a_serving_server_has_a_prefix_of_what_is_committed",
                f"{node} has {_show(journal)}, committed are {_show(self.committed)}",
            )
        for effect in record.effects:
            if isinstance(effect, TruncateTxnLog):
                cut = [txn for txn in (before.log if before else ()) if txn.zxid > effect.zxid]
                lost = tuple(txn for txn in cut if txn in self.committed and not self._on_a_quorum(world, txn))
                self._check(
                    world, not lost, "a_truncation_leaves_what_is_committed_on_a_quorum", f"{node} cuts {_show(lost)}"
                )
                below = tuple(txn for txn in self.committed if txn.zxid <= effect.zxid)
                kept = all(txn in journal for txn in below)
                self._check(
                    world, kept, "a_truncation_keeps_the_history", f"{node} has {_show(journal)} of {_show(below)}"
                )
                gone = all(txn.zxid <= effect.zxid for txn in journal)
                self._check(
                    world, gone, "what_was_truncated_is_gone", f"{node}: {_show(journal)} > {show_zxid(effect.zxid)}"
                )
        if before is None or before.status != "up":
            return
        if before.role != "LOOKING" and now.role == "LOOKING":
            self._check(
                world,
                journal == _durable(disk, flushed=False),
                "the_database_is_the_fold_of_the_disk",
                f"{node} has {_show(journal)}, its disk {_show(_durable(disk, flushed=False))}",
            )
        if before.phase == "SYNCHRONIZATION" and now.role == "FOLLOWING":
            self._check_synchronised(world, record, now, disk)

    def _check_synchronised(self, world: World, record: StepRecord, now: NodeSnapshot, disk: Disk) -> None:
        node = now.node
        link = world.state(node).role.link
        initial = self._initial.get(link)
        acked = [
            effect.message.zxid
            for effect in record.effects
            if isinstance(effect, Send) and isinstance(effect.message, Ack) and counter_of(effect.message.zxid) == 0
        ]
        if initial is None or not acked:
            return
        epoch = epoch_of(acked[0])
        durable = _is_prefix(initial, _durable(disk, flushed=True))
        lacks = f"{node} in epoch {epoch} lacks of {_show(initial)}, its disk has {_show(disk.log[: disk.flushed])}"
        if now.phase == "BROADCAST":
            self._check(world, durable, "a_server_that_serves_has_the_initial_history_on_disk", lacks)
        else:
            self._check(world, durable, "newleader_is_acknowledged_with_the_history_on_disk", lacks)
            self._check(
                world,
                disk.file(CURRENT_EPOCH) == epoch,
                "newleader_is_acknowledged_with_the_epoch_on_disk",
                f"{node} acknowledges {epoch}, its currentEpoch is {disk.file(CURRENT_EPOCH)}",
            )


def _is_prefix(one: History, other: History) -> bool:
    """Whether `other` begins with `one`."""
    return other[: len(one)] == one


def _durable(disk: Disk, *, flushed: bool) -> History:
    """The history that a server finds when it starts from this disk; `flushed`: after the worst power loss."""
    return on_disk(disk.snapshots, disk.log[: disk.flushed] if flushed else disk.log)


def _link(world: World, node: int, before: NodeSnapshot) -> Any:
    """The connection on which a server that follows, or did before this step, follows."""
    state = world.state(node)
    return getattr(state.role, "link", None) if state is not None else None


def _show(history: tuple[Any, ...]) -> str:
    shown = " ".join(show_zxid(txn.zxid) for txn in history[-6:]) or "nothing"
    return shown if len(history) <= 6 else f"{len(history)} ending in {shown}"


def _zxids(zxids: tuple[int, ...]) -> str:
    return " ".join(map(show_zxid, zxids)) or "nothing"
