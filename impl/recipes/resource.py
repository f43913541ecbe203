"""What a lock protects, or a leader commands: it is used by messages that carry a fencing token.

Source: Burrows, The Chubby lock service (OSDI 2006), section 2.4 (sequencers).
"""

from typing import Any

from attrs import evolve, frozen

from impl.effects import Receive
from impl.world.applications import Application
from impl.world.system import Started


@frozen
class Use:
    """A use of the resource by whoever takes itself for its holder, since the zxid `token`."""

    src: int
    dst: int
    token: int

    def __str__(self) -> str:
        return f"{self.src}->{self.dst} Use token={self.token:#x}"


@frozen
class Remember:
    """Effect: make the highest token durable, before a use with it is let through: a resource that forgets fences nobody."""

    token: int


@frozen
class TokenDisk:
    """The highest token that was let through."""

    highest: int = 0

    def carry_out(self, effect: object) -> "TokenDisk":
        """Written and flushed at once."""
        return TokenDisk(effect.token) if isinstance(effect, Remember) else self

    def crash(self, kept: int) -> "TokenDisk":
        """Nothing is lost."""
        return self

    def kept_range(self) -> tuple[int, int]:
        """There is nothing that is not durable."""
        return 0, 0


@frozen
class ResourceState:
    """The highest token seen, and that of the last use that was let through."""

    highest: int = 0
    last: int = 0


class Resource(Application):
    """Lets uses through; `fenced`: none with a token that is lower than one it has seen."""

    def __init__(self, *, fenced: bool) -> None:
        self._fenced = fenced

    def start(self, address: int, disk: TokenDisk, incarnation: int) -> Started:
        """What was used before a crash, it knows."""
        return ResourceState(disk.highest, disk.highest), ()

    def empty_disk(self) -> TokenDisk:
        """Nothing was used yet."""
        return TokenDisk()

    def step(self, state: ResourceState, event: Any) -> Started:
        """A use."""
        match event:
            case Receive(Use(token=token)):
                if self._fenced and token < state.highest:
                    return state, ()
                highest = max(state.highest, token)
                effects = (Remember(highest),) if highest > state.highest else ()
                return evolve(state, highest=highest, last=token), effects
            case _:
                raise ValueError(f"a resource does not expect {event}")

    def plain(self, state: ResourceState) -> Any:
        """As text."""
        return str(state)
