"""What a spec may not say is refused when it is traced, at the author's line, with a cause and a remedy."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from model.language import Spec, SpecError, always, make_spec
from model.language.trace import trace
from tests.language import refused_state, refused_values
from tests.language.refused_actions import writing_rule
from tests.language.refused_case import CASES, S

BOUNDS = {"nodes": 2, "epochs": 1, "log": 1, "flight": 1, "stale": 0}


def nothing(s: S) -> None:
    """The defaults."""


def spec_of(kind: str, function: Callable[..., Any]) -> Spec:
    """A spec in which the function is the only action, init, or property."""
    return make_spec(
        "refused",
        title="refused",
        state=S,
        init=function if kind == "init" else nothing,
        actions=(function,) if kind == "action" else (),
        properties=(always(function),) if kind == "property" else (),
        bounds=BOUNDS,
    )


def marked_line(function: Callable[..., Any]) -> int | None:
    """The line of the function that is marked as the one to blame."""
    lines, first = inspect.getsourcelines(function)
    return next((first + i for i, line in enumerate(lines) if line.rstrip().endswith("# refused")), None)


@pytest.mark.parametrize(("kind", "function", "cause", "remedy"), CASES, ids=lambda v: getattr(v, "__name__", ""))
def test_unsupported_constructs_are_refused_at_their_line(
    kind: str, function: Callable[..., Any], cause: str, remedy: str
) -> None:
    """Each construct that would silently mean something else names its line, the cause and what to write instead."""
    spec = spec_of(kind, function)
    with pytest.raises(SpecError) as refusal:
        trace(spec)
    assert cause in refusal.value.cause
    assert remedy in refusal.value.remedy
    blamed = writing_rule.function if function.__name__ == "write_in_rule" else function
    line = marked_line(blamed)
    if line is not None:
        assert refusal.value.where == f"{inspect.getsourcefile(blamed)}:{line}"


def test_every_refusal_has_its_own_case() -> None:
    """No two cases are the same function, so none of them shadows another."""
    assert refused_state.CASES is refused_values.CASES is CASES
    names = [function.__name__ for _, function, _, _ in CASES]
    assert len(names) == len(set(names))
