"""The disk of a voter: what survives a crash, and what may not."""

from attrs import evolve, frozen

from impl.effects import AppendEntries, Durable, ElectionState, Entry, FlushLog, TruncateLog, WriteElectionState

DISK_EFFECTS = (WriteElectionState, AppendEntries, TruncateLog, FlushLog)


@frozen
class Disk:
    """Election state, log, and how many records of the log are flushed.

    A crash keeps any prefix of at least `flushed` records.

    What a process finds when it starts counts as flushed from then on (deviation: after an unclean stop Kafka re-reads
    the segments without forcing them to disk).
    """

    election: ElectionState | None = None
    entries: tuple[Entry, ...] = ()
    flushed: int = 0

    def carry_out(self, effect: object) -> "Disk":
        """The disk after one effect; effects that are not for the disk leave it alone."""
        match effect:
            case WriteElectionState(state):
                return evolve(self, election=state)
            case AppendEntries(base_offset, entries):
                if base_offset != len(self.entries):
                    raise RuntimeError(f"append at offset {base_offset} of a log that ends at {len(self.entries)}")
                return evolve(self, entries=self.entries + entries)
            case TruncateLog(end_offset):
                return evolve(self, entries=self.entries[:end_offset], flushed=min(self.flushed, end_offset))
            case FlushLog():
                return evolve(self, flushed=len(self.entries))
            case _:
                return self

    def crash(self, kept: int) -> "Disk":
        """The disk after a power loss which kept the first `kept` records."""
        return Disk(self.election, self.entries[:kept], kept)

    def kept_range(self) -> tuple[int, int]:
        """Any prefix of at least the flushed records can survive."""
        return self.flushed, len(self.entries)

    def durable(self, incarnation: int) -> Durable:
        """What the next process finds."""
        return Durable(self.election, self.entries, incarnation)
