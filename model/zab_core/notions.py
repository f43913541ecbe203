"""Notions in which the core's lemmas are said.

Epoch e *has started* if somebody has finished discovery in it; it is *established* if a quorum has acknowledged its initial history. (e, i)
is *committed* if the leader of e has committed up to i, the initial history included. (e, i) is *choosable* by a quorum if each member has
acknowledged the history of e up to i or still may (it has accepted no epoch beyond e). What is committed is choosable by the quorum that
committed it; choosable only ever shrinks, and that turns "will be committed" into something a state can say.
"""

from typing import Any

from model.language import NONE, Node, forall, implies, is_member
from model.zab_core.ghosts import ZabCoreHistory
from model.zab_core.state import Phase, Role


def leads(s: ZabCoreHistory, n: Any) -> Any:
    """n leads, or tries to."""
    return s.role[n] == Role.LEADING


def discovers(s: ZabCoreHistory, n: Any) -> Any:
    """n has proposed an epoch and waits for a quorum to promise it."""
    return leads(s, n) & (s.phase[n] == Phase.DISCOVERY)


def started(s: ZabCoreHistory, e: Any) -> Any:
    """Somebody has finished discovery in epoch e."""
    return s.ghost_leader[e] != NONE


def committed(s: ZabCoreHistory, e: Any, i: Any) -> Any:
    """The leader of epoch e has committed its history up to i."""
    return s.ghost_commit_quorum[e, i] != NONE


def established(s: ZabCoreHistory, e: Any) -> Any:
    """A quorum has acknowledged the initial history of epoch e."""
    return committed(s, e, s.ghost_initial_end[e])


def acknowledged(s: ZabCoreHistory, n: Any, e: Any, i: Any) -> Any:
    """n has acknowledged the history of epoch e up to i, at least its initial part."""
    return s.ghost_synced[n, e] & (i <= s.acknowledged[n, e])


def choosable(s: ZabCoreHistory, e: Any, i: Any, q: Any) -> Any:
    """Every member of q has acknowledged the history of epoch e up to i, or may still do so."""
    return forall(Node, lambda m: implies(is_member(m, q), (s.accepted_epoch[m] <= e) | acknowledged(s, m, e, i)))


def in_history(s: ZabCoreHistory, e: Any, i: Any) -> Any:
    """Epoch e has started, and i is an end within its history."""
    return started(s, e) & (i <= s.sent[e].length)
