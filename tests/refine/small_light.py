"""Two small specs: lamps that are told to switch on, one by one; and the same with a request in between that may be refused."""

from collections.abc import Callable, Iterator
from typing import Any

from attrs import evolve

from model.engines.refine.refinement import Refinement
from model.language import Bool, Fn, Messages, Node, Not, Record, Spec, State, Var, make_spec, require
from model.language.spec import make_action


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


# ------------------------------------------------------------------------------------------------ with something that is no node's


class Hall(State):
    """Lamps behind a main switch."""

    lit = Fn(Node, Bool)
    power = Var(Bool)
    told = Messages(Told)


class House(State):
    """Lamps that burn if they are on and there is power; whether there ever was is not remembered."""

    on = Fn(Node, Bool)
    power = Var(Bool)


class Remembered(House):
    """The house, with history."""

    ghost_lit = Fn(Node, Bool)


def connect(s: Hall) -> None:
    """The main switch is closed."""
    s.power = True


def light_up(s: Hall, n: Node) -> None:
    """A lamp is lit for the first time, and stays counted as lit. Enabled iff there is power."""
    require(s.power)

    s.lit[n] = True


def press(s: House, n: Node) -> None:
    """A lamp is switched on or off; without power nothing happens."""
    require(s.power)

    s.on[n] = Not(s.on[n])


def close(s: House) -> None:
    """The main switch is closed."""
    s.power = True


def press_remembered(s: Remembered, n: Node) -> None:
    """A lamp is switched, and remembered if it is on."""
    press(s, n)
    s.ghost_lit[n] = s.ghost_lit[n] | s.on[n]


HALL = make_spec("hall", title="hall", state=Hall, init=start, actions=(connect, light_up), bounds={"nodes": 2})
HOUSE = make_spec("house", title="house", state=House, init=start, actions=(press, close), bounds={"nodes": 2})


def remembered(spec: Spec) -> Spec:
    """A house with history."""
    actions = tuple(
        make_action(Remembered, press_remembered, "press") if a.name == "press" else a for a in spec.actions
    )
    return evolve(spec, state=Remembered, actions=actions)


def house_state(s: Any, a: Any, n: Any) -> None:
    """A lamp counts as lit if it ever was on."""
    a.lit[n] = s.ghost_lit[n]


def house_shared(s: Any, a: Any) -> None:
    """The main switch."""
    a.power = s.power


def for_press(s: Any, t: Any, n: Any) -> Iterator[Any]:
    """Switching on is lighting, switching off is nothing."""
    if t.on[n]:
        yield "light_up", n


def for_close(s: Any, t: Any) -> Iterator[Any]:
    """The main switch."""
    yield ("connect",)


REFINES_HALL = Refinement(
    abstract=HALL,
    reads=("on", "power", "ghost_lit"),
    state=house_state,
    shared=house_shared,
    steps={"press": for_press, "close": for_close},
    history=remembered,
)
