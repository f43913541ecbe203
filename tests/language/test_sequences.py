"""`sequence(length, element)`: slices, concatenations and images of sequences, in every reading."""

from typing import Any

import pytest

from model.engines.compiled.explore import explore_compiled
from model.engines.explore import explore
from model.engines.export.tla import export_tla
from model.language import Fn, Node, Seq, SpecError, State, always, forall, implies, ite, make_spec, require, sequence
from model.language.ground_spec import ground
from model.language.plain import Stepper
from model.language.trace import trace
from tests.language.small_sorts import Entry, Epoch, Index


class Splices(State):
    """Logs that are cut from the front, joined and copied entry by entry."""

    log = Fn(Node, Seq[Entry, Index])
    outbox = Fn(Node, Node, Seq[Entry, Index])


def splices_init(s: Splices) -> None:
    """All logs are empty."""


def splices_append(s: Splices, n: Node, e: Epoch) -> None:
    """A node appends an entry of its own."""
    require(e >= 1)

    s.log[n].append(Entry(epoch=e, by=n))


def splices_drop(s: Splices, n: Node, k: Index) -> None:
    """A node drops the first entries of its log."""
    require(k >= 1)
    require(k <= s.log[n].length)

    log = s.log[n]
    s.log[n] = sequence(log.length - k, lambda i: log[i + k])


def splices_join(s: Splices, n: Node, m: Node) -> None:
    """A node appends another's log to its own; its own doubles."""
    require(s.log[m].length >= 1)

    end, log, other = s.log[n].length, s.log[n], s.log[m]
    s.log[n] = sequence(end + other.length, lambda i: ite(i <= end, log[i], other[i - end]))


def splices_send(s: Splices, n: Node) -> None:
    """A node sends its last entry to everybody else, under its own name: a row of sequences, each of its own length."""
    require(s.log[n].length >= 1)

    def sent(m: Any) -> Any:
        box = s.outbox[n, m]
        entry = Entry(epoch=s.log[n].last.epoch, by=n)
        return sequence(ite(m == n, box.length, box.length + 1), lambda i: ite(i <= box.length, box[i], entry))

    s.outbox[n, :] = sent
    s.log[n] = ()


@always
def splices_outboxes_are_signed(s: Splices) -> object:
    """What is in an outbox has its owner's name."""
    return forall(
        Node,
        Node,
        Index,
        lambda n, m, i: implies((i >= 1) & (i <= s.outbox[n, m].length), s.outbox[n, m][i].by == n),
    )


@always
def splices_logs_stay_short(s: Splices) -> object:
    """No log has two entries: false, so that traces are compared too."""
    return forall(Node, lambda n: s.log[n].length <= 1)


SPLICES = make_spec(
    "splices",
    title="Sequences by their elements",
    state=Splices,
    init=splices_init,
    actions=(splices_append, splices_drop, splices_join, splices_send),
    properties=(splices_outboxes_are_signed, splices_logs_stay_short),
    bounds={"nodes": 2, "epochs": 1, "log": 2},
)
SIGNED = (splices_outboxes_are_signed,)


def no_time() -> float:
    """A clock that stands still."""
    return 0.0


def test_slices_and_concatenations_on_plain_values() -> None:
    """The elements are those at 1 .. length, read before the first is written."""
    run = Stepper(SPLICES, {"nodes": 2, "epochs": 2, "log": 3})
    state = run.initial()
    for action, args in (
        ("splices_append", (0, 1)),
        ("splices_append", (1, 2)),
        ("splices_join", (0, 1)),
        ("splices_join", (1, 1)),
        ("splices_drop", (0, 1)),
    ):
        state = run.apply(state, action, args)
    s = run.thaw(state)
    assert s.log[0].items == (Entry(epoch=2, by=1),)
    assert s.log[1].items == (Entry(epoch=2, by=1), Entry(epoch=2, by=1))


def test_all_readings_have_the_same_states() -> None:
    """Plain values, the ground form and the compiled explorer find the same states by the same steps, and the same violation."""
    bounds = SPLICES.complete_bounds({})
    plain = explore(Stepper(SPLICES, bounds), SIGNED, clock=no_time)
    derived = explore(ground(trace(SPLICES), bounds), SIGNED, clock=no_time)
    compiled = explore_compiled(SPLICES, bounds, SIGNED, clock=no_time)
    assert plain.distinct > 100
    assert [(v.distinct, v.generated, v.levels, v.cut, v.verdict) for v in (derived, compiled)] == [
        (plain.distinct, plain.generated, plain.levels, plain.cut, plain.verdict)
    ] * 2
    both = [
        explore(Stepper(SPLICES, bounds), SPLICES.properties, clock=no_time),
        explore_compiled(SPLICES, bounds, clock=no_time),
    ]
    assert [len(v.violation.trace.steps) for v in both if v.violation and v.violation.trace] == [2, 2]


def test_tla_prints_a_function_of_positions() -> None:
    """A sequence by its elements is a function of 1 .. length, which is a sequence in TLA+."""
    text = " ".join(export_tla(SPLICES, {}).text.split())
    assert "[position \\in 1..(Len(log[n]) - k) |-> " in text
    assert "[epoch |-> EntryAt(log[n], position + k).epoch, " in text


def test_a_sequence_of_something_else_is_refused() -> None:
    """The elements must be records of the sequence's class."""

    def wrong(s: Splices, n: Node) -> None:
        """A node writes numbers into its log."""
        s.log[n] = sequence(1, lambda i: i)

    spec = make_spec("wrong", title="", state=Splices, init=splices_init, actions=(wrong,), bounds=SPLICES.bounds)
    with pytest.raises(SpecError, match=r"an element of s\.log"):
        trace(spec)


def test_a_negative_length_is_refused() -> None:
    """A length is 0 or more."""

    def negative(s: Splices, n: Node) -> None:
        """A node cuts more than there is."""
        s.log[n] = sequence(s.log[n].length - 1, lambda i: s.log[n][i])

    spec = make_spec("wrong", title="", state=Splices, init=splices_init, actions=(negative,), bounds=SPLICES.bounds)
    run = Stepper(spec, spec.complete_bounds({}))
    with pytest.raises(SpecError, match=r"sequence\(-1"):
        run.apply(run.initial(), "negative", (0,))
