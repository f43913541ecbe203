"""Tracing: paths, the decision tree, updates as data, names."""

from typing import Any

import pytest

from model.language import (
    NONE,
    Bool,
    Fn,
    Node,
    Option,
    Ordinal,
    Record,
    Seq,
    Spec,
    State,
    Var,
    exists,
    forall,
    is_quorum,
    ite,
    make_spec,
    maximum,
    quorum,
    require,
    the,
)
from model.language.graph import show
from model.language.trace import trace
from model.language.transition import Block, TracedAction, Transition
from tests.language.small_forks import FORKS, FORKS_BUG
from tests.language.small_functions import LOGS, ROWS
from tests.language.small_networks import NETWORKS, SETS
from tests.language.small_sorts import Epoch, Role


class Place(Ordinal, bound="places"):
    """A position in a list."""


class Item(Record):
    """An element of a list."""

    epoch: Epoch


class Tiny(State):
    """A few functions."""

    items = Fn(Node, Seq[Item, Place])

    grants = Fn(Node, Node, Bool)
    epoch = Fn(Node, Epoch)
    role = Fn(Node, Role)
    leader = Fn(Node, Option[Node])
    high = Var(Epoch)
    ghost_high = Var(Epoch)


def tiny_init(s: Tiny) -> None:
    """High is 1."""
    s.high = 1


def traced_action(function: Any) -> TracedAction:
    """The only action of a tiny spec."""
    spec = make_spec(
        "tiny",
        title="tiny",
        state=Tiny,
        init=tiny_init,
        actions=(function,),
        bounds={"nodes": 2, "epochs": 2, "places": 2},
    )
    return trace(spec).actions[0]


def only(action: TracedAction) -> Transition:
    """The only path of an action."""
    (transition,) = action.transitions
    return transition


def updates(transition: Transition) -> dict[str, list[str]]:
    """A path's updates as text."""
    return {
        function: [f"[{', '.join(map(show, u.index))}] := {show(u.value)}" for u in written]
        for function, written in transition.updates.items()
    }


def leaves(block: Block) -> list[Transition | None]:
    """The ends of a decision tree, the `then` branch first."""
    if block.fork is None:
        return [block.transition]
    assert block.then is not None
    assert block.otherwise is not None
    return [*leaves(block.then), *leaves(block.otherwise)]


def forks(block: Block) -> list[str]:
    """The forks of a decision tree, from the root."""
    if block.fork is None:
        return []
    assert block.then is not None
    assert block.otherwise is not None
    return [show(block.fork.term), *forks(block.then), *forks(block.otherwise)]


def test_a_row_that_mentions_itself_reads_the_row_before() -> None:
    """A row write is evaluated at once: it sees neither itself nor later writes (a silent error of a first version)."""

    def flip(s: Tiny, n: Node) -> None:
        """A node's grants are turned around, and then its own is set."""
        s.grants[n, :] = lambda m: s.grants[m, n] | s.grants[n, m]
        s.grants[n, n] = s.grants[n, n]

    assert updates(only(traced_action(flip))) == {
        "grants": ["[n, m] := (grants[m, n] | grants[n, m])", "[n, n] := grants[n, n]"]
    }


def test_reads_after_writes_are_choices_by_argument() -> None:
    """A read whose argument may be the written one is a choice; one that is known to be equal or different is not."""

    def read(s: Tiny, n: Node, m: Node, k: Node) -> None:
        """n moves, and others look at it."""
        require(n != m)

        s.epoch[n] = 2
        s.high = s.epoch[n]
        s.ghost_high = maximum(s.epoch[m], s.epoch[k])

    found = updates(only(traced_action(read)))
    assert found["high"] == ["[] := 2"]
    assert found["ghost_high"] == [
        "[] := ite((epoch[m] < ite((k == n), 2, epoch[k])), ite((k == n), 2, epoch[k]), epoch[m])"
    ]


def test_later_writes_win_over_earlier_ones() -> None:
    """A read that may meet two writes meets the later one first."""

    def overwrite(s: Tiny, n: Node, m: Node, k: Node) -> None:
        """n and m move, perhaps the same node, and k is looked at."""
        s.epoch[n] = 1
        s.epoch[m] = 2
        s.high = s.epoch[k]

    assert updates(only(traced_action(overwrite)))["high"] == ["[] := ite((k == m), 2, ite((k == n), 1, epoch[k]))"]


def test_sequences_keep_defaults_outside_of_their_length() -> None:
    """Cutting and shifting write the defaults to positions that are no longer, or never, in the sequence."""

    def cut(s: Tiny, n: Node, k: Place) -> None:
        """A list is cut, then shifted."""
        require(k < s.items[n].length)

        s.items[n].truncate(k)
        s.items[n].pop_first()

    assert updates(only(traced_action(cut))) == {
        "items.length": ["[n] := k", "[n] := ite((k == 0), 0, (k - 1))"],
        "items.epoch": [
            "[n, position] := ite((position <= k), items.epoch[n, position], 0)",
            "[n, position] := ite((position == 0), 0, ite(((position + 1) <= k), items.epoch[n, (position + 1)], 0))",
        ],
    }


def test_a_read_under_a_quantifier_sees_the_row_for_its_variable() -> None:
    """The wildcard of a row and the variable of a quantifier do not capture each other."""

    def elect(s: Tiny, n: Node) -> None:
        """The grants of n become those to somebody who grants somebody."""
        s.grants[n, :] = lambda v: exists(Node, lambda w: s.grants[v, w])
        s.high = ite(forall(Node, lambda a: exists(Node, lambda w: s.grants[a, w])), 1, 0)

    transition = only(traced_action(elect))
    assert show(transition.updates["high"][0].value, depth=20) == (
        "ite(forall(a: exists(w: ite((a == n), exists(w: grants[w, w]), grants[a, w]))), 1, 0)"
    )
    inner = transition.updates["high"][0].value.args[0].args[1]
    outer_w = inner.args[0][0]
    nested = inner.args[1].args[1]
    assert nested.op == "exists"
    assert outer_w.id in nested.free
    assert nested.args[0][0] is not outer_w


def test_paths_are_disjoint_and_merge_into_a_tree() -> None:
    """Every path ends one branch of the decision tree, and common prefixes are one."""
    action = trace(FORKS).actions[0]
    assert action.name == "forks_time_out"
    ends = [t for t in leaves(action.tree) if t is not None]
    assert ends == list(action.transitions)
    assert len(forks(action.tree)) == len(leaves(action.tree)) - 1
    assert forks(action.tree)[0] == "(role[n] == LEADER)"
    assert any(t.changes_nothing for t in action.transitions)


def test_a_fork_that_the_path_answers_is_not_asked_again() -> None:
    """After `role == LEADER` the path knows that the role is no other, and what an order implies."""

    def decide(s: Tiny, n: Node) -> None:
        """Questions whose answers are known."""
        require(s.epoch[n] < s.high)
        if s.role[n] == Role.LEADER and s.high > s.epoch[n]:
            if s.role[n] == Role.CANDIDATE or s.high <= s.epoch[n]:
                s.high = 0
            s.epoch[n] = s.high

    action = traced_action(decide)
    assert forks(action.tree) == ["(role[n] == LEADER)"]
    assert [len(t.updates) for t in action.transitions] == [1, 0]


def test_a_path_that_is_never_enabled_is_no_transition() -> None:
    """A guard that contradicts the path ends it; the tree says so."""

    def lead(s: Tiny, n: Node) -> None:
        """Only a candidate leads."""
        if s.role[n] == Role.LEADER:
            require(s.role[n] == Role.CANDIDATE)
        s.role[n] = Role.LEADER

    action = traced_action(lead)
    assert leaves(action.tree) == [None, action.transitions[0]]
    assert [(show(g.term), g.fork) for g in action.transitions[0].guards] == [("not((role[n] == LEADER))", True)]


def test_guards_keep_their_order_and_lines() -> None:
    """One guard per `require`, in the author's order, with its line; a repeated one is left out."""

    def act(s: Tiny, n: Node) -> None:
        """Guards."""
        require(s.epoch[n] > 0)
        require(s.role[n] != Role.LEADER)
        require(s.epoch[n] > 0)

    transition = only(traced_action(act))
    first = act.__code__.co_firstlineno
    assert [(show(g.term), g.where) for g in transition.guards] == [
        ("(0 < epoch[n])", f"{__file__}:{first + 2}"),
        ("not((role[n] == LEADER))", f"{__file__}:{first + 3}"),
    ]


def test_witnesses_are_data() -> None:
    """`the` and `quorum` are variables with a condition; asking twice for the same one is one witness."""

    def choose(s: Tiny, n: Node) -> None:
        """A number and a majority."""
        end = the(Epoch, lambda e: e == s.epoch[n])
        again = the(Epoch, lambda e: e == s.epoch[n])
        quorum(lambda m: s.grants[n, m])
        s.high = maximum(end, again)

    transition = only(traced_action(choose))
    assert [(w.kind, show(w.var), show(w.body)) for w in transition.witnesses] == [
        ("the", "e", "(e == epoch[n])"),
        ("quorum", "m", "grants[n, m]"),
    ]
    assert updates(transition) == {"high": ["[] := e"]}


def test_names_of_the_author_are_kept() -> None:
    """Quantified variables are called like the lambda's parameters, and locals are captured for LET."""

    def name(s: Tiny, candidate: Node) -> None:
        """Names."""
        majority = is_quorum(lambda voter: s.grants[candidate, voter])
        number = 3
        require(majority)
        s.high = number

    transition = only(traced_action(name))
    assert {k: show(v) for k, v in transition.locals.items()} == {
        "majority": "is_quorum(voter: grants[candidate, voter])"
    }
    assert show(transition.guards[0].term) == "is_quorum(voter: grants[candidate, voter])"


def test_messages_are_effects_in_order() -> None:
    """What is sent, received and forgotten is data; a message parameter needs no guard."""
    receive = next(a for a in trace(NETWORKS).actions if a.name == "networks_receive")
    kinds = [[type(e).__name__ for e in t.effects] for t in receive.transitions]
    assert kinds == [["Receive"], ["Receive", "Send"]] or kinds == [["Receive", "Send"], ["Receive"]]
    assert all(c.fork for t in receive.transitions for c in t.guards)
    known = next(a for a in trace(NETWORKS).actions if a.name == "networks_receive_known")
    assert show(only(known).guards[-1].term) == "flight[LEADER, n, 1]"
    learn = next(a for a in trace(SETS).actions if a.name == "sets_learn")
    assert show(only(learn).effects[-1].body).startswith("((m.voter == n) & ")  # type: ignore[union-attr]


def test_rules_are_inlined_and_their_calls_known() -> None:
    """A rule's result is its body; the graph remembers that it is a call, and the rule as an operator."""
    traced = trace(FORKS)
    (definition,) = traced.rules["may_lead"]
    assert [show(f) for f in definition.formals] == ["role", "epoch", "other"]
    assert show(definition.body) == "((role == CANDIDATE) & (other < epoch))"
    calls = [c for c in traced.graph.calls.values() if c.rule == "may_lead"]
    assert [[show(a) for a in c.arguments] for c in calls] == [["role[n]", "epoch[n]", "epoch[m]"]]


def test_a_replaced_rule_is_the_replacement() -> None:
    """A planted bug changes the guards of the actions that call the rule, and nothing else."""
    correct, bug = trace(FORKS).actions, trace(FORKS_BUG).actions
    assert "(epoch[m] <= epoch[n])" in [show(g.term) for t in bug[1].transitions for g in t.guards]
    assert "(epoch[m] <= epoch[n])" not in [show(g.term) for t in correct[1].transitions for g in t.guards]
    assert [show(g.term) for g in bug[0].transitions[0].guards] == [
        show(g.term) for g in correct[0].transitions[0].guards
    ]


def test_the_initial_state_is_data() -> None:
    """Init is a list of updates over the defaults."""
    traced = trace(LOGS)
    assert {f: [show(u.value) for u in written] for f, written in traced.initial.items()} == {
        "shared.length": ["1"],
        "shared.epoch": ["ite((position == 1), 1, 0)"],
        "shared.by.some": ["False"],
        "shared.by.value": ["unset"],
    }


def test_step_properties_speak_of_two_states() -> None:
    """Functions and networks of the second state are primed."""
    grow = next(p for p in trace(SETS).properties if p.property.kind == "step")
    assert show(grow.term).startswith("(forall(n: (epoch[n] <= epoch'[n])) & exists_in(")


@pytest.mark.parametrize("spec", [SETS, NETWORKS, LOGS, ROWS, FORKS], ids=str)
def test_tracing_is_deterministic(spec: Spec) -> None:
    """Two traces have the same terms with the same numbers."""
    first, second = trace(spec).graph.terms, trace(spec).graph.terms
    assert [(t.op, show(t, 3), t.where) for t in first] == [(t.op, show(t, 3), t.where) for t in second]


def test_options_are_a_flag_and_a_value() -> None:
    """NONE clears the flag and the value, so that equal states are equal function by function."""

    def follow(s: Tiny, n: Node, m: Node) -> None:
        """n follows m, and m nobody."""
        require((s.leader[n] == NONE) | (s.leader[n] == m))
        s.leader[m] = NONE
        s.leader[n] = m

    transition = only(traced_action(follow))
    assert updates(transition) == {
        "leader.some": ["[m] := False", "[n] := True"],
        "leader.value": ["[m] := unset", "[n] := m"],
    }
    assert show(transition.guards[0].term) == "(not(leader.some[n]) | (leader.some[n] & (leader.value[n] == m)))"
