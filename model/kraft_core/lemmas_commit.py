"""What holds of acknowledgements, of what may be committed, and of what is."""

from typing import Any

from model.kraft_core.ghosts import KRaftCoreHistory
from model.kraft_core.notions import choosable, committed, leads, own_entry, same, stands, started
from model.kraft_core.state import Epoch, Index
from model.language import Node, Quorum, always, forall, implies, is_member, value_of


@always
def acknowledgements_are_of_started_epochs(s: KRaftCoreHistory) -> Any:
    """Whoever has acknowledged something in an epoch has reached the epoch, and its log is that long."""
    return forall(
        Node,
        Epoch,
        lambda n, e: implies(
            s.ghost_acked[n, e] > 0,
            (e <= s.epoch[n]) & started(s, e) & (s.ghost_acked[n, e] <= s.ghost_log[e].length),
        ),
    )


@always
def acknowledged_choosable_entries_are_kept(s: KRaftCoreHistory) -> Any:
    """A node that has acknowledged an entry still has it on its disk, as long as the entry may be committed."""
    return forall(
        Epoch,
        Index,
        Quorum,
        Node,
        lambda e, i, q, n: implies(
            choosable(s, e, i, q) & (i >= 1) & own_entry(s, e, i) & (i <= s.ghost_acked[n, e]),
            (i <= s.flushed[n]) & (s.log[n][i].epoch == e),
        ),
    )


@always
def votes_go_to_holders_of_choosable_entries(s: KRaftCoreHistory) -> Any:
    """A candidate with the vote of a node that acknowledged an entry of an older epoch has it, if it may be committed."""
    return forall(
        Epoch,
        Index,
        Quorum,
        Node,
        Epoch,
        Node,
        lambda e, i, q, n, f, c: implies(
            choosable(s, e, i, q)
            & (i >= 1)
            & own_entry(s, e, i)
            & (i <= s.ghost_acked[n, e])
            & s.ghost_voted[n, f, c]
            & (f > e)
            & stands(s, c)
            & (s.epoch[c] == f),
            (i <= s.log[c].length) & (s.log[c][i].epoch == e),
        ),
    )


@always
def later_epochs_have_choosable_entries(s: KRaftCoreHistory) -> Any:
    """The log of every later epoch has the entries that an epoch may commit."""
    return forall(
        Epoch,
        Index,
        Quorum,
        Epoch,
        lambda e, i, q, f: implies(
            choosable(s, e, i, q)
            & started(s, e)
            & (i >= 1)
            & (i <= s.ghost_log[e].length)
            & own_entry(s, e, i)
            & started(s, f)
            & (f > e),
            (i <= s.ghost_log[f].length) & (s.ghost_log[f][i].epoch == e),
        ),
    )


ACKNOWLEDGEMENTS = (
    acknowledgements_are_of_started_epochs,
    acknowledged_choosable_entries_are_kept,
    votes_go_to_holders_of_choosable_entries,
    later_epochs_have_choosable_entries,
)


# ---- commits
@always
def commits_are_acknowledged_by_a_quorum(s: KRaftCoreHistory) -> Any:
    """What the leader of an epoch committed ends in an entry of that epoch, and each member of a quorum has acknowledged it."""
    return forall(
        Epoch,
        Index,
        lambda e, i: implies(
            committed(s, e, i),
            started(s, e)
            & (i >= 1)
            & (i <= s.ghost_log[e].length)
            & own_entry(s, e, i)
            & forall(
                Node, lambda m: implies(is_member(m, value_of(s.ghost_commit_quorum[e, i])), i <= s.ghost_acked[m, e])
            ),
        ),
    )


@always
def high_watermarks_come_from_commits(s: KRaftCoreHistory) -> Any:
    """A node's high watermark is at or below what the leader of an epoch that it has reached committed."""
    return forall(
        Node,
        lambda n: implies(
            s.high_watermark[n] > 0,
            committed(s, s.ghost_hw_epoch[n], s.ghost_hw_end[n])
            & (s.high_watermark[n] <= s.ghost_hw_end[n])
            & (s.ghost_hw_epoch[n] <= s.epoch[n]),
        ),
    )


@always
def leaders_commit_in_their_epoch(s: KRaftCoreHistory) -> Any:
    """A leader's high watermark is its own commit."""
    return forall(
        Node,
        lambda n: implies(
            leads(s, n) & (s.high_watermark[n] > 0),
            (s.ghost_hw_epoch[n] == s.epoch[n]) & (s.ghost_hw_end[n] == s.high_watermark[n]),
        ),
    )


@always
def below_the_high_watermark_is_the_commit(s: KRaftCoreHistory) -> Any:
    """Below its high watermark a node has the log of the epoch that committed it."""
    return forall(
        Node,
        Index,
        lambda n, j: implies(
            (j >= 1) & (j <= s.high_watermark[n]), same(s.log[n][j], s.ghost_log[s.ghost_hw_epoch[n]][j])
        ),
    )


@always
def high_watermark_is_within_the_log(s: KRaftCoreHistory) -> Any:
    """No log ends below its high watermark; so none is ever cut below it."""
    return forall(Node, lambda n: s.high_watermark[n] <= s.log[n].length)


COMMITS = (
    commits_are_acknowledged_by_a_quorum,
    high_watermarks_come_from_commits,
    leaders_commit_in_their_epoch,
    below_the_high_watermark_is_the_commit,
    high_watermark_is_within_the_log,
)
