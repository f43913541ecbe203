"""The plain reading: what each word and each kind of function means on plain values."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from model.language import (
    NONE,
    Bool,
    BoundsError,
    Disabled,
    Node,
    Option,
    Quorum,
    Seq,
    SpecError,
    always,
    forall,
    ite,
    quorum,
    require,
    rule,
    step,
)
from model.language.plain import CutStep, Stepper, format_value
from model.language.reading import current
from tests.language.plain_case import FIRST, SECOND, Servers, after, evaluated, spec_of, stepper_of, two_entries
from tests.language.small_sorts import Entry, Epoch, Index, Role

# ------------------------------------------------------------------------------------------------ functions


def test_a_row_may_mention_itself() -> None:
    """A row is evaluated as a whole before the first cell is written."""

    def shift(s: Servers) -> None:
        """Every node takes the epoch of the node before it."""
        s.epoch[0] = 3
        s.epoch[:] = lambda n: ite(n == 0, s.epoch[2], s.epoch[n - 1])

    assert list(after(Servers, shift).epoch.values()) == [0, 3, 0]


def test_rows_of_functions_of_two_arguments() -> None:
    """A row, a column and the whole of a function of two arguments; the body takes the arguments that are free."""

    def write(s: Servers) -> None:
        """One row, then one column, then a table."""
        s.grants[0, :] = True
        s.grants[:, 2] = lambda a: a == 1
        s.match[:, :] = lambda a, b: ite(a == b, 2, 1)

    s = after(Servers, write)
    assert [n for n, granted in s.grants.items() if granted] == [(0, 0), (0, 1), (1, 2)]
    assert [s.match[a, b] for a in range(3) for b in range(3)] == [2, 1, 1, 1, 2, 1, 1, 1, 2]


def test_reads_beyond_the_bounds_have_the_default_value() -> None:
    """Functions and sequences are total: beyond the bounds and beyond the end there is the default."""

    def read(s: Any) -> list[Any]:
        return [s.epoch[7], s.leader[7], s.log[7].length, s.log[0][0], s.log[0][3], s.log[2].last, s.last[9]]

    empty = Entry(epoch=0, by=NONE)
    assert evaluated(Servers, read, init=two_entries) == [0, NONE, 0, empty, empty, empty, empty]


def test_a_write_beyond_the_bounds_cuts_the_step() -> None:
    """A place that the bounds leave out cannot be written: the step is not taken, and it is counted."""

    def write(s: Servers, e: Epoch) -> None:
        """A place up to three beyond the last node."""
        s.epoch[e + 1] = 1

    stepper = stepper_of(Servers, write)
    assert [args for _, args, _ in stepper.successors(stepper.initial())] == [(0,), (1,)]
    assert stepper.cut == [2]


@pytest.mark.parametrize(
    "access",
    [
        lambda s: s.grants[0],
        lambda s: s.log[0, 1].length,
        lambda s: s.grants.__setitem__(0, True),
        lambda s: s.grants.__setitem__(slice(None), True),
        lambda s: s.epoch.__setitem__((0, slice(None)), 1),
    ],
)
def test_a_missing_argument_is_an_error_of_the_spec(access: Callable[[Any], Any]) -> None:
    """A wrong number of arguments is neither a default value nor a cut step."""
    with pytest.raises(SpecError, match=r"test_plain_reading.py:\d+: s.\w+ takes [12] arguments, not [12]; give one"):
        evaluated(Servers, access)


def test_a_step_above_a_bound_is_cut() -> None:
    """An ordinal above its bound, in a cell, a record, an Option, a sequence or a single value, cuts the step."""

    def cell(s: Servers) -> None:
        """A cell."""
        s.epoch[0] = 4

    def single(s: Servers) -> None:
        """A single value."""
        s.total = s.total + 4

    def in_record(s: Servers) -> None:
        """A field of a record."""
        s.last[1] = Entry(epoch=4, by=NONE)

    def in_option(s: Servers) -> None:
        """The element of an Option."""
        s.chosen = 4

    def in_sequence(s: Servers) -> None:
        """An element of a sequence."""
        s.log[0].append(Entry(epoch=4, by=NONE))

    def too_long(s: Servers) -> None:
        """A sequence itself."""
        for _ in range(4):
            s.log[0].append(FIRST)

    def inside(s: Servers) -> None:
        """Everything at its bound."""
        s.epoch[0], s.total, s.chosen, s.last[1] = 3, 3, 3, Entry(epoch=3, by=NONE)
        s.log[0] = (FIRST, FIRST, Entry(epoch=3, by=NONE))

    actions = (cell, single, in_record, in_option, in_sequence, too_long, inside)
    stepper = stepper_of(Servers, *actions)
    assert [place for place, _, _ in stepper.successors(stepper.initial())] == [6]
    assert stepper.cut == [1, 1, 1, 1, 1, 1, 0]
    with pytest.raises(CutStep):
        stepper.apply(stepper.initial(), "cell", ())


def test_a_step_below_zero_is_an_error_of_the_spec() -> None:
    """A subtraction that nothing guards is a mistake, named with the action's line, and not a bound."""

    def decrement(s: Servers, n: Node) -> None:
        """An epoch is lowered."""
        s.epoch[n] = s.epoch[n] - 1

    where = re.escape(f"{__file__}:{decrement.__code__.co_firstlineno}")
    with pytest.raises(SpecError, match=f"^{where}: a step makes a value of Epoch -1; guard the subtraction$"):
        after(Servers, decrement, 0)


def test_an_initial_state_beyond_the_bounds_is_refused() -> None:
    """Bounds that are too small for the initial state name the variable that does not fit."""
    with pytest.raises(BoundsError, match=r"^the initial log of case is beyond the bounds$"):
        stepper_of(Servers, two_entries_again, init=two_entries, bounds={"log": 1}).initial()
    with pytest.raises(BoundsError, match="is beyond the bounds"):
        stepper_of(Servers, two_entries_again, init=two_entries, bounds={"nodes": 1}).initial()


def two_entries_again(s: Servers) -> None:
    """The initial logs."""
    two_entries(s)


def test_a_state_function_is_never_assigned_as_a_whole() -> None:
    """Assigning to a variable that takes arguments, or to none at all, is refused at the line."""

    def whole(s: Any) -> None:
        s.epoch = 1

    def misspelt(s: Any) -> None:
        s.epochs[0] = 1

    with pytest.raises(SpecError, match=r"assignment to s.epoch as a whole; assign s.epoch\[...\] for one argument"):
        evaluated(Servers, whole)
    with pytest.raises(SpecError, match=r"test_plain_reading.py:\d+: no state variable 'epochs'; .* there are epoch,"):
        evaluated(Servers, misspelt)


# ------------------------------------------------------------------------------------------------ sequences


def test_a_sequence_reference_is_live_and_an_element_a_snapshot() -> None:
    """`log = s.log[n]` sees what is written later; `log[1]` and a copied sequence do not."""

    def write(s: Servers) -> None:
        """A log is read, changed, copied and changed again."""
        log = s.log[0]
        first, before = log[1], log.length
        log.truncate(0)
        log.append(SECOND)
        s.log[2] = log
        log.append(FIRST)
        s.last[0], s.last[1], s.last[2] = first, log[1], log.last
        s.match[0, 0], s.match[0, 1] = before, log.length

    s = after(Servers, write, init=two_entries)
    assert [s.last[n] for n in range(3)] == [FIRST, SECOND, FIRST]
    assert (s.match[0, 0], s.match[0, 1]) == (2, 2)
    assert s.log[0].items == (SECOND, FIRST)
    assert s.log[2].items == (SECOND,)


@pytest.mark.parametrize(
    ("change", "items"),
    [
        (lambda log: log.truncate(0), ()),
        (lambda log: log.truncate(1), (FIRST,)),
        (lambda log: log.truncate(5), (FIRST, SECOND)),
        (lambda log: log.pop_first(), (SECOND,)),
        (lambda log: log.append(FIRST), (FIRST, SECOND, FIRST)),
    ],
)
def test_sequences_are_changed_at_their_ends(change: Callable[[Any], None], items: tuple[Any, ...]) -> None:
    """Append and truncate at the end, pop at the front; truncating to more than there is changes nothing."""

    def write(s: Servers) -> None:
        """The change."""
        change(s.log[0])

    assert after(Servers, write, init=two_entries).log[0].items == items


def test_an_empty_sequence_stays_empty_and_a_length_is_not_negative() -> None:
    """Popping nothing is nothing; truncating to less than nothing is an error of the spec."""

    def pop(s: Servers) -> None:
        """The head of an empty channel."""
        s.log[2].pop_first()

    assert after(Servers, pop, init=two_entries).log[2].items == ()
    with pytest.raises(SpecError, match=r"truncate\(-1\); a length is 0 or more"):
        evaluated(Servers, lambda s: s.log[2].truncate(-1))
    with pytest.raises(SpecError, match="hash of a sequence reference; compare sequences"):
        evaluated(Servers, lambda s: {s.log[2]})


# ------------------------------------------------------------------------------------------------ steps


def test_a_disabled_action_leaves_the_state_untouched() -> None:
    """What an action wrote before a guard was false is undone, for functions, sequences and single values."""

    def write_then_require(s: Servers, n: Node) -> None:
        """Writes everywhere, then only node 2 may go on."""
        s.total = 1
        s.epoch[:] = 2
        s.log[0].append(FIRST)
        s.electors = quorum(lambda m: True)
        require(n == 2)

    def look(s: Servers) -> None:
        """The state as the next action finds it."""
        s.match[0, 0] = s.total + s.epoch[1] + s.log[0].length

    stepper = stepper_of(Servers, write_then_require, look)
    initial = stepper.initial()
    found = [(place, args, stepper.thaw(new)) for place, args, new in stepper.successors(initial)]
    assert [(place, args) for place, args, _ in found] == [(0, (2,)), (1, ())]
    assert found[0][2].total == 1
    assert found[1][2].match[0, 0] == 0
    with pytest.raises(Disabled):
        stepper.apply(initial, "write_then_require", (0,))
    assert stepper.apply(initial, "look", ()) == stepper.freeze(found[1][2])


def test_a_step_that_changes_nothing_is_a_step() -> None:
    """Stutter steps are counted as generated, and lead to the state itself."""

    def wait(s: Servers, n: Node) -> None:
        """Nothing happens."""
        s.epoch[n] = 0

    stepper = stepper_of(Servers, wait)
    initial = stepper.initial()
    assert [new for _, _, new in stepper.successors(initial)] == [initial] * 3


def test_parameters_range_over_their_sorts_in_order() -> None:
    """Actions in the order of the spec, arguments in domain order, the last one fastest."""

    def both(s: Servers, n: Node, whom: Option[Node]) -> None:
        """Anything."""

    def roles(s: Servers, r: Role) -> None:
        """Anything."""

    stepper = stepper_of(Servers, both, roles, bounds={"nodes": 2})
    steps = [(place, args) for place, args, _ in stepper.successors(stepper.initial())]
    pairs = [(0, (n, whom)) for n in (0, 1) for whom in (None, 0, 1)]
    assert steps == [*pairs, *((1, (r,)) for r in (Role.FOLLOWER, Role.CANDIDATE, Role.LEADER))]


def test_a_replaced_rule_does_not_leak_into_another_reading() -> None:
    """Two steppers of one spec, one with a rule replaced, taken in turns: each follows its own rule, also in nested use."""

    @rule
    def next_epoch(e: Any) -> Any:
        """The epoch after this one."""
        return e + 1

    def advance(s: Servers) -> None:
        """The first node moves on."""
        s.epoch[0] = next_epoch(s.epoch[0])

    spec = spec_of(Servers, advance, rules=(next_epoch,))
    bounds = spec.complete_bounds({})
    right, wrong = Stepper(spec, bounds), Stepper(spec.replace("next_epoch", lambda e: e + 2), bounds)
    found = []
    for (_, _, one), (_, _, two) in zip(
        right.successors(right.initial()), wrong.successors(wrong.initial()), strict=True
    ):
        again = right.apply(right.initial(), "advance", ())
        found.append((right.thaw(one).epoch[0], wrong.thaw(two).epoch[0], right.thaw(again).epoch[0]))
    assert found == [(1, 2, 1)]
    assert next_epoch(0) == 1
    with pytest.raises(SpecError, match="outside of any engine"):
        current().forall((Node,), bool)


def test_an_unknown_action_is_refused() -> None:
    """`apply` takes actions of the spec only."""
    stepper = stepper_of(Servers, two_entries_again)
    with pytest.raises(LookupError, match="spec case has no action 'elect'"):
        stepper.apply(stepper.initial(), "elect", ())


# ------------------------------------------------------------------------------------------------ properties


@always
def epochs_are_reset(s: Servers) -> object:
    """A claim that writes."""
    s.epoch[0] = 0
    return True


@step
def logs_are_cut(s: Servers, t: Servers) -> object:
    """A claim on two states that writes to the second."""
    t.log[0].truncate(0)
    return True


def test_a_property_that_writes_is_an_error_of_the_spec() -> None:
    """A predicate only reads, in a state that is looked at and in one that an action has just made."""
    stepper = stepper_of(Servers, two_entries_again, init=two_entries)
    view = stepper.view(stepper.initial())
    with pytest.raises(SpecError, match=r"test_plain_reading.py:\d+: property epochs_are_reset writes to the state; a"):
        stepper.holds_in(epochs_are_reset, view)
    for _, _, _, after_step in stepper.steps(stepper.initial()):
        with pytest.raises(SpecError, match="property logs_are_cut writes to the state"):
            stepper.holds_across(logs_are_cut, stepper.thaw(stepper.initial()), after_step)
        with pytest.raises(SpecError, match="property epochs_are_reset writes"):
            stepper.holds_in(epochs_are_reset, after_step)


def test_a_step_property_compares_two_states() -> None:
    """`holds` takes one frozen state or two, and freezing what was thawed gives the same state."""

    @step
    def epochs_grow(s: Servers, t: Servers) -> object:
        """Epochs never decrease."""
        return forall(Node, lambda n: s.epoch[n] <= t.epoch[n])

    def advance(s: Servers) -> None:
        """The first node moves on."""
        s.epoch[0] = 1

    stepper = stepper_of(Servers, advance)
    low = stepper.initial()
    high = stepper.apply(low, "advance", ())
    assert stepper.freeze(stepper.thaw(high)) == high != low
    assert stepper.holds(epochs_grow, low, high)
    assert not stepper.holds(epochs_grow, high, low)


@pytest.mark.parametrize(
    ("value", "sort", "text"),
    [
        (0, Node, "n1"),
        (None, Option[Node], "-"),
        (2, Option[Node], "n3"),
        (2, Epoch, "2"),
        (True, Bool, "true"),
        ((0, 2), Quorum, "{n1,n3}"),
        (Role.LEADER, Role, "LEADER"),
        (FIRST, Entry, "Entry(epoch=1 by=n1)"),
        ((FIRST, Entry(epoch=0, by=NONE)), Seq[Entry, Index], "[Entry(epoch=1 by=n1) Entry(epoch=0 by=-)]"),
    ],
)
def test_values_are_shown_in_domain_words(value: object, sort: object, text: str) -> None:
    """Nodes are numbered from 1, NONE is a dash, records name their fields."""
    assert format_value(value, sort) == text


def test_steps_of_several_states_may_be_taken_in_turns() -> None:
    """Taking steps of one state while those of another are listed changes neither."""

    def advance(s: Servers, n: Node) -> None:
        """A node moves on."""
        s.epoch[n] = s.epoch[n] + 1

    stepper = stepper_of(Servers, advance)
    low = stepper.initial()
    high = stepper.apply(stepper.apply(low, "advance", (0,)), "advance", (1,))
    alone = {state: list(stepper.successors(state)) for state in (low, high)}
    assert [list(stepper.thaw(new).epoch.values()) for _, _, new in alone[low]] == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    together = []
    for found in stepper.successors(low):
        assert next(stepper.successors(high)) == alone[high][0]
        assert stepper.apply(high, "advance", (2,)) == alone[high][2][2]
        together.append(found)
    assert together == alone[low]
