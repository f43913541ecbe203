"""A ZooKeeper server: one pure function from a state and an event to the next state and the effects.

A step is what one thread does between two times that it waits: a packet, a notification, a timer, or a run of the sync or
the commit thread over its queue.
"""

from typing import TypeAlias, assert_never

from impl.effects import ConnectionClosed, ConnectionOpened, Event, FatalError, Receive, TimerFired
from impl.zookeeper.client_messages import Ask, ConnectRequest, ConnectResponse, Tell, WatcherEvent
from impl.zookeeper.client_port import on_client_closed, on_client_message, on_client_opened
from impl.zookeeper.effects import NodeEffects
from impl.zookeeper.election import (
    ELECTION,
    FINALIZE,
    on_election_timer,
    on_finalize_timer,
    on_notification,
    start_election,
)
from impl.zookeeper.follower import on_broadcast_packet, on_follower_sync
from impl.zookeeper.leader import on_tick
from impl.zookeeper.leader_sessions import on_expire
from impl.zookeeper.learner import acknowledge_new_leader, on_sync_packet
from impl.zookeeper.learner_handler import on_learner_closed, on_learner_packet, on_opened
from impl.zookeeper.messages import ClientRequest, ClientResponse, Message, Notification, QuorumPacket
from impl.zookeeper.peer import ACK_NEW_LEADER, INIT, READ, RETRY, TICK, connect_again, leave_role
from impl.zookeeper.pipeline import COMMIT, SNAPSHOT, SYNC, on_commit, on_snapshot
from impl.zookeeper.preparing import EXPIRE
from impl.zookeeper.proposals import on_leader_sync
from impl.zookeeper.serving import on_client_request
from impl.zookeeper.state import BROADCAST, CONNECTING, Following, Leading, NodeState
from impl.zookeeper.turn import Turn

NodeEvent: TypeAlias = Event[Message]


def step(state: NodeState, event: NodeEvent, now: int = 0) -> tuple[NodeState, NodeEffects]:
    """The state after the event, and the effects in the order in which they must happen.

    `now` is what the server's clock shows, in microseconds.

    Raises FatalError, with the effects asked for so far, where the process of ZooKeeper would end.
    """
    turn = Turn(state, now)
    try:
        match event:
            case Receive(message):
                _on_message(turn, message)
            case TimerFired(timer):
                _on_timer(turn, timer)
            case _:
                assert_never(event)
        if turn.left_role:
            start_election(turn)
    except FatalError as error:
        raise FatalError(error.message, tuple(turn.effects)) from None
    return turn.state, tuple(turn.effects)


def _on_message(turn: Turn, message: Message) -> None:
    match message:
        case Notification():
            on_notification(turn, message)
        case ClientRequest():
            on_client_request(turn, message)
        case ConnectionOpened():
            if message.src in turn.config.voters:
                on_opened(turn, message)
            else:
                on_client_opened(turn, message)
        case ConnectRequest() | Ask():
            on_client_message(turn, message)
        case ConnectionClosed():
            _on_closed(turn, message)
        case ClientResponse() | ConnectResponse() | Tell() | WatcherEvent():
            raise ValueError(f"server {turn.me} is no client: {message}")
        case _:
            _on_packet(turn, message)


def _on_packet(turn: Turn, packet: QuorumPacket) -> None:
    """A packet of the quorum port; one of a connection that this server has left already is lost."""
    role = turn.state.role
    match role:
        case Leading():
            on_learner_packet(turn, packet)
        case Following() if packet.channel == role.link:
            if role.phase == BROADCAST:
                on_broadcast_packet(turn, packet)
            else:
                on_sync_packet(turn, packet)
        case _:
            pass


def _on_closed(turn: Turn, notice: ConnectionClosed) -> None:
    if notice.link in turn.state.service.connections:
        on_client_closed(turn, notice.link)
        return
    role = turn.state.role
    match role:
        case Leading():
            on_learner_closed(turn, notice.link)
        case Following() if notice.link == role.link:
            if role.phase == CONNECTING and role.tries < turn.settings.connect_tries:
                turn.set_timer(RETRY, turn.settings.connect_retry)
            else:
                leave_role(turn)
        case _:
            pass


def _on_timer(turn: Turn, timer: str) -> None:
    match timer:
        case _ if timer == ELECTION:
            on_election_timer(turn)
        case _ if timer == FINALIZE:
            on_finalize_timer(turn)
        case _ if timer == RETRY:
            connect_again(turn)
        case _ if timer in {READ, INIT}:
            leave_role(turn)
        case _ if timer == ACK_NEW_LEADER:
            acknowledge_new_leader(turn)
        case _ if timer == TICK:
            on_tick(turn)
        case _ if timer == SYNC:
            if isinstance(turn.state.role, Leading):
                on_leader_sync(turn)
            else:
                on_follower_sync(turn)
        case _ if timer == COMMIT:
            on_commit(turn)
        case _ if timer == EXPIRE:
            on_expire(turn)
        case _ if timer == SNAPSHOT:
            on_snapshot(turn)
        case _:
            raise ValueError(f"server {turn.me} has no timer {timer!r}")
