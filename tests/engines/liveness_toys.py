"""Small specs whose liveness is known. They model no protocol of Kafka's."""

from collections.abc import Mapping

from model.language import (
    Bool,
    Fn,
    Node,
    Not,
    Option,
    Ordinal,
    Property,
    Spec,
    State,
    Var,
    eventually,
    forall,
    make_spec,
    require,
)

# ---- a door: weak and strong fairness


class Door(State):
    """A door, and whether somebody has walked through it."""

    open = Var(Bool)
    through = Var(Bool)


def nothing_yet(s: State) -> None:
    """Everything is as it is by default."""


def open_door(s: Door) -> None:
    """The wind opens the door."""
    require(not s.open)

    s.open = True


def close_door(s: Door) -> None:
    """The wind closes the door."""
    require(s.open)

    s.open = False


def walk_through(s: Door) -> None:
    """Somebody walks through the open door."""
    require(s.open)

    s.through = True


@eventually
def somebody_is_through(s: Door) -> object:
    """In the end somebody has walked through."""
    return s.through


def door(fairness: Mapping[str, str]) -> Spec:
    """The door under this fairness."""
    return make_spec(
        "door",
        title="a door in the wind",
        state=Door,
        init=nothing_yet,
        actions=(open_door, close_door, walk_through),
        properties=(somebody_is_through,),
        bounds={},
        fairness=fairness,
    )


# ---- a tour: fairness of an action as a whole, and of each choice of its arguments


class Tour(State):
    """Where a visitor is, and where it has been."""

    at = Var(Option[Node])
    visited = Fn(Node, Bool)


def visit(s: Tour, n: Node) -> None:
    """The visitor goes to a node; going where it is changes nothing."""
    s.at = n
    s.visited[n] = True


@eventually
def everybody_is_visited(s: Tour) -> object:
    """In the end every node has been visited."""
    return forall(Node, lambda n: s.visited[n])


def tour(fairness: Mapping[str, str]) -> Spec:
    """The tour of three nodes under this fairness."""
    return make_spec(
        "tour",
        title="a tour",
        state=Tour,
        init=nothing_yet,
        actions=(visit,),
        properties=(everybody_is_visited,),
        bounds={"nodes": 3},
        fairness=fairness,
    )


# ---- a counter: bounds


class Count(Ordinal, bound="count"):
    """How far the counter is."""


class Counter(State):
    """A counter that somebody may stop, and a lamp beside it that has nothing to do with it."""

    counted = Var(Count)
    stopped = Var(Bool)
    lamp = Var(Bool)


def count_on(s: Counter) -> None:
    """The counter counts on while it is not stopped: without end, but for the bounds."""
    require(not s.stopped)

    s.counted = s.counted + 1


def stop(s: Counter) -> None:
    """Somebody stops the counter."""
    s.stopped = True


def switch(s: Counter) -> None:
    """Somebody switches the lamp."""
    s.lamp = Not(s.lamp)


@eventually
def it_stops(s: Counter) -> object:
    """In the end the counter is stopped."""
    return s.stopped


@eventually
def it_counts(s: Counter) -> object:
    """In the end the counter has counted, or is stopped."""
    return (s.counted >= 1) | s.stopped


@eventually(after=lambda s: s.counted >= 3)
def three_is_followed_by_a_stop(s: Counter) -> object:
    """Whoever counts to three stops some time."""
    return s.stopped


@eventually(after=lambda s: s.lamp)
def light_goes_out(s: Counter) -> object:
    """A lamp that is on is off again later."""
    return Not(s.lamp)


def counter(prop: Property, fairness: Mapping[str, str]) -> Spec:
    """The counter with one property, under this fairness."""
    return make_spec(
        "counter",
        title="a counter",
        state=Counter,
        init=nothing_yet,
        actions=(count_on, stop, switch),
        properties=(prop,),
        bounds={"count": 2},
        fairness=fairness,
    )


# ---- the alternating bit protocol (Bartlett, Scantlebury and Wilkinson 1969), over channels that lose what they carry


class Link(State):
    """Sender, receiver, and a channel each way that holds at most one bit."""

    sender = Var(Bool)  # the bit of the message that is being sent
    receiver = Var(Bool)  # the bit that is expected
    data_full = Var(Bool)
    data = Var(Bool)
    ack_full = Var(Bool)
    ack = Var(Bool)


def send_data(s: Link) -> None:
    """The sender sends its message (again), if the channel is free."""
    require(not s.data_full)

    s.data_full = True
    s.data = s.sender


def lose_data(s: Link) -> None:
    """The channel loses the message."""
    require(s.data_full)

    s.data_full = False
    s.data = False


def receive_data(s: Link) -> None:
    """The receiver takes a message, and acknowledges it if it can; it expects the other bit after one that it expected."""
    require(s.data_full)
    require(not s.ack_full)

    if s.data == s.receiver:
        s.receiver = Not(s.receiver)
    s.ack_full = True
    s.ack = s.data
    s.data_full = False
    s.data = False


def lose_ack(s: Link) -> None:
    """The channel loses the acknowledgement."""
    require(s.ack_full)

    s.ack_full = False
    s.ack = False


def receive_ack(s: Link) -> None:
    """The sender takes an acknowledgement, and goes on to the next message if it is the awaited one."""
    require(s.ack_full)

    if s.ack == s.sender:
        s.sender = Not(s.sender)
    s.ack_full = False
    s.ack = False


@eventually(after=lambda s: Not(s.sender))
def the_first_message_is_followed_by_the_second(s: Link) -> object:
    """A message with bit 0 is followed by one with bit 1."""
    return s.sender


@eventually(after=lambda s: s.sender)
def the_second_message_is_followed_by_the_first(s: Link) -> object:
    """A message with bit 1 is followed by one with bit 0."""
    return Not(s.sender)


def alternating_bit(fairness: Mapping[str, str]) -> Spec:
    """The protocol under this fairness."""
    return make_spec(
        "alternating-bit",
        title="the alternating bit protocol",
        state=Link,
        init=nothing_yet,
        actions=(send_data, lose_data, receive_data, lose_ack, receive_ack),
        properties=(
            the_first_message_is_followed_by_the_second,
            the_second_message_is_followed_by_the_first,
        ),
        bounds={},
        fairness=fairness,
    )
