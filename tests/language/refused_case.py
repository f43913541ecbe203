"""How a refusal is written down: a function with one line marked `# refused`, and words of the error it must give."""

from collections.abc import Callable
from typing import Any

from model.language import (
    Fn,
    Messages,
    Node,
    Option,
    Seq,
    State,
    Var,
)
from model.language.declare import Bag
from tests.language.small_sorts import Entry, Epoch, Index, Role, Rpc, Vote

Case = tuple[str, Callable[..., Any], str, str]
CASES: list[Case] = []


def refused(cause: str, remedy: str, kind: str = "action") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Note that tracing this function, as an action, init, a property or a step property, is refused with these words."""

    def note(function: Callable[..., Any]) -> Callable[..., Any]:
        CASES.append((kind, function, cause, remedy))
        return function

    return note


class S(State):
    """A bit of everything."""

    epoch = Fn(Node, Epoch)
    match = Fn(Node, Node, Index)
    role = Fn(Node, Role)
    leader = Fn(Node, Option[Node])
    log = Fn(Node, Seq[Entry, Index])
    rpcs = Fn(Node, Seq[Rpc, Index])
    slot = Fn(Node, Rpc)
    steps = Var(Epoch)
    votes = Messages(Vote)
    keyed = Messages(Entry, newest=("epoch",))
    bag = Bag(Rpc, bound="flight")
    ghost_leader = Fn(Epoch, Option[Node])
    ghost_sent = Var(Index)
