"""Histories of client operations: what each client asked, when, and what it was answered.

A history file is JSON lines, one event a line, in the order in which one observer saw the events:

    {"index":0,"time":12,"process":3,"type":"invoke","f":"create_topic","key":"orders","value":null,"error":null}
    {"index":1,"time":19,"process":3,"type":"ok","f":"create_topic","key":"orders","value":{"version":1},"error":null}

`type` says how sure the client is, in the sense of Jepsen's histories:

    invoke   the client sent the operation; `value` is its argument
    ok       the operation took effect; `value` is its answer
    fail     the operation was refused: `error` is either a definite answer of the state machine (TOPIC_ALREADY_EXISTS,
             UNKNOWN_TOPIC_OR_PARTITION, INVALID_UPDATE_VERSION: the operation has a place in the order, and its answer must be explained
             there) or any other word (NOT_LEADER, NOT_SENT ...: the operation certainly never happened)
    info     the outcome is unknown: the operation may take effect at any time after its invoke, or never. The process
             may go on with its next operation; the abandoned one stays concurrent with everything later.

An invoke that the history does not close means the same as `info`. History files are untrusted: sizes are bounded, and
the first thing wrong is reported as one line that names the file, the line, the field and the remedy.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeAlias, cast

from attrs import Attribute, field, frozen

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
EventType: TypeAlias = Literal["invoke", "ok", "fail", "info"]
Shape: TypeAlias = "str | Mapping[str, str]"

MAX_LINE_BYTES = 1 << 20
MAX_EVENTS = 1_000_000
MAX_INTEGER = (1 << 63) - 1
FIELDS = ("index", "time", "process", "type", "f", "key", "value", "error")
EVENT_TYPES = ("invoke", "ok", "fail", "info")


class HistoryError(ValueError):
    """A history that cannot be read: `source:line: field: what is wrong; what to do`, always one line."""

    def __init__(self, source: str, line: int | None, where: str | None, problem: str, remedy: str) -> None:
        self.source, self.line, self.field, self.problem, self.remedy = source, line, where, problem, remedy
        place = source if line is None else f"{source}:{line}"
        super().__init__(": ".join(part for part in (place, where, f"{problem}; {remedy}") if part))


@frozen
class Event:
    """One line of a history.

    index    position in the history: strictly increasing, the only source of real-time order
    time     the observer's clock, in the recorder's unit; shown to readers, never used to order events
    process  the client; it has at most one open operation at a time
    value    argument (invoke) or answer (ok); kept but not interpreted on fail and info
    error    why a fail failed (required) or an info is unknown (optional); None on invoke and ok
    """

    index: int
    time: int
    process: int
    type: EventType
    f: str
    key: str
    value: Json = None
    error: str | None = None


@frozen
class Operation:
    """An invoke together with its answer.

    call     index of the invoke event
    ret      index of the ok or fail event; None while the outcome is unknown (info, or never answered)
    input    the argument
    output   the answer of an `ok`; None otherwise
    error    the definite answer of a `fail`; None otherwise
    observes whether it was answered as something that changes no state: a read, or a refusal
    """

    process: int
    f: str
    key: str
    input: Json
    call: int
    ret: int | None = field(default=None)
    output: Json = None
    error: str | None = None
    observes: bool = field(init=False, repr=False, eq=False)

    @observes.default
    def _is_read_or_refusal(self) -> bool:
        return self.ret is not None and (self.f == "read" or self.error is not None)

    @ret.validator
    def _returns_after_its_call(self, _attribute: "Attribute[int | None]", ret: int | None) -> None:
        if ret is not None and ret <= self.call:
            raise ValueError(f"operation {self.f} on {self.key!r} returns at {ret}, not after its call at {self.call}")

    def __str__(self) -> str:
        """Compact and fixed: `p3 set_config("orders", "a") -> version=4 [10,14]`; `?` for an unknown outcome."""
        argument = "" if self.input is None else f", {_compact(self.input)}"
        answer = "?" if self.ret is None else self.error or _compact(self.output)
        end = "" if self.ret is None else self.ret
        return f"p{self.process} {self.f}({json.dumps(self.key)}{argument}) -> {answer} [{self.call},{end}]"


@frozen
class History:
    """The operations that may have happened, in the order of their calls, and the events they were paired from."""

    operations: tuple[Operation, ...] = field()
    events: tuple[Event, ...] = ()

    @operations.validator
    def _indexes_are_distinct(self, _attribute: "Attribute[object]", operations: tuple[Operation, ...]) -> None:
        indexes = [op.call for op in operations] + [op.ret for op in operations if op.ret is not None]
        if len(set(indexes)) != len(indexes):
            raise ValueError("two events of a history have the same index; give each call and return its own")


@frozen
class Signature:
    """The shapes of one operation's argument and of its `ok` answer: a name of `LEAVES`, or one name per JSON field."""

    argument: Shape
    answer: Shape


@frozen
class Vocabulary:
    """What a history may say: operation name to signature, and the errors that are answers of the state machine."""

    name: str
    functions: Mapping[str, Signature]
    definite_errors: tuple[str, ...]


def _is_integer(value: object) -> bool:
    return type(value) is int and 0 <= value <= MAX_INTEGER  # `type`, not isinstance: True is no integer here


def _is_scalar(value: object) -> bool:
    return value is None or type(value) is str or (type(value) is int and abs(value) <= MAX_INTEGER)


LEAVES: Mapping[str, Callable[[object], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: type(value) is bool,
    "integer": _is_integer,
    "string": lambda value: type(value) is str,
    "text or integer": lambda value: value is not None and _is_scalar(value),
    "scalar": _is_scalar,
}

_VERSION: Shape = {"version": "integer"}

METADATA = Vocabulary(
    name="metadata",
    functions={
        "create_topic": Signature("null", _VERSION),
        "delete_topic": Signature("null", _VERSION),
        "set_config": Signature("text or integer", _VERSION),
        "update": Signature({"expected": "integer", "value": "text or integer"}, _VERSION),
        "read": Signature("null", {"exists": "boolean", "version": "integer", "value": "scalar"}),
    },
    definite_errors=("TOPIC_ALREADY_EXISTS", "UNKNOWN_TOPIC_OR_PARTITION", "INVALID_UPDATE_VERSION"),
)

REGISTER = Vocabulary(
    name="register",
    functions={
        "read": Signature("null", "scalar"),
        "write": Signature("scalar", "null"),
        "cas": Signature({"expected": "scalar", "value": "scalar"}, "null"),
    },
    definite_errors=("CAS_MISMATCH",),
)


def load_history(path: str | os.PathLike[str], vocabulary: Vocabulary = METADATA) -> History:
    """Read a history file; HistoryError (one line: file, line number, field, remedy) for the first thing wrong."""
    source = os.fspath(path)
    try:
        return parse_history(_lines_of(source), vocabulary, source=source)
    except OSError as error:
        raise HistoryError(
            source, None, None, f"cannot be read ({error.strerror or error})", "give a readable history file"
        ) from None


def parse_history(
    lines: Iterable[str | bytes], vocabulary: Vocabulary = METADATA, *, source: str = "history"
) -> History:
    """Read a history from lines, with or without their newlines; `source` names them in a HistoryError."""
    return _pair((_parse_line(line, source, number) for number, line in enumerate(lines, 1)), vocabulary, source)


def pair_events(events: Iterable[Event], vocabulary: Vocabulary = METADATA, *, source: str = "history") -> History:
    """Validate events that were never text and pair them; the line number in a HistoryError counts events from 1."""
    return _pair(events, vocabulary, source)


def event_line(event: Event) -> bytes:
    """One event as its canonical line: fixed field order, sorted keys inside `value`, ASCII only, with its newline."""
    members = (f'"{name}":{_dumps(getattr(event, name))}' for name in FIELDS)
    return ("{" + ",".join(members) + "}\n").encode("ascii")


def write_history(path: str | os.PathLike[str], events: Sequence[Event], vocabulary: Vocabulary = METADATA) -> None:
    """Write canonical lines; what could not be read back raises HistoryError before the file is touched."""
    source = os.fspath(path)
    pair_events(events, vocabulary, source=source)
    with Path(path).open("wb") as file:
        file.writelines(event_line(event) for event in events)


def _lines_of(source: str) -> Iterator[bytes]:
    with Path(source).open("rb") as file:
        number = 0
        # Bounded readline: a file without newlines must not be read into memory whole.
        while line := file.readline(MAX_LINE_BYTES + 2):
            number += 1
            if not line.endswith(b"\n") and len(line) <= MAX_LINE_BYTES:
                raise HistoryError(
                    source,
                    number,
                    None,
                    "the last line is truncated (no newline at its end)",
                    "remove it, or record the history again",
                )
            yield line


def _parse_line(line: str | bytes, source: str, number: int) -> Event:
    def refuse(where: str | None, problem: str, remedy: str) -> NoReturn:
        raise HistoryError(source, number, where, problem, remedy)

    size = len(line) if isinstance(line, bytes) else len(line.encode("utf-8", "surrogatepass"))
    if size > MAX_LINE_BYTES + 1:  # one byte for the newline
        refuse(None, f"the line is longer than {MAX_LINE_BYTES} bytes", "write one event a line, with small values")
    try:
        text = line.decode("utf-8") if isinstance(line, bytes) else line
        record = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        refuse(None, f"not UTF-8 at byte {error.start}", "write the file as UTF-8")
    except json.JSONDecodeError as error:
        refuse(None, f"not JSON ({error.msg} at column {error.colno})", "write one complete JSON object a line")
    except RecursionError:
        refuse(None, "nested too deep", "keep values flat: scalars, or one object of scalars")
    except ValueError as error:
        refuse(
            None, f"not JSON ({_shorten(str(error))})", "write one JSON object a line, each field once, finite numbers"
        )
    if not isinstance(record, dict):
        refuse(None, f"not an object but {_show(record)}", f"write an object with the fields {', '.join(FIELDS)}")
    for name in FIELDS:
        if name not in record:
            refuse(name, "missing", f"write all the fields {', '.join(FIELDS)}")
    for name in record:
        if name not in FIELDS:
            refuse(_shorten(name), "unknown field", f"use only the fields {', '.join(FIELDS)}")
    return Event(**cast("dict[str, Any]", record))  # field types are checked by _check_fields, for events of any origin


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    record = dict(pairs)
    if len(record) != len(pairs):
        raise ValueError("a field is given twice")
    return record


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _pair(events: Iterable[Event], vocabulary: Vocabulary, source: str) -> History:
    kept: list[Event] = []
    calls: dict[int, Event] = {}  # process -> its open invoke
    operations: list[Operation] = []
    for number, event in enumerate(events, 1):
        if number > MAX_EVENTS:
            raise HistoryError(
                source, number, None, f"more than {MAX_EVENTS} events", "split the history by key, or record less"
            )
        problem = (
            _check_fields(event, vocabulary)
            or _check_order(event, kept)
            or _check_process(event, calls)
            or _check_value(event, vocabulary)
        )
        if problem:
            raise HistoryError(source, number, *problem)
        kept.append(event)
        if event.type == "invoke":
            calls[event.process] = event
            continue
        call = calls.pop(event.process)
        if event.type == "fail" and event.error not in vocabulary.definite_errors:
            continue  # it certainly never happened: there is nothing to place and nothing to explain
        operations.append(_operation(call, event))
    operations.extend(_operation(call, None) for call in calls.values())
    if not kept:
        raise HistoryError(source, None, None, "no events", "record at least one operation: nothing can be checked")
    return History(operations=tuple(sorted(operations, key=lambda op: op.call)), events=tuple(kept))


def _operation(call: Event, end: Event | None) -> Operation:
    if end is None or end.type == "info":
        return Operation(call.process, call.f, call.key, call.value, call.index)
    output = end.value if end.type == "ok" else None
    return Operation(call.process, call.f, call.key, call.value, call.index, end.index, output, end.error)


_Problem: TypeAlias = "tuple[str, str, str] | None"  # field, what is wrong, what to do


def _check_fields(event: Event, vocabulary: Vocabulary) -> _Problem:
    for name in ("index", "time", "process"):
        value: object = getattr(event, name)
        if not _is_integer(value):
            return name, f"{_show(value)} is not an integer from 0 to 2^63-1", "count from 0"
    if event.type not in EVENT_TYPES:
        return "type", f"unknown type {_show(event.type)}", f"use one of {', '.join(EVENT_TYPES)}"
    f: object = event.f
    if not isinstance(f, str) or f not in vocabulary.functions:
        known = ", ".join(vocabulary.functions)
        return "f", f"unknown operation {_show(f)}", f"{vocabulary.name} histories have {known}"
    key: object = event.key
    if not isinstance(key, str):
        return "key", f"{_show(key)} is not a string", "name the topic or register"
    error: object = event.error
    if error is not None and (not isinstance(error, str) or not error):
        return "error", f"{_show(error)} is not an error name", "write a non-empty string, or null"
    return None


def _check_order(event: Event, kept: Sequence[Event]) -> _Problem:
    if kept and event.index <= kept[-1].index:
        before = kept[-1].index
        return "index", f"{event.index} follows {before}", "sort the events; each index is greater than the one before"
    return None


def _check_process(event: Event, calls: Mapping[int, Event]) -> _Problem:
    call = calls.get(event.process)
    if event.type == "invoke":
        if call is not None:
            problem = f"process {event.process} invokes while its {call.f} (index {call.index}) is open"
            return "process", problem, "close it with ok, fail or info, or use a new process"
        return None
    if call is None:
        problem = f"{event.type} without an open invoke of process {event.process}"
        return "type", problem, "write the invoke before its outcome, and one outcome only"
    for name in ("f", "key"):
        if getattr(event, name) != getattr(call, name):
            problem = f"{_show(getattr(event, name))} closes an invoke of {_show(getattr(call, name))}"
            return name, problem, f"repeat the {name} of the invoke (index {call.index})"
    return None


def _check_value(event: Event, vocabulary: Vocabulary) -> _Problem:
    signature = vocabulary.functions[event.f]
    if event.type in ("invoke", "ok"):
        if event.error is not None:
            return "error", f"an {event.type} carries {_show(event.error)}", "write null, or use the type fail or info"
        shape = signature.argument if event.type == "invoke" else signature.answer
        if not _fits(event.value, shape):
            role = "argument" if event.type == "invoke" else "answer"
            return "value", f"{_show(event.value)} is no {role} of {event.f}", f"write {_describe(shape)}"
        return None
    if event.type == "fail" and event.error is None:
        return "error", "a fail without an error", "name the error, or use the type info if the outcome is unknown"
    if not (_is_flat(event.value) or (isinstance(event.value, dict) and all(map(_is_flat, event.value.values())))):
        return "value", f"{_show(event.value)} is nested", "write null, a scalar, or one object of scalars"
    return None


def _fits(value: object, shape: Shape) -> bool:
    if isinstance(shape, str):
        return LEAVES[shape](value)
    if not isinstance(value, dict) or value.keys() != shape.keys():
        return False
    return all(LEAVES[leaf](value[name]) for name, leaf in shape.items())


def _describe(shape: Shape) -> str:
    if isinstance(shape, str):
        return shape
    return "{" + ", ".join(f'"{name}": {leaf}' for name, leaf in shape.items()) + "}"


def _is_flat(value: object) -> bool:
    return _is_scalar(value) or type(value) is bool


def _dumps(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _compact(value: Json) -> str:
    if isinstance(value, dict):
        return " ".join(f"{name}={_dumps(member)}" for name, member in value.items())
    return _dumps(value)


def _show(value: object) -> str:
    return _shorten(json.dumps(value, default=repr))


def _shorten(text: str, limit: int = 60) -> str:
    printable = "".join(char if char.isprintable() else "?" for char in text[: limit + 1])
    return printable if len(printable) <= limit else printable[: limit - 3] + "..."
