"""The metadata log as the raft layer sees it: records, the epoch cache, divergence and truncation.

Offsets start at 0; an end offset is exclusive. One record is one batch, so every offset is a batch boundary (deviation:
Kafka batches up to 8 MiB). No snapshots: the log always starts at 0. Source: KafkaMetadataLog, ReplicatedLog,
LeaderEpochFileCache.
"""

from attrs import evolve, frozen

from impl.effects import Entry, FatalError


@frozen
class OffsetAndEpoch:
    """A point in a log: an exclusive end offset and the epoch of what stands before it."""

    offset: int
    epoch: int

    def at_least(self, other: "OffsetAndEpoch") -> bool:
        """Whether this log end is as up-to-date as `other`: by epoch first, then by offset. OffsetAndEpoch.compareTo."""
        return (self.epoch, self.offset) >= (other.epoch, other.offset)

    def __str__(self) -> str:
        return f"{self.epoch}/{self.offset}"


@frozen
class Log:
    """Records and the epoch cache, ((epoch, start offset), ...) in strictly ascending order of both.

    The cache may end with an epoch that has no record yet: the leader enters its epoch on election
    (`initialize_leader_epoch`).
    """

    entries: tuple[Entry, ...] = ()
    epochs: tuple[tuple[int, int], ...] = ()

    @classmethod
    def recover(cls, entries: tuple[Entry, ...]) -> "Log":
        """The log as read from disk.

        An epoch without a record is not in the cache any more: its start is not below the end.
        """
        return cls().append(entries)

    @property
    def end_offset(self) -> int:
        """The log end offset (LEO): the offset that the next record will get."""
        return len(self.entries)

    @property
    def last_epoch(self) -> int:
        """The latest epoch of the cache, 0 when it is empty. ReplicatedLog.lastFetchedEpoch."""
        return self.epochs[-1][0] if self.epochs else 0

    @property
    def end(self) -> OffsetAndEpoch:
        """(LEO, last epoch): what a vote request carries. KafkaRaftClient.endOffset."""
        return OffsetAndEpoch(self.end_offset, self.last_epoch)

    def append(self, entries: tuple[Entry, ...]) -> "Log":
        """Append records, keeping their epochs. Raises FatalError when an epoch would go backwards.

        (Kafka's epoch cache warns and drops the later epochs there; a correct cluster never comes to it.)
        """
        epochs = self.epochs
        offset = len(self.entries)
        for entry in entries:
            last = epochs[-1][0] if epochs else 0
            if entry.epoch < last:
                raise FatalError(f"append of epoch {entry.epoch} at offset {offset} after epoch {last}")
            if entry.epoch > last:
                # An epoch cached at this very offset has no record: the new one takes its place.
                epochs = (*_starting_below(epochs, offset), (entry.epoch, offset))
            offset += 1
        return Log(self.entries + entries, epochs)

    def initialize_leader_epoch(self, epoch: int) -> "Log":
        """Enter (epoch, LEO) in the epoch cache before any record of the epoch exists.

        ReplicatedLog.initializeLeaderEpoch.
        """
        if self.last_epoch == epoch:
            return self
        return evolve(self, epochs=(*_starting_below(self.epochs, self.end_offset), (epoch, self.end_offset)))

    def end_offset_for_epoch(self, epoch: int) -> OffsetAndEpoch:
        """The largest epoch of the cache that is <= `epoch`, and where it ends.

        Above every cached epoch: the end of the log. Below every cached epoch: `epoch` itself, ending where the cache
        starts (LeaderEpochFileCache.endOffsetFor), which is what lets a follower with only older records truncate all
        of them.
        """
        below: int | None = None
        for cached, start in self.epochs:
            if cached > epoch:
                return OffsetAndEpoch(start, epoch if below is None else below)
            below = cached
        return self.end

    def diverging_point(self, offset: int, epoch: int) -> OffsetAndEpoch | None:
        """None when a log that ends at (offset, epoch) is a prefix of this one, else where this log may part from it.

        ReplicatedLog.validateOffsetAndEpoch, without snapshots.
        """
        if offset == 0:
            return None
        end = self.end_offset_for_epoch(epoch)
        return end if end.epoch != epoch or end.offset < offset else None

    def truncation_target(self, diverging: OffsetAndEpoch) -> int:
        """The end offset to truncate to, given the leader's diverging point. ReplicatedLog.truncateToEndOffset."""
        if diverging.epoch == 0:
            return min(diverging.offset, self.end_offset)
        own = self.end_offset_for_epoch(diverging.epoch)
        return min(own.offset, diverging.offset) if own.epoch == diverging.epoch else own.offset

    def truncate(self, end_offset: int) -> "Log":
        """Drop the records from `end_offset` on. The cache is trimmed even when no record goes (KAFKA-10706)."""
        return Log(self.entries[:end_offset], _starting_below(self.epochs, end_offset))


def _starting_below(epochs: tuple[tuple[int, int], ...], offset: int) -> tuple[tuple[int, int], ...]:
    return tuple(item for item in epochs if item[1] < offset)
