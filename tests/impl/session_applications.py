"""Applications for tests of sessions: one that follows a script, one that does anything."""

from collections.abc import Callable
from random import Random
from typing import Any, TypeAlias

from attrs import evolve, frozen

from impl.effects import SetTimer, TimerFired
from impl.world.applications import Application
from impl.world.system import Started
from impl.zookeeper.handle import Answered, EndSession, Event, Lost, OpenSession, SessionChanged, SessionState, Submit
from impl.zookeeper.requests import (
    Check,
    Create,
    CreateMode,
    Delete,
    Exists,
    GetChildren,
    GetData,
    Multi,
    Operation,
    SetData,
    Sync,
)


@frozen
class Sleep:
    """A step of a script: wait, in microseconds."""

    duration: int


Line: TypeAlias = Operation | Sleep | OpenSession | EndSession


@frozen
class ScriptState:
    """The lines to come, and everything that the client library has told; `waits`: for a connected session."""

    left: tuple[Line, ...]
    connected: bool = False
    waits: bool = False
    number: int = 0
    told: tuple[Event, ...] = ()


class Script(Application):
    """Does one line after the other: a request when the one before is answered, or lost, and the session is connected."""

    def __init__(self, *lines: Line) -> None:
        self._lines = lines

    def start(self, address: int, disk: Any, incarnation: int) -> Started:
        """The first line."""
        return self._next(ScriptState(self._lines if incarnation == 0 else ()))

    def step(self, state: ScriptState, event: Any) -> Started:
        """Note what is told; go on when the line is done."""
        if isinstance(event, TimerFired):
            return self._next(state)
        state = evolve(state, told=(*state.told, event))
        match event:
            case Answered(number=number) | Lost(number=number) if number == state.number:
                return self._next(state)
            case SessionChanged(state=session):
                state = evolve(state, connected=session is SessionState.CONNECTED)
                return self._next(evolve(state, waits=False)) if state.connected and state.waits else (state, ())
            case _:
                return state, ()

    def plain(self, state: ScriptState) -> Any:
        """As text."""
        return str(state)

    def _next(self, state: ScriptState) -> Started:
        effects: list[Any] = []
        while state.left:
            line, *left = state.left
            if not (state.connected or isinstance(line, Sleep | OpenSession | EndSession)):
                return evolve(state, waits=True), tuple(effects)
            state = evolve(state, left=tuple(left))
            match line:
                case Sleep(duration=duration):
                    effects.append(SetTimer("script", duration))
                    break
                case OpenSession() | EndSession():
                    effects.append(line)
                case _:
                    state = evolve(state, number=state.number + 1)
                    effects.append(Submit(state.number, line))
                    break
        return state, tuple(effects)


PATHS = ("/a", "/b", "/c")
BELOW = ("x", "y")


@frozen
class AnythingState:
    """How many requests were made, how many await an answer, whether the session is connected."""

    address: int
    seed: int
    number: int = 0
    open: int = 0
    connected: bool = False


class Anything(Application):
    """Reads, watches, creates, deletes, sets, multis; several requests on their way; now and then a new session."""

    def __init__(
        self, pace: int = 30_000, most: int = 3, draw: "Callable[[Random, int], Operation] | None" = None
    ) -> None:
        self._pace, self._most = pace, most
        self._draw = draw or anything

    def start(self, address: int, disk: Any, incarnation: int) -> Started:
        """Open a session, and begin."""
        state = AnythingState(address, (address << 8) + incarnation)
        return state, (OpenSession(), SetTimer("go", self._pace, self._pace))

    def step(self, state: AnythingState, event: Any) -> Started:
        """Ask for something, or note what became of it."""
        match event:
            case TimerFired():
                again = SetTimer("go", self._pace // 2, self._pace)
                if not state.connected or state.open >= self._most:
                    return state, (again,)
                random = Random((state.seed << 20) + state.number)
                if random.random() < 0.02:
                    return evolve(state, connected=False), (EndSession(), OpenSession(), again)
                operation = self._draw(random, state.address)
                state = evolve(state, number=state.number + 1, open=state.open + 1)
                return state, (Submit(state.number, operation), again)
            case Answered() | Lost():
                return evolve(state, open=max(state.open - 1, 0)), ()
            case SessionChanged(state=SessionState.EXPIRED):
                return evolve(state, connected=False, open=0), (OpenSession(),)
            case SessionChanged(state=session):
                return evolve(state, connected=session is SessionState.CONNECTED), ()
            case _:
                return state, ()

    def plain(self, state: AnythingState) -> Any:
        """As text."""
        return str(state)


def ephemerals(_random: Random, address: int) -> Operation:
    """A new ephemeral."""
    return Create(f"/e{address}-", b"", mode=CreateMode.EPHEMERAL_SEQUENTIAL)


def anything(random: Random, address: int) -> Operation:
    """Some request, drawn."""

    def one_of(items: tuple[Any, ...]) -> Any:
        return items[random.getrandbits(32) % len(items)]

    top = one_of(PATHS)
    path = one_of((top, f"{top}/{one_of(BELOW)}"))
    mode = one_of((CreateMode.PERSISTENT, CreateMode.EPHEMERAL))
    creates = Create(path if mode is CreateMode.EPHEMERAL else top, b"%d" % address, mode=mode)
    sequential = Create(f"{top}/n-", mode=one_of((CreateMode.PERSISTENT_SEQUENTIAL, CreateMode.EPHEMERAL_SEQUENTIAL)))
    writes = (creates, Delete(path), SetData(path, b"%d" % random.getrandbits(16)))
    watch = random.random() < 0.7
    match random.getrandbits(32) % 12:
        case 0 | 1 | 2:
            return creates
        case 3:
            return sequential
        case 4:
            return Delete(path)
        case 5 | 6:
            return SetData(path, b"%d" % random.getrandbits(16))
        case 7:
            return Multi((one_of((Check(top), creates)), one_of(writes), one_of(writes)))
        case 8:
            return Sync(path)
        case 9:
            return Exists(path, watch)
        case 10:
            return GetData(path, watch)
        case _:
            return GetChildren(top, watch)
