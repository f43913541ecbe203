"""ZooKeeper's service as the state machine of the ensemble: the clients' operations as requests on a data tree.

A topic is a znode under the root; its configuration is the data, its version that of the data (a topic that is deleted and
created again starts at 0). Deviation: every client has a session that does not end; sessions as transactions, ephemerals
and watches are in the tree's modules, and no client of the simulation asks for them.
"""

from typing import Any

from impl.operations import Operation, Value
from impl.zookeeper.acl import OPEN_ACL_UNSAFE
from impl.zookeeper.apply import apply
from impl.zookeeper.codes import ErrorCode
from impl.zookeeper.machine import Outcome, Request
from impl.zookeeper.prep import Outstanding, prepare
from impl.zookeeper.requests import Create, Delete, SetData, Write
from impl.zookeeper.requests import Request as ServiceRequest
from impl.zookeeper.service_rules import CORRECT, ServiceRules
from impl.zookeeper.sessions import Session, SessionTracker
from impl.zookeeper.stat import ClientStat
from impl.zookeeper.transactions import Txn
from impl.zookeeper.tree import DataTree, Node, empty_tree

_TICK = 2_000


class Service:
    """See `machine.Machine`; a tree is a `DataTree`. `rules` are those of the data tree and of the sessions."""

    def __init__(self, rules: ServiceRules = CORRECT) -> None:
        self.rules = rules

    def empty(self) -> DataTree:
        """The root and the reserved subtree."""
        return empty_tree()

    def prepare(self, tree: DataTree, request: Request, zxid: int) -> Txn:
        """PrepRequestProcessor, over a tree that has the outstanding transactions already. The time is always 0."""
        if not isinstance(request.operation, Operation):
            raise TypeError(
                f"{request} comes from a session: it is prepared with all that the leader knows of sessions"
            )
        sessions = SessionTracker(_TICK, {request.session: Session(_TICK, 0)})
        asked = ServiceRequest(request.session, request.cxid, _as_write(request.operation))
        return prepare(tree, Outstanding(), sessions, asked, zxid, 0).txn

    def origin(self, txn: Txn) -> tuple[int, int]:
        """The header names the session and its request."""
        return txn.header.session, txn.header.cxid

    def apply(self, tree: DataTree, txn: Txn, *, syncing: bool = False) -> tuple[DataTree, Outcome]:
        """DataTree.processTxn. The result is an `apply.Outcome`."""
        after, outcome = apply(tree, txn, self.rules, syncing=syncing)
        if outcome.error:
            return after, Outcome(ErrorCode(outcome.error).name, {}, outcome)
        return after, Outcome(None, _answer(outcome.stat, None), outcome)

    def read(self, tree: DataTree, operation: Operation) -> Outcome:
        """What the znode holds; one that does not exist is an answer too."""
        node = tree.get(_path(operation.key))
        return Outcome(None, _answer(None, None) if node is None else _answer(node.client_stat, _value(node)))

    def plain(self, tree: DataTree) -> Any:
        """The digest of the tree, which covers everything, and (version, data) of every topic."""
        topics = {
            path: [node.stat.version, _value(node)] for path, node in tree.walk() if not path.startswith("/zookeeper")
        }
        return {"digest": f"{tree.digest:016x}", "znodes": topics}


def _path(key: str) -> str:
    return "/" + key.replace("/", "%2F")


def _as_write(operation: Operation) -> Write:
    path = _path(operation.key)
    match operation.f:
        case "create_topic":
            return Create(path, None, OPEN_ACL_UNSAFE)
        case "delete_topic":
            return Delete(path)
        case "set_config":
            return SetData(path, _data(operation.value))
        case "update":
            assert operation.expected_version is not None
            return SetData(path, _data(operation.value), operation.expected_version)
        case _:
            raise ValueError(f"{operation} is no write")


def _data(value: Value) -> bytes | None:
    return None if value is None else str(value).encode()


def _value(node: Node) -> int | str | None:
    if node.data is None:
        return None
    text = node.data.decode()
    return int(text) if text.isdecimal() else text


def _answer(stat: ClientStat | None, value: Value) -> dict[str, Any]:
    if stat is None:
        return {"version": 0, "exists": False, "value": value, "mzxid": 0}
    return {"version": stat.version, "exists": True, "value": value, "mzxid": stat.mzxid}
