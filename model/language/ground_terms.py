"""Source text for ground terms: how a language writes operations, and names, intervals and expressions that all of them share."""

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import define, field, frozen

from model.language.graph import Number, Term, bound_of
from model.language.layout import UNSET, Layout, Region
from model.language.sorts import Abstract, Quorum, default

UNLIMITED = 1 << 30
DEEPEST = 40
"""An expression that is nested more deeply is cut into locals: Python's parser and our recursion have limits."""


def values_of(sort: Any, layout: Layout) -> tuple[int, int]:
    """The least and the greatest ground value of a sort within the bounds."""
    if sort is Number:
        return 0, UNLIMITED
    unset = UNSET if issubclass(sort, Abstract | Quorum) else 0
    return unset, len(layout.codec.domain(sort)) - 1


def span(term: Term, layout: Layout, deepest: int = DEEPEST) -> tuple[int, int]:
    """An interval that contains every value of a ground term; a wide one for terms that are nested very deeply."""
    if term.op == "const":
        return int(term.args[0]), int(term.args[0])
    if term.op in ("add", "sub", "ite") and deepest == 0:
        return -UNLIMITED, UNLIMITED
    if term.op in ("add", "sub"):
        (a, b), (c, d) = (span(arg, layout, deepest - 1) for arg in term.args)
        return (a + c, b + d) if term.op == "add" else (a - d, b - c)
    if term.op == "ite":
        (a, b), (c, d) = (span(arg, layout, deepest - 1) for arg in term.args[1:])
        return min(a, c), max(b, d)
    return (0, len(term.args)) if term.op == "sum" else values_of(term.sort, layout)


@define
class Names:
    """What terms are called in the text: locals, loop variables, fields of messages."""

    text: dict[int, str] = field(factory=dict)
    last: int = 0

    def fresh(self, letter: str) -> str:
        """A name that is not in use."""
        self.last += 1
        return f"{letter}{self.last}"


@frozen
class Notation:
    """How a programming language writes operations on ground values.

    `infix`: between the operands; `forms`: around them; `unless`: that something is false, for a condition of its own; `within`: that x
    is from low on and below high.
    """

    infix: Mapping[str, str]
    forms: Mapping[str, str]
    unless: str
    within: str


ARITHMETIC = {"add": " + ", "sub": " - ", "sum": " + ", "eq": " == ", "lt": " < ", "le": " <= "}
"""What Python and C write alike."""

PYTHON = Notation(
    infix={**ARITHMETIC, "and": " and ", "or": " or "},
    forms={
        "not": "(not {0})",
        "implies": "(not {0} or {1})",
        "ite": "({1} if {0} else {2})",
        "member": "({1} >= 0 and {0} in QUORUMS[{1}])",
    },
    unless="not {0}",
    within="{low} <= {x} < {high}",
)


class Expressions:
    """Terms as expressions of Python. For another language `notation` and the methods that speak of states are different."""

    notation = PYTHON

    def __init__(self, layout: Layout) -> None:
        self.layout = layout

    def text(self, term: Term, names: Names) -> str:
        """One expression; `names` says what is a local already."""
        known = names.text.get(term.id)
        if known is not None:
            return known
        if term.op in self.notation.infix:
            return "(" + self.notation.infix[term.op].join(self.text(a, names) for a in term.args) + ")"
        if term.op in self.notation.forms:
            return self.notation.forms[term.op].format(*(self.text(a, names) for a in term.args))
        match term.op:
            case "const":
                return self.constant(term.args[0])
            case "leaf":
                return self.leaf(term)
            case "contains":
                return self.contains(term, names)
            case "forall_in" | "exists_in":
                return self.messages(term, names)
            case _:
                return self.select(term, names)

    def constant(self, value: Any) -> str:
        """A ground value."""
        return repr(value)

    def leaf(self, term: Term) -> str:
        """What is at a place of the state, or of the next one."""
        place, primed = term.args
        return self.at(str(place), primed=primed)

    def at(self, place: str, *, primed: bool) -> str:
        """The same for an expression that says which place."""
        return f"{'t' if primed else 's'}[{place}]"

    def message(self, fields: Iterable[Term], names: Names) -> str:
        """A message as a tuple of its components."""
        return "(" + "".join(f"{self.text(f, names)}, " for f in fields) + ")"

    def contains(self, term: Term, names: Names) -> str:
        """Whether a network contains a message."""
        return f"({self.message(term.args[1:], names)} in {self._network(term.args[0])})"

    def _network(self, name: str) -> str:
        return f"{'t' if name.endswith(chr(39)) else 's'}[{self.layout.networks[name.removesuffix(chr(39))]}]"

    def messages(self, term: Term, names: Names) -> str:
        """Whether something is true of all messages, or of one."""
        loop, inner = self.loop(bound_of(term), names)
        word = "all" if term.op == "forall_in" else "any"
        return f"{word}({self.text(term.args[-1], inner)} for {loop} in {self._network(term.args[0])})"

    def loop(self, variables: tuple[Term, ...], names: Names) -> tuple[str, Names]:
        """A loop variable for a message, and the names in the loop's body."""
        variable = names.fresh("x")
        inner = Names({**names.text, **{v.id: f"{variable}[{i}]" for i, v in enumerate(variables)}}, names.last)
        return variable, inner

    def select(self, term: Term, names: Names) -> str:
        """A function's value, the default where the index is not within its domain."""
        name, *index = term.args
        region = self.layout.regions[name.removesuffix("'")]
        place, inside = self.place(region, tuple(index), names)
        leaf = self.at(place, primed=name.endswith("'"))
        if not inside:
            return leaf
        result = region.function.result
        other = self.constant(self.layout.codec.encode(default(result), result))
        return self.notation.forms["ite"].format(self.notation.infix["and"].join(inside), leaf, other)

    def place(self, region: Region, index: tuple[Term, ...], names: Names) -> tuple[str, list[str]]:
        """The leaf's place as an expression, and what must hold for the index to be within the domain."""
        fixed, parts, inside = region.base, [], []
        for term, first, size, stride in zip(index, region.firsts, region.sizes, region.strides, strict=True):
            fixed -= first * stride
            if term.op == "const":
                fixed += term.args[0] * stride
            else:
                text = self.text(term, names)
                parts.append(text if stride == 1 else f"{text} * {stride}")
            low, high = span(term, self.layout)
            if low < first or high >= first + size:
                x = self.text(term, names)
                inside.append(self.notation.within.format(low=first, x=x, high=first + size))
        return " + ".join([*parts, *([str(fixed)] if fixed or not parts else [])]).replace("+ -", "- "), inside
