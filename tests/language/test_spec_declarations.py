"""What a spec may not declare is refused where it is declared: with the place, the cause and the remedy."""

import inspect
import re
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

import pytest

from model.language import (
    Bag,
    Bool,
    BoundsError,
    Enum,
    Fn,
    Messages,
    Node,
    Option,
    Ordinal,
    Quorum,
    Record,
    Replacement,
    Seq,
    Spec,
    SpecError,
    State,
    Var,
    always,
    make_spec,
    member,
    rule,
    step,
)
from model.language.declare import network_of
from model.language.spec import make_action
from tests.language.plain_case import nothing, spec_of
from tests.language.small_sorts import Client, Color, Entry, Epoch, Index, Position, Role, Rpc, Vote

NO_RECORD: Any = Epoch
HERE = r"test_spec_declarations.py:\d+: "


class Quorums(State):
    """A state with every bound."""

    epoch = Fn(Node, Epoch)
    log = Fn(Node, Seq[Entry, Index])
    owner = Var(Option[Client])
    votes = Messages(Vote, newest=("voter",))
    flight = Bag(Rpc, bound="flight")


@rule
def granted(mine: Any, theirs: Any) -> Any:
    """A vote is granted to a candidate that is not behind."""
    return mine <= theirs


def elect(s: Quorums, n: Node, e: Epoch) -> None:
    """A node takes an epoch."""
    if granted(s.epoch[n], e):
        s.epoch[n] = e


def forget(s: Quorums, vote: Vote) -> None:
    """A vote is forgotten."""


def record_with(**annotations: Any) -> Any:
    """A record class with these fields."""
    kind: Any = type(Record)
    return kind("Made", (Record,), {"__annotations__": annotations, "__module__": __name__})


@pytest.mark.parametrize(
    ("declare", "cause", "remedy"),
    [
        (lambda: Fn(Epoch), "Fn needs at least one argument and a result", "write Fn(Node, Epoch), or Var(Epoch)"),
        (lambda: Fn(Entry, Epoch), "argument sort Entry", "arguments are basic sorts"),
        (lambda: Fn(Option[Node], Epoch), "argument sort Option[Node]", "arguments are basic sorts"),
        (lambda: Fn(int, Epoch), "argument sort <class 'int'>", "arguments are basic sorts"),
        (lambda: Fn(Node, Node), "a function to Node, which has no element to start from", "write Option[Node]"),
        (lambda: Var(Quorum), "a function to Quorum, which has no element to start from", "write Option[Quorum]"),
        (lambda: Var(int), "result type <class 'int'>", "use a basic sort, an Option, a Seq or a Record"),
        (lambda: Messages(NO_RECORD), "a network of Epoch", "a network holds a Record class"),
        (lambda: Bag(NO_RECORD, bound="flight"), "a network of Epoch", "a network holds a Record class"),
        (lambda: Messages(Entry, newest=("term",)), "Entry has no field 'term'", "its fields are epoch, by"),
        (lambda: Option[Entry], "Option of Entry", "an Option holds a basic sort"),
        (lambda: Option[int], "Option of <class 'int'>", "an Option holds a basic sort"),
        (lambda: Seq[Entry], "Seq of Entry", "write Seq[SomeRecord, SomeOrdinal]"),  # type: ignore[misc]
        (lambda: Seq[Epoch, Index], "Seq of (Epoch, Index)", "write Seq[SomeRecord, SomeOrdinal]"),
        (lambda: Seq[Entry, Node], "a sequence indexed by Node", "positions are of an Ordinal sort"),
        (lambda: Entry(epoch=1), "Entry without its field by", "give all of epoch, by"),
        (lambda: Entry(epoch=1, by=0, term=2), "Entry has no field term", "its fields are epoch, by"),
        (lambda: record_with(entry=Entry), "field entry of record Made has type Entry", "a field is a basic sort or"),
        (lambda: record_with(epoch=int), "field epoch of record Made has type <class 'int'>", "a field is a basic"),
        (lambda: network_of(Quorums, Entry), "type Entry, which no network of Quorums carries", "declare one network"),
    ],
)
def test_a_wrong_declaration_says_what_to_write_instead(declare: Callable[[], Any], cause: str, remedy: str) -> None:
    """Sorts, records, functions and networks that have no meaning are refused at the author's line."""
    with pytest.raises(SpecError, match=rf"^.*{HERE}.*{re.escape(cause)}; {re.escape(remedy)}"):
        declare()


def test_a_message_class_belongs_to_one_network() -> None:
    """A parameter of a class that two networks carry is ambiguous."""
    kind: Any = type("Two", (State,), {"a": Messages(Vote), "b": Messages(Vote)})
    with pytest.raises(SpecError, match="type Vote, which several networks of Two carries; declare one network"):
        make_action(kind, forget)


def undocumented(s: Quorums, n: Node) -> None:  # noqa: D103 - that is what it is for
    pass


def untyped(s: Quorums, n) -> None:  # type: ignore[no-untyped-def]
    """A parameter without a sort."""


def mistyped(s: Quorums, n: int) -> None:
    """A parameter that is no sort."""


@pytest.mark.parametrize(
    ("action", "cause", "remedy"),
    [
        (undocumented, "action undocumented has no docstring", "say who does what, and when"),
        (untyped, "parameter n of untyped has no sort", "write n: Node"),
        (mistyped, "parameter n has type <class 'int'>", "use a sort or a message class"),
    ],
)
def test_a_wrong_action_is_refused_at_its_line(action: Any, cause: str, remedy: str) -> None:
    """An action without a docstring or with a parameter of no sort is named with the line where it starts."""
    where = f"{__file__}:{action.__code__.co_firstlineno}"
    with pytest.raises(SpecError, match=f"^{re.escape(f'{where}: {cause}; {remedy}')}$"):
        make_action(Quorums, action)


@pytest.mark.parametrize("declare", [always, step])
def test_a_property_without_a_docstring_is_refused(declare: Callable[..., Any]) -> None:
    """A property says in one sentence what it claims."""
    with pytest.raises(SpecError, match=f"{HERE}property undocumented has no docstring; say in one sentence"):
        declare(undocumented)


def test_a_spec_knows_its_actions_parameters_and_bounds() -> None:
    """Parameters are sorts or networks; the bounds follow from the state, and `stale` from a newest key."""
    spec = spec_of(Quorums, elect, forget, rules=(granted,))
    assert [(a.name, a.doc) for a in spec.actions] == [
        ("elect", "A node takes an epoch."),
        ("forget", "A vote is forgotten."),
    ]
    assert [(p.name, p.sort, p.network) for a in spec.actions for p in a.parameters] == [
        ("n", Node, None),
        ("e", Epoch, None),
        ("vote", Vote, "votes"),
    ]
    assert spec.least == {"nodes": 1, "epochs": 0, "log": 0, "clients": 1, "flight": 0, "stale": 0}


def test_bounds_of_a_parameter_count_too() -> None:
    """A sort that only a parameter has needs its bound all the same."""

    def tick(s: Quorums, p: Position) -> None:
        """A position is named."""

    assert spec_of(Quorums, tick).least["channel"] == 0


GIVEN = SimpleNamespace(
    title="a spec",
    state=Quorums,
    init=nothing,
    bounds={"nodes": 3, "epochs": 1, "log": 1, "clients": 1, "flight": 1, "stale": 0},
)


def make(actions: Iterable[Any] = (elect, forget), bugs: Iterable[Replacement] = (), **changes: Any) -> Spec:
    """A spec that is whole, but for the changes."""
    return make_spec("made", actions=actions, rules=(granted,), bugs=bugs, **{**vars(GIVEN), **changes})


def test_two_actions_of_one_name_are_refused() -> None:
    """Traces and coverage name actions."""
    with pytest.raises(SpecError, match=f"{HERE}two actions of made are called elect; give each its own name"):
        make(actions=(elect, forget, elect))


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ({"node": 3}, "unknown bound 'node' of spec made: did you mean nodes?"),
        ({"zzz": 3}, "unknown bound 'zzz' of spec made: known: clients, epochs, flight, log, nodes, stale"),
        ({"nodes": 0}, "bound nodes=0 is impossible for spec made: it must be at least 1"),
        ({"log": -1}, "bound log=-1 is impossible for spec made: it must be at least 0"),
        ({"stale": 2}, "bound stale=2 is impossible for spec made: it must be 0 or 1"),
        ({"stale": -1}, "bound stale=-1 is impossible for spec made: it must be 0 or 1"),
    ],
)
def test_impossible_bounds_are_refused(bounds: dict[str, int], message: str) -> None:
    """A bound that the spec does not have, or a value that it cannot have, is one clear error."""
    with pytest.raises(BoundsError, match=f"^{re.escape(message)}$"):
        make().complete_bounds(bounds)


def test_bounds_are_completed_from_the_defaults() -> None:
    """Given bounds overlay the defaults; a default that is missing is asked for when the spec is made."""
    assert make().complete_bounds({"nodes": 5, "stale": 1}) == {**GIVEN.bounds, "nodes": 5, "stale": 1}
    with pytest.raises(BoundsError, match="spec made has no default for the bounds epochs, log: give --bounds"):
        make(bounds={k: v for k, v in GIVEN.bounds.items() if k not in ("epochs", "log")})


def bug(name: str, function: Callable[..., Any], **bounds: int) -> Replacement:
    """A planted bug."""
    return Replacement(bug="B1", title="a bug", name=name, function=function, breaks="none", bounds=bounds)


def elect_anybody(s: Quorums, n: Node, e: Epoch) -> None:
    """A node takes any epoch."""
    s.epoch[n] = e


def elect_swapped(s: Quorums, e: Epoch, n: Node) -> None:
    """A node takes any epoch; the parameters are the other way round."""


def test_a_bug_replaces_a_rule_or_an_action() -> None:
    """The spec with a bug planted differs in that one place, and says which bug it has."""
    spec = make(bugs=[bug("granted", lambda mine, theirs: True)])
    planted = spec.with_bug("B1")
    assert (planted.bug, list(planted.overrides), planted.actions) == ("B1", ["granted"], spec.actions)
    assert (spec.bug, spec.overrides) == (None, {})
    replaced = spec.replace("elect", elect_anybody)
    assert [a.name for a in replaced.actions] == ["elect", "forget"]
    assert replaced.actions[0].function is elect_anybody
    assert replaced.actions[1] is spec.actions[1]


@pytest.mark.parametrize(
    ("name", "function", "message"),
    [
        ("granted", lambda mine: True, "the replacement of rule granted takes 1 arguments; it is called with 2: mine"),
        ("elect", elect_swapped, "the replacement of action elect has other parameters; keep their types and order"),
        ("grant", elect_anybody, "made has no rule or action 'grant'; one of granted, elect, forget"),
    ],
)
def test_a_replacement_must_fit(name: str, function: Callable[..., Any], message: str) -> None:
    """A bug that does not fit what it replaces is refused when the spec is made, not when it is looked for."""
    with pytest.raises(SpecError, match=re.escape(message)):
        make().replace(name, function)
    with pytest.raises(SpecError, match=re.escape(message)):
        make(bugs=[bug(name, function)])


def test_a_bug_needs_possible_bounds_and_a_known_name() -> None:
    """The scope in which a bug is found is checked with the spec; an unknown id names the nearest one."""
    with pytest.raises(BoundsError, match="unknown bound 'elections' of spec made"):
        make(bugs=[bug("granted", lambda mine, theirs: True, elections=1)])
    with pytest.raises(LookupError, match=r"unknown bug 'B11' of spec made: did you mean B1\?"):
        make(bugs=[bug("granted", lambda mine, theirs: True)]).with_bug("B11")


def test_the_digest_is_of_the_source_that_gives_a_spec_its_meaning() -> None:
    """A planted bug, another name or other properties change the digest; making the spec again does not."""

    @always
    def nothing_is_wrong(s: Quorums) -> object:
        """Nothing is wrong."""
        return True

    spec = make(bugs=[bug("granted", lambda mine, theirs: True)])
    assert re.fullmatch("[0-9a-f]{16}", spec.digest())
    assert spec.digest() == make().digest() == spec.with_properties([nothing_is_wrong]).digest()
    assert spec.with_bug("B1").digest() != spec.digest()


def test_the_digest_covers_helpers_in_other_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    """A change in a module that only lends helpers or sorts to the actions changes the digest."""
    spec, read = make(), inspect.getsource
    before = spec.digest()
    monkeypatch.setattr(
        inspect, "getsource", lambda m: read(m) + "#" * (getattr(m, "__name__", "") == "tests.language.small_sorts")
    )
    assert spec.digest() != before


def test_members_of_an_enum_are_ordered_and_belong_to_it() -> None:
    """Members are strings with their enum and place; members of two enums may be spelled alike."""

    class Phase(Enum):
        """Two phases."""

        SECOND = member()
        FIRST = member()

    assert [(m, m.place, m.enum) for m in Phase.members] == [("SECOND", 0, Phase), ("FIRST", 1, Phase)]
    assert Role.LEADER.enum is Role
    assert Color.LEADER.enum is Color
    assert repr(Entry(epoch=1, by=None)) == "Entry(epoch=1, by=None)"
    assert [repr(x) for x in (Role, Option[Role], Seq[Entry, Index], Bool)] == [
        "Role",
        "Option[Role]",
        "Seq[Entry, Index]",
        "Bool",
    ]


def test_a_state_inherits_the_variables_of_its_base() -> None:
    """Ghosts are added from outside by a subclass; variables keep the order of their declaration."""

    class Steps(Ordinal, bound="steps"):
        """A counter."""

    class WithHistory(Quorums):
        """The same state with a history variable."""

        ghost_steps = Var(Steps)

    assert list(WithHistory.variables) == ["epoch", "log", "owner", "votes", "flight", "ghost_steps"]
