"""What can be read off a trace: footprints, components, the ghost check, lint."""

from typing import Any

from model.language import NONE, Fn, Node, Option, Spec, State, Var, ite, make_spec, require
from model.language.analysis import components, footprints, is_ghost, lint, symmetry_breaking
from model.language.trace import trace
from model.two_phase.spec import SPEC as TWO_PHASE
from tests.language.small_functions import ROWS
from tests.language.small_networks import SETS
from tests.language.small_sorts import Epoch


class Small(State):
    """A leader and its history."""

    leader = Fn(Node, Option[Node])
    high = Var(Epoch)
    ghost_leader = Fn(Epoch, Option[Node])


def small_init(s: Small) -> None:
    """The defaults."""


def lead(s: Small, n: Node, e: Epoch) -> None:
    """A node leads an epoch; history keeps the first one."""
    require(s.leader[n] != n)

    s.leader[n] = n
    s.high = e
    s.ghost_leader[e] = ite(s.ghost_leader[e] == NONE, n, s.ghost_leader[e])


def identity(s: Small, n: Node) -> None:
    """A comparison of objects: `is` is never true of a symbolic value."""
    if s.leader[n] is NONE:
        s.high = 1


def meet(s: Small, a: Node, b: Node, c: Node) -> None:
    """Three nodes at once."""
    require(s.leader[a] == b)
    require(s.leader[b] == c)

    s.leader[c] = a
    s.ghost_leader[s.high] = c


def small(*actions: Any) -> Spec:
    """A spec of these actions."""
    return make_spec(
        "small", title="small", state=Small, init=small_init, actions=actions, bounds={"nodes": 2, "epochs": 1}
    )


def test_footprints_name_functions_and_arguments() -> None:
    """What an action reads and writes, at which arguments."""
    found = footprints(trace(small(lead)))["lead"]
    assert [str(a) for a in found.reads] == [
        "ghost_leader.some[e]",
        "ghost_leader.value[e]",
        "leader.some[n]",
        "leader.value[n]",
    ]
    assert [str(a) for a in found.writes] == [
        "ghost_leader.some[e]",
        "ghost_leader.value[e]",
        "high",
        "leader.some[n]",
        "leader.value[n]",
    ]
    assert found.functions_written[2] == "high"


def test_message_parameters_and_rows_are_in_the_footprint() -> None:
    """A message parameter reads its network, a row writes at every argument, quantifying over messages reads."""
    sets = footprints(trace(SETS))
    assert {"votes", "acks"} <= set(sets["sets_two"].functions_read)
    assert "votes" in sets["sets_learn"].functions_written
    assert [str(a) for a in sets["sets_no_late_ack"].reads] == ["acks", "known.some[*]", "known.value[*]"]
    assert "match[n, *]" in [str(a) for a in footprints(trace(ROWS))["rows_clear"].writes]


def test_components_are_nodes_networks_and_globals() -> None:
    """All that is kept per node is one component of the state."""
    traced = trace(small(lead))
    assert components(traced, traced.actions[0]) == ("Node n", "ghost_leader", "high")
    two_phase = trace(TWO_PHASE)
    found = {a.name: components(two_phase, a) for a in two_phase.actions}
    assert found["prepare"] == ("Node manager", "prepared_sent")
    assert found["receive_prepared"] == ("Node message.manager", "decision", "prepared_sent")


def test_history_may_depend_on_history() -> None:
    """An update of ghost state may choose by ghost state: that disturbs nothing (the refusals test the rest)."""
    transition = trace(small(lead)).actions[0].transitions[0]
    assert any(
        is_ghost(t.args[0]) for t in transition.updates["ghost_leader.some"][0].value.graph.terms if t.op == "app"
    )


def test_names_of_history() -> None:
    """Functions, their components, networks of the second state and fields of messages can be history."""
    assert [
        is_ghost(n) for n in ("ghost_leader.some", "ghost_sent'", "response.ghost_index", "leader", "aux_ghost_")
    ] == [
        True,
        True,
        True,
        False,
        False,
    ]


def test_lint_finds_comparisons_of_objects() -> None:
    """`is NONE` is false of every symbolic value, so it is reported with its line."""
    findings = lint(trace(small(identity)))
    line = identity.__code__.co_firstlineno + 2
    assert [(f.where, f.text) for f in findings if "`is`" in f.text] == [
        (f"{__file__}:{line}", "`is` compares objects, not values: write == or !=")
    ]


def test_lint_finds_actions_that_touch_much() -> None:
    """An action that touches many components is slow in engines that remember steps by what they touch."""
    found = [f.text for f in lint(trace(small(lead, meet)))]
    assert [text for text in found if "touches" in text] == [
        "action meet touches 5 components of the state: Node a, Node b, Node c, ghost_leader, high",
    ]


def test_no_spec_names_a_node() -> None:
    """Nodes cannot be named, so permuting them maps behaviours to behaviours."""
    assert symmetry_breaking(trace(SETS)) == ()
    assert symmetry_breaking(trace(ROWS)) == ()
