"""What the tests of the ensemble share: a state machine that keeps its history, and a watch over a running world."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from attrs import evolve, frozen

from impl.effects import Link, Send
from impl.operations import Operation
from impl.world.config import WorldConfig
from impl.world.faults import NEVER, Episodes, FaultPlan
from impl.world.record import StepRecord
from impl.world.simulator import SimulationConfig, Simulator
from impl.world.workload import Workload
from impl.world.world import World
from impl.world.zookeeper.disk import Disk
from impl.world.zookeeper.snapshot import NodeSnapshot
from impl.zookeeper.database import load
from impl.zookeeper.effects import ACCEPTED_EPOCH, CURRENT_EPOCH, Committed, Established, Report, TruncateTxnLog
from impl.zookeeper.machine import Outcome, Request
from impl.zookeeper.messages import Ack, NewLeader
from impl.zookeeper.state import Settings
from impl.zookeeper.transactions import counter_of, epoch_of, show_zxid
from tests.impl.registers import Registers, Write

MS = 1_000

LIVELY = evolve(
    FaultPlan(),
    delay_max=5 * MS,
    reset=0.02,
    crash=Episodes(every=600 * MS, at_most=10_000, shortest=MS, longest=800 * MS),
    pause=Episodes(every=3_000 * MS, at_most=1_000, shortest=10 * MS, longest=2_000 * MS),
    symmetric=Episodes(every=1_500 * MS, at_most=1_000, shortest=300 * MS, longest=2_500 * MS),
    asymmetric=Episodes(every=1_500 * MS, at_most=1_000, shortest=300 * MS, longest=2_500 * MS),
    flapping=Episodes(every=6_000 * MS, at_most=1_000, shortest=300 * MS, longest=2_500 * MS),
)
"""Quick messages, and something always going wrong."""

RESETS = evolve(
    LIVELY,
    reset=0.08,
    crash=Episodes(every=2_000 * MS, at_most=10_000, shortest=MS, longest=800 * MS),
    pause=NEVER,
    symmetric=NEVER,
    asymmetric=NEVER,
    flapping=NEVER,
)
"""Connections that do not last: many synchronisations."""

LAG = Settings(sync_spread=80 * MS)
TIGHT = Settings(ring=2, log_sync=False, sync_spread=60 * MS, snap_count=5)

History = tuple[Write, ...]


@frozen
class JournalTree:
    """Registers, and every transaction that made them what they are, in the order of application."""

    registers: Any
    journal: History = ()


class Journal:
    """`Registers` with a memory: what was applied is seen in the tree, so that trees can be compared as histories."""

    def __init__(self) -> None:
        self._registers = Registers()

    def empty(self) -> JournalTree:
        return JournalTree(self._registers.empty())

    def prepare(self, tree: JournalTree, request: Request, zxid: int) -> Write:
        return self._registers.prepare(tree.registers, request, zxid)

    def origin(self, txn: Write) -> tuple[int, int]:
        return self._registers.origin(txn)

    def apply(self, tree: JournalTree, txn: Write, *, syncing: bool = False) -> tuple[JournalTree, Outcome]:
        registers, outcome = self._registers.apply(tree.registers, txn)
        known = any(other == txn for other in tree.journal)
        return JournalTree(registers, tree.journal if known else (*tree.journal, txn)), outcome

    def read(self, tree: JournalTree, operation: Operation) -> Outcome:
        return self._registers.read(tree.registers, operation)

    def plain(self, tree: JournalTree) -> Any:
        return [str(txn) for txn in tree.journal]


MACHINE = Journal()


def durable_history(disk: Disk, *, flushed: bool) -> History:
    """The history that a server finds when it starts from this disk; `flushed`: after the worst power loss."""
    log = disk.log[: disk.flushed] if flushed else disk.log
    tree = load(MACHINE, 500, disk.snapshots, log).tree
    assert isinstance(tree, JournalTree)
    return tree.journal


def is_prefix(one: History, other: History) -> bool:
    """Whether `other` begins with `one`."""
    return other[: len(one)] == one


class Watch:
    """An observer that checks, in plain words, what Zab promises, after every step. `findings` are (check, text)."""

    def __init__(self) -> None:
        self.findings: list[tuple[str, str]] = []
        self.committed: History = ()
        self.epochs: dict[int, int] = {}
        self.covered: dict[str, int] = {}
        self._initial: dict[Link, History] = {}
        self._before: dict[int, NodeSnapshot] = {}

    def __call__(self, world: World, record: StepRecord) -> None:
        node = record.node
        for effect in record.effects:
            match effect:
                case Report(kind, text):
                    self._find(world, kind, text)
                case Established(epoch, JournalTree() as tree):
                    self._established(world, node, epoch, tree)
                case Committed(epoch, Write() as txn):
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
            self._find(world, "incident", record.incident.message)
        for effect in record.effects:
            if isinstance(effect, Send) and isinstance(effect.message, NewLeader) and now.status == "up":
                to_come = [txn for txn in world.state(node).role.to_be_applied if txn not in now.tree.journal]
                self._initial[effect.message.channel] = (*now.tree.journal, *to_come)
        self._before[node] = now

    def _find(self, world: World, check: str, text: str) -> None:
        self.findings.append((check, f"step {world.steps}: {text}"))

    def _check(self, world: World, holds: bool, check: str, text: str) -> None:
        self.covered[check] = self.covered.get(check, 0) + 1
        if not holds:
            self._find(world, check, text)

    # ------------------------------------------------------------------------------------------------------- the agreement

    def _established(self, world: World, node: int, epoch: int, tree: JournalTree) -> None:
        """One leader per epoch, in ascending order; its initial history has everything that was ever committed."""
        last = max(self.epochs, default=0)
        self._check(world, epoch > last, "one leader per epoch", f"{node} establishes {epoch} after {self.epochs}")
        self.epochs[epoch] = node
        self._check(
            world,
            is_prefix(self.committed, tree.journal),
            "no committed transaction is lost",
            f"leader {node} of {epoch} has {_show(tree.journal)}, committed were {_show(self.committed)}",
        )
        self.committed = tree.journal

    def _commit(self, world: World, epoch: int, txn: Write) -> None:
        """Only the latest epoch commits, in the order of the zxids."""
        last = max(self.epochs, default=0)
        self._check(world, epoch == last, "only the latest epoch commits", f"{txn} is committed after epoch {last}")
        before = self.committed[-1].zxid if self.committed else 0
        follows = txn.zxid == before + 1 or (epoch_of(before) < epoch and counter_of(txn.zxid) == 1)
        self._check(world, follows, "commits follow each other", f"{txn} is committed after {show_zxid(before)}")
        self.committed = (*self.committed, txn)

    # --------------------------------------------------------------------------------------------------------- one server

    def _on_a_quorum(self, world: World, txn: Write) -> bool:
        """Whether a quorum of servers would still find the transaction after the worst power loss."""
        having = [node for node in world.voters if txn in durable_history(world.disk(node), flushed=True)]
        return 2 * len(having) > len(world.voters)

    def _check_disk(self, world: World, now: NodeSnapshot, disk: Disk) -> None:
        zxids = [txn.zxid for txn in disk.log]
        ordered = all(one < other for one, other in pairwise(zxids))
        self._check(world, ordered, "zxids ascend in the log", f"log of {now.node}: {_show(disk.log)}")
        accepted, current = disk.file(ACCEPTED_EPOCH), disk.file(CURRENT_EPOCH)
        if accepted is not None and current is not None:
            self._check(world, accepted >= current, "no epoch without a promise", f"{now.node}: {current} > {accepted}")
        before = self._before.get(now.node)
        if before is not None and before.file(CURRENT_EPOCH) != current and before.role == "FOLLOWING":
            initial = self._initial.get(world_link(world, now.node, before))
            if initial is not None:
                self._check(
                    world,
                    is_prefix(initial, durable_history(disk, flushed=True)),
                    "currentEpoch comes after the history",
                    f"{now.node} has currentEpoch {current} without {_show(initial)}",
                )

    def _check_memory(self, world: World, record: StepRecord, now: NodeSnapshot, disk: Disk) -> None:
        node, journal = now.node, now.tree.journal
        before = self._before.get(node)
        ring = now.committed_log
        tail = tuple(txn.zxid for txn in journal)[len(journal) - len(ring) :]
        if now.sync is None or not now.sync.awaiting_stream:
            self._check(world, ring == tail, "committedLog has no holes", f"{node}: {_zxids(ring)} of {_show(journal)}")
        if now.phase == "BROADCAST":
            self._check(
                world,
                is_prefix(journal, self.committed),
                "a serving server has a prefix of what is committed",
                f"{node} has {_show(journal)}, committed are {_show(self.committed)}",
            )
        for effect in record.effects:
            if isinstance(effect, TruncateTxnLog):
                cut = [txn for txn in (before.log if before else ()) if txn.zxid > effect.zxid]
                lost = tuple(txn for txn in cut if txn in self.committed and not self._on_a_quorum(world, txn))
                self._check(world, not lost, "TRUNC leaves what is committed on a quorum", f"{node} cuts {_show(lost)}")
                below = tuple(txn for txn in self.committed if txn.zxid <= effect.zxid)
                kept = all(txn in journal for txn in below)
                self._check(world, kept, "TRUNC keeps the history", f"{node} has {_show(journal)} of {_show(below)}")
                gone = all(txn.zxid <= effect.zxid for txn in journal)
                self._check(
                    world, gone, "what was truncated is gone", f"{node}: {_show(journal)} > {show_zxid(effect.zxid)}"
                )
        if before is None or before.status != "up":
            return
        if before.role != "LOOKING" and now.role == "LOOKING":
            self._check(
                world,
                journal == durable_history(disk, flushed=False),
                "the database is the fold of the disk",
                f"{node} has {_show(journal)}, its disk {_show(durable_history(disk, flushed=False))}",
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
        durable = is_prefix(initial, durable_history(disk, flushed=True))
        lacks = f"{node} in epoch {epoch} lacks of {_show(initial)}, its disk has {_show(disk.log[: disk.flushed])}"
        if now.phase == "BROADCAST":
            self._check(world, durable, "a server that serves has the initial history on disk", lacks)
        else:
            self._check(world, durable, "NEWLEADER is acknowledged with the history on disk", lacks)
            self._check(
                world,
                disk.file(CURRENT_EPOCH) == epoch,
                "NEWLEADER is acknowledged with the epoch on disk",
                f"{node} acknowledges {epoch}, its currentEpoch is {disk.file(CURRENT_EPOCH)}",
            )


def world_link(world: World, node: int, before: NodeSnapshot) -> Any:
    """The connection on which a server that follows, or did before this step, follows."""
    state = world.state(node)
    return getattr(state.role, "link", None) if state is not None else None


def _show(history: tuple[Any, ...]) -> str:
    shown = " ".join(show_zxid(txn.zxid) for txn in history[-6:]) or "nothing"
    return shown if len(history) <= 6 else f"{len(history)} ending in {shown}"


def _zxids(zxids: tuple[int, ...]) -> str:
    return " ".join(map(show_zxid, zxids)) or "nothing"


def simulation(
    nodes: int = 3,
    *,
    bug: str | None = None,
    faults: FaultPlan | None = None,
    steps: int = 1_000,
    think: int = 100_000,
    clients: int = 3,
    settings: Settings | None = None,
) -> SimulationConfig:
    """A simulation of an ensemble whose trees are journals."""
    ensemble = evolve(settings or Settings(), machine=MACHINE)
    world = WorldConfig(nodes=nodes, clients=clients, bug=bug, mode="zookeeper", ensemble=ensemble)
    return SimulationConfig(world, Workload(think_max=think), faults or FaultPlan(), steps)


def watched(
    seed: int, config: SimulationConfig, *, until: Callable[[Watch], bool] | None = None
) -> tuple[Simulator, Watch]:
    """A simulation under watch, run to its end, or until the watch has found what is looked for."""
    watch = Watch()
    simulator = Simulator(seed, config, observers=[watch])
    for _ in simulator.steps():
        if until is not None and until(watch):
            break
    return simulator, watch
