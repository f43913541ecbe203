"""How a server starts: from its disk to its first state. QuorumPeer.loadDataBase, start."""

from attrs import frozen

from impl.effects import FatalError
from impl.zookeeper.database import Snapshot, load
from impl.zookeeper.effects import ACCEPTED_EPOCH, CURRENT_EPOCH, NodeEffects
from impl.zookeeper.election import start_election
from impl.zookeeper.machine import Transaction
from impl.zookeeper.messages import Vote
from impl.zookeeper.state import Config, Looking, NodeState
from impl.zookeeper.transactions import epoch_of
from impl.zookeeper.turn import Turn

SERIALS_PER_INCARNATION = 1_000_000
"""The connections of two incarnations of a process have different names."""


@frozen
class Durable:
    """What a process finds on its disk: number files (also those ending in .tmp), log, snapshots; and its incarnation."""

    files: tuple[tuple[str, int], ...]
    log: tuple[Transaction, ...]
    snapshots: tuple[Snapshot, ...]
    incarnation: int

    def read(self, name: str) -> int | None:
        """The number in a file; None when there is none."""
        return dict(self.files).get(name)


def recover(config: Config, durable: Durable) -> tuple[NodeState, NodeEffects]:
    """The state of a server that starts, LOOKING, and the effects of its start.

    Raises FatalError where it refuses to start. A new disk is one that an operator initialised: the empty tree
    is at zxid 0 (a disk without that is not trusted to vote; not modelled).
    """
    settings = config.settings
    database = load(settings.machine, settings.ring, durable.snapshots, durable.log)
    last_epoch = epoch_of(database.last_processed)
    current = durable.read(CURRENT_EPOCH)
    adopted = current is None
    if current is None:
        current = last_epoch
    if last_epoch > current:
        temporary = durable.read(CURRENT_EPOCH + ".tmp")
        found = config.rules.epoch_at_start(current, database.last_processed, database.content, temporary)
        if found is None:
            raise FatalError(
                f"server {config.node_id}: the current epoch, {current}, is older than the last zxid, "
                f"{database.last_processed:#x}"
            )
        current, adopted = found, True
    accepted = durable.read(ACCEPTED_EPOCH)
    if accepted is not None and accepted < current:
        raise FatalError(
            f"server {config.node_id}: the accepted epoch, {accepted}, is less than the current epoch, {current}"
        )
    derived = accepted is None
    vote = Vote(config.node_id, database.last_processed, 0, current)
    state = NodeState(
        config,
        last_epoch if accepted is None else accepted,
        current,
        durable.log,
        durable.snapshots,
        database,
        vote,
        Looking(vote, settings.min_notification),
        durable.incarnation * SERIALS_PER_INCARNATION,
    )
    turn = Turn(state)
    if adopted:
        turn.set_current_epoch(current)
    if derived and not durable.snapshots:
        turn.take_snapshot(0)
    if derived:
        turn.set_accepted_epoch(turn.state.accepted_epoch)
    start_election(turn)
    return turn.state, tuple(turn.effects)
