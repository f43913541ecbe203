"""The linearizability checker on histories whose verdict is known: published examples, and what must never be accepted."""

import math
from collections.abc import Iterator

import pytest
from attrs import frozen

from properties.histories import REGISTER, Event, EventType, History, Json, Operation, pair_events
from properties.linearizability import check, explain
from properties.sequential_models import MetadataModel, RegisterModel


def metadata(*events: tuple[int, EventType, str, Json]) -> History:
    """A history on the topic "t" from (process, type, operation, value), in this order; for a fail the value is its error."""
    return pair_events(
        Event(index, index, process, kind, f, "t", *((None, str(value)) if kind == "fail" else (value, None)))
        for index, (process, kind, f, value) in enumerate(events)
    )


def one_after_another(*steps: tuple[str, Json, Json]) -> History:
    """A sequential history: (operation, argument, answer); an answer in capitals is a definite error."""
    operations = []
    for index, (f, argument, answer) in enumerate(steps):
        error = answer if isinstance(answer, str) else None
        output = None if error else answer
        operations.append(Operation(0, f, "t", argument, 2 * index, 2 * index + 1, output, error))
    return History(operations=tuple(operations))


def verdict_of(history: History) -> str:
    """The verdict by the metadata model."""
    return check(history, MetadataModel()).verdict


def seen(exists: bool, version: int, value: str | None) -> Json:
    """The answer of a read."""
    return {"exists": exists, "version": version, "value": value}


def version(number: int) -> Json:
    """The answer of a write."""
    return {"version": number}


SEQUENTIAL_STORY: list[tuple[str, Json, Json]] = [
    ("read", None, seen(False, 0, None)),
    ("read", None, "UNKNOWN_TOPIC_OR_PARTITION"),
    ("delete_topic", None, "UNKNOWN_TOPIC_OR_PARTITION"),
    ("set_config", "a", "UNKNOWN_TOPIC_OR_PARTITION"),
    ("update", {"expected": 0, "value": "a"}, "UNKNOWN_TOPIC_OR_PARTITION"),
    ("create_topic", None, version(1)),
    ("create_topic", None, "TOPIC_ALREADY_EXISTS"),
    ("read", None, seen(True, 1, None)),
    ("set_config", "a", version(2)),
    ("update", {"expected": 1, "value": "b"}, "INVALID_UPDATE_VERSION"),
    ("update", {"expected": 2, "value": "b"}, version(3)),
    ("read", None, seen(True, 3, "b")),
    ("delete_topic", None, version(4)),
    ("read", None, seen(False, 4, None)),
    ("create_topic", None, version(5)),
    ("read", None, seen(True, 5, None)),
]

ABSENT = (0, 1, 13)  # reads that find no topic: both of their answers are right


def test_one_client_gets_the_answers_of_the_sequential_model() -> None:
    """The rules of the metadata, answer by answer; versions count over deletion and re-creation."""
    verdict = check(one_after_another(*SEQUENTIAL_STORY), MetadataModel())
    assert verdict.verdict == "linearizable"
    assert [op.call for op in verdict.keys[0].order] == [2 * index for index in range(len(SEQUENTIAL_STORY))]


@pytest.mark.parametrize("index", range(len(SEQUENTIAL_STORY)))
def test_each_answer_of_the_sequential_model_is_the_only_one(index: int) -> None:
    """With any one answer of the story replaced by a wrong one, that operation is the one that cannot be placed."""
    f, argument, answer = SEQUENTIAL_STORY[index]
    errors = ["TOPIC_ALREADY_EXISTS", "INVALID_UPDATE_VERSION", "UNKNOWN_TOPIC_OR_PARTITION"]
    wrong: list[Json] = [error for error in errors if error != answer]
    if f == "read":
        wrong += [seen(True, 9, "z"), seen(False, 9, None)]
        if index in ABSENT:
            wrong = [other for other in wrong if other != "UNKNOWN_TOPIC_OR_PARTITION"]
    else:
        wrong += [version(number) for number in range(7) if version(number) != answer]
    for other in wrong:
        story = [*SEQUENTIAL_STORY[:index], (f, argument, other), *SEQUENTIAL_STORY[index + 1 :]]
        key = check(one_after_another(*story), MetadataModel()).keys[0]
        assert key.verdict == "not linearizable", other
        assert key.blocked is not None
        assert key.blocked.call == 2 * index


WRONG: dict[str, tuple[int, History]] = {
    "stale read": (4, metadata(
        (1, "invoke", "create_topic", None), (1, "ok", "create_topic", version(1)),
        (1, "invoke", "set_config", "a"), (1, "ok", "set_config", version(2)),
        (2, "invoke", "read", None), (2, "ok", "read", seen(True, 1, None)),
    )),
    "lost update": (3, metadata(
        (0, "invoke", "create_topic", None), (0, "ok", "create_topic", version(1)),
        (1, "invoke", "update", {"expected": 1, "value": "a"}), (2, "invoke", "update", {"expected": 1, "value": "b"}),
        (1, "ok", "update", version(2)), (2, "ok", "update", version(2)),
    )),
    "two successful creates": (1, metadata(
        (1, "invoke", "create_topic", None), (2, "invoke", "create_topic", None),
        (1, "ok", "create_topic", version(1)), (2, "ok", "create_topic", version(1)),
    )),
    "version going back": (5, metadata(
        (0, "invoke", "create_topic", None), (0, "ok", "create_topic", version(1)),
        (1, "invoke", "set_config", "a"),
        (2, "invoke", "read", None), (2, "ok", "read", seen(True, 2, "a")),
        (2, "invoke", "read", None), (2, "ok", "read", seen(True, 1, None)),
        (1, "ok", "set_config", version(2)),
    )),
    "refused, and yet done": (2, metadata(
        (0, "invoke", "create_topic", None), (0, "fail", "create_topic", "NOT_LEADER"),
        (0, "invoke", "read", None), (0, "ok", "read", seen(True, 1, None)),
    )),
    "a definite answer that nothing explains": (0, metadata(
        (0, "invoke", "create_topic", None), (0, "fail", "create_topic", "TOPIC_ALREADY_EXISTS"),
    )),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_histories_are_not_linearizable(name: str) -> None:
    """What clients must never see is refused, and the operation at fault is named by the index of its call."""
    call, history = WRONG[name]
    verdict = check(history, MetadataModel())
    key = verdict.keys[0]
    assert verdict.verdict == key.verdict == "not linearizable"
    assert key.blocked is not None
    assert key.blocked.call == call
    assert key.order == ()


def register(*operations: tuple[int, int, str, Json, Json]) -> History:
    """A register history from (call, return, operation, argument, answer); the client is the position in the list."""
    return History(
        operations=tuple(
            Operation(process, f, "x", argument, call, ret, output)
            for process, (call, ret, f, argument, output) in enumerate(operations)
        )
    )


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        # The two register examples of porcupine's README.
        (register((0, 100, "write", 100, None), (25, 75, "read", None, 100), (30, 60, "read", None, 0)), True),
        (register((0, 100, "write", 200, None), (10, 30, "read", None, 200), (40, 90, "read", None, 0)), False),
        # After Herlihy and Wing 1990, section 2: a write that is read before it returns has taken effect for everybody.
        (register((0, 9, "write", 1, None), (1, 2, "read", None, 1), (3, 4, "read", None, 1)), True),
        (register((0, 9, "write", 1, None), (1, 4, "read", None, 1), (2, 3, "read", None, 0)), True),
    ],
)
def test_published_register_examples(history: History, expected: bool) -> None:
    """A read may see a concurrent write or not, but not both in the wrong order."""
    assert (check(history, RegisterModel(initial=0)).verdict == "linearizable") is expected


def test_write_of_the_present_value_may_have_to_wait() -> None:
    """A write that changes nothing now is no read: here it must come after the compare-and-set, to undo it."""
    swap: Json = {"expected": "a", "value": "b"}
    history = History(
        operations=(
            Operation(0, "write", "x", "a", 0, 1),
            Operation(1, "cas", "x", swap, 2, 4),
            Operation(2, "write", "x", "a", 3, 5),
            Operation(3, "read", "x", None, 6, 7, "a"),
        )
    )
    verdict = check(history, RegisterModel())
    assert verdict.verdict == "linearizable"
    assert [op.process for op in verdict.keys[0].order] == [0, 1, 2, 3]


@frozen
class QueueModel:
    """A FIFO queue: enqueue is answered null, dequeue with the head."""

    def init(self) -> tuple[Json, ...]:
        return ()

    def step(self, state: tuple[Json, ...], operation: Operation) -> tuple[bool, tuple[Json, ...]]:
        if operation.f == "enqueue":
            return True, (*state, operation.input)
        if operation.ret is None:
            return True, state[1:]
        return bool(state) and state[0] == operation.output, state[1:]

    def may_still(self, state: tuple[Json, ...], operation: Operation) -> bool:
        return True

    def describe(self, state: tuple[Json, ...]) -> str:
        return f"queue {list(state)}"

    def expected(self, state: tuple[Json, ...], operation: Operation) -> str:
        return str(state[0]) if state else "nothing"


def test_model_that_changes_its_state_at_a_read_is_refused() -> None:
    """The search relies on reads and refusals changing nothing, and says so instead of giving a wrong verdict."""
    taken = Operation(1, "read", "q", None, 2, 3, "x")
    history = History(operations=(Operation(0, "enqueue", "q", "x", 0, 1), taken))
    with pytest.raises(ValueError, match="the model changes its state at p1 read"):
        check(history, QueueModel())


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ([(0, 2, "enqueue", "x"), (1, 3, "enqueue", "y"), (4, 5, "dequeue", "y"), (6, 7, "dequeue", "x")], True),
        ([(0, 1, "enqueue", "x"), (2, 3, "enqueue", "y"), (4, 5, "dequeue", "y")], False),
        ([(0, 3, "enqueue", "x"), (1, 2, "dequeue", "x")], True),
        ([(0, 2, "enqueue", "x"), (1, 3, "enqueue", "y"), (4, 6, "dequeue", "y"), (5, 7, "dequeue", "y")], False),
    ],
)
def test_published_queue_examples(operations: list[tuple[int, int, str, str]], expected: bool) -> None:
    """Four queue histories after Herlihy and Wing 1990, figure 1, with a model that is not one of ours."""
    history = History(
        operations=tuple(
            Operation(process, f, "q", item if f == "enqueue" else None, call, ret, item if f == "dequeue" else None)
            for process, (call, ret, f, item) in enumerate(operations)
        )
    )
    assert (check(history, QueueModel()).verdict == "linearizable") is expected


def abandoned_write(*answers: Json) -> History:
    """A topic is created, a set_config is given up, and then one client reads."""
    events: list[tuple[int, EventType, str, Json]] = [
        (0, "invoke", "create_topic", None), (0, "ok", "create_topic", version(1)),
        (1, "invoke", "set_config", "a"), (1, "info", "set_config", None),
    ]  # fmt: skip
    for answer in answers:
        events += [(2, "invoke", "read", None), (2, "ok", "read", answer)]
    return metadata(*events)


def test_unknown_outcome_may_take_effect_late_or_never() -> None:
    """An abandoned write may show at any later read, or at none; once seen it stays, and it happens once at most."""
    before, after = seen(True, 1, None), seen(True, 2, "a")
    assert verdict_of(abandoned_write(before, before)) == "linearizable"
    assert verdict_of(abandoned_write(before, after)) == "linearizable"
    assert verdict_of(abandoned_write(after, after)) == "linearizable"
    assert verdict_of(abandoned_write(after, before)) == "not linearizable"
    assert verdict_of(abandoned_write(seen(True, 3, "a"))) == "not linearizable"


def test_order_names_the_unknown_outcomes_that_took_effect() -> None:
    """Only what had to take effect is in the order, at the place where it did."""
    never = check(abandoned_write(seen(True, 1, None)), MetadataModel()).keys[0]
    late = check(abandoned_write(seen(True, 1, None), seen(True, 2, "a")), MetadataModel()).keys[0]
    assert [op.f for op in never.order] == ["create_topic", "read"]
    assert [op.f for op in late.order] == ["create_topic", "read", "set_config", "read"]


def test_unknown_outcome_cannot_take_effect_before_its_call() -> None:
    """A read that returned before the abandoned write was called cannot have seen it."""
    history = metadata(
        (0, "invoke", "create_topic", None), (0, "ok", "create_topic", version(1)),
        (2, "invoke", "read", None), (2, "ok", "read", seen(True, 2, "a")),
        (1, "invoke", "set_config", "a"), (1, "info", "set_config", None),
    )  # fmt: skip
    assert verdict_of(history) == "not linearizable"


def test_equal_unknown_outcomes_each_take_effect() -> None:
    """Three abandoned writes of the same value can explain versions up to 4 and not 5, whichever of them happened."""
    abandoned: list[tuple[int, EventType, str, Json]] = []
    for process in (1, 2, 3):
        abandoned += [(process, "invoke", "set_config", "a"), (process, "info", "set_config", None)]
    for number, expected in [
        (1, "not linearizable"),
        (2, "linearizable"),
        (4, "linearizable"),
        (5, "not linearizable"),
    ]:
        history = metadata(
            (0, "invoke", "create_topic", None), (0, "ok", "create_topic", version(1)), *abandoned,
            (0, "invoke", "read", None), (0, "ok", "read", seen(True, number, "a")),
        )  # fmt: skip
        assert verdict_of(history) == expected, number


def test_each_unknown_outcome_is_still_there_until_it_took_effect() -> None:
    """The same state reached by other unknown outcomes is another configuration: what is left to happen differs."""
    abandoned = (Operation(1, "write", "x", "a", 0), Operation(2, "write", "x", "b", 1))
    reads = [Operation(3, "read", "x", None, 2 * at, 2 * at + 1, value) for at, value in enumerate("aba", 1)]
    for count, expected in [(2, "linearizable"), (3, "not linearizable")]:
        verdict = check(History(operations=(*abandoned, *reads[:count])), RegisterModel())
        assert verdict.verdict == expected


def test_equal_unknown_outcomes_are_tried_once() -> None:
    """Of thirty abandoned writes of one value it matters how many happened, not which: no 2^30 subsets."""
    abandoned = [Operation(process, "write", "x", process % 2, process) for process in range(30)]
    read = Operation(30, "read", "x", None, 30, 31, "never written")
    verdict = check(History(operations=(*abandoned, read)), RegisterModel())
    assert verdict.verdict == "not linearizable"
    assert verdict.configurations < 1000


def hard_history(size: int = 12) -> History:
    """All writes concurrent, and a read that no order explains: 2^size subsets, each with `size` final values."""
    writes = [Operation(process, "write", "x", process, process, 1000 + process) for process in range(size)]
    return History(operations=(*writes, Operation(size, "read", "x", None, 2000, 2001, "never written")))


def test_state_budget_exceeded_is_unknown() -> None:
    """A search stopped by its memory bound decides nothing, and says which bound and how far it came."""
    verdict = check(hard_history(), RegisterModel(), budget_states=1000)
    assert verdict.verdict == "unknown"
    assert verdict.keys[0].reason == (
        "the budget of 1000 memoised configurations is spent, with 6 of 13 answered operations placed"
    )
    assert verdict.keys[0].configurations == 1001
    assert check(hard_history(), RegisterModel(), budget_states=100_000).verdict == "not linearizable"


def ticking(step: float) -> Iterator[float]:
    """A clock that goes on by `step` each time it is read."""
    now = 0.0
    while True:
        yield now
        now += step


def test_time_budget_exceeded_is_unknown() -> None:
    """Time is what the injected clock says: a clock that jumps past the deadline stops the search."""
    late, early = ticking(10.0), ticking(0.001)
    verdict = check(hard_history(), RegisterModel(), budget_seconds=15, clock=lambda: next(late))
    assert verdict.verdict == "unknown"
    assert "the time budget of 15 s is spent" in verdict.keys[0].reason
    decided = check(hard_history(), RegisterModel(), budget_seconds=15, clock=lambda: next(early))
    assert decided.verdict == "not linearizable"
    assert 0 < decided.seconds < 15


def test_hard_key_does_not_keep_an_easy_one_from_being_decided() -> None:
    """A violation on one key decides the history although another key exhausts its budget."""
    easy = (
        Operation(0, "write", "y", 1, 3000, 3001),
        Operation(0, "read", "y", None, 3002, 3003, 2),
    )
    history = History(operations=(*hard_history().operations, *easy))
    verdict = check(history, RegisterModel(), budget_states=1000)
    assert [(key.key, key.verdict) for key in verdict.keys] == [("x", "unknown"), ("y", "not linearizable")]
    assert verdict.verdict == "not linearizable"


def test_history_without_an_answer_is_unknown() -> None:
    """Nothing was checked, so nothing holds; a key without an answer beside one that has some does not matter."""
    assert verdict_of(metadata((0, "invoke", "create_topic", None))) == "unknown"
    assert verdict_of(History(operations=())) == "unknown"
    answered = Operation(0, "read", "u", None, 5, 6, seen(False, 0, None))
    assert verdict_of(History(operations=(Operation(1, "read", "t", None, 4), answered))) == "linearizable"


@pytest.mark.parametrize("wrong", [0, -1, math.nan])
def test_budgets_are_positive(wrong: float) -> None:
    """A budget that allows nothing is a mistake of the caller."""
    history = metadata((0, "invoke", "create_topic", None))
    with pytest.raises(ValueError, match="budget_seconds is"):
        check(history, MetadataModel(), budget_seconds=wrong)
    with pytest.raises(ValueError, match="budget_states is"):
        check(history, MetadataModel(), budget_states=wrong)


def test_model_refuses_the_operations_of_another() -> None:
    """A register history checked as metadata is an error with a remedy, not a verdict."""
    cas = Event(0, 0, 0, "invoke", "cas", "x", {"expected": 1, "value": 2})
    history = pair_events([cas, Event(1, 1, 0, "ok", "cas", "x")], REGISTER)
    with pytest.raises(ValueError, match="no operation 'cas'; check this history with the model it is for"):
        check(history, MetadataModel())
    with pytest.raises(ValueError, match="no operation 'create_topic'"):
        check(metadata((0, "invoke", "create_topic", None), (0, "ok", "create_topic", version(1))), RegisterModel())


def test_compare_and_set_succeeds_once() -> None:
    """Of two concurrent compare-and-sets from the same value, one finds it changed."""
    swap: Json = {"expected": 0, "value": 1}
    first, second = Operation(1, "cas", "x", swap, 0, 2), Operation(2, "cas", "x", swap, 1, 3)
    refused = Operation(2, "cas", "x", swap, 1, 3, error="CAS_MISMATCH")
    assert check(History(operations=(first, refused)), RegisterModel(0)).verdict == "linearizable"
    assert check(History(operations=(first, second)), RegisterModel(0)).verdict == "not linearizable"


def test_explanation_is_in_the_words_of_the_domain() -> None:
    """The explanation names the key, the order that gets furthest, the state it leaves, and both answers."""
    assert explain(check(WRONG["stale read"][1], MetadataModel())).splitlines() == [
        "not linearizable: 1 of 1 keys cannot be explained (3 operations on 1 keys)",
        (
            'key "t" is not linearizable: no order explains p2 read("t") -> exists=true version=1 value=null [4,5] '
            "together with all that returned before it"
        ),
        "  order 1 of 1, which explains everything that returned before:",
        '    p1 create_topic("t") -> version=1 [0,1]',
        '    p1 set_config("t", "a") -> version=2 [2,3]',
        '    leaves topic at version 2 with value "a"; the answer would be topic at version 2 with value "a"',
    ]
    assert explain(check(one_after_another(*SEQUENTIAL_STORY), MetadataModel())).splitlines() == [
        "linearizable: all 16 answers are explained (16 operations on 1 keys)"
    ]


def test_explanation_is_short() -> None:
    """Of a long order only the last operations are shown."""
    steps: list[tuple[str, Json, Json]] = [("create_topic", None, version(1))]
    steps += [("set_config", "a", version(number)) for number in range(2, 100)]
    text = explain(check(one_after_another(*steps, ("read", None, seen(False, 0, None))), MetadataModel()), last=2)
    assert "    ... 97 operations before\n" in text
    assert len(text.splitlines()) == 7


def test_witness_of_several_orders() -> None:
    """Where several final states explain all that returned before, each is shown with the answer it would give."""
    operations = (
        Operation(1, "write", "x", 1, 0, 10),
        Operation(2, "write", "x", 2, 1, 11),
        Operation(3, "read", "x", None, 12, 13, 3),
    )
    key = check(History(operations=operations), RegisterModel()).keys[0]
    assert key.blocked == operations[2]
    assert sorted(prefix.expected for prefix in key.prefixes) == ["value 1", "value 2"]
    assert all(len(prefix.order) == 2 for prefix in key.prefixes)


def test_long_histories_take_no_recursion() -> None:
    """20,000 operations in a row, and as many with one wrong answer at the end, are decided with few configurations."""
    steps: list[tuple[str, Json, Json]] = [("create_topic", None, version(1))]
    steps += [("set_config", "a", version(number)) for number in range(2, 20_001)]
    good = check(one_after_another(*steps), MetadataModel())
    assert (good.verdict, good.configurations) == ("linearizable", 20_001)
    bad = check(one_after_another(*steps, ("read", None, seen(True, 7, "a"))), MetadataModel()).keys[0]
    assert bad.verdict == "not linearizable"
    assert bad.blocked is not None
    assert (bad.blocked.f, len(bad.prefixes[0].order)) == ("read", 20_000)
