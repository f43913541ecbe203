"""Historical bugs, by the name of the issue that fixed them: each is the replacement of one or two rules."""

from attrs import evolve, frozen

from impl.zk_controller.config import Config, Settings
from impl.zk_controller.log import ReplicaLog
from impl.zk_controller.names import LeaderAndIsr
from impl.zk_controller.rules import Rules


@frozen
class Bug:
    """One defect: its name, what it does, the property it breaks, and the rules of a broker that has it.

    `alter_partition` False: it belongs to the time when leaders wrote the state znode themselves.
    """

    id: str
    title: str
    breaks: str
    rules: Rules
    alter_partition: bool = True


def _no() -> bool:
    return False


def _never_stale(request_epoch: int, own_epoch: int) -> bool:
    return False


def _never_applied(wanted: LeaderAndIsr, current: LeaderAndIsr) -> bool:
    return False


def _anybody(broker: int, live: tuple[int, ...], shutting_down: tuple[int, ...]) -> bool:
    return True


def _any_owner(owner: int, session: int | None) -> bool:
    return True


def _only_the_offset(log: ReplicaLog, epoch: int) -> tuple[int, int]:
    """KIP-101: the follower is not told which epoch the leader's answer is about."""
    return epoch, log.end_offset_for_epoch(epoch)[1]


_CORRECT = Rules()

_BUGS = (
    Bug(
        "KAFKA-6082",
        "/controller is created and /controller_epoch raised one after the other, and writes are not fenced",
        "every change that a controller makes is made before the next one is elected",
        evolve(_CORRECT, elects_atomically=_no, fences_writes=_no),
    ),
    Bug(
        "KAFKA-1096",
        "a controller that was away takes over the epoch of its successor, and goes on",
        "one controller per epoch",
        evolve(_CORRECT, adopts_epoch_it_reads=lambda: True),
    ),
    Bug(
        "KAFKA-2729",
        "a control request that is not answered is given up; the leader's version of the state is old for ever",
        "once all is quiet, leaders know the state of their partitions",
        evolve(_CORRECT, retries_control_requests=_no),
        alter_partition=False,
    ),
    Bug(
        "KAFKA-7235",
        "there are no broker epochs: a bounce is not noticed, and requests for the process before are obeyed",
        "a request for an earlier incarnation takes no effect",
        evolve(_CORRECT, is_stale_broker_epoch=_never_stale, detects_bounces=_no),
    ),
    Bug(
        "KAFKA-14144",
        "an AlterPartition whose answer was lost is refused when it is sent again, and given up",
        "once all is quiet, leaders know the state of their partitions",
        evolve(_CORRECT, already_applied=_never_applied),
    ),
    Bug(
        "KAFKA-14140",
        "a broker that is gone or shutting down can be taken back into the ISR",
        "a leader adds only brokers to the ISR that are alive and stay",
        evolve(_CORRECT, is_eligible_for_isr=_anybody),
    ),
    Bug(
        "KAFKA-6361",
        "a follower with an epoch that its leader does not have cuts at an offset, whatever is before it",
        "replicas agree on what is committed",
        evolve(_CORRECT, end_offset_for_epoch=_only_the_offset),
    ),
    Bug(
        "KAFKA-4443",
        "a new controller names leaders before it tells who is alive",
        "once all is quiet, followers fetch from the leader",
        evolve(_CORRECT, announces_brokers_first=_no),
    ),
    Bug(
        "KAFKA-1387",
        "a broker takes the registration of its session before for its own, and that goes away",
        "once all is quiet, live brokers are registered",
        evolve(_CORRECT, registration_is_own=_any_owner),
    ),
    Bug(
        "KAFKA-1451",
        "a broker does not recognise its own election, and waits for its own znode to go",
        "once all is quiet, there is a controller",
        evolve(_CORRECT, recognises_own_election=_no),
    ),
    Bug(
        "DELETION-DURING-REASSIGNMENT",
        "the reassignment of a topic goes on while it is deleted (every release; no issue known)",
        "a topic that is gone has no replicas",
        evolve(_CORRECT, moves_what_is_deleted=lambda: True),
    ),
    Bug(
        "STALE-DELETION-RESPONSE",
        "the answer of an earlier incarnation to a StopReplica counts for the new one (every release; no issue known)",
        "once all is quiet, deletions are carried out",
        evolve(_CORRECT, heeds_deletion_response=lambda request_epoch, live_epoch: True),
    ),
)

BUGS: dict[str, Bug] = {bug.id: bug for bug in _BUGS}
"""Every bug by its id.

Not among them: KAFKA-14617 (a broker that lost its disk gets into the ISR by the request made for the process before), which
3.9 has in this mode; `rules.is_same_incarnation` is where KIP-903 would repair it.
"""


def config_with(bug_id: str | None, broker: int, brokers: tuple[int, ...], settings: Settings) -> Config:
    """The configuration of a broker with a bug, or of a correct one for None. Raises ValueError for an unknown id."""
    if bug_id is None:
        return Config(broker, brokers, settings)
    if bug_id not in BUGS:
        raise ValueError(f"unknown bug {bug_id!r}; one of {', '.join(BUGS)}")
    bug = BUGS[bug_id]
    if not bug.alter_partition:
        settings = evolve(settings, alter_partition=False)
    return Config(broker, brokers, settings, bug.rules)
