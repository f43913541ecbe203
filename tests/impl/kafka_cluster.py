"""Brokers over one linearizable ZooKeeper, in virtual time, driven by a seed: who is slow, cut off, paused or dead is drawn."""

from collections.abc import Callable
from heapq import heappop, heappush
from random import Random
from typing import Any

from attrs import define, evolve, field, frozen

from impl.effects import CancelTimer, Receive, Send, SetTimer, TimerFired
from impl.zk_controller.config import SECOND, Config
from impl.zk_controller.effects import BrokerDisk, BrokerEvent
from impl.zk_controller.messages import Message, RequestBody, ResponseBody
from impl.zk_controller.node import start, step
from impl.zk_controller.state import BrokerState
from impl.zookeeper.handle import EndSession, OpenSession, Submit
from impl.zookeeper.requests import Write
from impl.zookeeper.tree import DataTree
from tests.impl.kafka_watch import Committed, Stepped
from tests.impl.zk_store import Handle, Store

MILLI = 1_000
SESSION_TIMEOUT = 6 * SECOND
CLIENT = 900
"""The address of the client."""


@define
class Process:
    """One broker: what runs (None: nothing), its disk, how often it was started, and whether it is paused."""

    config: Config
    disk: BrokerDisk = BrokerDisk()
    state: BrokerState | None = None
    incarnation: int = 0
    paused: bool = False
    handle: Handle = field(factory=Handle)
    timers: dict[str, int] = field(factory=dict)
    waiting: list[tuple[str, Any]] = field(factory=list)


@frozen
class Delays:
    """How long things take, in µs: a part of each is drawn. `slow` in 1000 messages are late by up to `late`; `lost` are lost."""

    message: int = 5 * MILLI
    zookeeper: int = 5 * MILLI
    slow: int = 10
    late: int = 4 * SECOND
    lost: int = 5


QUIET = Delays(slow=0, lost=0)


class Cluster:
    """The whole. `answers` are what the client was told, by correlation id."""

    def __init__(self, configs: tuple[Config, ...], seed: int, delays: Delays = QUIET) -> None:
        self.random = Random(seed)
        self.delays = delays
        self.now = 0
        self.store = Store(self._committed)
        self.brokers = {config.broker: Process(config) for config in configs}
        self.cuts: dict[tuple[int, int], bool] = {}
        self.answers: dict[int, ResponseBody] = {}
        self.watchers: list[Stepped] = []
        self.commit_watchers: list[Committed] = []
        self.steps = 0
        self.held: list[Message] = []
        self.hold: Callable[[Message], bool] = lambda message: False
        self._agenda: list[tuple[int, int, str, Any]] = []
        self._serial = 0
        self._correlation = 0

    # ------------------------------------------------------------------------------------------------------------ running

    def run(self, until: int) -> None:
        """Let happen what happens up to this time (µs)."""
        while self._agenda and self._agenda[0][0] <= until:
            at, _serial, kind, what = heappop(self._agenda)
            self.now = at
            self._happen(kind, what)
        self.now = until

    def run_for(self, duration: int) -> None:
        """The same, from now on."""
        self.run(self.now + duration)

    def at(self, delay: int, kind: str, what: Any) -> None:
        """Have something happen later."""
        self._serial += 1
        heappush(self._agenda, (self.now + delay, self._serial, kind, what))

    def draw(self, below: int) -> int:
        """A number from 0."""
        return int(self.random.random() * below)

    def _happen(self, kind: str, what: Any) -> None:
        match kind:
            case "message":
                self._arrive(what)
            case "carry out":
                process, handle = what
                if process.handle is handle and handle.sent:
                    self.store.carry_out(handle)
            case "hear":
                process, handle = what
                if process.handle is handle and handle.events and process.state is not None and not process.paused:
                    handle.scheduled = max(0, handle.scheduled - 1)
                    self.step(process, self.store.deliver(handle))
            case "timer":
                process, name, deadline = what
                if process.timers.get(name) == deadline:
                    self._give(process, "timer", name)
            case "session":
                handle, since = what
                if not self._is_alive(handle, since):
                    self.store.end(since)
            case "call":
                what()
            case _:
                raise ValueError(kind)
        self._wake_handles()

    def _wake_handles(self) -> None:
        """Events for handles, of whatever cause, are heard after a while, in order."""
        for process in self.brokers.values():
            handle = process.handle
            while handle.scheduled < len(handle.events):
                handle.scheduled += 1
                self.at(1 + self.draw(self.delays.zookeeper), "hear", (process, handle))

    def _give(self, process: Process, kind: str, what: Any) -> None:
        """A timer or a message for a process that runs, or is paused and gets it later."""
        if process.state is None:
            return
        if process.paused:
            process.waiting.append((kind, what))
        elif kind == "message":
            self.step(process, Receive(what))
        elif process.timers.pop(what, None) is not None:
            self.step(process, TimerFired(what))

    def step(self, process: Process, event: BrokerEvent) -> None:
        """One step of a broker."""
        before = process.state
        assert before is not None, f"broker {process.config.broker} does not run"
        after, effects = step(before, event)
        process.state = after
        self.steps += 1
        self._carry_out(process, effects)
        for watcher in self.watchers:
            watcher(self, process.config.broker, before, event, after)

    def _carry_out(self, process: Process, effects: tuple[Any, ...]) -> None:
        for effect in effects:
            match effect:
                case Send(message):
                    self.send(message)
                case SetTimer(name, duration):
                    process.timers[name] = self.now + duration
                    self.at(duration, "timer", (process, name, self.now + duration))
                case CancelTimer(name):
                    process.timers.pop(name, None)
                case Submit():
                    self.store.submit(process.handle, effect)
                    self.at(1 + self.draw(self.delays.zookeeper), "carry out", (process, process.handle))
                case OpenSession():
                    process.handle = Handle()
                    self.at(self.draw(SECOND), "call", lambda: self._open(process))
                case EndSession():
                    self._abandon(process, at_once=True)
                case _:
                    process.disk = process.disk.carry_out(effect)

    def _open(self, process: Process) -> None:
        if process.state is not None and process.handle.session is None and not process.handle.connected:
            self.store.open(process.handle)

    # ------------------------------------------------------------------------------------------------------------ network

    def send(self, message: Message) -> None:
        """A message leaves; it may be late or lost, and those that the test holds wait for it."""
        if self.hold(message):
            self.held.append(message)
        elif message.src == message.dst or self.draw(1000) >= self.delays.lost:
            late = self.draw(self.delays.late) if self.draw(1000) < self.delays.slow else 0
            self.at(1 + self.draw(self.delays.message) + late, "message", message)

    def release(self) -> None:
        """What was held arrives."""
        held, self.held = self.held, []
        for message in held:
            self.at(1, "message", message)

    def _arrive(self, message: Message) -> None:
        if (message.src, message.dst) in self.cuts:
            return
        if message.dst == CLIENT:
            assert not isinstance(message.body, RequestBody)
            self.answers[message.correlation] = message.body
        else:
            self._give(self.brokers[message.dst], "message", message)

    def ask(self, broker: int, body: RequestBody) -> int:
        """A client's request; the correlation id under which its answer will be found."""
        self._correlation += 1
        self.send(Message(CLIENT, broker, self._correlation, body))
        return self._correlation

    # ------------------------------------------------------------------------------------------------------------- faults

    def start(self, broker: int) -> None:
        """A process starts from its disk."""
        process = self.brokers[broker]
        if process.state is None:
            process.state, effects = start(process.config, process.disk, process.incarnation)
            process.incarnation += 1
            process.paused = False
            self._carry_out(process, effects)
            self._wake_handles()

    def start_all(self) -> None:
        """Everybody starts."""
        for broker in self.brokers:
            self.start(broker)

    def crash(self, broker: int, *, wipe: bool = False, ends_session: bool = False) -> None:
        """A process dies; its session lives on for a while, unless it ends it. With `wipe` the disk is gone too."""
        process = self.brokers[broker]
        if process.state is not None:
            process.state = None
            process.timers.clear()
            process.waiting.clear()
            self._abandon(process, at_once=ends_session)
            if wipe:
                process.disk = BrokerDisk()

    def _abandon(self, process: Process, *, at_once: bool) -> None:
        handle, process.handle = process.handle, Handle()
        if handle.session is not None:
            session = handle.session
            self.store.disconnect(handle, self.draw(len(handle.sent) + 1))
            self.at(1 if at_once else SESSION_TIMEOUT, "session", (handle, session))

    def pause(self, broker: int, duration: int) -> None:
        """A process stands still for a while; its session may end meanwhile."""
        process = self.brokers[broker]
        if process.state is None or process.paused:
            return
        process.paused = True
        if duration > SESSION_TIMEOUT:
            self.disconnect(broker, duration)
        self.at(duration, "call", lambda: self._resume(process))

    def _resume(self, process: Process) -> None:
        if not process.paused:
            return
        process.paused = False
        waiting, process.waiting = process.waiting, []
        for kind, what in waiting:
            self._give(process, kind, what)
        process.handle.scheduled = 0

    def disconnect(self, broker: int, duration: int) -> None:
        """A broker's connection to ZooKeeper breaks, for so long."""
        process = self.brokers[broker]
        handle = process.handle
        if process.state is None or not handle.connected:
            return
        session = handle.session
        self.store.disconnect(handle, self.draw(len(handle.sent) + 1))
        handle.scheduled = 0
        self.at(SESSION_TIMEOUT, "session", (handle, session))
        self.at(duration, "call", lambda: self._reconnect(process, handle))

    def _reconnect(self, process: Process, handle: Handle) -> None:
        is_open = process.handle is handle and handle.session is not None
        if is_open and process.state is not None and not handle.connected:
            self.store.reconnect(handle)

    def _is_alive(self, handle: Handle, session: int) -> bool:
        return handle.connected and handle.session == session and any(p.handle is handle for p in self.brokers.values())

    def cut(self, a: int, b: int) -> None:
        """Nothing passes between two brokers."""
        self.cuts[a, b] = self.cuts[b, a] = True

    def heal(self) -> None:
        """Everything passes, everybody runs, nothing is late."""
        self.cuts.clear()
        self.delays = QUIET
        for broker, process in self.brokers.items():
            if process.paused:
                self._resume(process)
            if not process.handle.connected:
                self._reconnect(process, process.handle)
            self.start(broker)

    # ----------------------------------------------------------------------------------------------------------- watching

    def _committed(self, before: DataTree, after: DataTree, session: int, op: Write) -> None:
        for watcher in self.commit_watchers:
            watcher(before, after, session, op)

    def broker_of(self, session: int) -> Process | None:
        """The process that has a session now."""
        return next((process for process in self.brokers.values() if process.handle.session == session), None)

    def reconfigure(self, broker: int, **changes: Any) -> None:
        """Change the configuration that a broker is started with."""
        process = self.brokers[broker]
        process.config = evolve(process.config, **changes)
