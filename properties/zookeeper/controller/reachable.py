"""What must be reachable: without it the claims would say little."""

from model.language import Node, exists, sometimes
from model.zookeeper.controller.state import Kafka
from properties.zookeeper.controller.control import is_controller
from properties.zookeeper.controller.settled import is_settled


@sometimes
def two_brokers_act_as_the_controller(s: Kafka) -> object:
    """A controller whose session has expired does not know it yet, while its successor serves."""
    return exists(Node, Node, lambda a, b: (s.active[a] > 0) & (s.active[a] < s.active[b]) & is_controller(s, b))


@sometimes
def a_failover_comes_to_rest(s: Kafka) -> object:
    """A second controller serves, and all is done."""
    return is_settled(s) & (s.controller_epoch >= 2) & (s.znode >= 1)


@sometimes
def a_zombie_leads_beside_the_leader(s: Kafka) -> object:
    """A broker without a session takes itself for the leader while another leads with a newer epoch."""
    return exists(
        Node,
        Node,
        lambda a, b: (
            (a != b)
            & s.up[a]
            & (s.session[a] == s.remembered[a])
            & (s.applied[a] > 0)
            & (s.leader[s.applied[a]] == a)
            & (s.leader[s.applied[b]] == b)
            & (s.leader_epoch[s.applied[a]] < s.leader_epoch[s.applied[b]])
        ),
    )


REACHABLE = (two_brokers_act_as_the_controller, a_failover_comes_to_rest, a_zombie_leads_beside_the_leader)
