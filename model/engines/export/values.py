"""Plain states as TLA+ values and back: texts for a trace module, and the JSON in which TLC dumps a counterexample.

| plain                          | text                            | JSON of TLC                                             |
|--------------------------------|---------------------------------|---------------------------------------------------------|
| element of an abstract sort    | `n1`                            | `"n1"`                                                  |
| NONE, unset                    | `Nil`                           | `"Nil"`                                                 |
| ordinal, truth value, member   | `3`, `TRUE`, `"LEADER"`         | `3`, `true`, `"LEADER"`                                 |
| quorum, message set            | `{n1, n2}`                      | `["n1", "n2"]`                                          |
| record                         | `[epoch \\|-> 1, ...]`           | `{"epoch": 1, ...}`                                     |
| sequence                       | `<<...>>`                       | `[...]`                                                 |
| function                       | `(n1 :> 0 @@ n2 :> 1)`          | `{"n1": 0, "n2": 1}`; from 1 .. k: a list               |
| bag                            | `([kind \\|-> ...] :> 2)`        | an object; its keys are the texts of records            |
"""

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from operator import itemgetter
from typing import Any

from model.engines.export.names import identifier
from model.engines.export.vocabulary import Vocabulary, split
from model.language.declare import BagDecl, FnDecl
from model.language.plain import Frozen, message_key
from model.language.sorts import (
    Abstract,
    Bool,
    Bounds,
    Enum,
    Node,
    OptionOf,
    Quorum,
    SeqOf,
    elements,
    is_record,
)

Json = Any
"""A JSON value: None, bool, number, str, list or dict with str keys."""

_FIELD = re.compile(r'(\w+) \|-> ("[^"]*"|[\w-]+)')


class TlcTraceError(ValueError):
    """What TLC dumped is not a path of the spec; the message says where and why."""


def prefix(sort: type[Abstract]) -> str:
    """What the elements of an abstract sort are called: `n1` for nodes, else `client1`."""
    return "n" if sort is Node else sort.__name__.lower()


class Values:
    """The values of one module within bounds."""

    def __init__(self, words: Vocabulary, bounds: Bounds) -> None:
        self.words, self.bounds = words, bounds
        self.declarations = words.traced.spec.state.variables

    def constants(self) -> tuple[str, ...]:
        """The model values of all abstract sorts."""
        sorts = [s for s in self.words.sorts if issubclass(s, Abstract) and self.words.sorts[s] in self.words.used]
        return tuple(f"{prefix(s)}{i + 1}" for s in sorts for i in range(self.bounds[s.bound]))

    # ---- texts
    def text(self, type_: Any, value: Any) -> str:
        """A plain value of a basic sort, an Option, a record or a sequence."""
        if isinstance(type_, SeqOf):
            return f"<<{', '.join(self.text(type_.record, v) for v in value)}>>"
        if value is None:
            return self.words.nil
        if isinstance(type_, OptionOf):
            return self.text(type_.sort, value)
        if is_record(type_):
            pairs = zip(type_.fields.items(), value, strict=True)
            return "[" + ", ".join(f"{identifier(name)} |-> {self.text(t, v)}" for (name, t), v in pairs) + "]"
        if type_ is Quorum:
            return "{" + ", ".join(self.text(Node, n) for n in value) + "}"
        if issubclass(type_, Abstract):
            return f"{prefix(type_)}{value + 1}"
        return self.words.constant(value, type_)

    def state(self, state: Frozen) -> Iterator[tuple[str, str]]:
        """(variable, text of its value) for every variable of the module."""
        for (name, declaration), value in zip(self.declarations.items(), state, strict=True):
            if isinstance(declaration, FnDecl):
                yield from self._function(name, declaration, value)
            elif isinstance(declaration, BagDecl):
                counts = {message: value.count(message) for message in value}
                bag = " @@ ".join(f"{self.text(declaration.record, m)} :> {n}" for m, n in counts.items())
                yield self.words.networks[name], f"({bag})" if bag else "EmptyBag"
            else:
                yield self.words.networks[name], f"{{{', '.join(self.text(declaration.record, m) for m in value)}}}"

    def _function(self, name: str, declaration: FnDecl, value: Any) -> Iterator[tuple[str, str]]:
        for variable, take in self._parts(name, declaration):
            if not declaration.args:
                yield variable.name, self.text(variable.type, take(value))
                continue
            keys = list(product(*(elements(s, self.bounds) for s in declaration.args)))
            yield (
                variable.name,
                self._mapping(
                    declaration.args, variable.type, [(k, take(v)) for k, v in zip(keys, value, strict=True)]
                ),
            )

    def _mapping(self, args: tuple[Any, ...], type_: Any, pairs: list[tuple[tuple[Any, ...], Any]]) -> str:
        if not args:
            return self.text(type_, pairs[0][1])
        rows: dict[Any, list[tuple[tuple[Any, ...], Any]]] = {}
        for key, value in pairs:
            rows.setdefault(key[0], []).append((key[1:], value))
        return (
            "("
            + " @@ ".join(
                f"{self.text(args[0], k)} :> {self._mapping(args[1:], type_, row)}" for k, row in rows.items()
            )
            + ")"
        )

    def _parts(self, name: str, declaration: FnDecl) -> Iterator[tuple[Any, Callable[[Any], Any]]]:
        """The variables of a declared function, and how each is taken out of a value."""
        mine = [v for v in self.words.variables if v.functions[0].split(".")[0] == name]
        for place, (variable, _) in enumerate(zip(mine, split(declaration.result), strict=True)):
            yield variable, itemgetter(place) if is_record(declaration.result) else _whole

    # ---- JSON
    def decoded(self, given: Mapping[str, Json]) -> Frozen:
        """The plain state that a state in TLC's JSON is; TlcTraceError if it is none."""
        found: list[Any] = []
        for name, declaration in self.declarations.items():
            if isinstance(declaration, FnDecl):
                found.append(self._decoded_function(name, declaration, given))
                continue
            network = self.words.networks[name]
            value = _member(given, network)
            if isinstance(declaration, BagDecl):
                messages = [
                    m for key, n in _pairs(value, network) for m in [self._keyed(declaration.record, key)] * int(n)
                ]
            else:
                messages = [self.decode(declaration.record, m, network) for m in _list(value, network)]
            found.append(tuple(sorted(messages, key=message_key)))
        return tuple(found)

    def _decoded_function(self, name: str, declaration: FnDecl, given: Mapping[str, Json]) -> Any:
        keys = list(product(*(elements(s, self.bounds) for s in declaration.args)))
        columns = []
        for variable, _ in self._parts(name, declaration):
            value = _member(given, variable.name)
            columns.append([self._at(variable, declaration.args, value, key) for key in keys])
        record = declaration.result if is_record(declaration.result) else None
        rows = [record.of(row) if record is not None else row[0] for row in zip(*columns, strict=True)]
        return tuple(rows) if declaration.args else rows[0]

    def _at(self, variable: Any, args: tuple[Any, ...], value: Json, key: tuple[Any, ...]) -> Any:
        for sort, part in zip(args, key, strict=True):
            text = self.text(sort, part)
            if isinstance(value, list):  # TLC writes a function from 1 .. k as a list
                value = {str(i): v for i, v in enumerate(value, start=1)}
            value = _member(value, text.strip('"') if issubclass(sort, Enum) else text, variable.name)
        return self.decode(variable.type, value, variable.name)

    def _keyed(self, record: Any, text: str) -> Any:
        """A record that is written as a key."""
        fields: dict[str, Json] = {}
        for name, word in _FIELD.findall(text):
            quoted = word.startswith('"')
            truth = {"TRUE": True, "FALSE": False}
            fields[name] = word[1:-1] if quoted else truth.get(word, int(word) if word.lstrip("-").isdigit() else word)
        return self.decode(record, fields, text)

    def decode(self, type_: Any, value: Json, where: str) -> Any:
        """The plain value of a type that a JSON value of TLC is."""
        if isinstance(type_, SeqOf):
            return tuple(self.decode(type_.record, v, where) for v in _list(value, where))
        if is_record(type_):
            return type_.of(
                [self.decode(t, _member(value, identifier(n), where), where) for n, t in type_.fields.items()]
            )
        if value == self.words.nil and not (isinstance(type_, type) and issubclass(type_, Enum)):
            return None
        if isinstance(type_, OptionOf):
            return self.decode(type_.sort, value, where)
        if type_ is Quorum:
            return tuple(sorted(self.decode(Node, n, where) for n in _list(value, where)))
        for plain in elements(type_, self.bounds):
            expected = f"{prefix(type_)}{plain + 1}" if issubclass(type_, Abstract) else plain
            if value == expected and (type_ is Bool) == isinstance(value, bool):
                return plain
        raise TlcTraceError(f"{where}: {value!r} is no {type_!r} within the bounds")


def _whole(value: Any) -> Any:
    return value


def _member(value: Json, key: str, where: str = "") -> Json:
    if not isinstance(value, Mapping) or key not in value:
        raise TlcTraceError(f"{f'{where}: ' if where else ''}no value of {key}")
    return value[key]


def _list(value: Json, where: str) -> list[Json]:
    if not isinstance(value, list):
        raise TlcTraceError(f"{where}: {value!r} is no list")
    return value


def _pairs(value: Json, where: str) -> list[tuple[str, Json]]:
    if value == []:  # the empty function is written as the empty sequence
        return []
    if not isinstance(value, dict):
        raise TlcTraceError(f"{where}: {value!r} is no object")
    return list(value.items())
