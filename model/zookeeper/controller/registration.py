"""A broker's registration: the ephemeral /brokers/ids/n, whose czxid is the broker epoch.

KafkaZkClient.registerBroker, CheckedEphemeral.
"""

from typing import Any

from model.language import Node, require
from model.zookeeper.controller.rules import is_former_session, is_own_session
from model.zookeeper.controller.state import Kafka
from model.zookeeper.controller.znodes import broker_znode_changed, has_session


def _create(s: Kafka, n: Any) -> None:
    s.czxid = s.czxid + 1
    s.registered[n] = s.czxid
    s.registered_by[n] = s.session[n]
    broker_znode_changed(s)


def _is_registered(s: Kafka, n: Any) -> None:
    """The broker knows its epoch, and that it has registered in this session; it stands for controller next."""
    s.broker_epoch[n] = s.registered[n]
    s.remembered[n] = s.session[n]
    s.must_register[n] = False
    s.reelect[n] = True


def register(s: Kafka, n: Node) -> None:
    """A broker creates its znode, or finds it there: it is its own if its session owns it, and replaced if a former one does.

    Enabled iff the broker has a new session, and nobody else's znode is in its place: then its start fails, and somebody starts it again.
    The work-around of KAFKA-7165: a znode that this process has created in a former session is deleted and created again.
    """
    require(s.must_register[n])
    require(has_session(s, n))
    if s.registered[n] == 0:
        _create(s, n)
    else:
        own = is_own_session(s.registered_by[n], s.session[n], s.remembered[n])
        former = is_former_session(s.registered_by[n], s.remembered[n])
        require(own | former)
        if not own:
            _create(s, n)
    _is_registered(s, n)


def register_unheard(s: Kafka, n: Node) -> None:
    """A broker creates its znode, and the reply is lost with the connection: it will try again. CONNECTIONLOSS."""
    require(s.must_register[n])
    require(has_session(s, n))
    require(s.registered[n] == 0)
    s.aux_losses = s.aux_losses + 1
    _create(s, n)
