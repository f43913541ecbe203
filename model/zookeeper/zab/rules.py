"""Zab's decisions: small pure functions that a historical bug replaces by name. They take values, never the state."""

from typing import Any

from model.language import Not, is_quorum, ite, rule
from model.zookeeper.zab.state import Phase, SyncMode

# ------------------------------------------------------------------------------------------------ zxids


def zxid_less(a: Any, b: Any) -> Any:
    """The zxid of `a` is before that of `b`: epoch first. Both have .epoch and .counter."""
    return (a.epoch < b.epoch) | ((a.epoch == b.epoch) & (a.counter < b.counter))


def same_zxid(a: Any, b: Any) -> Any:
    """The zxids are equal."""
    return (a.epoch == b.epoch) & (a.counter == b.counter)


def succeeds(b: Any, a: Any) -> Any:
    """A primary may broadcast `b` right after `a`: the next counter of the epoch, or the first of a newer one."""
    return ((b.epoch == a.epoch) & (b.counter == a.counter + 1)) | ((b.epoch > a.epoch) & (b.counter == 1))


# ------------------------------------------------------------------------------------------------ epochs


@rule
def accepted_epoch_at_start(accepted: Any, last_epoch: Any) -> Any:
    """acceptedEpoch when a server starts: what its file says. QuorumPeer.loadDataBase."""
    return accepted


@rule
def current_epoch_at_start(current: Any, last_epoch: Any) -> Any:
    """currentEpoch when a server starts: what its file says, or the epoch of its last transaction if that is newer.

    The second half is ours. ZooKeeper adopts a newer epoch only from a leftover currentEpoch.tmp and refuses to start without one, which
    keeps a server down that crashed between its two writes on NEWLEADER (see `may_start`).
    """
    return ite(last_epoch > current, last_epoch, current)


@rule
def may_start(current: Any, last_epoch: Any) -> Any:
    """A server starts whatever its files say of epochs: `current_epoch_at_start` settles it."""
    return current == current  # noqa: PLR0124 - true, as a term


@rule
def epoch_is_written_on_newleader() -> bool:
    """currentEpoch is written on NEWLEADER, before it is acknowledged (ZOOKEEPER-1282)."""
    return True


# ------------------------------------------------------------------------------------------------ synchronisation, leader


@rule
def way_to_sync(at_end: Any, beyond: Any, behind_all: Any, found: Any, same_epoch: Any) -> Any:
    """How a learner is synchronised, by the place of its last zxid in the leader's committedLog. LearnerHandler.syncFollower.

    | its last zxid is                                                     | sent  |
    |----------------------------------------------------------------------|-------|
    | the last of the leader (`at_end`)                                    | DIFF  |
    | after the last of the leader (`beyond`)                              | TRUNC |
    | before the first of committedLog (`behind_all`)                      | SNAP  |
    | in committedLog (`found`)                                            | DIFF  |
    | between two of them, the next of its own epoch (`same_epoch`)        | TRUNC |
    | between two of them, the next of another epoch                       | SNAP  |

    From the log on disk ZooKeeper may also send a DIFF for the third row, if the log is short; forceSnapSync excludes it.
    """
    between = ite(same_epoch, SyncMode.TRUNC, SyncMode.SNAP)
    inside = ite(behind_all, SyncMode.SNAP, ite(found, SyncMode.DIFF, between))
    return ite(at_end, SyncMode.DIFF, ite(beyond, SyncMode.TRUNC, inside))


@rule
def resent_proposals(outstanding: Any) -> Any:
    """How many outstanding proposals a new learner gets twice, with the history and when forwarding starts: none, under one lock."""
    return 0


@rule
def outstanding_to_forward(outstanding: Any) -> Any:
    """How many outstanding proposals a new learner gets when forwarding to it starts: all. Leader.startForwarding."""
    return outstanding


@rule
def gets_proposals(forwarding: Any, acked: Any) -> Any:
    """Which learners a proposal is sent to: all that forwarding has started for, not only those that acknowledged NEWLEADER."""
    return forwarding


@rule
def gets_commits(forwarding: Any, acked: Any) -> Any:
    """Which learners a commit is sent to: the same."""
    return forwarding


# ------------------------------------------------------------------------------------------------ synchronisation, learner


@rule
def logged_on_newleader(queued: Any, committed: Any) -> Any:
    """How many of the queued proposals a learner logs before it acknowledges NEWLEADER: the committed ones. Learner.syncWithLeader."""
    return committed


@rule
def unqueued_on_newleader(queued: Any, committed: Any) -> Any:
    """How many leave the queue then, the committed ones of them into the data tree."""
    return committed


@rule
def history_comes_before_epoch() -> bool:
    """On NEWLEADER the history becomes durable before currentEpoch does."""
    return True


@rule
def flushed_on_newleader(logged: Any, committed: Any) -> Any:
    """How many of the proposals that a learner logs on NEWLEADER are on its disk when it goes on: all."""
    return logged


@rule
def synced_txns_are_remembered() -> bool:
    """Transactions that were applied during a synchronisation go into committedLog, like any others (ZOOKEEPER-4925)."""
    return True


# ------------------------------------------------------------------------------------------------ quorums


@rule
def enough(holds: Any) -> Any:
    """Enough servers have acknowledged, a proposal or NEWLEADER: a majority (QuorumMaj). The leader need not be among them."""
    return is_quorum(holds)


# ------------------------------------------------------------------------------------------------ logging


@rule
def logs_at_once() -> bool:
    """A proposal is on disk when the server goes on, if nothing waits before it: the log is written by the protocol's own thread.

    ZooKeeper has a thread for it (SyncRequestProcessor), see `zab-async`.
    """
    return True


@rule
def sync_thread_runs(phase: Any) -> Any:
    """Whether a learner's logging thread runs: from UPTODATE on."""
    return phase == Phase.BROADCAST


@rule
def acks_of_lost_learner(acked: Any) -> Any:
    """What a learner has acknowledged, as the leader counts it once the connection is gone: nothing.

    Ours. Leader keeps the acknowledgement in the proposal, also when the learner comes back and is truncated: see the bug ACKS-KEPT.
    """
    return 0


# ------------------------------------------------------------------------------------------------ shutdown


@rule
def reloads_database(mode: Any) -> Any:
    """Whether a server that stops following loads its database anew: iff its synchronisation changed the data tree alone.

    3.9.4 does so for SNAP only (ZOOKEEPER-3642); TRUNC is ZOOKEEPER-5094, open in 2026.
    """
    return (mode == SyncMode.SNAP) | (mode == SyncMode.TRUNC)


@rule
def replays_log_tail(behind: Any) -> Any:
    """Whether a database that is kept catches up with the log: yes. ZKDatabase.fastForwardDataBase (ZOOKEEPER-2845)."""
    return Not(behind == 0)


RULES = (
    accepted_epoch_at_start,
    current_epoch_at_start,
    may_start,
    epoch_is_written_on_newleader,
    way_to_sync,
    resent_proposals,
    outstanding_to_forward,
    gets_proposals,
    gets_commits,
    logged_on_newleader,
    unqueued_on_newleader,
    history_comes_before_epoch,
    flushed_on_newleader,
    synced_txns_are_remembered,
    enough,
    logs_at_once,
    sync_thread_runs,
    acks_of_lost_learner,
    reloads_database,
    replays_log_tail,
)
