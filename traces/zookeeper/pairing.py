"""An ensemble of ZooKeeper servers and the spec `zab-ensemble`."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from impl.world.record import StepRecord
from impl.world.world import World
from traces.pairing import Frozen, Pairing, Part
from traces.steps import Path
from traces.zookeeper.abstraction import PLACES, Names, differences, early
from traces.zookeeper.hints import hints
from traces.zookeeper.journal import Journal
from traces.zookeeper.view import View

_LONG = ("log", "db", "queue", "stream")


class ZabPairing(Pairing):
    """See `abstraction.py` and `hints.py`. The world must remember transactions (`journal.journalled`)."""

    mode = "zookeeper"
    first_bounds: ClassVar[dict[str, int]] = {
        "epochs": 8,
        "log": 8,
        "txns": 8,
        "crashes": 8,
        "partitions": 8,
        "channel": 8,
    }

    def __init__(self, nodes: int, *, begun: bool = False) -> None:
        """`begun`: the world is led to the state that `begin` makes; otherwise every server of the spec crashes after it."""
        crashed: Path = tuple(("crash", (node, 1)) for node in range(nodes))
        super().__init__(nodes, () if begun else (("begin", (0,)), *crashed))
        self._begun = begun
        self._names: Names | None = None

    def meet(self, world: World, record: StepRecord) -> None:
        """Number new proposals and epochs."""
        self.names(world).meet(world, record)

    def abstract(self, world: World) -> Part:
        """See `view.py`."""
        return View(world, self.names(world)).part()

    def differences(self, frozen: Frozen, found: Part) -> list[str]:
        """In the spec's words; one who leads a world may have a learner synchronised early."""
        return differences(frozen, early(frozen, found) if self._begun else found)

    def hints(self, world: World, record: StepRecord, frozen: Frozen, target: Part) -> Iterator[Path]:
        """See `hints.py`."""
        return hints(world, record, frozen, target, self.names(world))

    def used(self, states: Sequence[Frozen]) -> dict[str, int]:
        """The longest sequences and the largest numbers in the states."""

        def longest(*names: str) -> int:
            return max(len(cell) for state in states for name in names for cell in state[PLACES[name]])

        return {
            "epochs": max(max(state[PLACES["accepted_epoch"]]) for state in states),
            "log": longest(*_LONG),
            "channel": longest("channel"),
            "txns": max(state[PLACES["aux_requests"]] for state in states),
            "crashes": max(state[PLACES["aux_crashes"]] for state in states),
            "partitions": max(state[PLACES["aux_partitions"]] for state in states),
        }

    def needed(self, target: Part, frozen: Frozen) -> dict[str, int]:
        """Those of the state, and what the target shows beyond them."""
        found = self.used([frozen])
        for name, bound in (*((name, "log") for name in _LONG), ("channel", "channel")):
            found[bound] = max(found[bound], *(len(cell) for cell in target[name] if isinstance(cell, tuple)))
        return found

    def names(self, world: World) -> Names:
        """The numbers given so far."""
        if self._names is None:
            machine: Any = world.config.ensemble.machine
            if not isinstance(machine, Journal):
                raise ValueError("a world that is held against a spec remembers its transactions: see journalled()")
            self._names = Names(machine, self._begun)
        return self._names
