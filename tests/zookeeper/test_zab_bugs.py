"""Historical and published defects of Zab: found in their scope by the property they are said to break, by a shortest run."""

import pytest
from attrs import frozen

from model.engines.verdict import HOLDS, VIOLATED
from model.zookeeper.zab.bugs import ORDERS
from tests.zookeeper.zab_scopes import SAFETY, ZAB, explored


@frozen
class Shortest:
    """A bug and the length of its shortest counterexample; `quick` ones run in every profile."""

    bug: str
    steps: int
    quick: bool = False


SHORTEST = (
    Shortest("ZOOKEEPER-2845", 8, quick=True),
    Shortest("ZOOKEEPER-3911", 10, quick=True),
    Shortest("ZOOKEEPER-3023", 10),
    Shortest("ZOOKEEPER-4643", 14),
    Shortest("ZOOKEEPER-4646", 10),
    Shortest("ZOOKEEPER-4685", 10, quick=True),
    Shortest("ZOOKEEPER-4394", 12),
    Shortest("ZOOKEEPER-4925", 19),
    Shortest("ZOOKEEPER-1291", 9),
    Shortest("ZOOKEEPER-335", 5),
    Shortest("ZOOKEEPER-962", 9),
    Shortest("ZOOKEEPER-3642", 26),
    Shortest("ZOOKEEPER-5094", 21),
    Shortest("ZOOKEEPER-1653", 20),
    Shortest("ACKS-KEPT", 11, quick=True),
    Shortest("P1", 9),
    Shortest("P2", 6),
    Shortest("P3", 18),
)


def test_every_bug_is_tried() -> None:
    """The table names the bugs of the spec, each with a source and a property that the spec has."""
    assert [s.bug for s in SHORTEST] == list(ZAB.bugs)
    assert all(b.source and b.title for b in ZAB.bugs.values())
    assert {b.breaks for b in ZAB.bugs.values()} <= {p.name for p in SAFETY}


@pytest.mark.parametrize(
    ("bug", "steps"),
    [pytest.param(s.bug, s.steps, marks=() if s.quick else pytest.mark.nightly) for s in SHORTEST],
)
def test_a_bug_breaks_the_property_it_is_said_to_break(bug: str, steps: int) -> None:
    """Within its bounds the explorer meets the bug with a counterexample of the pinned length, and without the bug all is well."""
    planted = ZAB.bugs[bug]
    verdict = explored(ZAB.with_bug(bug).with_properties(SAFETY), planted.bounds)
    assert verdict.violation is not None
    assert verdict.violation.trace is not None
    assert (verdict.verdict, verdict.bug) == (VIOLATED, bug)
    assert planted.breaks in {p.name for p in verdict.properties if p.verdict == VIOLATED}
    assert len(verdict.violation.trace.steps) == steps


@pytest.mark.nightly
@pytest.mark.parametrize(
    "bounds",
    [
        {"epochs": 3, "log": 2, "txns": 1, "crashes": 2, "partitions": 1},
        {"epochs": 2, "log": 3, "txns": 2, "crashes": 1, "partitions": 2},
    ],
    ids=str,
)
def test_without_a_bug_the_scopes_hold(bounds: dict[str, int]) -> None:
    """The correct spec satisfies every claim in the scopes in which the bugs are found."""
    verdict = explored(ZAB.with_properties(SAFETY), bounds)
    assert {p.name: p.verdict for p in verdict.properties[:-1]} == {p.name: HOLDS for p in SAFETY}


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("order", "broken", "steps"),
    [
        ("V1", "an_acknowledged_history_is_durable", 10),
        ("V2", "an_acknowledged_history_is_durable", 10),
        ("V3", "a_commit_finds_its_proposal", 12),
    ],
)
def test_the_orders_of_older_releases_break(order: str, broken: str, steps: int) -> None:
    """What the releases before 3.9.3 do on NEWLEADER breaks a property within two crashes and one broken connection."""
    spec = ZAB.with_properties(SAFETY)
    for name, function in ORDERS[order].items():
        spec = spec.replace(name, function)
    verdict = explored(spec, {"epochs": 4, "log": 2, "txns": 1, "crashes": 2, "partitions": 1})
    assert {p.name: len(p.trace.steps) for p in verdict.properties if p.trace is not None}[broken] == steps
