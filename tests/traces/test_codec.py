"""Values of every sort as ITF expressions and back."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.language import (
    Abstract,
    Bag,
    Bool,
    Enum,
    Fn,
    Messages,
    Node,
    Option,
    Ordinal,
    Quorum,
    Record,
    Seq,
    State,
    Var,
    make_spec,
    member,
)
from model.language.declare import BagDecl, FnDecl, MessagesDecl
from model.language.plain import Stepper, message_key
from model.language.sorts import SeqOf, elements, is_record
from traces.codec import MAX_CELLS, Codec, Json, codec_of
from traces.errors import TraceError


class Epoch(Ordinal, bound="epochs"):
    """An epoch."""


class Place(Ordinal, bound="log"):
    """A position in a log."""


class Broker(Abstract, bound="brokers"):
    """An element without a name of its own."""


class Role(Enum):
    """A role."""

    VOTER = member()
    OBSERVER = member()


class Entry(Record):
    """A log entry with a field of each sort."""

    epoch: Epoch
    role: Role
    done: Bool
    owner: Option[Node]
    writer: Node


class Request(Record):
    """A message."""

    candidate: Node
    epoch: Epoch
    role: Role
    known: Option[Epoch]


class Toy(State):
    """Every type a state can have."""

    epoch = Fn(Node, Epoch)
    role = Fn(Node, Role)
    votes = Fn(Node, Node, Bool)
    table = Fn(Role, Bool, Broker, Option[Node])
    log = Fn(Node, Seq[Entry, Place])
    last = Fn(Place, Entry)
    electors = Fn(Epoch, Option[Quorum])
    owner = Fn(Broker, Option[Broker])
    history = Var(Seq[Entry, Place])
    newest = Var(Option[Epoch])
    done = Var(Bool)
    sent = Messages(Request)
    in_flight = Bag(Request, bound="inflight")


def write(
    s: Toy, node: Node, role: Role, quorum: Quorum, broker: Broker, maybe: Option[Epoch], request: Request
) -> None:
    """A node does something with an argument of every sort."""
    s.role[node] = role


class Sent(State):
    """One network per message class, as parameters need it."""

    role = Fn(Node, Role)
    owner = Fn(Broker, Option[Broker])
    sent = Messages(Request)


BOUNDS = {"nodes": 3, "epochs": 2, "log": 2, "brokers": 2, "inflight": 3}
CODEC = Codec(Toy.variables, BOUNDS)
SPEC = make_spec("toy", title="Toy", state=Sent, init=lambda s: None, actions=(write,), bounds=BOUNDS)


def values(sort: Any) -> st.SearchStrategy[Any]:
    """All plain values of a sort within the bounds."""
    if is_record(sort):
        return st.tuples(*(values(s) for s in sort.fields.values())).map(sort.of)
    if isinstance(sort, SeqOf):
        return st.lists(values(sort.record), max_size=BOUNDS[sort.index.bound]).map(tuple)
    return st.sampled_from(elements(sort, BOUNDS))


def frozen_values(declaration: Any) -> st.SearchStrategy[Any]:
    """All frozen values of a state variable within the bounds."""
    if isinstance(declaration, MessagesDecl):
        return st.sets(values(declaration.record), max_size=4).map(lambda ms: tuple(sorted(ms, key=message_key)))
    if isinstance(declaration, BagDecl):
        bags = st.lists(values(declaration.record), max_size=BOUNDS[declaration.bound])
        return bags.map(lambda ms: tuple(sorted(ms, key=message_key)))
    assert isinstance(declaration, FnDecl)
    if not declaration.args:
        return values(declaration.result)
    cells = 1
    for sort in declaration.args:
        cells *= len(elements(sort, BOUNDS))
    return st.tuples(*[values(declaration.result)] * cells)


def numbers(expr: Json) -> list[Json]:
    """The JSON numbers in an expression: ITF has none."""
    if isinstance(expr, dict):
        return [n for value in expr.values() for n in numbers(value)]
    if isinstance(expr, list):
        return [n for value in expr for n in numbers(value)]
    return [expr] if isinstance(expr, int | float) and not isinstance(expr, bool) else []


@given(st.tuples(*(frozen_values(declaration) for declaration in Toy.variables.values())))
def test_a_state_of_every_type_comes_back(state: tuple[Any, ...]) -> None:
    """Encoding and decoding a state gives the same state with values of the same types, and no JSON number is written."""
    expressions = CODEC.encode_state(state)
    assert numbers(list(expressions.values())) == []
    assert CODEC.decode_state(expressions) == state
    for name, value in zip(Toy.variables, state, strict=True):
        back = CODEC.decode_variable(name, expressions[name])
        assert repr(back) == repr(value), name


@given(st.tuples(*(values(p.sort) for p in SPEC.actions[0].parameters)))
def test_arguments_of_every_sort_come_back(args: tuple[Any, ...]) -> None:
    """The arguments of an action survive by name."""
    codec = codec_of(SPEC, BOUNDS)
    given_by_name = codec.encode_args(SPEC.actions[0], args)
    assert list(given_by_name) == ["node", "role", "quorum", "broker", "maybe", "request"]
    assert codec.decode_args(SPEC.actions[0], dict(reversed(given_by_name.items()))) == args


def test_the_default_state_comes_back() -> None:
    """A record that nobody has written has abstract elements that are unset, and they survive."""
    spec = make_spec("toy", title="Toy", state=Toy, init=lambda s: None, actions=(), bounds=BOUNDS)
    initial = Stepper(spec, BOUNDS).initial()
    expressions = CODEC.encode_state(initial)
    assert expressions["last"]["#map"][0][1]["writer"] == "unset"
    assert CODEC.decode_state(expressions) == initial


def test_members_come_back_as_members() -> None:
    """A decoded enum value knows its enum and its place, which the canonical order of messages needs."""
    back = CODEC.decode(Role, "OBSERVER")
    assert back is Role.OBSERVER


def test_order_in_sets_and_maps_is_free() -> None:
    """Tools may write sets and maps in any order; the state is the same."""
    node = CODEC.encode_variable("epoch", (0, 1, 2))
    assert CODEC.decode_variable("epoch", {"#map": list(reversed(node["#map"]))}) == (0, 1, 2)
    sent = tuple(Request.of((n, 1, Role.VOTER, None)) for n in range(3))
    assert CODEC.decode_variable("sent", {"#set": CODEC.encode_variable("sent", sent)["#set"][::-1]}) == sent


def big(number: int) -> Json:
    """A number as ITF writes it."""
    return {"#bigint": str(number)}


REQUEST = {"candidate": "n1", "epoch": big(1), "role": "VOTER", "known": {"tag": "None", "value": {"#tup": []}}}
ENTRY = {
    "epoch": big(0),
    "role": "VOTER",
    "done": False,
    "owner": {"tag": "None", "value": {"#tup": []}},
    "writer": "n1",
}
LOGS = [["n1", []], ["n2", []], ["n3", []]]


@pytest.mark.parametrize(
    ("variable", "expr", "message"),
    [
        ("epoch", 3, 'epoch: expected a map, found a number; a function is {"#map": [[argument, value], ...]}'),
        ("epoch", {"#map": [["n1", 1]]}, "epoch[n1]: expected an Epoch, found a number"),
        ("epoch", {"#map": [["n1", big(3)]]}, "epoch[n1]: Epoch 3 is beyond the bound epochs=2"),
        ("epoch", {"#map": [["n1", {"#bigint": "-1"}]]}, "epoch[n1]: expected an Epoch, found an object with"),
        ("epoch", {"#map": [["n1", {"#bigint": "9" * 5000}]]}, "epoch[n1]: expected an Epoch"),
        ("epoch", {"#map": [["n1", {"#bigint": "\u0661"}]]}, "epoch[n1]: expected an Epoch"),
        ("epoch", {"#map": [["n4", big(0)]]}, 'epoch[#0]: expected a Node, found the string "n4"; one of "n1" .. "n3"'),
        ("epoch", {"#map": [["n01", big(0)]]}, "epoch[#0]: expected a Node"),
        ("epoch", {"#map": [["unset", big(0)]]}, "epoch[#0]: an argument is unset"),
        ("epoch", {"#map": [["n1", big(0)], ["n1", big(0)]]}, "epoch[n1]: given twice"),
        ("epoch", {"#map": [["n1", big(0)], ["n3", big(0)]]}, "epoch[n2]: missing: the map has 2 of 3 arguments"),
        ("epoch", {"#map": [["n1"]]}, "epoch[#0]: expected a pair, found a list"),
        (
            "role",
            {"#map": [["n2", "LEADER"]]},
            'role[n2]: expected a Role, found the string "LEADER"; one of VOTER, OBS',
        ),
        ("votes", {"#map": [["n2", True]]}, "votes[#0]: expected the arguments (Node, Node), found the string"),
        (
            "votes",
            {"#map": [[{"#tup": ["n2", "n1"]}, "yes"]]},
            'votes[n2, n1]: expected true or false, found the string "yes"',
        ),
        ("log", {"#map": [["n2", "full"]]}, 'log[n2]: expected a list, found the string "full"'),
        ("log", {"#map": [["n2", [7]]]}, "log[n2][0]: expected an Entry, found a number"),
        ("log", {"#map": [["n2", [ENTRY, {**ENTRY, "done": 1}]]]}, "log[n2][1].done: expected true or false"),
        ("log", {"#map": [["n2", [{"epoch": big(1)}]]]}, "log[n2][0].role: missing; an Entry has epoch, role, done"),
        ("log", {"#map": [["n2", [{**ENTRY, "x": 1}]]]}, 'log[n2][0]: Entry has no field "x"'),
        ("log", {"#map": [["n2", [ENTRY] * 3]]}, "log[n2]: a sequence of 3 is beyond the bound log=2"),
        ("newest", None, "newest: expected an Option[Epoch], found null"),
        ("newest", {"tag": "Maybe", "value": big(1)}, 'newest.tag: expected the tag "Some" or "None"'),
        ("newest", {"tag": "Some", "value": "1"}, "newest.value: expected an Epoch"),
        ("sent", [REQUEST], 'sent: expected a set, found a list; a set is {"#set": [...]}'),
        ("sent", {"#set": [REQUEST, REQUEST]}, "sent: a set has an element twice"),
        ("sent", {"#set": [REQUEST, {**REQUEST, "epoch": big(9)}]}, "sent[1].epoch: Epoch 9 is beyond the bound"),
        ("in_flight", {"#set": [REQUEST]}, "in_flight: expected a list"),
        ("in_flight", [REQUEST] * 4, "in_flight: 4 messages are beyond the bound inflight=3"),
    ],
)
def test_what_is_not_of_its_type_is_refused_with_its_place(variable: str, expr: Json, message: str) -> None:
    """Every mistake in a state has one line with the place, what belongs there, and a remedy."""
    state = CODEC.encode_state(
        Stepper(make_spec("t", title="T", state=Toy, init=lambda s: None, actions=(), bounds=BOUNDS), BOUNDS).initial()
    )
    with pytest.raises(TraceError) as caught:
        CODEC.decode_state({**state, variable: expr})
    assert str(caught.value).startswith(message)
    assert caught.value.remedy
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        (["n1"], "1 of 3 nodes are no majority"),
        (["n1", "n1"], "a quorum names a node twice"),
        (["n1", "unset"], "a quorum with a node that is unset"),
        (["n1", "n9"], '[1]: expected a Node, found the string "n9"'),
    ],
)
def test_a_quorum_is_a_majority(nodes: list[str], message: str) -> None:
    """A set of nodes that is no majority is no Quorum."""
    with pytest.raises(TraceError) as caught:
        CODEC.decode(Quorum, {"#set": nodes})
    assert str(caught.value).startswith(message)
    assert CODEC.decode(Quorum, {"#set": ["n3", "n1"]}) == (0, 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"role": None}, "role: expected a Role, found null"),
        ({"node": "unset"}, "node: unset; an action is taken for some element"),
        ({"extra": True}, 'no parameter "extra"; the action is write(node, role, quorum, broker, maybe, request)'),
    ],
)
def test_arguments_are_exactly_those_of_the_action(change: dict[str, Json], message: str) -> None:
    """Arguments that an action does not have, or that are not of its sorts, are refused."""
    codec = codec_of(SPEC, BOUNDS)
    good = codec.encode_args(SPEC.actions[0], (0, Role.VOTER, (0, 1), 1, None, Request.of((0, 1, Role.VOTER, None))))
    with pytest.raises(TraceError) as caught:
        codec.decode_args(SPEC.actions[0], {**good, **change})
    assert str(caught.value).startswith(message)
    del good["quorum"]
    with pytest.raises(TraceError, match="quorum: missing; the action is write"):
        codec.decode_args(SPEC.actions[0], good)


def test_bounds_that_would_fill_the_memory_are_refused() -> None:
    """The size of a state is known before it is made: bounds in a file are untrusted."""
    with pytest.raises(TraceError, match=f"more than {MAX_CELLS:,}"):
        Codec(Toy.variables, {**BOUNDS, "nodes": 1_000_000})
