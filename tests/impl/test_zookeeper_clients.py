"""Clients of the ensemble: sessions that open, move, expire and close; watches; the order of a session's requests."""

import pytest
from attrs import evolve

from impl.world.choices import Drop
from impl.world.system import Started
from impl.zookeeper import final
from impl.zookeeper.client import ClientSettings, new_client, perform
from impl.zookeeper.client_messages import Ask, Tell
from impl.zookeeper.codes import ErrorCode
from impl.zookeeper.handle import EndSession, Lost, OpenSession, SessionChanged, Submit
from impl.zookeeper.requests import (
    Check,
    Create,
    CreateMode,
    Delete,
    Exists,
    GetChildren,
    GetData,
    Multi,
    Operation,
    SetData,
    Sync,
)
from impl.zookeeper.session_ids import password_of
from tests.impl.session_applications import Line, Script, ScriptState, Sleep
from tests.impl.session_hand import FIRST, Clients

EPHEMERAL = Create("/e", b"me", mode=CreateMode.EPHEMERAL)
SECOND = FIRST + 1


def clients(*scripts: tuple[Line, ...], nodes: int = 3) -> Clients:
    """A world in which each of the scripts runs in a session of its own."""
    return Clients(*(Script(OpenSession(), *script) for script in scripts), nodes=nodes)


def test_a_session_opens_and_serves_its_requests() -> None:
    """Handshake, create, set, read, multi: each answer is the service's, and the session is in every tree."""
    multi = Multi((Check("/a", 1), Create("/a/b", b""), SetData("/a", b"2")))
    hand = clients(
        (Create("/a", b"0"), SetData("/a", b"1", 0), SetData("/a", b"x", 0), multi, Sync("/a"), GetData("/a"))
    )
    hand.run(hand.is_done)
    created, changed, refused, both, synced, found = hand.answers()
    assert created.path == "/a"
    assert changed.stat is not None
    assert changed.stat.version == 1
    assert refused.error == ErrorCode.BAD_VERSION
    assert [part.path for part in both.results] == [None, "/a/b", None]
    assert synced.error == 0
    assert found.data == b"2"
    assert found.stat is not None
    assert (found.stat.version, found.stat.num_children) == (2, 1)
    assert hand.sessions() == ["connected"]
    assert found.stat.ctime > 0, "times are those of the leader's clock"
    session = hand.library().session
    hand.run(for_ms=300)
    assert all(hand.world.snapshot_node(node).tree.sessions == {session: 1_000} for node in hand.world.voters)
    assert hand.watch.findings == []


def test_a_closed_session_takes_its_ephemerals_with_it() -> None:
    """EndSession: the closing transaction removes them for everybody, and the watcher is told."""
    hand = clients((EPHEMERAL, EndSession()), (Sleep(500_000), Exists("/e", watch=True), Sleep(1_000_000)))
    hand.run(lambda: hand.is_done() and hand.is_done(SECOND))
    assert "/e" not in hand.paths()
    assert hand.library().phase == "CLOSED"
    assert len(hand.world.snapshot_node(hand.leader).tree.sessions) == 1
    assert hand.watch.covered["sessions closed"] == 1


def test_the_leader_expires_a_session_that_nobody_hears_of() -> None:
    """The client is cut off: after its timeout, not before, its ephemeral goes; the client learns of it when it is back."""
    hand = clients((EPHEMERAL,), (Sleep(1_000_000), Exists("/e", watch=True)))
    hand.run(hand.is_done)
    hand.cut_off()
    hand.run(lambda: hand.is_done(SECOND))
    cut_at = hand.world.now
    hand.run(lambda: hand.events(SECOND) == ["NODE_DELETED /e"])
    assert hand.sessions() == ["connected", "disconnected"], "it is told of nothing"
    assert hand.world.now - cut_at < 1_600_000
    hand.heal()
    hand.run(lambda: hand.sessions()[-1] == "expired")
    assert hand.library().phase == "EXPIRED"


def test_a_session_that_pings_does_not_expire() -> None:
    """An idle client, at the leader or at a follower, is heard of by its pings for as long as it lives."""
    hand = clients((EPHEMERAL,), (Sleep(0),), (Sleep(0),))
    hand.run(for_ms=10_000)
    assert hand.paths() == ["/e"]
    assert [hand.sessions(address) for address in (101, 102, 103)] == [["connected"]] * 3
    assert len({hand.server_of(address) for address in (101, 102, 103)}) > 1


def test_a_session_moves_to_another_server() -> None:
    """Its server dies: the client comes back elsewhere, with the same session, and its ephemeral is still there."""
    hand = clients((EPHEMERAL, Sleep(3_000_000), GetData("/e")), nodes=5)
    hand.run(lambda: hand.answers() != [])
    server, session = hand.server_of(), hand.library().session
    hand.crash(server)
    hand.run(hand.is_done)
    assert hand.library().session == session
    assert hand.server_of() != server
    assert hand.sessions() == ["connected", "disconnected", "connected"]
    assert hand.answers()[-1].data == b"me"


def test_a_new_leader_gives_each_session_its_full_timeout() -> None:
    """The leader dies, and an election takes longer than the timeout: the session lives on."""
    hand = clients((EPHEMERAL, Sleep(4_000_000), GetData("/e")))
    hand.run(lambda: hand.answers() != [])
    session, leader = hand.library().session, hand.leader
    others = [node for node in hand.world.voters if node != leader]
    hand.crash(leader)
    for node in others:
        hand.pause(node)
    hand.run(for_ms=3_000)
    for node in others:
        hand.resume(node)
    hand.run(hand.is_done)
    assert hand.library().session == session
    assert hand.answers()[-1].data == b"me"


def test_lost_requests_may_have_taken_effect() -> None:
    """The connection breaks with a create on its way, and with another's reply on its way: CONNECTION_LOSS both times."""
    for kind, exists in ((Ask, False), (Tell, True)):
        hand = clients((Create("/a", b""), Create("/b", b"")))
        while not _in_flight(hand, kind):
            hand.step()
        hand.world.apply(Drop(_in_flight(hand, kind)[0]))
        hand.run(hand.is_done)
        assert Lost(2, ErrorCode.CONNECTION_LOSS) in hand.told()
        hand.run(for_ms=500)
        assert ("/b" in hand.paths()) is exists
        assert hand.sessions() == ["connected", "disconnected", "connected"]


def _in_flight(hand: Clients, kind: type) -> list[int]:
    """The messages in flight that are about the client's second request."""
    world = hand.world
    return [
        message_id
        for message_id in world.network.in_flight()
        if isinstance(world.sent[message_id], kind) and _cxid(world.sent[message_id]) == 2
    ]


def _cxid(message: Ask | Tell) -> int:
    return message.cxid if isinstance(message, Ask) else message.reply.cxid


def test_watches_fire_once_and_before_the_change_is_seen() -> None:
    """A data, an exist and a child watch: each tells of the first change, in the order of the changes, and of no second."""
    watching = (Create("/a", b""), GetData("/a", watch=True), Exists("/x", watch=True), GetChildren("/", watch=True))
    changing = (Sleep(800_000), SetData("/a", b"1"), SetData("/a", b"2"), Create("/x", b""), Delete("/x"))
    hand = clients((*watching, Sleep(1_000_000), GetData("/a")), changing)
    hand.run(hand.is_done)
    assert hand.events() == ["NODE_DATA_CHANGED /a", "NODE_CREATED /x", "NODE_CHILDREN_CHANGED /"]
    assert hand.answers()[-1].data == b"2"
    assert hand.watch.findings == []


def test_watches_are_armed_again_after_a_reconnection() -> None:
    """What changed meanwhile is told when the client is back (SetWatches), the rest when it happens."""
    watching = (Create("/a", b""), Create("/b", b""), GetData("/a", watch=True), GetData("/b", watch=True))
    hand = clients((*watching, Exists("/x", watch=True)), (Sleep(1_500_000), SetData("/a", b"1"), Create("/x", b"")))
    hand.run(hand.is_done)
    hand.cut_off()
    hand.run(lambda: hand.is_done(SECOND))
    assert hand.events() == []
    hand.heal()
    hand.run(lambda: hand.sessions()[-1] == "connected" and hand.events() != [])
    hand.run(for_ms=100)
    assert sorted(hand.events()) == ["NODE_CREATED /x", "NODE_DATA_CHANGED /a"]
    assert hand.library().watches.data == ("/b",)


def test_requests_of_a_session_are_answered_in_their_order() -> None:
    """Pipelined: a read behind a write sees it, though another server's client would not yet."""
    hand = Clients(_Burst(OpenSession()))
    hand.run(lambda: len(hand.answers()) == 6)
    assert [answer.data for answer in hand.answers()] == [None, b"0", None, b"1", None, b"2"]
    assert [event.number for event in hand.told() if hasattr(event, "number")] == [1, 2, 3, 4, 5, 6]


class _Burst(Script):
    """Asks for everything at once."""

    def step(self, state: ScriptState, event: object) -> Started:
        """Writes and reads of the same znode, in turns, when the session is there."""
        state, effects = super().step(state, event)
        if not isinstance(event, SessionChanged):
            return state, effects
        asked: list[Operation] = [
            Create("/a", b"0"),
            GetData("/a"),
            SetData("/a", b"1"),
            GetData("/a"),
            SetData("/a", b"2"),
            GetData("/a"),
        ]
        submits = [Submit(number, operation) for number, operation in enumerate(asked, 1)]
        return evolve(state, number=len(asked)), tuple(submits)


def test_events_come_before_what_shows_the_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that forgets to tell is found by the watch, at the first reply of a later zxid."""
    monkeypatch.setattr(final, "_tell", lambda turn, events: None)
    hand = clients(
        (Create("/a", b""), GetData("/a", watch=True), Sleep(1_000_000), GetData("/a")),
        (Sleep(800_000), SetData("/a", b"1")),
    )
    hand.run(hand.is_done)
    assert hand.watch.found() == ["a change is told before what shows it"]


def test_the_password_proves_the_session() -> None:
    """Who knows the id of a session alone is told that it has expired; he can only break the owner's connection, as in 3.9."""
    hand = clients((EPHEMERAL,), (Sleep(0),))
    hand.run(lambda: hand.is_done() and hand.sessions(SECOND) != [])
    thief = hand.world._hosts[SECOND]  # no client would do it by itself
    library = evolve(thief.state.library, session=hand.library().session, password=bytes(16))
    thief.state = evolve(thief.state, library=library)
    hand.cut_off(SECOND)
    hand.run(lambda: hand.sessions(SECOND)[-1] == "disconnected", for_ms=2_000)
    hand.heal()
    hand.run(lambda: hand.sessions(SECOND)[-1] == "expired")
    hand.run(for_ms=2_000)
    assert hand.sessions() == ["connected", "disconnected", "connected"]
    assert hand.paths() == ["/e"]


def test_passwords_are_those_of_java() -> None:
    """java.util.Random(42).nextInt() is -1170105035; the id of a session is mixed with a constant before."""
    assert password_of(42 ^ 0xB3415C00)[:4] == (-1170105035).to_bytes(4, "little", signed=True)
    assert len(password_of(-5)) == 16


def test_a_library_without_a_session_refuses() -> None:
    """Requests after the end of a session are lost at once; a second handle needs the end of the first."""
    library = new_client(FIRST, ClientSettings((1, 2, 3)), 0)
    assert perform(library, Submit(1, Sync("/")))[1] == (Lost(1, ErrorCode.SESSION_EXPIRED),)
    library, _ = perform(library, OpenSession())
    with pytest.raises(ValueError, match="client 101: a handle is open"):
        perform(library, OpenSession())
    library, outputs = perform(library, EndSession())
    assert library.phase == "CLOSED"
    assert outputs
    assert perform(library, OpenSession())[0].phase == "HANDSHAKE"
