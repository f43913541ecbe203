"""A broker handles a controller's requests. KafkaApis, ReplicaManager.becomeLeaderOrFollower, ZkMetadataCache.updateMetadata.

A controller sends the head of a broker's queue until it gets a response, so requests arrive in order. RequestSendThread. A response matters
only where an action awaits it; that a request is handled twice because a response got lost changes nothing, since the second time its
leader epoch is not newer.
"""

from typing import Any

from model.language import Node, ite, maximum, require
from model.zookeeper.controller.replication import become_follower, become_leader, leads
from model.zookeeper.controller.rules import (
    is_controller_current,
    is_for_this_incarnation,
    is_newer_leader_epoch,
    is_same_topic,
)
from model.zookeeper.controller.state import Kafka, Kind


def handle_request(s: Kafka, c: Node, b: Node) -> None:
    """A broker handles the next request of a controller: LeaderAndIsr, UpdateMetadata or StopReplica.

    Enabled iff one has arrived and the broker serves: it has registered. It is refused if it is meant for an earlier registration, or
    comes from an older controller. LeaderAndIsr is ignored unless its leader epoch is newer, and by a follower that does not know who
    is live.
    """
    require(s.up[b])
    require(s.broker_epoch[b] > 0)
    require(s.queue[c, b].length > 0)
    request = s.queue[c, b][1]
    s.queue[c, b].pop_first()
    if is_for_this_incarnation(request.broker_epoch, s.broker_epoch[b]) & is_controller_current(
        request.controller_epoch, s.known_epoch[b]
    ):
        s.ghost_stale_request[b] = s.ghost_stale_request[b] | (request.controller_epoch < s.known_epoch[b])
        s.ghost_stale_incarnation[b] = s.ghost_stale_incarnation[b] | (request.broker_epoch < s.broker_epoch[b])
        s.known_epoch[b] = maximum(s.known_epoch[b], request.controller_epoch)
        if request.kind == Kind.UPDATE_METADATA:
            s.informed[b] = True
            s.metadata[b] = ite(request.write > 0, request.write, s.metadata[b])
        elif request.kind == Kind.FORGET_TOPIC:
            s.informed[b] = True
            s.metadata[b] = 0
        elif request.kind == Kind.STOP_REPLICA:
            s.stopped[b] = s.stopped[b] | (s.leader_epoch[request.write] >= s.leader_epoch[s.applied[b]])
        elif request.kind == Kind.DELETE_REPLICA:
            if (request.write == 0) | (s.leader_epoch[request.write] >= s.leader_epoch[s.applied[b]]):
                _delete_replica(s, b)
            s.confirmed[c, b] = request.write == 0
        elif _takes_role(s, b, request):
            led = leads(s, b)
            s.applied[b] = request.write
            s.hosted[b] = ite(s.hosted[b] == 0, s.of_topic[request.write], s.hosted[b])
            s.stopped[b] = False
            if s.leader[request.write] == b:
                become_leader(s, b, led)
            else:
                become_follower(s, b)


def _takes_role(s: Kafka, b: Any, request: Any) -> Any:
    newer = is_newer_leader_epoch(s.leader_epoch[request.write], s.leader_epoch[s.applied[b]])
    same = is_same_topic(s.hosted[b], s.of_topic[request.write])
    return newer & same & ((s.leader[request.write] == b) | s.informed[b])


def _delete_replica(s: Kafka, b: Any) -> None:
    """The broker stops the replica and deletes its log. ReplicaManager.stopReplicas."""
    s.applied[b] = 0
    s.hosted[b] = 0
    s.stopped[b] = False
    s.log[b].truncate(0)
    s.high_watermark[b] = 0
    become_follower(s, b)
