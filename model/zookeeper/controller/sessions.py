"""Processes and their sessions with ZooKeeper. KafkaServer, ZooKeeperClient.reinitialize, KafkaController.processExpire."""

from model.language import Bool, Node, Not, require
from model.zookeeper.controller.replication import become_follower
from model.zookeeper.controller.resign import resign
from model.zookeeper.controller.rules import loses_disk, resigns_when_expired
from model.zookeeper.controller.state import Kafka, Session, SessionState
from model.zookeeper.controller.znodes import broker_znode_changed, controller_znode_deleted, has_session


def _open_session(s: Kafka, n: Node) -> None:
    """A new handle, with a new session; the process registers before anything else."""
    s.session[n] = s.session[n] + 1
    s.session_state[n, s.session[n]] = SessionState.OPEN
    s.must_register[n] = True
    s.watching[n] = False
    s.changed[n] = False
    s.reelect[n] = False


def start(s: Kafka, n: Node, wiped: Bool) -> None:
    """A broker that is down is started again. It knows neither its former session nor anything that was not on disk.

    Its disk may have been lost (`wiped`), if such a fault is assumed at all.
    """
    require(Not(s.up[n]))
    require(Not(wiped) | (loses_disk(s.isr[s.znode, n]) & (s.log[n].length > 0)))
    if wiped:
        s.aux_disks = s.aux_disks + 1
        s.log[n].truncate(0)
        s.high_watermark[n] = 0
    s.up[n] = True
    _open_session(s, n)


def stop_process(s: Kafka, n: Node) -> None:
    """A broker's process is gone: what was not on disk is lost, and so are the requests in its queues."""
    s.up[n] = False
    resign(s, n)
    s.remembered[n] = 0
    s.must_register[n] = False
    s.broker_epoch[n] = 0
    s.watching[n] = False
    s.changed[n] = False
    s.reelect[n] = False
    s.stopping[n] = False
    s.known_epoch[n] = 0
    s.applied[n] = 0
    s.stopped[n] = False
    s.metadata[n] = 0
    s.informed[n] = False
    become_follower(s, n)


def crash(s: Kafka, n: Node) -> None:
    """A broker's process dies. Its session lives until ZooKeeper finds that it has expired."""
    require(s.up[n])
    s.aux_restarts = s.aux_restarts + 1
    s.aux_incidents = s.aux_incidents + 1
    stop_process(s, n)


def expire(s: Kafka, n: Node, session: Session, at_once: Bool) -> None:
    """ZooKeeper has not heard of a session for its timeout: it refuses it from now on, and removes its znodes, at once or later.

    Time is not modelled: it may happen to a broker that is well. SessionTrackerImpl.setSessionClosing.
    """
    require(s.session_state[n, session] == SessionState.OPEN)
    if has_session(s, n) & (s.session[n] == session):
        s.aux_expiries = s.aux_expiries + 1
        s.aux_incidents = s.aux_incidents + 1
    if at_once:
        _close(s, n, session)
    else:
        s.aux_lingering = s.aux_lingering + 1
        s.session_state[n, session] = SessionState.CLOSING


def close_at_once(s: Kafka, n: Node) -> None:
    """A broker closes its session itself: its znodes go."""
    _close(s, n, s.session[n])


def close_session(s: Kafka, n: Node, session: Session) -> None:
    """The closeSession transaction of an expired session: its ephemeral znodes go. DataTree.killSession."""
    require(s.session_state[n, session] == SessionState.CLOSING)
    _close(s, n, session)


def _close(s: Kafka, n: Node, session: Session) -> None:
    s.session_state[n, session] = SessionState.CLOSED
    owns_controller = (s.controller == n) & (s.controller_session == session)
    if owns_controller:
        controller_znode_deleted(s)
    if (s.registered[n] > 0) & (s.registered_by[n] == session):
        s.registered[n] = 0
        s.registered_by[n] = 0
        broker_znode_changed(s)


def learn_expired(s: Kafka, n: Node) -> None:
    """A broker learns that its session has expired: pending events are dropped, it resigns as controller, and gets a new session.

    Enabled iff ZooKeeper refuses the session. That no event of the former generation meets the new session is what `Expire` is for:
    KafkaController's StateChangeHandler.beforeInitializingSession waits for it.
    """
    require(s.up[n])
    refused = s.session_state[n, s.session[n]]
    require((refused == SessionState.CLOSING) | (refused == SessionState.CLOSED))
    if resigns_when_expired(True):
        resign(s, n)
    _open_session(s, n)
