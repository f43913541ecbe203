"""Historical bugs, by the name of the issue that fixed them: each is the replacement of one rule.

`ZOOKEEPER-V0` to `ZOOKEEPER-V4` are the orders of the releases at NEWLEADER, whatever they broke. SYNC-LOCAL and READ-SNAPSHOT are
in no release: they are planted for what clients see.
"""

from attrs import evolve, frozen

from impl.zookeeper.orders import ORDERS
from impl.zookeeper.rules import Rules, refuse_to_start
from impl.zookeeper.service_rules import SERVICE_BUGS


@frozen
class Bug:
    """One defect: its name, what it does, the property it breaks, and the rules of a server that has it."""

    id: str
    title: str
    breaks: str
    rules: Rules


def _no() -> bool:
    return False


_CORRECT = Rules()

_BUGS = (
    Bug(
        "ZOOKEEPER-335",
        "the promise of an epoch is not written down: two leaders can use the same epoch",
        "one leader per epoch; a zxid names one transaction",
        evolve(_CORRECT, persist_accepted_epoch=_no),
    ),
    Bug(
        "ZOOKEEPER-962",
        "a learner that is synchronised is not sent the proposals that are outstanding",
        "a follower has every proposal that it is told to commit",
        evolve(_CORRECT, forward_outstanding=_no),
    ),
    Bug(
        "ZOOKEEPER-1291",
        "currentEpoch is set at UPTODATE, after the acknowledgement of NEWLEADER",
        "a server acknowledges NEWLEADER(e) only with currentEpoch e on disk",
        evolve(_CORRECT, current_epoch_at_new_leader=_no),
    ),
    Bug(
        "ZOOKEEPER-1653",
        "a server that died between the history of an epoch and currentEpoch refuses to start (in every release, 2354)",
        "a server that crashed starts again",
        evolve(_CORRECT, epoch_at_start=refuse_to_start),
    ),
    Bug(
        "ZOOKEEPER-2845",
        "a database that outlives its role does not take in what was logged and not committed",
        "the vote and the ACKEPOCH of a server tell its whole log",
        evolve(_CORRECT, fast_forward_on_shutdown=_no),
    ),
    Bug(
        "ZOOKEEPER-3642",
        "the database of an interrupted SNAP is kept, half filled",
        "the database is the fold of the disk",
        evolve(_CORRECT, interrupted_modes=("TRUNC",)),
    ),
    Bug(
        "ZOOKEEPER-5094",
        # It takes transactions that are committed, and not applied yet, when the learner is cut: as in the releases.
        "the database of an interrupted TRUNC is kept, ahead of the log (open)",
        "the database is the fold of the disk",
        evolve(_CORRECT, interrupted_modes=("SNAP",), respects_acknowledged=_no),
    ),
    Bug(
        "ZOOKEEPER-4837",
        "TRUNC reloads from a snapshot that is newer than where it cuts (open)",
        "what was truncated is gone",
        evolve(_CORRECT, survives_truncation=lambda snapshot, zxid: True),
    ),
    Bug(
        "ZOOKEEPER-4837-LABEL",
        "TRUNC goes by the labels of snapshots: the fix proposed for ZOOKEEPER-4837",
        "no committed transaction is lost",
        evolve(_CORRECT, survives_truncation=lambda snapshot, zxid: snapshot.zxid <= zxid),
    ),
    Bug(
        "ACKNOWLEDGED-TRUNC",
        "a learner that reconnects is cut to committedLog although it has acknowledged more (every release; no issue known)",
        "no committed transaction is lost",
        evolve(_CORRECT, respects_acknowledged=_no),
    ),
    Bug(
        "ZOOKEEPER-3911",
        "a learner that gets a DIFF acknowledges NEWLEADER with nothing logged (order V1)",
        "an established epoch's initial history is durable on a quorum",
        evolve(_CORRECT, order=ORDERS["V1"]),
    ),
    Bug(
        "ZOOKEEPER-3023",
        "a follower can serve before the initial history is in its log (order V2)",
        "a follower that serves has the initial history in its log",
        evolve(_CORRECT, order=ORDERS["V2"]),
    ),
    Bug(
        "ZOOKEEPER-4643",
        "currentEpoch is on disk before the history of that epoch (order V2)",
        "currentEpoch e on disk means that the initial history of e is there",
        evolve(_CORRECT, order=ORDERS["V2"]),
    ),
    Bug(
        "ZOOKEEPER-4646",
        "NEWLEADER is acknowledged while the history is in the queue of the sync thread (order V2)",
        "an established epoch's initial history is durable on a quorum",
        evolve(_CORRECT, order=ORDERS["V2"]),
    ),
    Bug(
        "ZOOKEEPER-4685",
        "the ACK of a proposal can reach the leader before that of NEWLEADER (order V2)",
        "the first ACK of a learner is that of NEWLEADER",
        evolve(_CORRECT, order=ORDERS["V2"]),
    ),
    Bug(
        "ZOOKEEPER-4394",
        "a COMMIT between NEWLEADER and UPTODATE finds its proposal gone (order V3)",
        "a follower has every proposal that it is told to commit",
        evolve(_CORRECT, order=ORDERS["V3"]),
    ),
    Bug(
        "ZOOKEEPER-4925",
        "what is applied in the synchronisation does not enter committedLog (order V4)",
        "committedLog has no holes",
        evolve(_CORRECT, order=ORDERS["V4"]),
    ),
    Bug(
        "SYNC-LOCAL",
        "a follower answers a sync by itself (planted)",
        "a read after sync is as new as what was answered before it was asked",
        evolve(_CORRECT, sync_goes_to_the_leader=_no),
    ),
    Bug(
        "READ-SNAPSHOT",
        "reads are answered from the newest snapshot (planted)",
        "a session sees its own writes, and never goes back",
        evolve(_CORRECT, reads_see_the_database=_no),
    ),
)

BUGS: dict[str, Bug] = {bug.id: bug for bug in _BUGS}
"""Every bug by its id."""


def rules_with(bug_id: str | None) -> Rules:
    """The rules of a server with the bug `bug_id`; the correct ones for None, and for a bug of the service.

    Raises ValueError for an unknown id.
    """
    if bug_id is None or bug_id in SERVICE_BUGS:
        return _CORRECT
    if bug_id not in BUGS:
        raise ValueError(f"unknown bug {bug_id!r}; one of {', '.join((*BUGS, *SERVICE_BUGS))}")
    return BUGS[bug_id].rules
