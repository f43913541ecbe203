"""History of the core, added from outside: each action that makes history is wrapped, the protocol is left as it is.

| history                    | meaning                                                                                    |
|----------------------------|--------------------------------------------------------------------------------------------|
| `ghost_voted[n, e, c]`     | n has voted for c in epoch e, whatever it still remembers                                    |
| `ghost_leader[e]`          | who won epoch e; NONE: nobody has ("the epoch has not started")                              |
| `ghost_electors[e]`        | a majority that voted for the winner                                                        |
| `ghost_log[e]`             | the log of the leader of e: what it had when it was elected, and what it has appended since |
| `ghost_acked[n, e]`        | the highest offset from which n has fetched in e with a last entry of e; a leader: flushed   |
| `ghost_commit_quorum[e,i]` | the majority by which the leader of e committed up to i; NONE: it has not                   |
| `ghost_hw_epoch/_end[n]`   | the commit (epoch, end) from which n's high watermark comes                                 |
"""

from model.kraft_core import actions
from model.kraft_core.state import (
    Entry,
    Epoch,
    Fetched,
    Index,
    KRaftCore,
    Value,
    VoteRequest,
)
from model.language import Bool, Fn, Node, Option, Quorum, Seq, ite, maximum, quorum


class KRaftCoreHistory(KRaftCore):
    """The core with its history."""

    ghost_voted = Fn(Node, Epoch, Node, Bool)
    ghost_leader = Fn(Epoch, Option[Node])
    ghost_electors = Fn(Epoch, Option[Quorum])
    ghost_log = Fn(Epoch, Seq[Entry, Index])
    ghost_acked = Fn(Node, Epoch, Index)
    ghost_commit_quorum = Fn(Epoch, Index, Option[Quorum])
    ghost_hw_epoch = Fn(Node, Epoch)
    ghost_hw_end = Fn(Node, Index)


def start_election(s: KRaftCoreHistory, n: Node) -> None:
    """A voter stands for election, and has voted for itself."""
    actions.start_election(s, n)
    s.ghost_voted[n, s.epoch[n], n] = True


def handle_vote_request(s: KRaftCoreHistory, voter: Node, request: VoteRequest) -> None:
    """A voter grants a candidate its vote."""
    actions.handle_vote_request(s, voter, request)
    s.ghost_voted[voter, request.epoch, request.candidate] = True


def become_leader(s: KRaftCoreHistory, candidate: Node) -> None:
    """A candidate leads: its log is the epoch's log."""
    electors = quorum(lambda voter: s.grants[candidate, voter])
    actions.become_leader(s, candidate)
    epoch = s.epoch[candidate]
    s.ghost_leader[epoch] = candidate
    s.ghost_electors[epoch] = electors
    s.ghost_log[epoch] = s.log[candidate]


def append_record(s: KRaftCoreHistory, leader: Node, value: Value) -> None:
    """A leader appends a record, to the epoch's log as well."""
    actions.append_record(s, leader, value)
    epoch = s.epoch[leader]
    s.ghost_log[epoch].append(Entry(epoch=epoch, value=value))


def flush(s: KRaftCoreHistory, leader: Node) -> None:
    """A leader flushes its log, and has so acknowledged it."""
    actions.flush(s, leader)
    s.ghost_acked[leader, s.epoch[leader]] = s.log[leader].length


def send_fetch(s: KRaftCoreHistory, n: Node) -> None:
    """A follower fetches: if its last entry is of its epoch, it acknowledges its log, whether or not the request arrives."""
    actions.send_fetch(s, n)
    epoch, end, known = s.epoch[n], s.log[n].length, s.ghost_acked[n, s.epoch[n]]
    s.ghost_acked[n, epoch] = ite(s.last_epoch[n] == epoch, maximum(known, end), known)


def handle_fetched(s: KRaftCoreHistory, response: Fetched) -> None:
    """A follower takes over a high watermark: it comes from the commit that its leader announced."""
    follower = response.follower
    before = s.high_watermark[follower]
    actions.handle_fetched(s, response)
    if s.high_watermark[follower] != before:
        s.ghost_hw_epoch[follower] = response.epoch
        s.ghost_hw_end[follower] = response.high_watermark


def advance_high_watermark(s: KRaftCoreHistory, leader: Node, end: Index) -> None:
    """A leader commits."""
    holders = quorum(lambda n: s.replica_end[leader, n] >= end)
    actions.advance_high_watermark(s, leader, end)
    epoch = s.epoch[leader]
    s.ghost_commit_quorum[epoch, end] = holders
    s.ghost_hw_epoch[leader] = epoch
    s.ghost_hw_end[leader] = end


WRAPPED = {
    f.__name__: f
    for f in (
        start_election,
        handle_vote_request,
        become_leader,
        append_record,
        flush,
        send_fetch,
        handle_fetched,
        advance_high_watermark,
    )
}

ACTIONS = tuple(WRAPPED.get(action.__name__, action) for action in actions.ACTIONS)
