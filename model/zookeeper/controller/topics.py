"""Creation and deletion of the topic. KafkaController.processTopicChange, processTopicDeletion; TopicDeletionManager; AdminZkClient.

StopReplica is sent once, with deletePartition; Kafka sends it without before, in the same batch. Replicas whose brokers are live are
deleted also while others are not; at a failover Kafka waits for those first.
"""

from typing import Any

from model.language import Node, Not, exists, forall, implies, ite, require
from model.zookeeper.controller.leadership import elects_if_leaderless, goes_through, send
from model.zookeeper.controller.reassignment import is_reassigning
from model.zookeeper.controller.resign import resign
from model.zookeeper.controller.rules import is_removed
from model.zookeeper.controller.state import Completion, Kafka, Kind, Removal
from model.zookeeper.controller.work import serves
from model.zookeeper.controller.znodes import has_session, watches_children


def create_topic(s: Kafka) -> None:
    """A client creates the topic, with replicas on all brokers: first its configuration, then the topic with a new id. AdminZkClient."""
    require(s.topic_id == 0)
    s.aux_creations = s.aux_creations + 1
    s.topic_id = s.aux_creations
    s.config = s.aux_creations
    s.assigned[:] = True
    s.topics_changed[:] = lambda m: s.topics_changed[m] | watches_children(s, m)


def request_deletion(s: Kafka) -> None:
    """A client requests the deletion of the topic."""
    require(s.topic_id > 0)
    require(Not(s.delete_requested))
    s.aux_deletions = s.aux_deletions + 1
    s.aux_incidents = s.aux_incidents + 1
    s.delete_requested = True
    s.deletions_changed[:] = lambda m: s.deletions_changed[m] | watches_children(s, m)


def handle_topic_change(s: Kafka, c: Node) -> None:
    """A controller reads which topics there are: one that it does not know is brought online. Enabled iff the event is pending."""
    require(s.topics_changed[c])
    require(serves(s, c))
    s.topics_changed[c] = False
    if (s.topic[c] == 0) & (s.topic_id > 0):
        s.topic[c] = s.topic_id
        s.cached[c] = 0
        s.must_elect[c] = elects_if_leaderless(s, c)


def handle_topic_deletion(s: Kafka, c: Node) -> None:
    """A controller reads which deletions are requested: a topic that it knows is queued, the request for another is removed.

    Enabled iff the event is pending.
    """
    require(s.deletions_changed[c])
    require(serves(s, c))
    if Not(s.delete_requested):
        s.deletions_changed[c] = False
    elif s.topic[c] > 0:
        s.deletions_changed[c] = False
        s.queued[c] = True
    elif goes_through(s, c):
        s.deletions_changed[c] = False
        s.delete_requested = False
    else:
        resign(s, c)


def _can_be_removed(s: Kafka, c: Any, r: Any) -> Any:
    """The replica is not deleted yet, nor is that on its way, and its broker is live."""
    waits = (s.removal[c, r] == Removal.NONE) | (s.removal[c, r] == Removal.INELIGIBLE)
    return s.assigned[r] & (s.live[c, r] > 0) & waits


def is_deletion_due(s: Kafka, c: Any) -> Any:
    """The topic is queued, no replica is just being deleted, and some can be. TopicDeletionManager.isTopicEligibleForDeletion."""
    return (
        s.queued[c]
        & Not(is_reassigning(s))
        & Not(exists(Node, lambda r: s.removal[c, r] == Removal.STARTED))
        & exists(Node, lambda r: _can_be_removed(s, c, r))
    )


def delete_replicas(s: Kafka, c: Node) -> None:
    """A controller tells all brokers to forget the topic, and those with replicas to delete them. onTopicDeletion."""
    require(serves(s, c))
    require(is_deletion_due(s, c))
    send(s, c, lambda b: True, Kind.FORGET_TOPIC, 0)
    send(s, c, lambda b: _can_be_removed(s, c, b), Kind.DELETE_REPLICA, 0)
    s.removal[c, :] = lambda r: ite(
        _can_be_removed(s, c, r),
        Removal.STARTED,
        ite(s.removal[c, r] == Removal.NONE, Removal.INELIGIBLE, s.removal[c, r]),
    )


def handle_deletion_response(s: Kafka, c: Node, b: Node) -> None:
    """A controller learns that a replica is deleted; when all are, it goes on to remove the topic. completeReplicaDeletion."""
    require(s.confirmed[c, b])
    require(serves(s, c))
    s.confirmed[c, b] = False
    s.removal[c, b] = ite(s.removal[c, b] == Removal.STARTED, Removal.SUCCESSFUL, s.removal[c, b])
    done = forall(Node, lambda r: implies(s.assigned[r], is_removed(s.removal[c, r] == Removal.SUCCESSFUL)))
    s.completion[c] = ite(done & s.queued[c], Completion.TOPIC, Completion.NONE)


def complete_deletion(s: Kafka, c: Node) -> None:
    """A controller removes the topic's znodes, then its configuration, then the request: three steps, each checked. completeDeleteTopic."""
    require(s.completion[c] != Completion.NONE)
    require(has_session(s, c))
    if Not(goes_through(s, c)):
        resign(s, c)
    elif s.completion[c] == Completion.TOPIC:
        s.topic_id = 0
        s.znode = 0
        s.ghost_committed_in[:] = 0
        s.assigned[:] = False
        s.topics_changed[:] = lambda m: s.topics_changed[m] | watches_children(s, m)
        s.completion[c] = Completion.CONFIG
    elif s.completion[c] == Completion.CONFIG:
        s.config = 0
        s.completion[c] = Completion.REQUEST
    else:
        s.delete_requested = False
        s.completion[c] = Completion.NONE
        s.topic[c] = 0
        s.cached[c] = 0
        s.queued[c] = False
        s.removal[c, :] = Removal.NONE
