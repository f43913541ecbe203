"""A process says that it lives: an ephemeral with its name, made anew in every session.

The trap is the znode of an earlier session of the same process, which is still there and about to go. Source: Kafka,
KafkaZkClient.CheckedEphemeral (KAFKA-7165), and what was wrong before it: KAFKA-992, KAFKA-1387.
"""

from typing import Any

from attrs import evolve, frozen

from impl.world.applications import Application
from impl.world.system import Started
from impl.zookeeper.codes import ErrorCode
from impl.zookeeper.handle import Answered, Lost, Notified, OpenSession, SessionChanged, SessionState, Submit
from impl.zookeeper.requests import Answer, Create, CreateMode, Delete, Exists, Operation

IDS = "/ids"


@frozen
class MemberState:
    """`earlier` is the session of its last registration; `registered`: whether it takes itself for registered in this one."""

    address: int
    number: int = 0
    asked: Operation | None = None
    session: int | None = None
    earlier: int | None = None
    registered: bool = False

    @property
    def path(self) -> str:
        """Its znode."""
        return f"{IDS}/{self.address}"


class Member(Application):
    """Registers, and does it again in each new session.

    `checks_owner`: a znode that is there already is looked at: this session's (the answer to the create was lost) is its own,
    that of its earlier session is deleted, and for that of another it waits. Without the check any of them will do, and goes
    away with the session that made it.
    """

    def __init__(self, *, checks_owner: bool) -> None:
        self._checks_owner = checks_owner

    def start(self, address: int, disk: Any, incarnation: int) -> Started:
        """Open a session. What an earlier incarnation registered is somebody else's."""
        return MemberState(address), (OpenSession(),)

    def step(self, state: MemberState, event: Any) -> Started:
        """The session, an answer, or an event."""
        match event:
            case SessionChanged(state=SessionState.CONNECTED, session=session):
                registered = state.registered and session == state.session
                state = evolve(state, session=session, registered=registered)
                return (state, ()) if registered else self._register(state)
            case SessionChanged(state=SessionState.EXPIRED):
                return evolve(state, asked=None, registered=False), (OpenSession(),)
            case Answered(number=number, answer=answer) if number == state.number:
                return self._answered(state, answer)
            case Notified() if not state.registered:
                return self._register(state)
            case SessionChanged() | Answered() | Lost() | Notified():
                return state, ()
            case _:
                raise ValueError(f"member {state.address} does not expect {event}")

    def plain(self, state: MemberState) -> Any:
        """As text."""
        return str(state)

    def _register(self, state: MemberState) -> Started:
        return _ask(state, Create(state.path, mode=CreateMode.EPHEMERAL))

    def _answered(self, state: MemberState, answer: Answer) -> Started:
        match state.asked:
            case Create(path=path) if path == IDS:
                return self._register(state)
            case Create() if answer.error == ErrorCode.NO_NODE:
                return _ask(state, Create(IDS))
            case Create() if not answer.error or not self._checks_owner:
                return _registered(state)
            case Create():
                return _ask(state, Exists(state.path, watch=True))
            case Exists() if answer.stat is not None:
                owner = answer.stat.ephemeral_owner
                if owner == state.session:
                    return _registered(state)
                return _ask(state, Delete(state.path)) if owner == state.earlier else (state, ())
            case _:
                return self._register(state)


def _registered(state: MemberState) -> Started:
    return evolve(state, registered=True, earlier=state.session), ()


def _ask(state: MemberState, operation: Operation) -> Started:
    number = state.number + 1
    return evolve(state, number=number, asked=operation), (Submit(number, operation),)
