"""The service's decisions: small pure functions that a historical bug replaces by name."""

from typing import Any

from model.language import NONE, Not, ite, rule


@rule
def version_matches(expected: Any, current: Any) -> Any:
    """A conditional write goes ahead: no version is expected, or the present one. PrepRequestProcessor.checkAndIncVersion."""
    return (expected == NONE) | (expected == current)


@rule
def next_version(current: Any) -> Any:
    """The version after a setData. PrepRequestProcessor.checkAndIncVersion."""
    return current + 1


@rule
def session_alive(closed: Any, closing: Any) -> Any:
    """Requests of the session are executed. SessionTrackerImpl.checkSession: neither gone nor being closed (ZOOKEEPER-1208)."""
    return Not(closed) & Not(closing)


@rule
def not_moved(owner: Any, server: Any) -> Any:
    """A request comes from the server that owns the session. SessionTrackerImpl.checkSession, else SESSIONMOVED."""
    return owner == server


@rule
def fresh_enough(applied: Any, last_zxid: Any) -> Any:
    """A server takes a client that has seen no later transaction than the server. ZooKeeperServer.processConnectRequest."""
    return applied >= last_zxid


@rule
def sync_point(committed: Any, applied: Any) -> Any:
    """Up to where a server applies before it answers `sync`: what the leader has committed. Leader.processSync."""
    return committed


@rule
def answers_at(zxid: Any, applied: Any) -> Any:
    """A write is answered when the server has applied it. CommitProcessor, FinalRequestProcessor."""
    return applied >= zxid


@rule
def tracked_while_closing(tracked: Any) -> Any:
    """Whether the tracker keeps a session that has expired until its transaction is applied (ZOOKEEPER-1496)."""
    return tracked


@rule
def goes_with_session(owner: Any, session: Any) -> Any:
    """A closeSession transaction removes this znode: the session owns it. DataTree.killSession."""
    return owner == session


@rule
def second_of_multi(is_multi: Any) -> Any:
    """A server applies the second operation of a multi together with the first. DataTree.processTxn."""
    return is_multi


@rule
def nothing_before(due: Any) -> Any:
    """A reply reaches the client: no event is on its way, that was sent before. ServerCnxn.sendResponse, one stream per client."""
    return Not(due)


@rule
def rearmed(existed: Any, value: Any, relative_zxid: Any) -> Any:
    """At reconnection a watch is set again, not fired: the znode is there with no later zxid, or is not, as before.

    DataTree.setWatches.
    """
    return ite(existed, (value != 0) & (value <= relative_zxid), value == 0)


@rule
def reply_zxid(applied: Any, committed: Any) -> Any:
    """The zxid in a reply's header: what the tree that it was read from has applied (ZOOKEEPER-1412). FinalRequestProcessor."""
    return applied


@rule
def stays_armed(triggered: Any) -> Any:
    """A watch is still there after the change: it fires once."""
    return Not(triggered)


@rule
def sequence_number(created: Any) -> Any:
    """The number of a new sequential child: one more than children were ever created. PrepRequestProcessor.pRequest2TxnCreate."""
    return created + 1


RULES = (
    version_matches,
    next_version,
    session_alive,
    not_moved,
    fresh_enough,
    sync_point,
    answers_at,
    tracked_while_closing,
    goes_with_session,
    second_of_multi,
    nothing_before,
    rearmed,
    reply_zxid,
    stays_armed,
    sequence_number,
)
