"""History of the core, added from outside: each action that makes history is wrapped, the protocol is left as it is.

| history                          | meaning                                                                                  |
|----------------------------------|------------------------------------------------------------------------------------------|
| `ghost_promised[n, e, l]`        | n has promised epoch e to l; a leader promises its epoch to itself                          |
| `ghost_promise_...[n, e]`        | current epoch and last zxid (last epoch, end) of n when it promised e                       |
| `ghost_led[n, e]`                | n has finished discovery in e                                                              |
| `ghost_leader[e]`                | who finished discovery in e last; NONE: nobody has ("the epoch has not started")             |
| `ghost_electors[e]`              | a majority that promised e to that leader                                                  |
| `ghost_initial_end[e]`           | where the initial history of e ends                                                        |
| `ghost_source[n]`                | the epoch whose history the history of n is a beginning of                                  |
| `ghost_broadcast[e, i]`          | what the leader of e proposed at place i; NONE: nothing                                     |
| `ghost_synced[n, e]`             | n has acknowledged the initial history of e                                                |
| `ghost_commit_quorum[e, i]`      | the majority by which the leader of e committed up to i; NONE: it has not                   |
| `ghost_commit_epoch[n]`          | the epoch in which what n delivered last was committed                                      |
"""

from typing import Any

from model.language import Bool, Fn, Node, Option, Quorum, quorum
from model.zab_core import actions
from model.zab_core.actions import last_epoch
from model.zab_core.rules import has_acknowledged, has_synced, is_promise
from model.zab_core.state import (
    Commit,
    Epoch,
    Index,
    LeaderInfo,
    NewLeader,
    UpToDate,
    Value,
    ZabCore,
)


class ZabCoreHistory(ZabCore):
    """The core with its history."""

    ghost_promised = Fn(Node, Epoch, Node, Bool)
    ghost_promise_current = Fn(Node, Epoch, Epoch)
    ghost_promise_last_epoch = Fn(Node, Epoch, Epoch)
    ghost_promise_end = Fn(Node, Epoch, Index)
    ghost_led = Fn(Node, Epoch, Bool)
    ghost_leader = Fn(Epoch, Option[Node])
    ghost_electors = Fn(Epoch, Option[Quorum])
    ghost_initial_end = Fn(Epoch, Index)
    ghost_source = Fn(Node, Epoch)
    ghost_broadcast = Fn(Epoch, Index, Option[Value])
    ghost_synced = Fn(Node, Epoch, Bool)
    ghost_commit_quorum = Fn(Epoch, Index, Option[Quorum])
    ghost_commit_epoch = Fn(Node, Epoch)


def record_promise(s: ZabCoreHistory, n: Any, epoch: Any, leader: Any) -> None:
    """n promises an epoch to a leader, with the history that it has."""
    history = s.history[n]
    s.ghost_promised[n, epoch, leader] = True
    s.ghost_promise_current[n, epoch] = s.current_epoch[n]
    s.ghost_promise_last_epoch[n, epoch] = last_epoch(history)
    s.ghost_promise_end[n, epoch] = history.length


def propose_epoch(s: ZabCoreHistory, n: Node, epoch: Epoch) -> None:
    """A server proposes an epoch, and promises it to itself."""
    actions.propose_epoch(s, n, epoch)
    record_promise(s, n, epoch, n)


def handle_leader_info(s: ZabCoreHistory, n: Node, info: LeaderInfo) -> None:
    """A server accepts an epoch, and promises it if it is new."""
    promise = is_promise(info.epoch, s.accepted_epoch[n])
    actions.handle_leader_info(s, n, info)
    if promise:
        record_promise(s, n, info.epoch, info.leader)


def finish_discovery(s: ZabCoreHistory, leader: Node) -> None:
    """A leader finishes discovery: its history is the initial history of its epoch."""
    electors = quorum(lambda n: s.promised_by[leader, n])
    actions.finish_discovery(s, leader)
    epoch = s.accepted_epoch[leader]
    s.ghost_led[leader, epoch] = True
    s.ghost_leader[epoch] = leader
    s.ghost_electors[epoch] = electors
    s.ghost_initial_end[epoch] = s.history[leader].length
    s.ghost_source[leader] = epoch


def adopt_history(s: ZabCoreHistory, n: Node, new_leader: NewLeader, end: Index) -> None:
    """A follower's history becomes a beginning of the epoch's."""
    actions.adopt_history(s, n, new_leader, end)
    s.ghost_source[n] = new_leader.epoch


def acknowledge_new_leader(s: ZabCoreHistory, n: Node, new_leader: NewLeader) -> None:
    """A server acknowledges the initial history."""
    actions.acknowledge_new_leader(s, n, new_leader)
    s.ghost_synced[n, new_leader.epoch] = True


def start_broadcast(s: ZabCoreHistory, leader: Node) -> None:
    """A leader is established: it commits its initial history."""
    holders = quorum(lambda n: has_synced(s.synced_by[leader, n]))
    actions.start_broadcast(s, leader)
    epoch = s.accepted_epoch[leader]
    s.ghost_commit_quorum[epoch, s.history[leader].length] = holders
    s.ghost_commit_epoch[leader] = epoch


def handle_up_to_date(s: ZabCoreHistory, n: Node, up_to_date: UpToDate) -> None:
    """A follower delivers the initial history, unless it has delivered as much before."""
    before = s.last_committed[n]
    actions.handle_up_to_date(s, n, up_to_date)
    if s.last_committed[n] != before:
        s.ghost_commit_epoch[n] = up_to_date.epoch


def propose(s: ZabCoreHistory, leader: Node, value: Value) -> None:
    """A leader broadcasts a transaction."""
    actions.propose(s, leader, value)
    epoch = s.accepted_epoch[leader]
    s.ghost_broadcast[epoch, s.sent[epoch].length] = value


def log_proposal(s: ZabCoreHistory, n: Node) -> None:
    """A server acknowledges a proposal, and with it all that comes before on the channel."""
    actions.log_proposal(s, n)
    s.ghost_synced[n, s.current_epoch[n]] = True


def commit(s: ZabCoreHistory, leader: Node, end: Index) -> None:
    """A leader commits."""
    holders = quorum(lambda n: has_acknowledged(s.acked_end[leader, n], end))
    actions.commit(s, leader, end)
    s.ghost_commit_quorum[s.accepted_epoch[leader], end] = holders


def handle_commit(s: ZabCoreHistory, n: Node, message: Commit) -> None:
    """A server delivers what was committed in its epoch."""
    actions.handle_commit(s, n, message)
    s.ghost_commit_epoch[n] = message.epoch


WRAPPED = {
    f.__name__: f
    for f in (
        propose_epoch,
        handle_leader_info,
        finish_discovery,
        adopt_history,
        acknowledge_new_leader,
        start_broadcast,
        handle_up_to_date,
        propose,
        log_proposal,
        commit,
        handle_commit,
    )
}

ACTIONS = tuple(WRAPPED.get(action.__name__, action) for action in actions.ACTIONS)
