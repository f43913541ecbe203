"""Historical bugs and mutations, by name: each is the replacement of one rule (one of them needs two).

`KAFKA-nnnnn` is the issue that fixed it in Apache Kafka; `Mn` is a mutation that a guard in the source suggests.
"""

from attrs import evolve, frozen

from impl.kraft.log import Log, OffsetAndEpoch
from impl.kraft.rules import Rules


@frozen
class Bug:
    """One defect: its name, what it does, the property it breaks, and the rules of a node that has it."""

    id: str
    title: str
    breaks: str
    rules: Rules


def _advance_at_epoch_start(offset: int, epoch_start_offset: int, current: int | None) -> bool:
    """KAFKA-12619: `>=`, so that records of older epochs commit before anything of the leader's own epoch."""
    return offset >= epoch_start_offset and (current is None or offset > current)


def _minority_index(voters: int) -> int:
    """M5: one place too early, so that a minority commits (with one or two voters: the longest log alone)."""
    return max(0, voters // 2 - 1)


def _truncate_everything(log: Log, diverging: OffsetAndEpoch) -> int:
    """M10: the coarsest target, the start of the log."""
    return 0


def _no() -> bool:
    return False


_CORRECT = Rules()

_BUGS = (
    Bug(
        "KAFKA-12619",
        "the high watermark advances at the epoch start offset, not beyond it",
        "leader completeness: a committed record of an older epoch can be overwritten (Raft figure 8)",
        evolve(_CORRECT, may_advance_high_watermark=_advance_at_epoch_start),
    ),
    Bug(
        "KAFKA-10527",
        "a voter restarts as the leader of the same epoch and writes at offsets whose records it lost",
        "log matching: (offset, epoch) names one record",
        evolve(_CORRECT, resign_on_recovery=_no),
    ),
    Bug(
        "KAFKA-10533",
        "no flush after an append, on leader and followers",
        "durability of committed records after a crash of a majority",
        evolve(_CORRECT, flush_after_append=_no),
    ),
    Bug(
        "M2",
        "a vote is granted but never written: it lives in memory and a crash forgets it",
        "one vote per epoch, hence one leader per epoch",
        evolve(_CORRECT, persist_granted_vote=_no),
    ),
    Bug(
        "M3",
        "a voter grants its vote whatever the candidate's log",
        "leader completeness",
        evolve(_CORRECT, log_up_to_date=lambda candidate, own: True),
    ),
    Bug(
        "M5",
        "the high watermark is taken one place too early among the sorted end offsets: a minority commits",
        "committed records are on a majority",
        evolve(_CORRECT, majority_index=_minority_index),
    ),
    # The guard alone never fires in a correct protocol (no leader names a diverging point below what a follower knows to be
    # committed), so that removing it changes nothing; the mutation needs a wrong target as well.
    Bug(
        "M10",
        "a diverging follower drops its whole log, also below its high watermark",
        "no truncation below the high watermark; committed records are on a majority",
        evolve(_CORRECT, may_truncate=lambda end_offset, high_watermark: True, truncation_target=_truncate_everything),
    ),
)

BUGS: dict[str, Bug] = {bug.id: bug for bug in _BUGS}
"""Every bug by its id."""


def rules_with(bug_id: str | None) -> Rules:
    """The rules of a node with the bug `bug_id`, or the correct ones for None. Raises ValueError for an unknown id."""
    if bug_id is None:
        return _CORRECT
    if bug_id not in BUGS:
        raise ValueError(f"unknown bug {bug_id!r}; one of {', '.join(BUGS)}")
    return BUGS[bug_id].rules
