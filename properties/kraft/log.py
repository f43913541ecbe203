"""Logs: what two nodes may disagree on, and what may be cut."""

from model.kraft.state import Index, KRaft
from model.language import Node, always, forall, implies, step


@always
def log_matching(s: KRaft) -> object:
    """Entries at the same index with the same epoch are equal, and so are those before them. Raft figure 3, Log Matching.

    Stated for one position and its predecessor; the whole prefix follows by induction on the index.
    """

    def at(a: Node, b: Node, i: Index) -> object:
        both = (i >= 1) & (i <= s.log[a].length) & (i <= s.log[b].length) & (s.log[a][i].epoch == s.log[b][i].epoch)
        before = implies(i >= 2, s.log[a][i - 1] == s.log[b][i - 1])
        return implies(both, (s.log[a][i].value == s.log[b][i].value) & before)

    return forall(Node, Node, Index, at)


@always
def the_flushed_part_is_in_the_log(s: KRaft) -> object:
    """What a node has on disk is a prefix of its log, and the high watermark never points past the log's end."""
    return forall(Node, lambda n: (s.flushed[n] <= s.log[n].length) & (s.high_watermark[n] <= s.log[n].length))


@step
def no_truncation_below_the_high_watermark(s: KRaft, t: KRaft) -> object:
    """A node never loses what it knows to be committed, be it by truncation or in a crash. KafkaMetadataLog.truncateTo."""
    return forall(Node, lambda n: t.log[n].length >= s.high_watermark[n])


LOG = (log_matching, the_flushed_part_is_in_the_log, no_truncation_below_the_high_watermark)
