"""Symbolic values that are more than one term: Options and Records, and how plain values fit in.

Every symbolic value of a type is the tuple of terms of its components (`primitives.components`), so that equality, choice
and assignment are defined once, by type.
"""

from typing import Any, NoReturn

from model.language.errors import SpecError
from model.language.graph import Graph, Number, Term, show
from model.language.primitives import components, flatten
from model.language.sorts import Bool, Member, OptionOf, Record, RecordMeta, Symbolic, default, is_record


class Composite(Symbolic):
    """A value of several terms."""

    __slots__ = ("graph", "parts", "type")

    graph: Graph
    parts: tuple[Term, ...]
    type: Any

    def __init__(self, graph: Graph, type_: Any, parts: tuple[Term, ...]) -> None:
        object.__setattr__(self, "graph", graph)
        object.__setattr__(self, "type", type_)
        object.__setattr__(self, "parts", parts)

    def __eq__(self, other: object) -> Any:
        return equal(self.graph, self, other)

    def __ne__(self, other: object) -> Any:
        return self.graph.negation(equal(self.graph, self, other))

    def __repr__(self) -> str:
        return f"{self.type!r}({', '.join(show(part) for part in self.parts)})"

    def __hash__(self) -> int:
        raise SpecError(
            f"a symbolic {self.type!r} used as a key or a member of a set", "compare with ==, keep it in lists"
        )

    def __bool__(self) -> bool:
        raise SpecError(f"a {self.type!r} used as a truth value", "compare it with == or !=, an Option with NONE")

    def __iter__(self) -> NoReturn:
        raise SpecError(f"iteration over a symbolic {self.type!r}", "read its fields by name")

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise SpecError(f"assignment to .{name} of a {self.type!r}", "values are snapshots: assign a whole new record")

    def _no_text(self, *_: Any) -> NoReturn:
        raise SpecError(f"a symbolic {self.type!r} used as text", "compare terms; there is no text of a symbolic value")

    __format__ = __str__ = _no_text


class SymbolicOption(Composite):
    """NONE or an element: a flag and an element underneath."""

    __slots__ = ()

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise SpecError(f"{self.type!r} has no .{name}", "compare it with NONE, then use value_of(option)")

    def _no_order(self, *_: Any) -> NoReturn:
        raise SpecError(f"order or arithmetic on a {self.type!r}", "use value_of(option), after requiring != NONE")

    __lt__ = __le__ = __gt__ = __ge__ = __add__ = __radd__ = __sub__ = __rsub__ = _no_order
    __and__ = __rand__ = __or__ = __ror__ = _no_order


class SymbolicRecord(Composite):
    """A record whose fields are symbolic."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        at = 0
        for field, sort in self.type.fields.items():
            width = len(components(sort))
            if field == name:
                return build(self.graph, sort, self.parts[at : at + width])
            at += width
        raise SpecError(f"{self.type!r} has no field {name!r}", f"its fields are {', '.join(self.type.fields)}")

    def __getitem__(self, key: Any) -> NoReturn:
        raise SpecError(f"a field of {self.type!r} by position", "read fields by name")


def build(graph: Graph, type_: Any, parts: tuple[Term, ...]) -> Any:
    """The value of a type with these components."""
    if isinstance(type_, OptionOf):
        return SymbolicOption(graph, type_, parts)
    return SymbolicRecord(graph, type_, parts) if is_record(type_) else parts[0]


def unset(graph: Graph, type_: Any) -> tuple[Term, ...]:
    """The components of a type's default."""
    pairs = zip(flatten(default(type_), type_), components(type_), strict=True)
    return tuple(graph.const(value, sort) for value, (_, sort) in pairs)


def parts_of(graph: Graph, value: Any, type_: Any, what: str) -> tuple[Term, ...]:
    """The components of `value` as a value of `type_`; `what` names the place for the error if it does not fit."""
    if isinstance(type_, OptionOf):
        if value is None:
            return unset(graph, type_)
        if isinstance(value, SymbolicOption) and value.type == type_:
            return value.parts
        return (graph.true(), graph.coerce(value, type_.sort, what))
    if is_record(type_):
        if isinstance(value, SymbolicRecord) and value.type is type_:
            return value.parts
        if isinstance(value, Record) and type(value) is type_:
            return row_parts(graph, type_, list(value))
        given = value.type if isinstance(value, Composite) else type(value)
        raise SpecError(
            f"{what} is a {type_!r}, but a {getattr(given, '__name__', given)} was given", f"give a {type_!r}"
        )
    return (graph.coerce(value, type_, what),)


def row_parts(graph: Graph, record: Any, row: list[Any]) -> tuple[Term, ...]:
    """The components of a record given by the values of its fields."""
    return tuple(
        part
        for (field, sort), value in zip(record.fields.items(), row, strict=True)
        for part in parts_of(graph, value, sort, f"field {field} of {record!r}")
    )


def type_of(value: Any) -> Any:
    """The type of a symbolic or plain value; None for NONE, which fits every Option."""
    if value is None:
        return None
    if isinstance(value, Composite):
        return value.type
    if isinstance(value, Term):
        return value.sort
    if isinstance(value, Member):
        return value.enum
    if isinstance(value, bool):
        return Bool
    if isinstance(value, int):
        return Number
    if isinstance(type(value), RecordMeta):
        return type(value)
    raise SpecError(f"{type(value).__name__} {value!r} in a spec", "specs compute with the values of their sorts only")


def common_type(a: Any, b: Any) -> Any:
    """The type in which two values can be compared or chosen between."""
    left, right = type_of(a), type_of(b)
    if left is None or right is None:
        other = right if left is None else left
        if other is None:
            raise SpecError("NONE on both sides", "one side has to say which Option it is")
        return other if isinstance(other, OptionOf) else OptionOf(other)
    if isinstance(right, OptionOf) and not isinstance(left, OptionOf):
        return right
    return right if left is Number else left


def equal(graph: Graph, a: Any, b: Any) -> Term:
    """Equality by type."""
    if a is None or b is None:
        option = b if a is None else a
        if not isinstance(option, SymbolicOption):
            raise SpecError(f"{option!r} compared with NONE", "only an Option can be NONE")
        return graph.negation(option.parts[0])
    type_ = common_type(a, b)
    what = f"the other side of a {type_!r} compared with =="
    return equal_parts(graph, type_, parts_of(graph, a, type_, what), parts_of(graph, b, type_, what))


def equal_parts(graph: Graph, type_: Any, left: tuple[Term, ...], right: tuple[Term, ...]) -> Term:
    """Equality of two values of a type given by their components."""
    if isinstance(type_, OptionOf):
        (some, value), (other_some, other_value) = left, right
        same = graph.make("eq", (value, other_value), Bool)
        if other_some.op == "const" and other_some.args[0]:
            return graph.make("and", (some, same), Bool)
        if some.op == "const" and some.args[0]:
            return graph.make("and", (other_some, same), Bool)
        both = graph.make("eq", (some, other_some), Bool)
        return graph.make("and", (both, graph.make("implies", (some, same), Bool)), Bool)
    if is_record(type_):
        conjuncts, at = [], 0
        for sort in type_.fields.values():
            end = at + len(components(sort))
            conjuncts.append(equal_parts(graph, sort, left[at:end], right[at:end]))
            at = end
        return graph.make("and", tuple(conjuncts), Bool)
    return graph.make("eq", (left[0], right[0]), Bool)


def choose(graph: Graph, condition: Any, then: Any, otherwise: Any) -> Any:
    """`ite` on values of any type but sequences."""
    test = graph.coerce(condition, Bool, "the condition of ite")
    if then is None and otherwise is None:
        return None
    type_ = common_type(then, otherwise)
    left = parts_of(graph, then, type_, "the first choice of ite")
    right = parts_of(graph, otherwise, type_, "the second choice of ite")
    sorts = (sort for _, sort in components(type_))
    parts = tuple(graph.make("ite", (test, a, b), sort) for a, b, sort in zip(left, right, sorts, strict=True))
    return build(graph, type_, parts)
