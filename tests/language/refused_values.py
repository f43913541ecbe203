"""What may not be said about values: sorts, options, quantified variables."""

from typing import Any

from model.language import (
    NONE,
    Node,
    count,
    exists,
    forall,
    implies,
    require,
    the,
    value_of,
)
from tests.language.refused_case import CASES, S, refused
from tests.language.small_sorts import Color, Epoch, Index, Role, Vote

# ---- sorts


@refused("is a Epoch, but match", "give a Epoch")
def epoch_compared_with_index(s: S, n: Node) -> None:
    """An epoch is not an index."""
    require(s.epoch[n] <= s.match[n, n])  # refused


@refused("argument 1 of s.ghost_leader is a Epoch, but match", "give a Epoch")
def index_as_epoch_argument(s: S, n: Node) -> None:
    """Arguments have sorts."""
    require(s.ghost_leader[s.match[n, n]] == NONE)  # refused


@refused("the value of s.epoch is a Epoch, but match", "give a Epoch")
def index_assigned_to_epoch(s: S, n: Node) -> None:
    """Results have sorts."""
    s.epoch[n] = s.match[n, n]  # refused


@refused("added is a Epoch, but match", "give a Epoch")
def epoch_plus_index(s: S, n: Node) -> None:
    """Sums are within a sort."""
    s.epoch[n] = s.epoch[n] + s.match[n, n]  # refused


@refused("compared with == is a Node, but int 0 was given", "Node has no literals")
def node_compared_with_number(s: S, n: Node) -> None:
    """A node is not a number."""
    require(n == 0)  # refused


@refused("argument 1 of s.role is a Node, but int 0 was given", "take a parameter or quantify")
def node_literal(s: S) -> None:
    """Nodes have no names."""
    for m in range(3):
        s.role[m] = Role.LEADER  # refused


@refused("two values of sort Node compared with <", "only ordinals")
def nodes_in_order(s: S, n: Node, m: Node) -> None:
    """Nodes have no order."""
    require(n < m)  # refused


@refused("two values of sort Role compared with <", "only ordinals")
def roles_in_order(s: S, n: Node) -> None:
    """Enums have no order."""
    require(s.role[n] >= Role.LEADER)  # refused


@refused("but Color.RED was given", "one of Role.FOLLOWER, Role.CANDIDATE, Role.LEADER")
def member_of_another_enum(s: S, n: Node) -> None:
    """A color is not a role."""
    s.role[n] = Color.RED  # refused


@refused("but Color.LEADER was given", "one of Role.FOLLOWER")
def member_spelled_alike(s: S, n: Node) -> None:
    """Members of two enums with one spelling are not equal."""
    require(s.role[n] == Color.LEADER)  # refused


@refused("but str 'LEADER' was given", "one of Role.FOLLOWER")
def text_for_a_member(s: S, n: Node) -> None:
    """A text is not a member."""
    require(s.role[n] == "LEADER")  # refused


@refused("-1 is negative", "0, 1, 2")
def negative_literal(s: S, n: Node) -> None:
    """Ordinals start at 0."""
    require(s.epoch[n] > -1)  # refused


@refused("0 - 1 is below 0", "guard the subtraction")
def difference_below_zero(s: S, n: Node) -> None:
    """A literal difference is not below 0."""
    s.epoch[n] = 0
    s.epoch[n] = s.epoch[n] - 1  # refused


@refused("but bool True was given", "give a Epoch")
def truth_as_number(s: S, n: Node) -> None:
    """A truth value is not a number."""
    s.epoch[n] = True  # refused


@refused("is a Bool, but epoch[n] is of sort Epoch", "give a Bool")
def number_as_truth(s: S, n: Node) -> None:
    """A number is not a truth value."""
    require(s.epoch[n])  # refused


@refused("used as a truth value", "compare it")
def number_in_if(s: S, n: Node) -> None:
    """Python's truth of numbers is not for terms."""
    if s.epoch[n]:  # refused
        s.epoch[n] = 0


@refused("but float 0.5 was given", "give a Epoch")
def fraction(s: S, n: Node) -> None:
    """There are no fractions."""
    s.epoch[n] = 0.5  # refused


@refused("is a number", "compare counts with integers only")
def count_as_epoch(s: S, n: Node) -> None:
    """A count has no ordinal sort."""
    s.epoch[n] = count(Node, lambda m: s.role[m] == Role.LEADER)  # refused


@refused("an operator that Number does not have", "is_quorum")
def count_times_two(s: S) -> None:
    """Majorities are a word of their own."""
    require(count(Node, lambda m: s.role[m] == Role.LEADER) * 2 > 3)  # refused


@refused("an operator that Bool does not have", "Not()")
def tilde(s: S, n: Node) -> None:
    """`~` does not work on plain truth values, so it is refused on terms."""
    require(~(s.role[n] == Role.LEADER))  # refused


# ---- options


@refused("the value of s.leader is a Node", "Node has no literals")
def number_as_option(s: S, n: Node) -> None:
    """An Option holds an element of its sort."""
    s.leader[n] = 1  # refused


@refused("argument 1 of s.epoch is a Node, but Option[Node]", "value_of(option)")
def option_as_element(s: S, n: Node) -> None:
    """An Option is not its element."""
    s.epoch[s.leader[n]] = 1  # refused


@refused("a Option[Node] used as a truth value", "an Option with NONE")
def option_as_truth(s: S, n: Node) -> None:
    """Node 0 would be false in Python."""
    if s.leader[n]:  # refused
        s.leader[n] = NONE


@refused("but NONE was given", "give a Epoch")
def none_as_epoch(s: S, n: Node) -> None:
    """Only an Option can be NONE."""
    s.epoch[n] = NONE  # refused


@refused("compared with == is a Epoch, but NONE was given", "give a Epoch")
def epoch_compared_with_none(s: S, n: Node) -> None:
    """Only an Option can be compared with NONE."""
    require(s.epoch[n] == NONE)  # refused


@refused("order or arithmetic on a Option[Node]", "value_of(option)")
def option_in_order(s: S, n: Node) -> None:
    """Options have no order."""
    require(s.leader[n] < n)  # refused


@refused("value_of(epoch[n])", "only an Option")
def value_of_no_option(s: S, n: Node) -> None:
    """Only an Option has a value to take out."""
    s.steps = value_of(s.epoch[n])  # refused


@refused("Option[Node] has no .value", "value_of(option)")
def field_of_option(s: S, n: Node) -> None:
    """An Option has no fields."""
    require(s.leader[n].value == n)  # refused


# ---- quantified variables


@refused("a chained comparison on the quantified", "(1 <= j) & (j <= n)")
def chained_comparison(s: S, n: Node) -> None:
    """A chain of comparisons is an `and`."""
    require(forall(Index, lambda j: implies(1 <= j <= s.log[n].length, s.log[n][j].epoch > 0)))  # refused


@refused("Python if, and, or, not", "use ite, &, |")
def and_on_quantified(s: S) -> None:
    """`and` on a quantified variable would take one branch for all values."""
    require(exists(Node, lambda m: s.role[m] == Role.LEADER and s.epoch[m] > 0))  # refused


@refused("Python if, and, or, not", "use ite, &, |")
def not_on_quantified(s: S) -> None:
    """The same for `not`."""
    require(forall(Node, lambda m: not s.role[m] == Role.LEADER))  # noqa: SIM201 # refused


@refused("Python if, and, or, not", "use ite, &, |")
def if_on_quantified(s: S, n: Node) -> None:
    """The same for the conditional expression, in a row."""
    s.match[n, :] = lambda m: 1 if m == n else 0  # refused


@refused("a guard on the quantified", "into the body")
def leaked_variable(s: S) -> None:
    """A quantified variable means nothing outside of its quantifier."""
    kept: list[Any] = []

    def keep(m: Any) -> Any:
        kept.append(m)
        return s.epoch[m] > 0

    require(exists(Node, keep))
    require(s.epoch[kept[0]] > 0)  # refused


@refused("forall over <class 'int'>", "quantify over a sort")
def quantified_over_int(s: S) -> None:
    """Python types are not sorts."""
    require(forall(int, lambda i: s.epoch[i] > 0))  # refused


@refused("forall over Vote", "s.network.forall")
def quantified_over_messages(s: S) -> None:
    """Messages are quantified over in their network."""
    require(forall(Vote, lambda m: m.epoch > 0))  # refused


@refused("forall with a body of 1 parameters", "it takes 2")
def wrong_number_of_variables(s: S) -> None:
    """A quantifier's body takes one parameter per sort."""
    require(forall(Node, Node, lambda a: s.epoch[a] > 0))  # refused


@refused("the body of forall is a Bool, but epoch", "give a Bool")
def body_without_truth_value(s: S) -> None:
    """A quantifier's body is a truth value."""
    require(forall(Node, lambda a: s.epoch[a]))  # refused


@refused("require inside forall", "into the body")
def guard_in_quantifier(s: S) -> None:
    """A guard is not a part of a condition."""
    require(forall(Node, lambda a: require(s.epoch[a] > 0)))  # refused


@refused("the inside forall", "take the element before")
def the_in_quantifier(s: S) -> None:
    """An element that depends on a quantified variable is not one element."""
    require(forall(Node, lambda a: the(Epoch, lambda e: e == s.epoch[a]) > 0))  # refused


@refused("a slice of s.match", "for a whole row")
def row_read(s: S, n: Node) -> None:
    """Rows are written, not read."""
    require(s.match[n, :] == 0)  # refused


__all__ = ["CASES"]
