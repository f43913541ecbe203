"""The spec `kraft` refines the core that is proved: on every step of small scopes, and with a museum bug it does not."""

import time
from typing import Any

import pytest

from model.engines.refine.check import refine
from model.engines.verdict import HOLDS, VIOLATED, Verdict
from model.kraft.state import Role
from model.language.ground_spec import ground
from model.language.trace import trace
from properties.kraft.refinement import REFINES_CORE, ROLES
from properties.registry import REFINEMENTS, find_spec
from tests.refine.path_lengths import lengths
from traces.format import from_spec_trace
from traces.replay import replay_on_spec

KRAFT = find_spec("kraft")
STEPS = "every_step_refines_kraft_core"


def refined(bounds: dict[str, int] | None = None, bug: str | None = None) -> Verdict:
    """The verdict within default bounds but for those given, or within the bug's."""
    spec = KRAFT if bug is None else KRAFT.with_bug(bug)
    scope = {} if bug is None else dict(spec.bugs[bug].bounds)
    source = ground(trace(spec), spec.complete_bounds({**scope, **(bounds or {})}))
    return refine(REFINES_CORE, source, clock=time.process_time)


def test_every_step_is_a_stutter_or_steps_of_the_core() -> None:
    """All 542,007 steps of three voters, two elections, a crash and logs of one record; those of each length are pinned."""
    found = refined({"log": 1})
    verdicts = {p.name: p.verdict for p in found.properties}
    assert verdicts[STEPS] == HOLDS
    assert (found.distinct, found.generated, found.rung) == (78_044, 542_008, "explored")
    assert lengths(found) == {0: 157_860, 1: 209_448, 2: 107_733, 3: 66_966}
    assert {action for action, paths in found.paths.items() if not paths} == {"append_record"}


@pytest.mark.nightly
def test_every_step_within_the_default_bounds_refines() -> None:
    """All 2,750,895 steps; every action of the core but pre-vote is taken."""
    found = refined()
    assert (found.verdict, found.distinct, found.generated) == (HOLDS, 382_997, 2_750_896)
    assert lengths(found) == {0: 817_182, 1: 1_029_018, 2: 554_619, 3: 350_076}


@pytest.mark.parametrize(
    "bounds",
    [
        {"nodes": 1},
        {"nodes": 2, "restarts": 2},
        {"nodes": 2, "epochs": 2, "elections": 2, "log": 1, "restarts": 0, "stale": 1},
    ],
    ids=["one", "two", "late-messages"],
)
def test_other_scopes_refine(bounds: dict[str, int]) -> None:
    """A sole voter, two voters with two crashes, and messages of any age."""
    assert next(p.verdict for p in refined(bounds).properties if p.name == STEPS) == HOLDS


BUGS = {
    "KAFKA-12619": "require(may_commit(log[end].epoch, s.epoch[leader]))",
    "KAFKA-10527": "role[n1] of kraft-core is then RESIGNED, where the state of kraft stands for LEADER",
    "KAFKA-10533": "flushed[n1] of kraft-core is then 1, where the state of kraft stands for 0",
    "M2": "require(may_grant(first, again, up_to_date))",
    "M3": "require(may_grant(first, again, up_to_date))",
    "M5": "holders = quorum(lambda n: s.replica_end[leader, n] >= end)",
    "M10": "require(may_cut((keep == log.length) | Not(first_cut)))",
}
"""Per bug of the museum what is wrong with its first step that does not refine: a guard of the core, or a variable."""


@pytest.mark.parametrize(
    "bug", [pytest.param(bug, marks=pytest.mark.nightly if bug == "KAFKA-12619" else ()) for bug in BUGS]
)
def test_a_museum_bug_does_not_refine(bug: str) -> None:
    """The proof is not about a spec with a bug: a guard of the core is false, or a variable differs; the trace shows it again."""
    found = refined(bug=bug)
    violation = found.violation
    assert violation is not None
    assert (violation.name, violation.verdict) == (STEPS, VIOLATED)
    assert violation.reason.endswith(BUGS[bug])
    assert violation.trace is not None
    kept: dict[str, Any] = {"property": violation.name, "kind": violation.kind, "engine": "refine", "seed": None}
    again = replay_on_spec(from_spec_trace(KRAFT.with_bug(bug), found.bounds, violation.trace, **kept))
    assert (again.verdict, again.at, again.reason) == (VIOLATED, len(violation.trace.steps), violation.reason)


def test_every_museum_bug_is_tried() -> None:
    """No bug of `kraft` is left out, and every role has a counterpart."""
    assert set(BUGS) == set(KRAFT.bugs)
    assert set(ROLES) == set(Role.members)
    assert REFINEMENTS["kraft"] is REFINES_CORE
