"""A spec that is hard to export: names that TLA+ has taken, keys that may lie outside of a domain, guards of every shape."""

from model.language import (
    NONE,
    Fn,
    Node,
    Option,
    Record,
    State,
    Var,
    exists,
    forall,
    implies,
    ite,
    make_spec,
    require,
    value_of,
)
from tests.language.small_sorts import Epoch


class Parcel(Record):
    """A record whose node is unset in the record of defaults."""

    owner: Node
    epoch: Epoch


class Awkward(State):
    """Names that TLA+ has taken, a row of a column, keys that may be outside of a domain."""

    IN = Var(Epoch)
    Append = Fn(Node, Epoch)
    vars = Fn(Node, Node, Epoch)
    parcel = Fn(Node, Parcel)
    leader = Var(Option[Node])
    limit = Var(Option[Epoch])


def awkward_init(s: Awkward) -> None:
    """The defaults."""


def LET(s: Awkward, m: Node, IN: Epoch) -> None:  # noqa: N802 - a name that has to be changed
    """Writes a column, and a key beyond the bounds or none."""
    require(s.IN != IN)

    s.vars[:, m] = lambda n: s.Append[n] + 1
    s.IN = IN
    s.Append[m] = s.vars[m, m]


def ship(s: Awkward, n: Node, m: Node) -> None:
    """A parcel is owned by a node; reads of the epoch of nobody's parcel are total."""
    require(s.Append[s.parcel[n].owner] == s.parcel[m].epoch)

    s.parcel[n] = Parcel(owner=m, epoch=s.Append[m])
    s.leader = n


def resign(s: Awkward) -> None:
    """An Option of a number is chosen by what else is chosen."""
    require((s.leader != NONE) | (s.limit != NONE))

    if s.leader != NONE:
        s.limit = s.Append[value_of(s.leader)]
        s.Append[value_of(s.leader)] = 0
    else:
        s.limit = NONE
    s.leader = NONE


def agree(s: Awkward, n: Node, m: Node) -> None:
    """Disjunctions below all that TLC looks through: one step, however many of them are true."""
    require((s.leader == n) & ((s.IN == 0) | (s.Append[n] == 0)))
    require(implies(s.IN == 0, (s.Append[m] == 0) | (s.Append[n] == 0)))
    require(forall(Node, lambda a: (s.Append[a] == 0) | (s.parcel[a].epoch == 0)))
    require(ite(s.IN == 0, exists(Node, lambda a: s.Append[a] == 0), s.Append[n] == 0))

    s.parcel[m] = s.parcel[n]


AWKWARD = make_spec(
    "IF-then",
    title="names that TLA+ has taken",
    state=Awkward,
    init=awkward_init,
    actions=(LET, ship, resign, agree),
    bounds={"nodes": 2, "epochs": 1},
)
