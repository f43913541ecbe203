"""An action's decision tree as a plan of what to write where, and what all its paths have in common.

A path ends in assignments. What both branches of an IF assign alike is written once, after it; bounds that both have to respect
are tested once, before it. Nothing is moved out of the scope of a witness on which it depends.
"""

from collections.abc import Iterator, Mapping

from attrs import field, frozen

from model.engines.export.layout import Doc


@frozen(eq=False)
class Piece:
    """A guard or a new value: its text, and the witnesses (ids) that occur in it."""

    doc: Doc
    witnesses: frozenset[int]

    @property
    def text(self) -> str:
        """The whole text on one line."""
        return self.doc.flat


@frozen(eq=False)
class Leaf:
    """The end of a path: bounds to respect, and new values by variable, in the order of writing. `dead`: never enabled."""

    limits: tuple[Piece, ...] = ()
    values: Mapping[str, Piece] = field(factory=dict)
    dead: bool = False


@frozen(eq=False)
class Fork:
    """A Python `if`."""

    condition: Doc
    then: "Plan"
    otherwise: "Plan"


@frozen(eq=False)
class Bound:
    """A witness: the head of a quantifier (`\\E x \\in Index :`) or a definition, its own condition, and the rest in its scope."""

    witness: int
    head: str
    conditions: tuple[Doc, ...]
    definition: tuple[str, Doc] | None
    lets: tuple[tuple[str, Doc], ...]
    rest: "Plan"


@frozen(eq=False)
class Plan:
    """Guards in order, and how it goes on."""

    guards: tuple[Doc, ...]
    end: Leaf | Fork | Bound


def leaves(plan: Plan) -> Iterator[Leaf]:
    """The ends of the paths that can be enabled."""
    if isinstance(plan.end, Leaf):
        if not plan.end.dead:
            yield plan.end
    elif isinstance(plan.end, Fork):
        yield from leaves(plan.end.then)
        yield from leaves(plan.end.otherwise)
    else:
        yield from leaves(plan.end.rest)


def witnesses(plan: Plan) -> frozenset[int]:
    """The witnesses that are introduced inside of a plan."""
    if isinstance(plan.end, Fork):
        return witnesses(plan.end.then) | witnesses(plan.end.otherwise)
    return witnesses(plan.end.rest) | {plan.end.witness} if isinstance(plan.end, Bound) else frozenset()


def common_values(plan: Plan) -> dict[str, Piece]:
    """New values that every path of a plan gives, and that can be written outside of it."""
    ends, inside = list(leaves(plan)), witnesses(plan)
    first = ends[0].values if ends else {}
    return {
        name: piece
        for name, piece in first.items()
        if not piece.witnesses & inside and all(_text(e.values.get(name)) == piece.text for e in ends)
    }


def common_limits(plan: Plan) -> tuple[Piece, ...]:
    """Bounds that every path of a plan has to respect, and that can be tested before it."""
    ends, inside = list(leaves(plan)), witnesses(plan)
    first = ends[0].limits if ends else ()
    return tuple(
        piece
        for piece in first
        if not piece.witnesses & inside and all(piece.text in [other.text for other in e.limits] for e in ends)
    )


def assigned(plan: Plan) -> dict[str, None]:
    """The variables that some path of a plan writes, in order of appearance."""
    return {name: None for leaf in leaves(plan) for name in leaf.values}


def _text(piece: Piece | None) -> str | None:
    return None if piece is None else piece.text
