"""Elections: timeout, Vote request, Vote response. KIP-595 "Vote"; KafkaRaftClient.handleVoteRequest, handleVoteResponse."""

from typing import Any

from model.kraft.rules import log_up_to_date, may_grant
from model.kraft.state import KRaft, Role, VoteRequest, VoteResponse
from model.kraft.transitions import (
    become_candidate,
    become_follower,
    become_leader,
    become_unattached,
    is_running,
    learn,
)
from model.language import NONE, Node, is_quorum, require, value_of


def start_election(s: KRaft, n: Node) -> None:
    """A voter that is not the leader times out and stands for election in the next epoch.

    Election timeout of a voter that is unattached, has voted or has resigned, fetch timeout of a follower, end of a
    candidate's backoff. QuorumState.transitionToCandidate.
    """
    require(is_running(s, n))
    require(s.role[n] != Role.LEADER)

    s.aux_elections = s.aux_elections + 1
    become_candidate(s, n, s.epoch[n] + 1)


def awaits_vote(s: KRaft, request: VoteRequest) -> Any:
    """The candidate still awaits answers to this request."""
    c = request.candidate
    return (
        (s.role[c] == Role.CANDIDATE)
        & (s.epoch[c] == request.epoch)
        & (s.log[c].length == request.end)
        & (s.last_epoch[c] == request.last_epoch)
    )


def handle_vote_request(s: KRaft, voter: Node, request: VoteRequest) -> None:
    """A voter answers a candidate: at most one vote per epoch, never to a candidate whose log is behind.

    Enabled iff a request from another node has arrived that is not of an old epoch, or whose sender awaits the answer. A newer
    epoch is taken over before the vote is considered, so any node that can be reached deposes a leader.
    """
    require(is_running(s, voter))
    require(request.candidate != voter)
    require((request.epoch >= s.epoch[voter]) | awaits_vote(s, request))

    if request.epoch > s.epoch[voter]:
        become_unattached(s, voter, request.epoch)
    up_to_date = log_up_to_date(request.last_epoch, request.end, s.last_epoch[voter], s.log[voter].length)
    granted = (request.epoch == s.epoch[voter]) & may_grant(
        s.role[voter], s.voted_for[voter], s.leader[voter], request.candidate, up_to_date
    )
    if granted:
        s.role[voter] = Role.VOTED
        s.voted_for[voter] = request.candidate
        s.ghost_vote[voter] = request.candidate
    tells = granted | (s.epoch[voter] > request.epoch) | (s.leader[voter] != NONE)
    if tells & awaits_vote(s, request):
        s.vote_responses.send(
            VoteResponse(
                candidate=request.candidate,
                voter=voter,
                epoch=s.epoch[voter],
                leader=s.leader[voter],
                granted=granted,
            )
        )


def handle_vote_response(s: KRaft, response: VoteResponse) -> None:
    """A candidate counts a vote, and leads once a majority has granted; or it learns of a leader or a newer epoch.

    Enabled iff the response has arrived and is awaited.
    """
    candidate = response.candidate
    require(is_running(s, candidate))

    s.vote_responses.forget(lambda m: (m.candidate == candidate) & (m.voter == response.voter))
    if response.epoch > s.epoch[candidate]:
        learn(s, candidate, response.epoch, response.leader)
    elif response.leader != NONE:
        become_follower(s, candidate, response.epoch, value_of(response.leader))
    else:
        s.grants[candidate, response.voter] = True
        if is_quorum(lambda voter: s.grants[candidate, voter]):
            become_leader(s, candidate)
