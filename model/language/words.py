"""The words of the language: guards, logic, quantifiers, and the kinds of properties.

On plain values they are ordinary Python; under another reading they build terms. `and`, `or`, `not` and `if` work on values
and on symbolic state (the tracer follows both branches); on *quantified* variables use `&`, `|`, `Not`, `implies`, `ite`.
Bracket comparisons next to `&` and `|`.
"""

import sys
from collections.abc import Callable
from typing import Any, overload

from attrs import evolve, field, frozen

from model.language.errors import SpecError
from model.language.reading import current
from model.language.sorts import Symbolic


class Disabled(Exception):
    """The action is not enabled: the guard at `code`, `line` is false. Raised by `require`, caught by engines."""

    def __init__(self, code: Any, line: int) -> None:
        self.code = code
        self.line = line


def require(condition: Any) -> None:
    """Guard: the action is enabled only if the condition holds. One condition per call, so that coverage can tell them apart."""
    if condition is True:
        return
    if condition is False:
        frame = sys._getframe(1)
        raise Disabled(frame.f_code, frame.f_lineno)
    current().require(condition)


def Not(condition: Any) -> Any:
    """Negation (`not` and `~` do not work on terms: `~True` is -2)."""
    return current().negation(condition) if isinstance(condition, Symbolic) else not condition


def all_of(*conditions: Any) -> Any:
    """Conjunction of several conditions."""
    if any(isinstance(c, Symbolic) for c in conditions):
        return current().conjunction(conditions)
    return all(conditions)


def any_of(*conditions: Any) -> Any:
    """Disjunction of several conditions."""
    if any(isinstance(c, Symbolic) for c in conditions):
        return current().disjunction(conditions)
    return any(conditions)


def implies(condition: Any, then: Any) -> Any:
    """`condition` implies `then`."""
    if isinstance(condition, Symbolic) or isinstance(then, Symbolic):
        return current().implies(condition, then)
    return (not condition) or then


def ite(condition: Any, then: Any, otherwise: Any) -> Any:
    """`then` if the condition holds, else `otherwise`; both are evaluated."""
    if isinstance(condition, Symbolic):
        return current().ite(condition, then, otherwise)
    return then if condition else otherwise


def minimum(a: Any, b: Any) -> Any:
    """The smaller of two ordinals."""
    return ite(a < b, a, b)


def maximum(a: Any, b: Any) -> Any:
    """The larger of two ordinals."""
    return ite(a < b, b, a)


def forall(*sorts_and_body: Any) -> Any:
    """`forall(Node, Epoch, lambda n, e: ...)`: the body holds for all elements of the sorts."""
    return current().forall(*_quantified("forall", sorts_and_body))


def exists(*sorts_and_body: Any) -> Any:
    """`exists(Node, lambda n: ...)`: the body holds for some elements of the sorts."""
    return current().exists(*_quantified("exists", sorts_and_body))


def count(sort: Any, body: Callable[..., Any]) -> Any:
    """How many elements of a sort satisfy the body; compared with integers."""
    return current().count(sort, body)


def the(sort: Any, body: Callable[..., Any]) -> Any:
    """The one element that satisfies the body. The action is disabled if there is none; two are an error of the spec."""
    return current().the(sort, body)


def quorum(body: Callable[..., Any]) -> Any:
    """The set of nodes that satisfy the body, as a Quorum; the action is disabled if that is no majority."""
    return current().quorum(body)


def is_quorum(body: Callable[..., Any]) -> Any:
    """Whether the nodes that satisfy the body are a majority."""
    return current().is_quorum(body)


def member(node: Any, of: Any) -> Any:
    """Whether a node belongs to a quorum."""
    return current().member(node, of)


def value_of(option: Any) -> Any:
    """The element of an Option that is known not to be NONE (`require(s.leader[n] != NONE)` first)."""
    if isinstance(option, Symbolic):
        return current().value_of(option)
    return option


@frozen(eq=False)
class Built(Symbolic):
    """A sequence given by its length and its elements, until it is assigned; `element` takes a position."""

    length: Any
    element: Callable[[Any], Any]


def sequence(length: Any, element: Callable[[Any], Any]) -> Any:
    """The sequence of `element(1) .. element(length)`, to be assigned: `s.log[n] = sequence(k, lambda i: s.log[m][i])`.

    Slices, concatenations and images of sequences are all of this form. The elements are evaluated at the assignment.
    """
    return current().sequence(length, element)


def _quantified(word: str, parts: tuple[Any, ...]) -> tuple[tuple[Any, ...], Callable[..., Any]]:
    sorts, body = parts[:-1], parts[-1] if parts else None
    if not sorts or not callable(body) or isinstance(body, type):
        raise SpecError(f"{word} without a sort and a body", f"write {word}(Node, lambda n: ...)")
    return sorts, body


class Rule:
    """A named decision that a protocol can get wrong; an engine may replace it by name (a historical bug)."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.name: str = function.__name__
        self.__doc__ = function.__doc__
        self.__name__ = function.__name__
        self.__module__ = function.__module__

    def __call__(self, *args: Any) -> Any:
        reading = current()
        return reading.call(self, reading.rules.get(self.name, self.function), args)


def rule(function: Callable[..., Any]) -> Rule:
    """Declare a rule: a pure function of values (not of the state), replaceable by name."""
    return Rule(function)


@frozen
class Property:
    """What must hold. `kind` is one of always, step, sometimes, eventually; `predicate` takes the state (step: both states).

    `after`: the trigger of an `eventually`, if it has one. A trigger is evaluated like a property (kind `trigger`) but claims nothing.
    """

    kind: str
    name: str
    predicate: Callable[..., Any] = field(eq=False)
    doc: str
    after: "Property | None" = None

    @property
    def states(self) -> int:
        """How many states the predicate speaks of: 1, or 2 (a state and the next one)."""
        return int(self.predicate.__code__.co_argcount)

    def __str__(self) -> str:
        return self.name


def _declare(kind: str, predicate: Callable[..., Any]) -> Property:
    doc = (predicate.__doc__ or "").strip()
    if not doc:
        raise SpecError(f"property {predicate.__name__} has no docstring", "say in one sentence what it claims")
    return Property(kind, predicate.__name__, predicate, doc)


def always(predicate: Callable[[Any], Any]) -> Property:
    """Declare an invariant: `predicate(s)` holds in every reachable state."""
    return _declare("always", predicate)


def step(predicate: Callable[[Any, Any], Any]) -> Property:
    """Declare a step property: `predicate(s, t)` holds for every step from s to t."""
    return _declare("step", predicate)


def sometimes(predicate: Callable[..., Any]) -> Property:
    """Declare a reachability property: some reachable state satisfies `predicate(s)`, or some step `predicate(s, t)`.

    A complete run that meets none fails.
    """
    return _declare("sometimes", predicate)


@overload
def eventually(predicate: Callable[[Any], Any]) -> Property: ...
@overload
def eventually(*, after: Callable[[Any], Any]) -> Callable[[Callable[[Any], Any]], Property]: ...
def eventually(
    predicate: Callable[[Any], Any] | None = None, *, after: Callable[[Any], Any] | None = None
) -> Property | Callable[[Callable[[Any], Any]], Property]:
    """Declare a liveness property: every fair run reaches a state that satisfies `predicate(s)`.

    `@eventually(after=trigger)`: and so does it from every state on that satisfies `trigger(s)` (leads to, `trigger ~> predicate`).
    Which runs are fair, the spec's `fairness` says.
    """
    if predicate is not None:
        return _declare("eventually", predicate)

    def declare(predicate: Callable[[Any], Any]) -> Property:
        claim = _declare("eventually", predicate)
        trigger = Property("trigger", f"{claim.name} after", after, "") if after is not None else None
        return evolve(claim, after=trigger)

    return declare
