"""Jute, ZooKeeper's binary encoding: big-endian, no tags; a length of -1 is null. Untrusted: every read is bounded by the input."""

from collections.abc import Callable
from struct import Struct
from typing import TypeVar

T = TypeVar("T")

_INT, _LONG = Struct(">i"), Struct(">q")


class JuteError(ValueError):
    """Bytes that are not what belongs there: where (offset in bytes from the start of the input) and why."""

    def __init__(self, offset: int, problem: str) -> None:
        super().__init__(f"offset {offset}: {problem}")
        self.offset, self.problem = offset, problem


class ShortError(JuteError):
    """The input ends in the middle of a value."""


class Reader:
    """Reads values from `data`, from `offset` on; errors give offsets from the start of `data`."""

    def __init__(self, data: bytes, offset: int = 0, end: int | None = None) -> None:
        self.data, self.offset, self.end = data, offset, len(data) if end is None else end

    @property
    def left(self) -> int:
        """How many bytes were not read."""
        return self.end - self.offset

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        start, stop = self.offset, self.offset + size
        if stop > self.end:
            raise ShortError(start, f"{size} bytes wanted, {self.left} left")
        self.offset = stop
        return self.data[start:stop]

    def int32(self) -> int:
        """A signed int of 4 bytes."""
        return int(_INT.unpack(self.take(4))[0])

    def int64(self) -> int:
        """A signed long of 8 bytes."""
        return _long(self.take(8))

    def boolean(self) -> bool:
        """One byte: 0 or 1."""
        value = self.take(1)
        if value not in (b"\0", b"\1"):
            raise JuteError(self.offset - 1, f"{value[0]} is no boolean")
        return value == b"\1"

    def buffer(self) -> bytes | None:
        """Bytes with their length, or null."""
        at = self.offset
        size = self.int32()
        if size < -1:
            raise JuteError(at, f"a length of {size}")
        return None if size == -1 else self.take(size)

    def string(self) -> str:
        """UTF-8 with its length; never null."""
        at = self.offset
        value = self.buffer()
        if value is None:
            raise JuteError(at, "null where a string belongs")
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            raise JuteError(at, "a string that is not UTF-8") from None

    def vector(self, element: Callable[[], T]) -> tuple[T, ...] | None:
        """A count and so many elements, or null."""
        at = self.offset
        count = self.int32()
        if count < -1:
            raise JuteError(at, f"a vector of {count} elements")
        if count > self.left:  # an element has at least one byte
            raise ShortError(at, f"a vector of {count} elements in {self.left} bytes")
        return None if count == -1 else tuple(element() for _ in range(count))


def _long(data: bytes) -> int:
    return int(_LONG.unpack(data)[0])


def int_bytes(value: int) -> bytes:
    """A signed int; struct.error for one that does not fit."""
    return _INT.pack(value)


def long_bytes(value: int) -> bytes:
    """A signed long; struct.error for one that does not fit."""
    return _LONG.pack(value)


def buffer_bytes(value: bytes | None) -> bytes:
    """Bytes with their length."""
    return _INT.pack(-1) if value is None else _INT.pack(len(value)) + value


def string_bytes(value: str) -> bytes:
    """A string with its length."""
    return buffer_bytes(value.encode("utf-8"))


def vector_bytes(elements: tuple[bytes, ...] | None) -> bytes:
    """A count and the elements, each encoded already."""
    return _INT.pack(-1) if elements is None else _INT.pack(len(elements)) + b"".join(elements)
