"""Applying a transaction to the data tree: what every server does with what is committed, and again after a crash.

Idempotent where the log is replayed over a fuzzy snapshot, whose znodes may be newer than its label: a znode that exists or is
missing already is not an error there, and counters only grow. Source: DataTree.processTxn, createNode, deleteNode, killSession.
"""

from enum import Enum
from typing import TypeAlias, assert_never

from attrs import evolve, frozen

from impl.zookeeper.acl import Acl
from impl.zookeeper.codes import ErrorCode, OpCode
from impl.zookeeper.paths import parent_of
from impl.zookeeper.service_rules import CORRECT, ServiceRules
from impl.zookeeper.stat import CONTAINER_OWNER, ClientStat, Stat, ttl_owner
from impl.zookeeper.transactions import (
    RECOMPUTE,
    CheckVersionTxn,
    CloseSessionTxn,
    CreateContainerTxn,
    CreateSessionTxn,
    CreateTtlTxn,
    CreateTxn,
    DeleteTxn,
    ErrorTxn,
    MultiTxn,
    SetAclTxn,
    SetDataTxn,
    SimpleBody,
    SubTxn,
    Txn,
    TxnHeader,
)
from impl.zookeeper.tree import DataTree, Node


class ChangeKind(Enum):
    """What happened to a znode, as far as watches care."""

    CREATED = "created"
    DELETED = "deleted"
    DATA_CHANGED = "data changed"


@frozen
class Change:
    """A change that watches may tell of; with the lists that say who may be told."""

    kind: ChangeKind
    path: str
    acl: tuple[Acl, ...]
    parent_acl: tuple[Acl, ...] = ()


@frozen
class Outcome:
    """What applying gave: ProcessTxnResult.

    error    OK, or why nothing changed
    path     of the znode created
    stat     of the znode created or changed
    results  of a multi, one outcome a part
    changes  in the order in which watches are triggered
    """

    error: int = 0
    path: str | None = None
    stat: ClientStat | None = None
    results: tuple["Outcome", ...] = ()
    changes: tuple[Change, ...] = ()


Applied: TypeAlias = tuple[DataTree, Outcome]


def apply(tree: DataTree, txn: Txn, rules: ServiceRules = CORRECT, *, syncing: bool = False) -> Applied:
    """The tree after a transaction, and its outcome. `syncing`: a learner applies it before it serves. Never raises."""
    trees, outcome = apply_in_parts(tree, txn, rules, syncing=syncing)
    return trees[-1], outcome


def apply_in_parts(
    tree: DataTree, txn: Txn, rules: ServiceRules = CORRECT, *, syncing: bool = False
) -> tuple[tuple[DataTree, ...], Outcome]:
    """The same, with the tree after each part of a multi: what a snapshot that is being taken meanwhile can see."""
    trees: list[DataTree] = []
    if isinstance(txn.body, MultiTxn):
        results: list[Outcome] = []
        changes: list[Change] = []
        for part in _parts(txn.body):
            header = evolve(txn.header, type=part.type)
            tree, result = _apply_simple(tree, header, part.body, rules, syncing)
            if not rules.zxid_of_multi_is_processed_last():
                tree = _processed(tree, txn.zxid)
            trees.append(tree)
            results.append(result)
            changes.extend(result.changes)
        error = next((result.error for result in results if result.error), 0)
        outcome = Outcome(error, results=tuple(results), changes=tuple(changes))
    else:
        tree, outcome = _apply_simple(tree, txn.header, txn.body, rules, syncing)
    return (*trees, _processed(tree, txn.zxid)), outcome


def _processed(tree: DataTree, zxid: int) -> DataTree:
    return evolve(tree, last_zxid=max(tree.last_zxid, zxid))


def _parts(multi: MultiTxn) -> tuple[SubTxn, ...]:
    """The parts; if one is an error, all are: OK before it and RUNTIME_INCONSISTENCY after it."""
    failed_at = next((n for n, part in enumerate(multi.parts) if isinstance(part.body, ErrorTxn)), None)
    if failed_at is None:
        return multi.parts
    return tuple(
        part
        if isinstance(part.body, ErrorTxn)
        else SubTxn(OpCode.ERROR, ErrorTxn(ErrorCode.OK if n < failed_at else ErrorCode.RUNTIME_INCONSISTENCY))
        for n, part in enumerate(multi.parts)
    )


def _apply_simple(tree: DataTree, header: TxnHeader, body: SimpleBody, rules: ServiceRules, syncing: bool) -> Applied:
    match body:
        case CreateTxn(path=path, data=data, acl=acl, parent_cversion=parent_cversion):
            owner = header.session if body.ephemeral else 0
            return _create(tree, header, path, data, acl, owner, parent_cversion, rules)
        case CreateContainerTxn(path=path, data=data, acl=acl, parent_cversion=parent_cversion):
            return _create(tree, header, path, data, acl, CONTAINER_OWNER, parent_cversion, rules)
        case CreateTtlTxn(path=path, data=data, acl=acl, parent_cversion=parent_cversion, ttl=ttl):
            return _create(tree, header, path, data, acl, ttl_owner(ttl), parent_cversion, rules)
        case DeleteTxn(path=path):
            return _delete(tree, header.zxid, path)
        case SetDataTxn() | SetAclTxn():
            return _set(tree, header, body)
        case CheckVersionTxn(path=path):
            return tree, Outcome(path=path)
        case CreateSessionTxn(timeout=timeout):
            if not syncing or rules.sessions_change_during_sync():
                tree = evolve(tree, sessions={**tree.sessions, header.session: timeout})
            return tree, Outcome()
        case CloseSessionTxn(paths=paths):
            return _close_session(tree, header, paths, rules, syncing)
        case ErrorTxn(error=error):
            return tree, Outcome(error)
        case _:
            assert_never(body)


def _create(
    tree: DataTree,
    header: TxnHeader,
    path: str,
    data: bytes | None,
    acl: tuple[Acl, ...],
    owner: int,
    parent_cversion: int,
    rules: ServiceRules,
) -> Applied:
    parent_path = parent_of(path)
    parent = tree.get(parent_path)
    if parent is None:
        return tree, Outcome(ErrorCode.NO_NODE)
    exists = tree.get(path) is not None
    if exists and not rules.parent_changes_when_child_exists():
        return tree, Outcome(ErrorCode.NODE_EXISTS)
    cversion = parent.stat.cversion + 1 if parent_cversion == RECOMPUTE and not exists else parent_cversion
    if cversion > parent.stat.cversion:
        # Only ever upwards: a replay may meet a parent that was written to the snapshot after later changes.
        parent = evolve(parent, stat=evolve(parent.stat, cversion=cversion, pzxid=header.zxid))
        tree = tree.update(parent_path, parent)
    if exists:
        return tree, Outcome(ErrorCode.NODE_EXISTS)
    stat = Stat(header.zxid, header.zxid, header.time, header.time, 0, 0, 0, owner, header.zxid)
    node = Node(data, acl, stat)
    change = Change(ChangeKind.CREATED, path, acl, parent.acl)
    return tree.add(path, node), Outcome(path=path, stat=node.client_stat, changes=(change,))


def _set(tree: DataTree, header: TxnHeader, body: SetDataTxn | SetAclTxn) -> Applied:
    node = tree.get(body.path)
    if node is None:
        return tree, Outcome(ErrorCode.NO_NODE)
    changes: tuple[Change, ...] = ()
    match body:
        case SetDataTxn(path=path, data=data, version=version):
            stat = evolve(node.stat, mtime=header.time, mzxid=header.zxid, version=version)
            node = evolve(node, data=data, stat=stat)
            changes = (Change(ChangeKind.DATA_CHANGED, path, node.acl),)
        case SetAclTxn(acl=acl, version=version):
            node = evolve(node, acl=acl, stat=evolve(node.stat, aversion=version))
    return tree.update(body.path, node), Outcome(path=body.path, stat=node.client_stat, changes=changes)


def _delete(tree: DataTree, zxid: int, path: str) -> Applied:
    parent_path = parent_of(path)
    parent = tree.get(parent_path)
    if parent is None:
        return tree, Outcome(ErrorCode.NO_NODE)
    node = tree.get(path)
    if node is not None:
        tree = tree.remove(path)
        parent = tree.get(parent_path)
        assert parent is not None
    if zxid > parent.stat.pzxid:
        # Also where the child is gone already: the snapshot may hold the parent from before the deletion.
        tree = tree.update(parent_path, evolve(parent, stat=evolve(parent.stat, pzxid=zxid)))
    if node is None:
        return tree, Outcome(ErrorCode.NO_NODE)
    return tree, Outcome(path=path, changes=(Change(ChangeKind.DELETED, path, node.acl, parent.acl),))


def _close_session(
    tree: DataTree, header: TxnHeader, paths: tuple[str, ...] | None, rules: ServiceRules, syncing: bool
) -> Applied:
    """Delete what the transaction lists, then what else the tree holds of the session. DataTree.killSession.

    The paths are deleted in the order of the transaction, others by name (deviation: a hash set's order in ZooKeeper, which only
    the order of the watch events shows).
    """
    changes: list[Change] = []
    extra = tuple(path for path in tree.ephemerals.get(header.session, ()) if path not in (paths or ()))
    for path in (*(paths or ()), *extra):
        tree, outcome = _delete(tree, header.zxid, path)
        changes.extend(outcome.changes)
    if not syncing or rules.sessions_change_during_sync():
        sessions = {session: timeout for session, timeout in tree.sessions.items() if session != header.session}
        tree = evolve(tree, sessions=sessions)
    return tree, Outcome(changes=tuple(changes))
