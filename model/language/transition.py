"""What tracing a spec gives: actions as data over one graph of terms.

An action is traced once per path through its Python `if`s. The paths of an action are disjoint and together they are the
action, so an enabled (action, arguments) has exactly one path and one successor. Everything refers to the state *before* the
step: reads after writes have been resolved.
"""

from collections.abc import Mapping

from attrs import field, frozen

from model.language.graph import Graph, Term
from model.language.primitives import Function, Network
from model.language.spec import Action, Parameter, Spec
from model.language.words import Property


@frozen(eq=False)
class Guard:
    """A condition of a path, in the author's order: a `require`, or with `fork` the outcome of a Python `if`."""

    term: Term
    where: str
    fork: bool = False


@frozen(eq=False)
class Witness:
    """A value that the state determines: `var` is *the* element of its sort that satisfies `body`.

    `kind` is `the`: `body` is over `var` itself; without such an element the action is disabled, with two the spec is wrong.
    `kind` is `quorum`: `bound` is a node, and `var` is the set of nodes that satisfy `body`; if that is no majority the
    action is disabled.
    """

    var: Term
    kind: str
    bound: Term
    body: Term
    where: str


@frozen(eq=False)
class Update:
    """`function[index] := value`, for all values of the `bound` variables (wildcards), which occur in `index`.

    The updates of one function apply in order: a later one wins. `value` refers to the state before the step.
    """

    function: str
    index: tuple[Term, ...]
    bound: tuple[Term, ...]
    value: Term
    where: str


@frozen(eq=False)
class Send:
    """A message is sent: its fields."""

    network: str
    fields: tuple[Term, ...]
    where: str


@frozen(eq=False)
class Receive:
    """One copy of a message is taken out of a bag. That it is there is among the guards, or it is a parameter."""

    network: str
    fields: tuple[Term, ...]
    where: str


@frozen(eq=False)
class Forget:
    """The messages, with fields `bound`, that satisfy `body` are removed."""

    network: str
    bound: tuple[Term, ...]
    body: Term
    where: str


Condition = Guard | Witness
Effect = Send | Receive | Forget


@frozen(eq=False)
class Transition:
    """One path of an action.

    `updates` by primitive function, in the order of the first write; `effects` on networks in order; `locals` are the
    author's local variables at the end of the path, for exporters that print LET.
    """

    action: str
    path: int
    conditions: tuple[Condition, ...]
    updates: Mapping[str, tuple[Update, ...]]
    effects: tuple[Effect, ...]
    locals: Mapping[str, Term]

    @property
    def guards(self) -> tuple[Guard, ...]:
        """The conditions without the witnesses."""
        return tuple(c for c in self.conditions if isinstance(c, Guard))

    @property
    def witnesses(self) -> tuple[Witness, ...]:
        """The values that the path determines, in order."""
        return tuple(c for c in self.conditions if isinstance(c, Witness))

    @property
    def changes_nothing(self) -> bool:
        """Whether the path is a stutter."""
        return not self.updates and not self.effects


@frozen(eq=False)
class Block:
    """A node of an action's decision tree: conditions in order, then a fork, the end of a path, or nothing (never enabled).

    With a `fork` (a Python `if`), `then` and `otherwise` go on; else `transition` is the path that ends here, or None.
    """

    conditions: tuple[Condition, ...]
    fork: Guard | None = None
    then: "Block | None" = None
    otherwise: "Block | None" = None
    transition: Transition | None = None


@frozen(eq=False)
class SymbolicParameter:
    """A parameter of an action: its variables, one per component (a message has one per field)."""

    parameter: Parameter
    variables: tuple[Term, ...]


@frozen(eq=False)
class TracedAction:
    """An action: parameters, paths in order (the `then` branch first), and the same as a tree with common prefixes merged."""

    action: Action
    parameters: tuple[SymbolicParameter, ...]
    transitions: tuple[Transition, ...]
    tree: Block

    @property
    def name(self) -> str:
        """The action's name."""
        return self.action.name


@frozen(eq=False)
class TracedProperty:
    """A property as one term. Of a `step` property, primed functions and networks are the second state."""

    property: Property
    term: Term


@frozen(eq=False)
class RuleCall:
    """A term that is the result of a rule applied to values (the components of the arguments, in order)."""

    rule: str
    arguments: tuple[Term, ...]


@frozen(eq=False)
class RuleDefinition:
    """A rule as an operator: formal parameters and body. Replacing formals by a call's arguments gives the call's term."""

    rule: str
    formals: tuple[Term, ...]
    body: Term


@frozen(eq=False)
class TracedSpec:
    """A spec as data. `initial` and `initial_effects` start from the default of every function and from empty networks."""

    spec: Spec
    graph: Graph = field(repr=False)
    functions: Mapping[str, Function]
    networks: Mapping[str, Network]
    initial: Mapping[str, tuple[Update, ...]]
    initial_effects: tuple[Effect, ...]
    actions: tuple[TracedAction, ...]
    properties: tuple[TracedProperty, ...]
    rules: Mapping[str, tuple[RuleDefinition, ...]]
