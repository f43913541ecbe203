"""Controlled shutdown: a broker asks the controller to take its leadership away before it stops.

KafkaServer.controlledShutdown, KafkaController.doControlledShutdown. A broker that gives up after its attempts stops like one that crashes
and whose session is closed at once.
"""

from model.language import Node, Not, ite, require
from model.zookeeper.controller.leadership import send
from model.zookeeper.controller.rules import is_current_registration
from model.zookeeper.controller.sessions import close_at_once, stop_process
from model.zookeeper.controller.state import Kafka, Kind, Strategy
from model.zookeeper.controller.work import serves


def want_to_stop(s: Kafka, b: Node) -> None:
    """A broker that has registered is told to shut down, and asks the controller."""
    require(s.up[b])
    require(s.broker_epoch[b] > 0)
    require(Not(s.stopping[b]))
    s.aux_shutdowns = s.aux_shutdowns + 1
    s.aux_incidents = s.aux_incidents + 1
    s.stopping[b] = True


def handle_controlled_shutdown(s: Kafka, c: Node, b: Node) -> None:
    """A controller moves the leadership of a broker that shuts down, or else stops its replica and takes it out of the ISR.

    Enabled iff the broker has asked, in a registration that the controller does not know to be over, and there is something to do: it asks
    again while it still leads.
    """
    require(serves(s, c))
    require(s.up[b] & s.stopping[b])
    require(s.live[c, b] > 0)
    require(is_current_registration(s.broker_epoch[b], s.live[c, b]))
    known = (s.cached[c] > 0) & Not(s.queued[c])
    leads = known & (s.leader[s.cached[c]] == b)
    require(leads | Not(s.shutting[c, b]))
    s.shutting[c, b] = True
    follows = known & s.assigned[b] & Not(leads)
    send(s, c, lambda n: follows & (n == b), Kind.STOP_REPLICA, s.cached[c])
    s.must_elect[c] = ite(leads, Strategy.SHUTDOWN, Strategy.NONE)
    s.must_offline[c, b] = follows


def stop(s: Kafka, c: Node, b: Node) -> None:
    """A broker is told that it leads nothing any more, and stops; its session is closed, and its znodes go with it."""
    require(serves(s, c))
    require(s.up[b] & s.stopping[b])
    require(s.shutting[c, b])
    require((s.cached[c] == 0) | (s.leader[s.cached[c]] != b) | s.queued[c])
    stop_process(s, b)
    close_at_once(s, b)
