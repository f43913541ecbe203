"""What holds of acknowledgements, of what may be committed, and of what is."""

from typing import Any

from model.language import Node, Not, Quorum, always, forall, implies, is_member, value_of
from model.zab_core.actions import is_synchronizing, same
from model.zab_core.ghosts import ZabCoreHistory
from model.zab_core.notions import acknowledged, choosable, committed, discovers, in_history, leads, started
from model.zab_core.state import Epoch, Index, Phase, Role


@always
def acknowledgements_are_of_current_epochs(s: ZabCoreHistory) -> Any:
    """Whoever has acknowledged something in an epoch has made it its current one, or a later one: the file is written before the ACK."""
    return forall(
        Node,
        Epoch,
        lambda n, e: (
            implies(
                s.ghost_synced[n, e],
                started(s, e)
                & (e <= s.current_epoch[n])
                & (s.ghost_initial_end[e] <= s.acknowledged[n, e])
                & (s.acknowledged[n, e] <= s.sent[e].length),
            )
            & implies(Not(s.ghost_synced[n, e]), s.acknowledged[n, e] == 0)
        ),
    )


@always
def new_leader_was_acknowledged(s: ZabCoreHistory) -> Any:
    """An ACK of NEWLEADER on its way was sent."""
    return s.new_leader_acks.forall(lambda m: s.ghost_synced[m.follower, m.epoch])


@always
def counted_servers_have_synced(s: ZabCoreHistory) -> Any:
    """Only leaders beyond discovery count who has acknowledged NEWLEADER, and whom they count has."""
    return forall(
        Node,
        Node,
        lambda c, n: implies(
            s.synced_by[c, n],
            leads(s, c) & is_synchronizing(s, c) & s.ghost_synced[n, s.accepted_epoch[c]],
        ),
    )


@always
def counted_proposals_were_acknowledged(s: ZabCoreHistory) -> Any:
    """Only leaders that broadcast count acknowledged proposals, and what they count was acknowledged."""
    return forall(
        Node,
        Node,
        lambda c, n: implies(
            s.acked_end[c, n] > 0,
            leads(s, c) & (s.phase[c] == Phase.BROADCAST) & acknowledged(s, n, s.accepted_epoch[c], s.acked_end[c, n]),
        ),
    )


@always
def acknowledged_transactions_are_not_cut(s: ZabCoreHistory) -> Any:
    """A server keeps what it has acknowledged in the epoch that it has accepted."""
    return forall(
        Node,
        lambda n: implies(
            s.ghost_synced[n, s.accepted_epoch[n]],
            (s.acknowledged[n, s.accepted_epoch[n]] <= s.keep_end[n])
            & implies(
                s.acknowledged[n, s.accepted_epoch[n]] >= 1,
                same(
                    s.history[n][s.acknowledged[n, s.accepted_epoch[n]]],
                    s.sent[s.accepted_epoch[n]][s.acknowledged[n, s.accepted_epoch[n]]],
                ),
            ),
        ),
    )


@always
def choosable_transactions_are_kept(s: ZabCoreHistory) -> Any:
    """What may be committed in an epoch is held by whoever has acknowledged it, and by whoever is at a later current epoch."""
    return forall(
        Epoch,
        Index,
        Quorum,
        Node,
        lambda e, i, q, n: implies(
            choosable(s, e, i, q) & in_history(s, e, i) & ((e < s.current_epoch[n]) | acknowledged(s, n, e, i)),
            (i <= s.history[n].length) & implies(i >= 1, same(s.history[n][i], s.sent[e][i])),
        ),
    )


@always
def promises_name_choosable_transactions(s: ZabCoreHistory) -> Any:
    """Who has acknowledged what may be committed, and then promises a later epoch, names that epoch or a later current one.

    If it names the same epoch, the last zxid that it names is not below.
    """
    return forall(
        Epoch,
        Index,
        Quorum,
        Node,
        Epoch,
        Node,
        lambda e, i, q, n, f, c: implies(
            choosable(s, e, i, q)
            & in_history(s, e, i)
            & acknowledged(s, n, e, i)
            & s.ghost_promised[n, f, c]
            & (e < f),
            (e <= s.ghost_promise_current[n, f])
            & implies(
                (s.ghost_promise_current[n, f] == e) & (i >= 1),
                (s.sent[e][i].epoch < s.ghost_promise_last_epoch[n, f])
                | ((s.sent[e][i].epoch == s.ghost_promise_last_epoch[n, f]) & (i <= s.ghost_promise_end[n, f])),
            ),
        ),
    )


@always
def leaders_in_discovery_hold_what_their_followers_acknowledged(s: ZabCoreHistory) -> Any:
    """A leader that counts a promise has what its sender acknowledged in an older epoch, if it may be committed: else it had refused it."""
    return forall(
        Epoch,
        Index,
        Quorum,
        Node,
        Node,
        lambda e, i, q, c, n: implies(
            choosable(s, e, i, q)
            & in_history(s, e, i)
            & discovers(s, c)
            & s.promised_by[c, n]
            & (e < s.accepted_epoch[c])
            & acknowledged(s, n, e, i),
            (e <= s.current_epoch[c]) & (i <= s.history[c].length),
        ),
    )


@always
def later_epochs_start_with_choosable_transactions(s: ZabCoreHistory) -> Any:
    """The initial history of every later epoch is at least as long as what an epoch may commit."""
    return forall(
        Epoch,
        Index,
        Quorum,
        Epoch,
        lambda e, i, q, f: implies(
            choosable(s, e, i, q) & in_history(s, e, i) & started(s, f) & (e < f), i <= s.ghost_initial_end[f]
        ),
    )


@always
def later_epochs_agree_on_choosable_transactions(s: ZabCoreHistory) -> Any:
    """Up to what an epoch may commit, the history of every later epoch is the same."""
    return forall(
        Epoch,
        Index,
        Quorum,
        Epoch,
        Index,
        lambda e, i, q, f, j: implies(
            choosable(s, e, i, q) & in_history(s, e, i) & started(s, f) & (e < f) & (j >= 1) & (j <= i),
            same(s.sent[f][j], s.sent[e][j]),
        ),
    )


@always
def later_epochs_go_on_after_initial_histories(s: ZabCoreHistory) -> Any:
    """Beyond the initial history of an epoch that may be established, later epochs have transactions of that epoch or later ones only."""
    return forall(
        Epoch,
        Quorum,
        Epoch,
        Index,
        lambda e, q, f, j: implies(
            choosable(s, e, s.ghost_initial_end[e], q)
            & started(s, e)
            & started(s, f)
            & (e < f)
            & (s.ghost_initial_end[e] < j)
            & (j <= s.sent[f].length),
            e <= s.sent[f][j].epoch,
        ),
    )


ACKNOWLEDGEMENTS = (
    acknowledgements_are_of_current_epochs,
    new_leader_was_acknowledged,
    counted_servers_have_synced,
    counted_proposals_were_acknowledged,
    acknowledged_transactions_are_not_cut,
)

CHOOSABLE = (
    choosable_transactions_are_kept,
    promises_name_choosable_transactions,
    leaders_in_discovery_hold_what_their_followers_acknowledged,
    later_epochs_start_with_choosable_transactions,
    later_epochs_agree_on_choosable_transactions,
    later_epochs_go_on_after_initial_histories,
)


# ---- commits
@always
def leaders_know_what_they_have_committed(s: ZabCoreHistory) -> Any:
    """A leader that broadcasts has committed up to where it says (lastCommitted), and nothing beyond."""
    return forall(
        Node,
        Index,
        lambda n, i: implies(
            leads(s, n) & (s.phase[n] == Phase.BROADCAST),
            committed(s, s.accepted_epoch[n], s.committed_end[n])
            & implies(committed(s, s.accepted_epoch[n], i), i <= s.committed_end[n]),
        ),
    )


@always
def commits_are_acknowledged_by_a_quorum(s: ZabCoreHistory) -> Any:
    """What the leader of an epoch committed has the initial history in it, and each member of a quorum has acknowledged it."""
    return forall(
        Epoch,
        Index,
        lambda e, i: implies(
            committed(s, e, i),
            in_history(s, e, i)
            & (s.ghost_initial_end[e] <= i)
            & forall(
                Node,
                lambda m: implies(is_member(m, value_of(s.ghost_commit_quorum[e, i])), acknowledged(s, m, e, i)),
            ),
        ),
    )


@always
def up_to_date_tells_a_commit(s: ZabCoreHistory) -> Any:
    """UPTODATE names what the leader of its epoch has committed."""
    return s.up_to_dates.forall(lambda m: committed(s, m.epoch, m.end) & (m.end == s.ghost_initial_end[m.epoch]))


@always
def commit_messages_tell_commits(s: ZabCoreHistory) -> Any:
    """COMMIT names what the leader of its epoch has committed."""
    return s.commits.forall(lambda m: committed(s, m.epoch, m.end))


@always
def deliveries_come_from_commits(s: ZabCoreHistory) -> Any:
    """A server has delivered up to what the leader of an epoch that it has made its own committed, and that is in its history."""
    return forall(
        Node,
        lambda n: implies(
            s.last_committed[n] > 0,
            committed(s, s.ghost_commit_epoch[n], s.last_committed[n])
            & (s.ghost_commit_epoch[n] <= s.current_epoch[n])
            & same(s.history[n][s.last_committed[n]], s.sent[s.ghost_commit_epoch[n]][s.last_committed[n]]),
        ),
    )


@always
def deliveries_are_within_the_history(s: ZabCoreHistory) -> Any:
    """No history ends before what was delivered from it; so nothing delivered is ever cut."""
    return forall(Node, lambda n: s.last_committed[n] <= s.history[n].length)


@always
def who_comes_back_keeps_what_is_committed(s: ZabCoreHistory) -> Any:
    """A server keeps all of its history; one that has come back within the epoch keeps the initial history and what it has delivered."""
    return forall(
        Node,
        lambda n: (
            (s.keep_end[n] <= s.history[n].length)
            & implies(
                s.keep_end[n] < s.history[n].length,
                (s.role[n] == Role.FOLLOWING)
                & (s.phase[n] == Phase.DISCOVERY)
                & started(s, s.accepted_epoch[n])
                & (s.ghost_initial_end[s.accepted_epoch[n]] <= s.keep_end[n])
                & (s.last_committed[n] <= s.keep_end[n]),
            )
        ),
    )


COMMITS = (
    leaders_know_what_they_have_committed,
    commits_are_acknowledged_by_a_quorum,
    up_to_date_tells_a_commit,
    commit_messages_tell_commits,
    deliveries_come_from_commits,
    deliveries_are_within_the_history,
    who_comes_back_keeps_what_is_committed,
)
