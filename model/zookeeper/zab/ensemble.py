"""The spec `zab-ensemble`: what an ensemble of ZooKeeper servers does that `zab` leaves out to stay small. The implementation is held
against it.

To `zab-async` (a logging thread of its own) it adds

* a snapshot for any learner: committedLog reaches back 500 transactions only, and after a start only to the newest snapshot on disk,
  which every leader takes when it begins to lead; `zab` remembers everything that its log holds;
* a crash in the middle of NEWLEADER's writes to the log, after which any beginning of them may be on disk;
* acknowledgements that outlive their connection, as Leader keeps them, until the learner is synchronised anew: what it is sent then it
  has to acknowledge again. `zab` ends them with the connection; either repairs the defect ACKS-KEPT.

Its bugs are what the releases do on NEWLEADER, each order as a whole, and the defects of `zab` that do not depend on it.
"""

from collections.abc import Callable, Mapping
from typing import Any

from attrs import evolve

from model.language import Node, Replacement, ite, make_spec, require, rule, sequence
from model.zookeeper.zab import sync
from model.zookeeper.zab.bugs import BUGS, ORDERS
from model.zookeeper.zab.faults import fail
from model.zookeeper.zab.rules import RULES, logged_on_newleader, outstanding_to_forward
from model.zookeeper.zab.spec import ACTIONS, init
from model.zookeeper.zab.state import Index, Kind, Link, Phase, Synced, SyncMode, Zab
from model.zookeeper.zab.transitions import arrives, log_queued, packet


@rule
def acks_of_synchronised_learner(acked: Any) -> Any:
    """What a learner has acknowledged before it is synchronised: nothing of what it is about to be sent.

    Ours: Leader keeps it, see the bug ACKS-KEPT.
    """
    return 0


def sync_follower(s: Zab, leader: Node, learner: Node) -> None:
    """A leader synchronises a learner from committedLog, as in `zab`; what the learner has acknowledged before does not count any more."""
    sync.sync_follower(s, leader, learner)
    s.acked[leader, learner] = acks_of_synchronised_learner(s.acked[leader, learner])


def sync_by_snapshot(s: Zab, leader: Node, learner: Node) -> None:
    """A leader sends a learner its whole database, because committedLog does not reach back to the learner's last transaction.

    Enabled iff the learner has acknowledged the epoch. LearnerHandler.syncFollower: forceSnapSync, and whatever queueCommittedProposals
    cannot decide.
    """
    require(s.link[leader, learner] == Link.CONNECTED)

    db, outstanding = s.db[leader], s.queue[leader]
    sent = db.length

    def element(i: Any) -> Any:
        txn = ite(i <= sent, db[i], outstanding[i - sent])
        return Synced(epoch=txn.epoch, counter=txn.counter, request=txn.request, committed=i <= sent)

    s.stream[leader, learner] = sequence(sent + outstanding_to_forward(outstanding.length), element)
    s.channel[leader, learner].append(packet(Kind.SNAP, 0, 0))
    s.link[leader, learner] = Link.FORWARDING
    s.acked[leader, learner] = acks_of_synchronised_learner(s.acked[leader, learner])


def take_in_sync(s: Zab, learner: Node, leader: Node) -> None:
    """A learner reads its synchronisation, as in `zab`; committedLog covers what came with a SNAP too.

    In ZooKeeper it covers what came after the snapshot: transactions that the leader had committed and not applied. Where it covers less
    the learner, once it leads, sends a snapshot (`sync_by_snapshot`).
    """
    sync.take_in_sync(s, learner, leader)
    if s.sync_mode[learner] == SyncMode.SNAP:
        s.committed_log[learner] = s.db[learner]


def crash_while_adopting(s: Zab, learner: Node, leader: Node, kept: Index) -> None:
    """A learner crashes while it logs the history on NEWLEADER, before it is flushed: `kept` transactions survive.

    Enabled iff NEWLEADER has arrived after a DIFF. FileTxnLog.append, commit.
    """
    require(s.phase[learner] == Phase.SYNCHRONIZATION)
    require(arrives(s, leader, learner, Kind.NEWLEADER))
    require(s.sync_mode[learner] == SyncMode.DIFF)
    before = s.log[learner].length
    require(s.flushed[learner] <= kept)
    require(kept > before)
    logged = logged_on_newleader(s.queue[learner].length, s.queue_committed[learner])
    require(kept < before + logged)

    log_queued(s, learner, 0, logged)
    fail(s, learner, kept)


def _no() -> bool:
    return False


def _kept(acked: Any) -> Any:
    return acked


_V2 = {
    name: function
    for name, function in ORDERS["V2"].items()
    if name not in ("history_comes_before_epoch", "logs_at_once")
}
"""The history is handed to the logging thread in memory, where no crash finds it, so that its place before currentEpoch is the same."""

_ORDERS: Mapping[str, Mapping[str, Callable[..., Any]]] = {
    "ZOOKEEPER-3911": ORDERS["V1"],
    "ZOOKEEPER-3023": _V2,
    "ZOOKEEPER-4643": _V2,
    "ZOOKEEPER-4646": _V2,
    "ZOOKEEPER-4685": _V2,
    "ZOOKEEPER-4394": ORDERS["V3"],
    "ZOOKEEPER-4925": ORDERS["V4"],
}
"""The order of the releases that had the bug."""

_SAME = (
    "ZOOKEEPER-2845",
    "ZOOKEEPER-1291",
    "ZOOKEEPER-962",
    "ZOOKEEPER-3642",
    "ZOOKEEPER-5094",
    "ZOOKEEPER-1653",
)


def _in_order(bug: Replacement, order: Mapping[str, Callable[..., Any]]) -> Replacement:
    (name, function), *others = order.items()
    return evolve(bug, name=name, function=function, also=dict(others))


_BUGS = {bug.bug: bug for bug in BUGS}
_NO_PROMISE = evolve(
    _BUGS["ZOOKEEPER-335"], title="acceptedEpoch is not on disk but taken from the last transaction", also={}
)
_ACKS_KEPT = evolve(_BUGS["ACKS-KEPT"], name="acks_of_synchronised_learner", function=_kept, also={})

_INSTEAD: Mapping[Callable[..., None], Callable[..., None]] = {
    sync.sync_follower: sync_follower,
    sync.take_in_sync: take_in_sync,
}

BOUNDS = {"nodes": 3, "epochs": 3, "log": 3, "txns": 2, "crashes": 1, "partitions": 1, "channel": 6}

_WITHOUT_THREAD = make_spec(
    "zab-ensemble",
    title="Zab as an ensemble runs it: with snapshots for any learner, and acknowledgements that outlive connections",
    state=Zab,
    init=init,
    actions=(
        *(_INSTEAD.get(action, action) for action in ACTIONS),
        sync_by_snapshot,
        crash_while_adopting,
    ),
    rules=(*RULES, acks_of_synchronised_learner),
    bounds=BOUNDS,
    bugs=(
        *(_in_order(_BUGS[bug], order) for bug, order in _ORDERS.items()),
        *(_BUGS[bug] for bug in _SAME),
        _NO_PROMISE,
        _ACKS_KEPT,
    ),
)

ENSEMBLE = _WITHOUT_THREAD.replace("logs_at_once", _no).replace("acks_of_lost_learner", _kept)
"""The spec with its logging thread."""
