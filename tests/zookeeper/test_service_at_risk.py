"""Every claim about ZooKeeper's service can be broken: for each a fault that breaks it, in a scope in which the correct spec satisfies it.

The faults replace rules or actions by name, as the bugs do (`model.zookeeper.service.bugs` has those that are not here). All scopes lie
within one session's default bounds, which test_zookeeper_spec searches to the end without a violation.
"""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from attrs import field, frozen

from model.engines.explore import explore
from model.engines.verdict import VIOLATED
from model.language import Node, require
from model.language.ground_spec import ground
from model.language.trace import trace
from model.zookeeper.service.state import Service
from properties.registry import SPECS

ZOOKEEPER = SPECS["zookeeper"]
QUIET = {"sessions": 1, "expiries": 0, "moves": 0, "syncs": 0, "watches": 0}
WATCH = {**QUIET, "watches": 1}


def applies_nothing(s: Service, n: Node) -> None:
    """A server counts a transaction as applied and leaves its tree as it was."""
    require(s.applied[n] < s.log.length)
    s.applied[n] = s.applied[n] + 1


def any_version(expected: Any, current: Any) -> Any:
    """A conditional write goes ahead on every version."""
    return current == current  # noqa: PLR0124 - true, as a term


def version_stays(current: Any) -> Any:
    """setData leaves the version as it is."""
    return current


def last_number_again(created: Any) -> Any:
    """A sequential child gets the number of the one before."""
    return created


def stays_set(triggered: Any) -> Any:
    """A watch stays after it has fired."""
    return triggered == triggered  # noqa: PLR0124 - true, as a term


def set_again(existed: Any, value: Any, relative_zxid: Any) -> Any:
    """At reconnection every watch is set again, whatever has happened."""
    return value == value  # noqa: PLR0124 - true, as a term


def outlives_its_session(owner: Any, session: Any) -> Any:
    """closeSession removes no znode."""
    return owner != owner  # noqa: PLR0124 - false, as a term


def own_state(committed: Any, applied: Any) -> Any:
    """sync is answered from what the server has applied."""
    return applied


def always_stale(applied: Any, last_zxid: Any) -> Any:
    """Only clients that have seen nothing are taken, so that none moves on after it has read."""
    return last_zxid > applied


@frozen
class Risk:
    """A property, the faults that break it, and a scope in which they do."""

    name: str
    faults: Mapping[str, Callable[..., Any]]
    scope: Mapping[str, int] = field(factory=lambda: QUIET)

    def __str__(self) -> str:
        return self.name


RISKS = (
    Risk("servers_that_applied_as_much_have_the_same_tree", {"apply_next": applies_nothing}),
    Risk("a_version_counts_the_writes", {"next_version": version_stays}),
    Risk("a_conditional_write_has_met_its_version", {"version_matches": any_version}),
    Risk("sequential_numbers_grow", {"sequence_number": last_number_again}),
    Risk("a_watch_fires_once", {"stays_armed": stays_set}, WATCH),
    Risk("no_event_is_lost", {"rearmed": set_again}, {**WATCH, "moves": 1}),
    Risk("a_plain_read_is_stale", {"fresh_enough": always_stale}),
    Risk("a_session_moves", {"fresh_enough": always_stale}, {**QUIET, "moves": 1}),
    Risk("an_ephemeral_goes_with_its_session", {"goes_with_session": outlives_its_session}, {**QUIET, "expiries": 1}),
    Risk("a_watch_fires_at_reconnection", {"rearmed": set_again}, {**WATCH, "moves": 1}),
    Risk("a_sync_waits", {"sync_point": own_state}, {**QUIET, "syncs": 1}),
)


def test_every_property_is_at_risk() -> None:
    """The table and the bugs of the spec together name every property."""
    bugs = {b.breaks for b in ZOOKEEPER.bugs.values()}
    assert bugs | {r.name for r in RISKS} == {p.name for p in ZOOKEEPER.properties}
    assert all(ZOOKEEPER.bounds[k] >= v for r in RISKS for k, v in r.scope.items())


@pytest.mark.parametrize("risk", RISKS, ids=str)
def test_a_fault_breaks_the_property(risk: Risk) -> None:
    """With the fault the explorer has a run that breaks the claim, or never reaches what must be reachable."""
    prop = next(p for p in ZOOKEEPER.properties if p.name == risk.name)
    faulty = ZOOKEEPER.with_properties([prop])
    for name, function in risk.faults.items():
        faulty = faulty.replace(name, function)
    bounds = faulty.complete_bounds(risk.scope)
    wrong = explore(ground(trace(faulty), bounds), (prop,), clock=lambda: 0.0).properties[0]
    assert wrong.verdict == VIOLATED
    if prop.kind == "sometimes":
        assert wrong.reason == "no state within bounds reaches it"
    else:
        assert wrong.trace is not None
        assert wrong.trace.steps
