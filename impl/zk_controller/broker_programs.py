"""The programs of a broker's threads. Source: KafkaServer.startup, ZkNodeChangeNotificationListener, ReplicationUtils."""

from typing import assert_never

from impl.zk_controller import admin, paths, zk, znodes
from impl.zk_controller.events import ConfigApplied, IsrWritten, Registered, ReplyTo
from impl.zk_controller.messages import MetadataResponse
from impl.zk_controller.names import Error
from impl.zk_controller.registration import create_persistent_paths, register_broker
from impl.zk_controller.tasks import Program, SessionExpired
from impl.zk_controller.work import (
    BrokerThread,
    BrokerWork,
    OperateOn,
    Propagate,
    ReadChanges,
    ReadConfig,
    StartUp,
    WriteIsr,
)
from impl.zk_controller.zk import KeeperFailure
from impl.zookeeper.codes import ErrorCode
from impl.zookeeper.requests import Create, CreateMode, GetData, SetData


def work_on(t: BrokerThread, work: BrokerWork) -> Program[bool]:
    """Do it; whether it was done. What ZooKeeper refuses, or the end of the session, ends it."""
    try:
        match work:
            case StartUp(session):
                yield from create_persistent_paths()
                epoch = yield from register_broker(t.config.broker, t.config.rules, session, None)
                t.output.append(Registered(epoch, session))
            case ReadChanges(last, everything):
                yield from _read_changes(t, last, everything)
            case ReadConfig(topic):
                yield from _read_config(t, topic, None)
            case OperateOn(caller):
                t.output.append(ReplyTo(caller, (yield from admin.operate(work))))
            case WriteIsr():
                yield from _write_isr(t, work)
            case Propagate(changed):
                data = znodes.encode_isr_change(changed)
                note = Create(paths.ISR_CHANGE_PREFIX, data, mode=CreateMode.PERSISTENT_SEQUENTIAL)
                zk.expect((yield from zk.ask(note)), paths.ISR_CHANGES)
            case _:
                assert_never(work)
    except (KeeperFailure, SessionExpired):
        if isinstance(work, OperateOn):
            # It may have taken effect.
            t.output.append(ReplyTo(work.caller, MetadataResponse(Error.UNKNOWN_SERVER_ERROR)))
        return False
    return True


def _read_changes(t: BrokerThread, last: int, everything: bool) -> Program[None]:
    """Carry out the notifications that have not been, in order. processNotifications.

    Deviation: notifications are not purged (Kafka deletes those older than 15 minutes).
    """
    names = yield from zk.get_children(paths.CONFIG_CHANGES, watch=True)
    if everything:
        for topic in (yield from zk.get_children(paths.TOPIC_CONFIGS)):
            yield from _read_config(t, topic, None)
    for name in names:
        number = paths.sequence_number(name)
        if number > last:
            answer = zk.expect((yield from zk.ask(GetData(f"{paths.CONFIG_CHANGES}/{name}"))), name, ErrorCode.NO_NODE)
            topic = "" if answer.error else znodes.decode_config_change(answer.data)
            yield from _read_config(t, topic, number)


def _read_config(t: BrokerThread, topic: str, change: int | None) -> Program[None]:
    path = paths.topic_config(topic)
    answer = zk.expect((yield from zk.ask(GetData(path))), path, ErrorCode.NO_NODE)
    if answer.stat is None:
        t.output.append(ConfigApplied(topic, None, (), change))
    else:
        values = tuple(sorted(znodes.decode_config(answer.data).items()))
        t.output.append(ConfigApplied(topic, answer.stat.version, values, change))


def _write_isr(t: BrokerThread, work: WriteIsr) -> Program[None]:
    """Compare and set; after a failure the write may have been one's own, whose answer was lost (KAFKA-1382).

    ReplicationUtils.updateLeaderAndIsr, checkLeaderAndIsrZkData.
    """
    tp, wanted = work.tp, work.wanted
    path, data = paths.partition_state(tp), znodes.encode_state(wanted)
    version: int | None = None
    answer = yield from zk.ask(SetData(path, data, wanted.partition_epoch))
    if answer.stat is not None and not answer.error:
        version = answer.stat.version
    elif answer.error == ErrorCode.BAD_VERSION:
        found = yield from zk.ask(GetData(path))
        if found.stat is not None and found.data == data:
            version = found.stat.version
    t.output.append(IsrWritten(tp, wanted, version))
