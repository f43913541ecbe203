"""Transactions: how they are committed, and what they do to a server's tree, sessions and watches. DataTree.processTxn."""

from typing import Any

from model.language import NONE, Not, exists, ite, maximum, value_of
from model.zookeeper.service.rules import goes_with_session, reply_zxid, second_of_multi, stays_armed
from model.zookeeper.service.state import Kind, Path, Service


def value_at(s: Service, n: Any, p: Any) -> Any:
    """What a read of a path at a server shows: its mzxid (of the parent the pzxid); 0 if it does not exist."""
    return s.modified[n, p]


def commit(s: Service, leader: Any, txn: Any) -> None:
    """The leader proposes, logs and commits a transaction, and applies it to its own tree."""
    s.log.append(txn)
    apply(s, leader)


def apply(s: Service, n: Any) -> None:
    """A server applies the next transaction: watches fire, the tree changes, a closed session's connection is closed.

    In that order at every place that is read and written, so that each looks at the tree as it was.
    """
    zxid = s.applied[n] + 1
    txn = s.log[zxid]
    closes = txn.kind == Kind.CLOSE

    grows = (txn.kind == Kind.CREATE) | second_of_multi(txn.kind == Kind.MULTI)

    def creates(p: Any) -> Any:
        return grows & (p == ite(txn.kind == Kind.MULTI, txn.other, txn.path))

    def sets(p: Any) -> Any:
        return ((txn.kind == Kind.SET) | (txn.kind == Kind.MULTI)) & (p == txn.path)

    def removes(p: Any) -> Any:
        dies = closes & (s.owner[n, p] != NONE) & goes_with_session(s.owner[n, p], txn.owner)
        return s.present[n, p] & (((txn.kind == Kind.DELETE) & (p == txn.path)) | dies)

    children = exists(Path, lambda p: creates(p) | removes(p))

    def fires(x: Any, p: Any) -> Any:
        changes = ite(p == 0, children, creates(p) | sets(p) | removes(p))
        return (s.connection[x] == n) & s.armed[x, p] & changes

    s.due[:, :] = lambda x, p: s.due[x, p] | fires(x, p)
    s.armed[:, :] = lambda x, p: s.armed[x, p] & stays_armed(fires(x, p))
    s.modified[n, :] = lambda p: ite(
        ite(p == 0, children, creates(p) | sets(p)), zxid, ite(removes(p), 0, s.modified[n, p])
    )
    s.version[n, :] = lambda p: ite(sets(p), txn.version, ite(creates(p) | removes(p), 0, s.version[n, p]))
    s.present[n, :] = lambda p: creates(p) | (s.present[n, p] & Not(removes(p)))
    s.owner[n, :] = lambda p: ite(creates(p), txn.owner, ite(s.present[n, p], s.owner[n, p], NONE))
    if grows:
        s.created[n] = s.created[n] + 1
    if closes:
        session = value_of(txn.owner)
        s.closed[n, session] = True
        if s.connection[session] == n:
            drop_connection(s, session)
    s.applied[n] = zxid


def shown(s: Service, session: Any, applied: Any) -> None:
    """A reply tells a client how much its server has applied. ClientCnxn.SendThread.readResponse, lastZxid."""
    s.ghost_back[session] = s.ghost_back[session] | (applied < s.last_zxid[session])
    s.last_zxid[session] = maximum(s.last_zxid[session], reply_zxid(applied, s.log.length))


def drop_connection(s: Service, session: Any) -> None:
    """A connection is gone: what was on its way in both directions is lost, and the server forgets its watches."""
    s.connection[session] = NONE
    s.pipe[session].truncate(0)
    s.armed[session, :] = False
    s.due[session, :] = False
