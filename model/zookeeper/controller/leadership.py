"""Writes of the partition's state znode by a controller, and the requests that tell the brokers. ControllerBrokerRequestBatch."""

from collections.abc import Callable
from typing import Any

from model.language import Node, Not, count, exists, ite, sequence
from model.zookeeper.controller.rules import acting_epoch, forgets_leaving, may_write, next_leader_epoch
from model.zookeeper.controller.state import Kafka, Kind, Move, Request, Strategy


def enqueue(s: Kafka, c: Any, chosen: Callable[[Any], Any], kind: Any, write: Any, epoch: Callable[[Any], Any]) -> None:
    """A controller queues a request for every broker that `chosen(broker)` picks, stamped with its own epoch and with the broker's."""

    def queued(b: Any) -> Any:
        old = s.queue[c, b]
        sent = Request(
            kind=kind,
            write=write,
            controller_epoch=acting_epoch(s.active[c], s.controller_epoch),
            broker_epoch=epoch(b),
        )
        return sequence(ite(chosen(b), old.length + 1, old.length), lambda p: ite(p <= old.length, old[p], sent))

    s.queue[c, :] = queued


def send(s: Kafka, c: Any, chosen: Callable[[Any], Any], kind: Any, write: Any) -> None:
    """A controller queues a request for every broker that it takes for live and that `chosen(broker)` picks."""
    enqueue(s, c, lambda b: chosen(b) & (s.live[c, b] > 0), kind, write, lambda b: s.live[c, b])


def is_replica(s: Kafka, c: Any, n: Any) -> Any:
    """A replica, as the controller sees it: when the target of a reassignment is in sync, only that counts (B2)."""
    leaving = (s.move[c] == Move.LEAVE) | (s.move[c] == Move.WRITE)
    return s.assigned[n] & Not(forgets_leaving(leaving) & s.removing[n])


def metadata_kind(s: Kafka, c: Any) -> Any:
    """UpdateMetadata for a topic that is to be deleted says that it has no leader any more. updateMetadataRequestPartitionInfo."""
    return ite(s.queued[c], Kind.FORGET_TOPIC, Kind.UPDATE_METADATA)


def publish(s: Kafka, c: Any, roles: Callable[[Any], Any], write: Any) -> None:
    """A controller sends one batch: LeaderAndIsr to the replicas that `roles(broker)` picks, then UpdateMetadata to all."""
    send(s, c, lambda b: is_replica(s, c, b) & roles(b), Kind.LEADER_AND_ISR, write)
    send(s, c, lambda b: write > 0, metadata_kind(s, c), write)


def goes_through(s: Kafka, c: Any) -> Any:
    """The check of /controller_epoch in a controller's transaction holds."""
    return may_write(s.active[c], s.controller_epoch)


def write_state(s: Kafka, c: Any, leader: Any, bumps: Any, isr: Callable[[Any], Any]) -> None:
    """A controller writes the state znode: a leader, an ISR, and the leader epoch or the next one."""
    old, new = s.znode, s.writes + 1
    epoch = acting_epoch(s.active[c], s.controller_epoch)
    s.leader[new] = leader
    s.leader_epoch[new] = ite(bumps, next_leader_epoch(s.leader_epoch[old]), s.leader_epoch[old])
    s.written_by[new] = epoch
    s.of_topic[new] = s.topic_id
    s.isr[new, :] = isr
    s.replicas[new, :] = lambda n: is_replica(s, c, n)
    s.ghost_zombie_write = s.ghost_zombie_write | (s.active[c] != s.controller_epoch)
    s.ghost_impostor = s.ghost_impostor | (s.ghost_controller[epoch] != c)
    s.znode = new
    s.writes = new
    s.cached[c] = new


def others_in_isr(s: Kafka, write: Any, replica: Any) -> Any:
    """Somebody else than the replica is in the ISR."""
    return count(Node, lambda n: s.isr[write, n] & (n != replica)) > 0


def is_leaderless(s: Kafka, c: Any) -> Any:
    """The partition is in NewPartition or OfflinePartition: no leader that the controller takes for live."""
    leader = s.leader[s.cached[c]]
    return (s.cached[c] == 0) | Not(_is_live(s, c, leader))


def elects_if_leaderless(s: Kafka, c: Any) -> Any:
    """The election that is owed: of a leader if there is none, and the topic is there and stays. triggerOnlinePartitionStateChange."""
    owed = is_leaderless(s, c) & (s.topic[c] > 0) & Not(s.queued[c])
    return ite(owed, Strategy.OFFLINE, Strategy.NONE)


def _is_live(s: Kafka, c: Any, leader: Any) -> Any:
    return exists(Node, lambda n: (leader == n) & (s.live[c, n] > 0))
