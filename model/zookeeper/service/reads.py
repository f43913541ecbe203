"""Reads, served from the tree of the server that the client is connected to; and what the client receives.

FinalRequestProcessor, ClientCnxn.SendThread.readResponse.
"""

from model.language import NONE, Bool, forall, implies, require, value_of
from model.zookeeper.service.rules import nothing_before
from model.zookeeper.service.state import Path, Service, Session
from model.zookeeper.service.tree import shown, value_at


def read(s: Service, session: Session, path: Path, watch: Bool) -> None:
    """A server serves a read from its own tree, once the session's writes are answered, and sets a watch if asked to.

    A client asks for a watch only where it has none.
    """
    require(s.connection[session] != NONE)
    require(s.pipe[session].length == 0)
    require(forall(Path, lambda p: nothing_before(s.due[session, p])))
    require(implies(watch, s.watching[session, path] == NONE))
    server = value_of(s.connection[session])
    value = value_at(s, server, path)
    known = s.watching[session, path]
    s.ghost_surprised[session] = s.ghost_surprised[session] | ((known != NONE) & (known != value))
    shown(s, session, s.applied[server])
    if watch:
        s.aux_watches = s.aux_watches + 1
        s.armed[session, path] = True
        s.watching[session, path] = value


def receive_event(s: Service, session: Session, path: Path) -> None:
    """A client receives a watch event: the watch is gone, as it fires once."""
    require(s.connection[session] != NONE)
    require(s.due[session, path])
    s.due[session, path] = False
    s.ghost_again[session, path] = s.ghost_again[session, path] | (s.watching[session, path] == NONE)
    s.watching[session, path] = NONE
