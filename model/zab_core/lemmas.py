"""The lemmas of the core's proof, and the safety properties that follow from them in one state.

`INDUCTIVE` holds initially and is kept by every action; `SAFETY` is derived from it. `proofs.py` has what the prover needs besides.
The safety properties are those of the Zab paper and of ZooKeeper's TLA+ specifications, by their names there.
"""

from typing import Any

from model.language import NONE, Node, always, forall, implies
from model.zab_core.actions import is_synchronizing, same
from model.zab_core.ghosts import ZabCoreHistory
from model.zab_core.lemmas_commit import ACKNOWLEDGEMENTS, CHOOSABLE, COMMITS
from model.zab_core.lemmas_epochs import EPOCHS
from model.zab_core.lemmas_history import HISTORIES, ORDER
from model.zab_core.notions import committed, established, leads, started
from model.zab_core.state import Epoch, Index


@always
def one_leader_per_epoch(s: ZabCoreHistory) -> Any:
    """Leadership2: at most one server ever finishes discovery in an epoch, at any two times."""
    return forall(Node, Node, Epoch, lambda a, b, e: implies(s.ghost_led[a, e] & s.ghost_led[b, e], a == b))


@always
def no_two_leaders_at_once(s: ZabCoreHistory) -> Any:
    """Leadership1: two leaders beyond discovery that have accepted the same epoch are one."""
    return forall(
        Node,
        Node,
        lambda a, b: implies(
            leads(s, a)
            & leads(s, b)
            & is_synchronizing(s, a)
            & is_synchronizing(s, b)
            & (s.accepted_epoch[a] == s.accepted_epoch[b]),
            a == b,
        ),
    )


@always
def delivered_prefixes_agree(s: ZabCoreHistory) -> Any:
    """PrefixConsistency, TotalOrder, Agreement: what two servers have delivered is the same, as far as both have."""
    return forall(
        Node,
        Node,
        Index,
        lambda a, b, j: implies(
            (j >= 1) & (j <= s.last_committed[a]) & (j <= s.last_committed[b]), same(s.history[a][j], s.history[b][j])
        ),
    )


@always
def delivered_transactions_were_broadcast(s: ZabCoreHistory) -> Any:
    """Integrity: what a server has delivered was broadcast by the leader of its epoch."""
    return forall(
        Node,
        Index,
        lambda n, j: implies(
            (j >= 1) & (j <= s.last_committed[n]),
            s.ghost_broadcast[s.history[n][j].epoch, j] == s.history[n][j].value,
        ),
    )


@always
def local_primary_order(s: ZabCoreHistory) -> Any:
    """LocalPrimaryOrder: if a leader broadcast a before b, whoever delivers b has delivered a before it."""
    return forall(
        Node,
        Index,
        Index,
        lambda n, i, j: implies(
            (i >= 1) & (i < j) & (j <= s.last_committed[n]) & (s.ghost_broadcast[s.history[n][j].epoch, i] != NONE),
            (s.history[n][i].epoch == s.history[n][j].epoch)
            & (s.ghost_broadcast[s.history[n][j].epoch, i] == s.history[n][i].value),
        ),
    )


@always
def global_primary_order(s: ZabCoreHistory) -> Any:
    """GlobalPrimaryOrder: whoever delivers transactions of two epochs delivers that of the older epoch first."""
    return forall(
        Node,
        Index,
        Index,
        lambda n, i, j: implies(
            (i >= 1)
            & (j >= 1)
            & (i <= s.last_committed[n])
            & (j <= s.last_committed[n])
            & (s.history[n][i].epoch < s.history[n][j].epoch),
            i < j,
        ),
    )


@always
def primary_integrity(s: ZabCoreHistory) -> Any:
    """PrimaryIntegrity: if a leader broadcast, what anybody ever delivers of older epochs is in the history that it committed before."""
    return forall(
        Node,
        Index,
        Epoch,
        Index,
        lambda n, i, f, j: implies(
            (i >= 1) & (i <= s.last_committed[n]) & (s.history[n][i].epoch < f) & (s.ghost_broadcast[f, j] != NONE),
            established(s, f)
            & (i <= s.ghost_initial_end[f])
            & (s.ghost_initial_end[f] < j)
            & same(s.sent[f][i], s.history[n][i]),
        ),
    )


@always
def initial_histories_grow(s: ZabCoreHistory) -> Any:
    """InitialHistoryIntegrity: the initial history of an established epoch is a beginning of that of every later one."""
    return forall(
        Epoch,
        Epoch,
        Index,
        lambda e, f, j: implies(
            established(s, e) & started(s, f) & (e < f),
            (s.ghost_initial_end[e] <= s.ghost_initial_end[f])
            & implies((j >= 1) & (j <= s.ghost_initial_end[e]), same(s.sent[e][j], s.sent[f][j])),
        ),
    )


@always
def leader_log_completeness(s: ZabCoreHistory) -> Any:
    """LeaderLogCompleteness: a leader beyond discovery has in its history what was committed in the epochs before its own."""
    return forall(
        Epoch,
        Index,
        Node,
        Index,
        lambda e, i, n, j: implies(
            committed(s, e, i) & leads(s, n) & is_synchronizing(s, n) & (e < s.accepted_epoch[n]),
            (i <= s.history[n].length) & implies((j >= 1) & (j <= i), same(s.history[n][j], s.sent[e][j])),
        ),
    )


SAFETY = (
    one_leader_per_epoch,
    no_two_leaders_at_once,
    delivered_prefixes_agree,
    delivered_transactions_were_broadcast,
    local_primary_order,
    global_primary_order,
    primary_integrity,
    initial_histories_grow,
    leader_log_completeness,
)

INDUCTIVE = (*EPOCHS, *HISTORIES, *ORDER, *ACKNOWLEDGEMENTS, *CHOOSABLE, *COMMITS)

LEMMAS = (*SAFETY, *INDUCTIVE)
