"""The partition and replica state machines of a controller: elections of leaders, and replicas that go offline.

PartitionStateMachine.doElectLeaderForPartitions, initializeLeaderAndIsrForPartitions; ReplicaStateMachine.doRemoveReplicasFromIsr. A state
znode is read and written under its version in one step (state.py). At a failover replicas go offline first; when brokers fail, leaders
are elected first.
"""

from typing import Any

from model.language import NONE, Node, Not, Option, exists, ite, require, value_of
from model.zookeeper.controller.leadership import (
    goes_through,
    is_leaderless,
    is_replica,
    others_in_isr,
    publish,
    send,
    write_state,
)
from model.zookeeper.controller.resign import resign
from model.zookeeper.controller.rules import is_written_by_newer, keeps_last_member, may_lead
from model.zookeeper.controller.state import Kafka, Kind, Stage, Strategy
from model.zookeeper.controller.work import finish, owes_offline, serves
from model.zookeeper.controller.znodes import has_session


def _candidate(s: Kafka, c: Any, n: Any) -> Any:
    """The replica may be the next leader; of a new partition, whose state znode is yet to be created, any live one."""
    other = (s.must_elect[c] != Strategy.PREFERRED) | (s.leader[s.znode] != n)
    live = is_replica(s, c, n) & _is_online(s, c, n) & other
    return may_lead(live, (s.cached[c] == 0) | s.isr[s.znode, n])


def _is_online(s: Kafka, c: Any, n: Any) -> Any:
    """The controller takes the broker for live, and it does not shut down. ControllerContext.isReplicaOnline."""
    return (s.live[c, n] > 0) & Not(s.shutting[c, n])


def _stays(s: Kafka, c: Any, n: Any, strategy: Any, is_new: Any) -> Any:
    """The replica is in the ISR after an election. PartitionLeaderElectionAlgorithms."""
    in_sync = s.isr[s.znode, n]
    online = s.assigned[n] & _is_online(s, c, n) & (is_new | in_sync)
    remains = ite(strategy == Strategy.SHUTDOWN, in_sync & Not(s.shutting[c, n]), online)
    return ite((strategy == Strategy.PREFERRED) | (strategy == Strategy.REASSIGN), in_sync, remains)


def elect_leader(s: Kafka, c: Node, chosen: Option[Node]) -> None:
    """A controller elects a leader: of the live replicas in sync, and the ISR is what is live of it.

    Enabled iff it owes an election. For a new partition the state znode is created with all live replicas in the ISR. If there is no
    candidate the partition stays as it is (`chosen` is NONE); if a newer controller has written the state, so does it; if there is a newer
    controller, the broker resigns.
    """
    require(s.must_elect[c] != Strategy.NONE)
    require((s.stage[c] != Stage.STARTING) | Not(owes_offline(s, c)))
    require(has_session(s, c))
    is_new = s.cached[c] == 0
    fails = ite(is_new, s.znode > 0, is_written_by_newer(s.written_by[s.znode], s.active[c]))
    none = fails | Not(exists(Node, lambda n: _candidate(s, c, n)))
    require((chosen == NONE) == none)
    require(none | _candidate(s, c, value_of(chosen)))
    strategy = s.must_elect[c]
    s.must_elect[c] = Strategy.NONE
    if none:
        finish(s, c)
    elif goes_through(s, c):
        write_state(
            s,
            c,
            chosen,
            True,
            lambda n: _stays(s, c, n, strategy, is_new),
        )
        publish(s, c, lambda b: True, s.znode)
        finish(s, c)
    else:
        resign(s, c)


def take_offline(s: Kafka, c: Node, replica: Node) -> None:
    """A controller takes the replica of a dead broker out of the ISR; if it led, the partition has no leader. The last member stays.

    Enabled iff it owes that. The leader epoch grows; the other replicas are told.
    """
    require(s.must_offline[c, replica])
    require((s.stage[c] == Stage.STARTING) | (s.must_elect[c] == Strategy.NONE))
    require(has_session(s, c))
    s.must_offline[c, replica] = False
    send(s, c, lambda b: b == replica, Kind.STOP_REPLICA, s.cached[c])
    fails = (s.znode == 0) | (is_written_by_newer(s.written_by[s.znode], s.active[c]))
    if fails | Not(s.isr[s.znode, replica]):
        finish(s, c)
    elif goes_through(s, c):
        old = s.znode
        alone = Not(others_in_isr(s, old, replica))
        leader = ite(s.leader[old] == replica, NONE, s.leader[old])
        write_state(s, c, leader, True, lambda n: s.isr[old, n] & ((n != replica) | keeps_last_member(alone)))
        publish(s, c, lambda b: b != replica, s.znode)
        finish(s, c)
    else:
        resign(s, c)


def prefer(s: Kafka, c: Node) -> None:
    """A controller is asked to give the partition another leader than it has: the preferred one, which is not modelled otherwise.

    Enabled iff it has nothing else to do, and the leader is live. KafkaController.processReplicaLeaderElection.
    """
    require(serves(s, c))
    require(Not(s.queued[c]))
    require(Not(is_leaderless(s, c)))
    s.aux_preferred = s.aux_preferred + 1
    s.aux_incidents = s.aux_incidents + 1
    s.must_elect[c] = Strategy.PREFERRED
