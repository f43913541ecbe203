"""Recipes on a real ensemble under every fault: what a lock, an election and a registration promise, and what they do not."""

from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve

from impl.effects import Receive
from impl.recipes.election import LEADER, Candidate
from impl.recipes.lock import LOCK, Contender
from impl.recipes.registration import Member
from impl.recipes.resource import Resource, Use
from impl.world.applications import Application
from impl.world.choices import Deliver, Fire
from impl.world.config import WorldConfig
from impl.world.faults import Episodes, FaultPlan
from impl.world.record import StepRecord
from impl.world.simulator import SimulationConfig, Simulator
from impl.world.world import World
from impl.zookeeper.tree import DataTree
from tests.impl.ensemble import MS
from tests.impl.service_watch import ServiceWatch
from tests.impl.session_plans import CRASHES

RESOURCE = 101

SLEEPY = evolve(
    CRASHES,
    crash=Episodes(every=3_000 * MS, at_most=1_000, shortest=MS, longest=500 * MS),
    client_pause=Episodes(every=1_000 * MS, at_most=1_000, shortest=500 * MS, longest=2_500 * MS),
    client_cut=Episodes(every=1_500 * MS, at_most=1_000, shortest=500 * MS, longest=2_500 * MS),
    client_crash=Episodes(every=4_000 * MS, at_most=1_000, shortest=MS, longest=2_000 * MS),
)
"""Clients that sleep, are cut off and crash, for longer than their sessions last."""


class Holders:
    """An observer: who takes himself for the holder, whose znode is in the committed tree, and which uses are let through."""

    def __init__(self, holds: Callable[[Any], bool], top: str) -> None:
        self.service = ServiceWatch()
        self.two_believe = 0
        self.two_with_znodes: list[str] = []
        self.went_back: list[str] = []
        self.uses = 0
        self.holders: dict[int, int] = {}
        self._holds, self._top = holds, top

    def __call__(self, world: World, record: StepRecord) -> None:
        self.service(world, record)
        message = record.event.message if isinstance(record.event, Receive) else None
        if isinstance(message, Use) and record.node == RESOURCE:
            self._used(world, message)
        if record.node not in world.processes or record.node == RESOURCE:
            return
        states = {process: world.state(process) for process in world.processes if process != RESOURCE}
        believing = [process for process, state in states.items() if state and self._holds(state.application)]
        for process in believing:
            self.holders[process] = self.holders.get(process, 0) + 1
        self.two_believe += len(believing) > 1
        alive = [process for process in believing if self._is_first(states[process].application.token)]
        if len(alive) > 1:
            self.two_with_znodes.append(f"step {world.steps}: {alive}")

    def _is_first(self, token: int) -> bool:
        """Whether the znode of this czxid is the one that counts: the election's, or the first of the queue."""
        tree: DataTree = self.service.committed
        node = tree.get(self._top)
        znodes = [] if node is None else [node] if self._top == LEADER else list(node.children.values())
        return bool(znodes) and min(znode.stat.czxid for znode in znodes) == token

    def _used(self, world: World, use: Use) -> None:
        self.uses += 1
        before = getattr(self, "_last", 0)
        after = world.state(RESOURCE).application.last
        if after < before:
            self.went_back.append(f"step {world.steps}: {use} after {before:#x}")
        self._last = after


def run(
    seeds: range, *applications: Application, holds: Callable[[Any], bool], top: str, faults: FaultPlan = SLEEPY
) -> list[Holders]:
    """Some runs, each under watch."""
    watches = []
    world = WorldConfig(clients=0, mode="zookeeper", session_timeout=1_000, applications=applications)
    for seed in seeds:
        watches.append(Holders(holds, top))
        Simulator(seed, SimulationConfig(world, faults=faults, steps=4_000), observers=[watches[-1]]).run()
        assert watches[-1].service.findings == [], f"seed {seed}"
    return watches


def contest(seeds: range, *, cautious: bool, fenced: bool) -> list[Holders]:
    """Three contenders for the lock on a resource."""
    contenders = (Contender(RESOURCE, cautious=cautious),) * 3
    return run(seeds, Resource(fenced=fenced), *contenders, holds=lambda state: state.holds, top=LOCK)


@pytest.mark.parametrize("cautious", [True, False])
def test_a_lock_with_fencing_excludes(cautious: bool) -> None:
    """At most one contender believes that it holds the lock and is right; the resource is used in the order of the tokens."""
    watches = contest(range(4), cautious=cautious, fenced=True)
    assert [watch.two_with_znodes for watch in watches] == [[]] * 4
    assert [watch.went_back for watch in watches] == [[]] * 4
    assert sum(watch.uses for watch in watches) > 100
    assert all(len(watch.holders) > 1 for watch in watches)


def test_two_contenders_hold_the_lock_after_an_expiry() -> None:
    """The well-known gap: who sleeps through its expiry still believes; without fencing the resource is used by both."""
    watches = contest(range(6), cautious=False, fenced=False)
    assert sum(watch.two_believe for watch in watches) > 0
    assert any(watch.went_back for watch in watches)
    assert [watch.two_with_znodes for watch in watches] == [[]] * 6


def test_an_election_has_one_leader_that_is_right() -> None:
    """Several candidates lead in turns, two at a time only when one does not know yet; its commands are fenced."""
    candidates = (Candidate(RESOURCE),) * 3
    watches = run(range(4), Resource(fenced=True), *candidates, holds=lambda state: state.leads, top=LEADER)
    assert [watch.two_with_znodes for watch in watches] == [[]] * 4
    assert [watch.went_back for watch in watches] == [[]] * 4
    assert sum(watch.two_believe for watch in watches) > 0
    assert sum(len(watch.holders) > 1 for watch in watches) > 1
    assert sum(watch.uses for watch in watches) > 100


def registered(seed: int, *, checks_owner: bool) -> tuple[int, list[str]]:
    """How many sessions the members had, and which of them believe to be registered after a calm time, and are not."""
    members = (Member(checks_owner=checks_owner),) * 3
    world = WorldConfig(clients=0, mode="zookeeper", session_timeout=1_000, applications=members)
    plan = evolve(SLEEPY, client_crash=Episodes(every=800 * MS, at_most=1_000, shortest=MS, longest=300 * MS))
    watch = ServiceWatch()
    simulator = Simulator(seed, SimulationConfig(world, faults=plan, steps=2_500, quiet_steps=0), observers=[watch])
    for _ in simulator.steps():
        pass
    settle(simulator.world)
    wrong = []
    for process in simulator.world.processes:
        state = simulator.world.state(process).application
        node = watch.committed.get(state.path)
        if node is None or node.stat.ephemeral_owner != state.session or not state.registered:
            wrong.append(f"{process}: {state}, the znode is {node and node.stat}")
    assert watch.findings == []
    return watch.covered["sessions opened"], wrong


def settle(world: World) -> None:
    """Let five calm seconds pass."""
    end = world.now + 5_000_000
    while True:
        ready = [message_id for message_id in world.network.in_flight() if world.network.is_deliverable(message_id)]
        due = world.next_due()
        if ready:
            world.apply(Deliver(ready[0]))
        elif due is not None and due.deadline <= end:
            world.apply(Fire(due.address, due.timer))
        else:
            return


def test_a_registration_converges() -> None:
    """However often sessions ended: in the end every member is registered, in the session that it has."""
    runs = [registered(seed, checks_owner=True) for seed in range(4)]
    assert [wrong for _, wrong in runs] == [[]] * 4
    assert sum(sessions for sessions, _ in runs) > 20


def test_without_a_look_at_the_owner_a_registration_is_lost() -> None:
    """KAFKA-1387: the znode of an earlier session is taken for one's own, and goes away with that session."""
    assert any(registered(seed, checks_owner=False)[1] for seed in range(8))
