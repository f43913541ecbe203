"""Closed-loop clients: one operation at a time, sent to the node that is thought to lead.

A client is no part of the protocol.

A client retries elsewhere only where that is safe: when the node said that the operation was not taken. When time runs
out, or when the node lost its role with the operation in its hands, the outcome is unknown: a read has failed, a write
is recorded as `info`, and the client goes on under a new process number, as Jepsen does.
"""

from typing import TYPE_CHECKING, Any, TypeAlias

from attrs import frozen

from impl.effects import CancelTimer, Send, SetTimer
from impl.operations import Operation
from impl.world.history import HistoryEvent

if TYPE_CHECKING:
    from impl.world.system import Reply, System

FIRST_CLIENT = 101
"""The address of the first client; nodes are numbered from 1, so there are at most 100 of them."""

Argument: TypeAlias = "dict[str, Any] | int | str | None"
"""What an event of the history says: the argument of an operation, or its answer."""

TIMEOUT, RETRY = "timeout", "retry"


@frozen
class ClientTimings:
    """Microseconds: how long a client waits for an answer, and before it asks the next node; and how often it asks."""

    timeout: int = 3_000_000
    retry: int = 50_000
    attempts: int = 40


@frozen
class Outcome:
    """An event of the history before it is stamped with index and time."""

    process: int
    type: str
    operation: Operation
    value: Argument
    error: str | None = None

    def stamped(self, index: int, time: int) -> HistoryEvent:
        """The event at that index and virtual time (µs) of the history."""
        operation = self.operation
        return HistoryEvent(index, time, self.process, self.type, operation.f, operation.key, self.value, self.error)


@frozen
class ClientStep:
    """What a client asks for: effects in order, and perhaps an event of its history."""

    effects: tuple[Any, ...] = ()
    outcome: Outcome | None = None


@frozen
class Call:
    """The operation in progress, the correlation id of its last request, and how many requests there were."""

    operation: Operation
    correlation_id: int
    attempts: int


class Client:
    """One client. `index` counts from 0; `stride` is the number of clients: the process numbers of two never meet."""

    def __init__(
        self, index: int, stride: int, nodes: tuple[int, ...], timings: ClientTimings, system: "System"
    ) -> None:
        self.address = FIRST_CLIENT + index
        self.process = index
        self.target = nodes[index % len(nodes)]
        self.call: Call | None = None
        self._stride = stride
        self._nodes = nodes
        self._timings = timings
        self._system = system
        self._requests = 0

    def invoke(self, operation: Operation, node: int | None = None) -> ClientStep:
        """Begin an operation; the client must be idle."""
        if self.call is not None:
            raise RuntimeError(f"client {self.address} is busy with {self.call.operation}")
        if node is not None:
            self.target = node
        effects = self._request(operation, attempts=1)
        return ClientStep(effects, Outcome(self.process, "invoke", operation, argument_of(operation)))

    def on_reply(self, reply: "Reply") -> ClientStep:
        """An answer came; one that is not awaited any more is ignored."""
        call = self.call
        if call is None or call.correlation_id != reply.correlation_id:
            return ClientStep()
        if reply.leader is not None:
            self.target = reply.leader
        match reply.outcome:
            case "ok":
                found = reply.answer or {}
                unread = () if call.operation.is_read else ("exists", "value")
                return self._end("ok", {name: item for name, item in found.items() if name not in unread})
            case "elsewhere":
                if call.attempts >= self._timings.attempts:
                    return self._end("fail", None, reply.error)
                if reply.leader is None:
                    self.target = self._next_node()
                return ClientStep((CancelTimer(TIMEOUT), SetTimer(RETRY, self._timings.retry)))
            case "unknown":
                return self._end_unknown(reply.error)
            case _:
                return self._end("fail", None if reply.answer is None else dict(reply.answer), reply.error)

    def on_timer(self, timer: str) -> ClientStep:
        """The answer takes too long, or it is time to ask again."""
        call = self.call
        if call is None:
            return ClientStep()
        if timer == RETRY:
            return ClientStep(self._request(call.operation, call.attempts + 1))
        self.target = self._next_node()
        return self._end_unknown("TIMEOUT")

    def _request(self, operation: Operation, attempts: int) -> tuple[Any, ...]:
        self._requests += 1
        self.call = Call(operation, self._requests, attempts)
        request = self._system.request(self.address, self.target, self._requests, operation)
        return (Send(request), SetTimer(TIMEOUT, self._timings.timeout))

    def _end(self, kind: str, value: Argument, error: str | None = None) -> ClientStep:
        assert self.call is not None
        outcome = Outcome(self.process, kind, self.call.operation, value, error)
        self.call = None
        return ClientStep((CancelTimer(TIMEOUT), CancelTimer(RETRY)), outcome)

    def _end_unknown(self, error: str | None) -> ClientStep:
        assert self.call is not None
        operation = self.call.operation
        if operation.is_read:
            return self._end("fail", None, error)
        step = self._end("info", None, error)
        self.process += self._stride
        return step

    def _next_node(self) -> int:
        return self._nodes[(self._nodes.index(self.target) + 1) % len(self._nodes)]


def argument_of(operation: Operation) -> Argument:
    """What the history says of an operation that begins."""
    match operation.f:
        case "set_config":
            return operation.value
        case "update":
            return {"expected": operation.expected_version, "value": operation.value}
        case _:
            return None
