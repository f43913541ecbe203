"""What must be reachable, so that the other properties were at risk. That every action fires is checked by the engines."""

from model.kraft.state import Epoch, Index, KRaft, Role
from model.language import Node, exists, sometimes


@sometimes
def a_leader_is_elected(s: KRaft) -> object:
    """Some node leads."""
    return exists(Node, lambda n: s.role[n] == Role.LEADER)


@sometimes
def an_entry_commits(s: KRaft) -> object:
    """Some follower knows an entry to be committed."""
    return exists(Node, lambda n: (s.role[n] == Role.FOLLOWER) & (s.high_watermark[n] >= 1))


@sometimes
def a_client_record_commits(s: KRaft) -> object:
    """A client's record is committed."""
    return exists(Index, lambda i: (s.ghost_commit_epoch[i] >= 1) & (s.ghost_committed_value[i] >= 1))


@sometimes
def a_log_is_truncated(s: KRaft, t: KRaft) -> object:
    """A follower cuts its log where it diverges from its leader's."""
    return exists(Node, lambda n: (s.role[n] == Role.FOLLOWER) & (t.log[n].length < s.log[n].length))


@sometimes
def a_deposed_leader_comes_back(s: KRaft) -> object:
    """A node that has led follows a newer leader."""
    return exists(
        Node,
        Epoch,
        lambda n, e: (s.ghost_leader[e] == n) & (s.epoch[n] > e) & (s.role[n] == Role.FOLLOWER),
    )


@sometimes
def two_leaders_of_different_epochs_at_once(s: KRaft) -> object:
    """An old leader does not know yet that there is a new one."""
    return exists(
        Node,
        Node,
        lambda a, b: (s.role[a] == Role.LEADER) & (s.role[b] == Role.LEADER) & (s.epoch[a] < s.epoch[b]),
    )


REACHABLE = (
    a_leader_is_elected,
    an_entry_commits,
    a_client_record_commits,
    a_log_is_truncated,
    a_deposed_leader_comes_back,
    two_leaders_of_different_epochs_at_once,
)
