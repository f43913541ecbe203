"""What Kafka asks of ZooKeeper, as programs (`tasks.Program`). Source: kafka.zk.KafkaZkClient.

A controller's writes are fenced: each is a multi of a check of the version of /controller_epoch and the write (KAFKA-6082).
"""

from attrs import frozen

from impl.zk_controller import paths, znodes
from impl.zk_controller.names import LeaderAndIsr, TopicPartition
from impl.zk_controller.rules import Rules
from impl.zk_controller.tasks import Answers, Program
from impl.zookeeper.codes import ErrorCode
from impl.zookeeper.requests import (
    ANY_VERSION,
    Answer,
    Check,
    Create,
    CreateMode,
    Delete,
    Exists,
    GetChildren,
    GetData,
    Multi,
    MultiOp,
    Operation,
    SetData,
)


class ControllerMoved(Exception):
    """Another controller has been elected: this one may not write any more. ControllerMovedException."""


class KeeperFailure(Exception):
    """ZooKeeper refused something that the caller has no use for. KeeperException."""

    def __init__(self, code: int, path: str) -> None:
        super().__init__(f"{ErrorCode(code).name} at {path}")
        self.code = code


@frozen
class Fence:
    """Under which controller epoch a write is made: the version of /controller_epoch, and whether it is checked at all."""

    version: int
    checks: bool = True


def ask(op: Operation) -> Program[Answer]:
    """One operation; its answer, error or not."""
    answers = yield (op,)
    return answers[0]


def expect(answer: Answer, path: str, *allowed: ErrorCode) -> Answer:
    """The answer, if it is no error or one of these; KeeperFailure otherwise."""
    if answer.error and answer.error not in allowed:
        raise KeeperFailure(answer.error, path)
    return answer


def fenced(fence: Fence, op: MultiOp) -> Operation:
    """The write, under the check of the epoch. wrapRequestWithControllerEpochCheck."""
    return Multi((Check(paths.CONTROLLER_EPOCH, fence.version), op)) if fence.checks else op


def unwrap(fence: Fence, answer: Answer) -> Answer:
    """The answer to the write itself; ControllerMoved when the check failed. unwrapResponseWithControllerEpochCheck."""
    if not fence.checks:
        return answer
    if answer.results:
        check, write = answer.results
        if check.error and check.error != ErrorCode.RUNTIME_INCONSISTENCY:
            raise ControllerMoved
        return write
    return expect(answer, paths.CONTROLLER_EPOCH)


def write_all(fence: Fence, ops: tuple[MultiOp, ...]) -> Program[Answers]:
    """Several writes, each by itself under the check, pipelined."""
    if not ops:
        return ()
    answers = yield tuple(fenced(fence, op) for op in ops)
    return tuple(unwrap(fence, answer) for answer in answers)


def write(fence: Fence, op: MultiOp) -> Program[Answer]:
    """One write under the check."""
    answers = yield from write_all(fence, (op,))
    return answers[0]


# --------------------------------------------------------------------------------------------------------------- controller


def get_controller(*, watch: bool = False) -> Program[int | None]:
    """The broker in /controller. getControllerId, and registerZNodeChangeHandlerAndCheckExistence."""
    if watch:
        expect((yield from ask(Exists(paths.CONTROLLER, watch=True))), paths.CONTROLLER, ErrorCode.NO_NODE)
    answer = expect((yield from ask(GetData(paths.CONTROLLER, watch=watch))), paths.CONTROLLER, ErrorCode.NO_NODE)
    return None if answer.error else znodes.decode_controller(answer.data)


def get_controller_epoch() -> Program[tuple[int, int] | None]:
    """(epoch, version) in /controller_epoch. getControllerEpoch."""
    path = paths.CONTROLLER_EPOCH
    answer = expect((yield from ask(GetData(path))), path, ErrorCode.NO_NODE)
    return None if answer.stat is None else (znodes.decode_controller_epoch(answer.data), answer.stat.version)


def register_controller(broker: int, rules: Rules) -> Program[tuple[int, int]]:
    """Become the controller: the new epoch and its version. registerControllerAndIncrementControllerEpoch.

    Raises ControllerMoved when somebody else is.
    """
    known = yield from get_controller_epoch()
    if known is None:
        created = yield from ask(Create(paths.CONTROLLER_EPOCH, znodes.encode_controller_epoch(0)))
        expect(created, paths.CONTROLLER_EPOCH, ErrorCode.NODE_EXISTS)
        known = (yield from get_controller_epoch()) if created.error else (0, 0)
        if known is None:
            raise KeeperFailure(ErrorCode.NO_NODE, paths.CONTROLLER_EPOCH)
    epoch, version = known
    create = Create(paths.CONTROLLER, znodes.encode_controller(broker), mode=CreateMode.EPHEMERAL)
    bump = SetData(paths.CONTROLLER_EPOCH, znodes.encode_controller_epoch(epoch + 1), version)
    if not rules.elects_atomically():
        return (yield from _create_then_bump(create, bump))
    answer = yield from ask(Multi((create, bump)))
    error = next((part.error for part in answer.results if part.error), answer.error)
    if not error:
        return epoch + 1, version + 1
    if error not in (ErrorCode.NODE_EXISTS, ErrorCode.BAD_VERSION):
        raise KeeperFailure(error, paths.CONTROLLER)
    if not rules.recognises_own_election():
        raise ControllerMoved
    return (yield from _check_controller_and_epoch(broker, epoch + 1))


def _check_controller_and_epoch(broker: int, epoch: int) -> Program[tuple[int, int]]:
    """Whether an earlier try of one's own, whose answer was lost, has succeeded. checkControllerAndEpoch."""
    holder = yield from get_controller()
    if holder != broker:
        raise ControllerMoved
    known = yield from get_controller_epoch()
    if known is None or known[0] != epoch:
        raise ControllerMoved
    return known


def _create_then_bump(create: Create, bump: SetData) -> Program[tuple[int, int]]:
    """The election before KAFKA-6082: two writes, the second with the version that was read before the first."""
    answer = expect((yield from ask(create)), create.path, ErrorCode.NODE_EXISTS)
    if answer.error:
        raise ControllerMoved
    known = yield from get_controller_epoch()
    assert known is not None, "the epoch was read or created before"
    bumped = yield from ask(SetData(bump.path, znodes.encode_controller_epoch(known[0] + 1), ANY_VERSION))
    stat = expect(bumped, bump.path).stat
    assert stat is not None, "setData is answered with a stat"
    return known[0] + 1, stat.version


# ------------------------------------------------------------------------------------------------------------------ brokers


def get_all_brokers(*, watch: bool = False) -> Program[dict[int, int]]:
    """The registered brokers with their epochs, by id. getAllBrokerAndEpochsInCluster."""
    names = yield from get_children(paths.BROKER_IDS, watch=watch)
    ids = sorted(int(name) for name in names)
    if not ids:
        return {}
    answers = yield tuple(GetData(paths.broker_id(broker)) for broker in ids)
    return {broker: answer.stat.czxid for broker, answer in zip(ids, answers, strict=True) if answer.stat is not None}


def get_children(path: str, *, watch: bool = False) -> Program[tuple[str, ...]]:
    """The children, sorted; none where there is no znode. getChildren."""
    answer = expect((yield from ask(GetChildren(path, watch=watch))), path, ErrorCode.NO_NODE)
    return answer.children


def delete_children(fence: Fence, path: str, names: tuple[str, ...]) -> Program[None]:
    """Delete these notifications. deleteIsrChangeNotifications."""
    answers = yield from write_all(fence, tuple(Delete(f"{path}/{name}") for name in names))
    for answer in answers:
        expect(answer, path, ErrorCode.NO_NODE)


# ------------------------------------------------------------------------------------------------------------------- topics


def get_topics(names: tuple[str, ...], *, watch: bool = False) -> Program[dict[str, znodes.TopicContent]]:
    """Ids and assignments of the topics that exist. getReplicaAssignmentAndTopicIdForTopics."""
    if not names:
        return {}
    answers = yield tuple(GetData(paths.topic(name), watch=watch) for name in names)
    return {
        name: znodes.decode_topic(answer.data)
        for name, answer in zip(names, answers, strict=True)
        if not expect(answer, paths.topic(name), ErrorCode.NO_NODE).error
    }


def set_topic(fence: Fence, name: str, content: znodes.TopicContent) -> Program[Answer]:
    """Replace the assignment of a topic. setTopicAssignmentRaw."""
    return (yield from write(fence, SetData(paths.topic(name), znodes.encode_topic(content))))


def get_states(tps: tuple[TopicPartition, ...]) -> Program[dict[TopicPartition, LeaderAndIsr]]:
    """Leadership of the partitions that have any. getTopicPartitionStates."""
    if not tps:
        return {}
    answers = yield tuple(GetData(paths.partition_state(tp)) for tp in tps)
    states: dict[TopicPartition, LeaderAndIsr] = {}
    for tp, answer in zip(tps, answers, strict=True):
        expect(answer, paths.partition_state(tp), ErrorCode.NO_NODE)
        if answer.stat is not None:
            states[tp] = znodes.decode_state(answer.data, answer.stat.version)
    return states


def watch_state(tp: TopicPartition) -> Program[None]:
    """Be told when the state of a partition changes. registerZNodeChangeHandlerAndCheckExistence."""
    yield from ask(Exists(paths.partition_state(tp), watch=True))


def create_states(fence: Fence, states: dict[TopicPartition, LeaderAndIsr]) -> Program[dict[TopicPartition, int]]:
    """Create the state znodes, parents first; the error of each. createTopicPartitionStatesRaw."""
    topics = tuple(sorted({tp.topic for tp in states}))
    yield from write_all(fence, tuple(Create(paths.partitions(name), None) for name in topics))
    yield from write_all(fence, tuple(Create(paths.partition(tp), None) for tp in states))
    ops = tuple(Create(paths.partition_state(tp), znodes.encode_state(state)) for tp, state in states.items())
    answers = yield from write_all(fence, ops)
    return {tp: answer.error for tp, answer in zip(states, answers, strict=True)}


def update_states(
    fence: Fence, states: dict[TopicPartition, LeaderAndIsr]
) -> Program[tuple[dict[TopicPartition, LeaderAndIsr], tuple[TopicPartition, ...], tuple[TopicPartition, ...]]]:
    """Compare and set, by the partition epochs in them: (written, with the new ones; to be tried again; failed).

    updateLeaderAndIsr.
    """
    ops = tuple(
        SetData(paths.partition_state(tp), znodes.encode_state(state), state.partition_epoch)
        for tp, state in states.items()
    )
    answers = yield from write_all(fence, ops)
    written: dict[TopicPartition, LeaderAndIsr] = {}
    again: list[TopicPartition] = []
    failed: list[TopicPartition] = []
    for (tp, state), answer in zip(states.items(), answers, strict=True):
        if not answer.error and answer.stat is not None:
            written[tp] = znodes.decode_state(znodes.encode_state(state), answer.stat.version)
        elif answer.error == ErrorCode.BAD_VERSION:
            again.append(tp)
        else:
            failed.append(tp)
    return written, tuple(again), tuple(failed)


def delete_recursively(fence: Fence, path: str) -> Program[None]:
    """Delete a znode and all below it, each under the check. deleteRecursive."""
    answer = expect((yield from ask(GetChildren(path))), path, ErrorCode.NO_NODE)
    for name in answer.children:
        yield from delete_recursively(fence, f"{path}/{name}")
    expect((yield from write(fence, Delete(path))), path, ErrorCode.NO_NODE)
