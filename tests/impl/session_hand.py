"""A hand on a world of servers and client processes: what is due happens in order, faults when the test says so."""

from collections.abc import Callable
from typing import Any

from impl.world.applications import Application
from impl.world.choices import Crash, Cut, Deliver, Fire, Heal, Pause, Restart, Resume
from impl.world.config import WorldConfig
from impl.world.world import World
from impl.zookeeper.handle import Answered, Event, Notified, SessionChanged
from impl.zookeeper.requests import Answer
from impl.zookeeper.state import Settings
from tests.impl.service_watch import ServiceWatch

FIRST = 101


class Clients:
    """Servers 1.. and applications at 101.., under watch."""

    def __init__(
        self, *applications: Application, nodes: int = 3, bug: str | None = None, settings: Settings | None = None
    ) -> None:
        self.watch = ServiceWatch()
        config = WorldConfig(
            nodes=nodes, clients=0, bug=bug, mode="zookeeper", session_timeout=1_000, applications=applications,
            ensemble=settings or Settings(),
        )  # fmt: skip
        self.world = World(config, observers=[self.watch])

    def run(self, until: Callable[[], bool] | None = None, *, for_ms: int = 60_000) -> None:
        """Deliver what can arrive, fire what is due, until a condition holds, or (without one) for a time."""
        world = self.world
        end = world.now + for_ms * 1_000
        while until is None or not until():
            if not self.step(end):
                assert until is None, f"it does not happen within {for_ms} ms"
                return

    def step(self, end: int | None = None) -> bool:
        """The next thing that can happen; False when that is after `end` (µs)."""
        world = self.world
        ids = [
            message_id
            for message_id in world.network.in_flight()
            if world.network.is_deliverable(message_id) and world.is_reachable(world.sent[message_id].dst)
        ]
        due = world.next_due()
        if ids:
            world.apply(Deliver(ids[0]))
        elif due is not None and (end is None or due.deadline <= end):
            world.apply(Fire(due.address, due.timer))
        else:
            return False
        return True

    def state(self, address: int = FIRST) -> Any:
        """The state of the application there."""
        return self.world.state(address).application

    def library(self, address: int = FIRST) -> Any:
        """The state of the client library there."""
        return self.world.state(address).library

    def told(self, address: int = FIRST) -> tuple[Event, ...]:
        """What the application there was told."""
        found: tuple[Event, ...] = self.state(address).told
        return found

    def answers(self, address: int = FIRST) -> list[Answer]:
        """The answers that the application there got."""
        return [event.answer for event in self.told(address) if isinstance(event, Answered)]

    def events(self, address: int = FIRST) -> list[str]:
        """The watches that fired there, as text."""
        return [f"{event.type.name} {event.path}" for event in self.told(address) if isinstance(event, Notified)]

    def sessions(self, address: int = FIRST) -> list[str]:
        """The states of the session as the application there was told."""
        return [event.state.value for event in self.told(address) if isinstance(event, SessionChanged)]

    def is_done(self, address: int = FIRST) -> bool:
        """Whether the script there has come to its end."""
        state = self.state(address)
        answered = [event.number for event in state.told if hasattr(event, "number")]
        return not state.left and state.number in {0, *answered}

    @property
    def leader(self) -> int:
        """The server that leads."""
        (leading,) = [node for node in self.world.voters if self.world.snapshot_node(node).role == "LEADING"]
        return leading

    def server_of(self, address: int = FIRST) -> int:
        """The server that a client is connected to."""
        link = self.library(address).link
        assert link is not None
        server: int = link.acceptor
        return server

    def cut_off(self, address: int = FIRST, servers: tuple[int, ...] | None = None) -> None:
        """Cut a client from servers, both ways."""
        for server in servers or self.world.voters:
            self.world.apply(Cut(address, server))
            self.world.apply(Cut(server, address))

    def heal(self) -> None:
        """Heal every link."""
        for src, dst in self.world.network.cuts():
            self.world.apply(Heal(src, dst))

    def crash(self, address: int) -> None:
        """Power loss of a server or a client; of a log only what is flushed survives."""
        self.world.apply(Crash(address, self.world.kept_range(address)[0]))

    def restart(self, address: int) -> None:
        """Start it again."""
        self.world.apply(Restart(address))

    def pause(self, address: int) -> None:
        """Stop it."""
        self.world.apply(Pause(address))

    def resume(self, address: int) -> None:
        """Let it go on."""
        self.world.apply(Resume(address))

    def paths(self, node: int | None = None) -> list[str]:
        """The znodes in the tree of a server (the leader's), but for the reserved ones."""
        tree = self.world.snapshot_node(node or self.leader).tree
        return [path for path, _ in tree.walk() if path != "/" and not path.startswith("/zookeeper")]
