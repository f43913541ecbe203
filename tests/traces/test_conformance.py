"""Conformance: what the implementation does is what the spec allows, and what it does not allow is told apart, with the reason."""

from collections.abc import Sequence
from typing import Any

import pytest
from attrs import evolve

from impl.effects import FlushLog, Send
from impl.kraft import messages as wire
from impl.kraft.log import OffsetAndEpoch
from impl.kraft.state import Timings
from impl.world.choices import Crash, CrashDuring, Deliver, Fire, Redeliver, Restart
from impl.world.config import WorldConfig
from impl.world.faults import NO_FAULTS, Episodes
from impl.world.record import StepRecord
from impl.world.simulator import SimulationConfig, Simulator, with_bug
from impl.world.workload import Workload
from impl.world.world import World
from model.language import Spec
from properties.registry import find_spec
from traces.conformance import Conformance
from traces.hunts import HUNTS

KRAFT = find_spec("kraft")

ALL_FAULTS = SimulationConfig(world=WorldConfig(clients=2), steps=500, quiet_steps=500)

# Two voters: whenever the power of the leader fails in the middle of a step, the only follower may hold what the leader has lost.
POWER_FAILURES = SimulationConfig(
    world=WorldConfig(
        nodes=2, clients=4, timings=Timings(election=60_000, fetch=100_000, fetch_wait=50_000, request=60_000)
    ),
    faults=evolve(
        NO_FAULTS, delay_min=1_000, loss=0.02, crash=Episodes(60_000, 10_000, 1_000, 30_000), mid_step=1.0, drift=0.05
    ),
    workload=Workload(think_min=0, think_max=5_000),
    steps=600,
    quiet_steps=0,
)


def followed(seed: int, config: SimulationConfig, spec: Spec = KRAFT) -> Conformance:
    """The conformance of one simulation, ended by the first divergence."""
    conformance = Conformance(spec, config.world.nodes)
    for _ in Simulator(seed, config, observers=[conformance]).steps():
        if conformance.diverged is not None:
            break
    return conformance


@pytest.fixture(scope="module")
def runs() -> Sequence[Conformance]:
    """Ten seeds with all faults, twelve with nothing but power failures, and one of every hunt without its bug."""
    plans = [*((seed, ALL_FAULTS) for seed in range(10)), *((seed, POWER_FAILURES) for seed in range(12))]
    plans += [(0, hunt.config) for hunt in HUNTS.values()]
    return [followed(seed, config) for seed, config in plans]


def test_the_implementation_conforms_under_every_fault(runs: Sequence[Conformance]) -> None:
    """Every step of the implementation is a step of the spec, a short path of steps, or a stutter."""
    assert [str(run.diverged) for run in runs if run.diverged is not None] == []
    assert all(run.stutters > 50 for run in runs)


def test_every_action_of_the_spec_occurs_in_the_implementation(runs: Sequence[Conformance]) -> None:
    """Conformance is not vacuous: each action of the spec, crashes in the middle of a step included, is taken by some run."""
    taken = {action.name: sum(run.steps[action.name] for run in (*runs, interrupted())) for action in KRAFT.actions}
    assert [name for name, times in taken.items() if times == 0] == []


@pytest.mark.parametrize("bug", HUNTS)
def test_an_implementation_with_a_bug_diverges_from_the_correct_spec(bug: str) -> None:
    """Each historical bug takes a step that the correct spec does not have; the nearest action and why it is not that one are told."""
    hunt = HUNTS[bug]
    found = (followed(seed, with_bug(hunt.config, bug)).diverged for seed in hunt.seeds)
    diverged = next((d for d in found if d is not None), None)

    assert diverged is not None
    names = [action.name for action in KRAFT.actions]
    assert diverged.nearest.split("(")[0] in [*names, ""]
    assert diverged.because
    assert f"step {diverged.step} " in str(diverged)
    assert diverged.because[0] in str(diverged)


def test_the_message_names_what_differs() -> None:
    """A leader that does not flush (KAFKA-10533): the nearest action is its append, and the difference is how much is flushed."""
    diverged = followed(0, with_bug(HUNTS["KAFKA-10533"].config, "KAFKA-10533")).diverged

    assert diverged is not None
    assert diverged.nearest.startswith("append_leader_change(")
    assert any(line.startswith("flushed[n") for line in diverged.because)


def test_a_spec_that_forbids_too_much_diverges() -> None:
    """A spec whose voters want a strictly newer log rejects the first vote that the implementation grants."""

    def strictly_newer(last_epoch: Any, end: Any, my_last_epoch: Any, my_end: Any) -> Any:
        return last_epoch > my_last_epoch

    diverged = followed(0, ALL_FAULTS, KRAFT.replace("log_up_to_date", strictly_newer)).diverged

    assert diverged is not None
    assert diverged.nearest.startswith("handle_vote_request(")
    assert any("UNATTACHED, found VOTED" in line for line in diverged.because)


def test_a_spec_whose_action_is_never_enabled_diverges_at_its_guard() -> None:
    """The guard that keeps the spec from what the implementation did is told as its line of source."""

    def never(end: Any, epoch_start: Any) -> Any:
        return end > end  # noqa: PLR0124 - false, as a term

    diverged = followed(0, ALL_FAULTS, KRAFT.replace("past_epoch_start", never)).diverged

    assert diverged is not None
    assert any("high_watermark" in line for line in diverged.because)


def elected(conformance: Conformance) -> World:
    """A world of three in which node 1 leads epoch 1, and nodes 2 and 3 have not heard of it."""
    world = World(WorldConfig(nodes=3, clients=1), observers=[conformance])
    world.apply(Fire(1, "election"))
    deliver(world, wire.VoteRequest, src=1, dst=2)
    deliver(world, wire.VoteResponse, src=2, dst=1)
    return world


def deliver(world: World, kind: type, *, src: int, dst: int) -> StepRecord:
    """Deliver the newest message in flight of this kind between these nodes."""
    newest = max(
        number
        for number in world.network.in_flight()
        if isinstance(world.sent[number], kind) and (world.sent[number].src, world.sent[number].dst) == (src, dst)
    )
    return world.apply(Deliver(newest))


def test_a_request_that_the_spec_has_not_sent_is_caught() -> None:
    """A follower that asks for records beyond the end of its log sends a Fetch that no action of the spec has sent."""
    conformance = Conformance(KRAFT, 3)
    world = elected(conformance)
    world.observers = ()
    record = deliver(world, wire.BeginQuorumEpochRequest, src=1, dst=2)

    def beyond(effect: Any) -> Any:
        if isinstance(effect, Send) and isinstance(effect.message, wire.FetchRequest):
            return Send(evolve(effect.message, end=OffsetAndEpoch(effect.message.end.offset + 1, 1)))
        return effect

    assert conformance.diverged is None
    conformance(world, evolve(record, effects=tuple(map(beyond, record.effects))))
    assert conformance.diverged is not None
    assert "FetchRequest(follower=1, leader=0, epoch=1, end=1" in conformance.diverged.because[0]


def test_a_message_that_nobody_has_sent_is_caught() -> None:
    """A candidate that counts a forged vote acts on a message that is not in flight in the spec."""
    conformance = Conformance(KRAFT, 3)
    world = World(WorldConfig(nodes=3, clients=0), observers=[conformance])
    record = world.apply(Fire(1, "election"))
    request = next(world.sent[i] for i in record.sent if world.sent[i].dst == 3)
    forged = wire.VoteResponse(3, 1, request.correlation_id, wire.Error.NONE, None, 1, True)
    world.apply(Redeliver(world.network.send(forged)))

    assert conformance.diverged is not None
    assert conformance.diverged.nearest.startswith("handle_vote_response(")
    assert conformance.diverged.because == ("the message is not in flight",)


def test_a_response_that_is_not_awaited_is_a_stutter() -> None:
    """A late answer to a Fetch that was sent again is ignored, and leaves the answer that is awaited in flight."""
    conformance = Conformance(KRAFT, 3)
    world = elected(conformance)
    deliver(world, wire.BeginQuorumEpochRequest, src=1, dst=2)
    world.apply(Fire(1, "drain"))
    deliver(world, wire.FetchRequest, src=2, dst=1)
    late = max(i for i in world.network.in_flight() if isinstance(world.sent[i], wire.FetchResponse))
    world.apply(Fire(2, "request:1"))
    stutters = conformance.stutters
    world.apply(Deliver(late))
    assert (conformance.path, conformance.stutters) == ((), stutters + 1)

    deliver(world, wire.FetchRequest, src=2, dst=1)
    deliver(world, wire.FetchResponse, src=1, dst=2)
    assert conformance.diverged is None
    assert [name for name, _ in conformance.path] == ["handle_fetch_response"]


def interrupted() -> Conformance:
    """A leader that has answered a parked Fetch with a record, and loses its power, and the record, before the flush."""
    conformance = Conformance(KRAFT, 3)
    world = elected(conformance)
    deliver(world, wire.BeginQuorumEpochRequest, src=1, dst=2)
    deliver(world, wire.FetchRequest, src=2, dst=1)
    drain = Fire(1, "drain")
    flush = next(i for i, effect in enumerate(world.preview(drain)) if isinstance(effect, FlushLog))
    world.apply(CrashDuring(drain, flush, kept=0))
    assert [name for name, _ in conformance.path] == ["append_without_flush", "handle_fetch_request", "restart"]
    deliver(world, wire.FetchResponse, src=1, dst=2)
    return conformance


def test_what_was_sent_before_the_power_failed_is_out() -> None:
    """A crash that leaves the nodes as a mere restart would is still the append whose answer the follower now has (KAFKA-10527)."""
    conformance = interrupted()
    assert conformance.diverged is None
    assert [name for name, _ in conformance.path] == ["handle_fetch_response"]


def test_the_bounds_grow_with_the_run() -> None:
    """The shadow's bounds are never what keeps a step from being one of the spec: many epochs pass."""
    conformance = Conformance(KRAFT, 1)
    world = World(WorldConfig(nodes=1, clients=0), observers=[conformance])
    for _ in range(12):
        world.apply(Fire(1, "drain"))
        node = world.snapshot_node(1)
        world.apply(Crash(1, kept=len(node.log)))
        world.apply(Restart(1))
        assert world.snapshot_node(1).epoch == node.epoch + 1
    assert conformance.diverged is None
    assert conformance.shadow.stepper.bounds["epochs"] > 8
