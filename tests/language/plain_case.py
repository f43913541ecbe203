"""One action of a small spec, taken on plain values: what the tests of the plain reading are written with."""

from collections.abc import Callable
from typing import Any

from model.language import Bool, Fn, Node, Option, Property, Quorum, Seq, Spec, State, Var, make_spec
from model.language.plain import Stepper
from tests.language.small_sorts import Entry, Epoch, Index, Role

BOUNDS = {"nodes": 3, "epochs": 3, "log": 3, "clients": 2, "channel": 2, "flight": 2, "stale": 0}


FIRST, SECOND = Entry(epoch=1, by=0), Entry(epoch=2, by=1)


class Servers(State):
    """Functions of every shape."""

    epoch = Fn(Node, Epoch)
    leader = Fn(Node, Option[Node])
    grants = Fn(Node, Node, Bool)
    match = Fn(Node, Node, Epoch)
    log = Fn(Node, Seq[Entry, Index])
    last = Fn(Node, Entry)
    role = Fn(Role, Epoch)
    electors = Var(Option[Quorum])
    total = Var(Epoch)
    chosen = Var(Option[Index])


def two_entries(s: Servers) -> None:
    """Node 0 has two entries, node 1 has one, node 2 none."""
    s.log[0] = (FIRST, SECOND)
    s.log[1] = (FIRST,)


def nothing(s: Any) -> None:
    """The defaults."""


def spec_of(
    state: type[State],
    *actions: Callable[..., Any],
    init: Callable[[Any], None] = nothing,
    properties: tuple[Property, ...] = (),
    rules: tuple[Any, ...] = (),
) -> Spec:
    """A spec of these actions."""
    return make_spec(
        "case",
        title="a case",
        state=state,
        init=init,
        actions=actions,
        bounds=BOUNDS,
        properties=properties,
        rules=rules,
    )


def stepper_of(state: type[State], *actions: Callable[..., Any], **more: Any) -> Stepper:
    """The plain reading of a spec of these actions under `BOUNDS` (or those in `bounds`)."""
    bounds = more.pop("bounds", {})
    spec = spec_of(state, *actions, **more)
    return Stepper(spec, spec.complete_bounds(bounds))


def after(state: type[State], action: Callable[..., Any], *args: Any, **more: Any) -> Any:
    """The state after the action has been taken with these arguments in the initial state, thawed."""
    stepper = stepper_of(state, action, **more)
    return stepper.thaw(stepper.apply(stepper.initial(), action.__name__, args))


def evaluated(state: type[State], body: Callable[[Any], Any], **more: Any) -> Any:
    """The value of an expression over the initial state."""
    seen: list[Any] = []

    def look(s: Any) -> None:
        """The action that evaluates the expression."""
        seen.append(body(s))

    after(state, look, **more)
    return seen[0]
