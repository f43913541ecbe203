"""Simplifications that hold in every state and within every bounds, one function per operation.

Each takes the graph, the arguments and the sort, and gives UNCHANGED, a simpler term, or other arguments for the same
operation. The author's order of operands is kept: nothing is sorted, so that what is exported reads like what was written.
"""

from collections.abc import Callable
from operator import le, lt
from typing import Any

from model.language.sorts import Bool

UNCHANGED: Any = object()

# Terms are Any here: graph.py imports this table to make its terms.
Rule = Callable[[Any, tuple[Any, ...], Any], Any]


def _constant(term: Any) -> bool:
    return bool(term.op == "const")


def _is(term: Any, value: bool) -> bool:
    return term.op == "const" and term.args[0] is value


def _opposite(graph: Any, a: Any, b: Any) -> bool:
    return (a.op == "not" and a.args[0] is b) or (b.op == "not" and b.args[0] is a)


def _not(graph: Any, args: tuple[Any, ...], sort: Any) -> Any:
    (a,) = args
    if _constant(a):
        return graph.const(not a.args[0], Bool)
    return a.args[0] if a.op == "not" else UNCHANGED


def _flat(graph: Any, op: str, args: tuple[Any, ...]) -> list[Any]:
    """Operands with nested ones of the same operation opened, unless a rule's call stands for them."""
    flat: list[Any] = []
    for a in args:
        flat.extend(a.args if a.op == op and a.id not in graph.calls else (a,))
    return flat


def _junction(op: str, neutral: bool) -> Rule:
    def simplify(graph: Any, args: tuple[Any, ...], sort: Any) -> Any:
        kept: list[Any] = []
        ids: set[int] = set()
        for a in _flat(graph, op, args):
            if _is(a, not neutral):
                return a
            if _is(a, neutral) or a.id in ids:
                continue
            inverse = a.args[0] if a.op == "not" else graph.find("not", (a,), Bool)
            if inverse is not None and inverse.id in ids:
                return graph.const(not neutral, Bool)
            ids.add(a.id)
            kept.append(a)
        if not kept:
            return graph.const(neutral, Bool)
        return kept[0] if len(kept) == 1 else tuple(kept)

    return simplify


def _implies(graph: Any, args: tuple[Any, ...], sort: Any) -> Any:
    a, b = args
    if _is(a, False) or _is(b, True) or a is b:
        return graph.const(True, Bool)
    if _is(a, True):
        return b
    return graph.make("not", (a,), Bool) if _is(b, False) else UNCHANGED


def _ite(graph: Any, args: tuple[Any, ...], sort: Any) -> Any:
    condition, then, otherwise = args
    if _constant(condition):
        return then if condition.args[0] else otherwise
    if then.op == "ite" and then.args[0] is condition:
        then = then.args[1]
    if otherwise.op == "ite" and otherwise.args[0] is condition:
        otherwise = otherwise.args[2]
    if then is otherwise:
        return then
    if sort is Bool:
        if _is(then, True):
            return graph.make("or", (condition, otherwise), Bool)
        if _is(then, False):
            return graph.make("and", (graph.make("not", (condition,), Bool), otherwise), Bool)
        if _is(otherwise, True):
            return graph.make("implies", (condition, then), Bool)
        if _is(otherwise, False):
            return graph.make("and", (condition, then), Bool)
    return (condition, then, otherwise)


def _eq(graph: Any, args: tuple[Any, ...], sort: Any) -> Any:
    a, b = args
    if a is b:
        return graph.const(True, Bool)
    if _constant(a) and _constant(b):
        return graph.const(a.args[0] == b.args[0], Bool)
    for x, y in ((a, b), (b, a)):
        if _is(x, True) or _is(x, False):
            return y if x.args[0] else graph.make("not", (y,), Bool)
        # A choice between constants, compared with a constant, is the choice between the answers.
        if _constant(x) and y.op == "ite" and _constant_leaves(y):
            condition, then, otherwise = y.args
            return graph.make(
                "ite", (condition, graph.make("eq", (then, x), Bool), graph.make("eq", (otherwise, x), Bool)), Bool
            )
    (base, shift), (other, other_shift) = _offset(a), _offset(b)
    return graph.const(False, Bool) if base == other and shift != other_shift else UNCHANGED


def _constant_leaves(term: Any) -> bool:
    while term.op == "ite":
        if not _constant(term.args[1]):
            return False
        term = term.args[2]
    return _constant(term)


def _offset(term: Any) -> tuple[int | None, int]:
    """A term as (id of a base, constant offset): x + 2 is (x, 2), 3 is (None, 3)."""
    if _constant(term) and term.args[0] is not None and not isinstance(term.args[0], str):
        return None, int(term.args[0])
    if term.op in ("add", "sub") and _constant(term.args[1]):
        shift = term.args[1].args[0]
        return term.args[0].id, shift if term.op == "add" else -shift
    return term.id, 0


def _compare(holds: Callable[[int, int], bool]) -> Rule:
    def simplify(graph: Any, args: tuple[Any, ...], sort: Any) -> Any:
        (base, a), (other, b) = _offset(args[0]), _offset(args[1])
        return graph.const(holds(a, b), Bool) if base == other else UNCHANGED

    return simplify


def _add(graph: Any, args: tuple[Any, ...], sort: Any) -> Any:
    a, b = args
    if _constant(a) and _constant(b):
        return graph.const(a.args[0] + b.args[0], sort)
    if _constant(b):
        if b.args[0] == 0:
            return a
        if a.op == "add" and _constant(a.args[1]):
            return (a.args[0], graph.const(a.args[1].args[0] + b.args[0], sort))
    return b if _constant(a) and a.args[0] == 0 else UNCHANGED


def _sub(graph: Any, args: tuple[Any, ...], sort: Any) -> Any:
    a, b = args
    if a is b:
        return graph.const(0, sort)
    if not _constant(b):
        return UNCHANGED
    taken = b.args[0]
    if _constant(a):
        return graph.const(a.args[0] - taken, sort)
    if taken == 0:
        return a
    if a.op == "add" and _constant(a.args[1]) and a.args[1].args[0] >= taken:
        return graph.make("add", (a.args[0], graph.const(a.args[1].args[0] - taken, sort)), sort)
    return UNCHANGED


def _quantifier(graph: Any, args: tuple[Any, ...], sort: Any) -> Any:
    variables, body = args
    if _constant(body) or all(v.id not in body.free for v in variables):
        return body  # sorts are not empty
    return UNCHANGED


def _over_messages(vacuous: bool) -> Rule:
    def simplify(graph: Any, args: tuple[Any, ...], sort: Any) -> Any:
        return args[-1] if _is(args[-1], vacuous) else UNCHANGED

    return simplify


RULES: dict[str, Rule] = {
    "not": _not,
    "and": _junction("and", neutral=True),
    "or": _junction("or", neutral=False),
    "implies": _implies,
    "ite": _ite,
    "eq": _eq,
    "lt": _compare(lt),
    "le": _compare(le),
    "add": _add,
    "sub": _sub,
    "forall": _quantifier,
    "exists": _quantifier,
    "forall_in": _over_messages(vacuous=True),
    "exists_in": _over_messages(vacuous=False),
}
