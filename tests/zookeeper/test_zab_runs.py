"""Runs that history paid for, step by step, in the plain reading: with the defect they lose data, without it they cannot be taken."""

from typing import Any

from model.language import Disabled
from model.language.plain import Stepper
from model.zookeeper.zab.state import Phase, Role
from tests.zookeeper.zab_scopes import SAFETY, ZAB

A, B, C = 0, 1, 2
BC = (B, C)


class Script:
    """A run under way; `s` is its last state, to read."""

    def __init__(self, bug: str | None = None) -> None:
        spec = ZAB if bug is None else ZAB.with_bug(bug)
        bounds = {"epochs": 4, "log": 3, "txns": 2, "crashes": 3, "partitions": 2}
        self.stepper = Stepper(spec, spec.complete_bounds(bounds))
        self.state = self.stepper.initial()

    @property
    def s(self) -> Any:
        """The last state, thawed."""
        return self.stepper.thaw(self.state)

    def do(self, action: str, *args: Any) -> None:
        """Take a step; Disabled if its guard is false."""
        self.state = self.stepper.apply(self.state, action, args)

    def can(self, action: str, *args: Any) -> bool:
        """Whether the step is enabled."""
        try:
            self.stepper.apply(self.state, action, args)
        except Disabled:
            return False
        return True

    def broken(self) -> list[str]:
        """The invariants that are false in the last state."""
        view = self.s
        return [p.name for p in SAFETY if p.kind == "always" and not self.stepper.holds_in(p, view)]

    def log(self, n: int) -> list[tuple[int, int]]:
        """The zxids in a server's log."""
        return [(t.epoch, t.counter) for t in self.s.log[n].items]

    def elect(self, leader: int, *others: int) -> None:
        """A server becomes the leader of these and itself."""
        self.do("elect", leader, tuple(sorted((leader, *others))))

    def sync(self, leader: int, learner: int) -> None:
        """A learner is synchronised up to its acknowledgement of NEWLEADER."""
        self.do("sync_follower", leader, learner)
        self.do("queue_newleader", leader, learner)
        self.do("take_in_sync", learner, leader)
        self.do("handle_newleader", learner, leader)
        self.do("acknowledge_newleader", learner, leader)


def without_a_leader(bug: str | None, *holders: int) -> Script:
    """Leader A has proposed <1,2>, which these followers have logged, and crashes; everybody looks for a leader."""
    run = Script(bug)
    run.do("begin", A)
    run.do("propose", A)
    for holder in holders:
        run.do("handle_proposal", holder, A)
    run.do("crash", A, 2)
    for follower in (B, C):
        run.do("leave", follower, A)
    return run


def established_by_an_acknowledgement(bug: str | None) -> Script:
    """A, with <1,2> in its log, leads epoch 2 and C acknowledges NEWLEADER: <1,2> is committed. Then A and C fail."""
    run = without_a_leader(bug)
    run.elect(A, C)
    run.sync(A, C)
    run.do("handle_newleader_ack", A, C)
    assert run.s.phase[A] == Phase.BROADCAST
    assert run.s.ghost_commit_epoch[2] == 2
    run.do("crash", C, run.s.flushed[C])
    return run


def test_2678_skipped_the_snapshot_that_made_a_history_durable() -> None:
    """ZOOKEEPER-2678 as an explanation of 3911: without the snapshot on DIFF nothing of an acknowledged history is on disk.

    The follower acknowledges NEWLEADER with currentEpoch 2 on its disk and <1,2> in memory. The leader counts it, <1,2> is committed.
    After a crash the follower wins the next election by its currentEpoch, and the committed transaction is gone.
    """
    run = established_by_an_acknowledgement("ZOOKEEPER-3911")
    assert (run.log(C), run.s.current_epoch[C]) == ([(1, 1)], 2)
    run.elect(C, B)
    assert run.s.role[C] == Role.LEADING
    assert "a_leader_has_every_committed_transaction" in run.broken()


def test_a_history_that_is_durable_survives() -> None:
    """In the order of 3.9.4 the same run leaves <1,2> on the follower's disk, and no leader can lack it."""
    run = established_by_an_acknowledgement(None)
    assert (run.log(C), run.s.current_epoch[C]) == ([(1, 1), (1, 2)], 2)
    assert not run.can("elect", B, BC)
    run.elect(C, B)
    assert run.broken() == []


def test_2845_a_stale_database_votes_without_what_its_log_has() -> None:
    """T-2845a: C has logged <1,2> but its kept database has not; it votes for less than it has, B wins and finds C's log longer."""
    run = without_a_leader("ZOOKEEPER-2845", C)
    run.elect(B, C)
    run.sync(B, C)
    assert (run.log(B), run.log(C)) == ([(1, 1)], [(1, 1), (1, 2)])
    assert "a_follower_holds_a_prefix_of_its_leaders_log" in run.broken()


def test_2845_a_database_that_catches_up_votes_for_all_it_has() -> None:
    """With fastForwardDataBase C's vote is better than B's: C must lead, and B is brought up to <1,2>."""
    run = without_a_leader(None, C)
    assert not run.can("elect", B, BC)
    run.elect(C, B)
    run.sync(C, B)
    assert run.log(B) == [(1, 1), (1, 2)]
    assert run.broken() == []


def test_acknowledgements_that_outlive_their_learner_commit_what_is_on_one_disk() -> None:
    """ACKS-KEPT: C's acknowledgement still counts when C is truncated on its return, so <1,2> commits on the leader's disk alone.

    The leader's logging thread is slow: it flushes <1,2> only after C has acknowledged it, lost its connection and been truncated.
    """
    run = Script("ACKS-KEPT")
    run.do("begin", A)
    run.do("propose", A)
    run.do("handle_proposal", C, A)
    run.do("flush", C, A)
    run.do("handle_ack", A, C)
    run.do("lose_connection", A, C)
    run.do("leave", C, A)
    run.do("join", C, A)
    run.do("sync_follower", A, C)
    run.do("take_in_sync", C, A)
    assert run.log(C) == [(1, 1)]
    run.do("flush", A, A)
    assert [run.s.ghost_commit_epoch[i] for i in (1, 2)] == [1, 1]
    assert run.broken() == ["a_committed_transaction_is_on_a_majority_of_disks"]
