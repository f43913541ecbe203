"""Trace files are untrusted input: whatever is wrong with one is a single line with the place, the cause and the remedy."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from traces import files, reader
from traces.format import Trace, TraceError, dump, from_bytes, load, to_bytes

Json = Any
Find = Callable[[str], Trace]
Spoil = Callable[[Json], None]


@pytest.fixture
def document(counterexample: Find) -> Json:
    """The file of M2's counterexample (five steps), as JSON to spoil."""
    return json.loads(to_bytes(counterexample("M2")))


def refused(data: bytes, strict: bool = True) -> str:
    """The line with which a file is refused."""
    with pytest.raises(TraceError) as caught:
        from_bytes(data, strict=strict)
    line = str(caught.value)
    assert "\n" not in line
    return line


def put(*path: str | int, value: Json) -> Spoil:
    """Replace what is at a path of the document."""

    def spoil(document: Json) -> None:
        for key in path[:-1]:
            document = document[key]
        document[path[-1]] = value

    return spoil


def drop(*path: str | int) -> Spoil:
    """Remove what is at a path of the document."""

    def spoil(document: Json) -> None:
        for key in path[:-1]:
            document = document[key]
        del document[path[-1]]

    return spoil


ABOUT = ("#meta", "lockstep")
META = ("states", 3, "#meta")

SPOILED: list[tuple[Spoil, str]] = [
    (drop("#meta"), "#meta: missing; write the trace with Lockstep"),
    (drop(*ABOUT), "#meta.lockstep: missing; "),
    (
        put(*ABOUT, "version", value=2),
        "#meta.lockstep.version: version 2 of the format, and this Lockstep reads version 1; ",
    ),
    (drop(*ABOUT, "spec"), "#meta.lockstep.spec: missing; "),
    (
        put(*ABOUT, "spec", value="krft"),
        "#meta.lockstep.spec: unknown spec 'krft' (see lockstep list specs): did you mean kraft?; ",
    ),
    (
        put(*ABOUT, "spec", value="\x1b[31m"),
        "#meta.lockstep.spec: expected printable text of at most 1000 characters, found",
    ),
    (put(*ABOUT, "bug", value="M22"), "#meta.lockstep.bug: unknown bug 'M22' of spec kraft: did you mean M2?; "),
    (put(*ABOUT, "bug", value=["M2"]), "#meta.lockstep.bug: expected a string, found a list; "),
    (put(*ABOUT, "bounds", "nodes", value=0), "#meta.lockstep.bounds: bound nodes=0 is impossible for spec kraft"),
    (
        put(*ABOUT, "bounds", "nodes", value="3"),
        '#meta.lockstep.bounds.nodes: expected a whole number, found the string "3"',
    ),
    (put(*ABOUT, "bounds", "nodes", value=True), "#meta.lockstep.bounds.nodes: expected a whole number, found true"),
    (
        put(*ABOUT, "bounds", "nodes", value=10**12),
        "#meta.lockstep.bounds.nodes: the bound 1000000000000 is out of range; ",
    ),
    (
        put(*ABOUT, "bounds", "nodes", value=10**6),
        "#meta.lockstep.bounds: a state has 2,0",
    ),
    (
        put(*ABOUT, "bounds", "node", value=3),
        "#meta.lockstep.bounds: unknown bound 'node' of spec kraft: did you mean nodes?",
    ),
    (put(*ABOUT, "property", value="no_leader"), "#meta.lockstep.property: unknown property 'no_leader' of spec kraft"),
    (
        put(*ABOUT, "property", value=None),
        "#meta.lockstep.kind: a property without a kind, or a kind without a property; ",
    ),
    (
        put(*ABOUT, "kind", value="never"),
        '#meta.lockstep.kind: expected a kind of property, found the string "never"; one of',
    ),
    (
        put(*ABOUT, "kind", value="always"),
        "#meta.lockstep.kind: a_voter_votes_once_per_epoch is of kind step, not always; ",
    ),
    (put(*ABOUT, "seed", value=1.5), "#meta.lockstep.seed: expected a whole number, found a number"),
    (put("loop", value=6), "loop: expected the index of a state, found a number; 0 .. 5, or null for no loop"),
    (put("vars", value="epoch"), 'vars: expected a list, found the string "epoch"'),
    (put("states", value=[]), "states: 0 states, expected 1 .. 100,000; a trace has an initial state"),
    (drop("states"), "states: missing; "),
    (put("states", 3, value=None), "states[3]: expected an object, found null; "),
    (drop(*META), "states[3].#meta: missing; "),
    (put(*META, "index", value=4), "states[3].#meta.index: 4, expected 3; states are numbered 0, 1, ... in order"),
    (drop(*META, "action"), "states[3].#meta.action: missing; name the action that led here, or null"),
    (
        put("states", 0, "#meta", "action", value="restart"),
        "states[0].#meta.action: the initial state has an action; write null",
    ),
    (put(*META, "vclock", value={"n1": -1}), "states[3].#meta.vclock.n1: negative; "),
    (put(*META, "digest", value="0" * 63), "states[3].#meta.digest: expected 64 hex digits, found the string"),
    (put(*META, "choices", value=[{}, 1]), "states[3].#meta.choices[1]: expected an object, found a number; "),
    (put(*META, "actor", value="n1\nn2"), "states[3].#meta.actor: expected printable text"),
]

# What a change of the spec can bring about: refused strictly, noted when read tolerantly.
OUTDATED: list[tuple[Spoil, str]] = [
    (put("vars", value=["epoch"]), "vars: the spec's variable leader is not declared; "),
    (lambda d: d["vars"].append("term"), 'vars: the spec has no variable "term"; '),
    (
        put("states", 3, "log", value="full"),
        'states[3].log: expected a map, found the string "full"; a function is {"#map"',
    ),
    (drop("states", 3, "epoch"), "states[3].epoch: missing; a state gives every variable of the spec"),
    (
        put("states", 3, "role", "#map", 1, 1, value="KING"),
        'states[3].role[n2]: expected a Role, found the string "KING"; one of',
    ),
    (
        put("states", 3, "role", "#map", 1, 1, value="LEADER"),
        "states[3].#meta.digest: the state is not the one that was digested; ",
    ),
    (put(*META, "digest", value="0" * 64), "states[3].#meta.digest: the state is not the one that was digested; "),
    (
        put(*META, "action", value="vote"),
        'states[3].#meta.action: the spec has no action "vote"; its actions are start_election',
    ),
    (
        drop(*META, "args", "voter"),
        "states[3].#meta.args.voter: missing; the action is handle_vote_request(voter, request)",
    ),
    (
        put(*META, "args", "voter", value="n9"),
        'states[3].#meta.args.voter: expected a Node, found the string "n9"; one of',
    ),
    (
        put(*META, "args", "request", "epoch", value={"#bigint": "8"}),
        "states[3].#meta.args.request.epoch: Epoch 8 is beyond the bound epochs=1; ",
    ),
]


@pytest.mark.parametrize(("spoil", "line"), [*SPOILED, *OUTDATED])
def test_a_spoiled_trace_is_refused_in_one_line(document: Json, spoil: Spoil, line: str) -> None:
    """Each mistake is named with its place, and no other than the first."""
    spoil(document)
    assert refused(json.dumps(document).encode()).startswith(line)


@pytest.mark.parametrize(("spoil", "line"), SPOILED)
def test_tolerance_is_for_changes_of_the_spec_only(document: Json, spoil: Spoil, line: str) -> None:
    """A file that is not whole is refused even when it is read tolerantly."""
    spoil(document)
    assert refused(json.dumps(document).encode(), strict=False).startswith(line)


@pytest.mark.parametrize(("spoil", "line"), OUTDATED)
def test_what_no_longer_fits_is_noted(document: Json, spoil: Spoil, line: str) -> None:
    """Read tolerantly, what does not fit the spec of today is kept as such, and the note says the same as the error."""
    spoil(document)
    trace = from_bytes(json.dumps(document).encode(), strict=False)
    notes = [
        *trace.warnings,
        *(f"states[{i}].#meta.{row.problem}" for i, row in enumerate(trace.states) if row.problem),
    ]
    assert any(note.startswith(line.partition(";")[0]) for note in notes)
    assert len(trace.states) == 6


def test_tolerance_keeps_a_whole_trace_whole(counterexample: Find) -> None:
    """Nothing is lost or noted where everything fits."""
    trace = counterexample("M2")
    assert from_bytes(to_bytes(trace), strict=False) == trace


def bytes_of_no_trace() -> Iterator[tuple[bytes, str]]:
    """Bytes that are not one JSON value, each with its line."""
    yield b"", "the file is empty; "
    yield b" \n", "the file is empty; "
    yield b"{} {}", "not JSON at byte 3: extra data; "
    yield "{'é': 1}".encode(), "not JSON at byte 1: expecting property name enclosed in double quotes; "
    yield '{"é": nul}'.encode(), "not JSON at byte 7: expecting value; "
    yield b'{"a": 1, "a": 2}', 'an object has the key "a" twice; keep one of the two'
    yield b'{"#meta": {"x": NaN}}', 'NaN is not JSON; ITF writes numbers as {"#bigint": "3"}'
    yield b'{"#meta": {"x": -Infinity}}', "-Infinity is not JSON; "
    yield b'{"#meta": {"x": 1e999}}', 'the number "1e999" is out of range; '
    yield b'{"#meta": ' + b"7" * 5000 + b"}", "a number has 5000 digits; numbers have at most 18"
    yield b"[" * 100_000, "nested deeper than 64 levels at byte 64; "
    yield b'{"a":' * 65 + b"1" + b"}" * 65, "nested deeper than 64 levels at byte 320; "
    yield b'{"a": "\xff"}', "byte 7 is not UTF-8; "
    yield b"\x80\x04\x95", "byte 0 is not UTF-8; "  # a pickle
    yield b"[]", "expected an object, found an empty list; "
    yield b'{"#meta": 1}', "#meta: expected an object, found a number; "


@pytest.mark.parametrize(("data", "line"), list(bytes_of_no_trace()))
def test_what_is_no_json_is_refused_with_its_offset(data: bytes, line: str) -> None:
    """Bytes that are not one well-formed JSON object are refused, with the byte offset where there is one."""
    assert refused(data).startswith(line)


def test_brackets_inside_strings_are_no_nesting() -> None:
    """Depth counts structure: a string full of brackets and escaped quotes passes on to the next check."""
    text = json.dumps({"#meta": {"description": '["\\' * 1000}})
    assert refused(text.encode()).startswith("#meta.lockstep: missing")


def test_a_truncated_file_says_where_it_ends(counterexample: Find) -> None:
    """Wherever a file is cut off, the line says that it ends too early, and at which byte of how many."""
    data = to_bytes(counterexample("M2"))
    for size in (1, 2, 30, 700, len(data) // 2, len(data) - 3):
        line = refused(data[:size])
        assert line.startswith("the JSON ends too early, at byte "), (size, line)
        assert f" of {size}; " in line


def test_every_truncation_is_refused_cleanly(counterexample: Find) -> None:
    """No cut, at whatever byte, gives anything but a TraceError."""
    data = to_bytes(counterexample("M5"))
    for size in range(0, len(data) - 2, 211):
        refused(data[:size])


def test_a_file_beyond_the_limit_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The size is limited before anything is parsed."""
    path = tmp_path / "large.itf.json"
    path.write_bytes(b"[" * 2000)
    monkeypatch.setattr(files, "MAX_BYTES", 1999)
    with pytest.raises(TraceError) as caught:
        load(path)
    assert (
        str(caught.value) == f"{path}: the file is larger than 1,999 bytes; shrink the trace, or split what it records"
    )
    monkeypatch.setattr(files, "MAX_BYTES", 2000)
    with pytest.raises(TraceError, match="nested deeper"):
        load(path)


def test_the_number_of_states_is_limited(counterexample: Find, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trace has at most so many states; the sixth is one too many for a limit of five."""
    data = to_bytes(counterexample("M2"))
    monkeypatch.setattr(reader, "MAX_STATES", 6)
    assert len(from_bytes(data).states) == 6
    monkeypatch.setattr(reader, "MAX_STATES", 5)
    assert refused(data).startswith("states: 6 states, expected 1 .. 5; shrink the trace")


def test_errors_name_the_file(counterexample: Find, tmp_path: Path) -> None:
    """An error in a file begins with the file's name, then the place in it."""
    path = tmp_path / "m2.itf.json"
    dump(counterexample("M2"), path)
    path.write_bytes(path.read_bytes().replace(b'"spec":"kraft"', b'"spec":"paxos"'))
    with pytest.raises(TraceError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: #meta.lockstep.spec: unknown spec 'paxos'")


@pytest.mark.parametrize("name", ["nowhere.itf.json", "a-directory", "nul\0"])
def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path, name: str) -> None:
    """A missing file, a directory or an impossible name is no traceback."""
    (tmp_path / "a-directory").mkdir()
    with pytest.raises(TraceError, match=r"cannot read the file: .*; check the name and the permissions"):
        load(tmp_path / name)
