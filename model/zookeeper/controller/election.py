"""The election of a controller: /controller and /controller_epoch in one transaction. KafkaController.elect, maybeResign.

KafkaZkClient.registerControllerAndIncrementControllerEpoch.
"""

from typing import Any

from model.language import NONE, Bool, Node, Not, require, value_of
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


def _take_office(s: Kafka, n: Any) -> None:
    s.bid[n] = NONE
    s.active[n] = s.controller_epoch
    s.ghost_elected_in[n] = s.session[n]
    s.stage[n] = Stage.ELECTED


def elect(s: Kafka, n: Node, lost: Bool) -> None:
    """A broker that stands for controller sends the multi, and is elected or not; the reply may be `lost`, and it will try again.

    The multi succeeds if there is no /controller, and /controller_epoch has the version that was read. If it fails the broker looks
    whether it was elected by an earlier one whose reply was lost: checkControllerAndEpoch. Otherwise it sets its watch again, and resigns.
    """
    require(s.bid[n] != NONE)
    require(has_session(s, n))
    read = value_of(s.bid[n])
    wins = (s.controller == NONE) & (s.controller_epoch == read)
    require(wins | Not(lost))
    if wins:
        epoch = s.controller_epoch + 1
        s.controller_epoch = epoch
        s.ghost_impostor = s.ghost_impostor | (s.ghost_controller[epoch] != NONE)
        s.ghost_controller[epoch] = n
        controller_znode_created(s, n)
        if lost:
            s.aux_losses = s.aux_losses + 1
            s.aux_incidents = s.aux_incidents + 1
        else:
            _take_office(s, n)
    elif is_own_election((s.controller == n) & (s.controller_epoch == read + 1)):
        _take_office(s, n)
    else:
        s.bid[n] = NONE
        s.watching[n] = True


def remove_controller(s: Kafka) -> None:
    """An operator deletes /controller, in order to have another controller elected; the one that is deposed keeps its session."""
    require(s.controller != NONE)
    s.aux_removals = s.aux_removals + 1
    s.aux_incidents = s.aux_incidents + 1
    controller_znode_deleted(s)
