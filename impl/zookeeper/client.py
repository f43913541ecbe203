"""The client library: one handle on the ensemble, with its session. A pure step machine between application and network.

Source: ZooKeeper, ClientCnxn (SendThread), StaticHostProvider. `perform` takes what the application asks for, `on_message`,
`on_closed` and `on_timer` what comes from outside; each returns the next state, and in order the effects on the network and
the events for the application. Deviations: the client never declares its own expiry (since 3.9.3 it does, after 4/3 of the
timeout without a server: ZOOKEEPER-4508); addresses are not resolved; no read-only mode, no SASL, no persistent watches.
"""

from random import Random
from typing import TypeAlias, assert_never

from attrs import evolve, frozen

from impl.effects import CancelTimer, Close, Connect, Link, Send, SetTimer
from impl.zookeeper.client_messages import (
    PING_CXID,
    SET_WATCHES_CXID,
    Ask,
    ConnectRequest,
    ConnectResponse,
    FromClient,
    FromServer,
    Tell,
    WatcherEvent,
)
from impl.zookeeper.client_watches import ClientWatches
from impl.zookeeper.codes import ErrorCode
from impl.zookeeper.handle import (
    Answered,
    Effect,
    EndSession,
    Event,
    Lost,
    Notified,
    OpenSession,
    SessionChanged,
    SessionState,
    Submit,
)
from impl.zookeeper.requests import Asked, CloseSession, Ping

CONNECT, READ, PING = "zk-connect", "zk-read", "zk-ping"
TIMERS = (CONNECT, READ, PING)
"""The names of the client's timers: when to dial again, when the server has been silent for too long, when to ping."""

NOT_OPENED, CONNECTING, HANDSHAKE, CONNECTED, CLOSED, EXPIRED = (
    "NOT_OPENED",
    "CONNECTING",
    "HANDSHAKE",
    "CONNECTED",
    "CLOSED",
    "EXPIRED",
)
_ALIVE = (CONNECTING, HANDSHAKE, CONNECTED)


@frozen
class ClientSettings:
    """`servers` by address; the session `timeout` that is asked for, in ms; `connect_spread`: how long it may wait between
    two attempts to connect, in microseconds (up to a second in ZooKeeper). `seed` orders the servers."""

    servers: tuple[int, ...]
    timeout: int = 2_000
    connect_spread: int = 100_000
    seed: int = 0


@frozen
class Pending:
    """A request of the session: its cxid, the application's number for it (None: the library's own), what it asks."""

    cxid: int
    number: int | None
    operation: Asked


@frozen
class ClientState:
    """`sent` awaits replies, `waiting` a connection; `watches` are those of the session; `server` indexes `servers`.

    `timeout` is the negotiated one in ms (before that, the wanted one); `last_zxid` the highest zxid of a reply.
    """

    address: int
    settings: ClientSettings
    servers: tuple[int, ...]
    next_serial: int
    phase: str = NOT_OPENED
    server: int = -1
    link: Link | None = None
    session: int = 0
    password: bytes = bytes(16)
    timeout: int = 0
    last_zxid: int = 0
    next_cxid: int = 1
    sent: tuple[Pending, ...] = ()
    waiting: tuple[Pending, ...] = ()
    watches: ClientWatches = ClientWatches()

    @property
    def read_timeout(self) -> int:
        """How long a server may be silent, µs: two thirds of the session's timeout. ClientCnxn.readTimeout."""
        return self.timeout * 1_000 * 2 // 3


Output: TypeAlias = Send[FromClient] | Connect | Close | SetTimer | CancelTimer | Event
"""An effect on the network or on timers, or an event for the application."""

Step: TypeAlias = tuple[ClientState, tuple[Output, ...]]


def new_client(address: int, settings: ClientSettings, first_serial: int) -> ClientState:
    """A library without a handle. The order of the servers is drawn once, as in StaticHostProvider."""
    random, left, servers = Random(settings.seed), list(settings.servers), []
    while left:
        servers.append(left.pop(random.getrandbits(64) % len(left)))
    return ClientState(address, settings, tuple(servers), first_serial)


def perform(state: ClientState, effect: Effect) -> Step:
    """Do what the application asks. Raises ValueError for what has no meaning in the state of the handle."""
    turn = _Turn(state)
    match effect:
        case OpenSession():
            turn.open()
        case Submit(number=number, operation=operation):
            turn.submit(number, operation)
        case EndSession():
            turn.end()
        case _:
            assert_never(effect)
    return turn.state, tuple(turn.outputs)


def on_message(state: ClientState, message: FromServer) -> Step:
    """A message of a server; one of a connection that was given up is ignored."""
    turn = _Turn(state)
    if message.channel == state.link:
        turn.heard()
        match message:
            case ConnectResponse():
                turn.on_connect_response(message)
            case Tell(reply=reply):
                turn.on_reply(reply.cxid, reply.zxid, message)
            case WatcherEvent(type=event, path=path):
                watches, told = state.watches.fired(event, path)
                turn.set(watches=watches)
                if told:
                    turn.outputs.append(Notified(event, path))
            case _:
                assert_never(message)
    return turn.state, tuple(turn.outputs)


def on_closed(state: ClientState, link: Link) -> Step:
    """The connection is gone."""
    turn = _Turn(state)
    if link == state.link:
        turn.set(link=None)
        turn.disconnected()
    return turn.state, tuple(turn.outputs)


def on_timer(state: ClientState, timer: str) -> Step:
    """One of `TIMERS` has expired. Raises ValueError for another."""
    turn = _Turn(state)
    match timer:
        case _ if timer == CONNECT:
            turn.dial()
        case _ if timer == READ:
            turn.hang_up()
            turn.disconnected()
        case _ if timer == PING:
            turn.ask(Pending(PING_CXID, None, Ping()))
        case _:
            raise ValueError(f"client {state.address} has no timer {timer!r}")
    return turn.state, tuple(turn.outputs)


class _Turn:
    """One step on its way: `state` is replaced, `outputs` grow in order."""

    def __init__(self, state: ClientState) -> None:
        self.state = state
        self.outputs: list[Output] = []

    def set(self, **changes: object) -> None:
        self.state = evolve(self.state, **changes)  # type: ignore[arg-type]  # fields by name

    # ------------------------------------------------------------------------------------------------------- the application

    def open(self) -> None:
        """A new handle: a new session, nothing of the old one. The first server is dialled at once."""
        if self.state.phase in _ALIVE:
            raise ValueError(f"client {self.state.address}: a handle is open; close it, or wait for its expiry")
        self.hang_up()
        self.set(
            phase=CONNECTING, session=0, password=bytes(16), timeout=self.state.settings.timeout, last_zxid=0,
            next_cxid=1, sent=(), waiting=(), watches=ClientWatches(),
        )  # fmt: skip
        self.dial()

    def submit(self, number: int, operation: Asked) -> None:
        """Send it, or keep it until the connection stands. ClientCnxn.queuePacket."""
        state = self.state
        if state.phase not in _ALIVE:
            self.outputs.append(Lost(number, ErrorCode.SESSION_EXPIRED))
            return
        pending = Pending(state.next_cxid, number, operation)
        self.set(next_cxid=state.next_cxid + 1)
        if state.phase == CONNECTED:
            self.ask(pending)
        else:
            self.set(waiting=(*self.state.waiting, pending))

    def end(self) -> None:
        """Close the session at the server, if one is connected; else it has to expire. ZooKeeper.close."""
        state = self.state
        if state.phase == CONNECTED:
            self.set(phase=CLOSED, next_cxid=state.next_cxid + 1)
            self.ask(Pending(state.next_cxid, None, CloseSession()))
        elif state.phase in _ALIVE:
            self.hang_up()
            self.set(phase=CLOSED)
            self.lose(ErrorCode.SESSION_EXPIRED)

    # ------------------------------------------------------------------------------------------------------------ the network

    def dial(self) -> None:
        """Connect to the next server, and say who we are. SendThread.startConnect, primeConnection."""
        state = self.state
        server = (state.server + 1) % len(state.servers)
        link = Link(state.address, state.servers[server], state.next_serial)
        self.set(phase=HANDSHAKE, server=server, link=link, next_serial=state.next_serial + 1)
        hello = ConnectRequest(
            state.address, link.acceptor, link, state.last_zxid, state.settings.timeout, state.session, state.password
        )
        self.outputs += [
            Connect(link), Send(hello), SetTimer(READ, state.timeout * 1_000 // len(state.servers)),
        ]  # fmt: skip

    def ask(self, pending: Pending) -> None:
        """Send a request of the session."""
        state = self.state
        assert state.link is not None, "requests are sent on a connection"
        self.set(sent=(*state.sent, pending))
        self.outputs += [
            Send(Ask(state.address, state.link.acceptor, state.link, pending.cxid, pending.operation)),
            SetTimer(PING, state.read_timeout // 2),
        ]

    def heard(self) -> None:
        """The server lives."""
        if self.state.phase == CONNECTED:
            self.outputs.append(SetTimer(READ, self.state.read_timeout))

    def hang_up(self) -> None:
        """Leave the connection, if there is one."""
        if self.state.link is not None:
            self.outputs.append(Close(self.state.link))
        self.set(link=None)
        self.outputs += [CancelTimer(timer) for timer in TIMERS]

    def disconnected(self) -> None:
        """The connection is lost, and with it the fate of everything that was asked for. SendThread.cleanup."""
        phase = self.state.phase
        self.outputs += [CancelTimer(READ), CancelTimer(PING)]
        if phase == CLOSED:
            self.lose(ErrorCode.SESSION_EXPIRED)
            return
        self.set(phase=CONNECTING)
        self.lose(ErrorCode.CONNECTION_LOSS)
        if phase == CONNECTED:
            self.outputs.append(SessionChanged(SessionState.DISCONNECTED, self.state.session))
        self.outputs.append(SetTimer(CONNECT, 0, self.state.settings.connect_spread))

    def lose(self, error: ErrorCode) -> None:
        """No reply will come to what was sent or waits. ClientCnxn.conLossPacket."""
        lost = (*self.state.sent, *self.state.waiting)
        self.set(sent=(), waiting=())
        self.outputs += [Lost(pending.number, error) for pending in lost if pending.number is not None]

    # ----------------------------------------------------------------------------------------------------------- the messages

    def on_connect_response(self, message: ConnectResponse) -> None:
        """The session is open, or it has expired. SendThread.onConnected."""
        if self.state.phase != HANDSHAKE:
            return
        if message.timeout <= 0:
            session = self.state.session
            self.hang_up()
            self.set(phase=EXPIRED)
            self.lose(ErrorCode.SESSION_EXPIRED)
            self.outputs.append(SessionChanged(SessionState.EXPIRED, session))
            return
        waiting = self.state.waiting
        self.set(
            phase=CONNECTED, session=message.session, password=message.password, timeout=message.timeout, waiting=()
        )
        self.outputs += [SetTimer(READ, self.state.read_timeout), SetTimer(PING, self.state.read_timeout // 2)]
        self.outputs.append(SessionChanged(SessionState.CONNECTED, message.session))
        if self.state.watches.any:
            self.ask(Pending(SET_WATCHES_CXID, None, self.state.watches.armed_again(self.state.last_zxid)))
        for pending in waiting:
            self.ask(pending)

    def on_reply(self, cxid: int, zxid: int, message: Tell) -> None:
        """The reply to the oldest request, or something is broken, which ends the connection. SendThread.readResponse."""
        head = self.state.sent[0] if self.state.sent else None
        if head is None or head.cxid != cxid:
            raise ValueError(f"client {self.state.address} awaits the reply to {head}, and got {message}")
        answer = message.reply.answer
        watches = self.state.watches.registered(head.operation, answer)
        self.set(sent=self.state.sent[1:], last_zxid=max(self.state.last_zxid, zxid), watches=watches)
        if isinstance(head.operation, CloseSession) and self.state.phase == CLOSED:
            self.hang_up()
        elif head.number is not None:
            self.outputs.append(Answered(head.number, answer, zxid, message.src))
