"""Planted bugs of the core: each replaces one rule by name and breaks a lemma, with a counterexample to induction.

`breaks` is the lemma that induction in a bounded instance names (`bounds`: an instance in which it does); other lemmas may break with it.
"""

from functools import partial
from typing import Any

from model.kraft_core.state import Role
from model.language import NONE, Replacement, ite


def _always(*values: Any) -> Any:
    """The condition is not checked: true, as a term."""
    return values[0] == values[0]


def _same_epoch(epoch: Any) -> Any:
    """A candidate stands in its own epoch, without moving to the next."""
    return epoch


def _no_log_check(last_epoch: Any, end: Any, my_last_epoch: Any, my_end: Any) -> Any:
    """The voter does not compare logs."""
    return _always(last_epoch)


def _epochs_only(last_epoch: Any, end: Any, my_last_epoch: Any, my_end: Any) -> Any:
    """The voter compares the epochs of the last entries, but not the lengths."""
    return last_epoch >= my_last_epoch


def _lengths_only(last_epoch: Any, end: Any, my_last_epoch: Any, my_end: Any) -> Any:
    """The voter compares the lengths of the logs, but not the epochs of their last entries."""
    return end >= my_end


def _any_epoch(epoch: Any, my_epoch: Any) -> Any:
    """The epoch of a message is not compared with the receiver's."""
    return _always(epoch)


def _grant_anyone(first: Any, again: Any, up_to_date: Any) -> Any:
    """The voter does not look whether it has voted in this epoch."""
    return up_to_date


def _length_is_enough(end: Any, last_epoch: Any, end_of_epoch: Any, epoch_there: Any, leader_epoch: Any) -> Any:
    """The leader compares the follower's end, but not the epoch of its last entry."""
    return end <= end_of_epoch


def _end_is_enough(end: Any, last_epoch: Any, my_end: Any, my_last_epoch: Any) -> Any:
    """A follower recognises the answer that it awaits by the end alone."""
    return end == my_end


def _late_answer(end: Any, last_epoch: Any, my_end: Any, my_last_epoch: Any) -> Any:
    """A follower takes any answer of its leader, also one that it does not await."""
    return _always(end)


def _as_announced(announced: Any, length: Any) -> Any:
    """A follower takes over the high watermark without looking at the end of its own log."""
    return announced


def _epoch_of_entry_ignored(entry_epoch: Any, epoch: Any) -> Any:
    """A leader commits entries of older epochs by counting."""
    return _always(epoch)


def _vote_in_memory(voted_for: Any) -> Any:
    """The vote is not persisted."""
    return NONE


def _leader_stands_again(role: Any) -> Any:
    """A leader restarts as candidate of the epoch that it has won."""
    return ite((role == Role.LEADER) | (role == Role.CANDIDATE), Role.CANDIDATE, Role.UNATTACHED)


LATER = {"epochs": 3, "elections": 3}
"""Logs of the same length that differ by more than their last epoch need a third one."""

_mutation = partial(Replacement, found_by="induct")
"""A bug that breaks a lemma in a single step, from a state that a search may be long in reaching."""

BUGS = (
    _mutation(
        "vote-in-memory",
        "A vote is forgotten in a crash",
        "vote_after_restart",
        _vote_in_memory,
        "votes_are_remembered",
    ),
    _mutation("two-votes", "A voter grants everybody", "may_grant", _grant_anyone, "a_voter_votes_once_per_epoch"),
    _mutation(
        "same-epoch",
        "A candidate stands in its own epoch",
        "election_epoch",
        _same_epoch,
        "a_voter_votes_once_per_epoch",
    ),
    _mutation(
        "old-vote-request",
        "A voter answers candidates of old epochs",
        "may_vote_in",
        _any_epoch,
        "a_voter_votes_once_per_epoch",
    ),
    _mutation(
        "old-grant", "A candidate counts votes of old elections", "counts_as_grant", _any_epoch, "grants_are_votes"
    ),
    _mutation(
        "leader-stands-again",
        "A leader restarts as candidate",
        "role_after_restart",
        _leader_stands_again,
        "candidates_have_not_won",
    ),
    _mutation(
        "no-log-check",
        "A voter does not compare logs",
        "log_up_to_date",
        _no_log_check,
        "votes_go_to_holders_of_choosable_entries",
    ),
    _mutation(
        "epochs-only",
        "A voter compares last epochs only",
        "log_up_to_date",
        _epochs_only,
        "votes_go_to_holders_of_choosable_entries",
    ),
    _mutation(
        "lengths-only",
        "A voter compares lengths only",
        "log_up_to_date",
        _lengths_only,
        "votes_go_to_holders_of_choosable_entries",
        LATER,
    ),
    _mutation(
        "old-fetch",
        "A leader answers fetches of other epochs",
        "may_serve",
        _any_epoch,
        "fetched_records_follow_what_was_named",
    ),
    _mutation(
        "prefix-by-length",
        "A leader takes a shorter log for a prefix",
        "is_prefix",
        _length_is_enough,
        "fetched_records_follow_what_was_named",
        LATER,
    ),
    _mutation(
        "append-by-length",
        "A follower recognises the answer by the end alone",
        "awaited",
        _end_is_enough,
        "logs_are_prefixes_of_epoch_logs",
    ),
    _mutation(
        "late-append",
        "A follower appends what it did not await",
        "awaited",
        _late_answer,
        "logs_are_prefixes_of_epoch_logs",
    ),
    _mutation(
        "late-truncate",
        "A follower cuts its log on a late answer",
        "truncation_awaited",
        _late_answer,
        "acknowledged_choosable_entries_are_kept",
    ),
    _mutation(
        "old-leader",
        "A follower takes answers of old epochs",
        "is_current",
        _any_epoch,
        "entries_are_in_their_epochs_log",
    ),
    _mutation(
        "truncate-all",
        "A diverging follower cuts its log anywhere",
        "may_cut",
        _always,
        "acknowledged_choosable_entries_are_kept",
    ),
    _mutation(
        "hw-as-announced",
        "A follower's high watermark is beyond its log",
        "follower_high_watermark",
        _as_announced,
        "high_watermark_is_within_the_log",
    ),
    _mutation(
        "commit-old-epoch",
        "A leader commits entries of older epochs by counting",
        "may_commit",
        _epoch_of_entry_ignored,
        "commits_are_acknowledged_by_a_quorum",
    ),
)
