"""Who is the controller, and what it may do: uniqueness by epoch, fencing, sessions, registration. K1, K2, K12, K13, K14."""

from typing import Any

from model.language import NONE, Node, Not, always, exists, forall, implies, step
from model.zookeeper.controller.state import ControllerEpoch, Kafka, Stage
from model.zookeeper.controller.znodes import has_session
from properties.zookeeper.controller.settled import is_settled


@always
def at_most_one_controller_per_epoch(s: Kafka) -> object:
    """A broker acts, writes and sends only in an epoch with which it was elected itself, and none is given twice."""
    return Not(s.ghost_impostor) & forall(
        Node, lambda n: implies(s.active[n] > 0, s.ghost_controller[s.active[n]] == n)
    )


@step
def each_election_takes_the_next_epoch(s: Kafka, t: Kafka) -> object:
    """/controller_epoch grows by one when a controller is elected, and else not at all."""
    won = exists(ControllerEpoch, lambda e: (s.ghost_controller[e] == NONE) & (t.ghost_controller[e] != NONE))
    return ((t.controller_epoch == s.controller_epoch) & Not(won)) | (
        (t.controller_epoch == s.controller_epoch + 1) & won
    )


@always
def the_owner_of_controller_has_the_newest_epoch(s: Kafka) -> object:
    """Who acts as the controller in the session that owns /controller acts with the epoch that is in /controller_epoch."""
    return forall(
        Node,
        lambda n: implies(
            (s.active[n] > 0) & (s.controller == n) & (s.controller_session == s.ghost_elected_in[n]),
            s.active[n] == s.controller_epoch,
        ),
    )


@always
def a_deposed_controller_does_not_write(s: Kafka) -> object:
    """What a controller of epoch c writes is written before /controller_epoch is c + 1."""
    return Not(s.ghost_zombie_write)


@always
def a_controller_acts_in_the_session_of_its_election(s: Kafka) -> object:
    """No event of a controller from before an expiry is handled in the new session."""
    return forall(Node, lambda n: implies(s.active[n] > 0, s.ghost_elected_in[n] == s.session[n]))


@always
def running_brokers_are_registered(s: Kafka) -> object:
    """In the end each broker that runs has its znode, owned by its session, and knows its epoch."""
    return implies(
        is_settled(s),
        forall(
            Node,
            lambda n: implies(
                s.up[n],
                (s.registered[n] > 0) & (s.registered_by[n] == s.session[n]) & (s.broker_epoch[n] == s.registered[n]),
            ),
        ),
    )


def is_controller(s: Kafka, n: Any) -> Any:
    """The broker acts as the controller, in office for the newest epoch."""
    return (s.stage[n] == Stage.SERVING) & (s.active[n] == s.controller_epoch) & has_session(s, n)


@always
def a_controller_exists(s: Kafka) -> object:
    """In the end /controller names a broker, and that one acts as the controller."""
    return implies(is_settled(s), exists(Node, lambda n: (s.controller == n) & is_controller(s, n)))


@always
def the_controller_knows_the_live_brokers(s: Kafka) -> object:
    """In the end the controller has each registered broker with its epoch, and no other."""
    return implies(
        is_settled(s),
        forall(Node, Node, lambda c, b: implies(is_controller(s, c), s.live[c, b] == s.registered[b])),
    )


CONTROL = (
    at_most_one_controller_per_epoch,
    each_election_takes_the_next_epoch,
    the_owner_of_controller_has_the_newest_epoch,
    a_deposed_controller_does_not_write,
    a_controller_acts_in_the_session_of_its_election,
    running_brokers_are_registered,
    a_controller_exists,
    the_controller_knows_the_live_brokers,
)
