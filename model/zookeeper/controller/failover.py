"""What a broker does when it has become the controller. KafkaController.onControllerFailover, in its order.

Deletion of notifications, features, quotas and tokens are left out. Watches are set before what they watch is read.
"""

from model.language import Node, Not, ite, require
from model.zookeeper.controller.leadership import elects_if_leaderless, publish, send
from model.zookeeper.controller.reassignment import is_reassigning
from model.zookeeper.controller.rules import learns_brokers_first, shrinks_at_start
from model.zookeeper.controller.state import Kafka, Kind, Move, Stage
from model.zookeeper.controller.work import has_tasks
from model.zookeeper.controller.znodes import has_session


def read_brokers(s: Kafka, c: Node) -> None:
    """A new controller watches and reads /brokers/ids. Enabled iff it has just been elected. initializeControllerContext."""
    require(s.stage[c] == Stage.ELECTED)
    require(has_session(s, c))
    s.live[c, :] = lambda b: s.registered[b]
    s.stage[c] = Stage.BROKERS_READ


def start_state_machines(s: Kafka, c: Node) -> None:
    """A new controller reads the state znode, sends the list of brokers, and starts its state machines.

    First UpdateMetadata without partitions, then LeaderAndIsr to the live replicas; replicas of dead brokers are to be moved to
    OfflineReplica, and after that a leader is elected if there is none that is live. ReplicaStateMachine.startup,
    PartitionStateMachine.startup.
    """
    require(s.stage[c] == Stage.BROKERS_READ)
    require(has_session(s, c))
    s.cached[c] = s.znode
    s.topic[c] = s.topic_id
    s.queued[c] = s.delete_requested & (s.topic_id > 0)
    s.deletions_changed[c] = s.delete_requested & (s.topic_id == 0)
    knows = s.znode > 0
    if learns_brokers_first(True):
        send(s, c, lambda b: True, Kind.UPDATE_METADATA, 0)
        publish(s, c, lambda b: knows, s.znode)
    else:
        send(s, c, lambda b: s.assigned[b] & knows, Kind.LEADER_AND_ISR, s.znode)
        send(s, c, lambda b: True, Kind.UPDATE_METADATA, s.znode)
    s.must_offline[c, :] = lambda b: knows & Not(s.queued[c]) & s.assigned[b] & shrinks_at_start(s.live[c, b] == 0)
    s.move[c] = ite(is_reassigning(s) & knows & Not(s.queued[c]), Move.CHECK, Move.NONE)
    s.must_elect[c] = elects_if_leaderless(s, c)
    s.stage[c] = ite(has_tasks(s, c), Stage.STARTING, Stage.SERVING)
