"""The spec `kraft` refines `kraft-core`: which state of the core a state of it stands for, and which steps a step.

The proof of the core holds for any number of nodes; that it speaks about `kraft` is what this mapping says, and what the explorer
checks on every step within bounds. What is on which side, and why, is in docs/refinement-of-kraft.md:

| `kraft`                                    | `kraft-core`                                                                  |
|--------------------------------------------|-------------------------------------------------------------------------------|
| epoch, log, flushed, last epoch, watermark | the same                                                                      |
| VOTED                                      | UNATTACHED, with a vote                                                       |
| votedId, given up once a leader is known   | a node remembers its vote as long as it is in the epoch (`ghost_vote`)        |
| leaderId                                   | that this leader's BeginQuorumEpoch has been sent                             |
| a leader's own end, derived from its log   | `replica_end` of itself: what it has flushed, once it has appended            |
| responses, kept while they are awaited     | the response was sent; it names the log that its receiver still has           |
| refusals, ERROR responses                  | nothing but that the leader they name has begun its epoch                     |
| `interrupted`                              | a leader with entries that are not flushed                                    |
| elections and restarts so far              | not compared                                                                  |
"""

from collections.abc import Iterator, Mapping
from typing import Any

from model.engines.refine.refinement import Call, Refinement
from model.kraft.state import Outcome, Role
from model.kraft_core import state as core
from model.kraft_core.spec import SPEC as CORE
from model.language import NONE

ROLES: Mapping[Any, Any] = {
    Role.UNATTACHED: core.Role.UNATTACHED,
    Role.VOTED: core.Role.UNATTACHED,
    Role.CANDIDATE: core.Role.CANDIDATE,
    Role.LEADER: core.Role.LEADER,
    Role.FOLLOWER: core.Role.FOLLOWER,
    Role.RESIGNED: core.Role.RESIGNED,
}

READS = (
    "epoch",
    "leader",
    "log",
    "flushed",
    "role",
    "last_epoch",
    "high_watermark",
    "grants",
    "epoch_start",
    "replica_end",
    "ghost_vote",
    "voted_for",
    "vote_requests",
    "vote_responses",
    "begin_requests",
    "begin_responses",
    "fetch_requests",
    "fetch_responses",
)


# ---- states
def state(s: Any, a: Any, n: Any) -> None:
    """Node n's part of the core's state."""
    a.epoch[n] = s.epoch[n]
    a.voted_for[n] = s.ghost_vote[n]
    a.log[n] = tuple(core.Entry(epoch=e.epoch, value=e.value) for e in s.log[n].items)
    a.flushed[n] = s.flushed[n]
    a.role[n] = ROLES[s.role[n]]
    a.last_epoch[n] = s.last_epoch[n]
    a.high_watermark[n] = s.high_watermark[n]
    a.grants[n, :] = lambda voter: s.grants[n, voter]
    a.replica_end[n, :] = lambda m: own_end(s, n) if m == n else s.replica_end[n, m]
    requests(s, a, n)
    responses(s, a, n)
    if s.leader[n] != NONE:
        a.begin_quorums.send(core.BeginQuorum(leader=s.leader[n], epoch=s.epoch[n]))


def own_end(s: Any, n: Any) -> Any:
    """Up to where a leader counts itself: what it has flushed, once it has appended. A node that does not lead counts nothing."""
    counts = s.role[n] == Role.LEADER and s.flushed[n] > s.epoch_start[n]
    return s.flushed[n] if counts else 0


def requests(s: Any, a: Any, n: Any) -> None:
    """The requests that a node has sent."""
    for m in s.vote_requests.items:
        a.vote_requests.send(vote_request(m))
    for m in s.begin_requests.items:
        a.begin_quorums.send(core.BeginQuorum(leader=m.leader, epoch=m.epoch))
    for m in s.fetch_requests.items:
        a.fetch_requests.send(fetch_request(m))


def responses(s: Any, a: Any, n: Any) -> None:
    """The responses that a node awaits."""
    for m in s.vote_responses.items:
        if m.granted:
            a.votes_granted.send(vote_granted(m))
        knows(a, m.leader, m.epoch)
    for m in s.begin_responses.items:
        knows(a, m.known_leader, m.epoch)
    for m in s.fetch_responses.items:
        if m.outcome == Outcome.RECORDS:
            a.fetched.send(fetched(s, m))
        elif m.outcome == Outcome.DIVERGING:
            a.diverged.send(diverged(s, m))
        else:
            knows(a, m.leader, m.epoch)


def knows(a: Any, leader: Any, epoch: Any) -> None:
    """Whoever names the leader of an epoch has it from that leader."""
    if leader != NONE:
        a.begin_quorums.send(core.BeginQuorum(leader=leader, epoch=epoch))


# ---- messages
def vote_request(m: Any) -> Any:
    """Vote, the same on both sides."""
    return core.VoteRequest(candidate=m.candidate, epoch=m.epoch, end=m.end, last_epoch=m.last_epoch)


def vote_granted(m: Any) -> Any:
    """A Vote response that grants."""
    return core.VoteGranted(voter=m.voter, candidate=m.candidate, epoch=m.epoch)


def fetch_request(m: Any) -> Any:
    """Fetch; in the core it is not addressed: whoever leads the epoch answers it."""
    return core.FetchRequest(follower=m.follower, epoch=m.epoch, end=m.end, last_epoch=m.last_epoch)


def fetched(s: Any, m: Any) -> Any:
    """A Fetch response with records. It is awaited, so the log that it answers is the one that the follower still has."""
    return core.Fetched(
        follower=m.follower,
        epoch=m.epoch,
        end=s.log[m.follower].length,
        last_epoch=s.last_epoch[m.follower],
        has_record=m.has_record,
        record_epoch=m.record_epoch,
        record_value=m.record_value,
        high_watermark=m.high_watermark,
    )


def diverged(s: Any, m: Any) -> Any:
    """A diverging Fetch response. An epoch older than the whole log is answered with itself in Kafka, with 0 in the core."""
    return core.Diverged(
        follower=m.follower,
        epoch=m.epoch,
        end=s.log[m.follower].length,
        last_epoch=s.last_epoch[m.follower],
        diverging_epoch=m.diverging_epoch if m.diverging_end > 0 else 0,
        diverging_end=m.diverging_end,
    )


# ---- steps
def start_election(s: Any, t: Any, n: Any) -> Iterator[Call]:
    """A node stands and asks; a sole voter has won."""
    yield "start_election", n
    yield "request_votes", n
    if t.role[n] == Role.LEADER:
        yield "become_leader", n


def handle_vote_request(s: Any, t: Any, voter: Any, request: Any) -> Iterator[Call]:
    """A grant is the core's; a refusal is at most the news of an epoch."""
    granted = t.role[voter] == Role.VOTED and t.epoch[voter] == request.epoch
    if granted and t.voted_for[voter] == request.candidate:
        yield "handle_vote_request", voter, vote_request(request)
    elif request.epoch > s.epoch[voter]:
        yield "hear_of_epoch", voter, request.epoch


def handle_vote_response(s: Any, t: Any, response: Any) -> Iterator[Call]:
    """A grant is counted, and may decide the election; else a leader or an epoch is heard of."""
    candidate = response.candidate
    if response.epoch > s.epoch[candidate] or response.leader != NONE:
        yield from learn(s, candidate, response.epoch, response.leader)
    else:
        yield "handle_vote_granted", vote_granted(response)
        if t.role[candidate] == Role.LEADER:
            yield "become_leader", candidate


def learn(s: Any, n: Any, epoch: Any, leader: Any) -> Iterator[Call]:
    """A node hears of a newer epoch, and follows its leader and fetches if it hears of one."""
    if epoch > s.epoch[n]:
        yield "hear_of_epoch", n, epoch
    if leader != NONE:
        yield "handle_begin_quorum", n, core.BeginQuorum(leader=leader, epoch=epoch)
        yield "send_fetch", n


def handle_begin_quorum_request(s: Any, t: Any, n: Any, request: Any) -> Iterator[Call]:
    """A voter follows; an answer that knows a newer epoch is a stutter."""
    if request.epoch >= s.epoch[n]:
        yield from learn(s, n, request.epoch, request.leader)


def handle_begin_quorum_response(s: Any, t: Any, response: Any) -> Iterator[Call]:
    """A leader steps down."""
    yield from learn(s, response.leader, response.epoch, response.known_leader)


def append_leader_change(s: Any, t: Any, leader: Any) -> Iterator[Call]:
    """A leader appends and flushes its first record."""
    yield from append(s, t, leader, 0)


def append_record(s: Any, t: Any, leader: Any, value: Any) -> Iterator[Call]:
    """A leader appends and flushes a client's record."""
    yield from append(s, t, leader, value)


def append(s: Any, t: Any, leader: Any, value: Any) -> Iterator[Call]:
    """One drain: append, flush, and whatever that commits."""
    yield "append_record", leader, value
    yield "flush", leader
    yield from commit(s, t, leader)


def append_without_flush(s: Any, t: Any, leader: Any, value: Any) -> Iterator[Call]:
    """The power fails before the flush."""
    yield "append_record", leader, value


def commit(s: Any, t: Any, leader: Any) -> Iterator[Call]:
    """A leader's high watermark moves."""
    if t.high_watermark[leader] != s.high_watermark[leader]:
        yield "advance_high_watermark", leader, t.high_watermark[leader]


def handle_fetch_request(s: Any, t: Any, request: Any) -> Iterator[Call]:
    """A leader counts and answers; if that commits, it answers with the new high watermark. Whoever does not lead only says so."""
    leader = request.leader
    if s.role[leader] == Role.LEADER and s.epoch[leader] == request.epoch:
        yield "handle_fetch", leader, fetch_request(request)
        if t.high_watermark[leader] != s.high_watermark[leader]:
            yield from commit(s, t, leader)
            yield "handle_fetch", leader, fetch_request(request)


def handle_fetch_response(s: Any, t: Any, response: Any) -> Iterator[Call]:
    """A follower appends, or cuts its log, and fetches on; or hears of a newer epoch."""
    follower = response.follower
    if response.outcome == Outcome.ERROR:
        yield from learn(s, follower, response.epoch, response.leader)
        return
    if response.outcome == Outcome.RECORDS:
        yield "handle_fetched", fetched(s, response)
    else:
        yield "handle_diverged", diverged(s, response), t.log[follower].length
    yield "send_fetch", follower


def restart(s: Any, t: Any, n: Any, kept: Any) -> Iterator[Call]:
    """A node comes back; a candidate asks again, a follower follows its leader again."""
    yield "restart", n, kept
    yield from resume(t, n)


def crash_before_voting(s: Any, t: Any, voter: Any, request: Any, kept: Any) -> Iterator[Call]:
    """A voter hears of an epoch, and crashes before it votes."""
    yield "hear_of_epoch", voter, request.epoch
    yield "restart", voter, kept
    yield from resume(t, voter)


def resume(t: Any, n: Any) -> Iterator[Call]:
    """What a node does in the role in which it comes back."""
    if t.role[n] == Role.CANDIDATE:
        yield "request_votes", n
    elif t.role[n] == Role.FOLLOWER:
        yield "handle_begin_quorum", n, core.BeginQuorum(leader=t.leader[n], epoch=t.epoch[n])
        yield "send_fetch", n


STEPS = (
    start_election,
    handle_vote_request,
    handle_vote_response,
    handle_begin_quorum_request,
    handle_begin_quorum_response,
    append_leader_change,
    append_record,
    append_without_flush,
    handle_fetch_request,
    handle_fetch_response,
    restart,
    crash_before_voting,
)

REFINES_CORE = Refinement(
    abstract=CORE,
    reads=READS,
    state=state,
    steps={f.__name__: f for f in STEPS},
    unused={"start_pre_vote": "pre-vote (KIP-996) came after the Kafka that `kraft` follows"},
    unlimited={"elections": 8, "restarts": 8},
)
