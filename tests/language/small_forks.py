"""Small specs of control flow: forks, rules, and mistakes that only a run shows. They model no protocol."""

from typing import Any

from model.language import (
    NONE,
    Bool,
    Fn,
    Node,
    Option,
    State,
    Var,
    all_of,
    always,
    any_of,
    exists,
    forall,
    implies,
    ite,
    make_spec,
    require,
    rule,
    sometimes,
    the,
)
from tests.language.small_sorts import Epoch, Role


class Forks(State):
    """Roles and epochs, changed by actions with many paths."""

    role = Fn(Node, Role)
    epoch = Fn(Node, Epoch)
    leader = Fn(Node, Option[Node])
    seen = Fn(Epoch, Bool)


def forks_init(s: Forks) -> None:
    """The defaults."""


@rule
def may_lead(role: Any, epoch: Any, other: Any) -> Any:
    """A candidate of a later epoch may lead."""
    return (role == Role.CANDIDATE) & (epoch > other)


@rule
def next_role(role: Any) -> Any:
    """What comes after a role."""
    return ite(role == Role.FOLLOWER, Role.CANDIDATE, Role.FOLLOWER)


@rule
def ahead(epoch: Any, other: Any) -> Any:
    """A rule that is also a guard."""
    require(epoch >= other)
    return epoch


def lead_always(role: Any, epoch: Any, other: Any) -> Any:
    """The replacement of may_lead: whoever is not behind may lead."""
    return epoch >= other


def forks_time_out(s: Forks, n: Node) -> None:
    """Nested ifs, with and, or, not; a path that changes nothing."""
    if s.role[n] == Role.LEADER:
        if s.epoch[n] == 0 or s.leader[n] == NONE:
            s.role[n] = Role.FOLLOWER
    elif s.role[n] == Role.CANDIDATE and not (s.leader[n] == NONE or s.leader[n] == n):
        s.leader[n] = NONE
    else:
        s.epoch[n] = s.epoch[n] + 1
        s.role[n] = next_role(s.role[n])
    if s.epoch[n] == 2:
        s.seen[2] = True


def forks_lead(s: Forks, n: Node, m: Node) -> None:
    """A rule in a guard and in a fork, and a guard that differs per path."""
    if n == m:
        require(s.role[n] != Role.LEADER)
    else:
        require(may_lead(s.role[n], s.epoch[n], s.epoch[m]))

    if any_of(s.role[m] == Role.LEADER, s.leader[m] == n) and all_of(n != m, s.epoch[n] > 0):
        s.epoch[m] = ahead(s.epoch[n], s.epoch[m]) if s.role[m] in (Role.LEADER, Role.FOLLOWER) else s.epoch[n]
    s.leader[m] = n
    s.role[n] = Role.LEADER


def forks_look(s: Forks, e: Epoch, b: Bool, r: Role) -> None:
    """Parameters of every kind of sort; keys beyond the bounds are read as defaults, and cut when written."""
    require((e >= 1) == b)
    require(exists(Node, lambda n: s.role[n] == r))

    if s.seen[e + 1]:
        return
    s.seen[e + 1] = b | (r == Role.LEADER)


@always
def forks_one_leader(s: Forks) -> Any:
    """At most one leader per epoch: false in some states."""
    leads = [s.role]
    return forall(
        Node,
        Node,
        lambda a, b: implies(
            (leads[0][a] == Role.LEADER) & (leads[0][b] == Role.LEADER) & (s.epoch[a] == s.epoch[b]), a == b
        ),
    )


@sometimes
def forks_change(s: Forks, t: Forks) -> Any:
    """Some step changes a leader to itself."""
    return exists(Node, lambda n: (s.leader[n] != n) & (t.leader[n] == n) & (t.role[n] != s.role[n]))


FORKS = make_spec(
    "forks",
    title="forks and rules",
    state=Forks,
    init=forks_init,
    actions=(forks_time_out, forks_lead, forks_look),
    rules=(may_lead, next_role, ahead),
    properties=(forks_one_leader, forks_change),
    bounds={"nodes": 2, "epochs": 2},
)
FORKS_BUG = FORKS.replace("may_lead", lead_always)


class Pair(State):
    """Two numbers."""

    low = Var(Epoch)
    high = Var(Epoch)


def pair_init(s: Pair) -> None:
    """High is 1."""
    s.high = 1


def pair_choose(s: Pair) -> None:
    """Low becomes the number up to high: there are two."""
    s.low = the(Epoch, lambda e: e <= s.high)


def pair_below(s: Pair) -> None:
    """Low becomes a difference that is negative."""
    s.low = s.low - s.high
