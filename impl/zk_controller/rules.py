"""The decisions that Kafka once had wrong, each a small pure function; a historical bug replaces one or two (`bugs.py`).

A broker reaches them only through its `Rules`, so that a broken cluster differs from a correct one by data.
"""

from collections.abc import Callable

from attrs import frozen

from impl.zk_controller.log import ReplicaLog
from impl.zk_controller.names import LeaderAndIsr


def elects_atomically() -> bool:
    """Whether /controller is created and /controller_epoch raised in one multi. KAFKA-6082."""
    return True


def fences_writes() -> bool:
    """Whether a controller's writes are made under a check of the version of /controller_epoch. KAFKA-6082."""
    return True


def adopts_epoch_it_reads() -> bool:
    """Whether a controller takes the epoch that it finds in /controller_epoch for its own. KAFKA-1096: never."""
    return False


def recognises_own_election() -> bool:
    """Whether a broker that finds itself in /controller takes that for its election. KAFKA-1451."""
    return True


def registration_is_own(owner: int, session: int | None) -> bool:
    """Whether a registration that exists is one of the session that asked for it. checkedEphemeralCreate, KAFKA-1387.

    That of any other session goes away with it.
    """
    return owner == session


def detects_bounces() -> bool:
    """Whether a broker that registered again unnoticed is taken as dead and new. KAFKA-7235 (KIP-380)."""
    return True


def is_stale_broker_epoch(request_epoch: int, own_epoch: int) -> bool:
    """Whether a control request is for an earlier incarnation of the broker. KafkaApis.isBrokerEpochStale, KIP-380.

    One of a later epoch passes: the controller has seen a registration that the broker has not been told of yet.
    """
    return request_epoch != -1 and request_epoch < own_epoch


def announces_brokers_first() -> bool:
    """Whether a new controller tells everybody of the live brokers before it names leaders. KAFKA-4443."""
    return True


def retries_control_requests() -> bool:
    """Whether a control request is sent until it is answered. RequestSendThread.doWork; see KAFKA-2729."""
    return True


def already_applied(wanted: LeaderAndIsr, current: LeaderAndIsr) -> bool:
    """Whether the ISR that a leader asks for is there: its first request was applied, the answer lost. KAFKA-14144."""
    return (
        wanted.isr == current.isr
        and wanted.leader_epoch == current.leader_epoch
        and wanted.recovering == current.recovering
    )


def is_eligible_for_isr(broker: int, live: tuple[int, ...], shutting_down: tuple[int, ...]) -> bool:
    """Whether a broker may be in the ISR, for the controller (all) and for the leader (live). KAFKA-14140, KIP-841."""
    return broker in live and broker not in shutting_down


def is_same_incarnation(broker_epoch: int | None, known_epoch: int | None) -> bool:
    """Whether a member of a proposed ISR is still the process that caught up. KIP-903, KAFKA-14617.

    Never asked in 3.9 in this mode, whatever restarted in between: `True` is the faithful answer.
    """
    return True


def moves_what_is_deleted() -> bool:
    """Whether the reassignment of a topic goes on once the topic is to be deleted. KafkaController.maybeResumeReassignments.

    Deviation: `True` is what every release does, and replicas that have been deleted are created again by its LeaderAndIsr.
    Kafka means to put off the deletion, but marks the topic before it is queued, which does nothing, and takes the mark back
    when a broker with a replica starts. Were it put off, it could be for ever: no leader is elected for what is to be deleted.
    """
    return False


def heeds_deletion_response(request_epoch: int, live_epoch: int | None) -> bool:
    """Whether the answer to a StopReplica counts: not one to a request for an earlier incarnation of the broker.

    Deviation: every release heeds it. When a broker bounces during a deletion, the refusal of the old request comes after the
    new one was sent; the replica is taken for failed, the success of the new request for out of turn, and the deletion stands
    still until a broker or the controller restarts. processTopicDeletionStopReplicaResponseReceived.
    """
    return request_epoch == live_epoch


def end_offset_for_epoch(log: ReplicaLog, epoch: int) -> tuple[int, int]:
    """(the largest epoch of the log up to `epoch`, where it ends). LeaderEpochFileCache.endOffsetFor, KIP-279.

    KAFKA-6361: with an epoch that the leader does not have, the follower must go on to look at one they both have.
    """
    return log.end_offset_for_epoch(epoch)


@frozen
class Rules:
    """The rules of one broker. The defaults are the correct ones."""

    elects_atomically: Callable[[], bool] = elects_atomically
    fences_writes: Callable[[], bool] = fences_writes
    adopts_epoch_it_reads: Callable[[], bool] = adopts_epoch_it_reads
    recognises_own_election: Callable[[], bool] = recognises_own_election
    registration_is_own: Callable[[int, int | None], bool] = registration_is_own
    detects_bounces: Callable[[], bool] = detects_bounces
    is_stale_broker_epoch: Callable[[int, int], bool] = is_stale_broker_epoch
    announces_brokers_first: Callable[[], bool] = announces_brokers_first
    retries_control_requests: Callable[[], bool] = retries_control_requests
    already_applied: Callable[[LeaderAndIsr, LeaderAndIsr], bool] = already_applied
    is_eligible_for_isr: Callable[[int, tuple[int, ...], tuple[int, ...]], bool] = is_eligible_for_isr
    is_same_incarnation: Callable[[int | None, int | None], bool] = is_same_incarnation
    moves_what_is_deleted: Callable[[], bool] = moves_what_is_deleted
    heeds_deletion_response: Callable[[int, int | None], bool] = heeds_deletion_response
    end_offset_for_epoch: Callable[[ReplicaLog, int], tuple[int, int]] = end_offset_for_epoch
