"""What a broker does for clients, whoever the controller is. Source: KafkaApis, ZkAdminManager, RPCProducerIdManager."""

from typing import assert_never

from attrs import evolve

from impl.zk_controller import leader, threads
from impl.zk_controller.admin import VALUE
from impl.zk_controller.events import FromBroker
from impl.zk_controller.messages import (
    AllocateProducerIdsRequest,
    AllocateProducerIdsResponse,
    Caller,
    ClientBody,
    MetadataRequest,
    MetadataResponse,
    ProduceRequest,
    ProducerIdRequest,
    ProducerIdResponse,
    ReassignRequest,
)
from impl.zk_controller.names import NO_CONTROLLER, Error
from impl.zk_controller.state import ProducerIdPool
from impl.zk_controller.turn import Turn
from impl.zk_controller.work import OperateOn

PRODUCER_ID_TIMER = "producer_ids"


def on_client_request(turn: Turn, caller: Caller, body: ClientBody) -> None:
    """Answer, or begin what leads to an answer."""
    match body:
        case ProduceRequest():
            leader.on_produce(turn, caller, body)
        case MetadataRequest() if body.operation.f == "read":
            turn.reply(caller, _read(turn, body))
        case MetadataRequest():
            _operate(turn, caller, body)
        case ReassignRequest():
            threads.put(turn, FromBroker(caller, body))
        case ProducerIdRequest():
            pool = turn.state.producer_ids
            turn.state = evolve(turn.state, producer_ids=evolve(pool, waiting=(*pool.waiting, caller)))
            serve_producer_ids(turn)
        case _:
            assert_never(body)


def _read(turn: Turn, body: MetadataRequest) -> MetadataResponse:
    """What this broker's cache has, which may be old. MetadataRequest."""
    topic = body.operation.key
    exists = any(tp.topic == topic for tp in turn.state.cache.partitions)
    config = turn.state.configs.get(topic)
    if not exists or config is None:
        return MetadataResponse(Error.NONE, exists)
    return MetadataResponse(Error.NONE, True, config.version, dict(config.values).get(VALUE))


def _operate(turn: Turn, caller: Caller, body: MetadataRequest) -> None:
    """Have a thread do it in ZooKeeper; a topic that is created gets an id that no other has."""
    state = turn.state
    number = state.created
    topic_id = f"{turn.me}.{state.incarnation}.{number}"
    turn.state = evolve(state, created=number + 1)
    work = OperateOn(caller, body, topic_id, state.cache.live_brokers)
    threads.start_thread(turn, f"request:{number}", work)


# ------------------------------------------------------------------------------------------------------------- producer ids


def serve_producer_ids(turn: Turn) -> None:
    """Give ids while there are any, then ask for another block. generateProducerId."""
    pool = turn.state.producer_ids
    while pool.waiting and pool.left:
        turn.reply(pool.waiting[0], ProducerIdResponse(Error.NONE, pool.next_id))
        pool = evolve(pool, next_id=pool.next_id + 1, left=pool.left - 1, waiting=pool.waiting[1:])
    turn.state = evolve(turn.state, producer_ids=pool)
    if not pool.waiting or pool.correlation is not None:
        return
    turn.set_timer(PRODUCER_ID_TIMER, turn.config.settings.request_timeout)
    controller = turn.state.cache.controller
    if controller != NO_CONTROLLER:
        correlation = turn.request(controller, AllocateProducerIdsRequest(turn.me, turn.state.broker_epoch))
        turn.state = evolve(turn.state, producer_ids=evolve(pool, correlation=correlation))


def on_producer_ids(turn: Turn, correlation: int, response: AllocateProducerIdsResponse) -> None:
    """A block, or not. handleAllocateProducerIdsResponse."""
    pool: ProducerIdPool = turn.state.producer_ids
    if pool.correlation != correlation:
        return
    if response.error is not Error.NONE:
        turn.state = evolve(turn.state, producer_ids=evolve(pool, correlation=None))
        turn.set_timer(PRODUCER_ID_TIMER, turn.config.settings.retry_backoff)
        return
    turn.cancel_timer(PRODUCER_ID_TIMER)
    filled = evolve(pool, next_id=response.first, left=response.count, correlation=None)
    turn.state = evolve(turn.state, producer_ids=filled)
    serve_producer_ids(turn)


def on_producer_id_timer(turn: Turn) -> None:
    """No answer: ask again."""
    turn.state = evolve(turn.state, producer_ids=evolve(turn.state.producer_ids, correlation=None))
    serve_producer_ids(turn)
