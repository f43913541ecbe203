"""Elections: who may lead, who may vote."""

from model.kraft.state import Epoch, KRaft, Role
from model.language import NONE, Node, always, forall, implies, step


@always
def at_most_one_leader_per_epoch(s: KRaft) -> object:
    """Two leaders at once are in different epochs. Raft figure 3, Election Safety."""
    return forall(
        Node,
        Node,
        lambda a, b: implies(
            (s.role[a] == Role.LEADER) & (s.role[b] == Role.LEADER) & (s.epoch[a] == s.epoch[b]), a == b
        ),
    )


@step
def an_epoch_keeps_its_leader(s: KRaft, t: KRaft) -> object:
    """Whoever was elected in an epoch is the only one ever elected in it, even after stepping down or crashing."""
    return forall(Epoch, lambda e: implies(s.ghost_leader[e] != NONE, t.ghost_leader[e] == s.ghost_leader[e]))


@step
def a_voter_votes_once_per_epoch(s: KRaft, t: KRaft) -> object:
    """While a voter stays in an epoch its vote stays with one candidate, across crashes. KIP-595; Raft section 5.2."""
    return forall(
        Node,
        lambda n: implies((s.epoch[n] == t.epoch[n]) & (s.ghost_vote[n] != NONE), t.ghost_vote[n] == s.ghost_vote[n]),
    )


@step
def epochs_never_decrease(s: KRaft, t: KRaft) -> object:
    """A node's epoch, as on its disk, only grows. RaftEventSimulationTest, MonotonicEpoch."""
    return forall(Node, lambda n: s.epoch[n] <= t.epoch[n])


ELECTION = (
    at_most_one_leader_per_epoch,
    an_epoch_keeps_its_leader,
    a_voter_votes_once_per_epoch,
    epochs_never_decrease,
)
