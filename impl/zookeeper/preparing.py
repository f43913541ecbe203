"""PrepRequestProcessor at its place in a leader: the service's requests against the tree, what is outstanding, the sessions."""

from attrs import evolve

from impl.zookeeper.machine import Request, Transaction
from impl.zookeeper.prep import prepare
from impl.zookeeper.requests import CreateSession, Write
from impl.zookeeper.requests import Request as ServiceRequest
from impl.zookeeper.service import Service
from impl.zookeeper.sessions import SessionTracker
from impl.zookeeper.tree import DataTree
from impl.zookeeper.turn import Turn

EXPIRE = "expire"
"""The timer of the thread of SessionTrackerImpl."""


def is_for_service(turn: Turn, request: Request) -> bool:
    """Whether a request comes from a session of the service, and not from a client of a bare ensemble."""
    return isinstance(turn.settings.machine, Service) and isinstance(request.operation, Write)


def prepare_for_service(turn: Turn, request: Request, zxid: int) -> Transaction:
    """The transaction of a session's request; the outstanding changes and the sessions are those after it."""
    machine, state = turn.settings.machine, turn.state.service
    assert isinstance(machine, Service)
    assert isinstance(request.operation, Write)
    assert state.tracker is not None, "a leader that serves tracks sessions"
    asked = ServiceRequest(request.session, request.cxid, request.operation, request.owner, request.auth)
    tree = turn.state.database.tree
    assert isinstance(tree, DataTree)
    done = prepare(tree, state.outstanding, state.tracker, asked, zxid, turn.now_ms, machine.rules)
    turn.set(service=evolve(state, outstanding=done.outstanding, tracker=done.sessions))
    if isinstance(request.operation, CreateSession) and not state.tracker.sessions:
        arm_expiry(turn, done.sessions)
    return done.txn


def arm_expiry(turn: Turn, tracker: SessionTracker) -> None:
    """Look again at the end of this tick by the leader's clock; nothing to look for while there is no session."""
    if tracker.sessions:
        turn.set_timer(EXPIRE, turn.settings.tick - turn.now % turn.settings.tick)
