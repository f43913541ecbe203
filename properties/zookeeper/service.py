"""What clients of ZooKeeper are promised. Sources: the ZooKeeper Programmer's Guide, Consistency Guarantees, Watches, Sessions."""

from typing import Any

from model.language import NONE, Node, Not, always, exists, forall, implies, sometimes, step, value_of
from model.zookeeper.service.state import Kind, Path, Service, Session


def connected(s: Service, x: Any, n: Any) -> Any:
    """The session's client is connected to the server."""
    return s.connection[x] == n


@always
def servers_that_applied_as_much_have_the_same_tree(s: Service) -> object:
    """A server's tree, its counters and its table of sessions are a function of the zxid: views are prefixes of one history."""

    def same(a: Any, b: Any) -> Any:
        nodes = forall(
            Path,
            lambda p: (
                (s.present[a, p] == s.present[b, p])
                & (s.version[a, p] == s.version[b, p])
                & (s.modified[a, p] == s.modified[b, p])
                & (s.owner[a, p] == s.owner[b, p])
            ),
        )
        sessions = forall(Session, lambda x: s.closed[a, x] == s.closed[b, x])
        return nodes & sessions & (s.created[a] == s.created[b])

    return forall(Node, Node, lambda a, b: implies(s.applied[a] == s.applied[b], same(a, b)))


@always
def a_client_never_sees_an_older_state(s: Service) -> object:
    """Single system image: no reply shows less than an earlier one, whatever servers the session moves to."""
    return forall(Session, lambda x: Not(s.ghost_back[x]))


@always
def answers_reflect_what_was_committed(s: Service) -> object:
    """A server that answers a write has applied it, and one that answers a sync all that was committed when the leader took it."""
    return forall(Session, lambda x: Not(s.ghost_behind[x]))


@always
def a_multi_is_applied_whole(s: Service) -> object:
    """A server that has just applied a multi shows both of its changes, at its zxid."""

    def whole(n: Any) -> Any:
        txn = s.log[s.applied[n]]
        both = (s.modified[n, txn.path] == s.applied[n]) & (s.modified[n, txn.other] == s.applied[n])
        return implies((s.applied[n] >= 1) & (txn.kind == Kind.MULTI), both)

    return forall(Node, whole)


@step
def a_version_counts_the_writes(s: Service, t: Service) -> object:
    """dataVersion is 0 when a child appears, one more with each setData that a server applies, and otherwise stays."""

    def counted(n: Any, p: Any) -> Any:
        stays = s.present[n, p] & t.present[n, p]
        written = s.modified[n, p] != t.modified[n, p]
        return (
            implies(stays & written, t.version[n, p] == s.version[n, p] + 1)
            & implies(stays & (s.modified[n, p] == t.modified[n, p]), t.version[n, p] == s.version[n, p])
            & implies(Not(s.present[n, p]) & t.present[n, p], t.version[n, p] == 0)
        )

    return forall(Node, Path, counted)


@always
def a_conditional_write_has_met_its_version(s: Service) -> object:
    """A write on a version other than the expected one fails (BADVERSION)."""
    return Not(s.ghost_blind)


@always
def ephemerals_belong_to_open_sessions(s: Service) -> object:
    """An ephemeral znode's session is in the server's table: both go with the same transaction, and none is created later."""
    return forall(
        Node,
        Path,
        lambda n, p: implies(
            s.owner[n, p] != NONE,
            s.present[n, p] & Not(s.closed[n, value_of(s.owner[n, p])]),
        ),
    )


@always
def the_tracker_has_every_owner_of_an_ephemeral(s: Service) -> object:
    """The leader tracks each session that owns a znode in its tree: otherwise nobody would ever close it. ZOOKEEPER-1496."""
    return forall(
        Node,
        Path,
        lambda n, p: implies((s.leader == n) & (s.owner[n, p] != NONE), s.tracked[value_of(s.owner[n, p])]),
    )


@always
def sequential_numbers_grow(s: Service) -> object:
    """A sequential child has a higher number than all before it, deleted ones too."""
    return Not(s.ghost_repeated)


@always
def the_event_comes_before_the_new_data(s: Service) -> object:
    """A client that watches does not read a new value before it is told of the change."""
    return forall(Session, lambda x: Not(s.ghost_surprised[x]))


@always
def a_watch_fires_once(s: Service) -> object:
    """No event comes for which the client does not wait."""
    return forall(Session, Path, lambda x, p: Not(s.ghost_again[x, p]))


@always
def no_event_is_lost(s: Service) -> object:
    """A connected client that waits for an event, with none on its way, knows the value that its server has."""
    return forall(
        Session,
        Node,
        Path,
        lambda x, n, p: implies(
            connected(s, x, n) & (s.watching[x, p] != NONE) & Not(s.due[x, p]),
            value_of(s.watching[x, p]) == s.modified[n, p],
        ),
    )


@always
def late_writes_do_not_overtake(s: Service) -> object:
    """What came over a broken connection is never executed after a write that the session sent over a later one."""
    return forall(Session, lambda x: Not(s.ghost_overtaken[x]))


@sometimes
def a_plain_read_is_stale(s: Service) -> object:
    """A client is connected to a server that shows something else than the leader: reads are not linearizable."""
    return exists(
        Session,
        Node,
        Node,
        lambda x, n, m: (
            connected(s, x, n) & (s.leader == m) & exists(Path, lambda p: s.modified[n, p] != s.modified[m, p])
        ),
    )


@sometimes
def a_session_moves(s: Service, t: Service) -> object:
    """A session is continued at another server than before."""
    return exists(
        Session,
        lambda x: (
            (s.connection[x] == NONE)
            & (t.connection[x] != NONE)
            & (s.late[x] != NONE)
            & (value_of(s.late[x]) != value_of(t.connection[x]))
        ),
    )


@sometimes
def an_ephemeral_goes_with_its_session(s: Service, t: Service) -> object:
    """A server applies a closeSession, and with it an ephemeral znode disappears."""
    return exists(
        Node,
        Path,
        lambda n, p: (s.owner[n, p] != NONE) & (t.owner[n, p] == NONE) & t.closed[n, value_of(s.owner[n, p])],
    )


@sometimes
def a_watch_fires_at_reconnection(s: Service, t: Service) -> object:
    """A client that connects again learns of a change that it has missed."""
    return exists(Session, Path, lambda x, p: (s.connection[x] == NONE) & (t.connection[x] != NONE) & t.due[x, p])


@sometimes
def a_sync_waits(s: Service, t: Service) -> object:
    """The server has to catch up before it may answer a sync."""
    return exists(
        Session,
        Node,
        lambda x, n: (
            (t.aux_syncs > s.aux_syncs)
            & (s.pipe[x].length == 0)
            & (t.pipe[x].length == 1)
            & connected(t, x, n)
            & (t.pipe[x][1].zxid > t.applied[n])
        ),
    )


SERVICE = (
    servers_that_applied_as_much_have_the_same_tree,
    a_client_never_sees_an_older_state,
    answers_reflect_what_was_committed,
    a_multi_is_applied_whole,
    a_version_counts_the_writes,
    a_conditional_write_has_met_its_version,
    ephemerals_belong_to_open_sessions,
    the_tracker_has_every_owner_of_an_ephemeral,
    sequential_numbers_grow,
    the_event_comes_before_the_new_data,
    a_watch_fires_once,
    no_event_is_lost,
    late_writes_do_not_overtake,
    a_plain_read_is_stale,
    a_session_moves,
    an_ephemeral_goes_with_its_session,
    a_watch_fires_at_reconnection,
    a_sync_waits,
)
