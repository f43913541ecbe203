"""What KRaft does in the end, if its messages and timers are fair and the assumptions of `kraft-live` hold (model/kraft/live.py)."""

from typing import Any

from model.kraft.state import Index, KRaft, Role
from model.language import Node, Not, eventually, exists, forall


def leads(s: KRaft, n: Any) -> Any:
    """The node leads, and its power is not failing."""
    return (s.role[n] == Role.LEADER) & Not(s.interrupted[n])


def knows_client_record(s: KRaft, n: Any) -> Any:
    """The node has a client's record below its high watermark."""
    return exists(
        Index, lambda i: (i >= 1) & (i <= s.high_watermark[n]) & (i <= s.log[n].length) & (s.log[n][i].value >= 1)
    )


@eventually
def a_leader_emerges(s: KRaft) -> object:
    """In the end some node leads. EventuallyLeader."""
    return exists(Node, lambda n: leads(s, n))


@eventually
def the_client_record_commits(s: KRaft) -> object:
    """In the end a client's record is committed, whatever happens to the leaders that append it. EventuallyCommitted."""
    return exists(Index, lambda i: (s.ghost_commit_epoch[i] >= 1) & (s.ghost_committed_value[i] >= 1))


@eventually
def everybody_learns_of_the_commit(s: KRaft) -> object:
    """In the end every voter that is not down knows a client's record to be committed. FollowerCatchesUp, TruncationTerminates."""
    return forall(Node, lambda n: s.interrupted[n] | knows_client_record(s, n))


@eventually(after=lambda s: Not(exists(Node, lambda n: leads(s, n))))
def a_lost_leader_is_replaced(s: KRaft) -> object:
    """Whenever nobody leads, somebody leads again in the end."""
    return exists(Node, lambda n: leads(s, n))


LIVENESS = (
    a_leader_emerges,
    the_client_record_commits,
    everybody_learns_of_the_commit,
    a_lost_leader_is_replaced,
)
