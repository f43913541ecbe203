"""The spec `zab` refines the core that is proved: on every step of small scopes, and with a bug that loses data it does not."""

import time
from operator import itemgetter
from typing import Any

import pytest

from model.engines.refine.check import refine
from model.engines.verdict import HOLDS, VIOLATED, Verdict
from model.language import Spec
from model.language.ground_spec import ground
from model.language.trace import trace
from model.zookeeper.zab.history import with_history
from properties.registry import REFINEMENTS, find_spec
from properties.zookeeper.refinement import REFINES_CORE
from tests.refine.path_lengths import lengths
from tests.zookeeper.zab_scopes import CRASH_AND_BREAK, ONE_CRASH
from traces.format import from_spec_trace
from traces.replay import replay_on_spec

ZAB = find_spec("zab")
STEPS = "every_step_refines_zab_core"
TAKEN = "every_action_is_taken_of_zab_core"
RETURNS = {"epochs": 1, "log": 2, "txns": 1, "crashes": 0, "partitions": 1}


def refined(bounds: dict[str, int], bug: str | None = None, name: str = "zab") -> Verdict:
    """The verdict within these bounds; with a bug, within the bug's."""
    spec = find_spec(name) if bug is None else ZAB.with_bug(bug)
    scope = {} if bug is None else dict(spec.bugs[bug].bounds)
    source = ground(trace(spec), spec.complete_bounds({**scope, **bounds}))
    return refine(REFINES_CORE, source, clock=time.process_time)


def test_every_step_is_a_stutter_or_steps_of_the_core() -> None:
    """Three servers, one proposal, one crash: all 67,758 steps; an election is seven or nine steps of the core, the beginning 31."""
    found = refined(ONE_CRASH)
    assert {p.name: p.verdict for p in found.properties if p.name in (STEPS, TAKEN)} == {STEPS: HOLDS, TAKEN: HOLDS}
    assert (found.distinct, found.generated, found.rung) == (32_977, 67_759, "explored")
    assert lengths(found) == {0: 30_948, 1: 23_415, 2: 10_626, 3: 2_349, 7: 324, 9: 93, 31: 3}


def test_a_learner_that_returns_within_the_epoch_refines() -> None:
    """A connection breaks and the learner is truncated: in the core its leader takes it back, and it gives up what it had acknowledged."""
    found = refined(RETURNS)
    assert next(p.verdict for p in found.properties if p.name == STEPS) == HOLDS
    assert found.paths["sync_follower"].keys() == {"return_to_leader"}
    assert found.paths["take_in_sync"].keys() == {"stutter", "adopt_history"}


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("name", "bounds", "distinct", "generated"),
    [
        ("zab", CRASH_AND_BREAK, 716_962, 1_594_126),
        ("zab-async", ONE_CRASH, 53_899, 117_076),
    ],
    ids=["broken-connection", "logging-thread"],
)
def test_larger_scopes_refine(name: str, bounds: dict[str, int], distinct: int, generated: int) -> None:
    """A broken connection besides, three epochs; and a logging thread of its own."""
    found = refined(bounds, name=name)
    assert next(p.verdict for p in found.properties if p.name == STEPS) == HOLDS
    assert (found.distinct, found.generated) == (distinct, generated)


def test_history_adds_no_steps_and_takes_none_away() -> None:
    """Where its history is left out, the steps of the wrapped spec are those of the spec."""
    assert _steps(with_history(ZAB)) == _steps(ZAB)


def _steps(spec: Spec) -> set[Any]:
    """All steps of a spec in a small scope, from where by which action to where, without the variables that `zab` has not."""
    source = ground(trace(spec), spec.complete_bounds(RETURNS))
    regions = [r for r in source.layout.regions.values() if r.function.variable in ZAB.state.variables]
    places = [p for r in sorted(regions, key=lambda r: r.function.name) for p in range(r.base, r.base + r.width)]
    view = itemgetter(*places)
    seen, queue, found = {source.initial()}, [source.initial()], set()
    for state in queue:
        for place, args, new in source.successors(state):
            found.add((view(state), place, args, view(new)))
            if new not in seen:
                seen.add(new)
                queue.append(new)
    return found


BUGS = {
    "ZOOKEEPER-2845": "acknowledged[n1, 2] of zab-core is then 2, where the state of zab stands for 1",
    "ZOOKEEPER-3911": "require(has_initial_history(is_synchronizing(s, n), s.history[n].length, new_leader.end))",
    "ZOOKEEPER-4643": "require(has_initial_history(is_synchronizing(s, n), s.history[n].length, new_leader.end))",
    "ZOOKEEPER-4646": "require(has_initial_history(is_synchronizing(s, n), s.history[n].length, new_leader.end))",
    "ZOOKEEPER-1291": "require(may_acknowledge_new_leader(s.current_epoch[n], new_leader.epoch))",
    "ZOOKEEPER-4685": "AckNewLeader(follower=n2 epoch=1) has not been sent",
    "ACKS-KEPT": "acked_end[n1, n2] of zab-core is then 0, where the state of zab stands for 2",
    "ZOOKEEPER-335": "accepted_epoch[n1] of zab-core is then 2, where the state of zab stands for 1",
}
"""Per bug what is wrong with its first step that does not refine: a guard of the core, or a variable."""


QUICK = ("ZOOKEEPER-2845", "ZOOKEEPER-1291", "ZOOKEEPER-335", "ACKS-KEPT")


@pytest.mark.parametrize("bug", [pytest.param(b, marks=() if b in QUICK else pytest.mark.nightly) for b in BUGS])
def test_a_bug_does_not_refine(bug: str) -> None:
    """The proof is not about a spec with such a bug: a guard of the core is false, or a variable differs; the trace shows it again."""
    found = refined({}, bug)
    violation = found.violation
    assert violation is not None
    assert (violation.name, violation.verdict) == (STEPS, VIOLATED)
    assert violation.reason.endswith(BUGS[bug])
    assert violation.trace is not None
    kept: dict[str, Any] = {"property": violation.name, "kind": violation.kind, "engine": "refine", "seed": None}
    again = replay_on_spec(from_spec_trace(ZAB.with_bug(bug), found.bounds, violation.trace, **kept))
    assert (again.verdict, again.at, again.reason) == (VIOLATED, len(violation.trace.steps), violation.reason)


def test_the_registry_knows_the_refinement() -> None:
    """Both specs of Zab refine the core by the same mapping."""
    assert REFINEMENTS["zab"] is REFINEMENTS["zab-async"] is REFINES_CORE
