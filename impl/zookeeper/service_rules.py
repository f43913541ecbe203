"""The decisions of the service that history got wrong, each a small function, and the bugs that replace them by name.

They concern the data tree, sessions and the preparation of requests; those of the quorum are its own.
"""

from collections.abc import Callable

from attrs import evolve, frozen


def refuse_closing_sessions() -> bool:
    """Whether a session whose close has been prepared is refused from then on. SessionTrackerImpl.isClosing (1208)."""
    return True


def keep_session_until_closed() -> bool:
    """Whether an expired session stays known until its closing transaction is applied. SessionTrackerImpl.run (1496)."""
    return True


def sessions_change_during_sync() -> bool:
    """Whether transactions that a learner applies while it synchronises reach the session table. FollowerZooKeeperServer (1367)."""
    return True


def parent_changes_when_child_exists() -> bool:
    """Whether a create that finds its znode, in a replay over a fuzzy snapshot, still raises the parent's cversion. DataTree (1046)."""
    return True


def zxid_of_multi_is_processed_last() -> bool:
    """Whether lastProcessedZxid moves only after the last part of a multi. DataTree.processTxn (3127)."""
    return True


def roll_back_failed_multi() -> bool:
    """Whether a failed multi takes back the outstanding changes of its first parts. PrepRequestProcessor (1624)."""
    return True


def check_owner_of_multi() -> bool:
    """Whether a multi is refused when its session has moved to another server. PrepRequestProcessor (907)."""
    return True


def next_version(current: int) -> int:
    """The version after `current`: a signed 32-bit counter that wraps.

    In 3.9 it comes past -1, which as an expected version means "any"; the master branch skips it (4743).
    """
    return (current + 1 + (1 << 31)) % (1 << 32) - (1 << 31)


@frozen
class ServiceRules:
    """The rules of one server. The defaults are those of 3.9."""

    refuse_closing_sessions: Callable[[], bool] = refuse_closing_sessions
    keep_session_until_closed: Callable[[], bool] = keep_session_until_closed
    sessions_change_during_sync: Callable[[], bool] = sessions_change_during_sync
    parent_changes_when_child_exists: Callable[[], bool] = parent_changes_when_child_exists
    zxid_of_multi_is_processed_last: Callable[[], bool] = zxid_of_multi_is_processed_last
    roll_back_failed_multi: Callable[[], bool] = roll_back_failed_multi
    check_owner_of_multi: Callable[[], bool] = check_owner_of_multi
    next_version: Callable[[int], int] = next_version


CORRECT = ServiceRules()


@frozen
class ServiceBug:
    """One historical defect of the service: what was wrong, what it breaks, and the rules of a server that has it."""

    id: str
    title: str
    breaks: str
    rules: ServiceRules


def _no() -> bool:
    return False


_BUGS = (
    ServiceBug(
        "ZOOKEEPER-1208",
        "a session that is being closed may still create ephemerals, which nobody deletes",
        "an ephemeral exists only while its session does",
        evolve(CORRECT, refuse_closing_sessions=_no),
    ),
    ServiceBug(
        "ZOOKEEPER-1496",
        "the expirer forgets a session before its closing transaction; if that is lost, the session never expires",
        "an ephemeral of a session that nobody touches goes away",
        evolve(CORRECT, keep_session_until_closed=_no),
    ),
    ServiceBug(
        "ZOOKEEPER-1367",
        "sessions created by transactions of a synchronisation are unknown to the learner that applies them",
        "an ephemeral of a session that nobody touches goes away",
        evolve(CORRECT, sessions_change_during_sync=_no),
    ),
    ServiceBug(
        "ZOOKEEPER-1046",
        "replay over a fuzzy snapshot leaves the parent's cversion low, so that the next sequential name exists already",
        "sequential names are unique",
        evolve(CORRECT, parent_changes_when_child_exists=_no),
    ),
    ServiceBug(
        "ZOOKEEPER-3127",
        "the first part of a multi moves lastProcessedZxid: a snapshot taken then is labelled as if it held the rest",
        "a multi is atomic",
        evolve(CORRECT, zxid_of_multi_is_processed_last=_no),
    ),
    ServiceBug(
        "ZOOKEEPER-1624",
        "a failed multi leaves the outstanding changes of its first parts behind",
        "a transaction is checked against what will be in the tree",
        evolve(CORRECT, roll_back_failed_multi=_no),
    ),
    ServiceBug(
        "ZOOKEEPER-907",
        "the owner of a session is not checked for a multi",
        "requests of a session that has moved are refused",
        evolve(CORRECT, check_owner_of_multi=_no),
    ),
)

SERVICE_BUGS: dict[str, ServiceBug] = {bug.id: bug for bug in _BUGS}
"""Every bug of the service by its id."""
