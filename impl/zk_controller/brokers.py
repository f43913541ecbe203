"""Brokers that come and go. Source: KafkaController (processBrokerChange, onBrokerStartup, onReplicasBecomeOffline)."""

from impl.zk_controller import deletion, partitions, reassignment, replicas, zk
from impl.zk_controller.context import PartitionState, ReplicaState
from impl.zk_controller.events import AddChannel, RemoveChannel
from impl.zk_controller.names import Replica, without
from impl.zk_controller.request_batch import RequestBatch
from impl.zk_controller.tasks import Program
from impl.zk_controller.thread import ControllerThread


def on_broker_change(t: ControllerThread) -> Program[None]:
    """Compare the registrations with the brokers that are known. processBrokerChange.

    A broker with a later epoch has bounced: what it was told before is lost, it is taken as dead and then as new (KIP-380).
    """
    context = t.context
    registered = yield from zk.get_all_brokers(watch=True)
    new = tuple(broker for broker in registered if broker not in context.live)
    dead = tuple(broker for broker in context.live if broker not in registered)
    bounced = tuple(
        broker
        for broker in registered
        if broker in context.live and registered[broker] > context.live[broker] and t.rules.detects_bounces()
    )
    for broker in (*new, *bounced):
        if broker in bounced:
            t.put(RemoveChannel(broker))
        t.put(AddChannel(broker))
    for broker in dead:
        t.put(RemoveChannel(broker))
    if new:
        context.live.update({broker: registered[broker] for broker in new})
        yield from _on_broker_startup(t, new)
    if bounced:
        _remove_live(t, bounced)
        yield from on_replicas_become_offline(t, context.replicas_on(bounced))
        context.live.update({broker: registered[broker] for broker in bounced})
        yield from _on_broker_startup(t, bounced)
    if dead:
        _remove_live(t, dead)
        yield from on_replicas_become_offline(t, context.replicas_on(dead))


def _remove_live(t: ControllerThread, brokers: tuple[int, ...]) -> None:
    """removeLiveBrokers, and onBrokerFailure: they are not shutting down any more."""
    for broker in brokers:
        t.context.live.pop(broker)
    t.context.shutting_down = without(t.context.shutting_down, brokers)


def _on_broker_startup(t: ControllerThread, brokers: tuple[int, ...]) -> Program[None]:
    """Introduce them, give them their replicas, and take up what waited for them. onBrokerStartup."""
    context = t.context
    others = without(context.live_or_shutting_down, brokers)
    batch = RequestBatch(t)
    batch.update_metadata(others)
    batch.send()
    batch = RequestBatch(t)
    batch.update_metadata(brokers, tuple(sorted(context.leadership)))
    batch.send()
    held = context.replicas_on(brokers)
    yield from replicas.change(t, held, ReplicaState.ONLINE)
    yield from partitions.trigger_online(t)
    for tp in context.reassigning:
        if any(broker in context.assignments[tp].target for broker in brokers):
            yield from reassignment.on_reassignment(t, tp)
    waiting = tuple(sorted({replica.tp.topic for replica in held if replica.tp.topic in context.deletions}))
    yield from deletion.resume_topics(t, waiting)


def on_replicas_become_offline(t: ControllerThread, lost: tuple[Replica, ...]) -> Program[None]:
    """Elect leaders first, then shrink the ISRs; deletions that needed these replicas fail. onReplicasBecomeOffline."""
    context = t.context
    being_deleted = tuple(replica for replica in lost if replica.tp.topic in context.deletions)
    others = tuple(replica for replica in lost if replica not in being_deleted)
    leaderless = tuple(
        tp
        for tp, state in context.leadership.items()
        if not context.is_online(state.leader) and tp.topic not in context.deletions
    )
    yield from partitions.change(t, leaderless, PartitionState.OFFLINE)
    yield from partitions.trigger_online(t)
    yield from replicas.change(t, others, ReplicaState.OFFLINE)
    if being_deleted:
        yield from deletion.fail_replicas(t, being_deleted)
    if not leaderless:
        # Nobody has been told of the brokers that are gone.
        batch = RequestBatch(t)
        batch.update_metadata(context.live_or_shutting_down)
        batch.send()
