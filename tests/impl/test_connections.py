"""The network of connections: order, loss, breaks, cuts, mailboxes."""

from attrs import frozen

from impl.effects import ConnectionClosed, ConnectionOpened, Link
from impl.world.connections import MAILBOX, REQUEST, ConnectionNetwork

LINK = Link(1, 2, 0)


@frozen
class Note:
    """A message with a channel."""

    src: int
    dst: int
    channel: Link | str
    text: str = ""


def deliverable(network: ConnectionNetwork) -> list[int]:
    """The ids of what may arrive now."""
    return [message_id for message_id in network.in_flight() if network.is_deliverable(message_id)]


def test_a_connection_is_first_in_first_out_in_each_direction() -> None:
    """The acceptor is told first, then gets the messages in order; the other direction does not wait for this one."""
    network = ConnectionNetwork()
    (opened,) = network.connect(LINK)
    one, two = network.send(Note(1, 2, LINK, "one")), network.send(Note(1, 2, LINK, "two"))
    back = network.send(Note(2, 1, LINK))
    assert isinstance(network.sent[opened], ConnectionOpened)
    assert deliverable(network) == [opened, back]
    for message_id in (opened, one, two):
        assert network.is_deliverable(message_id)
        network.take(message_id)
    assert deliverable(network) == [back]


def test_a_break_loses_both_directions_and_each_end_is_told() -> None:
    """What is in flight never arrives; what is sent later goes nowhere; two notices, one for each end."""
    network = ConnectionNetwork()
    network.take(network.connect(LINK)[0])
    lost = [network.send(Note(1, 2, LINK)), network.send(Note(2, 1, LINK))]
    notices = network.lose(lost[0])
    assert not any(network.is_in_flight(message_id) for message_id in lost)
    assert [network.sent[message_id].dst for message_id in notices] == [1, 2]
    later = network.send(Note(1, 2, LINK))
    assert not network.is_in_flight(later)
    assert deliverable(network) == list(notices)


def test_who_closes_is_not_told() -> None:
    """Only the other end gets a notice, once."""
    network = ConnectionNetwork()
    network.connect(LINK)
    (notice,) = network.close(LINK, 1)
    assert network.sent[notice] == ConnectionClosed(1, 2, LINK)
    assert network.close(LINK, 2) == ()


def test_a_cut_link_holds_a_connection_up() -> None:
    """TCP sends again: nothing is lost, and nothing arrives, until the link heals; the other direction works."""
    network = ConnectionNetwork()
    network.take(network.connect(LINK)[0])
    network.cut(1, 2)
    there, back = network.send(Note(1, 2, LINK)), network.send(Note(2, 1, LINK))
    assert deliverable(network) == [back]
    network.heal(1, 2)
    assert deliverable(network) == [there, back]


def test_a_process_that_is_gone_closes_its_connections() -> None:
    """The others are told; what it had not been told yet nobody will be told."""
    network = ConnectionNetwork()
    other = Link(3, 1, 0)
    for link in (LINK, other):
        network.take(network.connect(link)[0])
    network.close(LINK, 2)
    notices = network.reset(1)
    assert [network.sent[message_id].dst for message_id in notices] == [3]
    assert deliverable(network) == list(notices)


def test_a_mailbox_keeps_the_newest_message() -> None:
    """Of a pair of servers; requests of clients do not displace each other."""
    network = ConnectionNetwork()
    old, new = network.send(Note(1, 2, MAILBOX)), network.send(Note(1, 2, MAILBOX))
    elsewhere = network.send(Note(1, 3, MAILBOX))
    asked = [network.send(Note(101, 2, REQUEST)) for _ in range(2)]
    assert not network.is_in_flight(old)
    assert deliverable(network) == [new, elsewhere, *asked]
    assert network.lose(new) == ()
    network.cut(1, 2)
    assert not network.is_in_flight(network.send(Note(1, 2, MAILBOX)))
    assert [network.is_stream(message_id) for message_id in (elsewhere, asked[0])] == [False, False]
