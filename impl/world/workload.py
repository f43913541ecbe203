"""What the clients of a simulation do: which operations, on which keys, how often."""

from attrs import frozen

from impl.kraft.records import Operation
from impl.world.draws import Draws
from impl.world.history import HistoryEvent


@frozen
class Workload:
    """Keys, and the time (µs) that a client thinks between two operations. Topics and configuration keys do not meet."""

    topics: tuple[str, ...] = ("orders", "payments")
    configs: tuple[str, ...] = ("orders/retention.ms", "payments/retention.ms", "broker-1/log.level")
    think_min: int = 1_000
    think_max: int = 100_000

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key that operations are about."""
        return self.topics + self.configs


class OperationSource:
    """Draws the operations of all clients. Values are distinct integers, so that a read says which write it saw."""

    def __init__(self, workload: Workload, draws: Draws) -> None:
        self._workload = workload
        self._draws = draws
        self._values = 0
        self._versions: dict[str, int] = {}

    def learn(self, event: HistoryEvent) -> None:
        """Remember the version of a key that some client saw: an update expects it, and is right if nobody was faster."""
        if event.type == "ok" and event.value is not None:
            self._versions[event.key] = event.value["version"]

    def draw(self) -> Operation:
        """The next operation: three tenths reads, the rest writes, of all kinds."""
        draws, workload = self._draws, self._workload
        kind = draws.below(10)
        if kind < 3:
            return Operation("read", draws.one_of(workload.keys))
        if kind < 6:
            return Operation("set_config", draws.one_of(workload.configs), self._next_value())
        if kind < 8:
            key = draws.one_of(workload.configs)
            return Operation("update", key, self._next_value(), self._versions.get(key, 0))
        return Operation("create_topic" if kind == 8 else "delete_topic", draws.one_of(workload.topics))

    def _next_value(self) -> int:
        self._values += 1
        return self._values
