"""What a controller is in the middle of: its thread handles one event at a time, to its end."""

from typing import Any

from model.language import NONE, Node, Not, exists, ite
from model.zookeeper.controller.state import Kafka, Stage, Strategy


def owes_offline(s: Kafka, n: Any) -> Any:
    """Some replica has still to be moved to OfflineReplica."""
    return exists(Node, lambda r: s.must_offline[n, r])


def has_tasks(s: Kafka, n: Any) -> Any:
    """The event that the controller handles is not done."""
    return (s.must_elect[n] != Strategy.NONE) | owes_offline(s, n)


def is_idle(s: Kafka, n: Any) -> Any:
    """The broker's controller thread waits for the next event."""
    starts = (s.stage[n] == Stage.ELECTED) | (s.stage[n] == Stage.BROKERS_READ) | (s.stage[n] == Stage.STARTING)
    return Not(s.must_register[n]) & (s.bid[n] == NONE) & Not(starts) & Not(has_tasks(s, n))


def finish(s: Kafka, c: Any) -> None:
    """A new controller that has nothing left to do is through with its failover."""
    s.stage[c] = ite(has_tasks(s, c), s.stage[c], Stage.SERVING)
