"""What a state is made of: primitive functions, each from basic sorts to one basic sort, and networks.

A declared variable stands for one or several primitive functions, named after it:

| declared                              | primitive functions                                        |
|---------------------------------------|------------------------------------------------------------|
| `epoch = Fn(Node, Epoch)`             | `epoch(n)`                                                 |
| `leader = Fn(Node, Option[Node])`     | `leader.some(n)`, `leader.value(n)`                        |
| `slots = Fn(Node, Node, Rpc)`         | `slots.kind(a, b)`, ... one per field of the record        |
| `log = Fn(Node, Seq[Entry, Index])`   | `log.length(n)`, `log.epoch(n, i)`, ... one per field      |

Two invariants make equal states equal function by function. `leader.value` is the default of its sort (for an abstract sort
"unset") where `leader.some` is false. A cell of a sequence is the default of its sort outside of positions 1 .. length, so
that reading a sequence is total. Every update in a transition keeps both.
"""

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from model.language.declare import STALE, BagDecl, Declaration, FnDecl, MessagesDecl
from model.language.sorts import Bool, Bounds, OptionOf, SeqOf, default, is_record


@frozen
class Function:
    """One primitive function. `is_cell`: the last argument is a position in a sequence."""

    name: str
    args: tuple[Any, ...]
    result: Any
    variable: str
    is_cell: bool = False

    @property
    def is_ghost(self) -> bool:
        """Whether it is history, for properties and proofs only."""
        return self.variable.startswith("ghost_")


@frozen
class Network:
    """One network: its record class, the primitive fields of its messages, and its declaration."""

    name: str
    record: Any
    fields: tuple[tuple[str, Any], ...]
    declaration: MessagesDecl | BagDecl

    @property
    def is_bag(self) -> bool:
        """Whether messages are counted and received once."""
        return isinstance(self.declaration, BagDecl)


def components(type_: Any) -> tuple[tuple[str, Any], ...]:
    """The (suffix, basic sort) pairs that a value of a basic sort, an Option or a Record is made of."""
    if isinstance(type_, OptionOf):
        return ((".some", Bool), (".value", type_.sort))
    if is_record(type_):
        return tuple(
            (f".{field}{suffix}", sort) for field, inner in type_.fields.items() for suffix, sort in components(inner)
        )
    return (("", type_),)


def functions_of(name: str, declaration: FnDecl) -> tuple[Function, ...]:
    """The primitive functions of a declared function, in order."""
    args, result = declaration.args, declaration.result
    if isinstance(result, SeqOf):
        length = Function(f"{name}.length", args, result.index, name)
        cells = (
            Function(f"{name}{suffix}", (*args, result.index), sort, name, is_cell=True)
            for suffix, sort in components(result.record)
        )
        return (length, *cells)
    return tuple(Function(f"{name}{suffix}", args, sort, name) for suffix, sort in components(result))


def primitives(
    variables: Mapping[str, Declaration],
) -> tuple[dict[str, Function], dict[str, Network]]:
    """All primitive functions and all networks of a state class, by name, in the order of declaration."""
    functions: dict[str, Function] = {}
    networks: dict[str, Network] = {}
    for name, declaration in variables.items():
        if isinstance(declaration, FnDecl):
            functions.update((f.name, f) for f in functions_of(name, declaration))
        else:
            fields = tuple((suffix[1:], sort) for suffix, sort in components(declaration.record))
            networks[name] = Network(name, declaration.record, fields, declaration)
    return functions, networks


def flatten(value: Any, type_: Any) -> tuple[Any, ...]:
    """A plain value of a basic sort, an Option or a Record as the plain values of its components."""
    if isinstance(type_, OptionOf):
        return (False, default(type_.sort)) if value is None else (True, value)
    if is_record(type_):
        return tuple(x for v, t in zip(value, type_.fields.values(), strict=True) for x in flatten(v, t))
    return (value,)


def unflatten(parts: tuple[Any, ...], type_: Any) -> Any:
    """The inverse of `flatten`."""
    if isinstance(type_, OptionOf):
        return parts[1] if parts[0] else None
    if is_record(type_):
        row, at = [], 0
        for inner in type_.fields.values():
            width = len(components(inner))
            row.append(unflatten(parts[at : at + width], inner))
            at += width
        return type_.of(row)
    return parts[0]


def key_places(network: Network, bounds: Bounds) -> tuple[int, ...]:
    """The places, among a message's components, of the key of which only the newest is kept; none if all are."""
    declaration = network.declaration
    if isinstance(declaration, BagDecl) or not declaration.newest or bounds[STALE] != 0:
        return ()
    found: list[int] = []
    at = 0
    for name, sort in declaration.record.fields.items():
        width = len(components(sort))
        if name in declaration.newest:
            found.extend(range(at, at + width))
        at += width
    return tuple(found)


def sent(messages: tuple[Any, ...], message: tuple[int, ...], key: tuple[int, ...]) -> tuple[Any, ...]:
    """A message set after a send; with a `key` (places of fields) the message replaces those with the same key."""
    if message in messages:
        return messages
    if key:
        messages = tuple(m for m in messages if any(m[i] != message[i] for i in key))
    return tuple(sorted((*messages, message)))
