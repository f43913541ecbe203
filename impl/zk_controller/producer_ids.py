"""Blocks of producer ids, each given once. Source: ZkProducerIdManager, KafkaController.processAllocateProducerIds."""

from impl.zk_controller import paths, zk, znodes
from impl.zk_controller.messages import AllocateProducerIdsRequest, AllocateProducerIdsResponse
from impl.zk_controller.names import Error
from impl.zk_controller.tasks import Program
from impl.zk_controller.thread import ControllerThread
from impl.zookeeper.codes import ErrorCode
from impl.zookeeper.requests import GetData, SetData


def next_block(broker: int) -> Program[znodes.ProducerIds]:
    """Take the next block, by compare-and-set; after a failure read again: the write may be one's own. getNewProducerIdBlock."""
    path = paths.PRODUCER_ID_BLOCK
    while True:
        found = zk.expect((yield from zk.ask(GetData(path))), path)
        assert found.stat is not None, "a read without error has a stat"
        newest = znodes.decode_producer_ids(found.data)
        first = 0 if newest is None else newest.last + 1
        block = znodes.ProducerIds(broker, first, first + znodes.PRODUCER_ID_BLOCK_SIZE - 1)
        data = znodes.encode_producer_ids(block)
        answer = zk.expect((yield from zk.ask(SetData(path, data, found.stat.version))), path, ErrorCode.BAD_VERSION)
        if not answer.error:
            return block
        again = zk.expect((yield from zk.ask(GetData(path))), path)
        if again.data == data:
            return (
                block  # The answer was lost, and the write tried again: it found its own. checkProducerIdBlockZkData.
            )


def on_allocate(t: ControllerThread, request: AllocateProducerIdsRequest) -> Program[AllocateProducerIdsResponse]:
    """Give a broker a block. processAllocateProducerIds."""
    if not t.is_active:
        return AllocateProducerIdsResponse(Error.NOT_CONTROLLER)
    if t.context.live.get(request.broker) != request.broker_epoch:
        return AllocateProducerIdsResponse(Error.STALE_BROKER_EPOCH)
    block = yield from next_block(t.me)
    return AllocateProducerIdsResponse(Error.NONE, block.first, block.last - block.first + 1)
