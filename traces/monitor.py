"""Properties on the implementation: what they speak of is read off the world, through the abstraction, after every step.

The nodes are abstracted as for conformance. History (`ghost_...`) is rebuilt from what the world shows, without the spec's
actions: who voted for whom (a node's state, and grants that it sent), who was seen leading an epoch, what a leader's high
watermark passed. So a property is checked on a faulty implementation even where no step of the spec explains what it does.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from impl.effects import Send
from impl.kraft.messages import VoteResponse
from impl.world.record import StepRecord
from impl.world.world import World
from model.kraft.state import Role
from model.language import Property, Spec
from model.language.plain import Stepper
from traces.abstraction import PLACES, NodePart, Numbering, Values, abstract_nodes

State = tuple[Any, ...]


@frozen
class BrokenProperty:
    """A property that is false after a step of the world (`step`: its number, 0 for the start), and what the world did."""

    step: int
    did: str
    name: str

    def __str__(self) -> str:
        return f"step {self.step} ({self.did}): {self.name} is false"


class History:
    """The history variables of a world: ghost_vote, ghost_leader and what was committed, as the spec's variables have them."""

    def __init__(self, nodes: int) -> None:
        self.epochs = [0] * nodes
        self.votes: list[int | None] = [None] * nodes
        self.leaders: dict[int, int] = {}
        self.commits: dict[
            int, tuple[int, int, int]
        ] = {}  # index -> (epoch of the leader, entry's epoch, entry's value)

    def observe(self, nodes: NodePart, granted: list[tuple[int, int, int]]) -> None:
        """Take in the nodes after a step and the grants sent in it: (voter, epoch, candidate)."""
        for n, epoch in enumerate(nodes["epoch"]):
            if epoch != self.epochs[n]:
                self.epochs[n], self.votes[n] = epoch, None
            leads = nodes["role"][n] == Role.LEADER
            vote = nodes["voted_for"][n]
            if vote is not None:
                self.votes[n] = vote
            elif leads and self.votes[n] is None:
                self.votes[n] = n
            for voter, in_epoch, candidate in granted:
                if voter == n and in_epoch == epoch:
                    self.votes[n] = candidate
            if leads:
                self.leaders[epoch] = n
                self._commit(n, epoch, nodes)

    def _commit(self, n: int, epoch: int, nodes: NodePart) -> None:
        log = nodes["log"][n]
        for index in range(1, nodes["high_watermark"][n] + 1):
            if index not in self.commits and index <= len(log):
                self.commits[index] = (epoch, log[index - 1].epoch, log[index - 1].value)

    def ghosts(self, epochs: int, log: int) -> dict[str, tuple[Any, ...]]:
        """The history variables under bounds on epochs and log."""
        committed = [self.commits.get(index, (0, 0, 0)) for index in range(log + 1)]
        return {
            "ghost_vote": tuple(self.votes),
            "ghost_leader": tuple(self.leaders.get(epoch) for epoch in range(epochs + 1)),
            "ghost_commit_epoch": tuple(c[0] for c in committed),
            "ghost_committed_epoch": tuple(c[1] for c in committed),
            "ghost_committed_value": tuple(c[2] for c in committed),
        }


class Lens(ABC):
    """What a world shows of the variables that properties speak of, history included."""

    @abstractmethod
    def observe(self, world: World, record: StepRecord) -> None:
        """Take in a step."""

    @abstractmethod
    def bounds(self) -> dict[str, int]:
        """The least bounds, nodes aside, within which what was seen lies."""

    @abstractmethod
    def state(self, stepper: Stepper, start: State) -> State:
        """The spec state under the bounds of a stepper; what the world does not show is as in `start`."""


class KRaftLens(Lens):
    """Voters of KRaft: messages and counters are not shown. `values` says what clients' records are."""

    def __init__(self, nodes: int, values: Values | None = None) -> None:
        self.values: Values = values if values is not None else Numbering()
        self._history = History(nodes)
        self._nodes: NodePart = {}

    def observe(self, world: World, record: StepRecord) -> None:
        """The nodes, and votes granted."""
        self._nodes = abstract_nodes(world.snapshot(), self.values)
        self._history.observe(self._nodes, _granted(record))

    def bounds(self) -> dict[str, int]:
        """Epochs and the longest log."""
        return {"epochs": max(self._nodes["epoch"]), "log": max(len(entries) for entries in self._nodes["log"])}

    def state(self, stepper: Stepper, start: State) -> State:
        """Nodes and history."""
        filled = self._nodes | self._history.ghosts(stepper.bounds["epochs"], stepper.bounds["log"])
        return tuple(filled.get(name, start[place]) for name, place in PLACES.items())


class PropertyMonitor:
    """An observer of the world that checks properties after every step, and keeps the first that is broken; after that it rests.

    `lens` says what the world shows (default: that of KRaft); `reached` are the `sometimes` properties met so far.
    """

    def __init__(self, spec: Spec, nodes: int, properties: tuple[Property, ...], lens: Lens | None = None) -> None:
        self.spec, self.nodes = spec, nodes
        self.lens: Lens = lens if lens is not None else KRaftLens(nodes)
        self.always = tuple(p for p in properties if p.kind == "always")
        self.steps = tuple(p for p in properties if p.kind == "step")
        self.wanted = [p for p in properties if p.kind == "sometimes"]
        self.reached: set[str] = set()
        self.broken: BrokenProperty | None = None
        self.watches = True
        """Whether it checks; otherwise it only follows what happens."""
        self._stepper = self._stepper_for({"epochs": 8, "log": 8})
        self._start = self._before = self._stepper.initial()

    def _stepper_for(self, wanted: Mapping[str, int]) -> Stepper:
        bounds = dict.fromkeys(self.spec.least, 0) | {"nodes": self.nodes, **wanted}
        return Stepper(self.spec, bounds, coverage=False)

    def _make_room(self) -> None:
        bounds = self._stepper.bounds
        needed = self.lens.bounds()
        if any(value > bounds[name] for name, value in needed.items()):
            old = self._stepper
            self._stepper = self._stepper_for(
                {name: bounds[name] if value <= bounds[name] else 2 * value for name, value in needed.items()}
            )
            self._start = self._stepper.initial()
            self._before = self._stepper.resized(self._before, old)

    def __call__(self, world: World, record: StepRecord) -> None:
        """Check one step of the world."""
        if self.broken is not None:
            return
        self.lens.observe(world, record)
        self._make_room()
        after = self.lens.state(self._stepper, self._start)
        if after == self._before:
            return
        name = self._false(after) if self.watches else None
        if name is not None:
            event = getattr(record.event, "message", None)
            self.broken = BrokenProperty(record.index, str(event if event is not None else record.choice), name)
        self._before = after

    def _false(self, after: State) -> str | None:
        stepper = self._stepper
        view = stepper.view(after)
        before = stepper.thaw(self._before)
        for prop in self.always:
            if not stepper.holds_in(prop, view):
                return prop.name
        for prop in self.steps:
            if not stepper.holds_across(prop, before, view):
                return prop.name
        for prop in tuple(self.wanted):
            if stepper.holds_across(prop, before, view) if prop.states == 2 else stepper.holds_in(prop, view):
                self.reached.add(prop.name)
                self.wanted.remove(prop)
        return None


def _granted(record: StepRecord) -> list[tuple[int, int, int]]:
    """The votes granted in a step: (voter, epoch, candidate), nodes numbered from 0."""
    return [
        (effect.message.src - 1, effect.message.epoch, effect.message.dst - 1)
        for effect in record.effects
        if isinstance(effect, Send) and isinstance(effect.message, VoteResponse) and effect.message.granted
    ]
