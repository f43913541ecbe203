"""Changes of the ISR: the leader asks (AlterPartition), the controller writes. KIP-497; Partition.maybeExpandIsr, maybeShrinkIsr.

KafkaController.tryProcessAlterPartition. A leader has one request in flight, and sends it again until it is answered; answers that change
nothing at the leader (NOT_CONTROLLER, STALE_BROKER_EPOCH, INVALID_UPDATE_VERSION, FENCED_LEADER_EPOCH: it waits for LeaderAndIsr) are not
steps here.
"""

from typing import Any

from model.language import NONE, Bool, Node, Not, forall, implies, ite, require
from model.zookeeper.controller.leadership import goes_through, send, write_state
from model.zookeeper.controller.reassignment import is_complete, is_reassigning
from model.zookeeper.controller.replication import advance_high_watermark, forget_alteration, leads
from model.zookeeper.controller.resign import resign
from model.zookeeper.controller.rules import is_caught_up, is_eligible, is_repeated
from model.zookeeper.controller.state import Kafka, Kind, Move, Stage
from model.zookeeper.controller.work import serves


def propose_expand(s: Kafka, leader: Node, replica: Node) -> None:
    """A leader asks for a replica to join the ISR: it is caught up. Enabled iff no request is in flight. Until it is answered, the
    high watermark waits for the replica too.
    """
    require(leads(s, leader))
    require(s.altering[leader] == NONE)
    require(Not(s.isr[s.applied[leader], replica]))
    require(s.replicas[s.applied[leader], replica])
    require(s.fetched[leader, replica])
    require(is_caught_up(s.end_of[leader, replica], s.high_watermark[leader], s.epoch_start[leader]))
    s.altering[leader] = replica
    s.expanding[leader] = True


def propose_shrink(s: Kafka, leader: Node, replica: Node) -> None:
    """A leader asks for a replica to leave the ISR: it has not been caught up for replica.lag.time.max.ms.

    Enabled iff no request is in flight. Time is not modelled: a replica that lags may be late.
    """
    require(leads(s, leader))
    require(s.altering[leader] == NONE)
    require(replica != leader)
    require(s.isr[s.applied[leader], replica])
    require(Not(s.fetched[leader, replica]) | (s.end_of[leader, replica] < s.log[leader].length))
    s.altering[leader] = replica


def _wanted(s: Kafka, leader: Any, n: Any) -> Any:
    """The replica is in the ISR that the leader has asked for."""
    changed = s.altering[leader] == n
    return ite(changed, s.expanding[leader], s.isr[s.applied[leader], n])


def _is_as_wanted(s: Kafka, leader: Any, write: Any) -> Any:
    """The ISR of a write is the one that the leader has asked for."""
    return is_repeated(forall(Node, lambda n: _wanted(s, leader, n) == s.isr[write, n]))


def gets_answer(s: Kafka, c: Any, leader: Any) -> Any:
    """The leader has a request in flight, and the controller, once it has nothing else to do, would answer it with a change."""
    view, cached = s.applied[leader], s.cached[c]
    return (
        (s.stage[c] == Stage.SERVING)
        & Not(s.queued[c])
        & (cached > 0)
        & leads(s, leader)
        & (s.altering[leader] != NONE)
        & (s.live[c, leader] > 0)
        & (s.live[c, leader] == s.broker_epoch[leader])
        & (s.leader_epoch[view] == s.leader_epoch[cached])
        & ((view == cached) | ((view < cached) & _is_as_wanted(s, leader, cached)))
    )


def handle_alter_partition(s: Kafka, c: Node, leader: Node, lost: Bool) -> None:
    """A controller handles AlterPartition, and the leader gets the answer, or it is lost (`lost`) and the request is sent again.

    Enabled iff a request is in flight, the controller serves and has nothing else to do, and the answer changes something: the ISR is
    written, is found to be as wanted, or is refused for a replica that is not eligible. The request's versions are compared with what
    the controller has cached, and the write with the znode.
    """
    require(serves(s, c))
    require(gets_answer(s, c, leader))
    cached = s.cached[c]
    if _is_as_wanted(s, leader, cached):
        require(Not(lost))
        _adopt(s, leader, cached)
    else:
        eligible = forall(
            Node, lambda n: implies(_wanted(s, leader, n), is_eligible(s.live[c, n] > 0, s.shutting[c, n]))
        )
        if Not(eligible):
            require(Not(lost))
            forget_alteration(s, leader)
        elif goes_through(s, c):
            require(s.znode == cached)
            write_state(s, c, s.leader[cached], False, lambda n: _wanted(s, leader, n))
            send(s, c, lambda b: True, Kind.UPDATE_METADATA, s.znode)
            s.move[c] = ite(is_reassigning(s) & is_complete(s, s.znode), Move.CHECK, Move.NONE)
            if lost:
                s.aux_losses = s.aux_losses + 1
                s.aux_incidents = s.aux_incidents + 1
            else:
                _adopt(s, leader, s.znode)
        else:
            resign(s, c)


def _adopt(s: Kafka, leader: Any, write: Any) -> None:
    """The leader's ISR is the one that was written. Partition.handleAlterPartitionUpdate."""
    s.applied[leader] = write
    forget_alteration(s, leader)
    advance_high_watermark(s, leader)
