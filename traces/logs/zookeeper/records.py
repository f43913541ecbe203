"""Transactions as bytes: TxnHeader, the record of the body, and since 3.6 a digest. Source: zookeeper.jute, SerializeUtils."""

from typing import assert_never

from impl.zookeeper.acl import Acl, Id
from impl.zookeeper.codes import OpCode
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
    TxnBody,
    TxnHeader,
)
from traces.logs.zookeeper.jute import (
    JuteError,
    Reader,
    buffer_bytes,
    int_bytes,
    long_bytes,
    string_bytes,
    vector_bytes,
)

DIGEST_VERSION = 2
_DIGEST_SIZE = 12
_MASK = (1 << 64) - 1
_SIGN = 1 << 63


def read_txn(data: bytes) -> Txn:
    """One transaction from exactly these bytes. Raises JuteError for anything else, with the offset within them."""
    reader = Reader(data)
    session, cxid, zxid, time = reader.int64(), reader.int32(), reader.int64(), reader.int64()
    if zxid < 0:
        raise JuteError(12, f"a negative zxid: {zxid}")
    header = TxnHeader(session, cxid, zxid, time, _op_code(reader))
    body = _read_body(reader, header.type)
    digest = None
    if reader.left == _DIGEST_SIZE:
        at = reader.offset
        version = reader.int32()
        if version != DIGEST_VERSION:
            raise JuteError(at, f"a digest of version {version}; only version {DIGEST_VERSION} is known")
        digest = reader.int64() & _MASK
    if reader.left:
        raise JuteError(reader.offset, f"{reader.left} bytes too many after the transaction")
    return Txn(header, body, digest)


def txn_bytes(txn: Txn) -> bytes:
    """The bytes that `read_txn` reads."""
    h = txn.header
    head = long_bytes(h.session) + int_bytes(h.cxid) + long_bytes(h.zxid) + long_bytes(h.time) + int_bytes(h.type)
    return head + _body_bytes(txn.body) + digest_bytes(txn.digest)


def digest_bytes(digest: int | None) -> bytes:
    """A TxnDigest, or nothing."""
    return b"" if digest is None else int_bytes(DIGEST_VERSION) + long_bytes((digest ^ _SIGN) - _SIGN)


def read_acl(reader: Reader) -> tuple[Acl, ...]:
    """A vector of ACLs; null is empty."""
    return reader.vector(lambda: Acl(reader.int32(), Id(reader.string(), reader.string()))) or ()


def acl_bytes(acl: tuple[Acl, ...]) -> bytes:
    """The bytes that `read_acl` reads."""
    entries = (int_bytes(entry.perms) + string_bytes(entry.id.scheme) + string_bytes(entry.id.id) for entry in acl)
    return vector_bytes(tuple(entries))


def _op_code(reader: Reader) -> OpCode:
    at = reader.offset
    value = reader.int32()
    try:
        return OpCode(value)
    except ValueError:
        raise JuteError(at, f"unknown transaction type {value}") from None


def _read_body(reader: Reader, kind: OpCode) -> TxnBody:
    if kind is OpCode.MULTI:
        return MultiTxn(reader.vector(lambda: _read_part(reader)) or ())
    return _read_simple(reader, kind)


def _read_part(reader: Reader) -> SubTxn:
    kind = _op_code(reader)
    at = reader.offset
    size = reader.int32()
    if size < 0 or size > reader.left:
        raise JuteError(at, f"a part of {size} bytes where {reader.left} are left")
    inner = Reader(reader.data, reader.offset, reader.offset + size)
    reader.take(size)
    part = SubTxn(kind, _read_simple(inner, kind))
    if inner.left:
        raise JuteError(inner.offset, f"{inner.left} bytes too many in a part of a multi")
    return part


def _read_simple(reader: Reader, kind: OpCode) -> SimpleBody:
    match kind:
        case OpCode.CREATE | OpCode.CREATE2:
            path, data, acl, ephemeral = reader.string(), reader.buffer(), read_acl(reader), reader.boolean()
            # Logs from before 3.4 have no parentCVersion.
            return CreateTxn(path, data, acl, ephemeral, reader.int32() if reader.left else RECOMPUTE)
        case OpCode.CREATE_CONTAINER:
            return CreateContainerTxn(reader.string(), reader.buffer(), read_acl(reader), reader.int32())
        case OpCode.CREATE_TTL:
            return CreateTtlTxn(reader.string(), reader.buffer(), read_acl(reader), reader.int32(), reader.int64())
        case OpCode.DELETE | OpCode.DELETE_CONTAINER:
            return DeleteTxn(reader.string())
        case OpCode.SET_DATA | OpCode.RECONFIG:
            return SetDataTxn(reader.string(), reader.buffer(), reader.int32())
        case OpCode.SET_ACL:
            return SetAclTxn(reader.string(), read_acl(reader), reader.int32())
        case OpCode.CHECK:
            return CheckVersionTxn(reader.string(), reader.int32())
        case OpCode.ERROR | OpCode.CREATE_SESSION:
            value = reader.int32()
            return ErrorTxn(value) if kind is OpCode.ERROR else CreateSessionTxn(value)
        case OpCode.CLOSE_SESSION:
            # Logs from before 3.6 have no paths; with zookeeper.closeSessionTxn.enabled=false a digest stands alone.
            absent = not reader.left or (reader.left == _DIGEST_SIZE and _starts_a_digest(reader))
            return CloseSessionTxn(None if absent else reader.vector(reader.string))
        case _:
            raise JuteError(reader.offset - 4, f"{kind.name} is no transaction")


def _starts_a_digest(reader: Reader) -> bool:
    """Whether 12 bytes are a digest and not a vector of paths: two paths would need more than 12."""
    return Reader(reader.data, reader.offset).int32() == DIGEST_VERSION


def _body_bytes(body: TxnBody) -> bytes:
    match body:
        case MultiTxn(parts=parts):
            encoded = (int_bytes(part.type) + buffer_bytes(_body_bytes(part.body)) for part in parts)
            return vector_bytes(tuple(encoded))
        case CreateTxn(path=path, data=data, acl=acl, ephemeral=ephemeral, parent_cversion=cversion):
            head = string_bytes(path) + buffer_bytes(data) + acl_bytes(acl)
            return head + (b"\1" if ephemeral else b"\0") + int_bytes(cversion)
        case CreateContainerTxn(path=path, data=data, acl=acl, parent_cversion=cversion):
            return string_bytes(path) + buffer_bytes(data) + acl_bytes(acl) + int_bytes(cversion)
        case CreateTtlTxn(path=path, data=data, acl=acl, parent_cversion=cversion, ttl=ttl):
            return string_bytes(path) + buffer_bytes(data) + acl_bytes(acl) + int_bytes(cversion) + long_bytes(ttl)
        case DeleteTxn(path=path):
            return string_bytes(path)
        case SetDataTxn(path=path, data=data, version=version):
            return string_bytes(path) + buffer_bytes(data) + int_bytes(version)
        case SetAclTxn(path=path, acl=acl, version=version):
            return string_bytes(path) + acl_bytes(acl) + int_bytes(version)
        case CheckVersionTxn(path=path, version=version):
            return string_bytes(path) + int_bytes(version)
        case CreateSessionTxn(timeout=number) | ErrorTxn(error=number):
            return int_bytes(number)
        case CloseSessionTxn(paths=paths):
            return b"" if paths is None else vector_bytes(tuple(string_bytes(path) for path in paths))
        case _:
            assert_never(body)
