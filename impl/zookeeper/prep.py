"""From a request to a transaction: the checks of the leader, against the tree as it will be once all that is outstanding is applied.

Every write request gets a zxid; one that is refused becomes an error transaction. Source: PrepRequestProcessor, ZooKeeperServer
(outstandingChanges). Not here: quotas and reconfiguration requests.
"""

from collections.abc import Mapping
from typing import assert_never

from attrs import evolve, field, frozen

from impl.zookeeper import acl as acls
from impl.zookeeper.acl import Acl, Id, fixed_up, require_allowed
from impl.zookeeper.codes import ErrorCode, KeeperError, OpCode
from impl.zookeeper.paths import parent_for_delete, parent_for_write, parent_of, require_valid
from impl.zookeeper.requests import (
    ANY_VERSION,
    Check,
    CloseSession,
    Create,
    CreateMode,
    CreateSession,
    Delete,
    DeleteContainer,
    Multi,
    Request,
    SetAcl,
    SetData,
    Write,
)
from impl.zookeeper.service_rules import CORRECT, ServiceRules
from impl.zookeeper.sessions import SessionTracker
from impl.zookeeper.stat import CONTAINER_OWNER, MAX_TTL, OwnerKind, Stat, owner_kind, ttl_owner
from impl.zookeeper.transactions import (
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
    TxnBody,
    TxnHeader,
)
from impl.zookeeper.tree import DataTree


@frozen
class ChangeRecord:
    """A znode as it will be after the transaction `zxid`; `stat` None: it will be gone. ZooKeeperServer.ChangeRecord."""

    zxid: int
    stat: Stat | None
    children: int = 0
    acl: tuple[Acl, ...] = ()


@frozen
class Outstanding:
    """The newest change record of every path that a prepared but not yet applied transaction touches."""

    records: Mapping[str, ChangeRecord] = field(factory=dict)

    def applied(self, zxid: int) -> "Outstanding":
        """Without the records of transactions up to this one, which the tree shows now. FinalRequestProcessor."""
        return Outstanding({path: record for path, record in self.records.items() if record.zxid > zxid})


@frozen
class Prepared:
    """What preparing gives: the transaction, and the outstanding changes and sessions after it."""

    txn: Txn
    outstanding: Outstanding
    sessions: SessionTracker


def prepare(
    tree: DataTree,
    outstanding: Outstanding,
    sessions: SessionTracker,
    request: Request,
    zxid: int,
    now: int,
    rules: ServiceRules = CORRECT,
) -> Prepared:
    """Turn a write request into the transaction `zxid`, at `now` (ms). PrepRequestProcessor.pRequest2Txn.

    Raises ValueError for a request that is no write.
    """
    if not isinstance(request.op, Write):
        raise ValueError(f"{type(request.op).__name__} is no write: only writes become transactions")
    turn = _Turn(tree, dict(outstanding.records), sessions, request, zxid, now, rules)
    op_type, body = turn.whole(request.op)
    header = TxnHeader(request.session, request.cxid, zxid, now, op_type)
    return Prepared(Txn(header, body), Outstanding(turn.records), turn.sessions)


def _checked_version(current: int, expected: int, rules: ServiceRules) -> int:
    """The next version, if the expected one is the current one or any will do. checkAndIncVersion."""
    if expected != ANY_VERSION and expected != current:
        raise KeeperError(ErrorCode.BAD_VERSION)
    return rules.next_version(current)


class _Turn:
    """One request on its way; `records` and `sessions` change as its parts pass."""

    def __init__(
        self,
        tree: DataTree,
        records: dict[str, ChangeRecord],
        sessions: SessionTracker,
        request: Request,
        zxid: int,
        now: int,
        rules: ServiceRules,
    ) -> None:
        self.tree, self.records, self.sessions, self.request = tree, records, sessions, request
        self.zxid, self.now, self.rules = zxid, now, rules

    @property
    def auth(self) -> tuple[Id, ...]:
        return self.request.auth

    def whole(self, op: Write) -> tuple[OpCode, TxnBody]:
        if isinstance(op, Multi):
            return OpCode.MULTI, self.multi(op)
        try:
            return self.body(op)
        except KeeperError as error:
            return OpCode.ERROR, ErrorTxn(error.code)

    def multi(self, op: Multi) -> MultiTxn:
        """Part by part, each seeing those before it; after a failure the rest is not tried, and nothing stays outstanding."""
        before = dict(self.records)
        parts: list[SubTxn] = []
        failed = False
        for part in op.ops:
            if failed:
                parts.append(SubTxn(OpCode.ERROR, ErrorTxn(ErrorCode.RUNTIME_INCONSISTENCY)))
                continue
            try:
                parts.append(SubTxn(*self.body(part, in_multi=True)))
            except KeeperError as error:
                failed = True
                parts.append(SubTxn(OpCode.ERROR, ErrorTxn(error.code)))
                if self.rules.roll_back_failed_multi():
                    self.records = before
        return MultiTxn(tuple(parts))

    def body(self, op: Write, *, in_multi: bool = False) -> tuple[OpCode, SimpleBody]:
        match op:
            case Create():
                self.check_session(in_multi)
                return self.create(op)
            case Delete(path=path, version=version):
                self.check_session(in_multi)
                parent_path = parent_for_delete(path)
                parent = self.record(parent_path)
                require_allowed(parent.acl, acls.DELETE, self.auth)
                node = self.record(path)
                _checked_version(_stat(node).version, version, self.rules)
                self.require_empty(node)
                self.removed(path)
                return OpCode.DELETE, DeleteTxn(path)
            case DeleteContainer(path=path):
                parent_for_delete(path)
                node = self.record(path)
                self.require_empty(node)
                if owner_kind(_stat(node).ephemeral_owner) is OwnerKind.EPHEMERAL:
                    raise KeeperError(ErrorCode.BAD_VERSION)
                self.removed(path)
                return OpCode.DELETE_CONTAINER, DeleteTxn(path)
            case SetData(path=path, data=data, version=version):
                self.check_session(in_multi)
                require_valid(path)
                node = self.record(path)
                require_allowed(node.acl, acls.WRITE, self.auth)
                stat = _stat(node)
                new = _checked_version(stat.version, version, self.rules)
                changed = evolve(stat, version=new, mzxid=self.zxid, mtime=self.now)
                self.records[path] = evolve(node, zxid=self.zxid, stat=changed)
                return OpCode.SET_DATA, SetDataTxn(path, data, new)
            case SetAcl(path=path, acl=acl, version=version):
                self.check_session(in_multi)
                require_valid(path)
                stored = fixed_up(acl, self.auth)
                node = self.record(path)
                require_allowed(node.acl, acls.ADMIN, self.auth)
                stat = _stat(node)
                new = _checked_version(stat.aversion, version, self.rules)
                self.records[path] = evolve(node, zxid=self.zxid, stat=evolve(stat, aversion=new), acl=stored)
                return OpCode.SET_ACL, SetAclTxn(path, stored, new)
            case Check(path=path, version=version):
                self.check_session(in_multi)
                require_valid(path)
                node = self.record(path)
                require_allowed(node.acl, acls.READ, self.auth)
                return OpCode.CHECK, CheckVersionTxn(path, _checked_version(_stat(node).version, version, self.rules))
            case CreateSession(timeout=timeout):
                self.sessions = self.sessions.track(self.request.session, timeout, self.now)
                if self.request.owner is not None:
                    self.sessions = self.sessions.move(self.request.session, self.request.owner)
                return OpCode.CREATE_SESSION, CreateSessionTxn(timeout)
            case CloseSession():
                return OpCode.CLOSE_SESSION, self.close_session()
            case Multi():
                raise KeeperError(ErrorCode.UNIMPLEMENTED)  # a multi within a multi
            case _:
                assert_never(op)

    def create(self, op: Create) -> tuple[OpCode, SimpleBody]:
        if op.mode.has_ttl and not 0 < op.ttl <= MAX_TTL:
            raise KeeperError(ErrorCode.BAD_ARGUMENTS)
        parent_path = parent_for_write(op.path)
        acl = fixed_up(op.acl, self.auth)
        parent = self.record(parent_path)
        require_allowed(parent.acl, acls.CREATE, self.auth)
        parent_stat = _stat(parent)
        path = op.path + sequence(parent_stat.cversion) if op.mode.sequential else op.path
        require_valid(path)
        if self.find(path) is not None:
            raise KeeperError(ErrorCode.NODE_EXISTS)
        if owner_kind(parent_stat.ephemeral_owner) is OwnerKind.EPHEMERAL:
            raise KeeperError(ErrorCode.NO_CHILDREN_FOR_EPHEMERALS)
        cversion = parent_stat.cversion + 1
        op_type = OpCode.CREATE2 if op.with_stat else OpCode.CREATE
        body: SimpleBody
        if op.mode is CreateMode.CONTAINER:
            op_type, owner = OpCode.CREATE_CONTAINER, CONTAINER_OWNER
            body = CreateContainerTxn(path, op.data, acl, cversion)
        elif op.mode.has_ttl:
            op_type, owner = OpCode.CREATE_TTL, ttl_owner(op.ttl)
            body = CreateTtlTxn(path, op.data, acl, cversion, op.ttl)
        else:
            owner = self.request.session if op.mode.ephemeral else 0
            body = CreateTxn(path, op.data, acl, op.mode.ephemeral, cversion)
        changed = evolve(parent_stat, cversion=cversion, pzxid=self.zxid)
        self.records[parent_path] = evolve(parent, zxid=self.zxid, stat=changed, children=parent.children + 1)
        stat = Stat(self.zxid, self.zxid, self.now, self.now, ephemeral_owner=owner, pzxid=self.zxid)
        self.records[path] = ChangeRecord(self.zxid, stat, 0, acl)
        return op_type, body

    def close_session(self) -> CloseSessionTxn:
        """The session's ephemerals as they will be, by name (deviation: a hash set's order in ZooKeeper); its end begins."""
        session = self.request.session
        owned = [path for path in self.tree.ephemerals.get(session, ()) if path not in self.records]
        owned += [
            path
            for path, record in self.records.items()
            if record.stat is not None and record.stat.ephemeral_owner == session
        ]
        paths = tuple(sorted(owned))
        for path in paths:
            self.removed(path)
        if self.rules.refuse_closing_sessions():
            self.sessions = self.sessions.close(session)
        return CloseSessionTxn(paths)

    def check_session(self, in_multi: bool) -> None:
        owner = self.request.owner
        if in_multi and not self.rules.check_owner_of_multi():
            known = self.sessions.sessions.get(self.request.session)
            owner = owner if known is None else known.owner
        self.sessions = self.sessions.check(self.request.session, owner)

    def find(self, path: str) -> ChangeRecord | None:
        """The znode as it will be, None where there will be none. getRecordForPath."""
        record = self.records.get(path)
        if record is not None:
            return record if record.stat is not None else None
        node = self.tree.get(path)
        return None if node is None else ChangeRecord(-1, node.stat, len(node.children), node.acl)

    def record(self, path: str) -> ChangeRecord:
        record = self.find(path)
        if record is None:
            raise KeeperError(ErrorCode.NO_NODE)
        return record

    def removed(self, path: str) -> None:
        parent_path = parent_of(path)
        parent = self.record(parent_path)
        self.records[parent_path] = evolve(
            parent, zxid=self.zxid, stat=evolve(_stat(parent), pzxid=self.zxid), children=parent.children - 1
        )
        self.records[path] = ChangeRecord(self.zxid, None)

    def require_empty(self, node: ChangeRecord) -> None:
        if node.children > 0:
            raise KeeperError(ErrorCode.NOT_EMPTY)


def sequence(cversion: int) -> str:
    """What a sequential name ends with: the parent's counter in ten digits. String.format("%010d")."""
    return f"{cversion:010d}"


def _stat(record: ChangeRecord) -> Stat:
    assert record.stat is not None, "a record that was found has a stat"
    return record.stat
