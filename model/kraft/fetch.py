"""Pull replication: Fetch request and response, divergence and truncation.

KIP-595 "Fetch"; KafkaRaftClient.handleFetchRequest, handleFetchResponse; KafkaMetadataLog.validateOffsetAndEpoch,
endOffsetForEpoch; LeaderEpochFileCache.endOffsetFor.
"""

from typing import Any

from model.kraft.high_watermark import advance_high_watermark
from model.kraft.rules import flushed_after_append, truncation_target
from model.kraft.state import Entry, FetchRequest, FetchResponse, Index, KRaft, Outcome, Role
from model.kraft.transitions import is_running, learn, send_fetch
from model.language import Not, implies, ite, minimum, require, the, value_of


def end_of_epochs_up_to(log: Any, epoch: Any) -> Any:
    """The end offset of the entries whose epoch is at most `epoch` (epochs never decrease along a log)."""
    return the(
        Index,
        lambda x: (
            (x <= log.length)
            & implies(x >= 1, log[x].epoch <= epoch)
            & implies(x < log.length, log[x + 1].epoch > epoch)
        ),
    )


def awaits_fetch(s: KRaft, request: FetchRequest) -> Any:
    """The follower still awaits the answer to this request: it has not moved since it sent it."""
    follower = request.follower
    return (
        (s.role[follower] == Role.FOLLOWER)
        & (s.epoch[follower] == request.epoch)
        & (s.leader[follower] == request.leader)
        & (s.log[follower].length == request.end)
        & (s.last_epoch[follower] == request.last_epoch)
        & is_running(s, follower)
    )


def is_parked(s: KRaft, request: FetchRequest) -> Any:
    """The leader handled this Fetch when it had nothing to send, and has appended one record since (the fetch purgatory).

    That it was handled shows in the empty answer, which the follower would otherwise get when the time is up.
    """
    handled = s.fetch_responses.exists(
        lambda m: (m.follower == request.follower) & (m.outcome == Outcome.RECORDS) & Not(m.has_record)
    )
    return handled & (s.log[request.leader].length == request.end + 1) & awaits_fetch(s, request)


def handle_fetch_request(s: KRaft, request: FetchRequest) -> None:
    """A leader answers a follower with the next record, or with where their logs diverge; a valid fetch acknowledges.

    Enabled iff the request has arrived at a leader of its epoch, or at a node that knows a newer epoch and whose answer is
    awaited; while the power fails between append and flush, iff the request was parked. A request without new records is
    parked; it is answered when there are some or, when its time is up, with what was known at first (KAFKA-15100), so the answer may be
    empty. A Fetch never moves the receiver's epoch.
    """
    leader, follower = request.leader, request.follower
    leads = (s.role[leader] == Role.LEADER) & (s.epoch[leader] == request.epoch)
    require(leads | ((s.epoch[leader] > request.epoch) & awaits_fetch(s, request)))
    require(is_running(s, leader) | is_parked(s, request))

    log = s.log[leader]
    if Not(leads):
        _respond(s, request, outcome=Outcome.ERROR)
        return
    end = end_of_epochs_up_to(log, request.last_epoch)
    # The epoch cache also holds the leader's own epoch before there is a record of it.
    known = (request.last_epoch == s.last_epoch[leader]) | ((end >= 1) & (log[end].epoch == request.last_epoch))
    valid = (request.end == 0) | (known & (request.end <= end))
    if valid:
        s.replica_end[leader, follower] = request.end
        advance_high_watermark(s, leader)
        _respond(s, request, outcome=Outcome.RECORDS)
    else:
        # An epoch that is older than the whole log is answered with itself and the log's start.
        diverging_epoch = ite(end >= 1, log[end].epoch, request.last_epoch)
        _respond(s, request, outcome=Outcome.DIVERGING, diverging_epoch=diverging_epoch, diverging_end=end)


def _respond(s: KRaft, request: FetchRequest, outcome: Any, diverging_epoch: Any = 0, diverging_end: Any = 0) -> None:
    """Send the answer if it is still awaited."""
    leader = request.leader
    log = s.log[leader]
    records = outcome == Outcome.RECORDS
    has_record = records & (request.end < log.length)
    record = log[request.end + 1]
    response = FetchResponse(
        follower=request.follower,
        outcome=outcome,
        epoch=s.epoch[leader],
        leader=s.leader[leader],
        has_record=has_record,
        record_epoch=ite(has_record, record.epoch, 0),
        record_value=ite(has_record, record.value, 0),
        diverging_epoch=diverging_epoch,
        diverging_end=diverging_end,
        high_watermark=s.high_watermark[leader] if records else 0,
    )
    if awaits_fetch(s, request):
        s.fetch_responses.send(response)


def handle_fetch_response(s: KRaft, response: FetchResponse) -> None:
    """A follower appends and flushes what it fetched, or cuts its log where it diverges, and fetches on; or learns of a newer epoch.

    Enabled iff the response has arrived and is awaited. Its high watermark is the leader's, but at most the end of its own log.
    """
    follower = response.follower
    require(is_running(s, follower))
    log = s.log[follower]
    if response.outcome == Outcome.DIVERGING:
        target = _target(s, response)
        _consume(s, response)
        log.truncate(target)
        s.flushed[follower] = minimum(s.flushed[follower], target)
        # Only a bug can bring the target below the high watermark, which then must not name entries that are gone.
        s.high_watermark[follower] = minimum(s.high_watermark[follower], target)
        s.last_epoch[follower] = log.last.epoch
        send_fetch(s, follower, value_of(s.leader[follower]))
    elif response.outcome == Outcome.ERROR:
        _consume(s, response)
        learn(s, follower, response.epoch, response.leader)
    else:
        _consume(s, response)
        if response.has_record:
            log.append(Entry(epoch=response.record_epoch, value=response.record_value))
            s.flushed[follower] = flushed_after_append(log.length, s.flushed[follower])
            s.last_epoch[follower] = response.record_epoch
        if response.high_watermark > 0:
            s.high_watermark[follower] = minimum(log.length, response.high_watermark)
        send_fetch(s, follower, value_of(s.leader[follower]))


def _consume(s: KRaft, response: FetchResponse) -> None:
    """The next Fetch has a new correlation id: whatever else answers this one is ignored."""
    s.fetch_responses.forget(lambda m: m.follower == response.follower)


def _target(s: KRaft, response: FetchResponse) -> Any:
    """Where the follower would cut its log: truncateToEndOffset, with its own end offset for the diverging epoch."""
    log = s.log[response.follower]
    local_end = end_of_epochs_up_to(log, response.diverging_epoch)
    matches = (local_end >= 1) & (log[local_end].epoch == response.diverging_epoch)
    return truncation_target(
        log.length, matches, local_end, response.diverging_end, s.high_watermark[response.follower]
    )
