"""The expression graph: equal terms are one object, simplification keeps values, substitution does not capture."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.language import Bool, Node, SpecError
from model.language.facts import Facts
from model.language.graph import Graph, Number, Term, children, postorder, show
from model.language.ground import Expander
from model.language.trace import trace
from tests.language.small_functions import ROWS
from tests.language.small_sorts import Epoch

NUMBERS = ("x", "y")
TRUTHS = ("p", "q", "r")


def variables(graph: Graph) -> dict[str, Term]:
    """Two ordinals and three truth values."""
    found = {name: graph.var(name, "param", 0, Epoch) for name in NUMBERS}
    return {**found, **{name: graph.var(name, "param", 0, Bool) for name in TRUTHS}}


numbers: st.SearchStrategy[Any] = st.deferred(
    lambda: (
        st.sampled_from(NUMBERS)
        | st.integers(0, 3)
        | st.tuples(st.just("add"), numbers, st.integers(0, 2))
        | st.tuples(st.just("ite"), truths, numbers, numbers)
    )
)
truths: st.SearchStrategy[Any] = st.deferred(
    lambda: (
        st.sampled_from(TRUTHS)
        | st.booleans()
        | st.tuples(st.just("not"), truths)
        | st.tuples(st.sampled_from(("and", "or", "implies", "same")), truths, truths)
        | st.tuples(st.sampled_from(("eq", "lt", "le")), numbers, numbers)
        | st.tuples(st.just("ite"), truths, truths, truths)
    )
)


def value(tree: Any, given_: Mapping[str, Any]) -> Any:
    """What an expression tree means: plain Python."""
    if not isinstance(tree, tuple):
        return given_[tree] if isinstance(tree, str) else tree
    args = [value(part, given_) for part in tree[1:]]
    match tree[0]:
        case "add":
            return args[0] + args[1]
        case "ite":
            return args[1] if args[0] else args[2]
        case "not":
            return not args[0]
        case "and":
            return args[0] and args[1]
        case "or":
            return args[0] or args[1]
        case "implies":
            return not args[0] or args[1]
        case "lt":
            return args[0] < args[1]
        case "le":
            return args[0] <= args[1]
        case _:
            return args[0] == args[1]


def term(graph: Graph, tree: Any, sort: Any) -> Term:
    """The same tree as a term."""
    if not isinstance(tree, tuple):
        return variables(graph)[tree] if isinstance(tree, str) else graph.const(tree, sort)
    op = "eq" if tree[0] == "same" else tree[0]
    inner = Epoch if tree[0] in ("eq", "lt", "le", "add") else Bool
    if op == "ite":
        return graph.make(
            "ite", (term(graph, tree[1], Bool), term(graph, tree[2], sort), term(graph, tree[3], sort)), sort
        )
    return graph.make(op, tuple(term(graph, part, inner) for part in tree[1:]), sort)


def evaluate(root: Term, given_: Mapping[str, Any]) -> Any:
    """The value of a term, node by node."""
    done: dict[int, Any] = {}
    for t in postorder(root):
        args = [done[c.id] for c in children(t)]
        if t.op == "var":
            done[t.id] = given_[t.args[0]]
        elif t.op == "const":
            done[t.id] = t.args[0]
        elif t.op in ("and", "or"):
            done[t.id] = all(args) if t.op == "and" else any(args)
        else:
            done[t.id] = value((t.op, *args), {})
    return done[root.id]


@given(truths, st.fixed_dictionaries({n: st.integers(0, 3) for n in NUMBERS} | {n: st.booleans() for n in TRUTHS}))
def test_simplification_keeps_the_value(tree: Any, given_: dict[str, Any]) -> None:
    """Whatever the graph folds away, the term means what the author wrote."""
    assert evaluate(term(Graph(), tree, Bool), given_) == value(tree, given_)


@given(
    truths,
    truths,
    st.booleans(),
    st.fixed_dictionaries({n: st.integers(0, 3) for n in NUMBERS} | {n: st.booleans() for n in TRUTHS}),
)
def test_what_a_path_knows_is_true(learned: Any, asked: Any, truth: bool, given_: dict[str, Any]) -> None:
    """A path's knowledge answers only what follows from what it has learned."""
    graph = Graph()
    facts = Facts(graph)
    facts.learn(term(graph, learned, Bool), truth)
    answer = facts.value(term(graph, asked, Bool))
    if answer is not None and value(learned, given_) == truth:
        assert answer == value(asked, given_)


@pytest.mark.parametrize("truth", [True, False])
@pytest.mark.parametrize("learned", ["eq", "lt", "le"])
def test_what_follows_from_a_comparison(learned: str, truth: bool) -> None:
    """From what is known of x and y, what is answered of y and x holds for all numbers; some of it is answered."""
    answers = 0
    for asked in ("eq", "lt", "le"):
        for names in (("x", "y"), ("y", "x")):
            graph = Graph()
            facts = Facts(graph)
            facts.learn(term(graph, (learned, "x", "y"), Bool), truth)
            answer = facts.value(term(graph, (asked, *names), Bool))
            cases = [{"x": x, "y": y} for x in range(3) for y in range(3)]
            possible = {value((asked, *names), c) for c in cases if value((learned, "x", "y"), c) is truth}
            assert answer is None or possible == {answer}
            answers += answer is not None
    assert answers >= 2


def test_equal_terms_are_one_object_and_ids_count_up() -> None:
    """Terms are shared, and numbered in the order of creation."""
    graph = Graph()
    x, y = (variables(graph)[n] for n in NUMBERS)
    assert (x + 1 == y) is (x + 1 == y)
    assert [t.id for t in graph.terms] == list(range(len(graph.terms)))


def test_operands_keep_the_order_of_the_author() -> None:
    """`b and a` is not `a and b`: what is exported reads like what was written."""
    graph = Graph()
    p, q = (variables(graph)[n] for n in ("p", "q"))
    assert show(q & p) == "(q & p)"
    assert (q & p) is not (p & q)
    assert show(graph.logic("and", (q & p, True, p))) == "(q & p)"


def test_terms_know_the_line_that_made_them() -> None:
    """Every term names the author's line, for errors of later engines."""
    graph = Graph()
    x = variables(graph)["x"]
    made = x + 2
    assert made.where.startswith(f"{__file__}:")


def test_substitution_renames_variables_that_would_capture() -> None:
    """exists n. x == n, with n for x, is exists m. n == m: not true by capture."""
    graph = Graph()
    x, n = graph.var("x", "param", 0, Node), graph.var("n", "bound", 0, Node)
    claim = graph.make("exists", ((n,), graph.make("eq", (x, n), Bool)), Bool)
    replaced = graph.substitute(claim, {x.id: n})
    (renamed,) = replaced.args[0]
    assert renamed is not n
    assert renamed.args == ("n", "bound", 1)
    assert replaced.args[1].args == (n, renamed)
    assert n.id in replaced.free


def test_substitution_leaves_bound_variables_alone() -> None:
    """A variable that is free outside and bound inside is replaced outside only."""
    graph = Graph()
    n, m = graph.var("n", "bound", 0, Node), graph.var("m", "param", 0, Node)
    f = graph.make("app", ("f", n), Bool)
    claim = graph.make("and", (f, graph.make("forall", ((n,), graph.make("not", (f,), Bool)), Bool)), Bool)
    replaced = graph.substitute(claim, {n.id: m})
    assert show(replaced) == "(f[m] & forall(n: not(f[n])))"


def test_deep_chains_are_walked_without_recursion() -> None:
    """A chain of ten thousand writes is no deeper for Python than one."""
    graph = Graph()
    x, y, p = (variables(graph)[n] for n in ("x", "y", "p"))
    chain = x
    for k in range(10_000):
        chain = graph.make("ite", (graph.make("eq", (y, graph.const(k, Epoch)), Bool), x + k, chain), Epoch)
    assert len(postorder(chain)) > 20_000
    assert graph.substitute(chain, {x.id: graph.const(0, Epoch)}).free == frozenset((y.id,))
    assert p.id not in chain.free


def test_expansion_of_deep_chains_is_iterative_too() -> None:
    """Expanding a long chain of choices over bounds needs no stack either."""
    traced = trace(ROWS)
    graph = traced.graph
    chain = graph.make("app", ("aux_steps",), Epoch)
    for k in range(3000):
        chain = graph.make(
            "add",
            (graph.make("sub", (chain, graph.make("app", ("aux_steps",), Epoch)), Epoch), graph.const(k % 3, Epoch)),
            Epoch,
        )
    assert Expander(traced, {"nodes": 2, "epochs": 2}).expand(chain, {}).sort is Epoch


@pytest.mark.parametrize("wrong", [True, None, 1.5, "1", -1])
def test_literals_of_another_kind_are_refused(wrong: Any) -> None:
    """An ordinal is compared with natural numbers and with terms of its sort only."""
    graph = Graph()
    x = variables(graph)["x"]
    with pytest.raises(SpecError, match="is a Epoch, but"):
        _ = x == wrong


def test_untyped_numbers_take_the_sort_of_their_place() -> None:
    """`ite(p, 1, 0)` has no sort of its own and fits every ordinal; a count fits none."""
    graph = Graph()
    p, x = (variables(graph)[n] for n in ("p", "x"))
    choice = graph.make("ite", (p, graph.const(1, Number), graph.const(0, Number)), Number)
    assert (x + choice).sort is Epoch
    n = graph.var("n", "bound", 0, Node)
    counted = graph.make("count", ((n,), graph.make("app", ("f", n), Bool)), Number)
    with pytest.raises(SpecError, match="is a number; compare counts with integers only"):
        _ = x + counted
