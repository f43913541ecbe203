"""Zab's core by induction in bounded instances: all lemmas are kept, all paths enabled, and every lemma is needed."""

import time
from typing import Any

import pytest
from attrs import evolve

from model.engines.induct.induct import induct, run_induction
from model.engines.verdict import HOLDS
from model.language import Node, always, forall, implies
from model.zab_core.actions import is_synchronizing
from model.zab_core.notions import leads
from model.zab_core.state import Index, Phase, Role
from tests.prove.core_case import ZAB_CORE

SMALL = ZAB_CORE.spec.complete_bounds({"nodes": 3, "stale": 1})

ENOUGH = {"initial_histories_are_beginnings"}
"""Not needed within bounds, where nothing comes after the end of a history; the prover needs it (`test_zab_core_proof`)."""


def test_zab_lemmas_are_inductive_within_bounds() -> None:
    """With three servers and two epochs every lemma is kept, and no lemma keeps an action from ever being taken."""
    result = ZAB_CORE.induction(ZAB_CORE.spec, SMALL)
    assert (result.failures, result.idle, result.complete) == ((), (), True)
    assert (result.queries, result.frames) == (295, 617)


@pytest.mark.nightly
@pytest.mark.parametrize("more", [{"epochs": 3, "log": 3, "values": 1}, {"nodes": 4}], ids=["larger", "four-nodes"])
def test_zab_lemmas_are_inductive_within_larger_bounds(more: dict[str, int]) -> None:
    """The same with three epochs and histories of three transactions; and for four servers, where two are no majority."""
    result = ZAB_CORE.induction(ZAB_CORE.spec, SMALL | more)
    assert (result.failures, result.idle) == ((), ())


def test_the_verdict_on_zab_is_inductive() -> None:
    """The engine's verdict at default bounds: holds, on the rung `inductive`."""
    found = induct(ZAB_CORE.spec, ZAB_CORE.hints, ZAB_CORE.spec.complete_bounds({}), clock=time.process_time)
    assert (found.verdict, found.rung, found.bounds["stale"]) == (HOLDS, "inductive", 1)


def test_an_epoch_written_before_the_history_in_domain_words() -> None:
    """The counterexample for the epoch before the history: a follower that has nothing of the history is in the epoch."""
    result = ZAB_CORE.check_bug("epoch-before-history")
    lines = str(next(f.counterexample for f in result.failures)).splitlines()
    assert "step: write_current_epoch(n=n1, new_leader=NewLeader(epoch=1 end=0))" in lines
    assert lines[-2:] == ["changes:", "  current_epoch[n1] = 1"]


@pytest.mark.parametrize("needed", ["broadcasting_servers_have_written_their_epoch", "new_leader_was_acknowledged"])
def test_a_lemma_list_of_zab_with_one_lemma_removed_fails(needed: str) -> None:
    """Lemmas that look like details are needed: without one of them others are not kept."""
    assert ZAB_CORE.induction(ZAB_CORE.without(needed), SMALL).failures


@pytest.mark.nightly
@pytest.mark.parametrize("name", [p.name for p in ZAB_CORE.inductive if p.name not in ENOUGH])
def test_every_lemma_of_zab_is_needed(name: str) -> None:
    """No lemma can be left out: others, or the safety properties that rest on it, would fail."""
    assert ZAB_CORE.induction(ZAB_CORE.without(name), SMALL | {"epochs": 3}).failures


@always
def no_two_leaders(s: Any) -> Any:
    """False where two servers lead, in different epochs, both established."""
    return forall(
        Node,
        Node,
        lambda a, b: implies(
            leads(s, a) & leads(s, b) & (s.phase[a] == Phase.BROADCAST) & (s.phase[b] == Phase.BROADCAST), a == b
        ),
    )


@always
def no_history_to_cut(s: Any) -> Any:
    """False where something is delivered, and a follower has a transaction that its new leader's history has not."""
    nothing = forall(Node, lambda n: s.last_committed[n] == 0)
    return s.new_leaders.forall(
        lambda m: forall(
            Node,
            Index,
            lambda n, j: implies(
                (s.role[n] == Role.FOLLOWING)
                & (s.accepted_epoch[n] == m.epoch)
                & (j >= 1)
                & (j <= s.history[n].length)
                & (j <= s.sent[m.epoch].length)
                & (s.history[n][j].epoch != s.sent[m.epoch][j].epoch),
                nothing,
            ),
        )
    )


@always
def no_history_ahead_of_its_epoch(s: Any) -> Any:
    """False where a server crashed between the history of an epoch and the file currentEpoch."""
    return forall(
        Node,
        lambda n: implies(
            (s.role[n] == Role.LOOKING) & (s.history[n].length >= 1),
            s.history[n][s.history[n].length].epoch <= s.current_epoch[n],
        ),
    )


@always
def no_commit_that_the_leader_has_not_logged(s: Any) -> Any:
    """False where a leader's proposal is committed before the leader itself has logged it."""
    return s.commits.forall(
        lambda m: forall(
            Node,
            lambda n: implies(
                leads(s, n) & is_synchronizing(s, n) & (s.accepted_epoch[n] == m.epoch), m.end <= s.history[n].length
            ),
        )
    )


INTERESTING = (
    no_two_leaders,
    no_history_to_cut,
    no_history_ahead_of_its_epoch,
    no_commit_that_the_leader_has_not_logged,
)


def test_the_lemmas_of_zab_are_not_vacuous() -> None:
    """States that matter satisfy all lemmas: each claim that there is no such state fails."""
    spec = ZAB_CORE.spec.with_properties((*ZAB_CORE.spec.properties, *INTERESTING))
    all_lemmas = tuple(p.name for p in ZAB_CORE.inductive)
    derived = {**ZAB_CORE.hints.derived, **{claim.name: all_lemmas for claim in INTERESTING}}
    result = run_induction(spec, evolve(ZAB_CORE.hints, derived=derived), SMALL, clock=time.process_time)
    assert [(f.place, f.claim) for f in result.failures] == [("derived", claim.name) for claim in INTERESTING]
