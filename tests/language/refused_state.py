"""What may not be said about the state: functions, records, sequences, networks."""

from model.language import (
    Node,
    ite,
    require,
)
from tests.language.refused_case import CASES, S, refused
from tests.language.small_sorts import Entry, Role, Rpc, Vote

# ---- state


@refused("s.match takes 2 arguments, 1 given", "write s.match[Node, Node]")
def missing_argument(s: S, n: Node) -> None:
    """All arguments are given."""
    require(s.match[n] == 0)  # refused


@refused("s.epoch takes 1 argument, 2 given", "write s.epoch[Node]")
def extra_argument(s: S, n: Node) -> None:
    """Not more arguments than declared."""
    s.epoch[n, n] = 0  # refused


@refused("unknown state variable 'epoc' read: did you mean epoch?", "declare it")
def unknown_variable(s: S, n: Node) -> None:
    """State is declared."""
    require(s.epoc[n] == 0)  # type: ignore[attr-defined] # refused


@refused("unknown state variable 'step' written: did you mean steps?", "declare it")
def unknown_variable_written(s: S) -> None:
    """State is declared."""
    s.step = 1  # type: ignore[attr-defined] # refused


@refused("assignment to s.epoch as a whole", "assign s.epoch[...]")
def whole_function(s: S) -> None:
    """Functions are assigned by argument."""
    s.epoch = 0  # refused


@refused("assignment to the network s.votes", ".send")
def whole_network(s: S) -> None:
    """Networks are sent to."""
    s.votes = ()  # refused


@refused("iteration over s.epoch", "quantify instead")
def iteration_over_function(s: S) -> None:
    """There is no list of nodes."""
    for n in s.epoch:  # refused
        s.epoch[n] = 0


@refused("iteration over epoch[n]", "quantify instead")
def iteration_over_term(s: S, n: Node) -> None:
    """A term is not a collection."""
    for _ in s.epoch[n]:  # refused
        s.steps = 0


@refused("used as a value", "of one argument")
def function_as_truth(s: S) -> None:
    """A function is not a value."""
    if s.epoch:  # refused
        s.steps = 0


# ---- records and sequences


@refused("Rpc has no field 'kin'", "kind, sender, epoch")
def unknown_field(s: S, n: Node) -> None:
    """Fields are declared."""
    require(s.slot[n].kin == Role.LEADER)  # refused


@refused("Rpc without its field epoch", "give all of kind, sender, epoch")
def missing_field(s: S, n: Node) -> None:
    """A record is whole."""
    s.slot[n] = Rpc(kind=Role.LEADER, sender=n)  # refused


@refused("field epoch of Rpc is a Epoch, but match", "give a Epoch")
def field_of_another_sort(s: S, n: Node) -> None:
    """Fields have sorts."""
    s.slot[n] = Rpc(kind=Role.LEADER, sender=n, epoch=s.match[n, n])  # refused


@refused("the value of s.slot is a Rpc, but a Entry was given", "give a Rpc")
def record_of_another_class(s: S, n: Node) -> None:
    """A record is of its class."""
    s.slot[n] = Entry(epoch=s.epoch[n], by=n)  # refused


@refused("assignment to .epoch of a Rpc", "assign a whole new record")
def field_assigned(s: S, n: Node) -> None:
    """A record read from the state is a snapshot."""
    s.slot[n].epoch = 1  # refused


@refused("len(s.log[n])", "write .length")
def length_of_log(s: S, n: Node) -> None:
    """A sequence has a length, not a len."""
    require(len(s.log[n]) > 0)  # refused


@refused("iteration over s.log[n]", "quantify over positions")
def iteration_over_log(s: S, n: Node) -> None:
    """A sequence is not a list."""
    for entry in s.log[n]:  # refused
        require(entry.epoch > 0)


@refused("position -1 of s.log[n]", "the end is .last")
def position_from_the_end(s: S, n: Node) -> None:
    """Positions count from 1."""
    require(s.log[n][-1].epoch > 0)  # refused


@refused("a slice of s.log[n]", ".truncate(k)")
def slice_of_log(s: S, n: Node) -> None:
    """A sequence is cut with truncate."""
    require(s.log[n][1:] == s.log[n])  # refused


@refused("a position in s.log[n] is a Index, but epoch[n]", "give a Index")
def epoch_as_position(s: S, n: Node) -> None:
    """Positions are of the sequence's index sort."""
    require(s.log[n][s.epoch[n]].epoch > 0)  # refused


@refused("a sequence of another record class", "must be the same")
def sequence_of_another_class(s: S, n: Node) -> None:
    """Sequences are of one record class."""
    s.log[n] = s.rpcs[n]  # refused


@refused("s.log holds sequences, but", "copy one")
def number_as_sequence(s: S, n: Node) -> None:
    """A sequence is copied or built."""
    s.log[n] = 0  # refused


@refused("a sequence has no .pop", ".pop_first")
def unknown_method(s: S, n: Node) -> None:
    """Sequences have few methods."""
    s.log[n].pop()  # refused


# ---- networks


@refused("what is sent on s.votes is a Vote, but a Rpc was given", "give a Vote")
def message_of_another_class(s: S, n: Node) -> None:
    """A network carries one class."""
    s.votes.send(Rpc(kind=Role.LEADER, sender=n, epoch=0))  # refused


@refused("iteration over s.votes", "take a parameter `m: Vote`")
def iteration_over_network(s: S) -> None:
    """Messages are parameters."""
    for m in s.votes:  # refused
        s.epoch[m.voter] = 0


@refused("`in s.votes`", ".contains(message)")
def in_network(s: S, n: Node) -> None:
    """Python's `in` would be a truth value, not a term."""
    require(Rpc(kind=Role.LEADER, sender=n, epoch=0) in s.votes)  # refused


@refused("receive on the message set s.votes", "take a parameter, or declare a Bag")
def receive_from_set(s: S, vote: Vote) -> None:
    """Sets only grow."""
    s.votes.receive(vote)  # refused


@refused("s.bag received from after it was changed", "once per action")
def received_twice(s: S, a: Rpc, b: Rpc) -> None:
    """Two messages may be the same copy."""
    s.bag.receive(a)
    s.bag.receive(b)  # refused


@refused("s.keyed read after it was changed", "read it before")
def keyed_read_after_send(s: S, n: Node) -> None:
    """What a send replaces depends on the bounds."""
    s.keyed.send(Entry(epoch=s.epoch[n], by=n))
    s.steps = ite(s.keyed.exists(lambda m: m.epoch == 0), 1, 0)  # refused


@refused("a network has no .add", ".send")
def unknown_network_method(s: S, n: Node) -> None:
    """Networks have few methods."""
    s.votes.add(n)  # refused


__all__ = ["CASES"]
