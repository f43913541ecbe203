"""What must hold of Zab. Names in brackets are those of the published specifications (Zab.tla, Remix I-1 .. I-14).

`committed` is history: the transactions in the order in which leaders committed them first, each with the epoch in which that was. A
server *serves* once its phase is BROADCAST; what its database holds then is what clients see.
"""

from typing import Any

from model.language import NONE, Node, always, forall, implies, is_quorum, step
from model.zookeeper.zab.rules import same_zxid, zxid_less
from model.zookeeper.zab.state import Epoch, Fault, Index, Link, Phase, Role, Zab


def is_committed(s: Zab, i: Any) -> Any:
    """A transaction has been committed at position i."""
    return (i >= 1) & (s.ghost_commit_epoch[i] >= 1)


def serves(s: Zab, n: Any) -> Any:
    """The server answers clients."""
    return s.phase[n] == Phase.BROADCAST


def has_adopted(s: Zab, n: Any) -> Any:
    """The server has acknowledged NEWLEADER of its epoch."""
    return (s.phase[n] == Phase.READY) | (s.phase[n] == Phase.BROADCAST)


# ------------------------------------------------------------------------------------------------ epochs


@always
def at_most_one_leader_per_epoch(s: Zab) -> object:
    """Two leaders at once are in different epochs. [Leadership1, I-1]"""
    return forall(
        Node,
        Node,
        lambda a, b: implies(
            (s.role[a] == Role.LEADING) & (s.role[b] == Role.LEADING) & (s.accepted_epoch[a] == s.accepted_epoch[b]),
            a == b,
        ),
    )


@step
def an_epoch_keeps_its_leader(s: Zab, t: Zab) -> object:
    """Whoever was established in an epoch is the only one ever established in it. [Leadership2, I-1]"""
    return forall(Epoch, lambda e: implies(s.ghost_leader[e] != NONE, t.ghost_leader[e] == s.ghost_leader[e]))


@step
def epochs_never_decrease(s: Zab, t: Zab) -> object:
    """acceptedEpoch and currentEpoch, as on a server's disk, only grow."""
    return forall(
        Node, lambda n: (s.accepted_epoch[n] <= t.accepted_epoch[n]) & (s.current_epoch[n] <= t.current_epoch[n])
    )


@always
def no_epoch_is_adopted_before_it_is_accepted(s: Zab) -> object:
    """currentEpoch is never ahead of acceptedEpoch: such a server refuses to start."""
    return forall(Node, lambda n: s.current_epoch[n] <= s.accepted_epoch[n])


@always
def a_server_that_crashed_starts_again(s: Zab) -> object:
    """No crash leaves files that the server refuses to start from."""
    return forall(Node, lambda n: s.role[n] != Role.REFUSING)


# ------------------------------------------------------------------------------------------------ what is committed


@always
def servers_apply_what_is_committed(s: Zab) -> object:
    """What a serving server has in its database is what was committed, in that order.

    [PrefixConsistency, Agreement, TotalOrder; I-3, I-4]
    """
    return forall(
        Node,
        Index,
        lambda n, i: implies(
            serves(s, n) & (i >= 1) & (i <= s.db[n].length),
            is_committed(s, i) & (s.db[n][i] == s.ghost_committed[i]),
        ),
    )


@always
def a_leader_has_every_committed_transaction(s: Zab) -> object:
    """A leader's database begins with what was committed in its epoch and before.

    [InitialHistoryIntegrity, leaderLogCompleteness, monotonicRead; I-7, I-8] For a leader that is just elected these are all transactions
    committed so far.
    """
    return forall(
        Node,
        Index,
        lambda n, i: implies(
            (s.role[n] == Role.LEADING) & is_committed(s, i) & (s.ghost_commit_epoch[i] <= s.accepted_epoch[n]),
            (i <= s.db[n].length) & (s.db[n][i] == s.ghost_committed[i]),
        ),
    )


@step
def no_committed_transaction_leaves_a_disk(s: Zab, t: Zab) -> object:
    """What was committed in an older epoch than the server has promised stays on its disk. [CommittedLogDurability]

    Not so in one epoch: a learner that returns to its leader with a proposal that is not committed yet is truncated and gets the proposal
    again, and meanwhile others may have it committed.
    """

    def held(of: Zab, n: Any, i: Any) -> Any:
        return (i <= of.flushed[n]) & (of.log[n][i] == s.ghost_committed[i])

    def stays(n: Any, i: Any) -> Any:
        older = is_committed(s, i) & (s.ghost_commit_epoch[i] < s.accepted_epoch[n])
        return implies(older & held(s, n, i), held(t, n, i))

    return forall(Node, Index, stays)


@always
def a_committed_transaction_is_on_a_majority_of_disks(s: Zab) -> object:
    """A majority has every committed transaction on disk, so no crash of all servers loses it."""
    return forall(
        Index,
        lambda i: implies(
            is_committed(s, i), is_quorum(lambda n: (i <= s.flushed[n]) & (s.log[n][i] == s.ghost_committed[i]))
        ),
    )


# ------------------------------------------------------------------------------------------------ order


@always
def zxids_are_unique(s: Zab) -> object:
    """Two transactions with one zxid carry out the same request, wherever they are."""
    return forall(
        Node,
        Node,
        Index,
        Index,
        lambda a, b, i, j: implies(
            (i >= 1) & (i <= s.log[a].length) & (j >= 1) & (j <= s.log[b].length) & same_zxid(s.log[a][i], s.log[b][j]),
            s.log[a][i].request == s.log[b][j].request,
        ),
    )


@always
def an_epoch_is_applied_without_gaps(s: Zab) -> object:
    """The transactions of an epoch are applied in the order of their counters, from the first on. [LocalPrimaryOrder, I-5]"""

    def successive(n: Any, i: Any) -> Any:
        before, txn = s.db[n][i - 1], s.db[n][i]
        return implies(
            (i >= 1) & (i <= s.db[n].length),
            ((txn.epoch == before.epoch) & (txn.counter == before.counter + 1)) | (txn.counter == 1),
        )

    return forall(Node, Index, successive)


@always
def epochs_are_applied_in_order(s: Zab) -> object:
    """Transactions of an older epoch are applied before those of a newer one. [GlobalPrimaryOrder, I-6]"""
    return forall(
        Node, Index, lambda n, i: implies((i >= 2) & (i <= s.db[n].length), zxid_less(s.db[n][i - 1], s.db[n][i]))
    )


# ------------------------------------------------------------------------------------------------ histories


@always
def a_follower_holds_a_prefix_of_its_leaders_log(s: Zab) -> object:
    """Once a learner has acknowledged NEWLEADER its log is a prefix of its leader's. [ProcessConsistency, HistoryConsistency; I-9, I-10]"""

    def agrees(f: Any, leader: Any, i: Any) -> Any:
        synced = (s.role[f] == Role.FOLLOWING) & has_adopted(s, f) & (s.link[leader, f] != Link.NONE)
        return implies(
            synced & (s.leader[f] == leader) & (i >= 1) & (i <= s.log[f].length), s.log[f][i] == s.log[leader][i]
        )

    return forall(Node, Node, Index, agrees)


@always
def an_acknowledged_history_is_durable(s: Zab) -> object:
    """A learner that has acknowledged NEWLEADER has the epoch's initial history, and the epoch, on disk. [Zab paper, step f.2.1]"""

    def durable(f: Any, leader: Any, i: Any) -> Any:
        synced = (s.role[f] == Role.FOLLOWING) & has_adopted(s, f) & (s.link[leader, f] != Link.NONE)
        initial = (i >= 1) & (i <= s.db[leader].length) & (s.db[leader][i].epoch < s.accepted_epoch[leader])
        return implies(
            synced & (s.leader[f] == leader),
            (s.current_epoch[f] == s.accepted_epoch[leader])
            & implies(initial, (i <= s.flushed[f]) & (s.log[f][i] == s.db[leader][i])),
        )

    return forall(Node, Node, Index, durable)


@always
def an_acknowledged_history_is_applied(s: Zab) -> object:
    """A learner that has acknowledged NEWLEADER has the epoch's initial history in its database. [I-11: not in sync although it said so]"""

    def applied(f: Any, leader: Any, i: Any) -> Any:
        synced = (s.role[f] == Role.FOLLOWING) & has_adopted(s, f) & (s.link[leader, f] != Link.NONE)
        initial = (i >= 1) & (i <= s.db[leader].length) & (s.db[leader][i].epoch < s.accepted_epoch[leader])
        return implies(synced & (s.leader[f] == leader) & initial, s.db[f][i] == s.db[leader][i])

    return forall(Node, Node, Index, applied)


@always
def a_serving_database_comes_from_the_log(s: Zab) -> object:
    """What a serving server has applied is in its log too: replaying the log gives its database."""
    return forall(
        Node,
        Index,
        lambda n, i: implies(
            serves(s, n) & (i >= 1) & (i <= s.db[n].length), (i <= s.log[n].length) & (s.db[n][i] == s.log[n][i])
        ),
    )


# ------------------------------------------------------------------------------------------------ bad states


def _no_fault(s: Zab, fault: Any) -> object:
    return forall(Node, lambda n: s.ghost_fault[n] != fault)


@always
def proposals_arrive_without_gaps(s: Zab) -> object:
    """A learner gets each proposal once, in order. [I-13]"""
    return _no_fault(s, Fault.GAP)


@always
def a_commit_finds_its_proposal(s: Zab) -> object:
    """A commit is that of the next proposal in the learner's queue. [I-14]"""
    return _no_fault(s, Fault.UNMATCHED_COMMIT)


@always
def newleader_is_acknowledged_first(s: Zab) -> object:
    """The first acknowledgement from a synchronised learner is that of NEWLEADER. [I-12]"""
    return _no_fault(s, Fault.EARLY_ACK)


@always
def a_truncated_log_has_where_it_is_cut(s: Zab) -> object:
    """A learner is truncated to a transaction that its log has: anything else makes the process exit. [I-11]"""
    return _no_fault(s, Fault.NOTHING_TO_TRUNCATE_TO)


SAFETY = (
    at_most_one_leader_per_epoch,
    an_epoch_keeps_its_leader,
    epochs_never_decrease,
    no_epoch_is_adopted_before_it_is_accepted,
    a_server_that_crashed_starts_again,
    servers_apply_what_is_committed,
    a_leader_has_every_committed_transaction,
    no_committed_transaction_leaves_a_disk,
    a_committed_transaction_is_on_a_majority_of_disks,
    zxids_are_unique,
    an_epoch_is_applied_without_gaps,
    epochs_are_applied_in_order,
    a_follower_holds_a_prefix_of_its_leaders_log,
    an_acknowledged_history_is_durable,
    an_acknowledged_history_is_applied,
    a_serving_database_comes_from_the_log,
    proposals_arrive_without_gaps,
    a_commit_finds_its_proposal,
    newleader_is_acknowledged_first,
    a_truncated_log_has_where_it_is_cut,
)
