"""The other way: transitions of the spec `zab-ensemble`, driven through ensembles."""

from collections.abc import Mapping

import pytest

from properties.registry import find_spec
from traces.commands.engines import source_for
from traces.zookeeper.cover import SCOPE, Cover, drive_cover
from traces.zookeeper.museum import narrowed

ENSEMBLE = find_spec("zab-ensemble")
ELECTIONS: Mapping[str, int] = {**SCOPE, "epochs": 2, "log": 1, "txns": 0, "crashes": 1, "partitions": 0}
"""A crash, and what comes of it: elections, discovery, synchronisation."""


def covered(scope: Mapping[str, int], bug: str | None = None) -> Cover:
    """What could be driven of a scope."""
    spec = narrowed(ENSEMBLE)
    return drive_cover(source_for(spec, spec.complete_bounds(dict(scope))), ENSEMBLE, bug=bug)


def test_an_ensemble_takes_every_transition_under_its_first_leader() -> None:
    """One proposal, one broken connection: all 1,565 transitions under the leader with the largest id, and nothing is refused."""
    cover = covered(SCOPE)
    assert cover.mismatch is None
    assert (cover.states, cover.transitions, cover.within_reach) == (2_089, 4_965, 1_565)
    assert (cover.driven, cover.refused) == (1_565, {})


def test_an_ensemble_takes_the_elections_that_votes_allow() -> None:
    """One crash: where the vote goes to another server, or nobody tells of a leader, the transition is refused and the rest is driven."""
    cover = covered(ELECTIONS)
    assert cover.mismatch is None
    assert set(cover.refused) == {"elect", "join"}
    assert (cover.within_reach, cover.driven, sum(cover.refused.values())) == (371, 229, 10)


@pytest.mark.parametrize(
    ("bug", "scope", "action"),
    [
        ("ZOOKEEPER-962", SCOPE, "sync_follower"),
        ("ZOOKEEPER-1291", ELECTIONS, "acknowledge_newleader"),
        ("ACKS-KEPT", SCOPE, "sync_follower"),
    ],
)
def test_a_bug_is_met_on_the_way(bug: str, scope: Mapping[str, int], action: str) -> None:
    """An ensemble with a bug does something else than the correct spec, in the transition where the bug is."""
    mismatch = covered(scope, bug).mismatch
    assert mismatch is not None
    assert mismatch.action == action, str(mismatch)
