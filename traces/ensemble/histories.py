"""What the clients of a simulated ensemble saw, for the checker of histories that carry the order of writes.

A sync that a deposed leader answered promises no more than a plain read, as in ZooKeeper, where `sync` asks no quorum: such reads
are found while the ensemble runs (`Syncs`), and are checked as plain reads. A client that moves to another server has no session
that moves with it: each server that answers a process is a session of it.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from attrs import define, evolve, field

from impl.effects import Receive, Send
from impl.world.history import HistoryEvent
from impl.world.record import StepRecord
from impl.world.world import World
from impl.zookeeper.client_messages import Tell
from impl.zookeeper.effects import Established
from impl.zookeeper.messages import ClientResponse
from impl.zookeeper.state import Following, Leading
from properties.witnessed_histories import ABSENT, BAD_VERSION, NO_NODE, NODE_EXISTS, READS, Answered
from traces.logs.zookeeper.history import NOT_TAKEN

_FUNCTIONS: Mapping[str, str] = {
    "create_topic": "create",
    "delete_topic": "delete",
    "set_config": "write",
    "update": "cas",
    "read": "read",
    "sync_read": "sync-read",
}
_ERRORS: Mapping[str, str] = {"BAD_VERSION": BAD_VERSION, "NO_NODE": NO_NODE, "NODE_EXISTS": NODE_EXISTS}
_NS = 1_000
"""Of one µs of virtual time."""


@define
class Syncs:
    """An observer that tells which sync-reads a deposed leader has answered.

    A leader is deposed, whether it knows or not, when a later epoch is established. `answered` counts all sync-reads answered,
    `deposed` are the places in the history of the answers that count as plain reads.
    """

    answered: int = 0
    deposed: set[int] = field(factory=set)
    _epoch: int = 0
    _seen: int = 0
    _late: set[tuple[int, int]] = field(factory=set)

    def __call__(self, world: World, record: StepRecord) -> None:
        """Watch one step of the world."""
        for effect in record.effects:
            match effect:
                case Established(epoch):
                    self._epoch = max(self._epoch, epoch)
                case Send(ClientResponse() | Tell() as response) if (
                    self._serves_epoch(world, record.node) < self._epoch
                ):
                    self._late.add((response.dst, _number(response)))
                case _:
                    pass
        if len(world.history) == self._seen:
            return
        self._seen, last = len(world.history), world.history[-1]
        if isinstance(record.event, Receive) and last.type == "ok" and last.f == "sync_read":
            response = record.event.message
            self.answered += 1
            if (response.dst, _number(response)) in self._late:
                self.deposed.add(last.index)

    @staticmethod
    def _serves_epoch(world: World, node: int) -> int:
        """The epoch that a server serves in; of one that does not, all that matters is that it is old."""
        state = world.state(node)
        return state.current_epoch if state is not None and isinstance(state.role, Following | Leading) else 0


def _number(response: ClientResponse | Tell) -> int:
    """The client's number of the request that is answered."""
    return response.cxid if isinstance(response, ClientResponse) else response.reply.cxid


def answered(history: Iterable[HistoryEvent], deposed: Collection[int] = ()) -> tuple[Answered, ...]:
    """The operations of a history in the order of their calls; sync-reads answered at `deposed` are plain reads."""
    calls: dict[int, Answered] = {}
    done: list[Answered] = []
    for event in history:
        if event.type == "invoke":
            calls[event.process] = _called(event)
            continue
        call = calls.pop(event.process)
        if event.type == "info":
            done.append(call)
        else:
            done.append(_ended(call, event, demoted=event.index in deposed))
    return tuple(sorted((*done, *calls.values()), key=lambda op: op.call))


def _called(event: HistoryEvent) -> Answered:
    f, argument = _FUNCTIONS[event.f], event.value
    expected = None
    if isinstance(argument, Mapping):
        expected, argument = argument["expected"], argument["value"]
    value = None if f in READS or f == "delete" else _text(argument)
    return Answered(event.process, f, event.key, event.index, event.time * _NS, "info", value=value, expected=expected)


def _ended(call: Answered, event: HistoryEvent, *, demoted: bool) -> Answered:
    found: Mapping[str, Any] = event.value if isinstance(event.value, Mapping) else {}
    end = evolve(call, outcome=event.type, ret=event.index, ret_time=event.time * _NS, seen=found.get("zxid"))
    if "server" in found:
        end = evolve(end, session=f"{call.process}@{found['server']}")
    if event.type == "fail":
        return evolve(end, error=_ERRORS.get(event.error or "", event.error if call.f in READS else NOT_TAKEN))
    if demoted:
        end = evolve(end, f="read")
    if call.f == "delete":
        return evolve(end, version=ABSENT, zxid=found["zxid"])
    if call.f in READS:
        if not found["exists"]:
            return evolve(end, version=ABSENT)
        return evolve(end, value=_text(found["value"]), version=found["version"], zxid=found["mzxid"])
    return evolve(end, version=found["version"], zxid=found["zxid"])


def _text(value: object) -> str:
    """Data as text; a znode that was created without data has the empty one."""
    return "" if value is None else str(value)
