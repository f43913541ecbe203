"""Two small specs: lamps that are told to switch on, one by one; and the same with a request in between that may be refused."""

from collections.abc import Callable, Iterator
from typing import Any

from model.engines.refine.refinement import Refinement
from model.language import Bool, Fn, Messages, Node, Not, Record, Spec, State, make_spec, require


class Told(Record):
    """A lamp has been told to switch on."""

    lamp: Node


class Asked(Record):
    """A lamp is asked to switch on by another one."""

    lamp: Node
    asker: Node


class Lamps(State):
    """Lamps, and what they have been told."""

    lit = Fn(Node, Bool)
    told = Messages(Told)


class Grid(State):
    """Lamps that ask each other; a lamp may be broken, and then refuses."""

    on = Fn(Node, Bool)
    broken = Fn(Node, Bool)
    asked = Messages(Asked)


def start(s: Any) -> None:
    """All lamps are off."""


def tell(s: Lamps, n: Node) -> None:
    """Somebody tells a lamp."""
    s.told.send(Told(lamp=n))


def light(s: Lamps, m: Told) -> None:
    """A lamp that was told switches on. Enabled iff it is off."""
    require(Not(s.lit[m.lamp]))

    s.lit[m.lamp] = True


def ask(s: Grid, a: Node, b: Node) -> None:
    """A lamp asks another one."""
    require(a != b)

    s.asked.send(Asked(lamp=b, asker=a))


def answer(s: Grid, m: Asked) -> None:
    """A lamp that is not broken switches on."""
    require(Not(s.broken[m.lamp]))

    s.on[m.lamp] = True


def smash(s: Grid, n: Node) -> None:
    """A lamp breaks; it stays as it is."""
    s.broken[n] = True


def flicker(s: Grid, n: Node) -> None:
    """A lamp goes off again, which no lamp of the abstract spec does."""
    require(s.on[n])

    s.on[n] = False


LAMPS = make_spec("lamps", title="lamps", state=Lamps, init=start, actions=(tell, light), bounds={"nodes": 3})


def grid(*more: Callable[..., None]) -> Spec:
    """The concrete spec, with further actions."""
    return make_spec(
        "grid",
        title="grid",
        state=Grid,
        init=start,
        actions=(ask, answer, smash, *more),
        bounds={"nodes": 3},
    )


def state(s: Any, a: Any, n: Any) -> None:
    """A lamp is lit if it is on; it was told if it is asked or on."""
    a.lit[n] = s.on[n]
    if s.on[n] or s.asked.items:
        a.told.send(Told(lamp=n))


def for_ask(s: Any, t: Any, a: Any, b: Any) -> Iterator[Any]:
    """Asking is telling."""
    yield "tell", b


def for_answer(s: Any, t: Any, m: Any) -> Iterator[Any]:
    """Answering is lighting, or nothing if the lamp is on."""
    if not s.on[m.lamp]:
        yield "light", Told(lamp=m.lamp)


def nothing(s: Any, t: Any, *args: Any) -> Iterator[Any]:
    """A stutter."""
    return iter(())


STEPS = {"ask": for_ask, "answer": for_answer, "smash": nothing, "flicker": nothing}


def refinement(**changes: Any) -> Refinement:
    """The refinement, with some of its fields changed."""
    return Refinement(**{"abstract": LAMPS, "reads": ("on", "asked"), "state": state, "steps": STEPS, **changes})
