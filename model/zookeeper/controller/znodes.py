"""What the brokers' sessions see of ZooKeeper: whether a session is served, and which watches fire."""

from typing import Any

from model.language import NONE, Not
from model.zookeeper.controller.state import Kafka, SessionState, Stage


def has_session(s: Kafka, n: Any) -> Any:
    """The broker runs, and ZooKeeper serves its session."""
    return s.up[n] & (s.session_state[n, s.session[n]] == SessionState.OPEN)


def _armed(s: Kafka, n: Any) -> Any:
    """The broker's watch on /controller is set, at a session that is open."""
    return s.watching[n] & has_session(s, n)


def controller_znode_created(s: Kafka, n: Any) -> None:
    """A broker has created /controller; watches on it fire, its own too."""
    s.changed[:] = lambda m: s.changed[m] | _armed(s, m)
    s.watching[:] = lambda m: s.watching[m] & Not(_armed(s, m))
    s.controller = n
    s.controller_session = s.session[n]


def controller_znode_deleted(s: Kafka) -> None:
    """/controller is gone; watches on it fire."""
    s.reelect[:] = lambda m: s.reelect[m] | _armed(s, m)
    s.watching[:] = lambda m: s.watching[m] & Not(_armed(s, m))
    s.controller = NONE
    s.controller_session = 0


def watches_children(s: Kafka, n: Any) -> Any:
    """The broker is a controller that watches the children of /brokers/ids, /brokers/topics and /admin/delete_topics."""
    return has_session(s, n) & (s.stage[n] != Stage.NONE) & (s.stage[n] != Stage.ELECTED)


def broker_znode_changed(s: Kafka) -> None:
    """A child of /brokers/ids has come or gone: controllers that have read them get a BrokerChange."""
    s.brokers_changed[:] = lambda m: s.brokers_changed[m] | watches_children(s, m)
