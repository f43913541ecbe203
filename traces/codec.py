"""Values of a spec as ITF expressions (Apalache ADR-015), typed by their sort, and back.

| sort or declaration    | plain value                | ITF                                                         |
|------------------------|----------------------------|-------------------------------------------------------------|
| Node                   | 0, 1, ...                  | `"n1"`, `"n2"`, ...; another Abstract sort: `"broker1"`     |
| Ordinal                | 3                          | `{"#bigint": "3"}`                                          |
| Bool                   | True                       | `true`                                                      |
| Enum                   | Role.LEADER                | `"LEADER"`                                                  |
| Quorum                 | (0, 1)                     | `{"#set": ["n1", "n2"]}`                                    |
| Option                 | None or a value            | `{"tag": "None", "value": {"#tup": []}}`, `{"tag": "Some"}` |
| Record                 | tuple                      | `{"field": expression, ...}`                                |
| Seq                    | tuple of records           | `[expression, ...]`                                         |
| Fn, arguments in order | values in domain order     | `{"#map": [[key, value], ...]}`; several: key `{"#tup": []}`|
| Messages               | records in canonical order | `{"#set": [...]}`                                           |
| Bag                    | the same with repeats      | `[...]`                                                     |

An abstract element that is unset (in the default record) is `"unset"`, an unset Quorum the empty set. Decoding is strict: a
value is of its sort and within the bounds or the error says where it is not. Order in sets and maps is free on reading.
"""

import re
from collections.abc import Callable, Mapping
from itertools import product
from math import prod
from typing import Any

from attrs import field, frozen

from model.language import Bool, Node, Quorum, Spec
from model.language.declare import BagDecl, Declaration, FnDecl, MessagesDecl
from model.language.plain import Frozen, format_value, message_key
from model.language.sorts import Abstract, Bounds, Enum, OptionOf, SeqOf, elements, is_record
from model.language.spec import Action
from traces.errors import TraceError, expected, shown

Json = Any
"""A JSON value: None, bool, number, str, list or dict with str keys."""

UNSET = "unset"
"""The abstract element that nobody has named yet."""

MAX_CELLS = 1_000_000
"""The largest state (cells of all functions together) for which a trace is read: bounds in a file are untrusted too."""

_NUMBER = re.compile(r"(?:0|[1-9][0-9]{0,17})")
_NOTHING = {"tag": "None", "value": {"#tup": []}}


@frozen
class _Layout:
    """One state function: its arguments in domain order, as expressions, as printed, and where each is."""

    keys: tuple[Json, ...]
    labels: tuple[str, ...]
    places: Mapping[tuple[Any, ...], int]


@frozen
class Codec:
    """The values of one spec under given bounds. Raises TraceError if the state is too large to be read safely."""

    variables: Mapping[str, Declaration]
    bounds: Bounds
    _layouts: Mapping[str, _Layout] = field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        cells = 0
        for declaration in self.variables.values():
            if isinstance(declaration, FnDecl):
                cells += prod(self._size(sort) for sort in declaration.args)
        if cells > MAX_CELLS:
            raise TraceError("", f"a state has {cells:,} cells, more than {MAX_CELLS:,}", "give smaller bounds")
        layouts = {
            name: self._layout(declaration)
            for name, declaration in self.variables.items()
            if isinstance(declaration, FnDecl) and declaration.args
        }
        object.__setattr__(self, "_layouts", layouts)

    def _size(self, sort: Any) -> int:
        """How many elements a sort has, without making them."""
        if sort is Quorum:  # at least this many: the majorities of n nodes
            return int(2 ** min(self.bounds["nodes"] - 1, 40))
        bound = getattr(sort, "bound", "")
        if bound:
            return self.bounds[bound] + (0 if issubclass(sort, Abstract) else 1)
        return len(elements(sort, self.bounds))

    def _layout(self, declaration: FnDecl) -> _Layout:
        keys, labels, places = [], [], {}
        for place, values in enumerate(product(*(elements(sort, self.bounds) for sort in declaration.args))):
            parts = [self.encode(sort, value) for sort, value in zip(declaration.args, values, strict=True)]
            keys.append(parts[0] if len(parts) == 1 else {"#tup": parts})
            labels.append(label(declaration.args, values))
            places[values] = place
        return _Layout(tuple(keys), tuple(labels), places)

    # ---- values of sorts
    def encode(self, sort: Any, value: Any) -> Json:
        """A plain value of a sort (basic sort, Option, Record or Seq) as an ITF expression."""
        if isinstance(sort, OptionOf):
            return _NOTHING if value is None else {"tag": "Some", "value": self.encode(sort.sort, value)}
        if isinstance(sort, SeqOf):
            return [self.encode(sort.record, item) for item in value]
        if is_record(sort):
            return {name: self.encode(s, v) for (name, s), v in zip(sort.fields.items(), value, strict=True)}
        if sort is Quorum:
            return {"#set": [self.encode(Node, node) for node in value or ()]}
        if issubclass(sort, Abstract):
            return UNSET if value is None else f"{_prefix(sort)}{value + 1}"
        if issubclass(sort, Enum):
            return str(value)
        return bool(value) if sort is Bool else {"#bigint": str(int(value))}

    def decode(self, sort: Any, expr: Json) -> Any:
        """The plain value of a sort that an ITF expression means; TraceError with the path inside the expression otherwise."""
        if isinstance(sort, OptionOf):
            return self._option(sort, expr)
        if isinstance(sort, SeqOf):
            return self._seq(sort, expr)
        if is_record(sort):
            return self._record(sort, expr)
        if sort is Quorum:
            return self._quorum(expr)
        if issubclass(sort, Abstract):
            return self._element(sort, expr)
        if issubclass(sort, Enum):
            return self._member(sort, expr)
        if sort is Bool:
            if isinstance(expr, bool):
                return expr
            raise expected("true or false", expr, "a truth value is a plain JSON boolean")
        return self._ordinal(sort, expr)

    def _option(self, sort: OptionOf, expr: Json) -> Any:
        shape = '{"tag": "Some", "value": ...} or {"tag": "None", "value": {"#tup": []}}'
        if not isinstance(expr, dict) or expr.keys() != {"tag", "value"}:
            raise expected(f"an Option[{sort.sort!r}]", expr, f"write {shape}")
        if expr == _NOTHING:
            return None
        if expr["tag"] != "Some":
            raise expected('the tag "Some" or "None"', expr["tag"], f"write {shape}").under("tag")
        return _inside("value", self.decode, sort.sort, expr["value"])

    def _seq(self, sort: SeqOf, expr: Json) -> Any:
        if not isinstance(expr, list):
            raise expected("a list", expr, f"{_a(sort)} is a JSON list of records")
        longest = self.bounds[sort.index.bound]
        if len(expr) > longest:
            cause = f"a sequence of {len(expr)} is beyond the bound {sort.index.bound}={longest}"
            raise TraceError("", cause, "shorten it, or raise the bound in #meta.lockstep.bounds")
        return tuple(_inside(f"[{place}]", self._record, sort.record, item) for place, item in enumerate(expr))

    def _record(self, sort: Any, expr: Json) -> Any:
        if not isinstance(expr, dict):
            raise expected(_a(sort), expr, f"write an object with {', '.join(sort.fields)}")
        for name in sort.fields:
            if name not in expr:
                raise TraceError(name, "missing", f"{_a(sort)} has {', '.join(sort.fields)}")
        for name in expr:
            if name not in sort.fields:
                raise TraceError("", f"{sort!r} has no field {shown(name)}", f"it has {', '.join(sort.fields)}")
        return sort.of([_inside(name, self.decode, of, expr[name]) for name, of in sort.fields.items()])

    def _quorum(self, expr: Json) -> Any:
        nodes = _members(expr, lambda item: self._element(Node, item))
        if not nodes:
            return None
        if None in nodes:
            raise TraceError("", "a quorum with a node that is unset", "name each node")
        if len(set(nodes)) < len(nodes):
            raise TraceError("", "a quorum names a node twice", "name each node once")
        if 2 * len(nodes) <= self.bounds["nodes"]:
            cause = f"{len(nodes)} of {self.bounds['nodes']} nodes are no majority"
            raise TraceError("", cause, "a Quorum is a majority of the nodes")
        return tuple(sorted(nodes))

    def _element(self, sort: Any, expr: Json) -> Any:
        prefix, size = _prefix(sort), self.bounds[sort.bound]
        names = f'"{prefix}1" .. "{prefix}{size}"'
        if not isinstance(expr, str):
            raise expected(_a(sort), expr, f"one of {names}")
        if expr == UNSET:
            return None
        digits = expr.removeprefix(prefix)
        if digits == expr or not _NUMBER.fullmatch(digits) or not 1 <= int(digits) <= size:
            raise expected(_a(sort), expr, f"one of {names}")
        return int(digits) - 1

    @staticmethod
    def _member(sort: Any, expr: Json) -> Any:
        for item in sort.members:
            if isinstance(expr, str) and item == expr:
                return item
        raise expected(_a(sort), expr, f"one of {', '.join(sort.members)}")

    def _ordinal(self, sort: Any, expr: Json) -> int:
        digits = expr.get("#bigint") if isinstance(expr, dict) and len(expr) == 1 else None
        if not isinstance(digits, str) or not _NUMBER.fullmatch(digits):
            raise expected(_a(sort), expr, 'numbers are {"#bigint": "3"}, 0 or greater')
        if int(digits) > self.bounds[sort.bound]:
            cause = f"{sort!r} {digits} is beyond the bound {sort.bound}={self.bounds[sort.bound]}"
            raise TraceError("", cause, "correct it, or raise the bound in #meta.lockstep.bounds")
        return int(digits)

    # ---- state variables
    def encode_variable(self, name: str, value: Any) -> Json:
        """The frozen value of a state variable as an ITF expression."""
        declaration = self.variables[name]
        if isinstance(declaration, MessagesDecl):
            return {"#set": [self.encode(declaration.record, message) for message in value]}
        if isinstance(declaration, BagDecl):
            return [self.encode(declaration.record, message) for message in value]
        if not declaration.args:
            return self.encode(declaration.result, value)
        keys = self._layouts[name].keys
        return {"#map": [[key, self.encode(declaration.result, v)] for key, v in zip(keys, value, strict=True)]}

    def decode_variable(self, name: str, expr: Json) -> Any:
        """The frozen value of a state variable that an ITF expression means; TraceError with the path inside it otherwise."""
        declaration = self.variables[name]
        if isinstance(declaration, MessagesDecl):
            messages = _members(expr, lambda item: self._record(declaration.record, item))
            if len(set(messages)) < len(messages):
                raise TraceError("", "a set has an element twice", "keep one of the two")
            return tuple(sorted(messages, key=message_key))
        if isinstance(declaration, BagDecl):
            return self._bag(declaration, expr)
        if not declaration.args:
            return self.decode(declaration.result, expr)
        return self._map(declaration, self._layouts[name], expr)

    def _bag(self, declaration: BagDecl, expr: Json) -> Any:
        if not isinstance(expr, list):
            raise expected("a list", expr, "a Bag is a JSON list of messages")
        if len(expr) > self.bounds[declaration.bound]:
            cause = f"{len(expr)} messages are beyond the bound {declaration.bound}={self.bounds[declaration.bound]}"
            raise TraceError("", cause, "remove some, or raise the bound in #meta.lockstep.bounds")
        messages = [_inside(f"[{place}]", self._record, declaration.record, item) for place, item in enumerate(expr)]
        return tuple(sorted(messages, key=message_key))

    def _map(self, declaration: FnDecl, layout: _Layout, expr: Json) -> Any:
        pairs = expr.get("#map") if isinstance(expr, dict) and len(expr) == 1 else None
        if not isinstance(pairs, list):
            raise expected("a map", expr, 'a function is {"#map": [[argument, value], ...]}')
        cells: dict[int, Any] = {}
        for number, pair in enumerate(pairs):
            if not isinstance(pair, list) or len(pair) != 2:
                raise expected("a pair", pair, "an entry of a map is [argument, value]").under(f"[#{number}]")
            place = layout.places[_inside(f"[#{number}]", self._arguments, declaration, pair[0])]
            if place in cells:
                raise TraceError(layout.labels[place], "given twice", "a function has one value per argument")
            cells[place] = _inside(layout.labels[place], self.decode, declaration.result, pair[1])
        if len(cells) < len(layout.keys):
            missing = next(place for place in range(len(layout.keys)) if place not in cells)
            cause = f"missing: the map has {len(cells)} of {len(layout.keys)} arguments"
            raise TraceError(layout.labels[missing], cause, "a function is total within the bounds: add the value")
        return tuple(cells[place] for place in range(len(layout.keys)))

    def _arguments(self, declaration: FnDecl, expr: Json) -> tuple[Any, ...]:
        parts = [expr]
        if len(declaration.args) > 1:
            given = expr.get("#tup") if isinstance(expr, dict) and len(expr) == 1 else None
            if not isinstance(given, list) or len(given) != len(declaration.args):
                sorts = ", ".join(repr(sort) for sort in declaration.args)
                raise expected(f"the arguments ({sorts})", expr, 'write {"#tup": [...]}')
            parts = given
        values = tuple(self.decode(sort, part) for sort, part in zip(declaration.args, parts, strict=True))
        if None in values:
            raise TraceError("", "an argument is unset", "name an element")
        return values

    # ---- states and steps
    def encode_state(self, state: Frozen) -> dict[str, Json]:
        """A frozen state: variable -> ITF expression, in the order of the declarations."""
        return {name: self.encode_variable(name, value) for name, value in zip(self.variables, state, strict=True)}

    def decode_state(self, given: Mapping[str, Json]) -> Frozen:
        """The frozen state that these variables make; others are ignored. TraceError if one is missing or is not of its type."""
        for name in self.variables:
            if name not in given:
                raise TraceError(name, "missing", "a state gives every variable of the spec")
        return tuple(_inside(name, self.decode_variable, name, given[name]) for name in self.variables)

    def encode_args(self, action: Action, args: tuple[Any, ...]) -> dict[str, Json]:
        """The arguments of an action: parameter -> ITF expression."""
        return {p.name: self.encode(p.sort, value) for p, value in zip(action.parameters, args, strict=True)}

    def decode_args(self, action: Action, given: Json) -> tuple[Any, ...]:
        """The arguments of an action in the order of its parameters; TraceError if they are not exactly those."""
        names = [p.name for p in action.parameters]
        signature = f"{action.name}({', '.join(names)})"
        if not isinstance(given, dict):
            raise expected("an object", given, f"the arguments of {signature}, by name")
        for name in names:
            if name not in given:
                raise TraceError(name, "missing", f"the action is {signature}")
        for name in given:
            if name not in names:
                raise TraceError("", f"no parameter {shown(name)}", f"the action is {signature}")
        values = tuple(_inside(p.name, self.decode, p.sort, given[p.name]) for p in action.parameters)
        for name, parameter, value in zip(names, action.parameters, values, strict=True):
            if value is None and not isinstance(parameter.sort, OptionOf):
                raise TraceError(name, "unset", "an action is taken for some element: name it")
        return values


def codec_of(spec: Spec, bounds: Bounds) -> Codec:
    """The codec of a spec under complete bounds."""
    return Codec(spec.state.variables, bounds)


def label(sorts: tuple[Any, ...], values: tuple[Any, ...]) -> str:
    """The argument of a state function as a reader writes it: `[n1]`, `[n1, n2]`."""
    return f"[{', '.join(format_value(value, sort) for sort, value in zip(sorts, values, strict=True))}]"


def _a(sort: Any) -> str:
    return f"{'an' if repr(sort)[0] in 'AEIOU' else 'a'} {sort!r}"


def _prefix(sort: Any) -> str:
    return "n" if sort is Node else str(sort.__name__).lower()


def _members(expr: Json, decode: Callable[[Json], Any]) -> list[Any]:
    """The decoded elements of a set, in the order of the file."""
    items = expr.get("#set") if isinstance(expr, dict) and len(expr) == 1 else None
    if not isinstance(items, list):
        raise expected("a set", expr, 'a set is {"#set": [...]}')
    return [_inside(f"[{place}]", decode, item) for place, item in enumerate(items)]


def _inside(where: str, decode: Callable[..., Any], *args: Any) -> Any:
    """Decode a part; an error in it is one of the whole, further in."""
    try:
        return decode(*args)
    except TraceError as error:
        raise error.under(where) from None
