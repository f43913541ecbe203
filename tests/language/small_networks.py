"""Small specs of the networks: message sets, a bag, channels, slots. They model no protocol."""

from typing import Any

from model.language import (
    NONE,
    Bag,
    Fn,
    Messages,
    Node,
    Not,
    Option,
    Seq,
    State,
    Var,
    always,
    exists,
    forall,
    ite,
    make_spec,
    require,
    sometimes,
    step,
)
from tests.language.small_sorts import Entry, Epoch, Position, Role, Rpc, Vote


class Sets(State):
    """A set with a newest key, a set without, and a local epoch."""

    epoch = Fn(Node, Epoch)
    known = Fn(Node, Option[Node])
    votes = Messages(Vote, newest=("voter", "leader"))
    acks = Messages(Entry)


def sets_init(s: Sets) -> None:
    """One acknowledgement is under way from the start."""
    s.acks.send(Entry(epoch=0, by=NONE))


def sets_vote(s: Sets, n: Node, other: Option[Node]) -> None:
    """A node votes in a new epoch."""
    s.epoch[n] = s.epoch[n] + 1
    s.votes.send(Vote(voter=n, epoch=s.epoch[n], leader=other, role=Role.CANDIDATE))


def sets_learn(s: Sets, vote: Vote, n: Node) -> None:
    """A node learns from a vote of another, and acknowledges."""
    require(vote.voter != n)
    require(vote.epoch > s.epoch[n])

    s.epoch[n] = vote.epoch
    s.known[n] = vote.leader
    s.acks.send(Entry(epoch=vote.epoch, by=vote.voter))
    s.votes.forget(lambda m: (m.voter == n) & (m.leader == vote.leader))


def sets_two(s: Sets, vote: Vote, ack: Entry) -> None:
    """Two messages at once; the sets are read before and after they change."""
    require(ack.by != vote.voter)
    require(s.acks.forall(lambda m: m.epoch <= vote.epoch))
    require(s.votes.exists(lambda m: m.leader == ack.by))

    s.acks.send(Entry(epoch=vote.epoch, by=NONE))
    if s.acks.contains(Entry(epoch=1, by=NONE)):
        s.acks.forget(lambda m: m.epoch == 0)
    if s.acks.exists(lambda m: m.epoch == 0):
        s.known[vote.voter] = vote.voter
    if s.acks.forall(lambda m: m.by == NONE):
        s.known[vote.voter] = NONE


@always
def sets_votes_are_of_the_past(s: Sets) -> Any:
    """No vote is of an epoch that its voter has not reached, unless it named nobody."""
    return s.votes.forall(lambda m: (m.epoch <= s.epoch[m.voter]) & (m.role == Role.CANDIDATE))


@always
def sets_no_late_ack(s: Sets) -> Any:
    """No node acknowledges epoch 2: false in some states."""
    return Not(exists(Option[Node], Node, lambda by, n: s.acks.contains(Entry(epoch=2, by=by)) & (s.known[n] == by)))


@step
def sets_epochs_grow(s: Sets, t: Sets) -> Any:
    """Epochs never decrease and votes of known nodes stay."""
    return forall(Node, lambda n: s.epoch[n] <= t.epoch[n]) & t.acks.exists(lambda m: m.epoch >= 0)


SETS = make_spec(
    "sets",
    title="message sets",
    state=Sets,
    init=sets_init,
    actions=(sets_vote, sets_learn, sets_two),
    properties=(sets_votes_are_of_the_past, sets_no_late_ack, sets_epochs_grow),
    bounds={"nodes": 2, "epochs": 2, "stale": 0},
)


class Networks(State):
    """A bag, channels and slots."""

    flight = Bag(Rpc, bound="flight")
    channel = Fn(Node, Node, Seq[Rpc, Position])
    slot = Fn(Node, Rpc)
    epoch = Var(Epoch)


def networks_init(s: Networks) -> None:
    """Nothing is under way."""


def networks_send(s: Networks, n: Node) -> None:
    """A node sends the same message by every network, twice into the bag."""
    rpc = Rpc(kind=Role.CANDIDATE, sender=n, epoch=s.epoch)
    s.flight.send(rpc)
    s.flight.send(rpc)
    s.channel[n, n].append(rpc)


def networks_relay(s: Networks, a: Node, b: Node) -> None:
    """The head of a channel moves on; an empty channel stays empty."""
    require(a != b)

    head = s.channel[a, a][1]
    s.channel[a, b].append(head)
    s.channel[a, a].pop_first()


def networks_receive(s: Networks, rpc: Rpc) -> None:
    """A message is taken out of the bag, answered by a later one, and remembered."""
    s.flight.receive(rpc)
    if rpc.kind != Role.LEADER:
        s.flight.send(Rpc(kind=Role.LEADER, sender=rpc.sender, epoch=rpc.epoch + 1))
    s.slot[rpc.sender] = rpc
    s.epoch = rpc.epoch


def networks_receive_known(s: Networks, n: Node) -> None:
    """A message that is known to a slot is taken out without being a parameter."""
    require(s.slot[n].kind != Role.FOLLOWER)
    require(s.slot[n].sender == n)

    s.flight.receive(Rpc(kind=Role.LEADER, sender=n, epoch=1))
    s.slot[:] = lambda m: ite(m == n, s.slot[n], Rpc(kind=Role.FOLLOWER, sender=n, epoch=0))


def networks_reset(s: Networks, n: Node) -> None:
    """A node's connections are reset."""
    s.channel[n, :] = ()
    s.slot[n] = s.slot[n]
    s.flight.forget(lambda m: (m.sender == n) & (m.epoch > 0))


@always
def networks_few(s: Networks) -> Any:
    """No slot holds a message that is in the bag: false in some states."""
    return forall(Node, lambda n: Not(s.flight.contains(s.slot[n])))


@sometimes
def networks_order(s: Networks) -> Any:
    """Two channels hold the same, and it is not nothing."""
    return exists(
        Node,
        Node,
        lambda a, b: (a != b) & (s.channel[a, b] == s.channel[b, a]) & (s.channel[a, b].length > 0),
    )


NETWORKS = make_spec(
    "networks",
    title="bag, channels, slots",
    state=Networks,
    init=networks_init,
    actions=(networks_send, networks_relay, networks_receive, networks_receive_known, networks_reset),
    properties=(networks_few, networks_order),
    bounds={"nodes": 2, "epochs": 1, "flight": 2, "channel": 1},
)
