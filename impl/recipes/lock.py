"""A lock: the lowest of the ephemeral sequential znodes holds it, each of the others watches the one before its own.

Source: ZooKeeper Recipes and Solutions (Locks), with the session's id in the name, so that a client whose create was answered by
a connection loss finds its znode again (Curator's protection mode).
"""

from enum import Enum
from typing import Any

from attrs import evolve, frozen

from impl.effects import Send, SetTimer, TimerFired
from impl.recipes.resource import Use
from impl.world.applications import Application
from impl.world.system import Started
from impl.zookeeper.codes import ErrorCode
from impl.zookeeper.handle import Answered, Lost, Notified, OpenSession, SessionChanged, SessionState, Submit
from impl.zookeeper.requests import Answer, Create, CreateMode, Delete, Exists, GetChildren, GetData, Operation

LOCK = "/lock"
_SEQUENCE_DIGITS = 10
_MASK = (1 << 64) - 1
USE, RELEASE, AGAIN = "use", "release", "again"


class Phase(Enum):
    """What a contender is doing."""

    AWAY = "has no connected session"
    RESTING = "wants nothing"
    LISTING = "looks who contends"
    MAKING = "makes the parent of all contenders"
    CREATING = "joins them"
    READING = "is first, and reads its token"
    WAITING = "watches the one before it"
    HOLDING = "holds the lock"
    RELEASING = "gives it back"


@frozen
class ContenderState:
    """`node` is the name of its znode, `token` its czxid (0: not known yet); `session` the session that they belong to."""

    address: int
    phase: Phase = Phase.AWAY
    number: int = 0
    session: int | None = None
    node: str | None = None
    token: int = 0

    @property
    def holds(self) -> bool:
        """Whether it takes itself for the holder."""
        return self.phase is Phase.HOLDING


class Contender(Application):
    """Takes the lock, uses a resource (at an address) for a while, gives the lock back, and rests. Times in microseconds.

    `cautious`: it stops using the resource when it is disconnected, although its session may live. That shortens the time in
    which there are two holders, and does not end it: a process that sleeps hears of nothing.
    """

    def __init__(self, resource: int, *, cautious: bool, hold: int = 300_000, pause: int = 20_000) -> None:
        self._resource, self._cautious, self._hold, self._pause = resource, cautious, hold, pause

    def start(self, address: int, disk: Any, incarnation: int) -> Started:
        """Open a session."""
        return ContenderState(address), (OpenSession(),)

    def step(self, state: ContenderState, event: Any) -> Started:
        """The session, an answer, an event, or the time to do something."""
        match event:
            case SessionChanged():
                return self._session(state, event)
            case Answered(number=number, answer=answer) if number == state.number:
                return self._answered(state, answer)
            case Notified() if state.phase is Phase.WAITING:
                return _ask(state, Phase.LISTING, GetChildren(LOCK))
            case TimerFired(timer):
                return self._timer(state, timer)
            case Answered() | Lost() | Notified():
                return state, ()
            case _:
                raise ValueError(f"contender {state.address} does not expect {event}")

    def plain(self, state: ContenderState) -> Any:
        """As text."""
        return str(state)

    def _session(self, state: ContenderState, event: SessionChanged) -> Started:
        match event.state:
            case SessionState.CONNECTED:
                if event.session != state.session:
                    state = evolve(state, session=event.session, node=None, token=0)
                return (state, ()) if state.holds else _ask(state, Phase.LISTING, GetChildren(LOCK))
            case SessionState.DISCONNECTED:
                return (state, ()) if state.holds and not self._cautious else (evolve(state, phase=Phase.AWAY), ())
            case SessionState.EXPIRED:
                return evolve(state, phase=Phase.AWAY, node=None, token=0), (OpenSession(),)

    def _answered(self, state: ContenderState, answer: Answer) -> Started:
        phase = state.phase
        if phase is Phase.LISTING:
            return self._listed(state, answer)
        if phase is Phase.READING and answer.stat is not None:
            return self._taken(evolve(state, token=answer.stat.czxid))
        if phase is Phase.CREATING and answer.stat is not None:
            state = evolve(state, token=answer.stat.czxid)
        if phase is Phase.RELEASING:
            state = evolve(state, phase=Phase.RESTING, node=None, token=0)
            return state, (SetTimer(AGAIN, self._pause, self._pause),)
        if phase is Phase.WAITING and not answer.error:
            return state, ()
        return _ask(state, Phase.LISTING, GetChildren(LOCK)) if phase is not Phase.AWAY else (state, ())

    def _listed(self, state: ContenderState, answer: Answer) -> Started:
        if answer.error == ErrorCode.NO_NODE:
            return _ask(state, Phase.MAKING, Create(LOCK))
        assert state.session is not None
        prefix = f"{state.session & _MASK:016x}-"
        queue = sorted(answer.children, key=lambda name: name[-_SEQUENCE_DIGITS:])
        mine = [name for name in queue if name.startswith(prefix)]
        if not mine:
            create = Create(f"{LOCK}/{prefix}", mode=CreateMode.EPHEMERAL_SEQUENTIAL, with_stat=True)
            return _ask(evolve(state, node=None, token=0), Phase.CREATING, create)
        state = evolve(state, node=mine[0])
        place = queue.index(mine[0])
        if place:
            return _ask(state, Phase.WAITING, Exists(f"{LOCK}/{queue[place - 1]}", watch=True))
        return self._taken(state) if state.token else _ask(state, Phase.READING, GetData(f"{LOCK}/{mine[0]}"))

    def _taken(self, state: ContenderState) -> Started:
        return evolve(state, phase=Phase.HOLDING), (SetTimer(USE, 0), SetTimer(RELEASE, self._hold, self._hold))

    def _timer(self, state: ContenderState, timer: str) -> Started:
        if timer == AGAIN and state.phase is Phase.RESTING:
            return _ask(state, Phase.LISTING, GetChildren(LOCK))
        if timer == USE and state.holds:
            return state, (
                Send(Use(state.address, self._resource, state.token)),
                SetTimer(USE, self._pause, self._pause),
            )
        if timer == RELEASE and state.holds:
            return _ask(state, Phase.RELEASING, Delete(f"{LOCK}/{state.node}"))
        return state, ()


def _ask(state: ContenderState, phase: Phase, operation: Operation) -> Started:
    number = state.number + 1
    return evolve(state, phase=phase, number=number), (Submit(number, operation),)
