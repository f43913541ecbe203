"""Kafka's brokers in ZooKeeper mode as processes of the world, and the clients that ask them for operations on metadata.

A broker's process can die; its disk then keeps everything (a machine that dies may lose unflushed records: nothing in this mode
guards a replica against that, so it is left to tests that mean it). Messages between brokers may be late, lost and out of order.
"""

from typing import Any, ClassVar

from attrs import asdict, evolve, frozen

from impl.effects import CancelTimer, Receive, Send, SetTimer, TimerFired
from impl.operations import Operation, operation_to_json
from impl.world.applications import Application, Invoke, Record
from impl.world.clients import ClientTimings, Outcome, argument_of
from impl.world.system import Started
from impl.zk_controller import node
from impl.zk_controller.bugs import config_with
from impl.zk_controller.config import Settings
from impl.zk_controller.effects import BrokerDisk
from impl.zk_controller.messages import Message, MetadataRequest, MetadataResponse
from impl.zk_controller.names import Error
from impl.zk_controller.state import BrokerState
from impl.zookeeper.handle import Answered, Lost, Notified, SessionChanged

TIMEOUT = "operation"
_ACCEPTED_WITHOUT_END = (Error.UNKNOWN_SERVER_ERROR, Error.REQUEST_TIMED_OUT)
"""After these an operation may have taken effect."""


class Broker(Application):
    """A broker; its id is its address."""

    def __init__(self, brokers: tuple[int, ...], settings: Settings, bug: str | None = None) -> None:
        self._brokers, self._settings, self._bug = brokers, settings, bug

    def start(self, address: int, disk: Any, incarnation: int) -> Started:
        """See `node.start`."""
        return node.start(config_with(self._bug, address, self._brokers, self._settings), disk, incarnation)

    def step(self, state: BrokerState, event: Any) -> Started:
        """See `node.step`."""
        return node.step(state, event)

    def plain(self, state: BrokerState) -> Any:
        """What others see of it: its epoch, what it believes of the controller, its replicas and their logs."""
        return {
            "epoch": state.broker_epoch,
            "controller": [state.context.active, state.context.epoch],
            "cache": {str(tp): str(part) for tp, part in sorted(state.cache.partitions.items())},
            "partitions": {str(tp): str(role) for tp, role in sorted(state.partitions.items())},
            "logs": {str(tp): str(log) for tp, log in sorted(state.logs.items())},
            "tasks": sorted(state.tasks),
            "queues": {str(broker): len(channel.queue) for broker, channel in sorted(state.channels.items())},
        }

    def empty_disk(self) -> BrokerDisk:
        """No replicas."""
        return BrokerDisk()


@frozen
class BrokerClientState:
    """`process` is the number in the history; `call` the operation in progress, sent under the number `correlation`."""

    process: int
    call: Operation | None = None
    correlation: int = 0


class BrokerClient(Application):
    """The workload's client of the brokers: it asks one after the other, one operation at a time.

    `index` of `stride` clients. What became of a write that was not answered is unknown: the client goes on under a new
    process number.
    """

    takes_operations: ClassVar[bool] = True

    def __init__(self, address: int, index: int, stride: int, brokers: tuple[int, ...], timings: ClientTimings) -> None:
        self._address, self._index, self._stride = address, index, stride
        self._brokers, self._timeout = brokers, timings.timeout

    def start(self, address: int, disk: Any, incarnation: int) -> Started:
        """Nothing to do yet; it has no session of its own."""
        return BrokerClientState(self._index), ()

    def step(self, state: BrokerClientState, event: Any) -> Started:
        """An operation, its answer, or no answer."""
        match event:
            case Invoke(operation):
                return self._invoke(state, operation)
            case Receive(Message(correlation=number, body=MetadataResponse() as body)):
                if state.call is None or number != state.correlation:
                    return state, ()
                return self._answered(state, state.call, body)
            case TimerFired() if state.call is not None:
                return self._unknown(state, state.call, "TIMEOUT")
            case TimerFired() | Answered() | Lost() | Notified() | SessionChanged():
                return state, ()
            case _:
                raise ValueError(f"client {self._address} does not expect {event}")

    def plain(self, state: BrokerClientState) -> Any:
        """The fields."""
        return {**asdict(state), "call": None if state.call is None else operation_to_json(state.call)}

    def is_idle(self, state: BrokerClientState) -> bool:
        """No operation is in progress."""
        return state.call is None

    def _invoke(self, state: BrokerClientState, operation: Operation) -> Started:
        number = state.correlation + 1
        broker = self._brokers[(number + self._index) % len(self._brokers)]
        request = Message(self._address, broker, number, MetadataRequest(operation))
        invoked = Outcome(state.process, "invoke", operation, argument_of(operation))
        effects = (Record(invoked), Send(request), SetTimer(TIMEOUT, self._timeout))
        return evolve(state, call=operation, correlation=number), effects

    def _answered(self, state: BrokerClientState, call: Operation, body: MetadataResponse) -> Started:
        if body.error in _ACCEPTED_WITHOUT_END:
            return self._unknown(state, call, body.error.value)
        if body.error is not Error.NONE:
            outcome = Outcome(state.process, "fail", call, None, body.error.value)
        else:
            found: dict[str, Any] = {"version": body.version}
            if call.is_read:
                found = {**found, "exists": body.exists, "value": body.value}
            outcome = Outcome(state.process, "ok", call, found)
        return evolve(state, call=None), (Record(outcome), CancelTimer(TIMEOUT))

    def _unknown(self, state: BrokerClientState, call: Operation, error: str) -> Started:
        kind = "fail" if call.is_read else "info"
        process = state.process if call.is_read else state.process + self._stride
        outcome = Outcome(state.process, kind, call, None, error)
        return evolve(state, call=None, process=process), (Record(outcome), CancelTimer(TIMEOUT))
