"""Requests of clients at the server that they are connected to."""

from impl.zookeeper.machine import Request
from impl.zookeeper.messages import ClientRequest, ClientResponse, Forward
from impl.zookeeper.peer import leave_role
from impl.zookeeper.pipeline import answer_read, enqueue_commit
from impl.zookeeper.proposals import process_sync, submit
from impl.zookeeper.state import BROADCAST, Following, Leading
from impl.zookeeper.turn import Turn


def on_client_request(turn: Turn, message: ClientRequest) -> None:
    """Reads are answered here; writes and syncs go to the leader, and are answered when they have passed through here.

    A server that does not serve takes nothing: the client's connection is refused.
    """
    request = Request(message.src, message.cxid, message.operation)
    role = turn.state.role
    if not isinstance(role, Following | Leading) or role.phase != BROADCAST:
        turn.send(ClientResponse(turn.me, message.src, message.cxid, "elsewhere", "NOT_SERVING"))
        return
    turn.set(unanswered=(*turn.state.unanswered, request))
    operation = message.operation
    if operation.f == "read":
        answer_read(turn, request)
        return
    if isinstance(role, Following):
        if operation.is_read and not turn.config.rules.sync_goes_to_the_leader():
            enqueue_commit(turn, request)
            return
        if operation.is_read:
            turn.set_role(syncs=(*role.syncs, request))
        turn.send(Forward(turn.me, role.leader, role.link, request))
    elif operation.is_read:
        process_sync(turn, turn.me, request)
    elif not submit(turn, request):
        leave_role(turn)
