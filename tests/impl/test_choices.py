"""Choices: their JSON, which of them a world offers, and which it refuses."""

import json

import pytest

from impl.operations import Operation
from impl.world.choices import (
    Choice,
    ChoiceError,
    ClientOp,
    Crash,
    CrashDuring,
    Cut,
    Deliver,
    Drop,
    Duplicate,
    Fire,
    Heal,
    Pause,
    Redeliver,
    Restart,
    Resume,
    choice_from_json,
    choice_to_json,
)
from impl.world.config import FaultBudget, WorldConfig
from impl.world.draws import Draws
from impl.world.world import World
from tests.impl.hand import cluster

ONE_OF_EACH: tuple[Choice, ...] = (
    Deliver(3),
    Drop(3, at=9),
    Duplicate(0),
    Redeliver(1),
    Fire(1, "election", at=7),
    Crash(2, 5),
    CrashDuring(Fire(1, "drain", at=4), 2, 1),
    Restart(1),
    Pause(1),
    Resume(1),
    Cut(1, 2),
    Heal(2, 1),
    ClientOp(101, Operation("update", "k", 3, 0)),
    ClientOp(101, Operation("read", "k"), 2, at=5),
)


@pytest.mark.parametrize("choice", ONE_OF_EACH, ids=lambda choice: type(choice).__name__)
def test_choice_survives_json(choice: Choice) -> None:
    """Traces store choices as JSON."""
    assert choice_from_json(json.loads(json.dumps(choice_to_json(choice)))) == choice


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (3, r"^\$: a choice must be an object, found int$"),
        ({}, r"^\$\.kind: one of deliver, drop, .* found None$"),
        ({"kind": "explode"}, r"^\$\.kind: one of deliver, .* found 'explode'$"),
        ({"kind": "deliver"}, r"^\$\.message_id: required field of a deliver is missing$"),
        ({"kind": "deliver", "message_id": -1}, r"^\$\.message_id: a non-negative integer is required, found -1$"),
        ({"kind": "deliver", "message_id": True}, r"^\$\.message_id: a non-negative integer is required, found True$"),
        (
            {"kind": "restart", "node": 1, "kept": 2},
            r"^\$: unknown field 'kept' of a restart; its fields are node, at$",
        ),
        ({"kind": "restart"}, r"^\$\.node: required field of a restart is missing$"),
        ({"kind": "fire", "node": 1, "timer": 5}, r"^\$\.timer: a timer's name must be a string, found int$"),
        (
            {"kind": "crash_during", "choice": {"kind": "crash", "node": 1, "kept": 0}, "after": 0, "kept": 0},
            r"^\$\.choice\.kind: one of deliver, duplicate, redeliver, fire, restart, found 'crash'$",
        ),
        (
            {"kind": "client_op", "client": 101, "operation": {"f": "fly", "key": "k"}},
            r"^\$\.operation: operation: unknown function 'fly'",
        ),
    ],
)
def test_bad_json_of_a_choice_is_refused_with_its_path(data: object, message: str) -> None:
    """A trace is untrusted input: one error that says where and what is expected."""
    with pytest.raises(ChoiceError, match=message):
        choice_from_json(data)


# ------------------------------------------------------------------------------------------------------------------ choices


def _drive(world: World, seed: int, steps: int) -> list[Choice]:
    draws, done = Draws(seed), []
    for step in range(steps):
        choice = draws.one_of(world.choices(mid_step=step % 5 == 0))
        world.apply(choice)
        done.append(choice)
    return done


@pytest.mark.parametrize("seed", range(4))
def test_every_offered_choice_can_happen(seed: int) -> None:
    """`choices()` offers nothing that `apply()` refuses, and no correct node ever dies of a fatal condition."""
    world = World(WorldConfig(clients=2))
    _drive(world, seed, 150)
    prefix = _drive(world, seed + 100, 50)
    assert prefix

    for choice in world.choices():
        again = World(WorldConfig(clients=2))
        _drive(again, seed, 150)
        _drive(again, seed + 100, 50)
        assert again.digest() == world.digest()
        again.apply(choice)
        assert again.incidents == []
        if isinstance(choice, Crash | CrashDuring):
            assert "down" in [again.status(node) for node in again.voters]


def test_same_choices_same_world() -> None:
    """The world has no randomness: choices alone decide every byte of its state and of its histories."""
    one = World(WorldConfig(clients=2))
    choices = _drive(one, 7, 400)
    two = World(WorldConfig(clients=2))
    for choice in choices:
        two.apply(choice_from_json(choice_to_json(choice)))

    assert two.snapshot() == one.snapshot()
    assert two.digest() == one.digest()
    assert two.history == one.history
    assert two.sent == one.sent


def test_offered_order_is_fixed() -> None:
    """Deliveries, timers, client operations, then restarts, and the faults last."""
    world = World(WorldConfig(nodes=2, clients=1))
    world.apply(Fire(1, "election"))

    assert [type(choice).__name__ for choice in world.choices(mid_step=False)] == [
        "Deliver",
        "Fire",
        "Fire",
        "Fire",
        "ClientOp",
        "Drop",
        "Duplicate",
        "Pause",
        "Pause",
        "Cut",
        "Cut",
        "Crash",
        "Crash",
    ]
    assert world.choices(mid_step=False) == tuple(
        choice for choice in world.choices() if not isinstance(choice, CrashDuring)
    )


def test_budget_bounds_what_is_offered() -> None:
    """A fault kind that is used up is offered no more; `apply` still takes it, for replays."""
    budget = FaultBudget(drops=1, duplicates=0, crashes=1, pauses=0, cuts=0, client_ops=0)
    world = World(WorldConfig(budget=budget))
    world.apply(Fire(1, "election"))
    kinds = {type(choice) for choice in world.choices()}
    assert kinds == {Deliver, Fire, Drop, Crash, CrashDuring}

    world.apply(Drop(0))
    world.apply(Crash(1, 0))
    kinds = {type(choice) for choice in world.choices()}
    assert kinds == {Deliver, Fire, Restart}
    world.apply(Crash(2, 0))
    assert world.counts["crash"] == 2


def test_crash_during_is_offered_at_every_cut_that_leaves_a_trace() -> None:
    """In the middle of a drain with a parked fetch: after the append, after the answer, each with what may survive."""
    hand = cluster()
    hand.elect(1, 2)
    hand.fire(1, "drain")
    hand.exchange(1, 2)
    hand.write(1, 7)
    drain = Fire(1, "drain")
    effects = hand.world.preview(drain)
    assert [type(effect).__name__ for effect in effects] == ["AppendEntries", "CancelTimer", "Send", "FlushLog"]

    offered = [choice for choice in hand.world.choices() if isinstance(choice, CrashDuring) and choice.choice == drain]

    assert [(choice.after, choice.kept) for choice in offered] == [(1, 1), (1, 2), (3, 1), (3, 2)]


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (Deliver(0), "message 0 is not in flight"),
        (Redeliver(0), "only 0 messages were sent"),
        (Fire(1, "drain"), r"the timer is not armed at 1 \(armed: election\)"),
        (Fire(9, "election"), r"the timer is not armed at 9 \(armed: none\)"),
        (Restart(1), "node 1 is up, not down"),
        (Resume(1), "node 1 is up, not paused"),
        (Crash(7, 0), r"there is no node 7; nodes are \(1, 2, 3\)"),
        (Cut(1, 1), "a link joins two different nodes"),
        (Heal(1, 8), "a link joins two different nodes"),
        (ClientOp(7, Operation("read", "k")), r"there is no client 7; clients are \(101,\)"),
        (ClientOp(101, Operation("read", "k"), 9), "there is no node 9"),
    ],
)
def test_impossible_choice_is_refused_and_changes_nothing(choice: Choice, message: str) -> None:
    """One clear error, and the world is as it was."""
    world = World(WorldConfig())
    before = world.digest()

    with pytest.raises(ChoiceError, match=message):
        world.apply(choice)

    assert world.digest() == before
    assert world.steps == 0


def test_refused_crash_during_changes_nothing() -> None:
    """A crash during a client's step is refused, and the client's timer is still armed."""
    hand = cluster()
    hand.world.apply(ClientOp(101, Operation("read", "k"), 1))
    before = hand.world.digest()

    with pytest.raises(ChoiceError, match="clients do not crash"):
        hand.world.apply(CrashDuring(Fire(101, "timeout"), 0, 0))

    assert hand.world.digest() == before
    assert hand.world.armed(101) == ("timeout",)
