"""Historical and planted bugs of the service: each replaces one rule by name. Ids as in ZooKeeper's JIRA; S-numbers are planted.

`bounds` is a scope in which a breadth-first search meets the bug; `breaks` the property that it breaks first there.
"""

from typing import Any

from model.language import Replacement


def _closing_is_ignored(closed: Any, closing: Any) -> Any:
    """A session is taken for alive until its last connection is gone."""
    return closed == closed  # noqa: PLR0124 - true, as a term


def _forgotten_at_once(tracked: Any) -> Any:
    """The tracker drops a session when it expires, before its closeSession is committed; if that is lost nothing closes it."""
    return tracked != tracked  # noqa: PLR0124 - false, as a term


def _at_once(due: Any) -> Any:
    """A reply does not wait for the events before it."""
    return due == due  # noqa: PLR0124 - true, as a term


def _any_server(applied: Any, last_zxid: Any) -> Any:
    """A server takes every client, whatever it has seen."""
    return applied == applied  # noqa: PLR0124 - true, as a term


def _own_state(committed: Any, applied: Any) -> Any:
    """A server answers sync from what it has applied."""
    return applied


def _any_owner(owner: Any, server: Any) -> Any:
    """Nobody looks which server a session belongs to."""
    return owner == owner  # noqa: PLR0124 - true, as a term


def _first_only(is_multi: Any) -> Any:
    """The second operation is not applied with the first."""
    return is_multi != is_multi  # noqa: PLR0124 - false, as a term


def _committed_zxid(applied: Any, committed: Any) -> Any:
    """The reply's zxid runs ahead of the tree that was read."""
    return committed


def _whatever_happened(existed: Any, value: Any, relative_zxid: Any) -> Any:
    """Watches are set again at reconnection as they were."""
    return value == value  # noqa: PLR0124 - true, as a term


ONE_CLIENT = {"sessions": 1}
NO_EXPIRY = {"sessions": 1, "expiries": 0}

BUGS = (
    Replacement(
        bug="ZOOKEEPER-1208",
        title="A request that follows closeSession creates an ephemeral znode that nobody removes",
        name="session_alive",
        function=_closing_is_ignored,
        breaks="ephemerals_belong_to_open_sessions",
        bounds={**ONE_CLIENT, "syncs": 0, "watches": 0, "moves": 0},
        source="ZOOKEEPER-1208, fixed in 3.3.4 and 3.4.0 (SessionTracker.setSessionClosing)",
    ),
    Replacement(
        bug="ZOOKEEPER-1496",
        title="An expired session leaves the tracker before its closeSession is committed",
        name="tracked_while_closing",
        function=_forgotten_at_once,
        breaks="the_tracker_has_every_owner_of_an_ephemeral",
        bounds={**ONE_CLIENT, "syncs": 0, "watches": 0, "moves": 0},
        source="ZOOKEEPER-1496, fixed in 3.4.4 (SessionTrackerImpl.run)",
    ),
    Replacement(
        bug="S1",
        title="A reply overtakes the watch event before it",
        name="nothing_before",
        function=_at_once,
        breaks="the_event_comes_before_the_new_data",
        bounds={**NO_EXPIRY, "moves": 0, "syncs": 0},
        source="planted: ServerCnxn, one stream per client",
    ),
    Replacement(
        bug="S2",
        title="A server accepts a client that has seen more than it has",
        name="fresh_enough",
        function=_any_server,
        breaks="a_client_never_sees_an_older_state",
        bounds={**NO_EXPIRY, "syncs": 0, "watches": 0},
        source="planted: ZooKeeperServer.processConnectRequest",
    ),
    Replacement(
        bug="S3",
        title="sync is answered from what the server has applied",
        name="sync_point",
        function=_own_state,
        breaks="answers_reflect_what_was_committed",
        bounds={**NO_EXPIRY, "watches": 0},
        source="planted: Leader.processSync",
    ),
    Replacement(
        bug="S4",
        title="The leader executes what comes from a server that the session has left",
        name="not_moved",
        function=_any_owner,
        breaks="late_writes_do_not_overtake",
        bounds={**NO_EXPIRY, "syncs": 0, "watches": 0},
        source="planted: SessionTrackerImpl.checkSession (SESSIONMOVED)",
    ),
    Replacement(
        bug="S5",
        title="A server applies only one operation of a multi",
        name="second_of_multi",
        function=_first_only,
        breaks="a_multi_is_applied_whole",
        bounds={**NO_EXPIRY, "moves": 0, "syncs": 0, "watches": 0},
        source="planted: DataTree.processTxn",
    ),
    Replacement(
        bug="S6",
        title="A reply's zxid is ahead of the tree that was read",
        name="reply_zxid",
        function=_committed_zxid,
        breaks="a_client_never_sees_an_older_state",
        bounds={**NO_EXPIRY, "syncs": 0, "watches": 0},
        source="planted: the rule that ZOOKEEPER-1412 established (FinalRequestProcessor)",
    ),
    Replacement(
        bug="S7",
        title="A watch is set again at reconnection although the znode has changed",
        name="rearmed",
        function=_whatever_happened,
        breaks="no_event_is_lost",
        bounds={**NO_EXPIRY, "syncs": 0},
        source="planted: DataTree.setWatches",
    ),
)
