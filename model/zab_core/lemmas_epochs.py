"""What holds of epochs, promises and leaders.

A lemma is true of every reachable state; all of them together are inductive.
"""

from typing import Any

from model.language import NONE, Node, always, forall, implies, is_member, value_of
from model.zab_core.actions import is_synchronizing
from model.zab_core.ghosts import ZabCoreHistory
from model.zab_core.notions import discovers, leads, started
from model.zab_core.state import Epoch


@always
def promises_are_of_epochs_accepted(s: ZabCoreHistory) -> Any:
    """Whoever has promised an epoch, or was promised one, has accepted it or a later one."""
    return forall(
        Node,
        Epoch,
        Node,
        lambda n, e, c: implies(s.ghost_promised[n, e, c], (e <= s.accepted_epoch[n]) & (e <= s.accepted_epoch[c])),
    )


@always
def an_epoch_is_promised_once(s: ZabCoreHistory) -> Any:
    """No server promises an epoch to two leaders."""
    return forall(
        Node,
        Epoch,
        Node,
        Node,
        lambda n, e, c, d: implies(s.ghost_promised[n, e, c] & s.ghost_promised[n, e, d], c == d),
    )


@always
def proposed_epochs_are_promised_by_their_leader(s: ZabCoreHistory) -> Any:
    """A leader that proposes an epoch has promised it to itself."""
    return s.leader_infos.forall(lambda m: (m.epoch >= 1) & s.ghost_promised[m.leader, m.epoch, m.leader])


@always
def acknowledged_epochs_were_promised(s: ZabCoreHistory) -> Any:
    """An ACKEPOCH is a promise, and names the current epoch and the last zxid that its sender had then."""
    return s.ack_epochs.forall(
        lambda m: (
            s.ghost_promised[m.follower, m.epoch, m.leader]
            & (s.ghost_promise_current[m.follower, m.epoch] == m.current)
            & (s.ghost_promise_last_epoch[m.follower, m.epoch] == m.last_epoch)
            & (s.ghost_promise_end[m.follower, m.epoch] == m.end)
        )
    )


@always
def counted_promises_were_given(s: ZabCoreHistory) -> Any:
    """Only leaders count promises: of their own epoch, to themselves."""
    return forall(
        Node,
        Node,
        lambda c, n: implies(s.promised_by[c, n], leads(s, c) & s.ghost_promised[n, s.accepted_epoch[c], c]),
    )


@always
def electors_promised_the_epoch(s: ZabCoreHistory) -> Any:
    """The quorum with which the leader of an epoch finished discovery has promised it the epoch."""
    return forall(
        Epoch,
        Node,
        lambda e, n: implies(
            started(s, e) & is_member(n, s.ghost_electors[e]), s.ghost_promised[n, e, value_of(s.ghost_leader[e])]
        ),
    )


@always
def started_epochs_have_electors(s: ZabCoreHistory) -> Any:
    """An epoch that has started is 1 or later, and a quorum promised it."""
    return forall(Epoch, lambda e: implies(started(s, e), (e >= 1) & (s.ghost_electors[e] != NONE)))


@always
def who_led_an_epoch_is_its_leader(s: ZabCoreHistory) -> Any:
    """Whoever has finished discovery in an epoch is its leader; nobody else ever was."""
    return forall(Node, Epoch, lambda n, e: implies(s.ghost_led[n, e], s.ghost_leader[e] == n))


@always
def leaders_have_led(s: ZabCoreHistory) -> Any:
    """A leader beyond discovery has finished discovery in its epoch."""
    return forall(Node, lambda n: implies(leads(s, n) & is_synchronizing(s, n), s.ghost_led[n, s.accepted_epoch[n]]))


@always
def leaders_in_discovery_have_not_led(s: ZabCoreHistory) -> Any:
    """A leader in discovery has not finished discovery in its epoch before."""
    return forall(
        Node,
        lambda n: implies(discovers(s, n), (s.accepted_epoch[n] >= 1) & (s.ghost_leader[s.accepted_epoch[n]] != n)),
    )


EPOCHS = (
    promises_are_of_epochs_accepted,
    an_epoch_is_promised_once,
    proposed_epochs_are_promised_by_their_leader,
    acknowledged_epochs_were_promised,
    counted_promises_were_given,
    electors_promised_the_epoch,
    started_epochs_have_electors,
    who_led_an_epoch_is_its_leader,
    leaders_have_led,
    leaders_in_discovery_have_not_led,
)
