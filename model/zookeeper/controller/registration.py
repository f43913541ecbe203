"""A broker's registration: the ephemeral /brokers/ids/n, whose czxid is the broker epoch.

KafkaZkClient.registerBroker, CheckedEphemeral.
"""

from model.language import Bool, Node, Not, require
from model.zookeeper.controller.rules import is_former_session, is_own_session
from model.zookeeper.controller.state import Kafka
from model.zookeeper.controller.znodes import broker_znode_changed, has_session


def register(s: Kafka, n: Node, lost: Bool) -> None:
    """A broker creates its znode, or finds it there: it is its own if its session owns it, and replaced if a former one does.

    Enabled iff the broker has a new session, and nobody else's znode is in its place: then its start fails, and somebody starts it again.
    The work-around of KAFKA-7165: a znode that this process has created in a former session is deleted and created again. The reply to
    the creation may be `lost` with the connection: the broker will try again.
    """
    require(s.must_register[n])
    require(has_session(s, n))
    owner, exists = s.registered_by[n], s.registered[n] > 0
    own = exists & is_own_session(owner, s.session[n], s.remembered[n])
    require(Not(exists) | own | is_former_session(owner, s.remembered[n]))
    require(Not(lost) | Not(exists))
    if Not(own):
        s.czxid = s.czxid + 1
        s.registered[n] = s.czxid
        s.registered_by[n] = s.session[n]
        broker_znode_changed(s)
    if lost:
        s.aux_losses = s.aux_losses + 1
        s.aux_incidents = s.aux_incidents + 1
    else:
        s.broker_epoch[n] = s.registered[n]
        s.remembered[n] = s.session[n]
        s.must_register[n] = False
        s.reelect[n] = True
