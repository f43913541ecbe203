"""The workload's client of an ensemble: operations on topics as requests of a session, one at a time.

A topic is a znode under the root; its configuration is the data, its version that of the data (a topic that is deleted and
created again starts at 0). What became of a write whose connection was lost is unknown: it is recorded as `info`, and the
client goes on under a new process number, as Jepsen does. An expired session is replaced by a new one.
"""

from typing import Any, ClassVar

from attrs import asdict, evolve, frozen

from impl.operations import Operation, Value, operation_to_json
from impl.world.applications import Application, Invoke, Record
from impl.world.clients import Outcome, argument_of
from impl.world.system import Started
from impl.zookeeper.codes import ErrorCode
from impl.zookeeper.handle import Answered, Lost, Notified, OpenSession, SessionChanged, SessionState, Submit
from impl.zookeeper.requests import Create, Delete, GetData, SetData, Sync
from impl.zookeeper.requests import Operation as Request


@frozen
class TopicClientState:
    """`process` is the number in the history, `call` the operation in progress, `number` that of its last request;
    `connected`: whether the session is, as far as the client knows. It begins nothing while it is not.
    """

    process: int
    connected: bool = False
    call: Operation | None = None
    number: int = 0


class TopicClient(Application):
    """The client of this index; `stride` is the number of clients: the process numbers of two never meet."""

    takes_operations: ClassVar[bool] = True

    def __init__(self, index: int, stride: int) -> None:
        self._index, self._stride = index, stride

    def start(self, address: int, disk: Any, incarnation: int) -> Started:
        """Open a session."""
        return TopicClientState(self._index), (OpenSession(),)

    def step(self, state: TopicClientState, event: Any) -> Started:
        """An operation, what became of it, or the end of a session."""
        match event:
            case Invoke(operation):
                return self._invoke(state, operation)
            case Answered(number=number) if state.call is not None and number == state.number:
                return self._answered(state, state.call, event)
            case Lost(number=number, error=error) if state.call is not None and number == state.number:
                return self._lost(state, state.call, error)
            case SessionChanged(state=session):
                opens = (OpenSession(),) if session is SessionState.EXPIRED else ()
                return evolve(state, connected=session is SessionState.CONNECTED), opens
            case Answered() | Lost() | Notified():
                return state, ()
            case _:
                raise ValueError(f"topic client {self._index} does not expect {event}")

    def plain(self, state: TopicClientState) -> Any:
        """The fields."""
        return {**asdict(state), "call": None if state.call is None else operation_to_json(state.call)}

    def is_idle(self, state: TopicClientState) -> bool:
        """The session is connected, and no operation is in progress."""
        return state.connected and state.call is None

    def _invoke(self, state: TopicClientState, operation: Operation) -> Started:
        requests = requests_of(operation)
        first = state.number + 1
        invoked = Outcome(state.process, "invoke", operation, argument_of(operation))
        submits = [Submit(first + offset, request) for offset, request in enumerate(requests)]
        return evolve(state, call=operation, number=first + len(requests) - 1), (Record(invoked), *submits)

    def _answered(self, state: TopicClientState, call: Operation, event: Answered) -> Started:
        answer = event.answer
        missing = answer.error == ErrorCode.NO_NODE
        found: dict[str, Any] = {"zxid": event.zxid, "server": event.server}
        if answer.error and not (call.is_read and missing):
            outcome = Outcome(state.process, "fail", call, found, ErrorCode(answer.error).name)
        else:
            stat = answer.stat
            version, mzxid = (0, 0) if stat is None else (stat.version, stat.mzxid)
            found = {"version": version, "mzxid": mzxid, **found}
            if call.is_read:
                found = {**found, "exists": not missing, "value": _value(answer.data)}
            outcome = Outcome(state.process, "ok", call, found)
        return evolve(state, call=None), (Record(outcome),)

    def _lost(self, state: TopicClientState, call: Operation, error: ErrorCode) -> Started:
        kind = "fail" if call.is_read else "info"
        process = state.process if call.is_read else state.process + self._stride
        return evolve(state, call=None, process=process), (
            Record(Outcome(state.process, kind, call, None, error.name)),
        )


def requests_of(operation: Operation) -> tuple[Request, ...]:
    """The requests of an operation, the last of which is answered with what it did or found."""
    path = "/" + operation.key.replace("/", "%2F")
    match operation.f:
        case "create_topic":
            return (Create(path, None, with_stat=True),)
        case "delete_topic":
            return (Delete(path),)
        case "set_config":
            return (SetData(path, _data(operation.value)),)
        case "update":
            assert operation.expected_version is not None
            return (SetData(path, _data(operation.value), operation.expected_version),)
        case "sync_read":
            return (Sync(path), GetData(path))
        case _:
            return (GetData(path),)


def _data(value: Value) -> bytes | None:
    return None if value is None else str(value).encode()


def _value(data: bytes | None) -> int | str | None:
    if data is None:
        return None
    text = data.decode()
    return int(text) if text.isdecimal() else text
