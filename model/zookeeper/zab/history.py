"""History of Zab, added from outside: what the protocol has forgotten, and the refinement of the proved core has to say.

| history                        | meaning                                                                                        |
|--------------------------------|------------------------------------------------------------------------------------------------|
| `ghost_sent[e]`                | the history of epoch e: its leader's when it was elected, then what it has proposed                 |
| `ghost_initial_end[e]`         | where that leader's first history ends                                                            |
| `ghost_committed_end[e]`       | up to where the leader of e has committed                                                         |
| `ghost_promised_by[l, n]`      | leader l was elected by n                                                                        |
| `ghost_acked_end[l, n]`        | the last proposal that leader l has n's acknowledgement of, committed since or not                  |
| `ghost_acknowledged[n, e]`     | the last proposal of epoch e that n has acknowledged and its leader may count                       |
| `ghost_keep_end[n]`            | up to where n keeps its log whatever its leader sends: what is on disk, or less when it has come back |
| `ghost_delivered[n]`           | up to where n has delivered, since it started                                                     |

No action reads them but to write them. The wrapped spec has the steps of the spec it wraps, with rules and actions as they are there.
"""

import inspect
from collections.abc import Callable
from typing import Any

from attrs import evolve

from model.language import Bool, Fn, Node, Seq, Spec, is_member, ite, maximum, minimum
from model.language.spec import make_action
from model.zookeeper.zab.state import Epoch, Index, Link, Phase, Role, SyncMode, Txn, Zab


class ZabHistory(Zab):
    """The servers of one ensemble, with history."""

    ghost_sent = Fn(Epoch, Seq[Txn, Index])
    ghost_initial_end = Fn(Epoch, Index)
    ghost_committed_end = Fn(Epoch, Index)
    ghost_promised_by = Fn(Node, Node, Bool)
    ghost_acked_end = Fn(Node, Node, Index)
    ghost_acknowledged = Fn(Node, Epoch, Index)
    ghost_keep_end = Fn(Node, Index)
    ghost_delivered = Fn(Node, Index)


def is_in_discovery(phase: Any, mode: Any) -> Any:
    """A learner has promised the epoch, and its log is as it was: after DIFF and SNAP that is so until NEWLEADER."""
    return (phase == Phase.CONNECTED) | (
        (phase == Phase.SYNCHRONIZATION) & ((mode == SyncMode.DIFF) | (mode == SyncMode.SNAP))
    )


# ------------------------------------------------------------------------------------------------ what every step may change


class _Before:
    """What the history of a server needs to know of the state before a step."""

    def __init__(self, s: ZabHistory, n: Any) -> None:
        self.flushed, self.length = s.flushed[n], s.db[n].length
        self.discovers = (s.role[n] == Role.FOLLOWING) & is_in_discovery(s.phase[n], s.sync_mode[n])


def _update(s: ZabHistory, n: Any, before: _Before, *, adopts: bool) -> None:
    """The history of a server that a step has changed. What reaches its disk is acknowledged, unless it `adopts` a history."""
    epoch, flushed, db = s.accepted_epoch[n], s.flushed[n], s.db[n].length
    serves = s.phase[n] == Phase.BROADCAST
    leads = (s.role[n] == Role.LEADING) & serves
    waits = before.discovers & (s.role[n] == Role.FOLLOWING) & is_in_discovery(s.phase[n], s.sync_mode[n])

    def counted(m: Any) -> Any:
        kept = ite((m == n) | (s.link[n, m] != Link.NONE), s.ghost_acked_end[n, m], 0)
        return ite(leads, ite(s.acked[n, m] > 0, s.acked[n, m], kept), 0)

    if not adopts:
        said = s.ghost_acknowledged[n, epoch]
        s.ghost_acknowledged[n, epoch] = ite(flushed > before.flushed, flushed, said)
    s.ghost_keep_end[n] = ite(waits, s.ghost_keep_end[n], flushed)
    s.ghost_delivered[n] = ite(serves, maximum(s.ghost_delivered[n], minimum(db, flushed)), s.ghost_delivered[n])
    s.ghost_committed_end[epoch] = ite(leads, db, s.ghost_committed_end[epoch])
    s.ghost_acked_end[n, :] = counted
    s.ghost_promised_by[n, :] = lambda m: s.ghost_promised_by[n, m] & (s.role[n] == Role.LEADING)


def _count(s: ZabHistory, leader: Any, n: Any, before: _Before) -> None:
    """The acknowledgement by which a leader has just committed counts too, though the leader is done with it."""
    committed = s.db[leader].length
    counts = (committed > before.length) & (s.acked[leader, n] == 0)
    s.ghost_acked_end[leader, n] = ite(counts, committed, s.ghost_acked_end[leader, n])


# ------------------------------------------------------------------------------------------------ steps with history of their own


def _begin(s: ZabHistory, leader: Any) -> None:
    """The first epoch starts with nothing; its first transaction is proposed, logged by all, committed and delivered."""
    s.ghost_sent[1] = s.log[leader]
    s.ghost_committed_end[1] = 1
    s.ghost_promised_by[leader, :] = True
    s.ghost_acked_end[leader, :] = 1
    s.ghost_acknowledged[:, 1] = 1
    s.ghost_keep_end[:] = 1
    s.ghost_delivered[:] = 1


def _elect(s: ZabHistory, leader: Any, voters: Any) -> None:
    """An epoch starts with the database of its leader, which holds it."""
    epoch, end = s.accepted_epoch[leader], s.db[leader].length
    s.ghost_sent[epoch] = s.db[leader]
    s.ghost_initial_end[epoch] = end
    s.ghost_promised_by[leader, :] = lambda m: is_member(m, voters)
    s.ghost_acknowledged[leader, epoch] = end
    s.ghost_acked_end[leader, :] = 0
    s.ghost_keep_end[:] = lambda n: ite(is_member(n, voters), s.flushed[n], s.ghost_keep_end[n])


def _sync_follower(s: ZabHistory, leader: Any, learner: Any) -> None:
    """An established leader takes a learner back: what it acknowledged beyond what is committed is void, and may be cut."""
    epoch, committed = s.accepted_epoch[leader], s.db[leader].length
    serves, said = s.phase[leader] == Phase.BROADCAST, s.ghost_acknowledged[learner, epoch]
    s.ghost_acknowledged[learner, epoch] = ite(serves, minimum(said, committed), said)
    s.ghost_keep_end[learner] = ite(serves, minimum(s.flushed[learner], committed), s.ghost_keep_end[learner])
    s.ghost_acked_end[leader, learner] = ite(serves, 0, s.ghost_acked_end[leader, learner])


def _acknowledge_newleader(s: ZabHistory, learner: Any, leader: Any) -> None:
    """The acknowledgement of NEWLEADER is one of the initial history."""
    epoch = s.accepted_epoch[learner]
    s.ghost_acknowledged[learner, epoch] = maximum(s.ghost_acknowledged[learner, epoch], s.ghost_initial_end[epoch])


def _propose(s: ZabHistory, leader: Any) -> None:
    """The history of the epoch grows."""
    s.ghost_sent[s.accepted_epoch[leader]].append(s.queue[leader].last)


def _crash(s: ZabHistory, n: Any, kept: Any) -> None:
    """What was delivered is delivered anew; nobody counts the server's acknowledgements."""
    s.ghost_delivered[n] = 0
    s.ghost_acked_end[:, n] = 0


_MORE: dict[str, Callable[..., None]] = {
    "begin": _begin,
    "elect": _elect,
    "sync_follower": _sync_follower,
    "acknowledge_newleader": _acknowledge_newleader,
    "propose": _propose,
    "crash": _crash,
}

_ADOPT = ("elect", "take_in_sync", "handle_newleader", "acknowledge_newleader")
"""Actions in which a server makes a leader's history its own."""

_COUNTS = {"handle_ack": (0, 1), "flush": (1, 0)}
"""Actions in which a leader may commit: where the leader is among the arguments, and whose acknowledgement it counts."""


def _wrapped(name: str, action: Callable[..., None]) -> Callable[..., None]:
    """The action, and then what it means for history."""
    parameters = list(inspect.signature(action).parameters)[1:]
    sorts = {p: inspect.get_annotations(action, eval_str=True)[p] for p in parameters}
    nodes = [place for place, p in enumerate(parameters) if sorts[p] is Node]

    def run(s: ZabHistory, *args: Any) -> None:
        before = {place: _Before(s, args[place]) for place in nodes}
        action(s, *args)
        if name != "begin":
            for place in nodes:
                _update(s, args[place], before[place], adopts=name in _ADOPT)
        if name in _COUNTS:
            leader, n = _COUNTS[name]
            _count(s, args[leader], args[n], before[leader])
        if name in _MORE:
            _MORE[name](s, *args)

    run.__doc__, run.__annotations__ = action.__doc__, {**sorts, "return": None}
    run.__signature__ = inspect.signature(action)  # type: ignore[attr-defined]
    return run


def with_history(spec: Spec) -> Spec:
    """A spec of Zab (`zab`, `zab-async`, with a bug or without) with history: the same steps."""
    actions = tuple(make_action(ZabHistory, _wrapped(a.name, a.function), a.name) for a in spec.actions)
    return evolve(spec, state=ZabHistory, actions=actions, properties=())


__all__ = ["ZabHistory", "is_in_discovery", "with_history"]
