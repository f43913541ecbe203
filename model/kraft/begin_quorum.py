"""BeginQuorumEpoch: a new leader makes itself known. KIP-595; KafkaRaftClient.handleBeginQuorumEpochRequest."""

from typing import Any

from model.kraft.state import BeginQuorumRequest, BeginQuorumResponse, KRaft, Role
from model.kraft.transitions import become_follower, is_running, learn
from model.language import NONE, Node, require


def awaits_begin(s: KRaft, request: BeginQuorumRequest) -> Any:
    """The leader still leads that epoch."""
    return (s.role[request.leader] == Role.LEADER) & (s.epoch[request.leader] == request.epoch)


def handle_begin_quorum_request(s: KRaft, n: Node, request: BeginQuorumRequest) -> None:
    """A voter learns who leads its epoch or a newer one and follows; to a leader of an old epoch it answers with its own.

    Enabled iff the request has arrived and tells the voter something new, or the leader awaits the answer.
    """
    require(is_running(s, n))
    require(request.leader != n)
    require(
        (request.epoch > s.epoch[n])
        | ((request.epoch == s.epoch[n]) & (s.leader[n] == NONE))
        | ((request.epoch < s.epoch[n]) & awaits_begin(s, request))
    )

    if request.epoch >= s.epoch[n]:
        become_follower(s, n, request.epoch, request.leader)
    else:
        s.begin_responses.send(
            BeginQuorumResponse(leader=request.leader, voter=n, epoch=s.epoch[n], known_leader=s.leader[n])
        )


def handle_begin_quorum_response(s: KRaft, response: BeginQuorumResponse) -> None:
    """A leader learns from a voter that there is a newer epoch, and steps down. Enabled iff the response is awaited."""
    require(is_running(s, response.leader))

    learn(s, response.leader, response.epoch, response.known_leader)
