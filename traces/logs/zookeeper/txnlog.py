"""Transaction logs: `log.<hex of the first zxid>`. Source: FileTxnLog, FileHeader, Util.makeCheckedBytes.

A header of 16 bytes (ZKLG, version 2, a database id), then records: checksum (long, Adler-32 of the payload), length (int), payload, the
byte `B`; then zeros, as far as the file was allocated in advance.
"""

from enum import Enum
from zlib import adler32

from attrs import frozen

from impl.zookeeper.transactions import Txn
from traces.logs.zookeeper.jute import JuteError, Reader, ShortError, int_bytes, long_bytes
from traces.logs.zookeeper.records import read_txn, txn_bytes

MAGIC, VERSION, HEADER_SIZE = b"ZKLG", 2, 16
END_OF_RECORD = b"B"
_AROUND = 8 + 4 + 1


class End(Enum):
    """How the records of a file end."""

    CLEAN = "clean"
    TORN = "torn"
    DAMAGED = "damaged"


@frozen
class Record:
    """One transaction where it stands: `offset` in bytes of its checksum; `payload` as written."""

    txn: Txn
    offset: int
    payload: bytes


@frozen
class LogFile:
    """The records of one file, as far as they can be read.

    end     clean: zeros or the end of the file; torn: an incomplete last record, normal after a crash; damaged: anything else
    offset  where reading stopped, and `problem`, why (empty if clean)
    """

    name: str
    database: int
    records: tuple[Record, ...]
    end: End
    offset: int
    problem: str = ""


def read_log(name: str, data: bytes) -> LogFile:
    """Read a log file; never raises: what cannot be read is the file's end."""
    reader = Reader(data)
    try:
        magic, version, database = reader.take(4), reader.int32(), reader.int64()
    except ShortError:
        # A server that dies right after it created the file.
        whole = not any(data)
        return LogFile(name, 0, (), End.TORN if whole else End.DAMAGED, 0, "the file ends within its header")
    if magic != MAGIC or version != VERSION:
        return LogFile(name, 0, (), End.DAMAGED, 0, f"no transaction log of version {VERSION}: it begins {data[:8]!r}")
    records: list[Record] = []
    while True:
        at = reader.offset
        try:
            record = _read_record(reader)
        except JuteError as error:
            stopped = End.TORN if isinstance(error, ShortError) or not any(data[error.offset :]) else End.DAMAGED
            return LogFile(name, database, tuple(records), stopped, at, error.problem)
        if record is None:
            rest = any(data[at:])
            problem = "zeros where a record belongs, and something after them" if rest else ""
            return LogFile(name, database, tuple(records), End.DAMAGED if rest else End.CLEAN, at, problem)
        records.append(record)


def _read_record(reader: Reader) -> Record | None:
    """The next record, None at the end. Raises JuteError with the offset after the record that cannot be read."""
    at = reader.offset
    if reader.left < _AROUND and not any(reader.data[at:]):
        return None
    try:
        checksum, size = reader.int64(), reader.int32()
        if checksum == 0 and size == 0:
            return None
        if size <= 0:
            raise JuteError(reader.offset, f"a record of {size} bytes")
        payload = reader.take(size)
        mark = reader.take(1)
    except ShortError as error:
        raise ShortError(reader.offset, f"an incomplete record ({error.problem})") from None
    if mark != END_OF_RECORD:
        raise JuteError(reader.offset, "a record without its end mark 0x42")
    if adler32(payload) != checksum:
        found = f"stored {checksum & (1 << 64) - 1:#x}, computed {adler32(payload):#x}"
        raise JuteError(reader.offset, f"a wrong checksum: {found}")
    try:
        return Record(read_txn(payload), at, payload)
    except JuteError as error:
        # The checksum is right: whoever wrote this meant it. Never a torn tail.
        raise _UnreadableError(at, f"a transaction that cannot be read: {error}") from None


class _UnreadableError(JuteError):
    """An offset at the record itself, which is not all zeros: damage, even at the end of the file."""


def record_bytes(payload: bytes) -> bytes:
    """One record of a log."""
    return long_bytes(adler32(payload)) + int_bytes(len(payload)) + payload + END_OF_RECORD


def log_bytes(txns: tuple[Txn, ...], *, database: int = 0, padding: int = 0) -> bytes:
    """A log file with these transactions, and so many zeros after them."""
    header = MAGIC + int_bytes(VERSION) + long_bytes(database)
    return header + b"".join(record_bytes(txn_bytes(txn)) for txn in txns) + bytes(padding)


def log_name(txn: Txn) -> str:
    """What a log that starts with this transaction is called. Util.makeLogName."""
    return f"log.{txn.zxid:x}"
