"""The election of a controller: /controller and /controller_epoch in one transaction. KafkaController.elect, maybeResign.

KafkaZkClient.registerControllerAndIncrementControllerEpoch.
"""

from typing import Any

from model.language import NONE, Node, require, value_of
from model.zookeeper.controller.resign import resign
from model.zookeeper.controller.rules import elects_when_changed, is_own_election
from model.zookeeper.controller.state import Kafka, Stage
from model.zookeeper.controller.work import is_idle
from model.zookeeper.controller.znodes import controller_znode_created, controller_znode_deleted, has_session


def _look_at_controller(s: Kafka, n: Any) -> None:
    """The broker reads /controller, which sets its watch, and resigns if it is not the controller any more. maybeResign."""
    s.watching[n] = True
    if s.controller != n:
        resign(s, n)


def handle_controller_change(s: Kafka, n: Node) -> None:
    """A broker learns that /controller was created. Enabled iff the event is pending."""
    require(s.changed[n])
    require(has_session(s, n))
    require(is_idle(s, n))
    s.changed[n] = False
    _look_at_controller(s, n)
    if elects_when_changed(s.controller == NONE):
        s.bid[n] = s.controller_epoch


def handle_reelect(s: Kafka, n: Node) -> None:
    """A broker learns that there is no controller, or has just started: it reads the epoch in order to stand, if /controller is not there.

    Enabled iff the event is pending, and the broker has registered.
    """
    require(s.reelect[n])
    require(has_session(s, n))
    require(is_idle(s, n))
    s.reelect[n] = False
    _look_at_controller(s, n)
    if s.controller == NONE:
        s.bid[n] = s.controller_epoch


def _can_win(s: Kafka, n: Any) -> Any:
    """The multi succeeds: there is no /controller, and /controller_epoch has the version that was read."""
    return (s.controller == NONE) & (s.controller_epoch == value_of(s.bid[n]))


def _win(s: Kafka, n: Any) -> None:
    s.controller_epoch = s.controller_epoch + 1
    s.ghost_impostor = s.ghost_impostor | (s.ghost_controller[s.controller_epoch] != NONE)
    s.ghost_controller[s.controller_epoch] = n
    controller_znode_created(s, n)


def _take_office(s: Kafka, n: Any) -> None:
    s.bid[n] = NONE
    s.active[n] = s.controller_epoch
    s.ghost_elected_in[n] = s.session[n]
    s.stage[n] = Stage.ELECTED


def elect(s: Kafka, n: Node) -> None:
    """A broker that stands for controller sends the multi, and is elected or not.

    If the multi fails it looks whether it was elected by an earlier one whose reply was lost: checkControllerAndEpoch. Otherwise it sets
    its watch again, and resigns.
    """
    require(s.bid[n] != NONE)
    require(has_session(s, n))
    if _can_win(s, n):
        _win(s, n)
        _take_office(s, n)
    else:
        mine = (s.controller == n) & (s.controller_epoch == value_of(s.bid[n]) + 1)
        if is_own_election(mine):
            _take_office(s, n)
        else:
            s.bid[n] = NONE
            s.watching[n] = True


def elect_unheard(s: Kafka, n: Node) -> None:
    """A broker is elected, and the reply is lost with the connection: it will try again."""
    require(s.bid[n] != NONE)
    require(has_session(s, n))
    require(_can_win(s, n))
    s.aux_losses = s.aux_losses + 1
    _win(s, n)


def remove_controller(s: Kafka) -> None:
    """An operator deletes /controller, in order to have another controller elected; the one that is deposed keeps its session."""
    require(s.controller != NONE)
    s.aux_removals = s.aux_removals + 1
    controller_znode_deleted(s)
