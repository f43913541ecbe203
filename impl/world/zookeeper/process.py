"""A client process: an application and the client library of its handle, in one address."""

from typing import Any

from attrs import evolve, frozen

from impl.effects import ConnectionClosed, ConnectionOpened, Receive, TimerFired
from impl.effects import Event as WorldEvent
from impl.world.applications import Application, Invoke
from impl.world.system import Started
from impl.zookeeper import client, handle
from impl.zookeeper.client import ClientSettings, ClientState, new_client
from impl.zookeeper.client_messages import ConnectResponse, Tell, WatcherEvent
from impl.zookeeper.recovery import SERIALS_PER_INCARNATION


@frozen
class ProcessState:
    """The library's state and the application's."""

    library: ClientState
    application: Any


@frozen
class ProcessSnapshot:
    """The observable state of a process: its status, disk, state (None while it could not start) and armed timers."""

    node: int
    status: str
    disk: Any
    state: ProcessState | None
    timers: tuple[str, ...]

    def plain(self, process: "ClientProcess") -> dict[str, Any]:
        """As plain JSON data; the disk as text."""
        state = None if self.state is None else process.plain(self.state)
        return {
            "node": self.node,
            "status": self.status,
            "disk": str(self.disk),
            "state": state,
            "timers": list(self.timers),
        }


class ClientProcess:
    """See `Application`. What one side asks of the other is done at once, in order, within the step."""

    def __init__(self, application: Application, address: int, settings: ClientSettings) -> None:
        self.application = application
        self.address = address
        self._settings = settings

    def start(self, disk: Any, incarnation: int) -> Started:
        """A new library without a handle, and the application's start."""
        seed = (self.address << 20) + incarnation
        library = new_client(self.address, evolve(self._settings, seed=seed), incarnation * SERIALS_PER_INCARNATION)
        state, effects = self.application.start(self.address, disk, incarnation)
        return self._settle(ProcessState(library, state), (), effects)

    def step(self, state: ProcessState, event: WorldEvent[Any] | Invoke) -> Started:
        """An event of the library's goes to the library, any other to the application."""
        library = state.library
        match event:
            case Receive(ConnectResponse() | Tell() | WatcherEvent() as message):
                library, outputs = client.on_message(library, message)
            case Receive(ConnectionClosed(link=link)) if link.dialler == self.address:
                library, outputs = client.on_closed(library, link)
            case Receive(ConnectionOpened()):
                raise ValueError(f"client {self.address} does not listen: {event}")
            case TimerFired(timer) if timer in client.TIMERS:
                library, outputs = client.on_timer(library, timer)
            case _:
                application, effects = self.application.step(state.application, event)
                return self._settle(ProcessState(library, application), (), effects)
        return self._settle(ProcessState(library, state.application), outputs, ())

    def plain(self, state: ProcessState) -> Any:
        """The library as text, the application as it says itself."""
        return {"library": str(state.library), "application": self.application.plain(state.application)}

    def _settle(self, state: ProcessState, outputs: tuple[Any, ...], effects: tuple[Any, ...]) -> Started:
        """Hand on what each side tells the other until nothing is left; the rest is for the world."""
        library, application = state.library, state.application
        to_do, done = [*outputs, *effects], []
        while to_do:
            item = to_do.pop(0)
            more: tuple[Any, ...] = ()
            match item:
                case handle.OpenSession() | handle.EndSession() | handle.Submit():
                    library, more = client.perform(library, item)
                case handle.Answered() | handle.Lost() | handle.Notified() | handle.SessionChanged():
                    application, more = self.application.step(application, item)
                case _:
                    done.append(item)
            to_do += more
        return ProcessState(library, application), tuple(done)
