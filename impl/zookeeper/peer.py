"""The roles of a server and what a change of role does to the rest of it. QuorumPeer.run, ZooKeeperServer.shutdown."""

from impl.effects import Close, Connect, Link
from impl.zookeeper.database import load
from impl.zookeeper.messages import ClientResponse, FollowerInfo
from impl.zookeeper.pipeline import COMMIT, SNAPSHOT, SYNC, drain_sync_queue
from impl.zookeeper.preparing import EXPIRE
from impl.zookeeper.service_state import ServiceState
from impl.zookeeper.state import Following, Leading, Looking
from impl.zookeeper.turn import Turn

READ, RETRY, ACK_NEW_LEADER, INIT, TICK = "read", "retry", "ack_new_leader", "init", "tick"
_ROLE_TIMERS = (READ, RETRY, ACK_NEW_LEADER, INIT, TICK, SYNC, COMMIT, SNAPSHOT, EXPIRE)


def become_follower(turn: Turn, leader: int) -> None:
    """Follow the elected: connect to it. Follower.followLeader."""
    turn.set(role=Following(leader, _new_link(turn, leader)))
    _dial(turn)
    turn.set_timer(READ, turn.settings.init_limit * turn.settings.tick)


def connect_again(turn: Turn) -> None:
    """Try once more to connect to the leader. Learner.connectToLeader."""
    role = turn.following
    link = _new_link(turn, role.leader)
    turn.set_role(link=link, tries=role.tries + 1)
    _dial(turn)


def _dial(turn: Turn) -> None:
    """Connect, and say FOLLOWERINFO: the first packet of every connection. D1."""
    role = turn.following
    turn.emit(Connect(role.link))
    turn.send(FollowerInfo(turn.me, role.leader, role.link, turn.state.accepted_epoch))


def _new_link(turn: Turn, leader: int) -> Link:
    serial = turn.state.next_serial
    turn.set(next_serial=serial + 1)
    return Link(turn.me, leader, serial)


def leave_role(turn: Turn) -> None:
    """Stop following or leading: close the connections, shut the pipeline down, keep the database. `node.step` then
    starts an election.

    Order as since 3.9.3 (ZOOKEEPER-4712): the sync thread first logs what it has, then the tail of the log is replayed into
    the database (ZOOKEEPER-2845); a database with an interrupted synchronisation is loaded anew (ZOOKEEPER-3642).
    """
    role = turn.state.role
    interrupted = False
    match role:
        case Following():
            turn.emit(Close(role.link))
            interrupted = role.sync is not None and role.sync.mode in turn.config.rules.interrupted_modes
        case Leading():
            for handler in role.handlers:
                turn.emit(Close(handler.link))
        case _:
            raise AssertionError(f"server {turn.me} has no role to leave")
    for request in turn.state.unanswered:
        turn.send(ClientResponse(turn.me, request.session, request.cxid, "unknown", "CONNECTIONLOSS"))
    for link in turn.state.service.connections:
        turn.emit(Close(link))
    for timer in _ROLE_TIMERS:
        turn.cancel_timer(timer)
    drain_sync_queue(turn)
    state, settings = turn.state, turn.settings
    database = state.database
    if interrupted:
        database = load(settings.machine, settings.ring, state.snapshots, state.log)
    elif turn.config.rules.fast_forward_on_shutdown():
        database = database.replay(state.log)
    turn.set(
        database=database,
        sync_queue=(),
        commit_queue=(),
        unanswered=(),
        snapping=None,
        walk=None,
        service=ServiceState(),
    )
    turn.set(role=Looking(state.vote, settings.min_notification))
    turn.left_role = True
