"""From a step of the implementation to the steps of the spec that it is likely to be.

Conformance would find them by trying every enabled action; these hints make that the exception. A hint is a path: a short sequence of
(action, arguments). Hints are tried in order; the first whose end agrees with the world is taken.

| the world did                      | the spec's steps                                                                   |
|------------------------------------|------------------------------------------------------------------------------------|
| receive a Vote, Begin, Fetch request | the handler of that request                                                       |
| receive an awaited response        | the handler of that response                                                       |
| election, backoff or fetch timeout | start_election                                                                     |
| drain                              | an append per record, then the parked fetches that it answered                     |
| crash                              | restart (time that a node is down is time in which it does nothing)                |
| crash in the middle of a step      | nothing or the step, then restart; a drain: also append_without_flush, parked fetches, restart |
| crash between the writes of a vote | crash_before_voting                                                               |
| fatal error                        | the step or nothing, then restart with the whole log                               |
| everything else                    | nothing: a stutter                                                                 |
"""

from collections.abc import Iterator
from typing import Any

from impl.effects import AppendEntries, Receive, Send, TimerFired
from impl.kraft import messages as wire
from impl.world.choices import Crash, CrashDuring
from impl.world.record import StepRecord
from impl.world.world import World
from model.kraft.state import (
    BeginQuorumRequest,
    BeginQuorumResponse,
    FetchRequest,
    FetchResponse,
    Outcome,
    VoteRequest,
    VoteResponse,
)
from traces.abstraction import Values, value_of_payload
from traces.steps import Path, Step


def abstract_message(message: object, values: Values) -> Any:
    """The spec's record for a message between voters; None for one that the spec does not have (a client's)."""
    match message:
        case wire.VoteRequest(src=src, epoch=epoch, end=end):
            return VoteRequest(candidate=src - 1, epoch=epoch, end=end.offset, last_epoch=end.epoch)
        case wire.BeginQuorumEpochRequest(src=src, epoch=epoch):
            return BeginQuorumRequest(leader=src - 1, epoch=epoch)
        case wire.FetchRequest(src=src, dst=dst, epoch=epoch, end=end):
            return FetchRequest(follower=src - 1, leader=dst - 1, epoch=epoch, end=end.offset, last_epoch=end.epoch)
        case wire.VoteResponse(src=src, dst=dst, epoch=epoch, leader_id=leader, granted=granted):
            return VoteResponse(candidate=dst - 1, voter=src - 1, epoch=epoch, leader=_node(leader), granted=granted)
        case wire.BeginQuorumEpochResponse(src=src, dst=dst, epoch=epoch, leader_id=leader):
            return BeginQuorumResponse(leader=dst - 1, voter=src - 1, epoch=epoch, known_leader=_node(leader))
        case wire.FetchResponse():
            return _abstract_fetch_response(message, values)
        case _:
            return None


def _node(node_id: int | None) -> int | None:
    return None if node_id is None else node_id - 1


def _abstract_fetch_response(message: wire.FetchResponse, values: Values) -> Any:
    outcome = Outcome.RECORDS
    if message.error is not wire.Error.NONE:
        outcome = Outcome.ERROR
    elif message.diverging is not None:
        outcome = Outcome.DIVERGING
    record = message.records[0] if message.records else None
    return FetchResponse(
        follower=message.dst - 1,
        outcome=outcome,
        epoch=message.epoch,
        leader=_node(message.leader_id),
        has_record=record is not None,
        record_epoch=record.epoch if record else 0,
        record_value=value_of_payload(record.payload, values) if record else 0,
        diverging_epoch=message.diverging.epoch if message.diverging else 0,
        diverging_end=message.diverging.offset if message.diverging else 0,
        high_watermark=(message.high_watermark or 0) if outcome == Outcome.RECORDS else 0,
    )


def received(message: object, values: Values) -> Path:
    """The spec's step for the arrival of a message; no step for one that it does not have."""
    record = abstract_message(message, values)
    match message:
        case wire.VoteRequest(dst=dst):
            return (("handle_vote_request", (dst - 1, record)),)
        case wire.BeginQuorumEpochRequest(dst=dst):
            return (("handle_begin_quorum_request", (dst - 1, record)),)
        case wire.FetchRequest():
            return (("handle_fetch_request", (record,)),)
        case wire.VoteResponse():
            return (("handle_vote_response", (record,)),)
        case wire.BeginQuorumEpochResponse():
            return (("handle_begin_quorum_response", (record,)),)
        case wire.FetchResponse():
            return (("handle_fetch_response", (record,)),)
        case _:
            return ()


def _parked(world: World, record: StepRecord, values: Values) -> Path:
    """The fetches that a drain answered: the requests behind the Fetch responses it sent."""
    path = []
    for effect in record.effects:
        if isinstance(effect, Send) and isinstance(effect.message, wire.FetchResponse):
            answer = effect.message
            for sent in reversed(world.sent):
                if (
                    isinstance(sent, wire.FetchRequest)
                    and sent.src == answer.dst
                    and sent.correlation_id == answer.correlation_id
                ):
                    path.append(("handle_fetch_request", (abstract_message(sent, values),)))
                    break
    return tuple(path)


def _drained(record: StepRecord, values: Values) -> list[int]:
    """The values that a step appended to the log of a leader."""
    return [
        value_of_payload(entry.payload, values)
        for effect in record.effects
        if isinstance(effect, AppendEntries)
        for entry in effect.entries
    ]


def _append(node: int, value: int) -> Step:
    return ("append_record", (node, value)) if value else ("append_leader_change", (node,))


def event_path(world: World, record: StepRecord, values: Values) -> Path:
    """The spec's steps for what a node did in a step, a crash aside."""
    node = record.node - 1
    match record.event:
        case Receive(message=message):
            return received(message, values)
        case TimerFired(timer="drain"):
            appends = tuple(_append(node, value) for value in _drained(record, values))
            return appends + _parked(world, record, values)
        case TimerFired(timer="election" | "backoff" | "fetch"):
            return (("start_election", (node,)),)
        case _:
            return ()


def hints(world: World, record: StepRecord, values: Values) -> Iterator[Path]:
    """The paths to try for a step, most likely first; the empty path is a stutter."""
    node = record.node - 1
    acted = event_path(world, record, values)
    choice = record.choice
    if isinstance(choice, Crash):
        yield (("restart", (node, choice.kept)),)
    elif isinstance(choice, CrashDuring) or record.incident is not None:
        kept = choice.kept if isinstance(choice, CrashDuring) else len(world.disk(record.node).entries)
        paths = list(_interrupted(world, record, acted, kept, values))
        if any(isinstance(effect, Send) for effect in record.effects):
            # What was sent before the power failed is out: the path that does most goes first, although a restart alone may leave the
            # nodes the same.
            paths.sort(key=len, reverse=True)
        yield from paths
    else:
        if not record.effects:
            yield ()  # a response that was not awaited is ignored, even one that would have changed nothing
        if acted:
            yield acted
        for short in range(len(acted) - 1, 0, -1):
            yield acted[:short]
        yield ()


def _interrupted(world: World, record: StepRecord, acted: Path, kept: int, values: Values) -> Iterator[Path]:
    """The paths for a step in whose middle the node went down, those that do least first."""
    node = record.node - 1
    restart = (("restart", (node, kept)),)
    yield restart
    if acted:
        yield acted + restart
    if isinstance(record.event, Receive) and isinstance(record.event.message, wire.VoteRequest):
        yield (("crash_before_voting", (node, abstract_message(record.event.message, values), kept)),)
    appended = _drained(record, values)
    answered = _parked(world, record, values)
    for lost in range(len(appended)):
        # The drain up to here is as good as done; this record is the one that may be lost.
        before = tuple(_append(node, value) for value in appended[:lost])
        yield (*before, ("append_without_flush", (node, appended[lost])), *answered, *restart)
        yield (*before, ("append_without_flush", (node, appended[lost])), *restart)
    for done in range(1, len(appended)):
        yield (*(_append(node, value) for value in appended[:done]), *answered, *restart)
