"""What holds of histories: each epoch has one, its leader's, and the history of every server is a beginning of one of them."""

from typing import Any

from model.language import NONE, Node, always, forall, implies
from model.zab_core.actions import is_synchronizing, same
from model.zab_core.ghosts import ZabCoreHistory
from model.zab_core.notions import established, leads, started
from model.zab_core.state import Epoch, Index, Phase


@always
def current_epochs_were_accepted(s: ZabCoreHistory) -> Any:
    """A server's history comes from an epoch between its current and its accepted one."""
    return forall(
        Node,
        lambda n: (s.current_epoch[n] <= s.ghost_source[n]) & (s.ghost_source[n] <= s.accepted_epoch[n]),
    )


@always
def initial_histories_are_beginnings(s: ZabCoreHistory) -> Any:
    """The initial history of an epoch is a beginning of its history."""
    return forall(Epoch, lambda e: s.ghost_initial_end[e] <= s.sent[e].length)


@always
def new_leader_names_the_initial_history(s: ZabCoreHistory) -> Any:
    """NEWLEADER names the end of the initial history of a started epoch."""
    return s.new_leaders.forall(lambda m: started(s, m.epoch) & (m.end == s.ghost_initial_end[m.epoch]))


@always
def histories_come_from_started_epochs(s: ZabCoreHistory) -> Any:
    """A server's history comes from a started epoch and is no longer than that epoch's, or is empty and from epoch 0."""
    return forall(
        Node,
        lambda n: (
            (((s.ghost_source[n] == 0) & (s.sent[s.ghost_source[n]].length == 0)) | started(s, s.ghost_source[n]))
            & (s.history[n].length <= s.sent[s.ghost_source[n]].length)
        ),
    )


@always
def histories_are_beginnings_of_epoch_histories(s: ZabCoreHistory) -> Any:
    """A server's history is a beginning of the history of the epoch from which it comes."""
    return forall(
        Node,
        Index,
        lambda n, j: implies(
            (j >= 1) & (j <= s.history[n].length), same(s.history[n][j], s.sent[s.ghost_source[n]][j])
        ),
    )


@always
def synchronizing_servers_have_their_epochs_history(s: ZabCoreHistory) -> Any:
    """The history of a server that synchronises or broadcasts comes from the epoch that it has accepted."""
    return forall(Node, lambda n: implies(is_synchronizing(s, n), s.ghost_source[n] == s.accepted_epoch[n]))


@always
def current_epochs_initial_history_is_held(s: ZabCoreHistory) -> Any:
    """A server whose history comes from its current epoch has that epoch's initial history: the epoch is written after the history."""
    return forall(
        Node,
        lambda n: implies(
            s.current_epoch[n] == s.ghost_source[n],
            (s.ghost_initial_end[s.current_epoch[n]] <= s.history[n].length)
            & implies(
                s.ghost_initial_end[s.current_epoch[n]] >= 1,
                same(
                    s.history[n][s.ghost_initial_end[s.current_epoch[n]]],
                    s.sent[s.current_epoch[n]][s.ghost_initial_end[s.current_epoch[n]]],
                ),
            ),
        ),
    )


@always
def broadcasting_servers_have_written_their_epoch(s: ZabCoreHistory) -> Any:
    """A server that broadcasts has made the epoch that it has accepted its current one."""
    return forall(Node, lambda n: implies(s.phase[n] == Phase.BROADCAST, s.current_epoch[n] == s.accepted_epoch[n]))


@always
def synchronizing_leaders_have_proposed_nothing(s: ZabCoreHistory) -> Any:
    """A leader that is not established has its initial history, and has sent nothing more."""
    return forall(
        Node,
        lambda n: implies(
            leads(s, n) & (s.phase[n] == Phase.SYNCHRONIZATION),
            (s.history[n].length == s.ghost_initial_end[s.accepted_epoch[n]])
            & (s.sent[s.accepted_epoch[n]].length == s.ghost_initial_end[s.accepted_epoch[n]]),
        ),
    )


@always
def broadcasting_leaders_are_established(s: ZabCoreHistory) -> Any:
    """The initial history of a leader that broadcasts is committed, and it has delivered it."""
    return forall(
        Node,
        lambda n: implies(
            leads(s, n) & (s.phase[n] == Phase.BROADCAST),
            established(s, s.accepted_epoch[n]) & (s.ghost_initial_end[s.accepted_epoch[n]] <= s.last_committed[n]),
        ),
    )


@always
def transactions_were_broadcast(s: ZabCoreHistory) -> Any:
    """A transaction in the history of an epoch was broadcast at its place by the leader of its own epoch, which is no later."""
    return forall(
        Epoch,
        Index,
        lambda e, i: implies(
            (i >= 1) & (i <= s.sent[e].length),
            (s.sent[e][i].epoch <= e) & (s.ghost_broadcast[s.sent[e][i].epoch, i] == s.sent[e][i].value),
        ),
    )


@always
def broadcasts_follow_the_initial_history(s: ZabCoreHistory) -> Any:
    """What the leader of an epoch broadcast is in the epoch's history, after the initial history, which was committed before."""
    return forall(
        Epoch,
        Index,
        lambda e, i: implies(
            s.ghost_broadcast[e, i] != NONE,
            started(s, e)
            & established(s, e)
            & (s.ghost_initial_end[e] < i)
            & (i <= s.sent[e].length)
            & (s.sent[e][i].epoch == e)
            & (s.ghost_broadcast[e, i] == s.sent[e][i].value),
        ),
    )


@always
def own_transactions_follow_the_initial_history(s: ZabCoreHistory) -> Any:
    """After the initial history of an epoch come transactions of that epoch only."""
    return forall(
        Epoch,
        Index,
        lambda e, i: implies(
            (i <= s.sent[e].length) & (s.ghost_initial_end[e] < i),
            s.sent[e][i].epoch == e,
        ),
    )


@always
def zxids_increase(s: ZabCoreHistory) -> Any:
    """The epochs of transactions never decrease along a history, so zxids increase."""
    return forall(
        Epoch,
        Index,
        Index,
        lambda e, i, j: implies(
            (j >= 1) & (j <= i) & (i <= s.sent[e].length), s.sent[e][j].epoch <= s.sent[e][i].epoch
        ),
    )


@always
def epoch_histories_agree_up_to_a_zxid(s: ZabCoreHistory) -> Any:
    """Up to any transaction, the history of an epoch is the history of that transaction's epoch: a zxid names all that comes before."""
    return forall(
        Epoch,
        Index,
        Index,
        lambda e, i, j: implies(
            (j >= 1) & (j <= i) & (i <= s.sent[e].length), same(s.sent[e][j], s.sent[s.sent[e][i].epoch][j])
        ),
    )


HISTORIES = (
    current_epochs_were_accepted,
    initial_histories_are_beginnings,
    new_leader_names_the_initial_history,
    histories_come_from_started_epochs,
    histories_are_beginnings_of_epoch_histories,
    synchronizing_servers_have_their_epochs_history,
    current_epochs_initial_history_is_held,
    broadcasting_servers_have_written_their_epoch,
    synchronizing_leaders_have_proposed_nothing,
)

ORDER = (
    broadcasting_leaders_are_established,
    transactions_were_broadcast,
    broadcasts_follow_the_initial_history,
    own_transactions_follow_the_initial_history,
    zxids_increase,
    epoch_histories_agree_up_to_a_zxid,
)
