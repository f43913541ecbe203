"""Planted bugs of the core: each replaces one rule by name and breaks a lemma, with a counterexample to induction.

`breaks` is the lemma that induction in a bounded instance names (`bounds`: an instance in which it does); other lemmas may break with it.
"""

from functools import partial
from typing import Any

from model.language import Replacement


def _always(*values: Any) -> Any:
    """The condition is not checked: true, as a term."""
    return values[0] == values[0]


def _not_below(epoch: Any, accepted: Any) -> Any:
    """The epoch that a server has accepted already is taken for a new one."""
    return epoch >= accepted


def _any_epoch(epoch: Any, my_epoch: Any) -> Any:
    """The epoch of a message is not compared with the receiver's."""
    return _always(epoch)


def _nobody_refused(current: Any, last_epoch: Any, end: Any, my_current: Any, my_last_epoch: Any, my_end: Any) -> Any:
    """The leader does not compare histories."""
    return _always(current)


def _lengths_only(current: Any, last_epoch: Any, end: Any, my_current: Any, my_last_epoch: Any, my_end: Any) -> Any:
    """The leader compares the lengths of the histories, and no epochs."""
    return end <= my_end


def _zxids_only(current: Any, last_epoch: Any, end: Any, my_current: Any, my_last_epoch: Any, my_end: Any) -> Any:
    """The leader compares last zxids, but not current epochs."""
    return (last_epoch < my_last_epoch) | ((last_epoch == my_last_epoch) & (end <= my_end))


def _epochs_only(current: Any, last_epoch: Any, end: Any, my_current: Any, my_last_epoch: Any, my_end: Any) -> Any:
    """The leader compares current epochs, but not last zxids."""
    return current <= my_current


def _shared_is_dropped(place: Any, end: Any, initial_end: Any, keep_end: Any) -> Any:
    """The follower's history is replaced by a shorter one."""
    return _always(place)


def _proposals_are_dropped(place: Any, end: Any, initial_end: Any, keep_end: Any) -> Any:
    """A follower that comes back within the epoch is cut to the initial history."""
    return (place <= end) | (place > initial_end)


def _to_nothing(length: Any, committed_end: Any) -> Any:
    """A follower that comes back may be cut to nothing."""
    return committed_end - committed_end


def _kept(acked_end: Any) -> Any:
    """The ACKs from before the follower came back still count."""
    return acked_end


def _last_epoch(current: Any, last_epoch: Any) -> Any:
    """currentEpoch is that of the last transaction, also if that is older."""
    return last_epoch


def _epoch_first(synchronizing: Any, end: Any, initial_end: Any) -> Any:
    """The epoch is written before the history."""
    return _always(synchronizing)


def _half_a_history(synchronizing: Any, end: Any, initial_end: Any) -> Any:
    """The epoch is written in the middle of the history."""
    return synchronizing


def _everybody(acknowledged: Any) -> Any:
    """Servers that have not acknowledged NEWLEADER count as well."""
    return _always(acknowledged)


def _one_less(acked_end: Any, end: Any) -> Any:
    """A server counts for the proposal after the one that it has acknowledged."""
    return acked_end + 1 >= end


def _unlogged(end: Any, length: Any) -> Any:
    """A server delivers what it has not logged."""
    return _always(end)


def _accepted_in_memory(accepted: Any, current: Any) -> Any:
    """acceptedEpoch is not persisted."""
    return current


def _current_in_memory(current: Any, last_epoch: Any) -> Any:
    """currentEpoch is not persisted."""
    return current - current


THREE = {"nodes": 3}
"""With two servers every quorum is everybody; it takes a third one for somebody to be left out."""

LATER = {"nodes": 3, "epochs": 3}
"""Zxids that mislead need a third epoch."""

_mutation = partial(Replacement, found_by="induct")
"""A bug that breaks a lemma in a single step, from a state that a search may be long in reaching."""

BUGS = (
    _mutation(
        "epoch-promised-twice",
        "A follower promises its accepted epoch again",
        "is_promise",
        _not_below,
        "an_epoch_is_promised_once",
    ),
    _mutation(
        "epoch-proposed-again",
        "A leader proposes its accepted epoch again",
        "is_new_epoch",
        _not_below,
        "an_epoch_is_promised_once",
    ),
    _mutation(
        "older-leader",
        "A follower goes with a leader of an older epoch",
        "may_follow",
        _any_epoch,
        "promises_are_of_epochs_accepted",
        THREE,
    ),
    _mutation(
        "accepted-in-memory",
        "The accepted epoch is forgotten in a crash",
        "accepted_after_restart",
        _accepted_in_memory,
        "promises_are_of_epochs_accepted",
    ),
    _mutation(
        "current-in-memory",
        "The current epoch is forgotten in a crash",
        "current_after_restart",
        _current_in_memory,
        "acknowledgements_are_of_current_epochs",
    ),
    _mutation(
        "old-promise",
        "A leader counts promises of other epochs",
        "counts_as_promise",
        _any_epoch,
        "counted_promises_were_given",
        THREE,
    ),
    _mutation(
        "nobody-refused",
        "A leader accepts followers that are ahead",
        "not_ahead",
        _nobody_refused,
        "leaders_in_discovery_hold_what_their_followers_acknowledged",
        THREE,
    ),
    _mutation(
        "zab-lengths-only",
        "A leader compares lengths only",
        "not_ahead",
        _lengths_only,
        "leaders_in_discovery_hold_what_their_followers_acknowledged",
        THREE,
    ),
    _mutation(
        "zxids-only",
        "A leader compares last zxids only",
        "not_ahead",
        _zxids_only,
        "leaders_in_discovery_hold_what_their_followers_acknowledged",
        LATER,
    ),
    _mutation(
        "zab-epochs-only",
        "A leader compares current epochs only",
        "not_ahead",
        _epochs_only,
        "leaders_in_discovery_hold_what_their_followers_acknowledged",
        THREE,
    ),
    _mutation(
        "older-history",
        "A follower takes over the history of another epoch",
        "syncs_with",
        _any_epoch,
        "current_epochs_were_accepted",
        THREE,
    ),
    _mutation(
        "committed-is-cut",
        "A follower drops what it shares with its leader",
        "keeps",
        _shared_is_dropped,
        "deliveries_are_within_the_history",
    ),
    _mutation(
        "acknowledged-is-cut",
        "A follower that comes back drops proposals",
        "keeps",
        _proposals_are_dropped,
        "choosable_transactions_are_kept",
    ),
    _mutation(
        "returning-is-cut-to-nothing",
        "A follower that comes back may be cut below what is committed",
        "keep_end_on_return",
        _to_nothing,
        "who_comes_back_keeps_what_is_committed",
        THREE,
    ),
    _mutation(
        "acks-of-returning-kept",
        "A leader counts ACKs from before it cut the follower",
        "counted_on_return",
        _kept,
        "counted_proposals_were_acknowledged",
        THREE,
    ),
    _mutation(
        "last-epoch-even-if-older",
        "A server that starts takes the epoch of its last transaction whatever its file says",
        "current_after_restart",
        _last_epoch,
        "acknowledgements_are_of_current_epochs",
        THREE,
    ),
    _mutation(
        "epoch-before-history",
        "The current epoch is written before the history",
        "has_initial_history",
        _epoch_first,
        "current_epochs_were_accepted",
    ),
    _mutation(
        "epoch-in-the-middle",
        "The current epoch is written in the middle of the history",
        "has_initial_history",
        _half_a_history,
        "current_epochs_initial_history_is_held",
        THREE,
    ),
    _mutation(
        "new-leader-acknowledged-early",
        "NEWLEADER is acknowledged before the epoch is written",
        "may_acknowledge_new_leader",
        _any_epoch,
        "acknowledgements_are_of_current_epochs",
    ),
    _mutation(
        "old-new-leader-ack",
        "A leader counts who acknowledged another NEWLEADER",
        "counts_as_synced",
        _any_epoch,
        "counted_servers_have_synced",
        THREE,
    ),
    _mutation(
        "served-early",
        "A leader serves clients before a quorum has its history",
        "has_synced",
        _everybody,
        "commits_are_acknowledged_by_a_quorum",
    ),
    _mutation(
        "deposed-leader-heard",
        "A server logs proposals of an epoch that it has left",
        "takes_proposals",
        _any_epoch,
        "histories_are_beginnings_of_epoch_histories",
        THREE,
    ),
    _mutation(
        "old-ack",
        "A leader counts acknowledgements of other epochs",
        "counts_as_ack",
        _any_epoch,
        "counted_proposals_were_acknowledged",
        THREE,
    ),
    _mutation(
        "committed-too-soon",
        "A leader commits one proposal too many",
        "has_acknowledged",
        _one_less,
        "commits_are_acknowledged_by_a_quorum",
    ),
    _mutation(
        "delivered-before-logged",
        "A server delivers what it has not logged",
        "has_logged",
        _unlogged,
        "deliveries_are_within_the_history",
        THREE,
    ),
)
