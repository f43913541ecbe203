"""The typed, hash-consed expression graph of one traced spec.

| op                        | args                              | meaning                                                         |
|---------------------------|-----------------------------------|-----------------------------------------------------------------|
| var                       | name, kind, serial                | kind is `param`, `bound` or `witness`                           |
| const                     | plain value                       | None is the "unset" element of an abstract sort                 |
| app                       | function, index terms             | a primitive function (`primitives.py`); `f'` is the second state |
| add sub eq lt le          | a, b                              | the author's `a > b` is `lt(b, a)`                              |
| not and or implies ite    | terms (`and`, `or`: two or more)  | in the author's order                                           |
| member                    | node, quorum                      |                                                                 |
| forall exists count       | bound variables, body             | over the sorts of the variables                                 |
| is_quorum                 | bound variables, body             | the nodes that satisfy the body are a majority                  |
| forall_in exists_in       | network, bound variables, body    | over the messages of a network, one variable per field          |
| contains                  | network, field terms              | message membership; `network'` is the second state              |
| leaf select               | see `ground.py`                   | ground graphs only                                              |

A graph belongs to one trace (no module state); ids count up in the order of creation, so they are the same in every process.
Equal terms are one object. Python's operators on terms check sorts and build terms; whatever would silently mean something
else (`hash`, `int`, iteration, f-strings) is refused.
"""

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from model.language.errors import SpecError, author_line
from model.language.simplify import RULES, UNCHANGED
from model.language.sorts import Abstract, Bool, Enum, Member, Ordinal, Symbolic

MESSAGE_BINDERS = ("forall_in", "exists_in")
_LEAVES = ("const", "leaf", "var")
BINDERS = ("forall", "exists", "count", "is_quorum", *MESSAGE_BINDERS)


class Number(Ordinal):
    """Counts, and integer literals whose ordinal sort is not known yet. It has no bound."""


class Term(Symbolic):
    """One node of a graph. `where` is the author's line that first made it, `free` the ids of its free variables."""

    __slots__ = ("args", "free", "graph", "id", "op", "sort", "where")

    def __init__(
        self, graph: "Graph", op: str, args: tuple[Any, ...], sort: Any, free: frozenset[int], where: str
    ) -> None:
        self.graph, self.op, self.args, self.sort, self.free, self.where = graph, op, args, sort, free, where
        self.id = len(graph.terms)

    def __eq__(self, other: object) -> Any:
        return self.graph.equal(self, other)

    def __ne__(self, other: object) -> Any:
        same = self.graph.equal(self, other)
        return same if same is NotImplemented else self.graph.negation(same)

    def __lt__(self, other: Any) -> "Term":
        return self.graph.order("lt", self, other)

    def __le__(self, other: Any) -> "Term":
        return self.graph.order("le", self, other)

    def __gt__(self, other: Any) -> "Term":
        return self.graph.order("lt", other, self)

    def __ge__(self, other: Any) -> "Term":
        return self.graph.order("le", other, self)

    def __add__(self, other: Any) -> "Term":
        return self.graph.arithmetic("add", self, other)

    def __radd__(self, other: Any) -> "Term":
        return self.graph.arithmetic("add", other, self)

    def __sub__(self, other: Any) -> "Term":
        return self.graph.arithmetic("sub", self, other)

    def __rsub__(self, other: Any) -> "Term":
        return self.graph.arithmetic("sub", other, self)

    def __and__(self, other: Any) -> "Term":
        return self.graph.logic("and", (self, other))

    def __rand__(self, other: Any) -> "Term":
        return self.graph.logic("and", (other, self))

    def __or__(self, other: Any) -> "Term":
        return self.graph.logic("or", (self, other))

    def __ror__(self, other: Any) -> "Term":
        return self.graph.logic("or", (other, self))

    def __bool__(self) -> bool:
        if self.sort is not Bool:
            raise SpecError(
                f"{self!r} of sort {self.sort!r} used as a truth value", "compare it: if x == ..., if x > 0"
            )
        if self.op == "const":
            return bool(self.args[0])
        return self.graph.decide(self)

    def __repr__(self) -> str:
        return show(self)

    def __hash__(self) -> int:
        raise SpecError(f"{show(self)} used as a key or a member of a set", "compare terms with ==, keep them in lists")

    def __iter__(self) -> NoReturn:
        raise SpecError(
            f"iteration over {show(self)}",
            f"quantify instead: forall({self.sort!r}, lambda x: ...), or take a parameter",
        )

    def __len__(self) -> NoReturn:
        raise SpecError(
            f"len() of {show(self)}", "a sequence has .length, a set of nodes has count(Node, lambda n: ...)"
        )

    def __getitem__(self, key: Any) -> NoReturn:
        raise SpecError(f"{show(self)} is a {self.sort!r} and has no elements", "index state functions: s.epoch[n]")

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise SpecError(f"{show(self)} is a {self.sort!r} and has no .{name}", "only records and sequences have fields")

    def _no_number(self, *_: Any) -> NoReturn:
        raise SpecError(
            f"{show(self)} used as a Python number or text", "a symbolic value has no number; compare terms"
        )

    __int__ = __index__ = __float__ = __format__ = __str__ = __round__ = _no_number

    def _no_operator(self, *_: Any) -> NoReturn:
        raise SpecError(
            f"an operator that {self.sort!r} does not have, on {show(self)}",
            "ordinals have + and -, truth values &, | and Not(); a majority is is_quorum(...)",
        )

    __mul__ = __rmul__ = __floordiv__ = __rfloordiv__ = __truediv__ = __rtruediv__ = _no_operator
    __mod__ = __rmod__ = __pow__ = __rpow__ = __neg__ = __invert__ = __abs__ = __xor__ = __rxor__ = _no_operator


class Graph:
    """An arena of terms with sort-checked constructors.

    `decide` answers Python's `if` on a term; the tracer sets it. `calls` maps the id of a compound term to the rule call
    that it is the result of, so that an exporter can print the rule's name. `locate` gives the author's line.
    """

    def __init__(self, locate: Callable[[], str] = author_line) -> None:
        self.terms: list[Term] = []
        self.decide: Callable[[Term], bool] = refuse_decision
        self.calls: dict[int, Any] = {}
        self._known: dict[tuple[Any, ...], Term] = {}
        self._locate = locate

    # ---- making terms
    def make(self, op: str, args: tuple[Any, ...], sort: Any, where: str | None = None) -> Term:
        """The simplified term `op(args)`: no sort checks."""
        simplify = RULES.get(op)
        if simplify is not None:
            simpler = simplify(self, args, sort)
            if simpler is not UNCHANGED:
                return simpler if isinstance(simpler, Term) else self._intern(op, simpler, sort, where)
        return self._intern(op, args, sort, where)

    def _intern(self, op: str, args: tuple[Any, ...], sort: Any, where: str | None) -> Term:
        key = (op, sort, *(_key(a) for a in args))
        found = self._known.get(key)
        if found is None:
            found = Term(self, op, args, sort, frozenset(), where or self._locate())
            found.free = self._free(found)
            self.terms.append(found)
            self._known[key] = found
        return found

    def find(self, op: str, args: tuple[Any, ...], sort: Any) -> Term | None:
        """The term `op(args)` if it exists already."""
        return self._known.get((op, sort, *(_key(a) for a in args)))

    @staticmethod
    def _free(term: Term) -> frozenset[int]:
        if term.op == "var":
            return frozenset((term.id,))
        free: frozenset[int] = frozenset()
        for child in children(term):
            free = free | child.free if free else child.free
        if term.op in BINDERS:
            free -= {v.id for v in bound_of(term)}
        return free

    def const(self, value: Any, sort: Any) -> Term:
        """A plain value as a term."""
        return self._intern("const", (value,), sort, None)

    def true(self) -> Term:
        """The term True."""
        return self.const(True, Bool)

    def false(self) -> Term:
        """The term False."""
        return self.const(False, Bool)

    def var(self, name: str, kind: str, serial: int, sort: Any) -> Term:
        """A variable; equal name, kind, serial and sort is the same variable."""
        return self._intern("var", (name, kind, serial), sort, None)

    def is_bound(self, variable: int) -> bool:
        """Whether the variable with this id is a quantified one."""
        return bool(self.terms[variable].args[1] == "bound")

    # ---- sort-checked constructors
    def coerce(self, value: Any, sort: Any, what: str) -> Term:
        """`value` as a term of a basic sort, or a SpecError that says what does not fit where."""
        if isinstance(value, Term):
            if value.sort is sort:
                return value
            if value.sort is Number and issubclass(sort, Ordinal):
                return self._retype(value, sort, what)
            raise SpecError(f"{what} is a {sort!r}, but {show(value)} is of sort {value.sort!r}", f"give a {sort!r}")
        if isinstance(value, bool) and sort is Bool:
            return self.const(value, Bool)
        if isinstance(value, int) and not isinstance(value, bool) and issubclass(sort, Ordinal):
            if value < 0:
                raise SpecError(f"{what} is a {sort!r}, but {value} is negative", "ordinals are 0, 1, 2, ...")
            return self.const(value, sort)
        if isinstance(value, Member) and value.enum is sort:
            return self.const(value, sort)
        raise SpecError(f"{what} is a {sort!r}, but {_describe(value)} was given", _remedy(sort))

    def _retype(self, term: Term, sort: Any, what: str) -> Term:
        """A term made of integer literals only, as one of an ordinal sort."""
        if term.op == "const":
            return self.const(term.args[0], sort)
        if term.op == "ite":
            condition, then, otherwise = term.args
            return self.make(
                "ite", (condition, self.coerce(then, sort, what), self.coerce(otherwise, sort, what)), sort
            )
        raise SpecError(f"{what} is a {sort!r}, but {show(term)} is a number", "compare counts with integers only")

    def equal(self, a: Term, b: Any) -> Any:
        """`a == b` for a term of a basic sort; NotImplemented if `b` is a composite symbolic value, which then decides."""
        if isinstance(b, Symbolic) and not isinstance(b, Term):
            return NotImplemented
        left, right = self._same_sort(a, b, "compared with ==")
        return self.make("eq", (left, right), Bool)

    def order(self, op: str, a: Any, b: Any) -> Term:
        """`a < b` or `a <= b` on ordinals."""
        return self.make(op, self._ordinals(a, b, "compared with <"), Bool)

    def arithmetic(self, op: str, a: Any, b: Any) -> Term:
        """`a + b` or `a - b` on ordinals."""
        left, right = self._ordinals(a, b, "added" if op == "add" else "subtracted")
        result = self.make(op, (left, right), left.sort)
        if result.op == "const" and result.args[0] < 0:
            raise SpecError(
                f"{show(left)} - {show(right)} is below 0", "ordinals are 0, 1, 2, ...: guard the subtraction"
            )
        return result

    def _ordinals(self, a: Any, b: Any, doing: str) -> tuple[Term, Term]:
        left, right = self._same_sort(a, b, doing)
        if not issubclass(left.sort, Ordinal):
            raise SpecError(
                f"two values of sort {left.sort!r} {doing}", "only ordinals (Epoch, Index, ...) have order and sums"
            )
        return left, right

    def _same_sort(self, a: Any, b: Any, doing: str) -> tuple[Term, Term]:
        for value in (a, b):
            if isinstance(value, Symbolic) and not isinstance(value, Term):
                raise SpecError(f"{value!r} {doing}", "take the element out first: value_of(option), record.field")
        sort = a.sort if isinstance(a, Term) else b.sort
        if sort is Number and isinstance(b, Term):
            sort = b.sort
        what = f"the other side of {show(a if isinstance(a, Term) else b)} {doing}"
        return self.coerce(a, sort, what), self.coerce(b, sort, what)

    def logic(self, op: str, parts: tuple[Any, ...]) -> Term:
        """Conjunction, disjunction or implication of truth values."""
        return self.make(op, tuple(self.coerce(p, Bool, f"an operand of {_SPELLED[op]}") for p in parts), Bool)

    def negation(self, a: Any) -> Term:
        """Not a."""
        return self.make("not", (self.coerce(a, Bool, "the operand of Not"),), Bool)

    # ---- substitution
    def substitute(self, term: Term, by: Mapping[int, Term]) -> Term:
        """`term` with variables (given by id) replaced; bound variables that would capture are renamed."""
        live = {v: new for v, new in by.items() if v in term.free and new.id != v}
        if not live:
            return term
        done: dict[int, Term] = {}
        for t in postorder(term, lambda t: not live.keys().isdisjoint(t.free), binders=False):
            if live.keys().isdisjoint(t.free):
                done[t.id] = t
            elif t.op == "var":
                done[t.id] = live[t.id]
            elif t.op in BINDERS:
                done[t.id] = self._substitute_binder(t, live)
            else:
                args = tuple(done.get(a.id, a) if isinstance(a, Term) else a for a in t.args)
                done[t.id] = self.make(t.op, args, t.sort, t.where)
        return done[term.id]

    def _substitute_binder(self, term: Term, by: Mapping[int, Term]) -> Term:
        variables, body = bound_of(term), term.args[-1]
        inner = {v: new for v, new in by.items() if v in term.free}
        taken = body.free.union(*(new.free for new in inner.values()))
        fresh = []
        for variable in variables:
            renamed = variable
            if any(variable.id in new.free for new in inner.values()):
                name, kind, serial = variable.args
                while renamed.id in taken:
                    serial += 1
                    renamed = self.var(name, kind, serial, variable.sort)
                inner[variable.id] = renamed
            fresh.append(renamed)
        new_body = self.substitute(body, inner)
        head = term.args[:1] if term.op in MESSAGE_BINDERS else ()
        return self.make(term.op, (*head, tuple(fresh), new_body), term.sort, term.where)


_SPELLED = {"and": "&", "or": "|", "implies": "implies"}


def refuse_decision(term: Term) -> bool:
    """Python's `if` on a term where nothing can fork."""
    raise SpecError(f"Python if, and, or, not on {show(term)} outside of an action", "use ite, &, |, Not, implies")


def _key(arg: Any) -> Any:
    if isinstance(arg, Term):
        return ("t", arg.id)
    return tuple(_key(a) for a in arg) if isinstance(arg, tuple) else arg


def _describe(value: Any) -> str:
    if value is None:
        return "NONE"
    if isinstance(value, Member):
        return f"{value.enum!r}.{value}"
    if isinstance(value, Symbolic):
        return repr(value)
    return f"{type(value).__name__} {value!r}"


def _remedy(sort: Any) -> str:
    if issubclass(sort, Enum):
        return f"one of {', '.join(f'{sort!r}.{m}' for m in sort.members)}"
    if issubclass(sort, Abstract):
        return f"take a parameter or quantify: {sort!r} has no literals; value_of(option) is the element of an Option"
    return "False or True" if sort is Bool else f"give a {sort!r}; value_of(option) is the element of an Option"


def bound_of(term: Term) -> tuple[Term, ...]:
    """The variables that a binder binds."""
    variables: tuple[Term, ...] = term.args[-2]
    return variables


def children(term: Term) -> tuple[Term, ...]:
    """The terms below a term: its arguments, or the body of a binder."""
    if term.op in BINDERS:
        return term.args[-1:]
    return tuple([a for a in term.args if isinstance(a, Term)])


def postorder(root: Term, enter: Callable[[Term], bool] | None = None, *, binders: bool = True) -> list[Term]:
    """All terms below `root`, each once and after what is below it; iterative, since chains can be deep.

    Terms that `enter` refuses, and binders if `binders` is off, are listed without what is below them.
    """
    if root.op in _LEAVES:
        return [root]
    order: list[Term] = []
    entered: set[int] = set()
    listed: set[int] = set()
    todo = [root]
    while todo:
        term = todo[-1]
        number = term.id
        if number in entered:
            todo.pop()
            if number not in listed:
                listed.add(number)
                order.append(term)
            continue
        entered.add(number)
        if (enter is None or enter(term)) and (binders or term.op not in BINDERS):
            todo += [child for child in children(term)[::-1] if child.id not in entered]
    return order


def show(term: Term, depth: int = 6) -> str:
    """A term as text, for messages: deep parts are left out."""
    if term.op == "var":
        return str.__str__(term.args[0])
    if term.op == "const":
        value = term.args[0]
        return "unset" if value is None else str(value)
    if depth == 0:
        return "..."
    inner = [show(child, depth - 1) for child in children(term)]
    if term.op in ("app", "select", "contains"):
        return f"{term.args[0]}[{', '.join(inner)}]"
    if term.op in BINDERS:
        names = ", ".join(str(v.args[0]) for v in bound_of(term))
        return f"{term.op}({names}: {inner[0]})"
    infix = _INFIX.get(term.op)
    return f"({infix.join(inner)})" if infix else f"{term.op}({', '.join(inner)})"


_INFIX = {"add": " + ", "sub": " - ", "eq": " == ", "lt": " < ", "le": " <= ", "and": " & ", "or": " | "}
