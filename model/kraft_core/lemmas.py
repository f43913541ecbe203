"""The lemmas of the core's proof, and the safety properties that follow from them in one state.

`INDUCTIVE` holds initially and is kept by every action; `SAFETY` is derived from it. `proofs.py` has what the prover needs besides.
"""

from typing import Any

from model.kraft_core.ghosts import KRaftCoreHistory
from model.kraft_core.lemmas_commit import ACKNOWLEDGEMENTS, COMMITS
from model.kraft_core.lemmas_election import ELECTION
from model.kraft_core.lemmas_log import FETCHES, LOGS
from model.kraft_core.notions import committed, leads, same
from model.kraft_core.state import Epoch, Index
from model.language import Node, always, forall, implies


@always
def at_most_one_leader_per_epoch(s: KRaftCoreHistory) -> Any:
    """Raft figure 3, Election Safety."""
    return forall(
        Node,
        Node,
        lambda a, b: implies(leads(s, a) & leads(s, b) & (s.epoch[a] == s.epoch[b]), a == b),
    )


@always
def log_matching(s: KRaftCoreHistory) -> Any:
    """Raft figure 3, Log Matching: logs with an entry of the same epoch at the same place agree up to there."""
    return forall(
        Node,
        Node,
        Index,
        Index,
        lambda a, b, i, j: implies(
            (j >= 1)
            & (j <= i)
            & (i <= s.log[a].length)
            & (i <= s.log[b].length)
            & (s.log[a][i].epoch == s.log[b][i].epoch),
            same(s.log[a][j], s.log[b][j]),
        ),
    )


@always
def leader_completeness(s: KRaftCoreHistory) -> Any:
    """Raft figure 3, Leader Completeness: a leader has what was committed in its epoch and in those before."""
    return forall(
        Epoch,
        Index,
        Node,
        lambda e, i, n: implies(
            committed(s, e, i) & leads(s, n) & (s.epoch[n] >= e),
            (i <= s.log[n].length) & (s.log[n][i].epoch == e),
        ),
    )


@always
def committed_prefixes_agree(s: KRaftCoreHistory) -> Any:
    """Raft figure 3, State Machine Safety: below the high watermarks of two nodes their logs are equal."""
    return forall(
        Node,
        Node,
        Index,
        lambda a, b, j: implies(
            (j >= 1) & (j <= s.high_watermark[a]) & (j <= s.high_watermark[b]), same(s.log[a][j], s.log[b][j])
        ),
    )


SAFETY = (at_most_one_leader_per_epoch, log_matching, leader_completeness, committed_prefixes_agree)

INDUCTIVE = (*ELECTION, *LOGS, *FETCHES, *ACKNOWLEDGEMENTS, *COMMITS)

LEMMAS = (*SAFETY, *INDUCTIVE)
