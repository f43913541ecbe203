"""FinalRequestProcessor for clients with sessions: events, then replies, each session's in the order of its requests.

CommitProcessor's order is a queue per connection: a read waits for the writes and syncs before it, and is answered from
the tree as it is then. Deviation: a request whose session has moved closes the connection, as in ZooKeeper; one that comes
for a session that is unknown to a learner is answered by the leader's error.
"""

from attrs import evolve

from impl.effects import Close, Link
from impl.zookeeper.apply import Outcome as Applied
from impl.zookeeper.client_messages import ConnectResponse, Tell, WatcherEvent
from impl.zookeeper.codes import ErrorCode
from impl.zookeeper.machine import Outcome, Request
from impl.zookeeper.reads import read
from impl.zookeeper.requests import (
    Answer,
    Create,
    CreateSession,
    Multi,
    Ping,
    Read,
    Reply,
    SetAcl,
    SetData,
    SetWatches,
    Sync,
)
from impl.zookeeper.service_state import OPEN, Connection
from impl.zookeeper.session_ids import password_of
from impl.zookeeper.transactions import CloseSessionTxn, Txn
from impl.zookeeper.tree import DataTree
from impl.zookeeper.turn import Turn
from impl.zookeeper.watches import WatchEvent


def after_apply(turn: Turn, txn: Txn, outcome: Outcome) -> None:
    """A transaction is in the tree: tell of it, then answer who asked for it."""
    result: Applied = outcome.result
    service = turn.state.service
    if service.watches.watches and result.changes:
        watches, events = service.watches.trigger(result.changes)
        turn.set(service=evolve(service, watches=watches))
        _tell(turn, events)
    session, closes = txn.header.session, isinstance(txn.body, CloseSessionTxn)
    service = turn.state.service
    if service.tracker is not None:
        tracker = service.tracker.forget(session) if closes else service.tracker
        outstanding = service.outstanding.applied(txn.zxid)
        turn.set(service=evolve(service, tracker=tracker, outstanding=outstanding))
    connection = service.of_session(session) if service.connections else None
    if connection is None:
        return
    asked = _is_asked_by(connection, session, txn.header.cxid)
    if asked:
        _finish(turn, connection, result)
    if closes and asked:
        forget_connection(turn, connection.link)
    elif closes:
        close_connection(turn, connection.link)


def after_sync(turn: Turn, request: Request) -> None:
    """Everything before a sync is in the tree."""
    connection = turn.state.service.of_session(request.session)
    if connection is not None and _is_asked_by(connection, request.session, request.cxid):
        _finish(turn, connection, Applied())


def _is_asked_by(connection: Connection, session: int, cxid: int) -> bool:
    head = connection.queue[0] if connection.queue else None
    return head is not None and (head.session, head.cxid) == (session, cxid)


def _finish(turn: Turn, connection: Connection, result: Applied) -> None:
    """The write or sync at the head of a session's queue is done; the reads behind it go on."""
    head = connection.queue[0]
    rest = evolve(connection, queue=connection.queue[1:])
    turn.set(service=turn.state.service.having(rest))
    if isinstance(head.operation, CreateSession):
        open_connection(turn, rest)
    elif result.error == ErrorCode.SESSION_MOVED:
        close_connection(turn, rest.link)
    else:
        _reply(turn, rest, head, answer_of(head.operation, result))
        answer_reads(turn, rest.link)


def answer_reads(turn: Turn, link: Link) -> None:
    """Answer the reads at the head of a session's queue."""
    while True:
        connection = turn.state.service.connections[link]
        head = connection.queue[0] if connection.queue else None
        if head is None or not head.operation.is_read or isinstance(head.operation, Sync):
            return
        connection = evolve(connection, queue=connection.queue[1:])
        turn.set(service=turn.state.service.having(connection))
        _reply(turn, connection, head, _read(turn, head))


def _read(turn: Turn, request: Request) -> Answer:
    tree, service = readable_tree(turn), turn.state.service
    assert isinstance(tree, DataTree)
    match request.operation:
        case Ping():
            return Answer()
        case SetWatches(relative_zxid=zxid, data=data, exist=exist, child=child):
            watches, events = service.watches.reconnect(request.session, tree, zxid, data, exist, child)
            turn.set(service=evolve(service, watches=watches))
            _tell(turn, events)
            return Answer()
        case operation if isinstance(operation, Read):
            watches, answer = read(tree, service.watches, request.session, operation, request.auth)
            if watches is not service.watches:
                turn.set(service=evolve(service, watches=watches))
            return answer
        case _:
            raise AssertionError(f"{request} is no read")


def readable_tree(turn: Turn) -> object:
    """The tree that reads are answered from."""
    snapshots = () if turn.config.rules.reads_see_the_database() else turn.state.snapshots
    return max(snapshots, key=lambda snapshot: snapshot.zxid).tree if snapshots else turn.state.database.tree


def _tell(turn: Turn, events: tuple[WatchEvent, ...]) -> None:
    for event in events:
        connection = turn.state.service.of_session(event.session)
        if connection is not None:
            turn.send(WatcherEvent(turn.me, connection.link.dialler, connection.link, event.type, event.path))


def _reply(turn: Turn, connection: Connection, request: Request, answer: Answer) -> None:
    reply = Reply(request.cxid, turn.state.database.last_processed, answer)
    turn.send(Tell(turn.me, connection.link.dialler, connection.link, reply))


def answer_of(operation: object, result: Applied) -> Answer:
    """What a write gives back: the path of a create, the stat of create2, setData and setACL, the results of a multi."""
    match operation:
        case Multi(ops=ops):
            results = tuple(answer_of(op, part) for op, part in zip(ops, result.results, strict=False))
            return Answer(result.error, results=results)
        case Create(with_stat=with_stat) if not result.error:
            return Answer(path=result.path, stat=result.stat if with_stat else None)
        case SetData() | SetAcl() if not result.error:
            return Answer(stat=result.stat)
        case _:
            return Answer(result.error)


def open_connection(turn: Turn, connection: Connection) -> None:
    """The session is there: tell the client. ZooKeeperServer.finishSessionInit."""
    opened = evolve(connection, phase=OPEN)
    turn.set(service=turn.state.service.having(opened))
    session = opened.session
    turn.send(ConnectResponse(turn.me, opened.link.dialler, opened.link, opened.timeout, session, password_of(session)))


def refuse_session(turn: Turn, connection: Connection) -> None:
    """There is no such session, or it is not this client's: a timeout of 0 says so."""
    turn.send(ConnectResponse(turn.me, connection.link.dialler, connection.link, 0, 0, bytes(16)))
    forget_connection(turn, connection.link)


def close_connection(turn: Turn, link: Link) -> None:
    """Hang up on a client at once; what is in flight is lost."""
    forget_connection(turn, link)
    turn.emit(Close(link))


def forget_connection(turn: Turn, link: Link) -> None:
    """The last message for a client is on its way: it hangs up when that arrives."""
    turn.set(service=turn.state.service.without(link))
