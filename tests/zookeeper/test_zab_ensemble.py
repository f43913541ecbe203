"""The spec `zab-ensemble`, which ensembles are held against: what it allows beyond `zab` keeps every property."""

import pytest

from model.engines.verdict import EVERY_ACTION_FIRES, HOLDS
from properties.registry import SPECS
from tests.zookeeper.zab_scopes import explored

ENSEMBLE = SPECS["zab-ensemble"]
SAFETY = tuple(p.name for p in ENSEMBLE.properties if p.kind in ("always", "step"))


def test_it_adds_two_actions_and_keeps_the_others() -> None:
    """The actions of `zab`, a snapshot for any learner, and a crash amid the writes of NEWLEADER."""
    names = [action.name for action in ENSEMBLE.actions]
    assert names == [*(action.name for action in SPECS["zab"].actions), "sync_by_snapshot", "crash_while_adopting"]


def test_its_logs_are_written_by_a_thread_of_their_own() -> None:
    """As in `zab-async`; acknowledgements outlive their connection and end with the next synchronisation."""
    assert {"logs_at_once", "acks_of_lost_learner"} <= set(ENSEMBLE.overrides)
    assert not ENSEMBLE.overrides["logs_at_once"]()
    assert ENSEMBLE.overrides["acks_of_lost_learner"](2) == 2
    assert ENSEMBLE.rules["acks_of_synchronised_learner"].function(2) == 0


def test_one_proposal_with_a_crash_and_a_broken_connection_is_safe() -> None:
    """Two epochs: 253,504 states, and no property breaks. One proposal is too little for a crash amid the writes of NEWLEADER."""
    verdict = explored(ENSEMBLE, {"epochs": 2, "log": 2, "txns": 1, "crashes": 1, "partitions": 1}, *SAFETY)
    assert (verdict.distinct, verdict.generated, verdict.depth) == (253_504, 719_188, 36)
    assert [p.name for p in verdict.properties if p.verdict != HOLDS] == [EVERY_ACTION_FIRES]


@pytest.mark.nightly
def test_everything_holds_within_the_default_bounds() -> None:
    """Three epochs, two proposals, one crash, one broken connection: 3,771,937 states; everything holds and everything is reached."""
    verdict = explored(ENSEMBLE, {})
    assert (verdict.distinct, verdict.generated, verdict.depth) == (3_771_937, 11_149_228, 46)
    assert (verdict.verdict, verdict.rung) == (HOLDS, "explored")
