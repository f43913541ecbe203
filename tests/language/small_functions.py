"""Small specs of state functions: sequences, rows, Options. They model no protocol."""

from typing import Any

from model.language import (
    NONE,
    Bool,
    Fn,
    Node,
    Not,
    Option,
    Quorum,
    Seq,
    State,
    Var,
    always,
    count,
    exists,
    forall,
    implies,
    is_member,
    is_quorum,
    ite,
    make_spec,
    maximum,
    minimum,
    quorum,
    require,
    sometimes,
    the,
    value_of,
)
from tests.language.small_sorts import Color, Entry, Epoch, Index, Role


class Logs(State):
    """Logs that are appended to, cut and copied."""

    log = Fn(Node, Seq[Entry, Index])
    shared = Var(Seq[Entry, Index])
    last = Var(Entry)
    chosen = Var(Option[Index])


def logs_init(s: Logs) -> None:
    """The shared log holds one entry of nobody."""
    s.shared = (Entry(epoch=1, by=NONE),)


def logs_append(s: Logs, n: Node, e: Epoch) -> None:
    """A node appends an entry; beyond the bound the step is cut."""
    require(e >= 1)
    require((s.log[n].length == 0) | (s.log[n].last.epoch <= e))

    log = s.log[n]
    log.append(Entry(epoch=e, by=n))
    s.last = log.last


def logs_truncate(s: Logs, n: Node, k: Index) -> None:
    """A node keeps k entries, then reads beyond the end."""
    s.log[n].truncate(k)
    s.last = s.log[n][k + 1]


def logs_copy(s: Logs, a: Node, b: Node) -> None:
    """A log is copied, and its source then changes."""
    require(a != b)
    require(s.log[a] != s.log[b])

    s.log[b] = s.log[a]
    s.log[a].append(Entry(epoch=0, by=NONE))
    s.log[a].pop_first()
    s.shared = s.log[b]


def logs_choose(s: Logs, n: Node) -> None:
    """The end of the entries of epoch at most 1 is chosen."""
    log = s.log[n]
    end = the(
        Index,
        lambda x: (
            (x <= log.length)
            & forall(Index, lambda i: implies((i >= 1) & (i <= x), log[i].epoch <= 1))
            & implies(x < log.length, log[x + 1].epoch > 1)
        ),
    )
    s.chosen = end
    s.log[n].truncate(end)


def logs_all(s: Logs) -> None:
    """Every log becomes the shared one."""
    s.log[:] = lambda n: s.shared


@always
def logs_start_equal(s: Logs) -> Any:
    """Two logs agree on their first entry: false in some states."""
    return forall(
        Node,
        Node,
        Index,
        lambda a, b, i: implies((i == 1) & (i <= s.log[a].length) & (i <= s.log[b].length), s.log[a][i] == s.log[b][i]),
    )


@sometimes
def logs_chosen_end(s: Logs) -> Any:
    """A position was chosen that is the end of the shared log."""
    return (s.chosen != NONE) & (value_of(s.chosen) == s.shared.length) & (s.last.by == NONE)


LOGS = make_spec(
    "logs",
    title="sequences",
    state=Logs,
    init=logs_init,
    actions=(logs_append, logs_truncate, logs_copy, logs_choose, logs_all),
    properties=(logs_start_equal, logs_chosen_end),
    bounds={"nodes": 2, "epochs": 2, "log": 2},
)


class Rows(State):
    """Functions that are written row by row, and Options."""

    grants = Fn(Node, Node, Bool)
    match = Fn(Node, Node, Epoch)
    leader = Fn(Node, Option[Node])
    mode = Fn(Role, Bool, Color)
    electors = Var(Option[Quorum])
    aux_steps = Var(Epoch)


def rows_init(s: Rows) -> None:
    """One mode is red, the others are not; a diagonal of grants."""
    s.mode[:, True] = lambda r: ite(r == Role.LEADER, Color.RED, Color.LEADER)
    s.mode[Role.LEADER, False] = Color.LEADER
    s.grants[:, :] = lambda a, b: a == b


def rows_shift(s: Rows, n: Node) -> None:
    """A row that mentions itself, written over a row that was just written."""
    s.aux_steps = s.aux_steps + 1
    s.match[n, :] = lambda m: ite(s.grants[n, m], s.match[n, m] + 1, s.match[m, n])
    s.match[:, n] = lambda m: minimum(s.match[n, m], s.match[m, n])
    s.grants[n, :] = lambda m: Not(s.grants[n, m])
    s.grants[n, n] = s.grants[n, n] | (s.match[n, n] > 1)


def rows_clear(s: Rows, n: Node) -> None:
    """A node forgets its row if it is not empty."""
    require(exists(Node, lambda m: s.grants[n, m]))

    s.grants[n, :] = False
    s.match[n, :] = 0
    s.leader[n] = NONE


def rows_follow(s: Rows, n: Node, whom: Option[Node]) -> None:
    """A node follows whom it is told, or the one that the other follows."""
    require(whom != s.leader[n])

    s.leader[n] = ite(whom == NONE, s.leader[n], whom)
    if s.leader[n] != NONE:
        s.grants[value_of(s.leader[n]), n] = True
    s.mode[Role.CANDIDATE, s.leader[n] == n] = Color.RED


def rows_elect(s: Rows, n: Node) -> None:
    """A majority of grants elects."""
    electors = quorum(lambda m: s.grants[n, m])

    s.electors = electors
    if is_member(n, electors):
        s.leader[n] = n


def rows_count(s: Rows, n: Node, m: Node) -> None:
    """Counting and majorities in guards and in forks."""
    require(count(Node, lambda x: s.grants[n, x]) + 1 >= count(Node, lambda x: s.grants[x, m]))
    require(Not(is_quorum(lambda x: s.match[n, x] > 0)))

    if is_quorum(lambda x: s.grants[x, m]):
        s.match[n, m] = maximum(s.match[n, m], s.match[m, n])
    else:
        s.match[n, m] = ite(s.match[n, m] == 0, 0, s.match[n, m] - 1)


@always
def rows_electors_intersect(s: Rows) -> Any:
    """The electors meet every majority."""
    return forall(
        Quorum,
        lambda q: (s.electors == NONE) | exists(Node, lambda n: is_member(n, q) & is_member(n, value_of(s.electors))),
    )


@always
def rows_symmetric(s: Rows) -> Any:
    """Grants are symmetric: false in some states."""
    return forall(Node, Node, lambda a, b: s.grants[a, b] == s.grants[b, a]) & forall(
        Role, Bool, lambda r, b: implies(r == Role.FOLLOWER, (s.mode[r, b] == Color.RED) == Not(b))
    )


ROWS = make_spec(
    "rows",
    title="rows and options",
    state=Rows,
    init=rows_init,
    actions=(rows_shift, rows_clear, rows_follow, rows_elect, rows_count),
    properties=(rows_electors_intersect, rows_symmetric),
    bounds={"nodes": 2, "epochs": 2},
)
