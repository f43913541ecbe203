"""Fast against dumb: the checker, and all its refinements, against trying every permutation of small random histories."""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from itertools import combinations, permutations
from random import Random
from typing import Any

import pytest
from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st

from properties.histories import History, Json, Operation
from properties.linearizability import LinearizabilityVerdict, check
from properties.sequential_models import MetadataModel, Model, RegisterModel

Pick = Callable[[int], int]
"""Chooses a number from 0 to n - 1: Hypothesis draws it, or a seeded generator."""

VALUES = ("a", "b")
KEYS = ("s", "t")


def metadata_request(pick: Pick) -> tuple[str, Json]:
    """One operation of a client; few values and versions, so that clients collide."""
    value = VALUES[pick(2)]
    requests: list[tuple[str, Json]] = [
        ("create_topic", None),
        ("create_topic", None),
        ("set_config", value),
        ("set_config", value),
        ("update", {"expected": pick(4), "value": value}),
        ("delete_topic", None),
        ("read", None),
        ("read", None),
    ]
    return requests[pick(len(requests))]


def register_request(pick: Pick) -> tuple[str, Json]:
    """One operation on a register: states come back here, as versions never let them."""
    swap: Json = {"expected": VALUES[pick(2)], "value": VALUES[pick(2)]}
    requests: list[tuple[str, Json]] = [("write", VALUES[pick(2)]), ("cas", swap), ("read", None)]
    return requests[pick(3)]


def metadata_answer(state: Any, request: Operation) -> tuple[Json, str | None]:
    """The answer by the rules of the metadata, written down a second time."""
    exists, version, value = state
    if request.f == "read":
        return {"exists": exists, "version": version, "value": value}, None
    if request.f == "create_topic":
        return (None, "TOPIC_ALREADY_EXISTS") if exists else ({"version": version + 1}, None)
    if not exists:
        return None, "UNKNOWN_TOPIC_OR_PARTITION"
    if isinstance(request.input, dict) and request.input["expected"] != version:
        return None, "INVALID_UPDATE_VERSION"
    return {"version": version + 1}, None


def register_answer(state: Any, request: Operation) -> tuple[Json, str | None]:
    """The answer of a register, written down a second time."""
    if isinstance(request.input, dict) and request.input["expected"] != state:
        return None, "CAS_MISMATCH"
    return (state if request.f == "read" else None), None


@frozen
class World:
    """What a random history is about."""

    model: Model[Any]
    request: Callable[[Pick], tuple[str, Json]]
    answer: Callable[[Any, Operation], tuple[Json, str | None]]
    errors: tuple[str, ...]
    outputs: tuple[Json, ...]


WORLDS = {
    "metadata": World(
        MetadataModel(),
        metadata_request,
        metadata_answer,
        ("TOPIC_ALREADY_EXISTS", "UNKNOWN_TOPIC_OR_PARTITION", "INVALID_UPDATE_VERSION"),
        (
            {"version": 1},
            {"version": 2},
            {"version": 3},
            {"exists": True, "version": 1, "value": None},
            {"exists": True, "version": 2, "value": "a"},
            {"exists": True, "version": 3, "value": "b"},
            {"exists": False, "version": 0, "value": None},
        ),
    ),
    "register": World(RegisterModel(), register_request, register_answer, ("CAS_MISMATCH",), (None, *VALUES)),
}


def random_history(world: World, pick: Pick, *, keys: int, size: int, heard: int = 5) -> History:
    """Clients call, operations take effect at one moment, clients are answered or not: linearizable, until answers are changed."""
    states = {key: world.model.init() for key in KEYS}
    called: list[Operation] = []
    effective: list[Operation] = []
    done: list[Operation] = []
    answers: dict[int, tuple[Json, str | None]] = {}
    index = process = 0
    while process < size or effective or called:
        index += 1
        moves = ["call"] * (process < size and len(called) + len(effective) < 4)
        moves += ["effect"] * bool(called) + ["return"] * bool(effective)
        move = moves[pick(len(moves))]
        if move == "call":
            f, argument = world.request(pick)
            called.append(Operation(process, f, KEYS[pick(keys)], argument, index))
            process += 1
        elif move == "effect":
            request = called.pop(pick(len(called)))
            if pick(12) == 0:
                done.append(request)  # lost on its way: the client never hears of it
                continue
            answers[request.process] = world.answer(states[request.key], request)
            _, states[request.key] = world.model.step(states[request.key], request)
            effective.append(request)
        else:
            request = effective.pop(pick(len(effective)))
            output, error = answers[request.process]
            forgotten = pick(heard) == 0  # one answer in `heard` never reaches its client
            done.append(request if forgotten else evolve(request, ret=index, output=output, error=error))
    return History(operations=tuple(sorted(done, key=lambda op: op.call)))


def mutated(world: World, history: History, pick: Pick) -> History:
    """One answer replaced by another, or two operations moved apart in time."""
    operations = list(history.operations)
    at = pick(len(operations))
    victim = operations[at]
    if victim.ret is None:
        return history
    kind = pick(3)
    if kind == 0 and victim.f != "write":
        operations[at] = evolve(victim, output=None, error=world.errors[pick(len(world.errors))])
    elif kind == 1:
        operations[at] = evolve(victim, output=world.outputs[pick(len(world.outputs))], error=None)
    else:
        end = max(op.call if op.ret is None else op.ret for op in operations)
        operations[at] = evolve(victim, call=end + 1, ret=end + 2)
    return History(operations=tuple(sorted(operations, key=lambda op: op.call)))


def explains(order: Sequence[Operation], model: Model[Any]) -> bool:
    """Whether the order respects real time and the model gives every answer in it."""
    for position, later in enumerate(order):
        for earlier in order[:position]:
            if later.ret is not None and later.ret < earlier.call:
                return False
    states: dict[str, Hashable] = {}
    for operation in order:
        legal, states[operation.key] = model.step(states.get(operation.key, model.init()), operation)
        if not legal:
            return False
    return True


def brute_force(operations: Sequence[Operation], model: Model[Any]) -> bool:
    """The definition: some permutation of the answered operations and of some others explains every answer."""
    answered = [op for op in operations if op.ret is not None]
    unknown = [op for op in operations if op.ret is None]
    return any(
        explains(order, model)
        for count in range(len(unknown) + 1)
        for effective in combinations(unknown, count)
        for order in permutations([*answered, *effective])
    )


def up_to(history: History, index: int) -> list[Operation]:
    """The history as it was known just after the event at `index`."""
    return [
        op if op.ret is None or op.ret <= index else evolve(op, ret=None, output=None, error=None)
        for op in history.operations
        if op.call <= index
    ]


def assert_witness(history: History, verdict: LinearizabilityVerdict, model: Model[Any]) -> None:
    """The evidence of a verdict, checked against the definition."""
    for key in verdict.keys:
        mine = History(operations=tuple(op for op in history.operations if op.key == key.key))
        if key.verdict == "linearizable":
            assert explains(key.order, model)
            assert {op.call for op in mine.operations if op.ret is not None} <= {op.call for op in key.order}
            continue
        assert key.blocked is not None
        assert key.blocked.ret is not None
        assert not brute_force(up_to(mine, key.blocked.ret), model)
        assert brute_force(up_to(mine, key.blocked.ret - 1), model)
        before = {op.call for op in mine.operations if op.ret is not None and op.ret < key.blocked.ret}
        assert key.prefixes
        for prefix in key.prefixes:
            assert explains(prefix.order, model)
            assert before <= {op.call for op in prefix.order}
            state = model.init()
            for operation in prefix.order:
                _, state = model.step(state, operation)
            assert state == prefix.state
        assert len({prefix.state for prefix in key.prefixes}) == len(key.prefixes)


@frozen
class ManyKeys:
    """A model of one key, for all keys at once: what partitioning by key makes unnecessary."""

    one: Model[Any]

    def init(self) -> tuple[tuple[str, Any], ...]:
        return tuple((key, self.one.init()) for key in KEYS)

    def step(
        self, state: tuple[tuple[str, Any], ...], operation: Operation
    ) -> tuple[bool, tuple[tuple[str, Any], ...]]:
        states = dict(state)
        legal, states[operation.key] = self.one.step(states[operation.key], operation)
        return legal, tuple(states.items())

    def may_still(self, state: tuple[tuple[str, Any], ...], operation: Operation) -> bool:
        return True

    def describe(self, state: tuple[tuple[str, Any], ...]) -> str:
        return str(state)

    def expected(self, state: tuple[tuple[str, Any], ...], operation: Operation) -> str:
        return self.one.expected(dict(state)[operation.key], operation)


def seeded(seed: int) -> Pick:
    """Choices from a seed, the same on every Python."""
    random = Random(seed)
    return lambda n: random.getrandbits(30) % n


def compare(world: World, history: History) -> str:
    """The checker's verdict on one key, after the definition agreed and the evidence was checked."""
    verdict = check(history, world.model)
    if verdict.verdict != "unknown":
        expected = brute_force(history.operations, world.model)
        assert (verdict.verdict == "linearizable") is expected, history
        assert_witness(history, verdict, world.model)
    else:
        assert all(op.ret is None for op in history.operations)
    return verdict.verdict


@pytest.mark.parametrize("name", WORLDS)
def test_verdicts_equal_brute_force(name: str) -> None:
    """On hundreds of small histories the verdict is that of the definition, and each witness is one; both verdicts occur."""
    world, verdicts = WORLDS[name], Counter[str]()
    for seed in range(600):
        pick = seeded(seed)
        history = random_history(world, pick, keys=1, size=3 + pick(3), heard=2 + seed % 4)
        verdicts[f"simulated: {compare(world, history)}"] += 1
        verdicts[f"mutated: {compare(world, mutated(world, mutated(world, history, pick), pick))}"] += 1
    assert verdicts["simulated: not linearizable"] == 0
    assert min(verdicts["simulated: linearizable"], verdicts["mutated: linearizable"]) > 120, verdicts
    assert verdicts["mutated: not linearizable"] > 60, verdicts


@given(st.data(), st.sampled_from(sorted(WORLDS)), st.integers(0, 2))
def test_verdicts_equal_brute_force_for_any_history(data: st.DataObject, name: str, mutations: int) -> None:
    """The same, with histories that Hypothesis chooses and shrinks."""

    def pick(n: int) -> int:
        return data.draw(st.integers(0, n - 1))

    heard = data.draw(st.integers(2, 6))
    history = random_history(WORLDS[name], pick, keys=1, size=data.draw(st.integers(1, 5)), heard=heard)
    for _ in range(mutations):
        history = mutated(WORLDS[name], history, pick)
    compare(WORLDS[name], history)


@pytest.mark.parametrize("name", WORLDS)
def test_partition_by_key_gives_the_verdict_of_the_whole(name: str) -> None:
    """Locality (Herlihy and Wing 1990, theorem 1): a history is linearizable iff that of each key is."""
    world, verdicts = WORLDS[name], Counter[str]()
    for seed in range(400):
        pick = seeded(seed)
        history = random_history(world, pick, keys=2, size=10, heard=3)
        for _ in range(pick(4)):
            history = mutated(world, history, pick)
        by_key = check(history, world.model)
        whole = check(history, ManyKeys(world.model), by_key=False)
        assert by_key.verdict == whole.verdict, history
        verdicts[by_key.verdict] += 1
    assert min(verdicts["linearizable"], verdicts["not linearizable"]) > 80, verdicts


@frozen
class WithoutForesight(MetadataModel):
    """The metadata model, never telling the search that a configuration is hopeless."""

    def may_still(self, state: object, operation: Operation) -> bool:
        return True


def test_foresight_never_changes_a_verdict() -> None:
    """Cutting off configurations by version (`may_still`) saves work and nothing else."""
    world, saved, verdicts = WORLDS["metadata"], 0, Counter[str]()
    for seed in range(300):
        pick = seeded(seed)
        history = random_history(world, pick, keys=1, size=9)
        for _ in range(pick(3)):
            history = mutated(world, history, pick)
        fast, slow = check(history, MetadataModel()), check(history, WithoutForesight())
        assert fast.verdict == slow.verdict, history
        assert [key.blocked for key in fast.keys] == [key.blocked for key in slow.keys], history
        saved += slow.configurations - fast.configurations
        verdicts[fast.verdict] += 1
    assert saved > 0
    assert min(verdicts["linearizable"], verdicts["not linearizable"]) > 60, verdicts


def test_unknown_outcomes_do_not_make_the_search_explode() -> None:
    """With a third of all answers forgotten, a long history on one key still takes about one configuration an operation."""
    history = random_history(WORLDS["metadata"], seeded(1), keys=1, size=3000, heard=3)
    assert sum(op.ret is None for op in history.operations) > 1000
    verdict = check(history, MetadataModel())
    assert verdict.verdict == "linearizable"
    assert verdict.configurations < 2 * 3000
