"""The spec `kraft-live`: KRaft under the assumptions that its liveness rests on. Each is the replacement of one action.

Without them nothing is live: candidates may duel for ever (Raft section 9.3: election timeouts are random, and longer than the
broadcast time), a cluster may crash faster than it elects, and clients may write faster than anybody follows.

| Assumption                      | In words                                                                    | Replaced                 |
|---------------------------------|-----------------------------------------------------------------------------|--------------------------|
| messages are faster than timers | a timer fires only if nothing that a running voter awaits can still arrive  | `start_election`         |
| losers wait longest             | a candidate stands again only if no other voter is about to stand           | `start_election`         |
| crashes are few                 | at most as many as the bounds allow; whose power has failed may stay down   | the three kinds of crash |
| one client, one record          | the client appends each of its records at a leader that does not have it    | `append_record`          |

A voter is *about to stand* if it runs and neither leads nor is a candidate itself. What a node awaits: a candidate the votes of
voters that will answer, a follower the answer to its Fetch, and every voter the requests that tell it something new. A message
that nobody will ever handle is not awaited by anybody. It is not enough that the node's own mail has come: a voter that has granted its
vote awaits nothing in particular, and would stand against the candidate that is just about to win, again and again.

With three voters and one crash, four elections are then always enough: at the default bounds no run leaves them, so that liveness is
decided (properties/kraft/liveness.py).
"""

from collections.abc import Callable, Mapping
from typing import Any

from attrs import evolve

from model.kraft.append import append_record, append_without_flush
from model.kraft.election import awaits_vote, start_election
from model.kraft.fetch import awaits_fetch
from model.kraft.restart import crash_before_voting, restart
from model.kraft.rules import log_up_to_date, may_grant
from model.kraft.spec import SPEC as KRAFT
from model.kraft.state import Index, KRaft, Restarts, Role, Value, VoteRequest
from model.kraft.transitions import is_running
from model.language import NONE, Node, Not, Replacement, Spec, exists, forall, implies, require


def will_answer(s: KRaft, voter: Any, request: VoteRequest) -> Any:
    """The voter runs, knows the request's epoch, and has something to tell: a vote, a leader, a newer epoch."""
    up_to_date = log_up_to_date(request.last_epoch, request.end, s.last_epoch[voter], s.log[voter].length)
    grants = may_grant(s.role[voter], s.voted_for[voter], s.leader[voter], request.candidate, up_to_date)
    tells = (s.epoch[voter] > request.epoch) | (s.leader[voter] != NONE) | grants
    return is_running(s, voter) & (voter != request.candidate) & (request.epoch <= s.epoch[voter]) & tells


def awaits_votes(s: KRaft, n: Any) -> Any:
    """A candidate awaits an answer that is on its way, or that a voter will give."""
    return s.vote_responses.exists(lambda m: m.candidate == n) | s.vote_requests.exists(
        lambda m: (
            (m.candidate == n)
            & awaits_vote(s, m)
            & exists(
                Node,
                lambda v: (
                    Not(s.grants[n, v])
                    & (will_answer(s, v, m) | (is_running(s, v) & (v != n) & (m.epoch > s.epoch[v])))
                ),
            )
        )
    )


def awaits_records(s: KRaft, n: Any) -> Any:
    """A follower awaits an answer that is on its way, or that the node it fetches from will give."""
    return s.fetch_responses.exists(lambda m: m.follower == n) | s.fetch_requests.exists(
        lambda m: (
            (m.follower == n)
            & awaits_fetch(s, m)
            & is_running(s, m.leader)
            & (((s.role[m.leader] == Role.LEADER) & (s.epoch[m.leader] == m.epoch)) | (s.epoch[m.leader] > m.epoch))
        )
    )


def hears_news(s: KRaft, n: Any) -> Any:
    """A request is on its way that tells a voter of a newer epoch, or who leads its own."""
    return s.vote_requests.exists(lambda m: (m.candidate != n) & (m.epoch > s.epoch[n])) | s.begin_requests.exists(
        lambda m: (m.leader != n) & ((m.epoch > s.epoch[n]) | ((m.epoch == s.epoch[n]) & (s.leader[n] == NONE)))
    )


def is_about_to_stand(s: KRaft, n: Any) -> Any:
    """A voter's election or fetch timer is running: it neither leads nor is a candidate in its backoff."""
    return is_running(s, n) & (s.role[n] != Role.LEADER) & (s.role[n] != Role.CANDIDATE)


def is_silent(s: KRaft) -> Any:
    """Nothing that a running voter awaits can still arrive."""
    return forall(
        Node, lambda n: implies(is_running(s, n), Not(hears_news(s, n) | awaits_votes(s, n) | awaits_records(s, n)))
    )


def start_election_after_silence(s: KRaft, n: Node) -> None:
    """A voter stands for election once nothing that it awaits can still arrive; a loser only if nobody else is about to stand."""
    require(is_silent(s))
    require((s.role[n] != Role.CANDIDATE) | Not(exists(Node, lambda v: is_about_to_stand(s, v))))

    start_election(s, n)


def append_missing_record(s: KRaft, leader: Node, value: Value) -> None:
    """A client's record is appended by a leader that does not have it: the client writes once, and again after a failure."""
    require(forall(Index, lambda i: implies((i >= 1) & (i <= s.log[leader].length), s.log[leader][i].value != value)))

    append_record(s, leader, value)


def crashes_are_left(s: KRaft) -> Any:
    """The assumed number of crashes is not used up."""
    return exists(Restarts, lambda more: more > s.aux_restarts)


def restart_within_assumption(s: KRaft, n: Node, kept: Index) -> None:
    """A node crashes and restarts, or restarts after its power failed, if there was no crash too many."""
    require(s.interrupted[n] | crashes_are_left(s))

    restart(s, n, kept)


def append_without_flush_within_assumption(s: KRaft, leader: Node, value: Value) -> None:
    """A leader's power fails before its flush, if there was no crash too many; what it appends is its next record."""
    require(crashes_are_left(s))
    require(
        forall(
            Index,
            lambda i: implies((i >= 1) & (i <= s.log[leader].length) & (value >= 1), s.log[leader][i].value != value),
        )
    )

    append_without_flush(s, leader, value)


def crash_before_voting_within_assumption(s: KRaft, voter: Node, request: VoteRequest, kept: Index) -> None:
    """A voter crashes between the two writes of a vote, if there was no crash too many."""
    require(crashes_are_left(s))

    crash_before_voting(s, voter, request, kept)


FAIRNESS: Mapping[str, str] = {
    # Timers: each voter's fires again and again, if it is again and again set free by silence.
    "start_election": "strong per instance",
    # The network and the poll loop: every message that stays in the way is handled in the end, by every node it is for.
    "handle_vote_request": "weak per instance",
    "handle_vote_response": "weak per instance",
    "handle_begin_quorum_request": "weak per instance",
    "handle_begin_quorum_response": "weak per instance",
    "append_leader_change": "weak per instance",
    "append_record": "weak per instance",
    "handle_fetch_request": "weak per instance",
    "handle_fetch_response": "weak per instance",
}
"""Crashes and restarts are not fair: none has to happen, and a node whose power has failed may stay down."""

REPLACED: Mapping[str, Callable[..., Any]] = {
    "start_election": start_election_after_silence,
    "append_record": append_missing_record,
    "restart": restart_within_assumption,
    "append_without_flush": append_without_flush_within_assumption,
    "crash_before_voting": crash_before_voting_within_assumption,
}

BOUNDS = {"nodes": 3, "epochs": 4, "log": 4, "values": 1, "elections": 4, "restarts": 1, "stale": 0}


def _all_voters(holds: Any) -> Any:
    """The high watermark waits for every voter, as if all of them were always in sync."""
    return forall(Node, holds)


def _nothing_cut(end: Any, matches: Any, local_end: Any, diverging_end: Any, high_watermark: Any) -> Any:
    """A diverging follower cuts nothing: it asks for the same again, and is told the same again."""
    return end


BUGS = (
    Replacement(
        bug="LIVE1",
        title="The high watermark waits for every voter, also for one that is down",
        name="replicated",
        function=_all_voters,
        breaks="the_client_record_commits",
        bounds={"epochs": 2, "elections": 2, "log": 3, "restarts": 1},
        source="mutation of LeaderState.maybeUpdateHighWatermark",
    ),
    Replacement(
        bug="LIVE2",
        title="A diverging follower truncates for ever, and gets nowhere",
        name="truncation_target",
        function=_nothing_cut,
        breaks="everybody_learns_of_the_commit",
        bounds={"epochs": 2, "elections": 2, "log": 3, "restarts": 1},
        source="after KAFKA-10706 (a truncation that leaves the next Fetch as it was is repeated for ever)",
    ),
)


def _live() -> Spec:
    spec = KRAFT
    for name, function in REPLACED.items():
        spec = spec.replace(name, function)
    return evolve(
        spec.with_fairness(FAIRNESS),
        name="kraft-live",
        title="KRaft, if messages are faster than timers and crashes are few",
        bounds=BOUNDS,
        bugs={bug.bug: bug for bug in BUGS},
    )


SPEC = _live()
