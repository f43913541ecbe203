"""What a broker does when a controller tells it something. Source: KafkaApis, ReplicaManager, ZkMetadataCache.

A request for an earlier incarnation of the broker, or of an earlier controller, is refused.
"""

from attrs import evolve

from impl.zk_controller import follower, leader
from impl.zk_controller.effects import CreateReplica, DeleteReplica
from impl.zk_controller.messages import (
    Caller,
    ControlRequest,
    ControlResponse,
    LeaderAndIsrPartition,
    LeaderAndIsrRequest,
    StopReplicaPartition,
    StopReplicaRequest,
    UpdateMetadataRequest,
)
from impl.zk_controller.names import EPOCH_DURING_DELETE, LEADER_DURING_DELETE, NO_EPOCH, Error, TopicPartition
from impl.zk_controller.state import MetadataCache
from impl.zk_controller.threads import start_thread
from impl.zk_controller.turn import Turn
from impl.zk_controller.work import ReadConfig


def on_control_request(turn: Turn, caller: Caller, request: ControlRequest) -> None:
    """Check who asks whom, then do it. handleLeaderAndIsrRequest, handleStopReplicaRequest, handleUpdateMetadataRequest.

    A request that arrives after a later one of the same controller is dropped: connections keep the order in Kafka, the
    network here does not. What was not answered is sent again.
    """
    if caller.correlation <= turn.state.heard.get(caller.address, -1):
        return
    turn.state = evolve(turn.state, heard={**turn.state.heard, caller.address: caller.correlation})
    if turn.config.rules.is_stale_broker_epoch(request.broker_epoch, turn.state.broker_epoch):
        turn.reply(caller, ControlResponse(Error.STALE_BROKER_EPOCH))
        return
    if request.controller_epoch < turn.state.controller_epoch:
        turn.reply(caller, ControlResponse(Error.STALE_CONTROLLER_EPOCH))
        return
    turn.state = evolve(turn.state, controller_epoch=request.controller_epoch)
    errors: tuple[tuple[TopicPartition, Error], ...]
    match request:
        case LeaderAndIsrRequest():
            errors = tuple((part.tp, _become(turn, part)) for part in request.partitions)
        case StopReplicaRequest():
            errors = tuple((part.tp, _stop(turn, part)) for part in request.partitions)
        case UpdateMetadataRequest():
            _update_cache(turn, request)
            errors = ()
    turn.reply(caller, ControlResponse(Error.NONE, errors))


def _become(turn: Turn, part: LeaderAndIsrPartition) -> Error:
    """Lead or follow, if that is news. becomeLeaderOrFollower."""
    tp, state = part.tp, part.state
    if turn.me not in part.replicas:
        return Error.UNKNOWN_TOPIC_OR_PARTITION
    log = turn.state.logs.get(tp)
    if log is not None and log.topic_id != part.topic_id:
        return Error.INCONSISTENT_TOPIC_ID
    known = turn.state.partitions.get(tp)
    if known is not None and state.leader_epoch <= known.leader_epoch:
        return Error.STALE_CONTROLLER_EPOCH
    if log is None:
        turn.write(CreateReplica(tp, part.topic_id))
    if state.leader == turn.me:
        follower.stop_fetching(turn, tp)
        leader.make_leader(turn, part)
    else:
        if known is not None and known.leader == turn.me:
            leader.cease_to_lead(turn, tp)
        follower.make_follower(turn, part)
    return Error.NONE


def _stop(turn: Turn, part: StopReplicaPartition) -> Error:
    """Stop fetching, and delete the log if so asked. stopReplicas."""
    tp = part.tp
    known = turn.state.partitions.get(tp)
    accepted = part.leader_epoch in (EPOCH_DURING_DELETE, NO_EPOCH)
    if known is not None and not accepted and part.leader_epoch < known.leader_epoch:
        return Error.FENCED_LEADER_EPOCH
    follower.stop_fetching(turn, tp)
    if part.delete:
        if known is not None:
            leader.cease_to_lead(turn, tp)
            left = {other: partition for other, partition in turn.state.partitions.items() if other != tp}
            turn.state = evolve(turn.state, partitions=left)
        if tp in turn.state.logs:
            turn.write(DeleteReplica(tp))
    return Error.NONE


def _update_cache(turn: Turn, request: UpdateMetadataRequest) -> None:
    """Who is alive, who is the controller, and what is new of partitions. ZkMetadataCache.updateMetadata."""
    cache = turn.state.cache
    partitions = dict(cache.partitions)
    for part in request.partitions:
        if part.leader == LEADER_DURING_DELETE:
            partitions.pop(part.tp, None)
        else:
            partitions[part.tp] = part
    turn.state = evolve(turn.state, cache=MetadataCache(request.controller, request.live_brokers, partitions))
    before = {part.tp.topic: part.topic_id for part in cache.partitions.values()}
    after = {part.tp.topic: part.topic_id for part in partitions.values()}
    for topic in before:
        if topic not in after:
            configs = {name: config for name, config in turn.state.configs.items() if name != topic}
            turn.state = evolve(turn.state, configs=configs)
    for topic, topic_id in after.items():
        if before.get(topic) != topic_id:
            start_thread(turn, f"config:{topic}", ReadConfig(topic))
