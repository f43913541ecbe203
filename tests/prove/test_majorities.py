"""Majorities: what proofs suppose of quorums, shown for every number of voters; and what changing voters does to it."""

from itertools import combinations

import pytest

from model.engines.prove.majorities import majorities_intersect
from model.language.sorts import Quorum, elements


def test_two_majorities_have_a_node_in_common() -> None:
    """The axiom about quorums is a theorem about majorities, whatever the number of voters."""
    assert majorities_intersect() is None


def test_one_voter_at_a_time_keeps_majorities_intersecting() -> None:
    """KIP-853 adds or removes one voter at a time: majorities before and after still have a node in common."""
    assert majorities_intersect(changed=1) is None


def test_two_voters_at_a_time_do_not() -> None:
    """Adding or replacing two voters at once makes disjoint majorities possible; the sizes say how."""
    found = majorities_intersect(changed=2)
    assert found == {"old voters": 1, "new voters": 1, "first": 1, "second": 1}, f"a smallest counterexample: {found}"
    assert 2 * found["first"] > found["old voters"]
    assert 2 * found["second"] > found["new voters"]
    assert abs(found["old voters"] - found["new voters"]) in (0, 2)


@pytest.mark.parametrize("nodes", [1, 2, 3, 4, 5])
def test_the_quorums_of_a_bounded_instance_intersect(nodes: int) -> None:
    """Counted out: any two elements of the sort Quorum have a node in common."""
    quorums = elements(Quorum, {"nodes": nodes})
    assert all(set(a) & set(b) for a, b in combinations(quorums, 2))
