"""Notions in which the core's lemmas are said.

Epoch e *has started* if somebody won it; (e, i) is *committed* if the leader of e has exposed i as its high watermark; (e, i) is
*choosable* by a quorum if each member has acknowledged i in e or still may (its epoch is not beyond e). What is committed is choosable
by the quorum that committed it; choosable only ever shrinks, and that turns "will be committed" into something a state can say.
"""

from typing import Any

from model.kraft_core.ghosts import KRaftCoreHistory
from model.kraft_core.state import Role
from model.language import NONE, Node, forall, implies, is_member


def leads(s: KRaftCoreHistory, n: Any) -> Any:
    """n is the leader of its epoch."""
    return s.role[n] == Role.LEADER


def stands(s: KRaftCoreHistory, n: Any) -> Any:
    """n is a candidate in its epoch."""
    return s.role[n] == Role.CANDIDATE


def started(s: KRaftCoreHistory, e: Any) -> Any:
    """Somebody has won epoch e."""
    return s.ghost_leader[e] != NONE


def committed(s: KRaftCoreHistory, e: Any, i: Any) -> Any:
    """The leader of epoch e has committed its log up to i."""
    return s.ghost_commit_quorum[e, i] != NONE


def same(a: Any, b: Any) -> Any:
    """Two entries are equal."""
    return (a.epoch == b.epoch) & (a.value == b.value)


def choosable(s: KRaftCoreHistory, e: Any, i: Any, q: Any) -> Any:
    """Every member of q has acknowledged i in epoch e, or may still do so."""
    return forall(Node, lambda m: implies(is_member(m, q), (s.epoch[m] <= e) | (i <= s.ghost_acked[m, e])))


def own_entry(s: KRaftCoreHistory, e: Any, i: Any) -> Any:
    """Entry i of epoch e's log was appended in e."""
    return s.ghost_log[e][i].epoch == e


def names(s: KRaftCoreHistory, end: Any, last_epoch: Any, node: Any) -> Any:
    """(end, last_epoch) is what a node may say of its log: of the epoch's log its first entries, up to one that was appended there.

    Or all of it, if the node won that epoch and appended nothing: a new leader's epoch is in its epoch cache before any record.
    """
    log = s.ghost_log[last_epoch]
    up_to_an_entry = (end >= 1) & (end <= log.length) & own_entry(s, last_epoch, end)
    as_it_won = (s.ghost_leader[last_epoch] == node) & (log.length == end)
    return ((end == 0) & (last_epoch == 0)) | (started(s, last_epoch) & (up_to_an_entry | as_it_won))
