"""What a server knows of the clients that are connected to it, and a leader of all sessions. ServerCnxn, ZooKeeperServer.

All of it is lost when the server stops to serve: connections are closed, watches go with them, and the tracker and the
outstanding changes belong to one leadership.
"""

from collections.abc import Mapping

from attrs import evolve, field, frozen

from impl.effects import Link
from impl.zookeeper.machine import Request
from impl.zookeeper.prep import Outstanding
from impl.zookeeper.sessions import SessionTracker
from impl.zookeeper.watches import Watches

NEW, OPENING, VALIDATING, OPEN = "NEW", "OPENING", "VALIDATING", "OPEN"


@frozen
class Connection:
    """One client's connection.

    `phase`: NEW until the ConnectRequest came; OPENING while the session is being created, VALIDATING while the leader is
    asked about it; then OPEN. `timeout` in ms. `queue` holds the session's requests that are not answered, in order: a
    read waits there for the writes before it.
    """

    link: Link
    session: int = 0
    timeout: int = 0
    phase: str = NEW
    queue: tuple[Request, ...] = ()


@frozen
class ServiceState:
    """`connections` in the order in which they came; `touched`: the sessions that a learner has heard of since it last
    told the leader, with their timeouts; `next_session` the id of the next session created here; `tracker` and
    `outstanding` are a leader's.
    """

    connections: Mapping[Link, Connection] = field(factory=dict)
    watches: Watches = Watches()
    touched: Mapping[int, int] = field(factory=dict)
    next_session: int = 0
    tracker: SessionTracker | None = None
    outstanding: Outstanding = Outstanding()

    def of_session(self, session: int) -> Connection | None:
        """The connection of a session at this server."""
        return next((known for known in self.connections.values() if known.session == session), None)

    def having(self, connection: Connection) -> "ServiceState":
        """With this connection in the place of the one with its link."""
        return evolve(self, connections={**self.connections, connection.link: connection})

    def without(self, link: Link) -> "ServiceState":
        """The connection is gone, and the watches of its session with it."""
        gone = self.connections.get(link)
        if gone is None:
            return self
        connections = {key: known for key, known in self.connections.items() if key != link}
        watches = self.watches.remove_session(gone.session) if gone.phase == OPEN else self.watches
        return evolve(self, connections=connections, watches=watches)
