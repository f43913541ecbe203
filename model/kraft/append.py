"""The leader's log: the LeaderChange record, clients' records, and the flush. KafkaRaftClient.pollLeader, appendBatch.

One poll of a leader drains the accumulator: append, update its own end offset, complete parked fetches, flush. Messages are
handled only between polls, so append and flush are one step here; but a crash can come after parked fetches were answered and
before the flush. Then others hold what the leader has lost, which is why it must not lead that epoch again (KAFKA-10527).
`append_without_flush` is that case: the power is failing, the leader still answers fetches, and all it can do then is restart.
"""

from typing import Any

from model.kraft.high_watermark import advance_high_watermark
from model.kraft.rules import flushed_after_append
from model.kraft.state import Entry, KRaft, Role, Value
from model.kraft.transitions import is_running
from model.language import Node, require


def append_leader_change(s: KRaft, leader: Node) -> None:
    """A new leader appends its LeaderChange record, before anything else of its epoch."""
    require(is_running(s, leader))
    require(s.role[leader] == Role.LEADER)
    require(s.log[leader].length == s.epoch_start[leader])

    _append(s, leader, 0)
    s.flushed[leader] = flushed_after_append(s.log[leader].length, s.flushed[leader])
    advance_high_watermark(s, leader)


def append_record(s: KRaft, leader: Node, value: Value) -> None:
    """A leader appends a client's record, after its LeaderChange record."""
    require(is_running(s, leader))
    require(s.role[leader] == Role.LEADER)
    require(value >= 1)
    require(s.log[leader].length > s.epoch_start[leader])

    _append(s, leader, value)
    s.flushed[leader] = flushed_after_append(s.log[leader].length, s.flushed[leader])
    advance_high_watermark(s, leader)


def append_without_flush(s: KRaft, leader: Node, value: Value) -> None:
    """A leader appends a record and its power fails before the flush; it may still answer fetches.

    Counted as the crash that it is.
    """
    require(is_running(s, leader))
    require(s.role[leader] == Role.LEADER)
    require((value == 0) == (s.log[leader].length == s.epoch_start[leader]))

    s.aux_restarts = s.aux_restarts + 1
    s.interrupted[leader] = True
    _append(s, leader, value)


def _append(s: KRaft, leader: Any, value: Any) -> None:
    s.log[leader].append(Entry(epoch=s.epoch[leader], value=value))
    s.last_epoch[leader] = s.epoch[leader]
