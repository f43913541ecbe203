"""What a controller is in the middle of: its thread handles one event at a time, to its end."""

from typing import Any

from model.language import NONE, Node, Not, exists, ite
from model.zookeeper.controller.state import Completion, Kafka, Move, Stage, Strategy
from model.zookeeper.controller.znodes import has_session


def owes_offline(s: Kafka, n: Any) -> Any:
    """Some replica has still to be moved to OfflineReplica."""
    return exists(Node, lambda r: s.must_offline[n, r])


def has_tasks(s: Kafka, n: Any) -> Any:
    """The event that the controller handles is not done."""
    deletes_or_moves = (s.completion[n] != Completion.NONE) | (s.move[n] != Move.NONE)
    return (s.must_elect[n] != Strategy.NONE) | owes_offline(s, n) | deletes_or_moves


def is_idle(s: Kafka, n: Any) -> Any:
    """The broker's controller thread waits for the next event."""
    starts = (s.stage[n] == Stage.ELECTED) | (s.stage[n] == Stage.BROKERS_READ) | (s.stage[n] == Stage.STARTING)
    return Not(s.must_register[n]) & (s.bid[n] == NONE) & Not(starts) & Not(has_tasks(s, n))


def serves(s: Kafka, c: Any) -> Any:
    """The broker is the controller, its thread waits for the next event, and ZooKeeper serves its session."""
    return (s.stage[c] == Stage.SERVING) & has_session(s, c) & is_idle(s, c)


def finish(s: Kafka, c: Any) -> None:
    """A new controller that has nothing left to do is through with its failover."""
    s.stage[c] = ite(has_tasks(s, c), s.stage[c], Stage.SERVING)
