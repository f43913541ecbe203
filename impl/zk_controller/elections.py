"""Which replica leads, and which are then in sync. Source: kafka.controller.Election, PartitionLeaderElectionAlgorithms.

Each strategy is a pure function of the assignment, the ISR and the brokers that can be used; None: there is nobody.
"""

from collections.abc import Callable
from typing import TypeAlias

from attrs import evolve, frozen

from impl.zk_controller.context import ControllerContext
from impl.zk_controller.names import Assignment, LeaderAndIsr, TopicPartition


@frozen
class Elected:
    """The state to write, and the brokers to tell."""

    state: LeaderAndIsr
    recipients: tuple[int, ...]


Strategy: TypeAlias = Callable[[ControllerContext, TopicPartition, Assignment, LeaderAndIsr], Elected | None]


def _elected(
    state: LeaderAndIsr, leader: int, isr: tuple[int, ...], recipients: tuple[int, ...], *, unclean: bool = False
) -> Elected:
    """newLeaderAndIsr: another leader epoch."""
    recovering = state.recovering or unclean
    return Elected(
        evolve(state, leader=leader, leader_epoch=state.leader_epoch + 1, isr=isr, recovering=recovering), recipients
    )


def offline(*, unclean: Callable[[str], bool]) -> Strategy:
    """The first assigned replica that is alive and in sync; with unclean elections the first that is alive.

    OfflinePartitionLeaderElectionStrategy.
    """

    def elect(
        context: ControllerContext, tp: TopicPartition, assignment: Assignment, state: LeaderAndIsr
    ) -> Elected | None:
        live = tuple(broker for broker in assignment.replicas if context.is_online(broker))
        clean = next((broker for broker in live if broker in state.isr), None)
        if clean is not None:
            isr = tuple(broker for broker in state.isr if context.is_online(broker))
            return _elected(state, clean, isr, live)
        if live and unclean(tp.topic):
            return _elected(state, live[0], (live[0],), live, unclean=True)
        return None

    return elect


def reassign(
    context: ControllerContext, tp: TopicPartition, assignment: Assignment, state: LeaderAndIsr
) -> Elected | None:
    """The first replica of the target that is alive and in sync. ReassignPartitionLeaderElectionStrategy."""
    target = assignment.target
    leader = next((broker for broker in target if context.is_online(broker) and broker in state.isr), None)
    return None if leader is None else _elected(state, leader, state.isr, target)


def preferred(
    context: ControllerContext, tp: TopicPartition, assignment: Assignment, state: LeaderAndIsr
) -> Elected | None:
    """The first assigned replica, if it is alive and in sync. PreferredReplicaPartitionLeaderElectionStrategy."""
    first = assignment.replicas[0]
    if not context.is_online(first) or first not in state.isr:
        return None
    return _elected(state, first, state.isr, assignment.replicas)


def controlled_shutdown(
    context: ControllerContext, tp: TopicPartition, assignment: Assignment, state: LeaderAndIsr
) -> Elected | None:
    """The first replica in sync that is not shutting down. ControlledShutdownPartitionLeaderElectionStrategy."""
    live = tuple(broker for broker in assignment.replicas if context.is_online(broker, or_shutting_down=True))
    stays = tuple(broker for broker in live if broker in state.isr and broker not in context.shutting_down)
    if not stays:
        return None
    isr = tuple(broker for broker in state.isr if broker not in context.shutting_down)
    return _elected(state, stays[0], isr, live)
