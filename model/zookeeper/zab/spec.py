"""The spec `zab`: the explicit list of its variables, actions, rules, and default bounds."""

from attrs import evolve

from model.language import make_spec
from model.zookeeper.zab.broadcast import flush, handle_ack, handle_commit, handle_proposal, propose
from model.zookeeper.zab.bugs import BUGS
from model.zookeeper.zab.election import begin, elect, join
from model.zookeeper.zab.faults import crash, leave, lose_connection, step_down
from model.zookeeper.zab.newleader import (
    acknowledge_newleader,
    handle_newleader,
    handle_newleader_ack,
    handle_uptodate,
)
from model.zookeeper.zab.rules import RULES
from model.zookeeper.zab.state import Zab
from model.zookeeper.zab.sync import queue_newleader, sync_follower, take_in_sync


def init(s: Zab) -> None:
    """Empty servers that look for a leader: the defaults."""


ACTIONS = (
    begin,
    elect,
    join,
    sync_follower,
    queue_newleader,
    take_in_sync,
    handle_newleader,
    acknowledge_newleader,
    handle_newleader_ack,
    handle_uptodate,
    propose,
    handle_proposal,
    flush,
    handle_ack,
    handle_commit,
    crash,
    lose_connection,
    leave,
    step_down,
)

BOUNDS = {"nodes": 3, "epochs": 3, "log": 3, "txns": 2, "crashes": 2, "partitions": 2, "channel": 6}

SPEC = make_spec(
    "zab",
    title="Zab: election, synchronisation and broadcast of a ZooKeeper ensemble",
    state=Zab,
    init=init,
    actions=ACTIONS,
    rules=RULES,
    bounds=BOUNDS,
    bugs=BUGS,
)


def _by_its_own_thread() -> bool:
    """Proposals are flushed by a thread of their own, at any later time (SyncRequestProcessor)."""
    return False


ASYNC = evolve(
    SPEC.replace("logs_at_once", _by_its_own_thread),
    name="zab-async",
    title="Zab with a logging thread: proposals wait in memory before they are on disk",
    bounds={**BOUNDS, "log": 2, "txns": 1, "crashes": 1, "partitions": 1},
    bugs={},
)
"""The same actions and rules but one; its bugs are those of `zab`."""
