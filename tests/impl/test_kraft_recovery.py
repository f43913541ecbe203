"""What a node becomes when it starts: the rules of QuorumState.initialize, in their order."""

import pytest

from impl.effects import Durable, ElectionState, Entry, Send, SetTimer, WriteElectionState
from impl.kraft.bugs import rules_with
from impl.kraft.log import Log
from impl.kraft.recovery import recover, recovered_role
from impl.kraft.state import Candidate, Config, Follower, Leader, Resigned, Role, Unattached

CONFIG = Config(1, (1, 2, 3))


def _entries(*epochs: int) -> tuple[Entry, ...]:
    return tuple(Entry(epoch, None) for epoch in epochs)


@pytest.mark.parametrize(
    ("election", "epochs", "expected"),
    [
        (None, (), Unattached(0)),
        (None, (3,), Unattached(3)),  # the election state was lost: the log's epoch, without leader or vote
        (ElectionState(2, leader_id=1), (3,), Unattached(3)),  # and that comes first
        (ElectionState(3, leader_id=1), (3,), Resigned(3)),
        (ElectionState(3, voted_id=1), (2,), Candidate(3, (1,))),  # in the same epoch
        (ElectionState(3, voted_id=2), (2,), Unattached(3, voted_id=2)),
        (ElectionState(3, leader_id=2), (3,), Follower(3, 2)),
        (ElectionState(3), (2,), Unattached(3)),
    ],
)
def test_recovered_role(election: ElectionState | None, epochs: tuple[int, ...], expected: Role) -> None:
    """QuorumState.initialize: the first rule that applies decides."""
    assert recovered_role(CONFIG, election, Log.recover(_entries(*epochs))) == expected


def test_election_state_is_written_again_before_anything_else() -> None:
    """QuorumState.initialize ends with a durable write of the initial state; a candidate then asks in the same epoch."""
    state, effects = recover(CONFIG, Durable(ElectionState(3, voted_id=1), _entries(1, 2), incarnation=4))

    assert effects[0] == WriteElectionState(ElectionState(3, voted_id=1))
    assert SetTimer("election", 1_000_000, 1_000_000) in effects
    assert [str(effect.message) for effect in effects if isinstance(effect, Send)] == [
        "1->2 VoteRequest epoch=3 end=2/2",
        "1->3 VoteRequest epoch=3 end=2/2",
    ]
    assert [item.request.correlation_id for item in state.outstanding] == [4_000_000, 4_000_001]


def test_recovered_follower_fetches() -> None:
    """A follower asks its leader at once; the high watermark is unknown and nothing is applied yet."""
    state, effects = recover(CONFIG, Durable(ElectionState(3, leader_id=2), _entries(1, 3)))

    assert [str(effect.message) for effect in effects if isinstance(effect, Send)] == [
        "1->2 FetchRequest epoch=3 end=3/2"
    ]
    assert SetTimer("fetch", 2_000_000) in effects
    assert (state.high_watermark, state.applied) == (None, 0)


@pytest.mark.parametrize(
    ("election", "epoch"),
    [
        (None, 1),
        (ElectionState(3, leader_id=1), 4),
        (ElectionState(3, voted_id=1), 3),
    ],
)
def test_sole_voter_leads_when_it_starts(election: ElectionState | None, epoch: int) -> None:
    """KafkaRaftClient.initialize: a sole voter stands for election, and a recovered candidate wins the epoch it was in."""
    state, effects = recover(Config(1, (1,)), Durable(election))

    assert isinstance(state.role, Leader)
    assert state.role.epoch == epoch
    assert SetTimer("drain", 0) in effects


def test_leader_on_disk_leads_again_only_with_the_bug() -> None:
    """KAFKA-10527: with the bug a new LeaderChange record of the same epoch waits in the accumulator."""
    durable = Durable(ElectionState(3, leader_id=1), _entries(3))
    correct, _ = recover(CONFIG, durable)
    buggy, _ = recover(Config(1, (1, 2, 3), rules=rules_with("KAFKA-10527")), durable)

    assert correct.role == Resigned(3)
    assert isinstance(buggy.role, Leader)
    assert (buggy.role.epoch, buggy.role.epoch_start_offset, len(buggy.role.accumulator)) == (3, 1, 1)


def test_leader_and_vote_exclude_each_other_on_disk() -> None:
    """ElectionState before 4.0: a leader or a vote, never both."""
    with pytest.raises(ValueError, match="leader 1 and vote 2 exclude each other"):
        ElectionState(3, leader_id=1, voted_id=2)
    with pytest.raises(ValueError, match="epoch -1 is negative"):
        ElectionState(-1)


def test_configuration_names_distinct_voters_and_this_node() -> None:
    """Static voters: ascending, distinct, and the node is one of them (no observers)."""
    with pytest.raises(ValueError, match="distinct and ascending"):
        Config(1, (2, 1))
    with pytest.raises(ValueError, match="node 4 is not one of the voters"):
        Config(4, (1, 2, 3))
