"""The search behind `properties.linearizability`: one order of one object's operations that explains every answer.

It is Wing and Gong's ("Testing and verifying concurrent objects", 1993): keep the calls and the returns of the operations
not yet placed in linked lists; an operation may come next if it was called before the first return that is left; place
it (unlink it), try the rest, put it back when stuck. Lowe's memoisation ("Testing for linearizability", 2017) never
explores a configuration, the set of placed operations with the model state, twice.

Refinements, none of which changes a verdict:

* The set is stored relative to the first answered operation not yet placed, so that a configuration is as large as the
  concurrency, not as the history.
* A read or a refusal that is legal now is placed at once, and no alternative to it is tried: it changes no state
  anywhere (`Operation.observes`), so moving it to the front of any order that works gives an order that works. This
  would be wrong for a write that happens to change nothing now: later it may change the state back.
* An operation of unknown outcome has a call and no return. It is tried after the answered ones, the latest first, and
  only where it changes the state; the search ends when the answered ones are placed. So it may take effect late or never.
* Operations of unknown outcome that ask for the same thing are interchangeable once called: the earliest stands for all.
* A configuration is abandoned when an answered operation can never be explained again (`Model.may_still`): the one that
  returns first is asked after each move, the next LOOKAHEAD after placing one of unknown outcome, since subsets of those
  are what makes a search explode.
"""

import json
import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import Generic, TypeAlias

from attrs import define, field, frozen

from properties.histories import Operation
from properties.sequential_models import Model, S

Clock: TypeAlias = Callable[[], float]

OBSERVER_RULE = "a read, or an operation refused with a definite error, leaves the state as it is"
LOOKAHEAD = 16
MAX_DEAD_ENDS = 3
TICKS_PER_CLOCK_READING = 1024


@frozen
class Budget:
    """What a search may use: `deadline` by `clock` (`seconds` is what it was set from), `states` memoised configurations."""

    clock: Clock
    deadline: float
    seconds: float
    states: float

    def spent(self, ticks: int, states: int) -> str | None:
        """Which budget is spent, in words. The clock is read only now and then: reading it costs more than a step."""
        if states > self.states:
            return f"the budget of {self.states} memoised configurations is spent"
        if ticks % TICKS_PER_CLOCK_READING == 0 and self.clock() > self.deadline:
            return f"the time budget of {self.seconds} s is spent"
        return None


@frozen
class Outcome(Generic[S]):
    """What a search came to.

    order           an order that explains all answers; None: there is none, or the search stopped
    spent           why it stopped, None if it did not
    placed          answered operations placed when it ended
    configurations  distinct configurations memoised
    stuck_at        index of the latest return that was first in line at a dead end; -inf if there was no dead end
    dead_ends       up to MAX_DEAD_ENDS orders, with different final states, that explain all that returned before it
    """

    order: tuple[Operation, ...] | None
    spent: str | None
    placed: int
    configurations: int
    stuck_at: float
    dead_ends: tuple[tuple[tuple[Operation, ...], S], ...]


@define
class _Entries:
    """The operations of one key; the answered ones in Wing and Gong's doubly linked lists, one of calls, one of returns.

    Node i < n is the i-th answered operation by call, n is the sentinel of both lists, called and returning at infinity;
    the nodes after n are the operations of unknown outcome by call. Only answered nodes are linked.
    """

    operations: list[Operation | None]
    n: int
    call_at: list[float]
    return_at: list[float]
    next_call: list[int]
    previous_call: list[int]
    next_return: list[int]
    previous_return: list[int]
    twins: dict[int, list[int]]  # for a node of unknown outcome: all nodes that ask for the same thing, by call
    taken_twins: dict[int, int]  # for the first of them: how many are placed, always the earliest

    @classmethod
    def of(cls, operations: Sequence[Operation]) -> "_Entries":
        by_call = sorted(operations, key=lambda op: op.call)
        answered = [op for op in by_call if op.ret is not None]
        unknown = [op for op in by_call if op.ret is None]
        n = len(answered)
        nodes: list[Operation | None] = [*answered, None, *unknown]
        returns = [math.inf if op is None or op.ret is None else op.ret for op in nodes]
        asked: dict[tuple[str, str, str], list[int]] = {}
        twins: dict[int, list[int]] = {}
        for node, op in enumerate(unknown, n + 1):
            twins[node] = asked.setdefault((op.key, op.f, json.dumps(op.input, sort_keys=True)), [])
            twins[node].append(node)
        return cls(
            nodes,
            n,
            [math.inf if op is None else op.call for op in nodes],
            returns,
            *_ring([n, *range(n)]),
            *_ring([n, *sorted(range(n), key=returns.__getitem__)]),
            twins,
            {group[0]: 0 for group in asked.values()},
        )

    def operation(self, node: int) -> Operation:
        """The operation of a node that is not the sentinel."""
        operation = self.operations[node]
        assert operation is not None
        return operation

    def lift(self, node: int) -> None:
        """Take a placed operation out."""
        if node > self.n:
            self.taken_twins[self.twins[node][0]] += 1
            return
        after, before = self.next_call[node], self.previous_call[node]
        self.next_call[before], self.previous_call[after] = after, before
        after, before = self.next_return[node], self.previous_return[node]
        self.next_return[before], self.previous_return[after] = after, before

    def unlift(self, node: int) -> None:
        """Put it back: the node still knows its neighbours, as the lifts since were undone in reverse order."""
        if node > self.n:
            self.taken_twins[self.twins[node][0]] -= 1
            return
        self.next_call[self.previous_call[node]] = self.previous_call[self.next_call[node]] = node
        self.next_return[self.previous_return[node]] = self.previous_return[self.next_return[node]] = node

    def latest_unknown(self) -> int:
        """The last operation of unknown outcome called before the first return that is left; n if there is none."""
        limit = self.return_at[self.next_return[self.n]]
        return bisect_left(self.call_at, limit, lo=self.n + 1) - 1

    def earliest_twin(self, node: int) -> int | None:
        """The operation to place for all that ask for the same as `node`; None unless `node` is the last called of them.

        One is tried for all of them, where the last called stands in the order of attempts.
        """
        twins = self.twins[node]
        later = bisect_right(twins, node)
        if later < len(twins) and self.call_at[twins[later]] < self.return_at[self.next_return[self.n]]:
            return None
        taken = self.taken_twins[twins[0]]
        return twins[taken] if taken < later else None

    def place(self, node: int, base: int, window: int, taken: int) -> tuple[int, int, int]:
        """(base, window, taken) after `node` is placed; call it before lifting the node."""
        if node > self.n:
            return base, window, taken | 1 << (node - self.n - 1)
        if node > base:
            return base, window | 1 << (node - base), taken
        following = self.next_call[node]
        return following, window >> (following - base), taken


def _ring(nodes: Sequence[int]) -> tuple[list[int], list[int]]:
    """The successor and the predecessor of each node in a ring that visits `nodes` in this order."""
    after, before = [0] * len(nodes), [0] * len(nodes)
    for left, right in zip(nodes, [*nodes[1:], nodes[0]], strict=True):
        after[left], before[right] = right, left
    return after, before


# The search stack is a chain of frames, so that keeping a dead end costs one reference and not a copy of the order: (frame
# below, node placed, and of the configuration before it: base, window, taken, model state, moves and last unknown left).
_Moves: TypeAlias = list[tuple[int, S]]
_Frame: TypeAlias = "tuple[_Frame[S] | None, int, int, int, int, S, _Moves[S] | None, int]"


def _moves(entries: _Entries, model: Model[S], state: S) -> _Moves[S]:
    """The answered operations that may come next with the states they lead to, in reverse order of their calls.

    A legal read or refusal comes alone: if any order works, so does that order with it moved to the front.
    """
    moves = []
    next_call, call_at = entries.next_call, entries.call_at
    limit = entries.return_at[entries.next_return[entries.n]]
    node = next_call[entries.n]
    while call_at[node] < limit:
        legal, after = model.step(state, entries.operation(node))
        if legal:
            if entries.operation(node).observes:
                if after != state:
                    raise ValueError(f"the model changes its state at {entries.operation(node)}; {OBSERVER_RULE}")
                return [(node, after)]
            moves.append((node, after))
        node = next_call[node]
    moves.reverse()
    return moves


def _may_go_on(entries: _Entries, model: Model[S], state: S, lookahead: int) -> bool:
    """Whether each of the answered operations that return next may still be explained."""
    node = entries.next_return[entries.n]
    while node < entries.n and lookahead:
        if not model.may_still(state, entries.operation(node)):
            return False
        node, lookahead = entries.next_return[node], lookahead - 1
    return True


def search(operations: Sequence[Operation], model: Model[S], budget: Budget) -> Outcome[S]:
    """Look for an order of one object's operations. A configuration is (base, window, taken, state).

    base    the first answered node not yet placed
    window  bit k: node base + k is placed
    taken   bit k: node n + 1 + k, of unknown outcome, is placed
    """
    entries = _Entries.of(operations)
    n, next_return = entries.n, entries.next_return
    stuck: _Stuck[S] = _Stuck()
    frame: _Frame[S] | None = None
    base, window, taken, state = entries.next_call[n], 0, 0, model.init()
    seen = {(base, window, taken, state)}
    left, ticks, spent = n, 0, None
    moves: _Moves[S] | None = _moves(entries, model, state)  # None: a move that needs no alternative was tried
    unknown = entries.latest_unknown()
    while left and not (spent := budget.spent(ticks, len(seen))):
        ticks += 1
        if moves:
            node, after = moves.pop()
        elif moves is not None and unknown > n:
            twin, unknown = entries.earliest_twin(unknown), unknown - 1
            if twin is None:
                continue
            node = twin
            _, after = model.step(state, entries.operation(node))
            if after == state:
                continue
        else:
            stuck.note(entries.return_at[next_return[n]], frame, state)
            if frame is None:
                break
            frame, node, base, window, taken, state, moves, unknown = frame
            entries.unlift(node)
            left += node < n
            continue
        alone = node < n and entries.operation(node).observes
        above = (frame, node, base, window, taken, state, None if alone else moves, unknown)
        configuration = (*entries.place(node, base, window, taken), after)
        if configuration in seen:
            continue
        entries.lift(node)
        if not _may_go_on(entries, model, after, 1 if node < n else LOOKAHEAD):
            stuck.note(entries.return_at[next_return[n]], above, after)
            entries.unlift(node)
            continue
        seen.add(configuration)
        left -= node < n
        frame, (base, window, taken, state) = above, configuration
        moves, unknown = _moves(entries, model, state), entries.latest_unknown()
    return Outcome(
        order=None if left else _order(frame, entries),
        spent=spent,
        placed=n - left,
        configurations=len(seen),
        stuck_at=stuck.at,
        dead_ends=tuple((_order(end, entries), reached) for end, reached in stuck.found),
    )


@define
class _Stuck(Generic[S]):
    """Where the search could not go on: the latest first return at a dead end, and the dead ends there."""

    at: float = -math.inf
    found: "list[tuple[_Frame[S] | None, S]]" = field(factory=list)

    def note(self, at: float, frame: "_Frame[S] | None", state: S) -> None:
        """Keep this dead end if none got further, and no other one at this return ended in the same state."""
        if at > self.at:
            self.at, self.found = at, [(frame, state)]
        elif at == self.at and len(self.found) < MAX_DEAD_ENDS and all(state != other for _, other in self.found):
            self.found.append((frame, state))


def _order(frame: "_Frame[S] | None", entries: _Entries) -> tuple[Operation, ...]:
    order = []
    while frame is not None:
        order.append(entries.operation(frame[1]))
        frame = frame[0]
    return tuple(reversed(order))
