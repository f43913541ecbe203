"""The simulated world: one loop, driven by choices.

`choices()` says what can happen next, `apply()` makes one of it happen.

There is no randomness here and no schedule: whoever drives the world (the simulator, Hypothesis, a trace, a conformance
check) chooses. The same choices give the same world, byte for byte.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, assert_never

from impl.effects import CancelTimer, Close, Connect, Event, Receive, Send, SetTimer, TimerFired
from impl.operations import Operation
from impl.world.applications import Invoke, Record
from impl.world.choices import (
    KIND_OF,
    Choice,
    ChoiceError,
    ClientOp,
    Crash,
    CrashDuring,
    Cut,
    Deliver,
    Drop,
    Duplicate,
    Fire,
    Heal,
    NodeChoice,
    Pause,
    Redeliver,
    Restart,
    Resume,
)
from impl.world.clients import Client, ClientStep
from impl.world.config import WorldConfig
from impl.world.history import HistoryEvent
from impl.world.host import DOWN, PAUSED, UP, Host, Plan
from impl.world.network import Network
from impl.world.offer import offered_choices
from impl.world.record import StepRecord
from impl.world.snapshot import Incident, WorldSnapshot
from impl.world.systems import system_for
from impl.world.timers import Clock, Due, Span, nominal_span

Observer: TypeAlias = "Callable[[World, StepRecord], None]"


class World:
    """A cluster, its clients and everything between them.

    `span` says how long a timer really takes; without it, its nominal time. `observers` are called after every step.
    Public state, to be read only: `now`, `steps`, `network` (also as `sent`), `history`, `incidents`, `counts` (choices
    by kind).
    """

    def __init__(
        self, config: WorldConfig | None = None, *, span: Span = nominal_span, observers: Sequence[Observer] = ()
    ) -> None:
        self.config = config or WorldConfig()
        self.system = system_for(self.config)
        self.network: Network[Any] = self.system.network()
        self.history: list[HistoryEvent] = []
        self.incidents: list[Incident] = []
        self.counts: dict[str, int] = dict.fromkeys(KIND_OF.values(), 0)
        self.steps = 0
        self.observers = tuple(observers)
        self._clock = Clock(span)
        self.voters = self.config.voters
        self.processes = self.system.processes
        self._hosts = {node: Host(node, self.system) for node in (*self.voters, *self.processes)}
        stride = self.config.clients if self.system.workers is None else 0
        clients = (
            Client(index, stride, self.voters, self.config.client_timings, self.system) for index in range(stride)
        )
        self._clients = {client.address: client for client in clients}
        for host in self._hosts.values():
            self._carry_out(host, host.plan(None, 0), Restart(host.node))

    # -------------------------------------------------------------------------------------------------------------- reading

    @property
    def now(self) -> int:
        """The virtual time in microseconds."""
        return self._clock.now

    @property
    def sent(self) -> Sequence[Any]:
        """Every message ever sent; a message's id is its index."""
        return self.network.sent

    @property
    def client_addresses(self) -> tuple[int, ...]:
        """The addresses of the clients, in ascending order."""
        return tuple(self._clients) if self.system.workers is None else self.system.workers

    def status(self, node: int) -> str:
        """ "up", "paused" or "down"."""
        return self._host(node).status

    def disk(self, node: int) -> Any:
        """The disk of a node."""
        return self._host(node).disk

    def state(self, node: int) -> Any:
        """The whole state of a node's process; None while it is down."""
        return self._host(node).state

    def is_idle(self, client: int) -> bool:
        """Whether a client has no operation in progress, and could begin one."""
        host = self._hosts.get(client)
        if host is not None and client in self.client_addresses:
            return host.status == UP and self.system.is_idle(client, host.state)
        return self._client(client).call is None

    def armed(self, address: int) -> tuple[str, ...]:
        """The timers armed at a node or client, in ascending order of their names."""
        return self._clock.armed(address)

    def next_due(self) -> Due | None:
        """The armed timer with the earliest deadline, of a node that is up or of a client; None when nothing is armed."""
        return self._clock.next_due(self._is_awake)

    def is_reachable(self, address: int) -> bool:
        """Whether a message could be delivered there now: a client, or a node that is up."""
        return self._is_awake(address)

    def snapshot_node(self, node: int) -> Any:
        """One node of `snapshot()`."""
        host = self._host(node)
        return self.system.snapshot(node, host.status, host.disk, host.view(), self._clock.armed(node))

    def snapshot(self) -> WorldSnapshot:
        """Everything observable, as frozen data."""
        in_flight = self.network.in_flight()
        return WorldSnapshot(
            time=self.now,
            nodes=tuple(self.snapshot_node(node) for node in self.voters),
            in_flight=tuple(zip(in_flight, self.network.lines(in_flight), strict=True)),
            cuts=self.network.cuts(),
            incidents=tuple(self.incidents),
            plain_node=self.system.plain,
            processes=tuple(self.snapshot_node(process) for process in self.processes),
        )

    def digest(self) -> str:
        """SHA-256 (hex) of the canonical JSON of the snapshot."""
        return self.snapshot().digest()

    def preview(self, choice: NodeChoice) -> tuple[Any, ...]:
        """The effects a node's step would have, in order; nothing happens."""
        address, event = self._target(choice)
        return self._host(address).plan(event, self._time_of(choice)).effects

    def address_of(self, choice: NodeChoice) -> int:
        """The node or client where the step would happen. Raises ChoiceError when it cannot happen now."""
        return self._target(choice)[0]

    def kept_range(self, node: int, effects: tuple[Any, ...] = ()) -> tuple[int, int]:
        """The least and the most records of the log that a crash can leave (after these effects)."""
        return self._host(node).kept_range(effects)

    # -------------------------------------------------------------------------------------------------------------- choices

    def choices(self, *, mid_step: bool = True) -> tuple[Choice, ...]:
        """Everything that can happen now, within the fault budget, in a fixed order.

        Order: deliveries, timers, client operations, restarts and resumptions, heals, then the faults. `Redeliver` is
        not offered (it would double every delivery); `mid_step=False` leaves out the crashes in the middle of a step,
        which need a preview of every step. A client is offered one write of its own; `apply` takes any operation.
        """
        return offered_choices(self, mid_step=mid_step)

    # ---------------------------------------------------------------------------------------------------------------- apply

    def apply(self, choice: Choice) -> StepRecord:
        """Make one choice happen. Raises ChoiceError, and changes nothing, when it cannot happen now."""
        if choice.at is not None and choice.at < self.now:
            raise ChoiceError(f"step {self.steps}: {choice} is in the past, the time is {self.now}")
        record = self._apply(choice)
        self.counts[KIND_OF[type(choice)]] += 1
        self.steps += 1
        for observer in self.observers:
            observer(self, record)
        return record

    def _apply(self, choice: Choice) -> StepRecord:
        match choice:
            case Deliver() | Duplicate() | Redeliver() | Fire() | Restart():
                return self._step(choice, choice, None)
            case CrashDuring(inner, after, kept):
                return self._step(choice, inner, (after, kept))
            case Drop(message_id):
                self._require_in_flight(message_id)
                self._advance(choice)
                return self._record(choice, 0, sent=self.network.lose(message_id))
            case Crash(node, kept):
                return self._crash(choice, node, kept)
            case Pause(node) | Resume(node):
                wanted, becomes = (UP, PAUSED) if isinstance(choice, Pause) else (PAUSED, UP)
                host = self._require_status(choice, node, wanted)
                self._advance(choice)
                host.status = becomes
                if becomes == UP:
                    self._clock.wake(node)
                return self._record(choice, node)
            case Cut(src, dst) | Heal(src, dst):
                if src == dst or src not in self._hosts or dst not in self._hosts:
                    raise ChoiceError(f"step {self.steps}: {choice}: a link joins two different nodes of {self.voters}")
                self._advance(choice)
                (self.network.cut if isinstance(choice, Cut) else self.network.heal)(src, dst)
                return self._record(choice, 0)
            case ClientOp(address, operation, node):
                return self._invoke(choice, address, operation, node)
            case _:
                assert_never(choice)

    def _step(self, choice: Choice, inner: NodeChoice, crash: tuple[int, int] | None) -> StepRecord:
        """A node or a client handles an event; with `crash`, only a prefix of the effects happens before it is down."""
        address, event = self._target(inner)
        if address in self._clients:
            if crash is not None or event is None:
                raise ChoiceError(f"step {self.steps}: {choice}: clients do not crash")
            self._consume(inner)
            return self._client_step(choice, self._clients[address], event)
        host = self._hosts[address]
        plan = host.plan(event, self._time_of(inner))
        if crash is not None:
            self._check_crash(choice, host, plan, crash)
        self._consume(inner)
        return self._carry_out(host, plan, choice, event, crash)

    def _check_crash(self, choice: Choice, host: Host, plan: Plan, crash: tuple[int, int]) -> None:
        after, kept = crash
        if after > len(plan.effects):
            raise ChoiceError(f"step {self.steps}: {choice}: the step has {len(plan.effects)} effects, not {after}")
        self._check_kept(choice, kept, host.kept_range(plan.effects[:after]))

    def _check_kept(self, choice: Choice, kept: int, kept_range: tuple[int, int]) -> None:
        least, most = kept_range
        if not least <= kept <= most:
            raise ChoiceError(f"step {self.steps}: {choice}: kept must be from {least} (flushed) to {most} (log end)")

    def _target(self, choice: NodeChoice) -> tuple[int, Event[Any] | None]:
        """Where a step would happen, and the event (None: start). Raises ChoiceError when it cannot happen now."""
        match choice:
            case Deliver(message_id) | Duplicate(message_id) | Redeliver(message_id):
                if isinstance(choice, Redeliver):
                    if not 0 <= message_id < len(self.sent):
                        raise ChoiceError(f"step {self.steps}: {choice}: only {len(self.sent)} messages were sent")
                else:
                    self._require_in_flight(message_id)
                    if not self.network.is_deliverable(message_id):
                        raise ChoiceError(
                            f"step {self.steps}: {choice}: not before what was sent earlier on its connection"
                        )
                if not isinstance(choice, Deliver) and not self.may_duplicate(message_id):
                    raise ChoiceError(f"step {self.steps}: {choice}: a client's message arrives at most once (TCP)")
                message = self.sent[message_id]
                if not self._is_awake(message.dst):
                    raise ChoiceError(f"step {self.steps}: {choice}: node {message.dst} is {self.status(message.dst)}")
                return message.dst, Receive(message)
            case Fire(address, timer):
                if self._clock.deadline(address, timer) is None:
                    armed = ", ".join(self._clock.armed(address)) or "none"
                    raise ChoiceError(
                        f"step {self.steps}: {choice}: the timer is not armed at {address} (armed: {armed})"
                    )
                if not self._is_awake(address):
                    raise ChoiceError(f"step {self.steps}: {choice}: node {address} is {self.status(address)}")
                return address, TimerFired(timer)
            case Restart(node):
                self._require_status(choice, node, DOWN)
                return node, None
            case _:
                assert_never(choice)

    def _time_of(self, choice: NodeChoice) -> int:
        """When a step will happen, if it is next."""
        at = choice.at
        if at is None and isinstance(choice, Fire):
            at = self._clock.deadline(choice.node, choice.timer)
        return max(self.now, at or 0)

    def _consume(self, choice: NodeChoice) -> None:
        """The cause of a step is used up: the message is taken, the timer is no longer armed. The clock moves."""
        match choice:
            case Deliver(message_id):
                self._advance(choice)
                self.network.take(message_id)
            case Fire(address, timer):
                deadline = self._clock.deadline(address, timer)
                self._clock.advance(choice.at if choice.at is not None else deadline or 0)
                self._clock.disarm(address, timer)
            case _:
                self._advance(choice)

    def _carry_out(
        self,
        host: Host,
        plan: Plan,
        choice: Choice,
        event: Any = None,
        crash: tuple[int, int] | None = None,
    ) -> StepRecord:
        """Carry out the effects of a node's step from left to right, then take over its new state, or its death."""
        effects = plan.effects if crash is None else plan.effects[: crash[0]]
        if host.status == DOWN:
            host.started()
        sent: list[int] = []
        for effect in effects:
            match effect:
                case Send(message):
                    sent.append(self.network.send(message))
                case Connect(link):
                    sent.extend(self.network.connect(link))
                case Close(link):
                    sent.extend(self.network.close(link, host.node))
                case SetTimer():
                    self._clock.arm(host.node, effect)
                case CancelTimer(timer):
                    self._clock.disarm(host.node, timer)
                case Record(outcome):
                    self.history.append(outcome.stamped(len(self.history), self.now))
                case _:
                    host.disk = host.disk.carry_out(effect)
        host.state = plan.state
        incident = None
        if crash is not None:
            sent.extend(self._take_down(host, crash[1]))
        elif plan.fatal is not None:
            incident = Incident(self.steps, host.node, "fatal", plan.fatal)
            self.incidents.append(incident)
            sent.extend(self._take_down(host, None))
        return self._record(choice, host.node, event, effects, tuple(sent), incident)

    def _crash(self, choice: Choice, node: int, kept: int) -> StepRecord:
        host = self._host(node)
        if host.status == DOWN:
            raise ChoiceError(f"step {self.steps}: {choice}: node {node} is down already")
        self._check_kept(choice, kept, host.kept_range())
        self._advance(choice)
        return self._record(choice, node, sent=self._take_down(host, kept))

    def _take_down(self, host: Host, kept: int | None) -> tuple[int, ...]:
        host.stopped(kept)
        self._clock.disarm_all(host.node)
        return self.network.reset(host.node)

    def _invoke(self, choice: Choice, address: int, operation: Operation, node: int | None) -> StepRecord:
        host = self._hosts.get(address)
        if host is not None and address in self.client_addresses:
            if not self.is_idle(address):
                raise ChoiceError(f"step {self.steps}: {choice}: client {address} is {host.status}, or busy")
            self._advance(choice)
            event = Invoke(operation)
            return self._carry_out(host, host.plan(event, self.now), choice, event)
        client = self._client(address)
        if client.call is not None:
            raise ChoiceError(f"step {self.steps}: {choice}: client {address} is busy with {client.call.operation}")
        if node is not None and node not in self._hosts:
            raise ChoiceError(f"step {self.steps}: {choice}: there is no node {node}; nodes are {self.voters}")
        self._advance(choice)
        return self._carry_out_client(choice, client, client.invoke(operation, node), None)

    def _client_step(self, choice: Choice, client: Client, event: Event[Any]) -> StepRecord:
        match event:
            case Receive(message):
                reply = self.system.reply(message)
                if reply is None:
                    raise RuntimeError(f"client {client.address} received {message}")
                step = client.on_reply(reply)
            case TimerFired(timer):
                step = client.on_timer(timer)
            case _:
                assert_never(event)
        return self._carry_out_client(choice, client, step, event)

    def _carry_out_client(
        self, choice: Choice, client: Client, step: ClientStep, event: Event[Any] | None
    ) -> StepRecord:
        sent: list[int] = []
        for effect in step.effects:
            match effect:
                case Send(message):
                    sent.append(self.network.send(message))
                case SetTimer():
                    self._clock.arm(client.address, effect)
                case CancelTimer(timer):
                    self._clock.disarm(client.address, timer)
                case _:
                    raise RuntimeError(f"a client cannot have the effect {effect}")
        if step.outcome is not None:
            self.history.append(step.outcome.stamped(len(self.history), self.now))
        return self._record(choice, client.address, event, step.effects, tuple(sent))

    # -------------------------------------------------------------------------------------------------------------- helpers

    def _record(
        self,
        choice: Choice,
        node: int,
        event: Any = None,
        effects: tuple[Any, ...] = (),
        sent: tuple[int, ...] = (),
        incident: Incident | None = None,
    ) -> StepRecord:
        return StepRecord(self.steps, self.now, choice, node, event, effects, sent, incident)

    def _advance(self, choice: Choice) -> None:
        if choice.at is not None:
            self._clock.advance(choice.at)

    def _is_awake(self, address: int) -> bool:
        host = self._hosts.get(address)
        return host.status == UP if host is not None else address in self._clients

    def may_duplicate(self, message_id: int) -> bool:
        """Whether a message may arrive more than once: not one from or to a client."""
        return self.system.may_duplicate(self.sent[message_id])

    def _host(self, node: int) -> Host:
        if node not in self._hosts:
            raise ChoiceError(f"there is no node {node}; nodes are {(*self.voters, *self.processes)}")
        return self._hosts[node]

    def _client(self, address: int) -> Client:
        if address not in self._clients:
            raise ChoiceError(f"there is no client {address}; clients are {self.client_addresses}")
        return self._clients[address]

    def _require_in_flight(self, message_id: int) -> None:
        if not self.network.is_in_flight(message_id):
            raise ChoiceError(
                f"step {self.steps}: message {message_id} is not in flight (in flight: {self.network.in_flight()}); "
                "Redeliver takes any message that was ever sent"
            )

    def _require_status(self, choice: Choice, node: int, status: str) -> Host:
        host = self._host(node)
        if host.status != status:
            raise ChoiceError(f"step {self.steps}: {choice}: node {node} is {host.status}, not {status}")
        return host
