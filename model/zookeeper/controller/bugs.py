"""Historical and planted bugs of Kafka on ZooKeeper: each replaces a rule or an action by name. Ids as in Kafka's JIRA; C-numbers are ours.

`bounds` is a scope in which a breadth-first search meets the bug; `breaks` the property that it breaks first there.
"""

from typing import Any

from model.language import NONE, Node, Replacement, require
from model.zookeeper.controller.state import Kafka, Stage
from model.zookeeper.controller.znodes import controller_znode_created, has_session


def _former_is_own(owner: Any, session: Any, remembered: Any) -> Any:
    """A znode that a former session of the broker owns is taken for a registration."""
    return (owner == session) | (owner == remembered)


def _never_its_own(mine: Any) -> Any:
    """A broker does not find out that it was elected by a multi whose reply was lost."""
    return mine & (mine != mine)  # noqa: PLR0124 - false, as a term


def _only_looks(gone: Any) -> Any:
    """On ControllerChange a broker only looks who the controller is, also if there is none."""
    return gone & (gone != gone)  # noqa: PLR0124 - false, as a term


def _unchecked(acting: Any, current: Any) -> Any:
    """A controller's write does not depend on /controller_epoch."""
    return acting == acting  # noqa: PLR0124 - true, as a term


def _newest_epoch(own: Any, current: Any) -> Any:
    """A controller takes over the newest epoch as soon as it learns of it, whoever was elected with it."""
    return current


def _roles_first(first: Any) -> Any:
    """LeaderAndIsr is sent before the list of brokers."""
    return first != first  # noqa: PLR0124 - false, as a term


def _as_long_as_it_is_there(known: Any, registered: Any) -> Any:
    """A broker that has a znode is taken for the one that was known."""
    return known != known  # noqa: PLR0124 - false, as a term


def _any_incarnation(meant: Any, own: Any) -> Any:
    """A broker obeys what was meant for an earlier registration."""
    return meant == meant  # noqa: PLR0124 - true, as a term


def _create_controller_only(s: Kafka, n: Node) -> None:
    """A broker that stands for controller creates /controller; the epoch comes later."""
    require(s.bid[n] != NONE)
    require(has_session(s, n))
    s.bid[n] = NONE
    if s.controller == NONE:
        controller_znode_created(s, n)
        s.stage[n] = Stage.ELECTED
        s.ghost_elected_in[n] = s.session[n]
    else:
        s.watching[n] = True


def _raise_epoch_then_read(s: Kafka, c: Node) -> None:
    """Who has created /controller reads /controller_epoch and writes the next one, whoever owns /controller by now; then it goes on."""
    require(s.stage[c] == Stage.ELECTED)
    require(has_session(s, c))
    s.controller_epoch = s.controller_epoch + 1
    s.active[c] = s.controller_epoch
    s.ghost_controller[s.controller_epoch] = c
    s.live[c, :] = lambda b: s.registered[b]
    s.stage[c] = Stage.BROKERS_READ


QUIET = {"restarts": 0, "losses": 0, "lingering": 0, "expiries": 0, "removals": 0}

BUGS = (
    Replacement(
        bug="KAFKA-1387",
        title="A broker takes the znode of its own expired session for its registration",
        name="is_own_session",
        function=_former_is_own,
        breaks="running_brokers_are_registered",
        bounds={**QUIET, "expiries": 1, "lingering": 1, "writes": 2},
        source="KAFKA-1387 (and KAFKA-992), fixed in 0.9.0 (ZKWatchedEphemeral; CheckedEphemeral since 1.0)",
    ),
    Replacement(
        bug="KAFKA-1451",
        title="A broker that was elected by a lost reply finds /controller taken, by itself, and nobody serves",
        name="is_own_election",
        function=_never_its_own,
        breaks="a_controller_exists",
        bounds={**QUIET, "losses": 1},
        source="KAFKA-1451, fixed in 0.8.2 (ZookeeperLeaderElector.elect; checkControllerAndEpoch since 2.1)",
    ),
    Replacement(
        bug="KAFKA-6082",
        title="/controller and its epoch are written one after the other, and a deposed controller's writes are not refused",
        name="elect",
        function=_create_controller_only,
        also={"read_brokers": _raise_epoch_then_read, "may_write": _unchecked},
        breaks="the_owner_of_controller_has_the_newest_epoch",
        bounds={**QUIET, "removals": 1},
        source="KAFKA-6082, fixed in 2.1.0 (KafkaZkClient.registerControllerAndIncrementControllerEpoch)",
    ),
    Replacement(
        bug="KAFKA-1096",
        title="A deposed controller learns the new epoch and goes on with it",
        name="acting_epoch",
        function=_newest_epoch,
        also={"may_write": _unchecked},
        breaks="at_most_one_controller_per_epoch",
        bounds={**QUIET, "removals": 1},
        source="KAFKA-1096, fixed in 0.8.2 (ControllerEpochListener)",
    ),
    Replacement(
        bug="KAFKA-4443",
        title="A new controller tells brokers their roles before it tells them who is live",
        name="learns_brokers_first",
        function=_roles_first,
        breaks="replicas_play_their_roles",
        bounds={**QUIET, "restarts": 1, "sessions": 2},
        source="KAFKA-4443, fixed in 0.10.2 (KafkaController.onControllerFailover)",
    ),
    Replacement(
        bug="KAFKA-7235",
        title="A broker that bounces obeys requests that were meant for its earlier incarnation, and nobody notices",
        name="has_bounced",
        function=_as_long_as_it_is_there,
        also={"is_for_this_incarnation": _any_incarnation},
        breaks="requests_do_not_reach_a_later_incarnation",
        bounds={**QUIET, "restarts": 1},
        source="KAFKA-7235 (KIP-380), fixed in 2.2.0 (broker epochs)",
    ),
    Replacement(
        bug="C1",
        title="A broker that learns of a new controller too late, and finds /controller gone, does not stand",
        name="elects_when_changed",
        function=_only_looks,
        breaks="a_controller_exists",
        bounds={**QUIET, "expiries": 1, "restarts": 1},
        source="KafkaController.processControllerChange, as it is in 3.9",
    ),
)
