"""Sessions: connecting, moving, expiring; and leaders.

ZooKeeperServer.processConnectRequest, SessionTrackerImpl, PrepRequestProcessor (closeSession), ClientCnxn (primeConnection).
"""

from model.language import NONE, Node, Not, forall, ite, require, value_of
from model.zookeeper.service.rules import fresh_enough, not_moved, rearmed, tracked_while_closing
from model.zookeeper.service.state import Kind, Service, Session, Txn
from model.zookeeper.service.tree import commit, drop_connection, value_at


def connect(s: Service, session: Session, n: Node) -> None:
    """A client connects, or moves to another server, with its old session; it sets its watches again before anything else.

    Enabled iff the server is not behind what the client has seen, and the leader says that the session is valid. A watch on something
    that has changed since fires at once.
    """
    require(s.leader != NONE)
    require(s.connection[session] == NONE)
    require(Not(s.knows_expired[session]))
    require(Not(s.closed[value_of(s.leader), session]) & Not(s.closing[session]))
    require(fresh_enough(s.applied[n], s.last_zxid[session]))
    s.connection[session] = n
    if s.late[session] != NONE:
        s.late[session] = ite(not_moved(n, value_of(s.late[session])), s.late[session], NONE)

    def same(p: object) -> object:
        return rearmed(value_of(s.watching[session, p]) != 0, value_at(s, n, p), s.last_zxid[session])

    s.armed[session, :] = lambda p: (s.watching[session, p] != NONE) & same(p)
    s.due[session, :] = lambda p: (s.watching[session, p] != NONE) & Not(same(p))


def disconnect(s: Service, session: Session) -> None:
    """A connection breaks. A write that the client sent just before may still reach the leader. CONNECTIONLOSS."""
    require(s.connection[session] != NONE)
    s.aux_moves = s.aux_moves + 1
    s.late[session] = s.connection[session]
    s.ghost_newer[session] = False
    drop_connection(s, session)


def expire(s: Service, session: Session) -> None:
    """The leader has not heard of a session for its timeout, and begins to close it. SessionTrackerImpl.run, setSessionClosing.

    Timing is not modelled: it may happen to a client that is connected and well.
    """
    require(s.leader != NONE)
    require(s.tracked[session])
    require(Not(s.closing[session]))
    s.aux_expiries = s.aux_expiries + 1
    s.closing[session] = True
    s.tracked[session] = tracked_while_closing(True)


def close_session(s: Service, session: Session) -> None:
    """The closeSession transaction of a session that expires: its ephemerals go, at every server at the same zxid."""
    require(s.leader != NONE)
    require(s.closing[session])
    leader = value_of(s.leader)
    require(Not(s.closed[leader, session]))
    s.tracked[session] = False
    s.closing[session] = False
    commit(s, leader, Txn(kind=Kind.CLOSE, path=0, version=0, other=0, owner=session))


def learn_expired(s: Service, session: Session) -> None:
    """A client tries to connect, and learns that its session is no more; its watches are gone with it."""
    require(s.leader != NONE)
    require(s.connection[session] == NONE)
    require(Not(s.knows_expired[session]))
    require(s.closed[value_of(s.leader), session])
    s.knows_expired[session] = True
    s.watching[session, :] = NONE


def lead(s: Service, n: Node) -> None:
    """A server that has applied everything leads. Connections are closed before: all servers were looking for a leader.

    Its tracker has the sessions of its table, with new deadlines.
    """
    require(s.leader != n)
    require(s.applied[n] == s.log.length)
    require(forall(Session, lambda x: s.connection[x] == NONE))
    s.aux_leaders = s.aux_leaders + 1
    s.leader = n
    s.closing[:] = False
    s.tracked[:] = lambda x: Not(s.closed[n, x])
    s.late[:] = NONE
    s.ghost_newer[:] = False
