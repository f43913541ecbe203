"""The spec `zookeeper`: the explicit list of its variables, actions, rules, and default bounds."""

from model.language import NONE, make_spec
from model.zookeeper.service.bugs import BUGS
from model.zookeeper.service.reads import read, receive_event
from model.zookeeper.service.rules import RULES
from model.zookeeper.service.sessions import close_session, connect, disconnect, expire, lead, learn_expired
from model.zookeeper.service.state import Kind, Service, Txn
from model.zookeeper.service.writes import (
    answer,
    apply_next,
    create,
    create_sequential,
    delete,
    execute_late,
    multi,
    set_data,
    sync,
)


def init(s: Service) -> None:
    """No leader yet; one persistent child, which every server and every client has seen; all sessions are known, none is connected."""
    s.log.append(Txn(kind=Kind.CREATE, path=1, version=0, other=0, owner=NONE))
    s.applied[:] = 1
    s.present[:, 1] = True
    s.modified[:, 0] = 1
    s.modified[:, 1] = 1
    s.created[:] = 1
    s.ghost_number = 1
    s.last_zxid[:] = 1
    s.tracked[:] = True


ACTIONS = (
    lead,
    connect,
    disconnect,
    create,
    create_sequential,
    set_data,
    multi,
    delete,
    sync,
    execute_late,
    apply_next,
    answer,
    read,
    receive_event,
    expire,
    close_session,
    learn_expired,
)

BOUNDS = {
    "nodes": 2,
    "sessions": 2,
    "paths": 2,
    "log": 3,
    "pipe": 1,
    "moves": 1,
    "leaders": 1,
    "syncs": 1,
    "watches": 1,
    "expiries": 1,
}

SPEC = make_spec(
    "zookeeper",
    title="ZooKeeper's service: znodes, sessions, watches, as clients see them",
    state=Service,
    init=init,
    actions=ACTIONS,
    rules=RULES,
    bounds=BOUNDS,
    bugs=BUGS,
)
