"""Properties on the implementation: each is broken by states made for it, read off snapshots as those of a world would be."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest
from attrs import evolve

from impl.effects import Entry, Send
from impl.kraft.messages import Error, VoteResponse
from impl.kraft.records import Command, LeaderChange
from impl.operations import Operation
from impl.world.choices import Fire
from impl.world.config import WorldConfig
from impl.world.record import StepRecord
from impl.world.simulator import Simulator
from impl.world.snapshot import WorldSnapshot
from impl.world.world import World
from properties.registry import find_spec
from traces.hunts import HUNTS
from traces.monitor import PropertyMonitor

KRAFT = find_spec("kraft")
Changes = Mapping[int, Mapping[str, Any]]


class Shown:
    """What a monitor sees of a world: its snapshot."""

    def __init__(self, snapshot: WorldSnapshot) -> None:
        self.snapshot = lambda: snapshot


def show(monitor: PropertyMonitor, changes: Changes, sent: Sequence[VoteResponse] = ()) -> None:
    """Show a monitor a cluster at its start, but for these changes of nodes, after a step in which these answers were sent."""
    start = World(WorldConfig(nodes=3, clients=0)).snapshot()
    nodes = tuple(evolve(node, **changes.get(node.node, {})) for node in start.nodes)
    record = StepRecord(0, 0, Fire(1, "election"), 1, effects=tuple(map(Send, sent)))
    monitor(cast(World, Shown(evolve(start, nodes=nodes))), record)


def log(*entries: tuple[int, int]) -> dict[str, Any]:
    """The log of a node, all of it flushed: (epoch, value), where value 0 is a LeaderChange."""
    made = tuple(
        Entry(epoch, Command(101, value, Operation("set_config", "k", value)) if value else LeaderChange(1, (), ()))
        for epoch, value in entries
    )
    return {"log": made, "flushed": len(made), "log_end": (len(made), made[-1].epoch if made else 0)}


def leader(epoch: int, high_watermark: int | None = None) -> dict[str, Any]:
    """A leader of an epoch whose log was empty when it was elected."""
    return {"role": "Leader", "epoch": epoch, "epoch_start": 0, "high_watermark": high_watermark}


ONE = log((1, 0))
COMMITTED: Changes = {1: {**leader(1, 1), **ONE}, 2: {"epoch": 1, **ONE}, 3: {"epoch": 1}}
"""Node 1 leads epoch 1, and has exposed its first entry, which node 2 holds too."""

BREAKS: dict[str, tuple[Changes, ...]] = {
    "at_most_one_leader_per_epoch": ({1: leader(1), 2: leader(1)},),
    "an_epoch_keeps_its_leader": ({1: leader(1)}, {1: {"epoch": 1}, 2: leader(1)}),
    "a_voter_votes_once_per_epoch": ({3: {"epoch": 1, "voted_id": 1}}, {3: {"epoch": 1, "voted_id": 2}}),
    "epochs_never_decrease": ({2: {"epoch": 2}}, {2: {"epoch": 1}}),
    "log_matching": ({1: log((1, 0), (1, 1)), 2: log((1, 0), (1, 2))},),
    "the_flushed_part_is_in_the_log": ({1: {**ONE, "flushed": 2}},),
    "no_truncation_below_the_high_watermark": (COMMITTED, {**COMMITTED, 1: {"epoch": 1}, 3: {"epoch": 1, **ONE}}),
    "leader_completeness": (COMMITTED, {**COMMITTED, 3: leader(2)}),
    "committed_entries_are_flushed_on_a_majority": ({**COMMITTED, 2: {"epoch": 1, **ONE, "flushed": 0}},),
    "state_machine_safety": (COMMITTED, {**COMMITTED, 2: {"epoch": 1, **log((1, 0), (1, 1)), "high_watermark": 2}}),
    "the_high_watermark_is_on_a_majority": ({3: {**ONE, "high_watermark": 1}},),
    "electable_nodes_hold_committed_entries": (
        COMMITTED,
        {**COMMITTED, 3: {"epoch": 2, **log((2, 0))}},
    ),
    "the_high_watermark_never_decreases": (
        {1: {**leader(1, 2), **log((1, 0), (1, 1))}, 2: log((1, 0), (1, 1))},
        {1: {**leader(1, 1), **log((1, 0), (1, 1))}, 2: log((1, 0), (1, 1))},
    ),
}
"""For each property of a state or a step the states that break it; only the last does."""

SAFETY = [p for p in KRAFT.properties if p.kind in ("always", "step")]


def test_there_is_a_fault_for_every_property() -> None:
    """A property that is added gets states that break it."""
    assert sorted(BREAKS) == sorted(p.name for p in SAFETY)


@pytest.mark.parametrize("name", BREAKS)
def test_each_property_is_broken_by_the_fault_made_for_it(name: str) -> None:
    """Up to the last state the property holds; that one breaks it, and the monitor names it."""
    monitor = PropertyMonitor(KRAFT, 3, tuple(p for p in SAFETY if p.name == name))
    for changes in BREAKS[name][:-1]:
        show(monitor, changes)
        assert monitor.broken is None
    show(monitor, BREAKS[name][-1])
    assert monitor.broken is not None
    assert monitor.broken.name == name
    assert str(monitor.broken).endswith(f": {name} is false")


def test_what_led_there_breaks_nothing() -> None:
    """The states before the last break no property at all: the faults are no worse than they say."""
    for states in BREAKS.values():
        monitor = PropertyMonitor(KRAFT, 3, KRAFT.properties)
        for changes in states[:-1]:
            show(monitor, changes)
        assert monitor.broken is None


def test_a_grant_that_was_sent_is_a_vote_even_if_the_voter_forgets_it() -> None:
    """A vote counts when its grant leaves, whatever the voter's state says afterwards (M2)."""
    monitor = PropertyMonitor(KRAFT, 3, KRAFT.properties)
    granted = [VoteResponse(3, candidate, 1, Error.NONE, None, 1, True) for candidate in (1, 2)]
    show(monitor, {3: {"epoch": 1}}, sent=granted[:1])
    assert monitor.broken is None
    show(monitor, {3: {"epoch": 1}}, sent=granted[1:])
    assert monitor.broken is not None
    assert monitor.broken.name == "a_voter_votes_once_per_epoch"


def test_a_monitor_rests_after_the_first_that_is_broken() -> None:
    """What comes after a violation is not judged any more."""
    monitor = PropertyMonitor(KRAFT, 3, KRAFT.properties)
    show(monitor, {1: leader(1), 2: leader(1)})
    first = monitor.broken
    show(monitor, {2: {"epoch": 2}})
    show(monitor, {2: {"epoch": 1}})
    assert monitor.broken is first


def test_what_must_be_reachable_is_reached() -> None:
    """Leaders that are cut off and come back reach every state and step that the spec wants reachable, and break nothing."""
    reached: set[str] = set()
    for seed in range(4):
        monitor = PropertyMonitor(KRAFT, 3, KRAFT.properties)
        Simulator(seed, HUNTS["M10"].config, observers=[monitor]).run()
        assert monitor.broken is None
        reached |= monitor.reached
    assert reached == {p.name for p in KRAFT.properties if p.kind == "sometimes"}
