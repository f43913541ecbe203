"""What can happen next in a world, enumerated in a fixed order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from impl.effects import Send
from impl.operations import Operation
from impl.world.choices import (
    Choice,
    ClientOp,
    Crash,
    CrashDuring,
    Cut,
    Deliver,
    Drop,
    Duplicate,
    Fire,
    Heal,
    NodeChoice,
    Pause,
    Restart,
    Resume,
)
from impl.world.host import DOWN, PAUSED, UP

if TYPE_CHECKING:
    from impl.world.world import World


def offered_choices(world: World, *, mid_step: bool) -> tuple[Choice, ...]:
    """Everything that can happen now, within the fault budget. See `World.choices`."""
    budget, counts, network = world.config.budget, world.counts, world.network
    awake = [node for node in world.voters if world.status(node) == UP]
    paused = [node for node in (*world.voters, *world.processes) if world.status(node) == PAUSED]
    down = [node for node in (*world.voters, *world.processes) if world.status(node) == DOWN]
    in_flight = network.in_flight()
    arriving = [
        message_id
        for message_id in in_flight
        if network.is_deliverable(message_id) and world.is_reachable(world.sent[message_id].dst)
    ]
    clients = [client for client in world.client_addresses if client not in world.processes]
    processes = [process for process in world.processes if world.status(process) == UP]
    steps: list[NodeChoice] = [Deliver(message_id) for message_id in arriving]
    for address in (*awake, *clients, *processes):
        steps.extend(Fire(address, timer) for timer in world.armed(address))
    result: list[Choice] = [*steps]
    if _within(budget.client_ops, counts["client_op"]):
        operation = Operation("set_config", "topic/retention", counts["client_op"] + 1)
        result.extend(ClientOp(client, operation) for client in world.client_addresses if world.is_idle(client))
    result.extend(Restart(node) for node in down)
    result.extend(Resume(node) for node in paused)
    result.extend(Heal(src, dst) for src, dst in network.cuts())
    if _within(budget.drops, counts["drop"]):
        result.extend(Drop(message_id) for message_id in in_flight)
    if _within(budget.duplicates, counts["duplicate"]):
        result.extend(Duplicate(message_id) for message_id in arriving if world.may_duplicate(message_id))
    if _within(budget.pauses, counts["pause"]):
        result.extend(Pause(node) for node in awake)
    if _within(budget.cuts, counts["cut"]):
        links = [(src, dst) for src in world.voters for dst in world.voters if src != dst]
        result.extend(Cut(src, dst) for src, dst in links if not network.is_cut(src, dst))
    if _within(budget.crashes, counts["crash"] + counts["crash_during"]):
        result.extend(Crash(node, kept) for node in (*awake, *paused) for kept in _span(world.kept_range(node)))
        if mid_step:
            for step in (*steps, *(Restart(node) for node in down)):
                result.extend(_crashes_during(world, step))
    return tuple(result)


def _crashes_during(world: World, choice: NodeChoice) -> list[CrashDuring]:
    address = world.address_of(choice)
    if address not in world.voters:
        return []
    effects = world.preview(choice)
    found: list[CrashDuring] = []
    # A cut after the last effect is a plain crash after the step, one before the first a plain crash before it; in between,
    # only disk writes and sends leave a trace.
    for after in range(1, len(effects)):
        if isinstance(effects[after - 1], (*world.system.disk_effects, Send)):
            kept_range = world.kept_range(address, effects[:after])
            found.extend(CrashDuring(choice, after, kept) for kept in _span(kept_range))
    return found


def _within(bound: int | None, used: int) -> bool:
    return bound is None or used < bound


def _span(kept_range: tuple[int, int]) -> range:
    least, most = kept_range
    return range(least, most + 1)
