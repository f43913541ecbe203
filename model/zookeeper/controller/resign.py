"""A controller ceases to be one. KafkaController.onControllerResignation."""

from typing import Any

from model.language import NONE
from model.zookeeper.controller.state import Completion, Kafka, Move, Removal, Stage, Strategy


def resign(s: Kafka, n: Any) -> None:
    """A broker is not the controller, or not any more: its context is reset, requests that it has not sent are dropped."""
    s.active[n] = 0
    s.ghost_elected_in[n] = 0
    s.stage[n] = Stage.NONE
    s.bid[n] = NONE
    s.brokers_changed[n] = False
    s.live[n, :] = 0
    s.cached[n] = 0
    s.topics_changed[n] = False
    s.deletions_changed[n] = False
    s.confirmed[n, :] = False
    s.shutting[n, :] = False
    s.topic[n] = 0
    s.queued[n] = False
    s.removal[n, :] = Removal.NONE
    s.completion[n] = Completion.NONE
    s.move[n] = Move.NONE
    s.must_elect[n] = Strategy.NONE
    s.must_offline[n, :] = False
    s.queue[n, :] = ()
