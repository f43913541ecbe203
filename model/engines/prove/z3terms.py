"""Terms of a graph as formulas of Z3, whatever the number of nodes: Node, Quorum, ... uninterpreted, ordinals the natural numbers.

| language                | Z3                                                                              |
|-------------------------|---------------------------------------------------------------------------------|
| abstract sort, Quorum   | an uninterpreted sort                                                           |
| ordinal                 | Int; quantifiers range over what is at least 0, and every value is known to be  |
| enum                    | Int, a member is its place; every value is known to be one                      |
| function, sequence cell | an uninterpreted function                                                       |
| network                 | a relation over the fields                                                      |
| unset                   | any element: it is never read (`fragment.py`)                                   |
| marker                  | a relation that is only ever asserted                                           |

Two majorities have a node in common; that is all that is said about quorums.
"""

from collections.abc import Iterator
from typing import Any

import z3

from model.language.graph import Term, bound_of, children, postorder
from model.language.hints import QUORUM, Marker
from model.language.sorts import Bool, Enum, Node, Ordinal, Quorum
from model.language.transition import TracedSpec

Patterns = tuple[tuple[Term, ...], ...]


class Translation:
    """Translates the terms of one traced spec. One translation has one Z3 context of its own.

    Z3's Python layer drops references that patterns need, so every expression made is kept.
    """

    def __init__(self, traced: TracedSpec, patterns: dict[int, Patterns]) -> None:
        self.traced, self.context = traced, z3.Context()
        self._patterns = patterns
        self._sorts: dict[Any, Any] = {}
        self._functions: dict[str, Any] = {}
        self._markers: dict[tuple[Any, ...], Any] = {}
        self._done: dict[int, Any] = {}
        self._kept: list[Any] = []
        self.axioms: list[Any] = [*self._values_are_legal(), *self._quorums_intersect()]

    # ---- declarations
    def sort(self, sort: Any) -> Any:
        """The Z3 sort of a basic sort."""
        if sort not in self._sorts:
            if sort is Bool:
                made = z3.BoolSort(self.context)
            elif issubclass(sort, Ordinal | Enum):
                made = z3.IntSort(self.context)
            else:
                made = z3.DeclareSort(sort.__name__, self.context)
            self._sorts[sort] = made
        return self._sorts[sort]

    def _function(self, name: str) -> Any:
        if name not in self._functions:
            if name in self.traced.networks:
                sorts, result = [sort for _, sort in self.traced.networks[name].fields], Bool
            else:
                sorts, result = list(self.traced.functions[name].args), self.traced.functions[name].result
            self._functions[name] = z3.Function(name, *(self.sort(s) for s in sorts), self.sort(result))
        return self._functions[name]

    def _member(self) -> Any:
        if "member" not in self._functions:
            nodes = self.sort(Node)
            self._functions["member"] = z3.Function("member", nodes, self.sort(Quorum), z3.BoolSort(self.context))
        return self._functions["member"]

    # ---- axioms
    def _forall(self, variables: list[Any], body: Any, patterns: list[Any]) -> Any:
        made = z3.ForAll(variables, body, patterns=patterns) if patterns else z3.ForAll(variables, body)
        self._kept.append((variables, body, patterns, made))
        return made

    def _pattern(self, terms: list[Any]) -> Any:
        self._kept.append(terms)
        made = z3.MultiPattern(*terms)
        self._kept.append(made)
        return made

    def _values_are_legal(self) -> Iterator[Any]:
        """Every value of the state, and every field of a message, is of its sort."""
        for name, function in self.traced.functions.items():
            if issubclass(function.result, Ordinal | Enum):
                variables = [z3.Const(f"a{i}", self.sort(s)) for i, s in enumerate(function.args)]
                value = self._function(name)(*variables)
                legal = _is_legal(value, function.result)
                yield self._forall(variables, legal, [self._pattern([value])]) if variables else legal
        for name, network in self.traced.networks.items():
            variables = [z3.Const(f"f{i}", self.sort(s)) for i, (_, s) in enumerate(network.fields)]
            fields = zip(variables, (s for _, s in network.fields), strict=True)
            legal_fields = [_is_legal(v, s) for v, s in fields if issubclass(s, Ordinal | Enum)]
            if legal_fields:
                there = self._function(name)(*variables)
                yield self._forall(variables, z3.Implies(there, z3.And(*legal_fields)), [self._pattern([there])])

    def _quorums_intersect(self) -> Iterator[Any]:
        sort = self.sort(Quorum)
        a, b = z3.Const("quorum1", sort), z3.Const("quorum2", sort)
        common = z3.Function("common", sort, sort, self.sort(Node))(a, b)
        both = z3.And(self._member()(common, a), self._member()(common, b))
        marks = [self.marked(QUORUM, [a]), self.marked(QUORUM, [b])]
        yield self._forall([a, b], both, [self._pattern(marks)])

    # ---- markers
    def marked(self, name: str, expressions: list[Any]) -> Any:
        """The note `name` on some expressions."""
        key = (name, *(str(e.sort()) for e in expressions))
        if key not in self._markers:
            sorts = [e.sort() for e in expressions]
            self._markers[key] = z3.Function(f"mark {' '.join(key)}", *sorts, z3.BoolSort(self.context))
        return self._markers[key](*expressions)

    def mark(self, marker: Marker) -> Any:
        """A marker as a formula."""
        return self.marked(marker.name, [self.term(t) for t in marker.terms])

    def emission(self, variables: tuple[Term, ...], triggers: list[Any], markers: list[Marker]) -> Any:
        """That markers hold wherever a trigger occurs."""
        body = z3.And(*(self.mark(m) for m in markers))
        return self._forall([self.term(v) for v in variables], body, self.patterns(triggers))

    def patterns(self, triggers: list[Any]) -> list[Any]:
        """Triggers (tuples of terms and markers) as patterns; those with a choice in them are left out."""
        return [
            self._pattern([self.mark(t) if isinstance(t, Marker) else self.term(t) for t in trigger])
            for trigger in triggers
            if all(isinstance(t, Marker) or _is_plain(t) for t in trigger)
        ]

    # ---- terms
    def legal(self, term: Term) -> Any:
        """That a term of an ordinal or enum sort is of its sort."""
        return _is_legal(self.term(term), term.sort)

    def term(self, term: Term) -> Any:
        """A term as a Z3 expression."""
        done = self._done
        for t in postorder(term, lambda t: t.id not in done):
            if t.id not in done:
                done[t.id] = self._translate(t)
        return done[term.id]

    def _translate(self, t: Term) -> Any:
        if t.op == "var":
            name, kind, serial = t.args
            return z3.Const(f"{name}!{kind}{serial}", self.sort(t.sort))
        if t.op == "const":
            return self._constant(t)
        if t.op == "forall":
            return self._quantifier(t)
        if t.op == "forall_in":
            variables = [self.term(v) for v in bound_of(t)]
            there = self._function(t.args[0])(*variables)
            return self._forall(variables, z3.Implies(there, self._done[t.args[-1].id]), [self._pattern([there])])
        args = [self._done[a.id] for a in children(t)]
        if t.op in ("app", "contains"):
            return self._function(t.args[0])(*args)
        if t.op == "member":
            return self._member()(*args)
        return _OPERATIONS[t.op](*args)

    def _constant(self, t: Term) -> Any:
        value = t.args[0]
        if t.sort is Bool:
            return z3.BoolVal(value, self.context)
        if value is None:
            return z3.Const(f"unset {t.sort.__name__}", self.sort(t.sort))
        return z3.IntVal(value.place if issubclass(t.sort, Enum) else value, self.context)

    def _quantifier(self, t: Term) -> Any:
        variables, body = bound_of(t), t.args[-1]
        consts = [self.term(v) for v in variables]
        supposed = _natural_by_supposition(variables, body)
        unbounded = [v for v in variables if issubclass(v.sort, Ordinal | Enum) and v.id not in supposed]
        formula = self._done[body.id]
        if unbounded:
            formula = z3.Implies(z3.And(*(self.legal(v) for v in unbounded)), formula)
        triggers = self._patterns.get(t.id)
        return self._forall(consts, formula, self.patterns(list(default_triggers(t) if triggers is None else triggers)))


_OPERATIONS: dict[str, Any] = {
    "add": lambda a, b: a + b,
    "eq": lambda a, b: a == b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "not": z3.Not,
    "and": z3.And,
    "or": z3.Or,
    "implies": z3.Implies,
    "ite": z3.If,
}


def _is_legal(expression: Any, sort: Any) -> Any:
    """That a value is at least 0, and a member of its enum."""
    if issubclass(sort, Enum):
        return z3.And(expression >= 0, expression < len(sort.members))
    return expression >= 0


def default_triggers(t: Term) -> Patterns:
    """Where to instantiate a quantifier that nobody gave triggers for.

    Over the members of a quorum: at its members. Else: at reads whose arguments include all of its variables.
    """
    variables, body = bound_of(t), t.args[-1]
    if body.op == "implies":
        for part in body.args[0].args if body.args[0].op == "and" else body.args[:1]:
            if part.op == "member" and part.args[0] is variables[0] and len(variables) == 1 and _is_plain(part):
                return ((part,),)
    wanted = {v.id for v in variables}
    return tuple(
        (found,)
        for found in postorder(body)
        if found.op == "app" and _is_plain(found) and wanted <= {a.id for a in found.args[1:]}
    )


def _is_plain(term: Term) -> bool:
    """Whether a term may be in a pattern: reads and memberships all the way down."""
    return all(t.op in ("var", "const", "app", "member") for t in postorder(term))


def _natural_by_supposition(variables: tuple[Term, ...], body: Term) -> frozenset[int]:
    """The variables (ids) of a quantifier that its body supposes to be at or above something natural."""
    if body.op != "implies":
        return frozenset()
    parts = body.args[0].args if body.args[0].op == "and" else body.args[:1]
    bounds = [p.args for p in parts if p.op in ("le", "lt") and p.args[1].op == "var"]
    own = {v.id for v in variables}
    found: frozenset[int] = frozenset()
    while more := {above.id for below, above in bounds if above.id in own and own & below.free <= found} - found:
        found |= more
    return found
