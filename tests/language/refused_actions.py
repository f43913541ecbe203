"""What actions, init and properties may not do."""

from typing import Any

from model.language import (
    NONE,
    Node,
    exists,
    forall,
    is_member,
    ite,
    quorum,
    require,
    rule,
)
from tests.language.refused_case import S, refused
from tests.language.small_sorts import Epoch, Role, Vote

# ---- actions


@refused("require after a write", "guards first")
def guard_after_write(s: S, n: Node) -> None:
    """Guards come first."""
    s.epoch[n] = 1
    require(s.role[n] == Role.LEADER)  # refused


@refused("s.epoch is written inside exists", "before or after")
def write_in_quantifier(s: S) -> None:
    """A condition changes nothing."""
    require(exists(Node, lambda m: s.epoch.__setitem__(m, 1) or (s.epoch[m] == 1)))  # refused


@rule
def writing_rule(s: Any, n: Any) -> Any:
    """A rule that is not one."""
    s.epoch[n] = 1  # refused
    return n


@refused("s.epoch is written inside rule writing_rule", "before or after")
def write_in_rule(s: S, n: Node) -> None:
    """A rule is a function of values."""
    writing_rule(s, n)


@refused("used as a Python number or text", "compare terms")
def term_in_text(s: S, n: Node) -> None:
    """A term has no text at trace time."""
    if f"{s.epoch[n]}" == "1":  # refused
        s.epoch[n] = 0


@refused("used as a Python number or text", "compare terms")
def term_as_int(s: S, n: Node) -> None:
    """A term has no number at trace time."""
    s.epoch[n] = int(s.epoch[n])  # refused


@refused("used as a Python number or text", "compare terms")
def term_as_range(s: S, n: Node) -> None:
    """A loop that depends on the state cannot be traced."""
    for _ in range(s.epoch[n]):  # refused
        s.steps = s.steps + 1


@refused("used as a key or a member of a set", "compare terms with ==")
def term_as_key(s: S, n: Node) -> None:
    """A dictionary would compare identities."""
    s.steps = {Role.LEADER: 1}.get(s.role[n], 0)  # refused


_calls: list[int] = []
_forks: list[int] = []


@refused("a second run", "nothing but the state and its parameters")
def different_guards(s: S, n: Node) -> None:
    """An action depends on its arguments only."""
    _calls.append(0)
    require(s.epoch[n] != len(_calls))  # refused


@refused("a second run of the same path asks", "nothing but the state and its parameters")
def different_forks(s: S, n: Node) -> None:
    """An action depends on its arguments only; here the third run, for the other branch, asks something else."""
    _forks.append(0)
    if s.epoch[n] == len(_forks) // 3:  # refused
        s.epoch[n] = 0


@refused("a second run writes something else", "nothing but the state and its parameters")
def different_writes(s: S, n: Node) -> None:
    """An action depends on its arguments only."""
    _calls.append(0)
    s.epoch[n] = len(_calls)  # refused


@refused("action returns_a_value returns a value", "return nothing")  # refused
def returns_a_value(s: S, n: Node) -> Any:
    """An action changes the state."""
    return s.epoch[n]


@refused("has more than 500 paths", "use ite")
def too_many_paths(s: S, n: Node) -> None:
    """Too many forks are refused; the error is at the action."""
    for k in range(9):
        if s.log[n][k].epoch > s.epoch[n]:
            s.steps = s.steps + 1


# ---- init, properties, rules


@refused("in init", "only actions fork", kind="init")
def fork_in_init(s: S) -> None:
    """The initial state is one."""
    s.match[:, :] = lambda a, b: ite(a == b, 1, 0)
    if exists(Node, Node, lambda a, b: s.match[a, b] == 1):  # refused
        s.steps = 1


@refused("require in init", "only actions have guards", kind="init")
def guard_in_init(s: S) -> None:
    """The initial state has no condition."""
    require(forall(Node, Node, lambda a, b: a == b))  # refused


@refused("s.votes read in init", "only assigns and sends", kind="init")
def network_read_in_init(s: S) -> None:
    """Networks start empty."""
    s.steps = ite(s.votes.exists(lambda m: m.epoch == 0), 1, 0)  # refused


@refused("in property fork_in_property", "use ite, &, |", kind="property")
def fork_in_property(s: S) -> Any:
    """A property is one term."""
    return 1 if s.steps == 0 else 0  # refused


@refused("s.steps is written in property write_in_property", "only actions and init write", kind="property")
def write_in_property(s: S) -> Any:
    """A property changes nothing."""
    s.steps = 1  # refused
    return s.steps == 1


@refused("quorum in property quorum_in_property", "a property says forall or exists", kind="property")
def quorum_in_property(s: S) -> Any:
    """A property is never disabled."""
    return is_member(s.leader, quorum(lambda m: s.epoch[m] > 0))  # refused


@refused("property number_as_property is a Bool", "give a Bool", kind="property")
def number_as_property(s: S) -> Any:
    """A property is a truth value; the error is at the declaration."""
    return s.steps


@refused("Rpc(slot.kind[n], slot.sender[n], slot.epoch[n]) compared with NONE", "only an Option", kind="property")
def record_compared_with_none(s: S) -> Any:
    """A record is never NONE."""
    return forall(Node, lambda n: s.slot[n] == NONE)  # refused


# ---- ghosts


@refused("a guard of action ghost_in_guard reads the history ghost_leader.some", "ghost_ state is for properties")
def ghost_in_guard(s: S, e: Epoch) -> None:
    """No guard reads history."""
    require(s.ghost_leader[e] == NONE)  # refused


@refused("a guard of action ghost_in_fork reads the history", "choose with ite")
def ghost_in_fork(s: S, e: Epoch, n: Node) -> None:
    """No fork reads history, even if it changes history only."""
    if s.ghost_leader[e] == NONE:  # refused
        s.ghost_leader[e] = n


@refused("the update of steps in action ghost_in_update reads the history ghost_sent", "ghost_ state is for")
def ghost_in_update(s: S, n: Node) -> None:
    """No protocol state is computed from history."""
    s.steps = ite(s.ghost_sent == 0, 1, 0)  # refused


@refused("a message of votes in action ghost_in_message reads the history", "ghost_ state is for")
def ghost_in_message(s: S, n: Node, e: Epoch) -> None:
    """No message carries history."""
    s.votes.send(Vote(voter=n, epoch=e, leader=s.ghost_leader[e], role=Role.LEADER))  # refused
