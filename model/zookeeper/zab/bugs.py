"""Historical and published defects of Zab, each the replacement of one rule (some need two). Ids as in ZooKeeper's JIRA.

P1 to P3 are the places where the Zab paper can be read wrongly (found with TLC by the authors of the published specifications). V0 to V4
are what a learner does on NEWLEADER in the releases of ZooKeeper, as a whole; the default is V5:

| order | releases                                       | on NEWLEADER                                                         |
|-------|------------------------------------------------|----------------------------------------------------------------------|
| V0    | 3.4.0 to 3.4.9, 3.5.0 to 3.5.2                 | snapshot, currentEpoch, ACK; the rest is logged after UPTODATE       |
| V1    | 3.4.10 on, 3.5.3 to 3.5.9, 3.6.0 to 3.6.2      | currentEpoch, ACK; everything is logged after UPTODATE               |
| V2    | 3.5.10, 3.6.3, 3.7.0 to 3.8.4, 3.9.0, 3.9.1    | currentEpoch, all handed to the logging thread, ACK                  |
| V3    | 3.8.5, 3.9.2                                   | all logged and flushed, currentEpoch, ACK                            |
| V4    | 3.9.3                                          | the committed logged, applied and flushed, currentEpoch, ACK         |
| V5    | 3.9.4                                          | the same, and they are remembered in committedLog                    |
| Vpaper| Remix's improved Zab                           | the history before currentEpoch, both before ACK: what V5 does       |

`bounds` is a scope in which a breadth-first search meets the defect; `breaks` the property that it breaks first there.
"""

from collections.abc import Callable, Mapping
from typing import Any

from model.language import Replacement
from model.zookeeper.zab.state import Phase, SyncMode

# ------------------------------------------------------------------------------------------------ replaced rules


def _nothing(queued: Any, committed: Any) -> Any:
    """Everything waits for UPTODATE."""
    return 0


def _all(queued: Any, committed: Any) -> Any:
    """The whole queue, committed or not."""
    return queued


def _committed(logged: Any, committed: Any) -> Any:
    """Only the committed ones."""
    return committed


def _no() -> bool:
    """It is not so."""
    return False


def _only_acked(forwarding: Any, acked: Any) -> Any:
    """Only the learners that have acknowledged NEWLEADER."""
    return acked


def _everything(outstanding: Any) -> Any:
    """All outstanding proposals."""
    return outstanding


def _none(outstanding: Any) -> Any:
    """No outstanding proposals."""
    return 0


def _from_newleader_on(phase: Any) -> Any:
    """The logging thread runs as soon as the learner handles NEWLEADER."""
    return (phase == Phase.ADOPTING) | (phase == Phase.READY) | (phase == Phase.BROADCAST)


def _after_trunc_only(mode: Any) -> Any:
    """After an interrupted SNAP the half-filled data tree is kept."""
    return mode == SyncMode.TRUNC


def _after_snap_only(mode: Any) -> Any:
    """After an interrupted TRUNC the data tree is kept, with transactions that are not in the log."""
    return mode == SyncMode.SNAP


def _left_behind(behind: Any) -> Any:
    """The database is kept as it is, behind the log."""
    return behind != behind  # noqa: PLR0124 - false, as a term


def _of_last_txn(epoch: Any, last_epoch: Any) -> Any:
    """There are no epoch files: the epoch is that of the last transaction."""
    return last_epoch


def _as_written(current: Any, last_epoch: Any) -> Any:
    """currentEpoch is what the file says."""
    return current


def _not_behind_log(current: Any, last_epoch: Any) -> Any:
    """A server whose last transaction is of a newer epoch than currentEpoch refuses to start."""
    return last_epoch <= current


def _kept(acked: Any) -> Any:
    """The acknowledgements of a learner count also when it is gone."""
    return acked


# ------------------------------------------------------------------------------------------------ table

_SMALL = {"epochs": 3, "log": 2, "txns": 1, "crashes": 1, "partitions": 1}

BUGS = (
    Replacement(
        bug="ZOOKEEPER-2845",
        title="A database kept through an election lacks what the log has",
        name="replays_log_tail",
        function=_left_behind,
        breaks="a_leader_has_every_committed_transaction",
        bounds=_SMALL,
        source="ZOOKEEPER-2845, fixed in 3.4.12, 3.5.4, 3.6.0 (ZKDatabase.fastForwardDataBase)",
    ),
    Replacement(
        bug="ZOOKEEPER-3911",
        title="NEWLEADER is acknowledged before anything of the history is logged (order V1)",
        name="logged_on_newleader",
        function=_nothing,
        also={"unqueued_on_newleader": _nothing},
        breaks="an_acknowledged_history_is_durable",
        bounds=_SMALL,
        source="ZOOKEEPER-3911 and 2678, fixed in 3.5.10, 3.6.3, 3.7.0 (Learner.syncWithLeader)",
    ),
    Replacement(
        bug="ZOOKEEPER-3023",
        title="NEWLEADER is acknowledged before the history is applied",
        name="unqueued_on_newleader",
        function=_nothing,
        breaks="an_acknowledged_history_is_applied",
        bounds=_SMALL,
        source="ZOOKEEPER-3023, fixed in 3.8.5, 3.9.2 (Learner.syncWithLeader)",
    ),
    Replacement(
        bug="ZOOKEEPER-4643",
        title="currentEpoch is written before the history is logged",
        name="history_comes_before_epoch",
        function=_no,
        breaks="a_leader_has_every_committed_transaction",
        bounds={"epochs": 4, "log": 2, "txns": 1, "crashes": 2, "partitions": 1},
        source="ZOOKEEPER-4643, fixed in 3.8.5, 3.9.2 (Learner.syncWithLeader)",
    ),
    Replacement(
        bug="ZOOKEEPER-4646",
        title="NEWLEADER is acknowledged before the history is flushed",
        name="flushed_on_newleader",
        function=_nothing,
        breaks="an_acknowledged_history_is_durable",
        bounds=_SMALL,
        source="ZOOKEEPER-4646 and 4785, fixed in 3.8.5, 3.9.2 (Learner.syncWithLeader)",
    ),
    Replacement(
        bug="ZOOKEEPER-4685",
        title="A proposal is acknowledged before NEWLEADER is",
        name="sync_thread_runs",
        function=_from_newleader_on,
        also={"logged_on_newleader": _all, "flushed_on_newleader": _committed},
        breaks="newleader_is_acknowledged_first",
        bounds=_SMALL,
        source="ZOOKEEPER-4685, fixed in 3.8.5, 3.9.2 (Learner.syncWithLeader, LearnerHandler.run)",
    ),
    Replacement(
        bug="ZOOKEEPER-4394",
        title="A commit between NEWLEADER and UPTODATE finds its proposal gone from the queue (order V3)",
        name="unqueued_on_newleader",
        function=_all,
        also={"logged_on_newleader": _all},
        breaks="a_commit_finds_its_proposal",
        bounds=_SMALL,
        source="ZOOKEEPER-4394, fixed in 3.9.3 (Learner.syncWithLeader)",
    ),
    Replacement(
        bug="ZOOKEEPER-4925",
        title="Transactions applied on NEWLEADER are missing from committedLog (order V4)",
        name="synced_txns_are_remembered",
        function=_no,
        breaks="no_committed_transaction_leaves_a_disk",
        bounds={"epochs": 2, "log": 3, "txns": 2, "crashes": 1, "partitions": 2},
        source="ZOOKEEPER-4925, in 3.9.3, fixed in 3.9.4 (Learner.syncWithLeader)",
    ),
    Replacement(
        bug="ZOOKEEPER-1291",
        title="currentEpoch is written on UPTODATE instead of NEWLEADER",
        name="epoch_is_written_on_newleader",
        function=_no,
        breaks="an_acknowledged_history_is_durable",
        bounds=_SMALL,
        source="ZOOKEEPER-1291, 1282 and 1264, fixed in 3.4.0 (Learner.syncWithLeader)",
    ),
    Replacement(
        bug="ZOOKEEPER-335",
        title="Epochs are not on disk but taken from the last transaction",
        name="accepted_epoch_at_start",
        function=_of_last_txn,
        also={"current_epoch_at_start": _of_last_txn},
        breaks="epochs_never_decrease",
        bounds={**_SMALL, "crashes": 2},
        source="ZOOKEEPER-335, 1081 and 1082, fixed in 3.4.0 (acceptedEpoch, currentEpoch)",
    ),
    Replacement(
        bug="ZOOKEEPER-962",
        title="A learner that joins does not get the outstanding proposals",
        name="outstanding_to_forward",
        function=_none,
        breaks="a_commit_finds_its_proposal",
        bounds=_SMALL,
        source="ZOOKEEPER-962, fixed in 3.3.3 (Leader.startForwarding)",
    ),
    Replacement(
        bug="ZOOKEEPER-3642",
        title="The data tree of an interrupted SNAP is kept",
        name="reloads_database",
        function=_after_trunc_only,
        breaks="a_follower_holds_a_prefix_of_its_leaders_log",
        bounds={"epochs": 3, "log": 3, "txns": 2, "crashes": 1, "partitions": 2},
        source="ZOOKEEPER-3642, fixed in 3.5.10, 3.6.3, 3.7.0 (QuorumPeer, syncMode)",
    ),
    Replacement(
        bug="ZOOKEEPER-5094",
        title="The data tree of an interrupted TRUNC is kept (open)",
        name="reloads_database",
        function=_after_snap_only,
        breaks="a_serving_database_comes_from_the_log",
        bounds={"epochs": 1, "log": 2, "txns": 1, "crashes": 0, "partitions": 2},
        source="ZOOKEEPER-5094, open in 2026 (QuorumPeer, syncMode)",
    ),
    Replacement(
        bug="ZOOKEEPER-1653",
        title="A crash between the history and currentEpoch leaves files that the server refuses (reachable in 3.9.4)",
        name="may_start",
        function=_not_behind_log,
        also={"current_epoch_at_start": _as_written},
        breaks="a_server_that_crashed_starts_again",
        bounds={**_SMALL, "crashes": 2, "epochs": 2},
        source="ZOOKEEPER-1653 and 2354 (QuorumPeer.loadDataBase); fixed for one order of writes only",
    ),
    Replacement(
        bug="ACKS-KEPT",
        title="What a lost learner acknowledged still counts, also when it is truncated on its return (as Leader does)",
        name="acks_of_lost_learner",
        function=_kept,
        also={"logs_at_once": _no},
        breaks="a_committed_transaction_is_on_a_majority_of_disks",
        bounds={"epochs": 1, "log": 2, "txns": 1, "crashes": 0, "partitions": 1},
        source="Leader.removeLearnerHandler, Proposal.ackset; a reading of the code, not a known issue",
    ),
    Replacement(
        bug="P1",
        title="Proposals go only to learners that have acknowledged NEWLEADER",
        name="gets_proposals",
        function=_only_acked,
        breaks="a_commit_finds_its_proposal",
        bounds=_SMALL,
        source="Zab paper, step l.3.1, the set Q; Disalg's issue 1",
    ),
    Replacement(
        bug="P2",
        title="A proposal reaches a new learner twice, with the history and again when it is sent",
        name="resent_proposals",
        function=_everything,
        breaks="proposals_arrive_without_gaps",
        bounds=_SMALL,
        source="Zab paper, step l.3.3, request and broadcast not atomic; Disalg's issue 2",
    ),
    Replacement(
        bug="P3",
        title="Commits between NEWLEADER and its acknowledgement never reach the learner",
        name="gets_commits",
        function=_only_acked,
        breaks="a_commit_finds_its_proposal",
        bounds={"epochs": 1, "log": 3, "txns": 2, "crashes": 0, "partitions": 1},
        source="Zab paper, step l.3.4, the zxid of COMMIT-LD; Disalg's issue 3",
    ),
)

ORDERS: Mapping[str, Mapping[str, Callable[..., Any]]] = {
    "V1": {"logged_on_newleader": _nothing, "unqueued_on_newleader": _nothing, "history_comes_before_epoch": _no},
    "V2": {
        "logged_on_newleader": _all,
        "unqueued_on_newleader": _nothing,
        "flushed_on_newleader": _nothing,
        "history_comes_before_epoch": _no,
        "sync_thread_runs": _from_newleader_on,
        "logs_at_once": _no,
    },
    "V3": {"logged_on_newleader": _all, "unqueued_on_newleader": _all},
    "V4": {"synced_txns_are_remembered": _no},
    "V5": {},
}
"""What the releases do on NEWLEADER, as replacements of rules. V0 takes a snapshot where V5 logs, which is the same here; so is Vpaper."""
