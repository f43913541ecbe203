"""What the properties of `zab-ensemble` speak of, read off an ensemble, with a history that the world shows without the spec's actions.

| history            | the world shows                                                                                    |
|--------------------|----------------------------------------------------------------------------------------------------|
| ghost_leader, ghost_committed | a leader starts to serve: its whole tree is committed; it commits a transaction         |
| ghost_fault        | what a release logs as an error, or dies of; what should not have been sent (`_received`)            |
"""

from typing import Any

from impl.effects import Receive
from impl.world.record import StepRecord
from impl.world.world import World
from impl.zookeeper.effects import Committed, Established, Report
from impl.zookeeper.messages import Ack, Trunc
from impl.zookeeper.transactions import counter_of
from model.language.plain import Stepper
from model.zookeeper.zab.state import Fault, Kind, Link, Txn
from traces.monitor import Lens, State
from traces.pairing import Part
from traces.zookeeper.abstraction import FIRST, PLACES, seen
from traces.zookeeper.journal import JournalTree
from traces.zookeeper.pairing import ZabPairing

_FAULTS = {
    "gap": Fault.GAP,
    "null commit": Fault.UNMATCHED_COMMIT,
    "commit without proposal": Fault.UNMATCHED_COMMIT,
}
_FATAL = "unmatched transaction commit"


class ZabLens(Lens):
    """The state of the spec that an ensemble shows. `pairing` has met each step before."""

    def __init__(self, pairing: ZabPairing) -> None:
        self.pairing, nodes = pairing, pairing.nodes
        self.faults: list[Any] = [Fault.NONE] * nodes
        self.leaders: dict[int, int] = {}
        self.committed: list[tuple[Txn, int]] = []
        if pairing.start:
            self.leaders, self.committed = {1: 0}, [(FIRST, 1)]
        self._before: Part | None = None

    def bounds(self) -> dict[str, int]:
        """The least bounds within which what was seen lies."""
        assert self._before is not None
        found = self.pairing.needed(self._before, self._blank)
        return found | {"log": max(found["log"], len(self.committed)), "epochs": max(found["epochs"], *self.leaders, 0)}

    def observe(self, world: World, record: StepRecord) -> None:
        """Take in a step."""
        after = seen(self.pairing.abstract(world))
        n = record.node - 1
        known = len(self._before["db"][n]) if self._before is not None and 0 <= n < self.pairing.nodes else 0
        names = self.pairing.names(world)
        for effect in record.effects:
            match effect:
                case Established(epoch=epoch, tree=JournalTree(journal=journal)):
                    number = names.epoch(epoch)
                    self.leaders.setdefault(number, n)
                    for place, txn in enumerate(names.history(journal), start=1):
                        self._commit(place, txn, number)
                case Committed(epoch=epoch, txn=txn):
                    known += 1
                    self._commit(known, names.txn(txn), names.epoch(epoch))
                case Report(kind=kind) if kind in _FAULTS:
                    self.faults[n] = _FAULTS[kind]
                case _:
                    pass
        if record.incident is not None and _FATAL in record.incident.message:
            self.faults[n] = Fault.UNMATCHED_COMMIT
        if isinstance(record.event, Receive):
            self._received(n, record.event.message)
        self._before = after

    def _commit(self, place: int, txn: Txn, epoch: int) -> None:
        if place == len(self.committed) + 1:
            self.committed.append((txn, epoch))

    def _received(self, n: int, message: object) -> None:
        """A leader that awaits the acknowledgement of NEWLEADER gets another; a learner is truncated to what its log does not have."""
        if self._before is None:
            return
        size = self.pairing.nodes
        match message:
            case Ack(src=src, zxid=zxid) if (
                counter_of(zxid) and self._before["link"][n * size + src - 1] == Link.SYNCED
            ):
                self.faults[n] = Fault.EARLY_ACK
            case Trunc(src=src):
                packets = self._before["channel"][(src - 1) * size + n]
                targets = [(packet.epoch, packet.counter) for packet in packets[:1] if packet.kind == Kind.TRUNC]
                log = [(txn.epoch, txn.counter) for txn in self._before["log"][n]]
                if any(target not in log for target in targets):
                    self.faults[n] = Fault.NOTHING_TO_TRUNCATE_TO
            case _:
                pass

    def state(self, stepper: Stepper, start: State) -> State:
        """The state, with counters left at their start."""
        assert self._before is not None
        epochs, log = stepper.bounds["epochs"], stepper.bounds["log"]
        committed = [None, *self.committed, *[None] * (log - len(self.committed))]
        blank = start[PLACES["ghost_committed"]][0]
        filled = self._before | {
            "ghost_fault": tuple(self.faults),
            "ghost_leader": tuple(self.leaders.get(epoch) for epoch in range(epochs + 1)),
            "ghost_committed": tuple(blank if c is None else c[0] for c in committed),
            "ghost_commit_epoch": tuple(0 if c is None else c[1] for c in committed),
        }
        return tuple(filled.get(name, start[place]) for name, place in PLACES.items())

    @property
    def _blank(self) -> State:
        """A state in which nothing has happened, for the counters."""
        assert self._before is not None
        counters = {name: 0 for name in PLACES if name.startswith("aux_")}
        return tuple((self._before | counters).get(name, ()) for name in PLACES)
