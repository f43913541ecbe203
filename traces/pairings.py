"""Which specs have an implementation to be held against, and how: one `Lockstep` per spec."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from attrs import field, frozen

from impl.kraft.bugs import BUGS as KRAFT_BUGS
from impl.world.choices import Choice
from impl.world.config import WorldConfig
from impl.world.world import Observer, World
from impl.zookeeper.bugs import BUGS as ZOOKEEPER_BUGS
from model.language import Spec, unknown
from traces.drive import Driver, driven_value
from traces.kraft_pairing import KRaftPairing
from traces.monitor import KRaftLens, Lens
from traces.pairing import Pairing
from traces.steps import Step
from traces.zookeeper.drive import EnsembleDriver
from traces.zookeeper.journal import journalled
from traces.zookeeper.monitor import ZabLens
from traces.zookeeper.pairing import ZabPairing


class Leads(Protocol):
    """A world that is led along a path of the spec."""

    world: World

    def take(self, step: Step, ahead: Sequence[Step] = ()) -> list[Choice]:
        """Make one action happen; CannotDrive if the world does not offer what it needs."""

    def differences(self, frozen: tuple[Any, ...]) -> list[str]:
        """Where the world is not as a state of the spec has it."""


@frozen
class Lockstep:
    """How the two sides of one protocol are brought together.

    `mode` is that of the world, `bugs` the implementation's id for each bug of the spec. `pair` makes a pairing for so many servers,
    `led` one for a world that is led from the spec's initial state; `lens` reads properties through a pairing, `drive` leads a world
    with some observers, `prepare` makes the world one that can be paired.
    """

    mode: str
    bugs: Mapping[str, str]
    pair: Callable[[int], Pairing]
    led: Callable[[int], Pairing]
    lens: Callable[[Any], Lens]
    drive: Callable[[WorldConfig, Pairing, Sequence[Observer]], Leads]
    prepare: Callable[[WorldConfig], WorldConfig] = field(default=lambda config: config)

    def world(self, nodes: int, clients: int, bug: str | None) -> WorldConfig:
        """The world for so many nodes and clients, with a bug of the spec. LookupError for one that the implementation has not."""
        if bug is not None and bug not in self.bugs:
            raise LookupError(unknown("bug", bug, self.bugs, "of the implementation"))
        named = None if bug is None else self.bugs[bug]
        return self.prepare(WorldConfig(nodes=nodes, clients=clients, bug=named, mode=self.mode))


_RENAMED = {"ACKS-KEPT": "ACKNOWLEDGED-TRUNC"}
"""The spec's name for a bug and the implementation's, where they differ."""

LOCKSTEPS: Mapping[str, Lockstep] = {
    "kraft": Lockstep(
        mode="kraft",
        bugs={bug: bug for bug in KRAFT_BUGS},
        pair=KRaftPairing,
        led=lambda nodes: KRaftPairing(nodes, driven_value),
        lens=lambda pairing: KRaftLens(pairing.nodes, pairing.values),
        drive=lambda config, pairing, observers: Driver(config.nodes, config.bug, observers),
    ),
    "zab-ensemble": Lockstep(
        mode="zookeeper",
        bugs={bug: bug for bug in ZOOKEEPER_BUGS} | _RENAMED,
        pair=ZabPairing,
        led=lambda nodes: ZabPairing(nodes, begun=True),
        lens=ZabLens,
        drive=EnsembleDriver,
        prepare=journalled,
    ),
}
"""By the name of the spec."""

SPEC_OF_MODE: Mapping[str, str] = {lockstep.mode: name for name, lockstep in LOCKSTEPS.items()}
"""The spec that a world of a mode is held against."""


def lockstep_of(spec: Spec) -> Lockstep:
    """How a spec meets its implementation; LookupError for a spec that has none."""
    if spec.name not in LOCKSTEPS:
        raise LookupError(unknown("spec", spec.name, LOCKSTEPS, "with an implementation"))
    return LOCKSTEPS[spec.name]


def pairing_for(spec: Spec, nodes: int) -> Pairing:
    """A new pairing for a world that nobody leads."""
    return lockstep_of(spec).pair(nodes)
