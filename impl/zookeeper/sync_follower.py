"""What the leader sends to synchronise one learner, in order. LearnerHandler.run, Leader.startForwarding."""

from attrs import evolve

from impl.zookeeper.messages import Commit, Diff, Proposal, Snap, SnapshotStream, Trunc
from impl.zookeeper.state import Handler
from impl.zookeeper.synchronise import DIFF, TRUNC, plan_sync
from impl.zookeeper.turn import Turn


def sync_follower(turn: Turn, handler: Handler) -> None:
    """DIFF, TRUNC or SNAP; the committed transactions; then what is on its way: from here on it gets all that comes.

    One step under the leader's lock, as startForwarding is; the snapshot is exact (deviation: ZooKeeper serialises it while
    transactions are applied).
    """
    me, sid, link = turn.me, handler.sid, handler.link
    state, role = turn.state, turn.leading
    respects = turn.config.rules.respects_acknowledged()
    plan = plan_sync(
        state.database,
        state.log,
        handler.peer_zxid,
        log_sync=turn.settings.log_sync,
        unapplied=role.to_be_applied if respects else (),
    )
    if respects:
        _withdraw(turn, sid, plan.current)
    if plan.mode == DIFF:
        turn.send(Diff(me, sid, link, plan.zxid))
    elif plan.mode == TRUNC:
        turn.send(Trunc(me, sid, link, plan.zxid))
    else:
        turn.send(Snap(me, sid, link, plan.zxid))
        turn.send(SnapshotStream(me, sid, link, state.database.tree, state.database.content))
    to_be_applied = tuple(txn for txn in role.to_be_applied if txn.zxid > plan.current)
    for txn in (*plan.txns, *to_be_applied):
        turn.send(Proposal(me, sid, link, txn))
        turn.send(Commit(me, sid, link, txn.zxid))
    if turn.config.rules.forward_outstanding():
        for proposed in role.outstanding:
            if proposed.txn.zxid > plan.current:
                turn.send(Proposal(me, sid, link, proposed.txn))


def _withdraw(turn: Turn, sid: int, zxid: int) -> None:
    """A server will not have what comes after `zxid`: its acknowledgements of that do not count any more."""
    turn.set_role(
        outstanding=tuple(
            evolve(proposed, acks=tuple(other for other in proposed.acks if other != sid))
            if proposed.txn.zxid > zxid
            else proposed
            for proposed in turn.leading.outstanding
        )
    )
