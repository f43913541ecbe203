"""The decisions of controllers and brokers: small pure functions that a historical bug replaces by name."""

from typing import Any

from model.language import Not, minimum, rule


@rule
def is_own_session(owner: Any, session: Any, remembered: Any) -> Any:
    """A znode that is in the way of a registration is the broker's own: its session owns it. CheckedEphemeral.getAfterNodeExists."""
    return owner == session


@rule
def is_former_session(owner: Any, remembered: Any) -> Any:
    """It is left over from a former session of the same process, and may be replaced (KAFKA-7165)."""
    return owner == remembered


@rule
def resigns_when_expired(expired: Any) -> Any:
    """A controller whose session has expired resigns before it gets a new one. KafkaController.processExpire."""
    return expired


@rule
def is_own_election(mine: Any) -> Any:
    """A failed multi is found to have succeeded before: /controller names the broker, with the epoch after the one it read.

    KafkaZkClient.checkControllerAndEpoch.
    """
    return mine


@rule
def elects_when_changed(gone: Any) -> Any:
    """A broker that reads on ControllerChange that /controller is gone stands for controller. KafkaController.processControllerChange."""
    return gone


@rule
def may_write(acting: Any, current: Any) -> Any:
    """A controller's write goes through: /controller_epoch is still its own, checked in the same transaction (KAFKA-6082)."""
    return acting == current


@rule
def acting_epoch(own: Any, current: Any) -> Any:
    """The epoch that a controller writes and sends: the one that it was elected with (KAFKA-1096)."""
    return own


@rule
def learns_brokers_first(first: Any) -> Any:
    """A new controller tells the brokers who is live before it tells them their roles (KAFKA-4443). onControllerFailover."""
    return first


@rule
def shrinks_at_start(offline: Any) -> Any:
    """A new controller moves the replicas of dead brokers to OfflineReplica (KAFKA-3143). ReplicaStateMachine.startup."""
    return offline


@rule
def has_bounced(known: Any, registered: Any) -> Any:
    """A broker has registered again since the controller looked (KAFKA-7235, KIP-380). KafkaController.processBrokerChange."""
    return (known > 0) & (registered > known)


@rule
def is_for_this_incarnation(meant: Any, own: Any) -> Any:
    """A request is meant for this registration of the broker, or a later one (KIP-380). KafkaApis.isBrokerEpochStale."""
    return meant >= own


@rule
def is_controller_current(sender: Any, known: Any) -> Any:
    """A request comes from no older controller than the newest known. ReplicaManager.becomeLeaderOrFollower."""
    return sender >= known


@rule
def is_newer_leader_epoch(offered: Any, current: Any) -> Any:
    """LeaderAndIsr takes effect: its leader epoch is above the replica's. ReplicaManager.becomeLeaderOrFollower."""
    return offered > current


@rule
def may_lead(live: Any, in_sync: Any) -> Any:
    """A replica may be elected: it is live and in sync. PartitionLeaderElectionAlgorithms.offlinePartitionLeaderElection."""
    return live & in_sync


@rule
def keeps_last_member(alone: Any) -> Any:
    """The last member of an ISR stays in it. KafkaController / ReplicaStateMachine.doRemoveReplicasFromIsr."""
    return alone


@rule
def cut_at(leader_end: Any, local_end: Any, end: Any) -> Any:
    """Where a follower cuts its log: where the epoch that the leader named ends, with the leader or with itself (KIP-279)."""
    return minimum(leader_end, local_end)


@rule
def is_reconciled(matches: Any) -> Any:
    """The follower need not ask again: it has the epoch that the leader named. AbstractFetcherThread.getOffsetTruncationState."""
    return matches


@rule
def is_caught_up(end: Any, high_watermark: Any, epoch_start: Any) -> Any:
    """A follower may join the ISR: it has what is committed, and all that the leader had at first (KAFKA-7128).

    Partition.isFollowerInSync.
    """
    return (end >= high_watermark) & (end >= epoch_start)


@rule
def is_repeated(same: Any) -> Any:
    """An AlterPartition that asks for the present ISR succeeds, whatever version it expects (KAFKA-14144)."""
    return same


@rule
def is_eligible(live: Any, shutting_down: Any) -> Any:
    """The controller takes a replica into the ISR: its broker is live and is not shutting down (KAFKA-14140)."""
    return live & Not(shutting_down)


@rule
def loses_disk(in_isr: Any) -> Any:
    """A broker that is down may lose its disk: none does, by default. Kafka in ZooKeeper mode is not safe if one does (KAFKA-14617)."""
    return in_isr & Not(in_isr)


@rule
def is_current_registration(asking: Any, known: Any) -> Any:
    """ControlledShutdown comes from the registration that the controller knows, or a later one (KIP-380)."""
    return asking >= known


@rule
def is_removed(confirmed: Any) -> Any:
    """A replica counts as deleted: its broker has said so. TopicDeletionManager.resumeDeletions."""
    return confirmed


@rule
def is_same_topic(hosted: Any, offered: Any) -> Any:
    """LeaderAndIsr is for the topic whose log the broker has, or it has none. INCONSISTENT_TOPIC_ID otherwise (KIP-516)."""
    return (hosted == 0) | (hosted == offered)


@rule
def is_target_in_sync(in_isr: Any) -> Any:
    """A replica of a reassignment's target counts as ready: it is in the ISR that was read from ZooKeeper. isReassignmentComplete."""
    return in_isr


@rule
def forgets_leaving(leaving: Any) -> Any:
    """While the other replicas leave, LeaderAndIsr names the target only, so that the leader does not take them back into the ISR (B3)."""
    return leaving


@rule
def goes_online(deleted: Any) -> Any:
    """The replica of a new broker is told its role: it was not deleted before. ReplicaState.OnlineReplica, validPreviousStates."""
    return Not(deleted)


@rule
def next_leader_epoch(epoch: Any) -> Any:
    """The leader epoch after an election, or after a controller has taken a replica out of the ISR. LeaderAndIsr.newLeaderAndIsr."""
    return epoch + 1


@rule
def is_written_by_newer(written: Any, own: Any) -> Any:
    """A controller leaves a state as it is that a newer one has written. PartitionStateMachine.doElectLeaderForPartitions."""
    return written > own


RULES = (
    next_leader_epoch,
    is_written_by_newer,
    goes_online,
    is_target_in_sync,
    forgets_leaving,
    is_current_registration,
    is_removed,
    is_same_topic,
    cut_at,
    is_reconciled,
    is_caught_up,
    is_repeated,
    is_eligible,
    loses_disk,
    is_own_session,
    is_former_session,
    resigns_when_expired,
    is_own_election,
    elects_when_changed,
    may_write,
    acting_epoch,
    learns_brokers_first,
    shrinks_at_start,
    has_bounced,
    is_for_this_incarnation,
    is_controller_current,
    is_newer_leader_epoch,
    may_lead,
    keeps_last_member,
)
