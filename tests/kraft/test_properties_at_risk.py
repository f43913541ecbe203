"""Every claim about KRaft can be broken: for each a fault that breaks it, in a scope in which the correct spec satisfies it.

A property that no fault can break says nothing. Each is checked alone, so that no other can be met first. The faults replace rules
or actions by name, as the historical bugs do (`model.kraft.bugs` has more).
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import pytest
from attrs import field, frozen

from model.engines.explore import explore
from model.engines.verdict import HOLDS, VIOLATED, PropertyVerdict
from model.kraft.election import handle_vote_response
from model.kraft.restart import recover
from model.kraft.state import (
    BeginQuorumRequest,
    BeginQuorumResponse,
    Entry,
    FetchResponse,
    Index,
    KRaft,
    Role,
    Value,
    VoteResponse,
)
from model.kraft.transitions import is_running, send_fetch
from model.language import Node, count, forall, minimum, require, value_of
from model.language.ground_spec import ground
from model.language.trace import trace
from tests.kraft.scopes import KRAFT, ONE_ELECTION, derived, no_time

# ------------------------------------------------------------------------------------------------ faults


def grant_to_everybody(role: Any, voted_for: Any, leader: Any, candidate: Any, up_to_date: Any) -> Any:
    """A voter grants its vote to whoever asks."""
    return candidate == candidate  # noqa: PLR0124 - true, as a term


def grant_to_nobody(role: Any, voted_for: Any, leader: Any, candidate: Any, up_to_date: Any) -> Any:
    """A voter never grants its vote."""
    return candidate != candidate  # noqa: PLR0124 - false, as a term


def logs_are_not_compared(last_epoch: Any, end: Any, my_last_epoch: Any, my_end: Any) -> Any:
    """A voter takes every log for up to date."""
    return end == end  # noqa: PLR0124 - true, as a term


def one_replica_too_few(holds: Any) -> Any:
    """What less than a majority holds is committed."""
    replicas = count(Node, holds)
    return replicas + replicas + 1 >= count(Node, lambda n: n == n)  # noqa: PLR0124 - all nodes


def nothing_is_exposed(end: Any, epoch_start: Any) -> Any:
    """The high watermark stays unknown."""
    return end < end  # noqa: PLR0124 - false, as a term


def nothing_is_flushed(length: Any, flushed: Any) -> Any:
    """An append leaves the disk as it was."""
    return flushed


def one_too_many_is_flushed(length: Any, flushed: Any) -> Any:
    """The disk is taken to hold one entry more than the log has."""
    return length + 1


def nothing_is_cut(end: Any, matches: Any, local_end: Any, diverging_end: Any, high_watermark: Any) -> Any:
    """A diverging follower keeps its log."""
    return end


def restart_in_an_older_epoch(s: KRaft, n: Node, kept: Index) -> None:
    """A node restarts and has forgotten its epoch."""
    require(s.flushed[n] <= kept)
    require(kept <= s.log[n].length)

    s.aux_restarts = s.aux_restarts + 1
    recover(s, n, kept)
    s.epoch[n] = 0


def restart_without_what_was_flushed(s: KRaft, n: Node, kept: Index) -> None:
    """A node restarts and has lost any suffix of its log, flushed or not."""
    require(kept <= s.log[n].length)

    s.aux_restarts = s.aux_restarts + 1
    recover(s, n, kept)


def restart_with_an_old_high_watermark(s: KRaft, n: Node, kept: Index) -> None:
    """A node restarts with the high watermark of a checkpoint that is behind."""
    require(s.flushed[n] <= kept)
    require(kept <= s.log[n].length)

    s.aux_restarts = s.aux_restarts + 1
    old = minimum(s.high_watermark[n], 1)
    recover(s, n, kept)
    s.high_watermark[n] = old


def append_record_as_anybody(s: KRaft, leader: Node, value: Value) -> None:
    """A node appends a record of its epoch without being its leader."""
    require(is_running(s, leader))
    require(value >= 1)
    require(s.epoch[leader] >= 1)

    s.log[leader].append(Entry(epoch=s.epoch[leader], value=value))
    s.last_epoch[leader] = s.epoch[leader]


def fetched_is_committed(s: KRaft, response: FetchResponse) -> None:
    """A follower takes everything that it has fetched for committed."""
    follower = response.follower
    require(response.has_record)

    s.fetch_responses.forget(lambda m: m.follower == follower)
    s.log[follower].append(Entry(epoch=response.record_epoch, value=response.record_value))
    s.last_epoch[follower] = response.record_epoch
    s.high_watermark[follower] = s.log[follower].length
    send_fetch(s, follower, value_of(s.leader[follower]))


def begin_is_ignored(s: KRaft, n: Node, request: BeginQuorumRequest) -> None:
    """A voter never learns from BeginQuorumEpoch who leads."""
    require(request.epoch == 0)


def refusal_is_ignored(s: KRaft, response: BeginQuorumResponse) -> None:
    """A leader never learns from a refused BeginQuorumEpoch that there is a newer one."""
    require(response.epoch == 0)


def lead_only_without_a_leader(s: KRaft, response: VoteResponse) -> None:
    """A candidate waits for the end of any leader before it counts a vote, as if it knew."""
    require(forall(Node, lambda n: s.role[n] != Role.LEADER))

    handle_vote_response(s, response)


# ------------------------------------------------------------------------------------------------ table


@frozen
class Risk:
    """A property, what breaks it, and a scope in which it is broken and holds otherwise."""

    name: str
    faults: Mapping[str, Callable[..., Any]]
    scope: Mapping[str, int] = field(factory=dict)

    def __str__(self) -> str:
        return self.name


TWO_CANDIDATES = {**ONE_ELECTION, "elections": 2, "log": 0}
ONE_CRASH = {"nodes": 2, "epochs": 1, "elections": 1, "log": 1, "values": 0, "restarts": 1}
SOLE_VOTER = {"nodes": 1, "epochs": 1, "elections": 1, "log": 2, "values": 1, "restarts": 1}
TWO_LEADERS = {"nodes": 3, "epochs": 2, "elections": 2, "log": 0, "values": 0, "restarts": 0}
DIVERGENCE = {**TWO_LEADERS, "log": 1}

RISKS = (
    Risk("at_most_one_leader_per_epoch", {"may_grant": grant_to_everybody}, TWO_CANDIDATES),
    Risk("an_epoch_keeps_its_leader", {"may_grant": grant_to_everybody}, TWO_CANDIDATES),
    Risk("a_voter_votes_once_per_epoch", {"may_grant": grant_to_everybody}, TWO_CANDIDATES),
    Risk("epochs_never_decrease", {"restart": restart_in_an_older_epoch}, ONE_CRASH),
    Risk("log_matching", {"append_record": append_record_as_anybody}, {**ONE_ELECTION, "values": 1}),
    Risk("the_flushed_part_is_in_the_log", {"flushed_after_append": one_too_many_is_flushed}, SOLE_VOTER),
    Risk("no_truncation_below_the_high_watermark", {"restart": restart_without_what_was_flushed}, ONE_CRASH),
    Risk("leader_completeness", {"log_up_to_date": logs_are_not_compared}, DIVERGENCE),
    Risk("committed_entries_are_flushed_on_a_majority", {"flushed_after_append": nothing_is_flushed}, ONE_ELECTION),
    Risk("state_machine_safety", {"handle_fetch_response": fetched_is_committed}, ONE_ELECTION),
    Risk("the_high_watermark_is_on_a_majority", {"replicated": one_replica_too_few}, ONE_ELECTION),
    Risk("electable_nodes_hold_committed_entries", {"replicated": one_replica_too_few}, ONE_ELECTION),
    Risk("the_high_watermark_never_decreases", {"restart": restart_with_an_old_high_watermark}, SOLE_VOTER),
    Risk("a_leader_is_elected", {"may_grant": grant_to_nobody}, ONE_ELECTION),
    Risk("an_entry_commits", {"past_epoch_start": nothing_is_exposed}, ONE_ELECTION),
    Risk("a_client_record_commits", {"past_epoch_start": nothing_is_exposed}, SOLE_VOTER),
    Risk("a_log_is_truncated", {"truncation_target": nothing_is_cut}, DIVERGENCE),
    Risk(
        "a_deposed_leader_comes_back",
        {"handle_begin_quorum_request": begin_is_ignored, "handle_begin_quorum_response": refusal_is_ignored},
        TWO_LEADERS,
    ),
    Risk("two_leaders_of_different_epochs_at_once", {"handle_vote_response": lead_only_without_a_leader}, TWO_LEADERS),
)


def test_every_property_is_at_risk() -> None:
    """The table has every property of KRaft, each once."""
    assert sorted(r.name for r in RISKS) == sorted(p.name for p in KRAFT.properties)


@cache
def correct(scope: tuple[tuple[str, int], ...]) -> Mapping[str, PropertyVerdict]:
    """The explorer's verdicts on the correct spec in the whole scope."""
    return {p.name: p for p in explore(derived(dict(scope)), KRAFT.properties, clock=no_time).properties}


@pytest.mark.parametrize("risk", RISKS, ids=str)
def test_a_fault_breaks_the_property_and_nothing_else_does(risk: Risk) -> None:
    """The correct spec satisfies the claim in the whole scope; with the fault the explorer has a run that breaks it."""
    right = correct(tuple(sorted(risk.scope.items())))[risk.name]
    assert right.verdict == HOLDS
    prop = next(p for p in KRAFT.properties if p.name == risk.name)
    faulty = KRAFT.with_properties([prop])
    for name, function in risk.faults.items():
        faulty = faulty.replace(name, function)
    wrong = explore(ground(trace(faulty), risk.scope), (prop,), clock=no_time).properties[0]
    assert wrong.verdict == VIOLATED
    if prop.kind == "sometimes":
        assert (right.trace is not None, wrong.reason) == (True, "no state within bounds reaches it")
    else:
        assert wrong.trace is not None
        assert wrong.trace.steps
