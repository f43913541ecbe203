"""The client port: connections of clients, from the handshake on. ServerCnxn, ZooKeeperServer.processConnectRequest, submitRequest."""

from typing import assert_never

from attrs import evolve

from impl.effects import Close, ConnectionOpened, Link
from impl.zookeeper.client_messages import Ask, ConnectRequest, FromClient
from impl.zookeeper.final import answer_reads, close_connection, open_connection, refuse_session
from impl.zookeeper.leader_sessions import revalidate, touch
from impl.zookeeper.machine import Request
from impl.zookeeper.messages import Forward, Revalidate
from impl.zookeeper.peer import leave_role
from impl.zookeeper.pipeline import enqueue_commit
from impl.zookeeper.proposals import process_sync, submit
from impl.zookeeper.requests import CreateSession, Sync
from impl.zookeeper.service import Service
from impl.zookeeper.service_state import NEW, OPEN, OPENING, VALIDATING, Connection
from impl.zookeeper.session_ids import negotiated_timeout, password_of
from impl.zookeeper.state import BROADCAST, Following, Leading
from impl.zookeeper.turn import Turn


def on_client_opened(turn: Turn, notice: ConnectionOpened) -> None:
    """A client dials. A server that does not serve hangs up."""
    role = turn.state.role
    serves = isinstance(role, Following | Leading) and role.phase == BROADCAST
    if serves and isinstance(turn.settings.machine, Service):
        turn.set(service=turn.state.service.having(Connection(notice.link)))
    else:
        turn.emit(Close(notice.link))


def on_client_closed(turn: Turn, link: Link) -> None:
    """A client's connection is gone. Its session lives on, until the leader has not heard of it for long enough."""
    turn.set(service=turn.state.service.without(link))


def on_client_message(turn: Turn, message: FromClient) -> None:
    """A message of a client; on a connection that this server has left already it is lost."""
    connection = turn.state.service.connections.get(message.channel)
    if connection is None:
        return
    match message:
        case ConnectRequest() if connection.phase == NEW:
            _on_connect(turn, connection, message)
        case Ask() if connection.phase == OPEN:
            _on_ask(turn, connection, message)
        case ConnectRequest() | Ask():
            turn.report("unexpected message", f"server {turn.me} in {connection.phase} got {message}")
            close_connection(turn, connection.link)
        case _:
            assert_never(message)


def _on_connect(turn: Turn, connection: Connection, message: ConnectRequest) -> None:
    """The handshake. A client that has seen more than this server has to look for another one."""
    if message.last_zxid_seen > turn.state.database.last_processed:
        close_connection(turn, connection.link)
        return
    timeout = negotiated_timeout(message.timeout, turn.settings.tick // 1_000)
    if message.session == 0:
        _create_session(turn, evolve(connection, timeout=timeout, phase=OPENING))
        return
    older = turn.state.service.of_session(message.session)
    if older is not None:
        close_connection(turn, older.link)
    connection = evolve(connection, session=message.session, timeout=timeout, phase=VALIDATING)
    turn.set(service=turn.state.service.having(connection))
    role = turn.state.role
    if message.password != password_of(message.session):
        refuse_session(turn, connection)
    elif isinstance(role, Following):
        turn.send(Revalidate(turn.me, role.leader, role.link, message.session, timeout))
    else:
        on_revalidated(turn, message.session, valid=revalidate(turn, message.session, turn.me))


def _create_session(turn: Turn, connection: Connection) -> None:
    session = turn.state.service.next_session
    request = Request(session, 0, CreateSession(connection.timeout), turn.me)
    connection = evolve(connection, session=session, queue=(request,))
    turn.set(service=evolve(turn.state.service.having(connection), next_session=session + 1))
    _hand_on(turn, request)


def on_revalidated(turn: Turn, session: int, *, valid: bool) -> None:
    """The leader knows whether the session lives."""
    connection = turn.state.service.of_session(session)
    if connection is None or connection.phase != VALIDATING:
        return
    if valid:
        open_connection(turn, connection)
    else:
        refuse_session(turn, connection)


def _on_ask(turn: Turn, connection: Connection, message: Ask) -> None:
    """A request takes its place in the session's order; writes and syncs go to the leader at once.

    A leader drops what comes from a session that it is closing.
    """
    session = connection.session
    if isinstance(turn.state.role, Leading):
        if not touch(turn, session):
            return
    else:
        service = turn.state.service
        turn.set(service=evolve(service, touched={**service.touched, session: connection.timeout}))
    request = Request(session, message.cxid, message.operation, turn.me)
    turn.set(service=turn.state.service.having(evolve(connection, queue=(*connection.queue, request))))
    if request.operation.is_read and not isinstance(request.operation, Sync):
        answer_reads(turn, connection.link)
    else:
        _hand_on(turn, request)


def _hand_on(turn: Turn, request: Request) -> None:
    """To the leader, or into the leader's own pipeline. FollowerRequestProcessor, LeaderRequestProcessor."""
    role = turn.state.role
    if request.operation.is_read and not turn.config.rules.sync_goes_to_the_leader():
        enqueue_commit(turn, request)
        return
    if isinstance(role, Following):
        if request.operation.is_read:
            turn.set_role(syncs=(*role.syncs, request))
        turn.send(Forward(turn.me, role.leader, role.link, request))
    elif request.operation.is_read:
        process_sync(turn, turn.me, request)
    elif not submit(turn, request):
        leave_role(turn)
