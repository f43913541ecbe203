"""One step in progress: the state so far and the effects so far.

It never leaves `node.step`, which is pure from outside.
"""

from impl.effects import CancelTimer, Effect, Send, SetTimer
from impl.kraft.messages import Message
from impl.kraft.state import Config, NodeState, Role


class Turn:
    """The working copy of a node during one step. Handlers replace `state` and append to `effects`, in order."""

    __slots__ = ("config", "effects", "state")

    def __init__(self, state: NodeState) -> None:
        self.config: Config = state.config
        self.state: NodeState = state
        self.effects: list[Effect[Message]] = []

    @property
    def me(self) -> int:
        """The id of this node."""
        return self.config.node_id

    @property
    def role(self) -> Role:
        """The role so far."""
        return self.state.role

    @property
    def epoch(self) -> int:
        """The epoch so far."""
        return self.state.role.epoch

    def emit(self, effect: Effect[Message]) -> None:
        """Ask for one more effect, after those so far."""
        self.effects.append(effect)

    def send(self, message: Message) -> None:
        """Ask for a message to be sent."""
        self.effects.append(Send(message))

    def set_timer(self, timer: str, duration: int, spread: int = 0) -> None:
        """Ask for a timer, in microseconds (see `SetTimer`)."""
        self.effects.append(SetTimer(timer, duration, spread))

    def cancel_timer(self, timer: str) -> None:
        """Ask for a timer to be disarmed."""
        self.effects.append(CancelTimer(timer))
