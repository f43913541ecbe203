"""What one step did."""

from typing import Any

from attrs import frozen

from impl.world.choices import Choice
from impl.world.snapshot import Incident


@frozen
class StepRecord:
    """What one choice did.

    `node` is the address it happened at (0: the network), `event` what that node or client handled.

    `effects` are those carried out, in order (in a crash during a step, a prefix); `sent` the ids of the messages sent.
    """

    index: int
    time: int
    choice: Choice
    node: int
    event: Any = None
    effects: tuple[Any, ...] = ()
    sent: tuple[int, ...] = ()
    incident: Incident | None = None
