"""The words of the language on plain values: quantifiers, counting, majorities, guards."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from model.language import (
    NONE,
    Disabled,
    Node,
    Not,
    Option,
    Quorum,
    SpecError,
    all_of,
    any_of,
    count,
    exists,
    forall,
    implies,
    is_member,
    is_quorum,
    ite,
    maximum,
    minimum,
    quorum,
    require,
    rule,
    the,
    value_of,
)
from tests.language.plain_case import Servers, after, evaluated, stepper_of, two_entries
from tests.language.small_sorts import Epoch


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (lambda s: forall(Node, lambda n: s.log[n].length <= 2), True),
        (lambda s: forall(Node, lambda n: s.log[n].length >= 1), False),
        (lambda s: forall(Node, Node, lambda a, b: (a == b) | (s.log[a] != s.log[b])), True),
        (lambda s: exists(Node, Node, lambda a, b: (a != b) & (s.log[a] == s.log[b])), False),
        (lambda s: exists(Option[Node], lambda n: n == NONE), True),
        (lambda s: count(Node, lambda n: s.log[n].length >= 1), 2),
        (lambda s: count(Epoch, lambda e: e >= 1), 3),
        (lambda s: the(Node, lambda n: s.log[n].length == 2), 0),
        (lambda s: is_quorum(lambda n: s.log[n].length >= 1), True),
        (lambda s: is_quorum(lambda n: s.log[n].length >= 2), False),
        (lambda s: quorum(lambda n: s.log[n].length >= 1), (0, 1)),
        (lambda s: is_member(1, quorum(lambda n: n != 0)), True),
        (lambda s: is_member(0, quorum(lambda n: n != 0)), False),
        (lambda s: is_member(0, s.electors), False),
        (lambda s: count(Quorum, lambda q: is_member(0, q)), 3),
        (
            lambda s: forall(Quorum, Quorum, lambda p, q: exists(Node, lambda n: is_member(n, p) & is_member(n, q))),
            True,
        ),
        (lambda s: Not(s.epoch[0] == 0), False),
        (lambda s: all_of(True, s.epoch[0] == 0, True), True),
        (lambda s: all_of(True, s.epoch[0] == 1), False),
        (lambda s: any_of(False, s.epoch[0] == 0), True),
        (lambda s: any_of(False, s.epoch[0] == 1), False),
        (lambda s: [bool(implies(a, b)) for a in (False, True) for b in (False, True)], [True, True, False, True]),
        (lambda s: ite(s.epoch[0] == 0, "then", "otherwise"), "then"),
        (lambda s: ite(s.epoch[0] == 1, "then", "otherwise"), "otherwise"),
        (lambda s: (minimum(1, 2), minimum(2, 1), maximum(1, 2), maximum(2, 1)), (1, 1, 2, 2)),
        (lambda s: value_of(s.log[1][1].by), 0),
        (lambda s: s.leader[0] == NONE, True),
    ],
)
def test_words_have_their_meaning_on_plain_values(body: Callable[[Any], Any], value: object) -> None:
    """Quantifiers, counting, majorities and connectives over three nodes with logs of two, one and no entries."""
    assert evaluated(Servers, body, init=two_entries) == value


@pytest.mark.parametrize(("nodes", "majorities"), [(1, 1), (2, 1), (3, 4), (4, 5), (5, 16)])
def test_a_quorum_is_more_than_half_of_the_nodes(nodes: int, majorities: int) -> None:
    """The sort Quorum has every majority: half of an even number of nodes is none."""
    bounds = {"nodes": nodes}
    assert evaluated(Servers, lambda s: count(Quorum, lambda q: True), bounds=bounds) == majorities
    half = nodes // 2
    assert evaluated(Servers, lambda s: is_quorum(lambda n: n < half), bounds=bounds) is False
    assert evaluated(Servers, lambda s: is_quorum(lambda n: n <= half), bounds=bounds) is True
    assert evaluated(Servers, lambda s: quorum(lambda n: n <= half), bounds=bounds) == tuple(range(half + 1))
    with pytest.raises(Disabled):
        evaluated(Servers, lambda s: quorum(lambda n: n < half), bounds=bounds)


def test_an_action_without_a_majority_is_disabled() -> None:
    """`quorum(...)` of too few nodes disables the action, and a set of nodes that is a majority can be stored."""

    def elect(s: Servers, e: Epoch) -> None:
        """Whoever has more than e entries elects."""
        s.electors = quorum(lambda n: s.log[n].length > e)

    stepper = stepper_of(Servers, elect, init=two_entries)
    steps = [(args, stepper.thaw(new).electors) for _, args, new in stepper.successors(stepper.initial())]
    assert steps == [((0,), (0, 1))]


def test_the_one_element_disables_the_action_if_there_is_none() -> None:
    """`the` without a candidate disables the action, and coverage names the line of its condition."""

    def choose(s: Servers, e: Epoch) -> None:
        """The node with e entries is counted."""
        s.epoch[the(Node, lambda n: s.log[n].length == e)] = e

    stepper = stepper_of(Servers, choose, init=two_entries)
    assert [args for _, args, _ in stepper.successors(stepper.initial())] == [(0,), (1,), (2,)]
    assert stepper.blocked == [{(__file__, choose.__code__.co_firstlineno + 2): 1}]


def test_two_candidates_are_an_error_of_the_spec() -> None:
    """`the` with two candidates names them, the line and the remedy."""

    def choose(s: Servers) -> None:
        """The node with any log."""
        s.epoch[the(Node, lambda n: s.log[n].length >= 1)] = 1

    where = f"{__file__}:{choose.__code__.co_firstlineno + 2}"
    with pytest.raises(SpecError, match=re.escape(f"{where}: the(Node, ...) has 2 candidates: [0, 1]; make the")):
        after(Servers, choose, init=two_entries)


def test_a_guard_must_be_a_truth_value() -> None:
    """`require` of a number or an element is refused: 0 is not false, and node 0 is not false either."""
    with pytest.raises(SpecError, match=r"test_plain_words.py:\d+: require\(0\); a guard is a truth value"):
        evaluated(Servers, lambda s: require(s.epoch[0]))


def test_words_outside_of_an_engine_are_refused() -> None:
    """A quantifier has no meaning without bounds; rules run as they are, so that they can be tested alone."""
    with pytest.raises(SpecError, match="forall used outside of any engine; call spec functions through an engine"):
        forall(Node, lambda n: True)

    @rule
    def newest(a: Any, b: Any) -> Any:
        """The newer of two epochs."""
        return maximum(a, b)

    assert newest(1, 2) == 2


@pytest.mark.parametrize("word", [forall, exists])
def test_a_quantifier_needs_a_sort_and_a_body(word: Callable[..., Any]) -> None:
    """A quantifier without sorts, or with a sort where the body belongs, says how to write it."""
    with pytest.raises(SpecError, match=rf"{word.__name__} without a sort and a body; write {word.__name__}\(Node, "):
        evaluated(Servers, lambda s: word(lambda n: True))
    with pytest.raises(SpecError, match="without a sort and a body"):
        evaluated(Servers, lambda s: word(Node, Epoch))
