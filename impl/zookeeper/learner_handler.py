"""What a learner says to its leader: the handshake, step by step, then the broadcast. LearnerHandler.run."""

from attrs import evolve

from impl.effects import Close, ConnectionOpened, Link
from impl.zookeeper.leader import (
    acknowledge_epoch,
    acknowledge_new_leader,
    forget,
    hang_up,
    let_serve,
    on_election_finished,
    on_epoch_decided,
    propose_epoch,
    send_leader_info,
    synchronise,
)
from impl.zookeeper.leader_sessions import revalidate, touch
from impl.zookeeper.messages import (
    Ack,
    AckEpoch,
    FollowerInfo,
    Forward,
    Ping,
    QuorumPacket,
    Revalidate,
    Revalidated,
)
from impl.zookeeper.peer import leave_role
from impl.zookeeper.proposals import process_ack, process_sync, submit
from impl.zookeeper.state import (
    ACK_EPOCH,
    BLOCKED,
    BROADCAST,
    INFO,
    NEW_LEADER,
    SERVING,
    WAIT_EPOCH,
    WAIT_EPOCH_ACK,
    WAIT_STARTUP,
    Handler,
    Leading,
)
from impl.zookeeper.turn import Turn


def on_opened(turn: Turn, notice: ConnectionOpened) -> None:
    """A learner dials. Only a leader listens."""
    role = turn.state.role
    if not isinstance(role, Leading):
        turn.emit(Close(notice.link))
        return
    settings = turn.settings
    deadline = role.tick + settings.init_limit + settings.sync_limit
    turn.set_role(handlers=(*role.handlers, Handler(notice.link, notice.src, deadline)))


def on_learner_packet(turn: Turn, packet: QuorumPacket) -> None:
    """A packet from a learner; what comes for a handler that waits stays in the buffer. Unknown links are gone."""
    handler = _find(turn, packet.channel)
    if handler is None:
        return
    turn.set_handler(evolve(handler, buffer=(*handler.buffer, packet)))
    _run(turn)


def on_learner_closed(turn: Turn, link: Link) -> None:
    """The connection to a learner is gone."""
    forget(turn, link)


def _find(turn: Turn, link: Link) -> Handler | None:
    found = [handler for handler in turn.leading.handlers if handler.link == link]
    return found[0] if found else None


def _run(turn: Turn) -> None:
    """Let every handler go on that can, in the order in which they came, until all wait."""
    progress = True
    while progress and isinstance(turn.state.role, Leading):
        progress = False
        for handler in turn.leading.handlers:
            if handler.phase == WAIT_STARTUP and turn.leading.phase == BROADCAST:
                let_serve(turn, handler)
                progress = True
            elif handler.buffer and handler.phase not in BLOCKED:
                rest = evolve(handler, buffer=handler.buffer[1:])
                turn.set_handler(rest)
                _read(turn, rest, handler.buffer[0])
                progress = True
            if progress:
                break


def _read(turn: Turn, handler: Handler, packet: QuorumPacket) -> None:
    handler = evolve(handler, deadline=max(handler.deadline, turn.leading.tick + turn.settings.sync_limit))
    turn.set_handler(handler)
    match handler.phase, packet:
        case phase, FollowerInfo(accepted_epoch=accepted) if phase == INFO:
            _on_follower_info(turn, handler, accepted)
        case phase, AckEpoch(zxid=zxid, current_epoch=current) if phase == ACK_EPOCH:
            _on_ack_epoch(turn, evolve(handler, peer_zxid=zxid), current)
        case phase, Ack(zxid=zxid) if phase == NEW_LEADER:
            turn.set_handler(evolve(handler, phase=WAIT_STARTUP))
            acknowledge_new_leader(turn, handler.sid, zxid)
        case phase, Ack(zxid=zxid) if phase == SERVING:
            process_ack(turn, handler.sid, zxid)
        case phase, Ping(sessions=sessions) if phase == SERVING:
            for session in sessions:
                touch(turn, session)
        case phase, Revalidate(session=session) if phase == SERVING:
            valid = revalidate(turn, session, handler.sid)
            turn.send(Revalidated(turn.me, handler.sid, handler.link, session, valid))
        case phase, Forward(request=request) if phase == SERVING:
            if request.operation.is_read:
                process_sync(turn, handler.sid, request)
            elif not submit(turn, request):
                leave_role(turn)
        case _:
            turn.report("unexpected packet", f"leader {turn.me} in {handler.phase} with {handler.sid} got {packet}")
            hang_up(turn, handler.link)


def _on_follower_info(turn: Turn, handler: Handler, accepted_epoch: int) -> None:
    waiting = turn.leading.waiting_for_epoch
    decided = propose_epoch(turn, handler.sid, accepted_epoch)
    if not waiting:
        send_leader_info(turn, handler)
        return
    turn.set_handler(evolve(handler, phase=WAIT_EPOCH))
    if decided:
        on_epoch_decided(turn)


def _on_ack_epoch(turn: Turn, handler: Handler, current_epoch: int | None) -> None:
    turn.set_handler(evolve(handler, phase=WAIT_EPOCH_ACK))
    match acknowledge_epoch(turn, handler.sid, current_epoch, handler.peer_zxid):
        case "refused":
            hang_up(turn, handler.link)
        case "finished":
            on_election_finished(turn)
        case "go on":
            synchronise(turn, handler)
        case _:
            pass
