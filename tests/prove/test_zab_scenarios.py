"""Runs of Zab's core that the solver finds for a list of actions; each is replayed in the plain reading."""

import time
from collections.abc import Sequence
from typing import Any

from model.engines.bmc.bmc import Call, check_bounded
from model.engines.verdict import HOLDS
from model.language import Node, Property, exists, sometimes
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
    return exists(Node, Epoch, lambda n, e: s.acknowledged[n, e] > s.history[n].length)


@sometimes
def everybody_delivers(s: Any) -> Any:
    """Two servers have delivered a transaction."""
    return exists(Node, Node, lambda a, b: (a != b) & (s.last_committed[a] >= 1) & (s.last_committed[b] >= 1))


def happens(claim: Property, skeleton: Sequence[str]) -> bool:
    """Whether these actions can be taken one after the other so that the claim is true: three servers, two epochs, one transaction."""
    spec = ZAB_CORE.spec.with_properties((claim,))
    bounds = spec.complete_bounds({"nodes": 3, "log": 1, "losses": 2, "restarts": 0, "stale": 1})
    calls = [Call(name) for name in skeleton]
    verdict = check_bounded(spec, bounds, (claim,), depth=0, skeleton=calls, clock=time.process_time)
    return {p.name: p.verdict for p in verdict.properties}[claim.name] == HOLDS


def test_a_transaction_is_delivered() -> None:
    """Discovery, synchronisation, broadcast: both log the proposal, the leader commits it, both deliver it."""
    broadcast = ("propose", "log_proposal", "log_proposal", "handle_ack", "handle_ack", "commit")
    delivered = (*ESTABLISH, "handle_up_to_date", *broadcast, "handle_commit", "handle_commit")
    assert happens(everybody_delivers, delivered)
    too_soon = (
        *ESTABLISH,
        "handle_up_to_date",
        *broadcast[:3],
        "handle_ack",
        "commit",
        "handle_commit",
        "handle_commit",
    )
    assert not happens(everybody_delivers, too_soon)


def test_two_leaders_of_different_epochs_serve_at_once() -> None:
    """A follower of the first leader leaves it and is established with the third server; the first leader does not know yet."""
    assert happens(two_leaders_serve, (*ESTABLISH, "lose_connection", *ESTABLISH))
    assert not happens(two_leaders_serve, (*ESTABLISH, *ESTABLISH))


def test_a_diverging_follower_is_cut() -> None:
    """A leader logs a proposal that nobody else has, is deposed, and drops it when it follows the next leader."""
    deposed = (*ESTABLISH, "propose", "log_proposal", "lose_connection", *DISCOVER)
    returns = ("lose_connection", "handle_leader_info", "adopt_history")
    assert happens(an_acknowledged_transaction_is_cut, (*deposed, *returns))
    assert not happens(an_acknowledged_transaction_is_cut, deposed)
