"""A leader's data tree without an ensemble: requests are prepared, and applied when the test says so."""

from attrs import evolve, field, frozen

from impl.zookeeper.acl import Id
from impl.zookeeper.apply import Outcome, apply
from impl.zookeeper.prep import Outstanding, prepare
from impl.zookeeper.requests import CreateSession, Write
from impl.zookeeper.requests import Request as ClientRequest
from impl.zookeeper.service_rules import CORRECT, ServiceRules
from impl.zookeeper.sessions import SessionTracker
from impl.zookeeper.transactions import Txn, zxid_of
from impl.zookeeper.tree import DataTree, empty_tree

TICK = 100


@frozen
class Service:
    """`pending` is prepared, not yet applied; `log` is all that was prepared."""

    tree: DataTree = field(factory=empty_tree)
    outstanding: Outstanding = Outstanding()
    sessions: SessionTracker = SessionTracker(TICK)
    pending: tuple[Txn, ...] = ()
    log: tuple[Txn, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    now: int = 1000
    rules: ServiceRules = CORRECT

    def prepare(self, session: int, op: Write, owner: int | None = 1, auth: tuple[Id, ...] = ()) -> "Service":
        """Prepare a request, without applying it."""
        request = ClientRequest(session, len(self.log), op, owner, auth)
        zxid = zxid_of(1, len(self.log) + 1)
        done = prepare(self.tree, self.outstanding, self.sessions, request, zxid, self.now, self.rules)
        return evolve(
            self,
            outstanding=done.outstanding,
            sessions=done.sessions,
            pending=(*self.pending, done.txn),
            log=(*self.log, done.txn),
        )

    def commit(self) -> "Service":
        """Apply all that is pending."""
        tree, outstanding, outcomes = self.tree, self.outstanding, self.outcomes
        for txn in self.pending:
            tree, outcome = apply(tree, txn, self.rules)
            outstanding = outstanding.applied(txn.zxid)
            outcomes += (outcome,)
        return evolve(self, tree=tree, outstanding=outstanding, pending=(), outcomes=outcomes)

    def do(self, session: int, *ops: Write, owner: int | None = 1, auth: tuple[Id, ...] = ()) -> "Service":
        """Prepare and apply requests, one by one."""
        service = self
        for op in ops:
            service = service.prepare(session, op, owner, auth).commit()
        return service

    @property
    def error(self) -> int:
        """The error of the last transaction applied."""
        return self.outcomes[-1].error


def service_with(*sessions: int, rules: ServiceRules = CORRECT) -> Service:
    """A service with open sessions of 300 ms, connected to server 1."""
    service = Service(rules=rules)
    for session in sessions:
        service = service.do(session, CreateSession(300))
    return service
