"""What holds of epochs, votes and leaders.

A lemma is true of every reachable state; all of them together are inductive.
"""

from typing import Any

from model.kraft_core.ghosts import KRaftCoreHistory
from model.kraft_core.notions import leads, stands, started
from model.kraft_core.state import Epoch, Role
from model.language import NONE, Node, always, forall, implies, is_member, value_of


@always
def votes_are_of_epochs_reached(s: KRaftCoreHistory) -> Any:
    """Whoever has voted in an epoch, or got a vote there, has reached that epoch."""
    return forall(
        Node,
        Epoch,
        Node,
        lambda n, e, c: implies(s.ghost_voted[n, e, c], (e <= s.epoch[n]) & (e <= s.epoch[c])),
    )


@always
def a_voter_votes_once_per_epoch(s: KRaftCoreHistory) -> Any:
    """No node votes for two candidates in the same epoch."""
    return forall(
        Node,
        Epoch,
        Node,
        Node,
        lambda n, e, c, d: implies(s.ghost_voted[n, e, c] & s.ghost_voted[n, e, d], c == d),
    )


@always
def votes_are_remembered(s: KRaftCoreHistory) -> Any:
    """A node remembers the vote that it gave in its epoch."""
    return forall(Node, Node, lambda n, c: implies(s.ghost_voted[n, s.epoch[n], c], s.voted_for[n] == c))


@always
def remembered_votes_were_given(s: KRaftCoreHistory) -> Any:
    """The vote that a node remembers is one that it gave in its epoch."""
    return forall(
        Node, lambda n: implies(s.voted_for[n] != NONE, s.ghost_voted[n, s.epoch[n], value_of(s.voted_for[n])])
    )


@always
def granted_messages_are_votes(s: KRaftCoreHistory) -> Any:
    """A granted vote on its way was given."""
    return s.votes_granted.forall(lambda m: s.ghost_voted[m.voter, m.epoch, m.candidate])


@always
def candidates_voted_for_themselves(s: KRaftCoreHistory) -> Any:
    """Who stands in an epoch has voted for itself there."""
    return forall(Node, lambda n: implies(stands(s, n), s.ghost_voted[n, s.epoch[n], n]))


@always
def vote_requests_are_votes(s: KRaftCoreHistory) -> Any:
    """Who has asked for votes in an epoch has reached it, and has voted for itself there."""
    return s.vote_requests.forall(
        lambda m: (m.epoch <= s.epoch[m.candidate]) & s.ghost_voted[m.candidate, m.epoch, m.candidate]
    )


@always
def grants_are_votes(s: KRaftCoreHistory) -> Any:
    """The grants that a candidate counts are votes for it in its epoch."""
    return forall(Node, Node, lambda c, n: implies(stands(s, c) & s.grants[c, n], s.ghost_voted[n, s.epoch[c], c]))


@always
def electors_voted_for_the_leader(s: KRaftCoreHistory) -> Any:
    """The quorum that elected the leader of an epoch voted for it."""
    return forall(
        Epoch,
        Node,
        lambda e, n: implies(
            started(s, e) & is_member(n, s.ghost_electors[e]), s.ghost_voted[n, e, value_of(s.ghost_leader[e])]
        ),
    )


@always
def started_epochs_have_electors(s: KRaftCoreHistory) -> Any:
    """An epoch that has started is 1 or later, and a quorum elected its leader."""
    return forall(Epoch, lambda e: implies(started(s, e), (e >= 1) & (s.ghost_electors[e] != NONE)))


@always
def leaders_won_their_epoch(s: KRaftCoreHistory) -> Any:
    """A leader is the one who won its epoch."""
    return forall(Node, lambda n: implies(leads(s, n), s.ghost_leader[s.epoch[n]] == n))


@always
def candidates_have_not_won(s: KRaftCoreHistory) -> Any:
    """A candidate is not the winner of its epoch."""
    return forall(Node, lambda n: implies(stands(s, n), s.ghost_leader[s.epoch[n]] != n))


@always
def candidates_stand_in_an_epoch(s: KRaftCoreHistory) -> Any:
    """A candidate's epoch is 1 or later."""
    return forall(Node, lambda n: implies(stands(s, n), s.epoch[n] >= 1))


@always
def begin_quorum_comes_from_the_winner(s: KRaftCoreHistory) -> Any:
    """A BeginQuorumEpoch request is from the winner of its epoch."""
    return s.begin_quorums.forall(lambda m: s.ghost_leader[m.epoch] == m.leader)


@always
def followers_follow_somebody_else(s: KRaftCoreHistory) -> Any:
    """A follower's epoch has a leader, which is another node."""
    return forall(
        Node,
        lambda n: implies(s.role[n] == Role.FOLLOWER, started(s, s.epoch[n]) & (s.ghost_leader[s.epoch[n]] != n)),
    )


ELECTION = (
    votes_are_of_epochs_reached,
    a_voter_votes_once_per_epoch,
    votes_are_remembered,
    remembered_votes_were_given,
    granted_messages_are_votes,
    candidates_voted_for_themselves,
    vote_requests_are_votes,
    grants_are_votes,
    electors_voted_for_the_leader,
    started_epochs_have_electors,
    leaders_won_their_epoch,
    candidates_have_not_won,
    candidates_stand_in_an_epoch,
    begin_quorum_comes_from_the_winner,
    followers_follow_somebody_else,
)
