"""A leader election with one znode: who creates it leads, the others watch it. As Kafka elects its controller.

Source: ZooKeeper Recipes and Solutions (Leader Election), KafkaController.elect. A candidate reads before it creates, and reads
back what it created: a create whose answer was lost is found like any other (KAFKA-1451).
"""

from typing import Any

from attrs import evolve, frozen

from impl.effects import Send, SetTimer, TimerFired
from impl.recipes.resource import Use
from impl.world.applications import Application
from impl.world.system import Started
from impl.zookeeper.handle import Answered, Lost, Notified, OpenSession, SessionChanged, SessionState, Submit
from impl.zookeeper.requests import Answer, Create, CreateMode, GetData, Operation

LEADER = "/leader"
COMMAND = "command"


@frozen
class CandidateState:
    """`asked` is the operation in progress; `token` the czxid of its own znode while it leads, else 0."""

    address: int
    number: int = 0
    asked: Operation | None = None
    session: int | None = None
    token: int = 0

    @property
    def leads(self) -> bool:
        """Whether it takes itself for the leader."""
        return self.token > 0


class Candidate(Application):
    """Leads for as long as it can, and commands a resource (at an address) every `pause` microseconds."""

    def __init__(self, resource: int, *, pause: int = 50_000) -> None:
        self._resource, self._pause = resource, pause

    def start(self, address: int, disk: Any, incarnation: int) -> Started:
        """Open a session."""
        return CandidateState(address), (OpenSession(),)

    def step(self, state: CandidateState, event: Any) -> Started:
        """The session, an answer, the end of a leader, or the time for a command."""
        match event:
            case SessionChanged(state=SessionState.CONNECTED, session=session):
                return _ask(evolve(state, session=session), GetData(LEADER, watch=True))
            case SessionChanged(state=SessionState.EXPIRED):
                return evolve(state, asked=None, token=0), (OpenSession(),)
            case Answered(number=number, answer=answer) if number == state.number:
                return self._answered(state, answer)
            case Notified():
                return _ask(state, GetData(LEADER, watch=True))
            case TimerFired() if state.leads:
                return state, (Send(Use(state.address, self._resource, state.token)), self._later())
            case SessionChanged() | Answered() | Lost() | TimerFired():
                return state, ()
            case _:
                raise ValueError(f"candidate {state.address} does not expect {event}")

    def plain(self, state: CandidateState) -> Any:
        """As text."""
        return str(state)

    def _later(self) -> SetTimer:
        return SetTimer(COMMAND, self._pause, self._pause)

    def _answered(self, state: CandidateState, answer: Answer) -> Started:
        if not isinstance(state.asked, GetData):
            return _ask(state, GetData(LEADER, watch=True))
        if answer.stat is None:
            return _ask(evolve(state, token=0), Create(LEADER, b"%d" % state.address, mode=CreateMode.EPHEMERAL))
        if answer.stat.ephemeral_owner != state.session:
            return evolve(state, token=0), ()
        effects = () if state.leads else (self._later(),)
        return evolve(state, token=answer.stat.czxid), effects


def _ask(state: CandidateState, operation: Operation) -> Started:
    number = state.number + 1
    return evolve(state, number=number, asked=operation), (Submit(number, operation),)
