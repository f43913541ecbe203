"""The abstraction: which states of the spec `zab-ensemble` a state of an ensemble stands for.

Everything but history and counters is read off the world: servers from disks and processes, channels from what is on its way on
connections. Where the spec is coarser the world leaves a choice, and a cell says which values it takes (`Cell`).

| spec variable            | implementation                                                                                        |
|--------------------------|-------------------------------------------------------------------------------------------------------|
| log, flushed             | what a start would find: newest snapshot, log after its label; then what waits for the sync thread     |
| db, committed_log        | the journal of the tree; then what waits for the commit thread. committedLog: the end of the spec's    |
| accepted_epoch           | at least the spec's: a promise to a leader that never got its quorum is none in the spec               |
| current_epoch            | the same; epochs are numbered in the order in which elections finished                                 |
| role, phase, leader      | a leader before a quorum has promised, and a learner before that, look for a leader                    |
| queue, queue_committed   | learner: pendingTxns, packetsNotLogged, and the rest of the synchronisation that is on its way         |
| link, acked              | the leader's handlers with a standing connection; the acks of outstanding proposals                    |
| channel, stream          | the packets on the connection, without those that the spec does not have                               |

The spec begins with an ensemble at work, the world with empty disks. They meet where every server of the spec has crashed: the epoch
and the transaction that the spec begins with are everybody's, and the world's epochs and transactions come after them.
A learner's synchronisation is taken in when its head arrives: what follows on the same connection is counted as read.
"""

from collections.abc import Sequence
from typing import Any

from attrs import define, field, frozen

from impl.world.record import StepRecord
from impl.world.world import World
from impl.zookeeper.state import Leading
from impl.zookeeper.transactions import counter_of, epoch_of
from model.zookeeper.zab.state import Kind, Link, Packet, Synced, Txn, Zab

VARIABLES = tuple(name for name in Zab.variables if not name.startswith(("ghost_", "aux_")))
"""What is read off the world, in the order of the spec."""

PLACES = {name: place for place, name in enumerate(Zab.variables)}
"""Where a variable stands in a plain frozen state."""

PAIRS = ("link", "acked", "channel", "stream")
"""Variables of two servers; the others are of one."""

FIRST = Txn(epoch=1, counter=1, request=0)
"""The transaction that the spec begins with."""

Part = dict[str, tuple[Any, ...]]
"""Variables of a spec state: name -> the cells, in the frozen form; a cell may be a `Cell`."""


# ------------------------------------------------------------------------------------------------------- cells with a choice


class Cell:
    """What a cell of the spec may be."""

    def takes(self, value: Any) -> bool:
        """Whether the value is one of them."""
        raise TypeError(f"{type(self).__name__} takes no value")

    @property
    def seen(self) -> Any:
        """What the world itself has there."""
        raise TypeError(f"{type(self).__name__} has no value")


@frozen
class OneOf(Cell):
    """One of these values."""

    values: tuple[Any, ...]

    def takes(self, value: Any) -> bool:
        """Whether it is one of them."""
        return value in self.values

    @property
    def seen(self) -> Any:
        """What the world has."""
        return self.values[0]

    def __str__(self) -> str:
        return " or ".join(str(value) for value in self.values)


@frozen
class AtMost(Cell):
    """A number up to this one."""

    most: int

    def takes(self, value: Any) -> bool:
        """Whether it is no more."""
        return bool(value <= self.most)

    @property
    def seen(self) -> Any:
        """What the world has."""
        return self.most

    def __str__(self) -> str:
        return f"at most {self.most}"


@frozen
class EndsWith(Cell):
    """A sequence with this end."""

    end: tuple[Any, ...]

    def takes(self, value: Any) -> bool:
        """Whether it ends so."""
        return len(self.end) <= len(value) and bool(value[len(value) - len(self.end) :] == self.end)

    @property
    def seen(self) -> Any:
        """What the world has."""
        return self.end

    def __str__(self) -> str:
        return f"... {show(self.end)}"


@frozen
class Unseen(Cell):
    """Whatever it is: what the world has there (`seen`) does not tell."""

    seen: Any = None

    def takes(self, value: Any) -> bool:
        """Always."""
        return True

    def __str__(self) -> str:
        return "anything"


def seen(part: Part) -> Part:
    """What the world itself has, without the choices."""
    return {
        name: tuple(cell.seen if isinstance(cell, Cell) else cell for cell in cells) for name, cells in part.items()
    }


def show(value: Any) -> str:
    """A value in the words of the spec, compactly."""
    match value:
        case Txn():
            return f"{value.epoch}.{value.counter}:{value.request}"
        case Synced():
            return f"{value.epoch}.{value.counter}:{value.request}{'' if value.committed else '?'}"
        case Packet():
            return f"{value.kind} {value.epoch}.{value.counter}"
        case tuple():
            return "[" + " ".join(show(item) for item in value) + "]"
        case _:
            return str(value)


def differences(frozen: tuple[Any, ...], found: Part) -> list[str]:
    """Where a world is not as a spec state has it, in domain words: `phase[n2]: READY, found BROADCAST`."""
    lines = []
    size = len(found["role"])
    for name in VARIABLES:
        for cell, (a, b) in enumerate(zip(frozen[PLACES[name]], found[name], strict=True)):
            if b.takes(a) if isinstance(b, Cell) else a == b:
                continue
            where = f"n{cell // size + 1},n{cell % size + 1}" if name in PAIRS else f"n{cell + 1}"
            lines.append(f"{name}[{where}]: {show(a)}, found {show(b)}")
    return lines


def early(frozen: tuple[Any, ...], found: Part) -> Part:
    """A world without those synchronisations that a state of the spec does not have yet, and nobody has read: a world is led ahead."""
    expected = frozen[PLACES["link"]]
    ahead = [
        cell
        for cell, (a, b) in enumerate(zip(expected, found["link"], strict=True))
        if b == Link.SYNCED and a in (Link.CONNECTED, Link.FORWARDING)
    ]
    if not ahead:
        return found
    return found | {
        name: tuple(Unseen(value) if cell in ahead else value for cell, value in enumerate(found[name]))
        for name in PAIRS
    }


# ----------------------------------------------------------------------------------------------------------------- numbers


@define
class Names:
    """The spec's numbers for the world's epochs and requests, in the order in which they are met.

    `begun`: the world itself was led to what the spec begins with, its first epoch and transaction are those of the spec. Otherwise
    they come before everything that is in the world.
    """

    machine: Any
    begun: bool = False
    epochs: dict[int, int] = field(init=False)
    requests: dict[tuple[int, int, int], int] = field(factory=dict)
    proposed: int = 0

    def __attrs_post_init__(self) -> None:
        self.epochs = {0: 0 if self.begun else 1}

    def meet(self, world: World, record: StepRecord) -> None:
        """Number what a step has proposed (`proposed`: how many), and the epoch of an election that it finished."""
        before = len(self.requests)
        if record.node in world.voters:
            state = world.state(record.node)
            if state is not None and isinstance(state.role, Leading):
                if state.role.election_finished:
                    self.epoch(state.role.proposed_epoch)
                for proposed in state.role.outstanding:
                    self.txn(proposed.txn)
            elif state is None:
                self.epoch(world.disk(record.node).file("currentEpoch") or 0)
        self.proposed = len(self.requests) - before

    def epoch(self, epoch: int) -> int:
        """The number of an epoch whose election has finished."""
        return self.epochs.setdefault(epoch, len(self.epochs) + self.epochs[0])

    def promised(self, epoch: int) -> int:
        """The number of the newest epoch up to this one whose election has finished."""
        return max(number for known, number in self.epochs.items() if known <= epoch)

    def txn(self, txn: Any) -> Txn:
        """The spec's transaction."""
        zxid = txn.zxid
        key = (zxid, *self.machine.origin(txn))
        number = self.requests.setdefault(key, len(self.requests) + self.epochs[0])
        made: Txn = Txn(epoch=self.epoch(epoch_of(zxid)), counter=counter_of(zxid), request=number)
        return made

    def some(self, txns: Sequence[Any]) -> tuple[Txn, ...]:
        """The spec's transactions."""
        return tuple(self.txn(txn) for txn in txns)

    def history(self, txns: Sequence[Any]) -> tuple[Txn, ...]:
        """A history from its beginning on."""
        return (*self.before, *self.some(txns))

    @property
    def before(self) -> tuple[Txn, ...]:
        """What comes before everything in the world."""
        return () if self.begun else (FIRST,)

    def packet(self, kind: Kind, zxid: int, request: Any = 0) -> Packet:
        """A packet with a zxid."""
        made: Packet = Packet(kind=kind, epoch=self.epoch(epoch_of(zxid)), counter=counter_of(zxid), request=request)
        return made
