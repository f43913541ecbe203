"""Spec to implementation: every transition of a small state graph of the spec is driven through the implementation."""

from collections.abc import Mapping

import pytest

from model.language.plain import Stepper
from properties.registry import find_spec
from traces.cover import SCOPE, Cover, drive_cover

KRAFT = find_spec("kraft")
TWO_VOTERS = {"nodes": 2, "epochs": 2, "elections": 2, "log": 2, "values": 1, "restarts": 1}
SMALL = {"nodes": 2, "epochs": 1, "elections": 1, "log": 2, "values": 1, "restarts": 1, "stale": 0}


def driven(scope: Mapping[str, int], bug: str | None = None) -> Cover:
    """Drive a scope of the correct spec through the implementation."""
    return drive_cover(Stepper(KRAFT, KRAFT.complete_bounds(scope), coverage=False), bug=bug)


@pytest.mark.parametrize(
    ("scope", "states", "transitions"), [(SCOPE, 778, 3936), (TWO_VOTERS, 1736, 5532), (SMALL, 216, 694)]
)
def test_the_implementation_can_take_every_transition(scope: Mapping[str, int], states: int, transitions: int) -> None:
    """Whatever the spec may do the implementation can be led to do, and its nodes are then as the spec has them."""
    cover = driven(scope)
    assert (cover.mismatch, cover.path) == (None, ())
    assert (cover.states, cover.transitions) == (states, transitions)
    assert cover.steps >= transitions


@pytest.mark.parametrize(
    ("bug", "action", "because"),
    [
        ("KAFKA-10527", "restart", "role[n1]: RESIGNED, found LEADER"),
        ("KAFKA-10533", "append_leader_change", "flushed[n1]: 1, found 0"),
        ("M2", "restart", "voted_for["),
    ],
)
def test_a_bug_in_the_implementation_is_a_mismatch(bug: str, action: str, because: str) -> None:
    """An implementation with a bug cannot follow the correct spec: the step, and what differs after it."""
    cover = driven(SMALL, bug)
    assert cover.mismatch is not None
    assert cover.mismatch.action == action
    assert any(because in line for line in cover.mismatch.because)
    assert len(cover.path) == cover.mismatch.step
    assert cover.path[-1].startswith(action)


def test_progress_is_reported() -> None:
    """Whoever drives a long cover hears of every path and of all steps so far."""
    heard: list[tuple[int, int]] = []
    source = Stepper(KRAFT, KRAFT.complete_bounds(SMALL), coverage=False)
    cover = drive_cover(source, report=lambda paths, steps: heard.append((paths, steps)))
    assert heard[-1] == (cover.paths, cover.steps)
    assert [paths for paths, _ in heard] == list(range(1, cover.paths + 1))
