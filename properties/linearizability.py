"""Is a history linearizable: is there one order of its operations that respects real time and explains every answer?

Linearizability is Herlihy and Wing's (1990). Each key is checked alone, by Horn and Kroening's P-compositionality ("Faster
linearizability checking via P-compositionality", 2015); how one key is searched is `properties.linearization_search`.
"""

import json
import time
from collections.abc import Hashable, Sequence
from typing import Literal, TypeAlias

from attrs import evolve, frozen

from properties.histories import History, Operation
from properties.linearization_search import Budget, Clock, Outcome, search
from properties.sequential_models import Model, S

Verdict: TypeAlias = Literal["linearizable", "not linearizable", "unknown"]

DEFAULT_BUDGET_SECONDS = 60.0
DEFAULT_BUDGET_STATES = 1_000_000  # about 300 bytes each


@frozen
class Prefix:
    """An order that explains as much of a history as can be explained, and where it leads.

    order     the operations placed, first to last; an operation of unknown outcome in it took effect there
    state     the model state after them, and `description`, the same in words
    expected  the answer that the operation which cannot be placed would get here
    """

    order: tuple[Operation, ...]
    state: Hashable
    description: str
    expected: str


@frozen
class KeyVerdict:
    """The verdict for one key (None: the whole history was checked as one object).

    operations      those that may have happened; `answered` of them have a known answer
    configurations  distinct configurations memoised
    order           linearizable: all answered operations, and those of unknown outcome that had to take effect
    blocked         not linearizable: the operation at whose return the history stops being linearizable; it is linearizable
                    up to just before. None if the time budget was spent before it was found
    prefixes        orders, of different final states, that explain all that returned before `blocked`
    """

    key: str | None
    verdict: Verdict
    reason: str
    operations: int
    answered: int
    configurations: int
    order: tuple[Operation, ...] = ()
    blocked: Operation | None = None
    prefixes: tuple[Prefix, ...] = ()


@frozen
class LinearizabilityVerdict:
    """The verdict for a history: one key that is not linearizable decides; else one unknown key makes it unknown.

    `keys` is sorted by key; `seconds` is what the injected clock said.
    """

    verdict: Verdict
    reason: str
    keys: tuple[KeyVerdict, ...]
    operations: int
    configurations: int
    seconds: float


def check(
    history: History,
    model: Model[S],
    *,
    budget_seconds: float = DEFAULT_BUDGET_SECONDS,
    budget_states: float = DEFAULT_BUDGET_STATES,
    by_key: bool = True,
    clock: Clock = time.monotonic,
) -> LinearizabilityVerdict:
    """Check a history against a sequential model of one key.

    budget_seconds  for the whole history, by `clock`; math.inf for no limit
    budget_states   memoised configurations that may be held at once, which is the memory bound; a key that needs more
                    is unknown and the other keys are still checked; math.inf for no limit
    by_key          False checks the history as one object: `model` then describes all keys at once

    A history without a single answered operation is "unknown": nothing was checked. Raises ValueError for a budget that
    is not positive and for operations that are not the model's.
    """
    for name, value in (("budget_seconds", budget_seconds), ("budget_states", budget_states)):
        if not value > 0:  # also refuses NaN
            raise ValueError(f"{name} is {value}; give a positive number, or math.inf for no limit")
    started = clock()
    budget = Budget(clock, started + budget_seconds, budget_seconds, budget_states)
    parts: dict[str | None, list[Operation]] = {}
    for operation in history.operations:
        parts.setdefault(operation.key if by_key else None, []).append(operation)
    # The shortest first: a hard key must not keep the easy ones from being decided.
    hardest_last = sorted(parts, key=lambda key: (len(parts[key]), key or ""))
    verdicts = [_check_key(key, parts[key], model, budget) for key in hardest_last]
    return _combine(tuple(sorted(verdicts, key=lambda verdict: verdict.key or "")), clock() - started)


def explain(verdict: LinearizabilityVerdict, *, last: int = 5) -> str:
    """The verdict in a few lines; for a key that is not linearizable the `last` operations of each prefix."""
    lines = [f"{verdict.verdict}: {verdict.reason}"]
    for key in verdict.keys:
        if key.verdict == "not linearizable":
            lines += _explain_violation(key, last)
        elif key.verdict == "unknown":
            lines.append(f"{_name(key.key)} is unknown: {key.reason}")
    return "\n".join(lines)


def _explain_violation(key: KeyVerdict, last: int) -> list[str]:
    lines = [f"{_name(key.key)} is not linearizable: {key.reason}"]
    for number, prefix in enumerate(key.prefixes, 1):
        shown = prefix.order[max(0, len(prefix.order) - last) :]
        hidden = len(prefix.order) - len(shown)
        lines.append(f"  order {number} of {len(key.prefixes)}, which explains everything that returned before:")
        if hidden:
            lines.append(f"    ... {hidden} operations before")
        lines += [f"    {operation}" for operation in shown]
        lines.append(f"    leaves {prefix.description}; the answer would be {prefix.expected}")
    return lines


def _name(key: str | None) -> str:
    return "the history" if key is None else f"key {json.dumps(key)}"


def _combine(keys: tuple[KeyVerdict, ...], seconds: float) -> LinearizabilityVerdict:
    operations = sum(key.operations for key in keys)
    answered = sum(key.answered for key in keys)
    wrong = [key for key in keys if key.verdict == "not linearizable"]
    undecided = [key for key in keys if key.verdict == "unknown"]
    size = f"{operations} operations on {len(keys)} keys"
    verdict: Verdict
    if wrong:
        verdict, reason = "not linearizable", f"{len(wrong)} of {len(keys)} keys cannot be explained ({size})"
    elif undecided:
        verdict, reason = "unknown", f"{len(undecided)} of {len(keys)} keys undecided ({size})"
    elif not answered:
        verdict, reason = "unknown", f"no operation was answered, so nothing was checked ({size})"
    else:
        verdict, reason = "linearizable", f"all {answered} answers are explained ({size})"
    return LinearizabilityVerdict(verdict, reason, keys, operations, sum(key.configurations for key in keys), seconds)


def _check_key(key: str | None, operations: Sequence[Operation], model: Model[S], budget: Budget) -> KeyVerdict:
    answered = sum(op.ret is not None for op in operations)
    outcome = search(operations, model, budget)
    size = (len(operations), answered, outcome.configurations)
    if outcome.order is not None:
        return KeyVerdict(key, "linearizable", f"all {answered} answers are explained", *size, order=outcome.order)
    if outcome.spent:
        reason = f"{outcome.spent}, with {outcome.placed} of {answered} answered operations placed"
        return KeyVerdict(key, "unknown", reason, *size)
    blocked, ends = _first_unexplained(operations, model, budget, outcome)
    if blocked is None:
        reason = "no order explains all answers; the budget was spent before the first operation at fault was found"
        return KeyVerdict(key, "not linearizable", reason, *size)
    prefixes = tuple(
        Prefix(order, state, model.describe(state), model.expected(state, blocked)) for order, state in ends
    )
    reason = f"no order explains {blocked} together with all that returned before it"
    return KeyVerdict(key, "not linearizable", reason, *size, blocked=blocked, prefixes=prefixes)


_Ends: TypeAlias = tuple[tuple[tuple[Operation, ...], S], ...]


def _first_unexplained(
    operations: Sequence[Operation], model: Model[S], budget: Budget, whole: Outcome[S]
) -> tuple[Operation | None, _Ends[S]]:
    """The operation at whose return the history stops being linearizable, and orders of all that returned before.

    Linearizability is closed under prefixes, so bisection finds it. Where the search of the whole got stuck is a good first
    guess, but no more: a look-ahead may have cut off an order that reaches further before it fails.
    """
    answered = sorted((op for op in operations if op.ret is not None), key=_return_of)
    good = sum(_return_of(op) < whole.stuck_at for op in answered)  # so many returns can be explained
    bad, ends, middle = len(answered), whole.dead_ends, good + 1
    while bad - good > 1:
        outcome = search(_up_to(operations, _return_of(answered[middle - 1])), model, budget)
        if outcome.spent:
            return None, ()
        if outcome.order is None:
            bad = middle
            reached = sum(_return_of(op) < outcome.stuck_at for op in answered)
            if reached >= good:
                good, ends = reached, outcome.dead_ends
        else:
            good, ends = middle, ((outcome.order, _state_after(outcome.order, model)),)
        middle = (good + bad) // 2
    return answered[bad - 1], ends


def _up_to(operations: Sequence[Operation], index: int) -> list[Operation]:
    """The history up to this index: what has not returned by then is of unknown outcome."""
    called = (op for op in operations if op.call <= index)
    return [op if op.ret is None or op.ret <= index else evolve(op, ret=None, output=None, error=None) for op in called]


def _return_of(operation: Operation) -> int:
    assert operation.ret is not None
    return operation.ret


def _state_after(order: Sequence[Operation], model: Model[S]) -> S:
    state = model.init()
    for operation in order:
        _, state = model.step(state, operation)
    return state
