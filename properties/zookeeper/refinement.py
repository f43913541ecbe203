"""The spec `zab` refines `zab-core`: which state of the core a state of it stands for, and which steps a step.

The proof of the core holds for any number of servers; that it speaks about `zab` is what this mapping says, and what the explorer
checks on every step within bounds. What is on which side, and why, is in docs/refinement-of-zab.md:

| `zab`                                         | `zab-core`                                                               |
|-----------------------------------------------|--------------------------------------------------------------------------|
| acceptedEpoch, currentEpoch                   | the same                                                                 |
| the part of the log that is on disk           | history                                                                  |
| the database                                  | what is delivered, as far as it is on disk and the server serves           |
| CONNECTED; SYNCHRONIZATION after DIFF or SNAP | DISCOVERY: nothing on disk has changed                                     |
| SYNCHRONIZATION after TRUNC, ADOPTING, READY  | SYNCHRONIZATION                                                          |
| what is on its way to a learner               | a beginning of `sent`, and messages that were sent                         |
| a connection that breaks                      | the leader forgets the follower                                          |
| `begin`, `elect`                              | discovery, step by step                                                  |
"""

from collections.abc import Iterator
from typing import Any

from model.engines.refine.refinement import Call, Refinement
from model.zab_core import state as core
from model.zab_core.spec import SPEC as CORE
from model.zookeeper.zab.history import is_in_discovery, with_history
from model.zookeeper.zab.state import Link, Phase, Role, SyncMode

READS = (
    "accepted_epoch",
    "current_epoch",
    "log",
    "flushed",
    "role",
    "phase",
    "leader",
    "db",
    "sync_mode",
    "link",
    "ghost_sent",
    "ghost_initial_end",
    "ghost_committed_end",
    "ghost_leader",
    "ghost_promised_by",
    "ghost_acked_end",
    "ghost_acknowledged",
    "ghost_keep_end",
    "ghost_delivered",
)


# ---- states
def history(s: Any, n: Any) -> tuple[core.Txn, ...]:
    """What is on a server's disk."""
    return tuple(transaction(t) for t in s.log[n].items[: s.flushed[n]])


def transaction(t: Any) -> core.Txn:
    """A transaction; the counter of its zxid is its place in the core."""
    return core.Txn(epoch=t.epoch, value=t.request)


def role(s: Any, n: Any) -> Any:
    """A process that refuses to start does nothing, like one that looks for a leader for ever."""
    if s.role[n] == Role.LEADING:
        return core.Role.LEADING
    return core.Role.FOLLOWING if s.role[n] == Role.FOLLOWING else core.Role.LOOKING


def phase(s: Any, n: Any) -> Any:
    """How far a server is; a learner whose log is still its own is in discovery."""
    if s.phase[n] == Phase.ELECTION:
        return core.Phase.ELECTION
    if s.phase[n] == Phase.BROADCAST:
        return core.Phase.BROADCAST
    discovers = s.role[n] == Role.FOLLOWING and is_in_discovery(s.phase[n], s.sync_mode[n])
    return core.Phase.DISCOVERY if discovers else core.Phase.SYNCHRONIZATION


def committed_end(s: Any, n: Any) -> Any:
    """Up to where a leader that serves has committed: it applies what it commits in the same step."""
    return s.db[n].length if s.role[n] == Role.LEADING and s.phase[n] == Phase.BROADCAST else 0


def has_synced(s: Any, leader: Any, n: Any) -> bool:
    """A leader counts who has acknowledged NEWLEADER and is still connected, and itself."""
    return bool(s.role[leader] == Role.LEADING and (n == leader or s.link[leader, n] == Link.ACKED))


def state(s: Any, a: Any, n: Any) -> None:
    """Server n's part of the core's state, and the messages that it has sent."""
    a.accepted_epoch[n] = s.accepted_epoch[n]
    a.current_epoch[n] = s.current_epoch[n]
    a.history[n] = history(s, n)
    a.role[n] = role(s, n)
    a.phase[n] = phase(s, n)
    a.last_committed[n] = s.ghost_delivered[n]
    a.keep_end[n] = s.ghost_keep_end[n]
    a.committed_end[n] = committed_end(s, n)
    a.promised_by[n, :] = lambda m: s.ghost_promised_by[n, m]
    a.synced_by[n, :] = lambda m: has_synced(s, n, m)
    a.acked_end[n, :] = lambda m: s.ghost_acked_end[n, m]
    a.acknowledged[n, :] = lambda e: s.ghost_acknowledged[n, e]
    epoch = s.accepted_epoch[n]
    if s.role[n] == Role.LEADING:
        a.leader_infos.send(core.LeaderInfo(leader=n, epoch=epoch))
    if s.role[n] == Role.LEADING or s.phase[n] == Phase.READY or s.phase[n] == Phase.BROADCAST:
        a.new_leader_acks.send(core.AckNewLeader(follower=n, epoch=epoch))


def shared(s: Any, a: Any) -> None:
    """The history of each epoch, and what its leader has said to everybody."""
    for epoch in s.ghost_sent:
        sent, start, end = s.ghost_sent[epoch], s.ghost_initial_end[epoch], s.ghost_committed_end[epoch]
        a.sent[epoch] = tuple(transaction(t) for t in sent.items)
        if sent.length > 0:
            a.new_leaders.send(core.NewLeader(epoch=epoch, end=start))
        if end > 0:
            a.up_to_dates.send(core.UpToDate(epoch=epoch, end=start))
            for place in range(start + 1, end + 1):
                a.commits.send(core.Commit(epoch=epoch, end=place))


# ---- messages
def newleader(s: Any, n: Any) -> core.NewLeader:
    """NEWLEADER of the epoch that a server has accepted."""
    epoch = s.accepted_epoch[n]
    return core.NewLeader(epoch=epoch, end=s.ghost_initial_end[epoch])


def ackepoch(s: Any, n: Any, leader: Any, epoch: Any) -> core.AckEpoch:
    """ACKEPOCH of a server as it is."""
    mine = history(s, n)
    return core.AckEpoch(
        follower=n,
        leader=leader,
        epoch=epoch,
        current=s.current_epoch[n],
        last_epoch=mine[-1].epoch if mine else 0,
        end=len(mine),
    )


# ---- steps: election
def begin(s: Any, t: Any, leader: Any) -> Iterator[Call]:
    """The first epoch, from discovery to the delivery of its first transaction."""
    everybody = tuple(t.accepted_epoch)
    yield from discover(s, t, leader, everybody)
    message, first = core.NewLeader(epoch=1, end=0), transaction(t.log[leader][1])
    others = tuple(n for n in everybody if n != leader)
    for n in others:
        yield "adopt_history", n, message, 0
        yield "write_current_epoch", n, message
        yield "acknowledge_new_leader", n, message
        yield "handle_new_leader_ack", leader, core.AckNewLeader(follower=n, epoch=1)
    yield "start_broadcast", leader
    for n in others:
        yield "handle_up_to_date", n, core.UpToDate(epoch=1, end=0)
    yield "propose", leader, first.value
    for n in everybody:
        yield "log_proposal", n
        yield "handle_ack", leader, n, 1, 1
    yield "commit", leader, 1
    for n in everybody:
        yield "handle_commit", n, core.Commit(epoch=1, end=1)


def elect(s: Any, t: Any, leader: Any, voters: Any) -> Iterator[Call]:
    """Discovery with a quorum."""
    yield from discover(s, t, leader, voters)


def discover(s: Any, t: Any, leader: Any, voters: Any) -> Iterator[Call]:
    """A leader proposes an epoch, each of a quorum promises it, and the leader starts the epoch with its history."""
    epoch = t.accepted_epoch[leader]
    yield "propose_epoch", leader, epoch
    for n in voters:
        if n != leader:
            yield "handle_leader_info", n, core.LeaderInfo(leader=leader, epoch=epoch)
            yield "handle_ack_epoch", ackepoch(s, n, leader, epoch)
    yield "finish_discovery", leader
    message = core.NewLeader(epoch=epoch, end=len(history(s, leader)))
    yield "write_current_epoch", leader, message
    yield "acknowledge_new_leader", leader, message
    yield "handle_new_leader_ack", leader, core.AckNewLeader(follower=leader, epoch=epoch)


def join(s: Any, t: Any, learner: Any, leader: Any) -> Iterator[Call]:
    """A late follower accepts the epoch."""
    yield "handle_leader_info", learner, core.LeaderInfo(leader=leader, epoch=s.accepted_epoch[leader])


# ---- steps: synchronisation
def sync_follower(s: Any, t: Any, leader: Any, learner: Any) -> Iterator[Call]:
    """An established leader takes a learner back."""
    if s.phase[leader] == Phase.BROADCAST:
        yield "return_to_leader", leader, learner


def queue_newleader(s: Any, t: Any, leader: Any, learner: Any) -> Iterator[Call]:
    """NEWLEADER was sent when the epoch started."""
    return iter(())


def take_in_sync(s: Any, t: Any, learner: Any, leader: Any) -> Iterator[Call]:
    """TRUNC changes the disk at once."""
    if t.sync_mode[learner] == SyncMode.TRUNC:
        yield "adopt_history", learner, newleader(s, learner), t.flushed[learner]


def handle_newleader(s: Any, t: Any, learner: Any, leader: Any) -> Iterator[Call]:
    """The history reaches the disk, or only currentEpoch does."""
    yield "adopt_history", learner, newleader(s, learner), t.flushed[learner]
    yield from write_epoch(s, t, learner)


def write_epoch(s: Any, t: Any, n: Any) -> Iterator[Call]:
    """currentEpoch is written."""
    if s.current_epoch[n] != t.current_epoch[n]:
        yield "write_current_epoch", n, newleader(s, n)


def acknowledge_newleader(s: Any, t: Any, learner: Any, leader: Any) -> Iterator[Call]:
    """currentEpoch reaches the disk, and NEWLEADER is acknowledged."""
    yield from write_epoch(s, t, learner)
    yield "acknowledge_new_leader", learner, newleader(s, learner)


def handle_newleader_ack(s: Any, t: Any, leader: Any, learner: Any) -> Iterator[Call]:
    """A leader counts, and may be established."""
    yield "handle_new_leader_ack", leader, core.AckNewLeader(follower=learner, epoch=s.accepted_epoch[leader])
    if s.phase[leader] != t.phase[leader]:
        yield "start_broadcast", leader


def handle_uptodate(s: Any, t: Any, learner: Any, leader: Any) -> Iterator[Call]:
    """A follower serves, and delivers what it has heard to be committed."""
    yield from write_epoch(s, t, learner)
    message = core.UpToDate(epoch=s.accepted_epoch[learner], end=newleader(s, learner).end)
    yield "handle_up_to_date", learner, message
    yield from deliver(s, t, learner, message.end)


def deliver(s: Any, t: Any, n: Any, least: Any = 0) -> Iterator[Call]:
    """A server delivers, beyond what it has and `least`, what its leader has committed."""
    end = t.ghost_delivered[n]
    if end > max(s.ghost_delivered[n], least):
        yield "handle_commit", n, core.Commit(epoch=s.accepted_epoch[n], end=end)


# ---- steps: broadcast
def propose(s: Any, t: Any, leader: Any) -> Iterator[Call]:
    """A leader proposes; it logs the proposal at once, or later."""
    yield "propose", leader, t.log[leader].last.request
    yield from log(s, t, leader)
    yield from count(s, t, leader, leader)


def log(s: Any, t: Any, n: Any) -> Iterator[Call]:
    """What reaches a server's disk."""
    for _ in range(s.flushed[n], t.flushed[n]):
        yield "log_proposal", n


def count(s: Any, t: Any, leader: Any, n: Any) -> Iterator[Call]:
    """A leader counts an acknowledgement, and may commit and deliver."""
    end = t.ghost_acked_end[leader, n]
    if end != s.ghost_acked_end[leader, n]:
        yield "handle_ack", leader, n, s.accepted_epoch[leader], end
    if committed_end(t, leader) != committed_end(s, leader):
        yield "commit", leader, committed_end(t, leader)
    yield from deliver(s, t, leader)


def handle_proposal(s: Any, t: Any, learner: Any, leader: Any) -> Iterator[Call]:
    """A follower logs a proposal at once, or keeps it in memory."""
    yield from log(s, t, learner)


def flush(s: Any, t: Any, n: Any, leader: Any) -> Iterator[Call]:
    """A transaction reaches the disk; it may have been committed and applied before."""
    yield from log(s, t, n)
    if n == leader:
        yield from count(s, t, leader, leader)
    else:
        yield from deliver(s, t, n)


def handle_ack(s: Any, t: Any, leader: Any, learner: Any) -> Iterator[Call]:
    """A leader counts an acknowledgement."""
    yield from count(s, t, leader, learner)


def handle_commit(s: Any, t: Any, learner: Any, leader: Any) -> Iterator[Call]:
    """A follower delivers, or notes the commit for later."""
    yield from deliver(s, t, learner)


# ---- steps: faults
def crash(s: Any, t: Any, n: Any, kept: Any) -> Iterator[Call]:
    """A server crashes, perhaps just after something reached its disk; its leaders lose it."""
    for leader in s.role:
        if s.role[leader] == Role.LEADING and s.link[leader, n] != Link.NONE:
            yield "lose_follower", leader, n
    yield from log(s, t, n)
    yield "restart", n


def lose_connection(s: Any, t: Any, leader: Any, learner: Any) -> Iterator[Call]:
    """The leader's side."""
    yield "lose_follower", leader, learner


def leave(s: Any, t: Any, learner: Any, leader: Any) -> Iterator[Call]:
    """The learner's side; its log is flushed."""
    yield from log(s, t, learner)
    yield "lose_connection", learner


def step_down(s: Any, t: Any, leader: Any) -> Iterator[Call]:
    """A leader without a quorum; its log is flushed."""
    yield from log(s, t, leader)
    yield "lose_connection", leader


STEPS = (
    begin,
    elect,
    join,
    sync_follower,
    queue_newleader,
    take_in_sync,
    handle_newleader,
    acknowledge_newleader,
    handle_newleader_ack,
    handle_uptodate,
    propose,
    handle_proposal,
    flush,
    handle_ack,
    handle_commit,
    crash,
    lose_connection,
    leave,
    step_down,
)

REFINES_CORE = Refinement(
    abstract=CORE,
    reads=READS,
    state=state,
    shared=shared,
    steps={f.__name__: f for f in STEPS},
    unlimited={"values": 8, "losses": 8, "restarts": 8},
    history=with_history,
)
