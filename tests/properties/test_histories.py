"""History files: what is read, what is written, and the one line that says what is wrong with a broken one."""

import json
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from properties import histories
from properties.histories import (
    REGISTER,
    Event,
    EventType,
    History,
    HistoryError,
    Json,
    Operation,
    event_line,
    load_history,
    pair_events,
    parse_history,
    write_history,
)

GOOD: list[dict[str, Any]] = [
    {"index": 0, "time": 5, "process": 1, "type": "invoke", "f": "create_topic", "key": "t", "value": None, "error": None},
    {"index": 1, "time": 7, "process": 1, "type": "ok", "f": "create_topic", "key": "t", "value": {"version": 1}, "error": None},
    {"index": 2, "time": 8, "process": 2, "type": "invoke", "f": "set_config", "key": "t", "value": "a", "error": None},
    {"index": 3, "time": 9, "process": 1, "type": "invoke", "f": "read", "key": "t", "value": None, "error": None},
]  # fmt: skip


def lines_of(records: list[dict[str, Any]]) -> list[str]:
    """The records as lines of a file."""
    return [json.dumps(record) + "\n" for record in records]


def changed(line: int, **fields: Any) -> list[str]:
    """The good history with some fields of one line (counted from 1) replaced, or removed where given as `...`."""
    records = [dict(record) for record in GOOD]
    for name, value in fields.items():
        if value is ...:
            del records[line - 1][name]
        else:
            records[line - 1][name] = value
    return lines_of(records)


def test_invoke_and_answer_make_an_operation() -> None:
    """An answered invoke is an operation with its answer; an unanswered one is of unknown outcome."""
    history = parse_history(lines_of(GOOD))
    assert history.operations == (
        Operation(1, "create_topic", "t", None, call=0, ret=1, output={"version": 1}),
        Operation(2, "set_config", "t", "a", call=2),
        Operation(1, "read", "t", None, call=3),
    )
    assert [event.index for event in history.events] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Event(1, 0, 1, "info", "delete_topic", "t", None, "TIMEOUT"), [(None, None)]),
        (
            Event(1, 0, 1, "fail", "delete_topic", "t", None, "UNKNOWN_TOPIC_OR_PARTITION"),
            [(1, "UNKNOWN_TOPIC_OR_PARTITION")],
        ),
        (Event(1, 0, 1, "fail", "delete_topic", "t", None, "NOT_LEADER"), []),
    ],
)
def test_outcomes_say_what_may_have_happened(outcome: Event, expected: list[tuple[int | None, str | None]]) -> None:
    """Unknown outcomes stay open, definite answers keep their error, and what was not done leaves no operation."""
    history = pair_events([Event(0, 0, 1, "invoke", "delete_topic", "t"), outcome])
    assert [(op.ret, op.error) for op in history.operations] == expected


def test_process_goes_on_after_an_unknown_outcome() -> None:
    """`info` closes the invoke for its process, and the abandoned operation stays open for the checker."""
    events = [
        Event(0, 0, 1, "invoke", "set_config", "t", "a"),
        Event(1, 0, 1, "info", "set_config", "t", None, "TIMEOUT"),
        Event(2, 0, 1, "invoke", "read", "t"),
    ]
    assert [(op.f, op.ret) for op in pair_events(events).operations] == [("set_config", None), ("read", None)]


BROKEN: list[tuple[list[str], int, str | None, str]] = [
    (changed(2, type="okay"), 2, "type", "unknown type"),
    (changed(2, type=["ok"]), 2, "type", "unknown type"),
    (changed(1, type="ok", value={"version": 1}), 1, "type", "ok without an open invoke of process 1"),
    (lines_of([*GOOD[:2], {**GOOD[1], "index": 2}]), 3, "type", "ok without an open invoke"),
    (changed(4, process=2), 4, "process", "invokes while its set_config"),
    (changed(4, time=-1), 4, "time", "-1 is not an integer from 0"),
    (changed(3, time=1.5), 3, "time", "1.5 is not an integer"),
    (changed(3, process=True), 3, "process", "true is not an integer"),
    (changed(3, index=2**63), 3, "index", "is not an integer"),
    (changed(3, index=1), 3, "index", "1 follows 1"),
    (changed(4, index=0), 4, "index", "0 follows 2"),
    (changed(1, f="create"), 1, "f", "unknown operation"),
    (changed(2, f="delete_topic"), 2, "f", 'closes an invoke of "create_topic"'),
    (changed(2, key="u"), 2, "key", 'closes an invoke of "t"'),
    (changed(1, key=7), 1, "key", "7 is not a string"),
    (changed(1, value="x"), 1, "value", "is no argument of create_topic"),
    (changed(3, value=None), 3, "value", "is no argument of set_config"),
    (changed(2, value={"version": True}), 2, "value", "is no answer of create_topic"),
    (changed(2, value={"version": 1, "more": 1}), 2, "value", "is no answer of create_topic"),
    (changed(2, error="LATE"), 2, "error", 'an ok carries "LATE"'),
    (changed(2, type="fail"), 2, "error", "a fail without an error"),
    (changed(2, type="fail", error=""), 2, "error", "is not an error name"),
    (changed(2, type="info", value=[[1]]), 2, "value", "is nested"),
    (changed(3, error=...), 3, "error", "missing"),
    (changed(3, extra=1), 3, "extra", "unknown field"),
    ([lines_of(GOOD)[0], "\n"], 2, None, "not JSON"),
    ([lines_of(GOOD)[0], '{"index": NaN}\n'], 2, None, "NaN is not a JSON number"),
    (['{"index": 1, "index": 1}\n'], 1, None, "a field is given twice"),
    (["[1]\n"], 1, None, "not an object"),
    (["[" * 200_000 + "\n"], 1, None, "nested too deep"),
    (["1" * 5000 + "\n"], 1, None, "not JSON"),
]


@pytest.mark.parametrize(("lines", "line", "field", "problem"), BROKEN)
def test_a_broken_file_gives_its_line(
    tmp_path: Path, lines: list[str], line: int, field: str | None, problem: str
) -> None:
    """Each defect is one line of text: file, line number, field, what is wrong and what to do about it."""
    path = tmp_path / "history.jsonl"
    path.write_text("".join(lines), encoding="utf-8")
    with pytest.raises(HistoryError) as raised:
        load_history(path)
    message = str(raised.value)
    assert message.startswith(f"{path}:{line}: " + (f"{field}: " if field else ""))
    assert problem in message
    assert (raised.value.line, raised.value.field) == (line, field)
    assert raised.value.remedy
    assert message.endswith("; " + raised.value.remedy)
    assert "\n" not in message


def test_truncated_last_line_is_refused_even_if_it_parses(tmp_path: Path) -> None:
    """A recorder that was cut off leaves no newline: its last line may be a shorter number than it meant to write."""
    path = tmp_path / "history.jsonl"
    path.write_bytes("".join(lines_of(GOOD)).encode().removesuffix(b"\n"))
    with pytest.raises(HistoryError, match=r":4: the last line is truncated"):
        load_history(path)


def test_long_line_is_refused_and_the_longest_allowed_is_read(tmp_path: Path) -> None:
    """A line may have 1 MiB and no more, with or without a newline anywhere in the file."""
    path = tmp_path / "history.jsonl"
    start = lines_of(GOOD)[0].rstrip().encode()
    for size, newline, refused in [(0, b"\n", False), (1, b"\n", True), (1 << 20, b"", True)]:
        path.write_bytes(start.ljust((1 << 20) + size) + newline)
        if refused:
            with pytest.raises(HistoryError, match=r":1: the line is longer than 1048576 bytes"):
                load_history(path)
        else:
            assert len(load_history(path).operations) == 1


def test_number_of_events_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The event beyond the bound is refused, with its line."""
    assert histories.MAX_EVENTS == 1_000_000
    monkeypatch.setattr(histories, "MAX_EVENTS", 3)
    with pytest.raises(HistoryError, match=r"^history:4: more than 3 events; split"):
        parse_history(lines_of(GOOD))
    assert len(parse_history(lines_of(GOOD)[:3]).events) == 3


def test_unreadable_files_are_one_line(tmp_path: Path) -> None:
    """A missing file, a directory, an empty file and a file that is not UTF-8 are HistoryErrors, never tracebacks."""
    with pytest.raises(HistoryError, match="cannot be read"):
        load_history(tmp_path / "missing")
    with pytest.raises(HistoryError, match="cannot be read"):
        load_history(tmp_path)
    path = tmp_path / "history.jsonl"
    path.write_bytes(b"")
    with pytest.raises(HistoryError, match="no events"):
        load_history(path)
    path.write_bytes(b"\xff\n")
    with pytest.raises(HistoryError, match=r":1: not UTF-8 at byte 0"):
        load_history(path)


def test_canonical_line_is_pinned() -> None:
    """Same event, same bytes: field order as documented, keys of the value sorted, ASCII, one newline."""
    event = Event(3, 4, 5, "invoke", "update", "é", {"value": "b", "expected": 2})
    assert event_line(event) == (
        b'{"index":3,"time":4,"process":5,"type":"invoke","f":"update","key":"\\u00e9",'
        b'"value":{"expected":2,"value":"b"},"error":null}\n'
    )


def test_writer_refuses_what_could_not_be_read_back(tmp_path: Path) -> None:
    """An invalid history raises before the file is touched."""
    path = tmp_path / "history.jsonl"
    with pytest.raises(HistoryError, match=r":1: type: ok without"):
        write_history(path, [Event(0, 0, 0, "ok", "delete_topic", "t", {"version": 2})])
    assert not path.exists()


OUTCOMES: list[EventType] = ["ok", "fail", "info"]


@st.composite
def event_lists(draw: st.DrawFn) -> list[Event]:
    """Well-formed register histories of up to four processes."""
    scalars = st.none() | st.text() | st.integers(-(2**63) + 1, 2**63 - 1)
    events: list[Event] = []
    calls: dict[int, Event] = {}
    for _ in range(draw(st.integers(1, 12))):
        process = draw(st.integers(0, 3))
        index = (events[-1].index if events else 0) + draw(st.integers(1, 3))
        time = draw(st.integers(0, 2**63 - 1))
        call = calls.pop(process, None)
        value: Json
        if call is None:
            f = draw(st.sampled_from(["read", "write", "cas"]))
            value = {"expected": draw(scalars), "value": draw(scalars)} if f == "cas" else None
            event = Event(index, time, process, "invoke", f, draw(st.text()), draw(scalars) if f == "write" else value)
            calls[process] = event
        else:
            kind: EventType = draw(st.sampled_from(OUTCOMES))
            value = draw(scalars) if call.f == "read" and kind == "ok" else None
            error = None if kind == "ok" else draw(st.text(min_size=1))
            event = evolve(call, index=index, time=time, type=kind, value=value, error=error)
        events.append(event)
    return events


@given(event_lists())
def test_written_histories_read_back_the_same(events: list[Event]) -> None:
    """Any text in keys, values and errors survives the canonical form, and the canonical form is a fixed point."""
    lines = [event_line(event) for event in events]
    history = parse_history(lines, REGISTER)
    assert history == pair_events(events, REGISTER)
    assert [event_line(event) for event in history.events] == lines


def test_file_round_trip(tmp_path: Path) -> None:
    """A written file is the canonical lines and loads as the same history."""
    events = parse_history(lines_of(GOOD)).events
    path = tmp_path / "history.jsonl"
    write_history(path, events)
    assert path.read_bytes() == b"".join(event_line(event) for event in events)
    assert load_history(path).events == events


def test_operations_are_well_formed() -> None:
    """A return is after its call and no two events share an index, also for histories built by hand."""
    with pytest.raises(ValueError, match="not after its call at 4"):
        Operation(1, "read", "t", None, call=4, ret=4)
    operation = Operation(1, "read", "t", None, call=4, ret=5)
    with pytest.raises(ValueError, match="same index"):
        History(operations=(operation, evolve(operation, process=2)))


def test_operations_print_compactly() -> None:
    """Process, operation, key, argument, answer, and where it was called and returned."""
    update = Operation(3, "update", "t", {"expected": 1, "value": "a"}, call=4, ret=9, output={"version": 2})
    assert str(update) == 'p3 update("t", expected=1 value="a") -> version=2 [4,9]'
    assert str(evolve(update, output=None, error="INVALID_UPDATE_VERSION")).endswith("-> INVALID_UPDATE_VERSION [4,9]")
    assert str(Operation(3, "read", "t", None, call=4)) == 'p3 read("t") -> ? [4,]'
