"""How the core's lemmas are proved: triggers, markers, likely hypotheses, and what is derived from what. See docs/proof-of-kraft.md.

Two markers: QUORUM, and `choosable` for the (epoch, index, quorum) whose fate is followed. New (epoch, index) pairs come from commits,
never from a lemma about logs: a lemma that makes new index terms out of epochs would feed itself for ever.
"""

from collections.abc import Mapping
from typing import Any

from model.kraft_core.lemmas_commit import ACKNOWLEDGEMENTS, COMMITS
from model.kraft_core.lemmas_election import ELECTION
from model.kraft_core.lemmas_log import FETCHES, LOGS
from model.kraft_core.notions import started
from model.language import NONE, is_member, value_of
from model.language.hints import QUORUM, Hint, Hints, marker

DERIVED: Mapping[str, tuple[str, ...]] = {
    "at_most_one_leader_per_epoch": ("leaders_won_their_epoch",),
    "log_matching": ("entries_are_in_their_epochs_log", "logs_are_prefixes_of_epoch_logs"),
    "leader_completeness": (
        "commits_are_acknowledged_by_a_quorum",
        "later_epochs_have_choosable_entries",
        "leaders_have_their_epochs_length",
        "leaders_have_their_epochs_log",
        "leaders_won_their_epoch",
    ),
    "committed_prefixes_agree": (
        "commits_are_acknowledged_by_a_quorum",
        "high_watermarks_come_from_commits",
        "below_the_high_watermark_is_the_commit",
        "later_epochs_have_choosable_entries",
        "epoch_log_entries_are_in_their_epochs_log",
        "epoch_logs_are_prefixes_of_epoch_logs",
    ),
}


def _log_places(s: Any, n: Any, i: Any, j: Any) -> Any:
    """Two places of a log, or a place of the log of an entry's epoch; by epoch or by value."""
    log = s.log[n]
    own = s.ghost_log[log[i].epoch][j]
    return [(log[i].epoch, log[j].epoch), own.epoch, (log[i].epoch, log[j].value), own.value]


def _epoch_log_places(s: Any, e: Any, i: Any, j: Any) -> Any:
    """The same for an epoch's log; always with the entry, or epochs would make new entries."""
    log = s.ghost_log[e]
    own = s.ghost_log[log[i].epoch][j]
    return [
        (log[i].epoch, log[j].epoch),
        (own.epoch, log[i].epoch),
        (log[i].epoch, log[j].value),
        (own.value, log[i].epoch),
    ]


def _leader_log_places(s: Any, n: Any, i: Any) -> Any:
    mine, of_epoch = s.log[n][i], s.ghost_log[s.epoch[n]][i]
    return [mine.epoch, of_epoch.epoch, mine.value, of_epoch.value]


def _last_log_places(s: Any, n: Any, j: Any) -> Any:
    mine, of_epoch = s.log[n][j], s.ghost_log[s.last_epoch[n]][j]
    return [mine.epoch, of_epoch.epoch, mine.value, of_epoch.value]


def _below_high_watermark(s: Any, n: Any, j: Any) -> Any:
    mine, of_commit = s.log[n][j], s.ghost_log[s.ghost_hw_epoch[n]][j]
    return [mine.epoch, of_commit.epoch, mine.value, of_commit.value]


TRIGGERS: Mapping[str, Hint] = {
    "votes_are_of_epochs_reached": lambda s, n, e, c: s.ghost_voted[n, e, c],
    "a_voter_votes_once_per_epoch": lambda s, n, e, c, d: (s.ghost_voted[n, e, c], s.ghost_voted[n, e, d]),
    "votes_are_remembered": lambda s, n, c: s.ghost_voted[n, s.epoch[n], c],
    "grants_are_votes": lambda s, c, n: s.grants[c, n],
    "electors_voted_for_the_leader": lambda s, e, n: is_member(n, value_of(s.ghost_electors[e])),
    "started_epochs_have_electors": started,
    "entries_are_in_their_epochs_log": lambda s, n, i: s.log[n][i].epoch,
    "logs_are_prefixes_of_epoch_logs": _log_places,
    "epoch_log_entries_are_in_their_epochs_log": lambda s, e, i: s.ghost_log[e][i].epoch,
    "epoch_logs_are_prefixes_of_epoch_logs": _epoch_log_places,
    "leaders_have_their_epochs_length": lambda s, n: [s.log[n].length, s.role[n]],
    "leaders_have_their_epochs_log": _leader_log_places,
    "logs_are_prefixes_of_their_last_epochs_log": _last_log_places,
    "counted_replicas_have_acknowledged": lambda s, leader, n, i: (s.replica_end[leader, n], s.log[leader][i].epoch),
    "counted_replicas_are_within_the_log": lambda s, leader, n: s.replica_end[leader, n],
    "acknowledgements_are_of_started_epochs": lambda s, n, e: s.ghost_acked[n, e],
    "acknowledged_choosable_entries_are_kept": lambda s, e, i, q, n: (
        marker("choosable", e, i, q),
        s.ghost_acked[n, e],
    ),
    "votes_go_to_holders_of_choosable_entries": lambda s, e, i, q, n, f, c: (
        marker("choosable", e, i, q),
        s.ghost_voted[n, f, c],
    ),
    "later_epochs_have_choosable_entries": lambda s, e, i, q, f: (marker("choosable", e, i, q), started(s, f)),
    "commits_are_acknowledged_by_a_quorum": lambda s, e, i: s.ghost_commit_quorum[e, i] != NONE,
    "below_the_high_watermark_is_the_commit": _below_high_watermark,
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
    election, logs, commits = _names(ELECTION), _names(LOGS), _names(COMMITS)
    fetches, acknowledgements = _names(FETCHES), _names(ACKNOWLEDGEMENTS)
    messages = fetches[:2]
    likely = (
        (election, election),
        (logs, (*election, *logs, *messages)),
        (fetches, (*election, *logs, *fetches, acknowledgements[0], *commits)),
        (acknowledgements, (*election, *logs, *fetches, *acknowledgements)),
        (commits, (*logs, *commits, *fetches, acknowledgements[0], acknowledgements[3], *election)),
    )
    return {name: group for names, group in likely for name in names}


HINTS = Hints(derived=DERIVED, triggers=TRIGGERS, emits=EMITS, groups=_groups())
