"""A naive model checker for modules that `tla_reader.py` has read: TLC's way of taking steps, in the open.

A step is found as TLC finds it: conjuncts in order, a branch for every disjunct and every element of a set, `x' = e` assigns the first
time and compares afterwards. So it counts generated states as TLC does, duplicates of bare disjunctions included. What is partial
in TLA+ (a function outside of its domain) is an error here.

Values: integers, truth values, strings, model values, frozensets, and `Map` for functions, sequences (from 1 .. n), records and bags.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any

from attrs import frozen

from tests.engines.tla_reader import Definition, Module, Tree

State = Mapping[str, Any]


class EvaluationError(Exception):
    """TLC would stop here."""


@frozen
class ModelValue:
    """A value that equals nothing but itself."""

    name: str


class Map(dict[Any, Any]):
    """A function."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))


class Thunk:
    """A definition of a LET, evaluated when it is needed."""

    def __init__(self, definition: Definition, scope: dict[str, Any]) -> None:
        self.definition, self.scope = definition, scope


def sequence(*items: Any) -> Map:
    """The sequence of these elements."""
    return Map(enumerate(items, start=1))


class Checker:
    """One module with values for its constants (as in a configuration: integers, truth values, names, sets of names)."""

    def __init__(self, module: Module, constants: Mapping[str, str]) -> None:
        self.module = module
        self.constants = {name: _constant(constants[name]) for name in module.constants}
        self._state: State = {}
        self._next: State = {}

    # ---- values
    def value(self, t: Tree, scope: dict[str, Any]) -> Any:
        """The value of an expression in the current state (and, below a prime, the next one)."""
        written: Callable[[Tree, dict[str, Any]], Any] = getattr(self, f"_{_KINDS.get(t[0], t[0])}")
        return written(t, scope)

    def _value(self, t: Tree, scope: dict[str, Any]) -> Any:
        return t[1]

    def _booleans(self, t: Tree, scope: dict[str, Any]) -> Any:
        return frozenset((False, True))

    def _name(self, t: Tree, scope: dict[str, Any]) -> Any:
        _, name, arguments = t
        if name in scope:
            found = scope[name]
            if isinstance(found, Thunk):
                found = scope[name] = self.value(found.definition.body, found.scope)
            return found
        if name in self._state:
            return self._state[name]
        if name in self.constants:
            return self.constants[name]
        values = [self.value(a, scope) for a in arguments]
        if name in self.module.definitions:
            definition = self.module.definitions[name]
            return self.value(definition.body, dict(zip(definition.parameters, values, strict=True)))
        return _LIBRARY[name](*values)

    def _prime(self, t: Tree, scope: dict[str, Any]) -> Any:
        here, self._state = self._state, self._next
        try:
            return self.value(t[1], scope)
        finally:
            self._state = here

    def _not(self, t: Tree, scope: dict[str, Any]) -> Any:
        return not self._truth(t[1], scope)

    def _truth(self, t: Tree, scope: dict[str, Any]) -> bool:
        found = self.value(t, scope)
        if not isinstance(found, bool):
            raise EvaluationError(f"{found!r} is no truth value")
        return found

    def _bullets(self, t: Tree, scope: dict[str, Any]) -> Any:
        return (all if t[1] == "/\\" else any)(self._truth(item, scope) for item in t[2])

    def _infix(self, t: Tree, scope: dict[str, Any]) -> Any:
        _, sign, left, right = t
        if sign in _SHORT:
            decisive, value = _SHORT[sign]
            return value if self._truth(left, scope) is decisive else self._truth(right, scope)
        return _SIGNS[sign](self.value(left, scope), self.value(right, scope))

    def _quantified(self, t: Tree, scope: dict[str, Any]) -> Any:
        sign, ranges, body = t
        names, domains = [n for n, _ in ranges], [self.value(d, scope) for _, d in ranges]
        cases = (self._truth(body, {**scope, **dict(zip(names, c, strict=True))}) for c in product(*domains))
        return all(cases) if sign == "\\A" else any(cases)

    def _if(self, t: Tree, scope: dict[str, Any]) -> Any:
        return self.value(t[2] if self._truth(t[1], scope) else t[3], scope)

    def _let(self, t: Tree, scope: dict[str, Any]) -> Any:
        return self.value(t[2], self._with(t[1], scope))

    @staticmethod
    def _with(definitions: tuple[Definition, ...], scope: dict[str, Any]) -> dict[str, Any]:
        inner = dict(scope)
        for definition in definitions:
            inner[definition.name] = Thunk(definition, inner)
        return inner

    def _apply(self, t: Tree, scope: dict[str, Any]) -> Any:
        function, argument = self.value(t[1], scope), self.value(t[2], scope)
        if argument not in function:
            raise EvaluationError(f"{argument!r} is not in the domain of {function!r}")
        return function[argument]

    def _tuple(self, t: Tree, scope: dict[str, Any]) -> Any:
        return sequence(*(self.value(item, scope) for item in t[1]))

    def _set(self, t: Tree, scope: dict[str, Any]) -> Any:
        return frozenset(self.value(item, scope) for item in t[1])

    def _filter(self, t: Tree, scope: dict[str, Any]) -> Any:
        _, name, domain, body = t
        return frozenset(v for v in self.value(domain, scope) if self._truth(body, {**scope, name: v}))

    def _function(self, t: Tree, scope: dict[str, Any]) -> Any:
        _, name, domain, body = t
        return Map((v, self.value(body, {**scope, name: v})) for v in self.value(domain, scope))

    def _record(self, t: Tree, scope: dict[str, Any]) -> Any:
        return Map((name, self.value(value, scope)) for name, value in t[1])

    def _records(self, t: Tree, scope: dict[str, Any]) -> Any:
        fields = [(name, self.value(domain, scope)) for name, domain in t[1]]
        return _Type(
            lambda v: isinstance(v, Map) and v.keys() == {n for n, _ in fields} and all(v[n] in d for n, d in fields)
        )

    def _functions(self, t: Tree, scope: dict[str, Any]) -> Any:
        domain, target = self.value(t[1], scope), self.value(t[2], scope)
        return _Type(lambda v: isinstance(v, Map) and v.keys() == domain and all(x in target for x in v.values()))

    def _except(self, t: Tree, scope: dict[str, Any]) -> Any:
        found = self.value(t[1], scope)
        for path, value in t[2]:
            keys = [self.value(k, scope) for k in path]
            found = self._changed(found, keys, value, scope)
        return found

    def _changed(self, function: Map, keys: list[Any], value: Tree, scope: dict[str, Any]) -> Map:
        if keys[0] not in function:
            raise EvaluationError(f"EXCEPT at {keys[0]!r}, which is not in the domain")
        old = function[keys[0]]
        new = self._changed(old, keys[1:], value, scope) if keys[1:] else self.value(value, {**scope, "@": old})
        return Map({**function, keys[0]: new})

    def _old(self, t: Tree, scope: dict[str, Any]) -> Any:
        return scope["@"]

    def _subset(self, t: Tree, scope: dict[str, Any]) -> Any:
        members = list(self.value(t[1], scope))
        masks = product((False, True), repeat=len(members))
        return frozenset(frozenset(m for m, here in zip(members, mask, strict=True) if here) for mask in masks)

    # ---- states and steps
    def holds(self, name: str, state: State, after: State | None = None) -> bool:
        """Whether a definition (a state predicate; with `after` the body of `[][...]_vars`) is true."""
        self._state, self._next = state, after or {}
        body = self.module.definitions[name].body
        return self._truth(body[1] if body[0] == "always" else body, {})

    def initial(self) -> list[State]:
        """The states that satisfy Init."""
        self._state = {}
        body = self.module.definitions["Init"].body
        found: dict[str, Any] = {}
        for item in body[2]:
            _, _, (_, name, _), value = item
            found[name] = self.value(value, {})
        return [found]

    def actions(self) -> list[tuple[str, Tree]]:
        """The disjuncts of Next with the names of their actions."""
        return [(_action_name(item), item) for item in self.module.definitions["Next"].body[2]]

    def steps(self, action: Tree, state: State) -> Iterator[State]:
        """The states to which an action leads, as often as it does."""
        self._state = state
        for new in self._way(action, {}, {}):
            assert new.keys() == state.keys(), f"{state.keys() - new.keys()} left open"
            yield new

    def _way(self, t: Tree, scope: dict[str, Any], new: dict[str, Any]) -> Iterator[dict[str, Any]]:
        kind = t[0]
        if kind == "bullets" or (kind == "infix" and t[1] in ("/\\", "\\/")):
            sign, items = (t[1], t[2]) if kind == "bullets" else (t[1], t[2:])
            yield from self._all(items, scope, new) if sign == "/\\" else self._any(items, scope, new)
        elif kind == "\\E":
            names, domains = [n for n, _ in t[1]], [self.value(d, scope) for _, d in t[1]]
            for case in product(*domains):
                yield from self._way(t[2], {**scope, **dict(zip(names, case, strict=True))}, new)
        elif kind == "\\A":
            names, domains = [n for n, _ in t[1]], [self.value(d, scope) for _, d in t[1]]
            scopes = [{**scope, **dict(zip(names, case, strict=True))} for case in product(*domains)]
            yield from self._everywhere(t[2], scopes, new)
        elif kind == "infix" and t[1] == "=>":
            self._next = new
            yield from self._way(t[3], scope, new) if self._truth(t[2], scope) else iter((new,))
        elif kind == "if":
            self._next = new
            yield from self._way(t[2] if self._truth(t[1], scope) else t[3], scope, new)
        elif kind == "let":
            yield from self._way(t[2], self._with(t[1], scope), new)
        elif kind == "name" and t[1] in self.module.definitions:
            definition = self.module.definitions[t[1]]
            values = [self.value(a, scope) for a in t[2]]
            yield from self._way(definition.body, dict(zip(definition.parameters, values, strict=True)), new)
        elif kind == "name" and isinstance(scope.get(t[1]), Thunk):
            yield from self._way(scope[t[1]].definition.body, scope[t[1]].scope, new)
        elif kind == "UNCHANGED":
            yield from self._assigned([(n, self._state[n]) for n in self._names(t[1])], new)
        elif kind == "infix" and t[1] == "=" and t[2][0] == "prime":
            self._next = new
            yield from self._assigned([(t[2][1][1], self.value(t[3], scope))], new)
        else:
            self._next = new
            if self._truth(t, scope):
                yield new

    def _all(self, items: tuple[Tree, ...], scope: dict[str, Any], new: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if not items:
            yield new
            return
        for one in self._way(items[0], scope, new):
            yield from self._all(items[1:], scope, one)

    def _everywhere(self, t: Tree, scopes: list[dict[str, Any]], new: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if not scopes:
            yield new
            return
        for one in self._way(t, scopes[0], new):
            yield from self._everywhere(t, scopes[1:], one)

    def _any(self, items: tuple[Tree, ...], scope: dict[str, Any], new: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for item in items:
            yield from self._way(item, scope, new)

    @staticmethod
    def _assigned(pairs: list[tuple[str, Any]], new: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if all(new.get(name, value) == value for name, value in pairs):
            yield {**new, **dict(pairs)}

    def _names(self, t: Tree) -> list[str]:
        if t[0] == "tuple":
            return [item[1] for item in t[1]]
        name = t[1]
        return self._names(self.module.definitions[name].body) if name in self.module.definitions else [name]


class _Type:
    """A set that is too large to have: only membership is asked."""

    def __init__(self, contains: Callable[[Any], bool]) -> None:
        self._contains = contains

    def __contains__(self, value: Any) -> bool:
        return self._contains(value)


def _action_name(t: Tree) -> str:
    while t[0] == "\\E":
        t = t[2]
    return str(t[1])


def _constant(text: str) -> Any:
    if text.startswith("{"):
        return frozenset(ModelValue(n.strip()) for n in text[1:-1].split(","))
    if text in ("TRUE", "FALSE"):
        return text == "TRUE"
    return int(text) if text.isdigit() else ModelValue(text)


def _bag_sum(a: Map, b: Map, sign: int) -> Map:
    counts = {k: a.get(k, 0) + sign * b.get(k, 0) for k in [*a, *(k for k in b if k not in a)]}
    return Map((k, n) for k, n in counts.items() if n > 0)


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, ModelValue) or isinstance(b, ModelValue) or type(a) is type(b):
        return bool(a == b)
    raise EvaluationError(f"{a!r} compared with {b!r}")


_KINDS = {"\\A": "quantified", "\\E": "quantified", "SUBSET": "subset"}
_SHORT = {"/\\": (False, False), "\\/": (True, True), "=>": (False, True)}
_SIGNS: Mapping[str, Callable[[Any, Any], Any]] = {
    "=": _equal,
    "#": lambda a, b: not _equal(a, b),
    "<=>": _equal,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "\\in": lambda a, b: a in b,
    "\\notin": lambda a, b: a not in b,
    "\\subseteq": lambda a, b: all(x in b for x in a),
    "\\cup": lambda a, b: a | b,
    "\\cap": lambda a, b: a & b,
    "..": lambda a, b: frozenset(range(a, b + 1)),
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "(+)": lambda a, b: _bag_sum(a, b, 1),
    "(-)": lambda a, b: _bag_sum(a, b, -1),
    ":>": lambda a, b: Map({a: b}),
    "@@": lambda a, b: Map({**b, **a}),
}
_LIBRARY: Mapping[str, Callable[..., Any]] = {
    "Len": len,
    "Append": lambda s, x: Map({**s, len(s) + 1: x}),
    "Tail": lambda s: sequence(*(s[i] for i in range(2, len(s) + 1))),
    "SubSeq": lambda s, a, b: sequence(*(s[i] for i in range(a, b + 1))),
    "Seq": lambda of: _Type(
        lambda v: isinstance(v, Map) and v.keys() == set(range(1, len(v) + 1)) and all(x in of for x in v.values())
    ),
    "Cardinality": len,
    "EmptyBag": Map,
    "BagToSet": frozenset,
    "SetToBag": lambda of: Map((x, 1) for x in of),
    "BagIn": lambda x, bag: x in bag,
    "BagCardinality": lambda bag: sum(bag.values()),
}
