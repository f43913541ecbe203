"""What must be reachable in Zab, so that its properties were at risk. That every action fires is checked by the engines."""

from model.language import Node, Not, exists, sometimes
from model.zookeeper.zab.state import Index, Link, Phase, Role, SyncMode, Zab
from properties.zookeeper.zab import is_committed


@sometimes
def a_second_epoch_is_established(s: Zab) -> object:
    """A leader of a second epoch serves."""
    return exists(
        Node, lambda n: (s.role[n] == Role.LEADING) & (s.phase[n] == Phase.BROADCAST) & (s.accepted_epoch[n] >= 2)
    )


@sometimes
def two_leaders_of_different_epochs_at_once(s: Zab) -> object:
    """An old leader still leads when a new one does."""
    return exists(
        Node,
        Node,
        lambda a, b: (
            (s.role[a] == Role.LEADING) & (s.role[b] == Role.LEADING) & (s.accepted_epoch[a] < s.accepted_epoch[b])
        ),
    )


@sometimes
def a_proposal_of_an_old_epoch_commits_in_a_new_one(s: Zab) -> object:
    """A transaction becomes committed as part of a new epoch's initial history."""
    return exists(Index, lambda i: is_committed(s, i) & (s.ghost_commit_epoch[i] > s.ghost_committed[i].epoch))


@sometimes
def a_transaction_of_a_second_epoch_commits(s: Zab) -> object:
    """A transaction that a second leader proposed is committed."""
    return exists(Index, lambda i: is_committed(s, i) & (s.ghost_committed[i].epoch >= 2))


@sometimes
def a_proposal_is_lost(s: Zab, t: Zab) -> object:
    """A proposal that was never committed leaves a log."""
    return exists(Node, lambda n: t.log[n].length < s.log[n].length)


@sometimes
def a_learner_is_truncated(s: Zab) -> object:
    """Some learner is synchronised with TRUNC."""
    return exists(Node, lambda n: s.sync_mode[n] == SyncMode.TRUNC)


@sometimes
def a_learner_gets_a_snapshot(s: Zab) -> object:
    """Some learner is synchronised with SNAP."""
    return exists(Node, lambda n: s.sync_mode[n] == SyncMode.SNAP)


@sometimes
def a_learner_gets_missed_commits(s: Zab) -> object:
    """Some learner is synchronised with a DIFF that is not empty."""
    return exists(Node, lambda n: (s.sync_mode[n] == SyncMode.DIFF) & (s.queue_committed[n] >= 1))


@sometimes
def a_learner_joins_amid_proposals(s: Zab) -> object:
    """Some learner's synchronisation ends with a proposal that is not committed yet."""
    return exists(
        Node,
        lambda n: (s.phase[n] == Phase.SYNCHRONIZATION) & (s.queue[n].length > s.queue_committed[n]) & is_learner(s, n),
    )


@sometimes
def a_commit_overtakes_uptodate(s: Zab) -> object:
    """Some learner hears of a commit between NEWLEADER and UPTODATE."""
    return exists(Node, lambda n: (s.phase[n] == Phase.READY) & (s.queue_committed[n] >= 1))


@sometimes
def a_leader_serves_alone(s: Zab) -> object:
    """A leader has lost its quorum and not noticed yet."""
    return exists(Node, lambda n: (s.role[n] == Role.LEADING) & Not(exists(Node, lambda m: s.link[n, m] != Link.NONE)))


def is_learner(s: Zab, n: Node) -> object:
    """The server follows."""
    return s.role[n] == Role.FOLLOWING


REACHABLE = (
    a_second_epoch_is_established,
    two_leaders_of_different_epochs_at_once,
    a_proposal_of_an_old_epoch_commits_in_a_new_one,
    a_transaction_of_a_second_epoch_commits,
    a_proposal_is_lost,
    a_learner_is_truncated,
    a_learner_gets_a_snapshot,
    a_learner_gets_missed_commits,
    a_learner_joins_amid_proposals,
    a_commit_overtakes_uptodate,
    a_leader_serves_alone,
)
