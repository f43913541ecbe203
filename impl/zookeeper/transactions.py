"""Transactions: what the leader proposes and every server logs and applies, in zxid order.

A transaction is idempotent: it carries the result of the leader's checks (the new version, the parent's new cversion, the
paths that a closing session leaves), not the request. Source: zookeeper.jute (org.apache.zookeeper.txn).
"""

from typing import TypeAlias

from attrs import frozen

from impl.zookeeper.acl import Acl
from impl.zookeeper.codes import ErrorCode, OpCode

RECOMPUTE = -1
"""The parentCVersion of a create in a log from before 3.4: one more than the parent has."""

MAX_COUNTER = 0xFFFFFFFF


def zxid_of(epoch: int, counter: int) -> int:
    """The transaction id: the leader's epoch in the high, a counter in the low 32 bits. ZxidUtils.makeZxid."""
    return epoch << 32 | counter


def epoch_of(zxid: int) -> int:
    """The epoch of a zxid. ZxidUtils.getEpochFromZxid."""
    return zxid >> 32


def counter_of(zxid: int) -> int:
    """The counter of a zxid within its epoch; 0 for NEWLEADER, which is no transaction. ZxidUtils.getCounterFromZxid."""
    return zxid & MAX_COUNTER


def show_zxid(zxid: int) -> str:
    """`5.4b3`: epoch and counter in hexadecimal, as ZooKeeper's own tools print the parts."""
    return f"{epoch_of(zxid):x}.{counter_of(zxid):x}"


@frozen
class TxnHeader:
    """Who asked (session and its request number cxid), the zxid, the leader's clock in ms, and the kind of the body.

    A failed multi keeps type MULTI; any other request that fails becomes type ERROR.
    """

    session: int
    cxid: int
    zxid: int
    time: int
    type: OpCode


@frozen
class CreateTxn:
    """A persistent or ephemeral znode; `parent_cversion` is the parent's cversion afterwards."""

    path: str
    data: bytes | None
    acl: tuple[Acl, ...]
    ephemeral: bool
    parent_cversion: int


@frozen
class CreateContainerTxn:
    """A container: the leader deletes it some time after its last child is gone."""

    path: str
    data: bytes | None
    acl: tuple[Acl, ...]
    parent_cversion: int


@frozen
class CreateTtlTxn:
    """A znode that the leader deletes when it has no children and was not modified for `ttl` milliseconds."""

    path: str
    data: bytes | None
    acl: tuple[Acl, ...]
    parent_cversion: int
    ttl: int


@frozen
class DeleteTxn:
    """Types DELETE and DELETE_CONTAINER."""

    path: str


@frozen
class SetDataTxn:
    """Types SET_DATA and RECONFIG; `version` is the new one."""

    path: str
    data: bytes | None
    version: int


@frozen
class SetAclTxn:
    """`version` is the new aversion."""

    path: str
    acl: tuple[Acl, ...]
    version: int


@frozen
class CheckVersionTxn:
    """A check that passed, in a multi; `version` is the current version plus one, and nothing changes."""

    path: str
    version: int


@frozen
class CreateSessionTxn:
    """A global session with its negotiated timeout in ms; its id is the header's."""

    timeout: int


@frozen
class CloseSessionTxn:
    """The session's end and the ephemerals that go with it; None in logs from before 3.6: whatever the tree holds."""

    paths: tuple[str, ...] | None


@frozen
class ErrorTxn:
    """A request that was refused. It has a zxid, and changes nothing."""

    error: int


@frozen
class SubTxn:
    """One part of a multi."""

    type: OpCode
    body: "SimpleBody"


@frozen
class MultiTxn:
    """All parts under one zxid, or none: if one of them is an error, all are."""

    parts: tuple[SubTxn, ...]


SimpleBody: TypeAlias = (
    CreateTxn
    | CreateContainerTxn
    | CreateTtlTxn
    | DeleteTxn
    | SetDataTxn
    | SetAclTxn
    | CheckVersionTxn
    | CreateSessionTxn
    | CloseSessionTxn
    | ErrorTxn
)
TxnBody: TypeAlias = SimpleBody | MultiTxn


@frozen
class Txn:
    """A transaction, and the digest of the data tree after it as the leader foresaw it (None: digests are off, or an error)."""

    header: TxnHeader
    body: TxnBody
    digest: int | None = None

    @property
    def zxid(self) -> int:
        """Its place in the one order of all transactions."""
        return self.header.zxid

    def __str__(self) -> str:
        """`1.2 CREATE /a by 3:7`: zxid, kind, path or error, and the session's request."""
        what = self.header.type.name
        match self.body:
            case ErrorTxn(error=error):
                what += f" {ErrorCode(error).name if error in _ERRORS else error}"
            case MultiTxn(parts=parts):
                what += f" of {len(parts)}"
            case CreateSessionTxn() | CloseSessionTxn():
                pass
            case body:
                what += f" {body.path}"
        return f"{show_zxid(self.zxid)} {what} by {self.header.session & MASK:x}:{self.header.cxid}"


MASK = (1 << 64) - 1
_ERRORS = frozenset(int(code) for code in ErrorCode)
