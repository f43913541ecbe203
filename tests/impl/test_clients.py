"""Closed-loop clients: what they retry, what they call unknown, and the history they leave."""

import pytest

from impl.kraft.messages import ClientRequest, ClientResponse, VoteRequest, VoteResponse
from impl.operations import Operation
from impl.world.choices import ClientOp, Deliver, Drop
from impl.world.history import EVENT_TYPES, history_to_jsonl
from tests.impl.hand import Hand, cluster

CREATE = Operation("create_topic", "k")
WRITE = Operation("set_config", "k", 5)
READ = Operation("read", "k")


def _led(clients: int = 1) -> Hand:
    """Node 1 leads, its LeaderChange record is committed."""
    hand = cluster(clients=clients)
    hand.elect(1, 2)
    hand.fire(1, "drain")
    hand.exchange(1, 2)
    return hand


def _types(hand: Hand) -> list[str]:
    return [event.type for event in hand.world.history]


def test_write_then_read() -> None:
    """A committed write is `ok` with its version; a read of the same topic finds value and version."""
    hand = _led()
    for operation in (CREATE, WRITE, READ):
        hand.world.apply(ClientOp(101, operation, 1))
        hand.exchange(1, 2)
        hand.fire(1, "drain")
        hand.exchange(1, 2)

    assert [(event.type, event.f, event.value) for event in hand.world.history] == [
        ("invoke", "create_topic", None),
        ("ok", "create_topic", {"version": 1}),
        ("invoke", "set_config", 5),
        ("ok", "set_config", {"version": 2}),
        ("invoke", "read", None),
        ("ok", "read", {"exists": True, "version": 2, "value": 5}),
    ]


def test_definite_error_is_a_failure() -> None:
    """An update with the wrong version had no effect: `fail`, with Kafka's error."""
    hand = _led()
    for operation in (CREATE, Operation("update", "k", 5, 3)):
        hand.world.apply(ClientOp(101, operation, 1))
        hand.exchange(1, 2)
        hand.fire(1, "drain")
        hand.exchange(1, 2)

    assert (hand.world.history[-1].type, hand.world.history[-1].error) == ("fail", "INVALID_UPDATE_VERSION")
    assert [event.value for event in hand.world.history[-2:]] == [{"expected": 3, "value": 5}, None]


def test_client_follows_the_hint_to_the_leader() -> None:
    """NOT_CONTROLLER is safe to retry: the operation was not taken; the next request goes to the leader that was named."""
    hand = _led()
    hand.world.apply(ClientOp(101, WRITE, 2))
    hand.deliver(101, 2, ClientRequest)
    hand.deliver(2, 101, ClientResponse)
    assert hand.world.armed(101) == ("retry",)

    hand.fire(101, "retry")

    assert hand.in_flight(src=101, dst=1, kind=ClientRequest) != []
    assert _types(hand) == ["invoke"]


def test_client_tries_every_node_while_nobody_leads() -> None:
    """Without a hint the client goes round, and gives up after so many attempts: that is a definite failure."""
    hand = cluster(clients=1)
    hand.world.apply(ClientOp(101, WRITE, 1))
    targets = []
    for _ in range(40):
        (request,) = hand.in_flight(src=101)
        targets.append(hand.world.sent[request].dst)
        hand.world.apply(Deliver(request))
        (response,) = hand.in_flight(dst=101)
        hand.world.apply(Deliver(response))
        if hand.world.armed(101):
            hand.fire(101, "retry")

    assert targets[:4] == [1, 2, 3, 1]
    assert (_types(hand), hand.world.history[-1].error) == (["invoke", "fail"], "NOT_CONTROLLER")
    assert hand.world.is_idle(101)


@pytest.mark.parametrize(("operation", "ending", "process"), [(WRITE, "info", 2), (READ, "fail", 0)])
def test_timeout_leaves_a_write_unknown(operation: Operation, ending: str, process: int) -> None:
    """A write without an answer may still commit: `info`, and a new process number; a read just fails."""
    hand = _led(clients=2)
    hand.world.apply(ClientOp(101, operation, 1))
    hand.world.apply(Drop(hand.message(101, 1, ClientRequest)))
    hand.fire(101, "timeout")
    hand.world.apply(ClientOp(101, READ, 1))

    assert [(event.type, event.process) for event in hand.world.history] == [
        ("invoke", 0),
        (ending, 0),
        ("invoke", process),
    ]
    assert hand.world.history[1].error == "TIMEOUT"


def test_lost_leadership_leaves_a_write_unknown() -> None:
    """NEW_LEADER_ELECTED: the record may be in some log and commit under the next leader."""
    hand = _led()
    hand.world.apply(ClientOp(101, WRITE, 1))
    hand.deliver(101, 1, ClientRequest)
    hand.fire(1, "drain")
    hand.fire(2, "fetch")
    hand.deliver(2, 1, VoteRequest)
    hand.deliver(1, 101, ClientResponse)

    assert (_types(hand), hand.world.history[-1].error) == (["invoke", "info"], "NEW_LEADER_ELECTED")
    # The vote of node 1 is refused: node 2 lacks the record.
    hand.deliver(1, 2, VoteResponse)
    assert hand.node(2).rejected == (1,)


def test_late_answer_is_ignored() -> None:
    """An answer after the timeout changes nothing: the operation is unknown already."""
    hand = _led()
    hand.world.apply(ClientOp(101, WRITE, 1))
    hand.deliver(101, 1, ClientRequest)
    hand.fire(1, "drain")
    hand.fire(101, "timeout")
    hand.exchange(1, 2)

    assert _types(hand) == ["invoke", "info"]
    assert hand.node(1).high_watermark == 2


def test_history_as_json_lines() -> None:
    """One object per line, fields in a fixed order."""
    hand = _led()
    hand.world.apply(ClientOp(101, WRITE, 1))
    hand.fire(101, "timeout")

    assert history_to_jsonl(hand.world.history) == (
        '{"index":0,"time":1500000,"process":0,"type":"invoke","f":"set_config","key":"k","value":5,"error":null}\n'
        '{"index":1,"time":4500000,"process":0,"type":"info","f":"set_config","key":"k","value":null,'
        '"error":"TIMEOUT"}\n'
    )
    assert set(_types(hand)) <= set(EVENT_TYPES)
