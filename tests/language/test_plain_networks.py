"""Networks in the plain reading: grow-only sets with and without a newest key, bags, channels."""

from collections.abc import Callable
from typing import Any

import pytest

from model.language import NONE, Bag, Disabled, Fn, Messages, Node, Seq, SpecError, State, require
from model.language.plain import CutStep, message_key
from tests.language.plain_case import after, evaluated, stepper_of
from tests.language.small_sorts import Entry, Epoch, Position, Role, Rpc, Vote


class Networks(State):
    """One network of each kind."""

    votes = Messages(Vote, newest=("voter",))
    acks = Messages(Entry)
    flight = Bag(Rpc, bound="flight")
    channel = Fn(Node, Node, Seq[Rpc, Position])
    seen = Fn(Node, Epoch)


def vote(voter: int, epoch: int, leader: Any = NONE, role: Any = Role.FOLLOWER) -> Any:
    """A message of the set with a newest key."""
    return Vote(voter=voter, epoch=epoch, leader=leader, role=role)


def rpc(sender: int, epoch: Any = 0) -> Any:
    """A message of the bag and the channels."""
    return Rpc(kind=Role.CANDIDATE, sender=sender, epoch=epoch)


def sends(*messages: Any) -> Callable[[Networks], None]:
    """An initial state in which these votes have been sent, in this order."""

    def init(s: Networks) -> None:
        for message in messages:
            s.votes.send(message)

    return init


NEWER_THEN_OLDER = sends(vote(0, 2), vote(1, 1), vote(0, 1))


@pytest.mark.parametrize(
    ("stale", "votes"),
    [(0, (vote(0, 1), vote(1, 1))), (1, (vote(0, 1), vote(0, 2), vote(1, 1)))],
)
def test_a_newest_key_keeps_the_last_message_sent_unless_stale_ones_stay(stale: int, votes: tuple[Any, ...]) -> None:
    """Under stale=0 a sender's message replaces its last one, whatever the epochs; under stale=1 every message stays."""
    assert evaluated(Networks, lambda s: s.votes.items, init=NEWER_THEN_OLDER, bounds={"stale": stale}) == votes


@pytest.mark.parametrize("stale", [0, 1])
def test_a_set_without_a_newest_key_keeps_everything_once(stale: int) -> None:
    """Sending a message again changes nothing, and `stale` says nothing about a set without a key."""

    def send(s: Networks) -> None:
        """Three messages of one sender, one of them twice."""
        for epoch in (2, 0, 2, 1):
            s.acks.send(Entry(epoch=epoch, by=0))

    found = after(Networks, send, bounds={"stale": stale}).acks.items
    assert found == tuple(Entry(epoch=epoch, by=0) for epoch in (0, 1, 2))


def test_messages_are_in_canonical_order() -> None:
    """The order of sending leaves no mark on the state: NONE first, enum members in order of declaration."""
    messages = [
        vote(0, 1, NONE, Role.FOLLOWER),
        vote(0, 1, NONE, Role.LEADER),
        vote(0, 1, 0, Role.CANDIDATE),
        vote(0, 2, NONE, Role.FOLLOWER),
        vote(1, 0, 2, Role.FOLLOWER),
    ]
    for order in (messages, messages[::-1], messages[2:] + messages[:2]):
        found = evaluated(Networks, lambda s: s.votes.items, init=sends(*order), bounds={"stale": 1})
        assert found == tuple(messages)
    assert message_key(messages[1]) == (0, 1, -1, 2)


def test_forgotten_messages_are_gone() -> None:
    """`forget` removes what satisfies the condition and nothing else; `contains`, `forall`, `exists` see the rest."""

    def forget(s: Networks) -> None:
        """Nobody awaits what node 0 sent."""
        s.votes.forget(lambda m: m.voter == 0)
        s.seen[0] = 1 if s.votes.contains(vote(1, 1)) and not s.votes.contains(vote(0, 1)) else 0
        s.seen[1] = 1 if s.votes.forall(lambda m: m.voter == 1) else 0
        s.seen[2] = 1 if s.votes.exists(lambda m: m.epoch == 2) else 0

    s = after(Networks, forget, init=NEWER_THEN_OLDER, bounds={"stale": 1})
    assert s.votes.items == (vote(1, 1),)
    assert list(s.seen.values()) == [1, 1, 0]


def test_an_action_ranges_over_the_messages_in_flight() -> None:
    """A parameter of a message class is each message of its network, in canonical order, of a bag each kind once."""

    def handle(s: Networks, m: Vote, copy: Rpc) -> None:
        """A vote and a message of the bag arrive."""

    def init(s: Networks) -> None:
        NEWER_THEN_OLDER(s)
        s.flight.send(rpc(1))
        s.flight.send(rpc(1))

    stepper = stepper_of(Networks, handle, init=init, bounds={"stale": 1})
    arguments = [args for _, args, _ in stepper.successors(stepper.initial())]
    assert arguments == [(vote(0, 1), rpc(1)), (vote(0, 2), rpc(1)), (vote(1, 1), rpc(1))]


def test_a_message_that_is_not_in_flight_cannot_be_handled() -> None:
    """Taking a step by name with a message that nobody has sent is not enabled."""

    def handle(s: Networks, m: Vote) -> None:
        """A vote arrives."""
        s.seen[m.voter] = m.epoch

    stepper = stepper_of(Networks, handle, init=NEWER_THEN_OLDER)
    initial = stepper.initial()
    assert stepper.thaw(stepper.apply(initial, "handle", (vote(0, 1),))).seen[0] == 1
    with pytest.raises(Disabled):
        stepper.apply(initial, "handle", (vote(0, 2),))


def test_a_bag_counts_equal_messages() -> None:
    """A message that was sent twice is received twice, and then no more."""

    def twice(s: Networks) -> None:
        """Two equal messages."""
        s.flight.send(rpc(0))
        s.flight.send(rpc(0))

    def receive(s: Networks, m: Rpc) -> None:
        """One of them arrives."""
        s.flight.receive(m)

    def receive_the_first(s: Networks) -> None:
        """It arrives, named by its content."""
        s.flight.receive(rpc(0))

    stepper = stepper_of(Networks, receive, receive_the_first, init=twice)
    state = stepper.initial()
    for left in (1, 0):
        ((_, args, state), (place, _, same)) = stepper.successors(state)
        assert (args, place, state) == ((rpc(0),), 1, same)
        assert stepper.thaw(state).flight.items == (rpc(0),) * left
    assert list(stepper.successors(state)) == []


def test_a_full_bag_cuts_the_step() -> None:
    """Sending beyond the capacity is beyond the bounds; receiving makes room within the same action."""

    def full(s: Networks) -> None:
        """Two messages fill the bag."""
        s.flight.send(rpc(0))
        s.flight.send(rpc(1))

    def send(s: Networks) -> None:
        """One more."""
        s.flight.send(rpc(2))

    def swap(s: Networks, m: Rpc) -> None:
        """One arrives and is answered."""
        s.flight.receive(m)
        s.flight.send(rpc(2))

    stepper = stepper_of(Networks, send, swap, init=full)
    found = [(args, stepper.thaw(new).flight.items) for _, args, new in stepper.successors(stepper.initial())]
    assert found == [((rpc(0),), (rpc(1), rpc(2))), ((rpc(1),), (rpc(0), rpc(2)))]
    assert stepper.cut == [1, 0]
    with pytest.raises(CutStep):
        stepper.apply(stepper.initial(), "send", ())


def test_a_channel_delivers_in_order() -> None:
    """A FIFO channel is a function to sequences: in at the end, out at the head, bounded by its index."""

    def send(s: Networks, e: Epoch) -> None:
        """The next message of node 0 to node 1."""
        require(e == s.channel[0, 1].length)

        s.channel[0, 1].append(rpc(0, e))

    def receive(s: Networks) -> None:
        """Node 1 receives."""
        require(s.channel[0, 1].length >= 1)

        s.seen[1] = s.channel[0, 1][1].epoch
        s.channel[0, 1].pop_first()

    stepper = stepper_of(Networks, send, receive)
    state = stepper.apply(stepper.apply(stepper.initial(), "send", (0,)), "send", (1,))
    with pytest.raises(CutStep):
        stepper.apply(state, "send", (2,))
    for epoch in (0, 1):
        state = stepper.apply(state, "receive", ())
        assert stepper.thaw(state).seen[1] == epoch
    with pytest.raises(Disabled):
        stepper.apply(state, "receive", ())


def test_a_disabled_action_sends_nothing() -> None:
    """Messages sent, received and forgotten before a guard was false are as they were."""

    def init(s: Networks) -> None:
        NEWER_THEN_OLDER(s)
        s.flight.send(rpc(0))

    def write_then_require(s: Networks, n: Node) -> None:
        """Every network is changed, then only node 2 may go on."""
        s.acks.send(Entry(epoch=1, by=n))
        s.votes.send(vote(2, 2))
        s.votes.forget(lambda m: m.voter == 1)
        s.flight.receive(rpc(0))
        s.channel[0, 1].append(rpc(1))
        require(n == 2)

    def look(s: Networks) -> None:
        """Nothing happens."""

    stepper = stepper_of(Networks, write_then_require, look, init=init)
    initial = stepper.initial()
    first, second = (new for _, _, new in stepper.successors(initial))
    assert second == initial
    s = stepper.thaw(first)
    assert (s.acks.items, s.votes.items) == ((Entry(epoch=1, by=2),), (vote(0, 1), vote(2, 2)))
    assert (s.flight.items, s.channel[0, 1].items) == ((), (rpc(1),))


def test_only_messages_of_its_class_belong_in_a_network() -> None:
    """Sending a record of another class is an error of the spec, whatever its fields are."""
    with pytest.raises(SpecError, match=r"test_plain_networks.py:\d+: Entry\(epoch=0, by=0\) sent where Vote belongs"):
        evaluated(Networks, lambda s: s.votes.send(Entry(epoch=0, by=0)))
    with pytest.raises(SpecError, match="sent where Rpc belongs; send a Rpc"):
        evaluated(Networks, lambda s: s.flight.send(vote(0, 0)))


def test_a_message_beyond_the_bounds_cuts_the_step() -> None:
    """A field above its bound is beyond the bounds, as it is in a state function."""

    def send(s: Networks, e: Epoch) -> None:
        """A message of the next epoch."""
        s.acks.send(Entry(epoch=e + 1, by=NONE))

    stepper = stepper_of(Networks, send)
    assert [args for _, args, _ in stepper.successors(stepper.initial())] == [(0,), (1,), (2,)]
    assert stepper.cut == [1]
