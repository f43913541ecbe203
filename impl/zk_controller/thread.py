"""The controller's thread while it processes an event: what it works on. Source: KafkaController, ControllerEventManager."""

from typing import Any

from attrs import frozen

from impl.zk_controller.config import Config
from impl.zk_controller.context import ControllerContext
from impl.zk_controller.events import Output
from impl.zk_controller.zk import Fence


@frozen
class Facts:
    """What the process knows when the thread takes an event, besides the context.

    `session` of the connection, `registered_in` the session of the last registration.
    """

    config: Config
    session: int | None
    registered_in: int | None
    broker_epoch: int


@frozen
class Start:
    """What a task of the controller starts from."""

    facts: Facts
    context: ControllerContext


class ControllerThread:
    """A working copy of the context, and what has been put out so far."""

    __slots__ = ("config", "context", "facts", "output", "rules")

    def __init__(self, start: Start) -> None:
        self.facts = start.facts
        self.config = start.facts.config
        self.rules = start.facts.config.rules
        self.context = start.context.copy()
        self.output: list[Any] = []

    @property
    def me(self) -> int:
        """The id of this broker."""
        return self.config.broker

    @property
    def is_active(self) -> bool:
        """Whether this broker is the controller, as far as it knows. KafkaController.isActive."""
        return self.context.active == self.me

    @property
    def fence(self) -> Fence:
        """Under which epoch to write."""
        return Fence(self.context.epoch_version, self.rules.fences_writes())

    def put(self, output: Output) -> None:
        """Put something out, after what was before."""
        self.output.append(output)
