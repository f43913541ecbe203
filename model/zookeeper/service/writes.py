"""Writes and sync: executed by the leader in the order in which they reach it, answered by the server that the client is connected to.

PrepRequestProcessor, CommitProcessor, FinalRequestProcessor, Leader.processSync.
"""

from typing import Any

from model.language import NONE, Bool, Node, Not, Option, forall, ite, require, value_of
from model.zookeeper.service.rules import (
    answers_at,
    next_version,
    nothing_before,
    sequence_number,
    session_alive,
    sync_point,
    version_matches,
)
from model.zookeeper.service.state import Kind, Path, Request, Service, Session, Txn, Version
from model.zookeeper.service.tree import apply, commit, shown


def _execute(s: Service, session: Any) -> Any:
    """The leader takes a write over the session's connection; returns the leader. Guard: the session is alive.

    It is attached to the server that it is connected to, so there is nothing to compare (see `connect`).
    """
    require(s.leader != NONE)
    require(s.connection[session] != NONE)
    leader = value_of(s.leader)
    require(session_alive(s.closed[leader, session], s.closing[session]))
    return leader


def _answer_later(s: Service, session: Any) -> None:
    """The client waits for the answer to a write that was just committed."""
    overtakes = (s.late[session] != NONE) & (s.late[session] != s.connection[session])
    s.ghost_newer[session] = s.ghost_newer[session] | overtakes
    # A server forwards in the order of arrival: what it has not forwarded of an older connection went with that connection.
    s.late[session] = ite(overtakes, s.late[session], NONE)
    s.pipe[session].append(Request(zxid=s.log.length, floor=s.log.length))


def _owner(session: Any, ephemeral: Any) -> Any:
    return ite(ephemeral, session, NONE)


def create(s: Service, session: Session, path: Path, ephemeral: Bool) -> None:
    """A client creates a child that does not exist; an ephemeral one is its session's. pRequest2TxnCreate."""
    leader = _execute(s, session)
    require(path > 0)
    require(Not(s.present[leader, path]))
    commit(s, leader, Txn(kind=Kind.CREATE, path=path, version=0, other=0, owner=_owner(session, ephemeral)))
    _answer_later(s, session)


def create_sequential(s: Service, session: Session, ephemeral: Bool) -> None:
    """A client creates a child whose number the leader gives. pRequest2TxnCreate, CreateMode.isSequential."""
    leader = _execute(s, session)
    path = sequence_number(s.created[leader])
    require(Not(s.present[leader, path]))
    s.ghost_repeated = s.ghost_repeated | (path <= s.ghost_number)
    s.ghost_number = path
    commit(s, leader, Txn(kind=Kind.CREATE, path=path, version=0, other=0, owner=_owner(session, ephemeral)))
    _answer_later(s, session)


def _next(s: Service, leader: Any, path: Any, expected: Any) -> Any:
    """The version that a setData sets; guards: the child exists and the version matches."""
    require(s.present[leader, path])
    require(path > 0)
    current = s.version[leader, path]
    require(version_matches(expected, current))
    s.ghost_blind = s.ghost_blind | ((expected != NONE) & (value_of(expected) != current))
    return next_version(current)


def set_data(s: Service, session: Session, path: Path, expected: Option[Version]) -> None:
    """A client writes a child, whatever its version (NONE) or only if it has the expected one. pRequest2Txn, OpCode.setData."""
    leader = _execute(s, session)
    version = _next(s, leader, path, expected)
    commit(s, leader, Txn(kind=Kind.SET, path=path, version=version, other=0, owner=NONE))
    _answer_later(s, session)


def multi(s: Service, session: Session, path: Path, other: Path, expected: Option[Version]) -> None:
    """A client sets one child and creates another, ephemeral one, if the first has the expected version. pRequest2Txn, OpCode.multi.

    Kafka's controllers are elected so: /controller_epoch is set and /controller created in one transaction (KAFKA-6082).
    """
    leader = _execute(s, session)
    require(expected != NONE)
    require(other > 0)
    require(Not(s.present[leader, other]))
    version = _next(s, leader, path, expected)
    commit(s, leader, Txn(kind=Kind.MULTI, path=path, version=version, other=other, owner=session))
    _answer_later(s, session)


def delete(s: Service, session: Session, path: Path) -> None:
    """A client deletes a child. pRequest2Txn, OpCode.delete."""
    leader = _execute(s, session)
    require(path > 0)
    require(s.present[leader, path])
    commit(s, leader, Txn(kind=Kind.DELETE, path=path, version=0, other=0, owner=NONE))
    _answer_later(s, session)


def sync(s: Service, session: Session) -> None:
    """The leader answers `sync`; the server will answer the client when it has applied so much. Leader.processSync."""
    require(s.leader != NONE)
    require(s.connection[session] != NONE)
    s.aux_syncs = s.aux_syncs + 1
    point = sync_point(s.log.length, s.applied[value_of(s.connection[session])])
    s.pipe[session].append(Request(zxid=point, floor=s.log.length))


def execute_late(s: Service, session: Session, path: Path) -> None:
    """A write that was sent over a connection which is broken by now reaches the leader, and is executed all the same.

    It may as well be lost: it is never executed then.
    """
    require(s.leader != NONE)
    require(s.late[session] != NONE)
    leader = value_of(s.leader)
    require(session_alive(s.closed[leader, session], s.closing[session]))
    require(path > 0)
    require(s.present[leader, path])
    version = next_version(s.version[leader, path])
    s.late[session] = NONE
    s.ghost_overtaken[session] = s.ghost_overtaken[session] | s.ghost_newer[session]
    commit(s, leader, Txn(kind=Kind.SET, path=path, version=version, other=0, owner=NONE))


def apply_next(s: Service, n: Node) -> None:
    """A server applies the next committed transaction. FinalRequestProcessor."""
    require(s.applied[n] < s.log.length)
    apply(s, n)


def answer(s: Service, session: Session) -> None:
    """A server answers the oldest write or sync of a session, once it has applied enough; the reply's zxid is what it has applied."""
    require(s.connection[session] != NONE)
    require(s.pipe[session].length > 0)
    request, applied = s.pipe[session][1], s.applied[value_of(s.connection[session])]
    require(answers_at(request.zxid, applied))
    require(forall(Path, lambda p: nothing_before(s.due[session, p])))
    s.pipe[session].pop_first()
    s.ghost_behind[session] = s.ghost_behind[session] | (applied < request.floor)
    shown(s, session, applied)
