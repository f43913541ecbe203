"""The leader until it serves: discovery, the epoch, NEWLEADER. Leader.lead.

Deviation: the wait for each of the three quorums is one timer, the thread of the leader being the one that waits longest.
"""

from attrs import evolve

from impl.effects import Close, Link
from impl.zookeeper.effects import Established
from impl.zookeeper.leader_sessions import start_service
from impl.zookeeper.messages import LeaderInfo, NewLeader, Ping, UpToDate
from impl.zookeeper.peer import INIT, TICK, leave_role
from impl.zookeeper.state import (
    ACK_EPOCH,
    BROADCAST,
    NEW_LEADER,
    SERVING,
    SYNCHRONIZATION,
    WAIT_EPOCH,
    WAIT_EPOCH_ACK,
    Handler,
    Leading,
)
from impl.zookeeper.sync_follower import sync_follower
from impl.zookeeper.transactions import zxid_of
from impl.zookeeper.turn import Turn


def become_leader(turn: Turn) -> None:
    """Lead: the database is kept, and written as a snapshot; then the epoch has to be found. ZooKeeperServer.loadData.

    The snapshot can hold transactions that were never committed (ZOOKEEPER-4837).
    """
    state = turn.state
    turn.take_snapshot(state.database.last_processed)
    summary = (state.current_epoch, state.database.last_processed)
    turn.set(role=Leading(-1, summary))
    _wait(turn)
    if propose_epoch(turn, turn.me, state.accepted_epoch):
        on_epoch_decided(turn)


def _wait(turn: Turn) -> None:
    turn.set_timer(INIT, turn.settings.init_limit * turn.settings.tick)


def propose_epoch(turn: Turn, sid: int, accepted_epoch: int) -> bool:
    """A server, or the leader itself, says what it accepted; True when that decides the epoch. getEpochToPropose. D2."""
    role = turn.leading
    if not role.waiting_for_epoch:
        return False
    epoch = max(role.proposed_epoch, accepted_epoch + 1)
    connecting = role.connecting if sid in role.connecting else (*role.connecting, sid)
    turn.set_role(proposed_epoch=epoch, connecting=connecting)
    return turn.me in connecting and turn.config.is_quorum(connecting)


def on_epoch_decided(turn: Turn) -> None:
    """The epoch is decided: promise it, and propose it to those that wait. Then the leader acknowledges it itself. D3."""
    epoch = turn.leading.proposed_epoch
    turn.set_role(waiting_for_epoch=False)
    turn.set_accepted_epoch(epoch)
    turn.set_role(last_proposed=zxid_of(epoch, 0))
    for handler in turn.leading.handlers:
        if handler.phase == WAIT_EPOCH:
            send_leader_info(turn, handler)
    _wait(turn)
    if acknowledge_epoch(turn, turn.me, *turn.leading.summary) == "finished":
        on_election_finished(turn)


def send_leader_info(turn: Turn, handler: Handler) -> None:
    """LEADERINFO: propose the epoch to one learner."""
    turn.set_handler(evolve(handler, phase=ACK_EPOCH))
    turn.send(LeaderInfo(turn.me, handler.sid, handler.link, turn.leading.proposed_epoch))


def acknowledge_epoch(turn: Turn, sid: int, current_epoch: int | None, zxid: int) -> str:
    """A server acknowledges the epoch. waitForEpochAck. D5.

    "go on": the election is finished already; "wait"; "finished": by this; "refused": it is ahead of the leader.
    """
    role = turn.leading
    if role.election_finished:
        return "go on"
    if current_epoch is not None:
        if (current_epoch, zxid) > role.summary:
            return "refused"
        if sid not in role.electing:
            turn.set_role(electing=(*role.electing, sid))
    electing = turn.leading.electing
    return "finished" if turn.me in electing and turn.config.is_quorum(electing) else "wait"


def on_election_finished(turn: Turn) -> None:
    """A quorum has promised: the epoch is the leader's current one, durably; then the learners are synchronised. D6.

    The handlers run beside this in ZooKeeper, and can be faster than the file; here they come after it.
    """
    epoch = turn.leading.proposed_epoch
    turn.set_role(election_finished=True)
    turn.set_current_epoch(epoch)
    turn.set_role(phase=SYNCHRONIZATION, prepared=turn.state.database.tree)
    _wait(turn)
    for handler in turn.leading.handlers:
        if handler.phase == WAIT_EPOCH_ACK:
            synchronise(turn, handler)
    acknowledge_new_leader(turn, turn.me, zxid_of(epoch, 0))


def synchronise(turn: Turn, handler: Handler) -> None:
    """Bring a learner to our history, and say where that ends: NEWLEADER."""
    sync_follower(turn, handler)
    zxid = zxid_of(turn.leading.proposed_epoch, 0)
    turn.send(NewLeader(turn.me, handler.sid, handler.link, zxid))
    turn.set_handler(evolve(handler, phase=NEW_LEADER, forwarding=True))


def acknowledge_new_leader(turn: Turn, sid: int, zxid: int) -> None:
    """A server has adopted our history; with a quorum of them the leader starts. waitForNewLeaderAck. S6, S7."""
    role = turn.leading
    if role.phase == BROADCAST:
        return
    expected = zxid_of(role.proposed_epoch, 0)
    if zxid != expected:
        turn.report("unexpected ack", f"leader {turn.me} takes the ack of a proposal by {sid} for that of NEWLEADER")
        return
    acks = role.new_leader_acks if sid in role.new_leader_acks else (*role.new_leader_acks, sid)
    turn.set_role(new_leader_acks=acks)
    if turn.config.is_quorum(acks):
        _start(turn, expected)


def _start(turn: Turn, zxid: int) -> None:
    """Serve: the whole history of the leader is committed by this. Leader.startZkServer. S7."""
    epoch = turn.leading.proposed_epoch
    turn.cancel_timer(INIT)
    turn.set_role(phase=BROADCAST, last_committed=zxid)
    turn.set(
        vote=evolve(turn.state.vote, peer_epoch=epoch),
        database=evolve(turn.state.database, last_processed=zxid),
    )
    turn.emit(Established(epoch, turn.state.database.tree))
    start_service(turn, leads=True)
    turn.set_timer(TICK, turn.settings.tick // 2)


def let_serve(turn: Turn, handler: Handler) -> None:
    """UPTODATE: the learner may serve too. S8."""
    turn.set_handler(evolve(handler, phase=SERVING))
    turn.send(UpToDate(turn.me, handler.sid, handler.link, zxid_of(turn.leading.proposed_epoch, 0)))


def on_init_timer(turn: Turn) -> None:
    """No quorum came within initLimit: give up."""
    leave_role(turn)


def on_tick(turn: Turn) -> None:
    """Ping the learners; every other time, look whether a quorum still answers, else give up. Section 1.9.

    Deviation: SyncLimitCheck (the oldest proposal that is not acknowledged) is left out; a learner that answers pings
    acknowledges too. A learner that does not answer is hung up on.
    """
    role = turn.leading
    turn.set_role(half_ticks=role.half_ticks + 1)
    for handler in role.handlers:
        if handler.deadline < turn.leading.tick:
            hang_up(turn, handler.link)
        elif handler.phase == SERVING:
            turn.send(Ping(turn.me, handler.sid, handler.link, role.last_proposed))
    if turn.leading.half_ticks % 2 == 0:
        alive = (turn.me, *(handler.sid for handler in turn.leading.handlers))
        if not turn.config.is_quorum(alive):
            leave_role(turn)
            return
    turn.set_timer(TICK, turn.settings.tick // 2)


def hang_up(turn: Turn, link: Link) -> None:
    """The handler of a learner ends, and its connection."""
    turn.emit(Close(link))
    forget(turn, link)


def forget(turn: Turn, link: Link) -> None:
    """The handler of a learner ends."""
    turn.set_role(handlers=tuple(handler for handler in turn.leading.handlers if handler.link != link))
