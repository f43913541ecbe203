"""Broadcast, the threads of the pipeline, clients, and what ends a role. Facts: Leader.propose, processAck, Follower."""

import pytest

from impl.effects import FatalError, Receive, Send
from impl.operations import Operation
from impl.world.choices import CrashDuring, Deliver, Fire
from impl.zookeeper.effects import AppendTxn, Applied, Committed, FlushTxnLog, WriteSnapshot
from impl.zookeeper.messages import Ack, ClientResponse, Commit, Forward, NewLeader, Proposal, SyncReply
from impl.zookeeper.node import step
from impl.zookeeper.state import Settings
from impl.zookeeper.transactions import show_zxid, zxid_of
from tests.impl.servers import Servers, sent


def serving(**options: object) -> Servers:
    """Three servers in broadcast, 3 leads."""
    servers = Servers(clients=3, **options)  # type: ignore[arg-type]
    servers.elect(1, 2, 3)
    assert servers.role(3) == ("LEADING", "BROADCAST")
    return servers


def answers(servers: Servers) -> list[tuple[str, str | None]]:
    """How the clients' operations ended, in order."""
    return [(event.type, event.error) for event in servers.world.history if event.type != "invoke"]


def test_a_commit_needs_a_quorum_of_logs_not_the_leaders_own() -> None:
    """B5: two followers' ACKs commit although the leader has not logged its proposal yet."""
    servers = serving()
    servers.write(3)
    for node in (1, 2):
        servers.deliver(3, node, Proposal)
        servers.fire(node, "sync")
    servers.deliver(1, 3, Ack)
    assert servers.deliverable(3, 1, Commit) == []
    record = servers.deliver(2, 3, Ack)
    assert any(isinstance(effect, Committed) for effect in record.effects)
    assert servers.log(3) == []
    leading = servers.node(3).leading
    assert leading is not None
    assert show_zxid(leading.last_committed) == "1.1"


def test_the_sync_thread_appends_flushes_then_acknowledges() -> None:
    """B4: two proposals are logged in one batch; a crash between append and flush can lose any suffix, and no ACK has left."""
    servers = serving()
    servers.write(3, client=101)
    servers.write(3, client=102)
    servers.deliver(3, 1, Proposal)
    servers.deliver(3, 1, Proposal)
    effects = servers.world.preview(Fire(1, "sync"))
    shown = [type(effect) for effect in effects if isinstance(effect, AppendTxn | FlushTxnLog | Send)]
    assert shown == [AppendTxn, AppendTxn, FlushTxnLog, Send, Send]
    servers.world.apply(CrashDuring(Fire(1, "sync"), 2, 1))
    assert servers.log(1) == ["1.1"]
    assert servers.deliverable(1, 3, Ack) == []


def test_commits_are_applied_by_a_thread_of_their_own() -> None:
    """B7: a COMMIT is queued; the tree changes, and the client is answered, when CommitProcessor gets to it."""
    servers = serving()
    servers.write(1)
    servers.deliver(1, 3, Forward)
    for node in (1, 2):
        servers.deliver(3, node, Proposal)
        servers.fire(node, "sync")
        servers.deliver(node, 3, Ack)
    servers.deliver(3, 1, Commit)
    assert servers.history(1) == []
    record = servers.fire(1, "commit")
    assert [type(effect) for effect in record.effects] == [Applied, Send]
    assert isinstance(sent(record)[0], ClientResponse)
    assert servers.history(1) == ["1.1"]


def test_an_unmatched_commit_ends_the_process() -> None:
    """B6: a COMMIT that is not for the first pending proposal: System.exit(12)."""
    servers = serving()
    servers.write(3)
    servers.deliver(3, 1, Proposal)
    state = servers.world.state(1)
    commit = Commit(3, 1, state.role.link, zxid_of(1, 2))
    with pytest.raises(FatalError, match="unmatched transaction commit"):
        step(state, Receive(commit))


def test_a_refused_request_is_a_transaction_too() -> None:
    """B1: an error consumes a zxid, and is logged and committed like any other."""
    servers = serving()
    servers.ask(1, Operation("delete_topic", "nothing"))
    servers.talk(1, 2, 3)
    assert answers(servers) == [("fail", "UNKNOWN_TOPIC_OR_PARTITION")]
    assert servers.log(1) == servers.log(2) == servers.log(3) == ["1.1"]


def test_requests_are_validated_against_what_is_outstanding() -> None:
    """PrepRequestProcessor: the second of two creations that are under way is refused when it is proposed."""
    servers = serving()
    servers.ask(3, Operation("create_topic", "t"), client=101)
    servers.ask(3, Operation("create_topic", "t"), client=102)
    servers.talk(1, 2, 3)
    assert sorted(answers(servers)) == [("fail", "TOPIC_ALREADY_EXISTS"), ("ok", None)]


def test_plain_reads_can_be_stale_and_reads_after_sync_are_not() -> None:
    """A follower answers from its own tree; after a sync, which goes to the leader and back, it has what was committed."""
    servers = serving()
    servers.ask(3, Operation("create_topic", "t"), client=101)
    for node in (2, 3):
        if node == 2:
            servers.deliver(3, 2, Proposal)
        servers.fire(node, "sync")
    servers.deliver(2, 3, Ack)
    servers.fire(3, "commit")
    servers.world.apply(Deliver(servers.deliverable(3, 101, ClientResponse)[0]))
    servers.ask(1, Operation("read", "t"), client=102)
    servers.world.apply(Deliver(servers.deliverable(1, 102, ClientResponse)[0]))
    servers.ask(1, Operation("sync_read", "t"), client=103)
    servers.talk(1, 2, 3)
    ended = [event for event in servers.world.history if event.type == "ok"]
    seen = [(event.process, event.value["exists"]) for event in ended[1:] if isinstance(event.value, dict)]
    assert seen == [(1, False), (2, True)]


def test_sync_waits_for_what_is_outstanding() -> None:
    """Leader.processSync: with a proposal outstanding the SYNC reply comes after its commit, else at once."""
    servers = serving()
    servers.write(3, client=101)
    servers.ask(1, Operation("sync_read", "t"), client=102)
    servers.deliver(3, 1, Proposal)
    record = servers.deliver(1, 3, Forward)
    assert sent(record) == []
    servers.fire(1, "sync")
    servers.fire(3, "sync")
    record = servers.deliver(1, 3, Ack)
    assert [type(message) for message in sent(record)] == [Commit, Commit, SyncReply]
    servers.talk(1, 2, 3)
    servers.ask(1, Operation("sync_read", "t"), client=102)
    record = servers.deliver(1, 3, Forward)
    assert [type(message) for message in sent(record)] == [SyncReply]


def test_a_server_that_does_not_serve_sends_the_client_elsewhere() -> None:
    """A LOOKING server takes nothing, so that the client may ask another one."""
    servers = Servers(clients=1)
    servers.ask(1, Operation("read", "t"))
    servers.world.apply(Deliver(servers.deliverable(1, 101, ClientResponse)[0]))
    assert servers.world.armed(101) == ("retry",)
    assert answers(servers) == []


def test_a_request_in_the_hands_of_a_server_that_loses_its_role_is_unknown() -> None:
    """Connection loss: the request may have been taken; it was, and takes effect with the next leader."""
    servers = serving()
    servers.write(1)
    servers.deliver(1, 3, Forward)
    servers.deliver(3, 1, Proposal)
    servers.fire(1, "sync")
    servers.fire(1, "read")
    servers.world.apply(Deliver(servers.deliverable(1, 101, ClientResponse)[0]))
    assert answers(servers) == [("info", "CONNECTIONLOSS")]
    servers.stop(3)
    servers.elect(1, 2)
    assert servers.watch.epochs == {1: 3, 2: 1}, "1 has the longer log"
    assert servers.history(2) == ["1.1"]
    assert servers.watch.findings == []


def test_a_leader_without_a_quorum_of_answers_steps_down() -> None:
    """Every second round of pings: who has been silent for syncLimit ticks is hung up on; without a quorum the leader ends."""
    servers = serving(settings=Settings(init_limit=1, sync_limit=1))
    servers.part(3)
    for _ in range(20):
        if servers.role(3)[0] != "LEADING":
            break
        servers.fire(3, "tick")
    assert servers.role(3) == ("LOOKING", None)


def test_the_counter_of_zxids_ends_the_epoch() -> None:
    """ZOOKEEPER-1277: when the counter is used up the leader shuts down, and the next epoch starts at (e,1)."""
    servers = serving(settings=Settings(max_counter=2))
    for client in (101, 102):
        servers.write(3, client=client)
        servers.talk(1, 2, 3)
    servers.write(3, client=103)
    assert servers.role(3)[0] == "LOOKING"
    servers.talk(1, 2, 3)
    servers.elect(1, 2, 3)
    servers.write(1, client=101)
    servers.talk(1, 2, 3)
    assert servers.history(2) == ["1.1", "1.2", "2.1"]


def test_the_database_outlives_the_role_with_the_tail_of_the_log() -> None:
    """FastForwardDataBase (ZOOKEEPER-2845): what is logged and not committed counts in the next vote; queued is logged first."""
    servers = serving()
    servers.write(3)
    servers.deliver(3, 1, Proposal)
    assert servers.node(1).sync_queue == (zxid_of(1, 1),)
    record = servers.fire(1, "read")
    assert [type(effect) for effect in record.effects if isinstance(effect, AppendTxn | FlushTxnLog)] == [
        AppendTxn,
        FlushTxnLog,
    ]
    assert servers.history(1) == ["1.1"]
    vote = servers.node(1).vote
    assert vote is not None
    assert show_zxid(vote.zxid) == "1.1"


def test_a_fuzzy_snapshot_is_ahead_of_its_label() -> None:
    """The label is of when the snapshot began; transactions applied meanwhile are in it, and are replayed without harm."""
    servers = serving(settings=Settings(snap_count=1))
    servers.write(3)
    servers.fire(3, "sync")
    servers.talk(1, 2, 3, threads=("sync", "commit"))
    assert servers.node(3).last_processed == zxid_of(1, 1)
    record = servers.fire(3, "snapshot")
    (snapshot,) = [effect.snapshot for effect in record.effects if isinstance(effect, WriteSnapshot)]
    assert show_zxid(snapshot.zxid) == "1.0"
    assert snapshot.content == zxid_of(1, 1)
    servers.stop(3)
    assert servers.history(3) == ["1.1"]


def test_acknowledgements_of_what_is_cut_do_not_count() -> None:
    """A follower acknowledges <1,1>, loses its connection, and is cut when it comes back: its ACK is withdrawn.

    In the releases it counts, and <1,1> is committed with the leader's log alone; here the leader waits for it once more.
    """
    for bug, committed in ((None, []), ("ACKNOWLEDGED-TRUNC", ["1.1"])):
        servers = serving(bug=bug)
        servers.write(3)
        servers.deliver(3, 1, Proposal)
        servers.fire(1, "sync")
        servers.deliver(1, 3, Ack)
        servers.fire(3, "tick")
        servers.hang_up(1, 3)
        servers.vote(1, 2, 3)
        servers.talk(1, 3, stop=NewLeader, threads=())
        assert servers.log(1) == servers.log(2) == []
        record = servers.fire(3, "sync")
        assert [show_zxid(effect.txn.zxid) for effect in record.effects if isinstance(effect, Committed)] == committed
        servers.talk(1, 2, 3)
        assert servers.history(1) == servers.history(2) == ["1.1"]


def test_a_commit_with_a_stale_acknowledgement_is_lost_with_the_leader() -> None:
    """The releases' way once more: the leader commits with its own log alone, its client is answered, and it burns down."""
    servers = serving(bug="ACKNOWLEDGED-TRUNC")
    servers.write(3)
    servers.deliver(3, 1, Proposal)
    servers.fire(1, "sync")
    servers.deliver(1, 3, Ack)
    servers.fire(3, "tick")
    servers.hang_up(1, 3)
    servers.vote(1, 2, 3)
    servers.talk(1, 3, stop=NewLeader, threads=())
    servers.fire(3, "sync")
    servers.fire(3, "commit")
    servers.world.apply(Deliver(servers.deliverable(3, 101, ClientResponse)[0]))
    servers.stop(3)
    servers.elect(1, 2)
    assert answers(servers) == [("ok", None)]
    assert servers.found() == ["no_committed_transaction_is_lost"]
    assert servers.history(1) == servers.history(2) == []
