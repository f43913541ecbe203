"""Every property of Zab was at risk: a fault makes it fail in a scope in which it holds otherwise.

Many properties are broken by a bug of the spec (test_zab_bugs.py); here are the faults for the others.
"""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from attrs import field, frozen

from model.engines.verdict import HOLDS, VIOLATED
from model.language import Node, Quorum, require
from model.zookeeper.zab.state import Kind, Link, Phase, Role, Txn, Zab
from model.zookeeper.zab.transitions import packet, send_to_learners
from tests.zookeeper.zab_scopes import CRASH_AND_BREAK, ONE_CRASH, TWO_CRASHES, ZAB, explored

# ------------------------------------------------------------------------------------------------ faults


def last_epoch_seen(epoch: Any, last_epoch: Any) -> Any:
    """A server starts in the epoch of its last transaction."""
    return last_epoch


def left_behind(behind: Any) -> Any:
    """A database that is kept through an election does not catch up with the log."""
    return behind != behind  # noqa: PLR0124 - false, as a term


def truncate_to_what_comes_later(s: Zab, leader: Node, learner: Node) -> None:
    """A leader truncates every learner to its own last transaction, whether the learner has it or not."""
    require(s.link[leader, learner] == Link.CONNECTED)

    last = s.db[leader].last
    s.channel[leader, learner].append(packet(Kind.TRUNC, last.epoch, last.counter))
    s.link[leader, learner] = Link.FORWARDING


def propose_in_the_first_epoch(s: Zab, leader: Node) -> None:
    """A leader proposes with the first zxid of all."""
    require(s.role[leader] == Role.LEADING)
    require(s.phase[leader] == Phase.BROADCAST)

    s.aux_requests = s.aux_requests + 1
    s.queue[leader].append(Txn(epoch=1, counter=1, request=s.aux_requests))
    s.log[leader].append(Txn(epoch=1, counter=1, request=s.aux_requests))
    s.flushed[leader] = s.flushed[leader] + 1
    s.acked[leader, leader] = s.db[leader].length + s.queue[leader].length
    send_to_learners(s, leader, lambda n: n != leader, packet(Kind.PROPOSAL, 1, 1, s.aux_requests))


def nobody_is_elected(s: Zab, leader: Node, voters: Quorum) -> None:
    """No election succeeds."""
    require(s.role[leader] == Role.REFUSING)


def nobody_is_synchronised(s: Zab, leader: Node, learner: Node) -> None:
    """No learner is synchronised."""
    require(s.role[leader] == Role.REFUSING)


def connections_last(s: Zab, leader: Node, learner: Node) -> None:
    """No connection breaks but in a crash."""
    require(s.role[leader] == Role.REFUSING)


# ------------------------------------------------------------------------------------------------ tables


@frozen
class Risk:
    """A property, what breaks it, and a scope in which it is broken and holds otherwise; `quick` ones run in every profile."""

    name: str
    faults: Mapping[str, Callable[..., Any]]
    scope: Mapping[str, int] = field(factory=dict)
    quick: bool = False

    def __str__(self) -> str:
        return self.name


FORGETFUL = {"accepted_epoch_at_start": last_epoch_seen, "current_epoch_at_start": last_epoch_seen}

RISKS = (
    Risk("at_most_one_leader_per_epoch", FORGETFUL, TWO_CRASHES),
    Risk("an_epoch_keeps_its_leader", FORGETFUL, {**TWO_CRASHES, "partitions": 1}),
    Risk("no_epoch_is_adopted_before_it_is_accepted", {"accepted_epoch_at_start": last_epoch_seen}, TWO_CRASHES),
    Risk("zxids_are_unique", FORGETFUL, {**TWO_CRASHES, "txns": 2, "partitions": 1}),
    Risk("servers_apply_what_is_committed", {"replays_log_tail": left_behind}, {**ONE_CRASH, "log": 3, "txns": 2}),
    Risk("epochs_are_applied_in_order", {"propose": propose_in_the_first_epoch}, ONE_CRASH, quick=True),
    Risk(
        "an_epoch_is_applied_without_gaps",
        {"outstanding_to_forward": lambda outstanding: 0},
        {"crashes": 1, "partitions": 1},
    ),
    Risk("a_truncated_log_has_where_it_is_cut", {"sync_follower": truncate_to_what_comes_later}, ONE_CRASH),
)

WITHOUT_ELECTIONS = (
    "a_second_epoch_is_established",
    "two_leaders_of_different_epochs_at_once",
    "a_proposal_of_an_old_epoch_commits_in_a_new_one",
    "a_transaction_of_a_second_epoch_commits",
)
WITHOUT_SYNCHRONISATION = (
    "a_proposal_is_lost",
    "a_learner_is_truncated",
    "a_learner_gets_a_snapshot",
    "a_learner_gets_missed_commits",
    "a_learner_joins_amid_proposals",
    "a_commit_overtakes_uptodate",
)
WITHOUT_BREAKS = ("a_leader_serves_alone",)


def test_every_property_is_at_risk() -> None:
    """Every property of Zab is broken by a bug of the spec or by a fault here, and none is in the tables twice."""
    mine = [r.name for r in RISKS] + [*WITHOUT_ELECTIONS, *WITHOUT_SYNCHRONISATION, *WITHOUT_BREAKS]
    assert len(mine) == len(set(mine))
    assert {*mine, *(b.breaks for b in ZAB.bugs.values())} == {p.name for p in ZAB.properties}


@pytest.mark.parametrize(
    "risk", [pytest.param(r, marks=() if r.quick else pytest.mark.nightly, id=r.name) for r in RISKS]
)
def test_a_fault_breaks_the_property_and_nothing_else_does(risk: Risk) -> None:
    """The correct spec satisfies the claim in the whole scope; with the fault the explorer has a run that breaks it."""
    faulty = ZAB
    for name, function in risk.faults.items():
        faulty = faulty.replace(name, function)
    wrong = explored(faulty, risk.scope, risk.name).properties[0]
    assert (wrong.name, wrong.verdict) == (risk.name, VIOLATED)
    assert wrong.trace is not None
    assert explored(ZAB, risk.scope, risk.name).properties[0].verdict == HOLDS


@pytest.mark.parametrize(
    ("action", "fault", "names"),
    [
        ("elect", nobody_is_elected, WITHOUT_ELECTIONS),
        ("sync_follower", nobody_is_synchronised, WITHOUT_SYNCHRONISATION),
        ("lose_connection", connections_last, WITHOUT_BREAKS),
    ],
)
def test_what_must_be_reachable_can_be_missed(action: str, fault: Callable[..., Any], names: tuple[str, ...]) -> None:
    """Where an action never happens, what depends on it is not reached, and the check fails."""
    scope = {**CRASH_AND_BREAK, "crashes": 0} if action == "lose_connection" else CRASH_AND_BREAK
    verdict = explored(ZAB.replace(action, fault), scope, *names)
    assert [(p.name, p.verdict, p.reason) for p in verdict.properties[:-1]] == [
        (name, VIOLATED, "no state within bounds reaches it") for name in sorted(names, key=_place)
    ]


def _place(name: str) -> int:
    return [p.name for p in ZAB.properties].index(name)
