"""Commitment: what was once exposed as committed stays, everywhere and for ever."""

from typing import Any

from model.kraft.state import Index, KRaft, Role
from model.language import Node, always, forall, implies, is_quorum, step


def holds_committed(s: KRaft, n: Any, i: Any) -> Any:
    """Node n has at index i the entry that was committed there."""
    return (
        (i <= s.log[n].length)
        & (s.log[n][i].epoch == s.ghost_committed_epoch[i])
        & (s.log[n][i].value == s.ghost_committed_value[i])
    )


def is_committed(s: KRaft, i: Any) -> Any:
    """Some leader has exposed index i as committed."""
    return (i >= 1) & (s.ghost_commit_epoch[i] >= 1)


@always
def leader_completeness(s: KRaft) -> object:
    """A leader holds every entry committed in its epoch or an older one. Raft figure 3, Leader Completeness."""
    return forall(
        Node,
        Index,
        lambda n, i: implies(
            (s.role[n] == Role.LEADER) & is_committed(s, i) & (s.ghost_commit_epoch[i] <= s.epoch[n]),
            holds_committed(s, n, i),
        ),
    )


@always
def electable_nodes_hold_committed_entries(s: KRaft) -> object:
    """A node whose log is up to date for a majority holds every committed entry: what leader completeness rests on.

    It fails as soon as an entry is exposed that the next election may lose (Raft figure 8), some steps before it is lost.
    """

    def would_vote(voter: Any, n: Any) -> Any:
        newer = s.last_epoch[n] > s.last_epoch[voter]
        return newer | ((s.last_epoch[n] == s.last_epoch[voter]) & (s.log[n].length >= s.log[voter].length))

    return forall(
        Node,
        lambda n: implies(
            is_quorum(lambda voter: would_vote(voter, n)),
            forall(Index, lambda i: implies(is_committed(s, i), holds_committed(s, n, i))),
        ),
    )


@always
def committed_entries_are_flushed_on_a_majority(s: KRaft) -> object:
    """A majority has every committed entry on disk, so no crash of all nodes loses it."""
    return forall(
        Index,
        lambda i: implies(is_committed(s, i), is_quorum(lambda n: holds_committed(s, n, i) & (i <= s.flushed[n]))),
    )


@always
def state_machine_safety(s: KRaft) -> object:
    """All nodes apply the same entry at an index: what is below a high watermark is what was committed there. Raft figure 3."""
    return forall(
        Node,
        Index,
        lambda n, i: implies((i >= 1) & (i <= s.high_watermark[n]), is_committed(s, i) & holds_committed(s, n, i)),
    )


@always
def the_high_watermark_is_on_a_majority(s: KRaft) -> object:
    """No high watermark passes what a majority has on disk. RaftEventSimulationTest, MajorityReachedHighWatermark, for every node."""
    return forall(Node, lambda n: is_quorum(lambda m: s.flushed[m] >= s.high_watermark[n]))


@step
def the_high_watermark_never_decreases(s: KRaft, t: KRaft) -> object:
    """A node's high watermark only grows until it is forgotten (0) in a restart or an election. MonotonicHighWatermark."""
    return forall(Node, lambda n: (t.high_watermark[n] >= s.high_watermark[n]) | (t.high_watermark[n] == 0))


COMMIT = (
    leader_completeness,
    committed_entries_are_flushed_on_a_majority,
    state_machine_safety,
    the_high_watermark_is_on_a_majority,
    electable_nodes_hold_committed_entries,
    the_high_watermark_never_decreases,
)
