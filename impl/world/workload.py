"""What the clients of a simulation do: which operations, on which keys, how often."""

from collections.abc import Mapping

from attrs import evolve, frozen

from impl.operations import Operation
from impl.world.draws import Draws
from impl.world.history import HistoryEvent

LATEST = -1


@frozen
class Workload:
    """Topics, the time (µs) that a client thinks between two operations, and which part of its reads follow a `sync`.

    With a `script` the clients do these operations, in this order, and no others; an update that expects the version LATEST
    expects the one that some client saw last.
    """

    topics: tuple[str, ...] = ("orders", "payments", "clicks")
    think_min: int = 1_000
    think_max: int = 100_000
    sync_reads: float = 0.0
    script: tuple[Operation, ...] | None = None


class OperationSource:
    """Draws the operations of all clients. Values are distinct integers, so that a read says which write it saw."""

    def __init__(self, workload: Workload, draws: Draws) -> None:
        self._workload = workload
        self._draws = draws
        self._values = 0
        self._versions: dict[str, int] = {}
        self._done = 0

    def learn(self, event: HistoryEvent) -> None:
        """Remember the version of a key that some client saw: an update expects it, and is right if nobody was faster."""
        if event.type == "ok" and isinstance(event.value, Mapping):
            self._versions[event.key] = event.value["version"]

    def draw(self) -> Operation | None:
        """The next operation: of twenty 6 reads, 6 configurations, 4 conditional updates, 3 creations, 1 deletion.

        None: the script is done.
        """
        if self._workload.script is not None:
            return self._next_of(self._workload.script)
        kind = self._draws.below(20)
        key = self._draws.one_of(self._workload.topics)
        if kind < 6:
            share = self._workload.sync_reads  # nothing is drawn where there is nothing to choose
            return Operation("sync_read" if share > 0.0 and self._draws.chance(share) else "read", key)
        if kind < 12:
            return Operation("set_config", key, self._next_value())
        if kind < 16:
            return Operation("update", key, self._next_value(), self._versions.get(key, 0))
        return Operation("create_topic" if kind < 19 else "delete_topic", key)

    def _next_of(self, script: tuple[Operation, ...]) -> Operation | None:
        if self._done == len(script):
            return None
        operation = script[self._done]
        self._done += 1
        if operation.expected_version != LATEST:
            return operation
        return evolve(operation, expected_version=self._versions.get(operation.key, 0))

    def _next_value(self) -> int:
        self._values += 1
        return self._values
