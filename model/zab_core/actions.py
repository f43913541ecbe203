"""The core of Zab: what servers do. Discovery, synchronisation, broadcast, and coming back (ZooKeeper 3.9; Zab, DSN 2011)."""

from typing import Any

from model.language import Node, forall, implies, is_quorum, ite, maximum, minimum, require
from model.zab_core.rules import (
    accepted_after_restart,
    counted_on_return,
    counts_as_ack,
    counts_as_promise,
    counts_as_synced,
    current_after_restart,
    has_acknowledged,
    has_initial_history,
    has_logged,
    has_synced,
    is_new_epoch,
    is_promise,
    keep_end_on_return,
    keeps,
    may_acknowledge_new_leader,
    may_follow,
    not_ahead,
    syncs_with,
    takes_proposals,
)
from model.zab_core.state import (
    AckEpoch,
    AckNewLeader,
    Commit,
    Epoch,
    Index,
    LeaderInfo,
    NewLeader,
    Phase,
    Role,
    Txn,
    UpToDate,
    Value,
    ZabCore,
)


def last_epoch(history: Any) -> Any:
    """The epoch of a history's last zxid; 0 for an empty history."""
    return ite(history.length == 0, 0, history[history.length].epoch)


def same(a: Any, b: Any) -> Any:
    """Two transactions are equal."""
    return (a.epoch == b.epoch) & (a.value == b.value)


def is_synchronizing(s: ZabCore, n: Any) -> Any:
    """n has begun to take over the history of its epoch's leader, or is that leader, and has not left since."""
    return (s.phase[n] == Phase.SYNCHRONIZATION) | (s.phase[n] == Phase.BROADCAST)


# ---- discovery
def propose_epoch(s: ZabCore, n: Node, epoch: Epoch) -> None:
    """A server that was elected proposes an epoch, which it accepts itself. Leader.lead, getEpochToPropose.

    ZooKeeper takes one more than the largest accepted epoch that a quorum named in FOLLOWERINFO. That matters for progress only: here
    it is any epoch above the leader's own accepted one.
    """
    require(s.role[n] == Role.LOOKING)
    require(is_new_epoch(epoch, s.accepted_epoch[n]))

    s.role[n] = Role.LEADING
    s.phase[n] = Phase.DISCOVERY
    s.accepted_epoch[n] = epoch
    s.promised_by[n, :] = lambda m: m == n
    s.leader_infos.send(LeaderInfo(leader=n, epoch=epoch))


def handle_leader_info(s: ZabCore, n: Node, info: LeaderInfo) -> None:
    """A server that follows a leader accepts its epoch, and promises it if it is new. Learner.registerWithLeader."""
    accepted, history = s.accepted_epoch[n], s.history[n]
    require(s.role[n] != Role.LEADING)
    require(may_follow(info.epoch, accepted))

    s.role[n] = Role.FOLLOWING
    s.phase[n] = Phase.DISCOVERY
    s.accepted_epoch[n] = info.epoch
    s.keep_end[n] = history.length
    if is_promise(info.epoch, accepted):
        s.ack_epochs.send(
            AckEpoch(
                follower=n,
                leader=info.leader,
                epoch=info.epoch,
                current=s.current_epoch[n],
                last_epoch=last_epoch(history),
                end=history.length,
            )
        )


def handle_ack_epoch(s: ZabCore, ack: AckEpoch) -> None:
    """A leader in discovery counts the promise of a follower that is not ahead of it. Leader.waitForEpochAck."""
    leader = ack.leader
    history = s.history[leader]
    require(s.role[leader] == Role.LEADING)
    require(s.phase[leader] == Phase.DISCOVERY)
    require(counts_as_promise(ack.epoch, s.accepted_epoch[leader]))
    require(
        not_ahead(ack.current, ack.last_epoch, ack.end, s.current_epoch[leader], last_epoch(history), history.length)
    )

    s.promised_by[leader, ack.follower] = True


def finish_discovery(s: ZabCore, leader: Node) -> None:
    """A leader to which a quorum has promised its epoch, itself among them, sends its history and NEWLEADER.

    Leader.waitForEpochAck (electionFinished). Its own currentEpoch it writes like everybody, in `write_current_epoch`: ZooKeeper lets the
    two overlap.
    """
    require(s.role[leader] == Role.LEADING)
    require(s.phase[leader] == Phase.DISCOVERY)
    require(is_quorum(lambda n: s.promised_by[leader, n]))

    epoch, history = s.accepted_epoch[leader], s.history[leader]
    s.phase[leader] = Phase.SYNCHRONIZATION
    s.sent[epoch] = history
    s.new_leaders.send(NewLeader(epoch=epoch, end=history.length))


# ---- synchronisation
def adopt_history(s: ZabCore, n: Node, new_leader: NewLeader, end: Index) -> None:
    """A follower makes its history the leader's, up to `end`, and keeps what they share: DIFF, TRUNC and SNAP are this.

    It may stop before the end of the initial history (it crashes in the middle) and take proposals with it that the leader has made
    since. LearnerHandler.syncFollower, Learner.syncWithLeader.
    """
    history, sent = s.history[n], s.sent[new_leader.epoch]
    require(s.role[n] == Role.FOLLOWING)
    require(s.phase[n] != Phase.BROADCAST)
    require(syncs_with(new_leader.epoch, s.accepted_epoch[n]))
    require(end <= sent.length)
    require(
        forall(
            Index,
            lambda j: implies(
                (j >= 1) & (j <= history.length) & (j <= sent.length) & same(history[j], sent[j]),
                keeps(j, end, new_leader.end, s.keep_end[n]),
            ),
        )
    )

    s.phase[n] = Phase.SYNCHRONIZATION
    s.history[n] = sent
    s.history[n].truncate(end)
    s.keep_end[n] = end


def write_current_epoch(s: ZabCore, n: Node, new_leader: NewLeader) -> None:
    """A server that has the leader's initial history makes the epoch its current one. Learner.syncWithLeader, Leader.lead.

    NEWLEADER comes behind the history on the follower's channel; here the guard says so.
    """
    require(s.role[n] != Role.LOOKING)
    require(syncs_with(new_leader.epoch, s.accepted_epoch[n]))
    require(has_initial_history(is_synchronizing(s, n), s.history[n].length, new_leader.end))

    s.current_epoch[n] = new_leader.epoch


def acknowledge_new_leader(s: ZabCore, n: Node, new_leader: NewLeader) -> None:
    """A server that has history and epoch on its disk acknowledges NEWLEADER; the leader does so itself."""
    require(s.role[n] != Role.LOOKING)
    require(s.phase[n] == Phase.SYNCHRONIZATION)
    require(syncs_with(new_leader.epoch, s.accepted_epoch[n]))
    require(may_acknowledge_new_leader(s.current_epoch[n], new_leader.epoch))

    s.acknowledged[n, new_leader.epoch] = maximum(s.acknowledged[n, new_leader.epoch], new_leader.end)
    s.new_leader_acks.send(AckNewLeader(follower=n, epoch=new_leader.epoch))


def handle_new_leader_ack(s: ZabCore, leader: Node, ack: AckNewLeader) -> None:
    """A leader counts who has acknowledged its NEWLEADER, also when it serves already. Leader.waitForNewLeaderAck."""
    require(s.role[leader] == Role.LEADING)
    require(is_synchronizing(s, leader))
    require(counts_as_synced(ack.epoch, s.accepted_epoch[leader]))

    s.synced_by[leader, ack.follower] = True


def start_broadcast(s: ZabCore, leader: Node) -> None:
    """A leader whose NEWLEADER a quorum has acknowledged is established: its initial history is committed, and it serves clients.

    Leader.lead after waitForNewLeaderAck: startZkServer, UPTODATE.
    """
    require(s.role[leader] == Role.LEADING)
    require(s.phase[leader] == Phase.SYNCHRONIZATION)
    require(s.current_epoch[leader] == s.accepted_epoch[leader])
    require(is_quorum(lambda n: has_synced(s.synced_by[leader, n])))

    end = s.history[leader].length
    s.phase[leader] = Phase.BROADCAST
    s.last_committed[leader] = end
    s.committed_end[leader] = end
    s.up_to_dates.send(UpToDate(epoch=s.accepted_epoch[leader], end=end))


def handle_up_to_date(s: ZabCore, n: Node, up_to_date: UpToDate) -> None:
    """A follower serves clients: the initial history is committed. Learner.syncWithLeader."""
    require(s.role[n] == Role.FOLLOWING)
    require(s.phase[n] == Phase.SYNCHRONIZATION)
    require(s.accepted_epoch[n] == up_to_date.epoch)
    require(s.current_epoch[n] == up_to_date.epoch)

    s.phase[n] = Phase.BROADCAST
    if up_to_date.end > s.last_committed[n]:  # noqa: PLR1730 - max() does not work on terms
        s.last_committed[n] = up_to_date.end


# ---- broadcast
def propose(s: ZabCore, leader: Node, value: Value) -> None:
    """An established leader proposes a client's transaction. Leader.propose."""
    require(s.role[leader] == Role.LEADING)
    require(s.phase[leader] == Phase.BROADCAST)

    epoch = s.accepted_epoch[leader]
    s.sent[epoch].append(Txn(epoch=epoch, value=value))


def log_proposal(s: ZabCore, n: Node) -> None:
    """A server writes the next proposal to its disk and acknowledges it; the leader does so itself, in its own time.

    SyncRequestProcessor, SendAckRequestProcessor, AckRequestProcessor. A follower may do so as soon as the epoch is its current one, also
    before UPTODATE.
    """
    epoch, history = s.current_epoch[n], s.history[n]
    sent = s.sent[epoch]
    require(s.role[n] != Role.LOOKING)
    require(is_synchronizing(s, n))
    require(takes_proposals(epoch, s.accepted_epoch[n]))
    require(history.length < sent.length)

    following = sent[history.length + 1]
    history.append(Txn(epoch=following.epoch, value=following.value))
    s.acknowledged[n, epoch] = history.length
    s.keep_end[n] = history.length


def handle_ack(s: ZabCore, leader: Node, n: Node, epoch: Epoch, end: Index) -> None:
    """A leader counts what a server has acknowledged: this proposal and all before it. Leader.processAck."""
    require(s.role[leader] == Role.LEADING)
    require(s.phase[leader] == Phase.BROADCAST)
    require(counts_as_ack(epoch, s.accepted_epoch[leader]))
    require(end <= s.acknowledged[n, epoch])

    s.acked_end[leader, n] = end


def commit(s: ZabCore, leader: Node, end: Index) -> None:
    """A leader commits a proposal that a quorum has acknowledged; it need not have logged it itself. Leader.tryToCommit."""
    require(s.role[leader] == Role.LEADING)
    require(s.phase[leader] == Phase.BROADCAST)
    require(s.committed_end[leader] < end)
    require(end <= s.sent[s.accepted_epoch[leader]].length)
    require(is_quorum(lambda n: has_acknowledged(s.acked_end[leader, n], end)))

    s.committed_end[leader] = end
    s.commits.send(Commit(epoch=s.accepted_epoch[leader], end=end))


def handle_commit(s: ZabCore, n: Node, message: Commit) -> None:
    """A server delivers what its leader has committed; the leader does so itself. CommitProcessor, FinalRequestProcessor.

    ZooKeeper's leader may deliver what it has not flushed yet; here it waits for its own disk.
    """
    require(s.phase[n] == Phase.BROADCAST)
    require(s.accepted_epoch[n] == message.epoch)
    require(has_logged(message.end, s.history[n].length))
    require(s.last_committed[n] < message.end)

    s.last_committed[n] = message.end


# ---- coming back
def look(s: ZabCore, n: Any) -> None:
    """A server is looking for a leader, with nothing known of its followers."""
    s.role[n] = Role.LOOKING
    s.phase[n] = Phase.ELECTION
    s.promised_by[n, :] = False
    s.synced_by[n, :] = False
    s.acked_end[n, :] = 0
    s.committed_end[n] = 0
    s.keep_end[n] = s.history[n].length


def lose_follower(s: ZabCore, leader: Node, n: Node) -> None:
    """A leader loses the connection to a follower, and forgets what it has acknowledged. Leader.removeLearnerHandler."""
    require(s.role[leader] == Role.LEADING)
    require(leader != n)

    s.synced_by[leader, n] = False
    s.acked_end[leader, n] = 0


def return_to_leader(s: ZabCore, leader: Node, n: Node) -> None:
    """A leader takes back a follower that it has lost within the epoch: it may cut it to what is committed (TRUNC), so its ACKs are void.

    Whatever is cut, outstanding proposals, is sent again. LearnerHandler.syncFollower, Leader.startForwarding.
    """
    epoch = s.accepted_epoch[leader]
    require(s.role[leader] == Role.LEADING)
    require(s.phase[leader] == Phase.BROADCAST)
    require(s.role[n] == Role.FOLLOWING)
    require(s.phase[n] == Phase.DISCOVERY)
    require(s.accepted_epoch[n] == epoch)

    s.acked_end[leader, n] = counted_on_return(s.acked_end[leader, n])
    s.acknowledged[n, epoch] = minimum(s.acknowledged[n, epoch], s.committed_end[leader])
    s.keep_end[n] = keep_end_on_return(s.history[n].length, s.committed_end[leader])


def lose_connection(s: ZabCore, n: Node) -> None:
    """A server loses its leader, or a leader its quorum, and looks for a leader again. What it has delivered it has delivered."""
    require(s.role[n] != Role.LOOKING)

    s.aux_losses = s.aux_losses + 1
    look(s, n)


def restart(s: ZabCore, n: Node) -> None:
    """A server crashes and comes back with what is durable: both epochs and the history."""
    s.aux_restarts = s.aux_restarts + 1
    look(s, n)
    s.last_committed[n] = 0
    s.accepted_epoch[n] = accepted_after_restart(s.accepted_epoch[n], s.current_epoch[n])
    s.current_epoch[n] = current_after_restart(s.current_epoch[n], last_epoch(s.history[n]))


ACTIONS = (
    propose_epoch,
    handle_leader_info,
    handle_ack_epoch,
    finish_discovery,
    adopt_history,
    write_current_epoch,
    acknowledge_new_leader,
    handle_new_leader_ack,
    start_broadcast,
    handle_up_to_date,
    propose,
    log_proposal,
    handle_ack,
    commit,
    handle_commit,
    lose_follower,
    return_to_leader,
    lose_connection,
    restart,
)
