"""The spec `zk-controller`: the explicit list of its variables, actions, rules, and default bounds."""

from model.language import make_spec
from model.zookeeper.controller.brokers import handle_broker_failure, handle_broker_startup
from model.zookeeper.controller.bugs import BUGS
from model.zookeeper.controller.election import elect, handle_controller_change, handle_reelect, remove_controller
from model.zookeeper.controller.failover import read_brokers, start_state_machines
from model.zookeeper.controller.isr import handle_alter_partition, propose_expand, propose_shrink
from model.zookeeper.controller.partition import elect_leader, prefer, take_offline
from model.zookeeper.controller.reassignment import (
    advance_reassignment,
    complete_reassignment,
    delete_leaving_replicas,
    reassign,
)
from model.zookeeper.controller.registration import register
from model.zookeeper.controller.replication import fetch, produce, truncate
from model.zookeeper.controller.requests import handle_request
from model.zookeeper.controller.rules import RULES
from model.zookeeper.controller.sessions import close_session, crash, expire, learn_expired, start
from model.zookeeper.controller.shutdown import handle_controlled_shutdown, stop, want_to_stop
from model.zookeeper.controller.state import Kafka, SessionState
from model.zookeeper.controller.topics import (
    complete_deletion,
    create_topic,
    delete_replicas,
    handle_deletion_response,
    handle_topic_change,
    handle_topic_deletion,
    request_deletion,
)


def init(s: Kafka) -> None:
    """All brokers run and have registered, and each of them stands for controller; the topic is there, and has no state yet."""
    s.session_state[:, 1] = SessionState.OPEN
    s.registered[:] = 1
    s.registered_by[:] = 1
    s.czxid = 1
    s.assigned[:] = True
    s.topic_id = 1
    s.config = 1
    s.aux_creations = 1
    s.up[:] = True
    s.session[:] = 1
    s.remembered[:] = 1
    s.broker_epoch[:] = 1
    s.reelect[:] = True


ACTIONS = (
    start,
    crash,
    expire,
    close_session,
    learn_expired,
    register,
    handle_controller_change,
    handle_reelect,
    elect,
    remove_controller,
    read_brokers,
    start_state_machines,
    handle_broker_startup,
    handle_broker_failure,
    elect_leader,
    take_offline,
    prefer,
    handle_request,
    produce,
    truncate,
    fetch,
    propose_expand,
    propose_shrink,
    handle_alter_partition,
    want_to_stop,
    handle_controlled_shutdown,
    stop,
    create_topic,
    request_deletion,
    handle_topic_change,
    handle_topic_deletion,
    delete_replicas,
    handle_deletion_response,
    complete_deletion,
    reassign,
    advance_reassignment,
    delete_leaving_replicas,
    complete_reassignment,
)

BOUNDS = {
    "nodes": 2,
    "sessions": 2,
    "elections": 2,
    "registrations": 2,
    "writes": 4,
    "queue": 4,
    "records": 1,
    "incidents": 1,
    "restarts": 1,
    "expiries": 1,
    "lingering": 1,
    "losses": 1,
    "removals": 1,
    "preferred": 1,
    "disks": 0,
    "shutdowns": 1,
    "deletions": 1,
    "creations": 2,
    "reassignments": 1,
}

SPEC = make_spec(
    "zk-controller",
    title="Kafka's controller and brokers on ZooKeeper",
    state=Kafka,
    init=init,
    actions=ACTIONS,
    rules=RULES,
    bounds=BOUNDS,
    bugs=BUGS,
)
