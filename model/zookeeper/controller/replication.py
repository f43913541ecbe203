"""The replicas' logs: produce, Fetch, truncation, the high watermark. ReplicaManager, Partition, AbstractFetcherThread.

A Fetch and its answer are one step, and so is an exchange of OffsetsForLeaderEpoch: both ends must be in the same leader epoch (KIP-320).
Logs are on disk; what is not flushed is not lost. min.insync.replicas is 1, Kafka's default.
"""

from typing import Any

from model.language import NONE, Node, Not, exists, forall, implies, ite, maximum, minimum, require, the
from model.zookeeper.controller.rules import cut_at, is_reconciled
from model.zookeeper.controller.state import Entry, Kafka, Offset


def leads(s: Kafka, n: Any) -> Any:
    """The broker takes itself for the partition's leader."""
    return s.up[n] & (s.applied[n] > 0) & (s.leader[s.applied[n]] == n)


def follows(s: Kafka, n: Any, leader: Any) -> Any:
    """The replica fetches from that leader, and both are in the same leader epoch."""
    return (
        s.up[n]
        & Not(s.stopped[n])
        & (s.applied[n] > 0)
        & leads(s, leader)
        & (s.leader[s.applied[n]] == leader)
        & (s.leader_epoch[s.applied[n]] == s.leader_epoch[s.applied[leader]])
        & (n != leader)
    )


def is_in_maximal_isr(s: Kafka, leader: Any, n: Any) -> Any:
    """The leader counts the replica in: it is in the ISR, or in the one that has been asked for. PartitionState.maximalIsr."""
    return s.isr[s.applied[leader], n] | ((s.altering[leader] == n) & s.expanding[leader])


def advance_high_watermark(s: Kafka, leader: Any) -> None:
    """The high watermark is what every member of the maximal ISR has; records below it are committed. maybeIncrementLeaderHW."""
    end = s.log[leader].length

    def has(n: Any, offset: Any) -> Any:
        known = s.fetched[leader, n] & (s.end_of[leader, n] >= offset)
        return implies(is_in_maximal_isr(s, leader, n), ite(n == leader, end >= offset, known | (offset == 0)))

    def by_all(offset: Any) -> Any:
        return (offset <= end) & forall(Node, lambda n: has(n, offset))

    reached = the(Offset, lambda o: by_all(o) & forall(Offset, lambda p: implies(p > o, Not(by_all(p)))))
    s.high_watermark[leader] = maximum(s.high_watermark[leader], reached)
    epoch = s.leader_epoch[s.applied[leader]]
    mark = s.high_watermark[leader]
    s.ghost_committed_in[:] = lambda v: ite(
        (s.ghost_committed_in[v] == 0)
        & exists(
            Offset,
            lambda o: (o >= 1) & (o <= mark) & (s.log[leader][o].value == v),
        ),
        epoch,
        s.ghost_committed_in[v],
    )


def become_leader(s: Kafka, n: Any, led: Any) -> None:
    """A replica leads a new epoch; it keeps what it knows of the others if it led before (`led`). Partition.makeLeader."""
    s.epoch_start[n] = s.log[n].length
    s.fetched[n, :] = lambda r: led & s.fetched[n, r]
    s.end_of[n, :] = lambda r: ite(led, s.end_of[n, r], 0)
    s.reconciled[n] = False
    forget_alteration(s, n)
    advance_high_watermark(s, n)


def become_follower(s: Kafka, n: Any) -> None:
    """A replica follows in a new epoch: it cuts its log first. Partition.makeFollower, or it stops when its broker does."""
    s.epoch_start[n] = 0
    s.fetched[n, :] = False
    s.end_of[n, :] = 0
    s.reconciled[n] = False
    forget_alteration(s, n)


def forget_alteration(s: Kafka, n: Any) -> None:
    """No AlterPartition of the leader is in flight."""
    s.altering[n] = NONE
    s.expanding[n] = False


def produce(s: Kafka, leader: Node) -> None:
    """Who takes itself for the leader appends a record. With acks=1 that acknowledges it; with acks=all the high watermark does."""
    require(leads(s, leader))
    s.aux_records = s.aux_records + 1
    s.log[leader].append(Entry(epoch=s.leader_epoch[s.applied[leader]], value=s.aux_records))
    advance_high_watermark(s, leader)


def _end_of_epochs_up_to(log: Any, epoch: Any) -> Any:
    """The end offset of the records whose leader epoch is at most `epoch`. LeaderEpochFileCache.endOffsetFor."""
    return the(
        Offset,
        lambda o: (
            (o <= log.length)
            & implies(o >= 1, log[o].epoch <= epoch)
            & implies(o < log.length, log[o + 1].epoch > epoch)
        ),
    )


def truncate(s: Kafka, n: Node, leader: Node) -> None:
    """A follower asks where the leader's log ends for the last epoch that it has itself, and cuts its own log there.

    Enabled iff it has not yet done so in this leader epoch. The leader answers with the largest epoch of its log that is not above
    the one asked for, and where that ends; the follower keeps what it has of this epoch at most, and asks again if it has nothing of
    it (KIP-279).
    """
    require(follows(s, n, leader))
    require(Not(s.reconciled[n]))
    log = s.log[n]
    last = ite(log.length >= 1, log[log.length].epoch, 0)
    end = _end_of_epochs_up_to(s.log[leader], last)
    epoch = ite(end >= 1, s.log[leader][end].epoch, last)
    local_end = _end_of_epochs_up_to(log, epoch)
    matches = (log.length == 0) | (local_end == 0) | (log[local_end].epoch == epoch)
    log.truncate(cut_at(end, local_end, log.length))
    s.high_watermark[n] = minimum(s.high_watermark[n], s.log[n].length)
    s.reconciled[n] = is_reconciled(matches)


def fetch(s: Kafka, n: Node, leader: Node) -> None:
    """A follower fetches: the leader learns how far its log goes, and answers with the next record and the high watermark.

    Enabled iff both are in the same leader epoch and the follower has cut its log. Partition.fetchRecords, updateFollowerFetchState.
    """
    require(follows(s, n, leader))
    require(s.reconciled[n])
    end = s.log[n].length
    s.fetched[leader, n] = True
    s.end_of[leader, n] = end
    advance_high_watermark(s, leader)
    if end < s.log[leader].length:
        s.log[n].append(s.log[leader][end + 1])
    s.high_watermark[n] = maximum(s.high_watermark[n], minimum(s.high_watermark[leader], s.log[n].length))
