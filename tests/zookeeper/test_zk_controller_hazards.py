"""What Kafka in ZooKeeper mode does not prevent is found by the spec zk-controller, as docs/zk-controller.md says."""

import pytest

from model.engines.compiled.explore import explore_compiled
from model.engines.verdict import HOLDS
from model.zookeeper.controller.bugs import QUIET
from properties.registry import SPECS
from properties.zookeeper.controller.hazards import HAZARDS

DELETION = {"deletions": 1, "restarts": 1, "creations": 2}
REASSIGNMENT = {"reassignments": 1, "restarts": 1, "writes": 5}

# Hazard -> a scope with two incidents, and the length of the shortest way there.
SHORTEST = {
    "a_deleted_topic_leaves_its_configuration": (DELETION, 24),
    "a_new_topic_loses_its_configuration": (DELETION, 26),
    "a_new_topic_is_deleted_by_an_old_request": (DELETION, 22),
    "a_removed_leader_leads_on": (REASSIGNMENT, 31),
}


def test_every_hazard_is_tried() -> None:
    """The table names all of them."""
    assert set(SHORTEST) == {h.name for h in HAZARDS}


@pytest.mark.nightly
@pytest.mark.parametrize("scope", [DELETION, REASSIGNMENT], ids=["deletion", "reassignment"])
def test_an_operation_has_its_hazards(scope: dict[str, int]) -> None:
    """An operation and one crash: each of its hazards is reached, in the pinned number of steps."""
    expected = {name: length for name, (within, length) in SHORTEST.items() if within is scope}
    spec = SPECS["zk-controller"].with_properties(h for h in HAZARDS if h.name in expected)
    bounds = spec.complete_bounds({**QUIET, "incidents": 2, **scope})
    found = explore_compiled(spec, bounds, clock=lambda: 0.0).properties[: len(expected)]
    assert {p.name: p.verdict for p in found} == dict.fromkeys(expected, HOLDS)
    assert {p.name: len(p.trace.steps) for p in found if p.trace is not None} == expected
