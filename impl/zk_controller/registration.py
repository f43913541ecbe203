"""The registration of a broker: an ephemeral znode whose czxid is the broker's epoch. Source: KafkaZkClient.registerBroker."""

from impl.zk_controller import paths, zk, znodes
from impl.zk_controller.rules import Rules
from impl.zk_controller.tasks import Program
from impl.zk_controller.zk import KeeperFailure
from impl.zookeeper.codes import ErrorCode
from impl.zookeeper.requests import ANY_VERSION, Create, CreateMode, Delete, GetData, Multi, SetData


def create_persistent_paths() -> Program[None]:
    """What every broker expects to be there. createTopLevelPaths."""
    for path in paths.PERSISTENT:
        zk.expect((yield from zk.ask(Create(path, b""))), path, ErrorCode.NODE_EXISTS)


def register_broker(broker: int, rules: Rules, session: int | None, registered_in: int | None) -> Program[int]:
    """Register; the broker's epoch. CheckedEphemeral.create.

    A registration that exists may be this session's (the answer was lost): it is taken. It may be that of an earlier
    session of this process: ZooKeeper should have removed it (ZOOKEEPER-2985), it is deleted (KAFKA-7165). It may be
    somebody else's: KeeperFailure NODE_EXISTS.
    """
    path, data = paths.broker_id(broker), znodes.encode_broker(broker)
    # The second operation makes the transaction's answer carry a stat, and with it the czxid.
    create = Multi((Create(path, None, mode=CreateMode.EPHEMERAL), SetData(path, data, 0)))
    while True:
        answer = yield from zk.ask(create)
        error = next((part.error for part in answer.results if part.error), answer.error)
        if not error:
            stat = answer.results[1].stat
            assert stat is not None, "setData is answered with a stat"
            return stat.czxid
        if error != ErrorCode.NODE_EXISTS:
            raise KeeperFailure(error, path)
        found = zk.expect((yield from zk.ask(GetData(path))), path, ErrorCode.NO_NODE)
        if found.stat is None:
            continue  # It vanished meanwhile.
        owner = found.stat.ephemeral_owner
        if rules.registration_is_own(owner, session):
            return found.stat.czxid
        if owner != registered_in:
            raise KeeperFailure(ErrorCode.NODE_EXISTS, path)
        zk.expect((yield from zk.ask(Delete(path, ANY_VERSION))), path, ErrorCode.NO_NODE)
