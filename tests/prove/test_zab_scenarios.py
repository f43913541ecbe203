"""Runs of Zab's core that the solver finds for a list of actions; each is replayed in the plain reading."""

from typing import Any

import pytest

from model.engines.bmc.bmc import Checker
from model.language import Node, exists, sometimes
from model.zab_core.notions import leads
from model.zab_core.state import Epoch, Phase
from tests.prove.core_case import ZAB_CORE

DISCOVER = ("propose_epoch", "handle_leader_info", "handle_ack_epoch", "finish_discovery")
JOIN = ("write_current_epoch", "acknowledge_new_leader", "handle_new_leader_ack")
ESTABLISH = (*DISCOVER, *JOIN, "adopt_history", *JOIN, "start_broadcast")


@sometimes
def two_leaders_serve(s: Any) -> Any:
    """Two servers lead, both established, in different epochs: the older does not know yet."""
    return exists(
        Node,
        Node,
        lambda a, b: (
            leads(s, a)
            & leads(s, b)
            & (s.phase[a] == Phase.BROADCAST)
            & (s.phase[b] == Phase.BROADCAST)
            & (s.accepted_epoch[a] < s.accepted_epoch[b])
        ),
    )


@sometimes
def an_acknowledged_transaction_is_cut(s: Any) -> Any:
    """A server has acknowledged a transaction that its history does not have any more."""
    return exists(Node, Epoch, lambda n, e: s.ghost_acked[n, e] > s.history[n].length)


@sometimes
def everybody_delivers(s: Any) -> Any:
    """Two servers have delivered a transaction."""
    return exists(Node, Node, lambda a, b: (a != b) & (s.last_committed[a] >= 1) & (s.last_committed[b] >= 1))


@pytest.fixture(scope="module")
def checker() -> Checker:
    """Three servers, two epochs, one transaction, two lost connections."""
    spec = ZAB_CORE.spec.with_properties(
        (*ZAB_CORE.spec.properties, two_leaders_serve, an_acknowledged_transaction_is_cut, everybody_delivers)
    )
    return Checker(spec, spec.complete_bounds({"nodes": 3, "log": 1, "losses": 2, "restarts": 0}))


def test_a_transaction_is_delivered(checker: Checker) -> None:
    """Discovery, synchronisation, broadcast: both log the proposal, the leader commits it, both deliver it."""
    broadcast = ("propose", "log_proposal", "log_proposal", "handle_ack", "handle_ack", "commit")
    delivered = (*ESTABLISH, "handle_up_to_date", *broadcast, "handle_commit", "handle_commit")
    assert checker.scenario(everybody_delivers, delivered) is not None
    too_soon = (
        *ESTABLISH,
        "handle_up_to_date",
        *broadcast[:3],
        "handle_ack",
        "commit",
        "handle_commit",
        "handle_commit",
    )
    assert checker.scenario(everybody_delivers, too_soon) is None


def test_two_leaders_of_different_epochs_serve_at_once(checker: Checker) -> None:
    """A follower of the first leader leaves it and is established with the third server; the first leader does not know yet."""
    run = checker.scenario(two_leaders_serve, (*ESTABLISH, "lose_connection", *ESTABLISH))
    assert run is not None
    assert checker.scenario(two_leaders_serve, (*ESTABLISH, *ESTABLISH)) is None


def test_a_diverging_follower_is_cut(checker: Checker) -> None:
    """A leader logs a proposal that nobody else has, is deposed, and drops it when it follows the next leader."""
    deposed = (*ESTABLISH, "propose", "log_proposal", "lose_connection", *DISCOVER)
    returns = ("lose_connection", "handle_leader_info", "adopt_history")
    run = checker.scenario(an_acknowledged_transaction_is_cut, (*deposed, *returns))
    assert run is not None
    assert checker.scenario(an_acknowledged_transaction_is_cut, deposed) is None
