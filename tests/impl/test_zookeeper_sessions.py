"""Sessions: expiry in buckets, owners, and the historical bugs of sessions, snapshots and multis, each planted and caught."""

from collections.abc import Callable

import pytest
from attrs import evolve

from impl.zookeeper.apply import apply, apply_in_parts
from impl.zookeeper.codes import ErrorCode, KeeperError
from impl.zookeeper.requests import CloseSession, Create, CreateMode, Delete, Multi, SetData
from impl.zookeeper.service_rules import CORRECT, SERVICE_BUGS, ServiceRules, next_version
from impl.zookeeper.session_ids import first_session_id, negotiated_timeout
from impl.zookeeper.sessions import SessionTracker
from impl.zookeeper.snapshots import SnapshotInProgress, replay, restore
from tests.impl.service import TICK, Service, service_with

EPHEMERAL = Create("/e", mode=CreateMode.EPHEMERAL)


def test_a_session_expires_at_the_end_of_its_bucket() -> None:
    """Never before its timeout, at most one tick after it; a touch moves it to a later bucket."""
    tracker = SessionTracker(TICK).track(7, 300, 1050)
    assert tracker.expire(1350)[1] == ()
    assert tracker.expire(1400)[1] == (7,)
    touched, known = tracker.touch(7, 1200)
    assert known
    assert touched.expire(1400)[1] == ()
    closing, due = tracker.expire(1400)
    assert closing.expire(1400)[1] == ()  # asked to close once
    assert closing.touch(7, 1400) == (closing, False)
    with pytest.raises(KeeperError, match="SESSION_EXPIRED"):
        closing.move(7, 2)
    assert closing.forget(due[0]).sessions == {}


def test_a_new_leader_gives_each_session_its_full_timeout() -> None:
    """Deadlines are not replicated: a change of leader expires nobody by itself."""
    tracker = SessionTracker.start({7: 300, 8: 500}, 5000, TICK)
    assert tracker.expire(5300)[1] == ()
    assert tracker.expire(5400)[1] == (7,)


def test_a_session_moves_to_another_server() -> None:
    """After the move, requests through the old server are refused, and those through the new one pass."""
    service = service_with(7)
    moved = evolve(service, sessions=service.sessions.move(7, 2))
    assert moved.do(7, Create("/a"), owner=1).error == ErrorCode.SESSION_MOVED
    assert moved.do(7, Create("/a"), owner=2).error == 0


def test_timeouts_and_ids() -> None:
    """A timeout is between 2 and 20 ticks; an id has the server in its top byte, the clock below it."""
    assert [negotiated_timeout(wanted, TICK) for wanted in (1, 500, 10_000)] == [200, 500, 2000]
    real = 144115273338912768  # of a real server 2
    assert first_session_id(2, 1795309252563) >> 56 == 2
    assert first_session_id(2, (real & (1 << 56) - 1) >> 16) == real
    assert first_session_id(255, 0) < 0


def closed_while_creating(rules: ServiceRules) -> Service:
    """A session creates an ephemeral after its close was prepared, before that is applied."""
    return service_with(7, rules=rules).prepare(7, CloseSession(), owner=None).prepare(7, EPHEMERAL).commit()


def expired_but_not_closed(rules: ServiceRules) -> tuple[int, ...]:
    """The leader lost the closing transaction (its quorum was gone): what it asks to close the next time."""
    service = service_with(7, rules=rules).do(7, EPHEMERAL)
    tracker, _ = service.sessions.expire(10_000, rules)
    return tuple(tracker.sessions)


def synchronised(rules: ServiceRules) -> tuple[int, ...]:
    """A learner applies the creation of a session while it synchronises: the sessions it would expire as a leader."""
    source = service_with(7).do(7, EPHEMERAL)
    tree = service_with().tree
    for txn in source.log:
        tree, _ = apply(tree, txn, rules, syncing=True)
    return tuple(SessionTracker.start(tree.sessions, 0, TICK).sessions)


def sequential_after_fuzzy_snapshot(rules: ServiceRules) -> int:
    """A snapshot has the parent from before a create and the child from after it: the error of the next sequential create."""
    sequential = Create("/q/n-", mode=CreateMode.PERSISTENT_SEQUENTIAL)
    before = service_with(7).do(7, Create("/q"))
    after = before.do(7, sequential)
    snapshot = SnapshotInProgress.begin(before.tree)
    while not snapshot.done:
        snapshot = snapshot.visit(after.tree)
    # The walk takes the stat and then the children; between the two, the create.
    queue = before.tree.get("/q")
    assert queue is not None
    written = {**snapshot.written, "/q": evolve(queue, children={})}
    restored = replay(restore(evolve(snapshot, written=written).end()), after.log, rules)
    return evolve(after, tree=restored, rules=rules).do(7, sequential).error


def multi_in_a_fuzzy_snapshot(rules: ServiceRules) -> tuple[bool, bool]:
    """A snapshot begins between the parts of a multi; whether each part is there after the restart."""
    service = service_with(7).prepare(7, Multi((Create("/m1"), Create("/m2"))))
    trees, _ = apply_in_parts(service.tree, service.pending[0], rules)
    snapshot = SnapshotInProgress.begin(trees[0])
    while not snapshot.done:
        snapshot = snapshot.visit(trees[0])
    restored = replay(restore(snapshot.end()), service.log, rules)
    return restored.get("/m1") is not None, restored.get("/m2") is not None


def after_failed_multi(rules: ServiceRules) -> int:
    """A multi whose second part fails creates nothing: the error of a setData on what its first part would have created."""
    service = service_with(7, rules=rules).prepare(7, Multi((Create("/m"), Delete("/missing"))))
    return service.prepare(7, SetData("/m", b"")).prepare(7, Create("/m")).commit().error


def moved_multi(rules: ServiceRules) -> int:
    """A multi of a session that has moved: its error."""
    return service_with(7, rules=rules).do(7, Multi((Create("/m"),)), owner=2).error


SYMPTOMS: dict[str, tuple[Callable[[ServiceRules], object], object, object]] = {
    "ZOOKEEPER-1208": (lambda rules: closed_while_creating(rules).tree.ephemerals, {}, {7: ("/e",)}),
    "ZOOKEEPER-1496": (expired_but_not_closed, (7,), ()),
    "ZOOKEEPER-1367": (synchronised, (7,), ()),
    "ZOOKEEPER-1046": (sequential_after_fuzzy_snapshot, 0, ErrorCode.NODE_EXISTS),
    "ZOOKEEPER-3127": (multi_in_a_fuzzy_snapshot, (True, True), (True, False)),
    "ZOOKEEPER-1624": (after_failed_multi, 0, ErrorCode.NODE_EXISTS),
    "ZOOKEEPER-907": (moved_multi, ErrorCode.SESSION_MOVED, 0),
}


@pytest.mark.parametrize("bug", SERVICE_BUGS)
def test_each_bug_shows_and_the_correct_rule_does_not(bug: str) -> None:
    """The scenario of each historical bug ends well under the correct rules, and with the bug's symptom under its own."""
    scenario, good, bad = SYMPTOMS[bug]
    assert scenario(CORRECT) == good
    assert scenario(SERVICE_BUGS[bug].rules) == bad


def test_versions_wrap_past_the_wildcard() -> None:
    """A signed 32-bit counter, which in 3.9 comes past -1 (ZOOKEEPER-4743, unreleased)."""
    assert next_version(2**31 - 1) == -(2**31)
    assert next_version(-2) == -1
