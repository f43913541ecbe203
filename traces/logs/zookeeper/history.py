"""Histories of ZooKeeper clients on registers (one znode each), as a recorder wrote them.

One event a line, in the order in which the recorder saw them:

    {"i":3,"t":84736109,"ev":"invoke","p":7,"f":"cas","k":"/r1","v":"7.1","ver":0}
    {"i":13,"t":130005017,"ev":"ok","p":7,"f":"cas","k":"/r1","v":"7.1","ver":1,"mzxid":4294967311}

`f` is write, cas (`ver`: the version it expects), read, or sync-read (`sync`, then read); where registers come and go also create
and delete. `ev` is invoke; ok, with the version and mzxid that the server answered; fail (`err`); info: the outcome is unknown, and
the process ends. Any other `ev` (nemesis: a fault) is skipped. `t` is in ns.

A delete is answered with its zxid as `mzxid` and without a version; a read of nothing with `"absent":true` alone. Optional in every
answer: `z`, the zxid in the header of the reply, and `s`, the session, where a process has several.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from attrs import define, evolve, field

from properties.witnessed_histories import ABSENT, BAD_VERSION, NO_NODE, NODE_EXISTS, READS, VALUED, WRITES, Answered
from traces.errors import TraceError, shown
from traces.logs.zookeeper.lines import read_lines

REMEDY = "give a history of registers: one event a line with i, t, ev, p, f, k; version and mzxid on ok"
_ENDS = ("ok", "fail", "info")
NOT_TAKEN = "NotTaken"
"""The error of an operation that no server took, so that it certainly did not happen."""

_REFUSED = {"write": (NO_NODE,), "cas": (BAD_VERSION, NO_NODE), "create": (NODE_EXISTS,), "delete": (NO_NODE,)}
"""By operation, the errors that are answers of the state machine."""


def read_history(path: Path) -> tuple[Answered, ...]:
    """The operations in the order of their calls. Raises TraceError with the line of what does not belong."""
    pairing = _Pairing()
    for number, record in read_lines(path, REMEDY):
        try:
            pairing.event(record)
        except TraceError as error:
            raise error.under(f"line {number}").in_file(str(path)) from None
    return pairing.result()


@define
class _Pairing:
    open: dict[int, Answered] = field(factory=dict)
    done: list[Answered] = field(factory=list)
    index: int = -1

    def event(self, record: dict[str, Any]) -> None:
        """One line."""
        index = _number(record, "i")
        if index <= self.index:
            raise TraceError("i", f"{index} follows {self.index}", "sort the events")
        self.index = index
        kind = record.get("ev")
        if kind == "invoke":
            self.invoke(record)
        elif kind in _ENDS:
            self.end(record)
        elif not isinstance(kind, str):
            raise TraceError("ev", "missing, or no string", REMEDY)

    def invoke(self, record: dict[str, Any]) -> None:
        """A call: its outcome is unknown until it is answered."""
        process, f, key = _number(record, "p"), record.get("f"), record.get("k")
        if process in self.open:
            raise TraceError(
                "p", f"process {process} has an operation open", "use a new process after an unknown outcome"
            )
        if f not in (*READS, *WRITES):
            raise TraceError("f", f"no operation {shown(str(f))}", f"one of {', '.join((*WRITES, *READS))}")
        if not isinstance(key, str):
            raise TraceError("k", "missing, or no string", REMEDY)
        expected = _number(record, "ver") if f == "cas" else None
        value = _value(record) if f in (*VALUED, "create") else None
        self.open[process] = Answered(
            process, f, key, self.index, _number(record, "t"), "info", value=value, expected=expected
        )

    def end(self, record: dict[str, Any]) -> None:
        """The answer."""
        process = _number(record, "p")
        call = self.open.pop(process, None)
        if call is None:
            raise TraceError("p", f"process {process} has no operation open", "write the invoke before its outcome")
        for name, value in (("f", call.f), ("k", call.key)):
            if record.get(name) != value:
                raise TraceError(name, f"{shown(str(record.get(name)))} ends an invoke of {shown(value)}", REMEDY)
        outcome = record["ev"]
        if outcome == "info":
            self.done.append(call)
            return
        done = evolve(call, outcome=outcome, ret=self.index, ret_time=_number(record, "t"))
        if "z" in record:
            done = evolve(done, seen=_number(record, "z"))
        if "s" in record:
            done = evolve(done, session=_value(record, "s"))
        if outcome == "fail":
            error = record.get("err")
            if call.f in WRITES and error not in (*_REFUSED[call.f], NOT_TAKEN):
                raise TraceError(
                    "err", f"a {call.f} fails with {shown(str(error))}", "use info: it may have taken effect"
                )
            self.done.append(evolve(done, error=str(error)))
            return
        if call.f in READS and record.get("absent") is True:
            self.done.append(evolve(done, version=ABSENT))
            return
        if call.f == "delete":
            self.done.append(evolve(done, version=ABSENT, zxid=_number(record, "mzxid")))
            return
        value = _value(record)
        if call.f in WRITES and value != call.value:
            raise TraceError("v", f"{shown(str(value))} ends an invoke of {shown(str(call.value))}", REMEDY)
        self.done.append(evolve(done, value=value, version=_number(record, "ver"), zxid=_number(record, "mzxid")))

    def result(self) -> tuple[Answered, ...]:
        """All operations; those that were never answered are of unknown outcome."""
        return tuple(sorted((*self.done, *self.open.values()), key=lambda op: op.call))


def _number(record: dict[str, Any], name: str) -> int:
    value = record.get(name)
    if type(value) is not int or not 0 <= value < 1 << 63:
        raise TraceError(name, "missing, or no whole number from 0 on", REMEDY)
    return value


def _value(record: dict[str, Any], name: str = "v") -> str:
    value = record.get(name)
    if not isinstance(value, str):
        raise TraceError(name, "missing, or no string", REMEDY)
    return value


def history_lines(operations: Iterable[Answered]) -> str:
    """The file of a history: `read_history` gives the same operations."""
    events: list[tuple[int, dict[str, Any]]] = []
    for op in operations:
        who = {"p": op.process, "f": op.f, "k": op.key}
        argument = {"v": op.value} if op.f in (*VALUED, "create") else {}
        if op.f == "cas":
            argument["ver"] = op.expected
        events.append((op.call, {"i": op.call, "t": op.call_time, "ev": "invoke", **who, **argument}))
        if op.ret is not None:
            events.append((op.ret, {"i": op.ret, "t": op.ret_time, "ev": op.outcome, **who, **_answer(op)}))
    events.sort(key=lambda event: event[0])
    return "".join(json.dumps(event, separators=(",", ":")) + "\n" for _, event in events)


def _answer(op: Answered) -> dict[str, Any]:
    header = {name: value for name, value in (("z", op.seen), ("s", op.session)) if value is not None}
    if op.outcome == "fail":
        return {"err": op.error, **header}
    if op.version == ABSENT:
        return {**({"absent": True} if op.zxid is None else {"mzxid": op.zxid}), **header}
    return {"v": op.value, "ver": op.version, "mzxid": op.zxid, **header}
