"""What Kafka in ZooKeeper mode does not prevent: reachable states that one would rather not see. docs/zk-controller.md judges them.

They take more than one incident, so they are no part of the spec's properties: tests/zookeeper/test_zk_controller_hazards.py reaches each.
"""

from model.language import Node, Not, exists, sometimes
from model.zookeeper.controller.replication import leads
from model.zookeeper.controller.state import Completion, Kafka
from properties.zookeeper.controller.settled import is_settled


@sometimes
def a_deleted_topic_leaves_its_configuration(s: Kafka) -> object:
    """All is done, and there is no topic, but its configuration: its controller has crashed in between."""
    return is_settled(s) & (s.topic_id == 0) & (s.config > 0)


@sometimes
def a_new_topic_loses_its_configuration(s: Kafka) -> object:
    """All is done, and there is a topic, created again while the former one was being removed: its configuration went with that."""
    return is_settled(s) & (s.topic_id > 0) & (s.config == 0)


@sometimes
def a_new_topic_is_deleted_by_an_old_request(s: Kafka) -> object:
    """A controller deletes a topic that was created after the only request for a deletion."""
    return exists(
        Node, lambda c: (s.aux_deletions == 1) & s.queued[c] & (s.topic[c] == 2) & (s.completion[c] == Completion.NONE)
    )


@sometimes
def a_removed_leader_leads_on(s: Kafka) -> object:
    """All is done, and a broker takes itself for the leader that is no replica any more: StopReplica was lost with its controller."""
    return (
        is_settled(s)
        & (s.topic_id > 0)
        & Not(s.delete_requested)
        & exists(Node, lambda n: leads(s, n) & Not(s.assigned[n]))
    )


HAZARDS = (
    a_deleted_topic_leaves_its_configuration,
    a_new_topic_loses_its_configuration,
    a_new_topic_is_deleted_by_an_old_request,
    a_removed_leader_leads_on,
)
