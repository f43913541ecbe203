"""What servers say to each other, as a recording proxy between them saw it: the messages of the quorum port as events.

One recorder saw all of it, so the order of the lines is causally consistent: an ACK stands before whatever the leader does
because of it. A line is {"seq", "ev", ...}: `ev` is `msg` (src, dst, t, zxid, ...), `released` (a message that was held back),
`close` (link, a, b), or something that changes nothing for Zab (open, refused, mark, partition, heal). A message with `act`
hold, drop or close was not delivered then.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrs import frozen

from impl.zookeeper.transactions import zxid_of
from traces.errors import TraceError, shown
from traces.logs.zookeeper.lines import read_lines

_ZXID = re.compile(r"([0-9a-f]{1,8})\.([0-9a-f]{1,8})")
_REMEDY = "give a recording of the quorum port: one JSON object a line, with seq, ev, and src, dst, t of messages"
_WITH_ZXID = (
    "FOLLOWERINFO",
    "LEADERINFO",
    "ACKEPOCH",
    "DIFF",
    "TRUNC",
    "SNAP",
    "NEWLEADER",
    "PROPOSAL",
    "ACK",
    "COMMIT",
)
_IDENTITY = ("op", "session", "cxid", "path", "data", "version", "err", "digest")


@frozen
class Message:
    """A packet that was delivered: on which line, from whom, to whom, its kind, its zxid (0 where it means nothing).

    `content` identifies the transaction of a PROPOSAL.
    """

    line: int
    src: int
    dst: int
    kind: str
    zxid: int
    content: tuple[object, ...] = ()


@frozen
class Closed:
    """The quorum connection between two servers is gone."""

    line: int
    a: int
    b: int


def read_wire(path: Path) -> Iterator[Message | Closed]:
    """The events of a recording that matter to Zab. Raises TraceError with the line of what is no such recording."""
    for number, record in read_lines(path, _REMEDY):
        try:
            event = _event(number, record)
        except TraceError as error:
            raise error.under(f"line {number}").in_file(str(path)) from None
        if event is not None:
            yield event


def _event(number: int, record: dict[str, Any]) -> Message | Closed | None:
    kind = record.get("ev")
    if not isinstance(kind, str):
        raise TraceError("ev", "missing, or no string", _REMEDY)
    if kind == "close" and record.get("link") == "q":
        return Closed(number, _server(record, "a"), _server(record, "b"))
    delivered = kind == "released" or (kind == "msg" and record.get("act") not in ("hold", "drop", "close"))
    if not delivered:
        return None
    packet = record.get("t")
    if not isinstance(packet, str | int):
        raise TraceError("t", "missing, or no packet type", _REMEDY)
    zxid = 0
    content: tuple[object, ...] = ()
    if packet in _WITH_ZXID:
        zxid = _zxid(record, "tz" if packet == "PROPOSAL" and "tz" in record else "zxid")
    if packet == "PROPOSAL":
        content = tuple(repr(record.get(name)) for name in _IDENTITY)
    return Message(number, _server(record, "src"), _server(record, "dst"), str(packet), zxid, content)


def _server(record: dict[str, Any], name: str) -> int:
    value = record.get(name)
    if type(value) is not int or value < 0:
        raise TraceError(name, "missing, or no server id", _REMEDY)
    return value


def _zxid(record: dict[str, Any], name: str) -> int:
    value = record.get(name)
    match = _ZXID.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise TraceError(name, f"no zxid but {shown(str(value))}", _REMEDY)
    return zxid_of(int(match[1], 16), int(match[2], 16))
