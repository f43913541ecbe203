"""Fast leader election and discovery, step by step. Facts: FastLeaderElection, Leader.getEpochToPropose, waitForEpochAck."""

import pytest
from attrs import evolve

from impl.effects import ConnectionClosed, ConnectionOpened, FatalError, Receive
from impl.world.choices import Crash, CrashDuring, Deliver, Drop
from impl.zookeeper.bugs import rules_with
from impl.zookeeper.effects import ACCEPTED_EPOCH, CURRENT_EPOCH, RenameFile, WriteFile
from impl.zookeeper.election import better, same_vote
from impl.zookeeper.messages import (
    FOLLOWING,
    LEADING,
    LOOKING,
    AckEpoch,
    FollowerInfo,
    LeaderInfo,
    Notification,
    Vote,
)
from impl.zookeeper.node import step
from impl.zookeeper.recovery import Durable, recover
from impl.zookeeper.state import Config, Looking, NodeState, Settings
from impl.zookeeper.transactions import zxid_of
from tests.impl.ensemble import MACHINE
from tests.impl.servers import Servers, sent

VOTERS = (1, 2, 3)


def looker(node: int = 1, voters: tuple[int, ...] = VOTERS) -> NodeState:
    """A new server that looks for a leader."""
    state, _ = recover(Config(node, voters), Durable((), (), (), 0))
    return state


def told(state: NodeState, src: int, vote: Vote) -> tuple[NodeState, list[Notification]]:
    """The server after a notification, and the notifications that it sends for it."""
    after, effects = step(state, Receive(Notification(src, state.config.node_id, vote)))
    notifications = [effect.message for effect in effects if hasattr(effect, "message")]
    return after, [message for message in notifications if isinstance(message, Notification)]


def looking(state: NodeState) -> Looking:
    """The role of a server that is LOOKING."""
    assert isinstance(state.role, Looking)
    return state.role


@pytest.mark.parametrize(
    ("new", "wins"),
    [
        (Vote(1, 0, 1, 3), True),
        (Vote(9, zxid_of(2, 9), 9, 1), False),
        (Vote(1, zxid_of(2, 2), 1, 2), True),
        (Vote(3, zxid_of(2, 1), 1, 2), True),
        (Vote(1, zxid_of(2, 1), 1, 2), False),
    ],
)
def test_votes_are_ordered_by_epoch_then_zxid_then_id(new: Vote, wins: bool) -> None:
    """TotalOrderPredicate: currentEpoch first, then the last zxid, then the id; the round does not count."""
    assert better(new, Vote(2, zxid_of(2, 1), 5, 2)) is wins


def test_votes_outside_of_an_election_are_equal_by_leader_and_epoch() -> None:
    """ZOOKEEPER-1732, 1805: zxid and round count only while one of the two is LOOKING."""
    settled = Vote(3, 1, 4, 2, FOLLOWING)
    assert same_vote(settled, Vote(3, 7, 9, 2, LEADING))
    assert not same_vote(settled, Vote(3, 1, 4, 3, LEADING))
    assert not same_vote(settled, Vote(3, 7, 4, 2, LOOKING))
    assert same_vote(settled, Vote(3, 1, 4, 2, LOOKING))


def test_equal_servers_elect_the_highest_id() -> None:
    """A tie of epochs and zxids is decided by the id, and all decide the same."""
    servers = Servers()
    servers.vote(1, 2, 3)
    assert [servers.role(node)[0] for node in VOTERS] == ["FOLLOWING", "FOLLOWING", "LEADING"]
    assert {servers.node(node).leader for node in VOTERS} == {3}


def test_a_quorum_decides_without_the_third() -> None:
    """Two of three agree, wait 200 ms whether anything better comes, and decide."""
    servers = Servers()
    servers.part(3)
    servers.vote(1, 2)
    assert [servers.node(node).leader for node in VOTERS] == [2, 2, None]


def test_a_better_vote_within_the_wait_is_taken() -> None:
    """A server with a quorum for 2 waits; the vote for 3 that comes meanwhile is better, and it goes on with that."""
    state, _ = told(looker(), 2, Vote(2, 0, 1, 0))
    assert looking(state).finalizing
    worse, messages = told(state, 2, Vote(1, 0, 1, 0))
    assert looking(worse).finalizing
    assert messages == []
    assert dict(looking(worse).recvset)[2].leader == 2, "what is polled while waiting is dropped"
    state, messages = told(state, 3, Vote(3, 0, 1, 0))
    assert looking(state).proposed.leader == 3
    assert [message.vote.leader for message in messages] == [3, 3]


def test_a_higher_round_starts_over() -> None:
    """A notification of a later round: its round is taken, old votes are forgotten, and the better of two votes proposed."""
    state, _ = told(looker(2, (1, 2, 3, 4, 5)), 3, Vote(3, 0, 1, 0))
    state, messages = told(state, 1, Vote(1, 0, 4, 0))
    assert state.clock == 4
    assert looking(state).proposed.leader == 2, "its own initial vote is better than the vote for 1"
    assert sorted(sid for sid, _ in looking(state).recvset) == [1, 2]
    assert [message.vote.round for message in messages] == [4, 4, 4, 4]


def test_a_stale_round_is_ignored_and_answered() -> None:
    """A laggard is told the present vote; its own changes nothing."""
    state, _ = told(looker(), 2, Vote(2, 0, 5, 0))
    after, messages = told(state, 3, Vote(3, 0, 2, 9))
    assert looking(after).recvset == looking(state).recvset
    assert [(message.dst, message.vote.round, message.vote.leader) for message in messages] == [(3, 5, 2)]


def test_a_server_that_follows_answers_lookers_with_its_vote() -> None:
    """WorkerReceiver: a late joiner hears from a quorum and the leader itself whom they follow, and joins without an election."""
    servers = Servers()
    servers.part(1)
    servers.elect(2, 3)
    servers.join()
    servers.fire(1, "election")
    servers.vote(1, 2, 3)
    assert servers.node(1).leader == 3
    servers.talk(1, 2, 3)
    assert servers.role(1) == ("FOLLOWING", "BROADCAST")


def test_nobody_follows_who_is_not_known_to_lead() -> None:
    """CheckLeader: two servers say that they follow 3, but 3 does not say that it leads."""
    state = looker()
    for _ in range(2):
        state, _ = told(state, 2, Vote(3, 0, 7, 1, FOLLOWING))
    state, _ = told(state, 3, Vote(3, 0, 7, 1, FOLLOWING))
    assert isinstance(state.role, Looking)
    state, _ = told(state, 3, Vote(3, 0, 7, 1, LEADING))
    assert state.name == FOLLOWING
    assert state.clock == 7


def test_silence_doubles_the_wait() -> None:
    """Without a message the vote is sent again, and the wait doubles, up to a minute."""
    servers = Servers()
    servers.part(1)
    before = servers.world.state(1).role.timeout
    record = servers.fire(1, "election")
    assert len(sent(record)) == 2
    assert servers.world.state(1).role.timeout == 2 * before
    for _ in range(12):
        servers.fire(1, "election")
    assert servers.world.state(1).role.timeout == 60_000_000


def test_the_newest_notification_displaces_an_older_one() -> None:
    """QuorumCnxManager keeps one message for each peer: the mailbox of a pair has the newest only."""
    servers = Servers()
    servers.fire(1, "election")
    servers.fire(1, "election")
    assert len(servers.deliverable(1, 2, Notification)) == 1


# ------------------------------------------------------------------------------------------------------------------ discovery


def test_the_leader_waits_for_a_quorum_and_promises_before_it_proposes() -> None:
    """The epoch is above all that a quorum has accepted; acceptedEpoch is durable before LEADERINFO leaves."""
    servers = Servers()
    servers.vote(1, 2, 3)
    assert servers.deliverable(3, None, LeaderInfo) == []
    servers.talk(1, 3, stop=FollowerInfo)
    record = servers.deliver(1, 3, FollowerInfo)
    kinds = [type(effect) for effect in record.effects]
    assert kinds.index(RenameFile) < next(
        index for index, effect in enumerate(record.effects) if isinstance(getattr(effect, "message", None), LeaderInfo)
    )
    assert servers.node(3).file(ACCEPTED_EPOCH) == 1
    assert servers.node(3).file(CURRENT_EPOCH) == 0, "the epoch is current only once a quorum has acknowledged it"


def test_a_learner_promises_before_it_acknowledges() -> None:
    """The crash between the two leaves the promise on disk, and no ACKEPOCH on its way."""
    servers = Servers()
    servers.vote(1, 2, 3)
    servers.talk(1, 3, stop=LeaderInfo)
    (info,) = servers.deliverable(3, 1, LeaderInfo)
    effects = servers.world.preview(Deliver(info))
    assert [type(effect) for effect in effects[:2]] == [WriteFile, RenameFile]
    servers.world.apply(CrashDuring(Deliver(info), 2, 0))
    assert servers.node(1).file(ACCEPTED_EPOCH) == 1
    assert servers.deliverable(1, 3, AckEpoch) == []


def test_a_learner_refuses_an_older_epoch() -> None:
    """A LEADERINFO below acceptedEpoch: the learner hangs up and looks for a leader again."""
    servers = Servers()
    servers.vote(1, 2, 3)
    servers.talk(1, 3, stop=LeaderInfo)
    state = servers.world.state(1)
    promised, _ = recover(Config(1, VOTERS), Durable(((ACCEPTED_EPOCH, 5), (CURRENT_EPOCH, 0)), (), (), 0))
    promised, _ = step(promised, Receive(Notification(3, 1, Vote(3, 0, 1, 0))))
    promised, _ = step(promised, Receive(Notification(3, 1, Vote(3, 0, 1, 1, LEADING))))
    promised, _ = step(promised, Receive(Notification(2, 1, Vote(3, 0, 1, 1, FOLLOWING))))
    assert promised.name == FOLLOWING
    assert state.name == FOLLOWING
    link = promised.role.link  # type: ignore[union-attr]
    after, effects = step(promised, Receive(LeaderInfo(3, 1, link, 4)))
    assert after.name == LOOKING
    assert not any(isinstance(effect, WriteFile) for effect in effects)


def test_a_learner_that_accepted_the_epoch_before_does_not_acknowledge_it_again() -> None:
    """E = acceptedEpoch: ACKEPOCH without an epoch, which does not count towards the quorum."""
    servers = Servers()
    servers.vote(1, 2, 3)
    servers.talk(1, 3, stop=LeaderInfo)
    servers.deliver(3, 1, LeaderInfo)
    servers.hang_up(1, 3)
    servers.elect(1, 2, 3)
    assert servers.role(1) == ("FOLLOWING", "BROADCAST")
    again = [message for message in servers.world.sent if isinstance(message, AckEpoch) and message.src == 1]
    assert [message.current_epoch for message in again] == [0, None]


def test_the_leader_refuses_a_learner_that_is_ahead() -> None:
    """WaitForEpochAck: a learner with a higher (currentEpoch, zxid) than the leader's is hung up on, not truncated."""
    servers = Servers()
    servers.vote(1, 2, 3)
    servers.talk(1, 3, stop=AckEpoch)
    (message,) = servers.deliverable(1, 3, AckEpoch)
    ahead = AckEpoch(1, 3, servers.world.sent[message].channel, zxid_of(0, 7), 0)
    after, effects = step(servers.world.state(3), Receive(ahead))
    assert [str(effect.link) for effect in effects if hasattr(effect, "link")] == [str(ahead.channel)]
    assert after.role.electing == (3,)  # type: ignore[union-attr]


def test_a_leader_without_a_quorum_gives_up() -> None:
    """InitLimit passes without a quorum of learners: the leader looks for a leader again."""
    servers = Servers()
    servers.vote(1, 2, 3)
    servers.fire(3, "init")
    assert servers.role(3) == ("LOOKING", None)
    assert servers.node(3).clock == 2


def test_the_second_epoch_is_higher_and_the_late_joiner_catches_up() -> None:
    """The leader crashes: the next epoch is above, and what was committed is in it; the old leader comes back as a learner."""
    servers = Servers()
    servers.elect(1, 2, 3)
    servers.write(1)
    servers.talk(1, 2, 3)
    servers.stop(3)
    servers.elect(1, 2)
    assert servers.watch.epochs == {1: 3, 2: 2}
    servers.write(1)
    servers.talk(1, 2)
    servers.start(3)
    servers.elect(1, 2, 3)
    assert servers.history(3) == ["1.1", "2.1"]
    assert servers.watch.findings == []


def test_start_up_is_refused_after_a_crash_between_the_history_and_the_epoch() -> None:
    """ZOOKEEPER-1653, 2354: the log or a snapshot is of an epoch that currentEpoch does not know yet; not even a .tmp is left."""
    servers = Servers()
    servers.elect(2, 3)
    servers.write(2)
    servers.talk(2, 3)
    log = servers.node(2).log
    assert len(log) == 1
    config, files = Config(1, VOTERS, Settings(machine=MACHINE)), ((ACCEPTED_EPOCH, 1), (CURRENT_EPOCH, 0))
    released = evolve(config, rules=rules_with("ZOOKEEPER-1653"))
    with pytest.raises(FatalError, match="the current epoch, 0, is older than the last zxid"):
        recover(released, Durable(files, log, (), 1))
    for corrected, left_over in ((config, ()), (released, ((CURRENT_EPOCH + ".tmp", 1),))):
        state, effects = recover(corrected, Durable((*files, *left_over), log, (), 1))
        assert state.current_epoch == 1
        assert WriteFile(CURRENT_EPOCH, 1) in effects


def test_a_connection_that_closes_before_the_first_packet_is_dialled_again_five_times() -> None:
    """ConnectToLeader: five tries, then the election again."""
    servers = Servers()
    servers.vote(1, 2, 3)
    servers.world.apply(Crash(3, 0))
    for attempt in range(1, 6):
        if attempt > 1:
            (opened,) = servers.deliverable(1, 3, ConnectionOpened)
            servers.world.apply(Drop(opened))
        (notice,) = servers.deliverable(3, 1, ConnectionClosed)
        servers.world.apply(Deliver(notice))
        if attempt < 5:
            servers.fire(1, "retry")
    assert servers.role(1) == ("LOOKING", None)
