"""Fast leader election. FastLeaderElection.lookForLeader, and the WorkerReceiver that answers beside it.

The messages of a server to itself (its own vote comes back through the receive queue) are handled in the same step, after
the one that caused them.
"""

from attrs import evolve

from impl.zookeeper.leader import become_leader
from impl.zookeeper.messages import FOLLOWING, LEADING, LOOKING, Notification, Vote
from impl.zookeeper.peer import become_follower
from impl.zookeeper.state import Looking
from impl.zookeeper.turn import Turn

ELECTION, FINALIZE = "election", "finalize"


def better(new: Vote, current: Vote) -> bool:
    """Whether a vote wins over another: currentEpoch, then zxid, then id. FastLeaderElection.totalOrderPredicate."""
    return (new.peer_epoch, new.zxid, new.leader) > (current.peer_epoch, current.zxid, current.leader)


def same_vote(one: Vote, other: Vote) -> bool:
    """Whether two votes count as one: all fields while either is LOOKING, else leader and epoch only. Vote.equals.

    (ZOOKEEPER-1732, 1805: servers that follow report zxids and rounds of different elections.)
    """
    if LOOKING in {one.state, other.state}:
        return (one.leader, one.zxid, one.round, one.peer_epoch) == (
            other.leader,
            other.zxid,
            other.round,
            other.peer_epoch,
        )
    return (one.leader, one.peer_epoch) == (other.leader, other.peer_epoch)


def initial_vote(turn: Turn) -> Vote:
    """A vote for oneself: the last zxid of the database, currentEpoch, in the present round."""
    state = turn.state
    return Vote(turn.me, state.database.last_processed, state.clock, state.current_epoch)


def start_election(turn: Turn) -> None:
    """A new round: vote for oneself, and tell every voter. F1."""
    turn.set(clock=turn.state.clock + 1)
    turn.set(role=Looking(initial_vote(turn), turn.settings.min_notification))
    turn.set_timer(ELECTION, turn.settings.min_notification)
    _broadcast(turn)


def on_notification(turn: Turn, message: Notification) -> None:
    """A vote came. W, then F3 for a server that is LOOKING."""
    state, vote = turn.state, message.vote
    role = state.role
    if not isinstance(role, Looking):
        if vote.state == LOOKING:
            turn.send(Notification(turn.me, message.src, evolve(state.vote, state=state.name)))
        return
    if vote.state == LOOKING and vote.round < state.clock:
        turn.send(Notification(turn.me, message.src, evolve(role.proposed, round=state.clock)))
    _receive(turn, message.src, vote)


def on_election_timer(turn: Turn) -> None:
    """Silence: send the vote again, and wait twice as long. F2."""
    role = turn.looking
    timeout = min(2 * role.timeout, turn.settings.max_notification)
    turn.set_role(timeout=timeout)
    turn.set_timer(ELECTION, timeout)
    _send_to_others(turn)


def on_finalize_timer(turn: Turn) -> None:
    """Nothing better came: the election is over."""
    _decide(turn, evolve(turn.looking.proposed, round=turn.state.clock))


def _send_to_others(turn: Turn) -> None:
    vote = evolve(turn.looking.proposed, round=turn.state.clock)
    for voter in turn.config.others:
        turn.send(Notification(turn.me, voter, vote))


def _broadcast(turn: Turn) -> None:
    _send_to_others(turn)
    _receive(turn, turn.me, evolve(turn.looking.proposed, round=turn.state.clock))


def _receive(turn: Turn, sid: int, vote: Vote) -> None:
    """One message of the receive queue, as the loop of lookForLeader takes it."""
    role = turn.looking
    if role.finalizing:
        # What is polled while waiting is dropped, unless it is better; then the loop goes on with it.
        turn.cancel_timer(FINALIZE)
        if not better(vote, role.proposed):
            turn.set_timer(FINALIZE, turn.settings.finalize_wait)
            return
        turn.set_role(finalizing=False)
    turn.set_timer(ELECTION, turn.looking.timeout)
    if vote.state == LOOKING:
        _on_looking(turn, sid, vote)
    else:
        _on_decided(turn, sid, vote)


def _on_looking(turn: Turn, sid: int, vote: Vote) -> None:
    """F3a: a vote of a server that is LOOKING too."""
    clock = turn.state.clock
    changed = False
    if vote.round > clock:
        turn.set(clock=vote.round)
        own = initial_vote(turn)
        turn.set_role(recvset=(), proposed=vote if better(vote, own) else own)
        changed = True
    elif vote.round < clock:
        return
    elif better(vote, turn.looking.proposed):
        turn.set_role(proposed=vote)
        changed = True
    if changed:
        _send_to_others(turn)
    turn.set_role(recvset=_with(turn.looking.recvset, sid, vote))
    if changed:
        # Its own new vote comes back to it.
        own = evolve(turn.looking.proposed, round=turn.state.clock)
        turn.set_role(recvset=_with(turn.looking.recvset, turn.me, own))
    wanted = evolve(turn.looking.proposed, round=turn.state.clock)
    if _supported(turn, turn.looking.recvset, wanted):
        turn.set_role(finalizing=True)
        turn.cancel_timer(ELECTION)
        turn.set_timer(FINALIZE, turn.settings.finalize_wait)


def _on_decided(turn: Turn, sid: int, vote: Vote) -> None:
    """F3c: a vote of a server that follows or leads."""
    role = turn.looking
    if vote.round == turn.state.clock:
        role = evolve(role, recvset=_with(role.recvset, sid, vote))
        turn.set(role=role)
        if _supported(turn, role.recvset, vote) and _leads(turn, role.recvset, vote):
            _decide(turn, vote)
            return
    role = evolve(role, out_of_election=_with(role.out_of_election, sid, vote))
    turn.set(role=role)
    if _supported(turn, role.out_of_election, vote) and _leads(turn, role.out_of_election, vote):
        turn.set(clock=vote.round)
        _decide(turn, vote)


def _supported(turn: Turn, votes: tuple[tuple[int, Vote], ...], wanted: Vote) -> bool:
    return turn.config.is_quorum(tuple(sid for sid, vote in votes if same_vote(vote, wanted)))


def _leads(turn: Turn, votes: tuple[tuple[int, Vote], ...], vote: Vote) -> bool:
    """Whether the elected says itself that it leads. FastLeaderElection.checkLeader."""
    if vote.leader == turn.me:
        return vote.round == turn.state.clock
    return any(sid == vote.leader and other.state == LEADING for sid, other in votes)


def _decide(turn: Turn, vote: Vote) -> None:
    """The election is over; the vote is kept as currentVote."""
    turn.cancel_timer(ELECTION)
    turn.cancel_timer(FINALIZE)
    state = LEADING if vote.leader == turn.me else FOLLOWING
    turn.set(vote=evolve(vote, round=turn.state.clock, state=state))
    if vote.leader == turn.me:
        become_leader(turn)
    else:
        become_follower(turn, vote.leader)


def _with(votes: tuple[tuple[int, Vote], ...], sid: int, vote: Vote) -> tuple[tuple[int, Vote], ...]:
    return (*(item for item in votes if item[0] != sid), (sid, vote))
