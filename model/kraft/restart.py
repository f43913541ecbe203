"""Crash and restart: what a node still knows. KIP-595; QuorumState.initialize, KafkaRaftClient.initialize."""

from typing import Any

from model.kraft.rules import role_after_restart, vote_after_restart
from model.kraft.state import BeginQuorumRequest, Index, KRaft, Role, VoteRequest
from model.kraft.transitions import become_unattached, is_running, leave_role, send_fetch
from model.language import Node, Not, require, value_of


def restart(s: KRaft, n: Node, kept: Index) -> None:
    """A node crashes, loses any suffix of what it has not flushed (`kept` entries survive), and starts from its disk.

    The time in between is time in which it does nothing. Quorum-state survives; the high watermark is not known any more; a
    leader restarts resigned, a candidate as a candidate of the same epoch. The epoch cache is cut back to the log.
    """
    require(s.flushed[n] <= kept)
    require(kept <= s.log[n].length)

    if Not(s.interrupted[n]):
        s.aux_restarts = s.aux_restarts + 1
    recover(s, n, kept)


def crash_before_voting(s: KRaft, voter: Node, request: VoteRequest, kept: Index) -> None:
    """A voter crashes between the two writes of a vote: the newer epoch of the request is on its disk, the vote is not.

    Enabled iff a Vote request of a newer epoch has arrived. handleVoteRequest first calls transitionToUnattached and then, if it
    grants, transitionToUnattachedVotedState; each writes quorum-state.
    """
    require(is_running(s, voter))
    require(request.candidate != voter)
    require(request.epoch > s.epoch[voter])
    require(s.flushed[voter] <= kept)
    require(kept <= s.log[voter].length)

    s.aux_restarts = s.aux_restarts + 1
    become_unattached(s, voter, request.epoch)
    recover(s, voter, kept)


def recover(s: KRaft, n: Any, kept: Any) -> None:
    """A node starts from its disk, where `kept` entries of its log are."""
    s.interrupted[n] = False
    s.log[n].truncate(kept)
    s.flushed[n] = kept
    s.last_epoch[n] = s.log[n].last.epoch
    s.high_watermark[n] = 0
    s.voted_for[n] = vote_after_restart(n, s.voted_for[n])
    role = role_after_restart(n, s.leader[n], s.voted_for[n])
    s.role[n] = role
    leave_role(s, n)
    if role == Role.CANDIDATE:
        s.grants[n, :] = lambda voter: voter == n
        s.vote_requests.send(VoteRequest(candidate=n, epoch=s.epoch[n], end=kept, last_epoch=s.last_epoch[n]))
    elif role == Role.FOLLOWER:
        send_fetch(s, n, value_of(s.leader[n]))
    elif role == Role.LEADER:  # only with KAFKA-10527: it leads on from whatever is left of its log
        s.epoch_start[n] = kept
        s.last_epoch[n] = s.epoch[n]
        s.begin_requests.send(BeginQuorumRequest(leader=n, epoch=s.epoch[n]))
