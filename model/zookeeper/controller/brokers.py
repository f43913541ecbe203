"""A controller learns of brokers that have come, gone, or come again. KafkaController.processBrokerChange.

Kafka handles new, bounced and dead brokers in this order from one reading of /brokers/ids; here each part reads again, and the event stays
pending until nothing is left to do. A broker that has bounced is handled as one that has failed and then started, as Kafka does.
"""

from typing import Any

from model.language import Node, Not, exists, ite, require, sequence
from model.zookeeper.controller.leadership import elects_if_leaderless, enqueue, metadata_kind
from model.zookeeper.controller.reassignment import is_reassigning
from model.zookeeper.controller.rules import goes_online, has_bounced
from model.zookeeper.controller.state import Kafka, Kind, Move, Removal, Strategy
from model.zookeeper.controller.work import serves


def _is_new(s: Kafka, c: Any, b: Any) -> Any:
    return (s.live[c, b] == 0) & (s.registered[b] > 0)


def _has_failed(s: Kafka, c: Any, b: Any) -> Any:
    return (s.live[c, b] > 0) & ((s.registered[b] == 0) | has_bounced(s.live[c, b], s.registered[b]))


def _handles_event(s: Kafka, c: Any) -> None:
    require(s.brokers_changed[c])
    require(serves(s, c))


def handle_broker_startup(s: Kafka, c: Node) -> None:
    """A controller finds new brokers: it tells them all it knows, and elects a leader if there is none. onBrokerStartup.

    Enabled iff a BrokerChange is pending and there are new brokers.
    """
    _handles_event(s, c)
    require(exists(Node, lambda b: _is_new(s, c, b)))
    s.brokers_changed[c] = exists(Node, lambda b: _has_failed(s, c, b))
    known = s.cached[c]

    def is_new(b: Any) -> Any:
        return _is_new(s, c, b)

    def is_new_replica(b: Any) -> Any:
        return _is_new(s, c, b) & s.assigned[b] & (known > 0) & goes_online(s.removal[c, b] == Removal.SUCCESSFUL)

    enqueue(s, c, is_new, metadata_kind(s, c), known, lambda b: s.registered[b])
    enqueue(s, c, is_new_replica, Kind.LEADER_AND_ISR, known, lambda b: s.registered[b])
    s.live[c, :] = lambda b: ite(s.live[c, b] == 0, s.registered[b], s.live[c, b])
    s.must_elect[c] = elects_if_leaderless(s, c)
    s.move[c] = ite(is_reassigning(s) & (known > 0) & Not(s.queued[c]), Move.CHECK, Move.NONE)


def handle_broker_failure(s: Kafka, c: Node) -> None:
    """A controller finds that brokers are gone or have bounced: leaders are elected, then their replicas go offline. onBrokerFailure.

    Enabled iff a BrokerChange is pending, with no new brokers to handle first.
    """
    _handles_event(s, c)
    require(Not(exists(Node, lambda b: _is_new(s, c, b))))
    s.brokers_changed[c] = exists(Node, lambda b: _has_failed(s, c, b) & (s.registered[b] > 0))
    knows = (s.cached[c] > 0) & Not(s.queued[c])
    s.shutting[c, :] = lambda b: s.shutting[c, b] & Not(_has_failed(s, c, b))
    s.confirmed[c, :] = lambda b: s.confirmed[c, b] & Not(_has_failed(s, c, b))
    s.removal[c, :] = lambda b: ite(
        _has_failed(s, c, b) & (s.removal[c, b] == Removal.STARTED), Removal.INELIGIBLE, s.removal[c, b]
    )
    s.must_offline[c, :] = lambda b: knows & s.assigned[b] & _has_failed(s, c, b)
    s.queue[c, :] = lambda b: sequence(ite(_has_failed(s, c, b), 0, s.queue[c, b].length), lambda p: s.queue[c, b][p])
    s.live[c, :] = lambda b: ite(_has_failed(s, c, b), 0, s.live[c, b])
    s.must_elect[c] = ite(knows, elects_if_leaderless(s, c), Strategy.NONE)
