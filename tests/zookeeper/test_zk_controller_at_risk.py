"""Every claim about Kafka's controller on ZooKeeper can be broken: for each a fault that breaks it, in a small scope.

The faults replace rules or actions by name, as the bugs do (`model.zookeeper.controller.bugs` has those that are not here). Where no more
than one incident is given the scope lies within the default bounds, in which the correct spec satisfies every claim.
"""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from attrs import field, frozen

from model.engines.compiled.explore import explore_compiled
from model.engines.verdict import VIOLATED
from model.language import NONE, Node, Not, require
from model.zookeeper.controller.bugs import QUIET
from model.zookeeper.controller.replication import leads
from model.zookeeper.controller.sessions import close_at_once, stop_process
from model.zookeeper.controller.state import Kafka
from model.zookeeper.controller.work import serves
from model.zookeeper.controller.znodes import controller_znode_deleted
from properties.registry import SPECS

CONTROLLER = SPECS["zk-controller"]


def yes(value: Any) -> Any:
    """A rule that always says yes."""
    return value == value  # noqa: PLR0124 - true, as a term


def no(value: Any) -> Any:
    """A rule that always says no."""
    return value != value  # noqa: PLR0124 - false, as a term


def yes_to_both(first: Any, second: Any) -> Any:
    """A rule of two values that always says yes."""
    return (first == first) | (second == second)  # noqa: PLR0124 - true, as a term


def no_to_both(first: Any, second: Any) -> Any:
    """A rule of two values that always says no."""
    return (first != first) | (second != second)  # noqa: PLR0124 - false, as a term


def whoever_lives(live: Any, in_sync: Any) -> Any:
    """Any live replica may lead."""
    return live


def the_same(epoch: Any) -> Any:
    """A leader is elected in the leader epoch of the one before."""
    return epoch


def no_cut(leader_end: Any, local_end: Any, end: Any) -> Any:
    """A follower cuts nothing."""
    return end


def remove_controller_and_epoch(s: Kafka) -> None:
    """An operator deletes /controller, and somebody writes /controller_epoch."""
    require(s.controller != NONE)
    s.aux_removals = s.aux_removals + 1
    s.controller_epoch = s.controller_epoch + 1
    controller_znode_deleted(s)


def prefer_in_place(s: Kafka, c: Node) -> None:
    """A controller changes the leader without a new version."""
    require(serves(s, c))
    require(s.znode > 0)
    s.leader[s.znode] = NONE


def expose_too_much(s: Kafka, leader: Node) -> None:
    """A leader exposes a record that it does not have."""
    require(leads(s, leader))
    s.high_watermark[leader] = s.high_watermark[leader] + 1


def lower_high_watermark(s: Kafka, leader: Node) -> None:
    """A leader lowers its high watermark instead of raising it."""
    require(leads(s, leader))
    s.high_watermark[leader] = 1 - s.high_watermark[leader]


def create_with_old_id(s: Kafka) -> None:
    """A topic is created again with the id that it had."""
    require(s.topic_id == 0)
    s.topic_id = s.aux_creations
    s.assigned[:] = True


def stop_at_once(s: Kafka, c: Node, b: Node) -> None:
    """A broker that has asked stops, whatever it leads."""
    require(serves(s, c))
    require(s.up[b] & s.stopping[b])
    stop_process(s, b)
    close_at_once(s, b)


def never_stand(s: Kafka, n: Node) -> None:
    """No broker ever stands for controller."""
    require(s.reelect[n])
    require(Not(s.reelect[n]))


@frozen
class Risk:
    """A property, the faults that break it, and the kinds of incidents of the scope in which they do."""

    name: str
    faults: Mapping[str, Callable[..., Any]]
    scope: Mapping[str, int] = field(factory=dict)

    def __str__(self) -> str:
        return self.name


NOBODY = {"handle_reelect": never_stand}
UNFENCED = {"may_write": yes_to_both}
UNCLEAN = {"may_lead": whoever_lives}

RISKS = (
    Risk("each_election_takes_the_next_epoch", {"remove_controller": remove_controller_and_epoch}, {"removals": 1}),
    Risk("a_deposed_controller_does_not_write", UNFENCED, {"removals": 1}),
    Risk("a_controller_acts_in_the_session_of_its_election", {"resigns_when_expired": no}, {"expiries": 1}),
    Risk("the_controller_knows_the_live_brokers", {"has_bounced": no_to_both}, {"restarts": 1}),
    Risk("leader_epochs_do_not_decrease", {"next_leader_epoch": lambda epoch: 1 - epoch}, {"preferred": 1}),
    Risk("at_most_one_leader_per_epoch", {"next_leader_epoch": the_same}, {"preferred": 1}),
    Risk(
        "controller_epochs_do_not_decrease",
        {**UNFENCED, "is_written_by_newer": no_to_both},
        {"removals": 1, "preferred": 1, "incidents": 2},
    ),
    Risk("a_state_changes_by_the_next_version", {"prefer": prefer_in_place}, {"preferred": 1}),
    Risk("the_isr_is_some_of_the_replicas", {"forgets_leaving": no}, {"reassignments": 1, "writes": 5}),
    Risk("the_leader_is_in_sync", UNCLEAN, {"restarts": 1}),
    Risk("elections_are_clean", UNCLEAN, {"restarts": 1}),
    Risk("brokers_obey_no_older_controller", {"is_controller_current": yes_to_both}, {"removals": 1}),
    Risk(
        "a_replica_follows_newer_leader_epochs",
        {"is_controller_current": yes_to_both, "is_newer_leader_epoch": yes_to_both},
        {"removals": 1, "preferred": 1, "incidents": 2},
    ),
    Risk("brokers_know_the_state", {"has_bounced": no_to_both}, {"restarts": 1}),
    Risk("a_live_member_of_the_isr_leads", {"may_lead": no_to_both}),
    Risk("logs_match", {"cut_at": no_cut, "is_reconciled": yes}, {"records": 3, "preferred": 1}),
    Risk("later_leaders_have_committed_records", UNCLEAN, {"restarts": 1, "records": 1}),
    Risk("the_high_watermark_is_within_the_log", {"produce": expose_too_much}, {"records": 1}),
    Risk("a_leader_does_not_take_back_what_it_exposed", {"produce": lower_high_watermark}, {"records": 1}),
    Risk("a_topic_is_removed_after_its_replicas", {"is_removed": yes}, {"deletions": 1}),
    Risk(
        "a_topic_that_is_created_again_has_a_new_id",
        {"create_topic": create_with_old_id},
        {"deletions": 1, "creations": 2},
    ),
    Risk(
        "a_replica_serves_its_own_topic",
        {"is_removed": yes, "is_same_topic": yes_to_both},
        {"deletions": 1, "creations": 2},
    ),
    Risk("a_deletion_waits_for_dead_brokers_only", {"is_removed": no}, {"deletions": 1}),
    Risk(
        "a_deleted_topic_leaves_nothing_at_live_brokers",
        {"is_removed": yes, "goes_online": yes},
        {"deletions": 1, "restarts": 1, "incidents": 2},
    ),
    Risk("a_broker_that_was_let_go_leads_nothing", {"stop": stop_at_once}, {"shutdowns": 1}),
    Risk("a_reassignment_ends_with_its_target_in_sync", {"is_target_in_sync": yes}, {"reassignments": 1}),
    Risk("the_topic_keeps_a_replica_in_sync", {"is_target_in_sync": yes}, {"reassignments": 1}),
    Risk("a_reassignment_waits_for_dead_brokers_only", {"is_target_in_sync": no}, {"reassignments": 1}),
    *(Risk(p.name, NOBODY, {"expiries": 1}) for p in CONTROLLER.properties if p.kind == "sometimes"),
)


QUICK = ("a_deposed_controller_does_not_write", "elections_are_clean", "a_topic_is_removed_after_its_replicas")
"""The claims that every run of the tests tries; the others are tried every night."""


def test_every_property_is_at_risk() -> None:
    """The table and the bugs of the spec together name every property."""
    bugs = {b.breaks for b in CONTROLLER.bugs.values()}
    assert bugs | {r.name for r in RISKS} == {p.name for p in CONTROLLER.properties}


@pytest.mark.parametrize(
    "risk", [pytest.param(r, marks=() if r.name in QUICK else pytest.mark.nightly, id=r.name) for r in RISKS]
)
def test_a_fault_breaks_the_property(risk: Risk) -> None:
    """With the fault the explorer has a run that breaks the claim, or never reaches what must be reachable."""
    prop = next(p for p in CONTROLLER.properties if p.name == risk.name)
    faulty = CONTROLLER.with_properties([prop])
    for name, function in risk.faults.items():
        faulty = faulty.replace(name, function)
    bounds = faulty.complete_bounds({**QUIET, **risk.scope})
    wrong = explore_compiled(faulty, bounds, clock=lambda: 0.0).properties[0]
    assert wrong.verdict == VIOLATED
    if prop.kind == "sometimes":
        assert wrong.reason == "no state within bounds reaches it"
    else:
        assert wrong.trace is not None
        assert wrong.trace.steps
