"""The seam between the two sides: all that lock-step needs to know of one protocol.

A `Pairing` belongs to one run of one world. It says which states of the spec a world stands for (the abstraction), which steps of the
spec a step of the world is likely to be (the hints), and how far the spec's bounds must reach. Conformance, recording and replay know
no more.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from impl.world.record import StepRecord
from impl.world.world import World
from traces.steps import Path

Part = dict[str, tuple[Any, ...]]
"""The variables of a spec state that the world shows: name -> cells in the frozen form, or what they may be."""

Frozen = tuple[Any, ...]


class Pairing(ABC):
    """One protocol, spec and implementation, in one world of `nodes` servers."""

    mode: ClassVar[str]
    """The mode of the world (`impl.world.systems`)."""

    first_bounds: ClassVar[dict[str, int]]
    """Bounds to begin with, nodes aside."""

    def __init__(self, nodes: int, start: Path = ()) -> None:
        self.nodes = nodes
        self.start = start
        """The spec's steps from its initial state to one that a new world stands for."""

    def meet(self, world: World, record: StepRecord) -> None:  # noqa: B027 - not every protocol has something to number
        """Take note of what a step showed, before anything else looks at it."""

    @abstractmethod
    def abstract(self, world: World) -> Part:
        """What a world stands for."""

    @abstractmethod
    def differences(self, frozen: Frozen, found: Part) -> list[str]:
        """Where a world is not as a state of the spec has it, in domain words; empty if it stands for that state."""

    @abstractmethod
    def hints(self, world: World, record: StepRecord, frozen: Frozen, target: Part) -> Iterator[Path]:
        """The paths from a state of the spec to try for a step, most likely first."""

    @abstractmethod
    def used(self, states: Sequence[Frozen]) -> dict[str, int]:
        """The least bounds, nodes aside, within which states lie."""

    @abstractmethod
    def needed(self, target: Part, frozen: Frozen) -> dict[str, int]:
        """The least bounds within which a path from a state to a target lies."""

    def unsent(self, world: World, record: StepRecord, frozen: Frozen) -> str | None:
        """What the implementation sent in this step and the spec has not, in words; None if there is no such thing."""
        return None
