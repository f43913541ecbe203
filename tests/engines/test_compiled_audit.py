"""Every run of the compiled explorer is checked against the plain reading on its first states."""

import time

import pytest
from attrs import evolve

from model.engines.compiled.audit import audited
from model.engines.compiled.explore import explore_compiled
from model.engines.source import Disagreement
from properties.registry import find_bug, find_spec

SCOPE = {"restarts": 0, "log": 1, "values": 0, "elections": 1, "epochs": 1}


def test_the_audit_counts_which_guards_are_false() -> None:
    """The plain reading's first states say which guard keeps an action from firing, with its file and line."""
    spec = find_spec("kraft")
    bounds = spec.complete_bounds(SCOPE)
    verdict = audited(
        explore_compiled(spec, bounds, (), clock=time.process_time), spec, bounds, clock=time.process_time
    )
    where, times = verdict.blocked["start_election"]
    assert "model/kraft/election.py:" in where
    assert times > 0


def test_other_numbers_of_states_in_a_level_are_a_disagreement() -> None:
    """A derived explorer that finds one state more or less is not believed."""
    spec = find_spec("kraft")
    bounds = spec.complete_bounds(SCOPE)
    verdict = explore_compiled(spec, bounds, (), clock=time.process_time)
    wrong = evolve(verdict, levels=(*verdict.levels[:2], verdict.levels[2] + 1, *verdict.levels[3:]))
    with pytest.raises(Disagreement, match="in the plain reading"):
        audited(wrong, spec, bounds, clock=time.process_time)


def test_a_search_that_stops_early_is_compared_as_far_as_it_went() -> None:
    """A violation after four steps leaves few levels; those that both searched are the same."""
    spec = find_bug("M5")
    bounds = spec.complete_bounds(spec.bugs["M5"].bounds)
    verdict = explore_compiled(spec, bounds, spec.properties, clock=time.process_time)
    assert audited(verdict, spec, bounds, clock=time.process_time).verdict == "violated"
