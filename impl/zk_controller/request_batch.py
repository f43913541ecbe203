"""What one event of the controller has for the brokers, sent at once. Source: AbstractControllerBrokerRequestBatch.

Order per broker: LeaderAndIsr, UpdateMetadata, StopReplica. Every request is stamped with the epoch of the broker it is for.
"""

from impl.zk_controller.events import Enqueue
from impl.zk_controller.messages import (
    LeaderAndIsrPartition,
    LeaderAndIsrRequest,
    PartitionMetadata,
    StopReplicaPartition,
    StopReplicaRequest,
    UpdateMetadataRequest,
)
from impl.zk_controller.names import EPOCH_DURING_DELETE, LEADER_DURING_DELETE, NO_EPOCH, TopicPartition
from impl.zk_controller.thread import ControllerThread


class RequestBatch:
    """Collects, then sends."""

    def __init__(self, thread: ControllerThread) -> None:
        self._t = thread
        self._leader_and_isr: dict[int, dict[TopicPartition, LeaderAndIsrPartition]] = {}
        self._metadata: dict[TopicPartition, PartitionMetadata] = {}
        self._told: list[int] = []
        self._stop: dict[int, dict[TopicPartition, StopReplicaPartition]] = {}

    def leader_and_isr(self, brokers: tuple[int, ...], tp: TopicPartition, *, is_new: bool = False) -> None:
        """Tell these brokers their role, as the cache has it, and everybody who leads. addLeaderAndIsrRequestForBrokers."""
        context = self._t.context
        state, replicas = context.leadership[tp], context.assignments[tp].replicas
        for broker in brokers:
            asked = self._leader_and_isr.setdefault(broker, {})
            new = is_new or (tp in asked and asked[tp].is_new)
            asked[tp] = LeaderAndIsrPartition(tp, context.topic_ids.get(tp.topic), state, replicas, new)
        self.update_metadata(context.live_or_shutting_down, (tp,))

    def update_metadata(self, brokers: tuple[int, ...], tps: tuple[TopicPartition, ...] = ()) -> None:
        """Tell these brokers who is alive, and of partitions that have a leadership. addUpdateMetadataRequestForBrokers."""
        context = self._t.context
        self._told.extend(broker for broker in brokers if broker not in self._told)
        for tp in tps:
            state = context.leadership.get(tp)
            if state is None:
                continue
            deleted = tp.topic in context.deletions
            assignment = context.assignments.get(tp)
            self._metadata[tp] = PartitionMetadata(
                tp,
                context.topic_ids.get(tp.topic),
                LEADER_DURING_DELETE if deleted else state.leader,
                state.leader_epoch,
                state.isr,
                state.partition_epoch,
                state.controller_epoch,
                assignment.replicas if assignment is not None else (),
            )

    def stop_replica(self, brokers: tuple[int, ...], tp: TopicPartition, *, delete: bool) -> None:
        """Have these brokers stop a replica. addStopReplicaRequestForBrokers."""
        context = self._t.context
        state = context.leadership.get(tp)
        if tp.topic in context.deletions:
            epoch = EPOCH_DURING_DELETE
        else:
            epoch = state.leader_epoch if state is not None else NO_EPOCH
        for broker in brokers:
            self._stop.setdefault(broker, {})[tp] = StopReplicaPartition(tp, epoch, delete)

    def send(self) -> None:
        """Queue it all. sendRequestsToBrokers."""
        context, put = self._t.context, self._t.put
        me, epoch = self._t.me, context.epoch
        live = context.live_or_shutting_down
        for broker in sorted(self._leader_and_isr):
            if broker in live:
                asked = tuple(self._leader_and_isr[broker].values())
                leaders = tuple(sorted({part.state.leader for part in asked if part.state.leader in live}))
                put(Enqueue(broker, LeaderAndIsrRequest(me, epoch, context.live[broker], asked, leaders)))
        metadata = tuple(self._metadata.values())
        for broker in sorted(self._told):
            if broker in live:
                known = tuple(sorted(live))
                put(Enqueue(broker, UpdateMetadataRequest(me, epoch, context.live[broker], known, metadata)))
        for broker in sorted(self._stop):
            if broker in live:
                stopped = tuple(self._stop[broker].values())
                request = StopReplicaRequest(me, epoch, context.live[broker], stopped)
                put(Enqueue(broker, request, watched=any(part.delete for part in stopped)))
