"""What a spec's state, sorts and records are called in its TLA+ module, and which of the module's helpers have been used.

| spec                            | module                                                                         |
|---------------------------------|--------------------------------------------------------------------------------|
| `epoch = Fn(Node, Epoch)`       | `epoch[n]`                                                                     |
| `grants = Fn(Node, Node, Bool)` | `grants[c][v]`                                                                 |
| `leader = Fn(Node, Option[...])`| `leader[n]`, which may be the model value `Nil`                                |
| `slot = Fn(Node, Rpc)`          | a function per field: `slot_kind[n]`, `slot_epoch[n]`                          |
| `log = Fn(Node, Seq[...])`      | `log[n]`, a sequence of records; `EntryAt(log[n], i)` is total                 |
| `votes = Messages(Vote)`        | a set of records                                                               |
| `flight = Bag(Rpc, ...)`        | a bag (module Bags) of records                                                 |
| Abstract, unset                 | a constant set of model values; `Nil`                                          |
| Ordinal, Enum, Quorum           | `0..MaxEpochs`, a set of strings, the majorities of `Node`                     |
"""

from collections.abc import Iterator
from typing import Any

from attrs import frozen

from model.engines.export.names import Scope, camel, identifier
from model.language.declare import STALE, BagDecl, FnDecl, MessagesDecl
from model.language.primitives import Network, components
from model.language.sorts import (
    Abstract,
    Bool,
    Enum,
    OptionOf,
    Ordinal,
    Quorum,
    SeqOf,
    default,
    is_record,
)
from model.language.spec import FAIRNESS, Action
from model.language.transition import TracedSpec

VALUE, SOME, LENGTH, CELL, CELL_SOME = "value", "some", "length", "cell", "cell some"


@frozen
class Variable:
    """A variable of the module: a function of `args` (none: a single value) to a basic sort, an Option or a sequence.

    `functions` are the primitive functions that it stands for, in order: one, or flag and value, or length and cells.
    """

    name: str
    args: tuple[Any, ...]
    type: Any
    functions: tuple[str, ...]


@frozen
class Access:
    """How a primitive function is read: from which variable, which part, and of a cell which field."""

    variable: Variable
    part: str
    field: str = ""


def split(type_: Any) -> Iterator[tuple[str, Any]]:
    """The (suffix, type) pairs of the variables that a function's type is split into: a record into its fields."""
    if not is_record(type_):
        yield "", type_
        return
    for field, inner in type_.fields.items():
        yield f".{field}", inner


def suffixes(type_: Any) -> tuple[str, ...]:
    """The suffixes of the primitive functions of a basic sort, an Option or a sequence."""
    if isinstance(type_, SeqOf):
        return (".length", *(suffix for suffix, _ in components(type_.record)))
    return tuple(suffix for suffix, _ in components(type_))


def is_fair_per_message(traced: TracedSpec, action: Action) -> bool:
    """Whether fairness speaks of every message that an action takes: then its steps for one message have a name of their own."""
    kind = traced.spec.fairness.get(action.name)
    return kind is not None and FAIRNESS[kind][1] and any(p.network is not None for p in action.parameters)


class Vocabulary:
    """The names of one module, and what has been used of its helpers."""

    def __init__(self, traced: TracedSpec) -> None:
        self.traced = traced
        self.graph = traced.graph
        self.scope = Scope()
        self.used: dict[str, None] = {}
        self.functions: dict[str, Access] = {}
        self.variables: list[Variable] = []
        self.networks: dict[str, str] = {}
        for name, declaration in traced.spec.state.variables.items():
            if isinstance(declaration, FnDecl):
                for suffix, type_ in split(declaration.result):
                    self._declare(f"{name}{suffix}", declaration.args, type_)
            else:
                self.networks[name] = self.scope.claim(name)
        self.names = self._in_order()
        claim = self.scope.claim
        self.vars = claim("vars")
        self.sorts: dict[Any, str] = {}
        self.records: dict[Any, str] = {}
        for sort in self._sorts():
            (self.records if is_record(sort) else self.sorts)[sort] = claim(repr(sort))
        self.missing = {record: claim(f"No{record!r}") for record in self.records}
        self.reading = {record: claim(f"{record!r}At") for record in self.records}
        self.sending = {n: claim(f"Send{camel(n)}") for n in self.networks}
        self.limits = {bound: claim(f"Max{camel(bound)}") for bound in self._bounds()}
        self.nil, self.stale = claim("Nil"), claim("Stale")
        self.is_quorum, self.prefix, self.rest = claim("IsQuorum"), claim("Prefix"), claim("Rest")
        self.min, self.max, self.keep = claim("Min"), claim("Max"), claim("Keep")
        self.type_ok, self.init, self.next, self.spec = claim("TypeOK"), claim("Init"), claim("Next"), claim("Spec")
        self.actions = {a.name: claim(camel(a.name)) for a in traced.actions}
        self.of = {a.name: claim(f"{camel(a.name)}Of") for a in traced.actions if is_fair_per_message(traced, a.action)}
        self.properties = {p.property.name: claim(camel(p.property.name)) for p in traced.properties}
        self.never = {
            p.property.name: claim(f"Never{camel(p.property.name)}")
            for p in traced.properties
            if p.property.kind == "sometimes"
        }
        self.rules = {
            (rule, place): claim(camel(rule)) for rule, found in traced.rules.items() for place in range(len(found))
        }

    def _declare(self, prefix: str, args: tuple[Any, ...], type_: Any) -> None:
        names = tuple(f"{prefix}{suffix}" for suffix in suffixes(type_))
        variable = Variable(self.scope.claim(prefix.replace(".", "_")), args, type_, names)
        self.variables.append(variable)
        if isinstance(type_, SeqOf):
            self.functions[names[0]] = Access(variable, LENGTH)
            cells = iter(names[1:])
            for field, inner in type_.record.fields.items():
                if isinstance(inner, OptionOf):
                    self.functions[next(cells)] = Access(variable, CELL_SOME, field)
                self.functions[next(cells)] = Access(variable, CELL, field)
        elif isinstance(type_, OptionOf):
            self.functions[names[0]] = Access(variable, SOME)
            self.functions[names[1]] = Access(variable, VALUE)
        else:
            self.functions[names[0]] = Access(variable, VALUE)

    def _in_order(self) -> tuple[str, ...]:
        """All variables in the order of declaration."""
        found: list[str] = []
        for name in self.traced.spec.state.variables:
            if name in self.networks:
                found.append(self.networks[name])
            found += [v.name for v in self.variables if v.functions[0].split(".")[0] == name]
        return tuple(found)

    def _sorts(self) -> list[Any]:
        """Every sort and record class that the module may name, in the order of first appearance."""
        found: dict[Any, None] = {}

        def visit(type_: Any) -> None:
            if isinstance(type_, SeqOf):
                visit(type_.index)
                visit(type_.record)
            elif isinstance(type_, OptionOf):
                visit(type_.sort)
            elif is_record(type_):
                for inner in type_.fields.values():
                    visit(inner)
                found[type_] = None
            elif issubclass(type_, Abstract | Ordinal | Enum | Quorum):
                found[type_] = None

        for declaration in self.traced.spec.state.variables.values():
            if isinstance(declaration, FnDecl):
                for part in (*declaration.args, declaration.result):
                    visit(part)
            else:
                visit(declaration.record)
        for action in self.traced.spec.actions:
            for parameter in action.parameters:
                visit(parameter.sort)
        for term in self.traced.graph.terms:
            if term.op == "var" and issubclass(term.sort, Abstract | Ordinal | Enum | Quorum):
                found.setdefault(term.sort)
        return [s for s in found if not (isinstance(s, type) and s.__name__ == "Number")]

    def _bounds(self) -> list[str]:
        """The bounds that limit numbers, in the order of the spec."""
        found = [s.bound for s in self.sorts if issubclass(s, Ordinal)]
        declared = self.traced.spec.state.variables.values()
        return list(dict.fromkeys([*found, *(d.bound for d in declared if isinstance(d, BagDecl))]))

    # ---- texts
    def use(self, helper: str) -> str:
        """The name of a definition or constant, noted as used."""
        self.used[helper] = None
        return helper

    def domain(self, type_: Any) -> str:
        """The set of the elements of a basic sort or an Option."""
        if isinstance(type_, OptionOf):
            return f"{self.domain(type_.sort)} \\cup {{{self.use(self.nil)}}}"
        return "BOOLEAN" if type_ is Bool else self.use(self.sorts[type_])

    def limit(self, sort: Any) -> str:
        """The constant that bounds an ordinal sort."""
        return self.use(self.limits[sort.bound])

    def constant(self, value: Any, sort: Any) -> str:
        """A plain value of a basic sort."""
        if value is None:
            return self.use(self.nil)
        if sort is Bool:
            return "TRUE" if value else "FALSE"
        return f'"{value}"' if issubclass(sort, Enum) else str(int(value))

    def low(self, type_: Any) -> str:
        """The default of a basic sort, an Option, a sequence or a record."""
        if isinstance(type_, SeqOf):
            return "<<>>"
        if is_record(type_):
            return self.use(self.missing[type_])
        return self.use(self.nil) if isinstance(type_, OptionOf) else self.constant(default(type_), type_)

    def no_record(self, record: Any) -> str:
        """The record of defaults, written out."""
        values = zip(record.fields.items(), default(record), strict=True)
        parts = (f"{identifier(name)} |-> {self.constant(value, _basic(t))}" for (name, t), value in values)
        return f"[{', '.join(parts)}]"

    def is_keyed(self, network: Network) -> bool:
        """Whether only the newest message per key is kept unless messages may be stale."""
        return isinstance(network.declaration, MessagesDecl) and bool(network.declaration.newest)

    @property
    def has_stale(self) -> bool:
        """Whether the spec has the bound `stale`."""
        return STALE in self.traced.spec.least


def _basic(type_: Any) -> Any:
    return type_.sort if isinstance(type_, OptionOf) else type_
