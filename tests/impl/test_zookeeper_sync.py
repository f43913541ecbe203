"""Synchronisation: what the leader sends to a learner (S0-S5), and what the learner does with it, in which order."""

import pytest
from attrs import evolve

from impl.effects import Send
from impl.world.choices import CrashDuring, Deliver, Drop
from impl.zookeeper.database import Database, empty_database
from impl.zookeeper.effects import (
    CURRENT_EPOCH,
    AppendTxn,
    FlushTxnLog,
    RenameFile,
    TruncateTxnLog,
    WriteFile,
    WriteSnapshot,
)
from impl.zookeeper.messages import (
    Ack,
    Commit,
    Diff,
    NewLeader,
    Proposal,
    Snap,
    SnapshotStream,
    Trunc,
    UpToDate,
)
from impl.zookeeper.state import Settings
from impl.zookeeper.synchronise import SyncPlan, plan_sync
from impl.zookeeper.transactions import show_zxid, zxid_of
from tests.impl.registers import Register, Registers, Write
from tests.impl.servers import Servers

HISTORY = ((1, 1), (1, 2), (1, 3), (2, 1), (2, 2))


def write(epoch: int, counter: int) -> Write:
    """A transaction with that zxid."""
    return Write(zxid_of(epoch, counter), 101, counter, "k", Register(True, counter, 0))


def database(*zxids: tuple[int, int], ring: int = 500) -> tuple[Database, tuple[Write, ...]]:
    """A database with these transactions applied, and the log that holds them."""
    log = tuple(write(*zxid) for zxid in zxids)
    return empty_database(Registers(), ring).replay(log), log


def planned(plan: SyncPlan) -> tuple[str, str, list[str]]:
    """A plan in words."""
    return plan.mode, show_zxid(plan.zxid), [show_zxid(txn.zxid) for txn in plan.txns]


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        pytest.param((2, 2), ("DIFF", "2.2", []), id="S1 the same zxid"),
        pytest.param((2, 5), ("TRUNC", "2.2", []), id="S2 ahead"),
        pytest.param((1, 2), ("DIFF", "2.2", ["1.3", "2.1", "2.2"]), id="S3 in the history"),
        pytest.param((2, 0), ("DIFF", "2.2", ["2.1", "2.2"]), id="S3 the zxid of a new epoch"),
        pytest.param((3, 0), ("SNAP", "2.2", []), id="S5 a new epoch that is ahead"),
        pytest.param((1, 5), ("SNAP", "2.2", []), id="S3 undecided: the next is of another epoch"),
    ],
)
def test_the_leader_chooses_by_its_committed_log(peer: tuple[int, int], expected: tuple[str, str, list[str]]) -> None:
    """LearnerHandler.syncFollower, cases S1 to S5, with the whole history in committedLog."""
    leader, log = database(*HISTORY)
    assert planned(plan_sync(leader, log, zxid_of(*peer), log_sync=True)) == expected


def test_a_branch_within_an_epoch_is_cut_to_its_predecessor() -> None:
    """S3: the learner's zxid is not in the history, the next one is of the same epoch: TRUNC to the one before."""
    leader, log = database((1, 1), (1, 2), (1, 4))
    plan = plan_sync(leader, log, zxid_of(1, 3), log_sync=True)
    assert planned(plan) == ("TRUNC", "1.2", ["1.4"])


def test_the_log_on_disk_reaches_further_back_than_the_ring() -> None:
    """S4: the learner is behind committedLog; with the log on disk it still gets a DIFF, without it SNAP."""
    leader, log = database(*HISTORY, ring=2)
    assert planned(plan_sync(leader, log, zxid_of(1, 1), log_sync=True)) == (
        "DIFF",
        "2.2",
        ["1.2", "1.3", "2.1", "2.2"],
    )
    assert planned(plan_sync(leader, log, zxid_of(1, 1), log_sync=False))[0] == "SNAP"
    gap = tuple(txn for txn in log if txn.zxid != zxid_of(2, 1))
    assert planned(plan_sync(leader, gap, zxid_of(1, 1), log_sync=True))[0] == "SNAP", "ZOOKEEPER-2418"


def test_the_log_on_disk_serves_when_the_ring_is_empty() -> None:
    """After a restart from a snapshot committedLog is empty; what is sent ends with the transaction of the snapshot."""
    _, log = database(*HISTORY)
    restarted = evolve(empty_database(Registers(), 5), last_processed=zxid_of(2, 2), content=zxid_of(2, 2))
    plan = plan_sync(restarted, log, zxid_of(2, 1), log_sync=True)
    assert planned(plan) == ("DIFF", "2.2", ["2.2"])


def test_the_log_on_disk_can_hold_what_was_never_committed() -> None:
    """A server that got SNAP keeps its old log: with S4 it sends a DIFF to who has the same branch, over committed ones.

    As in the releases; why `log_sync` is off by default. 2.2 was never committed, 4.1 is in the snapshot only.
    """
    stale = (write(2, 1), write(2, 2), write(5, 1))
    received = evolve(empty_database(Registers(), 1), last_processed=zxid_of(5, 0), content=zxid_of(4, 1))
    leader, _ = received.apply(write(5, 1))
    assert planned(plan_sync(leader, stale, zxid_of(2, 2), log_sync=True)) == ("DIFF", "5.1", ["5.1"])
    assert planned(plan_sync(leader, stale, zxid_of(2, 2), log_sync=False))[0] == "SNAP"


def test_what_is_committed_and_not_applied_is_history() -> None:
    """A learner that has logged a committed transaction is not cut below it (the releases do)."""
    leader, log = database((1, 1), (1, 2))
    unapplied = (write(1, 3),)
    plan = plan_sync(leader, log, zxid_of(1, 4), log_sync=True, unapplied=unapplied)
    assert planned(plan) == ("TRUNC", "1.3", [])
    assert planned(plan_sync(leader, log, zxid_of(1, 4), log_sync=True)) == ("TRUNC", "1.2", [])


# ---------------------------------------------------------------------------------------------------------------- by the hand


def behind(*, bug: str | None = None, settings: Settings | None = None) -> Servers:
    """1 has <1,1>, and was away while <1,2> to <1,4> were committed; 2 is away now, and 3 leads epoch 2 if 1 follows."""
    servers = away(bug, settings)
    for _ in range(3):
        servers.write(2)
        servers.talk(2, 3)
    servers.stop(2)
    servers.fire(3, "tick")
    servers.fire(3, "tick")
    assert servers.role(3)[0] == "LOOKING"
    servers.start(1)
    servers.vote(1, 3)
    assert servers.node(1).leader == 3
    return servers


def late(*, bug: str | None = None, settings: Settings | None = None) -> Servers:
    """1 has <1,1>, and was away while 3 and 2 established epoch 2 and committed <2,1> to <2,3>; now it joins."""
    servers = away(bug, settings)
    servers.stop(3)
    servers.start(3)
    servers.elect(2, 3)
    for _ in range(3):
        servers.write(2)
        servers.talk(2, 3)
    servers.start(1)
    servers.vote(1, 2, 3)
    assert servers.node(1).leader == 3
    return servers


def away(bug: str | None, settings: Settings | None) -> Servers:
    """All have <1,1>; then 1 is down."""
    servers = Servers(bug=bug, settings=settings, clients=2)
    servers.elect(1, 2, 3)
    servers.write(2)
    servers.talk(1, 2, 3)
    servers.stop(1)
    return servers


def at(servers: Servers, kind: type) -> Deliver:
    """Talk until that packet is the next from 3 to 1."""
    servers.talk(*[node for node in (1, 2, 3) if servers.world.status(node) == "up"], stop=kind)
    return Deliver(servers.deliverable(3, 1, kind)[0])


def test_diff_logs_and_applies_before_the_epoch_and_the_epoch_before_the_ack() -> None:
    """3.9.4: append, fsync, currentEpoch, ACK; then UPTODATE, and the learner serves."""
    servers = behind(settings=Settings(ring=10))
    choice = at(servers, NewLeader)
    record = servers.world.apply(choice)
    kinds = [
        type(effect)
        for effect in record.effects
        if isinstance(effect, AppendTxn | FlushTxnLog | WriteFile | RenameFile | Send)
    ]
    assert kinds == [AppendTxn] * 3 + [FlushTxnLog, WriteFile, RenameFile, Send]
    assert servers.log(1) == ["1.1", "1.2", "1.3", "1.4"]
    assert servers.node(1).file(CURRENT_EPOCH) == 2
    servers.talk(1, 3)
    assert servers.role(1) == ("FOLLOWING", "BROADCAST")
    assert any(isinstance(message, Diff) for message in servers.world.sent)
    assert servers.watch.findings == []


@pytest.mark.parametrize("bug", [None, "ZOOKEEPER-1653"])
@pytest.mark.parametrize(("after", "epoch", "left_over"), [(7, 1, False), (8, 1, True), (9, 2, True)])
def test_crash_points_at_new_leader(after: int, epoch: int, left_over: bool, bug: str | None) -> None:
    """Between fsync and currentEpoch the releases can be left unable to start; with the .tmp written they adopt that.

    The history is of epoch 2, the file of epoch 1: the class of ZOOKEEPER-1653 and 2354, open in every release. Corrected,
    the server starts with the epoch of its last transaction.
    """
    starts = bug is None or left_over
    servers = late(bug=bug, settings=Settings(ring=10))
    choice = at(servers, NewLeader)
    effects = servers.world.preview(choice)
    assert [type(effect) for effect in effects[6:9]] == [FlushTxnLog, WriteFile, RenameFile]
    servers.world.apply(CrashDuring(choice, after, 4))
    assert servers.node(1).file(CURRENT_EPOCH) == epoch
    assert (servers.node(1).role is not None) is starts
    servers.start(1)
    assert servers.world.status(1) == ("up" if starts else "down")


def test_snap_replaces_everything_and_is_written_before_the_ack() -> None:
    """The tree comes as a stream; the snapshot file is complete before currentEpoch, and that before the ACK."""
    servers = behind(settings=Settings(ring=1, log_sync=False))
    choice = at(servers, NewLeader)
    record = servers.world.apply(choice)
    kinds = [type(effect) for effect in record.effects if isinstance(effect, WriteSnapshot | RenameFile | Send)]
    assert kinds == [WriteSnapshot, RenameFile, Send]
    assert servers.history(1) == ["1.1", "1.2", "1.3", "1.4"]
    assert servers.log(1) == ["1.1"]
    assert any(isinstance(message, Snap) for message in servers.world.sent)
    servers.talk(1, 3)
    servers.stop(1)
    assert servers.history(1) == ["1.1", "1.2", "1.3", "1.4"]


def test_an_interrupted_snap_leaves_nothing_behind() -> None:
    """ZOOKEEPER-3642: the connection breaks between SNAP and its tree; the database is loaded anew, half of it is not kept."""
    for bug, expected in ((None, []), ("ZOOKEEPER-3642", ["the_database_is_the_fold_of_the_disk"])):
        servers = behind(bug=bug, settings=Settings(ring=1, log_sync=False))
        # 1 gets its history in a snapshot, and not in its log; then it misses something again.
        servers.talk(1, 3)
        servers.stop(1)
        servers.start(2)
        while servers.role(3)[0] == "LEADING":
            servers.fire(3, "tick")
        servers.elect(2, 3)
        for _ in range(2):
            servers.write(2, client=102)
            servers.talk(2, 3)
        servers.start(1)
        servers.vote(1, 2, 3)
        servers.talk(1, 2, 3, stop=SnapshotStream)
        (stream,) = servers.deliverable(3, 1, SnapshotStream)
        servers.world.apply(Drop(stream))
        servers.talk(1, 2, 3)
        assert servers.found() == expected


def uncommitted(*, bug: str | None = None, led_again: bool = False) -> Servers:
    """3 led, and logged <1,3> which nobody else has; then 1 and 2 went on in epoch 2 without it, and 3 is back, cut off.

    `led_again`: in between it was elected, with its longer log, and died before anybody followed.
    """
    servers = Servers(bug=bug, clients=3)
    servers.elect(1, 2, 3)
    for _ in range(2):
        servers.write(3)
        servers.talk(1, 2, 3)
    servers.part(3)
    servers.write(3, client=102)
    servers.fire(3, "sync")
    servers.stop(3)
    for node in (1, 2):
        servers.fire(node, "read")
    if led_again:
        servers.start(3)
        servers.join()
        servers.vote(1, 2, 3)
        assert servers.role(3) == ("LEADING", "DISCOVERY")
        servers.part(3)
        servers.stop(3)
        for node in (1, 2):
            servers.fire(node, "read")
    servers.elect(1, 2)
    servers.start(3)
    return servers


def test_trunc_cuts_what_was_never_committed() -> None:
    """The old leader's tail is not in the history of the new epoch: TRUNC, and the log and the tree are without it."""
    servers = uncommitted()
    assert servers.log(3) == ["1.1", "1.2", "1.3"]
    servers.join()
    servers.elect(1, 2, 3)
    assert servers.role(3) == ("FOLLOWING", "BROADCAST")
    assert any(isinstance(message, Trunc) for message in servers.world.sent)
    assert servers.log(3) == servers.history(3) == ["1.1", "1.2"]
    assert servers.watch.covered["what_was_truncated_is_gone"] == 1
    assert servers.watch.findings == []


def test_a_snapshot_newer_than_the_cut_brings_nothing_back() -> None:
    """ZOOKEEPER-4837: the old leader led again for a moment, so that its tail is in a snapshot too; TRUNC must cut that."""
    for bug, expected in ((None, []), ("ZOOKEEPER-4837", ["what_was_truncated_is_gone"])):
        servers = uncommitted(bug=bug, led_again=True)
        assert show_zxid(servers.node(3).snapshots[-1].zxid) == "1.3"
        servers.join()
        servers.vote(1, 2, 3)
        servers.talk(1, 2, 3, stop=UpToDate)
        assert any(isinstance(message, Trunc) for message in servers.world.sent)
        assert [check for check in servers.found() if check == "what_was_truncated_is_gone"] == expected


def test_an_interrupted_trunc_leaves_nothing_behind() -> None:
    """ZOOKEEPER-5094: transactions that came with TRUNC were applied in memory only; the connection breaks before NEWLEADER."""
    for bug, expected in (("ACKNOWLEDGED-TRUNC", []), ("ZOOKEEPER-5094", ["the_database_is_the_fold_of_the_disk"])):
        servers = uncommitted(bug=bug)
        servers.write(2)
        servers.talk(1, 2, threads=("sync",))
        servers.join()
        servers.vote(1, 2, 3)
        servers.talk(1, 2, 3, stop=NewLeader, threads=("sync",))
        sync = servers.node(3).sync
        assert sync is not None
        assert sync.mode == "TRUNC"
        assert servers.history(3) == ["1.1", "1.2", "2.1"]
        (end,) = servers.deliverable(2, 3, NewLeader)
        servers.world.apply(Drop(end))
        servers.talk(1, 2, 3, threads=())
        assert servers.found() == expected


def test_truncated_by_label_a_snapshot_of_a_new_epoch_is_lost() -> None:
    """The fix proposed for ZOOKEEPER-4837 skips snapshots by label: the one of a SNAP is labelled (e,0), above what it holds.

    1 has <1,2> and <1,3> in the snapshot <2,0> only. It logs <2,1>, and is cut back to <1,3> when it reconnects.
    """
    for bug, expected in ((None, []), ("ZOOKEEPER-4837-LABEL", ["a_truncation_keeps_the_history"])):
        servers = away(bug, Settings(ring=1, log_sync=False))
        for _ in range(2):
            servers.write(2)
            servers.talk(2, 3)
        servers.stop(3)
        servers.start(3)
        servers.elect(2, 3)
        servers.start(1)
        servers.elect(1, 2, 3)
        assert [show_zxid(snapshot.zxid) for snapshot in servers.node(1).snapshots][-1] == "2.0"
        servers.write(3)
        servers.deliver(3, 1, Proposal)
        servers.fire(1, "sync")
        servers.hang_up(1, 3)
        servers.vote(1, 2, 3)
        servers.talk(1, 3, stop=NewLeader, threads=())
        assert any(isinstance(message, Trunc) for message in servers.world.sent)
        assert [check for check in servers.found() if check == "a_truncation_keeps_the_history"] == expected


@pytest.mark.parametrize(
    ("bug", "kinds"),
    [
        ("ZOOKEEPER-3911", [RenameFile, Send]),
        ("ZOOKEEPER-4394", [AppendTxn, AppendTxn, AppendTxn, FlushTxnLog, RenameFile, Send]),
        (None, [AppendTxn, AppendTxn, AppendTxn, FlushTxnLog, RenameFile, Send]),
    ],
)
def test_orders_of_the_releases_at_new_leader(bug: str | None, kinds: list[type]) -> None:
    """V1, V3 and V5 after a DIFF: what is written before the ACK of NEWLEADER."""
    servers = behind(bug=bug, settings=Settings(ring=10))
    record = servers.world.apply(at(servers, NewLeader))
    shown = (AppendTxn, FlushTxnLog, RenameFile, Send)
    assert [type(effect) for effect in record.effects if isinstance(effect, shown)] == kinds


def test_in_v2_the_sync_thread_races_with_the_ack() -> None:
    """V2 queues the history to the sync thread: its ACKs can leave before that of NEWLEADER, or the server die before both."""
    servers = behind(bug="ZOOKEEPER-4685", settings=Settings(ring=10))
    servers.world.apply(at(servers, NewLeader))
    assert servers.node(1).file(CURRENT_EPOCH) == 2
    assert servers.log(1) == ["1.1"]
    assert {"sync", "ack_new_leader"} <= set(servers.world.armed(1))
    servers.fire(1, "sync")
    servers.fire(1, "ack_new_leader")
    acks = [message.zxid for message in servers.world.sent if isinstance(message, Ack) and message.src == 1]
    assert [show_zxid(zxid) for zxid in acks[-4:]] == ["1.2", "1.3", "1.4", "2.0"]
    servers.talk(1, 3)
    assert "newleader_is_acknowledged_first" in servers.found()


def test_proposals_between_new_leader_and_up_to_date_are_acknowledged_after_it() -> None:
    """L6: what comes live during the synchronisation is logged and acknowledged once the learner serves, then committed."""
    servers = Servers()
    servers.part(1)
    servers.elect(2, 3)
    servers.join()
    servers.fire(1, "election")
    servers.vote(1, 2, 3)
    servers.talk(1, 3, stop=NewLeader)
    servers.write(3)
    servers.deliver(3, 1, NewLeader)
    servers.talk(1, 2, 3, stop=UpToDate)
    sync = servers.node(1).sync
    assert sync is not None
    assert servers.log(1) == []
    servers.talk(1, 2, 3)
    assert servers.log(1) == servers.history(1) == ["1.1"]
    assert any(isinstance(message, Proposal) and message.dst == 1 for message in servers.world.sent)
    assert any(isinstance(message, Commit) and message.dst == 1 for message in servers.world.sent)
    assert servers.watch.findings == []


def test_trunc_is_durable_before_anything_is_applied() -> None:
    """TruncateLog comes first, then the reload; the effect names the snapshots that go."""
    servers = uncommitted()
    servers.join()
    servers.vote(1, 2, 3)
    servers.talk(1, 2, 3, stop=Trunc)
    (trunc,) = servers.deliverable(2, 3, Trunc)
    record = servers.world.apply(Deliver(trunc))
    assert [effect for effect in record.effects if isinstance(effect, TruncateTxnLog)] == [
        TruncateTxnLog(zxid_of(1, 2), ())
    ]
