"""The reading in force: which engine gives the words of a spec their meaning.

A spec is plain Python functions. The same function runs on plain values (an engine's step, a debugger) or on symbolic
terms (the tracer). The words (`require`, `forall`, ...) ask the reading in force. This is the language's one ambient
variable: it is set by `reading(...)` around a call into a spec and by nothing else.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from model.language.errors import SpecError


class Reading(Protocol):
    """What an engine must offer so that specs can run under it. Sorts are classes of `model.language.sorts`."""

    rules: Mapping[str, Callable[..., Any]]
    """Replacements of rules, by name."""

    def require(self, condition: Any) -> None: ...
    def ite(self, condition: Any, then: Any, otherwise: Any) -> Any: ...
    def conjunction(self, parts: tuple[Any, ...]) -> Any: ...
    def disjunction(self, parts: tuple[Any, ...]) -> Any: ...
    def negation(self, condition: Any) -> Any: ...
    def implies(self, condition: Any, then: Any) -> Any: ...
    def forall(self, sorts: tuple[Any, ...], body: Callable[..., Any]) -> Any: ...
    def exists(self, sorts: tuple[Any, ...], body: Callable[..., Any]) -> Any: ...
    def count(self, sort: Any, body: Callable[..., Any]) -> Any: ...
    def the(self, sort: Any, body: Callable[..., Any]) -> Any: ...
    def quorum(self, body: Callable[..., Any]) -> Any: ...
    def is_quorum(self, body: Callable[..., Any]) -> Any: ...
    def member(self, node: Any, quorum: Any) -> Any: ...
    def value_of(self, option: Any) -> Any: ...
    def sequence(self, length: Any, element: Callable[[Any], Any]) -> Any: ...
    def record(self, record: Any, row: list[Any]) -> Any: ...
    def call(self, rule: Any, function: Callable[..., Any], args: tuple[Any, ...]) -> Any: ...


class _Idle:
    """No reading in force: rules run as they are (unit tests of rules), quantifiers are refused."""

    rules: Mapping[str, Callable[..., Any]] = {}

    def call(self, rule: Any, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        return function(*args)

    def __getattr__(self, word: str) -> Any:
        raise SpecError(f"{word} used outside of any engine", "call spec functions through an engine or a Stepper")


_in_force: list[Any] = [_Idle()]


def current() -> Any:
    """The reading in force."""
    return _in_force[-1]


def stack() -> list[Any]:
    """The readings in force, innermost last, for the inner loops of engines, which push and pop by hand."""
    return _in_force


@contextmanager
def reading(new: Any) -> Iterator[None]:
    """Run a block under a reading."""
    _in_force.append(new)
    try:
        yield
    finally:
        _in_force.pop()
