"""The compiled explorer under budgets, interrupts, checkpoints and planted faults."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from model.engines.compiled.checkpoint import CheckpointError
from model.engines.compiled.components import Partition
from model.engines.compiled.evaluate import Evaluator
from model.engines.compiled.explore import explore_compiled
from model.engines.compiled.footprint import FootprintError
from model.engines.source import Budget, Progress
from model.language import State, Var, always, make_spec, require, step
from model.language.ground_spec import ground
from model.language.trace import trace
from model.two_phase.spec import SPEC as TWO_PHASE
from properties.registry import SPECS
from tests.engines.compiled_case import BACKENDS, compiled, counts, outcome, reference
from tests.language.small_sorts import Epoch

KRAFT = SPECS["kraft"]
SMALL = {"nodes": 3, "epochs": 1, "elections": 1, "log": 1, "values": 0}


class Pair(State):
    """Two numbers."""

    low = Var(Epoch)
    high = Var(Epoch)


def init(s: Pair) -> None:
    """Both are 0."""


def raise_low(s: Pair) -> None:
    """The lower one grows."""
    require(s.low < 2)

    s.low = s.low + 1


def raise_high(s: Pair) -> None:
    """The higher one grows."""
    require(s.high < 2)

    s.high = s.high + 1


@step
def low_stays_below(s: Pair, t: Pair) -> Any:
    """No step may start where the lower number is above the higher: a condition that no action decides by what it writes."""
    return s.low <= s.high


@always
def both_are_small(s: Pair) -> Any:
    """Never violated."""
    return (s.low <= 2) & (s.high <= 2)


PAIR = make_spec(
    "pair",
    title="two numbers",
    state=Pair,
    init=init,
    actions=(raise_low, raise_high),
    properties=(low_stays_below, both_are_small),
    bounds={"epochs": 2},
)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_step_property_about_what_no_step_writes(backend: str) -> None:
    """A step that leaves the places of a step property alone violates it all the same, if it starts where it must not."""
    expected, found = reference(PAIR, {}, PAIR.properties), compiled(PAIR, {}, PAIR.properties, backend)
    assert outcome(found)["low_stays_below"] == outcome(expected)["low_stays_below"] == ("violated", 2)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_budget_of_states_gives_unknown(backend: str) -> None:
    """A search that is stopped is no pass: unknown, with the reason and what was covered."""
    make, threads = BACKENDS[backend]
    verdict = explore_compiled(
        TWO_PHASE, {"nodes": 5}, clock=lambda: 0.0, threads=threads, backend=make, budget=Budget(states=1000)
    )
    assert verdict.verdict == "unknown"
    assert verdict.rung == "tested"
    assert verdict.reason.startswith("budget of 1,000 states used up at depth")
    assert 1000 < verdict.distinct < 8832


def test_a_budget_of_seconds_and_reports() -> None:
    """The clock that is passed in decides, and every report counts on from the one before."""
    ticks = iter(range(100_000))
    reports: list[Progress] = []
    verdict = explore_compiled(
        TWO_PHASE,
        {"nodes": 4},
        clock=lambda: float(next(ticks)),
        budget=Budget(seconds=8),
        report=reports.append,
    )
    assert verdict.reason.startswith("budget of 8 s used up")
    assert len(reports) > 2
    assert all(a.distinct <= b.distinct and a.seconds < b.seconds for a, b in pairwise(reports))


def test_an_interrupt_gives_unknown() -> None:
    """Ctrl-C: what was covered is reported."""

    def interrupt(progress: Progress) -> None:
        if progress.depth == 4:
            raise KeyboardInterrupt

    verdict = explore_compiled(TWO_PHASE, {"nodes": 4}, clock=lambda: 0.0, report=interrupt)
    assert (verdict.verdict, verdict.reason) == ("unknown", "interrupted at depth 4")
    assert verdict.distinct > 0


@pytest.mark.parametrize("backend", sorted(set(BACKENDS) - {"on disk", "fingerprints"}))
def test_a_search_goes_on_from_a_checkpoint(backend: str, tmp_path: Path) -> None:
    """Stopped anywhere and resumed, a search ends with the counts and verdicts of one that was not stopped."""
    make, threads = BACKENDS[backend]
    file = tmp_path / "search"
    common: dict[str, Any] = {
        "clock": lambda: 0.0,
        "threads": threads,
        "backend": make,
        "checkpoint": file,
        "every": 0.0,
    }
    whole = compiled(KRAFT, SMALL, KRAFT.properties, backend)
    for states in (100, 1500):
        stopped = explore_compiled(KRAFT, SMALL, **common, budget=Budget(states=states))
        assert stopped.rung == "tested"
        assert file.exists()
    resumed = explore_compiled(KRAFT, SMALL, **common)
    assert counts(resumed) == counts(whole)
    assert outcome(resumed) == outcome(whole)


def test_a_checkpoint_of_another_search_is_refused(tmp_path: Path) -> None:
    """One clear error for other bounds, and for a file that is no checkpoint at all."""
    file = tmp_path / "search"
    explore_compiled(TWO_PHASE, {"nodes": 3}, clock=lambda: 0.0, checkpoint=file, every=0.0)
    with pytest.raises(CheckpointError, match=r"is a checkpoint with bounds \{'nodes': 3\}, but this search has"):
        explore_compiled(TWO_PHASE, {"nodes": 4}, clock=lambda: 0.0, checkpoint=file)
    file.write_bytes(b"not a checkpoint")
    with pytest.raises(CheckpointError, match="is not a checkpoint"):
        explore_compiled(TWO_PHASE, {"nodes": 3}, clock=lambda: 0.0, checkpoint=file)


def test_a_footprint_that_is_too_small_is_an_error() -> None:
    """If a group is shown less than it reads, evaluating it fails instead of giving a wrong result."""
    partition = Partition(ground(trace(TWO_PHASE), {"nodes": 3}), ())
    group = next(g for g in partition.groups if any(m.special.action.action.name == "prepare" for m in g.members))
    evaluator = Evaluator(partition)
    whole = [[0 if place < partition.layout.base.width else () for place in view.places] for view in group.views]
    assert evaluator.evaluate(group, whole)[1]
    object.__setattr__(group, "views", ())
    with pytest.raises(FootprintError, match="outside of the footprint"):
        evaluator.evaluate(group, [])
