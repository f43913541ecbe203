"""What a broker does in ZooKeeper for clients, whichever broker they ask. Source: ZkAdminManager, AdminZkClient, ConfigHelper.

These writes are not under the controller's epoch. A client is answered once the request is in ZooKeeper; Kafka waits besides
until the broker's own cache shows it, or the client's timeout is over.

Deviations, so that a client is told the truth when a connection to ZooKeeper breaks: a write that is tried again recognises its
own first try, by the topic's id or by the value (Kafka answers TOPIC_ALREADY_EXISTS); the conditional update, by the version of
the configuration's znode, is an operation of this suite's clients, not of Kafka's.
"""

from impl.operations import Operation
from impl.zk_controller import paths, zk, znodes
from impl.zk_controller.messages import MetadataRequest, MetadataResponse
from impl.zk_controller.names import Assignment, Error
from impl.zk_controller.tasks import Program
from impl.zk_controller.work import OperateOn
from impl.zookeeper.codes import ErrorCode
from impl.zookeeper.requests import ANY_VERSION, Create, CreateMode, Exists, GetData, SetData, Sync

VALUE = "value"
"""The one configuration key that the simulated clients set."""


def operate(work: OperateOn) -> Program[MetadataResponse]:
    """Carry out an operation; raises KeeperFailure where ZooKeeper refuses what nobody expects it to."""
    operation = work.request.operation
    match operation.f:
        case "create_topic":
            return (yield from _create_topic(work))
        case "delete_topic":
            return (yield from _delete_topic(operation.key))
        case "set_config" | "update":
            return (yield from _set_config(operation))
        case "sync_read":
            yield from zk.ask(Sync(paths.topic(operation.key)))
            return (yield from _read(operation.key))
        case _:
            raise ValueError(f"{operation} needs no ZooKeeper")


def place(request: MetadataRequest, live: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """The replicas of every partition: as asked for, or one partition on up to three live brokers. assignReplicasToBrokers.

    Deviation: Kafka begins at a random broker; here it is taken from the topic's name.
    """
    if request.assignment:
        return request.assignment
    if not live:
        return ()
    start = sum(request.operation.key.encode()) % len(live)
    return (tuple(live[(start + n) % len(live)] for n in range(min(3, len(live)))),)


def _create_topic(work: OperateOn) -> Program[MetadataResponse]:
    """The configuration first, then the topic with its assignment. createTopicWithAssignment."""
    name = work.request.operation.key
    replicas = place(work.request, work.live)
    if not replicas or any(not part or len(set(part)) != len(part) for part in replicas):
        return MetadataResponse(Error.INVALID_REPLICA_ASSIGNMENT)
    there = zk.expect((yield from zk.ask(Exists(paths.topic(name)))), name, ErrorCode.NO_NODE)
    if not there.error:
        return MetadataResponse(Error.TOPIC_ALREADY_EXISTS)
    path, config = paths.topic_config(name), znodes.encode_config({})
    written = zk.expect((yield from zk.ask(SetData(path, config, ANY_VERSION))), path, ErrorCode.NO_NODE)
    if written.error:
        zk.expect((yield from zk.ask(Create(path, config))), path, ErrorCode.NODE_EXISTS)
    content = znodes.TopicContent(work.topic_id, tuple((n, Assignment(part)) for n, part in enumerate(replicas)))
    created = yield from zk.ask(Create(paths.topic(name), znodes.encode_topic(content)))
    zk.expect(created, name, ErrorCode.NODE_EXISTS)
    if created.error:
        found = (yield from zk.get_topics((name,))).get(name)
        if found is None or found.topic_id != work.topic_id:
            return MetadataResponse(Error.TOPIC_ALREADY_EXISTS)
    return MetadataResponse(Error.NONE, exists=True)


def _delete_topic(name: str) -> Program[MetadataResponse]:
    """Ask the controller, by a znode. AdminZkClient.deleteTopic."""
    there = zk.expect((yield from zk.ask(Exists(paths.topic(name)))), name, ErrorCode.NO_NODE)
    if there.error:
        return MetadataResponse(Error.UNKNOWN_TOPIC_OR_PARTITION)
    zk.expect((yield from zk.ask(Create(paths.delete_topic(name), None))), name, ErrorCode.NODE_EXISTS)
    return MetadataResponse(Error.NONE)


def _set_config(operation: Operation) -> Program[MetadataResponse]:
    """The configuration, then the notification that it has changed. changeTopicConfig, changeEntityConfig."""
    name, path = operation.key, paths.topic_config(operation.key)
    there = zk.expect((yield from zk.ask(Exists(paths.topic(name)))), name, ErrorCode.NO_NODE)
    if there.error:
        return MetadataResponse(Error.UNKNOWN_TOPIC_OR_PARTITION)
    data = znodes.encode_config({VALUE: operation.value})
    expected = ANY_VERSION if operation.expected_version is None else operation.expected_version
    answer = yield from zk.ask(SetData(path, data, expected))
    zk.expect(answer, path, ErrorCode.NO_NODE, ErrorCode.BAD_VERSION)
    if answer.error == ErrorCode.NO_NODE:
        return MetadataResponse(Error.UNKNOWN_TOPIC_OR_PARTITION)
    stat = answer.stat
    if answer.error:
        found = zk.expect((yield from zk.ask(GetData(path))), path, ErrorCode.NO_NODE)
        if found.data != data or found.stat is None or found.stat.version != expected + 1:
            return MetadataResponse(Error.INVALID_UPDATE_VERSION)
        stat = found.stat
    change = znodes.encode_config_change(name)
    note = Create(paths.CONFIG_CHANGE_PREFIX, change, mode=CreateMode.PERSISTENT_SEQUENTIAL)
    zk.expect((yield from zk.ask(note)), paths.CONFIG_CHANGES)
    assert stat is not None, "setData is answered with a stat"
    return MetadataResponse(Error.NONE, True, stat.version, operation.value)


def _read(name: str) -> Program[MetadataResponse]:
    """What ZooKeeper has of a topic. ConfigHelper.describeConfigs."""
    there = zk.expect((yield from zk.ask(Exists(paths.topic(name)))), name, ErrorCode.NO_NODE)
    found = zk.expect((yield from zk.ask(GetData(paths.topic_config(name)))), name, ErrorCode.NO_NODE)
    if there.error or found.stat is None:
        return MetadataResponse(Error.NONE)
    return MetadataResponse(Error.NONE, True, found.stat.version, znodes.decode_config(found.data).get(VALUE))
