"""How the core's lemmas are proved: triggers, markers, likely hypotheses, and what is derived from what. See docs/proof-of-zab.md.

Two markers: QUORUM, and `choosable` for the (epoch, end, quorum) whose fate is followed. New (epoch, end) pairs come from commits, never
from a lemma about histories: a lemma that makes new places out of epochs would feed itself for ever.
"""

from collections.abc import Mapping
from typing import Any

from model.language import NONE, is_member, value_of
from model.language.hints import QUORUM, Hint, Hints, marker
from model.zab_core.lemmas_commit import ACKNOWLEDGEMENTS, CHOOSABLE, COMMITS
from model.zab_core.lemmas_epochs import EPOCHS
from model.zab_core.lemmas_history import HISTORIES, ORDER
from model.zab_core.notions import started

_DELIVERED = (
    "commits_are_acknowledged_by_a_quorum",
    "deliveries_come_from_commits",
    "deliveries_are_within_the_history",
)
"""What was delivered was committed, and is there."""

_PLACED = (
    "current_epochs_were_accepted",
    "histories_come_from_started_epochs",
    "histories_are_beginnings_of_epoch_histories",
)
"""A server's history is a beginning of an epoch's."""

DERIVED: Mapping[str, tuple[str, ...]] = {
    "one_leader_per_epoch": ("who_led_an_epoch_is_its_leader",),
    "no_two_leaders_at_once": ("leaders_have_led", "who_led_an_epoch_is_its_leader"),
    "delivered_prefixes_agree": (*_DELIVERED, *_PLACED, "later_epochs_agree_on_choosable_transactions"),
    "delivered_transactions_were_broadcast": (
        "deliveries_are_within_the_history",
        *_PLACED,
        "transactions_were_broadcast",
    ),
    "local_primary_order": (
        "deliveries_are_within_the_history",
        *_PLACED,
        "broadcasts_follow_the_initial_history",
        "epoch_histories_agree_up_to_a_zxid",
    ),
    "global_primary_order": ("deliveries_are_within_the_history", *_PLACED, "zxids_increase"),
    "primary_integrity": (
        *_DELIVERED,
        *_PLACED,
        "started_epochs_have_electors",
        "broadcasts_follow_the_initial_history",
        "own_transactions_follow_the_initial_history",
        "transactions_were_broadcast",
        "later_epochs_start_with_choosable_transactions",
        "later_epochs_agree_on_choosable_transactions",
        "later_epochs_go_on_after_initial_histories",
    ),
    "initial_histories_grow": (
        "commits_are_acknowledged_by_a_quorum",
        "later_epochs_start_with_choosable_transactions",
        "later_epochs_agree_on_choosable_transactions",
    ),
    "leader_log_completeness": (
        "commits_are_acknowledged_by_a_quorum",
        "leaders_have_led",
        "who_led_an_epoch_is_its_leader",
        "synchronizing_servers_have_their_epochs_history",
        "synchronizing_leaders_have_proposed_nothing",
        "broadcasting_leaders_are_established",
        "deliveries_are_within_the_history",
        *_PLACED,
        "later_epochs_start_with_choosable_transactions",
        "later_epochs_agree_on_choosable_transactions",
    ),
}


def _own_places(s: Any, n: Any, j: Any) -> Any:
    """A place of a server's history, or of the history of the epoch from which it comes."""
    mine, theirs = s.history[n][j], s.sent[s.ghost_source[n]][j]
    return [mine.epoch, mine.value, theirs.epoch, theirs.value]


def _places_up_to(s: Any, e: Any, i: Any, j: Any) -> Any:
    """Two places of an epoch's history, or one and one of the history of its transaction's epoch; always with the transaction."""
    history = s.sent[e]
    own = s.sent[history[i].epoch][j]
    return [
        (history[i].epoch, history[j].epoch),
        (own.epoch, history[i].epoch),
        (history[i].epoch, history[j].value),
        (own.value, history[i].epoch),
    ]


def _later_places(s: Any, e: Any, i: Any, q: Any, f: Any, j: Any) -> Any:
    """A place of a later epoch's history."""
    return [(marker("choosable", e, i, q), s.sent[f][j].epoch), (marker("choosable", e, i, q), s.sent[f][j].value)]


TRIGGERS: Mapping[str, Hint] = {
    "current_epochs_were_accepted": lambda s, n: [s.current_epoch[n], s.accepted_epoch[n], s.ghost_source[n]],
    "promises_are_of_epochs_accepted": lambda s, n, e, c: s.ghost_promised[n, e, c],
    "an_epoch_is_promised_once": lambda s, n, e, c, d: (s.ghost_promised[n, e, c], s.ghost_promised[n, e, d]),
    "counted_promises_were_given": lambda s, c, n: s.promised_by[c, n],
    "electors_promised_the_epoch": lambda s, e, n: is_member(n, value_of(s.ghost_electors[e])),
    "started_epochs_have_electors": started,
    "who_led_an_epoch_is_its_leader": lambda s, n, e: s.ghost_led[n, e],
    "leaders_have_led": lambda s, n: s.role[n],
    "leaders_in_discovery_have_not_led": lambda s, n: s.role[n],
    "histories_come_from_started_epochs": lambda s, n: [s.ghost_source[n], s.history[n].length],
    "histories_are_beginnings_of_epoch_histories": _own_places,
    "current_epochs_initial_history_is_held": lambda s, n: [s.current_epoch[n], s.history[n].length],
    "transactions_were_broadcast": lambda s, e, i: [s.sent[e][i].epoch, s.sent[e][i].value],
    "broadcasts_follow_the_initial_history": lambda s, e, i: s.ghost_broadcast[e, i] != NONE,
    "own_transactions_follow_the_initial_history": lambda s, e, i: s.sent[e][i].epoch,
    "zxids_increase": lambda s, e, i, j: (s.sent[e][i].epoch, s.sent[e][j].epoch),
    "epoch_histories_agree_up_to_a_zxid": _places_up_to,
    "acknowledgements_are_of_current_epochs": lambda s, n, e: [s.ghost_synced[n, e], s.acknowledged[n, e]],
    "counted_servers_have_synced": lambda s, c, n: s.synced_by[c, n],
    "counted_proposals_were_acknowledged": lambda s, c, n: s.acked_end[c, n],
    "choosable_transactions_are_kept": lambda s, e, i, q, n: [
        (marker("choosable", e, i, q), s.history[n].length),
        (marker("choosable", e, i, q), s.ghost_synced[n, e]),
    ],
    "promises_name_choosable_transactions": lambda s, e, i, q, n, f, c: (
        marker("choosable", e, i, q),
        s.ghost_synced[n, e],
        s.ghost_promised[n, f, c],
    ),
    "leaders_in_discovery_hold_what_their_followers_acknowledged": lambda s, e, i, q, c, n: (
        marker("choosable", e, i, q),
        s.promised_by[c, n],
    ),
    "later_epochs_start_with_choosable_transactions": lambda s, e, i, q, f: (
        marker("choosable", e, i, q),
        started(s, f),
    ),
    "later_epochs_agree_on_choosable_transactions": _later_places,
    "later_epochs_go_on_after_initial_histories": lambda s, e, q, f, j: (
        marker("choosable", e, s.ghost_initial_end[e], q),
        s.sent[f][j].epoch,
    ),
    "leaders_know_what_they_have_committed": lambda s, n, i: (
        s.committed_end[n],
        s.ghost_commit_quorum[s.accepted_epoch[n], i] != NONE,
    ),
    "acknowledged_transactions_are_not_cut": lambda s, n: [
        s.keep_end[n],
        s.acknowledged[n, s.accepted_epoch[n]],
        s.ghost_synced[n, s.accepted_epoch[n]],
    ],
    "who_comes_back_keeps_what_is_committed": lambda s, n: s.keep_end[n],
    "commits_are_acknowledged_by_a_quorum": lambda s, e, i: s.ghost_commit_quorum[e, i] != NONE,
    "deliveries_come_from_commits": lambda s, n: s.last_committed[n],
}

EMITS: Mapping[str, Hint] = {
    "started_epochs_have_electors": lambda s, e: marker(QUORUM, value_of(s.ghost_electors[e])),
    "commits_are_acknowledged_by_a_quorum": lambda s, e, i: (
        marker(QUORUM, value_of(s.ghost_commit_quorum[e, i])),
        marker("choosable", e, i, value_of(s.ghost_commit_quorum[e, i])),
    ),
}


def _names(*parts: Any) -> tuple[str, ...]:
    """The names of lemmas given one by one or by theme."""
    return tuple(str(lemma.name) for part in parts for lemma in (part if isinstance(part, tuple) else (part,)))


def _groups() -> dict[str, tuple[str, ...]]:
    """Per theme the lemmas that are likely to be enough."""
    epochs, histories, order = _names(EPOCHS), _names(HISTORIES), _names(ORDER)
    acknowledgements, choosable, commits = _names(ACKNOWLEDGEMENTS), _names(CHOOSABLE), _names(COMMITS)
    kept = "who_comes_back_keeps_what_is_committed"
    likely = (
        (epochs, epochs),
        (histories, (*epochs, *histories)),
        # A server may take the epoch of its last transaction, so these rest on the order of transactions.
        (("current_epochs_were_accepted",), (*epochs, *histories, *order)),
        (("current_epochs_initial_history_is_held",), (*epochs, *histories, *order, kept)),
        (("broadcasting_servers_have_written_their_epoch",), (*histories, *order)),
        (order, (*epochs, *histories, *order, *commits)),
        (acknowledgements[:1], (*epochs, *histories, *order, *acknowledgements, *commits)),
        (acknowledgements[1:], (*epochs, *histories, *acknowledgements, kept)),
        (choosable, (*epochs, *histories, *order, *acknowledgements, *choosable, kept)),
        (commits, (*epochs, *histories, *order, *acknowledgements, *choosable, *commits)),
    )
    return {name: group for names, group in likely for name in names}


HINTS = Hints(derived=DERIVED, triggers=TRIGGERS, emits=EMITS, groups=_groups())
