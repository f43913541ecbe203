"""What a node does when it starts: from its disk to its first state.

Source: QuorumState.initialize, KafkaRaftClient.initialize.
"""

from impl.effects import Durable, Effect, ElectionState, WriteElectionState
from impl.kraft.election import become_candidate, maybe_become_leader, on_become_leader, poll_candidate
from impl.kraft.log import Log
from impl.kraft.messages import Message
from impl.kraft.quorum_state import resume_leadership, set_election_timer, set_fetch_timer
from impl.kraft.replication import poll_follower
from impl.kraft.state import Candidate, Config, Follower, NodeState, Resigned, Role, Unattached
from impl.kraft.turn import Turn

CORRELATION_IDS_PER_INCARNATION = 1_000_000
"""Correlation ids start anew in each process in Kafka; the responses to a previous process die with its TCP connections.

Here every incarnation has its own range, so that such a response is recognised and ignored.
"""


def recover(config: Config, durable: Durable) -> tuple[NodeState, tuple[Effect[Message], ...]]:
    """The state of a node that starts from `durable`, and the effects of its start.

    The recovered election state is written again first. The high watermark is unknown, nothing is applied yet. A sole
    voter that is not a Candidate becomes one, and leader at once.
    """
    log = Log.recover(durable.entries)
    role = recovered_role(config, durable.election, log)
    state = NodeState(config, role, log, durable.incarnation * CORRELATION_IDS_PER_INCARNATION)
    turn = Turn(state)
    turn.emit(WriteElectionState(state.election))
    if isinstance(role, Resigned) and not config.rules.resign_on_recovery():
        resume_leadership(turn)
        on_become_leader(turn)
    elif isinstance(role, Follower):
        set_fetch_timer(turn)
        poll_follower(turn)
    else:
        set_election_timer(turn)
        maybe_become_leader(turn)
    if len(config.voters) == 1 and isinstance(turn.role, Unattached | Resigned):
        become_candidate(turn)
    poll_candidate(turn)
    return turn.state, tuple(turn.effects)


def recovered_role(config: Config, election: ElectionState | None, log: Log) -> Role:
    """The role that the disk says, by the first rule that applies. QuorumState.initialize.

    1. The log is of a higher epoch (the election state was lost): Unattached there; this forgets votes.
    2. Leader of the epoch: Resigned, never leader again in it (KAFKA-10527).
    3. Voted for itself: Candidate, in the same epoch; asking again is safe because the grants are durable.
    4. Voted for another: Unattached with that vote. 5. A leader is known: its Follower. 6. Unattached.
    """
    stored = election or ElectionState(0)
    if stored.epoch < log.last_epoch:
        return Unattached(log.last_epoch)
    if stored.leader_id == config.node_id:
        return Resigned(stored.epoch)
    if stored.voted_id == config.node_id:
        return Candidate(stored.epoch, granted=(config.node_id,))
    if stored.leader_id is not None:
        return Follower(stored.epoch, stored.leader_id)
    return Unattached(stored.epoch, stored.voted_id)
