"""KRaft's state transitions, shared by the features: QuorumState.transitionTo... and what goes with them."""

from typing import Any

from model.kraft.state import BeginQuorumRequest, FetchRequest, KRaft, Role, VoteRequest
from model.language import NONE, Not, is_quorum, value_of


def leave_role(s: KRaft, n: Any) -> None:
    """Forget what belongs to the role that a node leaves, and the requests it has outstanding (RequestManager.resetAll)."""
    s.grants[n, :] = False
    s.epoch_start[n] = 0
    s.replica_end[n, :] = 0
    s.vote_responses.forget(lambda m: m.candidate == n)
    s.begin_responses.forget(lambda m: m.leader == n)
    s.fetch_responses.forget(lambda m: m.follower == n)


def enter_epoch(s: KRaft, n: Any, epoch: Any) -> None:
    """A node moves to an epoch; in a new epoch it has not voted."""
    if s.epoch[n] != epoch:
        s.ghost_vote[n] = NONE
    s.epoch[n] = epoch


def become_unattached(s: KRaft, n: Any, epoch: Any) -> None:
    """A node learns of a newer epoch, but not of its leader. Its high watermark is carried over."""
    enter_epoch(s, n, epoch)
    s.role[n] = Role.UNATTACHED
    s.leader[n] = NONE
    s.voted_for[n] = NONE
    leave_role(s, n)


def become_follower(s: KRaft, n: Any, epoch: Any, leader: Any) -> None:
    """A node learns who leads an epoch, and starts to fetch. Its high watermark is carried over."""
    enter_epoch(s, n, epoch)
    s.role[n] = Role.FOLLOWER
    s.leader[n] = leader
    s.voted_for[n] = NONE
    leave_role(s, n)
    send_fetch(s, n, leader)


def become_candidate(s: KRaft, n: Any, epoch: Any) -> None:
    """A node votes for itself and asks the others; a sole voter has won already."""
    enter_epoch(s, n, epoch)
    s.role[n] = Role.CANDIDATE
    s.leader[n] = NONE
    s.voted_for[n] = n
    s.ghost_vote[n] = n
    leave_role(s, n)
    s.grants[n, :] = lambda voter: voter == n
    s.vote_requests.send(VoteRequest(candidate=n, epoch=epoch, end=s.log[n].length, last_epoch=s.last_epoch[n]))
    if is_quorum(lambda voter: s.grants[n, voter]):
        become_leader(s, n)


def become_leader(s: KRaft, n: Any) -> None:
    """A candidate has a majority. Its high watermark is not known any more; its LeaderChange record is yet to be appended.

    KafkaRaftClient.onBecomeLeader: quorum-state is written, then the epoch goes into the log's epoch cache
    (initializeLeaderEpoch), then the LeaderChange batch goes into the accumulator.
    """
    s.role[n] = Role.LEADER
    s.leader[n] = n
    s.voted_for[n] = NONE
    leave_role(s, n)
    s.epoch_start[n] = s.log[n].length
    s.last_epoch[n] = s.epoch[n]
    s.high_watermark[n] = 0
    s.ghost_leader[s.epoch[n]] = n
    s.begin_requests.send(BeginQuorumRequest(leader=n, epoch=s.epoch[n]))


def learn(s: KRaft, n: Any, epoch: Any, leader: Any) -> None:
    """A node reads a newer epoch, and perhaps its leader, in a response. KafkaRaftClient.maybeTransition."""
    if leader == NONE:
        become_unattached(s, n, epoch)
    else:
        become_follower(s, n, epoch, value_of(leader))


def send_fetch(s: KRaft, n: Any, leader: Any) -> None:
    """A follower asks for what comes after the end of its log."""
    s.fetch_requests.send(
        FetchRequest(follower=n, leader=leader, epoch=s.epoch[n], end=s.log[n].length, last_epoch=s.last_epoch[n])
    )


def is_running(s: KRaft, n: Any) -> Any:
    """The node's power is not failing."""
    return Not(s.interrupted[n])
