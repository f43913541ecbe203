"""The log of one replica: records with the leader epochs under which they were appended. UnifiedLog, LeaderEpochFileCache."""

from attrs import evolve, frozen

from impl.effects import Entry
from impl.zk_controller.names import NO_EPOCH


@frozen
class ReplicaLog:
    """`entries[i]` has offset i; `high_watermark` is what the replica knows to be committed, also after a restart.

    Source of the latter: the file replication-offset-checkpoint.
    """

    topic_id: str | None
    entries: tuple[Entry, ...] = ()
    high_watermark: int = 0

    @property
    def end(self) -> int:
        """The log end offset."""
        return len(self.entries)

    @property
    def last_epoch(self) -> int:
        """The epoch of the last record; -1 when empty."""
        return self.entries[-1].epoch if self.entries else NO_EPOCH

    def append(self, entries: tuple[Entry, ...]) -> "ReplicaLog":
        """With more records at the end."""
        return evolve(self, entries=self.entries + entries)

    def truncate(self, end: int) -> "ReplicaLog":
        """Cut at an offset. The high watermark does not go beyond the end."""
        return evolve(self, entries=self.entries[:end], high_watermark=min(self.high_watermark, end))

    def end_offset_for_epoch(self, epoch: int) -> tuple[int, int]:
        """The largest epoch here that is at most `epoch`, and the offset at which it ends; (-1, 0) if there is none."""
        end = next((offset for offset, entry in enumerate(self.entries) if entry.epoch > epoch), self.end)
        return (self.entries[end - 1].epoch if end else NO_EPOCH), end

    def start_of_epoch_after(self, epoch: int) -> int:
        """Where the first later epoch starts; the end of the log if there is none."""
        return self.end_offset_for_epoch(epoch)[1]
