"""From an untrusted document to a Trace: every field is checked, and an error names the place, the cause and the remedy."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from attrs import field, frozen

from model.language import BoundsError, Spec
from model.language.plain import Frozen
from properties.registry import choose_properties
from traces.codec import Codec, Json, codec_of
from traces.errors import TraceError, expected, shown
from traces.files import parse_json
from traces.trace import OTHER_KINDS, SPEC_KINDS, Trace, TraceState, digest

VERSION = 1
"""The version of our metadata. A reader refuses another one."""

MAX_STATES = 100_000
"""The longest trace that is read."""

_MAX_TEXT = 1000
_MAX_BOUND = 1_000_000
_DIGEST = re.compile(r"[0-9a-f]{64}")
_WRITE_AGAIN = "write the trace again with this version, or read it tolerantly (--tolerant)"
_RESTORE = "the file was edited: restore it, or read it tolerantly (--tolerant)"
_FROM_ELSEWHERE = "write the trace with Lockstep, or add what is missing"
_KINDS: Mapping[type, str] = {dict: "an object", list: "a list", str: "a string", int: "a whole number"}


def read_trace(data: bytes, *, strict: bool, find: Callable[[str], Spec]) -> Trace:
    """The trace in the bytes of a file. See `traces.format.load`, which adds the name of the file to errors."""
    document = _typed(dict, parse_json(data), "")
    about = _get(dict, _get(dict, document, "#meta"), "lockstep", "#meta.lockstep")
    version = _get(int, about, "version", "#meta.lockstep.version")
    if version != VERSION:
        cause = f"version {version} of the format, and this Lockstep reads version {VERSION}"
        raise TraceError("#meta.lockstep.version", cause, "read the trace with the Lockstep that wrote it")
    spec = _spec(about, find)
    bounds = _bounds(spec, about)
    name, kind = _property(spec, about)
    rows = _get(list, document, "states")
    if not 1 <= len(rows) <= MAX_STATES:
        remedy = "a trace has an initial state" if not rows else "shrink the trace, or keep its last part"
        raise TraceError("states", f"{len(rows):,} states, expected 1 .. {MAX_STATES:,}", remedy)
    loop = document.get("loop")
    if loop is not None and not (isinstance(loop, int) and not isinstance(loop, bool) and 0 <= loop < len(rows)):
        raise expected("the index of a state", loop, f"0 .. {len(rows) - 1}, or null for no loop").under("loop")
    try:
        codec = codec_of(spec, bounds)
    except TraceError as error:
        raise error.under("#meta.lockstep.bounds") from None
    reader = _States(codec, {a.name: a for a in spec.actions}, strict)
    reader.check_variables(_get(list, document, "vars"))
    return Trace(
        spec=spec,
        spec_hash=_text(about, "spec_hash", "#meta.lockstep.spec_hash"),
        bounds=bounds,
        property=name,
        kind=kind,
        engine=_text(about, "engine", "#meta.lockstep.engine"),
        seed=_optional(int, about, "seed", "#meta.lockstep.seed"),
        states=tuple(reader.read(index, row) for index, row in enumerate(rows)),
        loop=loop,
        description=_text(document["#meta"], "description", "#meta.description")
        if "description" in document["#meta"]
        else "",
        warnings=tuple(reader.warnings),
    )


def _spec(about: dict[str, Json], find: Callable[[str], Spec]) -> Spec:
    name = _text(about, "spec", "#meta.lockstep.spec")
    bug = about.get("bug")
    remedy = "correct the name, or read the trace with the Lockstep that wrote it"
    try:
        spec = find(name)
    except LookupError as error:
        raise TraceError("#meta.lockstep.spec", str(error.args[0]), remedy) from None
    if bug is None:
        return spec
    try:
        return spec.with_bug(_typed(str, bug, "#meta.lockstep.bug"))
    except LookupError as error:
        raise TraceError("#meta.lockstep.bug", str(error.args[0]), remedy) from None


def _bounds(spec: Spec, about: dict[str, Json]) -> dict[str, int]:
    where = "#meta.lockstep.bounds"
    given = _get(dict, about, "bounds", where)
    for name, value in given.items():
        path = f"{where}.{name if name.isidentifier() else shown(name)}"
        if not 0 <= _typed(int, value, path) <= _MAX_BOUND:
            raise TraceError(path, f"the bound {value} is out of range", f"give 0 .. {_MAX_BOUND:,}")
    try:
        return spec.complete_bounds(given)
    except BoundsError as error:
        raise TraceError(where, str(error), "give the bounds that the spec has") from None


def _property(spec: Spec, about: dict[str, Json]) -> tuple[str | None, str | None]:
    name = _optional(str, about, "property", "#meta.lockstep.property")
    kind = _optional(str, about, "kind", "#meta.lockstep.kind")
    if (name is None) != (kind is None):
        raise TraceError(
            "#meta.lockstep.kind", "a property without a kind, or a kind without a property", "give both or none"
        )
    if kind is None or kind in OTHER_KINDS:
        return name, kind
    if kind not in SPEC_KINDS:
        raise expected("a kind of property", kind, f"one of {', '.join((*SPEC_KINDS, *OTHER_KINDS))}").under(
            "#meta.lockstep.kind"
        )
    try:
        (known,) = choose_properties(spec, (str(name),))
    except LookupError as error:
        remedy = "correct the name, or read the trace with the Lockstep that wrote it"
        raise TraceError("#meta.lockstep.property", str(error.args[0]), remedy) from None
    if known.kind != kind:
        raise TraceError("#meta.lockstep.kind", f"{name} is of kind {known.kind}, not {kind}", f"write {known.kind}")
    return name, kind


@frozen
class _States:
    """Reads the states of one trace. `warnings` gathers what tolerant reading lets pass."""

    codec: Codec
    actions: Mapping[str, Any]
    strict: bool
    warnings: list[str] = field(factory=list)

    def check_variables(self, names: list[Json]) -> None:
        """The declared variables are those of the spec, besides ones that ITF tools add."""
        given = {_typed(str, name, f"vars[{place}]") for place, name in enumerate(names)}
        problems = [f"the spec's variable {name} is not declared" for name in self.codec.variables if name not in given]
        extra = [n for n in names if n not in self.codec.variables and not n.startswith(("mbt::", "__"))]
        problems += [f"the spec has no variable {shown(name)}" for name in extra]
        if problems and self.strict:
            raise TraceError("vars", problems[0], _WRITE_AGAIN)
        self.warnings.extend(f"vars: {problem}" for problem in problems)

    def read(self, index: int, row: Json) -> TraceState:
        """One element of `states`."""
        try:
            return self._read(index, _typed(dict, row, ""))
        except TraceError as error:
            raise error.under(f"states[{index}]") from None

    def _read(self, index: int, row: dict[str, Json]) -> TraceState:
        meta = _get(dict, row, "#meta")
        if _get(int, meta, "index", "#meta.index") != index:
            raise TraceError(
                "#meta.index", f"{meta['index']}, expected {index}", "states are numbered 0, 1, ... in order"
            )
        action, args, problem = self._step(index, meta)
        return TraceState(
            action=action,
            args=args,
            actor=_optional(str, meta, "actor", "#meta.actor"),
            vclock=_vclock(_get(dict, meta, "vclock", "#meta.vclock")),
            digest=_digest(_get(str, meta, "digest", "#meta.digest")),
            state=self._state(index, row, meta["digest"]),
            choices=_choices(meta.get("choices")),
            problem=problem,
        )

    def _step(self, index: int, meta: dict[str, Json]) -> tuple[str | None, tuple[Any, ...], str]:
        if "action" not in meta:
            raise TraceError("#meta.action", "missing", "name the action that led here, or null")
        name = _optional(str, meta, "action", "#meta.action")
        if name is None:
            return None, (), ""
        if index == 0:
            raise TraceError("#meta.action", "the initial state has an action", "write null")
        try:
            if name not in self.actions:
                cause = f"the spec has no action {shown(name)}"
                raise TraceError("action", cause, f"its actions are {', '.join(self.actions)}")
            try:
                return name, self.codec.decode_args(self.actions[name], meta.get("args")), ""
            except TraceError as error:
                raise error.under("args") from None
        except TraceError as error:
            if self.strict:
                raise error.under("#meta") from None
            return name, (), str(error)

    def _state(self, index: int, row: dict[str, Json], wanted: str) -> Frozen | None:
        try:
            state = self.codec.decode_state(row)
        except TraceError as error:
            if self.strict:
                raise
            self.warnings.append(str(error.under(f"states[{index}]")))
            return None
        if digest(self.codec, state) != wanted:
            changed = TraceError("#meta.digest", "the state is not the one that was digested", _RESTORE)
            if self.strict:
                raise changed
            self.warnings.append(str(changed.under(f"states[{index}]")))
        return state


def _vclock(given: dict[str, Json]) -> dict[str, int]:
    for name, count in given.items():
        _typed(str, name, "#meta.vclock")
        if _typed(int, count, f"#meta.vclock.{name}") < 0:
            raise TraceError(f"#meta.vclock.{name}", "negative", 'a vector clock counts steps: {"n1": 2, "n2": 1}')
    return dict(sorted(given.items()))


def _digest(given: str) -> str:
    if not _DIGEST.fullmatch(given):
        raise expected("64 hex digits", given, "the SHA-256 of the state").under("#meta.digest")
    return given


def _choices(given: Json) -> tuple[Mapping[str, Json], ...] | None:
    if given is None:
        return None
    items = _typed(list, given, "#meta.choices")
    return tuple(_typed(dict, item, f"#meta.choices[{place}]") for place, item in enumerate(items))


def _typed(kind: type, value: Any, path: str) -> Any:
    if isinstance(value, bool) or not isinstance(value, kind):
        raise expected(_KINDS[kind], value, _FROM_ELSEWHERE).under(path)
    if isinstance(value, str) and not (value.isprintable() and len(value) <= _MAX_TEXT):
        raise expected(f"printable text of at most {_MAX_TEXT} characters", value, "shorten it, on one line").under(
            path
        )
    return value


def _get(kind: type, holder: dict[str, Json], key: str, path: str = "") -> Any:
    if key not in holder:
        raise TraceError(path or key, "missing", _FROM_ELSEWHERE)
    return _typed(kind, holder[key], path or key)


def _optional(kind: type, holder: dict[str, Json], key: str, path: str) -> Any:
    value = holder.get(key)
    return None if value is None else _typed(kind, value, path)


def _text(holder: dict[str, Json], key: str, path: str) -> str:
    text: str = _get(str, holder, key, path)
    return text
