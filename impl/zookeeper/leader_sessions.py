"""The sessions at a leader: it hears of them, moves them between servers, and expires them. LeaderSessionTracker, SessionTrackerImpl."""

from attrs import evolve

from impl.zookeeper.codes import KeeperError
from impl.zookeeper.machine import Request
from impl.zookeeper.peer import leave_role
from impl.zookeeper.preparing import arm_expiry
from impl.zookeeper.proposals import submit
from impl.zookeeper.requests import CloseSession
from impl.zookeeper.service import Service
from impl.zookeeper.session_ids import first_session_id
from impl.zookeeper.sessions import SessionTracker
from impl.zookeeper.tree import DataTree
from impl.zookeeper.turn import Turn


def start_service(turn: Turn, *, leads: bool) -> None:
    """Begin to serve clients; a leader gives each session its full timeout. ZooKeeperServer.startup, createSessionTracker."""
    tree = turn.state.database.tree
    if not isinstance(tree, DataTree):
        return
    service = evolve(turn.state.service, next_session=first_session_id(turn.me, turn.now_ms))
    if leads:
        tracker = SessionTracker.start(tree.sessions, turn.now_ms, turn.settings.tick // 1_000)
        service = evolve(service, tracker=tracker)
        arm_expiry(turn, tracker)
    turn.set(service=service)


def touch(turn: Turn, session: int) -> bool:
    """A client of this leader, or of one of its learners, lives; False for one that is unknown or closing."""
    tracker = turn.state.service.tracker
    assert tracker is not None, "a leader that serves tracks sessions"
    tracker, known = tracker.touch(session, turn.now_ms)
    turn.set(service=evolve(turn.state.service, tracker=tracker))
    return known


def revalidate(turn: Turn, session: int, sid: int) -> bool:
    """A client comes back to its session through the server `sid`, which owns it from now on. LearnerHandler (REVALIDATE)."""
    if not touch(turn, session):
        return False
    service = turn.state.service
    assert service.tracker is not None
    try:
        tracker = service.tracker.move(session, sid)
    except KeeperError:
        return False
    turn.set(service=evolve(service, tracker=tracker))
    return True


def on_expire(turn: Turn) -> None:
    """The sessions whose time has come: the leader asks for their closing transactions. ZooKeeperServer.expire."""
    service, machine = turn.state.service, turn.settings.machine
    assert isinstance(machine, Service)
    assert service.tracker is not None
    tracker, due = service.tracker.expire(turn.now_ms, machine.rules)
    turn.set(service=evolve(service, tracker=tracker))
    for session in due:
        if not submit(turn, Request(session, 0, CloseSession())):
            leave_role(turn)
            return
    arm_expiry(turn, tracker)
