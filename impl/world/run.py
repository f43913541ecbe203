"""What a simulation leaves behind, and how to have it once more by its choices alone."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

from attrs import frozen

from impl.world.choices import Choice, choice_to_json
from impl.world.config import WorldConfig
from impl.world.history import HistoryEvent, history_to_jsonl
from impl.world.snapshot import Incident
from impl.world.system import Tally
from impl.world.world import Observer, World


@frozen
class Run:
    """A finished simulation. The same seed and configuration give an equal `Run`; `choices` replay it without the seed.

    `steps` counts the quiet period too; `seconds` is virtual time. `finished`: every client had its answers before the
    end. `counts` has the choices by kind, `faults` the faults drawn by kind; `committed` is the highest offset
    (exclusive) that any node delivered, `elections` how often a node became leader, `truncations` how often a log was
    cut. `digest` is the SHA-256 of the choices, the history and the last state.
    """

    seed: int
    steps: int
    seconds: float
    finished: bool
    digest: str
    counts: dict[str, int]
    faults: dict[str, int]
    committed: int
    elections: int
    truncations: int
    history: tuple[HistoryEvent, ...]
    choices: tuple[Choice, ...]
    incidents: tuple[Incident, ...]

    @classmethod
    def of(
        cls,
        *,
        seed: int,
        world: World,
        choices: tuple[Choice, ...],
        faults: dict[str, int],
        tally: Tally,
        finished: bool,
    ) -> "Run":
        """The run that ended in this world."""
        return cls(
            seed=seed,
            steps=world.steps,
            seconds=world.now / 1_000_000,
            finished=finished,
            digest=run_digest(world, choices),
            counts=dict(world.counts),
            faults=faults,
            committed=tally.committed,
            elections=tally.elections,
            truncations=tally.truncations,
            history=tuple(world.history),
            choices=choices,
            incidents=tuple(world.incidents),
        )

    def to_json(self) -> dict[str, Any]:
        """The figures of the run as plain JSON data, without history and choices."""
        return {
            "seed": self.seed,
            "steps": self.steps,
            "seconds": self.seconds,
            "finished": self.finished,
            "digest": self.digest,
            "counts": self.counts,
            "faults": self.faults,
            "committed": self.committed,
            "elections": self.elections,
            "truncations": self.truncations,
            "incidents": [incident.to_json() for incident in self.incidents],
        }


def run_digest(world: World, choices: Iterable[Choice]) -> str:
    """SHA-256 (hex) of the choices, one JSON line each, of the history, and of the digest of the last state."""
    digest = hashlib.sha256()
    for choice in choices:
        digest.update(json.dumps(choice_to_json(choice), separators=(",", ":")).encode() + b"\n")
    digest.update(history_to_jsonl(world.history).encode())
    digest.update(world.digest().encode())
    return digest.hexdigest()


def replay(config: WorldConfig, choices: Iterable[Choice], *, observers: Sequence[Observer] = ()) -> World:
    """A new world in which the choices happened. Raises ChoiceError, naming the step, when one cannot happen."""
    world = World(config, observers=observers)
    for choice in choices:
        world.apply(choice)
    return world
