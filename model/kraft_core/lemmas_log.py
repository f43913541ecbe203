"""What holds of logs and of the messages of replication.

Each epoch has one log, its leader's; that every log is, up to any of its entries, the log of that entry's epoch makes log matching a
fact about single logs.
"""

from typing import Any

from model.kraft_core.ghosts import KRaftCoreHistory
from model.kraft_core.notions import committed, leads, names, own_entry, same, stands, started
from model.kraft_core.state import Epoch, Index
from model.language import Node, always, forall, implies


@always
def entries_are_in_their_epochs_log(s: KRaftCoreHistory) -> Any:
    """An entry of a node's log is of a started epoch not above the node's, and of that epoch's log at the same place."""
    return forall(
        Node,
        Index,
        lambda n, i: implies(
            (i >= 1) & (i <= s.log[n].length),
            started(s, s.log[n][i].epoch)
            & (s.log[n][i].epoch <= s.epoch[n])
            & (i <= s.ghost_log[s.log[n][i].epoch].length)
            & own_entry(s, s.log[n][i].epoch, i),
        ),
    )


@always
def logs_are_prefixes_of_epoch_logs(s: KRaftCoreHistory) -> Any:
    """Up to any entry, a node's log is the log of that entry's epoch."""
    return forall(
        Node,
        Index,
        Index,
        lambda n, i, j: implies(
            (j >= 1) & (j <= i) & (i <= s.log[n].length), same(s.log[n][j], s.ghost_log[s.log[n][i].epoch][j])
        ),
    )


@always
def epoch_log_entries_are_in_their_epochs_log(s: KRaftCoreHistory) -> Any:
    """An entry of an epoch's log is of a started epoch not above it, and of that epoch's log at the same place."""
    return forall(
        Epoch,
        Index,
        lambda e, i: implies(
            started(s, e) & (i >= 1) & (i <= s.ghost_log[e].length),
            started(s, s.ghost_log[e][i].epoch)
            & (s.ghost_log[e][i].epoch >= 1)
            & (s.ghost_log[e][i].epoch <= e)
            & (i <= s.ghost_log[s.ghost_log[e][i].epoch].length)
            & own_entry(s, s.ghost_log[e][i].epoch, i),
        ),
    )


@always
def epoch_logs_are_prefixes_of_epoch_logs(s: KRaftCoreHistory) -> Any:
    """Up to any entry, an epoch's log is the log of that entry's epoch."""
    return forall(
        Epoch,
        Index,
        Index,
        lambda e, i, j: implies(
            started(s, e) & (j >= 1) & (j <= i) & (i <= s.ghost_log[e].length),
            same(s.ghost_log[e][j], s.ghost_log[s.ghost_log[e][i].epoch][j]),
        ),
    )


@always
def leaders_have_their_epochs_length(s: KRaftCoreHistory) -> Any:
    """A leader's log is as long as its epoch's."""
    return forall(Node, lambda n: implies(leads(s, n), s.log[n].length == s.ghost_log[s.epoch[n]].length))


@always
def leaders_have_their_epochs_log(s: KRaftCoreHistory) -> Any:
    """A leader's log is its epoch's log."""
    return forall(
        Node,
        Index,
        lambda n, i: implies(
            leads(s, n) & (i >= 1) & (i <= s.log[n].length), same(s.log[n][i], s.ghost_log[s.epoch[n]][i])
        ),
    )


@always
def leaders_last_epoch_is_theirs(s: KRaftCoreHistory) -> Any:
    """A leader's last epoch is its own, whether or not it has appended a record yet."""
    return forall(Node, lambda n: implies(leads(s, n), s.last_epoch[n] == s.epoch[n]))


@always
def flushed_is_within_the_log(s: KRaftCoreHistory) -> Any:
    """What is flushed is in the log."""
    return forall(Node, lambda n: s.flushed[n] <= s.log[n].length)


@always
def only_leaders_have_entries_to_flush(s: KRaftCoreHistory) -> Any:
    """Everybody else has flushed its whole log."""
    return forall(Node, lambda n: leads(s, n) | (s.flushed[n] == s.log[n].length))


@always
def last_epochs_are_reached(s: KRaftCoreHistory) -> Any:
    """A node has reached the last epoch that it knows of; a candidate stands in a later one."""
    return forall(
        Node,
        lambda n: (s.last_epoch[n] <= s.epoch[n]) & implies(stands(s, n), s.last_epoch[n] < s.epoch[n]),
    )


@always
def last_epochs_name_the_log(s: KRaftCoreHistory) -> Any:
    """A log's end and last epoch name the first entries of that epoch's log."""
    return forall(Node, lambda n: names(s, s.log[n].length, s.last_epoch[n], n))


@always
def logs_are_prefixes_of_their_last_epochs_log(s: KRaftCoreHistory) -> Any:
    """A node's log is the log of its last epoch, as far as it goes."""
    return forall(
        Node,
        Index,
        lambda n, j: implies((j >= 1) & (j <= s.log[n].length), same(s.log[n][j], s.ghost_log[s.last_epoch[n]][j])),
    )


@always
def vote_requests_name_a_log(s: KRaftCoreHistory) -> Any:
    """A Vote request names a log, with an epoch before the one in which its sender stands."""
    return s.vote_requests.forall(lambda m: (m.last_epoch < m.epoch) & names(s, m.end, m.last_epoch, m.candidate))


@always
def vote_requests_tell_the_log(s: KRaftCoreHistory) -> Any:
    """While a candidate stands its log is the one that it named."""
    return s.vote_requests.forall(
        lambda m: implies(
            stands(s, m.candidate) & (s.epoch[m.candidate] == m.epoch),
            (s.log[m.candidate].length == m.end)
            & forall(
                Index,
                lambda j: implies((j >= 1) & (j <= m.end), same(s.log[m.candidate][j], s.ghost_log[m.last_epoch][j])),
            ),
        )
    )


LOGS = (
    entries_are_in_their_epochs_log,
    logs_are_prefixes_of_epoch_logs,
    epoch_log_entries_are_in_their_epochs_log,
    epoch_logs_are_prefixes_of_epoch_logs,
    leaders_have_their_epochs_length,
    leaders_have_their_epochs_log,
    leaders_last_epoch_is_theirs,
    flushed_is_within_the_log,
    only_leaders_have_entries_to_flush,
    last_epochs_are_reached,
    last_epochs_name_the_log,
    logs_are_prefixes_of_their_last_epochs_log,
    vote_requests_name_a_log,
    vote_requests_tell_the_log,
)


# ---- fetches
@always
def fetches_name_a_log_that_was(s: KRaftCoreHistory) -> Any:
    """A Fetch names a log that its sender had: the sender has acknowledged it if its last entry is of the epoch."""
    return s.fetch_requests.forall(
        lambda m: (
            (m.epoch <= s.epoch[m.follower])
            & (m.last_epoch <= m.epoch)
            & started(s, m.epoch)
            & (s.ghost_leader[m.epoch] != m.follower)
            & names(s, m.end, m.last_epoch, m.follower)
            & implies(m.last_epoch == m.epoch, m.end <= s.ghost_acked[m.follower, m.epoch])
        )
    )


@always
def fetched_records_follow_what_was_named(s: KRaftCoreHistory) -> Any:
    """A Fetch is answered with the record of the epoch's log that follows the end named."""
    return s.fetched.forall(
        lambda m: (
            started(s, m.epoch)
            & (m.end <= s.ghost_log[m.epoch].length)
            & implies(m.end > 0, s.ghost_log[m.epoch][m.end].epoch == m.last_epoch)
            & implies(
                m.has_record,
                (m.end + 1 <= s.ghost_log[m.epoch].length)
                & (m.record_epoch == s.ghost_log[m.epoch][m.end + 1].epoch)
                & (m.record_value == s.ghost_log[m.epoch][m.end + 1].value),
            )
        )
    )


@always
def announced_high_watermarks_are_committed(s: KRaftCoreHistory) -> Any:
    """The high watermark in an answer was committed by the leader of that epoch."""
    return s.fetched.forall(lambda m: implies(m.high_watermark > 0, committed(s, m.epoch, m.high_watermark)))


@always
def divergence_is_where_epochs_end(s: KRaftCoreHistory) -> Any:
    """A diverging answer names where the entries up to the follower's last epoch end in the leader's log."""
    return s.diverged.forall(
        lambda m: (
            started(s, m.epoch)
            & (m.last_epoch < m.epoch)
            & (m.diverging_end <= s.ghost_log[m.epoch].length)
            & implies(
                m.diverging_end > 0,
                (s.ghost_log[m.epoch][m.diverging_end].epoch == m.diverging_epoch)
                & (m.diverging_epoch <= m.last_epoch),
            )
            & implies(m.diverging_end == 0, m.diverging_epoch == 0)
            & forall(
                Index,
                lambda j: implies(
                    (m.diverging_end < j) & (j <= s.ghost_log[m.epoch].length),
                    s.ghost_log[m.epoch][j].epoch > m.last_epoch,
                ),
            )
        )
    )


@always
def counted_replicas_have_acknowledged(s: KRaftCoreHistory) -> Any:
    """What a leader counts for a replica, the replica has acknowledged, as far as entries of the leader's epoch go."""
    return forall(
        Node,
        Node,
        Index,
        lambda leader, n, i: implies(
            leads(s, leader)
            & (i >= 1)
            & (i <= s.replica_end[leader, n])
            & (i <= s.log[leader].length)
            & (s.log[leader][i].epoch == s.epoch[leader]),
            i <= s.ghost_acked[n, s.epoch[leader]],
        ),
    )


@always
def counted_replicas_are_within_the_log(s: KRaftCoreHistory) -> Any:
    """A leader counts nothing beyond the end of its own log."""
    return forall(
        Node,
        Node,
        lambda leader, n: implies(leads(s, leader), s.replica_end[leader, n] <= s.log[leader].length),
    )


FETCHES = (
    fetches_name_a_log_that_was,
    fetched_records_follow_what_was_named,
    announced_high_watermarks_are_committed,
    divergence_is_where_epochs_end,
    counted_replicas_have_acknowledged,
    counted_replicas_are_within_the_log,
)
