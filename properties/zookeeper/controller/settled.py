"""States in which nothing is on its way and nobody has anything left to do: what holds "in the end" must hold there.

What every run comes to if faults stop; a run that never comes to rest is not seen by this, and the bounds cut off what they cut off.
"""

from typing import Any

from model.language import NONE, Node, Not, exists, forall, implies
from model.zookeeper.controller.isr import gets_answer
from model.zookeeper.controller.replication import follows
from model.zookeeper.controller.state import Kafka, Session, SessionState, Stage
from model.zookeeper.controller.topics import is_deletion_due
from model.zookeeper.controller.work import has_tasks
from model.zookeeper.controller.znodes import has_session


def _sessions_are_settled(s: Kafka, n: Any) -> Any:
    """A running broker's session is served; all others of it are closed."""
    return (Not(s.up[n]) | has_session(s, n)) & forall(
        Session,
        lambda k: (
            (s.session_state[n, k] != SessionState.CLOSING)
            & implies((s.session_state[n, k] == SessionState.OPEN), s.up[n] & (s.session[n] == k))
        ),
    )


def _waits_for_nothing(s: Kafka, n: Any) -> Any:
    """No event is pending at the broker, its controller thread has nothing to do, and no request of it is on its way."""
    return (
        Not(s.must_register[n] | s.changed[n] | s.reelect[n] | (s.up[n] & s.stopping[n]))
        & Not(s.brokers_changed[n] | s.topics_changed[n] | s.deletions_changed[n] | is_deletion_due(s, n))
        & (s.bid[n] == NONE)
        & ((s.stage[n] == Stage.NONE) | (s.stage[n] == Stage.SERVING))
        & Not(has_tasks(s, n))
        & forall(Node, lambda b: (s.queue[n, b].length == 0) | Not(s.up[b]))
        & forall(Node, lambda b: Not(gets_answer(s, n, b) | s.confirmed[n, b]))
    )


def is_settled(s: Kafka) -> Any:
    """Some broker runs, and all that the protocol owes is done."""
    return exists(Node, lambda n: s.up[n]) & forall(
        Node, lambda n: _sessions_are_settled(s, n) & _waits_for_nothing(s, n)
    )


def _is_caught_up(s: Kafka, n: Any, leader: Any) -> Any:
    """A follower has cut its log, has all of the leader's, and the leader knows that."""
    end = s.log[leader].length
    return s.reconciled[n] & s.fetched[leader, n] & (s.log[n].length == end) & (s.end_of[leader, n] == end)


def is_settled_and_caught_up(s: Kafka) -> Any:
    """All that the protocol owes is done, followers have all of the leader's log, and no change of the ISR is on its way or due."""
    return is_settled(s) & forall(
        Node,
        Node,
        lambda n, m: implies(
            follows(s, n, m),
            _is_caught_up(s, n, m)
            & (s.altering[m] == NONE)
            & (s.isr[s.applied[m], n] | Not(s.replicas[s.applied[m], n])),
        ),
    )
