"""A small protocol to try provers on: a server lends one lease at a time, numbered upwards; a node returns it."""

from typing import Any

from model.language import (
    NONE,
    Enum,
    Fn,
    Messages,
    Node,
    Option,
    Ordinal,
    Record,
    Spec,
    State,
    Var,
    always,
    forall,
    implies,
    make_spec,
    member,
    require,
    rule,
    the,
)


class Number(Ordinal, bound="numbers"):
    """The number of a lease."""


class Phase(Enum):
    """Whether a node holds the lease."""

    IDLE = member()
    HOLDS = member()


class Returned(Record):
    """A node returns its lease."""

    node: Node
    number: Number


class Lease(State):
    """The server and its nodes."""

    holder = Var(Option[Node])
    issued = Var(Number)
    phase = Fn(Node, Phase)
    number = Fn(Node, Number)
    returned = Messages(Returned)


def init(s: Lease) -> None:
    """Nobody holds the lease."""


@rule
def may_lend(free: Any) -> Any:
    """The server lends the lease only while nobody has it."""
    return free


def lend(s: Lease, n: Node) -> None:
    """The server lends the lease to a node, under a new number."""
    require(may_lend(s.holder == NONE))

    s.issued = s.issued + 1
    s.holder = n
    s.phase[n] = Phase.HOLDS
    s.number[n] = s.issued


def give_back(s: Lease, n: Node) -> None:
    """A node gives the lease back."""
    require(s.phase[n] == Phase.HOLDS)

    s.phase[n] = Phase.IDLE
    s.returned.send(Returned(node=n, number=s.number[n]))


def hear(s: Lease, returned: Returned) -> None:
    """The server hears that the lease of the current number is back."""
    require(returned.number == s.issued)

    s.holder = NONE


def renumber(s: Lease, n: Node) -> None:
    """A holder looks up the number of its lease: the one that is the latest issued."""
    require(s.phase[n] == Phase.HOLDS)

    s.number[n] = the(Number, lambda x: x == s.issued)


@always
def one_holder(s: Lease) -> Any:
    """At most one node holds the lease."""
    return forall(Node, Node, lambda a, b: implies((s.phase[a] == Phase.HOLDS) & (s.phase[b] == Phase.HOLDS), a == b))


@always
def holders_are_known(s: Lease) -> Any:
    """Whoever holds the lease is the one whom the server lent it to, under the number issued last."""
    return forall(Node, lambda n: implies(s.phase[n] == Phase.HOLDS, (s.holder == n) & (s.number[n] == s.issued)))


@always
def returns_are_of_leases_issued(s: Lease) -> Any:
    """What is returned was issued; a lease that is back is held by nobody."""
    return s.returned.forall(
        lambda m: (
            (m.number <= s.issued) & implies(m.number == s.issued, forall(Node, lambda n: s.phase[n] == Phase.IDLE))
        )
    )


LEMMAS = (one_holder, holders_are_known, returns_are_of_leases_issued)

BOUNDS = {"nodes": 3, "numbers": 3}


def lease(**changes: Any) -> Spec:
    """The spec; a keyword replaces the action or rule of that name."""
    spec = make_spec(
        "lease",
        title="Leases",
        state=Lease,
        init=init,
        actions=(lend, give_back, hear, renumber),
        rules=(may_lend,),
        bounds=BOUNDS,
        properties=LEMMAS,
    )
    for name, function in changes.items():
        spec = spec.replace(name, function)
    return spec


__all__ = ["BOUNDS", "LEMMAS", "Lease", "Number", "Phase", "Returned", "lease"]
